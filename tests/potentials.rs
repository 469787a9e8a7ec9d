//! The battery that every potential of the catalogue goes through: derivatives, batches, symmetry, known stationary points.

use losscape::math::Matrix;
use losscape::math::matrix::{dot, norm};
use losscape::math::random::stream;
use losscape::math::rotation::{self, Vec3};
use losscape::potentials::catalogue::{CATALOGUE, Entry};
use losscape::potentials::{Batch, Evaluations, Family, Potential, energy, energy_gradient};
use rand::RngExt;
use std::sync::Arc;

/// Every potential of the catalogue with its name and parameters.
fn all() -> Vec<(String, &'static Entry, &'static [f64], Arc<dyn Potential>)> {
    let make = |e: &'static Entry, case: &'static [f64]| {
        let potential = e.build(case).unwrap_or_else(|error| panic!("{error}"));
        (format!("{}{case:?}", e.name), e, case, potential)
    };
    CATALOGUE.iter().flat_map(|e| e.cases.iter().map(move |case| make(e, case))).collect()
}

/// Positions where energies are of ordinary size: random ones, clusters blown up until no two atoms overlap.
fn positions(potential: &dyn Potential) -> Vec<Vec<f64>> {
    (0..3).map(|seed| comfortable(potential, seed)).collect()
}

fn comfortable(potential: &dyn Potential, seed: u64) -> Vec<f64> {
    let mut x = potential.random(seed, 1.0);
    if potential.family() == Family::Cluster {
        // Atoms of a random ball overlap, and energies of 10^20 hide every digit: on a jittered grid they do not.
        let mut stream = stream(seed, 1);
        for (i, atom) in x.chunks_mut(3).enumerate() {
            for (c, place) in atom.iter_mut().zip([i % 3, i / 3 % 3, i / 9]) {
                *c = 1.15 * place as f64 + 0.25 * stream.random::<f64>();
            }
        }
    }
    x
}

fn random_vector(n: usize, seed: u64) -> Vec<f64> {
    let mut stream = stream(seed, 2);
    (0..n).map(|_| stream.random::<f64>() - 0.5).collect()
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |a, v| a.max(v.abs()))
}

/// A derivative from differences at the steps h and h/2, extrapolated: error O(h⁴).
fn extrapolated(f: impl Fn(f64) -> Vec<f64>, h: f64) -> Vec<f64> {
    let central = |h: f64| -> Vec<f64> { f(h).iter().zip(f(-h)).map(|(a, b)| (a - b) / (2.0 * h)).collect() };
    central(0.5 * h).iter().zip(central(h)).map(|(fine, coarse)| (4.0 * fine - coarse) / 3.0).collect()
}

fn moved(x: &[f64], s: f64, v: &[f64]) -> Vec<f64> {
    x.iter().zip(v).map(|(x, v)| x + s * v).collect()
}

#[test]
fn gradients_are_derivatives_of_energies() {
    for (name, _, _, potential) in all() {
        for x in positions(&*potential) {
            let (e, gradient) = energy_gradient(&*potential, &x);
            assert_eq!(e, energy(&*potential, &x), "{name}: the energy is the same with and without its gradient");
            for k in 0..4u64 {
                let v = random_vector(x.len(), k);
                let difference = extrapolated(|s| vec![energy(&*potential, &moved(&x, s, &v))], 1e-3)[0];
                // Rounding 1e-16 E/h and truncation h⁴ of the fifth derivative: a few 1e-9 of the surroundings' size.
                let size = e.abs() + norm(&gradient) * norm(&v) + 1.0;
                assert!(
                    (difference - dot(&gradient, &v)).abs() < 1e-7 * size,
                    "{name}: {difference} against {}",
                    dot(&gradient, &v)
                );
            }
        }
    }
}

#[test]
fn hessians_are_derivatives_of_gradients() {
    for (name, _, _, potential) in all() {
        for x in positions(&*potential) {
            let n = x.len();
            let mut hessian = Matrix::default();
            potential.hessian(&x, &mut hessian);
            assert_eq!((hessian.rows, hessian.columns), (n, n), "{name}");
            let size = largest(&hessian.data) + largest(&energy_gradient(&*potential, &x).1) + 1e-3;
            for i in 0..n {
                for j in 0..i {
                    assert!((hessian[(i, j)] - hessian[(j, i)]).abs() <= 1e-12 * size, "{name}: symmetric");
                }
            }
            for k in 0..4u64 {
                let v = random_vector(n, 10 + k);
                let difference = extrapolated(|s| energy_gradient(&*potential, &moved(&x, s, &v)).1, 1e-3);
                let mut product = vec![f64::NAN; n];
                potential.hessian_vector(&x, &v, &mut product);
                for i in 0..n {
                    let row = dot(hessian.row(i), &v);
                    assert!((row - product[i]).abs() <= 1e-11 * size, "{name}: H v, row {i}: {row} against {}", product[i]);
                    assert!((row - difference[i]).abs() < 1e-7 * size, "{name}: row {i}: {row} against {}", difference[i]);
                }
            }
        }
    }
}

