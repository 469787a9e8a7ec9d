//! Langevin walkers under a bias of collective variables: BAOAB with masses of 1.
//!
//! A step is a half kick B, a half drift A, friction and noise O (velocities times exp(−γh), plus noise of variance T (1 − exp(−2γh))), A, B. Its
//! positions are exact for harmonic forces at any stable step; elsewhere the error is of order h². The bias V(ξ) adds V'(ξ) ∇ξ to the gradient.
//! Each walker has a random stream of its own, so that neither batches nor threads change what it does. Cost: one gradient of the
//! potential and one of each variable a step.
//! When it fails: a step too long for the curvature blows up; that is an error which says so.
//!
//! Reference: B. Leimkuhler, C. Matthews, Appl. Math. Res. Express 2013, 34, doi:10.1093/amrx/abs010.

use super::Task;
use crate::algorithms::minimise::MinimiseOptions;
use crate::algorithms::{self, evaluator::check_position};
use crate::base::{Error, Result, Run};
use crate::math::lanczos;
use crate::math::matrix::dot;
use crate::math::random::Stream;
use crate::potentials::{Batch, Evaluations, Potential};
use rand::RngExt;
use rand_distr::StandardNormal;
use std::sync::Arc;

/// (h ω)² of the stiffest mode where nothing else is asked for: BAOAB is stable up to 4.
const STIFFNESS: f64 = 0.15;
/// How often steps are halved where a walker blows up.
const SHORTER: usize = 5;
/// Products with the Hessian for the largest curvature: it has to be known to some per cent.
const PRODUCTS: usize = 30;

/// A few walkers that move together as one batch.
pub struct Walkers<'a> {
    potential: &'a dyn Potential,
    variables: &'a [Arc<dyn Potential>],
    n: usize,
    pub positions: Vec<f64>,
    pub velocities: Vec<f64>,
    forces: Evaluations,
    of_variables: Vec<Evaluations>,
    /// Values of the variables, a row a walker.
    pub values: Vec<f64>,
    streams: Vec<Stream>,
    pub step_size: f64,
    friction: f64,
    temperature: f64,
    steps: usize,
}

