//! What a sample is worth: of each coordinate mean, spread, their standard errors, effective sample sizes and R̂, exactly as ArviZ defines them.
//!
//! Every walker is cut into two halves (the middle row of an odd number is left out), so that a drift within a walker shows like a difference
//! between walkers. Bulk measures work on ranks turned into normal scores Φ⁻¹((r − ⅜)/(S + ¼)), so that tails without a variance do no harm.
//! R̂ is the larger of two: of the scores, and of those of the distances from the median, which sees walkers of different spread. The
//! tail's effective size is the smaller one of x ≤ 5 % quantile and x ≤ 95 % quantile. The standard error of the mean is sd √(τ/S).
//!
//! The ranks of the distances from the median follow from the sorted values by merging the two sides; the scores of whole ranks are computed
//! once for all coordinates. Cost of a coordinate: one sort and five autocovariances of S values. Coordinates in parallel, eight a task.
//!
//! Reference: A. Vehtari, A. Gelman, D. Simpson, B. Carpenter, P.-C. Bürkner, Bayesian Analysis 16, 667 (2021), doi:10.1214/20-BA1221.

use crate::base::{Error, Result, Run};
use crate::math::Matrix;
use crate::math::autocorrelation::{Chains, Correlator, is_constant};
use crate::math::matrix::dot;
use crate::math::normal::normal_quantile;
use crate::math::statistics::{careful_mean, quantile_by, sum, variance};
use rayon::prelude::*;
use std::borrow::Cow;

/// Coordinates of a task: numbers of one cache line of each row.
const AT_ONCE: usize = 8;

/// Rows of a walker below which nothing can be said.
pub const FEWEST: usize = 4;

/// R̂ above which walkers have not mixed (Vehtari et al. 2021).
pub const LARGEST_R_HAT: f64 = 1.01;

/// Effective sizes below which R̂ and standard errors are not reliable, for each walker (Vehtari et al. 2021).
pub const FEWEST_EFFECTIVE: f64 = 100.0;

/// What a sample says of each coordinate; NaN where it says nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// Rows of all walkers together.
    pub rows: usize,
    pub walkers: usize,
    pub mean: Vec<f64>,
    /// Standard deviation, divided by rows − 1.
    pub sd: Vec<f64>,
    /// Monte Carlo standard error of the mean.
    pub mcse: Vec<f64>,
    /// Monte Carlo standard error of the standard deviation.
    pub mcse_sd: Vec<f64>,
    pub ess_bulk: Vec<f64>,
    pub ess_tail: Vec<f64>,
    /// Split and rank-normalised; NaN of a single walker, as in ArviZ.
    pub r_hat: Vec<f64>,
    /// Integrated, in rows: how many rows count as one independent value for the mean.
    pub autocorrelation_time: Vec<f64>,
}

/// The summary of one coordinate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Diagnosis {
    pub mean: f64,
    pub sd: f64,
    pub mcse: f64,
    pub mcse_sd: f64,
    pub ess_bulk: f64,
    pub ess_tail: f64,
    pub r_hat: f64,
    pub autocorrelation_time: f64,
}

