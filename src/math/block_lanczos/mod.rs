//! A few highest eigenpairs of a symmetric operator, each as often as it occurs: Lanczos with blocks of eight vectors.
//!
//! A single Lanczos sequence finds one vector of an eigenvalue that occurs twice. Here the space is grown by eight vectors at a time,
//! W = A V_j made orthogonal to all of V and orthonormal in itself, so that an eigenvalue of multiplicity up to eight is found whole; what a product
//! reads of the operator serves eight vectors. T = Vᵀ A V is kept as it comes out of the projections; its eigenpairs (θ, s) give
//! θ and y = V s with the residual |R s_last|, R being the triangular factor of the last W. A space that has grown to its room is cut back to
//! its best Ritz vectors and grown again from there (thick restart), so that memory is bounded by `room` vectors however long it lasts.
//!
//! Where a space of twelve blocks holds no answer, the wanted values lie close together beside the whole spectrum. From there on the space is
//! grown by a Chebyshev polynomial of A that stretches them apart and holds the rest down (known from the Ritz values so far), of which most products need no
//! vectors to be made orthogonal; values and residuals are those of A itself in the end.
//!
//! Vectors are made orthogonal by projecting and factorising (Cholesky) twice, or more often where a block loses rank. A column that
//! vanishes, since the space is closed under the operator, is replaced by a random one.
//! Cost: a product and 32 n m flops for each block of a space of m vectors. Sums go over pieces of fixed length, added in their order: the
//! result does not depend on the number of threads.
//! When it fails: eigenvalues of higher multiplicity come incompletely at first (rounding brings the rest in), and where the gaps are
//! tiny beside the whole spectrum it takes long; `converged` says whether it was granted the products it needed.
//! References: G. H. Golub, R. Underwood, in Mathematical Software III (1977), doi:10.1016/B978-0-12-587260-7.50018-2;
//! Y. Zhou, Y. Saad, SIAM J. Matrix Anal. Appl. 29, 954 (2007), doi:10.1137/050630404;
//! K. Wu, H. Simon, SIAM J. Matrix Anal. Appl. 22, 602 (2000), doi:10.1137/S0895479898334605.

mod filter;

use super::Matrix;
use super::eigen::symmetric_eigen;
use super::random::stream;
use super::simd::{Block, Kernel, LANES, Lanes, dispatch};
use crate::base::Result;
use filter::Filter;
use rand::RngExt;
use rayon::prelude::*;

/// Rows of a piece: with one block of eight vectors 32 KB.
const ROWS: usize = 512;
/// Below this part of its length before, a vector is rounding.
const VANISHED: f64 = 1e-14;
/// Squared sine of the angle to the columns before it, below which a column is not normalised before it has been made orthogonal again.
const DEPENDENT: f64 = 1e-12;

/// Residuals below this part of the spectrum's width fall by an order of magnitude or more with every block.
const CLOSE: f64 = 1e-3;

/// A square of eight times eight numbers, row by row.
type Square = [Block; LANES];
/// Eight vectors, a row a block.
type Eight = Vec<Block>;

/// The highest eigenpairs, values descending.
#[derive(Debug, Clone)]
pub struct Highest {
    pub values: Vec<f64>,
    /// Of length 1, a column each.
    pub vectors: Matrix,
    /// |A y − θ y| of each.
    pub residuals: Vec<f64>,
    /// Products with eight vectors.
    pub products: usize,
    pub converged: bool,
}

