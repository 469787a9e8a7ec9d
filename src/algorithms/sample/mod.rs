//! Sampling from the density exp(−E(x)/T): one loop for every method, walkers side by side, each with random numbers of its own.
//!
//! A method is a function that makes one step of a `walkers::Group` and leaves energies and gradients of the new positions behind; the loop
//! owns burn-in, thinning, averages, progress, and what happens when the person or a blow-up ends it. Steps are made in segments whose length
//! follows the clock and changes nothing: what a walker does depends on its seed and number alone. A stopped run goes back to the end of the
//! last segment and can be continued exactly from there ([`Samples::more`]).
//! To add a method: its step in a file here, a word of [`Method`], its line in `Method::step`; the battery of tests/samplers.rs follows.
//! References: in the file of each method; names of methods and averages: F. Heber, Z. Trstanova,
//! B. Leimkuhler (the Thermodynamic Analytics ToolkIt), arXiv:1903.08640.

pub mod biased;
mod ensemble;
pub mod file;
mod metropolis;
pub mod minibatches;
mod noisy;
mod nuts;
pub mod samples;
mod splitting;
pub mod tempering;
mod tuning;
mod walkers;

pub use minibatches::Draw;
pub use samples::Samples;
pub use walkers::Course;

use super::evaluator::{Evaluator, check_position, check_start, now};
use crate::base::{Error, Result, Run};
use crate::math::lanczos;
use crate::math::random::stream;
use crate::potentials::{Family, Potential};
use rayon::prelude::*;
use samples::{Recorder, State};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempering::Ladder;
use walkers::{BlownUp, End, Group, Setting};

crate::choices! {
    /// How positions move.
    pub enum Method {
        /// Langevin dynamics by BAOAB: the least biased of the splittings.
        Baoab = "baoab",
        /// Langevin dynamics by OBABO.
        Obabo = "obabo",
        /// Geometric Langevin algorithm of first order, BAO.
        Gla1 = "gla1",
        /// Geometric Langevin algorithm of second order, BABO.
        Gla2 = "gla2",
        /// Stochastic gradient Langevin dynamics, without momenta.
        Sgld = "sgld",
        /// Stochastic gradient Hamiltonian Monte Carlo.
        Sghmc = "sghmc",
        /// Stochastic gradient Nosé–Hoover thermostat.
        Sgnht = "sgnht",
        /// Covariance-controlled adaptive Langevin thermostat.
        Ccadl = "ccadl",
        /// BAOAB preconditioned by the covariance of other walkers.
        EnsembleQuasiNewton = "ensemble_quasi_newton",
        /// Hamiltonian Monte Carlo: exact averages; a step is a trajectory.
        Hmc = "hmc",
        /// Metropolis-adjusted Langevin algorithm: exact averages, without momenta.
        Mala = "mala",
        /// The no-U-turn sampler: exact averages, trajectories find their length.
        Nuts = "nuts",
    }
}

impl Method {
    /// The word of a splitting scheme.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Method::Baoab | Method::EnsembleQuasiNewton => Some("BAOAB"),
            Method::Obabo => Some("OBABO"),
            Method::Gla1 => Some("BAO"),
            Method::Gla2 => Some("BABO"),
            _ => None,
        }
    }

    /// Whether proposals are accepted or rejected, so that averages are exact and energies must be.
    pub fn accepts(self) -> bool {
        matches!(self, Method::Hmc | Method::Mala | Method::Nuts)
    }

    pub fn has_momenta(self) -> bool {
        !matches!(self, Method::Sgld | Method::Mala)
    }

    /// Whether `friction` means something to it.
    pub fn has_friction(self) -> bool {
        self.has_momenta() && !self.accepts()
    }

    /// The power of the step size with which averages over positions are biased; 0 for those without bias.
    pub fn order(self) -> usize {
        match self {
            Method::Baoab | Method::EnsembleQuasiNewton | Method::Obabo | Method::Gla2 => 2,
            Method::Gla1 | Method::Sgld | Method::Sghmc | Method::Sgnht | Method::Ccadl => 1,
            Method::Hmc | Method::Mala | Method::Nuts => 0,
        }
    }

    /// One step of a group: afterwards energies and gradients are those of the new positions.
    fn step(self, group: &mut Group, setting: &Setting, step: u64, burning: bool) -> Result<()> {
        match self {
            Method::Sgld => noisy::sgld(group, setting),
            Method::Sghmc | Method::Sgnht | Method::Ccadl => noisy::with_momenta(self, group, setting, burning),
            Method::Hmc => metropolis::hmc(group, setting, step, burning),
            Method::Mala => metropolis::mala(group, setting, step, burning),
            Method::Nuts => nuts::step(group, setting, step, burning),
            Method::Baoab | Method::Obabo | Method::Gla1 | Method::Gla2 | Method::EnsembleQuasiNewton => {
                splitting::step(self.word().unwrap_or_default(), group, setting)
            }
        }
    }
}