/// The summary of rows × coordinates, walker after walker, equally many rows each.
///
/// Errors: a number of rows that the walkers do not share evenly; a stopped run.
pub fn summarise(run: &Run, draws: &Matrix, walkers: usize) -> Result<Summary> {
    check_walkers("summary", draws.rows, walkers)?;
    let task = run.task("summary", Some(draws.columns as u64));
    let scores = Scores::new(draws.rows, walkers);
    let blocks = draws.columns.div_ceil(AT_ONCE);
    let of_block = |block: usize| -> Result<Vec<Diagnosis>> {
        let first = block * AT_ONCE;
        let wide = AT_ONCE.min(draws.columns - first);
        let mut columns = vec![Vec::with_capacity(draws.rows); wide];
        for row in draws.data.chunks_exact(draws.columns) {
            for (column, x) in columns.iter_mut().zip(&row[first..first + wide]) {
                column.push(*x);
            }
        }
        let mut correlator = Correlator::default();
        let of_column = |column: Vec<f64>| {
            task.tick(1, String::new)?;
            Ok(diagnose(&column, walkers, &scores, &mut correlator))
        };
        columns.into_iter().map(of_column).collect()
    };
    let all: Vec<Vec<Diagnosis>> = (0..blocks).into_par_iter().map(of_block).collect::<Result<_>>()?;
    let field = |get: fn(&Diagnosis) -> f64| all.iter().flatten().map(get).collect::<Vec<f64>>();
    Ok(Summary {
        rows: draws.rows,
        walkers,
        mean: field(|d| d.mean),
        sd: field(|d| d.sd),
        mcse: field(|d| d.mcse),
        mcse_sd: field(|d| d.mcse_sd),
        ess_bulk: field(|d| d.ess_bulk),
        ess_tail: field(|d| d.ess_tail),
        r_hat: field(|d| d.r_hat),
        autocorrelation_time: field(|d| d.autocorrelation_time),
    })
}

/// The summary of one quantity: a value a row, walker after walker.
///
/// Errors: a number of values that the walkers do not share evenly.
pub fn diagnosis(values: &[f64], walkers: usize) -> Result<Diagnosis> {
    check_walkers("summary", values.len(), walkers)?;
    Ok(diagnose(values, walkers, &Scores::new(values.len(), walkers), &mut Correlator::default()))
}

crate::choices! {
    /// Where the sum of autocorrelations is cut.
    pub enum TimeMethod {
        /// Where sums of two neighbours stop falling or are no longer positive (Geyer), as in `summary`: walkers that do not agree count.
        Geyer = "geyer",
        /// At the first lag beyond `window` times (Sokal), as acor and emcee have it: each walker about its own mean.
        Sokal = "sokal",
    }
}

crate::options! {
    /// Options of `autocorrelation_time`.
    pub struct TimeOptions {
        /// Walkers that the rows of a matrix belong to, equally many each, one walker after another.
        walkers: Option<usize> = None => "those of the samples, 1 for a matrix", AT_LEAST_ONE, "";
        /// Where the sum of autocorrelations is cut.
        method: TimeMethod = TimeMethod::Geyer, ANY, "";
        /// Sokal's window, in autocorrelation times.
        window: f64 = 5.0, POSITIVE, "";
    }
}

/// The integrated autocorrelation time of each coordinate, in rows; NaN of what does not vary or is not finite.
///
/// Errors: a number of rows that the walkers do not share evenly; a stopped run.
pub fn autocorrelation_times(run: &Run, draws: &Matrix, walkers: usize, options: &TimeOptions) -> Result<Vec<f64>> {
    if options.method == TimeMethod::Geyer {
        return Ok(summarise(run, draws, walkers)?.autocorrelation_time);
    }
    check_walkers("autocorrelation_time", draws.rows, walkers)?;
    let task = run.task("autocorrelation_time", Some(draws.columns as u64));
    let of_column = |k: usize| {
        task.tick(1, String::new)?;
        let column = draws.column(k);
        Ok(Correlator::default().sokal_time(Chains::new(&column, draws.rows / walkers), options.window))
    };
    (0..draws.columns).into_par_iter().map(of_column).collect()
}

/// Refuses rows that the walkers do not share evenly.
pub fn check_walkers(function: &str, rows: usize, walkers: usize) -> Result<()> {
    if rows > 0 && walkers > 0 && rows.is_multiple_of(walkers) {
        return Ok(());
    }
    let message = match rows {
        0 => format!("{function}: there are no rows"),
        _ => format!("{function}: option `walkers` must divide the number of rows, found {walkers} walkers and {rows} rows"),
    };
    Err(Error::shape(message).hint("all rows of the first walker come first, then those of the next").at("walkers"))
}

