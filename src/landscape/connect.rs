//! Connecting two minima by transition states: the missing-connection algorithm.
//!
//! All minima form a complete graph. An edge weighs nothing where transition states join its ends, is forbidden once its attempts are
//! spent, and otherwise weighs d², d the distance after alignment: short gaps are crossed rather than long ones. The shortest path from
//! one minimum to the other (Dijkstra) names the gaps; each is a band whose candidates are all refined, and everything found is added.
//! This is repeated until the path weighs nothing or there is none.
//! Cost: up to W²/2 alignments for W minima (kept between rounds; above `WORKING_SET` minima the lowest take part and those that hang
//! together with an end), then a band a gap. Fails where every attempt between the two sides is spent.
//!
//! Reference: J. M. Carr, S. A. Trygubenko, D. J. Wales, J. Chem. Phys. 122, 234903 (2005), doi:10.1063/1.1931587.

use super::path::LowestPath;
use super::searches::{Finds, join};
use super::{Landscape, Minimum};
use crate::base::{Result, Run};
use crate::math::graph::shortest_paths;
use rayon::prelude::*;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

crate::options! {
    /// Options of `connect`.
    pub struct ConnectOptions {
        /// How often one pair of minima is tried.
        attempts: usize = 10, AT_LEAST_ONE, "";
        /// RMS gradient of the transition states and minima.
        tolerance: f64 = 1e-9, POSITIVE, "energy per length";
    }
}

/// Most minima that take part in looking for gaps.
const WORKING_SET: usize = 300;

/// Looks for transition states until minimum `a` is connected to minimum `b`; gives the path of lowest barrier, or `None` when all
/// attempts are spent. Everything found on the way is in the landscape.
///
/// Errors: ids that are not there, `a` = `b`; a looser tolerance than the landscape's; a run that is stopped (what was found is kept).
pub fn connect(run: &Run, landscape: &Landscape, a: usize, b: usize, options: &ConnectOptions) -> Result<Option<LowestPath>> {
    let potential = landscape.needs_potential("connect")?.clone();
    landscape.check_ends("connect", a, b)?;
    landscape.check_tolerance("connect", options.tolerance)?;
    landscape.record_run("connect", &format!("{a}, {b}, {options:?}"), run.seed(None))?;
    let task = run.task("connect", None);
    let mut distances = Distances::default();
    let mut attempts: HashMap<[usize; 2], usize> = HashMap::new();
    loop {
        let gaps = gaps(run, landscape, a, b, &attempts, options.attempts, &mut distances)?;
        let Some(gaps) = gaps else {
            landscape.flush()?;
            return Ok(None);
        };
        if gaps.is_empty() {
            landscape.flush()?;
            return landscape.lowest_path(a, b);
        }
        let jobs: Vec<(Arc<Minimum>, Arc<Minimum>, usize)> = gaps
            .iter()
            .map(|pair| Ok((landscape.minimum(pair[0])?, landscape.minimum(pair[1])?, attempts.get(pair).copied().unwrap_or(0))))
            .collect::<Result<_>>()?;
        let finds: Vec<Result<Finds>> = jobs
            .par_iter()
            .map(|(from, to, attempt)| join(run, potential.as_ref(), [&from.position, &to.position], *attempt, options.tolerance))
            .collect();
        let count = gaps.len() as u64;
        gaps.into_iter().for_each(|pair| *attempts.entry(pair).or_insert(0) += 1);
        let mut stopped = None;
        for finds in finds {
            match finds {
                Ok(finds) => accept(landscape, &finds)?,
                Err(error) => stopped = Some(error),
            }
        }
        let goes_on = task.tick(count, || landscape.says());
        if let Some(error) = stopped.or(goes_on.err()) {
            landscape.flush()?;
            return Err(error);
        }
    }
}