crate::options! {
    /// Options of `sample_langevin`.
    pub struct SampleOptions {
        /// How positions move.
        method: Method = Method::Baoab, ANY, "";
        /// T of the density exp(−E/T).
        temperature: f64 = 1.0, POSITIVE, "energy";
        /// Parallel tempering: the ladder of temperatures, lowest first. `walkers` walk at each.
        temperatures: Option<Vec<f64>> = None => "no tempering", POSITIVE, "energy";
        /// Size of a step: a time, or for sgld and mala a time over a friction.
        step_size: Option<f64> = None => "from the largest curvature at the start; hmc, mala and nuts learn it in the burn-in", POSITIVE, "time";
        /// Friction γ; where a thermostat adapts, the one it begins with.
        friction: f64 = 1.0, NOT_NEGATIVE, "1/time";
        /// Steps after the burn-in; trajectories for hmc and nuts.
        steps: usize = 1000, AT_LEAST_ONE, "";
        /// Steps before them that are forgotten.
        burn_in: usize = 0, NOT_NEGATIVE, "";
        /// Every so many steps the position is kept.
        every: usize = 1, AT_LEAST_ONE, "";
        /// Walkers, each on its own way from the start.
        walkers: usize = 1, AT_LEAST_ONE, "";
        /// Steps of a trajectory of hmc.
        leapfrog_steps: usize = 10, AT_LEAST_ONE, "";
        /// Order of hmc's integrator: 2 is leapfrog, 1 symplectic Euler.
        order: usize = 2, AT_LEAST_ONE, "";
        /// Items that each gradient looks at. Energies are then those of the minibatch.
        minibatch: Option<usize> = None => "all items", AT_LEAST_ONE, "";
        /// How minibatches are drawn.
        draw: Draw = Draw::Epoch, ANY, "";
        /// Whether hmc, mala and nuts learn their step size in the burn-in.
        adapt: Option<bool> = None => "where no step_size is given", ANY, "";
        /// Whether hmc, mala and nuts learn a mass for each coordinate in the burn-in; without it all masses are 1.
        adapt_mass: bool = false, ANY, "";
        /// The acceptance to which the step size is learnt.
        target_acceptance: Option<f64> = None => "0.65 for hmc, 0.574 for mala, 0.8 for nuts", FRACTION, "";
        /// Trajectories of nuts have at most 2 to this power steps.
        max_tree_depth: usize = 10, AT_LEAST_ONE, "";
        /// Steps between two attempts to swap temperatures.
        swap_every: usize = 10, AT_LEAST_ONE, "";
        /// η of the preconditioner 1 + η C of ensemble_quasi_newton, C the covariance of the other walkers.
        covariance_blending: f64 = 1.0, NOT_NEGATIVE, "1/length²";
        /// Steps after which that covariance is taken anew.
        covariance_refresh: usize = 100, AT_LEAST_ONE, "";
        /// A .npz file that takes the positions while they are made, instead of the memory.
        save: Option<String> = None => "nowhere", ANY, "";
        /// Decides every random number.
        seed: Option<u64> = None => "that of --seed, or 0", NOT_NEGATIVE, "";
    }
}

