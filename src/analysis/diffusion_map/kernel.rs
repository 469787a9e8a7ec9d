//! The pairs of points that a diffusion map looks at: their squared distances, bandwidths from them, and kernels.
//!
//! The numbers of all pairs stand in one piece of memory, squared distances first and kernels later in the same place.

use crate::base::{Error, Result, Run};
use crate::math::Matrix;
use crate::math::graph::DisjointSets;
use crate::math::neighbours::{Neighbours, Panel};
use crate::math::simd::{Block, Kernel, LANES, Lanes, dispatch, exp_negative};
use crate::math::symmetric::{Sparse, Symmetric};
use rayon::prelude::*;

/// Numbers of a task.
const PIECE: usize = 4096;
/// Rows of a task.
const ROWS: usize = 64;
/// A kernel below this is no connection: beside the 1 of the diagonal it is rounding.
pub(super) const NO_CONNECTION: f64 = 1e-16;
/// Kernels below e to this are 0: products of such numbers would leave the normal ones, with which processors calculate slowly.
const LOWEST_EXPONENT: f64 = -138.0;
/// Powers of two for which one exponential serves: the others are its squares.
const GROUP: usize = 4;

/// Numbers of pairs: all of them row by row (the diagonal among them), or those of neighbours, for each point in its own row.
pub(super) struct Pairs {
    pub n: usize,
    /// Where each row begins among the columns and values, and where the last one ends; none where all pairs are there.
    near: Option<(Vec<usize>, Vec<u32>)>,
    values: Vec<f64>,
    /// The points in an order in which those that lie together stand together.
    order: Vec<u32>,
}

/// A power of two as bandwidth, and twice the slope of log ΣK there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tuned {
    pub bandwidth: f64,
    pub dimension: f64,
}

impl Pairs {
    /// Squared distances of all pairs.
    pub fn all(run: &Run, points: &Matrix) -> Result<Pairs> {
        let n = points.rows;
        let panel = Panel::new(points);
        let mut values = vec![0.0; n * n];
        values.par_chunks_mut(ROWS * n).enumerate().try_for_each(|(part, rows)| {
            run.check()?;
            rows.chunks_exact_mut(n).enumerate().for_each(|(r, row)| panel.squares(points.row(part * ROWS + r), 0, row));
            Ok(())
        })?;
        Ok(Pairs { n, near: None, values, order: (0..n as u32).collect() })
    }

    /// Those of points of which one at least is a neighbour of the other.
    pub fn near(neighbours: &Neighbours) -> Pairs {
        let count = neighbours.count;
        let n = neighbours.indices.len() / count;
        // Neighbours of i that do not have i among theirs get it added to their row.
        let one_sided = |i: usize| {
            let (indices, squares) = neighbours.of(i);
            indices.iter().zip(squares).filter(move |(j, square)| !neighbours.holds(**j as usize, i, **square))
        };
        let mut starts = vec![0; n + 1];
        for i in 0..n {
            starts[i + 1] += count;
            one_sided(i).for_each(|(j, _)| starts[*j as usize + 1] += 1);
        }
        for i in 0..n {
            starts[i + 1] += starts[i];
        }
        let (mut columns, mut values) = (vec![0; starts[n]], vec![0.0; starts[n]]);
        let mut next: Vec<usize> = starts[..n].to_vec();
        for i in 0..n {
            let (indices, squares) = neighbours.of(i);
            columns[next[i]..next[i] + count].copy_from_slice(indices);
            values[next[i]..next[i] + count].copy_from_slice(squares);
            next[i] += count;
        }
        for i in 0..n {
            for (j, square) in one_sided(i) {
                let place = &mut next[*j as usize];
                (columns[*place], values[*place]) = (i as u32, *square);
                *place += 1;
            }
        }
        Pairs { n, near: Some((starts, columns)), values, order: neighbours.order.clone() }
    }

    /// The places of a row among the values.
    fn places(&self, i: usize) -> std::ops::Range<usize> {
        match &self.near {
            None => i * self.n..(i + 1) * self.n,
            Some((starts, _)) => starts[i]..starts[i + 1],
        }
    }

