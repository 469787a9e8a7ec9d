//! A free energy from samples that are there: F(ξ) = −T ln p(ξ), p the share of the samples in each bin.
//!
//! Errors come from a bootstrap over blocks that are longer than the memory of the series, so that neighbouring steps are not taken
//! for independent. Cost: one pass over the samples and, for each draw, one over blocks × bins.
//! When it fails: a barrier that the samples never crossed leaves the difference of the wells to chance; walkers that sit in different wells show it
//! by errors and by the number of independent values, a single one that has never been elsewhere cannot know.
//!
//! Reference: B. Efron, R. J. Tibshirani, Stat. Sci. 1, 54 (1986), doi:10.1214/ss/1177013815; for blocks see `blocks`.

use super::blocks::Blocks;
use super::estimate::{Sums, mass_of};
use super::{Details, FreeEnergy, FreeEnergyOptions, Method, grid};
use crate::base::{Error, Result, Run};
use crate::math::Matrix;
use crate::math::random::stream;
use crate::potentials::{Batch, Evaluations, Potential};
use rayon::prelude::*;
use std::sync::Arc;

/// Positions in one call of a variable.
const AT_ONCE: usize = 256;
/// Positions that the effective mass is averaged over.
const FOR_MASS: usize = 2000;

/// The values of the variables at every row of `positions`, a vector for each variable.
///
/// Errors: a dimension that does not fit, a value that is not finite (with its row), a run that is stopped.
pub fn values_at(run: &Run, variables: &[Arc<dyn Potential>], positions: &Matrix) -> Result<Vec<Vec<f64>>> {
    let n = positions.columns;
    let task = run.task("free_energy", Some((variables.len() * positions.rows) as u64));
    variables
        .iter()
        .map(|variable| {
            check_dimension(&**variable, n)?;
            let parts: Vec<Result<Vec<f64>>> = positions
                .data
                .par_chunks(AT_ONCE * n)
                .map(|rows| {
                    let mut out = Evaluations::default();
                    variable.evaluate(Batch::new(rows, n), &mut out);
                    task.tick((rows.len() / n) as u64, String::new)?;
                    Ok(out.energies)
                })
                .collect();
            let mut values = Vec::with_capacity(positions.rows);
            for part in parts {
                values.extend(part?);
            }
            Ok(values)
        })
        .collect()
}

/// An error unless a variable takes positions of n coordinates.
pub fn check_dimension(variable: &dyn Potential, n: usize) -> Result<()> {
    if variable.dimension() == n {
        return Ok(());
    }
    let own = variable.dimension();
    Err(Error::shape(format!("free_energy: the variable takes {own} coordinates, but the positions have {n}")).at("variable"))
}

