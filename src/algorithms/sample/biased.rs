//! Langevin walkers under a bias of collective variables, without any error of the step: generalised hybrid Monte Carlo, masses of 1.
//!
//! A step is friction and noise (velocities times exp(−γh), plus noise of variance T (1 − exp(−2γh))), then a step of velocity Verlet that is accepted with
//! probability exp(−ΔH/T); a walker that is refused stays and turns round. Both parts leave the density exactly as it is, so that a
//! variable with places of enormous slope (between two legs of a bent path, say) costs refused steps and nothing else: plain Langevin
//! dynamics was found to be wrong by 8 T there. The bias V(ξ) adds V'(ξ) ∇ξ to the gradient.
//! Each walker has a random stream of its own, so that neither batches nor threads change what it does. Cost: one gradient of the
//! potential and one of each variable a step.
//! When it fails: a step too long for the curvature is refused; the share that is accepted is looked at.
//!
//! Reference: A. M. Horowitz, Phys. Lett. B 268, 247 (1991), doi:10.1016/0370-2693(91)90812-5.

use crate::base::{Error, Result};
use crate::math::matrix::dot;
use crate::math::random::Stream;
use crate::potentials::{Batch, Evaluations, Potential};
use rand::RngExt;
use rand_distr::StandardNormal;
use std::sync::Arc;

/// A few walkers that move together as one batch.
pub struct BiasedWalkers<'a> {
    potential: &'a dyn Potential,
    variables: &'a [Arc<dyn Potential>],
    n: usize,
    pub positions: Vec<f64>,
    velocities: Vec<f64>,
    forces: Evaluations,
    of_variables: Vec<Evaluations>,
    /// Values of the variables, a row a walker.
    pub values: Vec<f64>,
    streams: Vec<Stream>,
    pub step_size: f64,
    friction: f64,
    temperature: f64,
    /// Energy with the bias, and |∇ξ|² of the first variable, of each walker.
    energies: Vec<f64>,
    squares: Vec<f64>,
    steps: usize,
    accepted: usize,
    before: Before,
}

/// Where the walkers stood before a step.
#[derive(Default)]
struct Before {
    positions: Vec<f64>,
    velocities: Vec<f64>,
    gradients: Vec<f64>,
    values: Vec<f64>,
    energies: Vec<f64>,
    squares: Vec<f64>,
}

/// Copies without giving memory back.
fn keep(to: &mut Vec<f64>, from: &[f64]) {
    to.clear();
    to.extend_from_slice(from);
}

