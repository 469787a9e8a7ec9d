//! Minimisation: one option set, one loop body a method, one file each.

mod adam;
mod conjugate_gradient;
mod fire;
mod gradient_descent;
pub mod lbfgs;
pub mod newton;

use super::curvature::{curvature, unknown_curvature};
use super::evaluator::{Evaluator, check_start, now};
use super::gather::{TOGETHER, gather};
use super::{Minimised, StationaryPoint, Termination};
use crate::base::{Error, Result, Run};
use crate::math::matrix::rms;
use crate::potentials::{Family, Potential};

crate::choices! {
    /// How `minimise` moves.
    pub enum Method {
        /// Limited-memory quasi-Newton as in GMIN: capped steps, no line search.
        Lbfgs = "lbfgs",
        /// Polak–Ribière conjugate gradients with a line search.
        ConjugateGradient = "conjugate_gradient",
        /// Fast inertial relaxation engine.
        Fire = "fire",
        /// Steepest descent, with backtracking unless `learning_rate` is given.
        GradientDescent = "gradient_descent",
        /// Adam with full gradients.
        Adam = "adam",
        /// Trust-region Newton: dense Hessian for small problems, Hessian-vector products for large ones.
        Newton = "newton",
    }
}

crate::options! {
    /// Options of `minimise`.
    pub struct MinimiseOptions {
        /// How to move.
        method: Method = Method::Lbfgs, ANY, "";
        /// RMS gradient at which the search has converged.
        tolerance: f64 = 1e-9, POSITIVE, "energy per length";
        /// Largest number of iterations.
        max_iterations: usize = 10_000, NOT_NEGATIVE, "";
        /// Pairs of steps and gradient changes that LBFGS keeps.
        memory: Option<usize> = None => "50 for networks, 30 beyond 400 parameters, 4 otherwise", AT_LEAST_ONE, "";
        /// Longest step.
        max_step: Option<f64> = None => "1.0 for networks, 0.4 for clusters, 0.1 for surfaces", POSITIVE, "length";
        /// Step per unit of gradient of `adam` and `gradient_descent`.
        learning_rate: Option<f64> = None => "1e-3 for adam; gradient_descent backtracks", POSITIVE, "length² per energy";
        /// Whether LBFGS begins with the potential's preconditioner, where it has one: networks with many inputs.
        preconditioned: bool = true, ANY, "";
        /// RMS gradient below which LBFGS hands over to trust-region Newton; 0 never does.
        newton_below: Option<f64> = None => "1e-2 for networks of up to 400 parameters, 0 otherwise", NOT_NEGATIVE, "energy per length";
    }
}

/// The step cap in force when the option is silent (SCIENCE: defaults by kind of potential).
pub fn default_max_step(potential: &dyn Potential) -> f64 {
    match potential.family() {
        Family::Network => 1.0,
        Family::Cluster => 0.4,
        Family::Surface => 0.1,
    }
}

/// The memory of LBFGS when the option is silent.
pub fn default_memory(potential: &dyn Potential) -> usize {
    match potential.family() {
        Family::Network if potential.prefers_dense_hessian() => 50,
        // Every pair comes from the third cache.
        Family::Network => 30,
        Family::Cluster | Family::Surface => 4,
    }
}

impl MinimiseOptions {
    fn newton_below(&self, potential: &dyn Potential) -> f64 {
        // With an analytic dense Hessian a Newton step costs some nine gradients, serves as many further steps, and a quench saves hundreds.
        let suits = potential.family() == Family::Network && potential.prefers_dense_hessian();
        self.newton_below.unwrap_or(if suits { 1e-2 } else { 0.0 })
    }
}

/// Where a method is on its way: what every method begins with and ends with.
pub struct State {
    pub x: Vec<f64>,
    pub energy: f64,
    pub gradient: Vec<f64>,
    pub iterations: usize,
    pub step_cuts: usize,
    pub resets: usize,
    /// Arc length so far.
    pub length: f64,
    /// Arc length so far and energy after every step, where somebody wants the profile.
    pub trace: Option<Vec<[f64; 2]>>,
}

impl State {
    pub fn rms(&self) -> f64 {
        rms(&self.gradient)
    }

    /// Goes on to `x`, a step of this length away, where energy and gradient are known; the old position and gradient take their places.
    fn accept(&mut self, x: &mut Vec<f64>, gradient: &mut Vec<f64>, energy: f64, length: f64) {
        std::mem::swap(&mut self.x, x);
        std::mem::swap(&mut self.gradient, gradient);
        self.energy = energy;
        self.length += length;
        if let Some(trace) = &mut self.trace {
            trace.push([self.length, energy]);
        }
    }
}

/// Follows the energy downhill from `start` until the RMS gradient is at most `options.tolerance`.
///
/// Errors: a start that does not fit or is not finite; a run that is stopped. Not converging is a value.
pub fn minimise(run: &Run, potential: &dyn Potential, start: &[f64], options: &MinimiseOptions) -> Result<Minimised> {
    minimise_or_stop(run, potential, start, options)?.map_err(|stopped| stopped.error)
}

/// A search that the person or the clock has ended, and how far it came.
pub struct Stopped {
    pub error: Error,
    pub state: State,
    pub evaluations: usize,
}

