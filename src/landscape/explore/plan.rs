//! Where the next search begins: which minimum, and for a band which two.
//!
//! Of all minima the one comes next whose searches promise most: (new points its searches gave + 1)/(searches begun there + 1), less for
//! higher minima (the fourth root of the rank in energy). A heap for each kind of search keeps them in that order, so that a choice costs
//! O(log N) among N minima; ranks are those of the time when a minimum was put back.
//! Bands join near minima: of a sample, half at random and half beside the first in energy, the nearest. Minima outside the largest
//! component are kept in a list; what has been joined meanwhile leaves it when it is met.

use super::{Strategy, Task, Way};
use crate::landscape::{Landscape, Minimum};
use crate::math::random::Stream;
use crate::potentials::Symmetry;
use rand::RngExt;
use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

/// How often one pair of minima is joined.
const ATTEMPTS: usize = 3;
/// Minima that are looked at for the nearest to be joined with.
const SAMPLE: usize = 24;
/// Of those the ones that are aligned: bounds of the distance tell the others apart.
const ALIGNED: usize = 3;

/// A minimum that another may be joined with.
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

/// Searches of one kind from one minimum.
#[derive(Default, Clone, Copy)]
struct Record {
    begun: u32,
    new: u32,
    /// Only the entry of the heap that carries this number counts.
    version: u32,
}

/// A minimum that waits for its next search.
#[derive(Clone, Copy)]
struct Waiting {
    promise: f64,
    id: usize,
    version: u32,
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Waiting) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Waiting {}
impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Waiting) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Waiting {
    fn cmp(&self, other: &Waiting) -> Ordering {
        self.promise.total_cmp(&other.promise).then(other.id.cmp(&self.id)).then(self.version.cmp(&other.version))
    }
}

/// The minima in order of what searches of one kind promise there.
#[derive(Default)]
struct Queue {
    /// Entry k belongs to the id k + 1.
    records: Vec<Record>,
    heap: BinaryHeap<Waiting>,
}

impl Queue {
    /// Puts a minimum back at its new place.
    fn put(&mut self, id: usize, rank: usize) {
        let record = &mut self.records[id - 1];
        record.version += 1;
        let promise = (f64::from(record.new) + 1.0) / (f64::from(record.begun) + 1.0) / (1.0 + rank as f64).powf(0.25);
        self.heap.push(Waiting { promise, id, version: record.version });
    }

    /// The minimum that promises most.
    fn best(&mut self) -> Option<usize> {
        while let Some(top) = self.heap.pop() {
            if self.records[top.id - 1].version == top.version {
                return Some(top.id);
            }
        }
        None
    }
}

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
        let queues = Strategy::ALL.iter().map(|&s| (s, Queue::default())).collect();
        let mut planner = Planner { landscape, order: Vec::new(), queues, joined: HashMap::new(), main: 1, apart: Vec::new() };
        planner.order = landscape.minima().iter().map(|m| (m.energy, m.id)).collect();
        for queue in planner.queues.values_mut() {
            queue.records.resize(planner.order.len(), Record::default());
            planner.order.iter().enumerate().for_each(|(rank, &(_, id))| queue.put(id, rank));
        }
        let sizes = (1..=planner.order.len()).map(|id| (landscape.component_size(id), std::cmp::Reverse(id)));
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
            queue.records.push(Record::default());
            queue.put(minimum.id, rank);
        }
        self.apart.push(minimum.id);
    }

    fn rank(&self, energy: f64) -> usize {
        self.order.partition_point(|(other, _)| *other < energy)
    }

    /// Learns what a search gave.
    pub fn learn(&mut self, task: &Task, joined: Option<[usize; 2]>, new: usize, touched: &[usize]) {
        if let Some(ends) = joined {
            *self.joined.entry(ends).or_insert(0) += 1;
        }
        if let (Some(from), true) = (&task.from, new > 0) {
            let rank = self.rank(from.energy);
            if let Some(queue) = self.queues.get_mut(&task.way.strategy()) {
                queue.records[from.id - 1].new += new as u32;
                queue.put(from.id, rank);
            }
        }
        // Not at every change of the largest: two that grow side by side would have the list made anew each time.
        let largest = touched.iter().copied().max_by_key(|&id| (self.landscape.component_size(id), std::cmp::Reverse(id)));
        if let Some(largest) = largest
            && self.landscape.component_size(largest) > 2 * self.landscape.component_size(self.main)
        {
            self.main = largest;
            self.gather();
        }
    }

    /// Where a search of this way begins and which minima it may be joined with; none where there is nothing for it to do.
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
        let id = queue.best()?;
        queue.records[id - 1].begun += 1;
        let from = self.landscape.minimum(id).ok()?;
        let rank = self.rank(from.energy);
        self.queues.get_mut(&way.strategy())?.put(id, rank);
        if way != Way::Near {
            return Some((Some(from), Vec::new()));
        }
        let partners = self.partners(&from, false, random);
        (!partners.is_empty()).then_some((Some(from), partners))
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
