//! Whether a sampler did what was asked of it, judged by its own samples; and what its step size costs.
//!
//! The temperatures of momenta, slopes and virial are each compared with the one asked for, within their errors. The energies are compared
//! with those of a second run at a higher temperature T′: if both are canonical, ln P′(E)/P(E) = a + (1/T − 1/T′) E, whatever the density of
//! states is; the slope is fitted by maximum likelihood (logistic regression on independent energies) and compared with 1/T − 1/T′.
//! A study of the step size runs h, h/2, h/4 over the same time and fits A(h) = A(0) + c hᵖ: p observed from the three, A(0) with the order
//! of the scheme.
//! References: M. R. Shirts, J. Chem. Theory Comput. 9, 909 (2013), doi:10.1021/ct300688p; order of bias: B. Leimkuhler, C. Matthews,
//! G. Stoltz, IMA J. Numer. Anal. 36, 13 (2016), doi:10.1093/imanum/dru056.

use super::diagnostics::diagnosis;
use super::temperatures::configurational_temperature;
use crate::algorithms::sample::{Method, SampleOptions, Samples, Start, sample};
use crate::base::{Error, Result, Run};
use crate::potentials::{Family, Potential};
use std::sync::Arc;

crate::options! {
    /// Options of `check_sampler`.
    pub struct CheckOptions {
        /// Deviations below this part of what was asked for count as agreement: what the size of the steps costs.
        tolerance: f64 = 0.02, NOT_NEGATIVE, "";
        /// Deviations beyond the tolerance count when they exceed so many standard errors.
        standard_errors: f64 = 3.0, POSITIVE, "";
        /// Whether a second run at a higher temperature judges the energies; it takes as long as the first.
        energies: bool = true, ANY, "";
    }
}

/// What became of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Agrees,
    Differs,
    /// The error is larger than a tenth of what was asked for: no claim.
    TooFew,
}

impl Verdict {
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Agrees => "agrees",
            Verdict::Differs => "differs",
            Verdict::TooFew => "too few samples",
        }
    }
}

/// One quantity beside what it should be.
#[derive(Clone, Debug)]
pub struct Claim {
    pub quantity: &'static str,
    pub expected: f64,
    pub found: f64,
    /// Standard error of what was found.
    pub error: f64,
    pub verdict: Verdict,
}

impl Claim {
    fn new(quantity: &'static str, expected: f64, found: f64, error: f64, options: &CheckOptions) -> Claim {
        let apart = (found - expected).abs();
        let verdict = if !(error <= 0.1 * expected.abs()) {
            Verdict::TooFew
        } else if apart <= options.standard_errors * error || apart <= options.tolerance * expected.abs() {
            Verdict::Agrees
        } else {
            Verdict::Differs
        };
        Claim { quantity, expected, found, error, verdict }
    }
}

/// Compares what samples show with the temperature that they were asked to have.
///
/// Errors: too few rows to judge anything, a run that is stopped.
pub fn check_sampler(run: &Run, samples: &Samples, options: &CheckOptions) -> Result<Vec<Claim>> {
    const FEWEST: usize = 20;
    if samples.rows < FEWEST {
        return Err(Error::value(format!("check_sampler: needs at least {FEWEST} rows of each walker, found {}", samples.rows))
            .hint("sample more steps, or keep more of them with a smaller `every`")
            .at("samples"));
    }
    let (t, walkers) = (samples.temperature, samples.walkers);
    let mut claims = Vec::new();
    let mut claim = |quantity, expected, found, error| claims.push(Claim::new(quantity, expected, found, error, options));
    if samples.options.method.has_momenta() {
        let kinetic = diagnosis(&samples.kinetic, walkers)?;
        claim("kinetic temperature", t, kinetic.mean, kinetic.mcse);
    }
    let [slopes, error] = configurational_temperature(run, samples)?;
    claim("configurational temperature", t, slopes, error);
    let virial = diagnosis(&samples.virials, walkers)?;
    // A free cluster has no force on its centre.
    let n = samples.dimension as f64;
    let centre = if samples.potential.family() == Family::Cluster { 3.0 } else { 0.0 };
    claim("virial temperature", t * (n - centre) / n, virial.mean, virial.mcse);
    // Energies of minibatches are spread by their noise, which says nothing of the temperature.
    if options.energies && samples.options.minibatch.is_none() && samples.hotter.is_empty() {
        let [expected, found, error] = energy_slope(run, samples)?;
        claim("slope of ln P'(E)/P(E)", expected, found, error);
    }
    Ok(claims)
}

