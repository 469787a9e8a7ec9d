//! Walkers side by side: their positions, momenta and gradients in rows, and what else the next step of each needs.
//!
//! All that decides a step of a walker (its random numbers, its minibatches, its thermostat, its step size) belongs to the walker, so that a
//! trajectory depends neither on the walkers beside it nor on the number of threads.

use super::minibatches::Draws;
use super::tuning::Tuning;
use super::{Method, SampleOptions};
use crate::base::{Result, Run};
use crate::math::Matrix;
use crate::math::matrix::dot;
use crate::math::random::{Stream, normals, stream};
use crate::potentials::{Batch, Evaluations, Minibatch, Potential};
use std::sync::Arc;

/// What does not change while walkers go on.
pub(super) struct Setting<'a> {
    pub run: &'a Run,
    pub potential: &'a dyn Potential,
    pub options: &'a SampleOptions,
    /// Number of coordinates.
    pub n: usize,
    /// Coordinates that move.
    pub degrees_of_freedom: usize,
    /// The part of the items that a step looks at.
    pub minibatch: Option<(&'a dyn Minibatch, usize)>,
}

impl<'a> Setting<'a> {
    pub fn new(run: &'a Run, potential: &'a dyn Potential, options: &'a SampleOptions) -> Setting<'a> {
        let n = potential.dimension();
        let minibatch = options.minibatch.and_then(|size| potential.minibatch().map(|some| (some, size)));
        Setting { run, potential, options, n, degrees_of_freedom: potential.degrees_of_freedom(), minibatch }
    }

    /// Fills `out` with independent normal numbers; frozen coordinates get 0.
    pub fn normals(&self, random: &mut Stream, out: &mut [f64]) {
        normals(random, out);
        if let Some(frozen) = self.potential.frozen() {
            out.iter_mut().zip(frozen).filter(|(_, frozen)| **frozen).for_each(|(v, _)| *v = 0.0);
        }
    }
}

/// What a sampler reports of one walker's way, burn-in left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Course {
    /// Steps made.
    pub steps: u64,
    /// Σ of 2 K / coordinates over the steps: the kinetic temperature of each.
    pub kinetic: f64,
    /// Σ of x·∇E / coordinates over the steps.
    pub virial: f64,
    /// Σ of the energies over the steps.
    pub energy: f64,
    /// Σ of the probabilities of acceptance, where a method accepts.
    pub acceptance: f64,
    /// Trajectories whose energy went astray by more than a thousand temperatures.
    pub divergences: u64,
    /// The first of them: step and error of the energy.
    pub diverged: Vec<(u64, f64)>,
    /// Trees that grew to the largest depth allowed.
    pub deepest: u64,
    /// Gradients computed, burn-in included.
    pub evaluations: u64,
}

/// Divergences of a walker that are kept with their place.
const DIVERGED_KEPT: usize = 100;

/// What belongs to one walker beside its rows.
#[derive(Clone, Debug)]
pub(super) struct Walker {
    pub temperature: f64,
    pub random: Stream,
    pub draws: Option<Draws>,
    /// The friction of adaptive thermostats.
    pub thermostat: f64,
    pub tuning: Tuning,
    pub course: Course,
}

/// Walkers that are evaluated together. Rows of `x`, `p`, `g` belong to walkers in order.
#[derive(Clone)]
pub(super) struct Group {
    /// The number of its first walker.
    pub first: usize,
    pub x: Vec<f64>,
    pub p: Vec<f64>,
    /// Gradients at `x`: of all items, or of the minibatch drawn last.
    pub g: Vec<f64>,
    pub energies: Vec<f64>,
    /// Variances of the gradients' noise, where a method wants them; else empty.
    pub noise: Vec<f64>,
    pub walkers: Vec<Walker>,
    /// L of the preconditioner L Lᵀ, where a method has one.
    pub preconditioner: Option<Arc<Matrix>>,
    pub kept: Kept,
    pub out: Evaluations,
    pub memory: Vec<f64>,
}

/// Rows kept since they were last taken away, step after step, walker after walker within a step.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    pub steps: Vec<u64>,
    pub positions: Vec<f64>,
    /// Energy, kinetic temperature, virial.
    pub scalars: Vec<[f64; 3]>,
}

/// A walker whose energy is no number any more, or beyond all bounds.
pub(super) struct BlownUp {
    pub step: u64,
    pub walker: usize,
    pub energy: f64,
}

/// How the steps of a group ended before their time.
pub(super) enum End {
    Stopped(crate::base::Error),
    BlownUp(BlownUp),
}

impl Group {
    /// Walkers `first` … at these rows, with momenta of their temperatures.
    pub fn new(setting: &Setting, first: usize, x: &[f64], temperatures: &[f64], seed: u64, step_size: f64) -> Group {
        let (n, options) = (setting.n, setting.options);
        let mut p = vec![0.0; x.len()];
        let mut walkers = Vec::with_capacity(temperatures.len());
        for (k, temperature) in temperatures.iter().enumerate() {
            let number = (first + k) as u64;
            let mut random = stream(seed, number);
            let row = &mut p[k * n..(k + 1) * n];
            if options.method.has_momenta() {
                setting.normals(&mut random, row);
                row.iter_mut().for_each(|p| *p *= temperature.sqrt());
            }
            walkers.push(Walker {
                temperature: *temperature,
                random,
                draws: setting.minibatch.map(|(some, size)| Draws::new(seed, number, some.items(), size, options.draw)),
                thermostat: options.friction,
                tuning: Tuning::new(step_size, options),
                course: Course::default(),
            });
        }
        let noise = if options.method == Method::Ccadl && setting.minibatch.is_some() { vec![0.0; x.len()] } else { Vec::new() };
        Group {
            first,
            x: x.to_vec(),
            p,
            g: vec![0.0; x.len()],
            energies: vec![0.0; walkers.len()],
            noise,
            walkers,
            preconditioner: None,
            kept: Kept::default(),
            out: Evaluations::with_gradients(),
            memory: Vec::new(),
        }
    }

