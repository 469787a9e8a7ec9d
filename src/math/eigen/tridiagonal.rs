//! A symmetric matrix brought to tridiagonal form once; index, lowest eigenpairs and determinants then in O(n).
//!
//! H = Q T Qᵀ (`householder.rs`). Sturm counts (`sturm.rs`: how many eigenvalues lie below x) give the
//! index and, by cutting an interval into nine at once, single eigenvalues; inverse iteration gives their eigenvectors, and where the
//! lowest eigenvalue stands alone Rayleigh quotients finish it in two or three solves. What was found is kept until the next matrix.
//! All eigenvalues and the determinant are in `spectrum.rs`.
//!
//! Cost for n = 74 at 3.6 GHz: `reduce` 19 µs; a count 0.2 µs, an eigenvalue 4, the lowest pair 6, a vector in or out of the reduced basis 1.5.
//! `index` is six counts, the lowest pair about as many and three solves.
//! When it fails: eigenvalues are exact to a few eps of the largest one, so one that is 1e-16 of it has no correct digit; eigenvectors of
//! eigenvalues closer than 1e-3 of the norm are made orthogonal to each other and span the right space, but are not unique in it.
//! Reference: I. C. F. Ipsen, SIAM Review 39, 254 (1997), doi:10.1137/S0036144596300773 (inverse iteration).

use super::super::Matrix;
use super::super::matrix::{add_scaled, dot, norm};
use super::super::simd::{Block, LANES, numbers, numbers_mut};
use super::factors::Factors;
use super::householder::{self, Reduction, padded};
use super::spectrum::power_of_two_below;
use super::sturm;

/// An eigenvalue h with |h| below this part of the largest |h| is neither negative nor positive.
pub const NEAR_ZERO: f64 = 1e-7;

/// How many eigenvalues are negative, near zero and positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inertia {
    pub negative: usize,
    pub near_zero: usize,
    pub positive: usize,
}

/// A symmetric matrix in tridiagonal form with the way back. Keeps its memory from one matrix to the next.
#[derive(Debug, Clone, Default)]
pub struct Tridiagonal {
    pub(super) n: usize,
    pub(super) diagonal: Vec<f64>,
    /// T[i + 1, i]; the last one unused (0).
    pub(super) below: Vec<f64>,
    /// Householder vector v_i in the first i places of row i, rows `padded(n)` apart, and β_i.
    reflections: Vec<Block>,
    beta: Vec<f64>,
    work: Vec<Block>,
    /// A vector on its way into the reduced space or out of it, zeros behind it.
    turned: Vec<Block>,
    /// An interval that holds all eigenvalues, and the larger of its ends by magnitude.
    low: f64,
    high: f64,
    pub(super) scale: f64,
    /// No entry was infinite or undefined.
    pub(super) finite: bool,
    pub(super) factors: Factors,
    pub(super) scratch: [Vec<f64>; 5],
    /// What was found of this matrix so far: lowest eigenvalues, the lowest one's vector in the reduced space, the index.
    known: Vec<f64>,
    pub(super) softest: Vec<f64>,
    inertia: Option<Inertia>,
}

impl Tridiagonal {
    pub fn new() -> Tridiagonal {
        Tridiagonal::default()
    }

    /// Dimension of the matrix reduced last.
    pub fn dimension(&self) -> usize {
        self.n
    }

    /// Whether the matrix reduced last had only finite entries; if not, every answer is NaN or 0.
    pub fn is_finite(&self) -> bool {
        self.finite
    }