impl SampleOptions {
    /// Whether a step size is learnt.
    fn learns_step_size(&self) -> bool {
        self.method.accepts() && self.burn_in > 0 && self.adapt.unwrap_or(self.step_size.is_none())
    }

    fn target(&self) -> f64 {
        self.target_acceptance.unwrap_or(match self.method {
            Method::Mala => 0.574,
            Method::Nuts => 0.8,
            _ => 0.65,
        })
    }

    /// The temperatures of the ladder, or the only one.
    fn ladder(&self) -> Vec<f64> {
        self.temperatures.clone().unwrap_or_else(|| vec![self.temperature])
    }
}

/// Where walkers begin.
pub enum Start<'a> {
    /// All at one position.
    Position(&'a [f64]),
    /// Each at a row, or the rows in turn where there are more walkers.
    Rows(&'a crate::math::Matrix),
}

/// What was kept of a run that the person, the clock or a blow-up ended, and why it ended.
pub struct Stopped {
    pub error: Error,
    pub samples: Samples,
}

/// Samples the density exp(−E/T); a run that is ended before its time gives what was kept.
///
/// Errors: a start that does not fit or has no finite energy, options that contradict each other, a file that cannot be written.
pub fn sample_or_stop(
    run: &Run,
    potential: &Arc<dyn Potential>,
    start: &Start,
    options: &SampleOptions,
) -> Result<std::result::Result<Samples, Box<Stopped>>> {
    check(&**potential, start, options)?;
    let seed = run.seed(options.seed);
    let first = match start {
        Start::Position(x) => x,
        Start::Rows(rows) => rows.row(0),
    };
    let step_size = match options.step_size {
        Some(step_size) => step_size,
        None => natural_step(run, &**potential, first, options)?,
    };
    let setting = Setting::new(run, &**potential, options);
    let temperatures = options.ladder();
    let mut state = State { groups: Vec::new(), ladder: None, done: 0, bound: f64::INFINITY };
    let chains = temperatures.len() * options.walkers;
    // Groups do not straddle the halves of an ensemble.
    let halves = if options.method == Method::EnsembleQuasiNewton { vec![chains / 2, chains] } else { vec![chains] };
    let mut number = 0;
    for end in halves {
        let size = group_size(end - number, potential.family());
        while number < end {
            let count = size.min(end - number);
            let x: Vec<f64> = (number..number + count).flat_map(|chain| begin(start, chain % options.walkers).to_vec()).collect();
            let t: Vec<f64> = (number..number + count).map(|chain| temperatures[chain / options.walkers]).collect();
            state.groups.push(Group::new(&setting, number, &x, &t, seed, step_size));
            number += count;
        }
    }
    if temperatures.len() > 1 {
        state.ladder = Some(Ladder::new(&temperatures, options.walkers, stream(seed, SWAPS)));
    }
    for group in &mut state.groups {
        group.evaluate(&setting)?;
    }
    // Far above what heat explains an energy can only be on its way to infinity.
    let highest = state.groups.iter().flat_map(|group| &group.energies).fold(0.0f64, |high, e| high.max(e.abs()));
    let hottest = temperatures.iter().fold(0.0f64, |high, t| high.max(*t));
    state.bound = 1e3 * highest + 1e8 * hottest * (setting.degrees_of_freedom as f64 + 1.0);
    let recorder = Recorder::new(options, setting.n, chains, options.steps / options.every, None)?;
    go_on(run, potential, options, seed, state, recorder, (options.burn_in + options.steps) as u64)
}

/// As [`sample_or_stop`]; a run that is ended before its time is an error.
pub fn sample(run: &Run, potential: &Arc<dyn Potential>, start: &Start, options: &SampleOptions) -> Result<Samples> {
    sample_or_stop(run, potential, start, options)?.map_err(|stopped| stopped.error)
}

impl Samples {
    /// Goes on for `steps` more steps: what comes back is what one longer run would have given, bit for bit.
    ///
    /// Errors: samples whose end is not known (read from a file of another program, or ended by a blow-up).
    pub fn more(&self, run: &Run, steps: usize) -> Result<std::result::Result<Samples, Box<Stopped>>> {
        let Some(state) = &self.state else {
            return Err(Error::value("more: where these samples ended is not known, so they cannot be continued")
                .hint("begin a new run at the last position: sample_langevin(potential, samples, #{…})"));
        };
        let end = state.done + steps as u64;
        let kept = end.saturating_sub(self.options.burn_in as u64) as usize / self.options.every;
        let chains = self.walkers * (1 + self.hotter.len());
        let recorder = Recorder::new(&self.options, self.dimension, chains, kept, Some(self))?;
        go_on(run, &self.potential, &self.options, self.seed, (**state).clone(), recorder, end)
    }
}

/// The stream of random numbers that decides swaps.
const SWAPS: u64 = 1 << 33;
/// The length of a segment, and the numbers that its rows may hold: what is kept waits in the groups meanwhile.
const SEGMENT: Duration = Duration::from_millis(250);
const WAITING: usize = 1 << 20;

fn begin<'a>(start: &Start<'a>, walker: usize) -> &'a [f64] {
    match start {
        Start::Position(x) => x,
        Start::Rows(rows) => rows.row(walker % rows.rows),
    }
}

