//! Trust-region Newton: exact second order within a ball that grows and shrinks with the quality of the quadratic model.
//!
//! Small problems take the dense Hessian, reduced to tridiagonal form once; every radius then costs a few shifted solves. Large ones solve
//! the model by conjugate gradients on Hessian-vector products (Steihaug). A step is taken when the energy falls; at the rounding of the
//! energy, when the gradient falls. Converges quadratically.
//! A dense Hessian costs as much as ten gradients, and the valleys of networks are long, narrow and bent: the step along the valley leaves
//! its floor. So each Hessian serves several steps: after its own, LBFGS goes on from its shifted inverse (`coast`) while that earns more
//! for the time than another Hessian would.
//!
//! References: J. J. Moré, D. C. Sorensen, SIAM J. Sci. Stat. Comput. 4, 553 (1983), doi:10.1137/0904038; T. Steihaug, SIAM J. Numer.
//! Anal. 20, 626 (1983), doi:10.1137/0720042.

use super::super::Termination;
use super::super::curvature::Frame;
use super::super::evaluator::Evaluator;
use super::lbfgs::Memory;
use super::{MinimiseOptions, State, default_max_step};
use crate::base::Result;
use crate::math::matrix::{add_scaled, difference, dot, norm, rms};

/// Further steps that one Hessian may serve, and the part of its own step's descent that each must bring.
const COASTING: usize = 60;
const EARNS: f64 = 0.003;

/// How often a step may be refused in a row.
const MOST_REFUSALS: usize = 40;

pub(super) async fn newton(evaluator: &mut Evaluator<'_>, state: &mut State, options: &MinimiseOptions) -> Result<Termination> {
    let n = state.x.len();
    let dense = evaluator.potential.prefers_dense_hessian();
    let usual = default_max_step(evaluator.potential);
    // The model is exact to second order, so a step may be longer than one of LBFGS where the ratio says that it holds.
    let longest = options.max_step.unwrap_or(4.0 * usual);
    let mut radius = longest.min(0.5 * usual);
    let mut frame = Frame::new(evaluator.potential);
    let (mut step, mut x, mut g) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
    loop {
        if state.rms() <= options.tolerance {
            return Ok(Termination::Converged);
        }
        if state.iterations >= options.max_iterations {
            return Ok(Termination::MaxIterations);
        }
        if dense {
            frame.compute(evaluator, &state.x).await?;
        }
        let mut refusals = 0;
        loop {
            // The model's change of the energy, negative.
            let (predicted, shift) = if dense {
                let taken = frame.trust_step(&state.gradient, radius, &mut step);
                (taken.predicted, taken.shift)
            } else {
                (steihaug(evaluator, &state.x, &state.gradient, radius, &mut step).await?, 0.0)
            };
            for i in 0..n {
                x[i] = state.x[i] + step[i];
            }
            let energy = evaluator.gradient(&x, &mut g).await?;
            let length = norm(&step);
            let change = energy - state.energy;
            let rounding = 1e-12 * state.energy.abs().max(1e-3);
            let (accept, ratio) = if predicted.abs() > rounding {
                let ratio = change / predicted;
                (energy.is_finite() && ratio > 1e-3, ratio)
            } else {
                (energy.is_finite() && change <= rounding && rms(&g) < state.rms(), 1.0)
            };
            if accept && ratio > 0.75 && length > 0.8 * radius {
                radius = (2.0 * radius).min(longest);
            } else if !accept || ratio < 0.25 {
                radius = 0.25 * length.min(radius);
            }
            if accept {
                state.accept(&mut x, &mut g, energy, length);
                if dense && -change > rounding {
                    let mut memory = Memory::new(COASTING);
                    memory.push_convex(difference(&state.x, &x), difference(&state.gradient, &g));
                    let coasting = Coasting { memory, shift, radius, descent: -change };
                    coast(evaluator, state, options, &mut frame, coasting).await?;
                }
                break;
            }
            state.step_cuts += 1;
            refusals += 1;
            if refusals > MOST_REFUSALS || radius < 1e-15 * (1.0 + norm(&state.x)) {
                return Ok(Termination::Stalled);
            }
        }
        state.iterations += 1;
    }
}

