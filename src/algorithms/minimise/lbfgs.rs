//! Limited-memory BFGS as GMIN runs it: capped quasi-Newton steps, no line search.
//!
//! The inverse Hessian is the two-loop recursion over the last `memory` pairs (s, y) on the diagonal |y·s / y·y| of the last pair
//! (0.1 before there is one; that first step is scaled by min(1/|g|, |g|)). A direction uphill is reversed, a step is capped to
//! `max_step`, and one that raises the energy by more than 1e-10 is cut by ten, up to ten times; then the memory is cleared.
//! A potential that offers a preconditioner M has M⁻¹ (y·s / y·M⁻¹y) in place of that diagonal, M taken anew every 50 iterations; pairs along which the
//! energy curves down are left out there. Not on the ways down from a transition state, which follow steepest descent.
//! Cost: one gradient and 4·memory·n flops an iteration. Fails by stalling where rounding hides the descent.
//!
//! References: D. C. Liu, J. Nocedal, Math. Program. 45, 503 (1989), doi:10.1007/BF01589116; D. J. Wales, GMIN (mylbfgs).

use super::super::Termination;
use super::super::evaluator::Evaluator;
use super::{MinimiseOptions, State, default_max_step, default_memory};
use crate::base::Result;
use crate::math::matrix::{add_scaled, dot, norm};
use crate::potentials::Preconditioner;
use std::collections::VecDeque;

/// A rise of the energy that is let pass: rounding, not an uphill step.
const ENERGY_RISE: f64 = 1e-10;
const FIRST_DIAGONAL: f64 = 0.1;
const MOST_CUTS: usize = 10;
/// Iterations after which the preconditioner is taken anew: with 20 or 200 as many gradients, with the first one for good half as many again.
const RENEWED: usize = 50;

/// The inverse Hessian of the last steps.
pub struct Memory {
    pairs: VecDeque<Pair>,
    size: usize,
    alpha: Vec<f64>,
}

struct Pair {
    s: Vec<f64>,
    y: Vec<f64>,
    ys: f64,
}

impl Memory {
    pub fn new(size: usize) -> Memory {
        Memory { pairs: VecDeque::with_capacity(size), size, alpha: vec![0.0; size] }
    }

    pub fn clear(&mut self) {
        self.pairs.clear();
    }

    /// `step` = −H⁻¹ g by the two-loop recursion on GMIN's diagonal.
    pub fn direction(&mut self, g: &[f64], step: &mut [f64]) {
        let diagonal = match self.pairs.back() {
            Some(last) => (last.ys / dot(&last.y, &last.y)).abs(),
            None => {
                let length = norm(g);
                FIRST_DIAGONAL * if length > 0.0 { (1.0 / length).min(length) } else { 1.0 }
            }
        };
        self.direction_from(g, step, |step| step.iter_mut().for_each(|d| *d *= diagonal));
    }

    /// The same on M⁻¹, as long as the last pair says.
    fn preconditioned(&mut self, m: &mut dyn Preconditioner, g: &[f64], step: &mut [f64]) {
        let scale = self.pairs.back().map_or(1.0, |last| {
            let mut y = last.y.clone();
            m.power(-1.0, &mut y);
            last.ys / dot(&last.y, &y)
        });
        self.direction_from(g, step, |step| {
            m.power(-1.0, step);
            step.iter_mut().for_each(|d| *d *= scale);
        });
    }

    /// The same on any first approximation of H⁻¹, which `inverse` multiplies its argument by.
    pub fn direction_from(&mut self, g: &[f64], step: &mut [f64], inverse: impl FnOnce(&mut [f64])) {
        for (d, g) in step.iter_mut().zip(g) {
            *d = -g;
        }
        for (pair, alpha) in self.pairs.iter().zip(&mut self.alpha).rev() {
            *alpha = dot(&pair.s, step) / pair.ys;
            add_scaled(step, -*alpha, &pair.y);
        }
        inverse(step);
        for (pair, alpha) in self.pairs.iter().zip(&self.alpha) {
            let beta = dot(&pair.y, step) / pair.ys;
            add_scaled(step, alpha - beta, &pair.s);
        }
    }

    /// Remembers the step s and the change y of the gradient; the oldest pair makes room and lends its memory.
    pub fn push(&mut self, s: impl Iterator<Item = f64>, y: impl Iterator<Item = f64>) {
        let mut pair = if self.pairs.len() == self.size { self.pairs.pop_front() } else { None }.unwrap_or(Pair {
            s: Vec::new(),
            y: Vec::new(),
            ys: 0.0,
        });
        pair.s.clear();
        pair.s.extend(s);
        pair.y.clear();
        pair.y.extend(y);
        pair.ys = dot(&pair.y, &pair.s);
        // GMIN's rule: a pair without information counts as one of unit curvature.
        if pair.ys == 0.0 {
            pair.ys = 1.0;
        }
        if dot(&pair.y, &pair.y) > 0.0 {
            self.pairs.push_back(pair);
        }
    }