impl Summary {
    /// The coordinates from the worst to the best: by R̂ as far as it is above what is tolerated, then by the smaller effective size; those
    /// without any come last.
    pub fn worst(&self) -> Vec<usize> {
        let key = |k: usize| {
            let r_hat = self.r_hat[k].max(LARGEST_R_HAT);
            let size = self.ess_bulk[k].min(self.ess_tail[k]);
            (self.ess_bulk[k].is_nan(), -r_hat, size)
        };
        let mut order: Vec<usize> = (0..self.mean.len()).collect();
        order.sort_by(|&a, &b| {
            let (a, b) = (key(a), key(b));
            a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.total_cmp(&b.2))
        });
        order
    }

    /// What should not be overlooked, a sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let mut said = Vec::new();
        let rows = self.rows / self.walkers.max(1);
        let all = self.mean.len();
        if rows < FEWEST {
            said.push(format!("{rows} rows of a walker are too few to say anything: at least {FEWEST} are needed"));
            return said;
        }
        let count = |bad: &dyn Fn(usize) -> bool| (0..all).filter(|&k| bad(k)).count();
        let silent = count(&|k| self.ess_bulk[k].is_nan());
        if silent > 0 {
            said.push(format!("{silent} of {all} coordinates are constant or not finite: nothing is said of them"));
        }
        let apart = count(&|k| self.r_hat[k] > LARGEST_R_HAT);
        if apart > 0 {
            said.push(format!(
                "R̂ is above {LARGEST_R_HAT} in {apart} of {all} coordinates: the walkers have not mixed, sample longer"
            ));
        }
        let few = FEWEST_EFFECTIVE * self.walkers as f64;
        let poor = count(&|k| self.ess_bulk[k].min(self.ess_tail[k]) < few);
        if poor > 0 {
            said.push(format!(
                "fewer than {few} independent values in {poor} of {all} coordinates: errors are rough, sample longer"
            ));
        }
        if self.walkers == 1 {
            said.push("R̂ compares walkers: it needs two or more".into());
        }
        said
    }
}

/// Normal scores of ranks: those of whole ranks are computed once.
struct Scores {
    whole: Vec<f64>,
}

impl Scores {
    /// For as many values as the halves of all walkers hold.
    fn new(rows: usize, walkers: usize) -> Scores {
        let count = 2 * (rows / walkers / 2) * walkers;
        Scores { whole: (1..=count).map(|r| Scores::score(r as f64, count)).collect() }
    }

    fn score(rank: f64, count: usize) -> f64 {
        normal_quantile((rank - 0.375) / (count as f64 + 0.25))
    }

    /// Writes the scores of values that come in rising order, each with the place that its score goes to; equal values share one.
    fn write(&self, rising: &[(f64, u32)], out: &mut [f64]) {
        let mut before = 0;
        for group in rising.chunk_by(|a, b| a.0 == b.0) {
            let score = match group.len() {
                1 => self.whole[before],
                ties => Scores::score(before as f64 + (ties as f64 + 1.0) / 2.0, rising.len()),
            };
            for (_, place) in group {
                out[*place as usize] = score;
            }
            before += group.len();
        }
    }
}