    /// A row's columns and values; the diagonal is among them where all pairs are there.
    pub fn row(&self, i: usize) -> impl Iterator<Item = (usize, f64)> {
        let places = self.places(i);
        let columns = self.near.as_ref().map(|(_, columns)| &columns[places.clone()]);
        self.values[places].iter().enumerate().map(move |(k, value)| (columns.map_or(k, |c| c[k] as usize), *value))
    }

    pub fn is_all(&self) -> bool {
        self.near.is_none()
    }

    /// The largest number of each row.
    pub fn largest(&self) -> Vec<f64> {
        (0..self.n).map(|i| self.values[self.places(i)].iter().fold(0.0, |a: f64, b| a.max(*b))).collect()
    }

    /// The smallest number of a row that is not its own diagonal, `count` of them in rising order.
    pub fn lowest(&self, i: usize, count: usize) -> Vec<f64> {
        let mut row: Vec<f64> = self.row(i).filter(|(j, _)| *j != i).map(|p| p.1).collect();
        let count = count.min(row.len());
        if count < row.len() {
            row.select_nth_unstable_by(count, f64::total_cmp);
        }
        row.truncate(count);
        row.sort_by(f64::total_cmp);
        row
    }

    /// Multiplies the number of every pair by the factors of its two points.
    pub fn scale(&mut self, factors: &[f64]) {
        let (n, near) = (self.n, &self.near);
        match near {
            None => self.values.par_chunks_mut(n).zip(factors).for_each(|(row, own)| {
                row.iter_mut().zip(factors).for_each(|(value, other)| *value *= own * other);
            }),
            Some((starts, columns)) => rows_mut(starts, &mut self.values).into_par_iter().for_each(|(i, row)| {
                let own = factors[i];
                row.iter_mut().zip(&columns[starts[i]..]).for_each(|(value, j)| *value *= own * factors[*j as usize]);
            }),
        }
    }

    /// Squared distances to kernels exp(−d²/(4 ε)), 0 below 1e-60.
    pub fn exponentiate(&mut self, bandwidth: f64) {
        self.values.par_chunks_mut(PIECE).for_each(|piece| dispatch(Exponentials { piece, factor: -0.25 / bandwidth }));
    }

    /// Σ_j K_ij weights_j with the kernel 1 of a point with itself; `value` makes the kernel from the number kept.
    pub fn sums(&self, weights: &[f64], value: impl Fn(f64) -> f64 + Sync) -> Vec<f64> {
        let row = |i: usize| {
            let own = if self.is_all() { 0.0 } else { weights[i] };
            own + self.row(i).map(|(j, x)| value(x) * weights[j]).sum::<f64>()
        };
        (0..self.n).into_par_iter().with_min_len(ROWS).map(row).collect()
    }

    /// The power of two at which log ΣK rises most steeply with log ε, K = exp(−d²/(4 ε)).
    ///
    /// Errors: no two points that differ.
    pub fn tune(&self, run: &Run) -> Result<Tuned> {
        run.check()?;
        let ends = self.values.par_chunks(PIECE).map(|piece| {
            let larger = piece.iter().fold(0.0, |a: f64, b| a.max(*b));
            (piece.iter().filter(|x| **x > 0.0).fold(f64::INFINITY, |a, b| a.min(*b)), larger)
        });
        let (least, most) = ends.reduce(|| (f64::INFINITY, 0.0), |a, b| (a.0.min(b.0), a.1.max(b.1)));
        if !(most > 0.0 && most.is_finite() && least > 1e-290) {
            return Err(Error::value(format!("diffusion_map: all {} points lie in one place", self.n))
                .hint("a sampler that never moved gives such points: look at its acceptance and step size"));
        }
        // Beyond these every kernel is 0 or 1 and the slope 0.
        let low = (least / 160.0).log2().floor() as i32;
        let high = (most / 4.0).log2().ceil() as i32 + 2;
        let powers = ((high - low) as usize / GROUP + 1) * GROUP;
        let largest = 2f64.powi(low + powers as i32 - 1);
        let pieces: Vec<Vec<[f64; 2]>> =
            self.values.par_chunks(PIECE).map(|piece| dispatch(Powers { piece, largest, powers })).collect();
        // The diagonal counts with 1 for every point.
        let own = if self.is_all() { 0.0 } else { self.n as f64 };
        let mut best = Tuned { bandwidth: largest, dimension: 0.0 };
        for k in (0..powers).rev() {
            let bandwidth = largest * 0.5f64.powi(k as i32);
            let sum = |place: usize| pieces.iter().map(|piece| piece[k][place]).sum::<f64>();
            let slope = sum(1) / (4.0 * bandwidth) / (own + sum(0));
            if 2.0 * slope > best.dimension {
                best = Tuned { bandwidth, dimension: 2.0 * slope };
            }
        }
        Ok(best)
    }

