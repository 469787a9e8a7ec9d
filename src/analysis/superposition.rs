//! Thermodynamics and rates from the stationary points of a landscape, each basin taken for harmonic.
//!
//! Z = Σ_a n_a exp(−βE_a) Π_i (2π/(βh_i))^½ over the minima: n_a copies under the potential's symmetry (permutations and inversion of clusters,
//! exchange and signs of hidden nodes), h_i the positive eigenvalues of the Hessian. A free cluster has its zero modes left out and the factor 8π²(det I)^½ of its
//! rotations instead (4πI where it is linear); masses are 1. Frozen coordinates count for nothing, and so do flat directions that are
//! no zero modes of the symmetry, which is said. F = −T ln Z, U = ⟨E_a + κ_a T/2⟩, C = dU/dT, with κ_a modes: the configurational parts alone.
//! Rates by harmonic transition-state theory: k = (n_‡/n_a) (1/2π) Π_i h_i(a)^½ / Π_i h_i(‡)^½ · ((det I_‡)/(det I_a))^½ exp(−(E_‡ − E_a)/T), the negative eigenvalue left
//! out; a rearrangement of a minimum into its own copy counts twice, since each of its saddles leads to two of them.
//! When it fails: far from harmonic basins (high temperature, flat valleys), or a landscape that lacks minima that count.
//!
//! References: D. J. Wales, Energy Landscapes (2003), doi:10.1017/CBO9780511721724, chapter 7; rates: D. J. Wales, Mol. Phys. 100, 3285 (2002),
//! doi:10.1080/00268970210162691.

use super::free_energy::FreeEnergy;
use crate::algorithms::Curvature;
use crate::base::{Error, Result, Run};
use crate::landscape::Landscape;
use crate::math::Matrix;
use crate::math::eigen::{NEAR_ZERO, shift_modes, symmetric_eigenvalues};
use crate::math::linear::Factors;
use crate::math::matrix::{dot, norm};
use crate::potentials::clusters::moments_of_inertia;
use crate::potentials::{Batch, Evaluations, Family, Potential};
use std::f64::consts::PI;
use std::sync::Arc;

/// The largest Hessian whose whole spectrum is taken here.
const LARGEST: usize = 4000;

/// What a stationary point adds to a partition function, temperature apart.
struct Basin {
    energy: f64,
    /// ln of the number of copies.
    log_copies: f64,
    /// ln of the rotational volume; 0 where nothing rotates.
    log_rotation: f64,
    /// Positive modes and Σ ln h over them.
    modes: usize,
    log_product: f64,
    /// Flat directions that the symmetry does not explain.
    flat: usize,
}

/// The harmonic superposition of a landscape's minima.
#[derive(Clone)]
pub struct Superposition {
    pub landscape: Landscape,
    /// Ids of the minima, in order of energy.
    pub minima: Vec<usize>,
    pub temperatures: Vec<f64>,
    /// −T ln Z, one a temperature.
    pub free_energies: Vec<f64>,
    /// Mean potential energy.
    pub energies: Vec<f64>,
    /// dU/dT, in units of k.
    pub heat_capacities: Vec<f64>,
    /// minima × temperatures; each column adds up to 1.
    pub occupations: Matrix,
    pub log_copies: Vec<f64>,
    pub notes: Vec<String>,
}

fn basin(run: &Run, potential: &dyn Potential, x: &[f64], energy: f64, curvature: &Curvature, index: usize) -> Result<Basin> {
    run.check()?;
    let active: Vec<usize> = (0..x.len()).filter(|i| potential.frozen().is_none_or(|f| !f[*i])).collect();
    let zero = potential.symmetry().zero_modes(x).len();
    let (near_zero, mut log_product) = match curvature.log_product.is_finite() {
        true => (curvature.near_zero, curvature.log_product),
        false => spectrum(potential, x, &active)?,
    };
    if index > 0 {
        log_product -= curvature.lowest[0].abs().ln();
    }
    let rotates = potential.family() == Family::Cluster && zero >= 5;
    let log_rotation = if rotates {
        let mut moments = moments_of_inertia(x);
        moments.sort_by(f64::total_cmp);
        match zero {
            5 => (4.0 * PI).ln() + 0.5 * (moments[1].ln() + moments[2].ln()),
            _ => (8.0 * PI * PI).ln() + 0.5 * moments.iter().map(|m| m.ln()).sum::<f64>(),
        }
    } else {
        0.0
    };
    Ok(Basin {
        energy,
        log_copies: potential.symmetry().log_copies(x),
        log_rotation,
        modes: active.len() - near_zero - index,
        log_product,
        flat: near_zero.saturating_sub(zero),
    })
}

