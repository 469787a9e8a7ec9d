//! The local learning coefficient λ: how fast the volume of nearly as good parameters shrinks around x, a count of effective parameters.
//!
//! With the density exp(−nβ L(w)) around x, nβ (⟨L⟩ − L(x)) tends to λ as nβ grows: d/2 in a quadratic minimum of d coordinates, less where the
//! minimum is flatter (1/4 a coordinate for w⁴). Walkers of stochastic gradient Langevin dynamics begin at x; a tether γ/2 |w − x|² (in units
//! of nβ L) keeps them near it. nβ is n/ln n by default, n the items of the loss or of the minibatch.
//!
//! Cost: walkers × (burn_in + steps) gradients. It fails where x is no minimum (λ̂ may then be negative), where walkers leave the
//! neighbourhood (raise `localisation`), where the step is too large: its bias is of first order, so halve it and see. The tether lowers λ̂: a
//! quadratic coordinate of stiffness h counts ½ nβh/(nβh + γ).
//! References: E. Lau, Z. Furman, G. Wang, D. Murfet, S. Wei, arXiv:2308.12108 (the estimator); S. Watanabe, J. Mach. Learn. Res. 14, 867 (2013)
//! (nβ = n/ln n); M. Welling, Y. W. Teh, Proc. ICML 28, 681 (2011) (the dynamics).

use super::diagnostics::diagnosis;
use crate::algorithms::sample::{Method, SampleOptions, Start, sample};
use crate::base::{Error, Result, Run};
use crate::math::statistics::mean;
use crate::potentials::composed::{Frozen, Restraint, Sum};
use crate::potentials::{Potential, energy};
use std::sync::Arc;

/// Numbers that the walkers may keep together.
const KEPT: usize = 16_000_000;

crate::options! {
    /// Options of `learning_coefficient`.
    pub struct LearningOptions {
        /// Items that the potential is the mean of: n.
        items: Option<usize> = None => "those of the loss; the minibatch where one is given", AT_LEAST_TWO, "";
        /// nβ: how much the potential is multiplied by.
        inverse_temperature: Option<f64> = None => "n/ln n", POSITIVE, "1/energy";
        /// γ: strength of the tether to x.
        localisation: f64 = 0.0, NOT_NEGATIVE, "1/length²";
        /// Step h of w ← w − h ∇(L + γ/(2nβ) |w − x|²) + √(2h/(nβ)) ξ; devinterp's is 2h/(nβ).
        step_size: Option<f64> = None => "from the largest curvature at x", POSITIVE, "length² per energy";
        /// Steps of each walker after the burn-in.
        steps: usize = 2000, AT_LEAST_TWO, "";
        /// Steps before them that are forgotten.
        burn_in: usize = 500, NOT_NEGATIVE, "";
        /// Walkers, each from x.
        walkers: usize = 4, AT_LEAST_ONE, "";
        /// Items that each gradient looks at.
        minibatch: Option<usize> = None => "all items", AT_LEAST_TWO, "";
        /// Decides every random number.
        seed: Option<u64> = None => "that of the run", ANY, "";
    }
}

/// What the walkers found.
#[derive(Debug, Clone, PartialEq)]
pub struct LearningCoefficient {
    /// λ̂ = nβ (⟨L⟩ − L(x)).
    pub value: f64,
    /// Its Monte Carlo standard error; the bias of the step is not in it.
    pub error: f64,
    /// λ̂ of each walker alone.
    pub walkers: Vec<f64>,
    /// R̂ of the walkers' L; NaN of a single walker.
    pub r_hat: f64,
    pub inverse_temperature: f64,
    pub step_size: f64,
}

