//! Adam with full gradients: a running mean of the gradient over the root of a running mean of its square.
//!
//! β₁ 0.9, β₂ 0.999, ε 1e-8 as in the paper. With a fixed rate Adam circles a minimum at a distance of about the rate; where the energy
//! has not fallen for a while the rate is halved, so that it converges. Cost: one gradient an iteration.
//!
//! Reference: D. P. Kingma, J. Ba, ICLR 2015, arXiv:1412.6980.

use super::super::Termination;
use super::super::evaluator::Evaluator;
use super::{MinimiseOptions, State};
use crate::base::Result;

const BETA: [f64; 2] = [0.9, 0.999];
const SMALL: f64 = 1e-8;
/// Iterations without a new lowest energy after which the rate is halved.
const PATIENCE: usize = 1000;

pub(super) async fn adam(evaluator: &mut Evaluator<'_>, state: &mut State, options: &MinimiseOptions) -> Result<Termination> {
    let n = state.x.len();
    let mut rate = options.learning_rate.unwrap_or(1e-3);
    let (mut first, mut second) = (vec![0.0; n], vec![0.0; n]);
    let mut power = [1.0, 1.0];
    let (mut lowest, mut since) = (state.energy, 0);
    loop {
        if state.rms() <= options.tolerance {
            return Ok(Termination::Converged);
        }
        if state.iterations >= options.max_iterations {
            return Ok(Termination::MaxIterations);
        }
        power[0] *= BETA[0];
        power[1] *= BETA[1];
        let mut squared = 0.0;
        for i in 0..n {
            let g = state.gradient[i];
            first[i] = BETA[0] * first[i] + (1.0 - BETA[0]) * g;
            second[i] = BETA[1] * second[i] + (1.0 - BETA[1]) * g * g;
            let step = rate * (first[i] / (1.0 - power[0])) / ((second[i] / (1.0 - power[1])).sqrt() + SMALL);
            state.x[i] -= step;
            squared += step * step;
        }
        state.energy = evaluator.gradient(&state.x, &mut state.gradient).await?;
        state.iterations += 1;
        state.length += squared.sqrt();
        if !state.energy.is_finite() {
            return Ok(Termination::NotFinite);
        }
        since += 1;
        if state.energy < lowest {
            (lowest, since) = (state.energy, 0);
        } else if since >= PATIENCE {
            rate *= 0.5;
            since = 0;
            state.step_cuts += 1;
        }
    }
}
