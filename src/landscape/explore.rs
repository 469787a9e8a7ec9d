//! Exploring a landscape until a target: a mixture of searches that learns which kind finds new points.
//!
//! Three kinds: *basin-hopping* moves a known minimum (or a fresh start) and quenches it; *single-ended* displaces a known minimum,
//! climbs to a transition state and follows both sides down; *double-ended* joins two near minima, across components first, by a band
//! whose candidates are refined. Low minima and those searched least come first. Tasks run in rounds of `ROUND`, whatever the number
//! of threads; what they find is accepted, and learnt from, in the order of the tasks, so a seed gives one landscape.
//! A kind is drawn in proportion to the new points it gave for its gradients, newest rounds first, never less than a tenth of the time.
//! Cost: the searches; the rest is a look-up a point. Fails to leave a region that no displacement leaves: `completeness()` then says
//! so only as far as fresh starts reach other regions.
//!
//! References: D. J. Wales, Mol. Phys. 100, 3285 (2002), doi:10.1080/00268970210162691 (discrete path sampling); J. P. K. Doye,
//! D. J. Wales, J. Chem. Phys. 116, 3777 (2002), doi:10.1063/1.1436470 (searches from every minimum).

use super::searches::{Finds, climb, displaced, jiggle, join};
use super::{Completeness, Landscape, Minimum};
use crate::algorithms::basin_hop::settle;
use crate::algorithms::{MinimiseOptions, Termination};
use crate::base::{Error, Kind, Result, Run};
use crate::math::random::{Stream, stream};
use crate::potentials::{Family, Potential};
use rand::RngExt;
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

crate::choices! {
    /// A kind of search.
    pub enum Strategy {
        /// Moves a minimum at random and quenches it.
        BasinHopping = "basin_hopping",
        /// Climbs from a displaced minimum to a transition state.
        SingleEnded = "single_ended",
        /// Joins two minima by a band.
        DoubleEnded = "double_ended",
    }
}

crate::options! {
    /// Options of `explore`: the first target that is reached ends it.
    pub struct ExploreOptions {
        /// Number of searches.
        searches: Option<usize> = None => "100 when no other target is given", NOT_NEGATIVE, "";
        /// Time that it may take.
        seconds: Option<f64> = None => "no limit", NOT_NEGATIVE, "s";
        /// Number of minima known.
        minima: Option<usize> = None => "no limit", AT_LEAST_ONE, "";
        /// Completeness of the minima (Chao1): known minima over their estimated number.
        completeness: Option<f64> = None => "no limit", FRACTION, "";
        /// Which kinds of search take part: "basin_hopping", "single_ended", "double_ended".
        strategies: Vec<String> = Vec::new() => "every one", ANY, "";
        /// RMS gradient of transition states and minima.
        tolerance: f64 = 1e-9, POSITIVE, "energy per length";
        /// Decides every random number.
        seed: Option<u64> = None => "that of --seed, or 0", NOT_NEGATIVE, "";
    }
}

/// Tasks in a round: enough for many threads, few enough that what is learnt is soon used.
const ROUND: usize = 16;
/// Independent finds of minima below which a completeness target is not believed: Chao1 of a handful of draws is 1 by chance.
const BELIEVED: u64 = 50;
/// How often one pair of minima is joined.
const ATTEMPTS: usize = 3;
/// Minima that are looked at for the nearest to be joined with.
const SAMPLE: usize = 24;

/// What one kind of search gave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StrategyReport {
    pub strategy: Strategy,
    pub searches: usize,
    pub new_minima: usize,
    pub new_transition_states: usize,
    /// Gradients.
    pub evaluations: usize,
}

/// What `explore` did.
#[derive(Debug, Clone)]
pub struct ExploreReport {
    pub searches: usize,
    pub new_minima: usize,
    pub new_transition_states: usize,
    /// New transition states whose two sides are copies of one minimum.
    pub new_degenerate: usize,
    /// How often searches (or parts of them) failed, by reason.
    pub failed: BTreeMap<String, usize>,
    /// `searches`, `seconds`, `minima` or `completeness`.
    pub ended_by: &'static str,
    pub seconds: f64,
    pub strategies: Vec<StrategyReport>,
    pub completeness: Completeness,
}