/// The local learning coefficient of `potential` at `x`.
///
/// Errors: no number of items and no inverse temperature; options that do not fit the sampler; steps that blow up; a stopped run.
pub fn learning_coefficient(
    run: &Run,
    potential: &Arc<dyn Potential>,
    x: &[f64],
    options: &LearningOptions,
) -> Result<LearningCoefficient> {
    let beta = inverse_temperature(&**potential, options)?;
    let strength = options.localisation / beta;
    let tethered = tethered(potential, x, strength)?;
    let numbers = options.walkers.saturating_mul(options.steps).saturating_mul(x.len());
    let every = numbers.div_ceil(KEPT).clamp(1, options.steps / 2);
    let sampling = SampleOptions {
        method: Method::Sgld,
        temperature: 1.0 / beta,
        step_size: options.step_size,
        steps: options.steps,
        burn_in: options.burn_in,
        every,
        walkers: options.walkers,
        minibatch: options.minibatch,
        seed: options.seed,
        ..SampleOptions::default()
    };
    let samples = sample(run, &tethered, &Start::Position(x), &sampling).map_err(|mut error| {
        error.message = error.message.replacen("sample_langevin", "learning_coefficient", 1);
        error
    })?;
    let positions = samples.positions()?;
    let pulled =
        |row: usize| -> f64 { 0.5 * strength * positions.row(row).iter().zip(x).map(|(w, x)| (w - x) * (w - x)).sum::<f64>() };
    let losses: Vec<f64> = samples.energies.iter().enumerate().map(|(row, e)| e - pulled(row)).collect();
    let here = energy(&**potential, x);
    let worth = |losses: &[f64]| beta * (mean(losses) - here);
    let walkers: Vec<f64> = losses.chunks_exact(samples.rows).map(worth).collect();
    let diagnosis = diagnosis(&losses, samples.walkers)?;
    let found = LearningCoefficient {
        value: worth(&losses),
        error: beta * diagnosis.mcse,
        walkers,
        r_hat: diagnosis.r_hat,
        inverse_temperature: beta,
        step_size: mean(&samples.step_sizes),
    };
    if found.value < -2.0 * found.error {
        run.warn(
            "learning_coefficient: walkers found lower energies than that of `x`: it is no minimum, and the value means nothing",
        );
    } else if found.r_hat > 1.1 {
        run.warn(&format!(
            "learning_coefficient: the walkers do not agree (R̂ {:.2}): more steps, or a longer burn_in",
            found.r_hat
        ));
    }
    Ok(found)
}

fn inverse_temperature(potential: &dyn Potential, options: &LearningOptions) -> Result<f64> {
    if let Some(beta) = options.inverse_temperature {
        return Ok(beta);
    }
    let items = options.items.or(options.minibatch).or(potential.minibatch().map(|some| some.items()));
    match items {
        Some(items) if items > 1 => Ok(items as f64 / (items as f64).ln()),
        Some(items) => {
            let message = format!("learning_coefficient: n/ln n needs two items at least, found {items}");
            Err(Error::value(message).hint("give #{inverse_temperature: …}").at("inverse_temperature"))
        }
        None => {
            Err(Error::value("learning_coefficient: this potential is no mean over items, so nothing says how cold to sample")
                .hint("give #{items: …} or #{inverse_temperature: …}")
                .at("items"))
        }
    }
}

