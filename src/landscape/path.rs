//! The way of lowest barrier between two minima.
//!
//! It is the one in the minimum spanning tree of the graph ([`minimax_path`]): its highest point is the lowest possible, and so is that
//! of every part of it. Cost: one sort, then one walk.

use super::Landscape;
use crate::base::{Error, Result};
use crate::math::graph::minimax_path;

/// A way from one minimum to another over transition states.
#[derive(Debug, Clone, PartialEq)]
pub struct LowestPath {
    /// Ids of the minima on the way, both ends included.
    pub minima: Vec<usize>,
    /// Ids of the transition states between them.
    pub transition_states: Vec<usize>,
    /// Minimum, transition state, minimum, …, minimum.
    pub energies: Vec<f64>,
    /// Of each of these points, the sum of the distances up to it.
    pub distances: Vec<f64>,
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
        let order: Vec<usize> = state.transition_states_by_energy.ids().collect();
        let edges: Vec<(usize, usize, f64)> = order
            .iter()
            .map(|&id| {
                let top = &state.transition_states[id - 1];
                (top.minima[0] - 1, top.minima[1] - 1, top.energy)
            })
            .collect();
        let Some(way) = minimax_path(state.minima.len(), &edges, a - 1, b - 1) else { return Ok(None) };
        let mut path = LowestPath {
            minima: vec![a],
            transition_states: Vec::new(),
            energies: vec![state.minima[a - 1].energy],
            distances: vec![0.0],
            barrier: 0.0,
            length: 0.0,
        };
        let mut here = a - 1;
        for edge in way {
            let (p, q, energy) = edges[edge];
            let there = if p == here { q } else { p };
            let top = &state.transition_states[order[edge] - 1];
            path.transition_states.push(top.id);
            path.minima.push(there + 1);
            path.energies.extend([energy, state.minima[there].energy]);
            path.barrier = path.barrier.max(energy - state.minima[a - 1].energy);
            for side in [here, there] {
                path.length += self.symmetry().distance(&top.position, &state.minima[side].position);
                path.distances.push(path.length);
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
