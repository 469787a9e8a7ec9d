//! Exploring a landscape until a target: a mixture of searches that learns which kind finds new points.
//!
//! Ways of searching: a *quench* from a fresh start or from a moved minimum (basin-hopping); a *single-ended* search that displaces a
//! minimum along a soft mode, in all coordinates, in one atom or in whole hidden nodes, climbs to a transition state and follows both sides
//! down; a *double-ended* one that joins two near minima, or a minimum outside the largest component with one in it, by a band whose candidates
//! are refined. Which way is drawn follows from what each gave for its cost (`yields`); it begins at the minima in turn, more often at those
//! where more is left to find (`plan`). A transition state that is known is not followed down again: that halves the cost of finding one twice.
//! A climb is given up where it falls to energies at which all is known (`floor`).
//!
//! Searches run beside each other in a window: search n + w is planned once the searches up to n have been accepted, in order, whatever
//! the number of threads; w grows from `FIRST_WINDOW` to `WINDOW`. A search knows the landscape as it was when it was planned. So a seed
//! gives one landscape, and no thread waits for another as long as no search takes as long as a whole window.
//! Cost: the searches; the rest is O(log N) a search among N minima, after one pass over them in the beginning. Fails to leave a region that no
//! displacement leaves: `completeness()` then says so only as far as fresh starts reach other regions.
//!
//! References: D. J. Wales, Mol. Phys. 100, 3285 (2002), doi:10.1080/00268970210162691 (discrete path sampling); J. P. K. Doye,
//! D. J. Wales, J. Chem. Phys. 116, 3777 (2002), doi:10.1063/1.1436470 (searches from every minimum).

mod floor;
mod plan;
mod report;
mod yields;

pub use report::{ExploreReport, StrategyReport};

use super::displacement::Displacement;
use super::searches::{Explored, Finds, Searcher};
use super::{Added, Landscape, Minimum};
use crate::base::tasks::receive;
use crate::base::{Error, Kind, Result, Run, Task as Progress};
use crate::math::random::{Stream, stream};
use crate::potentials::{Family, Potential};
use floor::{FREE, Floor};
use plan::{Partner, Planner, nearest};
use rand::RngExt;
use report::{Gain, Tally};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;
use yields::Yields;

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

/// Searches that are under way before the first one has been accepted, and at most: few enough that what is learnt is soon used, enough
/// for many threads.
const FIRST_WINDOW: usize = 8;
const WINDOW: usize = 128;
/// Independent finds of minima below which a completeness target is not believed: Chao1 of a handful of draws is 1 by chance.
const BELIEVED: u64 = 50;

/// Searches that may be under way when `accepted` have been accepted.
fn window(accepted: usize) -> usize {
    (FIRST_WINDOW + accepted / 8).min(WINDOW)
}

/// One way of searching: finer than a strategy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// A quench from a fresh start.
    Fresh,
    /// A quench from a moved minimum.
    Hop,
    /// A climb from a displaced minimum.
    Climb(Displacement),
    /// A band between near minima.
    Near,
    /// A band from a minimum outside the largest component into it.
    Across,
}

impl Way {
    fn strategy(self) -> Strategy {
        match self {
            Way::Fresh | Way::Hop => Strategy::BasinHopping,
            Way::Climb(_) => Strategy::SingleEnded,
            Way::Near | Way::Across => Strategy::DoubleEnded,
        }
    }

    /// The ways of these strategies that suit the potential.
    fn of(strategies: &[Strategy], potential: &dyn Potential) -> Vec<Way> {
        let mut ways = vec![Way::Fresh, Way::Hop];
        ways.extend(Displacement::of(potential).into_iter().map(Way::Climb));
        ways.extend([Way::Near, Way::Across]);
        ways.retain(|way| strategies.contains(&way.strategy()));
        ways
    }
}

/// One search as it was planned.
struct Task {
    number: u64,
    way: Way,
    /// Where it begins; none for a fresh start.
    from: Option<Arc<Minimum>>,
    /// Of a double-ended search the minima among which the nearest is the other end; of a graft the one that nodes are taken from.
    to: Vec<Partner>,
    explored: Explored,
    /// Where the floor of climbs lay; `explored` has it where this one is held to it.
    floor: Option<f64>,
}

/// A search that has come back.
struct Done {
    task: Task,
    finds: Result<Finds>,
    seconds: f64,
}

/// What a thread sends: a search that has come back, or with what it panicked.
type Returned = std::thread::Result<Done>;

