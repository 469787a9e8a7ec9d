//! A diffusion coordinate as a function of the position with an exact gradient: a collective variable.
//!
//! ψ_k(x) = Σ_j p_j(x) ψ_kj / μ_k with p_j ∝ w_j exp(−|x − x_j|²/(4 ε) − (|x − x_j|²/R_j²)⁴): Nyström's extension, in which a point fades out where
//! its row of the neighbour graph ends (at R_j) in place of vanishing there at once, so that ψ has a gradient everywhere. Where all pairs count
//! nothing fades and it is Nyström's extension itself; otherwise it differs from that by little, at the points too. Far outside the nearest
//! point decides. ∇ψ_k = Σ_j p_j (ψ_kj/μ_k − ψ_k) ∇ log p_j.
//! Cost: all distances, d n / 8 vector multiplications; the sums go over the few points that count.
//! Reference: R. R. Coifman, S. Lafon, Appl. Comput. Harmon. Anal. 21, 31 (2006), doi:10.1016/j.acha.2005.07.005.

use super::DiffusionMap;
use crate::base::{Error, Result};
use crate::math::Matrix;
use crate::math::neighbours::Panel;
use crate::math::random::stream;
use crate::potentials::{Batch, Evaluations, Family, Identity, Potential};
use rand::RngExt;
use std::any::Any;
use std::sync::Arc;

/// e to minus this beside the largest share is rounding.
const NEGLIGIBLE: f64 = 40.0;

/// One coordinate of a diffusion map, as a potential whose energy it is.
pub struct DiffusionCoordinate {
    points: Arc<Matrix>,
    panel: Panel,
    /// log w.
    logs: Vec<f64>,
    /// ψ/μ at the points.
    values: Vec<f64>,
    /// 1/(4 ε).
    steepness: f64,
    /// 1/R², 0 where nothing fades.
    fading: Vec<f64>,
    eigenvalue: f64,
    bandwidth: f64,
}

impl DiffusionMap {
    /// Coordinate k as a function of the position.
    ///
    /// Errors: a coordinate that is not there; a map whose bandwidth varies.
    pub fn coordinate(&self, k: usize) -> Result<DiffusionCoordinate> {
        self.check_coordinate("coordinate", k)?;
        if self.local.is_some() {
            return Err(Error::value("coordinate: a map with variable_bandwidth has no coordinates with a gradient")
                .hint("make one with variable_bandwidth: false; .extend(points) works for both"));
        }
        let mu = 1.0 - self.eigenvalues[k] * self.bandwidth;
        let fading = |j: usize| self.row_reach.get(j).map_or(0.0, |reach| if *reach > 0.0 { 1.0 / reach } else { 0.0 });
        Ok(DiffusionCoordinate {
            points: self.points.clone(),
            panel: Panel::new(&self.points),
            logs: self.right.iter().map(|w| w.ln()).collect(),
            values: self.coordinates.column(k).into_iter().map(|psi| psi / mu).collect(),
            steepness: 0.25 / self.bandwidth,
            fading: (0..self.points.rows).map(fading).collect(),
            eigenvalue: self.eigenvalues[k],
            bandwidth: self.bandwidth,
        })
    }

    /// An error where there is no coordinate k.
    pub(super) fn check_coordinate(&self, function: &str, k: usize) -> Result<()> {
        let count = self.eigenvalues.len();
        if k < count {
            return Ok(());
        }
        Err(Error::value(format!("{function}: there is no coordinate {k}; the map has {count}, from 0 to {}", count - 1))
            .at("k")
            .hint("option `count` says how many"))
    }
}

impl DiffusionCoordinate {
    /// ψ at x, and its gradient where one is wanted.
    fn at(&self, x: &[f64], squares: &mut Vec<f64>, gradient: Option<&mut [f64]>) -> f64 {
        let n = self.points.rows;
        squares.resize(n, 0.0);
        self.panel.squares(x, 0, squares);
        let log = |j: usize, square: f64| self.logs[j] - self.steepness * square - (square * self.fading[j]).powi(4);
        let largest = (0..n).fold(f64::NEG_INFINITY, |a, j| a.max(log(j, squares[j])));
        let (mut total, mut sum) = (0.0, 0.0);
        let mut counted: Vec<(usize, f64)> = Vec::new();
        for j in 0..n {
            let log = log(j, squares[j]) - largest;
            if log > -NEGLIGIBLE {
                let share = log.exp();
                total += share;
                sum += share * self.values[j];
                counted.push((j, share));
            }
        }
        let value = sum / total;
        if let Some(gradient) = gradient {
            for (j, share) in counted {
                let fading = self.fading[j];
                let slope = self.steepness + 4.0 * (squares[j] * fading).powi(3) * fading;
                let factor = -2.0 * slope * share / total * (self.values[j] - value);
                for (g, (x, y)) in gradient.iter_mut().zip(x.iter().zip(self.points.row(j))) {
                    *g += factor * (x - y);
                }
            }
        }
        value
    }
}

impl Potential for DiffusionCoordinate {
    fn dimension(&self) -> usize {
        self.points.columns
    }

    fn evaluate(&self, batch: Batch, out: &mut Evaluations) {
        out.prepare(&batch);
        let d = batch.dimension;
        let mut squares = std::mem::take(&mut out.scratch);
        for row in 0..batch.rows {
            let gradient = if out.wants_gradients { Some(&mut out.gradients[row * d..(row + 1) * d]) } else { None };
            out.energies[row] = self.at(batch.row(row), &mut squares, gradient);
        }
        out.scratch = squares;
    }

    fn family(&self) -> Family {
        Family::Surface
    }

    fn identity(&self) -> Identity {
        let middle = self.points.row(self.points.rows / 2);
        let parts = [
            ("points", self.points.rows.to_string()),
            ("dimension", self.points.columns.to_string()),
            ("bandwidth", format!("{:?}", self.bandwidth)),
            ("eigenvalue", format!("{:?}", self.eigenvalue)),
            ("middle", format!("{middle:?}")),
        ];
        Identity { name: "diffusion_coordinate".into(), parts: parts.map(|(name, value)| (name.into(), value)).to_vec() }
    }

    /// One of the map's points; `scale` changes nothing.
    fn random(&self, seed: u64, _: f64) -> Vec<f64> {
        self.points.row(stream(seed, 0).random_range(0..self.points.rows)).to_vec()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
