//! Transition states: uphill along the softest mode, downhill in all others.
//!
//! `hybrid` (Munro & Wales 1999): the lowest eigenpair (λ, e) of the Hessian, dense for small problems and by Lanczos on Hessian-vector
//! products otherwise; an uphill step 2(g·e)/(|λ|(1+√(1+4(g·e/λ)²))) along e while λ < 0, a step of the full cap while λ > 0; the cap
//! adapts by 1.1 to how well λ foretells the change of slope; then LBFGS steps in the tangent space, 15 before the eigenvector has settled
//! (overlap > 0.9999), 100 after. Once e turns little from one position to the next, it serves two uphill steps (why: docs/benchmarks.md).
//! With a dense Hessian the last steps are those of `eigenvector_following` (Cerjan & Miller 1981; P-RFO): at every step the same uphill
//! step along e and a trust-region Newton step downhill in the complement; quadratic convergence.
//! Near the transition state one Hessian serves several steps: LBFGS goes on in the tangent space from its shifted inverse while the
//! gradient falls.
//! Cost: a Hessian (or some ten products) and 10 to 100 gradients an iteration; eigenvector_following one Hessian and one gradient.
//! Fails where the softest mode of the start leads elsewhere: that is a value whose termination says so.
//!
//! References: L. J. Munro, D. J. Wales, Phys. Rev. B 59, 3969 (1999), doi:10.1103/PhysRevB.59.3969; C. J. Cerjan, W. H. Miller,
//! J. Chem. Phys. 75, 2800 (1981), doi:10.1063/1.442352; OPTIM (BFGSTS).

use super::curvature::{Frame, curvature, iterative_mode};
use super::evaluator::{Evaluator, check_position, check_start, now};
use super::gather::{TOGETHER, gather};
use super::minimise::lbfgs::Memory;
use super::minimise::{default_max_step, default_memory};
use super::{Saddle, StationaryPoint, Termination};
use crate::base::{Error, Result, Run};
use crate::math::matrix::{add_scaled, difference, dot, norm, rms};
use crate::potentials::{Family, Potential};

crate::choices! {
    /// How `transition_state` moves.
    pub enum SaddleMethod {
        /// Hybrid eigenvector-following: uphill steps, then minimisation in the tangent space.
        Hybrid = "hybrid",
        /// Eigenvector-following with the dense Hessian at every step.
        EigenvectorFollowing = "eigenvector_following",
    }
}

crate::options! {
    /// Options of `transition_state`.
    pub struct TransitionStateOptions {
        /// How to move.
        method: SaddleMethod = SaddleMethod::Hybrid, ANY, "";
        /// RMS gradient at which the search has converged.
        tolerance: f64 = 1e-9, POSITIVE, "energy per length";
        /// Largest number of iterations.
        max_iterations: usize = 500, NOT_NEGATIVE, "";
        /// First cap of the uphill step.
        max_step: Option<f64> = None => "0.2 for networks and clusters, 0.05 for surfaces", POSITIVE, "length";
        /// Index of the stationary point looked for: above 1, every one of that many modes is climbed by `eigenvector_following`.
        index: usize = 1, AT_LEAST_ONE, "";
        /// Energy below which the climb is given up (termination `too_low`).
        floor: Option<f64> = None => "none", ANY, "energy";
        /// The direction in which to climb first.
        direction: Option<Vec<f64>> = None => "the softest mode", ANY, "";
    }
}

/// RMS gradient below which the hybrid hands over to full second order, where the Hessian is dense.
const SECOND_ORDER_BELOW: f64 = 1e-2;
/// Further steps that one Hessian may serve, and what each must bring the gradient down by.
const COASTING: usize = 30;
const FALL: f64 = 0.9;
/// Overlap of successive eigenvectors above which the mode has settled; LBFGS steps in the tangent space before and after.
const SETTLED: f64 = 0.9999;
const TANGENT_STEPS: [usize; 2] = [15, 100];
/// The same above which a mode serves a second uphill step.
const STEADY: f64 = 0.7;

/// Climbs from `start` to a stationary point with exactly one negative Hessian eigenvalue (or `index` of them).
///
/// Errors: an index beyond the dimension; a start or direction that does not fit or is not finite; a run that is stopped. Ending elsewhere is a value.
pub fn transition_state(run: &Run, potential: &dyn Potential, start: &[f64], options: &TransitionStateOptions) -> Result<Saddle> {
    now(search(Evaluator::new(run, potential), start, options))
}