    /// Sizes of the parts that hang together by numbers that `joined` accepts, the largest first.
    pub fn parts(&self, joined: impl Fn(f64) -> bool) -> Vec<usize> {
        let mut sets = DisjointSets::new(self.n);
        for i in 0..self.n {
            if sets.sets() == 1 {
                break;
            }
            self.row(i).filter(|(j, x)| *j < i && joined(*x)).for_each(|(j, _)| {
                sets.join(i, j);
            });
        }
        let mut sizes: Vec<usize> = (0..self.n).filter(|i| sets.root(*i) == *i).map(|i| sets.size(i)).collect();
        sizes.sort_by(|a, b| b.cmp(a));
        sizes
    }

    /// R K R − diag(shift) with R = diag(factors), for the eigensolver, its rows and columns in the order given with it: a row then reads of the
    /// vectors what the rows before it have brought into the caches.
    pub fn into_matrix(mut self, factors: &[f64], shift: &[f64]) -> (Symmetric, Vec<u32>) {
        self.scale(factors);
        let (n, order) = (self.n, self.order);
        let Some((old, columns)) = self.near else {
            (0..n).for_each(|i| self.values[i * n + i] -= shift[i]);
            return (Symmetric::Dense { n, values: self.values }, order);
        };
        let mut place = vec![0; n];
        order.iter().zip(0..).for_each(|(i, at)| place[*i as usize] = at);
        let mut matrix = Sparse {
            diagonal: order.iter().map(|i| factors[*i as usize].powi(2) - shift[*i as usize]).collect(),
            starts: vec![0; n + 1],
            columns: Vec::with_capacity(columns.len()),
            values: Vec::with_capacity(columns.len()),
        };
        for (at, i) in order.iter().enumerate() {
            let row = old[*i as usize]..old[*i as usize + 1];
            matrix.columns.extend(columns[row.clone()].iter().map(|j| place[*j as usize]));
            matrix.values.extend_from_slice(&self.values[row]);
            matrix.starts[at + 1] = matrix.columns.len();
        }
        (Symmetric::Sparse(matrix), order)
    }
}

/// Every row with its number.
fn rows_mut<'a>(starts: &[usize], mut values: &'a mut [f64]) -> Vec<(usize, &'a mut [f64])> {
    let lengths = starts.windows(2).map(|w| w[1] - w[0]).enumerate();
    let rows = lengths.map(|(i, length)| {
        let (row, rest) = std::mem::take(&mut values).split_at_mut(length);
        values = rest;
        (i, row)
    });
    rows.collect()
}

struct Exponentials<'a> {
    piece: &'a mut [f64],
    factor: f64,
}

impl Kernel for Exponentials<'_> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes>(self) {
        let (factor, lowest) = (V::splat(self.factor), V::splat(LOWEST_EXPONENT));
        let mut block = Block::ZERO;
        for values in self.piece.chunks_mut(LANES) {
            block.0[..values.len()].copy_from_slice(values);
            let exponent = V::load(&block) * factor;
            V::select_less(lowest, exponent, exp_negative(exponent), V::splat(0.0)).store(&mut block);
            values.copy_from_slice(&block.0[..values.len()]);
        }
    }
}

/// Σ K and Σ K d² for bandwidths that halve from the largest on.
struct Powers<'a> {
    piece: &'a [f64],
    largest: f64,
    powers: usize,
}

