//! Coordinates of new points: Nyström's extension by the map's own rule of who is whose neighbour.

use super::{DiffusionMap, LOCAL, Local};
use crate::base::{Error, Result, Run};
use crate::math::Matrix;
use crate::math::neighbours::Panel;
use rayon::prelude::*;

/// New points of a task.
const ROWS: usize = 16;

impl DiffusionMap {
    /// The coordinates of other points, a row each. The map's own points get theirs back. A point counts those among whose neighbours it
    /// would be as well as its own ones. With `variable_bandwidth` a point so far outside that the extension means nothing gets NaN.
    ///
    /// Errors: points of another dimension, or that are not finite.
    pub fn extend(&self, run: &Run, points: &Matrix) -> Result<Matrix> {
        let d = self.points.columns;
        if points.columns != d {
            let word = if d == 1 { "coordinate" } else { "coordinates" };
            let what = format!("extend: the points must have {d} {word} as those of the map, found {}", points.columns);
            return Err(Error::shape(what).at("points"));
        }
        if let Some(k) = points.data.iter().position(|x| !x.is_finite()) {
            let what = format!("extend: the points must be finite, found {} in row {}", points.data[k], k / d);
            return Err(Error::value(what).at("points"));
        }
        let count = self.eigenvalues.len();
        let mut found = Matrix::zeros(points.rows, count);
        let panel = Panel::new(&self.points);
        let task = run.task("extend", Some(points.rows as u64));
        found.data.par_chunks_mut(ROWS * count).enumerate().try_for_each(|(part, rows)| {
            let mut squares = vec![0.0; self.points.rows];
            for (r, out) in rows.chunks_exact_mut(count).enumerate() {
                panel.squares(points.row(part * ROWS + r), 0, &mut squares);
                self.extend_one(&squares, out);
                task.tick(1, String::new)?;
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// From the squared distances to all points.
    fn extend_one(&self, squares: &[f64], out: &mut [f64]) {
        // Ties among neighbours are decided by the order of the points, which a new one has no place in.
        if (self.neighbours.is_some() || self.local.is_some())
            && let Some(same) = squares.iter().position(|square| *square == 0.0)
        {
            out.copy_from_slice(self.coordinates.row(same));
            return;
        }
        let limit = self.neighbours.map_or(f64::INFINITY, |count| nth_square(squares, count + 1));
        let near = || {
            (0..squares.len()).filter(|j| squares[*j] <= limit || self.reach.get(*j).is_some_and(|reach| squares[*j] <= *reach))
        };
        let width = self.local.as_ref().map(|local| local.width_of(squares, near()));
        let exponent = |j: usize| match (&self.local, width) {
            (Some(local), Some(width)) => squares[j] / (4.0 * self.bandwidth * width * local.widths[j]),
            _ => squares[j] / (4.0 * self.bandwidth),
        };
        // Kernels beside that of the nearest point: far outside all of them would vanish.
        let least = near().map(exponent).fold(f64::INFINITY, f64::min);
        let mut total = 0.0;
        out.fill(0.0);
        for j in near() {
            let kernel = (least - exponent(j)).exp() * self.right[j];
            total += kernel;
            out.iter_mut().zip(self.coordinates.row(j)).for_each(|(sum, psi)| *sum += kernel * psi);
        }
        for (sum, value) in out.iter_mut().zip(&self.eigenvalues) {
            let mu = 1.0 - value * self.bandwidth * width.map_or(1.0, |w| w * w);
            *sum = if width.is_some() && mu < 1e-2 { f64::NAN } else { *sum / (total * mu) };
        }
    }
}

/// The squared distance of the nearest point number `count`, from 1 on.
fn nth_square(squares: &[f64], count: usize) -> f64 {
    let mut all = squares.to_vec();
    let place = count.min(all.len()) - 1;
    *all.select_nth_unstable_by(place, f64::total_cmp).1
}

impl Local {
    /// ρ of a new point.
    fn width_of(&self, squares: &[f64], near: impl Iterator<Item = usize>) -> f64 {
        let limit = nth_square(squares, LOCAL);
        let few: Vec<f64> = squares.iter().copied().filter(|square| *square <= limit).collect();
        let rough = (few.iter().sum::<f64>() / few.len() as f64).sqrt().max(f64::MIN_POSITIVE.sqrt());
        let sum: f64 = near.map(|j| (-0.25 * squares[j] / (self.tuned.bandwidth * rough * self.rough[j])).exp()).sum();
        // Far outside not even the nearest point counts: as if one did by itself.
        let density = sum.max(f64::EPSILON).ln() - self.tuned.dimension * rough.ln();
        (-0.5 * density).exp() / self.scale
    }
}