/// The slope 1/T − 1/T′ that the energies at T and T′ should show, that which they show, and its error.
fn energy_slope(run: &Run, samples: &Samples) -> Result<[f64; 3]> {
    let own = independent(&samples.energies, samples.walkers)?;
    let mean = own.iter().sum::<f64>() / own.len() as f64;
    let sd = (own.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / own.len() as f64).sqrt();
    let t = samples.temperature;
    // The means of the two lie a standard deviation apart: most certain of all.
    let hotter = t + (t * t / sd.max(1e-300)).min(t);
    let steps = samples.rows * samples.options.every;
    let second = SampleOptions {
        temperature: hotter,
        steps,
        burn_in: samples.options.burn_in.max(steps / 10),
        walkers: samples.walkers,
        save: None,
        step_size: samples.options.step_size.or(samples.step_sizes.first().copied()),
        seed: Some(samples.seed ^ 0x5eed),
        ..samples.options.clone()
    };
    let other = sample(run, &samples.potential, &Start::Rows(&samples.last()?), &second)?;
    let other = independent(&other.energies, other.walkers)?;
    let (slope, error) = logistic_slope(&own, &other);
    Ok([1.0 / t - 1.0 / hotter, slope, error])
}

/// Energies an autocorrelation time apart.
fn independent(energies: &[f64], walkers: usize) -> Result<Vec<f64>> {
    let apart = diagnosis(energies, walkers)?.autocorrelation_time;
    let apart = if apart.is_finite() { (apart.ceil() as usize).max(1) } else { 1 };
    Ok(energies.chunks_exact(energies.len() / walkers).flat_map(|chain| chain.iter().copied().step_by(apart)).collect())
}

/// The slope b of ln P(second | x)/P(first | x) = a + b x by maximum likelihood (Newton), and its standard error.
fn logistic_slope(first: &[f64], second: &[f64]) -> (f64, f64) {
    let count = (first.len() + second.len()) as f64;
    let all = || first.iter().map(|x| (*x, 0.0)).chain(second.iter().map(|x| (*x, 1.0)));
    let mean = all().map(|(x, _)| x).sum::<f64>() / count;
    let sd = (all().map(|(x, _)| (x - mean).powi(2)).sum::<f64>() / count).sqrt();
    let (mut a, mut b) = (0.0, 0.0);
    let mut error = f64::NAN;
    for _ in 0..50 {
        // Gradient and Hessian of the likelihood in units of the spread.
        let (mut ga, mut gb, mut haa, mut hab, mut hbb) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for (x, label) in all() {
            let z = (x - mean) / sd;
            let p = 1.0 / (1.0 + (-(a + b * z)).exp());
            let w = p * (1.0 - p);
            (ga, gb) = (ga + label - p, gb + (label - p) * z);
            (haa, hab, hbb) = (haa + w, hab + w * z, hbb + w * z * z);
        }
        let determinant = haa * hbb - hab * hab;
        if !(determinant > 0.0) {
            return (f64::NAN, f64::NAN);
        }
        let (da, db) = ((hbb * ga - hab * gb) / determinant, (haa * gb - hab * ga) / determinant);
        (a, b) = (a + da, b + db);
        error = (haa / determinant).sqrt();
        if db.abs() < 1e-10 * (1.0 + b.abs()) {
            break;
        }
    }
    (b / sd, error / sd)
}

/// The mean of an observable at one step size.
#[derive(Clone, Copy, Debug)]
pub struct AtStep {
    pub step_size: f64,
    pub mean: f64,
    /// Monte Carlo standard error.
    pub error: f64,
}

/// What halving the step does to a mean.
#[derive(Clone, Debug)]
pub struct StepSizeStudy {
    /// From the largest step down.
    pub steps: Vec<AtStep>,
    /// The power of h observed from the last three steps, and its standard error; NaN where the differences are within their errors.
    pub order: f64,
    pub order_error: f64,
    /// The power that the scheme has; 0 for one without bias.
    pub expected_order: usize,
    /// The mean at step size 0 by the order of the scheme, and its standard error.
    pub extrapolated: f64,
    pub extrapolated_error: f64,
}