/// Walkers to a group. Eight positions share each pass of a surface; where a gradient is long, smaller groups leave something to take for a thread
/// that is done early.
fn group_size(walkers: usize, family: Family) -> usize {
    let parts = if family == Family::Surface { 1 } else { 4 };
    walkers.div_ceil(parts * rayon::current_num_threads()).clamp(1, 8)
}

fn check(potential: &dyn Potential, start: &Start, options: &SampleOptions) -> Result<()> {
    const NAME: &str = "sample_langevin";
    let rows: Vec<&[f64]> = match start {
        Start::Position(x) => vec![x],
        Start::Rows(rows) if rows.rows == 0 => {
            return Err(Error::value(format!("{NAME}: `start` has no rows")).at("start"));
        }
        Start::Rows(rows) => (0..rows.rows).map(|k| rows.row(k)).collect(),
    };
    for x in rows {
        check_position(NAME, "start", potential, x)?;
    }
    if let Some(size) = options.minibatch {
        let Some(some) = potential.minibatch() else {
            return Err(Error::value(format!(
                "{NAME}: option `minibatch` needs a potential that is a mean over items, found one without"
            ))
            .hint("the loss of a network on a dataset is one; leave the option out for other potentials")
            .at("minibatch"));
        };
        if size > some.items() {
            return Err(Error::value(format!(
                "{NAME}: option `minibatch` asks for {size} items, the dataset has {}",
                some.items()
            ))
            .at("minibatch"));
        }
        if options.method.accepts() {
            return Err(Error::value(format!(
                "{NAME}: \"{}\" accepts by the difference of two energies, which minibatches do not tell",
                options.method.name()
            ))
            .hint("leave `minibatch` out, or take a method for noisy gradients: \"sgld\", \"sgnht\", \"ccadl\", \"baoab\"")
            .at("minibatch"));
        }
        if options.method == Method::Ccadl && size < 2 {
            return Err(Error::value(format!("{NAME}: \"ccadl\" needs a minibatch of at least 2 items, found 1")).at("minibatch"));
        }
        if options.temperatures.is_some() {
            return Err(Error::value(format!("{NAME}: swaps of `temperatures` need energies of all items, found `minibatch`"))
                .at("minibatch"));
        }
    }
    if options.order > 2 {
        let found = options.order;
        return Err(Error::value(format!("{NAME}: option `order` must be 1 or 2, found {found}")).at("order"));
    }
    if let Some(ladder) = &options.temperatures
        && (ladder.len() < 2 || ladder.windows(2).any(|two| two[0] >= two[1]))
    {
        let shown: Vec<String> = ladder.iter().take(8).map(|t| t.to_string()).collect();
        return Err(Error::value(format!(
            "{NAME}: option `temperatures` must hold two or more in rising order, found [{}]",
            shown.join(", ")
        ))
        .at("temperatures"));
    }
    if options.temperatures.is_some() && options.save.is_some() {
        return Err(Error::value(format!("{NAME}: option `save` takes samples of one temperature, found `temperatures`"))
            .hint("save each afterwards: samples.rungs[0].save(…)")
            .at("save"));
    }
    if options.method == Method::EnsembleQuasiNewton {
        if options.walkers < 4 || options.temperatures.is_some() {
            let found = if options.temperatures.is_some() { "`temperatures`".into() } else { format!("{}", options.walkers) };
            return Err(Error::value(format!(
                "{NAME}: \"ensemble_quasi_newton\" needs at least 4 walkers at one temperature, found {found}"
            ))
            .hint("the covariance of one half of the walkers guides the other half; a few times the dimension is a good number")
            .at(if options.temperatures.is_some() { "temperatures" } else { "walkers" }));
        }
        let n = potential.dimension();
        if n > 3000 {
            return Err(Error::value(format!(
                "{NAME}: the covariance that \"ensemble_quasi_newton\" works with has {n}² entries, found more than 3000²"
            ))
            .at("method"));
        }
    }
    Ok(())
}

