//! The doubly nudged elastic band: a string of images between two minima, relaxed sideways.
//!
//! The tangent τ is the upwind one (Henkelman & Jónsson). With the true gradient g and the spring gradient s of an image,
//! the force is −(g⊥ + s∥ + s⊥*): g⊥ = g − (g·τ)τ, s∥ = −k(|R₊ − R| − |R − R₋|)τ (equal spacing), and s⊥*, the perpendicular part of
//! s = −k(R₊ − 2R + R₋), loses its component along ĝ⊥ where the two oppose each other (negative dot product).
//! The whole band moves by capped LBFGS steps; a band has no energy, so no step is refused.
//! Cost: one batch of `images` gradients an iteration. Fails where the straight line runs through a wall it cannot leave; more images
//! or other end points help.
//!
//! References: S. A. Trygubenko, D. J. Wales, J. Chem. Phys. 120, 2082 (2004), doi:10.1063/1.1636455; G. Henkelman, H. Jónsson,
//! J. Chem. Phys. 113, 9978 (2000), doi:10.1063/1.1323224.

use super::evaluator::{Evaluator, check_position, now};
use super::minimise::default_max_step;
use super::minimise::lbfgs::Memory;
use super::{Band, Termination};
use crate::base::{Error, Result, Run};
use crate::math::Matrix;
use crate::math::matrix::{add_scaled, distance, dot, norm, rms};
use crate::potentials::{Family, Potential};

crate::options! {
    /// Options of `dneb`.
    pub struct DnebOptions {
        /// Images between the end points.
        images: Option<usize> = None => "100 for networks, 30 for clusters, 25 for surfaces", AT_LEAST_ONE, "";
        /// Spring constant.
        spring: Option<f64> = None => "50 for networks, 100 otherwise", NOT_NEGATIVE, "energy per length²";
        /// Largest number of iterations.
        iterations: Option<usize> = None => "350 for networks, 300 for clusters, 500 for surfaces", NOT_NEGATIVE, "";
        /// RMS force of the band at which it counts as relaxed.
        tolerance: f64 = 1e-2, POSITIVE, "energy per length";
        /// Whether the second end is first brought onto the first by the potential's symmetry.
        align: bool = true, ANY, "";
    }
}

/// Relaxes a band from `from` to `to`.
///
/// Errors: end points that do not fit, are not finite, or are the same point; a run that is stopped.
pub fn dneb(run: &Run, potential: &dyn Potential, from: &[f64], to: &[f64], options: &DnebOptions) -> Result<Band> {
    check_position("dneb", "from", potential, from)?;
    check_position("dneb", "to", potential, to)?;
    let mut end = to.to_vec();
    if options.align {
        potential.symmetry().align(from, to, &mut end);
    }
    let gap = distance(from, &end);
    if gap <= 1e-10 * (1.0 + norm(from)) {
        return Err(Error::value(format!("dneb: `from` and `to` are the same point (distance {gap:.1e})"))
            .at("to")
            .hint("give two different minima; `align: false` joins two copies of one"));
    }
    let mut evaluator = Evaluator::new(run, potential);
    now(relax(&mut evaluator, from, &end, options))
}

/// The defaults by kind of potential: images, spring, iterations.
fn defaults(family: Family) -> (usize, f64, usize) {
    match family {
        Family::Network => (100, 50.0, 350),
        Family::Cluster => (30, 100.0, 300),
        Family::Surface => (25, 100.0, 500),
    }
}