    /// Reduces m (square; only the lower triangle is read). 4/3 n³ flops, no allocation once the size has been seen.
    pub fn reduce(&mut self, m: &Matrix) {
        assert_eq!(m.rows, m.columns, "a symmetric matrix is square");
        let n = m.rows;
        let stride = padded(n);
        // What an earlier matrix of the same size left is overwritten or multiplied by zero.
        if self.n != n || !self.finite || self.reflections.len() != stride * stride / LANES {
            self.reflections.clear();
            self.reflections.resize(stride * stride / LANES, Block::ZERO);
        }
        self.n = n;
        self.known.clear();
        self.softest.clear();
        self.inertia = None;
        for v in [&mut self.diagonal, &mut self.below, &mut self.beta] {
            v.clear();
            v.resize(n, 0.0);
        }
        self.work.resize(5 * stride / LANES, Block::ZERO);
        let reflections = numbers_mut(&mut self.reflections);
        for i in 0..n {
            let row = &mut reflections[i * stride..i * stride + padded(i + 1)];
            row[..=i].copy_from_slice(&m.row(i)[..=i]);
            row[i + 1..].fill(0.0);
        }
        let (largest, sound) = householder::extent(&self.reflections, n);
        let reflections = numbers_mut(&mut self.reflections);
        self.finite = sound;
        if !sound {
            return;
        }
        // The diagonal blocks are kept whole.
        for i in 0..n {
            for j in i / LANES * LANES..i {
                reflections[j * stride + i] = reflections[i * stride + j];
            }
        }
        // Squares must neither overflow nor vanish: a power of two changes no digit.
        let unit = if largest > 0.0 && !(1e-120..1e120).contains(&largest) { power_of_two_below(largest) } else { 1.0 };
        if unit != 1.0 {
            reflections.iter_mut().for_each(|x| *x /= unit);
        }
        householder::reduce(Reduction {
            n,
            a: &mut self.reflections,
            diagonal: &mut self.diagonal,
            below: &mut self.below,
            beta: &mut self.beta,
            work: &mut self.work,
        });
        if unit != 1.0 {
            self.diagonal.iter_mut().chain(&mut self.below).for_each(|x| *x *= unit);
        }
        self.enclose();
    }

    /// Takes T itself: `diagonal` of length n, `below` of length n − 1; the reduced basis is then the full one.
    pub fn from_bands(diagonal: &[f64], below: &[f64]) -> Tridiagonal {
        let n = diagonal.len();
        assert_eq!(below.len() + 1, n.max(1), "a tridiagonal matrix has one element less below its diagonal");
        let mut t = Tridiagonal { n, diagonal: diagonal.to_vec(), below: below.to_vec(), ..Tridiagonal::default() };
        t.below.resize(n, 0.0);
        t.beta = vec![0.0; n];
        t.finite = diagonal.iter().chain(below).all(|x| x.is_finite());
        t.enclose();
        t
    }

    /// Gerschgorin's interval.
    fn enclose(&mut self) {
        let n = self.n;
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for i in 0..n {
            let around = (if i > 0 { self.below[i - 1].abs() } else { 0.0 }) + if i + 1 < n { self.below[i].abs() } else { 0.0 };
            low = low.min(self.diagonal[i] - around);
            high = high.max(self.diagonal[i] + around);
        }
        self.scale = if n == 0 { 0.0 } else { low.abs().max(high.abs()) };
        let margin = 4.0 * f64::EPSILON * self.scale + f64::MIN_POSITIVE;
        (self.low, self.high) = (low - margin, high + margin);
    }

    /// Numbers of eigenvalues below each of eight points.
    fn counts(&self, points: [f64; LANES]) -> [usize; LANES] {
        sturm::counts(&self.diagonal, &self.below, self.scale, points)
    }

    /// Number of eigenvalues below x.
    pub fn count_below(&self, x: f64) -> usize {
        if self.finite { self.counts([x; LANES])[0] } else { 0 }
    }

    /// Eigenvalue number k (0 the lowest), exact to a few eps of the norm.
    fn bisect(&self, k: usize, low: f64, high: f64) -> f64 {
        let (low, high) = self.close_in(k, low, high, 0.0);
        if self.scale == 0.0 { 0.0 } else { 0.5 * (low + high) }
    }

