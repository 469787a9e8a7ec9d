//! Eight lanes in one AVX-512 register.
//!
//! SAFETY of every intrinsic here: values of this type exist only inside `simd::run_avx512`, which runs only after the processor was asked
//! (the type is private to `simd`); loads and stores take whole, aligned blocks by reference.

use super::{Block, LANES, Lanes, POWER_MAGIC};
use std::arch::x86_64::*;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// Quarters 0 and 2 of two registers, and quarters 1 and 3.
const EVEN: i32 = 0b10_00_10_00;
const ODD: i32 = 0b11_01_11_01;

#[derive(Clone, Copy)]
pub(super) struct Avx512(__m512d);

macro_rules! operator {
    ($Trait:ident, $name:ident, $intrinsic:ident) => {
        impl $Trait for Avx512 {
            type Output = Avx512;
            #[inline(always)]
            fn $name(self, other: Avx512) -> Avx512 {
                // SAFETY: see the top of the file.
                Avx512(unsafe { $intrinsic(self.0, other.0) })
            }
        }
    };
}
operator!(Add, add, _mm512_add_pd);
operator!(Sub, sub, _mm512_sub_pd);
operator!(Mul, mul, _mm512_mul_pd);
operator!(Div, div, _mm512_div_pd);

impl Neg for Avx512 {
    type Output = Avx512;
    #[inline(always)]
    fn neg(self) -> Avx512 {
        // SAFETY: see the top of the file.
        Avx512(unsafe { _mm512_xor_pd(self.0, _mm512_set1_pd(-0.0)) })
    }
}

// SAFETY of the blocks below: see the top of the file.
impl Lanes for Avx512 {
    const TILE_ROWS: usize = 6;
    const TILE_COLUMNS: usize = 4;

