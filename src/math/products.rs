//! Products of small matrices with many columns, the columns in blocks of eight: what a network does to a chunk of its data.
//!
//! A panel holds, for each block of eight items, one [`Block`] a node. Two products cover everything:
//! [`product`] (weights × panel) and [`gram`] (sums over all items of products of two nodes). Accumulators stay in registers in tiles of up to 5 × 4; the sums over lanes are taken
//! once a tile. Large general products belong to the `gemm` crate; these beat it where one side has few rows.

use super::simd::{Block, Kernel, LANES, Lanes, dispatch};

/// A matrix of plain numbers, possibly transposed.
#[derive(Clone, Copy)]
pub struct Weights<'a> {
    data: &'a [f64],
    rows: usize,
    columns: usize,
    row_step: usize,
    column_step: usize,
}

impl<'a> Weights<'a> {
    /// rows × columns, row-major.
    pub fn new(data: &'a [f64], rows: usize, columns: usize) -> Weights<'a> {
        assert_eq!(data.len(), rows * columns, "weights need rows × columns numbers");
        Weights { data, rows, columns, row_step: columns, column_step: 1 }
    }
    pub fn transposed(self) -> Weights<'a> {
        Weights {
            data: self.data,
            rows: self.columns,
            columns: self.rows,
            row_step: self.column_step,
            column_step: self.row_step,
        }
    }
}

/// What becomes of the product.
#[derive(Clone, Copy)]
pub enum Then<'a> {
    /// It replaces what is there.
    Set,
    /// It replaces what is there, with a number added to each row: biases.
    SetPlus(&'a [f64]),
    /// It is added to what is there.
    Add,
    /// It multiplies what is there, element by element.
    Times,
}

/// out(item, r) ← Σ_k weights(r, k) a(item, k): `a` has `weights.columns` blocks for each block of items, `out` has `weights.rows`.
pub fn product(weights: Weights, a: &[Block], into: Then, out: &mut [Block]) {
    dispatch(Product { weights, a, into, out });
}

struct Product<'a> {
    weights: Weights<'a>,
    a: &'a [Block],
    into: Then<'a>,
    out: &'a mut [Block],
}

/// Calls `$f::<V, R, C>($args)` with the constants that the numbers stand for.
macro_rules! with_tile {
    ($rows:expr, $columns:expr, $f:ident ( $($args:tt)* )) => {
        match ($rows, $columns) {
            (1, 1) => $f::<V, 1, 1>($($args)*),
            (2, 1) => $f::<V, 2, 1>($($args)*),
            (3, 1) => $f::<V, 3, 1>($($args)*),
            (4, 1) => $f::<V, 4, 1>($($args)*),
            (5, 1) => $f::<V, 5, 1>($($args)*),
            (1, 2) => $f::<V, 1, 2>($($args)*),
            (2, 2) => $f::<V, 2, 2>($($args)*),
            (3, 2) => $f::<V, 3, 2>($($args)*),
            (4, 2) => $f::<V, 4, 2>($($args)*),
            (5, 2) => $f::<V, 5, 2>($($args)*),
            (1, 3) => $f::<V, 1, 3>($($args)*),
            (2, 3) => $f::<V, 2, 3>($($args)*),
            (3, 3) => $f::<V, 3, 3>($($args)*),
            (4, 3) => $f::<V, 4, 3>($($args)*),
            (5, 3) => $f::<V, 5, 3>($($args)*),
            (1, 4) => $f::<V, 1, 4>($($args)*),
            (2, 4) => $f::<V, 2, 4>($($args)*),
            (3, 4) => $f::<V, 3, 4>($($args)*),
            (4, 4) => $f::<V, 4, 4>($($args)*),
            (5, 4) => $f::<V, 5, 4>($($args)*),
            (r, c) => unreachable!("a tile of {r} × {c}"),
        }
    };
}

/// The size of the next tile when `left` remain: the last two share evenly, so that no thin one is left over.
#[inline(always)]
fn tile(left: usize, most: usize) -> usize {
    if left <= most {
        left
    } else if left < 2 * most {
        left.div_ceil(2)
    } else {
        most
    }
}