    /// Energies and gradients at `x`; each walker draws its next minibatch. `Err` only when the run is stopped.
    pub fn evaluate(&mut self, setting: &Setting) -> Result<()> {
        setting.run.check()?;
        let n = setting.n;
        for walker in &mut self.walkers {
            walker.course.evaluations += 1;
        }
        let Some((some, _)) = setting.minibatch else {
            setting.potential.evaluate(Batch::new(&self.x, n), &mut self.out);
            std::mem::swap(&mut self.g, &mut self.out.gradients);
            self.energies.copy_from_slice(&self.out.energies);
            return Ok(());
        };
        for (k, walker) in self.walkers.iter_mut().enumerate() {
            let Some(draws) = &mut walker.draws else { continue };
            let row = k * n..(k + 1) * n;
            let (x, g) = (Batch::single(&self.x[row.clone()]), &mut self.g[row.clone()]);
            let items = draws.advance();
            if self.noise.is_empty() {
                some.evaluate_items(items, x, &mut self.out);
                g.copy_from_slice(&self.out.gradients);
                self.energies[k] = self.out.energies[0];
                continue;
            }
            // Two halves: their difference tells how much the gradient of a minibatch varies.
            let (one, other) = items.split_at(items.len() / 2);
            let (a, b) = (one.len() as f64 / items.len() as f64, other.len() as f64 / items.len() as f64);
            some.evaluate_items(one, x, &mut self.out);
            g.copy_from_slice(&self.out.gradients);
            self.energies[k] = a * self.out.energies[0];
            some.evaluate_items(other, x, &mut self.out);
            self.energies[k] += b * self.out.energies[0];
            // The first estimates count fully, later ones a hundredth: the noise changes along the way.
            let weight = (1.0 / draws.made() as f64).max(0.01);
            for ((g, other), noise) in g.iter_mut().zip(&self.out.gradients).zip(&mut self.noise[row]) {
                let apart = *g - other;
                *g = a * *g + b * other;
                *noise += weight * (a * b * apart * apart - *noise);
            }
        }
        Ok(())
    }

    /// Makes steps `from + 1` to `from + count` and keeps rows as the options say.
    pub fn advance(&mut self, setting: &Setting, from: u64, count: u64, bound: f64) -> std::result::Result<(), End> {
        let (burn_in, every) = (setting.options.burn_in as u64, setting.options.every as u64);
        for step in from + 1..=from + count {
            let burning = step <= burn_in;
            setting.options.method.step(self, setting, step, burning).map_err(End::Stopped)?;
            for (k, energy) in self.energies.iter().enumerate() {
                // Not a number fails as well, and so does a fall without end.
                if !(energy.abs() <= bound) {
                    return Err(End::BlownUp(BlownUp { step, walker: self.first + k, energy: *energy }));
                }
            }
            if burning {
                self.walkers.iter_mut().for_each(|walker| walker.tuning.learn(step, burn_in));
                continue;
            }
            let keeps = (step - burn_in).is_multiple_of(every);
            let n = setting.n;
            for (k, walker) in self.walkers.iter_mut().enumerate() {
                let row = k * n..(k + 1) * n;
                let (x, p, g) = (&self.x[row.clone()], &self.p[row.clone()], &self.g[row]);
                let kinetic = walker.tuning.twice_kinetic(p) / setting.degrees_of_freedom as f64;
                let virial = dot(x, g) / setting.degrees_of_freedom as f64;
                walker.course.steps += 1;
                walker.course.kinetic += kinetic;
                walker.course.virial += virial;
                walker.course.energy += self.energies[k];
                if keeps {
                    self.kept.steps.push(step);
                    self.kept.positions.extend_from_slice(x);
                    self.kept.scalars.push([self.energies[k], kinetic, virial]);
                }
            }
        }
        Ok(())
    }

    /// The row of walker `k` of the group in one of its arrays.
    pub fn row(&self, n: usize, k: usize) -> std::ops::Range<usize> {
        debug_assert!(k < self.walkers.len());
        k * n..(k + 1) * n
    }
}

impl Walker {
    /// Notes how likely a proposal was to be accepted, and whether it went astray; `burning` ones only teach the step size.
    pub fn note(&mut self, step: u64, burning: bool, probability: f64, error: f64) {
        self.tuning.heard(probability);
        if burning {
            return;
        }
        self.course.acceptance += probability;
        // Not a number counts as astray too.
        if !(error <= 1000.0 * self.temperature) {
            self.course.divergences += 1;
            if self.course.diverged.len() < DIVERGED_KEPT {
                self.course.diverged.push((step, error));
            }
        }
    }
}
