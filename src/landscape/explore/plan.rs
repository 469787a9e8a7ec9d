//! Where the next search begins: which minimum, and for a band which two.
//!
//! The minima take turns, a heap for each kind of search, so that a choice costs O(log N) among N minima. A turn weighs (p/q)²: p is the part of
//! all searches that came to a transition state met only once so far, q the same of those begun at this minimum, two such added at the rate p.
//! By Good and Turing what is left to find is met as often as what was met once: the minima where much is left get most searches, and
//! every one gets some. (Credit for finds leads to minima that are rich already; one that has been met again says that little is left.)
//! A landscape that was there before does not tell how often it was searched: the number of a minimum's transition states stands for it.
//! Bands join near minima: of a sample, half at random and half beside the first in energy, the nearest. Minima outside the largest
//! component are kept in a list; what has been joined meanwhile leaves it when it is met.

use super::{Strategy, Way};
use crate::landscape::displacement::Displacement;
use crate::landscape::points::OrderedEnergy;
use crate::landscape::{Added, Landscape, Minimum};
use crate::math::random::Stream;
use crate::potentials::Symmetry;
use rand::RngExt;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

/// How often one pair of minima is joined.
const ATTEMPTS: usize = 3;
/// Minima that are looked at for the nearest to be joined with.
const SAMPLE: usize = 24;
/// Of those the ones that are aligned: bounds of the distance tell the others apart.
const ALIGNED: usize = 3;

/// A minimum that another may be joined with, or take hidden nodes from.
pub(super) struct Partner {
    pub minimum: Arc<Minimum>,
    /// How often the pair was tried.
    pub tried: usize,
    /// Whether it lies in another component.
    pub apart: bool,
}

/// The nearest partner; one in another component counts as half as far, one that was tried as farther.
pub(super) fn nearest<'t>(symmetry: &dyn Symmetry, from: &Minimum, partners: &'t [Partner]) -> Option<&'t Partner> {
    let weight = |distance: f64, p: &Partner| distance * (1.0 + p.tried as f64) * if p.apart { 0.5 } else { 1.0 };
    let mut by_bound: Vec<(f64, &Partner)> =
        partners.iter().map(|p| (weight(symmetry.least_distance(&from.position, &p.minimum.position), p), p)).collect();
    by_bound.sort_by(|a, b| a.0.total_cmp(&b.0));
    by_bound.truncate(ALIGNED);
    let weighed = by_bound.iter().map(|&(_, p)| (weight(symmetry.distance(&from.position, &p.minimum.position), p), p));
    weighed.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, p)| p)
}

/// The minima that wait for their next search of one kind: the one whose turns so far weigh least first, then the lowest.
type Queue = BinaryHeap<Reverse<(usize, OrderedEnergy, usize)>>;

/// What a turn weighs at the common rate, and the most it may weigh.
const TURN: usize = 1000;
const HEAVIEST: usize = 100 * TURN;
/// Transition states met once that stand behind the common rate.
const PRIOR: f64 = 2.0;

/// What the searches that began at a minimum came to.
#[derive(Default, Clone, Copy)]
struct Begun {
    searches: usize,
    /// Transition states that no other search has come to.
    met_once: usize,
}

/// What planning knows of the minima.
pub(super) struct Planner<'a> {
    landscape: &'a Landscape,
    /// Energy and id of every minimum, in rising energy.
    order: Vec<(f64, usize)>,
    queues: HashMap<Strategy, Queue>,
    /// By id − 1, and of all minima together.
    begun: Vec<Begun>,
    all: Begun,
    /// The transition states met once, and the minimum where that search began.
    met_once: HashMap<usize, usize>,
    joined: HashMap<[usize; 2], usize>,
    /// A minimum of the largest component, or of one that is at least half as large.
    main: usize,
    /// Every minimum outside the component of `main` is in here.
    apart: Vec<usize>,
}

fn pair(a: usize, b: usize) -> [usize; 2] {
    [a.min(b), a.max(b)]
}