/// The free energy of series of values: one vector for each of one or two variables, `walkers` series of equal length one after the other.
/// `variables` are the functions they come from and `positions` where, if both are known.
///
/// Errors: no values, lengths that differ, a value that is not finite, only one value ever, a run that is stopped.
pub fn histogram(
    run: &Run,
    values: &[Vec<f64>],
    walkers: usize,
    temperature: f64,
    variables: &[Arc<dyn Potential>],
    positions: Option<&Matrix>,
    options: &FreeEnergyOptions,
) -> Result<FreeEnergy> {
    let samples = values.first().map_or(0, Vec::len);
    if samples == 0 {
        return Err(Error::value("free_energy: there are no samples"));
    }
    for (k, column) in values.iter().enumerate() {
        if let Some(row) = column.iter().position(|v| !v.is_finite()) {
            let which = if values.len() == 1 { "the variable".into() } else { format!("variable {k}") };
            return Err(Error::value(format!("free_energy: {which} is {} at row {row}", column[row])).at("variable"));
        }
    }
    let seen: Vec<[f64; 2]> =
        values.iter().map(|c| c.iter().fold([f64::INFINITY, f64::NEG_INFINITY], |[l, h], v| [l.min(*v), h.max(*v)])).collect();
    let grid = grid(options, values.len(), Some(&seen))?;
    let cells: Vec<Option<usize>> =
        (0..samples).map(|row| grid.cell(&values.iter().map(|c| c[row]).collect::<Vec<f64>>())).collect();
    let mut counts = vec![0u64; grid.cells()];
    cells.iter().flatten().for_each(|c| counts[*c] += 1);
    if counts.iter().all(|c| *c == 0) {
        let [low, high] = seen[0];
        let message = format!("free_energy: none of the {samples} samples lies within the range");
        return Err(Error::value(message).hint(format!("the values go from {low:.4} to {high:.4}")).at("range"));
    }
    let columns: Vec<&[f64]> = values.iter().map(Vec::as_slice).collect();
    let blocks = Blocks::of(&columns, walkers);
    run.check()?;
    let draws = draw(run, &blocks, &cells, None, grid.cells(), options)?;
    let mass = match (variables, positions) {
        ([variable], Some(positions)) => {
            let n = positions.columns;
            let every = positions.rows.div_ceil(FOR_MASS);
            let some: Vec<f64> = (0..positions.rows).step_by(every).flat_map(|row| positions.row(row).to_vec()).collect();
            let mut out = Evaluations::with_gradients();
            variable.evaluate(Batch::new(&some, n), &mut out);
            mass_of(&out.gradients, n)
        }
        _ => None,
    };
    let independent = blocks.independent();
    Ok(Sums {
        method: Method::Histogram,
        sums: counts.iter().map(|c| *c as f64).collect(),
        grid,
        draws,
        counts,
        temperature,
        samples,
        independent,
        least: blocks.inefficiency,
        variables: variables.to_vec(),
        mass,
        details: Details::Histogram,
        notes: Vec::new(),
    }
    .finish())
}

/// Sums of weights (1 without any) in each cell for bootstrap draws of whole blocks, a row a draw.
pub fn draw(
    run: &Run,
    blocks: &Blocks,
    cells: &[Option<usize>],
    weights: Option<&[f64]>,
    count: usize,
    options: &FreeEnergyOptions,
) -> Result<Matrix> {
    // Of each block the cells that it has been in and how much: blocks are short, and maps have many cells.
    let inside: Vec<Vec<(usize, f64)>> = blocks
        .rows
        .iter()
        .map(|rows| {
            let mut own: Vec<(usize, f64)> =
                rows.clone().filter_map(|row| Some((cells[row]?, weights.map_or(1.0, |w| w[row])))).collect();
            own.sort_by_key(|(cell, _)| *cell);
            own.dedup_by(|next, kept| {
                let same = next.0 == kept.0;
                kept.1 += if same { next.1 } else { 0.0 };
                same
            });
            own
        })
        .collect();
    let seed = run.seed(options.seed);
    let rows: Vec<Result<Vec<f64>>> = (0..options.bootstrap)
        .into_par_iter()
        .map(|d| {
            run.check()?;
            let times = blocks.draw(&mut stream(seed, DRAWS + d as u64));
            let mut sums = vec![0.0; count];
            for (own, times) in inside.iter().zip(times).filter(|(_, t)| *t > 0.0) {
                own.iter().for_each(|(cell, w)| sums[*cell] += times * w);
            }
            Ok(sums)
        })
        .collect();
    let mut all = Vec::with_capacity(rows.len() * count);
    for row in rows {
        all.extend(row?);
    }
    Ok(Matrix::from_rows(options.bootstrap, count, all))
}

/// Streams from here on belong to bootstrap draws, those before to walkers.
pub const DRAWS: u64 = 1 << 40;

#[cfg(test)]
mod tests {
    use super::super::blocks::tests::autoregressive;
    use super::*;
    use crate::analysis::cuts::{Counts, Stretches};

    fn options(bins: usize, range: Option<[f64; 2]>) -> FreeEnergyOptions {
        FreeEnergyOptions {
            bins: Some(Counts([bins; 2])),
            range: range.map(|r| Stretches([r; 2])),
            seed: Some(4),
            ..FreeEnergyOptions::default()
        }
    }

    fn of(values: &[f64], walkers: usize, temperature: f64, options: &FreeEnergyOptions) -> Result<FreeEnergy> {
        histogram(&Run::silent(), &[values.to_vec()], walkers, temperature, &[], None, options)
    }

