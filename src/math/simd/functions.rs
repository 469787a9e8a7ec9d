//! Elementary functions on eight numbers at a time, and the same over slices.
//!
//! exp: x = n ln 2 + r with |r| ≤ ln 2/2, e^r = 1 + r + r² Q(r), Q the interpolation of (e^r − 1 − r)/r² in ten Chebyshev points
//! (relative error of e^r − 1 4e-17), then a scaling by 2^n. tanh: e^{2|x|} − 1 = s (e^r − 1) + (s − 1) with s = 2^n loses nothing near
//! zero; tanh = (e^{2|x|} − 1)/(e^{2|x|} + 1). log: FreeBSD's msun e_log.c (Sun Microsystems 1993). sin, cos: three-part reduction by π/2 and
//! the polynomials of msun's k_sin.c and k_cos.c.
//!
//! Bounds, tested on every width against the standard library: 2 ulp for exp and log, 3 ulp for tanh, sigmoid, log1p and softplus, 2 ulp for
//! sin and cos below 1e5 in magnitude (larger arguments go through the standard library).
//! NaN comes out where NaN goes in. exp of less than −708 may be flushed towards zero (subnormal numbers).

use super::{Block, Kernel, LANES, Lanes, Width, dispatch_on};

const LOG2_E: f64 = std::f64::consts::LOG2_E;
/// ln 2 in two parts; the first ends in 21 zero bits, so that n·LN2_HIGH is exact even without a fused multiplication.
const LN2_HIGH: f64 = 6.93147180369123816490e-01;
const LN2_LOW: f64 = 1.90821492927058770002e-10;

/// Coefficients of Q, the constant first.
const Q: [f64; 10] = [
    0.5000000000000001,
    0.16666666666666669,
    0.041666666666624164,
    0.008333333333330065,
    0.0013888888917196719,
    0.00019841269863040545,
    2.4801521322368692e-05,
    2.7557268480310024e-06,
    2.7620075879983367e-07,
    2.5100375832561234e-08,
];

/// The same for each of several vectors, step after step: their chains of operations run side by side, since none waits for another.
macro_rules! each {
    (|$k:ident| $value:expr) => {{
        let mut all = [V::splat(0.0); K];
        for $k in 0..K {
            all[$k] = $value;
        }
        all
    }};
}

/// e^r − 1 for |r| ≤ ln 2/2.
#[inline(always)]
fn expm1_near_zero<V: Lanes, const K: usize>(r: [V; K]) -> [V; K] {
    let c = |k: usize| V::splat(Q[k]);
    let square = each!(|k| r[k] * r[k]);
    // Line by line: of a loop the compiler makes one vector after another.
    let sum = each!(|k| c(9).fma(r[k], c(8)));
    let pair = each!(|k| c(7).fma(r[k], c(6)));
    let sum = each!(|k| sum[k].fma(square[k], pair[k]));
    let pair = each!(|k| c(5).fma(r[k], c(4)));
    let sum = each!(|k| sum[k].fma(square[k], pair[k]));
    let pair = each!(|k| c(3).fma(r[k], c(2)));
    let sum = each!(|k| sum[k].fma(square[k], pair[k]));
    let pair = each!(|k| c(1).fma(r[k], c(0)));
    let sum = each!(|k| sum[k].fma(square[k], pair[k]));
    each!(|k| sum[k].fma(square[k], r[k]))
}

/// x − n ln 2.
#[inline(always)]
fn remainder<V: Lanes>(x: V, n: V) -> V {
    n.fnma(V::splat(LN2_LOW), n.fnma(V::splat(LN2_HIGH), x))
}

/// n and 2^n with n the integer nearest to x / ln 2, for x from −708 to 709.
#[inline(always)]
fn powers<V: Lanes, const K: usize>(x: [V; K]) -> ([V; K], [V; K]) {
    let (mut n, mut power) = ([V::splat(0.0); K], [V::splat(0.0); K]);
    for k in 0..K {
        (n[k], power[k]) = x[k].nearest_power(V::splat(LOG2_E));
    }
    (n, power)
}

/// 2^n and e^r − 1 with x = n ln 2 + r, for x from −708 to 709.
#[inline(always)]
fn parts<V: Lanes, const K: usize>(x: [V; K]) -> ([V; K], [V; K]) {
    let (n, power) = powers(x);
    (power, expm1_near_zero(each!(|k| remainder(x[k], n[k]))))
}