async fn relax(evaluator: &mut Evaluator<'_>, from: &[f64], to: &[f64], options: &DnebOptions) -> Result<Band> {
    let n = from.len();
    let (images, spring, iterations) = defaults(evaluator.potential.family());
    let images = options.images.unwrap_or(images);
    let spring = options.spring.unwrap_or(spring);
    let most = options.iterations.unwrap_or(iterations);
    let rows = images + 2;
    let mut band = Matrix::zeros(rows, n);
    for r in 0..rows {
        let t = r as f64 / (rows - 1) as f64;
        for (k, x) in band.row_mut(r).iter_mut().enumerate() {
            *x = (1.0 - t) * from[k] + t * to[k];
        }
    }
    band.row_mut(rows - 1).copy_from_slice(to);

    let cap = 0.5 * default_max_step(evaluator.potential);
    let inner = images * n;
    let mut memory = Memory::new(4);
    let (mut force, mut old, mut step) = (vec![0.0; inner], vec![0.0; inner], vec![0.0; inner]);
    let mut moved = vec![0.0; inner];
    let mut tangent = vec![0.0; n];
    let mut side = vec![0.0; n];
    // The ends never move: their energies are taken once.
    let mut energies = vec![0.0; rows];
    energies[0] = evaluator.gradient(from, &mut tangent).await?;
    energies[rows - 1] = evaluator.gradient(to, &mut tangent).await?;
    let mut iteration = 0;
    let termination = loop {
        let evaluated = evaluator.gradients(&band.data[n..n + inner], n).await?;
        energies[1..=images].copy_from_slice(&evaluated.energies);
        if energies.iter().any(|e| e.is_nan()) {
            break Termination::NotFinite;
        }
        for i in 1..=images {
            let g = &evaluated.gradients[(i - 1) * n..i * n];
            image_gradient(&band, &energies, i, g, spring, &mut tangent, &mut side, &mut force[(i - 1) * n..i * n]);
        }
        if rms(&force) <= options.tolerance {
            break Termination::Converged;
        }
        if iteration >= most {
            break Termination::MaxIterations;
        }
        if iteration > 0 {
            memory.push(moved.iter().copied(), force.iter().zip(&old).map(|(new, old)| new - old));
        }
        memory.direction(&force, &mut step);
        if dot(&step, &force) > 0.0 {
            step.iter_mut().for_each(|s| *s = -*s);
        }
        let longest = step.chunks(n).map(norm).fold(0.0, f64::max);
        let scale = if longest > cap { cap / longest } else { 1.0 };
        for (m, s) in moved.iter_mut().zip(&step) {
            *m = scale * s;
        }
        add_scaled(&mut band.data[n..n + inner], 1.0, &moved);
        std::mem::swap(&mut force, &mut old);
        iteration += 1;
    };

    let mut distances = vec![0.0; rows];
    for r in 1..rows {
        distances[r] = distances[r - 1] + distance(band.row(r), band.row(r - 1));
    }
    let mut tops: Vec<usize> =
        (1..rows - 1).filter(|&r| energies[r] > energies[r - 1] && energies[r] >= energies[r + 1]).collect();
    tops.sort_by(|&a, &b| energies[b].total_cmp(&energies[a]));
    let candidates = tops.into_iter().map(|r| band.row(r).to_vec()).collect();
    Ok(Band { positions: band, energies, distances, candidates, iterations: iteration, termination })
}

/// The gradient that image `i` feels: see the module text.
#[allow(clippy::too_many_arguments)] // the band, the place in it, and the scratch that keeps the loop free of allocation
fn image_gradient(
    band: &Matrix,
    energies: &[f64],
    i: usize,
    g: &[f64],
    spring: f64,
    tangent: &mut [f64],
    side: &mut [f64],
    out: &mut [f64],
) {
    let (before, here, after) = (band.row(i - 1), band.row(i), band.row(i + 1));
    let (down, mid, up) = (energies[i - 1], energies[i], energies[i + 1]);
    // Upwind: towards the higher neighbour; at an extremum a mixture weighted by the energy differences.
    let (mut weight_after, mut weight_before) = (0.0, 0.0);
    if up > mid && mid > down {
        weight_after = 1.0;
    } else if up < mid && mid < down {
        weight_before = 1.0;
    } else {
        let (large, small) = ((up - mid).abs().max((down - mid).abs()), (up - mid).abs().min((down - mid).abs()));
        (weight_after, weight_before) = if up > down { (large, small) } else { (small, large) };
        if !(weight_after + weight_before > 0.0 && (weight_after + weight_before).is_finite()) {
            (weight_after, weight_before) = (1.0, 1.0);
        }
    }
    for k in 0..tangent.len() {
        tangent[k] = weight_after * (after[k] - here[k]) + weight_before * (here[k] - before[k]);
    }
    let length = norm(tangent);
    if length > 0.0 {
        tangent.iter_mut().for_each(|t| *t /= length);
    }
    let along = dot(g, tangent);
    for k in 0..out.len() {
        out[k] = g[k] - along * tangent[k];
        side[k] = -spring * (after[k] - 2.0 * here[k] + before[k]);
    }
    // The perpendicular spring part, without what works against the true gradient.
    let parallel = dot(side, tangent);
    add_scaled(side, -parallel, tangent);
    let steep = dot(out, out);
    let against = dot(side, out);
    if against < 0.0 && steep > 0.0 {
        add_scaled(side, -against / steep, out);
    }
    let spacing = -spring * (distance(after, here) - distance(here, before));
    for k in 0..out.len() {
        out[k] += side[k] + spacing * tangent[k];
    }
}