impl Kernel for Powers<'_> {
    type Output = Vec<[f64; 2]>;
    #[inline(always)]
    fn run<V: Lanes>(self) -> Vec<[f64; 2]> {
        let mut found = vec![[0.0; 2]; self.powers];
        let mut block = Block::ZERO;
        for (group, found) in found.chunks_exact_mut(GROUP).enumerate() {
            let factor = V::splat(-0.25 / self.largest * 2f64.powi((group * GROUP) as i32));
            let mut sums = [V::splat(0.0); GROUP];
            let mut moments = [V::splat(0.0); GROUP];
            for values in self.piece.chunks(LANES) {
                // What is no pair is infinitely far away: its kernel is as good as 0, and it has no moment.
                let padded = values.len() < LANES;
                if padded {
                    block = Block([1e300; LANES]);
                }
                block.0[..values.len()].copy_from_slice(values);
                let squares = V::load(&block);
                let mut kernel = exp_negative(squares * factor);
                let squares = if padded { V::select_less(squares, V::splat(1e299), squares, V::splat(0.0)) } else { squares };
                for k in 0..GROUP {
                    sums[k] = sums[k] + kernel;
                    moments[k] = kernel.fma(squares, moments[k]);
                    kernel = kernel * kernel;
                }
            }
            for k in 0..GROUP {
                found[k] = [sums[k].sum(), moments[k].sum()];
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::neighbours::nearest;
    use crate::math::random::stream;
    use rand::RngExt;

    fn cloud(n: usize, d: usize) -> Matrix {
        let mut random = stream(4, d as u64);
        Matrix::from_rows(n, d, (0..n * d).map(|_| random.random::<f64>()).collect())
    }

    #[test]
    fn neighbours_on_either_side_are_pairs_once_in_each_row() {
        let points = cloud(200, 3);
        let neighbours = nearest(&Run::silent(), &points, 5).unwrap();
        let pairs = Pairs::near(&neighbours);
        let all = Pairs::all(&Run::silent(), &points).unwrap();
        for i in 0..200 {
            let mut found: Vec<(usize, f64)> = pairs.row(i).collect();
            found.sort_by_key(|p| p.0);
            let joined = |j: usize| neighbours.of(i).0.contains(&(j as u32)) || neighbours.of(j).0.contains(&(i as u32));
            let wanted: Vec<(usize, f64)> = all.row(i).filter(|(j, _)| *j != i && joined(*j)).collect();
            assert_eq!(found, wanted, "row {i}");
            assert_eq!(all.lowest(i, 5), neighbours.of(i).1);
        }
    }

    #[test]
    fn a_square_of_points_has_two_dimensions() {
        // numpy, all pairs, the slope of log ΣK itself at powers of two: 1.9213918502589844 at 2^-10; a sphere of 800 points: 1.9999979 at 2^-5.
        let square = Matrix::from_rows(441, 2, (0..441).flat_map(|k| [(k / 21) as f64 / 20.0, (k % 21) as f64 / 20.0]).collect());
        let tuned = Pairs::all(&Run::silent(), &square).unwrap().tune(&Run::silent()).unwrap();
        assert!(tuned.bandwidth == 0.0009765625 && (tuned.dimension - 1.9213918502589844).abs() < 1e-11, "{tuned:?}");
        // Of another size the same, and only neighbours know it as well while the kernel ends before they do.
        let small = Matrix::from_rows(441, 2, square.data.iter().map(|x| x * 2f64.powi(-30)).collect());
        let again = Pairs::all(&Run::silent(), &small).unwrap().tune(&Run::silent()).unwrap();
        assert!(again.bandwidth == tuned.bandwidth * 2f64.powi(-60) && (again.dimension - tuned.dimension).abs() < 1e-11);
        let near = nearest(&Run::silent(), &square, 60).unwrap();
        let some = Pairs::near(&near).tune(&Run::silent()).unwrap();
        assert!((some.dimension - 1.92).abs() < 0.03 && some.bandwidth <= tuned.bandwidth, "{some:?}");
    }

    #[test]
    fn parts_are_counted_by_what_joins_them() {
        let points = Matrix::from_rows(7, 1, vec![0.0, 0.1, 5.0, 0.2, 5.1, 9.0, 9.05]);
        let pairs = Pairs::all(&Run::silent(), &points).unwrap();
        assert_eq!(pairs.parts(|square| square < 1.0), [3, 2, 2]);
        assert_eq!(pairs.parts(|square| square < 25.0), [7]);
    }
}
