//! Graphs: which nodes hang together (union-find), shortest paths (Dijkstra), paths of the lowest barrier (minimax).
//!
//! Union-find halves paths as it walks and hangs the smaller tree under the larger: practically O(1) an operation.
//! Dijkstra settles nodes in the order of their distance with a heap, O(E log E). The path of the lowest barrier is the one in the
//! minimum spanning tree (Kruskal): its highest edge is as low as that of any path, and so is every part of it; O(E log E).
//! Fails on negative weights (Dijkstra). Ties go to the lower number, so results repeat.
//! References: R. E. Tarjan, J. ACM 22, 215 (1975), doi:10.1145/321879.321884; E. W. Dijkstra, Numer. Math. 1, 269 (1959),
//! doi:10.1007/BF01386390; J. B. Kruskal, Proc. Am. Math. Soc. 7, 48 (1956), doi:10.1090/S0002-9939-1956-0078686-7.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Disjoint sets over the numbers 0 … n − 1.
#[derive(Debug, Clone, Default)]
pub struct DisjointSets {
    parent: Vec<usize>,
    size: Vec<usize>,
    components: usize,
}

impl DisjointSets {
    /// Every number a set of its own.
    pub fn new(n: usize) -> DisjointSets {
        DisjointSets { parent: (0..n).collect(), size: vec![1; n], components: n }
    }

    /// The number that stands for the set of `a`.
    pub fn find(&mut self, mut a: usize) -> usize {
        while self.parent[a] != a {
            self.parent[a] = self.parent[self.parent[a]];
            a = self.parent[a];
        }
        a
    }

    /// The same without shortening the way there, for those who may only look: O(log n).
    pub fn root(&self, mut a: usize) -> usize {
        while self.parent[a] != a {
            a = self.parent[a];
        }
        a
    }

    /// Adds a number in a set of its own.
    pub fn push(&mut self) {
        self.parent.push(self.parent.len());
        self.size.push(1);
        self.components += 1;
    }

    /// Joins the sets of a and b; gives the number that stands for both and the one that no longer does, `None` where they were one already.
    pub fn join(&mut self, a: usize, b: usize) -> Option<(usize, usize)> {
        let (mut a, mut b) = (self.find(a), self.find(b));
        if a == b {
            return None;
        }
        if self.size[a] < self.size[b] {
            std::mem::swap(&mut a, &mut b);
        }
        self.parent[b] = a;
        self.size[a] += self.size[b];
        self.components -= 1;
        Some((a, b))
    }

    pub fn same(&mut self, a: usize, b: usize) -> bool {
        self.find(a) == self.find(b)
    }

    /// Members in the set of `a`.
    pub fn size(&self, a: usize) -> usize {
        self.size[self.root(a)]
    }

    /// Number of sets.
    pub fn sets(&self) -> usize {
        self.components
    }
}

/// Distances from one node, and the way back.
#[derive(Debug, Clone)]
pub struct ShortestPaths {
    /// Infinite where no path leads.
    pub distances: Vec<f64>,
    previous: Vec<Option<usize>>,
}

impl ShortestPaths {
    /// Nodes from the start to `to`, both included; none where no path leads.
    pub fn path(&self, to: usize) -> Option<Vec<usize>> {
        if !self.distances[to].is_finite() {
            return None;
        }
        let mut path = vec![to];
        let mut node = to;
        while let Some(before) = self.previous[node] {
            path.push(before);
            node = before;
        }
        path.reverse();
        Some(path)
    }
}

/// Shortest paths from `from` among n nodes. `neighbours(a)` gives (node, weight ≥ 0) of every edge that leaves a; an infinite or
/// undefined weight is no edge. Stops early once `to` is settled, if given. On a complete graph pass `|a| (0..n).map(…)`.
pub fn shortest_paths<I>(n: usize, from: usize, to: Option<usize>, mut neighbours: impl FnMut(usize) -> I) -> ShortestPaths
where
    I: IntoIterator<Item = (usize, f64)>,
{
    let mut paths = ShortestPaths { distances: vec![f64::INFINITY; n], previous: vec![None; n] };
    let mut settled = vec![false; n];
    let mut queue = BinaryHeap::from([Waiting { distance: 0.0, node: from }]);
    paths.distances[from] = 0.0;
    while let Some(Waiting { distance, node }) = queue.pop() {
        if std::mem::replace(&mut settled[node], true) {
            continue;
        }
        if to == Some(node) {
            break;
        }
        for (next, weight) in neighbours(node) {
            let through = distance + weight;
            if !settled[next] && through < paths.distances[next] {
                paths.distances[next] = through;
                paths.previous[next] = Some(node);
                queue.push(Waiting { distance: through, node: next });
            }
        }
    }
    paths
}

/// A node in Dijkstra's queue: the nearest is the greatest, of equal ones the lower number.
#[derive(Debug, PartialEq)]
struct Waiting {
    distance: f64,
    node: usize,
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Waiting) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Waiting) -> Ordering {
        other.distance.total_cmp(&self.distance).then(other.node.cmp(&self.node))
    }
}

