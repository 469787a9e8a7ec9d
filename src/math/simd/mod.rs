//! Vector arithmetic on eight numbers at a time, written once over [`Lanes`] and run on the widest instruction set of the machine.
//!
//! A kernel is a small struct that implements [`Kernel`]; [`dispatch`] runs it. The choice of instruction set is made here and nowhere else:
//! AVX-512 (one register holds the eight lanes), AVX2 with FMA (two registers), or plain arrays that the compiler turns into what it has.
//! All three work on the same [`Block`] of eight numbers and add up in the same order, so AVX-512 and AVX2 agree bit for bit.
//!
//! To add an instruction set: a file that implements [`Lanes`], a member of [`Width`], a line in [`dispatch_on`]; the tests run it by themselves.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod functions;
mod portable;

pub use functions::*;

use std::ops::{Add, Div, Mul, Neg, Sub};

/// Numbers in a block, on every machine.
pub const LANES: usize = 8;

/// 1.5·2^52 plus the bias of an f64's exponent: a number added to it loses its fraction and stands in the low bits, ready to be an exponent.
const POWER_MAGIC: f64 = 6755399441055744.0 + 1023.0;

/// Eight numbers on one cache line.
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Block(pub [f64; LANES]);

impl Block {
    pub const ZERO: Block = Block([0.0; LANES]);
}

/// Eight numbers in registers. Values exist only inside a [`Kernel`] that [`dispatch`] runs: that is what makes their instructions safe.
pub trait Lanes:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Neg<Output = Self>
{
    /// The largest tile of accumulators that fits the registers: rows × columns of eight numbers each.
    const TILE_ROWS: usize;
    const TILE_COLUMNS: usize;

    fn splat(value: f64) -> Self;
    fn load(block: &Block) -> Self;
    fn store(self, block: &mut Block);
    /// self·b + c, rounded once where the machine can.
    fn fma(self, b: Self, c: Self) -> Self;
    /// c − self·b.
    fn fnma(self, b: Self, c: Self) -> Self;
    /// self / b with the bits of a division, for finite numbers and positive b whose reciprocal is a normal number; quicker beside other work.
    fn over(self, b: Self) -> Self;
    /// The larger; `other` where either is not a number.
    fn max(self, other: Self) -> Self;
    /// The smaller; `other` where either is not a number.
    fn min(self, other: Self) -> Self;
    fn abs(self) -> Self;
    /// The magnitude of `self` with the sign bit of `sign`.
    fn with_sign(self, sign: Self) -> Self;
    /// `then` in the lanes where a < b, `otherwise` elsewhere (also where either is not a number).
    fn select_less(a: Self, b: Self, then: Self, otherwise: Self) -> Self;
    /// Bit k is set where lane k of `self` is less than that of `other`.
    fn less_bits(self, other: Self) -> u32;
    /// To the nearest integer, ties to even; |self| < 2^51.
    fn round(self) -> Self;
    /// (n, 2^n) with n the integer nearest to self · factor, for n from −1022 to 1023.
    fn nearest_power(self, factor: Self) -> (Self, Self);
    /// self · 2^n for an integral n from −1100 to 1100, with overflow to infinity.
    fn scale2(self, n: Self) -> Self;
    /// (k, m) with self = m·2^k, 1 ≤ m < 2, for positive normal numbers.
    fn split(self) -> (Self, Self);
    /// Lane k is the sum of the lanes of `v[k]`, added in pairs.
    fn sums(v: [Self; LANES]) -> Self;
    /// Rows to columns: lane k of the l-th is lane l of `v[k]`.
    fn transpose(v: [Self; LANES]) -> [Self; LANES];

    /// The sum of the lanes, added in pairs.
    #[inline(always)]
    fn sum(self) -> f64 {
        let mut block = Block::ZERO;
        self.store(&mut block);
        let v = block.0;
        ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7]))
    }
}

/// Something to do with vectors of any width. `run` must be `#[inline(always)]`, so that it becomes part of the function that has the
/// instruction set switched on.
pub trait Kernel {
    type Output;
    fn run<V: Lanes>(self) -> Self::Output;
}

/// The instruction sets a kernel can run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Width {
    Portable,
    Avx2,
    Avx512,
}

impl Width {
    /// Every width that this machine can run, the narrowest first.
    pub fn available() -> Vec<Width> {
        [Width::Portable, Width::Avx2, Width::Avx512].into_iter().filter(|w| w.is_available()).collect()
    }

    /// The widest that this machine can run. Costs a load: the answer of the processor is kept by the standard library.
    #[inline]
    pub fn widest() -> Width {
        if Width::Avx512.is_available() {
            Width::Avx512
        } else if Width::Avx2.is_available() {
            Width::Avx2
        } else {
            Width::Portable
        }
    }

    #[inline]
    pub fn is_available(self) -> bool {
        match self {
            Width::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Width::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Width::Avx512 => {
                is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") && is_x86_feature_detected!("fma")
            }
            #[cfg(not(target_arch = "x86_64"))]
            _ => false,
        }
    }

    /// As people write it: `AVX-512`.
    pub fn name(self) -> &'static str {
        match self {
            Width::Portable => "portable",
            Width::Avx2 => "AVX2",
            Width::Avx512 => "AVX-512",
        }
    }
}

/// Runs a kernel on the widest instruction set of this machine.
#[inline]
pub fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    dispatch_on(Width::widest(), kernel)
}

/// Runs a kernel on this width, or on the portable one where the machine does not have it.
#[inline]
pub fn dispatch_on<K: Kernel>(width: Width, kernel: K) -> K::Output {
    match width {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the processor was asked for every feature that `run_avx512` switches on.
        Width::Avx512 if width.is_available() => unsafe { run_avx512(kernel) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the processor was asked for every feature that `run_avx2` switches on.
        Width::Avx2 if width.is_available() => unsafe { run_avx2(kernel) },
        _ => kernel.run::<portable::Portable>(),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx2,fma")]
fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<avx512::Avx512>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<avx2::Avx2>()
}

/// The first `count` blocks of a scratch vector that grows as needed, aligned to a cache line. Their content means nothing.
pub fn scratch_blocks(scratch: &mut Vec<f64>, count: usize) -> &mut [Block] {
    let needed = (count + 1) * LANES;
    if scratch.len() < needed {
        scratch.resize(needed, 0.0);
    }
    // SAFETY: a Block is eight f64 and nothing else, and every bit pattern of them is one; `align_to_mut` sees to the alignment.
    let (_, blocks, _) = unsafe { scratch.align_to_mut::<Block>() };
    &mut blocks[..count]
}

/// The numbers of each block.
pub fn eights_mut(blocks: &mut [Block]) -> &mut [[f64; LANES]] {
    numbers_mut(blocks).as_chunks_mut().0
}

/// The numbers of blocks, one after another.
pub fn numbers(blocks: &[Block]) -> &[f64] {
    // SAFETY: a Block is eight f64 and nothing else (repr(C), size 64 = 8 × 8), so the memory holds 8 × len of them.
    unsafe { std::slice::from_raw_parts(blocks.as_ptr().cast::<f64>(), blocks.len() * LANES) }
}

/// The same, to write to.
pub fn numbers_mut(blocks: &mut [Block]) -> &mut [f64] {
    // SAFETY: as in `numbers`; the exclusive borrow is handed on.
    unsafe { std::slice::from_raw_parts_mut(blocks.as_mut_ptr().cast::<f64>(), blocks.len() * LANES) }
}