/// One search as it was planned.
struct Task {
    number: u64,
    strategy: Strategy,
    /// Where it begins; none for a fresh start.
    from: Option<Arc<Minimum>>,
    /// Of a double-ended search: the minima among which the nearest is the other end.
    to: Vec<Partner>,
}

/// A minimum that another may be joined with.
struct Partner {
    minimum: Arc<Minimum>,
    /// How often the pair was tried.
    tried: usize,
    /// Whether it lies in another component.
    apart: bool,
}

fn pair(a: usize, b: usize) -> [usize; 2] {
    [a.min(b), a.max(b)]
}

/// Explores until the first target is reached.
///
/// Errors: a landscape without a potential, a looser tolerance than the landscape's, an unknown strategy; a run that is stopped (what
/// was found is kept).
pub fn explore(run: &Run, landscape: &Landscape, options: &ExploreOptions) -> Result<ExploreReport> {
    let began = Instant::now();
    let potential = landscape.needs_potential("explore")?.clone();
    landscape.check_tolerance("explore", options.tolerance)?;
    let strategies = strategies(&options.strategies)?;
    let seed = run.seed(options.seed);
    // Another exploration of the same landscape with the same seed goes on with other numbers.
    let first = (landscape.runs().len() as u64) << 32;
    landscape.record_run("explore", &format!("{options:?}"), seed)?;
    let mut explorer = Explorer::new(landscape, potential, options.tolerance, seed, first, strategies);
    let limited = match options.seconds {
        Some(seconds) => run.until(began + Duration::try_from_secs_f64(seconds).unwrap_or(Duration::from_secs(1 << 40))),
        None => run.clone(),
    };
    let none = options.seconds.is_none() && options.minima.is_none() && options.completeness.is_none();
    let searches = options.searches.unwrap_or(if none { 100 } else { usize::MAX });
    let task = run.task("explore", (searches < usize::MAX).then_some(searches as u64));
    let ended = loop {
        if let Some(reason) = explorer.reached(options, searches) {
            break Ok(reason);
        }
        if limited.stopped() {
            break run.check().map(|()| "seconds");
        }
        let before = explorer.done();
        if let Err(error) = explorer.round(&limited, ROUND.min(searches - before)) {
            break if error.is_stop() { run.check().map(|()| "seconds") } else { Err(error) };
        }
        if let Err(error) = task.tick((explorer.done() - before) as u64, || landscape.says()) {
            break Err(error);
        }
    };
    landscape.flush()?;
    Ok(explorer.report(ended?, began.elapsed().as_secs_f64()))
}

/// The strategies named; every one when none is.
fn strategies(names: &[String]) -> Result<Vec<Strategy>> {
    if names.is_empty() {
        return Ok(Strategy::ALL.to_vec());
    }
    let known = Strategy::ALL.iter().map(|s| s.name());
    names
        .iter()
        .map(|name| {
            Strategy::named(name).ok_or_else(|| {
                let error =
                    Error::new(Kind::Name, format!("explore: option `strategies` cannot hold \"{name}\"")).at("strategies");
                let all = crate::base::names::listed(known.clone());
                match crate::base::nearest(name, known.clone()) {
                    Some(near) => error.hint(format!("did you mean \"{near}\"? It holds {all}")),
                    None => error.hint(format!("it holds {all}")),
                }
            })
        })
        .collect()
}

/// What one strategy has given, with the past fading.
#[derive(Default, Clone, Copy)]
struct Yield {
    searches: usize,
    new_minima: usize,
    new_transition_states: usize,
    evaluations: usize,
    recent_finds: f64,
    recent_cost: f64,
}

