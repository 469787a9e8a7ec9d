//! Means and covariances of the rows of a matrix that may fill the memory: no second copy is made of it.
//!
//! A row i is taken as y_i = √f_i (x_i − mean); the covariance is YᵀY (columns × columns), and YYᵀ (rows × rows) has the same eigenvalues but for
//! zeros. Both are put together from tiles: each goes over the matrix once, block by block, with a product of two panels. Where both
//! are too large, [`Centred::apply`] gives YᵀY v in one pass. Tiles and partial sums are of fixed size and added in fixed order, so the
//! number of threads changes nothing.
//! Cost: half of rows × columns² (or rows² × columns) products; rows × columns × 4 for `apply`.

use super::Matrix;
use super::matrix::add_scaled;
use rayon::prelude::*;

/// Side of a tile.
const TILE: usize = 256;
/// What a panel is long in the direction that is summed over.
const DEPTH: usize = 512;
/// Partial sums of one pass over the rows.
const PARTS: usize = 32;

/// The rows of a matrix less their mean, weighed.
pub struct Centred<'a> {
    rows: &'a Matrix,
    pub mean: Vec<f64>,
    /// f_i: with equal weights 1/(rows − 1).
    factors: Vec<f64>,
    /// The sum of the variances of all columns.
    pub total: f64,
}

