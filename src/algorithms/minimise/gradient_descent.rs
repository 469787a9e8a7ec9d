//! Steepest descent: with backtracking (Armijo) and a step that grows again, or with a fixed learning rate.
//!
//! Cost: one gradient an iteration and one for every cut. The number of iterations grows with the ratio of curvatures.
//!
//! Reference: L. Armijo, Pac. J. Math. 16, 1 (1966), doi:10.2140/pjm.1966.16.1.

use super::super::Termination;
use super::super::evaluator::Evaluator;
use super::{MinimiseOptions, State, default_max_step};
use crate::base::Result;
use crate::math::matrix::{dot, norm};

/// Share of the linear decrease that a step must bring.
const SUFFICIENT: f64 = 0.1;

pub(super) async fn gradient_descent(
    evaluator: &mut Evaluator<'_>,
    state: &mut State,
    options: &MinimiseOptions,
) -> Result<Termination> {
    let n = state.x.len();
    let longest = options.max_step.unwrap_or_else(|| default_max_step(evaluator.potential));
    let mut rate = options.learning_rate.unwrap_or(1.0);
    let (mut x, mut g) = (vec![0.0; n], vec![0.0; n]);
    loop {
        if state.rms() <= options.tolerance {
            return Ok(Termination::Converged);
        }
        if state.iterations >= options.max_iterations {
            return Ok(Termination::MaxIterations);
        }
        let length = norm(&state.gradient);
        let mut t = rate.min(longest / length);
        let mut energy;
        loop {
            for i in 0..n {
                x[i] = state.x[i] - t * state.gradient[i];
            }
            energy = evaluator.gradient(&x, &mut g).await?;
            if options.learning_rate.is_some() {
                break;
            }
            let wanted = state.energy - SUFFICIENT * t * length * length;
            // Below the rounding of the energy the slope at the new point decides.
            let rounding = 1e-14 * state.energy.abs().max(1e-300);
            if energy <= wanted || (energy - state.energy <= rounding && dot(&g, &state.gradient) >= 0.0) {
                break;
            }
            t *= 0.5;
            state.step_cuts += 1;
            if t * length < 1e-18 * (1.0 + norm(&state.x)) {
                return Ok(Termination::Stalled);
            }
        }
        state.iterations += 1;
        if !energy.is_finite() {
            return Ok(Termination::NotFinite);
        }
        state.accept(&mut x, &mut g, energy, t * length);
        if options.learning_rate.is_none() {
            rate = 2.0 * t;
        }
    }
}