    /// Narrows the interval around eigenvalue number k to `width` (never closer than a few eps of the norm).
    fn close_in(&self, k: usize, mut low: f64, mut high: f64, width: f64) -> (f64, f64) {
        let closest = width.max(2.0 * f64::EPSILON * self.scale).max(f64::MIN_POSITIVE);
        while high - low > closest {
            let step = (high - low) / (LANES + 1) as f64;
            let mut points = [0.0; LANES];
            for (i, p) in points.iter_mut().enumerate() {
                *p = low + step * (i + 1) as f64;
            }
            let counts = self.counts(points);
            // The first point with more than k eigenvalues below it closes the interval.
            let i = counts.iter().position(|&c| c > k).unwrap_or(LANES);
            let (new_low, new_high) = (if i > 0 { points[i - 1] } else { low }, if i < LANES { points[i] } else { high });
            if new_high - new_low >= high - low {
                break;
            }
            (low, high) = (new_low, new_high);
        }
        (low, high)
    }

    /// Eigenvalue number k, 0 the lowest. NaN where there is none.
    pub fn eigenvalue(&self, k: usize) -> f64 {
        if k >= self.n || !self.finite { f64::NAN } else { self.bisect(k, self.low, self.high) }
    }

    /// The largest |eigenvalue| to a part in a thousand: what the near-zero band is measured by.
    pub fn largest_magnitude(&self) -> f64 {
        if self.n == 0 || !self.finite {
            return f64::NAN;
        }
        if self.scale == 0.0 {
            return 0.0;
        }
        // The lowest and the highest eigenvalue close in side by side, each with half of the points.
        const HALF: usize = LANES / 2;
        let mut ends = [(self.low, self.high); 2];
        while ends.iter().any(|(low, high)| high - low > 1e-3 * self.scale) {
            let points: [f64; LANES] = std::array::from_fn(|i| {
                let (low, high) = ends[i / HALF];
                low + (high - low) * (i % HALF + 1) as f64 / (HALF + 1) as f64
            });
            let counts = self.counts(points);
            for (k, (end, number)) in ends.iter_mut().zip([0, self.n - 1]).enumerate() {
                let own = k * HALF..(k + 1) * HALF;
                let first = own.clone().find(|&i| counts[i] > number).unwrap_or(own.end);
                let low = if first > own.start { points[first - 1] } else { end.0 };
                *end = (low, if first < own.end { points[first] } else { end.1 });
            }
        }
        ends.iter().fold(0.0, |largest, (low, high)| largest.max((0.5 * (low + high)).abs()))
    }

    /// Negative, near-zero and positive eigenvalues; near zero is |h| < 1e-7 of the largest. Six sweeps.
    pub fn index(&mut self) -> Inertia {
        let found = self.inertia.unwrap_or_else(|| self.count_signs());
        self.inertia = Some(found);
        found
    }

    fn count_signs(&self) -> Inertia {
        if self.n == 0 || !self.finite {
            return Inertia { negative: 0, near_zero: 0, positive: 0 };
        }
        if self.scale == 0.0 {
            return Inertia { negative: 0, near_zero: self.n, positive: 0 };
        }
        let band = NEAR_ZERO * self.largest_magnitude();
        let mut points = [band; LANES];
        points[0] = -band;
        let counts = self.counts(points);
        Inertia { negative: counts[0], near_zero: counts[1] - counts[0], positive: self.n - counts[1] }
    }

    /// The lowest k eigenvalues, ascending (fewer where the matrix is smaller). 17 sweeps each, once for a matrix.
    pub fn lowest_values(&mut self, k: usize) -> Vec<f64> {
        let k = k.min(self.n);
        if !self.finite {
            return vec![f64::NAN; k];
        }
        while self.known.len() < k {
            let low = self.known.last().map_or(self.low, |value| value - 4.0 * f64::EPSILON * self.scale);
            let mut u = std::mem::take(&mut self.scratch[4]);
            let value =
                self.alone(self.known.len(), low, &mut u).unwrap_or_else(|| self.bisect(self.known.len(), low, self.high));
            self.known.push(value);
            self.scratch[4] = u;
        }
        self.known[..k].to_vec()
    }

    /// The lowest eigenvalue; its eigenvector of length 1 goes to `vector` (full space).
    pub fn lowest_pair(&mut self, vector: &mut [f64]) -> f64 {
        let value = self.find_softest();
        vector.copy_from_slice(&self.softest);
        self.from_reduced(vector);
        value
    }

