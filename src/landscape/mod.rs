//! Landscapes: the minima and transition states of one potential, in memory or in a file, and what is computed from them.
//!
//! A [`Landscape`] is the only way to make a minimum or transition state; it says whether it knew the point already.
//! Never draws (that is `figures`) and never sees a script. SQLite is known to `store` only.

pub mod basin_hop;
mod completeness;
pub mod connect;
mod displacement;
pub mod explore;
pub mod formats;
mod known;
mod merge;
mod path;
mod points;
mod searches;
mod store;
pub mod tree;
mod verify;

pub use basin_hop::basin_hop;
pub use completeness::Completeness;
pub use connect::{ConnectOptions, connect};
pub use explore::{ExploreOptions, ExploreReport, Strategy, StrategyReport, explore};
pub use path::LowestPath;
pub use points::{Added, AddedConnection, Counts, ForeignRecord, Minimum, TransitionState};
pub use store::RunRecord;
pub use tree::{MergeTree, TreeOptions};
pub use verify::{Failure, Verification};

use crate::algorithms::StationaryPoint;
use crate::base::{Error, Kind, Result};
use crate::math::graph::DisjointSets;
use crate::potentials::{Identity, NoSymmetry, Potential, Symmetry};
use points::EnergyIndex;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};
use store::Store;

crate::options! {
    /// Options of `landscape`.
    pub struct LandscapeOptions {
        /// Largest RMS gradient of a point that may be added.
        tolerance: Option<f64> = None => "1e-9, or what the file says", POSITIVE, "energy per length";
        /// Points whose energies differ by more are two.
        same_energy: Option<f64> = None => "1e-8, or what the file says", NOT_NEGATIVE, "energy";
        /// Points whose distance after alignment is larger are two.
        same_distance: Option<f64> = None => "1e-3, or what the file says", NOT_NEGATIVE, "length";
    }
}

/// When two points are one, and when a point has converged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerances {
    /// Largest RMS gradient, energy per length.
    pub tolerance: f64,
    /// Largest difference of the energies of one point.
    pub same_energy: f64,
    /// Largest distance after alignment of one point.
    pub same_distance: f64,
}

impl Default for Tolerances {
    fn default() -> Tolerances {
        Tolerances { tolerance: 1e-9, same_energy: 1e-8, same_distance: 1e-3 }
    }
}

/// The stationary points found on one potential. Clones are cheap and share the points.
#[derive(Clone)]
pub struct Landscape {
    inner: Arc<Inner>,
}

struct Inner {
    /// `None` for a database of another program of which only the points are known.
    potential: Option<Arc<dyn Potential>>,
    dimension: usize,
    tolerances: Tolerances,
    state: RwLock<State>,
    store: Option<Store>,
}

/// What a landscape holds. Point number k has the id k + 1.
#[derive(Default)]
struct State {
    minima: Vec<Arc<Minimum>>,
    transition_states: Vec<Arc<TransitionState>>,
    /// How many independent searches found each minimum.
    minima_found: Vec<u64>,
    /// The same in short.
    tally: completeness::Tally,
    /// How many independent searches found each transition state.
    transition_states_found: Vec<u64>,
    minima_by_energy: EnergyIndex,
    transition_states_by_energy: EnergyIndex,
    components: DisjointSets,
    /// Named real fields of the minima; `None` where a minimum came later than its field.
    fields: BTreeMap<String, Vec<Option<f64>>>,
    /// What was searched for with which options: the oldest first.
    runs: Vec<RunRecord>,
    /// Files of another program's database that are kept as they are.
    foreign_files: Vec<(String, Vec<u8>)>,
}

impl State {
    fn push_minimum(&mut self, minimum: Minimum, found: u64) {
        self.minima_by_energy.insert(minimum.energy, minimum.id);
        self.components.push();
        self.tally.change(None, found);
        self.minima_found.push(found);
        self.minima.push(Arc::new(minimum));
    }

    fn push_transition_state(&mut self, point: TransitionState, found: u64) {
        self.transition_states_by_energy.insert(point.energy, point.id);
        self.components.join(point.minima[0] - 1, point.minima[1] - 1);
        self.transition_states_found.push(found);
        self.transition_states.push(Arc::new(point));
    }
}

