//! A k-d tree with tight boxes and buckets that the vector units scan.

use super::squares_of;
use crate::math::Matrix;
use crate::math::gather::gather_rows;
use crate::math::simd::{Block, Kernel, LANES, Lanes, dispatch};
use std::collections::BinaryHeap;
use std::ops::Range;

/// Points of a bucket: four blocks.
const BUCKET: usize = 4 * LANES;
/// Boxes are told to lie a little nearer than they do, since their distances are rounded in another order than those of points.
const NEARER: f64 = 1.0 - 1e-12;

/// Half of the cloud's points below a node, or a bucket of them.
struct Node {
    /// Places of its points in the order of the tree.
    first: u32,
    end: u32,
    /// The farther child; the nearer one follows its parent. 0 for a bucket.
    right: u32,
    /// First block of a bucket.
    blocks: u32,
}

pub(super) struct Tree<'a> {
    points: &'a Matrix,
    /// Indices of the points, bucket after bucket.
    order: Vec<u32>,
    nodes: Vec<Node>,
    /// Lower and upper ends of each node's box, `padded` blocks each.
    boxes: Vec<Block>,
    /// Blocks that hold one number for each coordinate.
    padded: usize,
    /// The buckets' points.
    panel: Vec<Block>,
}

/// Squared distance as an integer of the same order, and index.
type Near = (u64, u32);

