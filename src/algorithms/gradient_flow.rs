//! Gradient flow dx/dt = −∇V to its end: the minimum in whose steepest-descent basin a start lies.
//!
//! The flow is stiff (atoms that overlap move 10¹⁰ times faster than a bond settles), so it is integrated by a linearly implicit Rosenbrock
//! method with the exact Hessian: Rodas3, four stages, order 3 with an error estimate of order 2, L-stable. With k_i the stages,
//!   (1/(γh) + H) k_i = −∇V(x + Σ_j a_ij k_j) + Σ_j (c_ij/h) k_j,   γ = 1/2,
//! one factorisation and three gradients a step. The step follows the error (tolerance in lengths); close to the minimum it grows until the
//! method is Newton's. Cost: some hundred steps for three atoms, n³/3 each. Fails on starts that lie on the border between two basins to
//! within the tolerance, as any method must.
//!
//! References: A. Sandu et al., Atmos. Environ. 31, 3459 (1997), doi:10.1016/S1352-2310(97)83212-8 (Rodas3); E. Hairer, G. Wanner, Solving
//! Ordinary Differential Equations II, section IV.7, doi:10.1007/978-3-642-05221-7; D. Asenjo et al., J. Phys. Chem. B 117, 12717 (2013), doi:10.1021/jp312457a, for why basins need it.

use super::Termination;
use super::evaluator::{Evaluator, check_start, now};
use super::minimise::State;
use crate::base::{Result, Run};
use crate::math::Matrix;
use crate::math::linear::Factors;
use crate::potentials::Potential;

crate::options! {
    /// Options of a gradient flow.
    pub struct GradientFlowOptions {
        /// RMS gradient at which the end is reached.
        tolerance: f64 = 1e-10, POSITIVE, "energy per length";
        /// Largest error of a step in any coordinate.
        accuracy: f64 = 1e-5, POSITIVE, "length";
        /// Largest number of steps.
        max_iterations: usize = 20_000, NOT_NEGATIVE, "";
    }
}

/// Where stages 2 to 4 are evaluated (stage 2 shares the gradient of stage 1), in parts of earlier stages.
const A: [&[f64]; 4] = [&[], &[], &[2.0, 0.0], &[2.0, 0.0, 1.0]];
/// Parts of earlier stages on the right-hand side, divided by the step.
const C: [&[f64]; 4] = [&[], &[4.0], &[1.0, -1.0], &[1.0, -1.0, -8.0 / 3.0]];
/// The new position; the last stage alone is the error estimate.
const M: [f64; 4] = [2.0, 0.0, 1.0, 1.0];
const GAMMA: f64 = 0.5;

/// Longest time step (length² per energy): the method is Newton's long before, and the directions without curvature stay bounded.
const LONGEST_STEP: f64 = 1e4;

/// Follows the flow from `start` until the RMS gradient is at most the tolerance.
///
/// Errors: a start that does not fit or is not finite; a run that is stopped. Not arriving is a value.
pub fn gradient_flow(
    run: &Run,
    potential: &dyn Potential,
    start: &[f64],
    options: &GradientFlowOptions,
) -> Result<(State, Termination)> {
    let mut evaluator = Evaluator::new(run, potential);
    now(flow(&mut evaluator, start, options))
}

