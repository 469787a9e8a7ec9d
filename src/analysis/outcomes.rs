//! Outcomes of minimisation as a classification problem: where do three atoms put at random into a cube end?
//!
//! The inputs of an item are the distances r₁₂ and r₁₃ of the start, its class is the minimum of LJAT3 that a minimiser reaches:
//! 0 the triangle; 1, 2, 3 a chain with that atom in the centre. The minimiser decides the class of one start in ten, so it is part of the
//! definition: `lbfgs` (GMIN's, memory 4, largest step 0.4) is that of the published sets, `gradient_flow` asks for the basin of steepest
//! descent. Starts depend on side and seed alone; each has a random stream of its own, so that the first hundred of a thousand are the hundred.
//! A start that the quasi-Newton steps throw apart (beyond 2.5 σ) or do not bring to the end keeps its place and takes the class that gradient flow gives it.
//!
//! Reference: S. R. Chitturi et al., Mach. Learn.: Sci. Technol. 1, 023002 (2020), doi:10.1088/2632-2153/ab7aef.

use crate::algorithms::Termination;
use crate::algorithms::gradient_flow::{GradientFlowOptions, gradient_flow};
use crate::algorithms::minimise::{MinimiseOptions, quench};
use crate::base::{Error, Result, Run};
use crate::data::{Dataset, Targets};
use crate::math::Matrix;
use crate::math::random::stream;
use crate::potentials::clusters::Ljat3;
use rand::RngExt;
use rayon::prelude::*;

crate::choices! {
    /// How an outcome of LJAT3 is decided.
    pub enum OutcomeMinimiser {
        /// GMIN's LBFGS with memory 4 and steps of at most 0.4: the labels of the published sets.
        Lbfgs = "lbfgs",
        /// Steepest descent followed exactly: the basin in which the start lies.
        GradientFlow = "gradient_flow",
    }
}

crate::options! {
    /// Options of `ljat3_dataset`.
    pub struct Ljat3DatasetOptions {
        /// Side of the cube in which the three atoms start.
        side: Option<f64> = None => "must be given", POSITIVE, "σ";
        /// Number of items.
        count: usize = 1000, AT_LEAST_ONE, "";
        /// Decides the starts.
        seed: Option<u64> = None => "that of the run", ANY, "";
        /// Strength of the triple term.
        z: f64 = 2.0, NOT_NEGATIVE, "ε σ⁹";
        /// What decides the class; never changes a start.
        minimiser: OutcomeMinimiser = OutcomeMinimiser::Lbfgs, ANY, "";
    }
}

/// RMS gradient of the end.
const TOLERANCE: f64 = 1e-10;

/// Three atoms uniformly at random in a cube of side L: (r₁₂, r₁₃) and the class 0 … 3 in which they end.
pub fn ljat3_dataset(run: &Run, options: &Ljat3DatasetOptions) -> Result<Dataset> {
    let Some(side) = options.side else {
        return Err(Error::value("ljat3_dataset: option `side` is missing")
            .hint("give the side of the cube of starts, for example #{side: 1.385}")
            .at("side"));
    };
    if !side.is_finite() || side > 1e3 {
        return Err(Error::value(format!("ljat3_dataset: option `side` must be at most 1000, found {side}")).at("side"));
    }
    if options.count > 1 << 28 {
        return Err(Error::value(format!("ljat3_dataset: option `count` must be at most {}, found {}", 1 << 28, options.count))
            .at("count"));
    }
    let seed = run.seed(options.seed);
    let potential = Ljat3::new(options.z);
    let task = run.task("ljat3_dataset", Some(options.count as u64));
    let items: Vec<([f64; 2], u32)> = (0..options.count)
        .into_par_iter()
        .map(|item| {
            let mut random = stream(seed, item as u64);
            let start: [f64; 9] = std::array::from_fn(|_| side * random.random::<f64>());
            let class = outcome(run, &potential, &start, options.minimiser)?;
            task.tick(1, String::new)?;
            Ok((starting_distances(&start), class))
        })
        .collect::<Result<_>>()?;
    let inputs = Matrix::from_rows(items.len(), 2, items.iter().flat_map(|(r, _)| *r).collect());
    Dataset::new(inputs, Targets::numbered(items.into_iter().map(|(_, class)| class).collect(), 4))
}