fn diagnose(values: &[f64], walkers: usize, scores: &Scores, correlator: &mut Correlator) -> Diagnosis {
    let count = values.len() as f64;
    let mean = careful_mean(values);
    let deviations: Vec<f64> = values.iter().map(|x| (x - mean) * (x - mean)).collect();
    let squares = sum(&deviations);
    let sd = (squares / (count - 1.0)).sqrt();
    let nothing = f64::NAN;
    let mut found = Diagnosis {
        mean,
        sd,
        mcse: nothing,
        mcse_sd: nothing,
        ess_bulk: nothing,
        ess_tail: nothing,
        r_hat: nothing,
        autocorrelation_time: nothing,
    };
    let rows = values.len() / walkers;
    if rows < FEWEST || values.iter().any(|x| x.is_nan()) || is_constant(values) {
        return found;
    }

    let half = rows / 2;
    let mut size_of = |split: &[f64]| split.len() as f64 / correlator.geyer_time(Chains::new(split, half));

    // The mean and the spread.
    let split = halves(values, rows);
    let size = size_of(&split);
    found.autocorrelation_time = split.len() as f64 / size;
    found.mcse = sd / size.sqrt();
    let size = size_of(&halves(&deviations, rows));
    let square = squares / count;
    let fourth = dot(&deviations, &deviations) / count;
    found.mcse_sd = ((fourth - square * square) / size / square / 4.0).sqrt();

    // The tails: quantiles of all values, the middle rows included.
    let ordered = sorted(values);
    let mut scratch = deviations;
    scratch.truncate(split.len());
    let mut tail = |share: f64| {
        let quantile = quantile_by(ordered.len(), |k| ordered[k].0, share);
        for (out, x) in scratch.iter_mut().zip(&*split) {
            *out = f64::from(u8::from(*x <= quantile));
        }
        size_of(&scratch)
    };
    found.ess_tail = tail(0.05).min(tail(0.95));

    // The bulk.
    let ordered = if split.len() == values.len() { ordered } else { sorted(&split) };
    scores.write(&ordered, &mut scratch);
    found.ess_bulk = size_of(&scratch);
    if walkers > 1 {
        let bulk = r_hat(Chains::new(&scratch, half));
        scores.write(&folded(&ordered), &mut scratch);
        found.r_hat = bulk.max(r_hat(Chains::new(&scratch, half)));
    }
    found
}

/// The halves of every walker, the middle row of an odd number left out.
fn halves(values: &[f64], rows: usize) -> Cow<'_, [f64]> {
    if rows.is_multiple_of(2) {
        return Cow::Borrowed(values);
    }
    let mut split = Vec::with_capacity(values.len());
    for walker in values.chunks_exact(rows) {
        split.extend_from_slice(&walker[..rows / 2]);
        split.extend_from_slice(&walker[rows / 2 + 1..]);
    }
    Cow::Owned(split)
}

/// The values in rising order, each with its place.
fn sorted(values: &[f64]) -> Vec<(f64, u32)> {
    let mut ordered: Vec<(f64, u32)> = values.iter().zip(0..).map(|(x, k)| (*x, k)).collect();
    ordered.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    ordered
}

/// The distances from the median in rising order, each with its place, from the values in rising order: both sides are in order already.
fn folded(ordered: &[(f64, u32)]) -> Vec<(f64, u32)> {
    let middle = ordered.len() / 2;
    let median = 0.5 * (ordered[(ordered.len() - 1) / 2].0 + ordered[middle].0);
    let distance = |k: usize| (ordered[k].0 - median).abs();
    let (mut left, mut right) = (middle, middle);
    let mut out = Vec::with_capacity(ordered.len());
    while out.len() < ordered.len() {
        let from_left = right == ordered.len() || (left > 0 && distance(left - 1) <= distance(right));
        let k = if from_left { left - 1 } else { right };
        if from_left {
            left -= 1
        } else {
            right += 1
        }
        out.push((distance(k), ordered[k].1));
    }
    out
}

