//! The merge tree of a landscape: which minima come together at which energy.
//!
//! Transition states are taken in rising energy; each that joins two sets of minima is a merge (union–find, so the tree is exact and
//! needs one sort: O(T log T)). On top of it stand regular levels first, first − δ, …: at a level E minima are in one component when
//! transition states *below* E join them. Two countings are in use: `counts` are the components that hold a minimum at or below the
//! level; `nodes` are the nodes of the drawing as disconnectionDPS prints them: a single minimum has its node from the level above its
//! energy on (energy < E + δ), so that every leaf leaves its parent visibly.
//!
//! Which points take part follows disconnectionDPS: transition states above `max_energy` are left out first, then minima with
//! `min_connections` connections or fewer (degenerate rearrangements count for nothing, connections to minima that went neither, until
//! nothing changes), then what is not connected to the minimum asked for.
//!
//! References: O. M. Becker, M. Karplus, J. Chem. Phys. 106, 1495 (1997), doi:10.1063/1.473299; D. J. Wales, M. A. Miller,
//! T. R. Walsh, Nature 394, 758 (1998), doi:10.1038/29487.

use super::Landscape;
use crate::base::options::{OptionType, OptionValue};
use crate::base::{Error, Kind, Result};
use crate::math::graph::DisjointSets;

/// Which components are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectedTo {
    /// Every one.
    All,
    /// That of the global minimum.
    Global,
    /// That of the minimum with this id.
    Minimum(usize),
}

impl OptionType for ConnectedTo {
    fn takes() -> String {
        "\"all\", \"global\" or the id of a minimum".into()
    }
    fn read(value: &OptionValue) -> Option<ConnectedTo> {
        match value {
            OptionValue::Text(word) if word == "all" => Some(ConnectedTo::All),
            OptionValue::Text(word) if word == "global" => Some(ConnectedTo::Global),
            OptionValue::Unit => Some(ConnectedTo::All),
            _ => usize::read(value).map(ConnectedTo::Minimum),
        }
    }
    fn show(&self) -> String {
        match self {
            ConnectedTo::All => "\"all\"".into(),
            ConnectedTo::Global => "\"global\"".into(),
            ConnectedTo::Minimum(id) => id.to_string(),
        }
    }
}

crate::options! {
    /// The options of `disconnectivity` that decide the tree; those of the drawing belong to the figure.
    pub struct TreeOptions {
        /// Number of levels.
        levels: Option<usize> = None => "50, or as many as `delta` needs", AT_LEAST_ONE, "";
        /// Distance between levels.
        delta: Option<f64> = None => "so that the levels span all energies", POSITIVE, "energy";
        /// The highest level.
        first: Option<f64> = None => "just above the last merge", ANY, "energy";
        /// Transition states above this energy are left out.
        max_energy: Option<f64> = None => "none is left out", ANY, "energy";
        /// Minima with this many connections or fewer are left out.
        min_connections: Option<usize> = None => "none is left out", NOT_NEGATIVE, "";
        /// Only what is connected to this minimum: "global", an id, or "all".
        connected_to: ConnectedTo = ConnectedTo::All, ANY, "";
        /// Only the branches of this many lowest minima; the others still decide what merges where.
        lowest: Option<usize> = None => "every minimum", AT_LEAST_ONE, "";
    }
}

/// More levels than this are a mistake in `delta`, not a figure.
const MOST_LEVELS: f64 = 100_000.0;

/// The end of a branch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Leaf {
    /// Id of the minimum.
    pub minimum: usize,
    pub energy: f64,
}

/// What hangs below a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Node {
    /// Place in [`MergeTree::leaves`].
    Leaf(usize),
    /// Place in [`MergeTree::merges`].
    Merge(usize),
}

/// Two sets of minima that a transition state joins.
#[derive(Debug, Clone, PartialEq)]
pub struct Merge {
    pub energy: f64,
    /// Id of the transition state.
    pub transition_state: usize,
    /// Ids of the lowest minimum of each side, the lower one first.
    pub minima: [usize; 2],
    /// Both sides, in the same order.
    pub children: [Node; 2],
}

/// Who meets whom at which energy.
#[derive(Debug, Clone, PartialEq)]
pub struct MergeTree {
    /// The minima drawn, in rising energy.
    pub leaves: Vec<Leaf>,
    /// In rising energy; a child stands before its parent.
    pub merges: Vec<Merge>,
    /// One a component, that of the lowest minimum first.
    pub roots: Vec<Node>,
    /// Energies from the top down.
    pub levels: Vec<f64>,
    /// Distance between levels.
    pub delta: f64,
    /// At each level: components that hold a minimum at or below it.
    pub counts: Vec<usize>,
    /// At each level: nodes of the drawing.
    pub nodes: Vec<usize>,
}

