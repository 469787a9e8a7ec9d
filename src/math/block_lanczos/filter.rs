//! Chebyshev polynomials of an operator, which bring out the highest part of its spectrum.
//!
//! Reference: Y. Zhou, Y. Saad, SIAM J. Matrix Anal. Appl. 29, 954 (2007), doi:10.1137/050630404.

use super::{Eight, ROWS};
use crate::base::Result;
use crate::math::simd::{Block, LANES};
use rayon::prelude::*;

/// A filter brings out the highest value cosh of this many times as large as what it holds down.
const GAIN: f64 = 6.0;
const HIGHEST_DEGREE: usize = 200;

/// A Chebyshev polynomial of the operator, which stretches the highest part of the spectrum and holds the rest between −1 and 1: a space grown by it is
/// as good as one of `degree` times as many products with the operator itself, all but a few of which need not be made orthogonal.
pub(super) struct Filter {
    /// The part of the spectrum that is held down.
    pub low: f64,
    high: f64,
    /// 1 for the operator itself.
    pub degree: usize,
}

impl Filter {
    pub fn none() -> Filter {
        Filter { low: 0.0, high: 0.0, degree: 1 }
    }

    /// Holds down what is between `lowest` and `high`, so that `highest` comes out some hundred times as large.
    pub fn above(lowest: f64, highest: f64, high: f64) -> Filter {
        // The lowest that has been seen is not the lowest that there is.
        let low = lowest - 0.05 * (highest - lowest);
        let distance = ((highest - high) / (high - low)).max(1e-12);
        Filter { low, high, degree: ((GAIN / (2.0 * distance.sqrt())) as usize).clamp(1, HIGHEST_DEGREE) }
    }

    /// Where a value stands: from −1 to 1 for what is held down.
    fn place(&self, value: f64) -> f64 {
        (2.0 * value - self.low - self.high) / (self.high - self.low)
    }

    /// The value that the polynomial makes this of.
    pub fn inverse(&self, value: f64) -> f64 {
        if self.degree == 1 {
            return value;
        }
        let place = if value > 1.0 { (value.acosh() / self.degree as f64).cosh() } else { 1.0 };
        0.5 * (self.low + self.high + place * (self.high - self.low))
    }

    /// What a residual with the polynomial, at this value of it, has to be divided by for a bound of the operator's own: what is held down is
    /// farthest away and moved the least.
    pub fn stretch(&self, value: f64) -> f64 {
        if self.degree == 1 { 1.0 } else { (value - 1.0).max(1e-3) / (self.inverse(value) - self.low) }
    }

    /// The polynomial of the operator on eight vectors.
    pub fn apply(&self, operator: &mut dyn FnMut(&[Block], &mut [Block]) -> Result<()>, x: &[Block]) -> Result<Eight> {
        let mut now = vec![Block::ZERO; x.len()];
        operator(x, &mut now)?;
        if self.degree == 1 {
            return Ok(now);
        }
        let scale = 2.0 / (self.high - self.low);
        let shift = self.place(0.0);
        mix(&mut now, scale, shift, x, 0.0, x);
        let mut before = x.to_vec();
        let mut next = vec![Block::ZERO; x.len()];
        for _ in 1..self.degree {
            operator(&now, &mut next)?;
            mix(&mut next, 2.0 * scale, 2.0 * shift, &now, -1.0, &before);
            std::mem::swap(&mut before, &mut now);
            std::mem::swap(&mut now, &mut next);
        }
        Ok(now)
    }
}

/// out ← a out + b x + c y.
fn mix(out: &mut [Block], a: f64, b: f64, x: &[Block], c: f64, y: &[Block]) {
    let parts = out.par_chunks_mut(ROWS).zip(x.par_chunks(ROWS)).zip(y.par_chunks(ROWS));
    parts.for_each(|((out, x), y)| {
        for ((out, x), y) in out.iter_mut().zip(x).zip(y) {
            for k in 0..LANES {
                out.0[k] = a * out.0[k] + b * x.0[k] + c * y.0[k];
            }
        }
    });
}
