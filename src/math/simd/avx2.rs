//! Eight lanes in two AVX2 registers.
//!
//! SAFETY of every intrinsic here: values of this type exist only inside `simd::run_avx2`, which runs only after the processor was asked
//! (the type is private to `simd`); loads and stores take whole, aligned blocks by reference.

use super::{Block, LANES, Lanes, POWER_MAGIC};
use std::arch::x86_64::*;
use std::ops::{Add, Div, Mul, Neg, Sub};

#[derive(Clone, Copy)]
pub(super) struct Avx2(__m256d, __m256d);

macro_rules! operator {
    ($Trait:ident, $name:ident, $intrinsic:ident) => {
        impl $Trait for Avx2 {
            type Output = Avx2;
            #[inline(always)]
            fn $name(self, other: Avx2) -> Avx2 {
                // SAFETY: see the top of the file.
                unsafe { Avx2($intrinsic(self.0, other.0), $intrinsic(self.1, other.1)) }
            }
        }
    };
}
operator!(Add, add, _mm256_add_pd);
operator!(Sub, sub, _mm256_sub_pd);
operator!(Mul, mul, _mm256_mul_pd);
operator!(Div, div, _mm256_div_pd);

impl Neg for Avx2 {
    type Output = Avx2;
    #[inline(always)]
    fn neg(self) -> Avx2 {
        // SAFETY: see the top of the file.
        unsafe {
            let sign = _mm256_set1_pd(-0.0);
            Avx2(_mm256_xor_pd(self.0, sign), _mm256_xor_pd(self.1, sign))
        }
    }
}

/// 2^n of n + POWER_MAGIC: the integer stands in the low bits, with the bias of the exponent added.
#[inline(always)]
fn shift(shifted: __m256d) -> __m256d {
    // SAFETY: see the top of the file.
    unsafe { _mm256_castsi256_pd(_mm256_slli_epi64::<52>(_mm256_castpd_si256(shifted))) }
}

/// Exponent and mantissa of positive normal numbers.
#[inline(always)]
fn parts(x: __m256d) -> (__m256d, __m256d) {
    // SAFETY: see the top of the file.
    unsafe {
        let bits = _mm256_castpd_si256(x);
        // The exponent field as a double: put it into the low bits of 2^52 and take that off again.
        let magic = _mm256_set1_pd(4503599627370496.0);
        let field = _mm256_or_si256(_mm256_srli_epi64::<52>(bits), _mm256_castpd_si256(magic));
        let exponent = _mm256_sub_pd(_mm256_castsi256_pd(field), _mm256_set1_pd(4503599627370496.0 + 1023.0));
        let fraction = _mm256_and_si256(bits, _mm256_set1_epi64x(0x000f_ffff_ffff_ffff));
        let mantissa = _mm256_or_si256(fraction, _mm256_castpd_si256(_mm256_set1_pd(1.0)));
        (exponent, _mm256_castsi256_pd(mantissa))
    }
}

/// Four rows of four to columns.
#[inline(always)]
fn square(a: __m256d, b: __m256d, c: __m256d, d: __m256d) -> [__m256d; 4] {
    // SAFETY: see the top of the file.
    unsafe {
        let (even, odd) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
        let (even_too, odd_too) = (_mm256_unpacklo_pd(c, d), _mm256_unpackhi_pd(c, d));
        [
            _mm256_permute2f128_pd::<0x20>(even, even_too),
            _mm256_permute2f128_pd::<0x20>(odd, odd_too),
            _mm256_permute2f128_pd::<0x31>(even, even_too),
            _mm256_permute2f128_pd::<0x31>(odd, odd_too),
        ]
    }
}

// SAFETY of the blocks below: see the top of the file.
impl Lanes for Avx2 {
    const TILE_ROWS: usize = 3;
    const TILE_COLUMNS: usize = 2;