/// A minimum as the tree sees it: id and energy.
pub type TreeMinimum = (usize, f64);
/// A transition state as the tree sees it: id, energy, ids of the minima on both sides.
pub type TreeTransitionState = (usize, f64, [usize; 2]);

impl MergeTree {
    /// The tree of a landscape.
    ///
    /// Errors: a landscape without minima, a minimum to connect to that is not there, nothing left to draw, too many levels.
    pub fn of(landscape: &Landscape, options: &TreeOptions) -> Result<MergeTree> {
        let minima: Vec<TreeMinimum> = landscape.minima().iter().map(|m| (m.id, m.energy)).collect();
        let transition_states: Vec<TreeTransitionState> =
            landscape.transition_states().iter().map(|t| (t.id, t.energy, t.minima)).collect();
        MergeTree::new(minima, transition_states, options)
    }

    /// The tree of bare energies and connections, in any order; ids of minima must be those of `minima`.
    pub fn new(
        mut minima: Vec<TreeMinimum>,
        mut transition_states: Vec<TreeTransitionState>,
        options: &TreeOptions,
    ) -> Result<MergeTree> {
        if minima.is_empty() {
            return Err(Error::new(Kind::Landscape, "disconnectivity: the landscape has no minimum yet")
                .hint("search first, for example with basin_hop"));
        }
        minima.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        transition_states.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        let largest = minima.iter().map(|m| m.0).max().unwrap_or(0);
        // Place of each id among the minima in rising energy.
        let mut place = vec![usize::MAX; largest + 1];
        for (k, minimum) in minima.iter().enumerate() {
            place[minimum.0] = k;
        }
        let ceiling = options.max_energy.unwrap_or(f64::INFINITY);
        let edges: Vec<(usize, f64, usize, usize)> = transition_states
            .iter()
            .filter(|t| t.1 <= ceiling && t.2[0] != t.2[1])
            .map(|&(id, energy, [a, b])| (id, energy, place[a], place[b]))
            .collect();
        let kept = kept(&minima, &place, &edges, options)?;
        let drawn = draws(&kept, options.lowest.unwrap_or(usize::MAX));
        let leaves: Vec<Leaf> =
            (0..minima.len()).filter(|&k| drawn[k]).map(|k| Leaf { minimum: minima[k].0, energy: minima[k].1 }).collect();
        if leaves.is_empty() {
            return Err(Error::new(Kind::Landscape, "disconnectivity: the options leave no minimum to draw")
                .at("min_connections")
                .hint("raise max_energy, lower min_connections or leave out connected_to"));
        }
        let (merges, roots) = merge(&kept, &drawn, &leaves, &edges);
        let (levels, delta) = levels(&leaves, &merges, options)?;
        let mut tree = MergeTree { leaves, merges, roots, levels, delta, counts: Vec::new(), nodes: Vec::new() };
        tree.count();
        Ok(tree)
    }

    /// The lowest minimum below a node.
    pub fn lowest(&self, mut node: Node) -> Leaf {
        loop {
            match node {
                Node::Merge(k) => node = self.merges[k].children[0],
                Node::Leaf(k) => return self.leaves[k],
            }
        }
    }

    /// Number of minima below a node.
    pub fn size(&self, node: Node) -> usize {
        let (mut size, mut waiting) = (0, vec![node]);
        while let Some(node) = waiting.pop() {
            match node {
                Node::Merge(k) => waiting.extend(self.merges[k].children),
                Node::Leaf(_) => size += 1,
            }
        }
        size
    }

    /// Fills `counts` and `nodes`: leaves that are there, less the merges that have taken place.
    fn count(&mut self) {
        for &level in &self.levels {
            let merged = self.merges.partition_point(|m| m.energy < level);
            let below = self.leaves.partition_point(|l| l.energy <= level);
            let shown = self.leaves.partition_point(|l| l.energy < level + self.delta);
            self.counts.push(below.saturating_sub(merged));
            self.nodes.push(shown.saturating_sub(merged));
        }
    }
}

