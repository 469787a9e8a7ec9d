//! How the eigenvalues of a Hessian are distributed, and their sum, without computing one of them: stochastic Lanczos quadrature.
//!
//! For a probe v of ±1 with n entries, k steps of Lanczos from v/√n give a tridiagonal T = U Θ Uᵀ; the Θ_j with weights U_1j² are the Gauss
//! quadrature of the measure Σ_i (u_i·v)²/n δ(λ − h_i), whose mean over probes is the spectrum (1/n) Σ_i δ(λ − h_i). Moments up to 2k − 1 are
//! exact for each probe; every vector is orthogonalised against all before. vᵀHv, the first entry of T times n, is Hutchinson's estimate
//! of the trace. The density is the sum of the quadrature's points, each a Gaussian of one width.
//! With no more coordinates than Lanczos steps the Hessian is taken whole, and nothing is random.
//!
//! Cost: probes × steps Hessian-vector products (about 2.5 gradients each for a network); memory: steps × n numbers for each thread.
//! It fails to see: eigenvalues that carry less than about 1/n of the weight of a probe, such as single outliers inside the bulk; those far
//! outside are found in the first steps.
//!
//! References: S. Ubaru, J. Chen, Y. Saad, SIAM J. Matrix Anal. Appl. 38, 1075 (2017), doi:10.1137/16M1104974;
//! B. Ghorbani, S. Krishnan, Y. Xiao, arXiv:1901.10159; M. F. Hutchinson, Commun. Stat. Simul. 18, 1059 (1989), doi:10.1080/03610918908812806.

use crate::base::{Error, Result, Run};
use crate::math::Matrix;
use crate::math::eigen::symmetric_eigen;
use crate::math::matrix::{add_scaled, dot, norm};
use crate::math::random::stream;
use crate::potentials::Potential;
use rand::RngExt;
use rayon::prelude::*;

/// Up to as many coordinates the trace is that of the whole Hessian.
const LARGEST_DENSE: usize = 2000;
/// The default width as a part of the spectrum's length.
const WIDTH: f64 = 0.01;
/// Beyond the last point of the quadrature, in widths.
const MARGIN: f64 = 5.0;
/// Points in a width, where their number is not given.
const FINE: f64 = 5.0;
const FEWEST_POINTS: usize = 500;
const MOST_POINTS: usize = 100_000;

crate::options! {
    /// Options of `hessian_density`.
    pub struct DensityOptions {
        /// Random vectors of ±1.
        probes: usize = 10, AT_LEAST_ONE, "";
        /// Steps of Lanczos for each probe; with no more coordinates than that the spectrum is exact.
        lanczos_steps: usize = 80, AT_LEAST_TWO, "";
        /// Decides the probes.
        seed: Option<u64> = None => "that of the run", ANY, "";
        /// Number of places at which the density is given.
        points: Option<usize> = None => "5 for each width, at least 500", AT_LEAST_TWO, "";
        /// Standard deviation of the Gaussian that stands for each eigenvalue.
        width: Option<f64> = None => "a hundredth of the spectrum's length", POSITIVE, "energy per length²";
    }
}

crate::options! {
    /// Options of `trace`.
    pub struct TraceOptions {
        /// Random vectors of ±1, used above 2,000 coordinates.
        probes: usize = 100, AT_LEAST_ONE, "";
        /// Decides the probes.
        seed: Option<u64> = None => "that of the run", ANY, "";
    }
}

/// The spectrum of a Hessian as a density.
#[derive(Debug, Clone, PartialEq)]
pub struct SpectralDensity {
    pub centres: Vec<f64>,
    /// At each centre; its integral is 1.
    pub density: Vec<f64>,
    /// The sum of the eigenvalues, and its standard error: 0 where it is exact, NaN of a single probe.
    pub trace: f64,
    pub trace_error: f64,
    /// The points of the quadrature, ascending, and their weights, which add up to 1.
    pub eigenvalues: Vec<f64>,
    pub weights: Vec<f64>,
    /// Standard deviation of the Gaussian that stands for each point.
    pub width: f64,
    /// Coordinates that are not frozen: eigenvalues of the Hessian.
    pub coordinates: usize,
    /// Nothing was random.
    pub exact: bool,
}

