//! How long a series remembers: autocovariances by Fourier transforms, and the integrated autocorrelation time.
//!
//! Autocovariances are those of whole chains, summed over them before one transform back: z = x + i y of two chains has
//! |F z|² = the transform of c_xx + c_yy + i (c_yx − c_xy), so two real chains cost one complex transform and nothing has to be taken apart.
//! A series padded to length N has its autocovariance up to lag N − n: only as much is padded as is asked for.
//!
//! The time is 1 + 2 Σ ρ_t, cut where the estimate is only noise: by Geyer's initial monotone sequence as Stan and ArviZ have it, or by
//! Sokal's window (the first lag M ≥ c τ(M)) as acor and emcee have it.
//! Cost: N log N a chain, N the power of two above the chain's length and the lags.
//! References: C. J. Geyer, Statistical Science 7, 473 (1992), doi:10.1214/ss/1177011137; A. Sokal, in Functional Integration,
//! NATO ASI Series 361 (1997), doi:10.1007/978-1-4899-0319-8_6; A. Vehtari, A. Gelman, D. Simpson, B. Carpenter, P.-C. Bürkner,
//! Bayesian Analysis 16, 667 (2021), doi:10.1214/20-BA1221.

use super::statistics::{careful_mean, sum};
use rustfft::FftPlanner;
use rustfft::num_complex::Complex;

/// Lags computed at first; where the series remembers longer, all of them follow.
const FIRST_LAGS: usize = 512;

/// Chains of equal length, one after the other: `values.len() / length` of them.
#[derive(Clone, Copy)]
pub struct Chains<'a> {
    pub values: &'a [f64],
    pub length: usize,
}

impl<'a> Chains<'a> {
    pub fn new(values: &'a [f64], length: usize) -> Chains<'a> {
        debug_assert!(length > 0 && values.len().is_multiple_of(length));
        Chains { values, length }
    }

    pub fn count(&self) -> usize {
        self.values.len() / self.length
    }

    pub fn each(&self) -> impl Iterator<Item = &'a [f64]> {
        self.values.chunks_exact(self.length)
    }
}

/// What autocovariances are computed with: plans of transforms and their memory, kept by those who ask often.
pub struct Correlator {
    plans: FftPlanner<f64>,
    series: Vec<Complex<f64>>,
    power: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
}

impl Default for Correlator {
    fn default() -> Correlator {
        Correlator { plans: FftPlanner::new(), series: Vec::new(), power: Vec::new(), scratch: Vec::new() }
    }
}

impl Correlator {
    /// The mean over the chains of Σ_t (x_t − x̄)(x_{t+lag} − x̄)/n, for every lag below `lags` (at most the length n).
    pub fn autocovariance(&mut self, chains: Chains, lags: usize) -> Vec<f64> {
        let n = chains.length;
        let lags = lags.clamp(1, n);
        let size = (n + lags - 1).next_power_of_two();
        let (forward, backward) = (self.plans.plan_fft_forward(size), self.plans.plan_fft_inverse(size));
        self.scratch.resize(forward.get_inplace_scratch_len().max(backward.get_inplace_scratch_len()), Complex::ZERO);
        self.power.clear();
        self.power.resize(size, Complex::ZERO);
        let mut pairs = chains.each();
        while let Some(first) = pairs.next() {
            self.series.clear();
            self.series.resize(size, Complex::ZERO);
            let mean = careful_mean(first);
            self.series.iter_mut().zip(first).for_each(|(z, x)| z.re = x - mean);
            if let Some(second) = pairs.next() {
                let mean = careful_mean(second);
                self.series.iter_mut().zip(second).for_each(|(z, y)| z.im = y - mean);
            }
            forward.process_with_scratch(&mut self.series, &mut self.scratch);
            self.power.iter_mut().zip(&self.series).for_each(|(power, z)| power.re += z.norm_sqr());
        }
        backward.process_with_scratch(&mut self.power, &mut self.scratch);
        let scale = 1.0 / (size as f64 * n as f64 * chains.count() as f64);
        self.power[..lags].iter().map(|c| c.re * scale).collect()
    }