impl<'a> Walkers<'a> {
    /// Walkers at these positions (a row each) with velocities drawn at the temperature.
    pub fn new(task: &Task<'a>, temperature: f64, positions: Vec<f64>, streams: Vec<Stream>, step_size: f64) -> Walkers<'a> {
        let n = task.potential.dimension();
        let mut walkers = Walkers {
            potential: task.potential,
            variables: task.variables,
            n,
            velocities: vec![0.0; positions.len()],
            positions,
            forces: Evaluations::with_gradients(),
            of_variables: vec![Evaluations::with_gradients(); task.variables.len()],
            values: vec![0.0; streams.len() * task.variables.len()],
            streams,
            step_size,
            friction: task.sampling.friction,
            temperature,
            steps: 0,
        };
        walkers.thermalise();
        walkers
    }

    /// Draws velocities anew.
    fn thermalise(&mut self) {
        let scale = self.temperature.sqrt();
        for (v, random) in self.velocities.chunks_exact_mut(self.n).zip(&mut self.streams) {
            v.iter_mut().for_each(|v| *v = scale * random.sample::<f64, _>(StandardNormal));
        }
        self.hold();
    }

    /// What is frozen does not move.
    fn hold(&mut self) {
        let Some(frozen) = self.potential.frozen() else { return };
        for v in self.velocities.chunks_exact_mut(self.n) {
            v.iter_mut().zip(frozen).filter(|(_, f)| **f).for_each(|(v, _)| *v = 0.0);
        }
    }

    /// Gradients at the positions, the bias included: `bias(ξ, slope)` writes dV/dξ.
    pub fn evaluate(&mut self, bias: &mut impl FnMut(&[f64], &mut [f64])) {
        let (n, d) = (self.n, self.variables.len());
        self.potential.evaluate(Batch::new(&self.positions, n), &mut self.forces);
        for (variable, out) in self.variables.iter().zip(&mut self.of_variables) {
            variable.evaluate(Batch::new(&self.positions, n), out);
        }
        let mut slopes = [0.0; 2];
        for w in 0..self.streams.len() {
            let values = &mut self.values[w * d..(w + 1) * d];
            values.iter_mut().zip(&self.of_variables).for_each(|(v, out)| *v = out.energies[w]);
            bias(values, &mut slopes[..d]);
            let gradient = &mut self.forces.gradients[w * n..(w + 1) * n];
            for (slope, out) in slopes.iter().zip(&self.of_variables).filter(|(s, _)| **s != 0.0) {
                gradient.iter_mut().zip(&out.gradients[w * n..(w + 1) * n]).for_each(|(g, dv)| *g += slope * dv);
            }
            if let Some(frozen) = self.potential.frozen() {
                gradient.iter_mut().zip(frozen).filter(|(_, f)| **f).for_each(|(g, _)| *g = 0.0);
            }
        }
    }

    /// One step; gradients at the present positions must be there.
    ///
    /// Errors: an energy or a variable that is no longer finite.
    pub fn step(&mut self, bias: &mut impl FnMut(&[f64], &mut [f64])) -> Result<()> {
        let h = self.step_size;
        let (keep, kick) = ((-self.friction * h).exp(), (self.temperature * -(-2.0 * self.friction * h).exp_m1()).sqrt());
        for (v, g) in self.velocities.iter_mut().zip(&self.forces.gradients) {
            *v -= 0.5 * h * g;
        }
        for ((x, v), random) in
            self.positions.chunks_exact_mut(self.n).zip(self.velocities.chunks_exact_mut(self.n)).zip(&mut self.streams)
        {
            for (x, v) in x.iter_mut().zip(v) {
                *x += 0.5 * h * *v;
                *v = keep * *v + kick * random.sample::<f64, _>(StandardNormal);
                *x += 0.5 * h * *v;
            }
        }
        if self.potential.frozen().is_some() {
            self.restore();
        }
        self.evaluate(bias);
        for (v, g) in self.velocities.iter_mut().zip(&self.forces.gradients) {
            *v -= 0.5 * h * g;
        }
        self.hold();
        self.steps += 1;
        self.check()
    }

    /// Takes back the noise of frozen coordinates: their velocities are zero before and after.
    fn restore(&mut self) {
        let (h, Some(frozen)) = (self.step_size, self.potential.frozen()) else { return };
        for (x, v) in self.positions.chunks_exact_mut(self.n).zip(self.velocities.chunks_exact_mut(self.n)) {
            for ((x, v), _) in x.iter_mut().zip(v).zip(frozen).filter(|(_, f)| **f) {
                *x -= 0.5 * h * *v;
                *v = 0.0;
            }
        }
    }

    /// Root mean square of |∇ξ| of the first variable over the walkers.
    pub fn slope(&self) -> f64 {
        let gradients = &self.of_variables[0].gradients;
        (dot(gradients, gradients) / self.streams.len() as f64).sqrt()
    }

    fn check(&self) -> Result<()> {
        let bad = self.forces.energies.iter().chain(&self.values).find(|e| !e.is_finite());
        match bad {
            None if self.velocities.iter().all(|v| v.abs() < 1e150) => Ok(()),
            _ => {
                let energy = self.forces.energies.iter().find(|e| !e.is_finite()).unwrap_or(&self.forces.energies[0]);
                let message = format!(
                    "free_energy: a walker has left every bound at step {} with a step size of {:.3e} (energy {energy:.3e})",
                    self.steps, self.step_size
                );
                Err(Error::value(message)
                    .hint("take a smaller `step_size`, or a `start` and a `range` that it can reach")
                    .at("step_size"))
            }
        }
    }
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

/// Does `attempt` with a factor of 1 on the steps that follow from curvatures, and with half of the last one each time a walker blows up.
pub fn shorter<T>(task: &Task, mut attempt: impl FnMut(f64) -> Result<T>) -> Result<T> {
    let mut scale = 1.0;
    for _ in 0..SHORTER {
        match attempt(scale) {
            Err(error) if error.parameter.as_deref() == Some("step_size") && task.sampling.step_size.is_none() => scale *= 0.5,
            done => return done,
        }
    }
    attempt(scale)
}
