//! When two points are one: energies that agree to `same_energy`, positions that agree to `same_distance` after alignment.
//!
//! Along a soft mode a converged position is off by about |g|/|h|, h the curvature of the mode, which may be more than `same_distance`. Where
//! energies agree to rounding, that much is allowed on top, up to [`WIDEST`]. Where modes of both points are near zero that are none of the
//! symmetry, they are one if a way of stationary positions joins them ([`flat`]). What lies farther apart is counted as two points; as energies
//! rarely agree to rounding by chance, these are *twins*, which reports count: copies by a symmetry that is not known, or two places in a
//! valley that is flat to rounding.

use super::{Landscape, State, Tolerances};
use crate::algorithms::{Curvature, StationaryPoint, flat};

/// How many times `same_distance` the doubt about a soft mode may add at most: what lies farther is counted as two points, and as twins.
const WIDEST: f64 = 30.0;

/// How far a converged position may be off along its softest mode: |g|/|h|.
fn doubt(rms_gradient: f64, curvature: &Curvature, dimension: usize) -> f64 {
    let softest = curvature.lowest.iter().fold(f64::INFINITY, |least, h| least.min(h.abs()));
    let doubt = rms_gradient * (dimension as f64).sqrt() / softest;
    if doubt.is_finite() { doubt } else { 0.0 }
}

/// What rounding does to an energy.
fn rounding(energy: f64) -> f64 {
    1e-12 * energy.abs().max(1e-2)
}

fn twins(one: f64, other: f64) -> bool {
    (one - other).abs() <= rounding(one)
}

impl Landscape {
    /// The id of a minimum that is the same point, if there is one.
    pub fn known_minimum(&self, point: &StationaryPoint) -> Option<usize> {
        self.find_minimum(&self.state(), point)
    }

    /// The id of a transition state that is the same point, if there is one among the first `last`.
    pub(super) fn known_transition_state(&self, point: &StationaryPoint, last: usize) -> Option<usize> {
        self.find_transition_state(&self.state(), point, last)
    }

    pub(super) fn find_minimum(&self, state: &State, point: &StationaryPoint) -> Option<usize> {
        let mut near = state.minima_by_energy.near(point.energy, self.inner.tolerances.same_energy);
        near.find(|&id| {
            let known = &state.minima[id - 1];
            let off = doubt(known.rms_gradient, &known.curvature, self.dimension());
            self.same((known.energy, &known.position), off, point)
                || self.joined(&known.position, known.curvature.near_zero, point)
        })
    }

    /// Among those with ids up to `last`.
    pub(super) fn find_transition_state(&self, state: &State, point: &StationaryPoint, last: usize) -> Option<usize> {
        let near = state.transition_states_by_energy.near(point.energy, self.inner.tolerances.same_energy);
        near.filter(|&id| id <= last).find(|&id| {
            let known = &state.transition_states[id - 1];
            let off = doubt(known.rms_gradient, &known.curvature, self.dimension());
            self.same((known.energy, &known.position), off, point)
                || self.joined(&known.position, known.curvature.near_zero, point)
        })
    }

    /// Whether a known point and a found one are the same, their energies agreeing to `same_energy`. Along a soft mode a converged position is
    /// off by |g|/|h|: where that is more than `same_distance` allows for and the energies agree to rounding, it counts on top.
    fn same(&self, known: (f64, &[f64]), doubt_of_known: f64, point: &StationaryPoint) -> bool {
        let allowed = self.inner.tolerances.same_distance;
        let doubt = doubt_of_known + doubt(point.rms_gradient, &point.curvature, self.dimension());
        let wider = if doubt > 0.1 * allowed && twins(known.0, point.energy) { doubt.min(WIDEST * allowed) } else { 0.0 };
        self.symmetry().same(known.1, &point.position, allowed + wider)
    }

    /// Whether both points are flat beyond the symmetry and a way of stationary positions joins them.
    fn joined(&self, known: &[f64], near_zero: usize, point: &StationaryPoint) -> bool {
        let flat = near_zero.min(point.curvature.near_zero);
        let Some(potential) = self.potential().filter(|_| flat > 0) else { return false };
        let Tolerances { tolerance, same_energy, same_distance } = self.inner.tolerances;
        let limits = flat::Limits { rms_gradient: tolerance, energy: same_energy, distance: same_distance };
        flat > self.symmetry().zero_modes(known).len() && flat::joined(potential.as_ref(), known, &point.position, limits)
    }

    /// Whether another minimum has the energy of `id` to rounding.
    pub(super) fn minimum_has_twin(&self, id: usize) -> bool {
        let state = self.state();
        let energy = state.minima[id - 1].energy;
        state.minima_by_energy.near(energy, rounding(energy)).any(|other| other != id)
    }

    /// Whether another transition state has the energy of `id` to rounding.
    pub(super) fn transition_state_has_twin(&self, id: usize) -> bool {
        let state = self.state();
        let energy = state.transition_states[id - 1].energy;
        state.transition_states_by_energy.near(energy, rounding(energy)).any(|other| other != id)
    }
}
