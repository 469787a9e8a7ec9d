//! Products of small matrices with many columns, the columns in blocks of eight: what a network does to a chunk of its data.
//!
//! A panel holds, for each block of eight items, one [`Block`] a node. [`product`] is weights × panel; sums over items are in `sums`.
//! Accumulators stay in registers in tiles of up to 6 × 4, tall ones of 12 × 2. Large general products belong to the `gemm` crate; these beat
//! it where one side has few rows.

use super::simd::{Block, Kernel, Lanes, Width, dispatch, dispatch_on};

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
    /// It replaces what is there, multiplied by the slope of tanh, 1 − v², at these values v of it: a panel like the result.
    TimesTanhSlope(&'a [Block]),
}

/// out(item, r) ← Σ_k weights(r, k) a(item, k): `a` has `weights.columns` blocks for each block of items, `out` has `weights.rows`.
pub fn product(weights: Weights, a: &[Block], into: Then, out: &mut [Block]) {
    product_on(Width::widest(), weights, a, into, out);
}

fn product_on(width: Width, weights: Weights, a: &[Block], into: Then, out: &mut [Block]) {
    match into {
        Then::Set => dispatch_on(width, Product { weights, a, into: Set, out }),
        Then::SetPlus(biases) => {
            assert_eq!(biases.len(), weights.rows, "one bias a row");
            dispatch_on(width, Product { weights, a, into: SetPlus(biases), out })
        }
        Then::Add => dispatch_on(width, Product { weights, a, into: Add, out }),
        Then::Times => dispatch_on(width, Product { weights, a, into: Times, out }),
        Then::TimesTanhSlope(values) => {
            assert_eq!(values.len(), out.len(), "one value for each result");
            dispatch_on(width, Product { weights, a, into: TimesTanhSlope(values), out })
        }
    }
}

/// One way a product begins and ends. Each has kernels of its own: a choice inside them, between types with and without data, took the
/// accumulators out of the registers.
trait Finish: Copy {
    /// What the sums of row `row` begin with. SAFETY: `row` is one of the product's.
    #[inline(always)]
    unsafe fn begin<V: Lanes>(self, _row: usize) -> V {
        V::splat(0.0)
    }
    /// What becomes of `sum`, block `at` of the result, where `old` stands. SAFETY: `at` is inside the result.
    unsafe fn end<V: Lanes>(self, sum: V, at: usize, old: &Block) -> V;
}

#[derive(Clone, Copy)]
struct Set;
#[derive(Clone, Copy)]
struct SetPlus<'a>(&'a [f64]);
#[derive(Clone, Copy)]
struct Add;
#[derive(Clone, Copy)]
struct Times;
#[derive(Clone, Copy)]
struct TimesTanhSlope<'a>(&'a [Block]);

// SAFETY of the blocks below: `product` saw that there is a bias for each row and a value for each block of the result.
impl Finish for Set {
    #[inline(always)]
    unsafe fn end<V: Lanes>(self, sum: V, _: usize, _: &Block) -> V {
        sum
    }
}
impl Finish for SetPlus<'_> {
    #[inline(always)]
    unsafe fn begin<V: Lanes>(self, row: usize) -> V {
        V::splat(unsafe { *self.0.get_unchecked(row) })
    }
    #[inline(always)]
    unsafe fn end<V: Lanes>(self, sum: V, _: usize, _: &Block) -> V {
        sum
    }
}
impl Finish for Add {
    #[inline(always)]
    unsafe fn end<V: Lanes>(self, sum: V, _: usize, old: &Block) -> V {
        sum + V::load(old)
    }
}
impl Finish for Times {
    #[inline(always)]
    unsafe fn end<V: Lanes>(self, sum: V, _: usize, old: &Block) -> V {
        sum * V::load(old)
    }
}
impl Finish for TimesTanhSlope<'_> {
    #[inline(always)]
    unsafe fn end<V: Lanes>(self, sum: V, at: usize, _: &Block) -> V {
        let value = V::load(unsafe { self.0.get_unchecked(at) });
        sum * value.fnma(value, V::splat(1.0))
    }
}

/// Rows of a panel from which on it is called long.
const LONG: usize = 64;

struct Product<'a, F> {
    weights: Weights<'a>,
    a: &'a [Block],
    into: F,
    out: &'a mut [Block],
}