/// The `count` highest eigenpairs of an operator on n numbers that are orthogonal to the vectors `deflate` (of length 1, orthogonal to each
/// other, at most eight). `operator(x, out)` multiplies eight vectors; `enough(values, residuals)` says when to stop, `most` how many products
/// there may be.
///
/// Errors: those of the operator.
pub fn highest(
    operator: &mut dyn FnMut(&[Block], &mut [Block]) -> Result<()>,
    n: usize,
    count: usize,
    deflate: &[Vec<f64>],
    enough: &dyn Fn(&[f64], &[f64]) -> bool,
    most: usize,
) -> Result<Highest> {
    assert!(deflate.len() <= LANES && count + deflate.len() <= n, "{count} eigenpairs of {n}");
    let keep = (count + LANES / 2).next_multiple_of(LANES);
    let room = (2 * keep + 8 * LANES).max(24 * LANES);
    // What shows how the spectrum lies.
    let mut plain = (keep + 2 * LANES).max(12 * LANES);
    if n <= room + 2 * LANES {
        return dense(operator, n, count, deflate);
    }
    let mut space = Space::new(n, deflate);
    let mut first = vec![Block::ZERO; n];
    (0..LANES).for_each(|c| space.draw(&mut first, c));
    space.settle(&mut first);
    space.basis.push(first);
    let mut products = 0;
    let mut after_restart = 0;
    let mut filter = Filter::none();
    // How far what the space says of the residuals was below what they were.
    let mut trust = 1.0;
    loop {
        let last = space.basis.len() - 1;
        let mut next = filter.apply(operator, &space.basis[last])?;
        products += filter.degree;
        let (projections, link) = space.settle(&mut next);
        space.projected.push(projections);
        let grown = space.basis.len() - after_restart;
        let full = space.basis.len() * LANES >= plain.min(room);
        let spent = products >= most;
        // An examination costs as much as some products.
        let due = full || spent || grown >= 4 && (filter.degree > 8 || grown.is_multiple_of(3));
        if space.basis.len() * LANES > count && due {
            let (values, small) = space.ritz();
            let m = values.len();
            let said = |k: usize| trust * coupling(&link, &small, m - LANES, k) / filter.stretch(values[k]);
            let residuals: Vec<f64> = (0..count).map(said).collect();
            let own: Vec<f64> = values[..count].iter().map(|value| filter.inverse(*value)).collect();
            if spent || enough(&own, &residuals) {
                let mut found = space.finish(operator, &small, count)?;
                products += found.products;
                found.products = products;
                found.converged = enough(&found.values, &found.residuals);
                if found.converged || spent {
                    return Ok(found);
                }
                trust *= 2.0 * (0..count).map(|k| found.residuals[k] / residuals[k].max(f64::MIN_POSITIVE)).fold(1.0, f64::max);
            }
            // A space that closes in on them is allowed some more.
            let width = own[0] - if filter.degree == 1 { values[m - 1] } else { filter.low };
            let closing = residuals.iter().all(|r| *r < CLOSE * width);
            if full && !(closing && m < room + 8 * LANES) {
                let lowest = if filter.degree == 1 { values[m - 1] } else { filter.low };
                let better = Filter::above(lowest, filter.inverse(values[0]), filter.inverse(values[(keep + LANES).min(m - 1)]));
                if better.degree >= 2 * filter.degree && !closing {
                    filter = better;
                    let mut first = space.best(&small, count);
                    space.basis.clear();
                    space.projected.clear();
                    space.settle(&mut first);
                    space.basis.push(first);
                    (after_restart, plain) = (0, room);
                    continue;
                }
                if plain < room {
                    plain = room;
                } else {
                    space.restart(&values, &small, keep);
                    after_restart = space.basis.len();
                }
            }
        }
        space.basis.push(next);
    }
}

/// |R s| with the last eight elements of a Ritz vector in the space.
fn coupling(link: &Square, small: &Matrix, last: usize, k: usize) -> f64 {
    let row = |r: &Block| (0..LANES).map(|c| r.0[c] * small[(last + c, k)]).sum::<f64>();
    link.iter().map(|r| row(r).powi(2)).sum::<f64>().sqrt()
}