struct Explorer<'a> {
    landscape: &'a Landscape,
    potential: Arc<dyn Potential>,
    tolerance: f64,
    seed: u64,
    next: u64,
    strategies: Vec<Strategy>,
    yields: HashMap<Strategy, Yield>,
    /// Searches begun at each minimum, by kind.
    begun: HashMap<(usize, Strategy), usize>,
    joined: HashMap<[usize; 2], usize>,
    failed: BTreeMap<String, usize>,
    new_degenerate: usize,
}

impl<'a> Explorer<'a> {
    fn new(
        landscape: &'a Landscape,
        potential: Arc<dyn Potential>,
        tolerance: f64,
        seed: u64,
        next: u64,
        strategies: Vec<Strategy>,
    ) -> Explorer<'a> {
        Explorer {
            landscape,
            potential,
            tolerance,
            seed,
            next,
            strategies,
            yields: HashMap::new(),
            begun: HashMap::new(),
            joined: HashMap::new(),
            failed: BTreeMap::new(),
            new_degenerate: 0,
        }
    }

    fn done(&self) -> usize {
        self.yields.values().map(|y| y.searches).sum()
    }

    /// The target that is reached, if one is.
    fn reached(&self, options: &ExploreOptions, searches: usize) -> Option<&'static str> {
        let counts = self.landscape.counts();
        if self.done() >= searches {
            return Some("searches");
        }
        if options.minima.is_some_and(|wanted| counts.minima >= wanted) {
            return Some("minima");
        }
        let wanted = options.completeness?;
        let believed = self.landscape.minima_found().iter().sum::<u64>() >= BELIEVED.max(3 * counts.minima as u64 / 2);
        (believed && self.landscape.completeness().fraction >= wanted).then_some("completeness")
    }

    /// Plans, runs and accepts `size` tasks. What was finished before a stop is accepted all the same.
    fn round(&mut self, run: &Run, size: usize) -> Result<()> {
        let minima = self.landscape.minima();
        let components = self.landscape.components();
        let tasks: Vec<Task> = (0..size).map(|_| self.plan(&minima, &components)).collect();
        let finds: Vec<Result<Finds>> = tasks.par_iter().map(|task| self.search(run, task)).collect();
        self.yields.values_mut().for_each(|y| {
            y.recent_finds *= 0.9;
            y.recent_cost *= 0.9;
        });
        let mut stopped = None;
        for (task, finds) in tasks.iter().zip(finds) {
            match finds {
                Ok(finds) => self.accept(task, finds)?,
                Err(error) => stopped = Some(error),
            }
        }
        stopped.map_or(Ok(()), Err)
    }

    /// The next task: its kind by yield, its ends by energy and by how often they were searched.
    fn plan(&mut self, minima: &[Arc<Minimum>], components: &[usize]) -> Task {
        let number = self.next;
        self.next += 1;
        // Streams of planning and of searching lie apart.
        let mut random = stream(self.seed ^ 0x706C_616E, number);
        let mut strategy = self.draw(&mut random);
        let none = Task { number, strategy: Strategy::BasinHopping, from: None, to: Vec::new() };
        if minima.is_empty() || (strategy == Strategy::BasinHopping && random.random::<f64>() < 0.25) {
            return none;
        }
        let mut to = Vec::new();
        let mut from = self.least_searched(minima, strategy, &mut random);
        if strategy == Strategy::DoubleEnded {
            to = self.partners(&from, minima, components, &mut random);
            if to.is_empty() && !self.strategies.contains(&Strategy::SingleEnded) {
                return none;
            }
            if to.is_empty() {
                strategy = Strategy::SingleEnded;
                from = self.least_searched(minima, strategy, &mut random);
            }
        }
        *self.begun.entry((from.id, strategy)).or_insert(0) += 1;
        Task { number, strategy, from: Some(from), to }
    }

    fn draw(&self, random: &mut Stream) -> Strategy {
        let rate = |strategy: &Strategy| {
            let y = self.yields.get(strategy).copied().unwrap_or_default();
            // One find in advance for a typical search: nothing is judged by its first failure.
            (y.recent_finds + 1.0) / (y.recent_cost + 2000.0)
        };
        let total: f64 = self.strategies.iter().map(rate).sum();
        let floor = 0.1;
        let spread = 1.0 - floor * self.strategies.len() as f64;
        let mut left = random.random::<f64>();
        for strategy in &self.strategies {
            left -= floor + spread * rate(strategy) / total;
            if left <= 0.0 {
                return *strategy;
            }
        }
        self.strategies[self.strategies.len() - 1]
    }

    /// The minimum to begin at: those of low energy first, each the more searched the later again.
    fn least_searched(&self, minima: &[Arc<Minimum>], strategy: Strategy, random: &mut Stream) -> Arc<Minimum> {
        let mut best = (f64::INFINITY, 0);
        for (rank, minimum) in minima.iter().enumerate() {
            let height = 3.0 * (1.0 + rank as f64).ln();
            if height > best.0 {
                // All that follow lie higher still.
                break;
            }
            let key = self.begun.get(&(minimum.id, strategy)).copied().unwrap_or(0) as f64 + height + random.random::<f64>();
            if key < best.0 {
                best = (key, rank);
            }
        }
        minima[best.1].clone()
    }

    /// A sample of minima that `from` may still be joined with: all of a small landscape.
    fn partners(&self, from: &Arc<Minimum>, minima: &[Arc<Minimum>], components: &[usize], random: &mut Stream) -> Vec<Partner> {
        let sample = SAMPLE.min(minima.len());
        let mut partners = Vec::with_capacity(sample);
        for k in 0..sample {
            let other = if minima.len() <= SAMPLE { &minima[k] } else { &minima[random.random_range(0..minima.len())] };
            let tried = self.joined.get(&pair(from.id, other.id)).copied().unwrap_or(0);
            if other.id != from.id && tried < ATTEMPTS {
                let apart = components[from.id - 1] != components[other.id - 1];
                partners.push(Partner { minimum: other.clone(), tried, apart });
            }
        }
        partners
    }

    fn search(&self, run: &Run, task: &Task) -> Result<Finds> {
        run.check()?;
        let mut random = stream(self.seed, task.number);
        let potential = self.potential.as_ref();
        match (&task.from, task.from.as_deref().and_then(|from| self.nearest(from, &task.to))) {
            (Some(from), Some(to)) => {
                let ends = [&from.position[..], &to.minimum.position[..]];
                let finds = join(run, potential, ends, to.tried, self.tolerance)?;
                Ok(Finds { joined: Some(pair(from.id, to.minimum.id)), ..finds })
            }
            (Some(from), None) if task.strategy == Strategy::SingleEnded => {
                let start = displaced(run, potential, &from.position, &mut random)?;
                let mut finds = Finds::default();
                climb(run, potential, &start, self.tolerance, &mut finds)?;
                Ok(finds)
            }
            (from, _) => self.hop(run, from.as_deref(), &mut random),
        }
    }

    /// The nearest partner; one in another component counts as half as far, one that was tried as farther.
    fn nearest<'t>(&self, from: &Minimum, partners: &'t [Partner]) -> Option<&'t Partner> {
        let symmetry = self.potential.symmetry();
        let weight = |p: &Partner| {
            let distance = symmetry.distance(&from.position, &p.minimum.position);
            distance * (1.0 + p.tried as f64) * if p.apart { 0.5 } else { 1.0 }
        };
        let weighed = partners.iter().map(|p| (weight(p), p));
        weighed.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, p)| p)
    }

    /// A quench from a moved minimum or a fresh start.
    fn hop(&self, run: &Run, from: Option<&Minimum>, random: &mut Stream) -> Result<Finds> {
        let potential = self.potential.as_ref();
        let start = match from {
            None => potential.random(random.random(), 1.0),
            Some(from) => {
                let step = match potential.family() {
                    Family::Network => 1.0,
                    Family::Cluster => 0.36,
                    Family::Surface => 0.5,
                };
                let mut x = from.position.to_vec();
                jiggle(potential, &mut x, step, random);
                x
            }
        };
        let mut finds = Finds::default();
        let options = MinimiseOptions { tolerance: self.tolerance, ..Default::default() };
        match settle(run, potential, &start, &options, &mut 0) {
            Ok(found) => {
                finds.evaluations += found.evaluations;
                match found.termination {
                    Termination::Converged if found.point.curvature.index == 0 => finds.minima.push(found.point),
                    Termination::Converged => finds.failed.push(format!("quench: index {}", found.point.curvature.index)),
                    other => finds.failed.push(format!("quench: {}", other.name())),
                }
            }
            Err(error) if error.is_stop() => return Err(error),
            Err(_) => finds.failed.push("quench: start not finite".into()),
        }
        Ok(finds)
    }

    /// Adds what a task found, in order, and learns from it.
    fn accept(&mut self, task: &Task, finds: Finds) -> Result<()> {
        let from = task.from.as_ref().map(|m| m.id);
        let to = finds.joined.and_then(|ends| ends.into_iter().find(|&end| Some(end) != from));
        if let Some(ends) = finds.joined {
            *self.joined.entry(ends).or_insert(0) += 1;
        }
        let mut new = (0, 0);
        let mut joins = 0;
        let components = self.landscape.counts().components;
        for minimum in &finds.minima {
            if self.landscape.check_point(minimum, 0).is_err() {
                *self.failed.entry("quench: refused by the landscape".into()).or_insert(0) += 1;
                continue;
            }
            let added = self.landscape.add_minimum(minimum)?;
            new.0 += usize::from(added.new);
            if !added.new && Some(added.id) != from {
                self.landscape.count_found(added.id)?;
            }
        }
        for found in &finds.connections {
            if self.landscape.check_connection(&found.transition_state, &found.minus, &found.plus).is_err() {
                *self.failed.entry("transition state: not above both its minima".into()).or_insert(0) += 1;
                continue;
            }
            let added = self.landscape.add_transition_state(&found.transition_state, &found.minus, &found.plus)?;
            let both = [added.minus, added.plus];
            for (k, side) in both.iter().enumerate() {
                new.0 += usize::from(side.new);
                // Two sides in one minimum are one find of it.
                let again = k == 1 && side.id == both[0].id;
                if !side.new && !again && Some(side.id) != to && Some(side.id) != from {
                    self.landscape.count_found(side.id)?;
                }
            }
            new.1 += usize::from(added.transition_state.new);
            self.new_degenerate += usize::from(added.transition_state.new && added.minus.id == added.plus.id);
        }
        let after = self.landscape.counts().components;
        // New minima come in components of their own: what counts is how many were joined beyond that.
        joins += (components + new.0).saturating_sub(after);
        for reason in finds.failed {
            *self.failed.entry(reason).or_insert(0) += 1;
        }
        let y = self.yields.entry(task.strategy).or_default();
        y.searches += 1;
        y.new_minima += new.0;
        y.new_transition_states += new.1;
        y.evaluations += finds.evaluations;
        y.recent_finds += (new.0 + new.1 + joins) as f64;
        y.recent_cost += finds.evaluations as f64;
        Ok(())
    }

    fn report(self, ended_by: &'static str, seconds: f64) -> ExploreReport {
        let strategies: Vec<StrategyReport> = self
            .strategies
            .iter()
            .map(|&strategy| {
                let y = self.yields.get(&strategy).copied().unwrap_or_default();
                StrategyReport {
                    strategy,
                    searches: y.searches,
                    new_minima: y.new_minima,
                    new_transition_states: y.new_transition_states,
                    evaluations: y.evaluations,
                }
            })
            .collect();
        ExploreReport {
            searches: self.done(),
            new_minima: self.yields.values().map(|y| y.new_minima).sum(),
            new_transition_states: self.yields.values().map(|y| y.new_transition_states).sum(),
            new_degenerate: self.new_degenerate,
            failed: self.failed,
            ended_by,
            seconds,
            strategies,
            completeness: self.landscape.completeness(),
        }
    }
}
