//! The energy below which climbs find nothing new any more.
//!
//! Climbs of a network begin high, walk down a valley and seldom rise again: the lowest energy on the way is nearly that of the transition state
//! at the end. The low transition states have wide valleys and are soon all known; most climbs still end there. So a climb that falls below
//! a floor is given up. Of a floor F the climbs of the last [`MEMORY`] finds tell what it would lose, those finds whose climbs fell below F, and
//! save, about half the cost of all climbs that did. The floor with the largest gain (1 − lost)/(1 − saved) is taken. One climb in
//! [`FREE`] is not held to it and counts for all that were given up, so that the floor falls again where it lies too high.
//! Clusters climb from the minimum up: the lowest energy of a climb says little of its end, and they have no floor.

use std::collections::VecDeque;

/// A climb that was not given up.
struct Climb {
    lowest: f64,
    /// Climbs that it stands for.
    weight: f64,
    finds: f64,
    cost: f64,
}

/// What recent climbs say of the floor.
#[derive(Default)]
pub(super) struct Floor {
    climbs: VecDeque<Climb>,
    /// Finds of them.
    finds: f64,
    energy: Option<f64>,
    /// Climbs since it was last asked where the floor lies.
    since: usize,
}

/// One climb of so many is free of the floor.
pub(super) const FREE: usize = 8;
/// Finds, and at most climbs, that it looks back on.
const MEMORY: f64 = 100.0;
const MOST: usize = 20_000;
/// Finds that must be there before anything is said; climbs from one answer to the next.
const LEAST: f64 = 30.0;
const EVERY: usize = 100;
/// Finds that count as lost on top: so many say little.
const DOUBT: f64 = 2.0;
/// A gain worth a floor.
const GAIN: f64 = 1.05;

impl Floor {
    /// Where it lies, if there is one.
    pub fn energy(&self) -> Option<f64> {
        self.energy
    }

    /// One more climb, free of the floor or not: where that lay when the climb began, the lowest energy on its way, what it found and its cost.
    pub fn learn(&mut self, floor: Option<f64>, free: bool, lowest: f64, finds: f64, cost: f64) {
        let below = floor.is_some_and(|floor| lowest < floor);
        if !lowest.is_finite() || below && !free {
            return;
        }
        let weight = if below { FREE as f64 } else { 1.0 };
        self.climbs.push_back(Climb { lowest, weight, finds, cost });
        self.finds += finds;
        while self.climbs.len() > MOST || self.finds > MEMORY {
            let Some(oldest) = self.climbs.pop_front() else { break };
            self.finds -= oldest.finds;
        }
        self.since += 1;
        if self.since == EVERY {
            self.since = 0;
            self.energy = if self.finds < LEAST { None } else { self.best() };
        }
    }

    /// The floor with the largest gain.
    fn best(&self) -> Option<f64> {
        let mut rising: Vec<&Climb> = self.climbs.iter().collect();
        rising.sort_by(|a, b| a.lowest.total_cmp(&b.lowest));
        let total = |of: fn(&Climb) -> f64| rising.iter().map(|climb| climb.weight * of(climb)).sum::<f64>();
        let (finds, cost) = (total(|c| c.finds), total(|c| c.cost));
        let (mut lost, mut below) = (0.0, 0.0);
        let mut best = (GAIN, None);
        for climb in rising {
            let gain = (1.0 - (lost + DOUBT) / (finds + DOUBT)) / (1.0 - 0.5 * below / cost);
            if gain > best.0 {
                best = (gain, Some(climb.lowest));
            }
            lost += climb.weight * climb.finds;
            below += climb.weight * climb.cost;
        }
        best.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Climbs that end evenly between the energies 0 and 1, each with as many finds as `finds` says for its energy.
    fn climbs(floor: &mut Floor, finds: impl Fn(f64) -> f64) {
        for k in 0..2000 {
            let lowest = (k as f64 * 0.618_033_988_749_895).fract();
            floor.learn(floor.energy(), k % FREE == 0, lowest, finds(lowest), 1.0);
        }
    }

    #[test]
    fn below_the_floor_nothing_is_found() {
        let mut floor = Floor::default();
        climbs(&mut floor, |energy| if energy < 0.6 { 0.0 } else { 0.1 });
        let energy = floor.energy().unwrap();
        assert!(energy > 0.55 && energy < 0.65, "{energy}");
        // What is found below it after all lets it fall.
        climbs(&mut floor, |energy| if energy < 0.6 { 0.5 } else { 0.1 });
        assert!(floor.energy().is_none_or(|energy| energy < 0.1), "{:?}", floor.energy());
    }

    #[test]
    fn where_finds_are_everywhere_or_few_there_is_none() {
        let mut floor = Floor::default();
        climbs(&mut floor, |_| 0.1);
        assert_eq!(floor.energy(), None);
        let mut few = Floor::default();
        climbs(&mut few, |energy| if energy < 0.6 { 0.0 } else { 0.02 });
        assert_eq!(few.energy(), None);
    }
}
