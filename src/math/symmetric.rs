//! Symmetric matrices, sparse or dense, and their products with eight vectors at a time.
//!
//! Eight vectors stand in memory row by row: a [`Block`] holds the eight elements of one row. An element of the matrix then multiplies one
//! block, so that a product costs as much as that with a single vector where memory is the limit, and random access reads whole cache lines.
//! A row is added up in one order whatever the number of threads.

use super::simd::{Block, Kernel, Lanes, dispatch};
use rayon::prelude::*;

/// Rows of a task.
const ROWS: usize = 512;
/// Dense rows that meet a block of the vectors while it is in a register.
const TILE: usize = 8;

/// A symmetric matrix of which both triangles are kept.
#[derive(Debug, Clone)]
pub enum Symmetric {
    Sparse(Sparse),
    /// Row after row.
    Dense {
        n: usize,
        values: Vec<f64>,
    },
}

/// The elements that are not zero, row by row, and the diagonal apart.
#[derive(Debug, Clone)]
pub struct Sparse {
    pub diagonal: Vec<f64>,
    /// Where each row begins among the elements beside the diagonal, and where the last one ends.
    pub starts: Vec<usize>,
    pub columns: Vec<u32>,
    pub values: Vec<f64>,
}

impl Symmetric {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Symmetric::Sparse(s) => s.diagonal.len(),
            Symmetric::Dense { n, .. } => *n,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Calls `see` with the columns and values of a row beside the diagonal.
    pub fn each_beside(&self, i: usize, mut see: impl FnMut(usize, f64)) {
        match self {
            Symmetric::Sparse(s) => {
                let places = s.starts[i]..s.starts[i + 1];
                s.columns[places.clone()].iter().zip(&s.values[places]).for_each(|(j, value)| see(*j as usize, *value));
            }
            Symmetric::Dense { n, values } => {
                values[i * n..(i + 1) * n].iter().enumerate().filter(|(j, _)| *j != i).for_each(|(j, value)| see(j, *value));
            }
        }
    }

    /// out ← A x.
    pub fn product(&self, x: &[Block], out: &mut [Block]) {
        assert!(x.len() == self.len() && out.len() == self.len(), "eight vectors need a block a row");
        let parts = out.par_chunks_mut(ROWS).enumerate();
        match self {
            Symmetric::Sparse(matrix) => parts.for_each(|(k, out)| dispatch(SparseRows { matrix, x, first: k * ROWS, out })),
            Symmetric::Dense { values, .. } => {
                parts.for_each(|(k, out)| dispatch(DenseRows { rows: &values[k * ROWS * x.len()..], x, out }));
            }
        }
    }
}

struct SparseRows<'a> {
    matrix: &'a Sparse,
    x: &'a [Block],
    first: usize,
    out: &'a mut [Block],
}

impl Kernel for SparseRows<'_> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes>(self) {
        let SparseRows { matrix, x, first, out } = self;
        for (k, out) in out.iter_mut().enumerate() {
            let row = first + k;
            let places = matrix.starts[row]..matrix.starts[row + 1];
            let (columns, values) = (&matrix.columns[places.clone()], &matrix.values[places]);
            // Four sums hide how long a single multiplication takes.
            let zero = V::splat(0.0);
            let (mut s0, mut s1, mut s2, mut s3) = (V::splat(matrix.diagonal[row]) * V::load(&x[row]), zero, zero, zero);
            let (fours, rest) = columns.as_chunks::<4>();
            let (four_values, rest_values) = values.as_chunks::<4>();
            for (c, v) in fours.iter().zip(four_values) {
                s0 = V::splat(v[0]).fma(V::load(&x[c[0] as usize]), s0);
                s1 = V::splat(v[1]).fma(V::load(&x[c[1] as usize]), s1);
                s2 = V::splat(v[2]).fma(V::load(&x[c[2] as usize]), s2);
                s3 = V::splat(v[3]).fma(V::load(&x[c[3] as usize]), s3);
            }
            for (c, v) in rest.iter().zip(rest_values) {
                s0 = V::splat(*v).fma(V::load(&x[*c as usize]), s0);
            }
            ((s0 + s1) + (s2 + s3)).store(out);
        }
    }
}

struct DenseRows<'a> {
    rows: &'a [f64],
    x: &'a [Block],
    out: &'a mut [Block],
}

impl Kernel for DenseRows<'_> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes>(self) {
        let n = self.x.len();
        for (tile, out) in self.out.chunks_mut(TILE).enumerate() {
            let rows = &self.rows[tile * TILE * n..];
            if out.len() == TILE {
                let row: [&[f64]; TILE] = std::array::from_fn(|r| &rows[r * n..(r + 1) * n]);
                let mut sums = [V::splat(0.0); TILE];
                for j in 0..n {
                    let x = V::load(&self.x[j]);
                    for r in 0..TILE {
                        sums[r] = V::splat(row[r][j]).fma(x, sums[r]);
                    }
                }
                for r in 0..TILE {
                    sums[r].store(&mut out[r]);
                }
            } else {
                for (r, out) in out.iter_mut().enumerate() {
                    let mut sum = V::splat(0.0);
                    for (a, x) in rows[r * n..(r + 1) * n].iter().zip(self.x) {
                        sum = V::splat(*a).fma(V::load(x), sum);
                    }
                    sum.store(out);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_those_of_plain_loops() {
        for n in [1, 7, 8, 600, 1031] {
            // A band matrix, so that rows differ in length.
            let element = |i: usize, j: usize| if i.abs_diff(j) <= 2 + (i + j) % 3 { ((i + j) as f64 * 0.37).sin() } else { 0.0 };
            let x: Vec<Block> = (0..n).map(|i| Block(std::array::from_fn(|c| ((i * 8 + c) as f64 * 0.11).cos()))).collect();
            let mut sparse = Sparse { diagonal: Vec::new(), starts: vec![0], columns: Vec::new(), values: Vec::new() };
            for i in 0..n {
                sparse.diagonal.push(element(i, i));
                for j in (0..n).filter(|j| *j != i && element(i, *j) != 0.0) {
                    sparse.columns.push(j as u32);
                    sparse.values.push(element(i, j));
                }
                sparse.starts.push(sparse.values.len());
            }
            let dense = Symmetric::Dense { n, values: (0..n * n).map(|k| element(k / n, k % n)).collect() };
            for matrix in [Symmetric::Sparse(sparse), dense] {
                let mut out = vec![Block::ZERO; n];
                matrix.product(&x, &mut out);
                for i in 0..n {
                    for c in 0..8 {
                        let wanted: f64 = (0..n).map(|j| element(i, j) * x[j].0[c]).sum();
                        assert!((out[i].0[c] - wanted).abs() < 1e-13, "row {i} of {n}");
                    }
                }
            }
        }
    }
}
