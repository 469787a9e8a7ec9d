//! Sums over all items of products of two panels' rows: what gradients and Hessians of networks end in.
//!
//! [`gram`] takes the rows of two panels as they are, [`gram_of_products`] makes the rows of its right side, products of two rows each, in
//! registers. Accumulators stay in registers in tiles of up to 6 × 4; the sums over lanes are taken once a tile and call, so that panels
//! should be some dozens of blocks long.

use super::products::{tile, with_tile};
use super::simd::{Block, Kernel, LANES, Lanes, dispatch, numbers};

/// sums(p, q) += Σ over items of left(item, p) · right(item, q): `left` has `p` blocks for each block of items, `right` has `q`,
/// `sums` is p × q. Where `sums` has p numbers more, Σ left(item, p) is added to those: a layer's weights and its biases.
pub fn gram(left: &[Block], p: usize, right: &[Block], q: usize, sums: &mut [f64]) {
    assert_eq!(left.len() * q, right.len() * p, "the panels must have the same blocks of items");
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

/// Blocks that hold the sums of the largest tile, 6 × 4, and of its six rows.
const MOST_TOTALS: usize = 4;

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
    // SAFETY: the caller keeps the trait's promise.
    #[inline(always)]
    unsafe fn load<V: Lanes, const C: usize>(&(row, step): &Row, b: usize) -> [V; C] {
        // SAFETY: the same.
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
    // SAFETY: the caller keeps the trait's promise.
    #[inline(always)]
    unsafe fn load<V: Lanes, const C: usize>(columns: &Self::Columns, b: usize) -> [V; C] {
        // SAFETY: the same.
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
        assert!(sums.len() == p * q || sums.len() == p * (q + 1), "the sums do not fit");
        let (sums, totals) = sums.split_at_mut(p * q);
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
                        if column == 0 && !totals.is_empty() {
                            let totals = totals.as_mut_ptr().add(row);
                            with_tile!(high, wide, gram_tile::<Side, true>(blocks, left, p, &columns, q, sums, totals));
                        } else {
                            let none = std::ptr::null_mut();
                            with_tile!(high, wide, gram_tile::<Side, false>(blocks, left, p, &columns, q, sums, none));
                        }
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
/// their slices, and R rows of C numbers (every `q`) from `sums`; R numbers from `totals` where `TOTALS`.
#[inline(always)]
unsafe fn gram_tile<V: Lanes, const R: usize, const C: usize, Side: Right, const TOTALS: bool>(
    blocks: usize,
    left: *const Block,
    p: usize,
    columns: &Side::Columns,
    q: usize,
    sums: *mut f64,
    totals: *mut f64,
) {
    // SAFETY: the caller's promise; r < R, c < C, b < blocks throughout.
    unsafe {
        let zero = V::splat(0.0);
        let mut products = [[zero; C]; R];
        let mut rows = [zero; R];
        for b in 0..blocks {
            let y: [V; C] = Side::load(columns, b);
            for r in 0..R {
                let x = V::load(&*left.add(b * p + r));
                if TOTALS {
                    rows[r] = rows[r] + x;
                }
                for c in 0..C {
                    products[r][c] = x.fma(y[c], products[r][c]);
                }
            }
        }
        // Eight sums over lanes at a time, those of the rows behind those of the products.
        let count = R * C + if TOTALS { R } else { 0 };
        let mut found = [Block::ZERO; MOST_TOTALS];
        for (t, found) in found.iter_mut().enumerate().take(count.div_ceil(LANES)) {
            let mut eight = [zero; LANES];
            for (i, slot) in eight.iter_mut().enumerate() {
                let k = t * LANES + i;
                if k < R * C {
                    *slot = products[k / C][k % C];
                } else if k < count {
                    *slot = rows[k - R * C];
                }
            }
            V::sums(eight).store(found);
        }
        let found = numbers(&found);
        for r in 0..R {
            for c in 0..C {
                *sums.add(r * q + c) += found[r * C + c];
            }
            if TOTALS {
                *totals.add(r) += found[R * C + r];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::products::tests::panel;
    use super::super::simd::{Width, dispatch_on};
    use super::*;

    #[test]
    fn sums_are_those_of_plain_loops() {
        for width in Width::available() {
            for (p, q, blocks) in [(1, 1, 1), (10, 2, 5), (4, 11, 16), (13, 9, 3), (40, 33, 2)] {
                let (left, right) = (panel(p * blocks, 0.4), panel(q * blocks, 0.8));
                let (mut sums, mut more) = (vec![1.0; p * q], vec![1.0; p * (q + 1)]);
                let right = Plain { panel: &right, rows: q };
                dispatch_on(width, Gram { left: &left, p, right, q, sums: &mut sums });
                dispatch_on(width, Gram { left: &left, p, right, q, sums: &mut more });
                assert_eq!(sums, more[..p * q]);
                let right = right.panel;
                for i in 0..p {
                    let all: f64 = (0..blocks).flat_map(|b| left[b * p + i].0).sum();
                    assert!((more[p * q + i] - 1.0 - all).abs() < 1e-12);
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
