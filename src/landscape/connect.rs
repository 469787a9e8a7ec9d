//! Connecting two minima by transition states: the missing-connection algorithm.
//!
//! All minima form a complete graph. An edge weighs nothing where transition states join its ends, is forbidden once its attempts are
//! spent, and otherwise weighs d², d the distance after alignment: short gaps are crossed rather than long ones. The shortest path from
//! one minimum to the other (Dijkstra) names the gaps; each is a band whose candidates are all refined, and everything found is added.
//! This is repeated until the path weighs nothing or there is none.
//! Edges begin with a cheap lower bound of d; those on the shortest path are aligned until that path has none that is only a bound: it
//! is then the shortest one of all.
//! Cost: W²/2 bounds for W minima, few alignments, a band a gap. Above `WORKING_SET` minima those take part that could shorten the way
//! from one end to the other the most (least d² to both), and what is found on the way. Fails where every attempt between the
//! two sides is spent.
//!
//! Reference: J. M. Carr, S. A. Trygubenko, D. J. Wales, J. Chem. Phys. 122, 234903 (2005), doi:10.1063/1.1931587.

use super::path::LowestPath;
use super::searches::{Explored, Finds, Searcher};
use super::{Landscape, Minimum};
use crate::base::{Result, Run};
use crate::math::graph::shortest_paths;
use rayon::prelude::*;
use std::collections::HashMap;
use std::sync::Arc;

crate::options! {
    /// Options of `connect`.
    pub struct ConnectOptions {
        /// How often one pair of minima is tried.
        attempts: usize = 10, AT_LEAST_ONE, "";
        /// Time that it may take.
        seconds: Option<f64> = None => "no limit", NOT_NEGATIVE, "s";
        /// RMS gradient of the transition states and minima.
        tolerance: f64 = 1e-9, POSITIVE, "energy per length";
    }
}

/// Most minima that take part in looking for gaps.
const WORKING_SET: usize = 300;

/// Looks for transition states until minimum `a` is connected to minimum `b`; gives the path of lowest barrier, or `None` when all
/// attempts or its seconds are spent. Everything found on the way is in the landscape.
///
/// Errors: ids that are not there, `a` = `b`; a looser tolerance than the landscape's; a run that is stopped (what was found is kept).
pub fn connect(run: &Run, landscape: &Landscape, a: usize, b: usize, options: &ConnectOptions) -> Result<Option<LowestPath>> {
    let potential = landscape.needs_potential("connect")?.clone();
    landscape.check_ends("connect", a, b)?;
    landscape.check_tolerance("connect", options.tolerance)?;
    landscape.record_run("connect", &format!("{a}, {b}, {options:?}"), run.seed(None))?;
    let limited = run.within(options.seconds);
    let searcher = Searcher { landscape, potential: potential.as_ref(), tolerance: options.tolerance };
    let way = close_gaps(&limited, &searcher, [a, b], options.attempts);
    landscape.flush()?;
    match way {
        // That the option `seconds` ended it is an answer; that the person did is not.
        Err(error) if error.is_stop() => run.check().map(|()| None),
        other => other,
    }
}

/// Joins gap after gap until the ends are connected or no attempts are left.
fn close_gaps(run: &Run, searcher: &Searcher, ends: [usize; 2], attempts: usize) -> Result<Option<LowestPath>> {
    let task = run.task("connect", None);
    let landscape = searcher.landscape;
    let mut graph = Graph::new(landscape, ends, attempts)?;
    while !landscape.connected(ends[0], ends[1]) {
        graph.take_in_new()?;
        let Some(gaps) = graph.gaps(run)? else { return Ok(None) };
        let jobs: Vec<([Arc<Minimum>; 2], usize)> =
            gaps.iter().map(|&gap| (gap.map(|node| graph.nodes[node].clone()), graph.next_attempt(gap))).collect();
        let explored = Explored { known: landscape.counts().transition_states, floor: None };
        let finds: Vec<Result<Finds>> =
            jobs.par_iter().map(|([from, to], attempt)| searcher.join(run, [from, to], *attempt, explored)).collect();
        let mut stopped = None;
        for finds in finds {
            match finds {
                Ok(finds) => accept(landscape, &finds)?,
                Err(error) => stopped = Some(error),
            }
        }
        let goes_on = task.tick(jobs.len() as u64, || landscape.says());
        if let Some(error) = stopped.or(goes_on.err()) {
            return Err(error);
        }
    }
    landscape.lowest_path(ends[0], ends[1])
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

/// The minima that may lie on the way, the two ends first.
struct Graph<'a> {
    landscape: &'a Landscape,
    most: usize,
    nodes: Vec<Arc<Minimum>>,
    /// Of each node the weights of its edges to the nodes before it, where no transition states join them.
    weights: Vec<Vec<f64>>,
    /// How often each edge was tried that is aligned: all others have a lower bound as their weight.
    tried: HashMap<[usize; 2], usize>,
    /// Minima of the landscape that have been looked at.
    seen: usize,
}

