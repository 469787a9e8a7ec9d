//! Well-tempered metadynamics: hills fill the wells until walkers move freely, then the bias stays and its samples are weighed.
//!
//! Every `pace` steps each walker puts a Gaussian of width σ and height w exp(−V(ξ)/(T (γ − 1))) where it stands; all walkers share the bias V, which
//! tends to −(1 − 1/γ) F. After that V is left as it is for as many steps again: the samples of this second half are in equilibrium with it,
//! whatever it is, so exp(V/T) weighs them exactly, and errors come from blocks as for any other sample. What the bias alone says, −γ/(γ − 1) V,
//! is kept beside it: where both disagree the bias had not settled, or a hidden coordinate moves too slowly.
//! V and its derivatives are kept on a grid of σ/5 and interpolated by cubics (of both variables) that have them at the grid's places, so that force and
//! energy belong together. Beyond the range half-springs hold the walkers; samples there count for nothing.
//! Cost: a gradient a step, and for each hill the grid places within 6 σ.
//! When it fails: a barrier of more than a few γ T is not filled (give a larger `bias_factor`); bins that were not reached stay empty.
//!
//! References: A. Barducci, G. Bussi, M. Parrinello, Phys. Rev. Lett. 100, 020603 (2008), doi:10.1103/PhysRevLett.100.020603; shared bias: P. Raiteri et al.,
//! J. Phys. Chem. B 110, 3533 (2006), doi:10.1021/jp054359r.

use super::blocks::Blocks;
use super::estimate::{Sums, mass_of};
use super::histogram::{check_dimension, draw};
use super::walkers::{ENOUGH, refused, start, step_size, walkers};
use super::{Details, FreeEnergy, Grid, Method, Task, grid};
use crate::algorithms::sample::biased::BiasedWalkers;
use crate::base::{Error, Result, Run};
use crate::math::random::stream;
use crate::math::statistics::standard_deviation;
use rayon::prelude::*;

crate::options! {
    /// Options of `free_energy` with metadynamics.
    pub struct MetadynamicsOptions {
        /// Height of the first hills.
        height: Option<f64> = None => "0.3 T", POSITIVE, "energy";
        /// Width σ of the hills.
        width: Option<f64> = None => "half the spread of the variable in a well, from 1/200 to 1/15 of the range", POSITIVE, "unit of the variable";
        /// Steps from one hill of a walker to its next.
        pace: usize = 50, AT_LEAST_ONE, "";
        /// γ: the bias tends to −(1 − 1/γ) F. Barriers up to a few γ T are filled.
        bias_factor: f64 = 10.0, POSITIVE, "";
    }
}

/// Places of the grid in a width.
const FINENESS: f64 = 5.0;
/// Beyond so many widths a hill is nothing.
const REACH: f64 = 6.0;
/// How far walkers come beyond the range, as a share of it.
const OVERSHOOT: f64 = 0.02;
/// Walkers that move as one batch: a task of the thread pool.
const TOGETHER: usize = 4;
/// Rows of the second half that are kept.
const KEPT: usize = 100_000;
/// Steps are shortened to no less than this share.
const SHORTEST: f64 = 0.02;
/// Memory of the bias in places.
const MOST_PLACES: usize = 4_000_000;

/// Evenly spaced places along an axis.
#[derive(Debug, Clone)]
struct Places {
    low: f64,
    high: f64,
    step: f64,
    count: usize,
    width: f64,
    wall: f64,
}

/// A bias on a grid, with all first derivatives and the mixed one.
#[derive(Debug, Clone)]
struct Bias {
    axes: Vec<Places>,
    /// V, ∂₁V, ∂₂V, ∂₁∂₂V; of one variable the first two.
    data: Vec<[f64; 4]>,
}

/// The four cubics of Hermite at u in 0 … 1 (value and slope at the left, at the right; slopes in units of the step), and their derivatives.
fn hermite(u: f64) -> ([f64; 4], [f64; 4]) {
    let (u2, u3) = (u * u, u * u * u);
    (
        [2.0 * u3 - 3.0 * u2 + 1.0, u3 - 2.0 * u2 + u, 3.0 * u2 - 2.0 * u3, u3 - u2],
        [6.0 * u2 - 6.0 * u, 3.0 * u2 - 4.0 * u + 1.0, 6.0 * u - 6.0 * u2, 3.0 * u2 - 2.0 * u],
    )
}

