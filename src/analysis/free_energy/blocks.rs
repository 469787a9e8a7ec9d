//! How many values of a correlated series are independent, and blocks of it that are: what error bars are drawn from.
//!
//! The statistical inefficiency g is the autocorrelation time of `math::autocorrelation` (Geyer), at least 1; N values are worth N/g. What separates
//! walkers counts in it, so that walkers which sit in different wells are seen as correlated for as long as they sit there. Blocks are 5 g
//! long and never cross from one walker to the next; a bootstrap draws whole blocks with replacement. Cost: that of the Fourier transforms.
//! When it fails: a series shorter than its own memory looks less correlated than it is; nothing within it can tell.
//!
//! Reference: H. R. Künsch, Ann. Statist. 17, 1217 (1989), doi:10.1214/aos/1176347265.

use crate::math::autocorrelation::{Chains, Correlator};
use crate::math::random::Stream;
use rand::RngExt;
use std::ops::Range;

/// Length of a block in units of g.
const BLOCK: f64 = 5.0;
/// More blocks than this say nothing that longer ones do not.
const MOST_BLOCKS: usize = 400;
/// With fewer independent values nothing can be claimed.
pub const FEW: f64 = 10.0;

/// Blocks of a series, and what they were made from.
#[derive(Debug, Clone)]
pub struct Blocks {
    /// Rows of each block, walker after walker.
    pub rows: Vec<Range<usize>>,
    /// Statistical inefficiency g ≥ 1 of the slowest column, in rows.
    pub inefficiency: f64,
}

impl Blocks {
    /// Blocks of `walkers` series of equal length that stand one after the other in each of the columns.
    pub fn of(columns: &[&[f64]], walkers: usize) -> Blocks {
        let total = columns.first().map_or(0, |c| c.len());
        let length = total / walkers.max(1);
        let mut correlator = Correlator::default();
        // A single value has no time: it is worth one.
        let inefficiency = columns.iter().map(|c| correlator.geyer_time(Chains::new(c, length.max(1)))).fold(1.0, f64::max);
        let wanted = (BLOCK * inefficiency).ceil().max(total as f64 / MOST_BLOCKS as f64);
        let count = ((length as f64 / wanted) as usize).max(1);
        let rows = (0..walkers)
            .flat_map(|w| (0..count).map(move |k| w * length + k * length / count..w * length + (k + 1) * length / count))
            .filter(|r| !r.is_empty())
            .collect();
        Blocks { rows, inefficiency }
    }

    /// Number of rows that are worth an independent one.
    pub fn independent(&self) -> f64 {
        self.rows.iter().map(ExactSizeIterator::len).sum::<usize>() as f64 / self.inefficiency
    }

    /// How often each block comes in one draw with replacement.
    pub fn draw(&self, stream: &mut Stream) -> Vec<f64> {
        let mut times = vec![0.0; self.rows.len()];
        for _ in 0..times.len() {
            let chosen = stream.random_range(0..times.len());
            times[chosen] += 1.0;
        }
        times
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::math::random::stream;
    use rand_distr::StandardNormal;

    /// x(t+1) = φ x(t) + noise, of unit variance: g = (1 + φ)/(1 − φ) exactly.
    pub fn autoregressive(phi: f64, walkers: usize, length: usize, seed: u64) -> Vec<f64> {
        let mut values = Vec::new();
        for w in 0..walkers {
            let mut random = stream(seed, w as u64);
            let mut x: f64 = random.sample(StandardNormal);
            for _ in 0..length {
                let kick: f64 = random.sample(StandardNormal);
                x = phi * x + (1.0 - phi * phi).sqrt() * kick;
                values.push(x);
            }
        }
        values
    }

    #[test]
    fn the_memory_of_autoregressive_series_is_found() {
        for (phi, walkers, length) in [(0.0, 1, 20_000), (0.8, 4, 10_000), (0.95, 8, 20_000)] {
            let exact = (1.0 + phi) / (1.0 - phi);
            let found = Blocks::of(&[&autoregressive(phi, walkers, length, 5)], walkers).inefficiency;
            // The noise of a sum over some 5 g lags is √(10 g / N) of g: at most 5 % here.
            assert!((found / exact - 1.0).abs() < 0.12, "{phi}: {found} for {exact}");
        }
    }

    #[test]
    fn blocks_stay_within_walkers_and_cover_everything() {
        let values = autoregressive(0.8, 3, 1000, 5);
        let blocks = Blocks::of(&[&values], 3);
        assert_eq!(blocks.rows.iter().map(ExactSizeIterator::len).sum::<usize>(), 3000);
        assert!(blocks.rows.iter().all(|r| r.start / 1000 == (r.end - 1) / 1000));
        // 5 g = 45 rows: some 20 blocks a walker.
        assert!((45..90).contains(&blocks.rows.len()), "{}", blocks.rows.len());
        assert_eq!(Blocks::of(&[&[2.0; 50]], 1).inefficiency, 1.0);
        // Walkers that sit in two wells for good are worth about one value each.
        let stuck: Vec<f64> = (0..4).flat_map(|w| vec![if w % 2 == 0 { 1.0 } else { -1.0 }; 500]).collect();
        assert!(Blocks::of(&[&stuck], 4).independent() < FEW);
    }
}