/// Few enough for the whole matrix.
fn dense(
    operator: &mut dyn FnMut(&[Block], &mut [Block]) -> Result<()>,
    n: usize,
    count: usize,
    deflate: &[Vec<f64>],
) -> Result<Highest> {
    let mut matrix = Matrix::zeros(n, n);
    let (mut x, mut out) = (vec![Block::ZERO; n], vec![Block::ZERO; n]);
    for first in (0..n).step_by(LANES) {
        x.fill(Block::ZERO);
        (first..n.min(first + LANES)).for_each(|i| x[i].0[i - first] = 1.0);
        operator(&x, &mut out)?;
        for i in 0..n {
            for j in first..n.min(first + LANES) {
                matrix[(i, j)] = out[i].0[j - first];
            }
        }
    }
    // P A P, and what is left out far below everything.
    for u in deflate {
        for left in [true, false] {
            for line in 0..n {
                let at = |k: usize| if left { (k, line) } else { (line, k) };
                let s: f64 = (0..n).map(|k| u[k] * matrix[at(k)]).sum();
                (0..n).for_each(|k| matrix[at(k)] -= s * u[k]);
            }
        }
    }
    let below = 2.0 * matrix.data.iter().map(|x| x * x).sum::<f64>().sqrt() + 1.0;
    for u in deflate {
        for i in 0..n {
            (0..n).for_each(|j| matrix[(i, j)] -= below * u[i] * u[j]);
        }
    }
    let (values, all) = symmetric_eigen(&matrix);
    let mut vectors = Matrix::zeros(n, count);
    for i in 0..n {
        (0..count).for_each(|k| vectors[(i, k)] = all[(i, n - 1 - k)]);
    }
    let values = (0..count).map(|k| values[n - 1 - k]).collect();
    Ok(Highest { values, vectors, residuals: vec![0.0; count], products: n.div_ceil(LANES), converged: true })
}

/// The space so far.
struct Space {
    n: usize,
    /// Directions to leave out, as eight vectors padded with zeros; none or one.
    deflate: Vec<Eight>,
    basis: Vec<Eight>,
    /// Of each block but the last: Vᵀ A of it, for itself and every block before.
    projected: Vec<Vec<Square>>,
    /// Random columns drawn so far.
    drawn: u64,
}

impl Space {
    fn new(n: usize, deflate: &[Vec<f64>]) -> Space {
        let columns = (0..n).map(|i| Block(std::array::from_fn(|c| deflate.get(c).map_or(0.0, |u| u[i]))));
        let deflate = if deflate.is_empty() { Vec::new() } else { vec![columns.collect()] };
        Space { n, deflate, basis: Vec::new(), projected: Vec::new(), drawn: 0 }
    }

    /// Fills a column with random numbers, its length about 1.
    fn draw(&mut self, w: &mut [Block], column: usize) {
        let mut random = stream(0x626c6f, self.drawn);
        self.drawn += 1;
        let size = (3.0 / self.n as f64).sqrt();
        w.iter_mut().for_each(|row| row.0[column] = random.random_range(-size..size));
    }

    /// Makes w orthogonal to all there is and orthonormal in itself: what it was is V · (first) + w · (second).
    fn settle(&mut self, w: &mut [Block]) -> (Vec<Square>, Square) {
        let mut inside = vec![[Block::ZERO; LANES]; self.basis.len()];
        let mut link = identity();
        let mut lengths = [0.0; LANES];
        let before = grams(&[w], w);
        (0..LANES).for_each(|c| lengths[c] = before[0][c].0[c].sqrt());
        for pass in 0..6 {
            let bases: Vec<&[Block]> = self.deflate.iter().chain(&self.basis).map(Vec::as_slice).collect();
            let projections = grams(&bases, w);
            subtract(&bases, &projections, w);
            for (inside, projection) in inside.iter_mut().zip(&projections[self.deflate.len()..]) {
                add_product(inside, projection, &link);
            }
            let (factor, columns) = factorise(&grams(&[w], w)[0], &lengths);
            rotate(w, &inverse(&factor));
            let mut kept = factor;
            for (c, column) in columns.iter().enumerate() {
                match column {
                    // From here on it vanishes when nothing is left of a length of 1.
                    Column::Scaled => lengths[c] = 1.0,
                    Column::Waiting => {}
                    Column::Vanished => {
                        kept[c] = Block::ZERO;
                        self.draw(w, c);
                        lengths[c] = 1.0;
                    }
                }
            }
            let mut product = [Block::ZERO; LANES];
            add_product(&mut product, &kept, &link);
            link = product;
            if pass > 0 && columns.iter().all(|column| matches!(column, Column::Scaled)) {
                break;
            }
        }
        (inside, link)
    }