impl Bias {
    fn new(grid: &Grid, widths: &[f64], temperature: f64) -> Result<Bias> {
        let axes: Vec<Places> = grid
            .axes
            .iter()
            .zip(widths)
            .map(|(axis, width)| {
                let length = axis.high - axis.low;
                let pieces = (length * FINENESS / width).ceil().max(2.0);
                let wall = temperature / (OVERSHOOT * length).powi(2);
                let count = pieces.min(1e9) as usize + 1;
                Places { low: axis.low, high: axis.high, step: length / pieces, count, width: *width, wall }
            })
            .collect();
        let total: usize = axes.iter().map(|a| a.count).product();
        if total > MOST_PLACES {
            let message = format!("free_energy: hills of width {:.3e} need a grid of {total} places", widths[0]);
            return Err(Error::value(message).hint("take wider hills or a shorter range").at("width"));
        }
        Ok(Bias { axes, data: vec![[0.0; 4]; total] })
    }

    /// The piece of the grid along axis k that holds a value, and where in it; values beyond the ends count as the ends.
    fn piece(&self, k: usize, value: f64) -> (usize, f64) {
        let axis = &self.axes[k];
        let place = ((value - axis.low) / axis.step).clamp(0.0, (axis.count - 1) as f64);
        let left = (place as usize).min(axis.count - 2);
        (left, place - left as f64)
    }

    /// V without the walls; its slopes are written. Beyond the range V is what it is at the end.
    fn value(&self, at: &[f64], slopes: &mut [f64]) -> f64 {
        let (i, u) = self.piece(0, at[0]);
        let (h, dh) = hermite(u);
        let step = self.axes[0].step;
        let inside = |k: usize| (self.axes[k].low..=self.axes[k].high).contains(&at[k]);
        if self.axes.len() == 1 {
            let terms = [self.data[i][0], step * self.data[i][1], self.data[i + 1][0], step * self.data[i + 1][1]];
            slopes[0] = if inside(0) { (0..4).map(|k| dh[k] * terms[k]).sum::<f64>() / step } else { 0.0 };
            return (0..4).map(|k| h[k] * terms[k]).sum();
        }
        let (j, v) = self.piece(1, at[1]);
        let (g, dg) = hermite(v);
        let across = self.axes[1].step;
        let (mut value, mut along, mut beside) = (0.0, 0.0, 0.0);
        for a in 0..4 {
            for b in 0..4 {
                let place = (i + a / 2) * self.axes[1].count + j + b / 2;
                let (first, second) = (a % 2, b % 2);
                let scale = if first == 1 { step } else { 1.0 } * if second == 1 { across } else { 1.0 };
                let term = scale * self.data[place][first + 2 * second];
                value += h[a] * g[b] * term;
                along += dh[a] * g[b] * term / step;
                beside += h[a] * dg[b] * term / across;
            }
        }
        slopes[0] = if inside(0) { along } else { 0.0 };
        slopes[1] = if inside(1) { beside } else { 0.0 };
        value
    }

    /// Bias and walls, and their slopes.
    fn with_walls(&self, at: &[f64], slopes: &mut [f64]) -> f64 {
        let mut energy = self.value(at, slopes);
        for (k, axis) in self.axes.iter().enumerate() {
            let beyond = (at[k] - axis.high).max(0.0) + (at[k] - axis.low).min(0.0);
            slopes[k] += axis.wall * beyond;
            energy += 0.5 * axis.wall * beyond * beyond;
        }
        energy
    }

    /// Adds a Gaussian.
    fn add(&mut self, at: &[f64], height: f64) {
        let near = |k: usize| {
            let axis = &self.axes[k];
            let place = |v: f64| ((v - axis.low) / axis.step).clamp(0.0, (axis.count - 1) as f64);
            let from = place(at[k] - REACH * axis.width).ceil() as usize;
            (from..=place(at[k] + REACH * axis.width).floor() as usize)
                .map(|i| {
                    let off = (axis.low + i as f64 * axis.step - at[k]) / axis.width;
                    let value = (-0.5 * off * off).exp();
                    (i, value, -off / axis.width * value)
                })
                .collect::<Vec<_>>()
        };
        let across = if self.axes.len() == 1 { vec![(0, 1.0, 0.0)] } else { near(1) };
        let stride = self.axes.get(1).map_or(1, |a| a.count);
        for (i, value, slope) in near(0) {
            for (j, beside, rise) in &across {
                let place = &mut self.data[i * stride + j];
                place[0] += height * value * beside;
                place[1] += height * slope * beside;
                place[2] += height * value * rise;
                place[3] += height * slope * rise;
            }
        }
    }
}