    #[inline(always)]
    fn splat(value: f64) -> Self {
        unsafe { Avx2(_mm256_set1_pd(value), _mm256_set1_pd(value)) }
    }
    #[inline(always)]
    fn load(block: &Block) -> Self {
        let p = block.0.as_ptr();
        unsafe { Avx2(_mm256_load_pd(p), _mm256_load_pd(p.add(4))) }
    }
    #[inline(always)]
    fn store(self, block: &mut Block) {
        let p = block.0.as_mut_ptr();
        unsafe {
            _mm256_store_pd(p, self.0);
            _mm256_store_pd(p.add(4), self.1);
        }
    }
    #[inline(always)]
    fn fma(self, b: Self, c: Self) -> Self {
        unsafe { Avx2(_mm256_fmadd_pd(self.0, b.0, c.0), _mm256_fmadd_pd(self.1, b.1, c.1)) }
    }
    #[inline(always)]
    fn fnma(self, b: Self, c: Self) -> Self {
        unsafe { Avx2(_mm256_fnmadd_pd(self.0, b.0, c.0), _mm256_fnmadd_pd(self.1, b.1, c.1)) }
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        unsafe { Avx2(_mm256_max_pd(self.0, other.0), _mm256_max_pd(self.1, other.1)) }
    }
    #[inline(always)]
    fn over(self, b: Self) -> Self {
        self / b
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        unsafe { Avx2(_mm256_min_pd(self.0, other.0), _mm256_min_pd(self.1, other.1)) }
    }
    #[inline(always)]
    fn abs(self) -> Self {
        unsafe {
            let sign = _mm256_set1_pd(-0.0);
            Avx2(_mm256_andnot_pd(sign, self.0), _mm256_andnot_pd(sign, self.1))
        }
    }
    #[inline(always)]
    fn with_sign(self, sign: Self) -> Self {
        unsafe {
            let mask = _mm256_set1_pd(-0.0);
            let one = |x, s| _mm256_or_pd(_mm256_andnot_pd(mask, x), _mm256_and_pd(mask, s));
            Avx2(one(self.0, sign.0), one(self.1, sign.1))
        }
    }
    #[inline(always)]
    fn select_less(a: Self, b: Self, then: Self, otherwise: Self) -> Self {
        unsafe {
            Avx2(
                _mm256_blendv_pd(otherwise.0, then.0, _mm256_cmp_pd::<_CMP_LT_OQ>(a.0, b.0)),
                _mm256_blendv_pd(otherwise.1, then.1, _mm256_cmp_pd::<_CMP_LT_OQ>(a.1, b.1)),
            )
        }
    }
    #[inline(always)]
    fn less_bits(self, other: Self) -> u32 {
        unsafe {
            let low = _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_LT_OQ>(self.0, other.0));
            let high = _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_LT_OQ>(self.1, other.1));
            (low | high << 4) as u32
        }
    }
    #[inline(always)]
    fn round(self) -> Self {
        const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
        unsafe { Avx2(_mm256_round_pd::<NEAREST>(self.0), _mm256_round_pd::<NEAREST>(self.1)) }
    }
    #[inline(always)]
    fn nearest_power(self, factor: Self) -> (Self, Self) {
        let magic = Self::splat(POWER_MAGIC);
        let shifted = self.fma(factor, magic);
        (shifted - magic, Avx2(shift(shifted.0), shift(shifted.1)))
    }
    #[inline(always)]
    fn scale2(self, n: Self) -> Self {
        // In two steps, since 2^n itself may lie outside the normal numbers.
        let one = Self::splat(1.0);
        let (half, power) = n.nearest_power(Self::splat(0.5));
        self * power * (n - half).nearest_power(one).1
    }
    #[inline(always)]
    fn split(self) -> (Self, Self) {
        let ((k0, m0), (k1, m1)) = (parts(self.0), parts(self.1));
        (Avx2(k0, k1), Avx2(m0, m1))
    }
    #[inline(always)]
    fn sums(v: [Self; LANES]) -> Self {
        unsafe {
            // (a0+a1, b0+b1, a2+a3, b2+b3), then the halves of two such pairs together.
            let four = |a, b, c, d| {
                let (ab, cd) = (_mm256_hadd_pd(a, b), _mm256_hadd_pd(c, d));
                _mm256_add_pd(_mm256_permute2f128_pd::<0x20>(ab, cd), _mm256_permute2f128_pd::<0x31>(ab, cd))
            };
            let low = _mm256_add_pd(four(v[0].0, v[1].0, v[2].0, v[3].0), four(v[0].1, v[1].1, v[2].1, v[3].1));
            let high = _mm256_add_pd(four(v[4].0, v[5].0, v[6].0, v[7].0), four(v[4].1, v[5].1, v[6].1, v[7].1));
            Avx2(low, high)
        }
    }
    #[inline(always)]
    fn transpose(v: [Self; LANES]) -> [Self; LANES] {
        let [a, b, c, d] = square(v[0].0, v[1].0, v[2].0, v[3].0);
        let [e, f, g, h] = square(v[0].1, v[1].1, v[2].1, v[3].1);
        let [i, j, k, l] = square(v[4].0, v[5].0, v[6].0, v[7].0);
        let [m, n, o, p] = square(v[4].1, v[5].1, v[6].1, v[7].1);
        [Avx2(a, i), Avx2(b, j), Avx2(c, k), Avx2(d, l), Avx2(e, m), Avx2(f, n), Avx2(g, o), Avx2(h, p)]
    }
}