/// Explores until the first target is reached.
///
/// Errors: a landscape without a potential, a looser tolerance than the landscape's, an unknown strategy; a run that is stopped (what
/// was found is kept).
pub fn explore(run: &Run, landscape: &Landscape, options: &ExploreOptions) -> Result<ExploreReport> {
    let began = Instant::now();
    let limited = run.within(options.seconds);
    let potential = landscape.needs_potential("explore")?.clone();
    landscape.check_tolerance("explore", options.tolerance)?;
    let strategies = strategies(&options.strategies)?;
    let seed = run.seed(options.seed);
    // Another exploration of the same landscape with the same seed goes on with other numbers.
    let first = (landscape.runs().len() as u64) << 32;
    landscape.record_run("explore", &format!("{options:?}"), seed)?;
    let searcher = Searcher { landscape, potential: potential.as_ref(), tolerance: options.tolerance };
    let ways = Way::of(&strategies, potential.as_ref());
    let mut explorer = Explorer {
        landscape,
        planner: Planner::new(landscape),
        seed,
        next: first,
        yields: Yields::new(ways.len()),
        ways,
        floor: (potential.family() == Family::Network).then(Floor::default),
        tally: Tally::new(&strategies),
    };
    let none = options.seconds.is_none() && options.minima.is_none() && options.completeness.is_none();
    let searches = options.searches.unwrap_or(if none { 100 } else { usize::MAX });
    let ended = explorer.drive(run, &limited, &searcher, options, searches);
    landscape.flush()?;
    Ok(explorer.tally.report(landscape, ended?, began.elapsed().as_secs_f64()))
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

struct Explorer<'a> {
    landscape: &'a Landscape,
    planner: Planner<'a>,
    seed: u64,
    next: u64,
    ways: Vec<Way>,
    /// What each of them gave.
    yields: Yields,
    /// Of networks.
    floor: Option<Floor>,
    tally: Tally,
}