/// The path from a to b whose highest edge is as low as possible, and so is every part of the path: numbers of its edges, in order.
/// `edges` are (node, node, height). None where no path leads; empty where a is b.
pub fn minimax_path(n: usize, edges: &[(usize, usize, f64)], from: usize, to: usize) -> Option<Vec<usize>> {
    let mut order: Vec<usize> = (0..edges.len()).collect();
    order.sort_by(|&i, &j| edges[i].2.total_cmp(&edges[j].2).then(i.cmp(&j)));
    let mut sets = DisjointSets::new(n);
    let mut tree: Vec<Vec<(usize, usize)>> = vec![Vec::new(); n];
    for i in order {
        let (a, b, _) = edges[i];
        if sets.join(a, b).is_some() {
            tree[a].push((b, i));
            tree[b].push((a, i));
            if sets.same(from, to) {
                break;
            }
        }
    }
    if !sets.same(from, to) {
        return None;
    }
    // The way back from b: a walk over the tree from a that remembers where it came from.
    let mut came: Vec<Option<(usize, usize)>> = vec![None; n];
    let mut waiting = vec![from];
    while let Some(node) = waiting.pop() {
        for &(next, edge) in &tree[node] {
            if next != from && came[next].is_none() {
                came[next] = Some((node, edge));
                waiting.push(next);
            }
        }
    }
    let mut path = Vec::new();
    let mut node = to;
    while let Some((before, edge)) = came[node] {
        path.push(edge);
        node = before;
    }
    path.reverse();
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::stream;
    use rand::RngExt;

    /// A random graph of n nodes: (node, node, weight).
    fn random_edges(n: usize, count: usize, seed: u64) -> Vec<(usize, usize, f64)> {
        let mut random = stream(seed, 0);
        (0..count).map(|_| (random.random_range(0..n), random.random_range(0..n), random.random_range(0.0..1.0))).collect()
    }

    #[test]
    fn sets_join_once() {
        let mut sets = DisjointSets::new(5);
        assert!(sets.join(0, 1).is_some() && sets.join(3, 4).is_some() && sets.join(1, 0).is_none());
        assert!(sets.same(0, 1) && !sets.same(1, 3));
        assert!(sets.join(1, 4).is_some());
        assert_eq!((sets.sets(), sets.size(3), sets.size(2)), (2, 4, 1));
        sets.push();
        assert_eq!((sets.sets(), sets.find(5)), (3, 5));
        assert!((0..6).all(|a| sets.root(a) == sets.clone().find(a)));
    }

    /// Best value between all pairs by Floyd and Warshall: `join` joins two parts of a way.
    fn all_pairs(n: usize, edges: &[(usize, usize, f64)], nothing: f64, join: fn(f64, f64) -> f64) -> Vec<Vec<f64>> {
        let mut best = vec![vec![f64::INFINITY; n]; n];
        for &(a, b, w) in edges {
            best[a][b] = w.min(best[a][b]);
            best[b][a] = best[a][b];
        }
        (0..n).for_each(|i| best[i][i] = nothing);
        for k in 0..n {
            for i in 0..n {
                for j in 0..n {
                    best[i][j] = best[i][j].min(join(best[i][k], best[k][j]));
                }
            }
        }
        best
    }

    #[test]
    fn shortest_paths_agree_with_floyd_and_warshall() {
        let n = 25;
        for seed in 0..20 {
            let edges = random_edges(n, 35, seed);
            let expected = all_pairs(n, &edges, 0.0, |a, b| a + b);
            let around = |a: usize| {
                edges.iter().filter(move |e| e.0 == a || e.1 == a).map(move |e| (if e.0 == a { e.1 } else { e.0 }, e.2))
            };
            let paths = shortest_paths(n, 0, None, around);
            for to in 0..n {
                let (found, wanted) = (paths.distances[to], expected[0][to]);
                assert!(found == wanted || (found - wanted).abs() < 1e-12, "{found} for {wanted}");
                let Some(path) = paths.path(to) else {
                    assert!(wanted.is_infinite());
                    continue;
                };
                let step = |p: &[usize]| around(p[0]).filter(|e| e.0 == p[1]).map(|e| e.1).fold(f64::INFINITY, f64::min);
                assert!((path.windows(2).map(step).sum::<f64>() - wanted).abs() < 1e-12);
                assert_eq!((path[0], path[path.len() - 1]), (0, to));
                let early = shortest_paths(n, 0, Some(to), around);
                assert_eq!(early.distances[to], found);
            }
        }
    }

    #[test]
    fn weights_of_zero_and_infinity_are_links_and_gaps() {
        let weight = |a: usize, b: usize| match (a.min(b), a.max(b)) {
            (0, 1) | (1, 2) => 0.0,
            (0, 2) => 5.0,
            _ => f64::INFINITY,
        };
        let paths = shortest_paths(4, 0, None, |a| (0..4).filter(move |&b| b != a).map(move |b| (b, weight(a, b))));
        assert_eq!(paths.path(2), Some(vec![0, 1, 2]));
        assert_eq!(paths.path(3), None);
        assert_eq!(paths.path(0), Some(vec![0]));
    }

    #[test]
    fn barriers_are_as_low_as_can_be() {
        let n = 20;
        for seed in 0..20 {
            let edges = random_edges(n, 30, seed);
            let expected = all_pairs(n, &edges, f64::NEG_INFINITY, f64::max);
            for to in 1..n {
                match minimax_path(n, &edges, 0, to) {
                    None => assert!(expected[0][to].is_infinite()),
                    Some(path) => {
                        let highest = path.iter().map(|&i| edges[i].2).fold(f64::NEG_INFINITY, f64::max);
                        assert_eq!(highest, expected[0][to]);
                        let end = path.iter().fold(0, |node, &i| if edges[i].0 == node { edges[i].1 } else { edges[i].0 });
                        assert_eq!(end, to);
                    }
                }
            }
        }
        assert_eq!(minimax_path(2, &[(0, 1, 1.0)], 0, 0), Some(vec![]));
    }

    #[test]
    fn parts_below_the_highest_barrier_are_low_too() {
        // Both ways from 0 to 3 must cross height 9 at the end; the first part goes round by 1 and 2, not over 5.
        let edges = [(0, 2, 5.0), (0, 1, 1.0), (1, 2, 2.0), (2, 3, 9.0)];
        assert_eq!(minimax_path(4, &edges, 0, 3), Some(vec![1, 2, 3]));
    }
}