    /// The integrated autocorrelation time 1 + 2 Σ ρ_t of several chains of the same thing, in rows, by Geyer's initial monotone sequence; ρ counts
    /// what separates the chains as well. At least 1/log₁₀ of the number of values, as Stan has it.
    ///
    /// NaN of values that are not finite and of chains of one; 1 of values that are all the same.
    pub fn geyer_time(&mut self, chains: Chains) -> f64 {
        let n = chains.length;
        if n < 2 || !sum(chains.values).is_finite() {
            return f64::NAN;
        }
        if is_constant(chains.values) {
            return 1.0;
        }
        // As many lags as fill the power of two that is needed anyway.
        let some = (n + FIRST_LAGS.min(n)).next_power_of_two() - n + 1;
        let some = some.min(n);
        let between = between(chains);
        let time = geyer(&self.autocovariance(chains, some), chains, between);
        time.unwrap_or_else(|| geyer(&self.autocovariance(chains, n), chains, between).unwrap_or(f64::NAN))
    }

    /// The mean over the chains of the autocorrelation function of each, for every lag below `lags`.
    pub fn autocorrelation(&mut self, chains: Chains, lags: usize) -> Vec<f64> {
        let mut sum = vec![0.0; lags.clamp(1, chains.length)];
        for chain in chains.each() {
            let own = self.autocovariance(Chains::new(chain, chains.length), lags);
            for (sum, c) in sum.iter_mut().zip(&own) {
                *sum += c / own[0];
            }
        }
        sum.iter().map(|s| s / chains.count() as f64).collect()
    }

    /// The integrated autocorrelation time by Sokal's window with the covariances of all chains added up: what separates the chains does not
    /// count, and chains that do not vary are no harm. NaN where none varies.
    pub fn pooled_time(&mut self, chains: Chains, window: f64) -> f64 {
        let covariances = self.autocovariance(chains, chains.length);
        windowed(covariances.iter().map(|c| c / covariances[0]), window)
    }

    /// The integrated autocorrelation time in rows by Sokal's window of `window` times: the functions of all chains are averaged, each about the
    /// mean of its own chain. NaN of values that are not finite or all the same.
    pub fn sokal_time(&mut self, chains: Chains, window: f64) -> f64 {
        windowed(self.autocorrelation(chains, chains.length).into_iter(), window)
    }
}

/// 1 + 2 Σ ρ up to the first lag that is `window` times the sum.
fn windowed(correlations: impl Iterator<Item = f64>, window: f64) -> f64 {
    let mut time = -1.0;
    for (lag, rho) in correlations.enumerate() {
        time += 2.0 * rho;
        if lag as f64 >= window * time {
            break;
        }
    }
    time
}

/// Whether all are the same up to rounding.
pub fn is_constant(values: &[f64]) -> bool {
    let Some(first) = values.first() else { return true };
    values.iter().all(|v| (v - first).abs() <= 1e-15 * first.abs())
}

/// The variance of the means of the chains; 0 of one chain.
fn between(chains: Chains) -> f64 {
    let count = chains.count();
    if count < 2 {
        return 0.0;
    }
    let means: Vec<f64> = chains.each().map(careful_mean).collect();
    let mean = careful_mean(&means);
    means.iter().map(|m| (m - mean) * (m - mean)).sum::<f64>() / (count - 1) as f64
}