impl<'a> Tree<'a> {
    pub fn new(points: &'a Matrix) -> Tree<'a> {
        let n = points.rows;
        let padded = points.columns.div_ceil(LANES);
        let order = (0..n as u32).collect();
        let mut tree = Tree { points, order, nodes: Vec::new(), boxes: Vec::new(), padded, panel: Vec::new() };
        tree.grow(0..n);
        tree
    }

    /// The points, bucket after bucket.
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    fn grow(&mut self, range: Range<usize>) {
        let number = self.nodes.len();
        let (first, end) = (range.start as u32, range.end as u32);
        let blocks = (self.panel.len() / self.points.columns.max(1)) as u32;
        self.nodes.push(Node { first, end, right: 0, blocks });
        let widest = self.enclose(range.clone());
        if range.len() <= BUCKET {
            let d = self.points.columns;
            let start = self.panel.len();
            self.panel.resize(start + range.len().div_ceil(LANES) * d, Block::ZERO);
            gather_rows(self.points, &self.order[range], &mut self.panel[start..]);
            return;
        }
        // Whole buckets to the left, so that few are left half empty.
        let middle = (range.len() / 2).next_multiple_of(BUCKET).min(range.len() - 1);
        let points = self.points;
        let key = |i: &u32| points[(*i as usize, widest)];
        self.order[range.clone()].select_nth_unstable_by(middle, |a, b| key(a).total_cmp(&key(b)).then(a.cmp(b)));
        self.grow(range.start..range.start + middle);
        self.nodes[number].right = self.nodes.len() as u32;
        self.grow(range.start + middle..range.end);
    }

    /// Adds the box around some points; gives its widest coordinate.
    fn enclose(&mut self, range: Range<usize>) -> usize {
        let d = self.points.columns;
        let (mut low, mut high) = (vec![f64::INFINITY; d], vec![f64::NEG_INFINITY; d]);
        for &i in &self.order[range] {
            for ((low, high), x) in low.iter_mut().zip(&mut high).zip(self.points.row(i as usize)) {
                *low = low.min(*x);
                *high = high.max(*x);
            }
        }
        for side in [&low, &high] {
            // The padding is a box around 0, where the padding of a position lies too.
            self.boxes.extend(side.chunks(LANES).map(|x| Block(std::array::from_fn(|k| x.get(k).copied().unwrap_or(0.0)))));
        }
        (0..d).fold(0, |best, k| if high[k] - low[k] > high[best] - low[best] { k } else { best })
    }

    /// The nearest `count` of the points at these places: indices and squared distances, row after row.
    pub fn search(&self, places: Range<usize>, count: usize) -> (Vec<u32>, Vec<f64>) {
        let found = dispatch(Search { tree: self, places, count });
        (found.indices, found.squares)
    }

    /// Points whose distances a search for the neighbours of one point computes.
    pub fn probe(&self, place: usize, count: usize) -> usize {
        dispatch(Search { tree: self, places: place..place + 1, count }).met
    }
}

struct Search<'a, 'b> {
    tree: &'a Tree<'b>,
    places: Range<usize>,
    count: usize,
}

#[derive(Default)]
struct Found {
    indices: Vec<u32>,
    squares: Vec<f64>,
    met: usize,
}

impl Kernel for Search<'_, '_> {
    type Output = Found;
    #[inline(always)]
    fn run<V: Lanes>(self) -> Found {
        let Search { tree, places, count } = self;
        let mut found = Found::default();
        let mut heap: BinaryHeap<Near> = BinaryHeap::with_capacity(count);
        let mut sorted: Vec<Near> = Vec::with_capacity(count);
        let mut position = vec![Block::ZERO; tree.padded];
        // Nodes still to be seen, with the squared distances of their boxes.
        let mut waiting: Vec<(u32, f64)> = Vec::new();
        for place in places {
            let itself = tree.order[place];
            let x = tree.points.row(itself as usize);
            for (block, x) in position.iter_mut().zip(x.chunks(LANES)) {
                block.0[..x.len()].copy_from_slice(x);
            }
            waiting.push((0, 0.0));
            while let Some((mut number, distance)) = waiting.pop() {
                if heap.len() == count && heap.peek().is_some_and(|far| distance * NEARER > f64::from_bits(far.0)) {
                    continue;
                }
                // Down to the nearest bucket; the other halves wait.
                while tree.nodes[number as usize].right != 0 {
                    let (left, right) = (number + 1, tree.nodes[number as usize].right);
                    // No closure: one would not become part of the function that has the instruction set switched on.
                    let (a, b) = (box_distance::<V>(tree, left, &position), box_distance::<V>(tree, right, &position));
                    let (near, far) = if a <= b { ((left, a), (right, b)) } else { ((right, b), (left, a)) };
                    waiting.push(far);
                    number = near.0;
                }
                found.met += scan::<V>(tree, &tree.nodes[number as usize], x, itself, count, &mut heap);
            }
            sorted.extend(heap.drain());
            sorted.sort_unstable();
            found.indices.extend(sorted.iter().map(|near| near.1));
            found.squares.extend(sorted.drain(..).map(|near| f64::from_bits(near.0)));
        }
        found
    }
}

/// Squared distance of a position to a node's box.
#[inline(always)]
fn box_distance<V: Lanes>(tree: &Tree, number: u32, position: &[Block]) -> f64 {
    let start = 2 * tree.padded * number as usize;
    let (low, high) = tree.boxes[start..start + 2 * tree.padded].split_at(tree.padded);
    let zero = V::splat(0.0);
    let mut sum = zero;
    for ((x, low), high) in position.iter().zip(low).zip(high) {
        let x = V::load(x);
        let gap = (V::load(low) - x).max(x - V::load(high)).max(zero);
        sum = gap.fma(gap, sum);
    }
    sum.sum()
}

/// Looks at every point of a bucket; gives their number.
#[inline(always)]
fn scan<V: Lanes>(tree: &Tree, node: &Node, x: &[f64], itself: u32, count: usize, heap: &mut BinaryHeap<Near>) -> usize {
    let d = x.len();
    let members = &tree.order[node.first as usize..node.end as usize];
    let start = node.blocks as usize * d;
    let mut squares = [Block::ZERO; 4];
    squares_of::<V>(x, &tree.panel[start..start + members.len().div_ceil(LANES) * d], &mut squares);
    // Squared distances are not negative, so that their bits have their order.
    let mut limit =
        if heap.len() == count { heap.peek().map_or(f64::INFINITY, |far| f64::from_bits(far.0)) } else { f64::INFINITY };
    for (squares, members) in squares.iter().zip(members.chunks(LANES)) {
        let mut bits = V::load(squares).less_bits(V::splat(limit.next_up()));
        while bits != 0 {
            let lane = bits.trailing_zeros() as usize;
            bits &= bits - 1;
            let (square, Some(&index)) = (squares.0[lane], members.get(lane)) else { break };
            if square > limit || index == itself {
                continue;
            }
            let candidate = (square.to_bits(), index);
            if heap.len() < count {
                heap.push(candidate);
            } else if let Some(mut far) = heap.peek_mut()
                && candidate < *far
            {
                *far = candidate;
            }
            if heap.len() == count {
                limit = heap.peek().map_or(limit, |far| f64::from_bits(far.0));
            }
        }
    }
    members.len()
}