    /// Eigenpairs of T, the highest first.
    fn ritz(&self) -> (Vec<f64>, Matrix) {
        let m = self.projected.len() * LANES;
        let mut t = Matrix::zeros(m, m);
        for (j, column) in self.projected.iter().enumerate() {
            for (k, square) in column.iter().enumerate() {
                for r in 0..LANES {
                    for c in 0..LANES {
                        // The diagonal squares are symmetric but for rounding; one triangle is read.
                        let (row, col) = (k * LANES + r, j * LANES + c);
                        (t[(row, col)], t[(col, row)]) = (square[r].0[c], square[r].0[c]);
                    }
                }
            }
        }
        let (values, vectors) = symmetric_eigen(&t);
        let mut turned = Matrix::zeros(m, m);
        for i in 0..m {
            (0..m).for_each(|k| turned[(i, k)] = vectors[(i, m - 1 - k)]);
        }
        (values.into_iter().rev().collect(), turned)
    }

    /// V times the first `count` columns of `small`.
    fn combine(&self, small: &Matrix, count: usize) -> Vec<Eight> {
        let blocks = small.rows / LANES;
        let part = |k: usize, first: usize| -> Square {
            std::array::from_fn(|r| {
                Block(std::array::from_fn(|c| if first + c < count { -small[(k * LANES + r, first + c)] } else { 0.0 }))
            })
        };
        let bases: Vec<&[Block]> = self.basis[..blocks].iter().map(Vec::as_slice).collect();
        let columns = (0..count).step_by(LANES).map(|first| {
            let mut y = vec![Block::ZERO; self.n];
            subtract(&bases, &(0..blocks).map(|k| part(k, first)).collect::<Vec<_>>(), &mut y);
            y
        });
        columns.collect()
    }

    /// Eight vectors to begin anew from: the highest Ritz vectors, sums of them where there are more than eight.
    fn best(&self, small: &Matrix, count: usize) -> Eight {
        let mut sums = Matrix::zeros(small.rows, LANES);
        for k in 0..count.next_multiple_of(LANES).min(small.columns) {
            (0..small.rows).for_each(|i| sums[(i, k % LANES)] += small[(i, k)]);
        }
        self.combine(&sums, LANES).swap_remove(0)
    }

    /// The highest pairs by the operator itself: its eigenpairs between the highest Ritz vectors, with their residuals.
    fn finish(
        &self,
        operator: &mut dyn FnMut(&[Block], &mut [Block]) -> Result<()>,
        small: &Matrix,
        count: usize,
    ) -> Result<Highest> {
        let wide = count.next_multiple_of(LANES);
        let y = self.combine(small, wide);
        let mut images = Vec::with_capacity(y.len());
        for y in &y {
            let mut image = vec![Block::ZERO; self.n];
            operator(y, &mut image)?;
            images.push(image);
        }
        let bases: Vec<&[Block]> = y.iter().map(Vec::as_slice).collect();
        let mut between = Matrix::zeros(wide, wide);
        for (j, image) in images.iter().enumerate() {
            for (k, square) in grams(&bases, image).iter().enumerate() {
                for (r, row) in square.iter().enumerate() {
                    (0..LANES).for_each(|c| between[(k * LANES + r, j * LANES + c)] = row.0[c]);
                }
            }
        }
        let (values, turn) = symmetric_eigen(&between);
        let values: Vec<f64> = (0..count).map(|k| values[wide - 1 - k]).collect();
        let (mut vectors, mut residuals) = (Matrix::zeros(self.n, count), vec![0.0; count]);
        for i in 0..self.n {
            for k in 0..count {
                let sum = |of: &[Eight]| (0..wide).map(|c| of[c / LANES][i].0[c % LANES] * turn[(c, wide - 1 - k)]).sum::<f64>();
                vectors[(i, k)] = sum(&y);
                residuals[k] += (sum(&images) - values[k] * vectors[(i, k)]).powi(2);
            }
        }
        residuals.iter_mut().for_each(|r| *r = r.sqrt());
        Ok(Highest { values, vectors, residuals, products: y.len(), converged: false })
    }

