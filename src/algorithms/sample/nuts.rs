//! The no-U-turn sampler: trajectories that end where they begin to come back, with the next position drawn from the whole of them.
//!
//! A trajectory is doubled forwards or backwards at random until the sum ρ of its momenta makes an angle of more than 90° with the velocity at
//! either end (checked across the joints of the halves too), or its depth is `max_tree_depth`. Within a half a position is drawn by its
//! weight exp(−H/T), between the old trajectory and the new half with a preference for the new one.
//! Cost: 2^depth − 1 gradients a step. Energies that rise by more than 1000 T end a trajectory and are reported as divergences.
//! References: M. D. Hoffman, A. Gelman, J. Mach. Learn. Res. 15, 1593 (2014), arXiv:1111.4246; M. Betancourt, arXiv:1701.02434 (weights,
//! U-turns by ρ); the checks across joints are Stan's.

use super::walkers::{Group, Setting};
use crate::base::Result;
use crate::math::matrix::{add_scaled, dot};
use crate::math::random::Stream;
use crate::potentials::{Batch, Evaluations};
use rand::RngExt;

/// A point of phase space.
#[derive(Clone, Default)]
struct Point {
    x: Vec<f64>,
    p: Vec<f64>,
    g: Vec<f64>,
    energy: f64,
}

/// Momentum and velocity at an end of a trajectory.
#[derive(Clone)]
struct EndPoint {
    p: Vec<f64>,
    velocity: Vec<f64>,
}

/// A part of a trajectory, made in one direction.
struct Part {
    /// Made first, and made last.
    begin: EndPoint,
    end: EndPoint,
    /// Σ of the momenta.
    rho: Vec<f64>,
    /// The position drawn from it.
    chosen: Point,
    /// ln Σ exp((H₀ − H)/T).
    log_weight: f64,
}

/// What a trajectory needs and counts.
struct Way<'a, 'b> {
    setting: &'a Setting<'b>,
    out: &'a mut Evaluations,
    random: &'a mut Stream,
    inverse_masses: &'a [f64],
    temperature: f64,
    /// The total energy at its start.
    start: f64,
    steps: u64,
    acceptance: f64,
    /// The error of the energy where it went astray.
    astray: Option<f64>,
}

/// ln(eᵃ + eᵇ).
fn log_sum(a: f64, b: f64) -> f64 {
    let high = a.max(b);
    if high == f64::NEG_INFINITY { high } else { high + ((a - high).exp() + (b - high).exp()).ln() }
}

