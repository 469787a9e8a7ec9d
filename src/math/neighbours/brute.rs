//! Nearest neighbours from all distances, a block of points against a block of others at a time.

use super::{Neighbours, Panel};
use crate::base::{Result, Run};
use crate::math::Matrix;
use crate::math::matrix::dot;
use crate::math::products::{Then, Weights, product};
use crate::math::simd::{Block, Kernel, LANES, Lanes, dispatch};
use rayon::prelude::*;

/// Points searched for at a time.
const ROWS: usize = 48;
/// Blocks of others that they meet at a time: what comes out, 24 KB, stays in the first cache.
const BLOCKS: usize = 8;

/// A point that may be a neighbour: its squared distance by cancellation, and its index.
type Candidate = (f64, u32);

/// Fills in the neighbours of every point.
pub(super) fn all(run: &Run, points: &Matrix, found: &mut Neighbours) -> Result<()> {
    let (n, d, count) = (points.rows, points.columns, found.count);
    let cloud = Centred::new(points);
    let task = run.task("neighbours", Some(n as u64));
    let parts = found.indices.par_chunks_mut(ROWS * count).zip(found.squares.par_chunks_mut(ROWS * count));
    parts.enumerate().try_for_each_init(
        || Work { weights: Vec::new(), out: Vec::new(), candidates: vec![Vec::new(); ROWS] },
        |work, (part, (indices, squares))| {
            let first = part * ROWS;
            let rows = indices.len() / count;
            work.begin(&cloud, first, rows);
            let mut limits = vec![f64::INFINITY; rows];
            for (k, blocks) in cloud.panel.chunks(BLOCKS * (d + 1)).enumerate() {
                run.check()?;
                work.out.resize(blocks.len() / (d + 1) * rows, Block::ZERO);
                let weights = Weights::new(&work.weights, rows, d + 1);
                product(weights, blocks, Then::SetPlus(&cloud.squares[first..first + rows]), &mut work.out);
                let start = k * BLOCKS * LANES;
                let Work { out, candidates, .. } = &mut *work;
                dispatch(Gather { out, start, first, count, cloud: &cloud, limits: &mut limits, candidates });
            }
            for r in 0..rows {
                let candidates = &mut work.candidates[r];
                cloud.prune(candidates, first + r, count);
                let places = r * count..(r + 1) * count;
                settle(points, first + r, candidates, &mut indices[places.clone()], &mut squares[places]);
            }
            task.tick(rows as u64, String::new)
        },
    )
}

/// The cloud about its centre, so that cancellation costs as little as it can.
struct Centred {
    positions: Matrix,
    squares: Vec<f64>,
    /// Coordinates and, behind them, the squares.
    panel: Vec<Block>,
    largest: f64,
}

impl Centred {
    fn new(points: &Matrix) -> Centred {
        let (n, d) = (points.rows, points.columns);
        let mut centre = vec![0.0; d];
        for i in 0..n {
            centre.iter_mut().zip(points.row(i)).for_each(|(c, x)| *c += x / n as f64);
        }
        let mut positions = points.clone();
        let mut panel = vec![Block::ZERO; n.div_ceil(LANES) * (d + 1)];
        let mut squares = Vec::with_capacity(n);
        for i in 0..n {
            let row = positions.row_mut(i);
            row.iter_mut().zip(&centre).for_each(|(x, c)| *x -= c);
            squares.push(dot(row, row));
            for (block, x) in panel[i / LANES * (d + 1)..].iter_mut().zip(row.iter().chain([&squares[i]])) {
                block.0[i % LANES] = *x;
            }
        }
        let largest = squares.iter().fold(0.0, |a: f64, b| a.max(*b)).sqrt();
        Centred { positions, squares, panel, largest }
    }

    /// How far a squared distance of point i by cancellation may be above another that is no smaller: twice the bound of what is lost.
    fn margin(&self, i: usize) -> f64 {
        let reach = self.squares[i].sqrt() + self.largest;
        4.0 * (self.positions.columns + 16) as f64 * f64::EPSILON * reach * reach
    }

    /// Leaves those that may be among the nearest `count`; gives what the squared distance of one must be below.
    fn prune(&self, candidates: &mut Vec<Candidate>, i: usize, count: usize) -> f64 {
        if candidates.len() < count {
            return f64::INFINITY;
        }
        let (_, far, _) = candidates.select_nth_unstable_by(count - 1, |a, b| a.0.total_cmp(&b.0));
        let limit = (far.0 + self.margin(i)).next_up();
        candidates.retain(|c| c.0 < limit);
        limit
    }
}

/// Memory of a thread.
struct Work {
    weights: Vec<f64>,
    out: Vec<Block>,
    candidates: Vec<Vec<Candidate>>,
}

impl Work {
    /// −2 a and 1: their product with the coordinates and squares of b is |b|² − 2 a·b.
    fn begin(&mut self, cloud: &Centred, first: usize, rows: usize) {
        self.weights.clear();
        for i in first..first + rows {
            self.weights.extend(cloud.positions.row(i).iter().map(|x| -2.0 * x).chain([1.0]));
        }
        self.candidates.iter_mut().for_each(Vec::clear);
    }
}

/// Takes in what came out for the points from number `start` on.
struct Gather<'a> {
    out: &'a [Block],
    start: usize,
    first: usize,
    count: usize,
    cloud: &'a Centred,
    limits: &'a mut [f64],
    candidates: &'a mut [Vec<Candidate>],
}

impl Kernel for Gather<'_> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes>(self) {
        let rows = self.limits.len();
        let n = self.cloud.squares.len();
        for (b, blocks) in self.out.chunks_exact(rows).enumerate() {
            let base = self.start + b * LANES;
            for r in 0..rows {
                let mut bits = V::load(&blocks[r]).less_bits(V::splat(self.limits[r]));
                if bits == 0 {
                    continue;
                }
                let candidates = &mut self.candidates[r];
                while bits != 0 {
                    let lane = bits.trailing_zeros() as usize;
                    bits &= bits - 1;
                    if base + lane < n && base + lane != self.first + r {
                        candidates.push((blocks[r].0[lane], (base + lane) as u32));
                    }
                }
                if candidates.len() + LANES > candidates.capacity() {
                    self.limits[r] = self.cloud.prune(candidates, self.first + r, self.count);
                    // Room for what cannot be told apart and as much again, so that this stays rare.
                    let room = candidates.len() + 2 * self.count + 64;
                    candidates.reserve(room);
                }
            }
        }
    }
}

/// The nearest of the candidates by their real distances.
fn settle(points: &Matrix, i: usize, candidates: &[Candidate], indices: &mut [u32], squares: &mut [f64]) {
    let chosen: Vec<u32> = candidates.iter().map(|c| c.1).collect();
    let mut real = vec![0.0; chosen.len()];
    Panel::of(points, &chosen).squares(points.row(i), 0, &mut real);
    // Squares are not negative, so that their bits have their order.
    let mut sorted: Vec<(u64, u32)> = real.iter().map(|square| square.to_bits()).zip(chosen).collect();
    sorted.sort_unstable();
    for ((index, square), (bits, j)) in indices.iter_mut().zip(squares).zip(sorted) {
        (*index, *square) = (j, f64::from_bits(bits));
    }
}
