//! Where the branches of a disconnectivity graph stand: the exact merge tree cut at the levels, and a place for each branch.
//!
//! Every branch is one unit wide, and the branches below a node fill one interval without a gap, so that the intervals of different nodes of
//! a level are disjoint. A node stands within its interval, the lines from it to its children one level below stay within the
//! interval and leave from one point in the order of the children: no two lines can cross.
//! Cost: one pass down the tree and one up, whatever the number of levels; N log N for the order of children.

use crate::landscape::tree::{Merge, MergeTree, Node};

/// A piece of the drawing: a node with the line that leads to it, or a branch that ends at its minimum.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Place, in branches from the left.
    pub x: f64,
    /// Place and level of the node it hangs from; a root hangs from nothing.
    pub parent: Option<(f64, usize)>,
    /// The level at which it splits; a branch with an end never does.
    pub splits_at: Option<usize>,
    /// The leaf below it that it follows: of a branch, its minimum.
    pub leaf: usize,
    /// The branches below it: `[from, to)` in places.
    pub interval: [usize; 2],
}

/// The whole drawing.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrangement {
    /// Parents before children.
    pub parts: Vec<Part>,
    /// Number of branches with an end.
    pub branches: usize,
}

/// A node of the tree cut at the levels.
struct Cut {
    parent: Option<usize>,
    splits_at: Option<usize>,
    children: Vec<usize>,
    branches: usize,
    leaf: usize,
    holds_centre: bool,
}

impl Arrangement {
    /// Arranges a tree; `centre` is the leaf that is the trunk, by default the lowest.
    pub fn of(tree: &MergeTree, centre: Option<usize>) -> Arrangement {
        let centre = centre.unwrap_or(0);
        let lowest = lowest_leaves(tree);
        let (mut cuts, mut roots) = cut(tree, &lowest);
        // From the leaves up: how many branches, and which leaf the node follows.
        for k in (0..cuts.len()).rev() {
            if cuts[k].splits_at.is_some() {
                let children = std::mem::take(&mut cuts[k].children);
                cuts[k].branches = children.iter().map(|c| cuts[*c].branches).sum();
                cuts[k].holds_centre = children.iter().any(|c| cuts[*c].holds_centre);
                cuts[k].leaf =
                    if cuts[k].holds_centre { centre } else { children.iter().map(|c| cuts[*c].leaf).min().unwrap_or(0) };
                cuts[k].children = children;
            } else {
                cuts[k].holds_centre = cuts[k].leaf == centre;
            }
        }
        // From the roots down: intervals, and with them the places of the leaves.
        let mut start = vec![0usize; cuts.len()];
        let mut beside = vec![[0usize; 2]; cuts.len()];
        spread(&cuts, &mut roots, 0, [0, 0], &mut start, &mut beside);
        let mut place = vec![f64::NAN; tree.leaves.len()];
        for k in 0..cuts.len() {
            if cuts[k].splits_at.is_some() {
                let mut children = std::mem::take(&mut cuts[k].children);
                spread(&cuts, &mut children, start[k], beside[k], &mut start, &mut beside);
            } else {
                place[cuts[k].leaf] = start[k] as f64 + 0.5;
            }
        }
        let parts = cuts
            .iter()
            .enumerate()
            .map(|(k, c)| Part {
                x: place[c.leaf],
                parent: c.parent.and_then(|p| cuts[p].splits_at.map(|level| (place[cuts[p].leaf], level))),
                splits_at: c.splits_at,
                leaf: c.leaf,
                interval: [start[k], start[k] + c.branches],
            })
            .collect();
        Arrangement { parts, branches: roots.iter().map(|r| cuts[*r].branches).sum() }
    }
}

/// The lowest leaf below each merge.
fn lowest_leaves(tree: &MergeTree) -> Vec<usize> {
    let mut lowest: Vec<usize> = Vec::with_capacity(tree.merges.len());
    for merge in &tree.merges {
        let of = |node: Node| match node {
            Node::Leaf(leaf) => leaf,
            // Children stand before their parents.
            Node::Merge(k) => lowest[k],
        };
        lowest.push(of(merge.children[0]).min(of(merge.children[1])));
    }
    lowest
}

