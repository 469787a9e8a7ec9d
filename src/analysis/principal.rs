//! Principal directions: along which a sample spreads most, in any number of dimensions.
//!
//! With at most 2,000 coordinates (or rows) the covariance (or the smaller matrix of rows by rows, which has the same eigenvalues) is decomposed
//! whole. Beyond that the wanted directions come by Lanczos from products with the covariance, each one pass over the sample; the covariance
//! itself is never formed. Nothing copies the sample.
//!
//! References: K. Pearson, Phil. Mag. 2, 559 (1901), doi:10.1080/14786440109462720; L. Sirovich, Quart. Appl. Math. 45, 561 (1987),
//! doi:10.1090/qam/910462 (rows by rows).

use crate::base::{Error, Result, Run};
use crate::math::Matrix;
use crate::math::covariance::{Centred, along};
use crate::math::eigen::{Tridiagonal, symmetric_eigen};
use crate::math::lanczos::Iteration;
use crate::math::matrix::norm;
use rayon::prelude::*;

/// The largest matrix that is decomposed whole.
const LARGEST_DENSE: usize = 2000;
/// The largest covariance that is handed out: 800 MB.
const LARGEST_COVARIANCE: usize = 10_000;
/// Directions beyond that, unless more or fewer are asked for.
const SOME: usize = 64;
/// Of the rows-by-rows matrix: variances below this part of the largest are rounding, and have no direction.
const ROUNDING: f64 = 1e-12;
/// Part of the largest variance to which Lanczos brings the residuals.
const TOLERANCE: f64 = 1e-9;
/// Rows of a task that projects.
const ROWS: usize = 64;

crate::options! {
    /// Options of `principal_directions`.
    pub struct PrincipalOptions {
        /// How many directions.
        count: Option<usize> = None => "all up to 2000 coordinates or rows, 64 beyond", AT_LEAST_ONE, "";
        /// How much each row counts.
        weights: Vec<f64> = Vec::new() => "equally", NOT_NEGATIVE, "";
    }
}

/// The directions along which rows spread, the largest variance first.
#[derive(Debug, Clone)]
pub struct PrincipalDirections {
    pub mean: Vec<f64>,
    /// A column each, of length 1, the largest component positive.
    pub directions: Matrix,
    /// Divided by rows − 1; descending.
    pub variances: Vec<f64>,
    /// The sum of the variances of all coordinates.
    pub total_variance: f64,
}

impl PrincipalDirections {
    /// The part of the whole variance along each direction; NaN where nothing varies.
    pub fn explained(&self) -> Vec<f64> {
        self.variances.iter().map(|v| v / self.total_variance).collect()
    }

    /// Of one position, how far it is from the mean along each direction.
    pub fn project(&self, x: &[f64]) -> Vec<f64> {
        self.project_all(&Matrix::from_rows(1, x.len(), x.to_vec())).data
    }

    /// Of each row, how far it is from the mean along each direction: rows × directions.
    pub fn project_all(&self, rows: &Matrix) -> Matrix {
        let turned = self.directions.transpose();
        let count = turned.rows;
        let mut out = Matrix::zeros(rows.rows, count);
        if count == 0 {
            return out;
        }
        out.data.par_chunks_mut(ROWS * count).enumerate().for_each(|(task, out)| {
            for (k, out) in out.chunks_exact_mut(count).enumerate() {
                let x = rows.row(task * ROWS + k);
                for (d, out) in out.iter_mut().enumerate() {
                    *out = along(x, &self.mean, turned.row(d));
                }
            }
        });
        out
    }
}

