//! Umbrella sampling: windows along the variable, each held by a spring ½ K (ξ − c)², joined by MBAR.
//!
//! Windows that place themselves stand evenly over the range with K = 4 T/d², d their distance: without a slope of F each spreads by d/2. A walker is
//! pulled from one to the next. Where F is so steep that a window does not stay near its centre its spring is made stronger, and where
//! two neighbours then share too little another window is put between them, before the sampling by what the pilots saw and after it by the overlap matrix.
//! The bins weigh every sample by 1/D of MBAR. Errors: blocks are drawn anew within every window and MBAR is solved for each draw.
//! Cost: windows × walkers × steps gradients. Two variables have a window for each place of a grid, and none is changed or added: places that
//! the springs cannot hold stay empty.
//! When it fails: a coordinate that is slow beside ξ and differs between windows (hysteresis); long pilots and another variable help.
//!
//! References: G. M. Torrie, J. P. Valleau, J. Comput. Phys. 23, 187 (1977), doi:10.1016/0021-9991(77)90121-8; MBAR: see `mbar`.

use super::blocks::{Blocks, FEW};
use super::estimate::{Sums, mass_of};
use super::histogram::{DRAWS, check_dimension};
use super::mbar::{self, Mbar};
use super::walkers::{ENOUGH, refused, start, step_size, walkers};
use super::{Details, FreeEnergy, Grid, Method, Task, grid};
use crate::analysis::cuts::Counts;
use crate::base::{Result, Run};
use crate::math::Matrix;
use crate::math::graph::DisjointSets;
use crate::math::random::stream;
use crate::math::statistics::{mean, standard_deviation};
use crate::potentials::{Batch, Evaluations};
use rayon::prelude::*;

crate::options! {
    /// Options of `free_energy` with umbrella sampling.
    pub struct UmbrellaOptions {
        /// Number of windows; for two variables one for both, or one for each. With a number none are added.
        windows: Option<Counts> = None => "16, or 8 × 8, and more where neighbours share too little", AT_LEAST_TWO, "";
        /// Force constant of the springs; with a number none is made stronger.
        spring: Option<f64> = None => "4 T/d² for windows d apart, stronger where F is steep", POSITIVE, "energy per unit of the variable²";
    }
}

/// Chance of taking a sample of a window for one of its neighbour, below which they share too little.
const LEAST_OVERLAP: f64 = 0.03;
/// Steps of a walker that is pulled over the distance of two windows, and of the pilot that follows.
const PULL: usize = 200;
const PILOT: usize = 400;
/// Steps of the longest pull.
const LONGEST_PULL: usize = 20_000;
/// How often a spring is made stronger, each time by at most four.
const STRONGER: usize = 6;
/// Distance of neighbours in units of their spread beyond which another window is put between.
const APART: f64 = 2.5;
const MOST_WINDOWS: usize = 200;
/// Rounds of windows after the sampling.
const ROUNDS: usize = 3;
/// How often steps are halved.
const SHORTER: usize = 4;

/// One window.
#[derive(Debug, Clone, Default)]
pub struct Window {
    pub centre: Vec<f64>,
    pub spring: Vec<f64>,
    /// Mean and standard deviation of the variable in it.
    pub mean: Vec<f64>,
    pub deviation: Vec<f64>,
    pub samples: usize,
    /// Samples that are worth an independent one.
    pub inefficiency: f64,
    /// Free energy of the window relative to the first.
    pub free_energy: f64,
    /// Where its walkers begin.
    position: Vec<f64>,
    step: f64,
}

impl Window {
    fn bias(&self) -> impl FnMut(&[f64], &mut [f64]) -> f64 + '_ {
        |values, slope| {
            for k in 0..slope.len() {
                slope[k] = self.spring[k] * (values[k] - self.centre[k]);
            }
            self.energy(values)
        }
    }

    fn energy(&self, values: &[f64]) -> f64 {
        (0..values.len()).map(|k| 0.5 * self.spring[k] * (values[k] - self.centre[k]).powi(2)).sum()
    }
}

/// What the walkers of a window saw: rows of values, walker after walker, and |∇ξ| of the first variable.
struct Record {
    values: Vec<f64>,
    gradients: Vec<f64>,
    /// Steps accepted and made.
    accepted: [usize; 2],
}