    /// The lowest eigenvalue; its eigenvector in the reduced space is in `softest` then.
    pub(super) fn find_softest(&mut self) -> f64 {
        if self.n == 0 || !self.finite {
            self.softest.clear();
            self.softest.resize(self.n, f64::NAN);
            return f64::NAN;
        }
        if self.softest.is_empty() {
            let mut u = std::mem::take(&mut self.softest);
            let quick = if self.known.is_empty() { self.alone(0, self.low, &mut u) } else { None };
            match quick {
                Some(value) => self.known.push(value),
                None => {
                    let value = self.lowest_values(1)[0];
                    self.reduced_eigenvector(value, &[], &mut u);
                }
            }
            self.softest = u;
        }
        self.known[0]
    }

    /// Pair number k (not below `low`) by Rayleigh quotients inside an interval that holds no other eigenvalue; `None` where there is none of a
    /// ten-thousandth of the norm, or they leave it.
    fn alone(&mut self, k: usize, low: f64, u: &mut Vec<f64>) -> Option<f64> {
        let (low, high) = self.close_in(k, low, self.high, 1e-4 * self.scale);
        if self.counts([low, high, high, high, high, high, high, high])[..2] != [k, k + 1] {
            return None;
        }
        start_vector(self.n, k as u32, u);
        self.rayleigh(0.5 * (low + high), u).filter(|value| (low..=high).contains(value))
    }

    /// An eigenpair by Rayleigh quotients from `value` and u, a start of inverse iteration, until the residual is rounding. `None` where they
    /// linger.
    fn rayleigh(&mut self, mut value: f64, u: &mut [f64]) -> Option<f64> {
        let tiny = self.smallest_pivot();
        for round in 0..5 {
            self.factors.factorise(&self.diagonal, &self.below, value, tiny);
            if round == 0 {
                self.factors.backward(u);
            } else {
                self.factors.solve(u);
            }
            let growth = norm(u);
            u.iter_mut().for_each(|x| *x /= growth);
            value = self.curvature(u);
            // One over the growth is the residual.
            if growth * 64.0 * tiny > 1.0 {
                return Some(value);
            }
        }
        None
    }

    /// The lowest k eigenpairs: values ascending, eigenvectors of length 1 as columns (n × k).
    pub fn lowest(&mut self, k: usize) -> (Vec<f64>, Matrix) {
        let values = self.lowest_values(k);
        let mut vectors: Vec<Vec<f64>> = Vec::with_capacity(values.len());
        for (i, &value) in values.iter().enumerate() {
            // Neighbours in a cluster of eigenvalues are kept orthogonal, as LAPACK's dstein does.
            let first = (0..i).rev().take_while(|&j| values[j + 1] - values[j] <= 1e-3 * self.scale).last().unwrap_or(i);
            let mut u = Vec::new();
            self.reduced_eigenvector(value, &vectors[first..i], &mut u);
            vectors.push(u);
        }
        let mut columns = Matrix::zeros(self.n, values.len());
        for (j, u) in vectors.iter_mut().enumerate() {
            self.from_reduced(u);
            for (i, &x) in u.iter().enumerate() {
                columns[(i, j)] = x;
            }
        }
        (values, columns)
    }

    /// Inverse iteration in the reduced space from a fixed start, kept orthogonal to `others`.
    pub(super) fn reduced_eigenvector(&mut self, value: f64, others: &[Vec<f64>], u: &mut Vec<f64>) {
        let n = self.n;
        u.clear();
        if !self.finite || !value.is_finite() {
            u.resize(n, f64::NAN);
            return;
        }
        if n == 0 {
            return;
        }
        let tiny = self.smallest_pivot();
        self.factors.factorise(&self.diagonal, &self.below, value, tiny);
        start_vector(n, others.len() as u32, u);
        for round in 0..6 {
            if round == 0 {
                self.factors.backward(u);
            } else {
                self.factors.solve(u);
            }
            for _ in 0..2 {
                for other in others {
                    let s = dot(u, other);
                    add_scaled(u, -s, other);
                }
            }
            // Growth by 1 / (n eps) says that the residual is at rounding.
            let largest = u.iter().fold(0.0f64, |s, x| s.max(x.abs()));
            if largest == 0.0 || !largest.is_finite() {
                u.iter_mut().enumerate().for_each(|(i, x)| *x = if i == (round + others.len()) % n { 1.0 } else { 0.0 });
                continue;
            }
            u.iter_mut().for_each(|x| *x /= largest);
            let length = norm(u);
            u.iter_mut().for_each(|x| *x /= length);
            if round > 0 && largest * tiny * 1e3 * (n as f64) > 1.0 {
                break;
            }
        }
    }