#[test]
fn a_batch_is_its_rows_bit_for_bit() {
    for (name, _, _, potential) in all() {
        let n = potential.dimension();
        let rows: Vec<Vec<f64>> = (0..5).map(|seed| comfortable(&*potential, seed)).collect();
        let together: Vec<f64> = rows.concat();
        let mut out = Evaluations::with_gradients();
        potential.evaluate(Batch::new(&together, n), &mut out);
        let mut energies = Evaluations::default();
        potential.evaluate(Batch::new(&together, n), &mut energies);
        assert!(energies.gradients.is_empty() && energies.energies == out.energies, "{name}");
        for (r, x) in rows.iter().enumerate() {
            let (e, gradient) = energy_gradient(&*potential, x);
            assert_eq!(e.to_bits(), out.energies[r].to_bits(), "{name}: energy of row {r}");
            assert_eq!(gradient, out.gradients[r * n..(r + 1) * n], "{name}: gradient of row {r}");
        }
    }
}

/// A copy of a cluster: atoms renumbered, rotated, perhaps reflected, moved.
fn copy(x: &[f64], seed: u64) -> Vec<f64> {
    let mut stream = stream(seed, 3);
    let mut atoms: Vec<[f64; 3]> = x.as_chunks::<3>().0.to_vec();
    for i in (1..atoms.len()).rev() {
        atoms.swap(i, stream.random_range(0..i + 1));
    }
    let proper = rotation::random(&mut stream);
    let map = if seed.is_multiple_of(2) { proper } else { -proper };
    let shift = Vec3::from_fn(|_, _| stream.random::<f64>() * 3.0);
    atoms.iter().flat_map(|&a| <[f64; 3]>::from(map * Vec3::from(a) + shift)).collect()
}

