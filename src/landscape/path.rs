//! The way of lowest barrier between two minima.
//!
//! The minimum spanning tree of the graph (Kruskal over transition states in rising energy) holds, between any two minima, a way
//! whose highest point is the lowest possible; the same is true of every part of it. Cost: one sort, then one walk.
//!
//! Reference: J. B. Kruskal, Proc. Am. Math. Soc. 7, 48 (1956), doi:10.2307/2033241.

use super::Landscape;
use crate::base::{Error, Result};
use crate::math::graph::DisjointSets;
use std::collections::VecDeque;

/// A way from one minimum to another over transition states.
#[derive(Debug, Clone, PartialEq)]
pub struct LowestPath {
    /// Ids of the minima on the way, both ends included.
    pub minima: Vec<usize>,
    /// Ids of the transition states between them.
    pub transition_states: Vec<usize>,
    /// Minimum, transition state, minimum, …, minimum.
    pub energies: Vec<f64>,
    /// The highest energy on the way less that of the first minimum.
    pub barrier: f64,
    /// Sum of the distances, after alignment, from each point to the next.
    pub length: f64,
}

impl Landscape {
    /// The way with the lowest barrier from minimum `a` to minimum `b`, or `None` when no transition states join them.
    ///
    /// Errors: an id that is not there; `a` = `b`.
    pub fn lowest_path(&self, a: usize, b: usize) -> Result<Option<LowestPath>> {
        self.check_ends("path", a, b)?;
        let state = self.state();
        let mut components = DisjointSets::new(state.minima.len());
        let mut edges: Vec<Vec<(usize, usize)>> = vec![Vec::new(); state.minima.len()];
        for id in state.transition_states_by_energy.ids() {
            let [p, q] = state.transition_states[id - 1].minima;
            if components.join(p - 1, q - 1).is_some() {
                edges[p - 1].push((q - 1, id));
                edges[q - 1].push((p - 1, id));
                if components.find(a - 1) == components.find(b - 1) {
                    break;
                }
            }
        }
        // Backwards from b, so that the steps come out in order from a.
        let mut next: Vec<Option<(usize, usize)>> = vec![None; state.minima.len()];
        let mut queue = VecDeque::from([b - 1]);
        while let Some(here) = queue.pop_front() {
            for &(there, id) in &edges[here] {
                if there != b - 1 && next[there].is_none() {
                    next[there] = Some((here, id));
                    queue.push_back(there);
                }
            }
        }
        let mut path = LowestPath {
            minima: vec![a],
            transition_states: Vec::new(),
            energies: vec![state.minima[a - 1].energy],
            barrier: 0.0,
            length: 0.0,
        };
        let mut here = a - 1;
        while here != b - 1 {
            let Some((there, id)) = next[here] else { return Ok(None) };
            let top = &state.transition_states[id - 1];
            path.transition_states.push(id);
            path.minima.push(there + 1);
            path.energies.extend([top.energy, state.minima[there].energy]);
            path.barrier = path.barrier.max(top.energy - state.minima[a - 1].energy);
            for side in [here, there] {
                path.length += self.symmetry().distance(&top.position, &state.minima[side].position);
            }
            here = there;
        }
        Ok(Some(path))
    }

    /// Two different minima that are there.
    pub(super) fn check_ends(&self, function: &str, a: usize, b: usize) -> Result<()> {
        let there = self.counts().minima;
        if let Some(&id) = [a, b].iter().find(|&&id| id == 0 || id > there) {
            return Err(self.no_such(function, "minimum", id));
        }
        if a == b {
            return Err(Error::value(format!("{function}: both ends are minimum {a}")).hint("give two different minima"));
        }
        Ok(())
    }
}