    /// A pivot smaller than this is rounding.
    pub(super) fn smallest_pivot(&self) -> f64 {
        (f64::EPSILON * self.scale).max(f64::MIN_POSITIVE / f64::EPSILON)
    }

    /// yᵀ T y.
    pub(super) fn curvature(&self, y: &[f64]) -> f64 {
        let mut sum = 0.0;
        for i in 0..self.n {
            sum += self.diagonal[i] * y[i] * y[i];
            if i + 1 < self.n {
                sum += 2.0 * self.below[i] * y[i] * y[i + 1];
            }
        }
        sum
    }

    /// v ← Qᵀ v, into the basis where the matrix is T. 2 n² flops.
    pub fn to_reduced(&mut self, v: &mut [f64]) {
        self.turn(false, v);
    }

    /// y ← Q y, back into the full space. 2 n² flops.
    pub fn from_reduced(&mut self, y: &mut [f64]) {
        self.turn(true, y);
    }

    fn turn(&mut self, rising: bool, y: &mut [f64]) {
        self.turned.clear();
        self.turned.resize(padded(self.n) / LANES, Block::ZERO);
        numbers_mut(&mut self.turned)[..self.n].copy_from_slice(y);
        householder::reflect(&self.reflections, &self.beta, rising, &mut self.turned);
        y.copy_from_slice(&numbers(&self.turned)[..self.n]);
    }

    /// out ← (H − σ)⁻¹ b in the full space, by a pivoted factorisation of T − σ. O(n²) for the transforms.
    pub fn solve_shifted(&mut self, sigma: f64, b: &[f64], out: &mut [f64]) {
        out.copy_from_slice(b);
        if self.n == 0 {
            return;
        }
        self.to_reduced(out);
        self.factors.factorise(&self.diagonal, &self.below, sigma, self.smallest_pivot());
        self.factors.solve(out);
        self.from_reduced(out);
    }
}

/// A start of inverse iteration without symmetry: no eigenvector of a structured matrix is orthogonal to it; each `number` begins elsewhere.
fn start_vector(n: usize, number: u32, u: &mut Vec<f64>) {
    let mut seed = 0x9e37_79b9_u32.wrapping_add(number);
    u.clear();
    u.extend((0..n).map(|_| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        0.5 + f64::from(seed >> 8) / f64::from(1 << 24)
    }));
}

#[cfg(test)]
mod tests {
    use super::super::tests::{random_symmetric, with_spectrum};
    use super::super::{symmetric_eigen, symmetric_eigenvalues};
    use super::*;

    fn reduced(m: &Matrix) -> Tridiagonal {
        let mut t = Tridiagonal::new();
        t.reduce(m);
        t
    }

    fn diagonal(values: &[f64]) -> Matrix {
        let mut m = Matrix::zeros(values.len(), values.len());
        for (i, &x) in values.iter().enumerate() {
            m[(i, i)] = x;
        }
        m
    }

    fn cases() -> Vec<Matrix> {
        let mut cases: Vec<Matrix> = [1, 2, 3, 8, 9, 30, 74].iter().map(|&n| random_symmetric(n, 11)).collect();
        cases.push(with_spectrum(&[1.0; 9], 1));
        cases.push(with_spectrum(&[-2.0, -2.0, 0.0, 0.0, 0.0, 1e-8, 3.0, 3.0, 1e3], 2));
        cases.push(with_spectrum(&(0..20).map(|k| 10f64.powi(-k)).collect::<Vec<_>>(), 3));
        cases.push(diagonal(&[3.0, -1.0, 2.0, 0.0, 2.0]));
        cases.push(diagonal(&[0.0; 4]));
        cases.push(with_spectrum(&[-3e-200, 1e-200, 2e-200], 4));
        cases.push(with_spectrum(&[-3e200, 1e200, 2e200], 4));
        cases
    }