impl Explorer<'_> {
    /// Plans, runs and accepts searches until the first target is reached; says which.
    fn drive(
        &mut self,
        run: &Run,
        limited: &Run,
        searcher: &Searcher,
        options: &ExploreOptions,
        searches: usize,
    ) -> Result<&'static str> {
        let progress = run.task("explore", (searches < usize::MAX).then_some(searches as u64));
        let (seed, over) = (self.seed, AtomicBool::new(false));
        let (sender, results) = channel();
        rayon::in_place_scope_fifo(|scope| {
            let begin = |task: Task| {
                let (sender, over) = (sender.clone(), &over);
                scope.spawn_fifo(move |_| {
                    // Nobody waits for it any more where the target has been reached.
                    if !over.load(Ordering::Relaxed) {
                        drop(sender.send(catch_unwind(AssertUnwindSafe(|| search(limited, searcher, seed, task)))));
                    }
                });
            };
            let ended = self.manage(limited, options, searches, &progress, &begin, &results);
            over.store(true, Ordering::Relaxed);
            // That the option `seconds` ended it is a target; that the person did is not.
            ended.and_then(|reason| match reason {
                Some(reason) => Ok(reason),
                None => run.check().map(|()| "seconds"),
            })
        })
    }

    /// Begins searches and accepts what they found, in order; the target that was reached, or none where the run was stopped.
    fn manage(
        &mut self,
        limited: &Run,
        options: &ExploreOptions,
        searches: usize,
        progress: &Progress,
        begin: &dyn Fn(Task),
        results: &Receiver<Returned>,
    ) -> Result<Option<&'static str>> {
        let (mut planned, mut accepted) = (0, 0);
        let mut expected = self.next;
        // What came back before those ahead of it.
        let mut early: BTreeMap<u64, Done> = BTreeMap::new();
        let mut stopped = false;
        loop {
            if let Some(reason) = self.reached(options, accepted, searches) {
                return Ok(Some(reason));
            }
            stopped |= limited.stopped();
            while !stopped && planned < searches.min(accepted + window(accepted)) {
                begin(self.plan());
                planned += 1;
            }
            if planned == accepted {
                return Ok(None);
            }
            while !early.contains_key(&expected) {
                let done = receive(results).unwrap_or_else(|panic| resume_unwind(panic));
                early.insert(done.task.number, done);
            }
            let Some(done) = early.remove(&expected) else { continue };
            expected += 1;
            accepted += 1;
            match done.finds {
                Ok(finds) => self.accept(&done.task, finds, done.seconds)?,
                Err(error) if error.is_stop() => stopped = true,
                Err(error) => return Err(error),
            }
            stopped |= progress.tick(1, || self.landscape.says()).is_err();
        }
    }

    /// The target that is reached, if one is.
    fn reached(&self, options: &ExploreOptions, accepted: usize, searches: usize) -> Option<&'static str> {
        if accepted >= searches {
            return Some("searches");
        }
        let minima = self.planner.minima();
        if options.minima.is_some_and(|wanted| minima >= wanted) {
            return Some("minima");
        }
        let wanted = options.completeness?;
        let believed = self.landscape.times_found() >= BELIEVED.max(3 * minima as u64 / 2);
        (believed && self.landscape.completeness().fraction >= wanted).then_some("completeness")
    }

    /// The next search: its way by what the ways gave, its ends by what the minima gave.
    fn plan(&mut self) -> Task {
        let number = self.next;
        self.next += 1;
        // Streams of planning and of searching lie apart.
        let mut random = stream(self.seed ^ 0x706C_616E, number);
        let mut explored = Explored { known: self.landscape.counts().transition_states, floor: None };
        let floor = self.floor.as_ref().and_then(Floor::energy);
        let mut left: Vec<usize> = (0..self.ways.len()).collect();
        while !left.is_empty() {
            let k = draw(&self.yields.chances(&left), &mut random);
            let way = self.ways[left[k]];
            if let Some((from, to)) = self.planner.ends(way, &mut random) {
                if matches!(way, Way::Climb(_)) && random.random_range(0..FREE) > 0 {
                    explored.floor = floor;
                }
                return Task { number, way, from, to, explored, floor };
            }
            left.remove(k);
        }
        // Where there is no minimum yet every strategy has to make one.
        Task { number, way: Way::Fresh, from: None, to: Vec::new(), explored, floor }
    }

    /// Adds what a search found and learns from it.
    fn accept(&mut self, task: &Task, finds: Finds, seconds: f64) -> Result<()> {
        let landscape = self.landscape;
        let components = landscape.counts().components;
        let mut gain = Gain { seconds, evaluations: finds.evaluations, failed: finds.nothing(), ..Gain::default() };
        self.tally.count_failures(&finds.failed);
        // Every minimum that the search came to, and whether it is new.
        let mut met: BTreeMap<usize, bool> = BTreeMap::new();
        for minimum in &finds.minima {
            if landscape.check_point(minimum, 0).is_err() {
                self.tally.count_failures(&["quench: refused by the landscape".into()]);
                continue;
            }
            let added = landscape.add_minimum(minimum)?;
            *met.entry(added.id).or_default() |= added.new;
        }
        for found in &finds.connections {
            if landscape.check_connection(&found.transition_state, &found.minus, &found.plus).is_err() {
                self.tally.count_failures(&["transition state: not above both its minima".into()]);
                continue;
            }
            let added = landscape.add_transition_state(&found.transition_state, &found.minus, &found.plus)?;
            self.planner.came_to(added.transition_state, task.from.as_deref());
            for side in [added.minus, added.plus] {
                *met.entry(side.id).or_default() |= side.new;
            }
            if added.transition_state.new {
                gain.transition_states += 1;
                gain.degenerate += usize::from(added.minus.id == added.plus.id);
                gain.twins += usize::from(landscape.transition_state_has_twin(added.transition_state.id));
            }
        }
        for &id in &finds.known {
            self.planner.came_to(Added { id, new: false }, None);
            for side in landscape.count_transition_state(id)? {
                met.entry(side).or_default();
            }
        }
        for (&id, &new) in &met {
            if new {
                self.planner.add(&*landscape.minimum(id)?);
                gain.minima += 1;
                gain.twins += usize::from(landscape.minimum_has_twin(id));
            } else if task.from.as_ref().is_none_or(|from| from.id != id) && !finds.joined.is_some_and(|ends| ends.contains(&id))
            {
                // Coming back to where it began is no find.
                landscape.count_found(id)?;
            }
        }
        let joins = components.saturating_sub(landscape.counts().components);
        let found = gain.minima + gain.transition_states;
        let touched: Vec<usize> = met.into_keys().collect();
        self.planner.learn(finds.joined, &touched);
        if let Some(k) = self.ways.iter().position(|way| *way == task.way) {
            self.yields.learn(k, (found + joins) as f64, finds.evaluations as f64);
        }
        if let (Way::Climb(_), Some(floor), Some(lowest)) = (task.way, &mut self.floor, finds.lowest) {
            floor.learn(task.floor, task.explored.floor.is_none(), lowest, found as f64, finds.evaluations as f64);
        }
        self.tally.add(task.way.strategy(), gain);
        Ok(())
    }
}

/// Where a random number falls among chances that sum to 1.
fn draw(chances: &[f64], random: &mut Stream) -> usize {
    let mut left = random.random::<f64>();
    for (k, chance) in chances.iter().enumerate() {
        left -= chance;
        if left <= 0.0 {
            return k;
        }
    }
    chances.len() - 1
}

/// Runs one search. Failing is a find; only a stop is an error.
fn search(run: &Run, searcher: &Searcher, seed: u64, task: Task) -> Done {
    let began = Instant::now();
    let mut random = stream(seed, task.number);
    let mut find = || -> Result<Finds> {
        run.check()?;
        let symmetry = searcher.potential.symmetry();
        match (task.way, task.from.as_deref()) {
            (Way::Climb(displacement), Some(from)) => {
                let donor = task.to.first().map(|donor| &*donor.minimum);
                searcher.climb_from(run, from, displacement, donor, task.explored, &mut random)
            }
            (Way::Near | Way::Across, Some(from)) => match nearest(symmetry, from, &task.to) {
                Some(to) => searcher.join(run, [from, &to.minimum], to.tried, task.explored),
                None => Ok(Finds::default()),
            },
            (_, from) => searcher.quench(run, from, &mut random),
        }
    };
    let finds = find();
    Done { task, finds, seconds: began.elapsed().as_secs_f64() }
}
