//! Samplers made for gradients of minibatches: one Euler–Maruyama step each, momentum first, then the position with the new momentum.
//!
//! SGLD: x ← x − h∇E + √(2hT) ξ, without momenta. SGHMC: p ← p − h∇E − hγp + √(2γTh) ξ, x ← x + h p.
//! SGNHT: the friction is a variable, p ← p − h∇E − hζp + √(2γTh) ξ, x ← x + h p, ζ ← ζ + h (p·p/(nT) − 1), so that heat from the noise of the
//! gradients is rubbed away, where that noise is the same everywhere. (The paper has T = 1; dividing by T lets the thermostat answer within the
//! same time at every temperature.)
//! CCAdL besides takes away noise that differs by coordinate and place: −h (h/2T) Σ p, Σ the variance of a minibatch's gradient, here its
//! diagonal, from the difference of two halves of each minibatch, averaged over about a hundred steps. With all items it is SGNHT.
//! All are of first order in h; fail for steps above 2/(largest curvature) (SGLD) or 2/√(largest curvature).
//! References: M. Welling, Y. W. Teh, ICML 2011, 681; T. Chen, E. Fox, C. Guestrin, ICML 2014, arXiv:1402.4102; N. Ding et al., NIPS 2014,
//! 3203; X. Shang, Z. Zhu, B. Leimkuhler, A. Storkey, NIPS 2015, 37, doi:10.48550/arXiv.1510.08692.

use super::Method;
use super::walkers::{Group, Setting};
use crate::base::Result;
use crate::math::matrix::{add_scaled, dot};

/// One step without momenta.
pub(super) fn sgld(group: &mut Group, setting: &Setting) -> Result<()> {
    let n = setting.n;
    group.memory.resize(n, 0.0);
    for (k, walker) in group.walkers.iter_mut().enumerate() {
        let row = k * n..(k + 1) * n;
        setting.normals(&mut walker.random, &mut group.memory);
        let h = walker.tuning.step_size();
        let kick = (2.0 * h * walker.temperature).sqrt();
        for ((x, g), xi) in group.x[row.clone()].iter_mut().zip(&group.g[row]).zip(&group.memory) {
            *x += kick * xi - h * g;
        }
    }
    group.evaluate(setting)
}

/// One step of SGHMC, SGNHT or CCAdL.
pub(super) fn with_momenta(method: Method, group: &mut Group, setting: &Setting) -> Result<()> {
    let n = setting.n;
    let friction = setting.options.friction;
    group.memory.resize(n, 0.0);
    for (k, walker) in group.walkers.iter_mut().enumerate() {
        let row = k * n..(k + 1) * n;
        setting.normals(&mut walker.random, &mut group.memory);
        let (h, temperature) = (walker.tuning.step_size(), walker.temperature);
        let rubbing = if method == Method::Sghmc { friction } else { walker.thermostat };
        let kick = (2.0 * friction * temperature * h).sqrt();
        let p = &mut group.p[row.clone()];
        if !group.noise.is_empty() {
            let against = 0.5 * h * h / temperature;
            for (p, noise) in p.iter_mut().zip(&group.noise[row.clone()]) {
                *p -= against * noise * *p;
            }
        }
        for ((p, g), xi) in p.iter_mut().zip(&group.g[row.clone()]).zip(&group.memory) {
            *p += kick * xi - h * (g + rubbing * *p);
        }
        add_scaled(&mut group.x[row], h, p);
        if method != Method::Sghmc {
            walker.thermostat += h * (dot(p, p) / (setting.free as f64 * temperature) - 1.0);
        }
    }
    group.evaluate(setting)
}
