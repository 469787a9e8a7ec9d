//! The k nearest neighbours of every point of a cloud, exactly: by a k-d tree where the cloud has few dimensions, by all distances otherwise.
//!
//! The tree halves the cloud along the widest coordinate down to buckets of 32 points, which lie in memory as the vector units read them; a
//! search enters the nearer half first and leaves out every box that lies farther away than the neighbours that it has. In a cloud of many
//! dimensions it would enter nearly all boxes. Then |a|² + |b|² − 2 a·b of all pairs costs a third to an eighth as much each: it says who may be a neighbour,
//! with a margin for what it loses to cancellation, and the distances of those few are computed as they should be. Which of the two it is
//! is tried out on a few points: the spread of the cloud counts, not the number of its coordinates.
//!
//! Both give the same bits: a squared distance is always Σ (a − b)² added up coordinate by coordinate, and of equal ones the lower index
//! comes first. So the answer does not depend on the number of threads either.
//! Cost: n log n in few dimensions (some 20 µs a point and thread in three), n² d / 8 vector multiplications otherwise. Memory: 12 bytes a
//! neighbour and the cloud once more. Points in one place are legal.
//! References: J. H. Friedman, J. L. Bentley, R. A. Finkel, ACM Trans. Math. Softw. 3, 209 (1977), doi:10.1145/355744.355745.

mod brute;
mod tree;

use super::Matrix;
use super::gather::{all_rows, gather_rows};
use super::simd::{Block, Kernel, LANES, Lanes, dispatch};
use crate::base::{Result, Run};
use rayon::prelude::*;
use tree::Tree;

/// Points whose tree search is tried out.
const PROBES: usize = 24;
/// A pair costs this many times as much in the tree as beside all others: 3 to 8 from 74 dimensions down to 5.
const TREE_PAIR: usize = 6;
/// Searches of a task.
const SEARCHES: usize = 256;

/// The nearest neighbours of every point, nearest first; of equally far ones the lower index first.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbours {
    /// Neighbours of a point, itself not among them.
    pub count: usize,
    /// points × count.
    pub indices: Vec<u32>,
    /// Squared distances, points × count.
    pub squares: Vec<f64>,
    /// All points in an order in which those that lie together stand together.
    pub order: Vec<u32>,
}

impl Neighbours {
    /// The neighbours of point i and their squared distances.
    pub fn of(&self, i: usize) -> (&[u32], &[f64]) {
        let places = i * self.count..(i + 1) * self.count;
        (&self.indices[places.clone()], &self.squares[places])
    }

    /// Leaves the nearest `count` of each point.
    pub fn truncate(&mut self, count: usize) {
        let (points, old) = (self.indices.len() / self.count.max(1), self.count);
        for i in 0..points {
            self.indices.copy_within(i * old..i * old + count, i * count);
            self.squares.copy_within(i * old..i * old + count, i * count);
        }
        self.indices.truncate(points * count);
        self.squares.truncate(points * count);
        self.count = count;
    }

    /// Whether point i is among the neighbours of j, at this squared distance of the two.
    pub fn holds(&self, j: usize, i: usize, square: f64) -> bool {
        let (indices, squares) = self.of(j);
        match (squares.last(), indices.last()) {
            (Some(&far), Some(&last)) => (square, i) <= (far, last as usize),
            _ => false,
        }
    }
}

/// The `count` nearest neighbours of every row of `points`, which must be finite and fewer than 2³².
///
/// Panics where count is not below the number of points. Errors: only a stop.
pub fn nearest(run: &Run, points: &Matrix, count: usize) -> Result<Neighbours> {
    let n = points.rows;
    assert!(count < n, "{count} neighbours among {n} points");
    let tree = Tree::new(points);
    let order = tree.order().to_vec();
    let mut found = Neighbours { count, indices: vec![0; n * count], squares: vec![0.0; n * count], order };
    if count == 0 {
        return Ok(found);
    }
    let met: usize = (0..PROBES).map(|k| tree.probe(k * (n - 1) / (PROBES - 1), count)).sum();
    if TREE_PAIR * met < PROBES * n {
        by_tree(run, &tree, &mut found)?;
    } else {
        drop(tree);
        brute::all(run, points, &mut found)?;
    }
    Ok(found)
}

