//! Samplers made for gradients of minibatches: one Euler–Maruyama step each, momentum first, then the position with the new momentum.
//!
//! SGLD: x ← x − h∇E + √(2hT) ξ, without momenta. SGHMC: p ← p − h∇E − hγp + √(2γTh) ξ, x ← x + h p.
//! SGNHT: the friction is a variable, p ← e^(−hζ) p − h∇E + √(2γTh) ξ, x ← x + h p, ζ ← ζ + h (p·p/(nT) − 1), so that heat from the noise of the
//! gradients is rubbed away, where that noise is the same everywhere. (The paper has T = 1 and 1 − hζ: dividing by T lets the thermostat answer
//! within the same time at every temperature, and the exponential, the same to first order, cannot overshoot where ζ is large. In the burn-in
//! ζ rises no faster than it can fall: the heat of a start high up would wind it up for longer than the run lasts.)
//! CCAdL besides takes away noise that differs by coordinate and place: p ← e^(−h²Σ/2T) p, Σ the variance of a minibatch's gradient, here its
//! diagonal, from the difference of two halves of each minibatch, averaged over about a hundred steps. With all items it is SGNHT.
//! All are of first order in h; fail for steps above 2/(largest curvature) (SGLD) or 2/√(largest curvature). No friction can hold the temperature
//! where the noise of a single step is hotter already: h² Σ above T.
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
pub(super) fn with_momenta(method: Method, group: &mut Group, setting: &Setting, burning: bool) -> Result<()> {
    let n = setting.n;
    let friction = setting.options.friction;
    group.memory.resize(n, 0.0);
    for (k, walker) in group.walkers.iter_mut().enumerate() {
        let row = k * n..(k + 1) * n;
        setting.normals(&mut walker.random, &mut group.memory);
        let (h, temperature) = (walker.tuning.step_size(), walker.temperature);
        let kept = if method == Method::Sghmc { 1.0 - h * friction } else { (-h * walker.thermostat).exp() };
        let kick = (2.0 * friction * temperature * h).sqrt();
        let p = &mut group.p[row.clone()];
        if !group.noise.is_empty() {
            let against = 0.5 * h * h / temperature;
            for (p, noise) in p.iter_mut().zip(&group.noise[row.clone()]) {
                *p *= (-against * noise).exp();
            }
        }
        for ((p, g), xi) in p.iter_mut().zip(&group.g[row.clone()]).zip(&group.memory) {
            *p = kept * *p + kick * xi - h * g;
        }
        add_scaled(&mut group.x[row], h, p);
        if method != Method::Sghmc {
            let too_hot = dot(p, p) / (setting.degrees_of_freedom as f64 * temperature) - 1.0;
            walker.thermostat += h * if burning { too_hot.min(1.0) } else { too_hot };
        }
    }
    group.evaluate(setting)
}