    #[test]
    fn two_states_differ_by_the_logarithm_of_their_counts() {
        let values: Vec<f64> = (0..400).map(|i| if i % 4 == 0 { 0.75 } else { 0.25 }).collect();
        let f = of(&values, 1, 0.5, &options(2, None)).unwrap();
        assert_eq!(f.counts, [300, 100]);
        assert!((f.values[1] - f.values[0] - 0.5 * 3f64.ln()).abs() < 1e-14);
        assert_eq!((f.grid.axes[0].centres(), f.outside), (vec![0.375, 0.625], 0));
    }

    #[test]
    fn a_gaussian_gives_a_parabola_within_errors_that_are_those_of_repetitions() {
        let options = options(16, Some([-2.0, 2.0]));
        let (bins, repetitions) = (16, 30);
        let curves: Vec<FreeEnergy> =
            (0..repetitions).map(|seed| of(&autoregressive(0.9, 4, 4000, seed), 4, 2.0, &options).unwrap()).collect();
        let mut ratio = 0.0;
        for bin in 0..bins {
            // F relative to the mean over bins weighted alike, so that the shift of the lowest bin does not enter.
            let level = |f: &FreeEnergy| f.values[bin] + 2.0 * (f.values.iter().map(|v| (-v / 2.0).exp()).sum::<f64>()).ln();
            let all: Vec<f64> = curves.iter().map(level).collect();
            let mean = crate::math::statistics::mean(&all);
            let spread = crate::math::statistics::standard_deviation(&all);
            let bar = curves.iter().map(|f| f.errors[bin]).sum::<f64>() / repetitions as f64;
            ratio += bar / spread / bins as f64;
            // p of a bin of width 1/4 by Simpson; U = T ξ²/2.
            let centre = f64::from(bin as u32) / 4.0 - 2.0 + 0.125;
            let density = |x: f64| (-0.5 * x * x).exp();
            let p = (density(centre - 0.125) + 4.0 * density(centre) + density(centre + 0.125)) / 6.0;
            let total: f64 = 2.3925 / 0.25;
            assert!(
                (mean - -2.0 * (p / total).ln()).abs() < 5.0 * spread / (repetitions as f64).sqrt() + 0.003,
                "bin {bin}: {mean}"
            );
        }
        // The bars know of the memory of 19 steps: without it they would be a quarter of this.
        assert!((0.75..1.25).contains(&ratio), "{ratio}");
        assert!(curves.iter().all(|f| f.minima.len() == 1 && f.barriers.is_empty()));
    }

    #[test]
    fn bins_without_samples_are_marked_and_too_few_samples_are_said() {
        let values: Vec<f64> = (0..4000).map(|i| [0.1, 0.9][(i / 3) % 2] + 0.01 * (i % 7) as f64).collect();
        let f = of(&values, 1, 1.0, &options(10, Some([0.0, 1.0]))).unwrap();
        assert_eq!(f.empty(), 8);
        assert!(f.values[5].is_nan() && f.errors[5].is_nan() && f.values[1].is_finite());
        // The barrier was never seen: it is only a lower bound.
        assert_eq!((f.minima.len(), f.barriers.len(), f.barriers[0].sampled), (2, 1, false));
        assert!(f.barriers[0].heights[0] > 4.0);
        let few = of(&autoregressive(0.999, 1, 2000, 1), 1, 1.0, &options(10, None)).unwrap();
        assert!(few.independent < 10.0 && few.notes[0].contains("too few for any claim"), "{:?}", few.notes);
        assert!(few.minima.is_empty());
    }

    #[test]
    fn mistakes_are_named() {
        let says = |v: &[f64], o: &FreeEnergyOptions| of(v, 1, 1.0, o).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(says(&[], &options(10, None)).contains("no samples"));
        assert!(says(&[1.0, f64::NAN], &options(10, None)).contains("NaN at row 1"));
        assert!(says(&[2.0, 2.0], &options(10, None)).contains("every value of the variable is 2"));
        assert!(says(&[2.0, 3.0], &options(10, Some([0.0, 1.0]))).contains("the values go from 2.0000 to 3.0000"));
    }
}