/// Which minima (in rising energy) take part.
fn kept(
    minima: &[TreeMinimum],
    place: &[usize],
    edges: &[(usize, f64, usize, usize)],
    options: &TreeOptions,
) -> Result<Vec<bool>> {
    let mut kept = vec![true; minima.len()];
    if let Some(few) = options.min_connections {
        let mut connections = vec![0usize; minima.len()];
        let mut neighbours: Vec<Vec<usize>> = vec![Vec::new(); minima.len()];
        for &(_, _, a, b) in edges {
            connections[a] += 1;
            connections[b] += 1;
            neighbours[a].push(b);
            neighbours[b].push(a);
        }
        let mut leaving: Vec<usize> = (0..minima.len()).filter(|&k| connections[k] <= few).collect();
        leaving.iter().for_each(|&k| kept[k] = false);
        while let Some(k) = leaving.pop() {
            for &other in &neighbours[k] {
                connections[other] -= 1;
                if kept[other] && connections[other] <= few {
                    kept[other] = false;
                    leaving.push(other);
                }
            }
        }
    }
    let centre = match options.connected_to {
        ConnectedTo::All => return Ok(kept),
        ConnectedTo::Global => 0,
        ConnectedTo::Minimum(id) => match place.get(id) {
            Some(&k) if k != usize::MAX => k,
            _ => {
                return Err(Error::new(Kind::Name, format!("disconnectivity: there is no minimum {id} to connect to"))
                    .at("connected_to")
                    .hint(format!("the landscape has {} minima", minima.len())));
            }
        },
    };
    let mut sets = DisjointSets::new(minima.len());
    for &(_, _, a, b) in edges {
        sets.join(a, b);
    }
    let centre = sets.find(centre);
    for (k, keep) in kept.iter_mut().enumerate() {
        *keep &= sets.find(k) == centre;
    }
    Ok(kept)
}

/// The lowest `count` of those kept.
fn draws(kept: &[bool], count: usize) -> Vec<bool> {
    let mut left = count;
    kept.iter()
        .map(|&keep| {
            let draw = keep && left > 0;
            left -= usize::from(draw);
            draw
        })
        .collect()
}

/// Kruskal's sweep. A set without a leaf that is drawn joins silently.
fn merge(kept: &[bool], drawn: &[bool], leaves: &[Leaf], edges: &[(usize, f64, usize, usize)]) -> (Vec<Merge>, Vec<Node>) {
    let mut sets = DisjointSets::new(kept.len());
    // Of each set's representative: the node on top of it and its lowest leaf.
    let mut top: Vec<Option<(Node, usize)>> = vec![None; kept.len()];
    let mut next = 0;
    for k in 0..kept.len() {
        if drawn[k] {
            top[k] = Some((Node::Leaf(next), next));
            next += 1;
        }
    }
    let mut merges = Vec::new();
    for &(id, energy, a, b) in edges {
        if !kept[a] || !kept[b] {
            continue;
        }
        let Some((stays, goes)) = sets.join(a, b) else { continue };
        top[stays] = match (top[stays], top[goes]) {
            (Some(one), Some(other)) => {
                // Leaves are in rising energy: the smaller place is the lower minimum.
                let (low, high) = if one.1 < other.1 { (one, other) } else { (other, one) };
                merges.push(Merge {
                    energy,
                    transition_state: id,
                    minima: [leaves[low.1].minimum, leaves[high.1].minimum],
                    children: [low.0, high.0],
                });
                Some((Node::Merge(merges.len() - 1), low.1))
            }
            (one, other) => one.or(other),
        };
    }
    let mut roots: Vec<(usize, Node)> =
        (0..kept.len()).filter(|&k| sets.find(k) == k).filter_map(|k| top[k].map(|(node, lowest)| (lowest, node))).collect();
    roots.sort_by_key(|root| root.0);
    (merges, roots.into_iter().map(|root| root.1).collect())
}