    /// Cuts the space back to its `keep` highest Ritz vectors.
    fn restart(&mut self, values: &[f64], small: &Matrix, keep: usize) {
        self.basis = self.combine(small, keep);
        self.projected = (0..keep / LANES)
            .map(|j| {
                let mut column = vec![[Block::ZERO; LANES]; j + 1];
                (0..LANES).for_each(|c| column[j][c].0[c] = values[j * LANES + c]);
                column
            })
            .collect();
    }
}

fn identity() -> Square {
    std::array::from_fn(|r| Block(std::array::from_fn(|c| f64::from(r == c))))
}

/// to += a · b.
fn add_product(to: &mut Square, a: &Square, b: &Square) {
    for r in 0..LANES {
        for k in 0..LANES {
            for c in 0..LANES {
                to[r].0[c] += a[r].0[k] * b[k].0[c];
            }
        }
    }
}

/// What has become of a column of a block.
enum Column {
    /// It has length 1.
    Scaled,
    /// It lies in the span of those before it, as far as can be told before it has been made orthogonal once more.
    Waiting,
    /// It is rounding beside its length before.
    Vanished,
}

/// The upper factor R of Rᵀ R = gram, with 1 on the diagonal for what is not scaled.
fn factorise(gram: &Square, lengths: &[f64; LANES]) -> (Square, [Column; LANES]) {
    let mut r = [Block::ZERO; LANES];
    let mut columns = [const { Column::Vanished }; LANES];
    for c in 0..LANES {
        let own = gram[c].0[c];
        r[c].0[c] = 1.0;
        if !(own > (VANISHED * lengths[c]).powi(2)) {
            continue;
        }
        let mut rest = own;
        for k in (0..c).filter(|k| matches!(columns[*k], Column::Scaled)) {
            let mut x = gram[k].0[c];
            (0..k).for_each(|l| x -= r[l].0[k] * r[l].0[c]);
            r[k].0[c] = x / r[k].0[k];
            rest -= r[k].0[c] * r[k].0[c];
        }
        columns[c] = if rest > DEPENDENT * own { Column::Scaled } else { Column::Waiting };
        if matches!(columns[c], Column::Scaled) {
            r[c].0[c] = rest.sqrt();
        }
    }
    (r, columns)
}

/// The inverse of an upper triangular square.
fn inverse(r: &Square) -> Square {
    let mut inverse = [Block::ZERO; LANES];
    for c in 0..LANES {
        inverse[c].0[c] = 1.0 / r[c].0[c];
        for k in (0..c).rev() {
            let x: f64 = (k + 1..=c).map(|l| r[k].0[l] * inverse[l].0[c]).sum();
            inverse[k].0[c] = -x / r[k].0[k];
        }
    }
    inverse
}

/// aᵀ w of several times eight vectors a.
fn grams(many: &[&[Block]], w: &[Block]) -> Vec<Square> {
    let pieces: Vec<Vec<Square>> = w
        .par_chunks(ROWS)
        .enumerate()
        .map(|(k, w)| {
            let rows = k * ROWS..k * ROWS + w.len();
            many.iter().map(|a| dispatch(Gram { a: &a[rows.clone()], w })).collect()
        })
        .collect();
    let mut sums = vec![[Block::ZERO; LANES]; many.len()];
    for piece in &pieces {
        for (sum, part) in sums.iter_mut().zip(piece) {
            for (sum, part) in sum.iter_mut().zip(part) {
                sum.0.iter_mut().zip(part.0).for_each(|(s, p)| *s += p);
            }
        }
    }
    sums
}