/// The same from many starts side by side, their evaluations gathered into batches: every result is that of [`transition_state`], bit for bit.
pub fn transition_state_batch(
    run: &Run,
    potential: &dyn Potential,
    starts: &[Vec<f64>],
    options: &TransitionStateOptions,
) -> Result<Vec<Saddle>> {
    let all = gather(run, potential, starts.len(), TOGETHER, |k, evaluator| search(evaluator, &starts[k], options));
    all.into_iter().collect()
}

async fn search(mut evaluator: Evaluator<'_>, start: &[f64], options: &TransitionStateOptions) -> Result<Saddle> {
    let (run, potential) = (evaluator.run(), evaluator.potential);
    if let Some(direction) = &options.direction {
        check_position("transition_state", "direction", potential, direction)?;
        if norm(direction) == 0.0 {
            return Err(Error::value("transition_state: option `direction` has length 0").at("direction"));
        }
    }
    if options.index > potential.dimension() {
        let most = potential.dimension();
        return Err(Error::value(format!(
            "transition_state: option `index` is {}, but the potential has {most} coordinates",
            options.index
        ))
        .at("index")
        .hint(format!("give 1 to {most}")));
    }
    let mut climb = Climb::begin(&mut evaluator, start, options).await?;
    let mut termination = climb.go(&mut evaluator, options).await?;
    let here = if climb.dense && termination == Termination::Converged {
        climb.frame.curvature()
    } else {
        curvature(run, potential, &climb.x)?
    };
    if termination == Termination::Converged {
        if potential.evaporated(&climb.x) {
            termination = Termination::Evaporated;
        } else if here.index != options.index {
            termination = Termination::Index(here.index);
        }
    }
    let rms_gradient = rms(&climb.g);
    Ok(Saddle {
        point: StationaryPoint { position: climb.x, energy: climb.energy, rms_gradient, curvature: here },
        eigenvalue: climb.eigenvalue,
        eigenvector: climb.mode,
        lowest: climb.lowest,
        iterations: climb.iterations,
        evaluations: evaluator.count,
        hessians: evaluator.hessians,
        termination,
    })
}

/// A climb on its way.
struct Climb<'a> {
    x: Vec<f64>,
    g: Vec<f64>,
    energy: f64,
    /// The lowest energy so far.
    lowest: f64,
    /// The mode followed, of length 1, and its curvature.
    mode: Vec<f64>,
    eigenvalue: f64,
    overlap: f64,
    /// Hybrid steps taken with this mode.
    served: usize,
    cap: f64,
    longest: f64,
    iterations: usize,
    frame: Frame<'a>,
    dense: bool,
    /// Whether every step is of second order.
    second_order: bool,
    /// Modes that are climbed.
    index: usize,
    /// The part of g in the tangent space; the next step, position and gradient: memory that every iteration uses anew.
    side: Vec<f64>,
    next: [Vec<f64>; 3],
}