/// Near-zero modes and Σ ln|h| over the others, for points of which only a part of the spectrum is known.
fn spectrum(potential: &dyn Potential, x: &[f64], active: &[usize]) -> Result<(usize, f64)> {
    if active.len() > LARGEST {
        let message = format!("harmonic_superposition: the whole spectrum of {} coordinates is out of reach", active.len());
        return Err(Error::value(message).hint(format!("at most {LARGEST} are taken")).at("landscape"));
    }
    let mut hessian = Matrix::default();
    potential.hessian(x, &mut hessian);
    let mut part = Matrix::zeros(active.len(), active.len());
    for (a, &i) in active.iter().enumerate() {
        active.iter().enumerate().for_each(|(b, &j)| part[(a, b)] = hessian[(i, j)]);
    }
    let values = symmetric_eigenvalues(&part);
    let largest = values.iter().fold(0.0, |m: f64, h| m.max(h.abs()));
    let far: Vec<f64> = values.iter().map(|h| h.abs()).filter(|h| *h > NEAR_ZERO * largest).collect();
    Ok((values.len() - far.len(), far.iter().map(|h| h.ln()).sum()))
}

/// ln of n exp(−βE) Π (2π/(βh))^½ times the rotations.
fn log_weight(b: &Basin, t: f64) -> f64 {
    b.log_copies + b.log_rotation - b.energy / t + 0.5 * (b.modes as f64 * (2.0 * PI * t).ln() - b.log_product)
}

fn check_temperatures(function: &str, temperatures: &[f64]) -> Result<()> {
    match temperatures.iter().find(|t| !(**t > 0.0 && t.is_finite())) {
        Some(t) => Err(Error::value(format!("{function}: a temperature must be above 0, found {t}")).at("temperature")),
        None if temperatures.is_empty() => Err(Error::value(format!("{function}: there are no temperatures")).at("temperature")),
        None => Ok(()),
    }
}

/// ln Σ exp and the share of each.
fn shares(logs: &[f64]) -> (f64, Vec<f64>) {
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logs.iter().map(|l| (l - largest).exp()).sum();
    (largest + sum.ln(), logs.iter().map(|l| (l - largest).exp() / sum).collect())
}

/// Free energy, energy, heat capacity and occupations of the minima at each temperature.
///
/// Errors: a landscape without minima or without a potential, a temperature that is not positive.
pub fn harmonic_superposition(run: &Run, landscape: &Landscape, temperatures: &[f64]) -> Result<Superposition> {
    check_temperatures("harmonic_superposition", temperatures)?;
    let potential = landscape.needs_potential("harmonic_superposition")?.clone();
    landscape.global_minimum()?;
    let minima = landscape.minima();
    let task = run.task("harmonic_superposition", Some(minima.len() as u64));
    let mut basins = Vec::with_capacity(minima.len());
    for m in &minima {
        basins.push(basin(run, &*potential, &m.position, m.energy, &m.curvature, 0)?);
        task.tick(1, String::new)?;
    }
    let mut notes = Vec::new();
    let modes: Vec<usize> = basins.iter().map(|b| b.modes).collect();
    if let Some(flat) = basins.iter().map(|b| b.flat).max().filter(|f| *f > 0) {
        let mut note =
            format!("up to {flat} flat directions of a minimum are left out: the harmonic form has no volume along them");
        if modes.iter().any(|m| *m != modes[0]) {
            note.push_str("; their number differs between minima, so that occupations depend on the unit of length");
        }
        notes.push(note);
    }
    let count = temperatures.len();
    let mut found = Superposition {
        landscape: landscape.clone(),
        minima: minima.iter().map(|m| m.id).collect(),
        temperatures: temperatures.to_vec(),
        free_energies: Vec::with_capacity(count),
        energies: Vec::with_capacity(count),
        heat_capacities: Vec::with_capacity(count),
        occupations: Matrix::zeros(basins.len(), count),
        log_copies: basins.iter().map(|b| b.log_copies).collect(),
        notes,
    };
    for (k, &t) in temperatures.iter().enumerate() {
        let (log_z, share) = shares(&basins.iter().map(|b| log_weight(b, t)).collect::<Vec<_>>());
        let own: Vec<f64> = basins.iter().map(|b| b.energy + 0.5 * b.modes as f64 * t).collect();
        let energy = dot(&share, &own);
        let spread: f64 = share.iter().zip(&own).map(|(p, u)| p * (u - energy) * (u - energy)).sum();
        found.free_energies.push(-t * log_z);
        found.energies.push(energy);
        let vibrations: f64 = share.iter().zip(&basins).map(|(p, b)| 0.5 * p * b.modes as f64).sum();
        found.heat_capacities.push(vibrations + spread / (t * t));
        share.iter().enumerate().for_each(|(a, p)| found.occupations[(a, k)] = *p);
    }
    Ok(found)
}