impl<'a> Graph<'a> {
    fn new(landscape: &'a Landscape, ends: [usize; 2], most: usize) -> Result<Graph<'a>> {
        let minima = landscape.minima();
        let seen = minima.len();
        let mut nodes = vec![landscape.minimum(ends[0])?, landscape.minimum(ends[1])?];
        let symmetry = landscape.symmetry();
        let detour =
            |m: &Minimum| -> f64 { nodes.iter().map(|end| symmetry.least_distance(&end.position, &m.position).powi(2)).sum() };
        let others = minima.into_par_iter().filter(|m| !ends.contains(&m.id));
        let mut others: Vec<(f64, Arc<Minimum>)> = others.map(|m| (detour(&m), m)).collect();
        others.sort_by(|p, q| p.0.total_cmp(&q.0).then(p.1.id.cmp(&q.1.id)));
        nodes.extend(others.into_iter().map(|(_, m)| m).take(WORKING_SET - 2));
        Ok(Graph { landscape, most, nodes, weights: Vec::new(), tried: HashMap::new(), seen })
    }

    /// Minima that were added since the last time: what the searches between found.
    fn take_in_new(&mut self) -> Result<()> {
        let count = self.landscape.counts().minima;
        for id in self.seen + 1..=count {
            self.nodes.push(self.landscape.minimum(id)?);
        }
        self.seen = count;
        Ok(())
    }

    /// A gap is about to be tried: which attempt that is, from 0.
    fn next_attempt(&mut self, [i, j]: [usize; 2]) -> usize {
        let tried = self.tried.entry([i, j]).or_default();
        *tried += 1;
        if *tried == self.most {
            self.weights[j][i] = f64::INFINITY;
        }
        *tried - 1
    }

    /// Pairs of nodes, the earlier first, to be joined on the way of least weight between ends that are not connected; `None` when there
    /// is no way.
    fn gaps(&mut self, run: &Run) -> Result<Option<Vec<[usize; 2]>>> {
        let sets = self.landscape.sets_of(self.nodes.iter().map(|m| m.id));
        let (symmetry, nodes) = (self.landscape.symmetry(), &self.nodes);
        let bound = |i: usize, j: usize| -> f64 {
            if sets[i] == sets[j] { 0.0 } else { symmetry.least_distance(&nodes[i].position, &nodes[j].position).powi(2) }
        };
        let count = nodes.len();
        self.weights.par_extend((self.weights.len()..count).into_par_iter().map(|i| (0..i).map(|j| bound(i, j)).collect()));
        loop {
            run.check()?;
            let weights = &self.weights;
            let weight = |i: usize, j: usize| -> f64 { if sets[i] == sets[j] { 0.0 } else { weights[i.max(j)][i.min(j)] } };
            let way = shortest_paths(count, 0, Some(1), |i| (0..count).map(move |j| (j, weight(i, j)))).path(1);
            let Some(way) = way else { return Ok(None) };
            let steps = way.windows(2).map(|step| [step[0].min(step[1]), step[0].max(step[1])]);
            let gaps: Vec<[usize; 2]> = steps.filter(|&[i, j]| sets[i] != sets[j]).collect();
            let bounds: Vec<[usize; 2]> = gaps.iter().copied().filter(|gap| !self.tried.contains_key(gap)).collect();
            if bounds.is_empty() {
                return Ok(Some(gaps));
            }
            for [i, j] in bounds {
                self.weights[j][i] = symmetry.distance(&nodes[i].position, &nodes[j].position).powi(2);
                self.tried.insert([i, j], 0);
            }
        }
    }
}
