//! Products of small matrices with many columns, the columns in blocks of eight: what a network does to a chunk of its data.
//!
//! A panel holds, for each block of eight items, one [`Block`] a node. Two products cover everything:
//! [`product`] (weights × panel) and [`gram`] (sums over all items of products of two nodes). Accumulators stay in registers in tiles of up to 6 × 4; the sums over lanes are taken
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

/// Rows of a panel from which on it is called long.
const LONG: usize = 64;

struct Product<'a> {
    weights: Weights<'a>,
    a: &'a [Block],
    into: Then<'a>,
    out: &'a mut [Block],
}

/// Calls `$f::<V, R, C>($args)` (and one type more, where given) with the constants that the numbers stand for.
macro_rules! with_tile {
    ($rows:expr, $columns:expr, $f:ident $(::<$more:ident>)? ( $($args:tt)* )) => {
        match ($rows, $columns) {
            (1, 1) => $f::<V, 1, 1 $(, $more)?>($($args)*),
            (2, 1) => $f::<V, 2, 1 $(, $more)?>($($args)*),
            (3, 1) => $f::<V, 3, 1 $(, $more)?>($($args)*),
            (4, 1) => $f::<V, 4, 1 $(, $more)?>($($args)*),
            (5, 1) => $f::<V, 5, 1 $(, $more)?>($($args)*),
            (6, 1) => $f::<V, 6, 1 $(, $more)?>($($args)*),
            (1, 2) => $f::<V, 1, 2 $(, $more)?>($($args)*),
            (2, 2) => $f::<V, 2, 2 $(, $more)?>($($args)*),
            (3, 2) => $f::<V, 3, 2 $(, $more)?>($($args)*),
            (4, 2) => $f::<V, 4, 2 $(, $more)?>($($args)*),
            (5, 2) => $f::<V, 5, 2 $(, $more)?>($($args)*),
            (6, 2) => $f::<V, 6, 2 $(, $more)?>($($args)*),
            (1, 3) => $f::<V, 1, 3 $(, $more)?>($($args)*),
            (2, 3) => $f::<V, 2, 3 $(, $more)?>($($args)*),
            (3, 3) => $f::<V, 3, 3 $(, $more)?>($($args)*),
            (4, 3) => $f::<V, 4, 3 $(, $more)?>($($args)*),
            (5, 3) => $f::<V, 5, 3 $(, $more)?>($($args)*),
            (6, 3) => $f::<V, 6, 3 $(, $more)?>($($args)*),
            (1, 4) => $f::<V, 1, 4 $(, $more)?>($($args)*),
            (2, 4) => $f::<V, 2, 4 $(, $more)?>($($args)*),
            (3, 4) => $f::<V, 3, 4 $(, $more)?>($($args)*),
            (4, 4) => $f::<V, 4, 4 $(, $more)?>($($args)*),
            (5, 4) => $f::<V, 5, 4 $(, $more)?>($($args)*),
            (6, 4) => $f::<V, 6, 4 $(, $more)?>($($args)*),
            (r, c) => unreachable!("a tile of {r} × {c}"),
        }
    };
}

pub(crate) use with_tile;

/// The same for tall tiles: twice as many rows, two columns at most.
macro_rules! with_tall_tile {
    ($rows:expr, $columns:expr, $f:ident ( $($args:tt)* )) => {
        match ($rows, $columns) {
            (7, 1) => $f::<V, 7, 1>($($args)*),
            (8, 1) => $f::<V, 8, 1>($($args)*),
            (9, 1) => $f::<V, 9, 1>($($args)*),
            (10, 1) => $f::<V, 10, 1>($($args)*),
            (11, 1) => $f::<V, 11, 1>($($args)*),
            (12, 1) => $f::<V, 12, 1>($($args)*),
            (7, 2) => $f::<V, 7, 2>($($args)*),
            (8, 2) => $f::<V, 8, 2>($($args)*),
            (9, 2) => $f::<V, 9, 2>($($args)*),
            (10, 2) => $f::<V, 10, 2>($($args)*),
            (11, 2) => $f::<V, 11, 2>($($args)*),
            (12, 2) => $f::<V, 12, 2>($($args)*),
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
                    let out = out.as_mut_ptr().add(column * rows + row);
                    if high > V::TILE_ROWS {
                        with_tall_tile!(high, wide, product_tile(&weights, w, a, into, row, out));
                    } else {
                        with_tile!(high, wide, product_tile(&weights, w, a, into, row, out));
                    }
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
    dispatch(Gram { left, p, right: Plain { panel: right, rows: q }, q, sums });
}

/// Rows of a panel, with a constant 1 behind them where there are biases.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    pub panel: &'a [Block],
    pub count: usize,
    pub one: bool,
}

impl Rows<'_> {
    pub fn total(&self) -> usize {
        self.count + self.one as usize
    }

    /// Where row `k` begins, and how far its next block lies.
    #[inline(always)]
    fn row(&self, k: usize) -> Row {
        if k < self.count { (&raw const self.panel[k], self.count) } else { (&raw const ONES, 0) }
    }
}

