//! What a picture of a sampled quantity shows: its course in each walker, which walker visited which ranks, and how long it remembers.
//!
//! Were all walkers drawn from the same distribution, each would have an equal share of every rank; how far a share strays by chance follows
//! from how long walkers stay in a bin of ranks, as each of them shows it.
//! Reference: A. Vehtari, A. Gelman, D. Simpson, B. Carpenter, P.-C. Bürkner, Bayesian Analysis 16, 667 (2021), doi:10.1214/20-BA1221.

use super::diagnostics::{Diagnosis, check_walkers, diagnosis};
use crate::base::Result;
use crate::math::autocorrelation::{Chains, Correlator, is_constant};
use crate::math::statistics::ranks;

/// Of a long walker the lowest and the highest value of as many stretches are drawn.
const STRETCHES: usize = 400;
/// Equal parts of the ranks.
pub const RANK_BINS: usize = 20;
/// Lags shown, in autocorrelation times and at least.
const TIMES: f64 = 6.0;
const FEWEST_LAGS: usize = 20;
/// Sokal's window for the time in a bin.
const WINDOW: f64 = 5.0;

/// One quantity of a sample, ready to be drawn.
#[derive(Debug, Clone)]
pub struct Portrait {
    pub name: String,
    pub diagnosis: Diagnosis,
    /// Of each walker, `[row, value]`: all rows, or what stands out of every stretch of a long one.
    pub traces: Vec<Vec<[f64; 2]>>,
    /// Of each walker (each half of a single one), its share of every bin of ranks; 1 is an equal share.
    pub rank_shares: Vec<Vec<f64>>,
    /// For each bin how far a share strays by chance: its standard deviation; NaN where that is unknown.
    pub stray: Vec<f64>,
    /// Mean of the walkers' own, from lag 0 on, in rows; empty where nothing varies.
    pub autocorrelation: Vec<f64>,
}

/// The portrait of a quantity: a value a row, walker after walker.
///
/// Errors: a number of values that the walkers do not share evenly.
pub fn portrait(name: &str, values: &[f64], walkers: usize) -> Result<Portrait> {
    check_walkers("summary", values.len(), walkers)?;
    let diagnosis = diagnosis(values, walkers)?;
    let rows = values.len() / walkers;
    let groups = if walkers == 1 && rows > 1 { 2 } else { walkers };
    let finite = values.iter().all(|v| v.is_finite());
    let autocorrelation = if finite && rows > 1 && !is_constant(values) {
        let time = diagnosis.autocorrelation_time;
        let lags = if time.is_nan() { FEWEST_LAGS } else { ((TIMES * time).ceil() as usize).max(FEWEST_LAGS) };
        Correlator::default().autocorrelation(Chains::new(values, rows), lags.min(rows))
    } else {
        Vec::new()
    };
    // The last row of an odd number in two halves belongs to neither.
    let bins = rank_bins(&values[..values.len() / groups * groups]);
    Ok(Portrait {
        name: name.into(),
        diagnosis,
        traces: values.chunks_exact(rows).map(thinned).collect(),
        rank_shares: bins.chunks_exact(bins.len() / groups).map(shares).collect(),
        stray: (0..RANK_BINS).map(|bin| stray(&bins, bin, walkers, groups)).collect(),
        autocorrelation,
    })
}

/// All values with their rows, or the lowest and the highest of each stretch in their order.
fn thinned(values: &[f64]) -> Vec<[f64; 2]> {
    if values.len() <= 2 * STRETCHES {
        return values.iter().enumerate().map(|(k, v)| [k as f64, *v]).collect();
    }
    let mut out = Vec::with_capacity(2 * STRETCHES);
    for stretch in 0..STRETCHES {
        let [from, to] = [stretch, stretch + 1].map(|s| s * values.len() / STRETCHES);
        let by = |a: &usize, b: &usize| values[*a].total_cmp(&values[*b]);
        let ends = (from..to).min_by(by).zip((from..to).max_by(by));
        if let Some((low, high)) = ends {
            out.extend([low.min(high), low.max(high)].map(|k| [k as f64, values[k]]));
        }
    }
    out
}