/// Calls `$f::<V, R, C>($args)` (and types more, where given) with the constants that the numbers stand for.
macro_rules! with_tile {
    ($rows:expr, $columns:expr, $f:ident $(::<$($more:tt),+>)? ( $($args:tt)* )) => {
        match ($rows, $columns) {
            (1, 1) => $f::<V, 1, 1 $($(, $more)+)?>($($args)*),
            (2, 1) => $f::<V, 2, 1 $($(, $more)+)?>($($args)*),
            (3, 1) => $f::<V, 3, 1 $($(, $more)+)?>($($args)*),
            (4, 1) => $f::<V, 4, 1 $($(, $more)+)?>($($args)*),
            (5, 1) => $f::<V, 5, 1 $($(, $more)+)?>($($args)*),
            (6, 1) => $f::<V, 6, 1 $($(, $more)+)?>($($args)*),
            (1, 2) => $f::<V, 1, 2 $($(, $more)+)?>($($args)*),
            (2, 2) => $f::<V, 2, 2 $($(, $more)+)?>($($args)*),
            (3, 2) => $f::<V, 3, 2 $($(, $more)+)?>($($args)*),
            (4, 2) => $f::<V, 4, 2 $($(, $more)+)?>($($args)*),
            (5, 2) => $f::<V, 5, 2 $($(, $more)+)?>($($args)*),
            (6, 2) => $f::<V, 6, 2 $($(, $more)+)?>($($args)*),
            (1, 3) => $f::<V, 1, 3 $($(, $more)+)?>($($args)*),
            (2, 3) => $f::<V, 2, 3 $($(, $more)+)?>($($args)*),
            (3, 3) => $f::<V, 3, 3 $($(, $more)+)?>($($args)*),
            (4, 3) => $f::<V, 4, 3 $($(, $more)+)?>($($args)*),
            (5, 3) => $f::<V, 5, 3 $($(, $more)+)?>($($args)*),
            (6, 3) => $f::<V, 6, 3 $($(, $more)+)?>($($args)*),
            (1, 4) => $f::<V, 1, 4 $($(, $more)+)?>($($args)*),
            (2, 4) => $f::<V, 2, 4 $($(, $more)+)?>($($args)*),
            (3, 4) => $f::<V, 3, 4 $($(, $more)+)?>($($args)*),
            (4, 4) => $f::<V, 4, 4 $($(, $more)+)?>($($args)*),
            (5, 4) => $f::<V, 5, 4 $($(, $more)+)?>($($args)*),
            (6, 4) => $f::<V, 6, 4 $($(, $more)+)?>($($args)*),
            (r, c) => unreachable!("a tile of {r} × {c}"),
        }
    };
}

pub(crate) use with_tile;

/// The same for tall tiles: twice as many rows, two columns at most.
macro_rules! with_tall_tile {
    ($rows:expr, $columns:expr, $f:ident $(::<$($more:tt),+>)? ( $($args:tt)* )) => {
        match ($rows, $columns) {
            (7, 1) => $f::<V, 7, 1 $($(, $more)+)?>($($args)*),
            (8, 1) => $f::<V, 8, 1 $($(, $more)+)?>($($args)*),
            (9, 1) => $f::<V, 9, 1 $($(, $more)+)?>($($args)*),
            (10, 1) => $f::<V, 10, 1 $($(, $more)+)?>($($args)*),
            (11, 1) => $f::<V, 11, 1 $($(, $more)+)?>($($args)*),
            (12, 1) => $f::<V, 12, 1 $($(, $more)+)?>($($args)*),
            (7, 2) => $f::<V, 7, 2 $($(, $more)+)?>($($args)*),
            (8, 2) => $f::<V, 8, 2 $($(, $more)+)?>($($args)*),
            (9, 2) => $f::<V, 9, 2 $($(, $more)+)?>($($args)*),
            (10, 2) => $f::<V, 10, 2 $($(, $more)+)?>($($args)*),
            (11, 2) => $f::<V, 11, 2 $($(, $more)+)?>($($args)*),
            (12, 2) => $f::<V, 12, 2 $($(, $more)+)?>($($args)*),
            (r, c) => unreachable!("a tall tile of {r} × {c}"),
        }
    };
}

