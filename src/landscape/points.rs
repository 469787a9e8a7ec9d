//! Minima and transition states as a landscape keeps them.

use crate::algorithms::{Curvature, StationaryPoint};
use std::sync::Arc;

/// Fields that other programs keep beside a point, as text, so that a database is written again as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignRecord {
    /// The whole line with its end, as it stood in `min.data` or `ts.data`.
    pub line: String,
}

/// A minimum of a landscape. Only a [`super::Landscape`] makes one.
#[derive(Debug, Clone)]
pub struct Minimum {
    /// From 1, in order of adding; never changes.
    pub id: usize,
    pub position: Arc<[f64]>,
    pub energy: f64,
    /// NaN where another program did not write it down.
    pub rms_gradient: f64,
    pub curvature: Curvature,
    pub(super) foreign: Option<ForeignRecord>,
}

/// A transition state of a landscape. Only a [`super::Landscape`] makes one.
#[derive(Debug, Clone)]
pub struct TransitionState {
    /// From 1, in order of adding; never changes.
    pub id: usize,
    pub position: Arc<[f64]>,
    pub energy: f64,
    /// NaN where another program did not write it down.
    pub rms_gradient: f64,
    pub curvature: Curvature,
    /// The ids of the minima on both sides; the same one twice for a rearrangement into its own copy.
    pub minima: [usize; 2],
    pub(super) foreign: Option<ForeignRecord>,
}

impl Minimum {
    pub(super) fn new(id: usize, point: &StationaryPoint) -> Minimum {
        Minimum {
            id,
            position: point.position.as_slice().into(),
            energy: point.energy,
            rms_gradient: point.rms_gradient,
            curvature: point.curvature,
            foreign: None,
        }
    }

    /// The same point without its id, for another landscape.
    pub fn point(&self) -> StationaryPoint {
        StationaryPoint {
            position: self.position.to_vec(),
            energy: self.energy,
            rms_gradient: self.rms_gradient,
            curvature: self.curvature,
        }
    }
}

impl TransitionState {
    pub(super) fn new(id: usize, point: &StationaryPoint, minima: [usize; 2]) -> TransitionState {
        TransitionState {
            id,
            position: point.position.as_slice().into(),
            energy: point.energy,
            rms_gradient: point.rms_gradient,
            curvature: point.curvature,
            minima,
            foreign: None,
        }
    }

    /// The same point without its id, for another landscape.
    pub fn point(&self) -> StationaryPoint {
        StationaryPoint {
            position: self.position.to_vec(),
            energy: self.energy,
            rms_gradient: self.rms_gradient,
            curvature: self.curvature,
        }
    }

    /// Whether both sides are the same minimum (up to symmetry).
    pub fn degenerate(&self) -> bool {
        self.minima[0] == self.minima[1]
    }
}

/// What adding a point did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Added {
    pub id: usize,
    /// Whether the landscape did not know it before.
    pub new: bool,
}

/// What adding a transition state with both its sides did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddedConnection {
    pub transition_state: Added,
    pub minus: Added,
    pub plus: Added,
}

/// Numbers of points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub minima: usize,
    pub transition_states: usize,
    /// Sets of minima that transition states join.
    pub components: usize,
}

/// Points in order of energy, for look-ups in a window of energies.
#[derive(Debug, Clone, Default)]
pub(super) struct EnergyIndex(std::collections::BTreeSet<(OrderedEnergy, usize)>);

/// An energy with a total order (NaN last).
#[derive(Debug, Clone, Copy)]
pub(super) struct OrderedEnergy(pub f64);

impl PartialEq for OrderedEnergy {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for OrderedEnergy {}
impl PartialOrd for OrderedEnergy {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for OrderedEnergy {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl EnergyIndex {
    pub fn insert(&mut self, energy: f64, id: usize) {
        self.0.insert((OrderedEnergy(energy), id));
    }

    /// The ids within `window` of `energy`, in rising energy.
    pub fn near(&self, energy: f64, window: f64) -> impl Iterator<Item = usize> + '_ {
        self.0.range((OrderedEnergy(energy - window), 0)..=(OrderedEnergy(energy + window), usize::MAX)).map(|e| e.1)
    }

    /// Every id in rising energy, equal energies in order of adding.
    pub fn ids(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().map(|e| e.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_by_energy() {
        let mut index = EnergyIndex::default();
        for (id, energy) in [(1, 2.0), (2, -1.0), (3, 2.0 + 5e-9), (4, 0.0)] {
            index.insert(energy, id);
        }
        assert_eq!(index.ids().collect::<Vec<_>>(), [2, 4, 1, 3]);
        assert_eq!(index.near(2.0, 1e-8).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(index.near(1.0, 1e-8).count(), 0);
    }
}
