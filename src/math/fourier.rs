//! Fourier transforms of lengths that are powers of two, for convolutions: the forward one leaves its output in bit-reversed order and the backward
//! one takes it so, which spares putting anything in order.
//!
//! Two halvings at a time (radix 4), the last alone where their number is odd; real and imaginary parts apart, so that vector units take both.
//! Cost: 4 N log₂ N operations.
//! Reference: W. M. Gentleman, G. Sande, AFIPS Conf. Proc. 29, 563 (1966), doi:10.1145/1464291.1464352.

use super::simd::{Block, Kernel, LANES, Lanes, dispatch, numbers_mut};
use std::f64::consts::TAU;
use std::ops::{Add, Mul, Neg, Sub};

/// The factors of one pass: cosines and sines of −2π m j/4q for m = 1, 2, 3 and j below the quarter q.
struct Pass {
    quarter: usize,
    /// cos, sin of m = 1, 2, 3 in turn for each eight of the j; of a short quarter, one padded eight.
    turns: Vec<[Block; 6]>,
}

impl Pass {
    fn new(quarter: usize) -> Pass {
        let turns = (0..quarter.div_ceil(LANES)).map(|eight| {
            std::array::from_fn(|k| {
                Block(std::array::from_fn(|l| {
                    let angle = -TAU * ((k / 2 + 1) * (eight * LANES + l)) as f64 / (4 * quarter) as f64;
                    if k % 2 == 0 { angle.cos() } else { angle.sin() }
                }))
            })
        });
        Pass { quarter, turns: turns.collect() }
    }
}

/// The factors of a transform of one length; kept by those who transform often.
#[derive(Default)]
pub struct Fourier {
    size: usize,
    /// The longest first.
    passes: Vec<Pass>,
}

impl Fourier {
    /// Of this many numbers, a power of two.
    pub fn new(size: usize) -> Fourier {
        assert!(size.is_power_of_two(), "a Fourier transform needs a power of two");
        let passes = std::iter::successors(Some(size / 4), |quarter| Some(quarter / 4)).take_while(|q| *q > 0);
        let passes = passes.map(Pass::new).collect();
        Fourier { size, passes }
    }

    pub fn size(&self) -> usize {
        self.size
    }

    /// Memory for the numbers of one side: their last block is filled in part where they are fewer than eight.
    pub fn blocks(&self) -> usize {
        self.size.div_ceil(LANES)
    }

    /// Σ_t x_t e^{−2πi kt/N} of x = real + i imaginary, the k in bit-reversed order.
    pub fn forward(&self, real: &mut [Block], imaginary: &mut [Block]) {
        dispatch(Transform { plan: self, real, imaginary, backward: false });
    }

    /// Σ_k X_k e^{2πi kt/N} of X in bit-reversed order: N times what [`Fourier::forward`] was given.
    pub fn backward(&self, real: &mut [Block], imaginary: &mut [Block]) {
        dispatch(Transform { plan: self, real, imaginary, backward: true });
    }
}

struct Transform<'a> {
    plan: &'a Fourier,
    real: &'a mut [Block],
    imaginary: &'a mut [Block],
    backward: bool,
}

impl Kernel for Transform<'_> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes>(self) {
        let Transform { plan, real, imaginary, backward } = self;
        assert!(real.len() == plan.blocks() && imaginary.len() == plan.blocks(), "a transform of {} numbers", plan.size);
        let (long, short) = plan.passes.split_at(plan.passes.iter().take_while(|p| p.quarter >= LANES).count());
        // An odd number of halvings leaves pairs.
        let odd = !plan.size.trailing_zeros().is_multiple_of(2);
        if !backward {
            for pass in long {
                split::<V>(pass, real, imaginary);
            }
        }
        let (re, im) = (&mut numbers_mut(real)[..plan.size], &mut numbers_mut(imaginary)[..plan.size]);
        if backward {
            if odd {
                pairs(re);
                pairs(im);
            }
            for pass in short.iter().rev() {
                join_short(pass, re, im);
            }
            for pass in long.iter().rev() {
                join::<V>(pass, real, imaginary);
            }
        } else {
            for pass in short {
                split_short(pass, re, im);
            }
            if odd {
                pairs(re);
                pairs(im);
            }
        }
    }
}