static ONES: Block = Block([1.0; LANES]);

/// Products of two rows of panels, as the right side of a sum: they are made in registers, since to write them costs more than to
/// make them several times.
#[derive(Clone, Copy)]
pub enum Products<'a> {
    /// (i, j) for every row of the first and of the second.
    Outer(Rows<'a>, Rows<'a>),
    /// (i, j) with i ≤ j, row after row.
    Pairs(Rows<'a>),
}

impl Products<'_> {
    pub fn count(&self) -> usize {
        match self {
            Products::Outer(a, b) => a.total() * b.total(),
            Products::Pairs(a) => a.total() * (a.total() + 1) / 2,
        }
    }
}

/// sums(p, q) += Σ over items of left(item, p) · product(item, q): `left` has `p` blocks for each block of items, `sums` is
/// p × `right.count()`.
pub fn gram_of_products(left: &[Block], p: usize, right: Products, sums: &mut [f64]) {
    let q = right.count();
    let (a, b) = match right {
        Products::Outer(a, b) => (a, b),
        Products::Pairs(a) => (a, a),
    };
    assert_eq!(a.panel.len() * p, left.len() * a.count, "the panels must have the same blocks of items");
    assert_eq!(b.panel.len() * p, left.len() * b.count, "the panels must have the same blocks of items");
    dispatch(Gram { left, p, right, q, sums });
}

/// Blocks of eight numbers that a part of a panel may fill: 16 KiB, half of a first cache.
const FIRST_CACHE_BLOCKS: usize = 256;

/// Blocks that hold the sums of the largest tile, 6 × 4.
const MOST_TOTALS: usize = 3;

/// Most columns of a tile.
const MOST_COLUMNS: usize = 4;

/// The right side of sums, a few neighbouring columns at a time.
trait Right: Copy {
    type Columns: Copy;
    /// How to reach `count` columns from `first` on; at most [`MOST_COLUMNS`].
    fn columns(self, first: usize, count: usize) -> Self::Columns;
    /// SAFETY: the columns were made for C or more, and the panel holds block `b`.
    unsafe fn load<V: Lanes, const C: usize>(columns: &Self::Columns, b: usize) -> [V; C];
}

/// The rows of a panel themselves.
#[derive(Clone, Copy)]
struct Plain<'a> {
    panel: &'a [Block],
    rows: usize,
}

/// Where a row begins, and how far its next block lies.
type Row = (*const Block, usize);

impl Right for Plain<'_> {
    type Columns = Row;
    #[inline(always)]
    fn columns(self, first: usize, _: usize) -> Row {
        (&raw const self.panel[first], self.rows)
    }
    #[inline(always)]
    unsafe fn load<V: Lanes, const C: usize>(&(row, step): &Row, b: usize) -> [V; C] {
        // SAFETY: the caller's promise.
        std::array::from_fn(|c| unsafe { V::load(&*row.add(b * step + c)) })
    }
}

impl Right for Products<'_> {
    type Columns = [[Row; 2]; MOST_COLUMNS];
    #[inline(always)]
    fn columns(self, first: usize, count: usize) -> Self::Columns {
        let (left, right) = match self {
            Products::Outer(a, b) => (a, b),
            Products::Pairs(a) => (a, a),
        };
        let ends = right.total();
        let begin = |i: usize| if matches!(self, Products::Pairs(_)) { i } else { 0 };
        let (mut i, mut j) = (0, first);
        match self {
            Products::Outer(..) => (i, j) = (first / ends, first % ends),
            Products::Pairs(_) => {
                while j >= ends {
                    i += 1;
                    j = j + i - ends;
                }
            }
        }
        let mut columns = [[left.row(i), right.row(j)]; MOST_COLUMNS];
        for column in &mut columns[1..count] {
            j += 1;
            if j == ends {
                i += 1;
                j = begin(i);
            }
            *column = [left.row(i), right.row(j)];
        }
        columns
    }
    #[inline(always)]
    unsafe fn load<V: Lanes, const C: usize>(columns: &Self::Columns, b: usize) -> [V; C] {
        // SAFETY: the caller's promise.
        let at = |(row, step): Row| unsafe { V::load(&*row.add(b * step)) };
        std::array::from_fn(|c| at(columns[c][0]) * at(columns[c][1]))
    }
}

