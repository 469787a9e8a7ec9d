//! How far along a path a position stands, and how far beside it: two collective variables that any sequence of positions defines.
//!
//! With d_i the distance of x from position i of the path (i = 0 … P − 1), s(x) = Σ i/(P − 1) exp(−λ d_i²) / Σ exp(−λ d_i²) runs from 0 at the beginning to 1
//! at the end, and z(x) = −(1/λ) ln Σ exp(−λ d_i²) is about the squared distance from the path. λ = 1.5/⟨d²⟩ of neighbours. (With the usual
//! 2.3/⟨d²⟩ the density of s ripples by a quarter from one position to the next, which free energies along it show as minima that are not there; with 1.5 by
//! 4 %.) The positions should be evenly spaced ([`evenly`] makes them so). Distances are those of coordinates as they are: for atoms bring every
//! position onto the one before first. Sums are taken relative to their largest term, so that far away both stay finite.
//!
//! Reference: D. Branduardi, F. L. Gervasio, M. Parrinello, J. Chem. Phys. 126, 054103 (2007), doi:10.1063/1.2432340.

use super::{Batch, Evaluations, Family, Identity, Potential};
use crate::base::{Error, Result};
use crate::math::Matrix;
use crate::math::matrix::distance;
use std::any::Any;
use std::sync::Arc;

/// λ times the mean squared distance of neighbours.
const SHARPNESS: f64 = 1.5;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// s, from 0 to 1.
    Progress,
    /// z, about the squared distance from the path.
    Distance,
}

/// One of the variables of a path, as a function with a gradient.
pub struct PathVariable {
    path: Arc<Matrix>,
    lambda: f64,
    part: Part,
}

impl PathVariable {
    /// Progress and distance of a path, a position a row; λ by the spacing without one.
    ///
    /// Errors: fewer than two positions, or all the same.
    pub fn both(path: Matrix, lambda: Option<f64>) -> Result<[PathVariable; 2]> {
        if path.rows < 2 {
            return Err(
                Error::value(format!("path_variable: a path needs at least two positions, found {}", path.rows)).at("path")
            );
        }
        let squares: f64 = (1..path.rows).map(|i| distance(path.row(i - 1), path.row(i)).powi(2)).sum();
        let mean = squares / (path.rows - 1) as f64;
        if !(mean > 0.0 && mean.is_finite()) {
            return Err(Error::value("path_variable: all positions of the path are the same, or one is not finite").at("path"));
        }
        let (path, lambda) = (Arc::new(path), lambda.unwrap_or(SHARPNESS / mean));
        Ok([Part::Progress, Part::Distance].map(|part| PathVariable { path: path.clone(), lambda, part }))
    }

    pub fn lambda(&self) -> f64 {
        self.lambda
    }

    pub fn path(&self) -> &Matrix {
        &self.path
    }
}

/// The same path with `count` positions at equal distances along it, straight between those given.
pub fn evenly(path: &Matrix, count: usize) -> Matrix {
    let n = path.columns;
    let mut lengths = vec![0.0];
    for i in 1..path.rows {
        lengths.push(lengths[i - 1] + distance(path.row(i - 1), path.row(i)));
    }
    let total = lengths[path.rows - 1];
    let mut out = Matrix::zeros(count, n);
    let mut i = 0;
    for k in 0..count {
        let at = total * k as f64 / (count.max(2) - 1) as f64;
        while i + 2 < path.rows && lengths[i + 1] < at {
            i += 1;
        }
        let stretch = lengths[i + 1] - lengths[i];
        let part = if stretch > 0.0 { ((at - lengths[i]) / stretch).clamp(0.0, 1.0) } else { 0.0 };
        for j in 0..n {
            out[(k, j)] = (1.0 - part) * path[(i, j)] + part * path[(i + 1, j)];
        }
    }
    out
}

impl Potential for PathVariable {
    fn dimension(&self) -> usize {
        self.path.columns
    }