impl<'a> Climb<'a> {
    async fn begin(evaluator: &mut Evaluator<'a>, start: &[f64], options: &TransitionStateOptions) -> Result<Climb<'a>> {
        let potential = evaluator.potential;
        let mut g = vec![0.0; potential.dimension()];
        let energy = check_start("transition_state", evaluator, start, &mut g).await?;
        let first = if potential.family() == Family::Surface { 0.05 } else { 0.2 };
        let cap = options.max_step.unwrap_or(first);
        let second_order = options.method == SaddleMethod::EigenvectorFollowing || options.index > 1;
        let dense = potential.prefers_dense_hessian() || second_order;
        Ok(Climb {
            x: start.to_vec(),
            g,
            energy,
            lowest: energy,
            mode: options.direction.clone().unwrap_or_default(),
            eigenvalue: f64::NAN,
            overlap: 0.0,
            served: 0,
            cap,
            longest: 2.0 * cap,
            iterations: 0,
            frame: Frame::new(potential),
            dense,
            second_order,
            index: options.index,
            side: vec![0.0; start.len()],
            next: std::array::from_fn(|_| vec![0.0; start.len()]),
        })
    }

    async fn go(&mut self, evaluator: &mut Evaluator<'a>, options: &TransitionStateOptions) -> Result<Termination> {
        loop {
            if !self.energy.is_finite() || !rms(&self.g).is_finite() {
                return Ok(Termination::NotFinite);
            }
            self.lowest = self.lowest.min(self.energy);
            if options.floor.is_some_and(|floor| self.energy < floor) {
                return Ok(Termination::TooLow);
            }
            let converged = rms(&self.g) <= options.tolerance;
            if !converged && self.iterations >= options.max_iterations {
                return Ok(Termination::MaxIterations);
            }
            let low = rms(&self.g) < SECOND_ORDER_BELOW;
            let serves_again = self.served == 1 && self.eigenvalue < 0.0 && self.overlap > STEADY && !(self.dense && low);
            if converged || !serves_again {
                self.find_mode(evaluator, self.iterations == 0 && options.direction.is_some() && !converged).await?;
            }
            if converged {
                return Ok(Termination::Converged);
            }
            let near = self.eigenvalue < 0.0 && low && self.overlap > 0.9;
            if self.second_order || (self.dense && near) {
                self.second_order_step(evaluator, options.tolerance).await?;
            } else {
                self.hybrid_step(evaluator, options.tolerance).await?;
            }
            self.iterations += 1;
        }
    }

    /// The lowest eigenpair at x, its sign that of the mode before. `keep` holds on to a direction that was asked for.
    async fn find_mode(&mut self, evaluator: &mut Evaluator<'a>, keep: bool) -> Result<()> {
        self.served = 0;
        if self.dense {
            self.frame.compute(evaluator, &self.x).await?;
        }
        if keep {
            let length = norm(&self.mode);
            self.mode.iter_mut().for_each(|m| *m /= length);
            let mut curved = vec![0.0; self.x.len()];
            evaluator.hessian_vector(&self.x, &self.mode, &mut curved).await?;
            self.eigenvalue = dot(&self.mode, &curved);
            return Ok(());
        }
        let (value, mut vector) =
            if self.dense { self.frame.lowest() } else { iterative_mode(evaluator, &self.x, &self.mode).await? };
        let overlap = if self.mode.is_empty() { 0.0 } else { dot(&self.mode, &vector) };
        if overlap < 0.0 {
            vector.iter_mut().for_each(|v| *v = -*v);
        }
        self.overlap = overlap.abs();
        self.eigenvalue = value;
        self.mode = vector;
        Ok(())
    }

    /// Length of the uphill step along the mode, signed.
    fn uphill(&self) -> f64 {
        let along = dot(&self.g, &self.mode);
        if self.eigenvalue < 0.0 {
            let ratio = along / self.eigenvalue;
            let step = 2.0 * along / (self.eigenvalue.abs() * (1.0 + (1.0 + 4.0 * ratio * ratio).sqrt()));
            step.clamp(-self.cap, self.cap)
        } else {
            self.cap.copysign(along)
        }
    }

    /// One uphill step, then LBFGS in the tangent space.
    async fn hybrid_step(&mut self, evaluator: &mut Evaluator<'a>, tolerance: f64) -> Result<()> {
        let n = self.x.len();
        self.served += 1;
        let step = self.uphill();
        let before = dot(&self.g, &self.mode);
        add_scaled(&mut self.x, step, &self.mode);
        self.energy = evaluator.gradient(&self.x, &mut self.g).await?;
        if step != 0.0 {
            let measured = (dot(&self.g, &self.mode) - before) / step;
            let miss = (measured / self.eigenvalue - 1.0).abs();
            self.cap = if miss > 2.0 { self.cap / 1.1 } else { (1.1 * self.cap).min(self.longest) };
        }
        let longest = default_max_step(evaluator.potential).min(2.0 * self.longest);
        let steps = TANGENT_STEPS[usize::from(self.overlap > SETTLED)];
        let mut memory = Memory::new(default_memory(evaluator.potential).min(20));
        let [mut down, mut x, mut g] = std::mem::take(&mut self.next);
        let side = &mut self.side;
        side.copy_from_slice(&self.g);
        project(side, &self.mode);
        // Tighter than the slope along the mode there is no use in being before the mode is looked at again.
        let enough = (0.1 * rms(&self.g)).max(0.5 * tolerance);
        for _ in 0..steps {
            if rms(side) <= enough {
                break;
            }
            memory.direction(side, &mut down);
            project(&mut down, &self.mode);
            let length = norm(&down);
            let mut scale = if length > longest { longest / length } else { 1.0 };
            if dot(&down, side) > 0.0 {
                scale = -scale;
            }
            let mut energy = f64::NAN;
            for _ in 0..10 {
                for i in 0..n {
                    x[i] = self.x[i] + scale * down[i];
                }
                energy = evaluator.gradient(&x, &mut g).await?;
                if energy.is_finite() && energy - self.energy <= 1e-10 {
                    break;
                }
                scale *= 0.1;
            }
            if !energy.is_finite() {
                break;
            }
            std::mem::swap(&mut self.g, &mut g);
            // g holds the old part in the tangent space from here on.
            std::mem::swap(side, &mut g);
            side.copy_from_slice(&self.g);
            project(side, &self.mode);
            memory.push(down.iter().map(|d| scale * d), side.iter().zip(&g).map(|(new, old)| new - old));
            std::mem::swap(&mut self.x, &mut x);
            self.energy = energy;
        }
        self.next = [down, x, g];
        Ok(())
    }

    /// One step uphill along the mode and Newton-like downhill in its complement, refused where the energy behaves otherwise than foretold.
    async fn second_order_step(&mut self, evaluator: &mut Evaluator<'a>, tolerance: f64) -> Result<()> {
        let n = self.x.len();
        let [mut step, mut x, mut g] = std::mem::take(&mut self.next);
        loop {
            let taken = self.frame.saddle_step(&self.g, self.cap, self.index, &mut self.mode, &mut step);
            for i in 0..n {
                x[i] = self.x[i] + step[i];
            }
            let energy = evaluator.gradient(&x, &mut g).await?;
            // Up and down may cancel: what the model is wrong by is measured by both.
            let [up, down] = taken.predicted;
            let foretold = up.abs() + down.abs();
            let rounding = 1e-11 * self.energy.abs().max(1e-3);
            let miss = if foretold > rounding { (energy - self.energy - up - down).abs() / foretold } else { 0.0 };
            // (an undefined energy does not fit either)
            let fits = miss < 0.5;
            if miss < 0.1 {
                self.cap = (1.5 * self.cap).min(self.longest);
            } else if !(miss < 0.25) {
                self.cap = (0.4 * taken.length.min(self.cap)).max(1e-12);
            }
            if fits || taken.length < 1e-8 {
                std::mem::swap(&mut self.x, &mut x);
                std::mem::swap(&mut self.g, &mut g);
                self.energy = energy;
                if fits && self.index == 1 && foretold > rounding && rms(&self.g) < SECOND_ORDER_BELOW {
                    let mut memory = Memory::new(COASTING);
                    memory.push_convex(self.beside(&self.x, &x), self.beside(&self.g, &g));
                    self.coast(evaluator, memory, taken.shift, tolerance).await?;
                }
                self.next = [step, x, g];
                return Ok(());
            }
        }
    }

    /// new − old without its component along the mode.
    fn beside(&self, new: &[f64], old: &[f64]) -> Vec<f64> {
        let mut change = difference(new, old);
        project(&mut change, &self.mode);
        change
    }

    /// Goes on with the Hessian that is there while that brings the gradient down: up along the mode, and in its complement LBFGS from the
    /// shifted inverse.
    async fn coast(&mut self, evaluator: &mut Evaluator<'a>, mut memory: Memory, shift: f64, tolerance: f64) -> Result<()> {
        let n = self.x.len();
        let (mut step, mut x, mut g) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
        for _ in 0..COASTING {
            let before = rms(&self.g);
            if before <= tolerance {
                return Ok(());
            }
            let mut side = self.g.clone();
            project(&mut side, &self.mode);
            memory.direction_from(&side, &mut step, |v| self.frame.solve_shifted(shift, v));
            project(&mut step, &self.mode);
            let length = norm(&step);
            // (an undefined slope ends it too)
            if !(dot(&step, &side) < 0.0) {
                return Ok(());
            }
            let scale = (self.cap / length).min(1.0);
            let up = self.uphill();
            for i in 0..n {
                x[i] = self.x[i] + scale * step[i] + up * self.mode[i];
            }
            let energy = evaluator.gradient(&x, &mut g).await?;
            if !(energy.is_finite() && rms(&g) < FALL * before) {
                return Ok(());
            }
            memory.push_convex(self.beside(&x, &self.x), self.beside(&g, &self.g));
            std::mem::swap(&mut self.x, &mut x);
            std::mem::swap(&mut self.g, &mut g);
            self.energy = energy;
        }
        Ok(())
    }
}

/// Takes the component along the unit vector `mode` out of `v`.
fn project(v: &mut [f64], mode: &[f64]) {
    let along = dot(v, mode);
    add_scaled(v, -along, mode);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::potentials::catalogue::entry;
    use crate::potentials::clusters::LennardJones;
    use crate::potentials::clusters::lennard_jones::at_best_size;

    fn climbed(potential: &dyn Potential, start: &[f64], index: usize) -> Saddle {
        let options = TransitionStateOptions { index, ..Default::default() };
        transition_state(&Run::silent(), potential, start, &options).expect("it runs")
    }

    /// With a mode for each uphill step a climb takes one Hessian more than iterations; where it converges, index and gradient are right either way.
    #[test]
    fn a_steady_mode_serves_two_steps() {
        let potential = LennardJones::new(7);
        let (mut hessians, mut iterations, mut converged) = (0, 0, 0);
        for seed in 0..10 {
            let found =
                crate::algorithms::minimise(&Run::silent(), &potential, &potential.random(seed, 1.0), &Default::default());
            let mut start = found.expect("a minimum is found").point.position;
            start.iter_mut().enumerate().for_each(|(i, x)| *x += 0.25 * (1.7 * (i as f64 + seed as f64)).sin());
            let saddle = climbed(&potential, &start, 1);
            (hessians, iterations) = (hessians + saddle.hessians, iterations + saddle.iterations);
            if saddle.termination == Termination::Converged {
                converged += 1;
                let here = curvature(&Run::silent(), &potential, &saddle.point.position).expect("not stopped");
                assert!(here.index == 1 && saddle.point.rms_gradient <= 1e-9, "{here:?}");
            }
        }
        assert!(converged >= 8 && hessians < iterations, "{converged} converged; {hessians} Hessians, {iterations} iterations");
    }

    #[test]
    fn a_climb_that_falls_below_the_floor_is_given_up() {
        let surface = entry("muller_brown").expect("it is in the catalogue").build(&[]).expect("no arguments");
        let up = |floor| {
            let options = TransitionStateOptions { floor, ..Default::default() };
            transition_state(&Run::silent(), &*surface, &[-0.5, 0.9], &options).expect("it runs")
        };
        let free = up(None);
        assert!(free.termination == Termination::Converged && free.lowest <= free.point.energy, "{free:?}");
        assert_eq!(up(Some(free.lowest)).point.position, free.point.position);
        let given_up = up(Some(free.lowest + 1e-6));
        assert!(given_up.termination == Termination::TooLow && given_up.iterations <= free.iterations, "{given_up:?}");
    }

    /// Styblinski–Tang is a sum over coordinates whose stationary points are the roots of 4x³ − 32x + 5 = 0: a maximum at 0.156731 and minima at
    /// −2.903534 and 2.746803.
    #[test]
    fn every_index_of_a_separable_surface() {
        let potential = entry("styblinski_tang").expect("it is in the catalogue").build(&[4.0]).expect("four coordinates");
        for index in 1..=4 {
            let start: Vec<f64> = (0..4).map(|i| if i < index { 0.5 } else { -2.6 }).collect();
            let found = climbed(&*potential, &start, index);
            assert_eq!((found.termination, found.point.curvature.index), (Termination::Converged, index));
            for (i, x) in found.point.position.iter().enumerate() {
                assert!((x - if i < index { 0.1567313 } else { -2.9035340 }).abs() < 1e-6, "index {index}: {x} at {i}");
            }
        }
    }

    /// Four Lennard-Jones atoms in a square bend down in two directions; the energy follows from the shape alone.
    #[test]
    fn the_square_tetramer_has_index_two() {
        let (square, energy) = at_best_size(&[[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0]]);
        let start: Vec<f64> = square.iter().enumerate().map(|(i, x)| x + 0.05 * (2.3 * i as f64).sin()).collect();
        let found = climbed(&LennardJones::new(4), &start, 2);
        assert_eq!((found.termination, found.point.curvature.index), (Termination::Converged, 2));
        assert!((found.point.energy - energy).abs() < 1e-9, "{} for {energy}", found.point.energy);
    }
}