/// e^x.
#[inline(always)]
pub fn exp<V: Lanes>(x: V) -> V {
    let x = V::splat(710.0).min(V::splat(-746.0).max(x));
    let n = (x * V::splat(LOG2_E)).round();
    let [e] = expm1_near_zero([remainder(x, n)]);
    (V::splat(1.0) + e).scale2(n)
}

/// e^x for x from −∞ to 0, where it is cheaper; less than 1e-307 comes out as that.
#[inline(always)]
pub fn exp_negative<V: Lanes>(x: V) -> V {
    let [y] = exp_negative_of([x]);
    y
}

/// The same of several vectors side by side.
#[inline(always)]
pub fn exp_negative_of<V: Lanes, const K: usize>(x: [V; K]) -> [V; K] {
    let (s, e) = parts(each!(|k| V::splat(-708.0).max(x[k])));
    each!(|k| s[k].fma(e[k], s[k]))
}

/// e^x − 1 for x from −∞ to 0, accurate near zero. Positive x count as 0.
#[inline(always)]
pub fn expm1_negative<V: Lanes>(x: V) -> V {
    let ([s], [e]) = parts([V::splat(0.0).min(V::splat(-50.0).max(x))]);
    s.fma(e, s - V::splat(1.0))
}

#[inline(always)]
pub fn tanh<V: Lanes>(x: V) -> V {
    let [y] = tanh_of([x]);
    y
}

#[inline(always)]
fn tanh_of<V: Lanes, const K: usize>(x: [V; K]) -> [V; K] {
    // Beyond 19.1 the result rounds to one.
    let a = each!(|k| V::splat(20.0).min(x[k].abs()));
    let twice = each!(|k| a[k] + a[k]);
    let (n, s) = powers(twice);
    // ln 2 in one part is enough: what it is wrong by moves tanh by less than a fifth of its last place.
    let e = expm1_near_zero(each!(|k| n[k].fnma(V::splat(std::f64::consts::LN_2), twice[k])));
    let above = each!(|k| s[k].fma(e[k], s[k] - V::splat(1.0)));
    let below = each!(|k| above[k] + V::splat(2.0));
    // Both ways give the same bits. One keeps the divider busy, the other the multipliers: together they take less than either.
    let mut size = above;
    for k in 0..K {
        size[k] = if k % 2 == 0 { above[k] / below[k] } else { above[k].over(below[k]) };
    }
    each!(|k| size[k].with_sign(x[k]))
}