/// Products with the Hessian at a position, frozen coordinates left out.
struct Products<'a> {
    potential: &'a dyn Potential,
    x: &'a [f64],
    active: Vec<usize>,
}

impl Products<'_> {
    fn of<'a>(potential: &'a dyn Potential, x: &'a [f64]) -> Products<'a> {
        let moves = |i: &usize| potential.frozen().is_none_or(|frozen| !frozen[*i]);
        Products { potential, x, active: (0..x.len()).filter(moves).collect() }
    }

    fn apply(&self, v: &[f64]) -> Vec<f64> {
        let (mut direction, mut image) = (vec![0.0; self.x.len()], vec![0.0; self.x.len()]);
        for (&i, v) in self.active.iter().zip(v) {
            direction[i] = *v;
        }
        self.potential.hessian_vector(self.x, &direction, &mut image);
        self.active.iter().map(|&i| image[i]).collect()
    }

    /// The whole Hessian of the coordinates that move.
    fn dense(&self) -> Matrix {
        let mut whole = Matrix::default();
        self.potential.hessian(self.x, &mut whole);
        let n = self.active.len();
        if n == self.x.len() {
            return whole;
        }
        let mut part = Matrix::zeros(n, n);
        for (row, &i) in self.active.iter().enumerate() {
            for (column, &j) in self.active.iter().enumerate() {
                part[(row, column)] = whole[(i, j)];
            }
        }
        part
    }

    /// A vector of ±1 of its own for each probe.
    fn probe(&self, seed: u64, number: usize) -> Vec<f64> {
        let mut random = stream(seed, number as u64);
        self.active.iter().map(|_| if random.random::<bool>() { 1.0 } else { -1.0 }).collect()
    }
}

/// The density of the eigenvalues of the Hessian at `x`.
///
/// Errors: no coordinate that moves, a Hessian that is not finite, a width that the points do not resolve; a stopped run.
pub fn hessian_density(run: &Run, potential: &dyn Potential, x: &[f64], options: &DensityOptions) -> Result<SpectralDensity> {
    let products = Products::of(potential, x);
    let n = products.active.len();
    if n == 0 {
        return Err(Error::value("hessian_density: every coordinate is frozen").at("potential"));
    }
    run.check()?;
    let exact = n <= options.lanczos_steps;
    let probes: Vec<Quadrature> = if exact {
        let hessian = products.dense();
        let trace = (0..n).map(|i| hessian[(i, i)]).sum();
        let nodes = symmetric_eigen(&hessian).0.into_iter().map(|value| (value, 1.0 / n as f64)).collect();
        vec![Quadrature { trace, nodes }]
    } else {
        let seed = run.seed(options.seed);
        let task = run.task("hessian_density", Some((options.probes * options.lanczos_steps) as u64));
        (0..options.probes)
            .into_par_iter()
            .map(|k| quadrature(&products, products.probe(seed, k), options.lanczos_steps, &|| task.tick(1, String::new)))
            .collect::<Result<_>>()?
    };
    if probes.iter().any(|p| !p.trace.is_finite() || p.nodes.iter().any(|(value, _)| !value.is_finite())) {
        return Err(Error::value("hessian_density: the Hessian is not finite there").at("x"));
    }
    let traces: Vec<f64> = probes.iter().map(|p| p.trace).collect();
    let (trace, error) = mean_and_error(&traces);
    let mut nodes: Vec<(f64, f64)> = probes.iter().flat_map(|p| &p.nodes).map(|(v, w)| (*v, w / probes.len() as f64)).collect();
    nodes.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (width, centres) = grid(&nodes, options)?;
    let density = broadened(&nodes, width, &centres);
    let (eigenvalues, weights) = nodes.into_iter().unzip();
    let trace_error = if exact { 0.0 } else { error };
    Ok(SpectralDensity { centres, density, trace, trace_error, eigenvalues, weights, width, coordinates: n, exact })
}