/// Sums and differences of neighbours.
#[inline(always)]
fn pairs(values: &mut [f64]) {
    for [a, b] in values.as_chunks_mut::<2>().0 {
        (*a, *b) = (*a + *b, *a - *b);
    }
}

/// Four quarters of equal length.
#[inline(always)]
fn quarters<T>(values: &mut [T], quarter: usize) -> [&mut [T]; 4] {
    let (low, high) = values.split_at_mut(2 * quarter);
    let ((a, b), (c, d)) = (low.split_at_mut(quarter), high.split_at_mut(quarter));
    [a, b, &mut c[..quarter], &mut d[..quarter]]
}

/// (x + i y)(c + i s).
#[inline(always)]
fn times<T: Copy + Add<Output = T> + Sub<Output = T> + Mul<Output = T>>([x, y]: [T; 2], c: T, s: T) -> [T; 2] {
    [x * c - y * s, x * s + y * c]
}

/// What becomes of the j-th numbers of the four quarters, forwards: real parts, imaginary parts, factors.
#[inline(always)]
fn forwards<T: Copy + Add<Output = T> + Sub<Output = T> + Mul<Output = T>>(r: [T; 4], i: [T; 4], w: [T; 6]) -> [[T; 2]; 4] {
    let (a, b, c, d) = (r[0] + r[2], r[1] + r[3], r[0] - r[2], r[1] - r[3]);
    let (e, f, g, h) = (i[0] + i[2], i[1] + i[3], i[0] - i[2], i[1] - i[3]);
    // The far differences less and plus i times the near ones.
    [[a + b, e + f], times([a - b, e - f], w[2], w[3]), times([c + h, g - d], w[0], w[1]), times([c - h, g + d], w[4], w[5])]
}

/// The way back; it turns by the opposite angles.
#[inline(always)]
fn backwards<T: Copy + Add<Output = T> + Sub<Output = T> + Mul<Output = T> + Neg<Output = T>>(
    r: [T; 4],
    i: [T; 4],
    w: [T; 6],
) -> [[T; 2]; 4] {
    let [x1, y1] = times([r[1], i[1]], w[2], -w[3]);
    let [x2, y2] = times([r[2], i[2]], w[0], -w[1]);
    let [x3, y3] = times([r[3], i[3]], w[4], -w[5]);
    let (a, b, c, d) = (r[0] + x1, x2 + x3, r[0] - x1, x2 - x3);
    let (e, f, g, h) = (i[0] + y1, y2 + y3, i[0] - y1, y2 - y3);
    [[a + b, e + f], [c - h, g + d], [a - b, e - f], [c + h, g - d]]
}

/// A pass in eights.
#[inline(always)]
fn split<V: Lanes>(pass: &Pass, real: &mut [Block], imaginary: &mut [Block]) {
    let q = pass.quarter / LANES;
    let turns = &pass.turns[..q];
    for (re, im) in real.chunks_exact_mut(4 * q).zip(imaginary.chunks_exact_mut(4 * q)) {
        let (r, i) = (quarters(re, q), quarters(im, q));
        for j in 0..q {
            // No closures: they would not have the instruction set that the function around them is given.
            let (mut a, mut b, mut w) = ([V::splat(0.0); 4], [V::splat(0.0); 4], [V::splat(0.0); 6]);
            for k in 0..4 {
                a[k] = V::load(&r[k][j]);
                b[k] = V::load(&i[k][j]);
            }
            for k in 0..6 {
                w[k] = V::load(&turns[j][k]);
            }
            let out = forwards(a, b, w);
            for k in 0..4 {
                out[k][0].store(&mut r[k][j]);
                out[k][1].store(&mut i[k][j]);
            }
        }
    }
}