/// One way over one transition state.
#[derive(Debug, Clone, PartialEq)]
pub struct HarmonicRate {
    pub temperature: f64,
    pub transition_state: usize,
    pub from: usize,
    pub to: usize,
    /// Energy of the transition state above the minimum.
    pub barrier: f64,
    /// Saddles of this kind around each minimum of the kind it leaves.
    pub copies: f64,
    pub rate: f64,
}

/// Rates of harmonic transition-state theory over every transition state, both ways, at each temperature.
///
/// Errors: a landscape without transition states or potential, a temperature that is not positive.
pub fn harmonic_rates(run: &Run, landscape: &Landscape, temperatures: &[f64]) -> Result<Vec<HarmonicRate>> {
    check_temperatures("rates", temperatures)?;
    let potential = landscape.needs_potential("rates")?.clone();
    let points = landscape.transition_states();
    if points.is_empty() {
        return Err(Error::value("rates: the landscape has no transition states")
            .hint("connect or explore it first")
            .at("landscape"));
    }
    let task = run.task("rates", Some(points.len() as u64));
    let mut found = Vec::new();
    for point in &points {
        let top = basin(run, &*potential, &point.position, point.energy, &point.curvature, 1)?;
        let [a, b] = point.minima;
        let ways = if a == b { vec![(a, b)] } else { vec![(a, b), (b, a)] };
        for (from, to) in ways {
            let minimum = landscape.minimum(from)?;
            let foot = basin(run, &*potential, &minimum.position, minimum.energy, &minimum.curvature, 0)?;
            let twice = if a == b { 2f64.ln() } else { 0.0 };
            let log_copies = twice + top.log_copies - foot.log_copies;
            let barrier = top.energy - foot.energy;
            for &temperature in temperatures {
                let log_rate = log_copies + top.log_rotation - foot.log_rotation + 0.5 * (foot.log_product - top.log_product)
                    - (2.0 * PI).ln()
                    + 0.5 * (top.modes as f64 + 1.0 - foot.modes as f64) * (2.0 * PI * temperature).ln()
                    - barrier / temperature;
                found.push(HarmonicRate {
                    temperature,
                    transition_state: point.id,
                    from,
                    to,
                    barrier,
                    copies: log_copies.exp(),
                    rate: log_rate.exp(),
                });
            }
        }
        task.tick(1, String::new)?;
    }
    Ok(found)
}