#[test]
fn symmetry_leaves_the_energy_alone_and_is_recognised() {
    for (name, _, _, potential) in all() {
        let symmetry = potential.symmetry();
        for (seed, x) in positions(&*potential).into_iter().enumerate() {
            let e = energy(&*potential, &x);
            let other = if potential.family() == Family::Cluster { copy(&x, seed as u64) } else { x.clone() };
            assert!((energy(&*potential, &other) - e).abs() <= 1e-12 * (1.0 + e.abs()), "{name}: the energy of a copy");
            assert!(symmetry.same(&x, &other, 1e-6), "{name}: a copy is the same point");
            let mut aligned = vec![f64::NAN; x.len()];
            let distance = symmetry.align(&x, &other, &mut aligned);
            assert!(distance < 1e-9, "{name}: a copy lies {distance} away");
            assert!(largest(&moved(&aligned, -1.0, &x)) < 1e-9, "{name}: the copy comes to lie on the original");
            assert!(largest(&moved(&symmetry.canonical(&x), -1.0, &symmetry.canonical(&other))) < 1e-9, "{name}: canonical");
            // A point beside it is told apart, at the distance it has or nearer.
            let mut nudge = random_vector(x.len(), 50 + seed as u64);
            for mode in symmetry.zero_modes(&x) {
                let along = dot(&mode, &nudge);
                nudge = moved(&nudge, -along, &mode);
            }
            if norm(&nudge) > 0.1 {
                let beside = moved(&x, 0.01 / norm(&nudge), &nudge);
                let distance = symmetry.align(&x, &beside, &mut aligned);
                assert!(distance <= 0.01 + 1e-9 && !symmetry.same(&x, &beside, 1e-3), "{name}: {distance}");
                assert!(
                    (energy(&*potential, &aligned) - energy(&*potential, &beside)).abs() <= 1e-10 * (1.0 + e.abs()),
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn known_points_are_what_they_are_said_to_be() {
    let mut seen = 0;
    for (name, entry, case, potential) in all() {
        for point in (entry.known)(case) {
            seen += 1;
            let what = format!("{name}, {}", point.name);
            let (e, gradient) = energy_gradient(&*potential, &point.position);
            let mut hessian = Matrix::default();
            potential.hessian(&point.position, &mut hessian);
            let size = largest(&hessian.data);
            // Positions are known to 2e-15 of their size at worst: the gradient is that times the curvature.
            let tolerance = 2e-14 * size * (1.0 + largest(&point.position)) + 1e-13 * (1.0 + e.abs());
            assert!(largest(&gradient) <= tolerance, "{what}: gradient {gradient:?}");
            assert!((e - point.energy).abs() <= 1e-12 * (1.0 + point.energy.abs()), "{what}: {e}, expected {}", point.energy);
            let n = gradient.len();
            let symmetry = potential.symmetry();
            let modes = symmetry.zero_modes(&point.position);
            for (k, mode) in modes.iter().enumerate() {
                assert!(
                    (norm(mode) - 1.0).abs() < 1e-12 && modes[..k].iter().all(|m| dot(m, mode).abs() < 1e-12),
                    "{what}: orthonormal"
                );
                let mut image = vec![0.0; n];
                potential.hessian_vector(&point.position, mode, &mut image);
                assert!(largest(&image) <= 1e-12 * size, "{what}: zero mode {k} gives {image:?}");
            }
            // Zero modes are lifted out of the way, so that every eigenvalue left is the point's own.
            let mut rows: Vec<Vec<f64>> = (0..n).map(|i| hessian.row(i).to_vec()).collect();
            for mode in &modes {
                for i in 0..n {
                    for j in 0..n {
                        rows[i][j] += size * mode[i] * mode[j];
                    }
                }
            }
            assert_eq!(negative_eigenvalues(rows), point.index, "{what}: index");
        }
    }
    assert!(seen > 60, "the catalogue knows {seen} stationary points");
}

/// How many eigenvalues are negative: signs of the pivots of Gauss elimination with symmetric pivoting (Sylvester's law of inertia).
fn negative_eigenvalues(mut a: Vec<Vec<f64>>) -> usize {
    let n = a.len();
    let mut count = 0;
    for k in 0..n {
        let pivot = (k..n).max_by(|&i, &j| a[i][i].abs().total_cmp(&a[j][j].abs())).unwrap_or(k);
        a.swap(k, pivot);
        for row in a.iter_mut() {
            row.swap(k, pivot);
        }
        count += usize::from(a[k][k] < 0.0);
        for i in k + 1..n {
            let f = a[i][k] / a[k][k];
            for j in k..n {
                a[i][j] -= f * a[k][j];
            }
        }
    }
    count
}

#[test]
fn an_energy_that_is_not_finite_is_a_value() {
    for (name, _, _, potential) in all() {
        let n = potential.dimension();
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
            let mut x = potential.random(1, 1.0);
            x[n - 1] = bad;
            let mut out = Evaluations::with_gradients();
            potential.evaluate(Batch::single(&x), &mut out);
            assert_eq!((out.energies.len(), out.gradients.len()), (1, n), "{name}");
            assert!(!bad.is_nan() || out.energies[0].is_nan(), "{name}: not a number in, not a number out");
            let mut hessian = Matrix::default();
            potential.hessian(&x, &mut hessian);
            let mut there = x.clone();
            potential.contain(&mut there);
            let _ = potential.evaluated_symmetry(&x);
        }
        if potential.family() == Family::Cluster {
            let (e, _) = energy_gradient(&*potential, &vec![0.0; n]);
            assert!(!e.is_finite(), "{name}: all atoms in one place");
        }
    }
}

/// Everything that a symmetry answers, for positions that nobody should give it: it may say anything but must come back.
trait EvaluatedSymmetry {
    fn evaluated_symmetry(&self, x: &[f64]) -> (f64, bool, usize);
}

impl EvaluatedSymmetry for Arc<dyn Potential> {
    fn evaluated_symmetry(&self, x: &[f64]) -> (f64, bool, usize) {
        let symmetry = self.symmetry();
        let good = self.random(2, 1.0);
        let answers = symmetry.canonical(x).len() + symmetry.zero_modes(x).len() + usize::from(self.evaporated(x));
        (symmetry.distance(&good, x) + symmetry.log_copies(x), symmetry.same(&good, x, 1e-3), answers)
    }
}

#[test]
fn random_starts_repeat_and_scale() {
    for (name, _, _, potential) in all() {
        let (a, b, c) = (potential.random(7, 1.0), potential.random(7, 1.0), potential.random(8, 1.0));
        assert!(a == b && a != c && a.len() == potential.dimension(), "{name}");
        let spread = |s: f64| {
            let rows: Vec<Vec<f64>> = (0..50).map(|seed| potential.random(seed, s)).collect();
            let mean: f64 = rows.iter().map(|r| r[0]).sum::<f64>() / 50.0;
            rows.iter().map(|r| (r[0] - mean).powi(2)).sum::<f64>().sqrt()
        };
        assert!((spread(2.0) / spread(1.0) - 2.0).abs() < 1e-9, "{name}: twice the scale, twice the spread");
        let mut inside = a.clone();
        potential.contain(&mut inside);
        assert!(inside.iter().all(|c| c.is_finite()), "{name}");
    }
}