impl Kernel for Product<'_> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes>(self) {
        let Product { weights, a, into, out } = self;
        let (inner, rows) = (weights.columns, weights.rows);
        if inner == 0 || rows == 0 {
            return;
        }
        let columns = a.len() / inner;
        assert_eq!(a.len(), columns * inner, "the panel does not fit the weights");
        assert_eq!(out.len(), columns * rows, "the result does not fit the weights");
        if let Then::SetPlus(biases) = into {
            assert_eq!(biases.len(), rows, "one bias a row");
        }
        let mut column = 0;
        while column < columns {
            let wide = tile(columns - column, V::TILE_COLUMNS);
            let mut row = 0;
            while row < rows {
                let high = tile(rows - row, V::TILE_ROWS);
                // SAFETY: row + high ≤ rows and column + wide ≤ columns; `Weights` and the asserts give the lengths.
                unsafe {
                    let w = weights.data.as_ptr().add(row * weights.row_step);
                    let a = a.as_ptr().add(column * inner);
                    let out = out.as_mut_ptr().add(column * rows + row);
                    with_tile!(high, wide, product_tile(&weights, w, a, into, row, out));
                }
                row += high;
            }
            column += wide;
        }
    }
}

/// SAFETY: R rows of the weights from `w`, C columns of `a` (every `weights.columns`) and C columns of R blocks of `out`
/// (every `weights.rows`) must lie inside their slices.
#[inline(always)]
unsafe fn product_tile<V: Lanes, const R: usize, const C: usize>(
    weights: &Weights,
    w: *const f64,
    a: *const Block,
    into: Then,
    row: usize,
    out: *mut Block,
) {
    // SAFETY: the caller's promise; k < weights.columns, r < R, c < C throughout.
    unsafe {
        let mut sums = [[V::splat(0.0); C]; R];
        if let Then::SetPlus(biases) = into {
            for r in 0..R {
                sums[r] = [V::splat(*biases.get_unchecked(row + r)); C];
            }
        }
        for k in 0..weights.columns {
            let mut x = [V::splat(0.0); C];
            for c in 0..C {
                x[c] = V::load(&*a.add(c * weights.columns + k));
            }
            for r in 0..R {
                let weight = V::splat(*w.add(r * weights.row_step + k * weights.column_step));
                for c in 0..C {
                    sums[r][c] = weight.fma(x[c], sums[r][c]);
                }
            }
        }
        for r in 0..R {
            for c in 0..C {
                let place = &mut *out.add(c * weights.rows + r);
                let value = match into {
                    Then::Set | Then::SetPlus(_) => sums[r][c],
                    Then::Add => sums[r][c] + V::load(place),
                    Then::Times => sums[r][c] * V::load(place),
                };
                value.store(place);
            }
        }
    }
}

/// sums(p, q) += Σ over items of left(item, p) · right(item, q): `left` has `p` blocks for each block of items, `right` has `q`,
/// `sums` is p × q.
pub fn gram(left: &[Block], p: usize, right: &[Block], q: usize, sums: &mut [f64]) {
    dispatch(Gram { left, p, right, q, sums });
}

/// Blocks of eight numbers that a part of a panel may fill: 16 KiB, half of a first cache.
const FIRST_CACHE_BLOCKS: usize = 256;

/// Blocks that hold the sums of the largest tile, 5 × 4.
const MOST_TOTALS: usize = 3;

struct Gram<'a> {
    left: &'a [Block],
    p: usize,
    right: &'a [Block],
    q: usize,
    sums: &'a mut [f64],
}