struct Gram<'a, R> {
    left: &'a [Block],
    p: usize,
    right: R,
    q: usize,
    sums: &'a mut [f64],
}

impl<Side: Right> Kernel for Gram<'_, Side> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes>(self) {
        let Gram { left, p, right, q, sums } = self;
        if p == 0 || q == 0 {
            return;
        }
        let blocks = left.len() / p;
        assert_eq!(left.len(), blocks * p, "the left panel does not fit");
        assert_eq!(sums.len(), p * q, "the sums do not fit");
        // As many rows of the left panel at a time as stay in the first cache while the right panel passes by.
        let panel = (FIRST_CACHE_BLOCKS / blocks.max(1)).max(V::TILE_ROWS);
        let mut first = 0;
        while first < p {
            let rows = tile(p - first, panel);
            let mut column = 0;
            while column < q {
                let wide = tile(q - column, V::TILE_COLUMNS);
                let columns = right.columns(column, wide);
                let mut row = first;
                while row < first + rows {
                    let high = tile(first + rows - row, V::TILE_ROWS);
                    // SAFETY: row + high ≤ p and column + wide ≤ q, and the asserts give the lengths.
                    unsafe {
                        let left = left.as_ptr().add(row);
                        let sums = sums.as_mut_ptr().add(row * q + column);
                        with_tile!(high, wide, gram_tile::<Side>(blocks, left, p, &columns, q, sums));
                    }
                    row += high;
                }
                column += wide;
            }
            first += rows;
        }
    }
}

/// SAFETY: for each of `blocks` blocks R blocks from `left` (every `p`) and C columns of the right side from `first` must lie inside
/// their slices, and R rows of C numbers (every `q`) from `sums`.
#[inline(always)]
unsafe fn gram_tile<V: Lanes, const R: usize, const C: usize, Side: Right>(
    blocks: usize,
    left: *const Block,
    p: usize,
    columns: &Side::Columns,
    q: usize,
    sums: *mut f64,
) {
    // SAFETY: the caller's promise; r < R, c < C, b < blocks throughout.
    unsafe {
        let zero = V::splat(0.0);
        let mut products = [[zero; C]; R];
        for b in 0..blocks {
            let y: [V; C] = Side::load(columns, b);
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
                dispatch_on(width, Gram { left: &left, p, right: Plain { panel: &right, rows: q }, q, sums: &mut sums });
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

    #[test]
    fn sums_of_products_are_those_of_plain_loops() {
        for (p, a, b, one, blocks) in [(1, 1, 1, false, 1), (4, 3, 2, true, 5), (13, 7, 3, true, 2), (30, 10, 2, false, 4)] {
            let panels = [panel(p * blocks, 0.4), panel(a * blocks, 0.8), panel(b * blocks, 1.1)];
            let [left, first, second] = &panels;
            let (first, second) = (Rows { panel: first, count: a, one }, Rows { panel: second, count: b, one });
            let at =
                |rows: Rows, k: usize, b: usize, l: usize| if k < rows.count { rows.panel[b * rows.count + k].0[l] } else { 1.0 };
            let outer = (0..first.total()).flat_map(|i| (0..second.total()).map(move |j| (i, j)));
            let pairs = (0..first.total()).flat_map(|i| (i..first.total()).map(move |j| (i, j)));
            let cases: [(Products, Rows, Vec<(usize, usize)>); 2] =
                [(Products::Outer(first, second), second, outer.collect()), (Products::Pairs(first), first, pairs.collect())];
            for (right, other, columns) in cases {
                assert_eq!(right.count(), columns.len());
                for width in Width::available() {
                    let mut sums = vec![1.0; p * columns.len()];
                    dispatch_on(width, Gram { left, p, right, q: columns.len(), sums: &mut sums });
                    for k in 0..p {
                        for (q, &(i, j)) in columns.iter().enumerate() {
                            let items = (0..blocks).flat_map(|b| (0..LANES).map(move |l| (b, l)));
                            let wanted: f64 =
                                items.map(|(b, l)| left[b * p + k].0[l] * at(first, i, b, l) * at(other, j, b, l)).sum();
                            assert!(
                                (sums[k * columns.len() + q] - 1.0 - wanted).abs() < 1e-12,
                                "{p}, {a} × {b} on {}",
                                width.name()
                            );
                        }
                    }
                }
            }
        }
    }
}