/// Tasks search for points that lie together in the tree: what one has read is still in the cache for the next.
fn by_tree(run: &Run, tree: &Tree, found: &mut Neighbours) -> Result<()> {
    let count = found.count;
    let task = run.task("neighbours", Some(tree.order().len() as u64));
    // What tasks hand over waits until its turn, a few dozen of them at a time.
    let mut first = 0;
    while first < tree.order().len() {
        let end = (first + 64 * SEARCHES).min(tree.order().len());
        let parts = (first..end).into_par_iter().step_by(SEARCHES).map(|start| {
            let places = start..(start + SEARCHES).min(end);
            task.tick(places.len() as u64, String::new)?;
            Ok(tree.search(places, count))
        });
        let parts: Vec<(Vec<u32>, Vec<f64>)> = parts.collect::<Result<_>>()?;
        let mut place = first;
        for (indices, squares) in parts {
            for (indices, squares) in indices.chunks_exact(count).zip(squares.chunks_exact(count)) {
                let to = tree.order()[place] as usize * count;
                found.indices[to..to + count].copy_from_slice(indices);
                found.squares[to..to + count].copy_from_slice(squares);
                place += 1;
            }
        }
        first = end;
    }
    Ok(())
}

/// Points in blocks of eight, a [`Block`] for each coordinate of a block: as the vector units read them.
#[derive(Debug, Clone)]
pub struct Panel {
    blocks: Vec<Block>,
    count: usize,
    dimension: usize,
}

impl Panel {
    /// All rows of a matrix in their order.
    pub fn new(points: &Matrix) -> Panel {
        Panel { blocks: all_rows(points), count: points.rows, dimension: points.columns }
    }

    /// The rows with these numbers.
    pub fn of(points: &Matrix, rows: &[u32]) -> Panel {
        let mut blocks = vec![Block::ZERO; rows.len().div_ceil(LANES) * points.columns];
        gather_rows(points, rows, &mut blocks);
        Panel { blocks, count: rows.len(), dimension: points.columns }
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Squared distances of x to all points from number `first` (a multiple of eight) on, as many as `out` takes.
    pub fn squares(&self, x: &[f64], first: usize, out: &mut [f64]) {
        assert!(x.len() == self.dimension && first.is_multiple_of(LANES) && first + out.len() <= self.count);
        let start = first / LANES * self.dimension;
        let end = start + out.len().div_ceil(LANES) * self.dimension;
        dispatch(Squares { x, blocks: &self.blocks[start..end], out });
    }
}

struct Squares<'a> {
    x: &'a [f64],
    blocks: &'a [Block],
    out: &'a mut [f64],
}

impl Kernel for Squares<'_> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes>(self) {
        let d = self.x.len();
        let mut block = [Block::ZERO; 4];
        for (out, blocks) in self.out.chunks_mut(4 * LANES).zip(self.blocks.chunks(4 * d.max(1))) {
            squares_of::<V>(self.x, blocks, &mut block);
            for (out, block) in out.chunks_mut(LANES).zip(&block) {
                out.copy_from_slice(&block.0[..out.len()]);
            }
        }
    }
}