    #[test]
    fn eigenvalues_agree_with_the_full_solver() {
        for m in cases() {
            let expected = symmetric_eigenvalues(&m);
            let scale = expected.iter().fold(0.0f64, |s, x| s.max(x.abs())).max(f64::MIN_POSITIVE);
            let mut t = reduced(&m);
            for (k, (&e, q)) in expected.iter().zip(t.values()).enumerate() {
                assert!((e - q).abs() <= 4e-14 * scale, "QL: {q} for {e}, n = {}", m.rows);
                assert!((e - t.eigenvalue(k)).abs() <= 4e-14 * scale, "bisection: {} for {e}, n = {}", t.eigenvalue(k), m.rows);
            }
            assert_eq!(t.lowest_values(3).len(), m.rows.min(3));
        }
    }

    #[test]
    fn lowest_vectors_are_orthonormal_eigenvectors() {
        for m in cases() {
            let mut t = reduced(&m);
            let scale = t.largest_magnitude().max(f64::MIN_POSITIVE);
            let (values, vectors) = t.lowest(6);
            let mut single = vec![0.0; m.rows];
            assert_eq!(t.lowest_pair(&mut single), values[0]);
            for k in 0..values.len() {
                let u = vectors.column(k);
                for i in 0..m.rows {
                    let r = dot(m.row(i), &u) - values[k] * u[i];
                    assert!(r.abs() <= 1e-13 * scale, "residual {r} of eigenvalue {k}, n = {}, values {values:?}", m.rows);
                }
                for l in 0..=k {
                    let overlap = dot(&u, &vectors.column(l));
                    assert!((overlap - f64::from(k == l)).abs() < 1e-12, "overlap {overlap} of {k} and {l}, n = {}", m.rows);
                }
            }
        }
    }

    #[test]
    fn index_leaves_out_the_near_zero_band() {
        let mut t = reduced(&with_spectrum(&[-5.0, -1e-3, -1e-8, 0.0, 2e-8, 1e-5, 1.0, 2.0], 5));
        assert_eq!(t.index(), Inertia { negative: 2, near_zero: 3, positive: 3 });
        assert_eq!((t.count_below(-6.0), t.count_below(0.5), t.count_below(7.0)), (0, 6, 8));
        let mut zero = reduced(&Matrix::zeros(3, 3));
        assert_eq!(zero.index(), Inertia { negative: 0, near_zero: 3, positive: 0 });
        assert_eq!(reduced(&Matrix::from_rows(1, 1, vec![-2.0])).index(), Inertia { negative: 1, near_zero: 0, positive: 0 });
    }

    #[test]
    fn log_product_leaves_out_the_near_zero_band() {
        let plain = [-5.0f64, -1e-3, 1e-4, 1.0, 2.0, 300.0];
        let expected: f64 = plain.iter().map(|h| h.abs().ln()).sum();
        let found = reduced(&with_spectrum(&plain, 6)).log_product();
        // The smallest eigenvalue, 1e-4 beside 300, carries a relative error of 300 / 1e-4 · 1e-16.
        assert!((found - expected).abs() < 1e-8, "{found} for {expected}");
        let found = reduced(&with_spectrum(&[-5.0, -1e-3, 0.0, 1e-12, 1.0, 2.0, 300.0], 6)).log_product();
        assert!((found - (5.0f64 * 1e-3 * 2.0 * 300.0).ln()).abs() < 1e-8);
    }

