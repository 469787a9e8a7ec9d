//! A few lowest or highest eigenpairs of a symmetric operator that is only known by its products with vectors.
//!
//! Lanczos: q₁ is the start, β_j q_{j+1} = H q_j − α_j q_j − β_{j−1} q_{j−1}; in the basis q the operator is the tridiagonal matrix of the α
//! and β, whose extreme eigenvalues θ approach those of H from inside first. With s the eigenvector of θ in that basis, the residual
//! |H y − θ y| of y = Σ s_j q_j is β_m |s_m|: known without another product, and an eigenvalue lies within it of θ.
//! Each q is made orthogonal to all earlier ones twice, so no copies of converged eigenvalues appear. Directions to be left out (zero
//! modes, frozen coordinates) are projected out of every vector.
//!
//! Cost: one product an iteration and 4 m n flops for the m-th, m + 1 vectors of memory. The iterations grow with the square root of
//! (spectral width / gap beside the wanted eigenvalue).
//! When it fails: a start orthogonal to the wanted eigenvector finds the next one (rounding helps only slowly), and of a degenerate
//! eigenvalue one vector is found until the space is exhausted. `converged` says whether the residuals are within the tolerance.
//! References: C. Lanczos, J. Res. Natl. Bur. Stand. 45, 255 (1950), doi:10.6028/jres.045.026;
//! C. C. Paige, Linear Algebra Appl. 34, 235 (1980), doi:10.1016/0024-3795(80)90167-6.

use super::Matrix;
use super::eigen::Tridiagonal;
use super::matrix::{add_scaled, dot, norm};
use super::random::stream;
use rand::RngExt;

/// What was found; the k values ascend for `lowest` and descend for `highest`.
#[derive(Debug, Clone, Default)]
pub struct Lanczos {
    pub values: Vec<f64>,
    /// Of length 1, one for each value.
    pub vectors: Vec<Vec<f64>>,
    /// Bounds of |H y − θ y|: an eigenvalue lies within this of the value.
    pub residuals: Vec<f64>,
    /// Products with the operator.
    pub iterations: usize,
    /// Every residual is within the tolerance, or every value is decided where that was asked for.
    pub converged: bool,
    /// Largest |eigenvalue| that the space shows, at either end.
    pub largest: f64,
}

/// Lanczos step by step, for those who cannot hand over the operator: ask what is [`wanted`](Iteration::wanted), [`supply`](Iteration::supply) it.
#[derive(Debug)]
pub struct Iteration<'a> {
    count: usize,
    tolerance: f64,
    deflate: &'a [Vec<f64>],
    max_iterations: usize,
    basis: Vec<Vec<f64>>,
    alpha: Vec<f64>,
    beta: Vec<f64>,
    /// Residual, as a part of the value's own size, at which a value is decided.
    deciding: f64,
    /// Examinations in a row at which every value was decided.
    decided: usize,
    /// Number of directions that are not projected out: no basis grows beyond it.
    room: usize,
    /// 1 for the lowest, −1 for the highest.
    sign: f64,
    found: Lanczos,
    /// Eigenvectors of the tridiagonal matrix examined last: iterations × count.
    small: Matrix,
    done: bool,
}