/// Squared distances of x to the points of at most four blocks: for every lane Σ (a − b)² from the first coordinate to the last.
/// The only way in which a distance is computed here, so that all agree to the last bit.
#[inline(always)]
fn squares_of<V: Lanes>(x: &[f64], blocks: &[Block], out: &mut [Block; 4]) {
    let d = x.len();
    let zero = V::splat(0.0);
    if d > 0 && blocks.len() == 4 * d {
        // Four sums at a time hide how long a single multiplication takes.
        let (b0, rest) = blocks.split_at(d);
        let (b1, rest) = rest.split_at(d);
        let (b2, b3) = rest.split_at(d);
        let (mut s0, mut s1, mut s2, mut s3) = (zero, zero, zero, zero);
        for k in 0..d {
            let x = V::splat(x[k]);
            let (g0, g1) = (x - V::load(&b0[k]), x - V::load(&b1[k]));
            let (g2, g3) = (x - V::load(&b2[k]), x - V::load(&b3[k]));
            (s0, s1) = (g0.fma(g0, s0), g1.fma(g1, s1));
            (s2, s3) = (g2.fma(g2, s2), g3.fma(g3, s3));
        }
        s0.store(&mut out[0]);
        s1.store(&mut out[1]);
        s2.store(&mut out[2]);
        s3.store(&mut out[3]);
        return;
    }
    for (b, out) in blocks.chunks_exact(d.max(1)).zip(out) {
        let mut sum = zero;
        for k in 0..d {
            let gap = V::splat(x[k]) - V::load(&b[k]);
            sum = gap.fma(gap, sum);
        }
        sum.store(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Kind;
    use crate::math::random::stream;
    use rand::RngExt;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    fn cloud(n: usize, d: usize, seed: u64) -> Matrix {
        let mut random = stream(seed, 0);
        Matrix::from_rows(n, d, (0..n * d).map(|_| random.random::<f64>()).collect())
    }

    /// All distances by a loop over coordinates, sorted.
    fn plain(points: &Matrix, i: usize, count: usize) -> Vec<(f64, usize)> {
        let square = |j: usize| points.row(i).iter().zip(points.row(j)).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
        let mut all: Vec<(f64, usize)> = (0..points.rows).filter(|j| *j != i).map(|j| (square(j), j)).collect();
        all.sort_by(|a, b| a.partial_cmp(b).expect("finite"));
        all.truncate(count);
        all
    }

    fn both(points: &Matrix, count: usize) -> [Neighbours; 2] {
        let (run, grown) = (Run::silent(), Tree::new(points));
        let none = Neighbours {
            count,
            indices: vec![0; points.rows * count],
            squares: vec![0.0; points.rows * count],
            order: grown.order().to_vec(),
        };
        let (mut tree, mut all) = (none.clone(), none);
        by_tree(&run, &grown, &mut tree).unwrap();
        brute::all(&run, points, &mut all).unwrap();
        [tree, all]
    }

    #[test]
    fn tree_and_all_distances_give_the_same_bits_and_those_of_a_plain_loop() {
        for (n, d, count) in [(2, 1, 1), (9, 3, 8), (40, 2, 5), (300, 1, 7), (700, 3, 64), (500, 12, 20), (333, 75, 33)] {
            let points = cloud(n, d, d as u64);
            let [tree, all] = both(&points, count);
            assert_eq!(tree, all, "{n} points in {d} dimensions");
            for i in 0..n {
                let (indices, squares) = tree.of(i);
                for (k, (square, j)) in plain(&points, i, count).into_iter().enumerate() {
                    // No two distances of a random cloud are equal to rounding.
                    assert!(indices[k] as usize == j && (squares[k] - square).abs() <= 1e-14 * square, "{n} × {d}: {i}, {k}");
                }
            }
        }
    }

    #[test]
    fn ties_go_to_the_lower_index_and_points_may_coincide() {
        // A grid: nearly every distance occurs several times, all exact.
        let grid = Matrix::from_rows(400, 2, (0..400).flat_map(|i| [(i % 20) as f64, (i / 20) as f64]).collect());
        // Every point four times.
        let copies = Matrix::from_rows(400, 2, (0..400).flat_map(|i| [(i % 10) as f64, (i / 10 % 10) as f64]).collect());
        let one_place = Matrix::from_rows(100, 3, vec![0.25; 300]);
        for points in [&grid, &copies, &one_place] {
            for count in [1, 4, 17, 64] {
                let [tree, all] = both(points, count);
                assert_eq!(tree, all);
                for i in 0..points.rows {
                    let found: Vec<(f64, usize)> =
                        tree.of(i).1.iter().copied().zip(tree.of(i).0.iter().map(|j| *j as usize)).collect();
                    assert_eq!(found, plain(points, i, count), "point {i}");
                }
                assert_eq!(nearest(&Run::silent(), points, count).unwrap(), tree);
            }
        }
    }

    #[test]
    fn cancellation_loses_no_neighbour() {
        // A tight cluster far from the rest: |a|² + |b|² − 2 a·b has no digit of its distances.
        let mut points = cloud(200, 5, 3);
        for i in 0..100 {
            points.row_mut(i).iter_mut().for_each(|x| *x = 1e6 + 1e-3 * *x);
        }
        let [tree, all] = both(&points, 10);
        assert_eq!(tree, all);
        assert!(tree.of(3).1.iter().all(|s| *s > 0.0 && *s < 1e-5));
        let rows = both(&points, 10)[1].of(3).0.iter().map(|j| *j as usize).collect::<Vec<_>>();
        assert_eq!(rows, plain(&points, 3, 10).iter().map(|p| p.1).collect::<Vec<_>>());
    }

    #[test]
    fn fewer_neighbours_are_the_first_of_more() {
        let points = cloud(90, 2, 5);
        let mut more = nearest(&Run::silent(), &points, 9).unwrap();
        more.truncate(4);
        assert_eq!(more, nearest(&Run::silent(), &points, 4).unwrap());
    }

    #[test]
    fn membership_is_told_from_the_last_neighbour() {
        let points = Matrix::from_rows(60, 2, (0..60).flat_map(|i| [(i % 8) as f64, (i / 8) as f64]).collect());
        let found = nearest(&Run::silent(), &points, 6).unwrap();
        let panel = Panel::new(&points);
        let mut squares = vec![0.0; 60];
        for j in 0..60 {
            panel.squares(points.row(j), 0, &mut squares);
            for i in (0..60).filter(|i| *i != j) {
                assert_eq!(found.holds(j, i, squares[i]), found.of(j).0.contains(&(i as u32)), "{i} of {j}");
            }
        }
    }

    #[test]
    fn threads_change_nothing_and_a_stop_is_heard() {
        for d in [3, 40] {
            let points = cloud(3000, d, 9);
            let with = |threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| nearest(&Run::silent(), &points, 12).unwrap())
            };
            assert_eq!(with(1), with(3));
            let stopped = Run::new(Arc::new(AtomicBool::new(true)), None, None, 0);
            assert_eq!(nearest(&stopped, &points, 12).unwrap_err().kind, Kind::Interrupted);
        }
    }
}