/// The bin of ranks that each value is in.
fn rank_bins(values: &[f64]) -> Vec<usize> {
    let bin = |rank: f64| (((rank - 0.5) / values.len() as f64 * RANK_BINS as f64) as usize).min(RANK_BINS - 1);
    ranks(values).into_iter().map(bin).collect()
}

/// The share of every bin that a group has, as a multiple of an equal share.
fn shares(group: &[usize]) -> Vec<f64> {
    let mut shares = vec![0.0; RANK_BINS];
    for bin in group {
        shares[*bin] += RANK_BINS as f64 / group.len() as f64;
    }
    shares
}

/// The standard deviation of a group's share of a bin: that of a mean of values 0 and `RANK_BINS`, of which one in τ is independent.
fn stray(bins: &[usize], bin: usize, walkers: usize, groups: usize) -> f64 {
    let rows = bins.len() / walkers;
    let inside: Vec<f64> = bins[..rows * walkers].iter().map(|b| f64::from(u8::from(*b == bin))).collect();
    let time = Correlator::default().pooled_time(Chains::new(&inside, rows), WINDOW);
    let independent = (bins.len() / groups) as f64 / time.max(1.0);
    ((RANK_BINS - 1) as f64 / independent).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_equal_where_walkers_are_and_add_up() {
        // Two walkers that take turns in rising order have the same ranks but for one.
        let values: Vec<f64> = (0..400).map(|k| if k < 200 { 2 * k } else { 2 * (k - 200) + 1 } as f64).collect();
        let p = portrait("x", &values, 2).unwrap();
        assert!(p.rank_shares.iter().flatten().all(|s| (s - 1.0).abs() < 1e-12), "{:?}", p.rank_shares);
        // One above the other: each has a double share of its half.
        let values: Vec<f64> = (0..400).map(f64::from).collect();
        let p = portrait("x", &values, 2).unwrap();
        assert!(
            p.rank_shares[0][..10].iter().all(|s| (s - 2.0).abs() < 1e-12) && p.rank_shares[0][10..].iter().all(|s| *s == 0.0)
        );
        // A single walker is compared with itself.
        assert_eq!(portrait("x", &values, 1).unwrap().rank_shares, p.rank_shares);
    }

    #[test]
    fn independent_shares_stray_as_counts_do() {
        // 4,000 independent values in each of two groups: √(19/4000) = 0.069.
        let mut state = 7u64;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 11) as f64
        };
        let values: Vec<f64> = (0..8000).map(|_| next()).collect();
        let p = portrait("x", &values, 2).unwrap();
        assert!(p.stray.iter().all(|s| (s / 0.069 - 1.0).abs() < 0.15), "{:?}", p.stray);
        // The same values, each kept ten times: √10 wider, and none the wiser. (τ is known to some 10 %.)
        let slow: Vec<f64> = values.iter().flat_map(|v| [*v; 10]).collect();
        let p = portrait("x", &slow, 2).unwrap();
        assert!(p.stray.iter().all(|s| (s / 0.069 - 1.0).abs() < 0.25), "{:?}", p.stray);
    }

    #[test]
    fn long_traces_keep_what_stands_out() {
        let mut values: Vec<f64> = (0..10_000).map(|k| (0.01 * k as f64).sin()).collect();
        (values[1234], values[7001]) = (9.0, -9.0);
        let p = portrait("x", &values, 1).unwrap();
        assert!(p.traces[0].len() <= 2 * STRETCHES);
        assert!(p.traces[0].contains(&[1234.0, 9.0]) && p.traces[0].contains(&[7001.0, -9.0]));
        assert!(p.traces[0].windows(2).all(|w| w[0][0] <= w[1][0]));
    }

    #[test]
    fn what_does_not_vary_has_no_memory() {
        let p = portrait("x", &[1.0; 12], 3).unwrap();
        assert!(p.autocorrelation.is_empty() && p.traces.len() == 3 && p.rank_shares.len() == 3);
        assert_eq!(portrait("x", &[1.0], 1).unwrap().traces, vec![vec![[0.0, 1.0]]]);
    }
}