/// The same; where the run is stopped on the way, what was reached comes back with the reason.
pub fn minimise_or_stop(
    run: &Run,
    potential: &dyn Potential,
    start: &[f64],
    options: &MinimiseOptions,
) -> Result<std::result::Result<Minimised, Box<Stopped>>> {
    let mut evaluator = Evaluator::new(run, potential);
    let mut state = now(begin(&mut evaluator, start, None))?;
    match now(go_on(&mut evaluator, &mut state, options, None)) {
        Ok(termination) => finish(run, potential, state, termination, &evaluator).map(Ok),
        Err(error) if error.is_stop() => Ok(Err(Box::new(Stopped { error, state, evaluations: evaluator.count }))),
        Err(error) => Err(error),
    }
}

/// The same from many starts side by side, their evaluations gathered into batches: every result is that of [`minimise`], bit for bit.
///
/// Worth it where the potential has large data, which one pass then brings to all; the Hessians of the ends are computed one by one.
pub fn minimise_batch(
    run: &Run,
    potential: &dyn Potential,
    starts: &[Vec<f64>],
    options: &MinimiseOptions,
) -> Result<Vec<Minimised>> {
    let all = gather(run, potential, starts.len(), TOGETHER, |k, mut evaluator| async move {
        let (state, termination) = descend(&mut evaluator, &starts[k], options, None).await?;
        finish(run, potential, state, termination, &evaluator)
    });
    all.into_iter().collect()
}

/// The same without the Hessian of the end: for quenches of which only the energy matters, and LJAT3 labels.
pub fn quench(
    run: &Run,
    potential: &dyn Potential,
    start: &[f64],
    options: &MinimiseOptions,
) -> Result<(State, Termination, usize)> {
    let mut evaluator = Evaluator::new(run, potential);
    let (state, termination) = now(descend(&mut evaluator, start, options, None))?;
    Ok((state, termination, evaluator.count))
}

/// The same from many starts side by side: see [`minimise_batch`].
pub fn quench_batch(
    run: &Run,
    potential: &dyn Potential,
    starts: &[Vec<f64>],
    options: &MinimiseOptions,
) -> Result<Vec<(State, Termination, usize)>> {
    let all = gather(run, potential, starts.len(), TOGETHER, |k, mut evaluator| async move {
        let (state, termination) = descend(&mut evaluator, &starts[k], options, None).await?;
        Ok((state, termination, evaluator.count))
    });
    all.into_iter().collect()
}

/// The loop of the chosen method. `first_cap` starts the step cap small and lets it grow (ways down from a transition state).
pub(super) async fn descend(
    evaluator: &mut Evaluator<'_>,
    start: &[f64],
    options: &MinimiseOptions,
    first_cap: Option<f64>,
) -> Result<(State, Termination)> {
    let mut state = begin(evaluator, start, first_cap).await?;
    let termination = go_on(evaluator, &mut state, options, first_cap).await?;
    Ok((state, termination))
}

async fn begin(evaluator: &mut Evaluator<'_>, start: &[f64], first_cap: Option<f64>) -> Result<State> {
    let mut gradient = vec![0.0; evaluator.potential.dimension()];
    let energy = check_start("minimise", evaluator, start, &mut gradient).await?;
    Ok(State {
        x: start.to_vec(),
        energy,
        gradient,
        iterations: 0,
        step_cuts: 0,
        resets: 0,
        length: 0.0,
        trace: first_cap.map(|_| Vec::new()),
    })
}

async fn go_on(
    evaluator: &mut Evaluator<'_>,
    state: &mut State,
    options: &MinimiseOptions,
    first_cap: Option<f64>,
) -> Result<Termination> {
    let potential = evaluator.potential;
    let mut termination = match options.method {
        Method::Lbfgs => {
            let hand_over = options.newton_below(potential).max(options.tolerance);
            let mut first = lbfgs::lbfgs(evaluator, state, options, hand_over, first_cap).await?;
            if first == Termination::Converged && hand_over > options.tolerance {
                first = newton::newton(evaluator, state, options).await?;
            }
            first
        }
        Method::Newton => newton::newton(evaluator, state, options).await?,
        Method::ConjugateGradient => conjugate_gradient::conjugate_gradient(evaluator, state, options).await?,
        Method::Fire => fire::fire(evaluator, state, options).await?,
        Method::GradientDescent => gradient_descent::gradient_descent(evaluator, state, options).await?,
        Method::Adam => adam::adam(evaluator, state, options).await?,
    };
    if termination == Termination::Converged && potential.evaporated(&state.x) {
        termination = Termination::Evaporated;
    }
    Ok(termination)
}

/// Adds what the Hessian says of the end.
pub(super) fn finish(
    run: &Run,
    potential: &dyn Potential,
    state: State,
    termination: Termination,
    evaluator: &Evaluator,
) -> Result<Minimised> {
    let finite = state.x.iter().all(|v| v.is_finite()) && state.energy.is_finite();
    let curvature = if finite { curvature(run, potential, &state.x)? } else { unknown_curvature() };
    let rms_gradient = state.rms();
    Ok(Minimised {
        point: StationaryPoint { position: state.x, energy: state.energy, rms_gradient, curvature },
        iterations: state.iterations,
        evaluations: evaluator.count,
        hessians: evaluator.hessians,
        termination,
        step_cuts: state.step_cuts,
        resets: state.resets,
    })
}