/// The potential scale reduction of chains: √((B/W + n − 1)/n).
fn r_hat(chains: Chains) -> f64 {
    let n = chains.length as f64;
    let (mut means, mut within) = (Vec::new(), 0.0);
    for chain in chains.each() {
        let mean = careful_mean(chain);
        // Scores are near 1: no digits are lost.
        within += (dot(chain, chain) - n * mean * mean) / (n - 1.0);
        means.push(mean);
    }
    let m = means.len() as f64;
    let between = n * variance(&means) * m / (m - 1.0);
    ((between / (within / m) + n - 1.0) / n).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums of twelve numbers of a congruential generator, less 6: nearly normal, and the same in any language.
    fn series(seed: u64, walkers: usize, rows: usize, phi: f64, change: impl Fn(usize, usize, f64) -> f64) -> Vec<f64> {
        let mut state = seed;
        let mut normal = || {
            let mut sum = -6.0;
            for _ in 0..12 {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                sum += (state >> 11) as f64 / (1u64 << 53) as f64;
            }
            sum
        };
        let mut out = Vec::new();
        for k in 0..walkers {
            let mut x = 0.0;
            for t in 0..rows {
                x = phi * x + normal();
                out.push(change(k, t, x));
            }
        }
        out
    }

    fn fixture(name: &str) -> (Vec<f64>, usize) {
        let same = |_: usize, _: usize, x: f64| x;
        match name {
            "normal" => (series(1, 4, 100, 0.0, same), 4),
            "autoregressive" => (series(2, 4, 250, 0.9, same), 4),
            "infinite" => (series(3, 4, 50, 0.0, |k, t, x| if (k, t) == (1, 7) { f64::INFINITY } else { x }), 4),
            "one chain" => (series(4, 1, 200, 0.5, same), 1),
            "odd" => (series(5, 3, 101, 0.3, same), 3),
            "heavy tails" => (series(6, 4, 150, 0.0, |_, _, x| x * x * x * x * x), 4),
            "different means" => (series(7, 4, 100, 0.2, |k, _, x| x + 0.5 * k as f64), 4),
            "different spreads" => (series(8, 4, 100, 0.2, |k, _, x| x * (k + 1) as f64), 4),
            "ties" => (series(9, 4, 120, 0.4, |_, _, x| x.floor()), 4),
            "antithetic" => (series(10, 2, 200, -0.7, same), 2),
            "shortest" => (series(11, 2, 4, 0.0, same), 2),
            "far from zero" => (series(12, 2, 64, 0.6, |_, _, x| 1e7 + x), 2),
            "drift" => (series(13, 2, 301, 0.0, |_, t, x| x + 0.01 * t as f64), 2),
            other => panic!("no fixture {other}"),
        }
    }

    /// ArviZ 0.23.4: mean, std(ddof=1), _mcse_mean, _mcse_sd, _ess_bulk, _ess_tail, _rhat_rank.
    const ARVIZ: [(&str, [f64; 7]); 13] = [
        (
            "normal",
            [0.0527951758517, 0.910738066432, 0.0428603026495, 0.0320933099067, 454.10672157, 463.69136016, 1.00257419001],
        ),
        (
            "autoregressive",
            [0.0271029207069, 2.28435765538, 0.292185576509, 0.149852430033, 60.6910857386, 75.4698671577, 1.05194471218],
        ),
        ("infinite", [f64::INFINITY, f64::NAN, f64::NAN, f64::NAN, 181.803982128, 164.018485556, 0.999400858409]),
        ("one chain", [0.05697729137, 1.35191541717, 0.179898678363, 0.141158230129, 58.4162363054, 70.7831226615, f64::NAN]),
        ("odd", [-0.0546841970882, 1.03974679358, 0.0799657711591, 0.0474965110347, 163.774521116, 183.270624943, 1.00576851347]),
        (
            "heavy tails",
            [-2.15863002522, 26.2273638188, 1.10391441267, 5.14729626879, 576.844745397, 535.597298317, 0.997538364636],
        ),
        (
            "different means",
            [0.756136167016, 1.2328833091, 0.296227836232, 0.0435231269459, 17.4772170476, 199.91072757, 1.18028351009],
        ),
        (
            "different spreads",
            [-0.393481787355, 2.79188735763, 0.189426110521, 0.412707781157, 237.606898119, 149.72919083, 1.13871647444],
        ),
        ("ties", [-0.577083333333, 1.15694139694, 0.0806476374663, 0.0456007352426, 209.856400905, 300.430351309, 1.02192063566]),
        (
            "antithetic",
            [0.0405895902, 1.39102319612, 0.0431167208337, 0.0864769329832, 1040.82399653, 248.869434519, 1.00235852071],
        ),
        (
            "shortest",
            [-0.295458077407, 0.739491344188, 0.275120269273, 0.243127192533, 7.22471989594, 7.22471989594, 0.859788417608],
        ),
        (
            "far from zero",
            [10000000.1014, 1.31035066726, 0.17041715838, 0.0943448965208, 58.7643615421, 70.7455730239, 1.00144598612],
        ),
        ("drift", [1.4782627157, 1.27148226068, 0.566716936724, 0.0666490916261, 5.05914270063, 89.2274599267, 1.30632586459]),
    ];

    #[test]
    fn the_numbers_are_those_of_arviz() {
        for (name, expected) in ARVIZ {
            let (values, walkers) = fixture(name);
            let d = diagnosis(&values, walkers).unwrap();
            let found = [d.mean, d.sd, d.mcse, d.mcse_sd, d.ess_bulk, d.ess_tail, d.r_hat];
            for (k, (f, e)) in found.iter().zip(&expected).enumerate() {
                let same = f.is_nan() && e.is_nan() || f == e || (f / e - 1.0).abs() < 1e-8;
                assert!(same, "{name}, number {k}: {f} for {e}");
            }
        }
    }

    #[test]
    fn columns_are_independent_of_each_other_and_of_the_threads() {
        let walkers = 4;
        let columns: Vec<Vec<f64>> = (0..19).map(|k| series(k, walkers, 60, 0.05 * k as f64, |_, _, x| x)).collect();
        let mut draws = Matrix::zeros(240, 19);
        for (j, column) in columns.iter().enumerate() {
            for (i, x) in column.iter().enumerate() {
                draws[(i, j)] = *x;
            }
        }
        let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let one = pool(1).install(|| summarise(&Run::silent(), &draws, walkers)).unwrap();
        assert_eq!(one, pool(3).install(|| summarise(&Run::silent(), &draws, walkers)).unwrap());
        for (j, column) in columns.iter().enumerate() {
            let alone = diagnosis(column, walkers).unwrap();
            assert_eq!((one.ess_bulk[j], one.r_hat[j], one.mcse[j]), (alone.ess_bulk, alone.r_hat, alone.mcse));
        }
        // The slowest coordinates come first where all walkers agree.
        let worst = one.worst();
        let badness = |k: usize| (one.r_hat[k].max(LARGEST_R_HAT), -one.ess_bulk[k].min(one.ess_tail[k]));
        assert!(worst.windows(2).all(|w| badness(w[0]) >= badness(w[1])));
    }

    #[test]
    fn nothing_is_said_of_nothing() {
        for (values, walkers) in
            [(vec![2.5; 40], 2), (vec![1.0, f64::NAN, 2.0, 3.0, 1.0, 0.0, 1.0, 5.0], 2), (vec![1.0, 2.0, 4.0], 1)]
        {
            let d = diagnosis(&values, walkers).unwrap();
            for v in [d.mcse, d.mcse_sd, d.ess_bulk, d.ess_tail, d.r_hat, d.autocorrelation_time] {
                assert!(v.is_nan(), "{values:?}: {d:?}");
            }
        }
        let summary =
            |values: Vec<f64>, walkers| summarise(&Run::silent(), &Matrix::from_rows(values.len(), 1, values), walkers).unwrap();
        assert!(summary(vec![1.0, 2.0, 4.0], 1).warnings()[0].contains("3 rows of a walker are too few"));
        assert!(summary(vec![2.5; 40], 2).warnings()[0].contains("1 of 1 coordinates are constant"));
        assert!(summary(fixture("drift").0, 2).warnings()[0].contains("not mixed"));
        assert!(diagnosis(&[1.0; 10], 3).unwrap_err().to_string().contains("3 walkers and 10 rows"));
        assert!(diagnosis(&[], 1).unwrap_err().to_string().contains("no rows"));
    }

    #[test]
    fn distances_from_the_median_are_merged_in_order() {
        for count in [1, 2, 5, 8] {
            let values: Vec<f64> = (0..count).map(|k| ((k * 37) % 11) as f64).collect();
            let out = folded(&sorted(&values));
            let median = crate::math::statistics::median(&values);
            assert!(out.windows(2).all(|w| w[0].0 <= w[1].0));
            assert!(out.iter().all(|(d, k)| *d == (values[*k as usize] - median).abs()) && out.len() == count);
        }
    }

    #[test]
    fn a_stopped_run_ends_it() {
        let run = Run::silent().until(std::time::Instant::now());
        assert!(summarise(&run, &Matrix::zeros(8, 3), 2).unwrap_err().is_stop());
    }
}
