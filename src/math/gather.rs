//! Numbers collected from all over a piece of memory, and rows of a matrix set side by side, eight at a time.
//!
//! The indices are checked once, when they are put together: in the loops one comparison for eight of them is left. The gather instructions of
//! the processors are slower than eight loads (measured on a Xeon with AVX-512: 13 ns against 5 ns for eight), so none is used.

use super::Matrix;
use super::simd::{Block, Kernel, LANES, Lanes, dispatch};

/// Indices into a piece of memory, in eights; the last are padded with the first of their eight.
#[derive(Clone, Debug, Default)]
pub struct Indices {
    eights: Vec<[u32; LANES]>,
    /// One more than the largest index.
    bound: usize,
}

impl Indices {
    /// All of them; the last eight is filled up with its first.
    pub fn new(all: &[u32]) -> Indices {
        let mut indices = Indices::default();
        for eight in all.chunks(LANES) {
            indices.push(std::array::from_fn(|k| eight[if k < eight.len() { k } else { 0 }]));
        }
        indices
    }

    pub fn push(&mut self, eight: [u32; LANES]) {
        self.bound = eight.iter().fold(self.bound, |bound, index| bound.max(*index as usize + 1));
        self.eights.push(eight);
    }

    /// Number of eights.
    pub fn len(&self) -> usize {
        self.eights.len()
    }

    pub fn is_empty(&self) -> bool {
        self.eights.is_empty()
    }

    /// The number at the first index; NaN where there is none.
    pub fn first(&self, memory: &[f64]) -> f64 {
        self.eights.first().and_then(|eight| memory.get(eight[0] as usize)).copied().unwrap_or(f64::NAN)
    }

    /// The numbers at the k-th eight indices. Panics where the memory is shorter than the largest index wants.
    #[inline(always)]
    pub fn collect(&self, k: usize, memory: &[f64]) -> Block {
        assert!(memory.len() >= self.bound);
        let eight = &self.eights[k];
        // SAFETY: `push` is the only way in and keeps `bound` above every index; the memory reaches that far.
        Block(std::array::from_fn(|lane| unsafe { *memory.get_unchecked(eight[lane] as usize) }))
    }
}

/// The rows of `matrix` with these numbers, eight side by side: `panel` gets a block of eight rows' elements for every column, eight rows after
/// eight rows; lanes without a row get zeros. Panics where the matrix has no such row or the panel another length.
pub fn gather_rows(matrix: &Matrix, rows: &[u32], panel: &mut [Block]) {
    dispatch(GatherRows { matrix, rows, panel });
}

/// All rows of a matrix in their order, as [`gather_rows`] puts them.
pub fn all_rows(matrix: &Matrix) -> Vec<Block> {
    let mut panel = vec![Block::ZERO; matrix.rows.div_ceil(LANES) * matrix.columns];
    gather_rows(matrix, &(0..matrix.rows as u32).collect::<Vec<_>>(), &mut panel);
    panel
}

struct GatherRows<'a> {
    matrix: &'a Matrix,
    rows: &'a [u32],
    panel: &'a mut [Block],
}

impl Kernel for GatherRows<'_> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes>(self) {
        let GatherRows { matrix, rows, panel } = self;
        let width = matrix.columns;
        assert!(panel.len() == rows.len().div_ceil(LANES) * width, "the panel does not fit the rows");
        assert!(rows.iter().fold(true, |all, row| all & ((*row as usize) < matrix.rows)), "a row that the matrix does not have");
        assert!(matrix.data.len() >= matrix.rows * width);
        let (eights, rest) = rows.as_chunks::<LANES>();
        let (whole, last) = panel.split_at_mut(eights.len() * width);
        for (eight, panel) in eights.iter().zip(whole.chunks_exact_mut(width.max(1))) {
            // SAFETY: every row lies inside the matrix, as asserted, and the columns read are below its width.
            unsafe {
                // Loops, no closures: those would not become part of the function that has the instruction set switched on.
                let mut rows = [matrix.data.as_ptr(); LANES];
                for lane in 0..LANES {
                    rows[lane] = rows[lane].add(eight[lane] as usize * width);
                }
                let (squares, few) = panel.as_chunks_mut::<LANES>();
                let wide = squares.len() * LANES;
                for (k, square) in squares.iter_mut().enumerate() {
                    let mut side = [V::splat(0.0); LANES];
                    for lane in 0..LANES {
                        side[lane] = V::load(&Block(rows[lane].add(k * LANES).cast::<[f64; LANES]>().read()));
                    }
                    let side = V::transpose(side);
                    for column in 0..LANES {
                        side[column].store(&mut square[column]);
                    }
                }
                for (k, block) in few.iter_mut().enumerate() {
                    let mut column = Block::ZERO;
                    for lane in 0..LANES {
                        column.0[lane] = *rows[lane].add(wide + k);
                    }
                    V::load(&column).store(block);
                }
            }
        }
        for (k, block) in last.iter_mut().enumerate() {
            *block = Block(std::array::from_fn(|lane| rest.get(lane).map_or(0.0, |row| matrix[(*row as usize, k)])));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::simd::{Width, dispatch_on};
    use super::*;

    #[test]
    fn rows_stand_side_by_side() {
        for columns in [0, 1, 2, 7, 8, 11, 16, 19] {
            let matrix = Matrix::from_rows(40, columns, (0..40 * columns).map(|k| k as f64 + 1.0).collect());
            for count in [0, 3, 8, 29] {
                let rows: Vec<u32> = (0..count).map(|k| (k * 13 + 5) % 40).collect();
                for width in Width::available() {
                    let mut panel = vec![Block([-1.0; LANES]); rows.len().div_ceil(LANES) * columns];
                    dispatch_on(width, GatherRows { matrix: &matrix, rows: &rows, panel: &mut panel });
                    for (at, block) in panel.iter().enumerate() {
                        let (first, column) = (at / columns * LANES, at % columns);
                        for (lane, found) in block.0.iter().enumerate() {
                            let wanted = rows.get(first + lane).map_or(0.0, |row| matrix[(*row as usize, column)]);
                            assert_eq!(*found, wanted, "{columns} columns, {count} rows on {}", width.name());
                        }
                    }
                }
            }
        }
    }

    #[test]
    #[should_panic]
    fn a_row_beyond_the_matrix_is_refused() {
        gather_rows(&Matrix::zeros(3, 2), &[0, 3], &mut [Block::ZERO; 2]);
    }

    #[test]
    fn collects_what_stands_there() {
        let memory: Vec<f64> = (0..100).map(f64::from).collect();
        let wanted: Vec<u32> = (0..11).map(|k| (k * 37) % 100).collect();
        let indices = Indices::new(&wanted);
        let found: Vec<f64> = (0..indices.len()).flat_map(|k| indices.collect(k, &memory).0).collect();
        for (k, wanted) in wanted.iter().enumerate() {
            assert_eq!(found[k], f64::from(*wanted));
        }
        // Padding repeats the first of its eight.
        assert_eq!(found[11..], [found[8]; 5]);
    }

    #[test]
    #[should_panic]
    fn memory_that_is_too_short_is_refused() {
        Indices::new(&[3, 100]).collect(0, &[0.0; 100]);
    }
}