/// The free energy along a variable that the superposition gives: each minimum a Gaussian of variance T ∇ξᵀH⁻¹∇ξ about ξ of the minimum.
/// One value for each centre of the curve's bins, lowest 0. A variable must not tell the copies of a minimum apart.
///
/// Errors: a map, a variable that does not fit, a minimum without a positive variance.
pub fn projected(run: &Run, f: &FreeEnergy, superposition: &Superposition, variable: &Arc<dyn Potential>) -> Result<Vec<f64>> {
    let [axis] = &f.grid.axes[..] else {
        return Err(Error::value("compare: a map of two variables cannot be compared")
            .hint("take one variable")
            .at("free_energy"));
    };
    let landscape = &superposition.landscape;
    let potential = landscape.needs_potential("compare")?;
    if variable.dimension() != landscape.dimension() {
        let (own, theirs) = (variable.dimension(), landscape.dimension());
        return Err(
            Error::shape(format!("compare: the variable takes {own} coordinates, but the landscape has {theirs}")).at("variable")
        );
    }
    let t = f.temperature;
    let at = harmonic_superposition(run, landscape, &[t])?;
    let mut out = Evaluations::with_gradients();
    let mut peaks = Vec::new();
    for (k, id) in at.minima.iter().enumerate() {
        run.check()?;
        let minimum = landscape.minimum(*id)?;
        let x = &minimum.position;
        variable.evaluate(Batch::single(x), &mut out);
        let (centre, mut solved) = (out.energies[0], out.gradients.clone());
        let mut hessian = Matrix::default();
        potential.hessian(x, &mut hessian);
        let lift = (0..x.len()).map(|i| hessian[(i, i)].abs()).fold(f64::MIN_POSITIVE, f64::max);
        shift_modes(&mut hessian, &potential.symmetry().zero_modes(x), lift);
        for i in (0..x.len()).filter(|i| potential.frozen().is_some_and(|f| f[*i])) {
            hessian[(i, i)] = lift;
            (solved[i], out.gradients[i]) = (0.0, 0.0);
        }
        hessian.mirror_lower();
        let variance = match Factors::new(hessian) {
            Some(factors) => {
                factors.solve(&mut solved);
                t * dot(&out.gradients, &solved)
            }
            None => f64::NAN,
        };
        if !(variance > 0.0 && variance.is_finite()) {
            let message = format!("compare: along the variable minimum {id} has no width (|∇ξ| = {:.3e})", norm(&out.gradients));
            return Err(Error::value(message)
                .hint("a variable that is level at a minimum needs another comparison")
                .at("variable"));
        }
        peaks.push((at.occupations[(k, 0)], centre, variance));
    }
    let mut values: Vec<f64> = axis
        .centres()
        .iter()
        .map(|xi| {
            let logs: Vec<f64> =
                peaks.iter().map(|(p, c, v)| p.ln() - 0.5 * (2.0 * PI * v).ln() - (xi - c) * (xi - c) / (2.0 * v)).collect();
            -t * shares(&logs).0
        })
        .collect();
    let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
    values.iter_mut().for_each(|v| *v -= lowest);
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algorithms::{MinimiseOptions, PathwayOptions, TransitionStateOptions, minimise, pathway, transition_state};
    use crate::landscape::LandscapeOptions;
    use crate::potentials::clusters::LennardJones;
    use crate::potentials::surfaces::MullerBrown;
    use crate::potentials::surfaces::Surface;

    fn muller_brown() -> Landscape {
        let potential: Arc<dyn Potential> = Arc::new(Surface(MullerBrown));
        let landscape = Landscape::new(potential.clone(), &LandscapeOptions::default());
        for start in [[-0.5, 1.4], [0.6, 0.0], [-0.05, 0.47]] {
            let found = minimise(&Run::silent(), &*potential, &start, &MinimiseOptions::default()).unwrap();
            landscape.add_minimum(&found.point).unwrap();
        }
        landscape
    }

    #[test]
    fn three_basins_are_the_sum_of_three_gaussians() {
        let landscape = muller_brown();
        let temperatures = [1.0, 20.0, 60.0];
        let found = harmonic_superposition(&Run::silent(), &landscape, &temperatures).unwrap();
        for (k, t) in temperatures.iter().enumerate() {
            // Z by hand: 2π T/√det H exp(−E/T) of each.
            let z: Vec<f64> = landscape
                .minima()
                .iter()
                .map(|m| {
                    let mut h = Matrix::default();
                    Surface(MullerBrown).hessian(&m.position, &mut h);
                    let determinant = h[(0, 0)] * h[(1, 1)] - h[(0, 1)] * h[(1, 0)];
                    2.0 * PI * t / determinant.sqrt() * (-(m.energy + 146.0) / t).exp()
                })
                .collect();
            let total: f64 = z.iter().sum();
            assert!((found.free_energies[k] - (-t * total.ln() - 146.0)).abs() < 1e-6 * t, "{t}");
            for (a, z) in z.iter().enumerate() {
                assert!((found.occupations[(a, k)] - z / total).abs() < 1e-9);
            }
            // C by differences of U.
            let near = [t * 0.9999, t * 1.0001];
            let u = harmonic_superposition(&Run::silent(), &landscape, &near).unwrap().energies;
            assert!((found.heat_capacities[k] - (u[1] - u[0]) / (near[1] - near[0])).abs() < 1e-4);
        }
        // Two modes: k/2 each.
        assert!((found.heat_capacities[0] - 1.0).abs() < 1e-9);
        let says = harmonic_superposition(&Run::silent(), &landscape, &[1.0, -2.0]).err().unwrap().to_string();
        assert!(says.contains("must be above 0, found -2"), "{says}");
    }

    #[test]
    fn a_triangle_of_atoms_rotates() {
        let potential: Arc<dyn Potential> = Arc::new(LennardJones::new(3));
        let start = [0.0, 0.0, 0.0, 1.1, 0.0, 0.0, 0.5, 0.9, 0.1];
        let found = minimise(&Run::silent(), &*potential, &start, &MinimiseOptions::default()).unwrap();
        let landscape = Landscape::new(potential, &LandscapeOptions::default());
        landscape.add_minimum(&found.point).unwrap();
        let t: f64 = 0.1;
        let result = harmonic_superposition(&Run::silent(), &landscape, &[t]).unwrap();
        // Pairs at 2^(1/6) with k = 72/2^(1/3): modes 3k, 3k/2, 3k/2; moments r²/2, r²/2, r²; one copy (2·3!/12).
        let (k, r2) = (72.0 / 2f64.powf(1.0 / 3.0), 2f64.powf(1.0 / 3.0));
        let vibrations = (2.0 * PI * t).powf(1.5) / (3.0 * k * 1.5 * k * 1.5 * k).sqrt();
        let expected = 3.0 / t + (vibrations * 8.0 * PI * PI * (r2 * r2 * r2 / 4.0).sqrt()).ln();
        assert!((result.free_energies[0] + t * expected).abs() < 1e-6, "{} {}", result.free_energies[0], -t * expected);
        assert!((result.heat_capacities[0] - 1.5).abs() < 1e-9);
    }

    #[test]
    fn rates_balance_the_populations() {
        let landscape = muller_brown();
        let potential = landscape.potential().unwrap().clone();
        let saddle = transition_state(&Run::silent(), &*potential, &[-0.82, 0.62], &TransitionStateOptions::default()).unwrap();
        let way = pathway(&Run::silent(), &*potential, &saddle.point.position, &saddle.eigenvector, &PathwayOptions::default())
            .unwrap();
        landscape.add_transition_state(&saddle.point, &way.minus.point, &way.plus.point).unwrap();
        let t = 15.0;
        let found = harmonic_rates(&Run::silent(), &landscape, &[t]).unwrap();
        let occupations = harmonic_superposition(&Run::silent(), &landscape, &[t]).unwrap();
        let share = |id: usize| occupations.occupations[(occupations.minima.iter().position(|m| *m == id).unwrap(), 0)];
        assert_eq!(found.len(), 2);
        let flow: Vec<f64> = found.iter().map(|r| r.rate * share(r.from)).collect();
        assert!((flow[0] / flow[1] - 1.0).abs() < 1e-9, "detailed balance");
        // By hand: √(det H_a / h₂‡)/(2π) exp(−ΔE/T).
        let determinant = |x: &[f64]| {
            let mut h = Matrix::default();
            potential.hessian(x, &mut h);
            h[(0, 0)] * h[(1, 1)] - h[(0, 1)] * h[(1, 0)]
        };
        let r = &found[0];
        let a = landscape.minimum(r.from).unwrap();
        let upper = determinant(&saddle.point.position) / saddle.eigenvalue;
        let expected = (determinant(&a.position) / upper).sqrt() / (2.0 * PI) * (-(saddle.point.energy - a.energy) / t).exp();
        assert!((r.rate / expected - 1.0).abs() < 1e-6, "{} {expected}", r.rate);
    }
}