/// The trace of the Hessian at `x`: exact up to 2,000 coordinates that move, Hutchinson's estimate beyond. With its standard error.
///
/// Errors: a Hessian that is not finite; a stopped run.
pub fn hessian_trace(run: &Run, potential: &dyn Potential, x: &[f64], options: &TraceOptions) -> Result<(f64, f64)> {
    let products = Products::of(potential, x);
    run.check()?;
    let (trace, error) = if products.active.len() <= LARGEST_DENSE {
        let hessian = products.dense();
        ((0..hessian.rows).map(|i| hessian[(i, i)]).sum(), 0.0)
    } else {
        let seed = run.seed(options.seed);
        let task = run.task("trace", Some(options.probes as u64));
        let estimate = |k: usize| {
            let probe = products.probe(seed, k);
            task.tick(1, String::new)?;
            Ok(dot(&probe, &products.apply(&probe)))
        };
        let all: Vec<f64> = (0..options.probes).into_par_iter().map(estimate).collect::<Result<_>>()?;
        mean_and_error(&all)
    };
    if trace.is_finite() { Ok((trace, error)) } else { Err(Error::value("trace: the Hessian is not finite there").at("x")) }
}

/// What one probe says.
struct Quadrature {
    trace: f64,
    /// Points and weights.
    nodes: Vec<(f64, f64)>,
}

/// Lanczos from a probe, every vector orthogonalised twice against all before.
fn quadrature(products: &Products, mut v: Vec<f64>, steps: usize, tick: &dyn Fn() -> Result<()>) -> Result<Quadrature> {
    let n = v.len();
    let length = norm(&v);
    v.iter_mut().for_each(|x| *x /= length);
    let mut basis = vec![v];
    let (mut alpha, mut beta): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    for step in 0..steps.min(n) {
        tick()?;
        let mut w = products.apply(&basis[step]);
        let size = norm(&w);
        alpha.push(dot(&w, &basis[step]));
        for _ in 0..2 {
            for q in &basis {
                let s = dot(&w, q);
                add_scaled(&mut w, -s, q);
            }
        }
        let link = norm(&w);
        // What is left is rounding: the space is closed under the Hessian, and the quadrature of this probe exact.
        if step + 1 == steps.min(n) || link.is_nan() || link <= 1e-12 * size.max(alpha[0].abs()) {
            break;
        }
        w.iter_mut().for_each(|x| *x /= link);
        basis.push(w);
        beta.push(link);
    }
    let m = alpha.len();
    let mut small = Matrix::zeros(m, m);
    for i in 0..m {
        small[(i, i)] = alpha[i];
        if i + 1 < m {
            small[(i, i + 1)] = beta[i];
            small[(i + 1, i)] = beta[i];
        }
    }
    let (values, vectors) = symmetric_eigen(&small);
    let nodes = (0..m).map(|k| (values[k], vectors[(0, k)] * vectors[(0, k)])).collect();
    Ok(Quadrature { trace: alpha[0] * n as f64, nodes })
}

/// The mean and its standard error; NaN of a single value.
fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let spread = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (count - 1.0);
    (mean, (spread / count).sqrt())
}

/// The width of the Gaussians and the places of the density.
fn grid(nodes: &[(f64, f64)], options: &DensityOptions) -> Result<(f64, Vec<f64>)> {
    let (low, high) = (nodes[0].0, nodes[nodes.len() - 1].0);
    let scale = low.abs().max(high.abs());
    // One eigenvalue alone is a line: a hundredth of itself stands for it.
    let length = if high - low > 1e-9 * scale { high - low } else { scale };
    let width = options.width.unwrap_or(if length > 0.0 { WIDTH * length } else { WIDTH });
    let (from, to) = (low - MARGIN * width, high + MARGIN * width);
    let wanted = (FINE * (to - from) / width).ceil();
    if options.points.is_none() && wanted > MOST_POINTS as f64 {
        let message =
            format!("hessian_density: option `width` of {width:e} is too narrow for a spectrum from {low:e} to {high:e}");
        return Err(Error::value(message).hint(format!("that would take {wanted:e} points")).at("width"));
    }
    let points = options.points.unwrap_or((wanted as usize).max(FEWEST_POINTS));
    let step = (to - from) / (points - 1) as f64;
    if step > width {
        let message =
            format!("hessian_density: option `points` of {points} puts them {step:.3e} apart, wider than a width of {width:.3e}");
        return Err(Error::value(message).hint("leave it out, or give a larger width").at("points"));
    }
    Ok((width, (0..points).map(|k| from + k as f64 * step).collect()))
}