/// Runs a sampler with the step size of the options, half of it, and so on, over the same time each, and looks at the mean of an observable,
/// which `observe` gives for every row.
///
/// Errors: no step size given, samplers that fail, a run that is stopped.
pub fn step_size_study(
    run: &Run,
    potential: &Arc<dyn Potential>,
    start: &Start,
    options: &SampleOptions,
    halvings: usize,
    observe: &dyn Fn(&Samples) -> Result<Vec<f64>>,
) -> Result<StepSizeStudy> {
    let Some(largest) = options.step_size else {
        return Err(Error::value("step_size_study: option `step_size` is missing: the largest step to look at").at("step_size"));
    };
    let seed = run.seed(options.seed);
    let mut steps = Vec::new();
    for k in 0..=halvings {
        let times = 1 << k;
        // A trajectory of hmc or a tree of nuts is a step of another kind: its number stays.
        let long = |count: usize| if options.method.accepts() && options.method != Method::Mala { count } else { count * times };
        let one = SampleOptions {
            step_size: Some(largest / times as f64),
            steps: long(options.steps),
            burn_in: long(options.burn_in),
            every: long(options.every),
            seed: Some(seed.wrapping_add(k as u64)),
            ..options.clone()
        };
        let samples = sample(run, potential, start, &one)?;
        let found = diagnosis(&observe(&samples)?, samples.walkers)?;
        steps.push(AtStep { step_size: largest / times as f64, mean: found.mean, error: found.mcse });
    }
    let (order, order_error) = observed_order(&steps);
    let (extrapolated, extrapolated_error) = extrapolate(&steps, options.method.order());
    Ok(StepSizeStudy { steps, order, order_error, expected_order: options.method.order(), extrapolated, extrapolated_error })
}

/// p of A(h) = A(0) + c hᵖ from the last three steps: 2ᵖ is the ratio of their differences.
fn observed_order(steps: &[AtStep]) -> (f64, f64) {
    let [.., a, b, c] = steps else { return (f64::NAN, f64::NAN) };
    let (coarse, fine) = (a.mean - b.mean, b.mean - c.mean);
    let (coarse_error, fine_error) = (a.error.hypot(b.error), b.error.hypot(c.error));
    if !(coarse.abs() > 2.0 * coarse_error) || !(fine.abs() > 2.0 * fine_error) || coarse * fine < 0.0 {
        return (f64::NAN, f64::NAN);
    }
    // b stands in both differences: d ln(coarse/fine) = da/coarse − db (1/coarse + 1/fine) + dc/fine.
    let parts = [a.error / coarse, b.error * (1.0 / coarse + 1.0 / fine), c.error / fine];
    let error = parts.iter().map(|p| p * p).sum::<f64>().sqrt() / std::f64::consts::LN_2;
    ((coarse / fine).log2(), error)
}

/// A(0) by weighted least squares of A(0) + c hᵖ; without bias the weighted mean.
fn extrapolate(steps: &[AtStep], order: usize) -> (f64, f64) {
    let (mut s, mut sx, mut sxx, mut sy, mut sxy) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for step in steps {
        let (w, x) = (step.error.powi(-2), step.step_size.powi(order as i32));
        (s, sx, sxx) = (s + w, sx + w * x, sxx + w * x * x);
        (sy, sxy) = (sy + w * step.mean, sxy + w * x * step.mean);
    }
    if order == 0 || steps.len() < 2 {
        return (sy / s, s.powf(-0.5));
    }
    let determinant = s * sxx - sx * sx;
    ((sxx * sy - sx * sxy) / determinant, (sxx / determinant).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::stream;
    use rand_distr::{Distribution, Exp1};

    #[test]
    fn the_slope_of_two_exponential_distributions_is_the_difference_of_their_rates() {
        // Energies of a two-dimensional oscillator at T = 1 and 2: densities e^(−E) and e^(−E/2)/2.
        let mut random = stream(5, 0);
        let mut draw =
            |t: f64| -> Vec<f64> { (0..20_000).map(|_| t * Distribution::<f64>::sample(&Exp1, &mut random)).collect() };
        let (slope, error) = logistic_slope(&draw(1.0), &draw(2.0));
        assert!((slope - 0.5).abs() < 4.0 * error && error < 0.02, "{slope} ± {error}");
    }

    #[test]
    fn order_and_limit_of_a_known_law() {
        // A(h) = 3 + 2 h².
        let steps: Vec<AtStep> =
            [0.4f64, 0.2, 0.1].iter().map(|h| AtStep { step_size: *h, mean: 3.0 + 2.0 * h * h, error: 1e-4 }).collect();
        let (order, error) = observed_order(&steps);
        assert!((order - 2.0).abs() < 1e-9 && (error - 0.004).abs() < 0.002, "{order} ± {error}");
        let (limit, error) = extrapolate(&steps, 2);
        assert!((limit - 3.0).abs() < 1e-9 && error < 2e-4, "{limit} ± {error}");
        let drowned: Vec<AtStep> = steps.iter().map(|s| AtStep { error: 1.0, ..*s }).collect();
        assert!(observed_order(&drowned).0.is_nan());
    }
}
