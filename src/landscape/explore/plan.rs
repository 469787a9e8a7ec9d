//! Where the next search begins: which minimum, and for a band which two.
//!
//! Of all minima the one comes next where the fewest searches of that kind were begun; among those the lowest. A heap for each kind keeps them in
//! that order, so that a choice costs O(log N) among N minima. Credit for what searches at a minimum found was tried: it leads to minima that are
//! rich already, away from those that hide the last points, and finds fewer in the end (networks, Lennard-Jones clusters).
//! A landscape that was there before does not tell how often it was searched: the number of a minimum's transition states stands for it.
//! Bands join near minima: of a sample, half at random and half beside the first in energy, the nearest. Minima outside the largest
//! component are kept in a list; what has been joined meanwhile leaves it when it is met.

use super::{Strategy, Way};
use crate::landscape::displacement::Displacement;
use crate::landscape::points::OrderedEnergy;
use crate::landscape::{Landscape, Minimum};
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

/// The minima that wait for their next search of one kind: the one with the fewest begun first, then the lowest.
type Queue = BinaryHeap<Reverse<(usize, OrderedEnergy, usize)>>;

/// What planning knows of the minima.
pub(super) struct Planner<'a> {
    landscape: &'a Landscape,
    /// Energy and id of every minimum, in rising energy.
    order: Vec<(f64, usize)>,
    queues: HashMap<Strategy, Queue>,
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
        let mut begun = vec![0; minima.len()];
        landscape.transition_states().iter().flat_map(|t| t.minima).for_each(|id| begun[id - 1] += 1);
        let queue: Queue = minima.iter().map(|m| Reverse((begun[m.id - 1], OrderedEnergy(m.energy), m.id))).collect();
        let order = minima.iter().map(|m| (m.energy, m.id)).collect();
        let queues = Strategy::ALL.iter().map(|&s| (s, queue.clone())).collect();
        let mut planner = Planner { landscape, order, queues, joined: HashMap::new(), main: 1, apart: Vec::new() };
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
        self.apart.push(minimum.id);
    }

    fn rank(&self, energy: f64) -> usize {
        self.order.partition_point(|(other, _)| *other < energy)
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
        let Reverse((begun, energy, id)) = queue.pop()?;
        queue.push(Reverse((begun + 1, energy, id)));
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

    #[test]
    fn begins_where_least_was_done_then_lowest() {
        let landscape = Landscape::new(Arc::new(LennardJones::new(7)), &LandscapeOptions::default());
        let options = ExploreOptions { searches: Some(200), seed: Some(1), ..Default::default() };
        explore(&Run::silent(), &landscape, &options).unwrap();
        let mut begun = vec![0; landscape.counts().minima];
        landscape.transition_states().iter().flat_map(|t| t.minima).for_each(|id| begun[id - 1] += 1);
        let (mut planner, mut random) = (Planner::new(&landscape), stream(0, 0));
        for _ in 0..100 {
            let (from, others) = planner.ends(Way::Climb(Displacement::All), &mut random).unwrap();
            let id = from.unwrap().id;
            let least = begun.iter().min().unwrap();
            let lowest = landscape.minima().iter().find(|m| begun[m.id - 1] == *least).unwrap().id;
            assert!(id == lowest && others.is_empty());
            begun[id - 1] += 1;
        }
        // A graft takes from another minimum, whichever that is.
        let mut donors = std::collections::BTreeSet::new();
        for _ in 0..100 {
            let (from, others) = planner.ends(Way::Climb(Displacement::Graft), &mut random).unwrap();
            assert_ne!(others[0].minimum.id, from.unwrap().id);
            donors.insert(others[0].minimum.id);
        }
        assert_eq!(donors.len(), landscape.counts().minima);
    }
}