impl Landscape {
    /// An empty landscape in memory.
    pub fn new(potential: Arc<dyn Potential>, options: &LandscapeOptions) -> Landscape {
        let dimension = potential.dimension();
        Landscape::from_parts(Some(potential), dimension, options.over(Tolerances::default()), State::default(), None)
    }

    /// Opens the landscape in the file `path`, or creates it there.
    ///
    /// Errors: a file that is no landscape, is newer than this program, is in use, or belongs to another potential.
    pub fn open(potential: Arc<dyn Potential>, path: &Path, options: &LandscapeOptions) -> Result<Landscape> {
        let (store, loaded) = Store::open(path, &potential.identity(), potential.dimension(), options)?;
        let mut state = State { runs: loaded.runs, fields: loaded.fields, ..State::default() };
        for (minimum, found) in loaded.minima {
            state.push_minimum(minimum, found);
        }
        for (point, found) in loaded.transition_states {
            state.push_transition_state(point, found);
        }
        let dimension = potential.dimension();
        Ok(Landscape::from_parts(Some(potential), dimension, loaded.tolerances, state, Some(store)))
    }

    fn from_parts(
        potential: Option<Arc<dyn Potential>>,
        dimension: usize,
        tolerances: Tolerances,
        state: State,
        store: Option<Store>,
    ) -> Landscape {
        Landscape { inner: Arc::new(Inner { potential, dimension, tolerances, state: RwLock::new(state), store }) }
    }

    // A lock is only poisoned by a panic elsewhere; the points are valid after every single change, so they are still good.
    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.inner.state.read().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.inner.state.write().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The potential, where it is known.
    pub fn potential(&self) -> Option<&Arc<dyn Potential>> {
        self.inner.potential.as_ref()
    }

    /// The potential, or an error that begins with `function`: databases of other programs come without one.
    pub fn needs_potential(&self, function: &str) -> Result<&Arc<dyn Potential>> {
        self.potential().ok_or_else(|| {
            Error::new(
                Kind::Landscape,
                format!("{function}: this landscape has no potential, only points that another program wrote"),
            )
            .at("landscape")
            .hint("give the loader the option `potential`")
        })
    }

    /// What the potential is, where it is known.
    pub fn identity(&self) -> Option<Identity> {
        self.potential().map(|p| p.identity())
    }

    /// Number of coordinates of a point.
    pub fn dimension(&self) -> usize {
        self.inner.dimension
    }

    pub fn tolerances(&self) -> Tolerances {
        self.inner.tolerances
    }

    /// The file that the landscape lives in, if any.
    pub fn path(&self) -> Option<&Path> {
        self.inner.store.as_ref().map(Store::path)
    }

    /// Which positions are one point.
    pub fn symmetry(&self) -> &dyn Symmetry {
        match &self.inner.potential {
            Some(potential) => potential.symmetry(),
            None => &NoSymmetry,
        }
    }

    /// Refuses a search whose tolerance is looser than the landscape's: its points could not be added.
    pub fn check_tolerance(&self, function: &str, tolerance: f64) -> Result<()> {
        let own = self.inner.tolerances.tolerance;
        if tolerance <= own {
            return Ok(());
        }
        Err(Error::new(
            Kind::Landscape,
            format!("{function}: the tolerance {tolerance:e} is looser than the landscape's, {own:e}"),
        )
        .at("tolerance")
        .hint(format!("search with a tolerance of at most {own:e}, or make the landscape with a looser one")))
    }

    /// Adds a minimum; one that is known (same energy, same position up to symmetry) changes nothing.
    ///
    /// Errors ([`Kind::Landscape`]): not converged, another index, fallen apart; or the file cannot be written.
    pub fn add_minimum(&self, point: &StationaryPoint) -> Result<Added> {
        self.check_point(point, 0)?;
        self.begin_writing()?;
        self.insert_minimum(&mut self.state_mut(), point)
    }