/// A pass over fewer than eight.
#[inline(always)]
fn split_short(pass: &Pass, real: &mut [f64], imaginary: &mut [f64]) {
    let q = pass.quarter;
    for (re, im) in real.chunks_exact_mut(4 * q).zip(imaginary.chunks_exact_mut(4 * q)) {
        let (r, i) = (quarters(re, q), quarters(im, q));
        for j in 0..q {
            let (mut a, mut b, mut w) = ([0.0; 4], [0.0; 4], [0.0; 6]);
            for k in 0..4 {
                (a[k], b[k]) = (r[k][j], i[k][j]);
            }
            for k in 0..6 {
                w[k] = pass.turns[0][k].0[j];
            }
            let out = forwards(a, b, w);
            for k in 0..4 {
                [r[k][j], i[k][j]] = out[k];
            }
        }
    }
}

/// A pass in eights.
#[inline(always)]
fn join<V: Lanes>(pass: &Pass, real: &mut [Block], imaginary: &mut [Block]) {
    let q = pass.quarter / LANES;
    let turns = &pass.turns[..q];
    for (re, im) in real.chunks_exact_mut(4 * q).zip(imaginary.chunks_exact_mut(4 * q)) {
        let (r, i) = (quarters(re, q), quarters(im, q));
        for j in 0..q {
            // No closures: they would not have the instruction set that the function around them is given.
            let (mut a, mut b, mut w) = ([V::splat(0.0); 4], [V::splat(0.0); 4], [V::splat(0.0); 6]);
            for k in 0..4 {
                a[k] = V::load(&r[k][j]);
                b[k] = V::load(&i[k][j]);
            }
            for k in 0..6 {
                w[k] = V::load(&turns[j][k]);
            }
            let out = backwards(a, b, w);
            for k in 0..4 {
                out[k][0].store(&mut r[k][j]);
                out[k][1].store(&mut i[k][j]);
            }
        }
    }
}

/// A pass over fewer than eight.
#[inline(always)]
fn join_short(pass: &Pass, real: &mut [f64], imaginary: &mut [f64]) {
    let q = pass.quarter;
    for (re, im) in real.chunks_exact_mut(4 * q).zip(imaginary.chunks_exact_mut(4 * q)) {
        let (r, i) = (quarters(re, q), quarters(im, q));
        for j in 0..q {
            let (mut a, mut b, mut w) = ([0.0; 4], [0.0; 4], [0.0; 6]);
            for k in 0..4 {
                (a[k], b[k]) = (r[k][j], i[k][j]);
            }
            for k in 0..6 {
                w[k] = pass.turns[0][k].0[j];
            }
            let out = backwards(a, b, w);
            for k in 0..4 {
                [r[k][j], i[k][j]] = out[k];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::simd::numbers;
    use super::*;

    #[test]
    fn transforms_are_the_sums_they_stand_for() {
        for bits in 0..9 {
            let n = 1usize << bits;
            let x: Vec<f64> = (0..n).map(|t| (1.7 * t as f64).sin() + 0.3).collect();
            let y: Vec<f64> = (0..n).map(|t| (0.9 * t as f64 + 1.0).cos()).collect();
            let fourier = Fourier::new(n);
            let filled = |values: &[f64]| {
                let mut blocks = vec![Block::ZERO; fourier.blocks()];
                numbers_mut(&mut blocks)[..n].copy_from_slice(values);
                blocks
            };
            let (mut real, mut imaginary) = (filled(&x), filled(&y));
            fourier.forward(&mut real, &mut imaginary);
            let (re, im) = (numbers(&real), numbers(&imaginary));
            for k in 0..n {
                let mut expected = [0.0; 2];
                for t in 0..n {
                    let angle = -TAU * ((k * t) % n) as f64 / n as f64;
                    let [a, b] = times([x[t], y[t]], angle.cos(), angle.sin());
                    expected = [expected[0] + a, expected[1] + b];
                }
                let at = if bits == 0 { 0 } else { k.reverse_bits() >> (usize::BITS - bits) };
                // Rounding of n sums of numbers near 1.
                let bound = 1e-14 * n as f64;
                assert!((re[at] - expected[0]).abs() < bound && (im[at] - expected[1]).abs() < bound, "{n}: {k}");
            }
            fourier.backward(&mut real, &mut imaginary);
            let (re, im) = (numbers(&real), numbers(&imaginary));
            for t in 0..n {
                assert!((re[t] / n as f64 - x[t]).abs() < 1e-14 && (im[t] / n as f64 - y[t]).abs() < 1e-14);
            }
        }
    }
}