/// The free energy along one or two variables.
///
/// Errors: no range, sizes that do not fit, walkers that blow up, windows without any overlap, a run that is stopped.
pub fn umbrella(run: &Run, task: &Task, options: &UmbrellaOptions) -> Result<FreeEnergy> {
    let d = task.variables.len();
    task.variables.iter().try_for_each(|v| check_dimension(&**v, task.potential.dimension()))?;
    let grid = grid(task.options, d, None)?;
    let temperature = task.options.temperature.unwrap_or(1.0);
    let seed = run.seed(task.options.seed);
    let (mut windows, distances) = placed(&grid, options, temperature);
    let mut sampler = Sampler { run, task, temperature, seed, used: 0 };
    // On a map, springs strong enough to hold a window high up a wall would part it from its neighbours.
    sampler.pull(&mut windows, &distances, options.spring.is_none() && d == 1)?;
    let may_add = options.windows.is_none() && d == 1;
    if may_add {
        sampler.fill(&mut windows, &distances)?;
    }
    let most = (64_000 / windows.len()).clamp(200, 2000);
    let mut records = sampler.sample(&mut windows, most)?;
    let mut joined = join(run, &windows, &records, temperature, d)?;
    for _ in 0..if may_add { ROUNDS } else { 0 } {
        let overlap = joined.overlap();
        let gaps: Vec<usize> = (1..windows.len()).filter(|k| overlap[(k - 1, *k)] < LEAST_OVERLAP).collect();
        if gaps.is_empty() || windows.len() + gaps.len() > MOST_WINDOWS {
            break;
        }
        let mut more: Vec<Window> = gaps.iter().map(|k| between(&windows[k - 1], &windows[*k])).collect();
        more.iter_mut().try_for_each(|w| sampler.settle(w, 1.0).map(drop))?;
        let seen = sampler.sample(&mut more, most)?;
        for ((place, window), record) in gaps.iter().zip(more).zip(seen).rev() {
            windows.insert(*place, window);
            records.insert(*place, record);
        }
        joined = join(run, &windows, &records, temperature, d)?;
    }
    finish(run, task, grid, windows, records, joined)
}

/// Windows evenly over the grid, and their distance along each axis.
fn placed(grid: &Grid, options: &UmbrellaOptions, temperature: f64) -> (Vec<Window>, Vec<f64>) {
    let counts = options.windows.map_or([if grid.axes.len() == 1 { 16 } else { 8 }; 2], |w| w.0);
    let distances: Vec<f64> = grid.axes.iter().zip(counts).map(|(a, n)| (a.high - a.low) / (n.max(2) - 1) as f64).collect();
    let spring: Vec<f64> = distances.iter().map(|d| options.spring.unwrap_or(4.0 * temperature / (d * d))).collect();
    let total = counts[..grid.axes.len()].iter().product();
    let window = |mut place: usize| {
        let mut centre = vec![0.0; grid.axes.len()];
        for k in (0..grid.axes.len()).rev() {
            centre[k] = grid.axes[k].low + (place % counts[k]) as f64 * distances[k];
            place /= counts[k];
        }
        Window { centre, spring: spring.clone(), ..Window::default() }
    };
    ((0..total).map(window).collect(), distances)
}

/// A window in the middle of two.
fn between(a: &Window, b: &Window) -> Window {
    Window {
        centre: a.centre.iter().zip(&b.centre).map(|(a, b)| 0.5 * (a + b)).collect(),
        spring: a.spring.iter().zip(&b.spring).map(|(a, b)| a.max(*b)).collect(),
        position: a.position.clone(),
        step: a.step.min(b.step),
        ..Window::default()
    }
}

struct Sampler<'a> {
    run: &'a Run,
    task: &'a Task<'a>,
    temperature: f64,
    seed: u64,
    /// Random streams used so far.
    used: u64,
}