/// A step that suits the largest curvature at `x`: half of 1/ω with momenta (stable below 2/ω), a tenth where the bias is of first order, and a
/// quarter of 1/ω² without momenta.
fn natural_step(run: &Run, potential: &dyn Potential, x: &[f64], options: &SampleOptions) -> Result<f64> {
    let n = x.len();
    let mut gradient = vec![0.0; n];
    now(check_start("sample_langevin", &mut Evaluator::new(run, potential), x, &mut gradient))?;
    let mut stopped = Ok(());
    let mut product = |v: &[f64], out: &mut [f64]| {
        if stopped.is_ok() {
            stopped = run.check();
            potential.hessian_vector(x, v, out);
        }
    };
    let found = lanczos::highest(&mut product, n, 1, 1e-2, None, &[], 30);
    stopped?;
    // Far from any minimum all curvatures may be negative: their size is as good a measure.
    let curvature = found.values.first().copied().unwrap_or(0.0).abs().max(found.largest);
    if !(curvature > 0.0) || !curvature.is_finite() {
        return Err(Error::value(
            "sample_langevin: the potential is flat or not finite around `start`, so no step size follows from it",
        )
        .hint("give #{step_size: …}")
        .at("step_size"));
    }
    Ok(match options.method {
        Method::Sgld | Method::Mala => 0.25 / curvature,
        Method::Sghmc | Method::Sgnht | Method::Ccadl => 0.1 / curvature.sqrt(),
        _ => 0.5 / curvature.sqrt(),
    })
}

