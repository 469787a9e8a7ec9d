//! From weights in bins to a free energy: values, errors from bootstrap draws, extrema, and what has to be said about them.

use super::blocks::FEW;
use super::extrema::Terrain;
use super::{Barrier, Details, FreeEnergy, Grid, Method, Well};
use crate::math::Matrix;
use crate::math::statistics::standard_deviation;
use crate::potentials::Potential;
use std::sync::Arc;

/// Sums of weights over samples.
pub struct Sums {
    pub method: Method,
    pub grid: Grid,
    /// One a cell.
    pub sums: Vec<f64>,
    /// The same of bootstrap draws, a row each.
    pub draws: Matrix,
    pub counts: Vec<u64>,
    pub temperature: f64,
    pub samples: usize,
    pub independent: f64,
    /// The least weight that an independent sample can have: what an empty cell would hold if it held one.
    pub least: f64,
    pub variables: Vec<Arc<dyn Potential>>,
    pub mass: Option<f64>,
    pub details: Details,
    pub notes: Vec<String>,
}

impl Sums {
    /// Logarithms, errors, minima and barriers.
    pub fn finish(self) -> FreeEnergy {
        let t = self.temperature;
        let heights = |sums: &[f64]| -> Vec<f64> {
            let total: f64 = sums.iter().sum();
            sums.iter().map(|s| if *s > 0.0 { -t * (s / total).ln() } else { f64::NAN }).collect()
        };
        let mut values = heights(&self.sums);
        let lowest = values.iter().copied().filter(|v| v.is_finite()).fold(f64::INFINITY, f64::min);
        let total: f64 = self.sums.iter().sum();
        let of_one = -t * (self.least / total).ln() - lowest;
        values.iter_mut().for_each(|v| *v -= lowest);
        let mut draws = Matrix::zeros(self.draws.rows, values.len());
        for d in 0..self.draws.rows {
            draws.row_mut(d).copy_from_slice(&heights(self.draws.row(d)));
        }
        let worth = self.samples as f64 / self.independent.max(1.0);
        let error = |cell: usize| {
            if self.counts[cell] == 0 {
                return f64::NAN;
            }
            let known: Vec<f64> = (0..draws.rows).map(|d| draws[(d, cell)]).filter(|v| v.is_finite()).collect();
            let spread = if known.len() > 2 { standard_deviation(&known) } else { 0.0 };
            // What some draws miss altogether rests on a few independent samples: the draws that hold it do not know that.
            let all = 20 * known.len() >= 19 * draws.rows && known.len() > 2;
            if all { spread } else { spread.max(t * (worth / self.counts[cell] as f64).sqrt().min(1.0)) }
        };
        let errors: Vec<f64> = (0..values.len()).map(error).collect();

        let shape: Vec<usize> = self.grid.axes.iter().map(|a| a.bins).collect();
        let terrain = Terrain { shape: &shape, values: &values, draws: &draws, temperature: t, of_one };
        // Fewer values than a claim needs have no significant minima.
        let extrema = if self.independent < FEW { Default::default() } else { terrain.extrema() };
        let minima = extrema
            .minima
            .iter()
            .map(|&cell| Well { cell, position: self.grid.centre(cell), value: values[cell], error: errors[cell] })
            .collect();
        let barrier = |s: &super::extrema::Saddle| {
            let value = terrain.height(s.cell);
            let feet = s.between.map(|k| extrema.minima[k]);
            Barrier {
                cell: s.cell,
                position: self.grid.centre(s.cell),
                between: s.between,
                value,
                heights: feet.map(|foot| value - values[foot]),
                errors: feet.map(|foot| terrain.error(s.cell, foot)),
                sampled: s.sampled,
            }
        };
        let barriers = extrema.barriers.iter().map(barrier).collect();

        let inside = self.counts.iter().sum::<u64>() as usize;
        let mut notes = self.notes;
        if self.independent < FEW {
            notes.push(format!(
                "only about {:.0} of the {} values are independent of each other: too few for any claim",
                self.independent.max(1.0).floor(),
                self.samples
            ));
        }
        FreeEnergy {
            method: self.method,
            grid: self.grid,
            values,
            errors,
            counts: self.counts,
            temperature: t,
            minima,
            barriers,
            samples: self.samples,
            independent: self.independent,
            outside: self.samples - inside,
            notes,
            variables: self.variables,
            mass: self.mass,
            details: self.details,
        }
    }
}

/// The effective mass 1/⟨|∇ξ|²⟩ from gradients of ξ, a row each of length n.
pub fn mass_of(gradients: &[f64], n: usize) -> Option<f64> {
    let rows = gradients.len() / n.max(1);
    let mean = gradients.iter().map(|g| g * g).sum::<f64>() / rows.max(1) as f64;
    (mean > 0.0 && mean.is_finite()).then(|| 1.0 / mean)
}