fn added(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

/// Whether both ends still move apart.
fn goes_on(one: &EndPoint, other: &EndPoint, rho: &[f64]) -> bool {
    dot(&one.velocity, rho) > 0.0 && dot(&other.velocity, rho) > 0.0
}

impl Way<'_, '_> {
    fn velocity(&self, p: &[f64]) -> Vec<f64> {
        match self.inverse_masses {
            [] => p.to_vec(),
            inverse => p.iter().zip(inverse).map(|(p, w)| p * w).collect(),
        }
    }

    fn end(&self, p: &[f64]) -> EndPoint {
        EndPoint { p: p.to_vec(), velocity: self.velocity(p) }
    }

    fn kinetic(&self, p: &[f64]) -> f64 {
        match self.inverse_masses {
            [] => 0.5 * dot(p, p),
            inverse => 0.5 * p.iter().zip(inverse).map(|(p, w)| p * p * w).sum::<f64>(),
        }
    }

    /// One leapfrog step.
    fn leap(&mut self, point: &mut Point, h: f64) -> Result<()> {
        self.setting.run.check()?;
        add_scaled(&mut point.p, -0.5 * h, &point.g);
        match self.inverse_masses {
            [] => add_scaled(&mut point.x, h, &point.p),
            inverse => point.x.iter_mut().zip(&point.p).zip(inverse).for_each(|((x, p), w)| *x += h * p * w),
        }
        self.setting.potential.evaluate(Batch::single(&point.x), self.out);
        point.g.copy_from_slice(&self.out.gradients);
        point.energy = self.out.energies[0];
        add_scaled(&mut point.p, -0.5 * h, &point.g);
        Ok(())
    }

    /// 2^depth steps from `point`, which moves along; nothing where they turn or go astray.
    fn grow(&mut self, depth: usize, point: &mut Point, h: f64) -> Result<Option<Part>> {
        if depth == 0 {
            self.leap(point, h)?;
            self.steps += 1;
            let error = point.energy + self.kinetic(&point.p) - self.start;
            // Not a number is astray too.
            if !(error <= 1000.0 * self.temperature) {
                self.astray = Some(error);
                return Ok(None);
            }
            let log_weight = -error / self.temperature;
            self.acceptance += log_weight.exp().min(1.0);
            let end = self.end(&point.p);
            return Ok(Some(Part { begin: end.clone(), end, rho: point.p.clone(), chosen: point.clone(), log_weight }));
        }
        let Some(first) = self.grow(depth - 1, point, h)? else { return Ok(None) };
        let Some(second) = self.grow(depth - 1, point, h)? else { return Ok(None) };
        let log_weight = log_sum(first.log_weight, second.log_weight);
        let takes_second = self.random.random::<f64>() < (second.log_weight - log_weight).exp();
        let whole = added(&first.rho, &second.rho);
        if !joined(&first.begin, &first.end, &first.rho, &second.begin, &second.end, &second.rho, &whole) {
            return Ok(None);
        }
        let chosen = if takes_second { second.chosen } else { first.chosen };
        Ok(Some(Part { begin: first.begin, end: second.end, rho: whole, chosen, log_weight }))
    }
}

/// Whether two parts together, and each with the first point of the other, still move apart.
fn joined(
    begin: &EndPoint,
    before: &EndPoint,
    rho_before: &[f64],
    after: &EndPoint,
    end: &EndPoint,
    rho_after: &[f64],
    whole: &[f64],
) -> bool {
    goes_on(begin, end, whole)
        && goes_on(begin, after, &added(rho_before, &after.p))
        && goes_on(before, end, &added(rho_after, &before.p))
}

/// One step of every walker, one after another: trees differ in size.
pub(super) fn step(group: &mut Group, setting: &Setting, step: u64, burning: bool) -> Result<()> {
    let n = setting.n;
    for k in 0..group.walkers.len() {
        let row = group.row(n, k);
        let walker = &mut group.walkers[k];
        let p = &mut group.p[row.clone()];
        setting.normals(&mut walker.random, p);
        walker.tuning.heat(p, walker.temperature);
        let here = Point {
            x: group.x[row.clone()].to_vec(),
            p: p.to_vec(),
            g: group.g[row.clone()].to_vec(),
            energy: group.energies[k],
        };
        let h = walker.tuning.step_size();
        let mut way = Way {
            setting,
            out: &mut group.out,
            random: &mut walker.random,
            inverse_masses: walker.tuning.inverse_masses(),
            temperature: walker.temperature,
            start: 0.0,
            steps: 0,
            acceptance: 0.0,
            astray: None,
        };
        way.start = here.energy + way.kinetic(&here.p);
        // The two ends of the trajectory: [backwards, forwards].
        let mut ends = [way.end(&here.p), way.end(&here.p)];
        let mut points = [here.clone(), here.clone()];
        let mut rho = here.p.clone();
        let (mut chosen, mut log_weight) = (here, 0.0);
        let mut depth = 0;
        while depth < setting.options.max_tree_depth {
            let forwards = way.random.random::<bool>();
            let side = usize::from(forwards);
            let part = way.grow(depth, &mut points[side], if forwards { h } else { -h })?;
            let Some(part) = part else { break };
            depth += 1;
            if way.random.random::<f64>() < (part.log_weight - log_weight).exp() {
                chosen = part.chosen;
            }
            log_weight = log_sum(log_weight, part.log_weight);
            let whole = added(&rho, &part.rho);
            let on = joined(&ends[1 - side], &ends[side], &rho, &part.begin, &part.end, &part.rho, &whole);
            (rho, ends[side]) = (whole, part.end);
            if !on {
                break;
            }
        }
        let (steps, acceptance, astray) = (way.steps, way.acceptance, way.astray);
        walker.course.evaluations += steps;
        walker.course.deepest += u64::from(!burning && depth == setting.options.max_tree_depth);
        walker.note(step, burning, acceptance / steps.max(1) as f64, astray.unwrap_or(0.0));
        group.x[row.clone()].copy_from_slice(&chosen.x);
        group.p[row.clone()].copy_from_slice(&chosen.p);
        group.g[row.clone()].copy_from_slice(&chosen.g);
        group.energies[k] = chosen.energy;
        if burning {
            walker.tuning.watch(&group.x[row]);
        }
    }
    Ok(())
}