/// The energies of the levels and their distance. Where the options are silent the first lies half a step above everything and the
/// last half a step below the lowest minimum.
fn levels(leaves: &[Leaf], merges: &[Merge], options: &TreeOptions) -> Result<(Vec<f64>, f64)> {
    let bottom = leaves[0].energy;
    let top = merges.last().map_or(bottom, |m| m.energy).max(leaves[leaves.len() - 1].energy);
    // A single minimum has no range: give its level some air.
    let range = if top > bottom { top - bottom } else { 1e-3 * (1.0 + bottom.abs()) };
    let wanted = options.levels.unwrap_or(50);
    let delta = match (options.delta, options.first) {
        (Some(delta), _) => delta,
        (None, None) => range / (wanted as f64 - 2.0).max(1.0),
        (None, Some(first)) => {
            let span = if first > bottom { first - bottom } else { range };
            span / (wanted as f64 - 1.5).max(1.0)
        }
    };
    let first = options.first.unwrap_or(top + delta / 2.0);
    let count = match options.levels {
        Some(count) => count as f64,
        None if options.delta.is_some() => ((first - bottom) / delta).ceil().max(0.0) + 1.0,
        None => 50.0,
    };
    if count.is_nan() || count > MOST_LEVELS {
        return Err(Error::value(format!("disconnectivity: {count:.0} levels are too many, at most {MOST_LEVELS}"))
            .at(if options.levels.is_some() { "levels" } else { "delta" })
            .hint("fewer levels, or a larger delta"));
    }
    Ok(((0..count as usize).map(|i| first - i as f64 * delta).collect(), delta))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LJ7 from the literature: four minima, of twelve transition states the three where they meet, one that joins nothing new, one
    /// degenerate (Doye & Wales, J. Chem. Phys. 116, 3777 (2002)).
    fn lj7() -> (Vec<TreeMinimum>, Vec<TreeTransitionState>) {
        let minima = vec![(1, -15.93504306), (2, -16.50538417), (3, -15.53306005), (4, -15.59321094)];
        let states = vec![
            (1, -15.28342128, [3, 1]),
            (2, -15.44473380, [2, 1]),
            (3, -15.31986444, [4, 2]),
            (4, -15.2, [4, 3]),
            (5, -15.6, [1, 1]),
        ];
        (minima, states)
    }

    #[test]
    fn merges_are_exact() {
        let (minima, states) = lj7();
        let tree = MergeTree::new(minima, states, &TreeOptions::default()).unwrap();
        let energies: Vec<f64> = tree.merges.iter().map(|m| m.energy).collect();
        assert_eq!(energies, [-15.44473380, -15.31986444, -15.28342128]);
        assert_eq!(tree.merges.iter().map(|m| m.minima).collect::<Vec<_>>(), [[2, 1], [2, 4], [2, 3]]);
        assert_eq!(tree.merges[2].children, [Node::Merge(1), Node::Leaf(3)]);
        assert_eq!(tree.roots, [Node::Merge(2)]);
        assert_eq!((tree.lowest(tree.roots[0]).minimum, tree.size(tree.roots[0])), (2, 4));
        assert_eq!((tree.levels.len(), tree.counts.len(), tree.nodes.len()), (50, 50, 50));
        assert!(tree.levels[0] > -15.28342128 && tree.levels[49] < -16.50538417);
        assert_eq!((tree.counts[0], tree.counts[49], tree.nodes[0]), (1, 0, 1));
    }

    #[test]
    fn options_decide_who_takes_part() {
        let (mut minima, states) = lj7();
        minima.push((5, -14.0));
        let all = MergeTree::new(minima.clone(), states.clone(), &TreeOptions::default()).unwrap();
        assert_eq!((all.leaves.len(), all.roots.len()), (5, 2));
        let only = |options: TreeOptions| MergeTree::new(minima.clone(), states.clone(), &options);
        let joined = only(TreeOptions { connected_to: ConnectedTo::Global, ..Default::default() }).unwrap();
        assert_eq!((joined.leaves.len(), joined.roots.len()), (4, 1));
        let with_connections = only(TreeOptions { min_connections: Some(0), ..Default::default() }).unwrap();
        assert_eq!(with_connections.leaves.len(), 4);
        // Every minimum of LJ7 has at most two connections here, and loses one when a neighbour goes.
        assert_eq!(only(TreeOptions { min_connections: Some(2), ..Default::default() }).unwrap_err().kind, Kind::Landscape);
        let low = only(TreeOptions { max_energy: Some(-15.3), ..Default::default() }).unwrap();
        assert_eq!((low.merges.len(), low.roots.len()), (2, 3));
        let two = only(TreeOptions { lowest: Some(2), ..Default::default() }).unwrap();
        assert_eq!((two.leaves.len(), two.merges.len()), (2, 1));
        assert!(
            only(TreeOptions { connected_to: ConnectedTo::Minimum(9), ..Default::default() }).unwrap_err().message.contains('9')
        );
        assert!(only(TreeOptions { delta: Some(1e-9), ..Default::default() }).is_err());
        let given = only(TreeOptions { first: Some(-15.0), delta: Some(0.5), levels: Some(3), ..Default::default() }).unwrap();
        assert_eq!(given.levels, [-15.0, -15.5, -16.0]);
    }

    #[test]
    fn one_minimum_is_a_tree() {
        let tree = MergeTree::new(vec![(1, 0.0)], vec![], &TreeOptions::default()).unwrap();
        assert_eq!((tree.leaves.len(), tree.merges.len(), tree.roots.len(), tree.levels.len()), (1, 0, 1, 50));
        assert_eq!((tree.counts[0], tree.counts[49]), (1, 0));
    }
}
