//! Basin-hopping: a Metropolis walk over minima.
//!
//! Each step moves every coordinate by a uniform random number in [−step, step], brings the point back into the potential's container,
//! quenches it and accepts the new minimum by its energy at a fictitious temperature. Every minimum met is handed on, accepted or not.
//! Independent runs are chains of their own random stream; they advance in rounds of fixed length and their finds are handed on in the
//! order of the chains, so that the result does not depend on the number of threads.
//! Cost: one quench a step. Fails to cross funnels wider than its steps: raise `temperature`, or `runs`.
//!
//! Reference: D. J. Wales, J. P. K. Doye, J. Phys. Chem. A 101, 5111 (1997), doi:10.1021/jp970984n.

use super::evaluator::check_position;
use super::minimise::{MinimiseOptions, minimise};
use super::{Minimised, Termination};
use crate::base::tasks::receive;
use crate::base::{Result, Run};
use crate::math::matrix::add_scaled;
use crate::math::random::{Stream, stream};
use crate::potentials::{Family, Potential};
use rand::RngExt;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::channel;

crate::options! {
    /// Options of `basin_hop`.
    pub struct BasinHopOptions {
        /// Steps of each run.
        steps: usize = 100, NOT_NEGATIVE, "";
        /// Independent runs, side by side on all cores.
        runs: usize = 1, AT_LEAST_ONE, "";
        /// Temperature of the Metropolis test.
        temperature: Option<f64> = None => "2.0 for networks, 0.8 for clusters, 1.0 for surfaces", NOT_NEGATIVE, "energy";
        /// Largest change of a coordinate in a step.
        step: Option<f64> = None => "1.0 for networks, 0.36 for clusters, 0.5 for surfaces", POSITIVE, "length";
        /// Decides every random number.
        seed: Option<u64> = None => "that of --seed, or 0", NOT_NEGATIVE, "";
        /// Where every run begins.
        start: Option<Vec<f64>> = None => "a random start for each run", ANY, "";
        /// RMS gradient of the quenches.
        tolerance: f64 = 1e-9, POSITIVE, "energy per length";
        /// Largest number of iterations of a quench.
        max_iterations: usize = 10_000, AT_LEAST_ONE, "";
    }
}

/// What became of the steps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BasinHopReport {
    pub steps: usize,
    pub accepted: usize,
    /// Quenches that did not converge.
    pub failed: usize,
    /// Quenches that fell apart.
    pub evaporated: usize,
    /// Quenches that ended on a saddle and were pushed off it.
    pub pushed_off: usize,
}

/// Steps that each run makes between two times of handing on.
const ROUND: usize = 8;
/// A tolerance looser than this says nothing of the index: the point is no stationary point yet.
const LOOSE: f64 = 1e-5;

struct Chain {
    random: Stream,
    /// The present minimum; none before the first quench has converged.
    here: Option<(Vec<f64>, f64)>,
    /// Where the next quench begins as long as there is none.
    start: Vec<f64>,
    found: Vec<Minimised>,
    report: BasinHopReport,
}

