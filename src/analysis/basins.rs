//! In which basin of a landscape the rows of a trajectory lie: each is quenched, and its minimum looked up among those that are known.
//!
//! What a quench ends in is the basin only as far as the minimiser does not jump over a ridge; LBFGS with its step cap does so now and then
//! for positions near one. Cost: one minimisation a row.
//! Reference: F. H. Stillinger, T. A. Weber, Phys. Rev. A 25, 978 (1982), doi:10.1103/PhysRevA.25.978.

use crate::algorithms::{MinimiseOptions, Termination, minimise};
use crate::base::{Error, Result, Run};
use crate::landscape::Landscape;
use crate::math::Matrix;
use rayon::prelude::*;

crate::options! {
    /// Options of `basins`.
    pub struct BasinOptions {
        /// Every so many rows of a walker one is quenched.
        every: Option<usize> = None => "so that at most 2,000 rows are", AT_LEAST_ONE, "";
        /// Largest number of iterations of a quench.
        max_iterations: usize = 10_000, AT_LEAST_ONE, "";
    }
}

/// Rows that are quenched unless `every` says otherwise.
const MOST: usize = 2000;

/// A row of a trajectory and the minimum below it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Visit {
    /// Row among those of all walkers.
    pub row: usize,
    pub walker: usize,
    /// Row of the walker.
    pub time: usize,
    /// Id of the minimum; 0 where the landscape does not have it.
    pub minimum: usize,
    /// Energy of the minimum; NaN where the quench did not converge.
    pub energy: f64,
}

/// The basins of rows of a trajectory: rows × coordinates, walker after walker.
///
/// Errors: a landscape without a potential, or of another dimension; rows that the walkers do not share evenly; a stopped run.
pub fn visits(run: &Run, landscape: &Landscape, rows: &Matrix, walkers: usize, options: &BasinOptions) -> Result<Vec<Visit>> {
    let potential = landscape.needs_potential("basins")?;
    if rows.columns != potential.dimension() {
        let message = format!("basins: `samples` must have {} coordinates, found {}", potential.dimension(), rows.columns);
        return Err(Error::shape(message).at("samples"));
    }
    super::diagnostics::check_walkers("basins", rows.rows, walkers)?;
    let each = rows.rows / walkers;
    let every = options.every.unwrap_or_else(|| rows.rows.div_ceil(MOST));
    let chosen: Vec<[usize; 2]> = (0..walkers).flat_map(|w| (0..each).step_by(every).map(move |t| [w, t])).collect();
    let minimiser = MinimiseOptions {
        tolerance: landscape.tolerances().tolerance,
        max_iterations: options.max_iterations,
        ..Default::default()
    };
    let task = run.task("basins", Some(chosen.len() as u64));
    let visit = |[walker, time]: &[usize; 2]| -> Result<Visit> {
        let row = walker * each + time;
        let end = minimise(run, &**potential, rows.row(row), &minimiser)?;
        task.tick(1, String::new)?;
        let (minimum, energy) = if end.termination == Termination::Converged {
            (landscape.known_minimum(&end.point).unwrap_or(0), end.point.energy)
        } else {
            (0, f64::NAN)
        };
        Ok(Visit { row, walker: *walker, time: *time, minimum, energy })
    };
    chosen.par_iter().with_max_len(1).map(visit).collect()
}

/// The share of the visits at each minimum, the largest first; id 0 stands for those that the landscape does not have.
pub fn occupation(visits: &[Visit]) -> Vec<(usize, f64)> {
    let mut counts = std::collections::BTreeMap::new();
    for visit in visits {
        *counts.entry(visit.minimum).or_insert(0usize) += 1;
    }
    let mut shares: Vec<(usize, f64)> = counts.into_iter().map(|(id, count)| (id, count as f64 / visits.len() as f64)).collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::landscape::LandscapeOptions;
    use crate::potentials::catalogue::entry;

    #[test]
    fn rows_go_to_the_minimum_below_them() {
        let potential = entry("muller_brown").unwrap().build(&[]).unwrap();
        let landscape = Landscape::new(potential.clone(), &LandscapeOptions::default());
        let point = |x: [f64; 2]| minimise(&Run::silent(), &*potential, &x, &MinimiseOptions::default()).unwrap().point;
        landscape.add_minimum(&point([-0.5, 1.4])).unwrap();
        landscape.add_minimum(&point([0.6, 0.0])).unwrap();
        // The third one, at (−0.05, 0.467), is not known.
        let rows = Matrix::from_rows(4, 2, vec![0.6, 0.05, -0.6, 1.5, -0.05, 0.45, -0.5, 1.45]);
        let found = visits(&Run::silent(), &landscape, &rows, 2, &BasinOptions::default()).unwrap();
        assert_eq!(found.iter().map(|v| v.minimum).collect::<Vec<_>>(), [2, 1, 0, 1]);
        assert_eq!((found[3].row, found[3].walker, found[3].time), (3, 1, 1));
        assert!((found[2].energy + 80.7678).abs() < 1e-3, "the published energy of the third minimum");
        assert_eq!(occupation(&found), [(1, 0.5), (0, 0.25), (2, 0.25)]);
        let some = visits(&Run::silent(), &landscape, &rows, 1, &BasinOptions { every: Some(2), ..Default::default() }).unwrap();
        assert_eq!(some.iter().map(|v| v.minimum).collect::<Vec<_>>(), [2, 0]);
        assert!(visits(&Run::silent(), &landscape, &Matrix::zeros(2, 3), 1, &BasinOptions::default()).is_err());
    }
}
