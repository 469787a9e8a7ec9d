//! Eight lanes in an array, for machines without AVX2: the compiler makes of it what the target has.

use super::{Block, LANES, Lanes, POWER_MAGIC};
use std::ops::{Add, Div, Mul, Neg, Sub};

#[derive(Clone, Copy)]
pub(super) struct Portable([f64; LANES]);

impl Portable {
    #[inline(always)]
    fn each(self, f: impl Fn(f64) -> f64) -> Portable {
        Portable(self.0.map(f))
    }
    #[inline(always)]
    fn with(self, other: Portable, f: impl Fn(f64, f64) -> f64) -> Portable {
        Portable(std::array::from_fn(|k| f(self.0[k], other.0[k])))
    }
}

/// a·b + c: fused only where that is an instruction, since the library function takes a hundred times as long.
#[inline(always)]
fn multiply_add(a: f64, b: f64, c: f64) -> f64 {
    if cfg!(any(target_feature = "fma", target_arch = "aarch64")) { a.mul_add(b, c) } else { a * b + c }
}

macro_rules! operator {
    ($Trait:ident, $name:ident, $operator:tt) => {
        impl $Trait for Portable {
            type Output = Portable;
            #[inline(always)]
            fn $name(self, other: Portable) -> Portable {
                self.with(other, |a, b| a $operator b)
            }
        }
    };
}
operator!(Add, add, +);
operator!(Sub, sub, -);
operator!(Mul, mul, *);
operator!(Div, div, /);

impl Neg for Portable {
    type Output = Portable;
    #[inline(always)]
    fn neg(self) -> Portable {
        self.each(|a| -a)
    }
}

impl Lanes for Portable {
    const TILE_ROWS: usize = 2;
    const TILE_COLUMNS: usize = 1;

    #[inline(always)]
    fn splat(value: f64) -> Self {
        Portable([value; LANES])
    }
    #[inline(always)]
    fn load(block: &Block) -> Self {
        Portable(block.0)
    }
    #[inline(always)]
    fn store(self, block: &mut Block) {
        block.0 = self.0;
    }
    #[inline(always)]
    fn fma(self, b: Self, c: Self) -> Self {
        Portable(std::array::from_fn(|k| multiply_add(self.0[k], b.0[k], c.0[k])))
    }
    #[inline(always)]
    fn fnma(self, b: Self, c: Self) -> Self {
        Portable(std::array::from_fn(|k| multiply_add(-self.0[k], b.0[k], c.0[k])))
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        self.with(other, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    fn over(self, b: Self) -> Self {
        self / b
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        self.with(other, |a, b| if a < b { a } else { b })
    }
    #[inline(always)]
    fn abs(self) -> Self {
        self.each(f64::abs)
    }
    #[inline(always)]
    fn with_sign(self, sign: Self) -> Self {
        self.with(sign, f64::copysign)
    }
    #[inline(always)]
    fn select_less(a: Self, b: Self, then: Self, otherwise: Self) -> Self {
        Portable(std::array::from_fn(|k| if a.0[k] < b.0[k] { then.0[k] } else { otherwise.0[k] }))
    }
    #[inline(always)]
    fn less_bits(self, other: Self) -> u32 {
        (0..LANES).fold(0, |bits, k| bits | u32::from(self.0[k] < other.0[k]) << k)
    }
    #[inline(always)]
    fn round(self) -> Self {
        // Adding 1.5·2^52 rounds to an integer on every machine; `f64::round_ties_even` may be a library call.
        const MAGIC: f64 = 6755399441055744.0;
        self.each(|a| (a + MAGIC) - MAGIC)
    }
    #[inline(always)]
    fn nearest_power(self, factor: Self) -> (Self, Self) {
        let magic = Self::splat(POWER_MAGIC);
        let shifted = self.fma(factor, magic);
        (shifted - magic, shifted.each(|s| f64::from_bits(s.to_bits() << 52)))
    }
    #[inline(always)]
    fn scale2(self, n: Self) -> Self {
        let one = Self::splat(1.0);
        let (half, power) = n.nearest_power(Self::splat(0.5));
        self * power * (n - half).nearest_power(one).1
    }
    #[inline(always)]
    fn split(self) -> (Self, Self) {
        let exponent = self.each(|a| (a.to_bits() >> 52) as i32 as f64 - 1023.0);
        let mantissa = self.each(|a| f64::from_bits((a.to_bits() & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000));
        (exponent, mantissa)
    }
    #[inline(always)]
    fn sums(v: [Self; LANES]) -> Self {
        Portable(std::array::from_fn(|k| v[k].sum()))
    }
    #[inline(always)]
    fn transpose(v: [Self; LANES]) -> [Self; LANES] {
        std::array::from_fn(|l| Portable(std::array::from_fn(|k| v[k].0[l])))
    }
}