    /// Adds a transition state and the minima on both its sides. A known one gives its id; its sides are added all the same.
    ///
    /// Errors ([`Kind::Landscape`]): a point that is not converged or of another index, a transition state that does not lie above
    /// both its sides; or the file cannot be written. Nothing is added then.
    pub fn add_transition_state(
        &self,
        point: &StationaryPoint,
        minus: &StationaryPoint,
        plus: &StationaryPoint,
    ) -> Result<AddedConnection> {
        self.check_connection(point, minus, plus)?;
        self.begin_writing()?;
        let mut state = self.state_mut();
        let minus = self.insert_minimum(&mut state, minus)?;
        let plus = self.insert_minimum(&mut state, plus)?;
        let transition_state = self.insert_transition_state(&mut state, point, [minus.id, plus.id]);
        Ok(AddedConnection { transition_state, minus, plus })
    }

    /// The look-up by energy and position decides alone: one saddle may be followed into other basins by other searches.
    fn insert_transition_state(&self, state: &mut State, point: &StationaryPoint, minima: [usize; 2]) -> Added {
        if let Some(id) = self.find_transition_state(state, point, usize::MAX) {
            self.one_more_transition_state(state, id);
            return Added { id, new: false };
        }
        let id = state.transition_states.len() + 1;
        state.push_transition_state(TransitionState::new(id, point, minima), 1);
        if let Some(store) = &self.inner.store {
            store.add_transition_state(state.transition_states[id - 1].clone());
        }
        Added { id, new: true }
    }

    fn one_more_transition_state(&self, state: &mut State, id: usize) {
        state.transition_states_found[id - 1] += 1;
        if let Some(store) = &self.inner.store {
            store.transition_state_found(id, state.transition_states_found[id - 1]);
        }
    }

    fn insert_minimum(&self, state: &mut State, point: &StationaryPoint) -> Result<Added> {
        let known = self.find_minimum(state, point);
        if let Some(id) = known {
            return Ok(Added { id, new: false });
        }
        let id = state.minima.len() + 1;
        state.push_minimum(Minimum::new(id, point), 1);
        if let Some(store) = &self.inner.store {
            store.add_minimum(state.minima[id - 1].clone());
        }
        Ok(Added { id, new: true })
    }

    /// Counts that one more search has found the transition state `id`; gives the minima on both its sides.
    fn count_transition_state(&self, id: usize) -> Result<[usize; 2]> {
        self.begin_writing()?;
        let minima = self.transition_state(id)?.minima;
        self.one_more_transition_state(&mut self.state_mut(), id);
        Ok(minima)
    }

    /// Counts that one more independent search has found the minimum `id`: what the completeness estimate rests on.
    /// Repeats along one chain are no independent searches.
    pub fn count_found(&self, id: usize) -> Result<()> {
        self.begin_writing()?;
        let mut state = self.state_mut();
        let Some(found) = state.minima_found.get_mut(id.wrapping_sub(1)) else {
            drop(state);
            return Err(self.no_such("count_found", "minimum", id));
        };
        *found += 1;
        let times = *found;
        state.tally.change(Some(times - 1), times);
        if let Some(store) = &self.inner.store {
            store.minimum_found(id, times);
        }
        Ok(())
    }

    /// How often independent searches found a minimum, all of them together.
    fn times_found(&self) -> u64 {
        self.state().tally.times
    }

    /// Whether a transition state with its two sides may stand in this landscape.
    fn check_connection(&self, point: &StationaryPoint, minus: &StationaryPoint, plus: &StationaryPoint) -> Result<()> {
        self.check_point(point, 1)?;
        for side in [minus, plus] {
            self.check_point(side, 0)?;
            if side.energy >= point.energy {
                return Err(Error::new(
                    Kind::Landscape,
                    format!("add: the transition state at {} does not lie above its minimum at {}", point.energy, side.energy),
                )
                .hint("follow both sides downhill from the transition state"));
            }
        }
        Ok(())
    }