impl<'a> Centred<'a> {
    /// `weights` one a row, not negative, not all zero; equal ones where there are none. f_i = w_i/(1 − Σ w²) with Σ w = 1: the covariance
    /// has no bias.
    pub fn new(rows: &'a Matrix, weights: Option<&[f64]>) -> Centred<'a> {
        let equal = 1.0 / rows.rows as f64;
        let mut shares = vec![equal; rows.rows];
        if let Some(weights) = weights {
            let sum: f64 = weights.iter().sum();
            shares.iter_mut().zip(weights).for_each(|(s, w)| *s = w / sum);
        }
        let spread = 1.0 - shares.iter().map(|s| s * s).sum::<f64>();
        let mut centred = Centred { rows, mean: Vec::new(), factors: shares, total: 0.0 };
        // Differences from the first row: what all rows share costs no digits.
        let first = rows.row(0);
        let mut mean = centred.sum_rows(|i, part| {
            for ((out, x), x0) in part.iter_mut().zip(rows.row(i)).zip(first) {
                *out += centred.factors[i] * (x - x0);
            }
        });
        add_scaled(&mut mean, 1.0, first);
        centred.mean = mean;
        centred.factors.iter_mut().for_each(|f| *f /= spread);
        let squares = centred.sum_rows(|i, part| {
            for ((out, x), m) in part.iter_mut().zip(rows.row(i)).zip(&centred.mean) {
                *out += centred.factors[i] * (x - m) * (x - m);
            }
        });
        centred.total = squares.iter().sum();
        centred
    }

    /// Calls `add(i, part)` for every row; the parts, as long as a row, are added up.
    fn sum_rows(&self, add: impl Fn(usize, &mut [f64]) + Sync) -> Vec<f64> {
        let (rows, columns) = (self.rows.rows, self.rows.columns);
        let each = rows.div_ceil(PARTS).max(1);
        let parts: Vec<Vec<f64>> = (0..rows.div_ceil(each))
            .into_par_iter()
            .map(|part| {
                let mut sum = vec![0.0; columns];
                for i in part * each..((part + 1) * each).min(rows) {
                    add(i, &mut sum);
                }
                sum
            })
            .collect();
        let mut sum = vec![0.0; columns];
        for part in &parts {
            add_scaled(&mut sum, 1.0, part);
        }
        sum
    }

    /// YᵀY v: the covariance times v, in one pass over the rows.
    pub fn apply(&self, v: &[f64]) -> Vec<f64> {
        self.sum_rows(|i, part| {
            let row = self.rows.row(i);
            let s = self.factors[i] * self.along(row, v);
            for ((out, x), m) in part.iter_mut().zip(row).zip(&self.mean) {
                *out += s * (x - m);
            }
        })
    }

    /// (x − mean) · v.
    pub fn along(&self, x: &[f64], v: &[f64]) -> f64 {
        along(x, &self.mean, v)
    }

    /// Yᵀ u: the sum of the rows, each √f_i u_i (x_i − mean).
    pub fn combine(&self, u: &[f64]) -> Vec<f64> {
        self.sum_rows(|i, part| {
            let s = self.factors[i].sqrt() * u[i];
            for ((out, x), m) in part.iter_mut().zip(self.rows.row(i)).zip(&self.mean) {
                *out += s * (x - m);
            }
        })
    }

    /// The covariance, columns × columns. `tick` is called after every tile and may end it.
    pub fn covariance<E: Send>(&self, tick: impl Fn() -> Result<(), E> + Sync) -> Result<Matrix, E> {
        let columns = self.rows.columns;
        self.tiled(columns, self.rows.rows, tick, |side, deep, out| {
            // Column by column of the tile: what is summed over lies together.
            for i in deep[0]..deep[1] {
                let (row, f) = (self.rows.row(i), self.factors[i].sqrt());
                for (k, j) in (side[0]..side[1]).enumerate() {
                    out[k * DEPTH + i - deep[0]] = f * (row[j] - self.mean[j]);
                }
            }
        })
    }

    /// YYᵀ, rows × rows: its eigenvalues are those of the covariance.
    pub fn gram<E: Send>(&self, tick: impl Fn() -> Result<(), E> + Sync) -> Result<Matrix, E> {
        let columns = self.rows.columns;
        self.tiled(self.rows.rows, columns, tick, |side, deep, out| {
            for (k, i) in (side[0]..side[1]).enumerate() {
                let (row, f) = (self.rows.row(i), self.factors[i].sqrt());
                for j in deep[0]..deep[1] {
                    out[k * DEPTH + j - deep[0]] = f * (row[j] - self.mean[j]);
                }
            }
        })
    }

    /// P Pᵀ of a matrix P (size × deep) that `panel(rows of P, columns of P, out)` writes in pieces, row after row of DEPTH numbers.
    fn tiled<E: Send>(
        &self,
        size: usize,
        deep: usize,
        tick: impl Fn() -> Result<(), E> + Sync,
        panel: impl Fn([usize; 2], [usize; 2], &mut [f64]) + Sync,
    ) -> Result<Matrix, E> {
        let tiles = size.div_ceil(TILE);
        let places: Vec<[usize; 2]> = (0..tiles).flat_map(|i| (0..=i).map(move |j| [i, j])).collect();
        let end = |k: usize, step: usize, most: usize| [k * step, ((k + 1) * step).min(most)];
        let done: Vec<Vec<f64>> = places
            .par_iter()
            .map(|[i, j]| {
                let (mut a, mut b) = (vec![0.0; TILE * DEPTH], vec![0.0; TILE * DEPTH]);
                let mut sum = vec![0.0; TILE * TILE];
                for k in 0..deep.div_ceil(DEPTH) {
                    let along = end(k, DEPTH, deep);
                    if along[1] - along[0] < DEPTH {
                        a.fill(0.0);
                        b.fill(0.0);
                    }
                    panel(end(*i, TILE, size), along, &mut a);
                    panel(end(*j, TILE, size), along, &mut b);
                    add_product(&a, &b, &mut sum);
                    tick()?;
                }
                Ok(sum)
            })
            .collect::<Result<_, E>>()?;
        let mut out = Matrix::zeros(size, size);
        for ([i, j], tile) in places.iter().zip(&done) {
            let (down, across) = (end(*i, TILE, size), end(*j, TILE, size));
            for (k, row) in (down[0]..down[1]).enumerate() {
                let wide = across[1] - across[0];
                out.row_mut(row)[across[0]..across[1]].copy_from_slice(&tile[k * TILE..k * TILE + wide]);
            }
        }
        out.mirror_lower();
        Ok(out)
    }
}

/// (x − from) · v, in eight running sums.
pub fn along(x: &[f64], from: &[f64], v: &[f64]) -> f64 {
    let (mut sums, n) = ([0.0; 8], x.len());
    let (x8, x1) = x.as_chunks::<8>();
    let ((m8, m1), (v8, v1)) = (from[..n].as_chunks::<8>(), v[..n].as_chunks::<8>());
    for ((x, m), v) in x8.iter().zip(m8).zip(v8) {
        for k in 0..8 {
            sums[k] += (x[k] - m[k]) * v[k];
        }
    }
    super::statistics::sum(&sums) + x1.iter().zip(m1).zip(v1).map(|((x, m), v)| (x - m) * v).sum::<f64>()
}

/// sum += a bᵀ for panels of TILE rows of DEPTH numbers.
fn add_product(a: &[f64], b: &[f64], sum: &mut [f64]) {
    use faer::linalg::matmul::matmul;
    use faer::{Accum, MatMut, MatRef, Par};
    let panel = |data| MatRef::from_row_major_slice(data, TILE, DEPTH);
    let out = MatMut::from_row_major_slice_mut(sum, TILE, TILE);
    matmul(out, Accum::Add, panel(a), panel(b).transpose(), 1.0, Par::Seq);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::matrix::dot;

    fn matrix(rows: usize, columns: usize) -> Matrix {
        let wave = |k: usize| 1e5 + (1.3 * k as f64).sin() + (0.011 * (k * k % 977) as f64).cos();
        Matrix::from_rows(rows, columns, (0..rows * columns).map(wave).collect())
    }

    fn never() -> Result<(), ()> {
        Ok(())
    }

    #[test]
    fn covariances_are_those_of_numpy() {
        // numpy.cov(x, rowvar=False, aweights=w) of [[1, 2], [3, 5], [4, 4]] with w = [1, 2, 1], and without weights.
        let m = Matrix::from_rows(3, 2, vec![1.0, 2.0, 3.0, 5.0, 4.0, 4.0]);
        let weighed = Centred::new(&m, Some(&[1.0, 2.0, 1.0]));
        assert_eq!(weighed.mean, [2.75, 4.0]);
        let expected = [1.9, 1.6, 1.6, 2.4];
        let found = weighed.covariance(never).unwrap();
        assert!(found.data.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-14), "{found:?}");
        let plain = Centred::new(&m, None);
        let found = plain.covariance(never).unwrap();
        let expected = [7.0 / 3.0, 11.0 / 6.0, 11.0 / 6.0, 7.0 / 3.0];
        assert!(found.data.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-14), "{found:?}");
        assert!((plain.total - 14.0 / 3.0).abs() < 1e-14);
    }

    #[test]
    fn tiles_passes_and_grams_agree() {
        // More than one tile and one panel in either direction.
        for (rows, columns) in [(700, 300), (300, 700)] {
            let m = matrix(rows, columns);
            let weights: Vec<f64> = (0..rows).map(|i| (i % 5) as f64).collect();
            let centred = Centred::new(&m, Some(&weights));
            let (covariance, gram) = (centred.covariance(never).unwrap(), centred.gram(never).unwrap());
            let trace = |m: &Matrix| (0..m.rows).map(|i| m[(i, i)]).sum::<f64>();
            for t in [trace(&covariance), trace(&gram)] {
                assert!((t / centred.total - 1.0).abs() < 1e-9, "{t} for {}", centred.total);
            }
            let v: Vec<f64> = (0..columns).map(|k| (k as f64).sin()).collect();
            let applied = centred.apply(&v);
            for (j, a) in applied.iter().enumerate() {
                assert!((dot(covariance.row(j), &v) - a).abs() < 1e-8 * centred.total, "row {j}");
            }
            // Yᵀ(YYᵀ u) = (YᵀY) Yᵀ u.
            let u: Vec<f64> = (0..rows).map(|k| (0.7 * k as f64).cos()).collect();
            let gram_u: Vec<f64> = (0..rows).map(|i| dot(gram.row(i), &u)).collect();
            let (left, right) = (centred.combine(&gram_u), centred.apply(&centred.combine(&u)));
            let scale = right.iter().fold(0.0f64, |s, x| s.max(x.abs()));
            assert!(left.iter().zip(&right).all(|(l, r)| (l - r).abs() < 1e-8 * scale));
        }
    }

    #[test]
    fn threads_change_nothing() {
        let m = matrix(333, 77);
        let of = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let c = Centred::new(&m, None);
                (c.covariance(never).unwrap(), c.apply(&m.row(3)[..77]), c.mean.clone())
            })
        };
        assert_eq!(of(1), of(3));
    }
}