    #[test]
    fn what_was_reduced_before_changes_nothing() {
        let mut t = Tridiagonal::new();
        let mut odd = random_symmetric(13, 5);
        odd.data[40] = f64::NAN;
        for m in [random_symmetric(13, 3), odd, random_symmetric(13, 4), random_symmetric(11, 6), random_symmetric(12, 7)] {
            t.reduce(&m);
            let fresh = reduced(&m);
            assert_eq!(t.is_finite(), m.data.iter().all(|x| x.is_finite()));
            if t.is_finite() {
                assert_eq!((&t.diagonal, &t.below), (&fresh.diagonal, &fresh.below));
                let (mut v, mut w) = (vec![1.0; m.rows], vec![1.0; m.rows]);
                t.to_reduced(&mut v);
                reduced(&m).to_reduced(&mut w);
                assert_eq!(v, w);
            }
        }
    }

    #[test]
    fn vectors_go_in_and_out() {
        let m = random_symmetric(13, 3);
        let mut t = reduced(&m);
        let v: Vec<f64> = (0..13).map(|i| (i as f64).cos()).collect();
        let mut w = v.clone();
        t.to_reduced(&mut w);
        assert!((norm(&w) - norm(&v)).abs() < 1e-14 * 13.0);
        // vᵀ H v is wᵀ T w.
        let full: f64 = (0..13).map(|i| v[i] * dot(m.row(i), &v)).sum();
        let small: f64 = (0..13).map(|i| w[i] * w[i] * t.diagonal[i]).sum::<f64>()
            + (0..12).map(|i| 2.0 * w[i] * w[i + 1] * t.below[i]).sum::<f64>();
        assert!((full - small).abs() < 1e-12);
        t.from_reduced(&mut w);
        assert!(v.iter().zip(&w).all(|(a, b)| (a - b).abs() < 1e-13));
    }

    #[test]
    fn shifted_solves_satisfy_the_equation() {
        for n in [1, 2, 5, 40] {
            let m = random_symmetric(n, 9);
            let mut t = reduced(&m);
            let b: Vec<f64> = (0..n).map(|i| (1.0 + i as f64).sin()).collect();
            let mut y = vec![0.0; n];
            for sigma in [0.0, 0.3, -20.0] {
                t.solve_shifted(sigma, &b, &mut y);
                let size = norm(&y) * (n as f64 + 20.0);
                for i in 0..n {
                    let r = dot(m.row(i), &y) - sigma * y[i] - b[i];
                    assert!(r.abs() < 1e-14 * size.max(1.0), "residual {r}, n = {n}, shift {sigma}");
                }
            }
        }
    }

    #[test]
    fn eigenvectors_of_a_split_matrix_are_found() {
        // Two equal halves without a link: every eigenvalue twice.
        let t = Tridiagonal::from_bands(&[1.0, 2.0, 3.0, 1.0, 2.0, 3.0], &[0.5, 0.5, 0.0, 0.5, 0.5]);
        let (values, vectors) = t.clone().lowest(4);
        assert!((values[0] - values[1]).abs() < 1e-15 && (values[2] - values[3]).abs() < 1e-15);
        for k in 0..4 {
            for l in 0..k {
                assert!(dot(&vectors.column(k), &vectors.column(l)).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn undefined_entries_never_loop_or_panic() {
        let mut m = random_symmetric(5, 1);
        m[(3, 1)] = f64::NAN;
        let mut t = reduced(&m);
        assert!(!t.is_finite() && t.eigenvalue(0).is_nan() && t.log_product().is_nan() && t.values()[4].is_nan());
        assert_eq!(t.index(), Inertia { negative: 0, near_zero: 0, positive: 0 });
        assert!(t.lowest(2).1.data.iter().all(|x| x.is_nan()));
        let mut none = reduced(&Matrix::zeros(0, 0));
        assert_eq!((none.values().len(), none.index().positive, none.log_product()), (0, 0, 0.0));
    }

    #[test]
    fn memory_serves_matrices_of_any_size_in_turn() {
        let mut t = Tridiagonal::new();
        for n in [30, 4, 17, 74, 1] {
            let m = random_symmetric(n, 21);
            t.reduce(&m);
            let expected = symmetric_eigen(&m).0;
            assert!(t.values().iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-12));
        }
    }
}