/// What further steps go by: the first step in the memory, the shift of its Hessian, how far a step may go, and what the first one brought.
struct Coasting {
    memory: Memory,
    shift: f64,
    radius: f64,
    descent: f64,
}

/// Goes on with the Hessian that is there, shifted as for its own step and corrected by what the gradients have told since (LBFGS), while
/// every step earns its share.
async fn coast(
    evaluator: &mut Evaluator<'_>,
    state: &mut State,
    options: &MinimiseOptions,
    frame: &mut Frame<'_>,
    mut coasting: Coasting,
) -> Result<()> {
    let n = state.x.len();
    let (mut step, mut x, mut g) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
    for _ in 0..COASTING {
        if state.rms() <= options.tolerance || state.iterations >= options.max_iterations {
            return Ok(());
        }
        coasting.memory.direction_from(&state.gradient, &mut step, |v| frame.solve_shifted(coasting.shift, v));
        let length = norm(&step);
        // (an undefined slope ends it too)
        if !(dot(&step, &state.gradient) < 0.0) {
            return Ok(());
        }
        let scale = (coasting.radius / length).min(1.0);
        for i in 0..n {
            x[i] = state.x[i] + scale * step[i];
        }
        let energy = evaluator.gradient(&x, &mut g).await?;
        state.iterations += 1;
        let earned = state.energy - energy;
        if !(earned > 0.0) {
            state.step_cuts += 1;
            return Ok(());
        }
        coasting.memory.push_convex(difference(&x, &state.x), difference(&g, &state.gradient));
        state.accept(&mut x, &mut g, energy, scale * length);
        if earned < EARNS * coasting.descent {
            return Ok(());
        }
    }
    Ok(())
}

/// The quadratic model minimised by conjugate gradients until it is solved, curves down, or leaves the ball; gives the model's change.
async fn steihaug(evaluator: &mut Evaluator<'_>, x: &[f64], g: &[f64], radius: f64, step: &mut [f64]) -> Result<f64> {
    let n = g.len();
    step.fill(0.0);
    let mut residual: Vec<f64> = g.to_vec();
    let mut direction: Vec<f64> = g.iter().map(|g| -g).collect();
    let mut curved = vec![0.0; n];
    let size = norm(g);
    // Superlinear: the linear solve gets tighter as the gradient shrinks.
    let enough = size * size.sqrt().min(0.1);
    let mut squared = size * size;
    let mut model = 0.0;
    for _ in 0..n.min(400) {
        evaluator.hessian_vector(x, &direction, &mut curved).await?;
        let curvature = dot(&direction, &curved);
        let alpha = squared / curvature;
        let leaves = curvature <= 0.0 || {
            let reach: f64 = step.iter().zip(&direction).map(|(s, d)| (s + alpha * d).powi(2)).sum();
            reach >= radius * radius
        };
        let t = if leaves { to_border(step, &direction, radius) } else { alpha };
        model += t * dot(&residual, &direction) + 0.5 * t * t * curvature;
        add_scaled(step, t, &direction);
        if leaves {
            break;
        }
        add_scaled(&mut residual, alpha, &curved);
        let next = dot(&residual, &residual);
        if next.sqrt() <= enough {
            break;
        }
        let beta = next / squared;
        squared = next;
        for (d, r) in direction.iter_mut().zip(&residual) {
            *d = beta * *d - r;
        }
    }
    Ok(model)
}

/// How far to go along `direction` from `step` to reach the ball's border.
fn to_border(step: &[f64], direction: &[f64], radius: f64) -> f64 {
    let (a, b, c) = (dot(direction, direction), dot(step, direction), dot(step, step) - radius * radius);
    // The form without cancellation for either sign of b.
    let root = (b * b - a * c).max(0.0).sqrt();
    if b > 0.0 { -c / (b + root) } else { (root - b) / a }
}