/// Cuts the exact tree at the levels: a merge belongs to the lowest level above it, merges of one level that hang together are one node.
/// What merges above the first level is drawn apart, what merges below the last one is one branch; leaves at or above the first level are
/// not drawn.
fn cut(tree: &MergeTree, lowest: &[usize]) -> (Vec<Cut>, Vec<usize>) {
    let last = tree.levels.len().saturating_sub(1);
    // The lowest level that lies above an energy.
    let level_of = |energy: f64| tree.levels.partition_point(|level| *level > energy).checked_sub(1);
    let mut cuts: Vec<Cut> = Vec::new();
    let mut roots = Vec::new();
    let mut waiting: Vec<(Node, Option<usize>)> = tree.roots.iter().rev().map(|root| (*root, None)).collect();
    let mut open = Vec::new();
    while let Some((node, parent)) = waiting.pop() {
        let (leaf, splits_at) = match node {
            Node::Leaf(leaf) => (leaf, None),
            Node::Merge(k) => match level_of(tree.merges[k].energy) {
                None => {
                    waiting.extend(tree.merges[k].children.iter().rev().map(|child| (*child, parent)));
                    continue;
                }
                Some(level) if level == last => (lowest[k], None),
                Some(level) => (lowest[k], Some(level)),
            },
        };
        if parent.is_none() && tree.levels.first().is_none_or(|first| tree.leaves[leaf].energy >= *first) {
            continue;
        }
        let here = cuts.len();
        cuts.push(Cut { parent, splits_at, children: Vec::new(), branches: 1, leaf, holds_centre: false });
        match parent {
            Some(parent) => cuts[parent].children.push(here),
            None => roots.push(here),
        }
        if let Some(level) = splits_at {
            open.push(node);
            while let Some(inner) = open.pop() {
                match inner {
                    Node::Merge(k) if level_of(tree.merges[k].energy) == Some(level) => {
                        open.extend(tree.merges[k].children.iter().rev());
                    }
                    other => waiting.push((other, Some(here))),
                }
            }
        }
    }
    (cuts, roots)
}

/// Puts siblings beside each other from `from` on: the one to follow in the middle, then the larger the nearer to it, always on the side
/// with fewer branches. `here` counts the branches on both sides of the same trunk higher up, `beside` takes it down with the trunk: without
/// it a trunk that loses one branch at a time would lose them all to one side.
fn spread(cuts: &[Cut], siblings: &mut [usize], from: usize, here: [usize; 2], start: &mut [usize], beside: &mut [[usize; 2]]) {
    let trunk = |k: usize| (!cuts[k].holds_centre, cuts[k].leaf);
    let Some(middle) = siblings.iter().copied().min_by_key(|k| trunk(*k)) else { return };
    siblings.sort_by_key(|k| (*k != middle, std::cmp::Reverse(cuts[*k].branches), cuts[*k].leaf));
    let (mut left, mut right) = (Vec::new(), Vec::new());
    let [mut on_left, mut on_right] = here;
    for &k in &siblings[1..] {
        if on_right <= on_left {
            right.push(k);
            on_right += cuts[k].branches;
        } else {
            left.push(k);
            on_left += cuts[k].branches;
        }
    }
    beside[middle] = [on_left, on_right];
    let mut at = from;
    for k in left.into_iter().rev().chain([middle]).chain(right) {
        start[k] = at;
        at += cuts[k].branches;
    }
}

/// The tree of its `count` lowest leaves; the others still decide at which energy these meet.
pub fn lowest_part(tree: &MergeTree, count: usize) -> MergeTree {
    let mut merges: Vec<Merge> = Vec::new();
    // What is left of each merge.
    let mut kept: Vec<Option<Node>> = Vec::with_capacity(tree.merges.len());
    let left_of = |node: Node, kept: &[Option<Node>]| match node {
        Node::Leaf(leaf) => (leaf < count).then_some(node),
        Node::Merge(k) => kept[k],
    };
    for merge in &tree.merges {
        let sides = merge.children.map(|child| left_of(child, &kept));
        kept.push(match sides {
            [Some(a), Some(b)] => {
                merges.push(Merge { children: [a, b], ..merge.clone() });
                Some(Node::Merge(merges.len() - 1))
            }
            [a, b] => a.or(b),
        });
    }
    MergeTree {
        leaves: tree.leaves.iter().take(count).copied().collect(),
        merges,
        roots: tree.roots.iter().filter_map(|root| left_of(*root, &kept)).collect(),
        ..tree.clone()
    }
}