/// The potential with ½ strength |w − x|²; what is frozen stays so.
fn tethered(potential: &Arc<dyn Potential>, x: &[f64], strength: f64) -> Result<Arc<dyn Potential>> {
    if strength == 0.0 {
        return Ok(potential.clone());
    }
    let tether = Restraint { centre: x.to_vec(), strengths: vec![strength; x.len()] };
    let sum: Arc<dyn Potential> = Arc::new(Sum::new(vec![(1.0, potential.clone()), (1.0, Arc::new(tether))])?);
    Ok(match potential.frozen() {
        Some(mask) => Arc::new(Frozen::new(sum, mask.to_vec(), x.to_vec())),
        None => sum,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::potentials::{Batch, Evaluations, Family, Identity};
    use std::any::Any;

    /// A function of each position and its gradient.
    struct Plain(usize, fn(&[f64]) -> (f64, Vec<f64>));

    impl Potential for Plain {
        fn dimension(&self) -> usize {
            self.0
        }
        fn evaluate(&self, batch: Batch, out: &mut Evaluations) {
            out.prepare(&batch);
            for r in 0..batch.rows {
                let (energy, gradient) = (self.1)(batch.row(r));
                out.energies[r] = energy;
                if out.wants_gradients {
                    out.gradients[r * self.0..(r + 1) * self.0].copy_from_slice(&gradient);
                }
            }
        }
        fn family(&self) -> Family {
            Family::Surface
        }
        fn identity(&self) -> Identity {
            Identity { name: "plain".into(), parts: Vec::new() }
        }
        fn random(&self, _: u64, _: f64) -> Vec<f64> {
            vec![0.0; self.0]
        }
        fn as_any(&self) -> &dyn Any {
            self
        }
    }

    fn of(potential: Plain, options: LearningOptions) -> LearningCoefficient {
        let n = potential.0;
        let potential: Arc<dyn Potential> = Arc::new(potential);
        let options = LearningOptions { seed: Some(1), ..options };
        learning_coefficient(&Run::silent(), &potential, &vec![0.0; n], &options).unwrap()
    }

    fn quadratic(dimension: usize) -> Plain {
        Plain(dimension, |x| (0.5 * x.iter().map(|x| x * x).sum::<f64>(), x.to_vec()))
    }

    #[test]
    fn a_quadratic_counts_half_its_coordinates() {
        // SGLD of step h samples a quadratic of stiffness 1 with variance T/(1 − h/2): λ̂ = d/2 / (1 − h/2) exactly.
        let h = 0.2;
        let options = LearningOptions { items: Some(1000), step_size: Some(h), steps: 20_000, ..Default::default() };
        let found = of(quadratic(6), options.clone());
        let truth = 3.0 / (1.0 - h / 2.0);
        assert!((found.value - truth).abs() < 5.0 * found.error && found.error < 0.05, "{found:?} for {truth}");
        assert!((found.inverse_temperature - 1000.0 / 1000f64.ln()).abs() < 1e-9 && found.walkers.len() == 4);
        assert!(found.r_hat < 1.02);
        // The tether: ½ nβ/(nβ + γ) a coordinate, here a half of that, at an effective stiffness of 2.
        let beta = found.inverse_temperature;
        let found = of(quadratic(6), LearningOptions { localisation: beta, ..options });
        let truth = 1.5 / (1.0 - h);
        assert!((found.value - truth).abs() < 5.0 * found.error, "{found:?} for {truth}");
    }

    /// nβ ⟨L⟩ under exp(−nβ L − γ/2 |w|²) on a grid of the plane.
    fn quadrature(of: fn(&[f64]) -> (f64, Vec<f64>), beta: f64, gamma: f64, reach: f64) -> f64 {
        let (mut sum, mut weights) = (0.0, 0.0);
        let points = 800;
        for i in 0..points {
            for j in 0..points {
                let [x, y] = [i, j].map(|k| reach * (2.0 * (k as f64 + 0.5) / points as f64 - 1.0));
                let loss = of(&[x, y]).0;
                let weight = (-beta * loss - 0.5 * gamma * (x * x + y * y)).exp();
                sum += weight * beta * loss;
                weights += weight;
            }
        }
        sum / weights
    }

    #[test]
    fn flat_minima_count_less() {
        fn quartic(x: &[f64]) -> (f64, Vec<f64>) {
            (x.iter().map(|x| x.powi(4)).sum(), x.iter().map(|x| 4.0 * x.powi(3)).collect())
        }
        fn crossing(x: &[f64]) -> (f64, Vec<f64>) {
            let (a, b) = (x[0] * x[0], x[1] * x[1]);
            (a * b, vec![2.0 * x[0] * b, 2.0 * x[1] * a])
        }
        // w⁴ in two coordinates: λ = 2/4. The tether is weak enough to change nothing.
        let options = LearningOptions {
            inverse_temperature: Some(1000.0),
            step_size: Some(0.05),
            steps: 60_000,
            burn_in: 2000,
            walkers: 8,
            ..Default::default()
        };
        let found = of(Plain(2, quartic), options.clone());
        assert!((quadrature(quartic, 1000.0, 0.0, 1.0) - 0.5).abs() < 1e-6);
        assert!((found.value - 0.5).abs() < 5.0 * found.error + 0.01 && found.error < 0.02, "{found:?}");
        // x²y²: λ = ½ with multiplicity 2, reached as slowly as 1/ln nβ; the tempered tethered density itself says how far it is.
        let found = of(Plain(2, crossing), LearningOptions { localisation: 10.0, ..options });
        let truth = quadrature(crossing, 1000.0, 10.0, 2.5);
        assert!(truth > 0.2 && truth < 0.5, "{truth}");
        assert!((found.value - truth).abs() < 5.0 * found.error + 0.01 && found.error < 0.02, "{found:?} for {truth}");
    }

    #[test]
    fn frozen_coordinates_do_not_count_and_mistakes_are_named() {
        let inner: Arc<dyn Potential> = Arc::new(quadratic(4));
        let frozen: Arc<dyn Potential> = Arc::new(Frozen::new(inner.clone(), vec![true, false, true, false], vec![0.0; 4]));
        let options = LearningOptions {
            items: Some(500),
            localisation: 1e-9,
            step_size: Some(0.1),
            steps: 20_000,
            seed: Some(2),
            ..Default::default()
        };
        let found = learning_coefficient(&Run::silent(), &frozen, &[0.0; 4], &options).unwrap();
        assert!((found.value - 1.0 / 0.95).abs() < 5.0 * found.error, "{found:?}");
        let says =
            |options: LearningOptions| learning_coefficient(&Run::silent(), &inner, &[0.0; 4], &options).unwrap_err().to_string();
        assert!(says(LearningOptions::default()).contains("no mean over items"));
        assert!(says(LearningOptions { step_size: Some(50.0), ..options }).starts_with("learning_coefficient: the energy"));
    }
}