fn starting_distances(x: &[f64; 9]) -> [f64; 2] {
    let [r12, r13, _] = distances(x);
    [r12, r13]
}

/// r₁₂, r₁₃, r₂₃.
fn distances(x: &[f64]) -> [f64; 3] {
    [(0, 1), (0, 2), (1, 2)].map(|(i, j)| (0..3).map(|k| (x[3 * i + k] - x[3 * j + k]).powi(2)).sum::<f64>().sqrt())
}

/// The class of the minimum that a start reaches.
fn outcome(run: &Run, potential: &Ljat3, start: &[f64], minimiser: OutcomeMinimiser) -> Result<u32> {
    if minimiser == OutcomeMinimiser::Lbfgs {
        let options = MinimiseOptions {
            tolerance: TOLERANCE,
            memory: Some(4),
            max_step: Some(0.4),
            newton_below: Some(0.0),
            ..Default::default()
        };
        let (end, termination, _) = quench(run, potential, start, &options)?;
        // Rounding may stop the steps just above the tolerance; the minimum is decided long before.
        if termination == Termination::Converged || (termination == Termination::Stalled && end.rms() <= 1e-6) {
            return Ok(class_of(&end.x));
        }
    }
    let options = GradientFlowOptions { tolerance: TOLERANCE, ..Default::default() };
    let (end, _) = gradient_flow(run, potential, start, &options)?;
    Ok(class_of(&end.x))
}

/// 0 for a triangle; for a chain, whose ends are twice as far apart as its neighbours, 1 + the number of the atom opposite the longest distance.
fn class_of(x: &[f64]) -> u32 {
    let [r12, r13, r23] = distances(x);
    let longest = r12.max(r13).max(r23);
    if longest <= 1.5 * r12.min(r13).min(r23) {
        0
    } else if longest == r23 {
        1
    } else if longest == r13 {
        2
    } else {
        3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(side: f64, count: usize, minimiser: OutcomeMinimiser) -> [f64; 4] {
        let options = Ljat3DatasetOptions { side: Some(side), count, seed: Some(11), minimiser, ..Default::default() };
        let data = ljat3_dataset(&Run::silent(), &options).unwrap();
        let Targets::Classes { labels, .. } = &data.targets else { panic!("classes") };
        std::array::from_fn(|c| labels.iter().filter(|&&l| l as usize == c).count() as f64 / count as f64)
    }

    /// Fractions of 100,000 starts minimised outside losscape with GMIN's LBFGS and by gradient flow.
    #[test]
    fn fractions_agree_with_other_programs() {
        for (side, minimiser, expected) in [
            (12f64.sqrt(), OutcomeMinimiser::Lbfgs, [0.1766, 0.2736, 0.2774, 0.2724]),
            (12f64.sqrt(), OutcomeMinimiser::GradientFlow, [0.0799, 0.3062, 0.3091, 0.3048]),
            (1.385, OutcomeMinimiser::Lbfgs, [0.7443, 0.0850, 0.0847, 0.0860]),
            (1.385, OutcomeMinimiser::GradientFlow, [0.7233, 0.0922, 0.0916, 0.0929]),
        ] {
            let found = counts(side, 1000, minimiser);
            for (f, e) in found.iter().zip(expected) {
                // Four standard errors of the thousand.
                assert!(
                    (f - e).abs() < 4.0 * (e * (1.0 - e) / 1000.0).sqrt(),
                    "side {side}, {minimiser:?}: {found:?}, expected {expected:?}"
                );
            }
        }
    }

    #[test]
    fn starts_do_not_depend_on_minimiser_or_count() {
        let data = |count, minimiser| {
            let options = Ljat3DatasetOptions { side: Some(2.0), count, seed: Some(5), minimiser, ..Default::default() };
            ljat3_dataset(&Run::silent(), &options).unwrap()
        };
        let (a, b) = (data(60, OutcomeMinimiser::Lbfgs), data(30, OutcomeMinimiser::GradientFlow));
        assert_eq!(a.inputs.data[..60], b.inputs.data[..]);
        assert_ne!(a.targets, data(60, OutcomeMinimiser::GradientFlow).targets);
        let error = ljat3_dataset(&Run::silent(), &Ljat3DatasetOptions::default()).unwrap_err();
        assert!(error.to_string().contains("side"));
    }
}