/// Runs the chains; `accept(run, minimum)` is called for every converged minimum, chain by chain within a round of steps.
/// What it says in return is shown as progress.
///
/// Errors: a start that does not fit; a run that is stopped (what was accepted is kept).
pub fn basin_hop(
    run: &Run,
    potential: &dyn Potential,
    options: &BasinHopOptions,
    accept: &mut dyn FnMut(usize, &Minimised) -> Result<String>,
) -> Result<BasinHopReport> {
    if let Some(start) = &options.start {
        check_position("basin_hop", "start", potential, start)?;
    }
    let seed = run.seed(options.seed);
    let (step, temperature) = match potential.family() {
        Family::Network => (1.0, 2.0),
        Family::Cluster => (0.36, 0.8),
        Family::Surface => (0.5, 1.0),
    };
    let step = options.step.unwrap_or(step);
    let temperature = options.temperature.unwrap_or(temperature);
    let chains: Vec<Chain> = (0..options.runs as u64)
        .map(|k| {
            let start = options
                .start
                .clone()
                .unwrap_or_else(|| potential.random(seed.wrapping_add(k.wrapping_mul(0x9E37_79B9_7F4A_7C15)), 1.0));
            Chain { random: stream(seed, k), here: None, start, found: Vec::new(), report: BasinHopReport::default() }
        })
        .collect();
    // The quench of the start counts as no step.
    let quenches = options.steps + 1;
    let task = run.task("basin_hop", Some((quenches * options.runs) as u64));
    let (sender, results) = channel();
    let chains = rayon::in_place_scope_fifo(|scope| {
        let go = |k: usize, mut chain: Chain, round: usize| {
            let sender = sender.clone();
            scope.spawn_fifo(move |_| {
                drop(sender.send(catch_unwind(AssertUnwindSafe(move || {
                    let end = (0..round).try_for_each(|_| hop(run, potential, &mut chain, step, temperature, options));
                    (k, round, chain, end)
                }))));
            });
        };
        let count = chains.len();
        // Quenches that each chain made or is making; what it found and nobody has accepted, a round each; those that are at their end.
        let mut made = vec![1; count];
        let mut waiting: Vec<VecDeque<Vec<Minimised>>> = vec![VecDeque::new(); count];
        let mut over = Vec::with_capacity(count);
        let (mut turn, mut ended) = (0, Ok(()));
        let mut says = String::new();
        chains.into_iter().enumerate().for_each(|(k, chain)| go(k, chain, 1));
        while over.len() < count {
            let (k, round, mut chain, end) = receive(&results).unwrap_or_else(|panic| resume_unwind(panic));
            waiting[k].push_back(std::mem::take(&mut chain.found));
            ended = ended.and(end);
            // No chain waits for another, but what they find is accepted in turn.
            while ended.is_ok()
                && let Some(found) = waiting[turn].pop_front()
            {
                ended = found.iter().try_for_each(|minimum| accept(turn, minimum).map(|told| says = told));
                turn = (turn + 1) % count;
            }
            ended = ended.and_then(|()| task.tick(round as u64, || says.clone()));
            let round = ROUND.min(quenches - made[k]);
            if ended.is_ok() && round > 0 {
                made[k] += round;
                go(k, chain, round);
            } else {
                over.push(chain);
            }
        }
        // What was found before a stop is handed on all the same.
        if ended.as_ref().is_err_and(|error| error.is_stop()) {
            for (k, rounds) in waiting.iter().enumerate() {
                for minimum in rounds.iter().flatten() {
                    accept(k, minimum)?;
                }
            }
        }
        ended.map(|()| over)
    })?;
    let mut total = BasinHopReport { steps: options.steps * options.runs, ..Default::default() };
    for chain in &chains {
        total.accepted += chain.report.accepted;
        total.failed += chain.report.failed;
        total.evaporated += chain.report.evaporated;
        total.pushed_off += chain.report.pushed_off;
    }
    Ok(total)
}

/// One step of one chain.
fn hop(
    run: &Run,
    potential: &dyn Potential,
    chain: &mut Chain,
    step: f64,
    temperature: f64,
    options: &BasinHopOptions,
) -> Result<()> {
    let frozen = potential.frozen();
    let mut trial = match &chain.here {
        Some((x, _)) => x.clone(),
        None => chain.start.clone(),
    };
    if chain.here.is_some() {
        for (i, x) in trial.iter_mut().enumerate() {
            let move_by = step * (2.0 * chain.random.random::<f64>() - 1.0);
            if !frozen.is_some_and(|f| f[i]) {
                *x += move_by;
            }
        }
        potential.contain(&mut trial);
    }
    let quench = MinimiseOptions { tolerance: options.tolerance, max_iterations: options.max_iterations, ..Default::default() };
    let found = settle(run, potential, &trial, &quench, &mut chain.report.pushed_off);
    let uniform: f64 = chain.random.random();
    let failed = match found {
        Ok(found)
            if found.termination == Termination::Converged && (found.point.curvature.index == 0 || options.tolerance > LOOSE) =>
        {
            let energy = found.point.energy;
            let take = match chain.here {
                None => true,
                Some((_, here)) => energy <= here || (temperature > 0.0 && uniform < ((here - energy) / temperature).exp()),
            };
            if take {
                chain.report.accepted += usize::from(chain.here.is_some());
                chain.here = Some((found.point.position.clone(), energy));
            }
            chain.found.push(found);
            return Ok(());
        }
        Ok(found) => {
            if found.termination == Termination::Evaporated {
                chain.report.evaporated += 1;
            }
            true
        }
        Err(error) if error.is_stop() => return Err(error),
        // A trial whose energy is not finite (atoms on top of each other) is a step that failed.
        Err(_) => true,
    };
    if failed {
        chain.report.failed += 1;
        if chain.here.is_none() {
            chain.start = potential.random(chain.random.random(), 1.0);
        }
    }
    Ok(())
}

/// Minimises; where that ends on a saddle, pushes off along the lowest mode and goes on (at most three times).
pub fn settle(
    run: &Run,
    potential: &dyn Potential,
    start: &[f64],
    options: &MinimiseOptions,
    pushed_off: &mut usize,
) -> Result<Minimised> {
    let mut found = minimise(run, potential, start, options)?;
    for _ in 0..3 {
        if found.termination != Termination::Converged || options.tolerance > LOOSE || found.point.curvature.index == 0 {
            break;
        }
        *pushed_off += 1;
        let mode = super::curvature::lowest_mode(run, potential, &found.point.position)?;
        let mut x = found.point.position.clone();
        add_scaled(&mut x, 0.05, &mode.1);
        found = minimise(run, potential, &x, options)?;
    }
    Ok(found)
}