    /// The same where the energy curves up along the step; otherwise the pair is left out, and the inverse Hessian stays positive definite.
    pub fn push_convex(&mut self, s: Vec<f64>, y: Vec<f64>) {
        if dot(&s, &y) > 0.0 {
            self.push(s.into_iter(), y.into_iter());
        }
    }
}

/// Runs until the RMS gradient is at most `until`.
pub(super) async fn lbfgs(
    evaluator: &mut Evaluator<'_>,
    state: &mut State,
    options: &MinimiseOptions,
    until: f64,
    first_cap: Option<f64>,
) -> Result<Termination> {
    let n = state.x.len();
    let longest = options.max_step.unwrap_or_else(|| default_max_step(evaluator.potential));
    let mut cap = first_cap.unwrap_or(longest).min(longest);
    let mut memory = Memory::new(options.memory.unwrap_or_else(|| default_memory(evaluator.potential)));
    let (mut step, mut x, mut g) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
    let mut preconditioner = None;
    let mut fruitless = 0;
    loop {
        if state.rms() <= until {
            return Ok(Termination::Converged);
        }
        if state.iterations >= options.max_iterations {
            return Ok(Termination::MaxIterations);
        }
        if options.preconditioned && first_cap.is_none() && state.iterations.is_multiple_of(RENEWED) {
            preconditioner = evaluator.potential.preconditioner(&state.x);
        }
        match preconditioner.as_deref_mut() {
            Some(m) => memory.preconditioned(m, &state.gradient, &mut step),
            None => memory.direction(&state.gradient, &mut step),
        }
        let uphill = dot(&step, &state.gradient) > 0.0;
        let length = norm(&step);
        let mut scale = if length > cap { cap / length } else { 1.0 };
        if uphill {
            scale = -scale;
        }
        let mut energy = f64::NAN;
        let mut accepted = false;
        for cut in 0..=MOST_CUTS {
            for i in 0..n {
                x[i] = state.x[i] + scale * step[i];
            }
            energy = evaluator.gradient(&x, &mut g).await?;
            if energy.is_finite() && energy - state.energy <= ENERGY_RISE {
                accepted = true;
                break;
            }
            if cut < MOST_CUTS {
                scale *= 0.1;
                state.step_cuts += 1;
            }
        }
        state.iterations += 1;
        if !accepted {
            memory.clear();
            state.resets += 1;
            fruitless += 1;
            // Ten cuts of a fresh steepest-descent step and still no descent: rounding is all that is left.
            if fruitless > 2 {
                return Ok(if energy.is_finite() { Termination::Stalled } else { Termination::NotFinite });
            }
            continue;
        }
        fruitless = 0;
        if preconditioner.is_none() || scale * (dot(&step, &g) - dot(&step, &state.gradient)) > 0.0 {
            memory.push(step.iter().map(|d| scale * d), g.iter().zip(&state.gradient).map(|(new, old)| new - old));
        }
        state.accept(&mut x, &mut g, energy, (scale * length).abs());
        cap = (1.1 * cap).min(longest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_loops_give_newtons_step_on_a_quadratic() {
        // With n independent exact pairs the inverse Hessian is exact: direction = −A⁻¹ g.
        let curvatures = [1.0, 4.0, 25.0];
        let mut memory = Memory::new(3);
        for k in 0..3 {
            let unit = |i: usize| f64::from(i == k);
            memory.push((0..3).map(unit), (0..3).map(|i| curvatures[i] * unit(i)));
        }
        let mut step = [0.0; 3];
        memory.direction(&[2.0, -3.0, 5.0], &mut step);
        for (s, expected) in step.iter().zip([-2.0, 0.75, -0.2]) {
            assert!((s - expected).abs() < 1e-14, "{s} {expected}");
        }
    }

    #[test]
    fn first_step_is_gmins() {
        // Diagonal 0.1, scaled by min(1/|g|, |g|): |g| = 5 gives 0.1/5, |g| = 0.5 gives 0.1·0.5.
        let mut memory = Memory::new(4);
        let mut step = [0.0; 2];
        memory.direction(&[3.0, 4.0], &mut step);
        assert!((norm(&step) - 0.1).abs() < 1e-15);
        memory.direction(&[0.3, 0.4], &mut step);
        assert!((norm(&step) - 0.025).abs() < 1e-15);
    }
}