/// The free energy along one or two variables.
///
/// Errors: no range, sizes that do not fit, a bias factor of 1 or less, walkers that blow up, a run that is stopped.
pub fn metadynamics(run: &Run, task: &Task, options: &MetadynamicsOptions) -> Result<FreeEnergy> {
    let d = task.variables.len();
    task.variables.iter().try_for_each(|v| check_dimension(&**v, task.potential.dimension()))?;
    let grid = grid(task.options, d, None)?;
    if options.bias_factor <= 1.0 {
        let message = format!("free_energy: option `bias_factor` must be above 1, found {}", options.bias_factor);
        return Err(Error::value(message).at("bias_factor"));
    }
    let temperature = task.options.temperature.unwrap_or(1.0);
    let seed = run.seed(task.options.seed);
    let count = task.sampling.walkers.unwrap_or(8);
    let steps = task.sampling.steps.unwrap_or(20_000);
    let burn_in = task.sampling.burn_in.unwrap_or(steps / 10);
    let x = start(run, task, seed)?;

    // Without hills first: how far the variable spreads in a well.
    let lengths: Vec<f64> = grid.axes.iter().map(|a| a.high - a.low).collect();
    let flat = Bias::new(&grid, &lengths, temperature)?;
    let walls: Vec<f64> = flat.axes.iter().map(|a| a.wall).collect();
    let step = step_size(run, task, &x, &walls)?;
    let mut groups: Vec<BiasedWalkers> = (0..count)
        .step_by(TOGETHER)
        .map(|first| {
            let streams: Vec<_> = (first..(first + TOGETHER).min(count)).map(|w| stream(seed, w as u64)).collect();
            walkers(task, temperature, x.repeat(streams.len()), streams, step)
        })
        .collect();
    let progress = run.task("metadynamics", Some((2 * steps + 2 * burn_in) as u64));
    let mut seen = vec![vec![Vec::new(); d]; count];
    groups.iter_mut().for_each(|g| g.evaluate(&mut |at, slopes| flat.with_walls(at, slopes)));
    for s in 0..burn_in.max(2) {
        advance(&mut groups, &flat, 1)?;
        if s >= burn_in / 4 {
            for (own, at) in seen.iter_mut().zip(groups.iter().flat_map(|g| g.values.chunks_exact(d))) {
                (0..d).for_each(|k| own[k].push(at[k]));
            }
        }
        progress.tick(1, String::new)?;
    }
    let widths: Vec<f64> = (0..d)
        .map(|k| {
            let spread = seen.iter().map(|own| standard_deviation(&own[k])).sum::<f64>() / count as f64;
            options.width.unwrap_or((0.5 * spread).clamp(lengths[k] / 200.0, lengths[k] / 15.0))
        })
        .collect();

    let mut bias = Bias::new(&grid, &widths, temperature)?;
    let stiff: Vec<f64> = bias.axes.iter().map(|a| a.wall.max(temperature / (a.width * a.width))).collect();
    let step = step_size(run, task, &x, &stiff)?;
    groups.iter_mut().for_each(|g| {
        g.step_size = step;
        g.evaluate(&mut |at, slopes| bias.with_walls(at, slopes));
        g.accepted();
    });
    let height = options.height.unwrap_or(0.3 * temperature);
    let (mut hills, mut last_height) = (0, 1.0);
    let mut slopes = [0.0; 2];
    let mut done = 0;
    while done < steps {
        let stretch = options.pace.min(steps - done);
        advance(&mut groups, &bias, stretch)?;
        done += stretch;
        let places: Vec<f64> = groups.iter().flat_map(|g| g.values.iter().copied()).collect();
        for at in places.chunks_exact(d).filter(|at| grid.cell(at).is_some()) {
            let filled = bias.value(at, &mut slopes[..d]);
            last_height = (-filled / (temperature * (options.bias_factor - 1.0))).exp();
            bias.add(at, height * last_height);
            hills += 1;
        }
        let bias = &bias;
        groups.iter_mut().for_each(|g| g.evaluate(&mut |at, slopes| bias.with_walls(at, slopes)));
        // Walls and hills pull harder where the variable is steeper than at the start.
        let [accepted, made] = accepted(&mut groups);
        if task.sampling.step_size.is_none() && (accepted as f64) < ENOUGH * made as f64 {
            groups.iter_mut().for_each(|g| g.step_size = (0.8 * g.step_size).max(SHORTEST * step));
        }
        progress.tick(stretch as u64, || format!("{hills} hills, the last of {last_height:.2} of the first height"))?;
    }

    // From here on nothing changes any more.
    let every = (steps * count).div_ceil(KEPT).max(1);
    for _ in 0..burn_in {
        advance(&mut groups, &bias, 1)?;
        progress.tick(1, String::new)?;
    }
    let mut by_walker = vec![vec![Vec::new(); d]; count];
    let mut gradients = Vec::new();
    for _ in 0..(steps / every).max(1) {
        advance(&mut groups, &bias, every)?;
        for (own, at) in by_walker.iter_mut().zip(groups.iter().flat_map(|g| g.values.chunks_exact(d))) {
            (0..d).for_each(|k| own[k].push(at[k]));
        }
        gradients.extend(groups.iter().map(BiasedWalkers::slope));
        progress.tick(every as u64, String::new)?;
    }
    drop(progress);
    let notes = refused(accepted(&mut groups)).into_iter().collect();

    let columns: Vec<Vec<f64>> = (0..d).map(|k| by_walker.iter().flat_map(|own| own[k].iter().copied()).collect()).collect();
    let samples = columns[0].len();
    let rows: Vec<Vec<f64>> = (0..samples).map(|n| columns.iter().map(|c| c[n]).collect()).collect();
    let cells: Vec<Option<usize>> = rows.iter().map(|at| grid.cell(at)).collect();
    let heights: Vec<f64> = rows.iter().map(|at| bias.value(at, &mut slopes[..d])).collect();
    let highest = heights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = heights.iter().map(|v| ((v - highest) / temperature).exp()).collect();
    let (mut sums, mut counts) = (vec![0.0; grid.cells()], vec![0u64; grid.cells()]);
    for (cell, weight) in cells.iter().zip(&weights).filter_map(|(c, w)| Some(((*c)?, w))) {
        sums[cell] += weight;
        counts[cell] += 1;
    }
    if counts.iter().all(|c| *c == 0) {
        let message = "free_energy: no walker has come into the range";
        return Err(Error::value(message).hint("give a `start` within it").at("range"));
    }
    let blocks = Blocks::of(&columns.iter().map(Vec::as_slice).collect::<Vec<_>>(), count);
    let draws = draw(run, &blocks, &cells, Some(&weights), grid.cells(), task.options)?;
    let share = -options.bias_factor / (options.bias_factor - 1.0);
    let mut from_bias: Vec<f64> = (0..grid.cells()).map(|c| share * bias.value(&grid.centre(c), &mut slopes[..d])).collect();
    let lowest = from_bias.iter().copied().fold(f64::INFINITY, f64::min);
    from_bias.iter_mut().for_each(|f| *f -= lowest);
    Ok(Sums {
        method: Method::Metadynamics,
        grid,
        sums,
        draws,
        counts,
        temperature,
        samples,
        independent: blocks.independent(),
        least: weights.iter().copied().fold(f64::INFINITY, f64::min) * blocks.inefficiency,
        variables: task.variables.to_vec(),
        mass: if d == 1 { mass_of(&gradients, 1) } else { None },
        details: Details::Metadynamics { from_bias, hills, last_height },
        notes,
    }
    .finish())
}

