//! What the coordinates of a diffusion map mean: their correlations with observables, and the points along one of them.

use super::DiffusionMap;
use crate::base::{Error, Result};

/// Pearson's correlation of a coordinate with an observable.
#[derive(Debug, Clone, PartialEq)]
pub struct Correlation {
    pub coordinate: usize,
    pub observable: String,
    /// From −1 to 1; NaN where the observable is constant.
    pub correlation: f64,
}

crate::options! {
    /// Options of `levels`.
    pub struct LevelOptions {
        /// Pieces of equal length that the coordinate is cut into.
        bins: usize = 10, AT_LEAST_ONE, "";
    }
}

/// A piece of a coordinate.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    pub low: f64,
    pub high: f64,
    /// Points on it, and the sum of their stationary weights beside that of all points.
    pub count: usize,
    pub share: f64,
    /// The point nearest to its middle: the landmark; none where there is no point.
    pub landmark: Option<usize>,
}

impl DiffusionMap {
    /// How each coordinate goes with each observable (values at the points), the strongest first; each point counts the same.
    ///
    /// Errors: no observable, or one of another length.
    pub fn correlations(&self, observables: &[(String, Vec<f64>)]) -> Result<Vec<Correlation>> {
        if observables.is_empty() {
            return Err(Error::value("correlations: there is no observable").at("observables"));
        }
        let n = self.points.rows;
        let mut found = Vec::new();
        for (name, values) in observables {
            if values.len() != n {
                let what = format!("correlations: `{name}` has {} values for {n} points", values.len());
                return Err(Error::shape(what).at("observables").hint("one for each point, in the order of the rows"));
            }
            for coordinate in 0..self.eigenvalues.len() {
                let correlation = pearson(&self.coordinates.column(coordinate), values);
                found.push(Correlation { coordinate, observable: name.clone(), correlation });
            }
        }
        // What is not a number comes last; otherwise equal ones stay in their order.
        let size = |c: &Correlation| if c.correlation.is_nan() { -1.0 } else { c.correlation.abs() };
        found.sort_by(|a, b| size(b).total_cmp(&size(a)));
        Ok(found)
    }

    /// Coordinate k in pieces of equal length from its lowest to its highest value, with the points on each.
    ///
    /// Errors: a coordinate that is not there.
    pub fn levels(&self, k: usize, options: &LevelOptions) -> Result<Vec<Level>> {
        self.check_coordinate("levels", k)?;
        let psi = self.coordinates.column(k);
        let low = psi.iter().copied().fold(f64::INFINITY, f64::min);
        let high = psi.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let width = (high - low) / options.bins as f64;
        let end = |b: usize| if b == options.bins { high } else { low + b as f64 * width };
        let mut levels: Vec<Level> =
            (0..options.bins).map(|b| Level { low: end(b), high: end(b + 1), count: 0, share: 0.0, landmark: None }).collect();
        let total: f64 = self.weights.iter().sum();
        for (i, &value) in psi.iter().enumerate() {
            let level = &mut levels[(((value - low) / width) as usize).min(options.bins - 1)];
            let middle = 0.5 * (level.low + level.high);
            level.count += 1;
            level.share += self.weights[i] / total;
            if level.landmark.is_none_or(|best| (psi[best] - middle).abs() > (value - middle).abs()) {
                level.landmark = Some(i);
            }
        }
        Ok(levels)
    }
}

fn pearson(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len() as f64;
    let (mean_a, mean_b) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        let (x, y) = (x - mean_a, y - mean_b);
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    // A constant has no spread but that of its rounding.
    if bb <= 1e-28 * n * mean_b * mean_b { f64::NAN } else { (ab / (aa * bb).sqrt()).clamp(-1.0, 1.0) }
}