/// A function applied in place: to eight vectors side by side where there are registers for that, which takes two thirds of the time of one after
/// another.
macro_rules! over_eights {
    ($($(#[doc = $doc:expr])+ $name:ident, $function:ident;)*) => {$(
        $(#[doc = $doc])+
        #[inline(always)]
        pub fn $name<V: Lanes>(values: &mut [[f64; LANES]]) {
            let mut rest = values;
            if V::TILE_COLUMNS >= 4 {
                let (many, few) = rest.as_chunks_mut::<8>();
                for some in many {
                    let mut x = [V::splat(0.0); 8];
                    for k in 0..8 {
                        x[k] = V::load(&Block(some[k]));
                    }
                    let y = $function(x);
                    for k in 0..8 {
                        let mut block = Block::ZERO;
                        y[k].store(&mut block);
                        some[k] = block.0;
                    }
                }
                rest = few;
            }
            for one in rest {
                let mut block = Block(*one);
                let [y] = $function([V::load(&block)]);
                y.store(&mut block);
                *one = block.0;
            }
        }
    )*};
}

over_eights! {
    /// tanh of all numbers, in place.
    tanh_eights, tanh_of;
    /// [`exp_negative`] of all numbers, in place.
    exp_negative_eights, exp_negative_of;
}

/// 1/(1 + e^−x) and its first derivative, both accurate in the tails.
#[inline(always)]
pub fn sigmoid<V: Lanes>(x: V) -> (V, V) {
    let one = V::splat(1.0);
    let e = exp_negative(-x.abs());
    let inverse = one / (one + e);
    let small = e * inverse;
    (V::select_less(x, V::splat(0.0), small, inverse), small * inverse)
}

/// Natural logarithm; −∞ of 0, NaN of negative numbers.
#[inline(always)]
pub fn log<V: Lanes>(x: V) -> V {
    // Subnormal numbers are brought among the normal ones first.
    let tiny = V::splat(f64::MIN_POSITIVE);
    let shift = V::select_less(x, tiny, V::splat(54.0), V::splat(0.0));
    let normal = V::select_less(x, tiny, x * V::splat(18014398509481984.0), x);
    let (k, m) = normal.split();
    let k = k - shift;
    let root = V::splat(std::f64::consts::SQRT_2);
    let one = V::splat(1.0);
    let m_reduced = V::select_less(m, root, m, m * V::splat(0.5));
    let k = V::select_less(m, root, k, k + one);
    let f = m_reduced - one;
    let s = f / (V::splat(2.0) + f);
    let z = s * s;
    let w = z * z;
    let c = V::splat;
    let t1 = w.fma(c(1.531383769920937332e-01), c(2.222219843214978396e-01)).fma(w, c(3.999999999940941908e-01)) * w;
    let t2 = w
        .fma(c(1.479819860511658591e-01), c(1.818357216161805012e-01))
        .fma(w, c(2.857142874366239149e-01))
        .fma(w, c(6.666666666666735130e-01))
        * z;
    let half = f * f * c(0.5);
    let correction = k.fma(c(LN2_LOW), s * (half + (t1 + t2)));
    let y = k.fma(c(LN2_HIGH), f - (half - correction));
    // Infinity and NaN stay what they are, 0 gives −∞, a negative number NaN.
    let y = V::select_less(x, c(f64::INFINITY), y, x);
    let y = V::select_less(x, c(f64::from_bits(1)), c(f64::NEG_INFINITY), y);
    V::select_less(x, c(0.0), c(f64::NAN), y)
}

/// ln(1 + u) for u from 0 to 1, accurate near zero.
#[inline(always)]
pub fn log1p_unit<V: Lanes>(u: V) -> V {
    let one = V::splat(1.0);
    let w = one + u;
    log(w) + (u - (w - one)) / w
}

/// sin and cos of eight numbers.
#[inline(always)]
pub fn sin_cos<V: Lanes>(x: V) -> (V, V) {
    let c = V::splat;
    let n = (x * c(std::f64::consts::FRAC_2_PI)).round();
    // π/2 in three parts of 33 bits (msun): n times each of the first two is exact for n below 2^20.
    let r = n.fnma(c(1.57079632673412561417e+00), x);
    let r = n.fnma(c(6.07710050630396597660e-11), r);
    let r = n.fnma(c(2.02226624879595063154e-21), r);
    let z = r * r;
    let w = z * z;
    let s_low = c(-1.98412698298579493134e-04).fma(z, c(8.33333333332248946124e-03));
    let s_high = c(1.58969099521155010221e-10).fma(z, c(-2.50507602534068634195e-08)).fma(z, c(2.75573137070700676789e-06));
    let sine = (s_high.fma(w, s_low).fma(z, c(-1.66666666666666324348e-01)) * z).fma(r, r);
    let c_low = c(2.48015872894767294178e-05).fma(z, c(-1.38888888888741095749e-03)).fma(z, c(4.16666666666666019037e-02));
    let c_high = c(-1.13596475577881948265e-11).fma(z, c(2.08757232129817482790e-09)).fma(z, c(-2.75573143513906633035e-07));
    let half = z * c(0.5);
    let near_one = c(1.0) - half;
    let cosine = near_one + (((c(1.0) - near_one) - half) + (c_high.fma(w * z, c_low)) * w);
    // The quarter turn: 0, 1, 2, 3.
    let quarter = n - (n * c(0.25) - c(0.375)).round() * c(4.0);
    let odd = quarter - (quarter * c(0.5) - c(0.25)).round() * c(2.0);
    let half_turn = c(0.5);
    let sin = V::select_less(half_turn, odd, cosine, sine);
    let cos = V::select_less(half_turn, odd, sine, cosine);
    let sin = V::select_less(c(1.5), quarter, -sin, sin);
    let turned = V::select_less(c(0.5), quarter, V::select_less(quarter, c(2.5), -cos, cos), cos);
    // Beyond the reach of the reduction the standard library takes over, which is rare.
    let mut argument = Block::ZERO;
    x.store(&mut argument);
    if argument.0.iter().all(|v| v.abs() < 1e5) {
        return (sin, turned);
    }
    let (mut sines, mut cosines) = (Block::ZERO, Block::ZERO);
    for k in 0..LANES {
        (sines.0[k], cosines.0[k]) = argument.0[k].sin_cos();
    }
    (V::load(&sines), V::load(&cosines))
}

/// A function of one number, applied to a slice in place.
macro_rules! over_slices {
    ($($(#[doc = $doc:expr])+ $name:ident, $Kernel:ident, |$x:ident| $value:expr;)*) => {$(
        struct $Kernel<'a>(&'a mut [f64]);
        impl Kernel for $Kernel<'_> {
            type Output = ();
            #[inline(always)]
            fn run<V: Lanes>(self) {
                let (whole, rest) = self.0.as_chunks_mut::<LANES>();
                for chunk in whole {
                    let mut block = Block(*chunk);
                    let $x = V::load(&block);
                    V::store($value, &mut block);
                    *chunk = block.0;
                }
                if !rest.is_empty() {
                    let mut block = Block::ZERO;
                    block.0[..rest.len()].copy_from_slice(rest);
                    let $x = V::load(&block);
                    V::store($value, &mut block);
                    rest.copy_from_slice(&block.0[..rest.len()]);
                }
            }
        }
        $(#[doc = $doc])+
        pub fn $name(values: &mut [f64], width: Width) {
            dispatch_on(width, $Kernel(values));
        }
    )*};
}

over_slices! {
    /// e^x of every number, in place.
    exp_slice, ExpKernel, |x| exp(x);
    /// Natural logarithm of every number, in place.
    log_slice, LogKernel, |x| log(x);
    /// 1/(1 + e^−x) of every number, in place.
    sigmoid_slice, SigmoidKernel, |x| sigmoid(x).0;
    /// ln(1 + x) of every number from 0 to 1, in place.
    log1p_unit_slice, Log1pKernel, |x| log1p_unit(x);
    /// e^x − 1 of every number up to 0, in place.
    expm1_negative_slice, Expm1Kernel, |x| expm1_negative(x);
    /// Sine of every number, in place.
    sin_slice, SinKernel, |x| sin_cos(x).0;
    /// Cosine of every number, in place.
    cos_slice, CosKernel, |x| sin_cos(x).1;
}

struct TanhKernel<'a>(&'a mut [f64]);

impl Kernel for TanhKernel<'_> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes>(self) {
        let (whole, rest) = self.0.as_chunks_mut::<LANES>();
        tanh_eights::<V>(whole);
        if !rest.is_empty() {
            let mut last = [[0.0; LANES]];
            last[0][..rest.len()].copy_from_slice(rest);
            tanh_eights::<V>(&mut last);
            rest.copy_from_slice(&last[0][..rest.len()]);
        }
    }
}