/// Steps accepted and made by all groups since the last time.
fn accepted(groups: &mut [BiasedWalkers]) -> [usize; 2] {
    groups.iter_mut().map(BiasedWalkers::accepted).fold([0, 0], |all, own| [all[0] + own[0], all[1] + own[1]])
}

/// Moves every group so many steps under a bias that stays.
fn advance(groups: &mut [BiasedWalkers], bias: &Bias, steps: usize) -> Result<()> {
    let one = |group: &mut BiasedWalkers| (0..steps).try_for_each(|_| group.step(&mut |at, slopes| bias.with_walls(at, slopes)));
    // A single step is shorter than handing it to another thread.
    if steps < 10 {
        return groups.iter_mut().try_for_each(one);
    }
    groups.par_iter_mut().map(one).collect::<Vec<_>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::cuts::{Counts, Stretches};
    use crate::analysis::free_energy::{Axis, FreeEnergyOptions, SamplingOptions};
    use crate::potentials::Potential;
    use crate::potentials::expression::{Binary, Expression, Graph};
    use std::sync::Arc;

    #[test]
    fn the_bias_is_its_hills_and_its_slopes_are_its_own() {
        let axis = |high: f64| Axis { low: -1.0, high, bins: 10 };
        let grid = Grid { axes: vec![axis(1.0), axis(2.0)] };
        let widths = [0.1, 0.2];
        let mut bias = Bias::new(&grid, &widths, 1.0).unwrap();
        let hills = [([0.13, 0.4], 1.0), ([0.2, 0.55], 0.5), ([-0.97, 1.9], 0.7)];
        hills.iter().for_each(|(at, height)| bias.add(at, *height));
        let mut slopes = [0.0; 2];
        for at in [[0.1, 0.5], [0.171, 0.333], [-0.9, 1.81], [0.9, -0.5]] {
            let exact: f64 = hills
                .iter()
                .map(|(c, h)| h * (-0.5 * (0..2).map(|k| ((at[k] - c[k]) / widths[k]).powi(2)).sum::<f64>()).exp())
                .sum();
            // Cubics between places a fifth of σ apart: (1/5)⁴/384 · 3 of the height.
            assert!((bias.value(&at, &mut slopes) - exact).abs() < 3e-5, "{at:?}");
            let own = slopes;
            for k in 0..2 {
                let shifted = |h: f64| {
                    let mut b = at;
                    b[k] += h;
                    bias.value(&b, &mut [0.0; 2])
                };
                let difference = (shifted(1e-5) - shifted(-1e-5)) / 2e-5;
                assert!((own[k] - difference).abs() < 1e-6, "{at:?}: {own:?} {difference}");
            }
        }
        // Beyond the range only the wall pulls.
        bias.with_walls(&[1.5, 0.0], &mut slopes);
        assert!((slopes[0] - 0.5 / (OVERSHOOT * 2.0f64).powi(2)).abs() < 1e-9);
    }

    #[test]
    fn a_barrier_of_five_kt_is_crossed() {
        let mut graph = Graph::new(1);
        let (x, one) = (graph.coordinate(0).unwrap(), graph.constant(1.0).unwrap());
        let variable: Arc<dyn Potential> = Arc::new(Expression::new(&graph, x));
        let square = graph.binary(Binary::Multiply, x, x).unwrap();
        let well = graph.binary(Binary::Subtract, square, one).unwrap();
        let well = graph.binary(Binary::Multiply, well, well).unwrap();
        let potential = Expression::new(&graph, well);
        let options = FreeEnergyOptions {
            range: Some(Stretches([[-1.6, 1.6]; 2])),
            bins: Some(Counts([64; 2])),
            temperature: Some(0.2),
            seed: Some(6),
            ..FreeEnergyOptions::default()
        };
        let sampling = SamplingOptions { steps: Some(10_000), ..SamplingOptions::default() };
        let of = |threads: usize| {
            let variables = [variable.clone()];
            let task = Task { potential: &potential, variables: &variables, options: &options, sampling: &sampling, start: None };
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| metadynamics(&Run::silent(), &task, &MetadynamicsOptions::default())).unwrap()
        };
        let f = of(2);
        assert_eq!((f.minima.len(), f.barriers.len()), (2, 1));
        for side in 0..2 {
            // Some 330 independent values: errors of about 0.03.
            assert!((f.barriers[0].heights[side] - 1.0).abs() < 0.15, "{:?}", f.barriers);
            assert!((0.005..0.08).contains(&f.barriers[0].errors[side]), "{:?}", f.barriers);
        }
        // What the bias alone says agrees with the weights.
        let Details::Metadynamics { from_bias, .. } = &f.details else { panic!("metadynamics has a bias") };
        let top = f.barriers[0].cell;
        assert!((from_bias[top] - from_bias[f.minima[0].cell] - 1.0).abs() < 0.25);
        assert!(of(1).values.iter().zip(&f.values).all(|(a, b)| a.to_bits() == b.to_bits()), "threads change nothing");
    }
}