/// The sum of Gaussians, its integral by the trapezium rule 1.
fn broadened(nodes: &[(f64, f64)], width: f64, centres: &[f64]) -> Vec<f64> {
    let step = centres[1] - centres[0];
    let mut density = vec![0.0; centres.len()];
    // Beyond 9 widths a Gaussian is below 1e-17 of its top.
    let reach = (9.0 * width / step).ceil() as usize + 1;
    for (value, weight) in nodes {
        let middle = ((value - centres[0]) / step).round() as usize;
        for k in middle.saturating_sub(reach)..(middle + reach).min(centres.len()) {
            let z = (centres[k] - value) / width;
            density[k] += weight * (-0.5 * z * z).exp();
        }
    }
    let ends = density[0] + density[density.len() - 1];
    let area = (density.iter().sum::<f64>() - 0.5 * ends) * step;
    density.iter_mut().for_each(|d| *d /= area);
    density
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::potentials::{Batch, Evaluations, Family, Identity};
    use std::any::Any;

    /// Σ h_i x_i²/2: its Hessian is diagonal.
    struct Diagonal {
        stiffness: Vec<f64>,
        frozen: Option<Vec<bool>>,
    }

    impl Potential for Diagonal {
        fn dimension(&self) -> usize {
            self.stiffness.len()
        }
        fn evaluate(&self, batch: Batch, out: &mut Evaluations) {
            out.prepare(&batch);
            for r in 0..batch.rows {
                for (k, (x, h)) in batch.row(r).iter().zip(&self.stiffness).enumerate() {
                    out.energies[r] += 0.5 * h * x * x;
                    if out.wants_gradients {
                        out.gradients[r * self.stiffness.len() + k] = h * x;
                    }
                }
            }
        }
        fn hessian_vector(&self, _: &[f64], v: &[f64], out: &mut [f64]) {
            out.iter_mut().zip(v).zip(&self.stiffness).for_each(|((o, v), h)| *o = h * v);
        }
        fn frozen(&self) -> Option<&[bool]> {
            self.frozen.as_deref()
        }
        fn family(&self) -> Family {
            Family::Surface
        }
        fn identity(&self) -> Identity {
            Identity { name: "diagonal".into(), parts: Vec::new() }
        }
        fn random(&self, _: u64, _: f64) -> Vec<f64> {
            vec![0.0; self.stiffness.len()]
        }
        fn as_any(&self) -> &dyn Any {
            self
        }
    }

    fn of(stiffness: Vec<f64>, options: &DensityOptions) -> SpectralDensity {
        let potential = Diagonal { stiffness, frozen: None };
        hessian_density(&Run::silent(), &potential, &vec![0.3; potential.dimension()], options).unwrap()
    }

    fn integral(d: &SpectralDensity, of: impl Fn(f64) -> f64) -> f64 {
        let step = d.centres[1] - d.centres[0];
        let value = |k: usize| d.density[k] * of(d.centres[k]);
        (0..d.centres.len()).map(value).sum::<f64>() * step - 0.5 * step * (value(0) + value(d.centres.len() - 1))
    }

    #[test]
    fn moments_are_those_of_the_spectrum() {
        // 1, 2, …, 300: mean 150.5, second moment 301 · 601/6. Of a diagonal matrix every probe of ±1 has every eigenvector in equal parts:
        // the quadrature is exact in the moments that 2 · 20 − 1 ≥ 2 reaches.
        let stiffness: Vec<f64> = (1..=300).map(f64::from).collect();
        let d = of(stiffness, &DensityOptions { probes: 3, lanczos_steps: 20, ..Default::default() });
        assert!(!d.exact && d.coordinates == 300);
        assert!((d.trace - 45150.0).abs() < 1e-8 && d.trace_error < 1e-8, "{} ± {}", d.trace, d.trace_error);
        let moment = |p: i32| d.eigenvalues.iter().zip(&d.weights).map(|(v, w)| w * v.powi(p)).sum::<f64>();
        for (p, expected) in [(0, 1.0), (1, 150.5), (2, 301.0 * 601.0 / 6.0), (3, 300.0 * 301.0f64.powi(2) / 4.0)] {
            assert!((moment(p) / expected - 1.0).abs() < 1e-10, "moment {p}: {}", moment(p));
        }
        assert!((integral(&d, |_| 1.0) - 1.0).abs() < 1e-12);
        assert!((integral(&d, |v| v) - 150.5).abs() < 1e-3);
    }

    #[test]
    fn few_coordinates_are_exact_and_frozen_ones_left_out() {
        let frozen = (0..6).map(|k| k % 2 == 0).collect();
        let potential = Diagonal { stiffness: vec![9.0, 1.0, 9.0, 2.0, 9.0, 4.0], frozen: Some(frozen) };
        let options = DensityOptions { width: Some(0.01), ..Default::default() };
        let d = hessian_density(&Run::silent(), &potential, &[0.0; 6], &options).unwrap();
        assert!(d.exact && d.coordinates == 3 && d.trace_error == 0.0 && (d.trace - 7.0).abs() < 1e-6);
        assert!(d.eigenvalues.iter().zip([1.0, 2.0, 4.0]).all(|(v, e)| (v - e).abs() < 1e-6), "{:?}", d.eigenvalues);
        // A third of the density is a Gaussian at 4, its top 1/(3 σ √2π).
        let near = d.centres.iter().position(|c| *c >= 4.0).unwrap();
        let top = 1.0 / (3.0 * 0.01 * (2.0 * std::f64::consts::PI).sqrt());
        assert!((d.density[near] / top - 1.0).abs() < 0.03, "{} for {top}", d.density[near]);
        assert_eq!(hessian_trace(&Run::silent(), &potential, &[0.0; 6], &TraceOptions::default()).unwrap().1, 0.0);
        let all = Diagonal { stiffness: vec![1.0], frozen: Some(vec![true]) };
        assert!(hessian_density(&Run::silent(), &all, &[0.0], &options).unwrap_err().to_string().contains("frozen"));
    }

    #[test]
    fn the_density_is_the_shape_of_the_spectrum() {
        // A quarter of the eigenvalues at 10, the rest at 1: after two steps the space is closed.
        let stiffness = (0..200).map(|i| if i % 4 == 0 { 10.0 } else { 1.0 }).collect();
        let d = of(stiffness, &DensityOptions { probes: 2, lanczos_steps: 30, ..Default::default() });
        assert_eq!(d.eigenvalues.len(), 4);
        assert!((integral(&d, |v| f64::from(u8::from(v > 5.5))) - 0.25).abs() < 1e-9);
        // All the same: a line of its own.
        let d = of(vec![2.0; 100], &DensityOptions { lanczos_steps: 3, ..Default::default() });
        assert!((integral(&d, |v| v) - 2.0).abs() < 1e-9 && d.width > 0.0);
        let d = of(vec![0.0; 100], &DensityOptions { lanczos_steps: 3, ..Default::default() });
        assert!(d.trace == 0.0 && (integral(&d, |_| 1.0) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_large_trace_is_estimated() {
        // Every estimate of a diagonal Hessian is exact.
        let potential = Diagonal { stiffness: (0..2500).map(f64::from).collect(), frozen: None };
        let options = TraceOptions { probes: 4, seed: Some(1) };
        let (trace, error) = hessian_trace(&Run::silent(), &potential, &vec![0.0; 2500], &options).unwrap();
        assert!((trace - 2499.0 * 1250.0).abs() < 1e-6 && error < 1e-6);
    }

    #[test]
    fn mistakes_are_named() {
        let stiffness: Vec<f64> = (1..=300).map(f64::from).collect();
        let potential = Diagonal { stiffness, frozen: None };
        let x = vec![0.0; 300];
        let says = |options: DensityOptions| hessian_density(&Run::silent(), &potential, &x, &options).unwrap_err().to_string();
        assert!(says(DensityOptions { width: Some(1e-9), ..Default::default() }).contains("too narrow"));
        assert!(says(DensityOptions { points: Some(5), ..Default::default() }).contains("`points` of 5"));
        let nan = Diagonal { stiffness: vec![f64::NAN; 300], frozen: None };
        let error = hessian_density(&Run::silent(), &nan, &x, &DensityOptions::default()).unwrap_err();
        assert!(error.to_string().contains("not finite"), "{error}");
        let run = Run::silent().until(std::time::Instant::now());
        assert!(hessian_density(&run, &potential, &x, &DensityOptions::default()).unwrap_err().is_stop());
    }
}
