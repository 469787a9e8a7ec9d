//! What the benches share: clocks, medians, and the speed of the machine at the moment, of which floors are made.
//! Not every bench uses all of it.
#![allow(dead_code)]

use losscape::math::simd::{Kernel, LANES, Lanes, Width, dispatch, exp_slice, tanh_slice};
use std::hint::black_box;
use std::time::Instant;

/// Nanoseconds of one call.
pub fn once(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_nanos() as f64
}

/// Nanoseconds of a call: the mean over so many nanoseconds and at least one call, after two to warm up.
pub fn nanoseconds(over: f64, mut work: impl FnMut()) -> f64 {
    let one = once(&mut work).min(once(&mut work));
    let calls = (over / one).ceil();
    once(|| (0..calls as usize).for_each(|_| work())) / calls
}

pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Nanoseconds of one unit of each kind of work at this moment: the speed of a machine wanders.
pub struct Units {
    pub tanh: f64,
    pub exp: f64,
    /// A fused multiplication of eight numbers, an eighth of it.
    pub multiplication: f64,
}

impl Units {
    pub fn measure() -> Units {
        Units::on(Width::widest())
    }

    pub fn on(width: Width) -> Units {
        let multiplications = nanoseconds(2e5, || {
            black_box(dispatch(Multiplications));
        });
        Units {
            tanh: per_value(|v| tanh_slice(v, width)),
            exp: per_value(|v| exp_slice(v, width)),
            multiplication: multiplications / (LENGTH * CHAINS * LANES) as f64,
        }
    }
}

/// Nanoseconds a value of a function over 1024 values from −3 to 3.
fn per_value(mut function: impl FnMut(&mut [f64])) -> f64 {
    let start: Vec<f64> = (0..1024).map(|i| -3.0 + 6.0 * i as f64 / 1024.0).collect();
    let mut values = start.clone();
    let copy = nanoseconds(2e5, || black_box(&mut values).copy_from_slice(&start));
    let both = nanoseconds(2e5, || {
        black_box(&mut values).copy_from_slice(&start);
        function(&mut values);
    });
    (both - copy) / 1024.0
}

const LENGTH: usize = 1000;
const CHAINS: usize = 12;

/// Twelve independent chains of fused multiplications.
struct Multiplications;

impl Kernel for Multiplications {
    type Output = f64;
    #[inline(always)]
    fn run<V: Lanes>(self) -> f64 {
        let mut chains = [V::splat(black_box(1.0)); CHAINS];
        let (a, b) = (V::splat(black_box(0.999)), V::splat(black_box(0.001)));
        for _ in 0..LENGTH {
            for chain in &mut chains {
                *chain = chain.fma(a, b);
            }
        }
        chains.into_iter().fold(0.0, |sum, chain| sum + chain.sum())
    }
}