    fn evaluate(&self, batch: Batch, out: &mut Evaluations) {
        out.prepare(&batch);
        let (n, count) = (batch.dimension, self.path.rows);
        let mut weights = vec![0.0; count];
        for row in 0..batch.rows {
            let x = batch.row(row);
            for (i, w) in weights.iter_mut().enumerate() {
                *w = -self.lambda * x.iter().zip(self.path.row(i)).map(|(x, p)| (x - p) * (x - p)).sum::<f64>();
            }
            let largest = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            weights.iter_mut().for_each(|w| *w = (*w - largest).exp());
            let sum: f64 = weights.iter().sum();
            let place = |i: usize| i as f64 / (count - 1) as f64;
            let progress = weights.iter().enumerate().map(|(i, w)| place(i) * w).sum::<f64>() / sum;
            out.energies[row] = match self.part {
                Part::Progress => progress,
                Part::Distance => -(largest + sum.ln()) / self.lambda,
            };
            let Some(gradient) = out.gradients.get_mut(row * n..(row + 1) * n) else { continue };
            for (i, w) in weights.iter().enumerate() {
                let slope = match self.part {
                    Part::Progress => -2.0 * self.lambda * (place(i) - progress) * w / sum,
                    Part::Distance => 2.0 * w / sum,
                };
                gradient.iter_mut().zip(x).zip(self.path.row(i)).for_each(|((g, x), p)| *g += slope * (x - p));
            }
        }
    }

    fn family(&self) -> Family {
        Family::Surface
    }

    fn identity(&self) -> Identity {
        let part = if self.part == Part::Progress { "progress" } else { "distance" };
        let path = format!("{:?}", self.path.data);
        let parts = vec![("part".into(), part.into()), ("lambda".into(), format!("{:?}", self.lambda)), ("path".into(), path)];
        Identity { name: "path_variable".into(), parts }
    }

    fn random(&self, seed: u64, _: f64) -> Vec<f64> {
        self.path.row(seed as usize % self.path.rows).to_vec()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::potentials::{energy, energy_gradient};

    fn straight() -> Matrix {
        Matrix::from_rows(11, 2, (0..11).flat_map(|i| [0.1 * f64::from(i), 0.0]).collect())
    }

    #[test]
    fn along_a_straight_line_progress_is_its_coordinate_and_distance_the_square_beside_it() {
        let [s, z] = PathVariable::both(straight(), None).unwrap();
        // ⟨d²⟩ = 0.01.
        assert!((s.lambda() - 150.0).abs() < 1e-9);
        for x in [0.3, 0.44, 0.5, 0.67] {
            // By Poisson's sum Σ exp(−1.5 (i − u)²) is even to ε = exp(−π²/1.5) = 0.14 %, which moves s by up to 4πε/3 = 0.0058 spacings;
            // the ends cut off less.
            assert!((energy(&s, &[x, 0.2]) - x).abs() < 0.1 * 0.0065, "{x}");
            // Going sideways by 0.2 adds 0.04 exactly.
            assert!((energy(&z, &[x, 0.2]) - energy(&z, &[x, 0.0]) - 0.04).abs() < 1e-12);
        }
        // Far away the nearest end decides, and nothing overflows.
        assert!((energy(&s, &[50.0, 3.0]) - 1.0).abs() < 1e-12);
        assert!((energy(&z, &[1.0, 100.0]).sqrt() - 100.0).abs() < 0.01);
    }

    #[test]
    fn gradients_are_those_of_differences() {
        let path = Matrix::from_rows(4, 2, vec![0.0, 0.0, 0.5, 0.4, 1.1, 0.3, 1.5, -0.2]);
        for variable in PathVariable::both(path, Some(3.0)).unwrap() {
            for x in [[0.2, 0.3], [0.9, 0.1], [2.0, 1.0]] {
                let (_, gradient) = energy_gradient(&variable, &x);
                for k in 0..2 {
                    let at = |h: f64| {
                        let mut y = x;
                        y[k] += h;
                        energy(&variable, &y)
                    };
                    let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
                    assert!((slope - gradient[k]).abs() < 1e-8, "{slope} {gradient:?}");
                }
            }
        }
    }

    #[test]
    fn uneven_paths_are_evened_out_and_bad_ones_refused() {
        let path = Matrix::from_rows(3, 2, vec![0.0, 0.0, 0.9, 0.0, 0.9, 0.3]);
        let even = evenly(&path, 5);
        let spacing: Vec<f64> = (1..5).map(|i| distance(even.row(i - 1), even.row(i))).collect();
        assert!(spacing.iter().all(|d| (d - 0.3).abs() < 1e-12), "{spacing:?}");
        assert_eq!((even.row(0), even.row(4)), (path.row(0), path.row(2)));
        let says = |m: Matrix| PathVariable::both(m, None).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(says(Matrix::zeros(1, 2)).contains("at least two positions, found 1"));
        assert!(says(Matrix::zeros(3, 2)).contains("all positions of the path are the same"));
    }
}