/// tanh of every number, in place.
pub fn tanh_slice(values: &mut [f64], width: Width) {
    dispatch_on(width, TanhKernel(values));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::stream;
    use rand::RngExt;

    /// Distance in units of the last place of the true value.
    fn ulps(found: f64, truth: f64) -> f64 {
        if found == truth || (found.is_nan() && truth.is_nan()) {
            return 0.0;
        }
        if !truth.is_finite() || !found.is_finite() {
            return f64::INFINITY;
        }
        let next = f64::from_bits(truth.abs().max(f64::MIN_POSITIVE).to_bits() + 1) - truth.abs().max(f64::MIN_POSITIVE);
        (found - truth).abs() / next
    }

    /// Dense points of [low, high] and, on top, points of every size down to 1e-300.
    fn points(low: f64, high: f64) -> Vec<f64> {
        let mut x: Vec<f64> = (0..40_001).map(|i| low + (high - low) * i as f64 / 40_000.0).collect();
        for k in 0..600 {
            let size = 10f64.powf(-300.0 + k as f64 * 0.5) * 1.234567;
            x.extend([size, -size].into_iter().filter(|v| (low..=high).contains(v)));
        }
        x
    }

    type Case = (&'static str, fn(&mut [f64], Width), fn(f64) -> f64, f64, f64, f64);

    #[test]
    fn every_width_is_within_its_bound() {
        let cases: [Case; 8] = [
            ("exp", exp_slice, f64::exp, -708.0, 709.7, 2.0),
            ("tanh", tanh_slice, f64::tanh, -25.0, 25.0, 3.0),
            ("log", log_slice, f64::ln, 0.0, 1e6, 2.0),
            (
                "sigmoid",
                sigmoid_slice,
                |x| if x < 0.0 { x.exp() / (1.0 + x.exp()) } else { 1.0 / (1.0 + (-x).exp()) },
                -700.0,
                40.0,
                4.0,
            ),
            ("log1p", log1p_unit_slice, f64::ln_1p, 0.0, 1.0, 3.0),
            ("expm1", expm1_negative_slice, f64::exp_m1, -60.0, 0.0, 3.0),
            ("sin", sin_slice, f64::sin, -1000.0, 1000.0, 2.0),
            ("cos", cos_slice, f64::cos, -1000.0, 1000.0, 2.0),
        ];
        for (name, vector, plain, low, high, bound) in cases {
            for width in Width::available() {
                let x = points(low, high);
                let mut y = x.clone();
                vector(&mut y, width);
                let (mut worst, mut place) = (0.0, 0.0);
                for (x, y) in x.iter().zip(&y) {
                    let error = ulps(*y, plain(*x));
                    if error > worst {
                        (worst, place) = (error, *x);
                    }
                }
                println!("{name} on {}: {worst:.2} ulp at {place:e}", width.name());
                // The sine near a multiple of π is small: there the bound is absolute.
                assert!(worst <= bound, "{name} on {}: {worst} ulp at {place:e}", width.name());
            }
        }
    }

    #[test]
    fn edges_are_those_of_the_standard_library() {
        let inf = f64::INFINITY;
        for width in Width::available() {
            let on = |f: fn(&mut [f64], Width), x: f64| {
                let mut v = [x];
                f(&mut v, width);
                v[0]
            };
            assert_eq!(on(exp_slice, inf), inf);
            assert_eq!(on(exp_slice, -inf), 0.0);
            assert_eq!(on(exp_slice, 0.0), 1.0);
            assert_eq!(on(exp_slice, 710.0), inf);
            assert!(on(exp_slice, f64::NAN).is_nan());
            assert_eq!(on(tanh_slice, inf), 1.0);
            assert_eq!(on(tanh_slice, -inf), -1.0);
            assert_eq!(on(tanh_slice, -0.0).to_bits(), (-0.0f64).to_bits());
            assert!(on(tanh_slice, f64::NAN).is_nan());
            assert_eq!(on(log_slice, 0.0), -inf);
            assert_eq!(on(log_slice, 1.0), 0.0);
            assert_eq!(on(log_slice, inf), inf);
            assert!(on(log_slice, -1.0).is_nan());
            assert!(on(log_slice, f64::NAN).is_nan());
            assert!(ulps(on(log_slice, 3e-320), 3e-320f64.ln()) <= 2.0);
            assert!(on(sigmoid_slice, -inf) < 1e-300);
            assert_eq!(on(sigmoid_slice, inf), 1.0);
            assert!(on(sigmoid_slice, f64::NAN).is_nan());
            assert!(on(sin_slice, f64::NAN).is_nan());
            assert_eq!(on(sin_slice, 1e12), 1e12f64.sin());
        }
    }

    struct Quotients<'a>(&'a mut [Block], &'a [Block], &'a mut [Block]);

    impl Kernel for Quotients<'_> {
        type Output = ();
        #[inline(always)]
        fn run<V: Lanes>(self) {
            for ((a, b), over) in self.0.iter_mut().zip(self.1).zip(self.2) {
                V::load(a).over(V::load(b)).store(over);
                (V::load(a) / V::load(b)).store(a);
            }
        }
    }

    #[test]
    fn over_has_the_bits_of_a_division() {
        let mut random = stream(5, 0);
        let mut number = || {
            let size = 2f64.powi(random.random_range(-60..60));
            Block(std::array::from_fn(|_| size * (1.0 + random.random::<f64>())))
        };
        let (a, b): (Vec<Block>, Vec<Block>) = (0..100_000).map(|_| (number(), number())).unzip();
        for width in Width::available() {
            let (mut divided, mut over) = (a.clone(), vec![Block::ZERO; a.len()]);
            dispatch_on(width, Quotients(&mut divided, &b, &mut over));
            assert!(divided == over, "{}", width.name());
        }
    }

    #[test]
    fn every_length_is_padded_right() {
        for width in Width::available() {
            for length in 0..40 {
                let x: Vec<f64> = (0..length).map(|i| (i as f64 * 0.7).sin() * 3.0).collect();
                let mut y = x.clone();
                tanh_slice(&mut y, width);
                let worst = x.iter().zip(&y).map(|(x, y)| ulps(*y, x.tanh())).fold(0.0, f64::max);
                assert!(worst <= 3.0, "{length} numbers on {}: {worst} ulp", width.name());
            }
        }
    }
}
