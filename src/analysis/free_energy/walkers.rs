//! How walkers of umbrella sampling and metadynamics set out: where they begin, how long their steps are, and what to say of them.
//!
//! Cost: a minimisation where no start is given, and some thirty products with the Hessian.

use super::Task;
use crate::algorithms::minimise::MinimiseOptions;
use crate::algorithms::sample::biased::BiasedWalkers;
use crate::algorithms::{self, evaluator::check_position};
use crate::base::{Result, Run};
use crate::math::lanczos;
use crate::math::matrix::dot;
use crate::math::random::Stream;
use crate::potentials::{Batch, Evaluations};

/// (h ω)² of the stiffest mode where nothing else is asked for: Verlet is stable up to 4.
const STIFFNESS: f64 = 0.15;
/// Share of accepted steps below which steps are too long.
pub const ENOUGH: f64 = 0.7;
/// Products with the Hessian for the largest curvature: it has to be known to some per cent.
const PRODUCTS: usize = 30;

/// Walkers at these positions, a row and a stream each.
pub fn walkers<'a>(
    task: &Task<'a>,
    temperature: f64,
    positions: Vec<f64>,
    streams: Vec<Stream>,
    step_size: f64,
) -> BiasedWalkers<'a> {
    BiasedWalkers::new(task.potential, task.variables, temperature, task.sampling.friction, step_size, positions, streams)
}

/// What to say of a share of accepted steps that is too small.
pub fn refused([accepted, steps]: [usize; 2]) -> Option<String> {
    let share = accepted as f64 / steps.max(1) as f64;
    (share < 0.5 * ENOUGH).then(|| format!("only {:.0} % of the steps are accepted: give a smaller `step_size`", 100.0 * share))
}

/// The step for a position: the largest curvature of the potential there, and `springs` (with ∇ξ∇ξᵀ, one for each variable) on top.
pub fn step_size(run: &Run, task: &Task, x: &[f64], springs: &[f64]) -> Result<f64> {
    if let Some(given) = task.sampling.step_size {
        return Ok(given);
    }
    let n = x.len();
    let mut out = Evaluations::with_gradients();
    let slopes: Vec<f64> = task
        .variables
        .iter()
        .map(|variable| {
            variable.evaluate(Batch::single(x), &mut out);
            dot(&out.gradients, &out.gradients)
        })
        .collect();
    let mut stopped = Ok(());
    let mut product = |v: &[f64], out: &mut [f64]| {
        if stopped.is_ok() {
            stopped = run.check();
        }
        task.potential.hessian_vector(x, v, out);
    };
    let highest = lanczos::highest(&mut product, n, 1, 1e-2, None, &[], PRODUCTS.min(n));
    stopped?;
    let curvature =
        highest.values.first().map_or(0.0, |h| h.max(0.0)) + springs.iter().zip(slopes).map(|(k, s)| k * s).sum::<f64>();
    // Half of the time in which friction forgets a velocity is long enough for any.
    let longest = 0.5 / task.sampling.friction;
    Ok(if curvature > 0.0 && curvature.is_finite() { (STIFFNESS / curvature).sqrt().min(longest) } else { longest })
}

/// Where walkers begin: the start that was given, or a minimum near a random position.
pub fn start(run: &Run, task: &Task, seed: u64) -> Result<Vec<f64>> {
    if let Some(start) = task.start {
        check_position("free_energy", "start", task.potential, start)?;
        return Ok(start.to_vec());
    }
    let random = task.potential.random(seed, 1.0);
    let options = MinimiseOptions { tolerance: 1e-4, ..MinimiseOptions::default() };
    let found = algorithms::minimise(run, task.potential, &random, &options)?;
    let well = found.point.position.iter().all(|x| x.is_finite()) && found.point.energy.is_finite();
    Ok(if well { found.point.position } else { random })
}