/// The principal directions of rows × coordinates.
///
/// Errors: fewer than two rows, numbers that are not finite, more directions than there can be, weights that do not fit; a stopped run.
pub fn principal_directions(run: &Run, rows: &Matrix, options: &PrincipalOptions) -> Result<PrincipalDirections> {
    let (m, n) = (rows.rows, rows.columns);
    if m < 2 || n == 0 {
        return Err(Error::value(format!(
            "principal_directions: a spread needs two rows at least, found {m} of {n} coordinates"
        )));
    }
    if let Some(bad) = rows.data.iter().position(|x| !x.is_finite()) {
        let (row, column) = (bad / n, bad % n);
        let message = format!(
            "principal_directions: the sample must be finite, found {} in row {row}, coordinate {column}",
            rows.data[bad]
        );
        return Err(Error::value(message));
    }
    let weights = check_weights(&options.weights, m)?;
    // Around their mean, m rows span m − 1 directions.
    let most = n.min(m - 1);
    if let Some(count) = options.count.filter(|count| *count > most) {
        let message = format!("principal_directions: option `count` must be at most {most}, found {count}");
        return Err(Error::value(message).hint(format!("{m} rows of {n} coordinates span no more")).at("count"));
    }
    run.check()?;
    let centred = Centred::new(rows, weights);
    let count = options.count.unwrap_or(if n.min(m) <= LARGEST_DENSE { most } else { SOME.min(most) });
    let pairs = if n <= m && n <= LARGEST_DENSE {
        let task = run.task("principal_directions", None);
        highest(centred.covariance(|| task.tick(1, String::new))?, count)
    } else if m <= LARGEST_DENSE {
        let task = run.task("principal_directions", None);
        let mut pairs = highest(centred.gram(|| task.tick(1, String::new))?, count);
        let largest = pairs.first().map_or(0.0, |p| p.0);
        pairs.retain(|(variance, _)| *variance > ROUNDING * largest);
        for (_, vector) in &mut pairs {
            task.tick(1, String::new)?;
            *vector = centred.combine(vector);
        }
        pairs
    } else {
        by_products(run, &centred, n, count)?
    };
    let mut directions = Matrix::zeros(n, pairs.len());
    for (k, (_, vector)) in pairs.iter().enumerate() {
        let largest = vector.iter().copied().fold(0.0f64, |l, x| if x.abs() > l.abs() { x } else { l });
        let scale = norm(vector).copysign(largest);
        for (i, x) in vector.iter().enumerate() {
            directions[(i, k)] = x / scale;
        }
    }
    let variances = pairs.into_iter().map(|(variance, _)| variance.max(0.0)).collect();
    Ok(PrincipalDirections { directions, variances, total_variance: centred.total, mean: centred.mean })
}

/// The covariance of rows × coordinates, divided by rows − 1.
///
/// Errors: fewer than two rows, a matrix that would fill the memory; a stopped run.
pub fn covariance(run: &Run, rows: &Matrix) -> Result<Matrix> {
    let n = rows.columns;
    if rows.rows < 2 {
        return Err(Error::value(format!("covariance: a spread needs two rows at least, found {}", rows.rows)));
    }
    if n > LARGEST_COVARIANCE {
        let message = format!("covariance: that of {n} coordinates has {n}² entries, found more than {LARGEST_COVARIANCE}²");
        return Err(Error::value(message).hint("principal_directions(samples, #{count: 10}) does without it"));
    }
    let task = run.task("covariance", None);
    Centred::new(rows, None).covariance(|| task.tick(1, String::new))
}

fn check_weights(weights: &[f64], rows: usize) -> Result<Option<&[f64]>> {
    if weights.is_empty() {
        return Ok(None);
    }
    if weights.len() != rows {
        let message = format!("principal_directions: option `weights` has {} numbers for {rows} rows", weights.len());
        return Err(Error::shape(message).at("weights"));
    }
    if weights.iter().any(|w| !w.is_finite()) || weights.iter().filter(|w| **w > 0.0).count() < 2 {
        let message = "principal_directions: option `weights` must be finite, and above 0 for two rows at least";
        return Err(Error::value(message).at("weights"));
    }
    Ok(Some(weights))
}

/// The highest eigenvalues of a symmetric matrix with their vectors, descending.
fn highest(mut matrix: Matrix, count: usize) -> Vec<(f64, Vec<f64>)> {
    let n = matrix.rows;
    if 4 * count > n {
        let (values, vectors) = symmetric_eigen(&matrix);
        return (n - count..n).rev().map(|k| (values[k], vectors.column(k))).collect();
    }
    // The lowest of the negative: a few cost much less than all.
    matrix.data.iter_mut().for_each(|x| *x = -*x);
    let mut tridiagonal = Tridiagonal::new();
    tridiagonal.reduce(&matrix);
    let (values, vectors) = tridiagonal.lowest(count);
    (0..count).map(|k| (-values[k], vectors.column(k))).collect()
}

