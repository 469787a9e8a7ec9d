//! Sturm counts: how many eigenvalues of a symmetric tridiagonal matrix T lie below each of eight points.
//!
//! The leading minors of T − x, p_i = (d_i − x) p_{i−1} − e_{i−1}² p_{i−2}, change sign once for every eigenvalue below x. From row to row
//! one fused multiplication waits for another, where pivots p_i/p_{i−1} wait for a division (n = 74: 0.2 µs beside 0.6). T is scaled by a power of
//! two, and every 16 rows both minors are divided by the larger one, so that they stay in range. A minor that vanishes has no sign; then
//! pivots are counted, of which a vanishing one can be replaced.
//! A count is exact for a matrix whose entries differ by a few eps from those of T.
//! References: W. Givens, Oak Ridge report ORNL-1574 (1954); W. Barth, R. S. Martin, J. H. Wilkinson, Numerische Mathematik 9, 386 (1967),
//! doi:10.1007/BF02162154 (pivots).

use super::super::simd::{Block, Kernel, LANES, Lanes, dispatch};
use super::spectrum::power_of_two_below;

/// Rows between two scalings: a minor grows by a factor of 8 a row at most.
const ROWS: usize = 16;

/// Numbers of eigenvalues below each of `points`; `below` has the length of `diagonal`, its last element unused. `scale` bounds the
/// magnitude of all eigenvalues and points.
pub(super) fn counts(diagonal: &[f64], below: &[f64], scale: f64, points: [f64; LANES]) -> [usize; LANES] {
    let minors = Minors { diagonal, below, scale, points };
    dispatch(minors).unwrap_or_else(|| by_pivots(diagonal, below, scale, points))
}

struct Minors<'a> {
    diagonal: &'a [f64],
    below: &'a [f64],
    scale: f64,
    points: [f64; LANES],
}

impl Kernel for Minors<'_> {
    /// `None` where a minor vanished.
    type Output = Option<[usize; LANES]>;
    #[inline(always)]
    fn run<V: Lanes>(self) -> Self::Output {
        let unit = if self.scale > 0.0 { 1.0 / power_of_two_below(self.scale) } else { 1.0 };
        let (zero, one) = (V::splat(0.0), V::splat(1.0));
        let points = V::load(&Block(self.points)) * V::splat(unit);
        let (mut before, mut now) = (zero, one);
        let (mut negative, mut least) = (zero, one);
        let mut minus_square = 0.0;
        for (diagonal, below) in self.diagonal.chunks(ROWS).zip(self.below.chunks(ROWS)) {
            for (d, e) in diagonal.iter().zip(below) {
                let next = (V::splat(d * unit) - points).fma(now, V::splat(minus_square) * before);
                let change = now * next;
                negative = negative + V::select_less(change, zero, one, zero);
                least = least.min(change.abs());
                (before, now) = (now, next);
                minus_square = -(e * unit) * (e * unit);
            }
            let inverse = one / before.abs().max(now.abs());
            (before, now) = (before * inverse, now * inverse);
        }
        if zero.less_bits(least) != (1 << LANES) - 1 {
            return None;
        }
        let mut counts = Block::ZERO;
        negative.store(&mut counts);
        Some(counts.0.map(|count| count as usize))
    }
}

/// The same by the signs of the pivots. A pivot of zero becomes a tiny negative one: the count then holds for a point a hair higher.
fn by_pivots(diagonal: &[f64], below: &[f64], scale: f64, points: [f64; LANES]) -> [usize; LANES] {
    let tiny = (1e-32 * scale).max(f64::MIN_POSITIVE);
    let mut q = [1.0f64; LANES];
    let mut negative = [0; LANES];
    let mut before = 0.0;
    for (&d, &next) in diagonal.iter().zip(below) {
        for k in 0..LANES {
            // (e/q)·e, not e²/q: the square would overflow for entries above 1e154.
            let x = (d - points[k]) - before / q[k] * before;
            q[k] = if x.abs() < tiny { -tiny } else { x };
            negative[k] += usize::from(q[k] < 0.0);
        }
        before = next;
    }
    negative
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::stream;
    use crate::math::simd::{Width, dispatch_on};
    use rand::RngExt;

    /// The second difference with fixed ends has the eigenvalues 2 − 2 cos(kπ/(n + 1)).
    #[test]
    fn counts_are_those_of_known_eigenvalues() {
        let n = 200;
        let (diagonal, below) = (vec![2.0; n], vec![-1.0; n]);
        let value = |k: usize| 2.0 - 2.0 * ((k + 1) as f64 * std::f64::consts::PI / (n + 1) as f64).cos();
        for width in Width::available() {
            for k in 0..n {
                let side = [-1e-10, 1e-10, -1e-12, 1e-12, -1e-6, 1e-6, -1e-8, 1e-8];
                let points = side.map(|s| value(k) + s);
                let found = dispatch_on(width, Minors { diagonal: &diagonal, below: &below, scale: 4.0, points });
                assert_eq!(found, Some(side.map(|s| if s < 0.0 { k } else { k + 1 })), "{k} on {}", width.name());
            }
        }
    }

    /// Parts that hang together weakly or not at all, entries of very different size, and points on eigenvalues of parts.
    #[test]
    fn minors_and_pivots_agree() {
        let mut random = stream(3, 0);
        let mut vanished = 0;
        for case in 0..400 {
            let n = 1 + case % 90;
            let mut size = || 10f64.powf(-12.0 * random.random::<f64>());
            let diagonal: Vec<f64> = (0..n).map(|i| if case % 3 == 0 { (i % 5) as f64 - 2.0 } else { size() - 0.3 }).collect();
            let below: Vec<f64> = (0..n).map(|i| if case % 5 == 0 && i % 7 == 0 { 0.0 } else { size() }).collect();
            let scale = 4.0;
            let points = [-1.0, 0.0, 1.0, 2.0, -1e-9, 1e-7, 0.123, -0.2];
            // A hair beside each point: a count is exact for a matrix that differs by as much.
            let beside = |hair: f64| by_pivots(&diagonal, &below, scale, points.map(|p| p + hair));
            let (low, high) = (beside(-1e-14), beside(1e-14));
            let fits = |counts: [usize; LANES]| (0..LANES).all(|k| (low[k]..=high[k]).contains(&counts[k]));
            for width in Width::available() {
                match dispatch_on(width, Minors { diagonal: &diagonal, below: &below, scale, points }) {
                    Some(minors) => assert!(fits(minors), "case {case} on {}: {minors:?}, {low:?} to {high:?}", width.name()),
                    None => vanished += 1,
                }
            }
            assert!(fits(counts(&diagonal, &below, scale, points)), "case {case}");
        }
        assert!((1..1000).contains(&vanished), "both ways are to be seen: {vanished}");
    }
}