impl<'a> Planner<'a> {
    pub fn new(landscape: &'a Landscape) -> Planner<'a> {
        let minima = landscape.minima();
        let mut turns = vec![0; minima.len()];
        landscape.transition_states().iter().flat_map(|t| t.minima).for_each(|id| turns[id - 1] += TURN);
        let queue: Queue = minima.iter().map(|m| Reverse((turns[m.id - 1], OrderedEnergy(m.energy), m.id))).collect();
        let order = minima.iter().map(|m| (m.energy, m.id)).collect();
        let queues = Strategy::ALL.iter().map(|&s| (s, queue.clone())).collect();
        let (begun, all) = (vec![Begun::default(); minima.len()], Begun::default());
        let (met_once, joined) = (HashMap::new(), HashMap::new());
        let mut planner = Planner { landscape, order, queues, begun, all, met_once, joined, main: 1, apart: Vec::new() };
        let sizes = (1..=minima.len()).map(|id| (landscape.component_size(id), Reverse(id)));
        planner.main = sizes.max().map_or(1, |(_, id)| id.0);
        planner.gather();
        planner
    }

    pub fn minima(&self) -> usize {
        self.order.len()
    }

    /// Fills the list of what lies outside the main component.
    fn gather(&mut self) {
        let count = self.order.len();
        self.apart = (1..=count).filter(|&id| !self.landscape.connected(id, self.main)).collect();
    }

    /// Takes in the minimum that was added last.
    pub fn add(&mut self, minimum: &Minimum) {
        let rank = self.rank(minimum.energy);
        self.order.insert(rank, (minimum.energy, minimum.id));
        for queue in self.queues.values_mut() {
            queue.push(Reverse((0, OrderedEnergy(minimum.energy), minimum.id)));
        }
        self.begun.push(Begun::default());
        self.apart.push(minimum.id);
    }

    fn rank(&self, energy: f64) -> usize {
        self.order.partition_point(|(other, _)| *other < energy)
    }

    /// Learns of a transition state that a search came to, and where that began if anywhere.
    pub fn came_to(&mut self, state: Added, from: Option<&Minimum>) {
        if let Some(from) = from.filter(|_| state.new) {
            self.met_once.insert(state.id, from.id);
            self.begun[from.id - 1].met_once += 1;
            self.all.met_once += 1;
        } else if let Some(from) = self.met_once.remove(&state.id) {
            self.begun[from - 1].met_once -= 1;
            self.all.met_once -= 1;
        }
    }

    /// What one more search that begins at this minimum weighs.
    fn turn(&self, id: usize) -> usize {
        let begun = &self.begun[id - 1];
        let common = (self.all.met_once as f64 + 1.0) / (self.all.searches as f64 + 1.0);
        let own = (begun.met_once as f64 + PRIOR) / (begun.searches as f64 + PRIOR / common);
        ((TURN as f64 * (common / own).powi(2)) as usize).clamp(1, HEAVIEST)
    }

    /// Learns which minima a search was to join, and which it came to.
    pub fn learn(&mut self, joined: Option<[usize; 2]>, touched: &[usize]) {
        if let Some(ends) = joined {
            *self.joined.entry(ends).or_insert(0) += 1;
        }
        // Not at every change of the largest: two that grow side by side would have the list made anew each time.
        let largest = touched.iter().copied().max_by_key(|&id| (self.landscape.component_size(id), Reverse(id)));
        if let Some(largest) = largest
            && self.landscape.component_size(largest) > 2 * self.landscape.component_size(self.main)
        {
            self.main = largest;
            self.gather();
        }
    }

    /// Where a search of this way begins and the minima it takes part of; none where there is nothing for it to do.
    pub fn ends(&mut self, way: Way, random: &mut Stream) -> Option<(Option<Arc<Minimum>>, Vec<Partner>)> {
        if way == Way::Fresh {
            return Some((None, Vec::new()));
        }
        if way == Way::Across {
            let from = self.outside(random)?;
            let partners = self.partners(&from, true, random);
            return (!partners.is_empty()).then_some((Some(from), partners));
        }
        let queue = self.queues.get_mut(&way.strategy())?;
        let Reverse((turns, energy, id)) = queue.pop()?;
        let next = Reverse((turns + self.turn(id), energy, id));
        self.queues.entry(way.strategy()).or_default().push(next);
        self.begun[id - 1].searches += 1;
        self.all.searches += 1;
        let from = self.landscape.minimum(id).ok()?;
        let partners = match way {
            Way::Climb(Displacement::Graft) => self.donor(&from, random).into_iter().collect(),
            Way::Near => self.partners(&from, false, random),
            _ => return Some((Some(from), Vec::new())),
        };
        (!partners.is_empty()).then_some((Some(from), partners))
    }

    /// Some other minimum.
    fn donor(&self, from: &Minimum, random: &mut Stream) -> Option<Partner> {
        let others = self.order.len().checked_sub(1).filter(|others| *others > 0)?;
        let id = 1 + (from.id + random.random_range(0..others)) % self.order.len();
        Some(Partner { minimum: self.landscape.minimum(id).ok()?, tried: 0, apart: false })
    }

    /// Some minimum outside the main component.
    fn outside(&mut self, random: &mut Stream) -> Option<Arc<Minimum>> {
        while !self.apart.is_empty() {
            let k = random.random_range(0..self.apart.len());
            let id = self.apart[k];
            if !self.landscape.connected(id, self.main) {
                return self.landscape.minimum(id).ok();
            }
            self.apart.swap_remove(k);
        }
        None
    }

    /// A sample of minima that `from` may still be joined with; only those of the main component when going `across`.
    fn partners(&self, from: &Minimum, across: bool, random: &mut Stream) -> Vec<Partner> {
        let count = self.order.len();
        let rank = self.rank(from.energy);
        let mut places: Vec<usize> = if count <= SAMPLE {
            (0..count).collect()
        } else {
            let beside = rank.saturating_sub(SAMPLE / 4)..(rank + SAMPLE / 4 + 1).min(count);
            beside.chain((0..SAMPLE / 2).map(|_| random.random_range(0..count))).collect()
        };
        places.sort_unstable();
        places.dedup();
        let mut partners = Vec::with_capacity(places.len());
        for place in places {
            let id = self.order[place].1;
            let tried = self.joined.get(&pair(from.id, id)).copied().unwrap_or(0);
            let apart = !self.landscape.connected(from.id, id);
            if id != from.id
                && tried < ATTEMPTS
                && (!across || self.landscape.connected(id, self.main))
                && let Ok(minimum) = self.landscape.minimum(id)
            {
                partners.push(Partner { minimum, tried, apart });
            }
        }
        partners
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Run;
    use crate::landscape::{ExploreOptions, LandscapeOptions, explore};
    use crate::math::random::stream;
    use crate::potentials::clusters::LennardJones;

    fn lj7() -> Landscape {
        let landscape = Landscape::new(Arc::new(LennardJones::new(7)), &LandscapeOptions::default());
        let options = ExploreOptions { searches: Some(200), seed: Some(1), ..Default::default() };
        explore(&Run::silent(), &landscape, &options).unwrap();
        landscape
    }

    const CLIMB: Way = Way::Climb(Displacement::All);

    #[test]
    fn begins_where_fewest_transition_states_are_known_then_lowest() {
        let landscape = lj7();
        let mut known = vec![0; landscape.counts().minima];
        landscape.transition_states().iter().flat_map(|t| t.minima).for_each(|id| known[id - 1] += 1);
        let least = known.iter().min().unwrap();
        let lowest = landscape.minima().iter().find(|m| known[m.id - 1] == *least).unwrap().id;
        let (mut planner, mut random) = (Planner::new(&landscape), stream(0, 0));
        let (from, others) = planner.ends(CLIMB, &mut random).unwrap();
        assert!(from.unwrap().id == lowest && others.is_empty());
        // A graft takes from another minimum, whichever that is.
        let mut donors = std::collections::BTreeSet::new();
        for _ in 0..100 {
            let (from, others) = planner.ends(Way::Climb(Displacement::Graft), &mut random).unwrap();
            assert_ne!(others[0].minimum.id, from.unwrap().id);
            donors.insert(others[0].minimum.id);
        }
        assert_eq!(donors.len(), landscape.counts().minima);
    }

    #[test]
    fn begins_most_often_where_most_is_left() {
        let landscape = lj7();
        let (mut planner, mut random) = (Planner::new(&landscape), stream(0, 0));
        // Only searches from minimum 3 come to something new.
        let mut begin = |planner: &mut Planner, new: usize| {
            let mut searches = vec![0; landscape.counts().minima];
            for k in 0..2000 {
                let from = planner.ends(CLIMB, &mut random).unwrap().0.unwrap();
                searches[from.id - 1] += 1;
                if from.id == 3 && k < new {
                    planner.came_to(Added { id: 1000 + k, new: true }, Some(&from));
                }
            }
            searches
        };
        let searches = begin(&mut planner, 2000);
        assert!(searches[2] > 1500 && searches.iter().all(|s| *s > 5), "{searches:?}");
        // Everything there is met again: nothing is left.
        (0..2000).for_each(|k| planner.came_to(Added { id: 1000 + k, new: false }, None));
        let searches = begin(&mut planner, 0);
        assert!(searches[2] > 100 && searches[2] < 600, "{searches:?}");
    }
}