    /// Whether a point may stand in this landscape as one of index `index`.
    fn check_point(&self, point: &StationaryPoint, index: usize) -> Result<()> {
        let what = if index == 0 { "minimum" } else { "transition state" };
        let refuse =
            |message: String, hint: &str| Err(Error::new(Kind::Landscape, format!("add: {message}")).at(what).hint(hint));
        if point.position.len() != self.inner.dimension {
            let (found, own) = (point.position.len(), self.inner.dimension);
            return Err(Error::shape(format!("add: the point has {found} coordinates, but the landscape has {own}")).at(what));
        }
        if !point.energy.is_finite() || point.position.iter().any(|x| !x.is_finite()) {
            return Err(Error::value(format!("add: energy {} or a coordinate of the point is not finite", point.energy)).at(what));
        }
        let tolerance = self.inner.tolerances.tolerance;
        if point.rms_gradient.is_nan() || point.rms_gradient > tolerance {
            return refuse(
                format!(
                    "the point has not converged: its RMS gradient is {:.2e}, the landscape asks for {tolerance:e}",
                    point.rms_gradient
                ),
                "search with a smaller tolerance or more iterations",
            );
        }
        if point.curvature.index != index {
            return refuse(
                format!(
                    "the point has index {}, a {what} has {index} (lowest Hessian eigenvalue {:.2e})",
                    point.curvature.index, point.curvature.lowest[0]
                ),
                if index == 0 { "a saddle: push off it and minimise again" } else { "begin the search somewhere else" },
            );
        }
        if self.potential().is_some_and(|p| p.evaporated(&point.position)) {
            return refuse(
                format!("the {what} has fallen apart: parts of it are out of reach of each other"),
                "begin inside the container",
            );
        }
        Ok(())
    }

    /// The error for an id that is not there.
    fn no_such(&self, function: &str, what: &str, id: usize) -> Error {
        let counts = self.counts();
        let there = if what == "minimum" { counts.minima } else { counts.transition_states };
        let error = Error::new(Kind::Name, format!("{function}: there is no {what} {id}")).at("id");
        match there {
            0 => error.hint("the landscape has none yet"),
            n => error.hint(format!("ids go from 1 to {n}")),
        }
    }

    /// Every minimum, in order of energy.
    pub fn minima(&self) -> Vec<Arc<Minimum>> {
        let state = self.state();
        state.minima_by_energy.ids().map(|id| state.minima[id - 1].clone()).collect()
    }

    /// The lowest minima, at most `count`.
    pub fn lowest_minima(&self, count: usize) -> Vec<Arc<Minimum>> {
        let state = self.state();
        state.minima_by_energy.ids().take(count).map(|id| state.minima[id - 1].clone()).collect()
    }

    /// Every transition state, in order of energy.
    pub fn transition_states(&self) -> Vec<Arc<TransitionState>> {
        let state = self.state();
        state.transition_states_by_energy.ids().map(|id| state.transition_states[id - 1].clone()).collect()
    }

    /// The minimum with this id.
    pub fn minimum(&self, id: usize) -> Result<Arc<Minimum>> {
        let found = self.state().minima.get(id.wrapping_sub(1)).cloned();
        found.ok_or_else(|| self.no_such("minimum", "minimum", id))
    }

    /// The transition state with this id.
    pub fn transition_state(&self, id: usize) -> Result<Arc<TransitionState>> {
        let found = self.state().transition_states.get(id.wrapping_sub(1)).cloned();
        found.ok_or_else(|| self.no_such("transition_state", "transition state", id))
    }

    /// The lowest minimum; an error when there is none.
    pub fn global_minimum(&self) -> Result<Arc<Minimum>> {
        let state = self.state();
        match state.minima_by_energy.ids().next() {
            Some(id) => Ok(state.minima[id - 1].clone()),
            None => Err(Error::new(Kind::Landscape, "global_minimum: the landscape has no minimum yet")
                .hint("search first, for example with basin_hop")),
        }
    }

    pub fn counts(&self) -> Counts {
        let state = self.state();
        Counts {
            minima: state.minima.len(),
            transition_states: state.transition_states.len(),
            components: state.components.sets(),
        }
    }

    /// How many independent searches found each minimum; entry k belongs to the id k + 1.
    pub fn minima_found(&self) -> Vec<u64> {
        self.state().minima_found.clone()
    }