/// Makes the steps up to `end`.
fn go_on(
    run: &Run,
    potential: &Arc<dyn Potential>,
    options: &SampleOptions,
    seed: u64,
    mut state: State,
    mut recorder: Recorder,
    end: u64,
) -> Result<std::result::Result<Samples, Box<Stopped>>> {
    let setting = Setting::new(run, &**potential, options);
    let task = run.task("sample_langevin", Some(end - state.done));
    let chains: usize = state.groups.iter().map(|group| group.walkers.len()).sum();
    let burn_in = options.burn_in as u64;
    // Where all walkers must have come before any goes on.
    let meeting = match options.method {
        Method::EnsembleQuasiNewton => Some(options.covariance_refresh as u64),
        _ => state.ladder.as_ref().map(|_| options.swap_every as u64),
    };
    let most = (WAITING / (setting.n * chains)).max(1) as u64 * options.every as u64;
    let mut pace = 1;
    let mut ended: Option<Error> = None;
    while state.done < end && ended.is_none() {
        let done = state.done;
        let mut count = pace.min(end - done).min(most);
        if let Some(meeting) = meeting {
            count = if options.method == Method::EnsembleQuasiNewton { meeting } else { count };
            count = count.min(meeting - done % meeting).min(end - done);
        }
        let before = state.groups.clone();
        let clock = Instant::now();
        let advance = |group: &mut Group| group.advance(&setting, done, count, state.bound).err();
        let ends: Vec<End> = if options.method == Method::EnsembleQuasiNewton {
            let half = state.groups.partition_point(|group| group.first < chains / 2);
            let (one, other) = state.groups.split_at_mut(half);
            let guided = |moving: &mut [Group], still: &[Group]| -> Vec<End> {
                let shared = ensemble::preconditioner(&setting, still);
                moving.iter_mut().for_each(|group| group.preconditioner = shared.clone());
                moving.par_iter_mut().with_max_len(1).filter_map(advance).collect()
            };
            let mut ends = guided(one, other);
            ends.extend(guided(other, one));
            ends
        } else {
            state.groups.par_iter_mut().with_max_len(1).filter_map(advance).collect()
        };
        let mut blown: Option<BlownUp> = None;
        for end in ends {
            match end {
                End::Stopped(error) => ended = Some(error),
                End::BlownUp(new) => {
                    if blown.as_ref().is_none_or(|old| (new.step, new.walker) < (old.step, old.walker)) {
                        blown = Some(new);
                    }
                }
            }
        }
        if ended.is_some() {
            state.groups = before;
            break;
        }
        if let Some(blown) = blown {
            recorder.take(&mut state.groups, blown.step)?;
            let error = blown_up(&blown, &before, options, setting.n);
            let samples = recorder.finish(potential, options, seed, state, false)?;
            return Ok(Err(Box::new(Stopped { error, samples })));
        }
        recorder.take(&mut state.groups, u64::MAX)?;
        state.done += count;
        if let Some(ladder) = &mut state.ladder
            && state.done.is_multiple_of(options.swap_every as u64)
        {
            ladder.swap(&mut state.groups, setting.n, state.done > burn_in);
        }
        let took = clock.elapsed();
        pace = if took < SEGMENT / 2 {
            pace.max(2 * count)
        } else if took > SEGMENT * 2 {
            (pace / 2).max(1)
        } else {
            pace
        };
        ended = task.tick(count, || says(&state, options)).err();
    }
    let samples = recorder.finish(potential, options, seed, state, true)?;
    Ok(match ended {
        Some(error) => Err(Box::new(Stopped { error, samples })),
        None => Ok(samples),
    })
}

/// What there is, for progress.
fn says(state: &State, options: &SampleOptions) -> String {
    if state.done <= options.burn_in as u64 {
        return "burn-in".into();
    }
    let walkers = || state.groups.iter().flat_map(|group| &group.walkers).take(options.walkers);
    let steps = walkers().map(|walker| walker.course.steps).sum::<u64>().max(1) as f64;
    let energy = walkers().map(|walker| walker.course.energy).sum::<f64>() / steps;
    let mut text = format!("mean energy {energy:.6}");
    if options.method.accepts() {
        let acceptance = walkers().map(|walker| walker.course.acceptance).sum::<f64>() / steps;
        text.push_str(&format!(", acceptance {acceptance:.2}"));
    }
    text
}

fn blown_up(blown: &BlownUp, before: &[Group], options: &SampleOptions, n: usize) -> Error {
    let step_size = before[0].walkers[0].tuning.step_size();
    let energy = if blown.energy.is_finite() { format!("{:.3e}", blown.energy) } else { format!("{}", blown.energy) };
    let walker = if options.walkers > 1 { format!(" of walker {}", blown.walker) } else { String::new() };
    let kept = (blown.step - 1).saturating_sub(options.burn_in as u64) / options.every as u64;
    Error::value(format!(
        "sample_langevin: the energy{walker} is {energy} after step {} of size {step_size}: the steps blow up ({n} coordinates)",
        blown.step
    ))
    .hint(format!("try #{{step_size: {}}}; the {kept} rows of each walker before that are kept", short(step_size / 4.0)))
    .at("step_size")
}

/// A number to two digits.
fn short(value: f64) -> f64 {
    let power = 10f64.powf(value.abs().log10().floor() - 1.0);
    (value / power).round() * power
}