/// w −= Σ a · factor.
fn subtract(many: &[&[Block]], factors: &[Square], w: &mut [Block]) {
    w.par_chunks_mut(ROWS).enumerate().for_each(|(k, w)| {
        let rows = k * ROWS..k * ROWS + w.len();
        for (a, factor) in many.iter().zip(factors) {
            dispatch(Subtract { a: &a[rows.clone()], factor, w });
        }
    });
}

/// w ← w · factor.
fn rotate(w: &mut [Block], factor: &Square) {
    w.par_chunks_mut(ROWS).for_each(|w| dispatch(Rotate { factor, w }));
}

struct Gram<'a> {
    a: &'a [Block],
    w: &'a [Block],
}

impl Kernel for Gram<'_> {
    type Output = Square;
    #[inline(always)]
    fn run<V: Lanes>(self) -> Square {
        let mut sums = [V::splat(0.0); LANES];
        for (a, w) in self.a.iter().zip(self.w) {
            let w = V::load(w);
            for c in 0..LANES {
                sums[c] = V::splat(a.0[c]).fma(w, sums[c]);
            }
        }
        let mut out = [Block::ZERO; LANES];
        for c in 0..LANES {
            sums[c].store(&mut out[c]);
        }
        out
    }
}

/// The rows of a square in registers.
#[inline(always)]
fn rows<V: Lanes>(square: &Square) -> [V; LANES] {
    let mut rows = [V::splat(0.0); LANES];
    for c in 0..LANES {
        rows[c] = V::load(&square[c]);
    }
    rows
}

/// from − row · square, in two chains of four.
#[inline(always)]
fn less<V: Lanes>(from: V, row: &Block, square: &[V; LANES]) -> V {
    let (mut s, mut t) = (from, V::splat(0.0));
    for c in 0..LANES / 2 {
        s = V::splat(row.0[c]).fnma(square[c], s);
        t = V::splat(row.0[c + LANES / 2]).fnma(square[c + LANES / 2], t);
    }
    s + t
}

struct Subtract<'a> {
    a: &'a [Block],
    factor: &'a Square,
    w: &'a mut [Block],
}

impl Kernel for Subtract<'_> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes>(self) {
        let factor = rows::<V>(self.factor);
        for (a, w) in self.a.iter().zip(self.w) {
            less(V::load(w), a, &factor).store(w);
        }
    }
}

struct Rotate<'a> {
    factor: &'a Square,
    w: &'a mut [Block],
}