    /// The set of joined minima that each of these belongs to (some number for a set); ids must be there.
    fn sets_of(&self, ids: impl Iterator<Item = usize>) -> Vec<usize> {
        let state = self.state();
        ids.map(|id| state.components.root(id - 1)).collect()
    }

    /// Whether transition states join two minima; ids must be there.
    fn connected(&self, a: usize, b: usize) -> bool {
        let state = self.state();
        state.components.root(a - 1) == state.components.root(b - 1)
    }

    /// Number of minima joined to `id`, itself included.
    fn component_size(&self, id: usize) -> usize {
        self.state().components.size(id - 1)
    }

    /// Gives every minimum the real field `name`: `values[k]` belongs to `ids[k]`; NaN is allowed. All or nothing.
    ///
    /// Errors: an id that is not there, a name that a minimum has by itself; or the file cannot be written.
    pub fn annotate(&self, name: &str, ids: &[usize], values: &[f64]) -> Result<()> {
        const OWN: [&str; 6] = ["id", "energy", "position", "index", "rms_gradient", "found"];
        if OWN.contains(&name) || name.is_empty() {
            return Err(Error::new(
                Kind::Name,
                format!("annotate: \"{name}\" cannot be the name of a field, every minimum has one"),
            )
            .at("field")
            .hint("choose another name"));
        }
        if ids.len() != values.len() {
            return Err(Error::shape(format!("annotate: {} values for {} minima", values.len(), ids.len())));
        }
        let there = self.counts().minima;
        if let Some(&id) = ids.iter().find(|&&id| id == 0 || id > there) {
            return Err(self.no_such("annotate", "minimum", id));
        }
        self.begin_writing()?;
        let mut state = self.state_mut();
        let count = state.minima.len();
        let field = state.fields.entry(name.to_string()).or_default();
        let before = field.clone();
        field.resize(count, None);
        for (&id, &value) in ids.iter().zip(values) {
            field[id - 1] = Some(value);
        }
        let Some(store) = &self.inner.store else { return Ok(()) };
        store.annotate(name, ids, values);
        if let Err(error) = store.flush() {
            state.fields.insert(name.to_string(), before);
            return Err(error);
        }
        Ok(())
    }

    /// The names of the annotated fields.
    pub fn fields(&self) -> Vec<String> {
        self.state().fields.keys().cloned().collect()
    }

    /// The annotated field of a minimum, or `None` when it has none of this name.
    pub fn field(&self, name: &str, id: usize) -> Option<f64> {
        self.state().fields.get(name)?.get(id.wrapping_sub(1)).copied().flatten()
    }

    /// Writes down that a search begins: its function, options and seed. The version of the program is added.
    pub fn record_run(&self, function: &str, options: &str, seed: u64) -> Result<()> {
        self.begin_writing()?;
        let record =
            RunRecord { function: function.into(), options: options.into(), seed, version: env!("CARGO_PKG_VERSION").into() };
        let mut state = self.state_mut();
        if let Some(store) = &self.inner.store {
            store.record_run(&record);
        }
        state.runs.push(record);
        Ok(())
    }

    /// What was searched for, the oldest first.
    pub fn runs(&self) -> Vec<RunRecord> {
        self.state().runs.clone()
    }

    /// Returns when everything added so far is on the disk (at once for a landscape in memory).
    pub fn flush(&self) -> Result<()> {
        self.inner.store.as_ref().map_or(Ok(()), Store::flush)
    }

    /// Before a change: whether the file can take it.
    fn begin_writing(&self) -> Result<()> {
        self.inner.store.as_ref().map_or(Ok(()), Store::begin)
    }
}

impl LandscapeOptions {
    /// The given tolerances, `base` where none is given.
    fn over(&self, base: Tolerances) -> Tolerances {
        Tolerances {
            tolerance: self.tolerance.unwrap_or(base.tolerance),
            same_energy: self.same_energy.unwrap_or(base.same_energy),
            same_distance: self.same_distance.unwrap_or(base.same_distance),
        }
    }
}

#[cfg(test)]
mod tests;