/// The highest eigenvalues of the covariance from products with it.
fn by_products(run: &Run, centred: &Centred, n: usize, count: usize) -> Result<Vec<(f64, Vec<f64>)>> {
    let mut iteration = Iteration::highest(n, count, TOLERANCE, None, &[], (20 * count + 500).min(n));
    let task = run.task("principal_directions", None);
    while let Some(v) = iteration.wanted() {
        let product = centred.apply(v);
        iteration.supply(&product);
        task.tick(1, String::new)?;
    }
    let found = iteration.finish();
    if !found.converged {
        run.warn("principal_directions: some directions are not converged to 1e-9 of the largest variance");
    }
    Ok(found.values.into_iter().zip(found.vectors).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::matrix::dot;
    use crate::math::random::stream;
    use rand::RngExt;
    use rand_distr::StandardNormal;

    /// Rows with variances that fall by a factor, along the coordinates.
    fn sample(rows: usize, columns: usize, factor: f64) -> Matrix {
        let mut random = stream(7, 1);
        let mut m = Matrix::zeros(rows, columns);
        for i in 0..rows {
            for j in 0..columns {
                m[(i, j)] = 3.0 + factor.powi(j as i32).sqrt() * random.sample::<f64, _>(StandardNormal);
            }
        }
        m
    }

    fn of(rows: &Matrix, count: Option<usize>) -> PrincipalDirections {
        principal_directions(&Run::silent(), rows, &PrincipalOptions { count, ..Default::default() }).unwrap()
    }

    #[test]
    fn a_plane_by_hand() {
        // Along (1, 1)/√2: −2 √2, 0, 2 √2, variance 8; across: nothing.
        let m = Matrix::from_rows(3, 2, vec![1.0, 1.0, 3.0, 3.0, 5.0, 5.0]);
        let p = of(&m, None);
        assert!((p.variances[0] - 8.0).abs() < 1e-13 && p.variances[1].abs() < 1e-13 && p.mean == [3.0, 3.0]);
        let r = 0.5f64.sqrt();
        assert!((p.directions[(0, 0)] - r).abs() < 1e-14 && (p.directions[(1, 0)] - r).abs() < 1e-14);
        assert!((p.project(&[4.0, 5.0])[0] - 3.0 * r).abs() < 1e-14);
        assert!((p.explained()[0] - 1.0).abs() < 1e-14);
    }

    /// Orthogonality, length, sign, and C d = λ d for every direction.
    fn check(rows: &Matrix, p: &PrincipalDirections, tolerance: f64) {
        let centred = Centred::new(rows, None);
        let columns: Vec<Vec<f64>> = (0..p.variances.len()).map(|k| p.directions.column(k)).collect();
        for (k, d) in columns.iter().enumerate() {
            let image = centred.apply(d);
            let residual = norm(&image.iter().zip(d).map(|(i, d)| i - p.variances[k] * d).collect::<Vec<f64>>());
            assert!(residual < tolerance * p.variances[0], "direction {k}: residual {residual}");
            for (l, other) in columns[..=k].iter().enumerate() {
                assert!((dot(d, other) - f64::from(k == l)).abs() < 1e-6, "{k} and {l}");
            }
            let largest = d.iter().copied().fold(0.0f64, |l, x| if x.abs() > l.abs() { x } else { l });
            assert!(largest > 0.0);
        }
        assert!(p.variances.windows(2).all(|w| w[0] >= w[1]));
    }

    #[test]
    fn every_way_gives_the_same_directions() {
        let wide = sample(40, 90, 0.8);
        let tall = sample(90, 40, 0.8);
        for m in [&wide, &tall] {
            let all = of(m, None);
            check(m, &all, 1e-12);
            assert!((all.variances.iter().sum::<f64>() / all.total_variance - 1.0).abs() < 1e-12);
            let few = of(m, Some(3));
            let centred = Centred::new(m, None);
            let products = by_products(&Run::silent(), &centred, m.columns, 3).unwrap();
            for k in 0..3 {
                assert!((few.variances[k] / all.variances[k] - 1.0).abs() < 1e-10);
                assert!((products[k].0 / all.variances[k] - 1.0).abs() < 1e-10);
            }
        }
        assert_eq!(of(&wide, None).variances.len(), 39);
        assert_eq!(of(&tall, None).variances.len(), 40);
    }

    #[test]
    fn a_sample_that_is_large_both_ways_needs_no_covariance() {
        let m = sample(2100, 2050, 0.9);
        let p = of(&m, Some(4));
        check(&m, &p, 1e-8);
        // Variances 1, 0.9, … with a relative standard error of √(2/2100) = 3 %.
        for k in 0..4 {
            assert!((p.variances[k] / 0.9f64.powi(k as i32) - 1.0).abs() < 0.2, "{:?}", p.variances);
        }
        let coordinates = p.project_all(&m);
        let first = coordinates.column(0);
        let spread = dot(&first, &first) / 2099.0;
        assert!((spread / p.variances[0] - 1.0).abs() < 1e-9);
    }

    #[test]
    fn mistakes_are_named() {
        let says =
            |m: Matrix, options: PrincipalOptions| principal_directions(&Run::silent(), &m, &options).unwrap_err().to_string();
        let plain = PrincipalOptions::default;
        assert!(says(Matrix::zeros(1, 3), plain()).contains("two rows at least, found 1"));
        assert!(says(Matrix::from_rows(2, 2, vec![0.0, 1.0, f64::NAN, 1.0]), plain()).contains("NaN in row 1, coordinate 0"));
        let m = || Matrix::from_rows(3, 2, vec![0.0, 1.0, 2.0, 1.0, 4.0, 4.0]);
        assert!(says(m(), PrincipalOptions { count: Some(3), ..plain() }).contains("at most 2, found 3"));
        assert!(says(m(), PrincipalOptions { weights: vec![1.0; 2], ..plain() }).contains("2 numbers for 3 rows"));
        assert!(says(m(), PrincipalOptions { weights: vec![1.0, 0.0, 0.0], ..plain() }).contains("above 0 for two rows"));
        let run = Run::silent().until(std::time::Instant::now());
        assert!(principal_directions(&run, &m(), &plain()).unwrap_err().is_stop());
    }
}
