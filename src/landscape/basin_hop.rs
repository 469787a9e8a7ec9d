//! Basin-hopping into a landscape: every distinct minimum on the way is kept.

use super::Landscape;
use crate::algorithms::{self, BasinHopOptions, BasinHopReport};
use crate::base::{Result, Run};
use std::collections::HashSet;

/// Runs basin-hopping on the landscape's potential and adds every minimum met. For the completeness estimate a chain counts as one
/// search: however often it comes back to a minimum, it has found it once.
///
/// Errors: a landscape without a potential, a tolerance looser than the landscape's, a run that is stopped (what was found is kept).
pub fn basin_hop(run: &Run, landscape: &Landscape, options: &BasinHopOptions) -> Result<BasinHopReport> {
    let potential = landscape.needs_potential("basin_hop")?.clone();
    landscape.check_tolerance("basin_hop", options.tolerance)?;
    landscape.record_run("basin_hop", &format!("{options:?}"), run.seed(options.seed))?;
    let mut met: Vec<HashSet<usize>> = vec![HashSet::new(); options.runs];
    let ended = algorithms::basin_hop(run, potential.as_ref(), options, &mut |chain, minimum| {
        if landscape.check_point(&minimum.point, 0).is_ok() {
            let added = landscape.add_minimum(&minimum.point)?;
            if met[chain].insert(added.id) && !added.new {
                landscape.count_found(added.id)?;
            }
        }
        Ok(landscape.says())
    });
    landscape.flush()?;
    ended
}

impl Landscape {
    /// What there is, for progress: `12 minima, lowest -44.3268`.
    pub(super) fn says(&self) -> String {
        let counts = self.counts();
        let lowest = self.global_minimum().map_or(f64::NAN, |m| m.energy);
        match counts.transition_states {
            0 => format!("{} minima, lowest {lowest:.6}", counts.minima),
            states => format!("{} minima, {states} transition states, lowest {lowest:.6}", counts.minima),
        }
    }
}