async fn flow(evaluator: &mut Evaluator<'_>, start: &[f64], options: &GradientFlowOptions) -> Result<(State, Termination)> {
    let n = start.len();
    let mut gradient = vec![0.0; n];
    let energy = check_start("gradient_flow", evaluator, start, &mut gradient).await?;
    let mut state =
        State { x: start.to_vec(), energy, gradient, iterations: 0, step_cuts: 0, resets: 0, length: 0.0, trace: None };
    let mut hessian = Matrix::default();
    let mut stages = vec![vec![0.0; n]; 4];
    let (mut x, mut g) = (vec![0.0; n], vec![0.0; n]);
    // The first step moves no coordinate further than the accuracy asks.
    let steepest = state.gradient.iter().fold(0.0f64, |a, g| a.max(g.abs()));
    let mut step = options.accuracy / steepest.max(options.accuracy);
    evaluator.hessian(&state.x, &mut hessian).await?;
    while state.rms() > options.tolerance {
        if state.iterations >= options.max_iterations {
            return Ok((state, Termination::MaxIterations));
        }
        let mut shifted = hessian.clone();
        for i in 0..n {
            shifted[(i, i)] += 1.0 / (GAMMA * step);
        }
        let mut error = f64::INFINITY;
        let mut new_energy = f64::NAN;
        if let Some(factors) = Factors::new(shifted) {
            for s in 0..4 {
                let (before, stage) = stages.split_at_mut(s);
                let gradient = if s < 2 {
                    &state.gradient
                } else {
                    combine(&mut x, &state.x, A[s], before);
                    evaluator.gradient(&x, &mut g).await?;
                    &g
                };
                for i in 0..n {
                    let earlier: f64 = C[s].iter().zip(before.iter()).map(|(c, k)| c * k[i]).sum();
                    stage[0][i] = earlier / step - gradient[i];
                }
                factors.solve(&mut stage[0]);
            }
            combine(&mut x, &state.x, &M, &stages);
            error =
                stages[3].iter().fold(0.0f64, |a, e| if e.is_nan() { f64::INFINITY } else { a.max(e.abs()) }) / options.accuracy;
            new_energy = evaluator.gradient(&x, &mut g).await?;
        }
        state.iterations += 1;
        // Along the exact flow the energy falls: a rise is an error that the estimate has missed.
        let accepted = error <= 1.0 && new_energy <= state.energy + 1e-10 * (1.0 + state.energy.abs());
        if accepted {
            state.length += crate::math::matrix::distance(&x, &state.x);
            std::mem::swap(&mut state.x, &mut x);
            std::mem::swap(&mut state.gradient, &mut g);
            state.energy = new_energy;
            evaluator.hessian(&state.x, &mut hessian).await?;
        } else {
            state.step_cuts += 1;
        }
        let factor = if accepted { (0.9 / error.cbrt()).clamp(0.3, 6.0) } else { (0.9 / error.cbrt()).clamp(0.1, 0.5) };
        step = (step * factor).min(LONGEST_STEP);
        if step < 1e-300 {
            return Ok((state, Termination::NotFinite));
        }
    }
    let fallen_apart = evaluator.potential.evaporated(&state.x);
    Ok((state, if fallen_apart { Termination::Evaporated } else { Termination::Converged }))
}

/// out = x + Σ weights_k stages_k.
fn combine(out: &mut [f64], x: &[f64], weights: &[f64], stages: &[Vec<f64>]) {
    out.copy_from_slice(x);
    for (weight, stage) in weights.iter().zip(stages) {
        if *weight != 0.0 {
            crate::math::matrix::add_scaled(out, *weight, stage);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::potentials::catalogue::entry;

    fn potential(name: &str, parameters: &[f64]) -> std::sync::Arc<dyn Potential> {
        entry(name).and_then(|e| e.build(parameters).ok()).unwrap_or_else(|| panic!("{name} is in the catalogue"))
    }

    /// Explicit midpoint steps, tiny: the flow itself, slowly.
    fn slow_flow(potential: &dyn Potential, start: &[f64]) -> Vec<f64> {
        let mut x = start.to_vec();
        for _ in 0..200_000 {
            let (_, g) = crate::potentials::energy_gradient(potential, &x);
            let h = 1e-4;
            let middle: Vec<f64> = x.iter().zip(&g).map(|(x, g)| x - 0.5 * h * g).collect();
            let (_, g) = crate::potentials::energy_gradient(potential, &middle);
            crate::math::matrix::add_scaled(&mut x, -h, &g);
        }
        x
    }

    #[test]
    fn ends_where_the_flow_ends() {
        let surface = potential("muller_brown", &[]);
        for seed in 0..20 {
            let start = surface.random(seed, 1.0);
            let (end, termination) = gradient_flow(&Run::silent(), &*surface, &start, &Default::default()).unwrap();
            assert_eq!(termination, Termination::Converged);
            let expected = slow_flow(&*surface, &start);
            assert!(
                crate::math::matrix::distance(&end.x, &expected) < 1e-6,
                "from {start:?}: {:?}, expected {expected:?}",
                end.x
            );
        }
    }

    #[test]
    fn order_and_stiffness() {
        // Curvatures of 1000 and 0.4 along a bent valley: explicit steps of 1/1000 would need some 100,000.
        let valley = potential("rosenbrock", &[2.0]);
        let (end, termination) = gradient_flow(&Run::silent(), &*valley, &[-1.2, 1.0], &Default::default()).unwrap();
        assert_eq!(termination, Termination::Converged);
        assert!((end.x[0] - 1.0).abs() < 1e-8 && end.iterations < 2000, "{} steps", end.iterations);
        // The arc length converges as the accuracy tightens.
        let length = |accuracy| {
            let options = GradientFlowOptions { accuracy, ..Default::default() };
            gradient_flow(&Run::silent(), &*valley, &[-1.2, 1.0], &options).unwrap().0.length
        };
        let best = length(1e-9);
        assert!((length(1e-6) - best).abs() < 1e-3 && (length(1e-7) - best).abs() < (length(1e-5) - best).abs());
    }
}