/// The time from autocovariances; nothing where more lags are needed than are there.
fn geyer(covariances: &[f64], chains: Chains, between: f64) -> Option<f64> {
    let n = chains.length;
    let within = covariances[0] * n as f64 / (n - 1) as f64;
    let all = covariances[0] + between;
    let rho = |t: usize| 1.0 - (within - covariances[t]) / all;
    // Sums of two neighbours, which fall and stay positive for a reversible chain; here: until they are not, and never above the one before.
    let mut even = 1.0;
    let mut pair = 1.0 + rho(1);
    let mut last = f64::INFINITY;
    let mut sum = 0.0;
    let mut t = 1;
    while t + 3 < n && pair > 0.0 {
        if t + 2 >= covariances.len() {
            return None;
        }
        last = pair.min(last);
        sum += last;
        even = rho(t + 1);
        pair = even + rho(t + 2);
        t += 2;
    }
    // Of the pair that ended it the first part still counts, where it is positive or its pair is.
    let rest = if even > 0.0 || pair >= 0.0 { even } else { 0.0 };
    let time = -1.0 + 2.0 * sum + rest;
    Some(if pair.is_nan() { f64::NAN } else { time.max(1.0 / (chains.values.len() as f64).log10()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers in [−½, ½) by Knuth's multiplier.
    fn noise(count: usize) -> Vec<f64> {
        let mut state = 12345u64;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn autocovariances_are_the_sums_they_stand_for() {
        let mut correlator = Correlator::default();
        for (length, count) in [(1, 1), (2, 3), (7, 2), (64, 1), (100, 5)] {
            let values: Vec<f64> = noise(length * count).iter().map(|v| 1e6 + v).collect();
            let chains = Chains::new(&values, length);
            for lags in [1, length.div_ceil(3), length] {
                let found = correlator.autocovariance(chains, lags);
                assert_eq!(found.len(), lags);
                for (lag, c) in found.iter().enumerate() {
                    let mut expected = 0.0;
                    for chain in chains.each() {
                        let mean = 1e6 + chain.iter().map(|x| x - 1e6).sum::<f64>() / length as f64;
                        expected += (0..length - lag).map(|t| (chain[t] - mean) * (chain[t + lag] - mean)).sum::<f64>();
                    }
                    expected /= (length * count) as f64;
                    // The mean of numbers near 1e6 is known to 1e-10.
                    assert!((c - expected).abs() < 1e-9, "length {length}, lag {lag}: {c} for {expected}");
                }
            }
        }
    }

    /// x_t = φ x_{t−1} + noise: τ = (1 + φ)/(1 − φ).
    fn autoregressive(phi: f64, count: usize) -> Vec<f64> {
        let mut x = 0.0;
        let walk = |v: f64| {
            x = phi * x + v;
            x
        };
        noise(count).into_iter().map(walk).collect()
    }

    #[test]
    fn times_of_autoregressive_series_are_those_of_theory() {
        let mut correlator = Correlator::default();
        for phi in [0.0, 0.5, 0.9, 0.99] {
            let values = autoregressive(phi, 1 << 19);
            let truth = (1.0 + phi) / (1.0 - phi);
            let chains = Chains::new(&values, 1 << 17);
            // Relative standard error √((4 M + 2)/N) with a window of M = 5 τ (Sokal): 9 % for τ = 199, taken three times.
            let bound = 3.0 * ((20.0 * truth + 2.0) / values.len() as f64).sqrt();
            let (geyer, sokal) = (correlator.geyer_time(chains), correlator.sokal_time(chains, 5.0));
            assert!((geyer / truth - 1.0).abs() < bound, "φ = {phi}: Geyer {geyer} for {truth}");
            assert!((sokal / truth - 1.0).abs() < bound, "φ = {phi}: Sokal {sokal} for {truth}");
            // The same from covariances added up, whatever lies between the chains.
            let apart: Vec<f64> = values.iter().enumerate().map(|(k, v)| v + (k >> 17) as f64).collect();
            let pooled = correlator.pooled_time(Chains::new(&apart, 1 << 17), 5.0);
            assert!((pooled / truth - 1.0).abs() < bound, "φ = {phi}: pooled {pooled} for {truth}");
        }
    }

    #[test]
    fn few_lags_and_all_give_the_same_time() {
        // τ = 1999 needs more than the first lags of this length.
        let values = autoregressive(0.999, 40_000);
        let chains = Chains::new(&values, 20_000);
        let mut correlator = Correlator::default();
        let all = correlator.autocovariance(chains, 20_000);
        let expected = geyer(&all, chains, between(chains)).unwrap();
        assert!((correlator.geyer_time(chains) / expected - 1.0).abs() < 1e-9);
        assert!(geyer(&all[..64], chains, between(chains)).is_none());
    }

    #[test]
    fn nothing_to_measure_is_said() {
        let mut correlator = Correlator::default();
        assert!(correlator.geyer_time(Chains::new(&[1.0, 2.0, f64::NAN, 1.0], 4)).is_nan());
        assert_eq!(correlator.geyer_time(Chains::new(&[0.1; 8], 4)), 1.0);
        assert!(correlator.sokal_time(Chains::new(&[0.25; 8], 4), 5.0).is_nan());
    }
}
