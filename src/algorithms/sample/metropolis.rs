//! Samplers that propose and accept: exact averages at any step size, for potentials whose energy is known exactly.
//!
//! HMC: momenta are drawn anew, `leapfrog_steps` steps are made, and the end is accepted with probability min(1, exp(−ΔH/T)). The step is
//! stretched by a random ±10 % for each trajectory, so that no orbit closes. Order 2 is leapfrog, B(h/2) A(h) B(h/2); order 1 is symplectic
//! Euler, whose reverse is the other order of its parts: BA or AB is taken with equal probability, which keeps detailed balance.
//! MALA: x′ = x − h∇E + √(2hT) ξ, accepted by energies and by the ratio of the proposals' densities.
//! Cost: `leapfrog_steps` gradients a step (HMC), one (MALA). Fails where the wanted region is thinner than the steps: nothing is accepted.
//! References: S. Duane, A. D. Kennedy, B. J. Pendleton, D. Roweth, Phys. Lett. B 195, 216 (1987), doi:10.1016/0370-2693(87)91197-X;
//! R. M. Neal, arXiv:1206.1901; G. O. Roberts, R. L. Tweedie, Bernoulli 2, 341 (1996), doi:10.2307/3318418.

use super::walkers::{Group, Setting};
use crate::base::Result;
use crate::math::matrix::add_scaled;
use rand::RngExt;

/// Where the walkers of a group stood before their proposals.
struct Before {
    x: Vec<f64>,
    p: Vec<f64>,
    g: Vec<f64>,
    energies: Vec<f64>,
}

impl Before {
    fn of(group: &Group) -> Before {
        Before { x: group.x.clone(), p: group.p.clone(), g: group.g.clone(), energies: group.energies.clone() }
    }

    /// Walker `k` has stayed.
    fn back(&self, group: &mut Group, n: usize, k: usize) {
        let row = group.row(n, k);
        group.x[row.clone()].copy_from_slice(&self.x[row.clone()]);
        group.p[row.clone()].copy_from_slice(&self.p[row.clone()]);
        group.g[row.clone()].copy_from_slice(&self.g[row]);
        group.energies[k] = self.energies[k];
    }
}

/// How a proposal went: the logarithm of the probability to accept it, and the change of the total energy.
struct Proposal {
    log_ratio: f64,
    error: f64,
}

/// Accepts or rejects the proposal of walker `k` at a step, which may be one of the burn-in.
fn decide(group: &mut Group, before: &Before, n: usize, k: usize, (step, burning): (u64, bool), proposal: &Proposal) {
    let Proposal { log_ratio, error } = *proposal;
    let probability = if log_ratio.is_nan() { 0.0 } else { log_ratio.exp().min(1.0) };
    let walker = &mut group.walkers[k];
    walker.note(step, burning, probability, error);
    if walker.random.random::<f64>() >= probability {
        before.back(group, n, k);
    }
    if burning {
        let row = group.row(n, k);
        group.walkers[k].tuning.watch(&group.x[row]);
    }
}

/// One trajectory.
pub(super) fn hmc(group: &mut Group, setting: &Setting, step: u64, burning: bool) -> Result<()> {
    let n = setting.n;
    let second = setting.options.order == 2;
    let mut steps = Vec::with_capacity(group.walkers.len());
    let mut kinetic = Vec::with_capacity(group.walkers.len());
    for (walker, p) in group.walkers.iter_mut().zip(group.p.chunks_exact_mut(n)) {
        setting.normals(&mut walker.random, p);
        walker.tuning.heat(p, walker.temperature);
        let h = walker.tuning.step_size() * (1.0 + 0.1 * (2.0 * walker.random.random::<f64>() - 1.0));
        let kick_first = second || walker.random.random::<bool>();
        steps.push((h, kick_first));
        kinetic.push(0.5 * walker.tuning.twice_kinetic(p));
    }
    let before = Before::of(group);
    for _ in 0..setting.options.leapfrog_steps {
        for (k, (h, kick_first)) in steps.iter().enumerate() {
            let row = group.row(n, k);
            let (x, p, g) = (&mut group.x[row.clone()], &mut group.p[row.clone()], &group.g[row]);
            if *kick_first {
                add_scaled(p, if second { -0.5 * h } else { -h }, g);
            }
            group.walkers[k].tuning.drift(x, *h, p);
        }
        group.evaluate(setting)?;
        for (k, (h, kick_first)) in steps.iter().enumerate() {
            let row = group.row(n, k);
            if second {
                add_scaled(&mut group.p[row.clone()], -0.5 * h, &group.g[row]);
            } else if !kick_first {
                add_scaled(&mut group.p[row.clone()], -h, &group.g[row]);
            }
        }
    }
    for k in 0..steps.len() {
        let walker = &group.walkers[k];
        let after = group.energies[k] + 0.5 * walker.tuning.twice_kinetic(&group.p[group.row(n, k)]);
        let error = after - before.energies[k] - kinetic[k];
        let proposal = Proposal { log_ratio: -error / walker.temperature, error };
        decide(group, &before, n, k, (step, burning), &proposal);
    }
    Ok(())
}

/// One step of MALA.
pub(super) fn mala(group: &mut Group, setting: &Setting, step: u64, burning: bool) -> Result<()> {
    let n = setting.n;
    let before = Before::of(group);
    for (k, walker) in group.walkers.iter_mut().enumerate() {
        let row = k * n..(k + 1) * n;
        group.memory.resize(n, 0.0);
        setting.normals(&mut walker.random, &mut group.memory);
        let h = walker.tuning.step_size();
        let kick = (2.0 * h * walker.temperature).sqrt();
        for ((x, g), xi) in group.x[row.clone()].iter_mut().zip(&group.g[row]).zip(&group.memory) {
            *x += kick * xi - h * g;
        }
    }
    group.evaluate(setting)?;
    for k in 0..group.walkers.len() {
        let row = group.row(n, k);
        let (h, temperature) = (group.walkers[k].tuning.step_size(), group.walkers[k].temperature);
        let (mut there, mut back) = (0.0, 0.0);
        for i in row {
            let moved = group.x[i] - before.x[i];
            there += (moved + h * before.g[i]).powi(2);
            back += (h * group.g[i] - moved).powi(2);
        }
        let error = group.energies[k] - before.energies[k];
        let log_ratio = -error / temperature + (there - back) / (4.0 * h * temperature);
        // A proposal of higher energy is no fault here: only one that is no number has gone astray.
        let astray = if log_ratio.is_nan() { f64::NAN } else { 0.0 };
        decide(group, &before, n, k, (step, burning), &Proposal { log_ratio, error: astray });
    }
    Ok(())
}