impl Kernel for Rotate<'_> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes>(self) {
        let factor = rows::<V>(self.factor);
        for w in self.w {
            (-less(V::splat(0.0), w, &factor)).store(w);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    /// The mean of a number and its neighbours on a torus of a × b places: eigenvalues (1 + 2 cos(2πk/a) + 2 cos(2πl/b))/5.
    fn torus(a: usize, b: usize) -> impl FnMut(&[Block], &mut [Block]) -> Result<()> {
        move |x, out| {
            for i in 0..a {
                for j in 0..b {
                    let near = [(i, j), ((i + 1) % a, j), ((i + a - 1) % a, j), (i, (j + 1) % b), (i, (j + b - 1) % b)];
                    out[i * b + j] =
                        Block(std::array::from_fn(|c| near.iter().map(|(k, l)| x[k * b + l].0[c]).sum::<f64>() / 5.0));
                }
            }
            Ok(())
        }
    }

    fn levels(a: usize, b: usize) -> Vec<f64> {
        let cosine = |k: usize, n: usize| 2.0 * (2.0 * PI * k as f64 / n as f64).cos();
        let mut all: Vec<f64> = (0..a * b).map(|k| (1.0 + cosine(k / b, a) + cosine(k % b, b)) / 5.0).collect();
        all.sort_by(|x, y| y.total_cmp(x));
        all
    }

    /// Values, residuals as they really are, and that the vectors are orthonormal and free of what was left out.
    fn check(
        operator: &mut dyn FnMut(&[Block], &mut [Block]) -> Result<()>,
        found: &Highest,
        expected: &[f64],
        left_out: &[Vec<f64>],
    ) {
        let (n, count) = (found.vectors.rows, expected.len());
        for k in 0..count {
            assert!((found.values[k] - expected[k]).abs() < 1e-13, "{k}: {} for {}", found.values[k], expected[k]);
            let y = found.vectors.column(k);
            let x: Vec<Block> = y.iter().map(|v| Block([*v; LANES])).collect();
            let mut out = x.clone();
            operator(&x, &mut out).unwrap();
            let residual = (0..n).map(|i| (out[i].0[3] - found.values[k] * y[i]).powi(2)).sum::<f64>().sqrt();
            assert!(residual < found.residuals[k] + 1e-13 && residual < 1e-9, "{residual} said to be {}", found.residuals[k]);
            for l in 0..=k {
                let overlap: f64 = found.vectors.column(l).iter().zip(&y).map(|(a, b)| a * b).sum();
                assert!((overlap - f64::from(k == l)).abs() < 1e-13, "{k} and {l} overlap by {overlap}");
            }
            for u in left_out {
                assert!(u.iter().zip(&y).map(|(a, b)| a * b).sum::<f64>().abs() < 1e-13);
            }
        }
    }

    #[test]
    fn every_copy_of_a_degenerate_eigenvalue_is_found() {
        // Four times each but for the cuts; 12 × 10 is done as a whole, 900 × 3 asks for polynomials.
        for (a, b, count) in [(30, 30, 12), (12, 10, 9), (41, 23, 5), (200, 3, 4), (900, 3, 4), (1500, 1, 11)] {
            let n = a * b;
            let constant = vec![vec![1.0 / (n as f64).sqrt(); n]];
            let mut operator = torus(a, b);
            let enough = |_: &[f64], r: &[f64]| r.iter().all(|r| *r < 1e-11);
            let found = highest(&mut operator, n, count, &constant, &enough, 4000).unwrap();
            assert!(found.converged, "{a} × {b}: {:?} after {}", found.residuals, found.products);
            check(&mut operator, &found, &levels(a, b)[1..=count], &constant);
        }
    }

    #[test]
    fn closed_spaces_are_left() {
        // Rank 20: after three blocks nothing new comes out of the operator.
        let n = 500;
        let mut operator = |x: &[Block], out: &mut [Block]| {
            out.fill(Block::ZERO);
            (0..20).for_each(|i| out[i] = Block(x[i].0.map(|v| (20 - i) as f64 * v)));
            Ok(())
        };
        let enough = |_: &[f64], r: &[f64]| r.iter().all(|r| *r < 1e-11);
        let found = highest(&mut operator, n, 18, &[], &enough, 100).unwrap();
        assert!(found.converged && found.products < 12, "{}", found.products);
        check(&mut operator, &found, &(0..18).map(|i| (20 - i) as f64).collect::<Vec<_>>(), &[]);
        // The identity: every vector is one.
        let mut identity = |x: &[Block], out: &mut [Block]| {
            out.copy_from_slice(x);
            Ok(())
        };
        let found = highest(&mut identity, n, 10, &[], &enough, 100).unwrap();
        check(&mut identity, &found, &[1.0; 10], &[]);
    }

    #[test]
    fn threads_change_nothing_and_too_few_products_are_told() {
        let with = |threads: usize, most: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let enough = |_: &[f64], r: &[f64]| r.iter().all(|r| *r < 1e-10);
            pool.install(|| highest(&mut torus(45, 44), 45 * 44, 5, &[], &enough, most).unwrap())
        };
        let (one, three) = (with(1, 200), with(3, 200));
        assert!(one.converged && one.values == three.values && one.vectors == three.vectors);
        let short = with(1, 3);
        assert!(!short.converged && short.products <= 5 && short.residuals[0] > 1e-10);
    }
}