/// Adds what may be added.
fn accept(landscape: &Landscape, finds: &Finds) -> Result<()> {
    for found in &finds.connections {
        if landscape.check_connection(&found.transition_state, &found.minus, &found.plus).is_ok() {
            landscape.add_transition_state(&found.transition_state, &found.minus, &found.plus)?;
        }
    }
    Ok(())
}

/// Squared aligned distances by pair of ids, the smaller id first.
#[derive(Default)]
struct Distances(HashMap<[usize; 2], f64>);

impl Distances {
    /// Computes those pairs that are not known yet, on all cores.
    fn fill(&mut self, run: &Run, landscape: &Landscape, nodes: &[Arc<Minimum>], components: &[usize]) -> Result<()> {
        let mut missing = Vec::new();
        for (i, m) in nodes.iter().enumerate() {
            for other in &nodes[..i] {
                let pair = pair(m.id, other.id);
                if components[m.id - 1] != components[other.id - 1] && !self.0.contains_key(&pair) {
                    missing.push((pair, m, other));
                }
            }
        }
        let symmetry = landscape.symmetry();
        let computed: Vec<([usize; 2], f64)> = missing
            .par_iter()
            .map(|(pair, m, other)| {
                run.check()?;
                Ok((*pair, symmetry.distance(&m.position, &other.position).powi(2)))
            })
            .collect::<Result<_>>()?;
        self.0.extend(computed);
        Ok(())
    }
}

fn pair(a: usize, b: usize) -> [usize; 2] {
    [a.min(b), a.max(b)]
}

/// The pairs to be joined on the way of least weight from `a` to `b`: none when they are connected, `None` when there is no way.
fn gaps(
    run: &Run,
    landscape: &Landscape,
    a: usize,
    b: usize,
    attempts: &HashMap<[usize; 2], usize>,
    most: usize,
    distances: &mut Distances,
) -> Result<Option<Vec<[usize; 2]>>> {
    let components = landscape.components();
    if components[a - 1] == components[b - 1] {
        return Ok(Some(Vec::new()));
    }
    let nodes = working_set(landscape, &components, a, b);
    distances.fill(run, landscape, &nodes, &components)?;
    let weight = |i: usize, j: usize| -> f64 {
        let (i, j) = (nodes[i].id, nodes[j].id);
        if components[i - 1] == components[j - 1] {
            return 0.0;
        }
        let pair = pair(i, j);
        if attempts.get(&pair).copied().unwrap_or(0) >= most {
            f64::INFINITY
        } else {
            distances.0.get(&pair).copied().unwrap_or(f64::INFINITY)
        }
    };
    let place = |id: usize| nodes.iter().position(|m| m.id == id).unwrap_or(0);
    let (from, to, count) = (place(a), place(b), nodes.len());
    let way = shortest_paths(count, from, Some(to), |i| (0..count).map(move |j| (j, weight(i, j)))).path(to);
    Ok(way.map(|way| {
        let steps = way.windows(2).map(|step| (nodes[step[0]].id, nodes[step[1]].id));
        steps.filter(|&(i, j)| components[i - 1] != components[j - 1]).map(|(i, j)| pair(i, j)).collect()
    }))
}

/// The minima that may lie on the way: all of a small landscape; otherwise the lowest, and the lowest of either end's component.
fn working_set(landscape: &Landscape, components: &[usize], a: usize, b: usize) -> Vec<Arc<Minimum>> {
    let minima = landscape.minima();
    if minima.len() <= WORKING_SET {
        return minima;
    }
    let mut chosen = HashSet::from([a, b]);
    for end in [a, b] {
        let own = minima.iter().filter(|m| components[m.id - 1] == components[end - 1]);
        chosen.extend(own.take(WORKING_SET / 4).map(|m| m.id));
    }
    for minimum in &minima {
        if chosen.len() >= WORKING_SET {
            break;
        }
        chosen.insert(minimum.id);
    }
    minima.into_iter().filter(|m| chosen.contains(&m.id)).collect()
}
