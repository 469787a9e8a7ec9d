//! Langevin dynamics in parts that are solved exactly: A moves positions, B momenta by the force, O rubs and kicks.
//!
//! A scheme is a word, read from the left; each letter gets an equal share of the step: BAOAB is B(h/2) A(h/2) O(h) A(h/2) B(h/2), GLA1 is
//! BAO, GLA2 is BABO. A: x ← x + t p; B: p ← p − t ∇E; O: p ← c p + √((1 − c²) T) ξ with c = exp(−γ t), unit masses. One gradient a step:
//! that after the last A is the first of the next step.
//! The bias of averages over positions is of second order in h for symmetric words, of first order for GLA1; BAOAB has none for a
//! harmonic potential, and fourth order at high friction. Fails (energies grow without bounds) for h above 2/√(largest curvature).
//! With a preconditioner L Lᵀ positions move along L p and momenta along Lᵀ∇E (`ensemble`).
//! References: B. Leimkuhler, C. Matthews, Appl. Math. Res. Express 2013, 34, doi:10.1093/amrx/abs010; N. Bou-Rabee, H. Owhadi,
//! SIAM J. Numer. Anal. 48, 278 (2010), doi:10.1137/090758842 (GLA).

use super::walkers::{Group, Setting};
use crate::base::Result;
use crate::math::Matrix;
use crate::math::matrix::add_scaled;

/// One step of a word.
pub(super) fn step(word: &str, group: &mut Group, setting: &Setting) -> Result<()> {
    let h = group.walkers[0].tuning.step_size();
    let share = |letter: char| h / word.matches(letter).count().max(1) as f64;
    let mut stale = false;
    for letter in word.chars() {
        match letter {
            'A' => {
                drift(group, setting.n, share('A'));
                stale = true;
            }
            'B' => {
                if std::mem::take(&mut stale) {
                    group.evaluate(setting)?;
                }
                kick(group, setting.n, share('B'));
            }
            _ => rub(group, setting, share('O')),
        }
    }
    if stale {
        group.evaluate(setting)?;
    }
    Ok(())
}

/// x ← x + t p, or t L p.
fn drift(group: &mut Group, n: usize, t: f64) {
    let Some(l) = group.preconditioner.clone() else {
        add_scaled(&mut group.x, t, &group.p);
        return;
    };
    for (x, p) in group.x.chunks_exact_mut(n).zip(group.p.chunks_exact(n)) {
        for (i, x) in x.iter_mut().enumerate() {
            *x += t * l.row(i)[..=i].iter().zip(p).map(|(l, p)| l * p).sum::<f64>();
        }
    }
}

/// p ← p − t ∇E, or t Lᵀ∇E.
fn kick(group: &mut Group, n: usize, t: f64) {
    let Some(l) = group.preconditioner.clone() else {
        add_scaled(&mut group.p, -t, &group.g);
        return;
    };
    for (p, g) in group.p.chunks_exact_mut(n).zip(group.g.chunks_exact(n)) {
        add_transposed(p, -t, &l, g);
    }
}

/// p ← p + s Lᵀ g for a lower triangle L.
fn add_transposed(p: &mut [f64], s: f64, l: &Matrix, g: &[f64]) {
    for (i, g) in g.iter().enumerate() {
        add_scaled(&mut p[..=i], s * g, &l.row(i)[..=i]);
    }
}

/// The exact solution of dp = −γ p dt + √(2γT) dW over a time t.
fn rub(group: &mut Group, setting: &Setting, t: f64) {
    let (n, c) = (setting.n, (-setting.options.friction * t).exp());
    group.memory.resize(n, 0.0);
    for (walker, p) in group.walkers.iter_mut().zip(group.p.chunks_exact_mut(n)) {
        setting.normals(&mut walker.random, &mut group.memory);
        let kick = ((1.0 - c * c) * walker.temperature).sqrt();
        for (p, xi) in p.iter_mut().zip(&group.memory) {
            *p = c * *p + kick * xi;
        }
    }
}