/// The size of the next tile when `left` remain: the last two share evenly, so that no thin one is left over.
#[inline(always)]
pub(crate) fn tile(left: usize, most: usize) -> usize {
    if left <= most {
        left
    } else if left < 2 * most {
        left.div_ceil(2)
    } else {
        most
    }
}

impl<F: Finish> Kernel for Product<'_, F> {
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
        // Where a panel is too long for the first cache, it is read once for twice as many rows.
        let tall = inner > LONG && V::TILE_COLUMNS > 2 && rows > V::TILE_ROWS;
        let (most_rows, most_columns) = if tall { (2 * V::TILE_ROWS, 2) } else { (V::TILE_ROWS, V::TILE_COLUMNS) };
        let mut column = 0;
        while column < columns {
            let wide = tile(columns - column, most_columns);
            let mut row = 0;
            while row < rows {
                let high = tile(rows - row, most_rows);
                // SAFETY: row + high ≤ rows and column + wide ≤ columns; `Weights` and the asserts give the lengths.
                unsafe {
                    let w = weights.data.as_ptr().add(row * weights.row_step);
                    let a = a.as_ptr().add(column * inner);
                    let at = column * rows + row;
                    let out = out.as_mut_ptr().add(at);
                    if high > V::TILE_ROWS {
                        with_tall_tile!(high, wide, product_tile::<F>(&weights, w, a, into, row, at, out));
                    } else {
                        with_tile!(high, wide, product_tile::<F>(&weights, w, a, into, row, at, out));
                    }
                }
                row += high;
            }
            column += wide;
        }
    }
}

/// SAFETY: R rows of the weights from `w`, C columns of `a` (every `weights.columns`) and C columns of R blocks of `out`
/// (every `weights.rows`) must lie inside their slices; `row` and `at` are the numbers of the first row and of the first block of `out`.
#[inline(always)]
unsafe fn product_tile<V: Lanes, const R: usize, const C: usize, F: Finish>(
    weights: &Weights,
    w: *const f64,
    a: *const Block,
    into: F,
    row: usize,
    at: usize,
    out: *mut Block,
) {
    // SAFETY: the caller's promise; k < weights.columns, r < R, c < C throughout.
    unsafe {
        let mut sums = [[V::splat(0.0); C]; R];
        for r in 0..R {
            sums[r] = [into.begin(row + r); C];
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
                let value = into.end(sums[r][c], at + c * weights.rows + r, place);
                value.store(place);
            }
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
pub(super) mod tests {
    use super::super::simd::LANES;
    use super::*;

    fn wave(count: usize, k: f64) -> Vec<f64> {
        (0..count).map(|i| (1.3 * i as f64 + k).sin()).collect()
    }
    pub fn panel(count: usize, k: f64) -> Vec<Block> {
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
                let values = panel(rows * blocks, 0.9);
                let kinds: [(Then, fn(f64, f64, f64, f64) -> f64); 5] = [
                    (Then::Set, |p, _, _, _| p),
                    (Then::SetPlus(&biases), |p, _, bias, _| p + bias),
                    (Then::Add, |p, old, _, _| p + old),
                    (Then::Times, |p, old, _, _| p * old),
                    (Then::TimesTanhSlope(&values), |p, _, _, value| p * (1.0 - value * value)),
                ];
                for (into, expected) in kinds {
                    let old = panel(rows * blocks, 1.0);
                    let mut out = old.clone();
                    // The transposed view of transposed weights is one more way to the same product.
                    let turned: Vec<f64> = (0..rows * columns).map(|i| w[i % rows * columns + i / rows]).collect();
                    let weights = Weights::new(&turned, columns, rows).transposed();
                    product_on(width, weights, &a, into, &mut out);
                    let mut again = old.clone();
                    product_on(width, Weights::new(&w, rows, columns), &a, into, &mut again);
                    assert_eq!(out, again);
                    for b in 0..blocks {
                        for r in 0..rows {
                            for l in 0..LANES {
                                let at = b * rows + r;
                                let wanted = expected(truth(b, r, l), old[at].0[l], biases[r], values[at].0[l]);
                                let found = out[at].0[l];
                                assert!((found - wanted).abs() < 1e-14 * columns as f64, "{rows} × {columns}, {}", width.name());
                            }
                        }
                    }
                }
            }
        }
    }
}