impl<'a> Iteration<'a> {
    /// The `count` lowest eigenpairs of an operator of dimension n, to residuals of `tolerance` times the largest |eigenvalue| seen.
    /// `start` (length n; a fixed random one where it is none or zero) is worth a good guess; `deflate` holds directions to leave out:
    /// of length 1, orthogonal to each other.
    pub fn lowest(
        n: usize,
        count: usize,
        tolerance: f64,
        start: Option<&[f64]>,
        deflate: &'a [Vec<f64>],
        max_iterations: usize,
    ) -> Iteration<'a> {
        let room = n.saturating_sub(deflate.len());
        let mut it = Iteration {
            count: count.min(room),
            tolerance,
            deflate,
            max_iterations,
            basis: Vec::new(),
            alpha: Vec::new(),
            beta: Vec::new(),
            deciding: 0.0,
            decided: 0,
            room,
            sign: 1.0,
            found: Lanczos::default(),
            small: Matrix::default(),
            done: false,
        };
        it.done = it.count == 0 || max_iterations == 0 || !it.begin(n, start.map(<[f64]>::to_vec));
        it.found.converged = it.count == 0;
        it
    }

    /// The highest ones instead.
    pub fn highest(
        n: usize,
        count: usize,
        tolerance: f64,
        start: Option<&[f64]>,
        deflate: &'a [Vec<f64>],
        max_iterations: usize,
    ) -> Iteration<'a> {
        Iteration { sign: -1.0, ..Iteration::lowest(n, count, tolerance, start, deflate, max_iterations) }
    }

    /// Ends as soon as the sign of every value is beyond doubt as well: residuals within `part` of the value's own size, at
    /// three examinations in a row, since a value that is still on its way down may look settled once.
    pub fn deciding(mut self, part: f64) -> Iteration<'a> {
        self.deciding = part;
        self
    }

    /// The vector of length 1 whose product is needed next; none when all is found or the iterations are spent.
    pub fn wanted(&self) -> Option<&[f64]> {
        if self.done { None } else { self.basis.last().map(Vec::as_slice) }
    }

    /// Takes the product of the operator with the wanted vector.
    pub fn supply(&mut self, product: &[f64]) {
        let Some(q) = self.basis.last() else { return };
        self.found.iterations += 1;
        let mut w: Vec<f64> = product.iter().map(|x| self.sign * x).collect();
        if w.iter().any(|x| !x.is_finite()) {
            (self.done, self.found.converged) = (true, false);
            return;
        }
        let size = norm(&w);
        self.alpha.push(dot(&w, q));
        self.orthogonalise(&mut w);
        let b = norm(&w);
        let scale = self.alpha.iter().chain(&self.beta).fold(0.0f64, |s, x| s.max(x.abs()));
        let exhausted = self.basis.len() >= self.room;
        // What is left is rounding: the space found so far is closed under the operator.
        let closed = exhausted || b <= 1e-13 * size.max(scale);
        let link = if closed { 0.0 } else { b };
        let m = self.alpha.len();
        let spent = self.found.iterations >= self.max_iterations;
        if m >= self.count && (closed || spent || m <= 30 || m.is_multiple_of(5)) {
            self.examine(link, scale);
            self.done = self.found.converged || exhausted;
        }
        if self.done || spent {
            self.done = true;
            return;
        }
        self.beta.push(link);
        if closed {
            // Only reached while eigenpairs are missing: look in the rest of the space.
            self.done = !self.begin(product.len(), None);
        } else {
            w.iter_mut().for_each(|x| *x /= b);
            self.basis.push(w);
        }
    }

    /// What was found.
    pub fn finish(mut self) -> Lanczos {
        self.found.values.iter_mut().for_each(|x| *x *= self.sign);
        self.found.largest = self.largest();
        for k in 0..self.found.values.len() {
            let mut y = vec![0.0; self.basis[0].len()];
            for (j, q) in self.basis[..self.small.rows].iter().enumerate() {
                add_scaled(&mut y, self.small[(j, k)], q);
            }
            let length = norm(&y);
            y.iter_mut().for_each(|x| *x /= length);
            self.found.vectors.push(y);
        }
        self.found
    }

    /// The space so far: an orthonormal basis, and the operator in it.
    pub fn space(&self) -> (&[Vec<f64>], Matrix) {
        let m = self.alpha.len();
        let mut operator = Matrix::zeros(m, m);
        for (j, alpha) in self.alpha.iter().enumerate() {
            operator[(j, j)] = self.sign * alpha;
        }
        for (j, beta) in self.beta.iter().take(m.saturating_sub(1)).enumerate() {
            operator[(j, j + 1)] = self.sign * beta;
            operator[(j + 1, j)] = self.sign * beta;
        }
        (&self.basis[..m], operator)
    }

    fn largest(&self) -> f64 {
        let m = self.alpha.len();
        if m == 0 {
            return 0.0;
        }
        let end = |sign: f64| {
            let turned = |x: &[f64]| x.iter().map(|x| sign * x).collect::<Vec<f64>>();
            Tridiagonal::from_bands(&turned(&self.alpha), &turned(&self.beta[..m - 1])).lowest_values(1)[0].abs()
        };
        end(1.0).max(end(-1.0))
    }

    /// Adds a unit vector outside the space so far to the basis; false where there is none.
    fn begin(&mut self, n: usize, guess: Option<Vec<f64>>) -> bool {
        let mut random = stream(0x6c616e, self.basis.len() as u64);
        let mut next = guess;
        for _ in 0..3 {
            let mut v = next.take().unwrap_or_else(|| (0..n).map(|_| random.random_range(-1.0..1.0)).collect());
            let before = norm(&v);
            self.orthogonalise(&mut v);
            let after = norm(&v);
            if before.is_finite() && after > 1e-10 * before {
                v.iter_mut().for_each(|x| *x /= after);
                self.basis.push(v);
                return true;
            }
        }
        false
    }

    fn orthogonalise(&self, v: &mut [f64]) {
        for _ in 0..2 {
            for q in self.deflate.iter().chain(&self.basis) {
                let s = dot(v, q);
                add_scaled(v, -s, q);
            }
        }
    }

    /// Ritz pairs of the space so far; `link` is the β that would follow.
    fn examine(&mut self, link: f64, scale: f64) {
        let m = self.alpha.len();
        let mut t = Tridiagonal::from_bands(&self.alpha, &self.beta[..m - 1]);
        let (values, small) = t.lowest(self.count);
        let largest = scale.max(values.iter().fold(0.0f64, |s, x| s.max(x.abs())));
        self.found.residuals = (0..self.count).map(|k| link * small[(m - 1, k)].abs()).collect();
        let decided = self.found.residuals.iter().zip(&values).all(|(r, h)| *r <= self.deciding * h.abs());
        self.decided = if decided { self.decided + 1 } else { 0 };
        let within = self.found.residuals.iter().all(|&r| r <= self.tolerance * largest);
        self.found.converged = within || (self.deciding > 0.0 && self.decided >= 3);
        (self.found.values, self.small) = (values, small);
    }
}

