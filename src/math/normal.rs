//! The standard normal distribution: the number below which a given share of it lies.
//!
//! Rational approximations in three stretches, good to about 16 digits.
//! Reference: M. J. Wichura, Applied Statistics 37, 477 (1988), algorithm AS 241 (PPND16), doi:10.2307/2347330.

/// Numerator and denominator, lowest power first.
type Ratio = ([f64; 8], [f64; 8]);

/// In r = 0.180625 − q², q = p − ½, for |q| ≤ 0.425.
const CENTRE: Ratio = (
    [
        3.387_132_872_796_366_6,
        133.141_667_891_784_38,
        1_971.590_950_306_551_3,
        13_731.693_765_509_46,
        45_921.953_931_549_87,
        67_265.770_927_008_7,
        33_430.575_583_588_13,
        2_509.080_928_730_122_7,
    ],
    [
        1.0,
        42.313_330_701_600_91,
        687.187_007_492_057_9,
        5_394.196_021_424_751,
        21_213.794_301_586_597,
        39_307.895_800_092_71,
        28_729.085_735_721_943,
        5_226.495_278_852_545,
    ],
);

/// In r − 1.6, r = √(−ln p), for r ≤ 5.
const TAIL: Ratio = (
    [
        1.423_437_110_749_683_5,
        4.630_337_846_156_546,
        5.769_497_221_460_691,
        3.647_848_324_763_204_5,
        1.270_458_252_452_368_4,
        0.241_780_725_177_450_6,
        0.022_723_844_989_269_184,
        7.745_450_142_783_414e-4,
    ],
    [
        1.0,
        2.053_191_626_637_759,
        1.676_384_830_183_803_8,
        0.689_767_334_985_1,
        0.148_103_976_427_480_08,
        0.015_198_666_563_616_457,
        5.475_938_084_995_345e-4,
        1.050_750_071_644_416_9e-9,
    ],
);

/// In r − 5 beyond.
const FAR: Ratio = (
    [
        6.657_904_643_501_103,
        5.463_784_911_164_114,
        1.784_826_539_917_291_3,
        0.296_560_571_828_504_87,
        0.026_532_189_526_576_124,
        0.001_242_660_947_388_078_4,
        2.711_555_568_743_487_6e-5,
        2.010_334_399_292_288_1e-7,
    ],
    [
        1.0,
        0.599_832_206_555_888,
        0.136_929_880_922_735_8,
        0.014_875_361_290_850_615,
        7.868_691_311_456_133e-4,
        1.846_318_317_510_054_8e-5,
        1.421_511_758_316_446e-7,
        2.044_263_103_389_939_8e-15,
    ],
);

/// The number below which a share `p` of a standard normal distribution lies: −∞ at 0, ∞ at 1, NaN outside.
pub fn normal_quantile(p: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        return q * ratio(&CENTRE, 0.180_625 - q * q);
    }
    let r = (-p.min(1.0 - p).ln()).sqrt();
    let size = if r.is_infinite() {
        r
    } else if r <= 5.0 {
        ratio(&TAIL, r - 1.6)
    } else {
        ratio(&FAR, r - 5.0)
    };
    size.copysign(q)
}

fn ratio((above, below): &Ratio, x: f64) -> f64 {
    let horner = |c: &[f64; 8]| c.iter().rev().fold(0.0, |sum, c| sum * x + c);
    horner(above) / horner(below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_scipy() {
        // scipy.stats.norm.ppf
        for (p, expected) in QUANTILES {
            let found = normal_quantile(p);
            assert!((found - expected).abs() <= 4e-15 * expected.abs(), "{p}: {found} for {expected}");
        }
        assert_eq!(normal_quantile(0.5), 0.0);
        assert_eq!((normal_quantile(0.0), normal_quantile(1.0)), (f64::NEG_INFINITY, f64::INFINITY));
        assert!(normal_quantile(1.1).is_nan() && normal_quantile(f64::NAN).is_nan());
    }

    const QUANTILES: [(f64, f64); 12] = [
        (1e-300, -37.0470962993612),
        (1e-20, -9.262340089798409),
        (1e-10, -6.361340902404056),
        (0.001, -3.090232306167813),
        (0.05, -1.6448536269514729),
        (0.0749, -1.4402382675279635),
        (0.0751, -1.4388253927525403),
        (0.3, -0.5244005127080409),
        (0.6, 0.2533471031357997),
        (0.93, 1.475791028179171),
        (0.9999, 3.719016485455709),
        (0.9999999999990905, 7.047700256664409),
    ];
}