    #[inline(always)]
    fn splat(value: f64) -> Self {
        Avx512(unsafe { _mm512_set1_pd(value) })
    }
    #[inline(always)]
    fn load(block: &Block) -> Self {
        Avx512(unsafe { _mm512_load_pd(block.0.as_ptr()) })
    }
    #[inline(always)]
    fn store(self, block: &mut Block) {
        unsafe { _mm512_store_pd(block.0.as_mut_ptr(), self.0) }
    }
    #[inline(always)]
    fn fma(self, b: Self, c: Self) -> Self {
        Avx512(unsafe { _mm512_fmadd_pd(self.0, b.0, c.0) })
    }
    #[inline(always)]
    fn fnma(self, b: Self, c: Self) -> Self {
        Avx512(unsafe { _mm512_fnmadd_pd(self.0, b.0, c.0) })
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        Avx512(unsafe { _mm512_max_pd(self.0, other.0) })
    }
    #[inline(always)]
    fn over(self, b: Self) -> Self {
        // A division keeps its unit busy for 16 cycles. Two Newton steps bring an estimate of 14 bits to the nearest double or one beside it, and
        // the remainder of the quotient corrects that (P. W. Markstein, IBM J. Res. Dev. 34, 111 (1990), doi:10.1147/rd.341.0111).
        unsafe {
            let one = _mm512_set1_pd(1.0);
            let estimate = _mm512_rcp14_pd(b.0);
            let better = _mm512_fmadd_pd(estimate, _mm512_fnmadd_pd(b.0, estimate, one), estimate);
            let inverse = _mm512_fmadd_pd(better, _mm512_fnmadd_pd(b.0, better, one), better);
            let quotient = _mm512_mul_pd(self.0, inverse);
            Avx512(_mm512_fmadd_pd(inverse, _mm512_fnmadd_pd(quotient, b.0, self.0), quotient))
        }
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        Avx512(unsafe { _mm512_min_pd(self.0, other.0) })
    }
    #[inline(always)]
    fn abs(self) -> Self {
        Avx512(unsafe { _mm512_abs_pd(self.0) })
    }
    #[inline(always)]
    fn with_sign(self, sign: Self) -> Self {
        unsafe {
            let mask = _mm512_castpd_si512(_mm512_set1_pd(-0.0));
            // Bit by bit: mask ? sign : self.
            let bits = _mm512_ternarylogic_epi64::<0b1100_1010>(mask, _mm512_castpd_si512(sign.0), _mm512_castpd_si512(self.0));
            Avx512(_mm512_castsi512_pd(bits))
        }
    }
    #[inline(always)]
    fn select_less(a: Self, b: Self, then: Self, otherwise: Self) -> Self {
        unsafe {
            let mask = _mm512_cmp_pd_mask::<_CMP_LT_OQ>(a.0, b.0);
            Avx512(_mm512_mask_blend_pd(mask, otherwise.0, then.0))
        }
    }
    #[inline(always)]
    fn less_bits(self, other: Self) -> u32 {
        unsafe { u32::from(_mm512_cmp_pd_mask::<_CMP_LT_OQ>(self.0, other.0)) }
    }
    #[inline(always)]
    fn round(self) -> Self {
        Avx512(unsafe { _mm512_roundscale_pd::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self.0) })
    }
    #[inline(always)]
    fn nearest_power(self, factor: Self) -> (Self, Self) {
        // The integer stands in the low bits of n + 1.5·2^52, with the bias of the exponent added: one shift makes 2^n of it.
        unsafe {
            let magic = _mm512_set1_pd(POWER_MAGIC);
            let shifted = _mm512_fmadd_pd(self.0, factor.0, magic);
            let power = _mm512_slli_epi64::<52>(_mm512_castpd_si512(shifted));
            (Avx512(_mm512_sub_pd(shifted, magic)), Avx512(_mm512_castsi512_pd(power)))
        }
    }
    #[inline(always)]
    fn scale2(self, n: Self) -> Self {
        Avx512(unsafe { _mm512_scalef_pd(self.0, n.0) })
    }
    #[inline(always)]
    fn split(self) -> (Self, Self) {
        unsafe {
            let mantissa = _mm512_getmant_pd::<_MM_MANT_NORM_1_2, _MM_MANT_SIGN_SRC>(self.0);
            (Avx512(_mm512_getexp_pd(self.0)), Avx512(mantissa))
        }
    }
    #[inline(always)]
    fn sums(v: [Self; LANES]) -> Self {
        unsafe {
            let pair = |a: Self, b: Self| _mm512_add_pd(_mm512_unpacklo_pd(a.0, b.0), _mm512_unpackhi_pd(a.0, b.0));
            let quarters = |a, b| {
                let even = _mm512_shuffle_f64x2::<EVEN>(a, b);
                let odd = _mm512_shuffle_f64x2::<ODD>(a, b);
                _mm512_add_pd(even, odd)
            };
            let low = quarters(pair(v[0], v[1]), pair(v[2], v[3]));
            let high = quarters(pair(v[4], v[5]), pair(v[6], v[7]));
            Avx512(quarters(low, high))
        }
    }
    #[inline(always)]
    fn transpose(v: [Self; LANES]) -> [Self; LANES] {
        // No arrays and no closures on the way: they would go through memory, or not become part of the kernel.
        unsafe {
            // Quarters of a register hold two rows at the columns 0, 2, 4, 6 or 1, 3, 5, 7 …
            let (even01, odd01) = (_mm512_unpacklo_pd(v[0].0, v[1].0), _mm512_unpackhi_pd(v[0].0, v[1].0));
            let (even23, odd23) = (_mm512_unpacklo_pd(v[2].0, v[3].0), _mm512_unpackhi_pd(v[2].0, v[3].0));
            let (even45, odd45) = (_mm512_unpacklo_pd(v[4].0, v[5].0), _mm512_unpackhi_pd(v[4].0, v[5].0));
            let (even67, odd67) = (_mm512_unpacklo_pd(v[6].0, v[7].0), _mm512_unpackhi_pd(v[6].0, v[7].0));
            // … then four rows at the columns 0, 4 and so on.
            let (c04, d04) = (_mm512_shuffle_f64x2::<EVEN>(even01, even23), _mm512_shuffle_f64x2::<EVEN>(even45, even67));
            let (c26, d26) = (_mm512_shuffle_f64x2::<ODD>(even01, even23), _mm512_shuffle_f64x2::<ODD>(even45, even67));
            let (c15, d15) = (_mm512_shuffle_f64x2::<EVEN>(odd01, odd23), _mm512_shuffle_f64x2::<EVEN>(odd45, odd67));
            let (c37, d37) = (_mm512_shuffle_f64x2::<ODD>(odd01, odd23), _mm512_shuffle_f64x2::<ODD>(odd45, odd67));
            [
                Avx512(_mm512_shuffle_f64x2::<EVEN>(c04, d04)),
                Avx512(_mm512_shuffle_f64x2::<EVEN>(c15, d15)),
                Avx512(_mm512_shuffle_f64x2::<EVEN>(c26, d26)),
                Avx512(_mm512_shuffle_f64x2::<EVEN>(c37, d37)),
                Avx512(_mm512_shuffle_f64x2::<ODD>(c04, d04)),
                Avx512(_mm512_shuffle_f64x2::<ODD>(c15, d15)),
                Avx512(_mm512_shuffle_f64x2::<ODD>(c26, d26)),
                Avx512(_mm512_shuffle_f64x2::<ODD>(c37, d37)),
            ]
        }
    }
}