impl Kernel for Gram<'_> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes>(self) {
        let Gram { left, p, right, q, sums } = self;
        if p == 0 || q == 0 {
            return;
        }
        let blocks = left.len() / p;
        assert_eq!(left.len(), blocks * p, "the left panel does not fit");
        assert_eq!(right.len(), blocks * q, "the right panel does not fit");
        assert_eq!(sums.len(), p * q, "the sums do not fit");
        // As many rows of the left panel at a time as stay in the first cache while the right panel passes by.
        let panel = (FIRST_CACHE_BLOCKS / blocks.max(1)).max(V::TILE_ROWS);
        let mut first = 0;
        while first < p {
            let rows = tile(p - first, panel);
            let mut column = 0;
            while column < q {
                let wide = tile(q - column, V::TILE_COLUMNS);
                let mut row = first;
                while row < first + rows {
                    let high = tile(first + rows - row, V::TILE_ROWS);
                    // SAFETY: row + high ≤ p and column + wide ≤ q, and the asserts give the lengths.
                    unsafe {
                        let left = left.as_ptr().add(row);
                        let right = right.as_ptr().add(column);
                        let sums = sums.as_mut_ptr().add(row * q + column);
                        with_tile!(high, wide, gram_tile(blocks, left, p, right, q, sums));
                    }
                    row += high;
                }
                column += wide;
            }
            first += rows;
        }
    }
}

/// SAFETY: for each of `blocks` blocks R blocks from `left` (every `p`) and C from `right` (every `q`) must lie inside their slices,
/// and R rows of C numbers (every `q`) from `sums`.
#[inline(always)]
unsafe fn gram_tile<V: Lanes, const R: usize, const C: usize>(
    blocks: usize,
    left: *const Block,
    p: usize,
    right: *const Block,
    q: usize,
    sums: *mut f64,
) {
    // SAFETY: the caller's promise; r < R, c < C, b < blocks throughout.
    unsafe {
        let zero = V::splat(0.0);
        let mut products = [[zero; C]; R];
        for b in 0..blocks {
            let mut y = [zero; C];
            for c in 0..C {
                y[c] = V::load(&*right.add(b * q + c));
            }
            for r in 0..R {
                let x = V::load(&*left.add(b * p + r));
                for c in 0..C {
                    products[r][c] = x.fma(y[c], products[r][c]);
                }
            }
        }
        // Eight sums over lanes at a time.
        let mut totals = [Block::ZERO; MOST_TOTALS];
        for (t, total) in totals.iter_mut().enumerate().take((R * C).div_ceil(LANES)) {
            let mut eight = [zero; LANES];
            for (i, slot) in eight.iter_mut().enumerate() {
                let k = t * LANES + i;
                if k < R * C {
                    *slot = products[k / C][k % C];
                }
            }
            V::sums(eight).store(total);
        }
        for r in 0..R {
            for c in 0..C {
                let k = r * C + c;
                *sums.add(r * q + c) += totals[k / LANES].0[k % LANES];
            }
        }
    }
}

/// sums(p) += Σ over items of panel(item, p), with `sums.len()` blocks for each block of items.
pub fn column_sums(panel: &[Block], sums: &mut [f64]) {
    dispatch(ColumnSums { panel, sums });
}

struct ColumnSums<'a> {
    panel: &'a [Block],
    sums: &'a mut [f64],
}

impl Kernel for ColumnSums<'_> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes>(self) {
        let p = self.sums.len();
        let mut at = 0;
        while at < p {
            let many = LANES.min(p - at);
            let mut totals = [V::splat(0.0); LANES];
            for row in self.panel.chunks_exact(p) {
                let row = &row[at..at + many];
                if many == LANES {
                    for i in 0..LANES {
                        totals[i] = totals[i] + V::load(&row[i]);
                    }
                } else {
                    for i in 0..many {
                        totals[i] = totals[i] + V::load(&row[i]);
                    }
                }
            }
            let mut block = Block::ZERO;
            V::sums(totals).store(&mut block);
            for i in 0..many {
                self.sums[at + i] += block.0[i];
            }
            at += many;
        }
    }
}

/// out ← out · by, block by block; `by` is repeated in runs: each run of `run` blocks of `by` multiplies `repeat` runs of `out`.
pub fn times_repeated(out: &mut [Block], by: &[Block], run: usize, repeat: usize) {
    dispatch(TimesRepeated { out, by, run, repeat });
}

