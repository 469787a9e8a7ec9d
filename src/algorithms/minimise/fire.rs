//! Fast inertial relaxation engine: dynamics whose velocity is steered downhill and stopped when it goes up.
//!
//! Parameters of the paper: N_min 5, f_inc 1.1, f_dec 0.5, α₀ 0.1, f_α 0.99; the time step may grow tenfold. Steps are capped.
//! Cost: one gradient an iteration; robust far from a minimum, slower than LBFGS near it.
//!
//! Reference: E. Bitzek et al., Phys. Rev. Lett. 97, 170201 (2006), doi:10.1103/PhysRevLett.97.170201.

use super::super::Termination;
use super::super::evaluator::Evaluator;
use super::{MinimiseOptions, State, default_max_step};
use crate::base::Result;
use crate::math::matrix::{dot, norm};

pub(super) async fn fire(evaluator: &mut Evaluator<'_>, state: &mut State, options: &MinimiseOptions) -> Result<Termination> {
    let n = state.x.len();
    let longest = options.max_step.unwrap_or_else(|| default_max_step(evaluator.potential));
    // A first step of a tenth of the cap along the gradient sets the unit of time.
    let first = (0.1 * longest / norm(&state.gradient).max(1e-300)).sqrt().min(0.1);
    let (mut time, most) = (first, 10.0 * first.max(0.01));
    let (mut alpha, mut downhill) = (0.1, 0);
    let mut v = vec![0.0; n];
    let mut x = state.x.clone();
    loop {
        if state.rms() <= options.tolerance {
            return Ok(Termination::Converged);
        }
        if state.iterations >= options.max_iterations {
            return Ok(Termination::MaxIterations);
        }
        let power = -dot(&state.gradient, &v);
        if power > 0.0 {
            let ratio = norm(&v) / norm(&state.gradient).max(1e-300);
            for i in 0..n {
                v[i] = (1.0 - alpha) * v[i] - alpha * ratio * state.gradient[i];
            }
            downhill += 1;
            if downhill > 5 {
                time = (1.1 * time).min(most);
                alpha *= 0.99;
            }
        } else {
            v.fill(0.0);
            time *= 0.5;
            alpha = 0.1;
            downhill = 0;
            state.step_cuts += 1;
        }
        for i in 0..n {
            v[i] -= time * state.gradient[i];
        }
        let length = time * norm(&v);
        let scale = if length > longest { time * longest / length } else { time };
        for i in 0..n {
            x[i] = state.x[i] + scale * v[i];
        }
        state.energy = evaluator.gradient(&x, &mut state.gradient).await?;
        state.iterations += 1;
        state.length += length.min(longest);
        std::mem::swap(&mut state.x, &mut x);
        if !state.energy.is_finite() {
            return Ok(Termination::NotFinite);
        }
    }
}