impl<'a> BiasedWalkers<'a> {
    /// Walkers at these positions (a row each) with velocities drawn at the temperature; they feel the potential and a bias of the variables.
    pub fn new(
        potential: &'a dyn Potential,
        variables: &'a [Arc<dyn Potential>],
        temperature: f64,
        friction: f64,
        step_size: f64,
        positions: Vec<f64>,
        streams: Vec<Stream>,
    ) -> BiasedWalkers<'a> {
        let n = potential.dimension();
        let mut walkers = BiasedWalkers {
            potential,
            variables,
            n,
            velocities: vec![0.0; positions.len()],
            positions,
            forces: Evaluations::with_gradients(),
            of_variables: vec![Evaluations::with_gradients(); variables.len()],
            values: vec![0.0; streams.len() * variables.len()],
            streams,
            step_size,
            friction,
            temperature,
            energies: Vec::new(),
            squares: Vec::new(),
            steps: 0,
            accepted: 0,
            before: Before::default(),
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

    /// Energies and gradients at the positions, the bias included: `bias(ξ, slope)` gives V and writes dV/dξ. To be called whenever the bias has changed.
    pub fn evaluate(&mut self, bias: &mut impl FnMut(&[f64], &mut [f64]) -> f64) {
        let (n, d) = (self.n, self.variables.len());
        self.potential.evaluate(Batch::new(&self.positions, n), &mut self.forces);
        for (variable, out) in self.variables.iter().zip(&mut self.of_variables) {
            variable.evaluate(Batch::new(&self.positions, n), out);
        }
        let mut slopes = [0.0; 2];
        self.energies.clear();
        self.squares.clear();
        for w in 0..self.streams.len() {
            let values = &mut self.values[w * d..(w + 1) * d];
            values.iter_mut().zip(&self.of_variables).for_each(|(v, out)| *v = out.energies[w]);
            let height = bias(values, &mut slopes[..d]);
            self.energies.push(self.forces.energies[w] + height);
            let gradient = &mut self.forces.gradients[w * n..(w + 1) * n];
            for (slope, out) in slopes.iter().zip(&self.of_variables).filter(|(s, _)| **s != 0.0) {
                gradient.iter_mut().zip(&out.gradients[w * n..(w + 1) * n]).for_each(|(g, dv)| *g += slope * dv);
            }
            if let Some(frozen) = self.potential.frozen() {
                gradient.iter_mut().zip(frozen).filter(|(_, f)| **f).for_each(|(g, _)| *g = 0.0);
            }
            let first = &self.of_variables[0].gradients[w * n..(w + 1) * n];
            self.squares.push(dot(first, first));
        }
    }

    /// One step; energies and gradients at the present positions must be those of this bias.
    ///
    /// Errors: a walker whose energy or variable is not finite where it stands.
    pub fn step(&mut self, bias: &mut impl FnMut(&[f64], &mut [f64]) -> f64) -> Result<()> {
        let (h, n, d) = (self.step_size, self.n, self.variables.len());
        if let Some(bad) = self.energies.iter().chain(&self.values).find(|e| !e.is_finite()) {
            let message = format!("where a walker stands the energy or the variable is {bad}");
            return Err(Error::value(message).hint("give another `start`").at("start"));
        }
        let (damp, kick) = ((-self.friction * h).exp(), (self.temperature * -(-2.0 * self.friction * h).exp_m1()).sqrt());
        for (v, random) in self.velocities.chunks_exact_mut(n).zip(&mut self.streams) {
            v.iter_mut().for_each(|v| *v = damp * *v + kick * random.sample::<f64, _>(StandardNormal));
        }
        self.hold();
        keep(&mut self.before.positions, &self.positions);
        keep(&mut self.before.velocities, &self.velocities);
        keep(&mut self.before.gradients, &self.forces.gradients);
        keep(&mut self.before.values, &self.values);
        keep(&mut self.before.energies, &self.energies);
        keep(&mut self.before.squares, &self.squares);
        for ((x, v), g) in self.positions.iter_mut().zip(&mut self.velocities).zip(&self.forces.gradients) {
            *v -= 0.5 * h * g;
            *x += h * *v;
        }
        self.evaluate(bias);
        for (v, g) in self.velocities.iter_mut().zip(&self.forces.gradients) {
            *v -= 0.5 * h * g;
        }
        let before = &self.before;
        for w in 0..self.streams.len() {
            let (rows, own) = (w * n..(w + 1) * n, w * d..(w + 1) * d);
            let kinetic = |v: &[f64]| 0.5 * dot(v, v);
            let rise = self.energies[w] - before.energies[w] + kinetic(&self.velocities[rows.clone()])
                - kinetic(&before.velocities[rows.clone()]);
            let chance = (-rise / self.temperature).exp();
            let finite = self.forces.gradients[rows.clone()].iter().chain(&self.values[own.clone()]).all(|g| g.is_finite());
            // A draw at every step, so that the stream does not depend on what happens. NaN is refused.
            if self.streams[w].random::<f64>() < chance && finite {
                self.accepted += 1;
                continue;
            }
            self.positions[rows.clone()].copy_from_slice(&before.positions[rows.clone()]);
            self.forces.gradients[rows.clone()].copy_from_slice(&before.gradients[rows.clone()]);
            self.values[own.clone()].copy_from_slice(&before.values[own]);
            (self.energies[w], self.squares[w]) = (before.energies[w], before.squares[w]);
            self.velocities[rows.clone()].iter_mut().zip(&before.velocities[rows]).for_each(|(v, old)| *v = -old);
        }
        self.steps += self.streams.len();
        Ok(())
    }

    /// Root mean square of |∇ξ| of the first variable over the walkers.
    pub fn slope(&self) -> f64 {
        (self.squares.iter().sum::<f64>() / self.squares.len() as f64).sqrt()
    }

    /// Steps accepted and made since the last time this was asked.
    pub fn accepted(&mut self) -> [usize; 2] {
        [std::mem::take(&mut self.accepted), std::mem::take(&mut self.steps)]
    }
}