struct TimesRepeated<'a> {
    out: &'a mut [Block],
    by: &'a [Block],
    run: usize,
    repeat: usize,
}

impl Kernel for TimesRepeated<'_> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes>(self) {
        for (runs, by) in self.out.chunks_exact_mut(self.run * self.repeat).zip(self.by.chunks_exact(self.run)) {
            for out in runs.chunks_exact_mut(self.run) {
                for (out, by) in out.iter_mut().zip(by) {
                    (V::load(out) * V::load(by)).store(out);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::simd::{Width, dispatch_on};
    use super::*;

    fn wave(count: usize, k: f64) -> Vec<f64> {
        (0..count).map(|i| (1.3 * i as f64 + k).sin()).collect()
    }
    fn panel(count: usize, k: f64) -> Vec<Block> {
        (0..count).map(|i| Block(std::array::from_fn(|l| (0.7 * i as f64 + 0.31 * l as f64 + k).cos()))).collect()
    }

    #[test]
    fn products_are_those_of_plain_loops() {
        for width in Width::available() {
            for (rows, columns, blocks) in [(1, 1, 1), (4, 10, 3), (10, 2, 7), (11, 5, 4), (7, 13, 9), (3, 1, 2)] {
                let (w, a) = (wave(rows * columns, 0.1), panel(columns * blocks, 0.2));
                let biases = wave(rows, 0.5);
                let truth = |b: usize, r: usize, l: usize| -> f64 {
                    (0..columns).map(|k| w[r * columns + k] * a[b * columns + k].0[l]).sum()
                };
                let kinds: [(Then, fn(f64, f64, f64) -> f64); 4] = [
                    (Then::Set, |p, _, _| p),
                    (Then::SetPlus(&biases), |p, _, bias| p + bias),
                    (Then::Add, |p, old, _| p + old),
                    (Then::Times, |p, old, _| p * old),
                ];
                for (into, expected) in kinds {
                    let old = panel(rows * blocks, 1.0);
                    let mut out = old.clone();
                    // The transposed view of transposed weights is one more way to the same product.
                    let turned: Vec<f64> = (0..rows * columns).map(|i| w[i % rows * columns + i / rows]).collect();
                    let weights = Weights::new(&turned, columns, rows).transposed();
                    dispatch_on(width, Product { weights, a: &a, into, out: &mut out });
                    let mut again = old.clone();
                    dispatch_on(width, Product { weights: Weights::new(&w, rows, columns), a: &a, into, out: &mut again });
                    assert_eq!(out, again);
                    for b in 0..blocks {
                        for r in 0..rows {
                            for l in 0..LANES {
                                let wanted = expected(truth(b, r, l), old[b * rows + r].0[l], biases[r]);
                                let found = out[b * rows + r].0[l];
                                assert!((found - wanted).abs() < 1e-14 * columns as f64, "{rows} × {columns}, {}", width.name());
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn sums_are_those_of_plain_loops() {
        for width in Width::available() {
            for (p, q, blocks) in [(1, 1, 1), (10, 2, 5), (4, 11, 16), (13, 9, 3), (40, 33, 2)] {
                let (left, right) = (panel(p * blocks, 0.4), panel(q * blocks, 0.8));
                let mut sums = vec![1.0; p * q];
                dispatch_on(width, Gram { left: &left, p, right: &right, q, sums: &mut sums });
                let mut totals = vec![2.0; p];
                dispatch_on(width, ColumnSums { panel: &left, sums: &mut totals });
                for i in 0..p {
                    let all: f64 = (0..blocks).flat_map(|b| left[b * p + i].0).sum();
                    assert!((totals[i] - 2.0 - all).abs() < 1e-12);
                    for j in 0..q {
                        let wanted: f64 = (0..blocks)
                            .flat_map(|b| (0..LANES).map(move |l| (b, l)))
                            .map(|(b, l)| left[b * p + i].0[l] * right[b * q + j].0[l])
                            .sum();
                        assert!((sums[i * q + j] - 1.0 - wanted).abs() < 1e-12, "{p} × {q} on {}", width.name());
                    }
                }
            }
        }
    }
}