impl Sampler<'_> {
    fn streams(&mut self, count: usize) -> Vec<crate::math::random::Stream> {
        self.used += count as u64;
        (self.used - count as u64..self.used).map(|k| stream(self.seed, k)).collect()
    }

    /// Brings a walker into every window, from the nearest one that has it.
    fn pull(&mut self, windows: &mut [Window], distances: &[f64], stiffen: bool) -> Result<()> {
        let x = start(self.run, self.task, self.seed)?;
        let mut out = Evaluations::default();
        let here: Vec<f64> = self
            .task
            .variables
            .iter()
            .map(|v| {
                v.evaluate(Batch::single(&x), &mut out);
                out.energies[0]
            })
            .collect();
        let apart =
            |a: &[f64], b: &[f64]| (0..distances.len()).map(|k| ((a[k] - b[k]) / distances[k]).powi(2)).sum::<f64>().sqrt();
        let base = windows.first().map_or_else(Vec::new, |w| w.spring.clone());
        let mut done: Vec<usize> = Vec::new();
        let progress = self.run.task("umbrella sampling: windows", Some(windows.len() as u64));
        while done.len() < windows.len() {
            // The nearest of all pairs; ties go to the lower number.
            let mut nearest = (f64::INFINITY, 0, None);
            for (k, window) in windows.iter().enumerate().filter(|(k, _)| !done.contains(k)) {
                if done.is_empty() {
                    nearest =
                        if apart(&window.centre, &here) < nearest.0 { (apart(&window.centre, &here), k, None) } else { nearest };
                }
                for from in &done {
                    let distance = apart(&window.centre, &windows[*from].centre);
                    nearest = if distance < nearest.0 { (distance, k, Some(*from)) } else { nearest };
                }
            }
            let (distance, k, from) = nearest;
            let mut window = windows[k].clone();
            window.position = from.map_or_else(|| x.clone(), |from| windows[from].position.clone());
            self.settle(&mut window, distance)?;
            for _ in 0..if stiffen { STRONGER } else { 0 } {
                let mut changed = false;
                for i in 0..distances.len() {
                    let off = (window.mean[i] - window.centre[i]).abs();
                    if off > 0.6 * distances[i] {
                        window.spring[i] = (window.spring[i] * (off / (0.3 * distances[i])).min(4.0)).min(1e3 * base[i]);
                        changed = true;
                    }
                }
                if !changed {
                    break;
                }
                self.settle(&mut window, 1.0)?;
            }
            windows[k] = window;
            done.push(k);
            progress.tick(1, String::new)?;
        }
        Ok(())
    }

    /// Pulls a walker from the window's position to its centre and watches it there; with shorter steps where too many are refused.
    fn settle(&mut self, window: &mut Window, distance: f64) -> Result<()> {
        let begin = window.clone();
        let mut step = step_size(self.run, self.task, &window.position, &window.spring)?;
        for _ in 0..SHORTER {
            *window = Window { step, ..begin.clone() };
            let accepted = self.try_settle(window, distance)?;
            if accepted >= ENOUGH || self.task.sampling.step_size.is_some() {
                return Ok(());
            }
            step *= 0.5;
        }
        Ok(())
    }

    /// The share of accepted steps in the pilot.
    fn try_settle(&mut self, window: &mut Window, distance: f64) -> Result<f64> {
        let streams = self.streams(1);
        let mut walker = walkers(self.task, self.temperature, window.position.clone(), streams, window.step);
        let d = window.centre.len();
        let mut target = window.clone();
        walker.evaluate(&mut |_, slope| {
            slope.fill(0.0);
            0.0
        });
        let from = walker.values.clone();
        let steps = ((PULL as f64 * distance) as usize).clamp(PULL, LONGEST_PULL);
        for s in 1..=steps {
            let part = s as f64 / steps as f64;
            for k in 0..d {
                target.centre[k] = from[k] + part * (window.centre[k] - from[k]);
            }
            // The spring has moved.
            walker.evaluate(&mut target.bias());
            walker.step(&mut target.bias())?;
            if s % 50 == 0 {
                self.run.check()?;
            }
        }
        let mut seen = vec![Vec::new(); d];
        walker.evaluate(&mut window.bias());
        walker.accepted();
        for s in 0..PILOT {
            walker.step(&mut window.bias())?;
            if s % 50 == 0 {
                self.run.check()?;
            }
            (0..d).for_each(|k| seen[k].push(walker.values[k]));
        }
        window.mean = seen.iter().map(|s| mean(&s[PILOT / 4..])).collect();
        window.deviation = seen.iter().map(|s| standard_deviation(&s[PILOT / 4..])).collect();
        let [accepted, steps] = walker.accepted();
        window.position = walker.positions;
        Ok(accepted as f64 / steps as f64)
    }

    /// Puts windows between neighbours that the pilots saw too far apart.
    fn fill(&mut self, windows: &mut Vec<Window>, distances: &[f64]) -> Result<()> {
        let mut k = 1;
        while k < windows.len() && windows.len() < MOST_WINDOWS {
            let (a, b) = (&windows[k - 1], &windows[k]);
            let spread = 0.5 * (a.deviation[0] + b.deviation[0]);
            // Strong springs leave tiny steps between: a hundredth of the distance is near enough for anything.
            let close = b.centre[0] - a.centre[0] < 0.01 * distances[0];
            if close || (b.mean[0] - a.mean[0]).abs() <= APART * spread {
                k += 1;
                continue;
            }
            let mut window = between(a, b);
            self.settle(&mut window, 1.0)?;
            windows.insert(k, window);
        }
        Ok(())
    }

    /// Samples every window; at most so many rows of each are kept.
    fn sample(&mut self, windows: &mut [Window], most: usize) -> Result<Vec<Record>> {
        let count = self.task.sampling.walkers.unwrap_or(4);
        let steps = self.task.sampling.steps.unwrap_or(10_000);
        let burn_in = self.task.sampling.burn_in.unwrap_or(steps / 10);
        let every = (steps * count).div_ceil(most).max(1);
        let streams: Vec<_> = windows.iter().map(|_| self.streams(count)).collect();
        let task = self.run.task("umbrella sampling", Some((windows.len() * (steps + burn_in)) as u64));
        let one = |(window, streams): (&Window, Vec<_>)| -> Result<Record> {
            let positions = window.position.repeat(count);
            let mut group = walkers(self.task, self.temperature, positions, streams, window.step);
            let mut bias = window.bias();
            group.evaluate(&mut bias);
            let d = window.centre.len();
            let mut by_walker = vec![Vec::new(); count];
            let mut gradients = Vec::new();
            for s in 0..burn_in + steps {
                group.step(&mut bias)?;
                if s % 32 == 31 {
                    task.tick(32, String::new)?;
                }
                if s >= burn_in && (s - burn_in) % every == every - 1 {
                    by_walker.iter_mut().zip(group.values.chunks_exact(d)).for_each(|(all, v)| all.extend_from_slice(v));
                    gradients.push(group.slope());
                }
            }
            Ok(Record { values: by_walker.concat(), gradients, accepted: group.accepted() })
        };
        let found: Vec<Result<Record>> = windows.par_iter().zip(streams).map(one).collect();
        let records = found.into_iter().collect::<Result<Vec<Record>>>()?;
        for (window, record) in windows.iter_mut().zip(&records) {
            let d = window.centre.len();
            let columns: Vec<Vec<f64>> = (0..d).map(|k| record.values.iter().skip(k).step_by(d).copied().collect()).collect();
            window.mean = columns.iter().map(|c| mean(c)).collect();
            window.deviation = columns.iter().map(|c| standard_deviation(c)).collect();
            window.samples = columns[0].len();
        }
        Ok(records)
    }
}