/// The `count` lowest eigenpairs of `operator(v, out)`; see [`Iteration::lowest`] for the rest.
pub fn lowest(
    operator: &mut dyn FnMut(&[f64], &mut [f64]),
    n: usize,
    count: usize,
    tolerance: f64,
    start: Option<&[f64]>,
    deflate: &[Vec<f64>],
    max_iterations: usize,
) -> Lanczos {
    drive(Iteration::lowest(n, count, tolerance, start, deflate, max_iterations), operator, n)
}

/// The `count` highest eigenpairs of `operator(v, out)`, values descending; see [`Iteration::lowest`] for the rest.
pub fn highest(
    operator: &mut dyn FnMut(&[f64], &mut [f64]),
    n: usize,
    count: usize,
    tolerance: f64,
    start: Option<&[f64]>,
    deflate: &[Vec<f64>],
    max_iterations: usize,
) -> Lanczos {
    drive(Iteration::highest(n, count, tolerance, start, deflate, max_iterations), operator, n)
}

fn drive(mut iteration: Iteration, operator: &mut dyn FnMut(&[f64], &mut [f64]), n: usize) -> Lanczos {
    let mut product = vec![0.0; n];
    while let Some(v) = iteration.wanted() {
        operator(v, &mut product);
        iteration.supply(&product);
    }
    iteration.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    /// −d²/dx² on n points between walls: eigenvalues 2 − 2 cos(kπ/(n + 1)).
    fn chain(v: &[f64], out: &mut [f64]) {
        let n = v.len();
        for i in 0..n {
            out[i] = 2.0 * v[i] - if i > 0 { v[i - 1] } else { 0.0 } - if i + 1 < n { v[i + 1] } else { 0.0 };
        }
    }

    fn level(k: usize, n: usize) -> f64 {
        2.0 - 2.0 * (k as f64 * PI / (n + 1) as f64).cos()
    }

    #[test]
    fn the_ends_of_the_laplacian_are_found() {
        let n = 60;
        let low = lowest(&mut chain, n, 3, 1e-9, None, &[], 200);
        assert!(low.converged && low.iterations <= n, "{low:?}");
        let high = highest(&mut chain, n, 2, 1e-9, None, &[], 200);
        for k in 0..3 {
            assert!((low.values[k] - level(k + 1, n)).abs() < 1e-12, "{} for {}", low.values[k], level(k + 1, n));
            let mut out = vec![0.0; n];
            chain(&low.vectors[k], &mut out);
            add_scaled(&mut out, -low.values[k], &low.vectors[k]);
            // The bound is what it says, to rounding.
            assert!(norm(&out) <= low.residuals[k] + 1e-13 && low.residuals[k] <= 4e-9);
        }
        assert!((high.values[0] - level(n, n)).abs() < 1e-12 && (high.values[1] - level(n - 1, n)).abs() < 1e-12);
    }

    #[test]
    fn projected_directions_never_come_back() {
        // On a ring the constant vector has eigenvalue 0; without it the lowest is 2 − 2 cos(2π/n), twice.
        let n = 24;
        let mut ring = |v: &[f64], out: &mut [f64]| {
            for i in 0..n {
                out[i] = 2.0 * v[i] - v[(i + 1) % n] - v[(i + n - 1) % n];
            }
        };
        let constant = vec![vec![1.0 / (n as f64).sqrt(); n]];
        let found = lowest(&mut ring, n, 1, 1e-10, None, &constant, 100);
        assert!(found.converged && (found.values[0] - (2.0 - 2.0 * (2.0 * PI / n as f64).cos())).abs() < 1e-12);
        assert!(found.vectors[0].iter().sum::<f64>().abs() < 1e-12);
    }

    #[test]
    fn a_good_start_saves_products() {
        let n = 200;
        let exact: Vec<f64> = (1..=n).map(|i| (i as f64 * PI / (n + 1) as f64).sin()).collect();
        let first = lowest(&mut chain, n, 1, 1e-8, Some(&exact), &[], 300);
        let blind = lowest(&mut chain, n, 1, 1e-8, None, &[], 300);
        assert!(first.converged && blind.converged);
        assert!(first.iterations <= 2 && blind.iterations > 20, "{} and {}", first.iterations, blind.iterations);
    }

    #[test]
    fn a_sign_is_decided_before_the_value_is_exact() {
        let n = 400;
        let shifted = |by: f64| {
            move |v: &[f64], out: &mut [f64]| {
                chain(v, out);
                add_scaled(out, by, v);
            }
        };
        // Once all positive, once with many negative ones; the top is known to a percent either way.
        for (by, negative) in [(0.1, 0), (-0.05, 3)] {
            let mut operator = shifted(by);
            let mut it = Iteration::lowest(n, 3, 1e-9, None, &[], 400).deciding(0.02);
            let mut product = vec![0.0; n];
            while let Some(v) = it.wanted() {
                operator(v, &mut product);
                it.supply(&product);
            }
            let quick = it.finish();
            let exact = lowest(&mut operator, n, 3, 1e-9, None, &[], 400);
            assert!(quick.converged && exact.converged && quick.iterations < exact.iterations, "{}", quick.iterations);
            assert_eq!(quick.values.iter().filter(|h| **h < 0.0).count(), negative);
            for k in 0..3 {
                let truth = level(k + 1, n) + by;
                assert!(
                    (quick.values[k] - truth).abs() <= quick.residuals[k] && quick.residuals[k] <= 0.02 * quick.values[k].abs()
                );
            }
            assert!((quick.largest / (4.0 + by) - 1.0).abs() < 0.01);
        }
    }

    #[test]
    fn closed_spaces_are_left_and_small_ones_exhausted() {
        // The identity: every space is closed after one product.
        let mut identity = |v: &[f64], out: &mut [f64]| out.copy_from_slice(v);
        let found = lowest(&mut identity, 5, 3, 1e-10, None, &[], 50);
        assert!(found.converged && found.values.iter().all(|v| (v - 1.0).abs() < 1e-13), "{found:?}");
        // A start that is an eigenvector already, more pairs wanted.
        let mut diagonal = |v: &[f64], out: &mut [f64]| (0..4).for_each(|i| out[i] = i as f64 * v[i]);
        let found = lowest(&mut diagonal, 4, 4, 1e-10, Some(&[0.0, 0.0, 1.0, 0.0]), &[], 50);
        assert!(found.converged && found.values.iter().enumerate().all(|(i, v)| (v - i as f64).abs() < 1e-12), "{found:?}");
    }

    #[test]
    fn spent_iterations_and_undefined_products_are_values() {
        let spent = lowest(&mut chain, 300, 1, 1e-12, None, &[], 10);
        assert!(!spent.converged && spent.iterations == 10 && spent.vectors.len() == 1);
        assert!(spent.residuals[0] > 0.0 && spent.values[0] > level(1, 300));
        let mut broken = |_: &[f64], out: &mut [f64]| out.fill(f64::NAN);
        assert!(!lowest(&mut broken, 4, 1, 1e-9, None, &[], 10).converged);
        let none = lowest(&mut chain, 0, 2, 1e-9, None, &[], 10);
        assert!(none.converged && none.values.is_empty());
    }
}