fn join(run: &Run, windows: &[Window], records: &[Record], temperature: f64, d: usize) -> Result<Mbar> {
    let rows = records.iter().flat_map(|r| r.values.chunks_exact(d));
    let reduced: Vec<f64> = rows.flat_map(|v| windows.iter().map(move |w| w.energy(v) / temperature)).collect();
    let counts: Vec<f64> = records.iter().map(|r| (r.values.len() / d) as f64).collect();
    let samples = counts.iter().sum::<f64>() as usize;
    mbar::solve(run, &Matrix::from_rows(samples, windows.len(), reduced), &counts)
}

fn finish(
    run: &Run,
    task: &Task,
    grid: Grid,
    mut windows: Vec<Window>,
    records: Vec<Record>,
    joined: Mbar,
) -> Result<FreeEnergy> {
    let d = grid.axes.len();
    let temperature = task.options.temperature.unwrap_or(1.0);
    let walkers = task.sampling.walkers.unwrap_or(4);
    let cells: Vec<Option<usize>> = records.iter().flat_map(|r| r.values.chunks_exact(d)).map(|v| grid.cell(v)).collect();
    let lowest = joined.log_denominators.iter().copied().fold(f64::INFINITY, f64::min);
    let weights: Vec<f64> = joined.log_denominators.iter().map(|l| (lowest - l).exp()).collect();
    let count = grid.cells();
    let (mut sums, mut counts) = (vec![0.0; count], vec![0u64; count]);
    for (cell, weight) in cells.iter().zip(&weights).filter_map(|(c, w)| Some(((*c)?, w))) {
        sums[cell] += weight;
        counts[cell] += 1;
    }
    let blocks: Vec<Blocks> = records
        .iter()
        .map(|r| {
            let columns: Vec<Vec<f64>> = (0..d).map(|k| r.values.iter().skip(k).step_by(d).copied().collect()).collect();
            Blocks::of(&columns.iter().map(Vec::as_slice).collect::<Vec<_>>(), walkers)
        })
        .collect();
    let redraws = joined.redraws();
    let seed = run.seed(task.options.seed);
    let progress = run.task("umbrella sampling: errors", Some(task.options.bootstrap as u64));
    let rows: Vec<Result<Option<Vec<f64>>>> = (0..task.options.bootstrap)
        .into_par_iter()
        .map(|draw| {
            progress.tick(1, String::new)?;
            let mut random = stream(seed, DRAWS + draw as u64);
            let mut times = Vec::with_capacity(cells.len());
            for (own, record) in blocks.iter().zip(&records) {
                let begin = times.len();
                times.resize(begin + record.values.len() / d, 0.0);
                for (rows, count) in own.rows.iter().zip(own.draw(&mut random)) {
                    times[begin + rows.start..begin + rows.end].fill(count);
                }
            }
            let Some(factors) = redraws.factors(&times) else { return Ok(None) };
            let mut sums = vec![0.0; count];
            for (n, cell) in cells.iter().enumerate() {
                if let Some(cell) = cell {
                    sums[*cell] += weights[n] * factors[n] * times[n];
                }
            }
            Ok(Some(sums))
        })
        .collect();
    let mut draws = Vec::new();
    for row in rows {
        draws.extend(row?.unwrap_or_default());
    }
    let mut notes = Vec::new();
    let solved = draws.len() / count;
    if 10 * solved < 9 * task.options.bootstrap {
        notes.push(format!(
            "MBAR converged for {solved} of the {} bootstrap draws only: windows share too little",
            task.options.bootstrap
        ));
    }
    let overlap = joined.overlap();
    let mut sets = DisjointSets::new(windows.len());
    for i in 0..windows.len() {
        (0..i).filter(|j| overlap[(i, *j)].max(overlap[(*j, i)]) >= LEAST_OVERLAP).for_each(|j| {
            sets.join(i, j);
        });
    }
    if sets.sets() > 1 {
        notes.push(format!(
            "the {} windows fall into {} parts that share less than {} % of their samples: F between them means little; give more `windows` or a weaker `spring`",
            windows.len(),
            sets.sets(),
            100.0 * LEAST_OVERLAP
        ));
    }
    for ((window, f), own) in windows.iter_mut().zip(&joined.free_energies).zip(&blocks) {
        window.free_energy = temperature * f;
        window.inefficiency = own.inefficiency;
    }
    let few = windows.iter().zip(&blocks).filter(|(_, b)| b.independent() < FEW).count();
    if few > 0 {
        notes.push(format!("{few} of the {} windows have fewer than {FEW} independent values: give more `steps`", windows.len()));
    }
    let all = records.iter().fold([0, 0], |all, r| [all[0] + r.accepted[0], all[1] + r.accepted[1]]);
    notes.extend(refused(all));
    let slopes: Vec<f64> = records.iter().flat_map(|r| r.gradients.iter().copied()).collect();
    let independent = blocks.iter().map(Blocks::independent).sum();
    let least = weights.iter().copied().fold(f64::INFINITY, f64::min) * cells.len() as f64 / f64::max(independent, 1.0);
    Ok(Sums {
        method: Method::Umbrella,
        grid,
        sums,
        draws: Matrix::from_rows(solved, count, draws),
        counts,
        temperature,
        samples: cells.len(),
        independent,
        least,
        variables: task.variables.to_vec(),
        mass: if d == 1 { mass_of(&slopes, 1) } else { None },
        details: Details::Umbrella { windows, overlap },
        notes,
    }
    .finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::cuts::Stretches;
    use crate::analysis::free_energy::{FreeEnergyOptions, SamplingOptions};
    use crate::potentials::Potential;
    use crate::potentials::expression::{Binary, Expression, Graph};
    use std::sync::Arc;

    /// x₀, and (x₀² − 1)² + ½ k x₁².
    fn coordinate(k: usize, n: usize) -> Arc<dyn Potential> {
        let mut graph = Graph::new(n);
        let x = graph.coordinate(k).unwrap();
        Arc::new(Expression::new(&graph, x))
    }

    fn channel() -> Expression {
        let mut graph = Graph::new(2);
        let (x, y) = (graph.coordinate(0).unwrap(), graph.coordinate(1).unwrap());
        let (one, three) = (graph.constant(1.0).unwrap(), graph.constant(3.0).unwrap());
        let square = graph.binary(Binary::Multiply, x, x).unwrap();
        let well = graph.binary(Binary::Subtract, square, one).unwrap();
        let well = graph.binary(Binary::Multiply, well, well).unwrap();
        let beside = graph.binary(Binary::Multiply, y, y).unwrap();
        let beside = graph.binary(Binary::Multiply, three, beside).unwrap();
        let sum = graph.binary(Binary::Add, well, beside).unwrap();
        Expression::new(&graph, sum)
    }

    fn of(threads: usize, steps: usize) -> FreeEnergy {
        let (potential, variables) = (channel(), [coordinate(0, 2)]);
        let options = FreeEnergyOptions {
            range: Some(Stretches([[-1.6, 1.6]; 2])),
            bins: Some(Counts([64; 2])),
            temperature: Some(0.2),
            bootstrap: 50,
            seed: Some(6),
            ..FreeEnergyOptions::default()
        };
        let sampling = SamplingOptions { steps: Some(steps), ..SamplingOptions::default() };
        let task = Task { potential: &potential, variables: &variables, options: &options, sampling: &sampling, start: None };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| umbrella(&Run::silent(), &task, &UmbrellaOptions::default())).unwrap()
    }

    #[test]
    fn a_channel_beside_the_variable_leaves_its_double_well() {
        let f = of(2, 4000);
        // The second coordinate adds the same everywhere: F = (ξ² − 1)², averaged over a bin.
        let mut squares = 0.0;
        let axis = &f.grid.axes[0];
        let exact: Vec<f64> = (0..64)
            .map(|k| {
                let density = |u: f64| {
                    let q = axis.centre(k) + u * axis.width();
                    (-(q * q - 1.0) * (q * q - 1.0) / 0.2).exp()
                };
                -0.2 * ((density(-0.5) + 4.0 * density(0.0) + density(0.5)) / 6.0).ln()
            })
            .collect();
        // Both as normalised densities.
        let level = |v: &[f64]| 0.2 * v.iter().map(|v| (-v / 0.2).exp()).sum::<f64>().ln();
        let (own, theirs) = (level(&f.values), level(&exact));
        for k in 0..64 {
            let off = (f.values[k] + own - exact[k] - theirs) / f.errors[k];
            squares += off * off / 64.0;
            assert!(off.abs() < 6.0, "bin {k} is {off} errors away");
        }
        // Errors that are right make this 1; neighbouring bins go together, so that it spreads widely.
        assert!((0.2..3.0).contains(&squares), "{squares}");
        assert_eq!((f.minima.len(), f.barriers.len(), f.empty()), (2, 1, 0));
        assert!((f.barriers[0].heights[0] - 1.0).abs() < 0.12 && (f.barriers[0].heights[1] - 1.0).abs() < 0.12);
        let Details::Umbrella { windows, overlap } = &f.details else { panic!("umbrella sampling has windows") };
        // At the ends, where F rises, springs are stronger and windows closer.
        assert!(windows[0].spring[0] > windows[windows.len() / 2].spring[0] && windows.len() > 16);
        assert!((1..windows.len()).all(|k| overlap[(k - 1, k)] > LEAST_OVERLAP));
        // |∇ξ| = 1.
        assert!((f.mass.unwrap() - 1.0).abs() < 1e-12);
        assert!(f.notes.is_empty(), "{:?}", f.notes);
    }

    #[test]
    fn threads_change_nothing() {
        let (one, two) = (of(1, 300), of(2, 300));
        assert!(one.values.iter().zip(&two.values).all(|(a, b)| a.to_bits() == b.to_bits()));
        assert!(one.errors.iter().zip(&two.errors).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}
