//! The way down on both sides of a transition state: which two minima it connects.
//!
//! The position is pushed off along ± the eigenvector and minimised. Long quasi-Newton steps fall into wrong basins, so the step cap
//! starts at the push-off and grows by a tenth an iteration: the first part of the way is that of steepest descent. Where second order
//! takes over near a transition state (networks), its trust region does that.
//! Cost: two minimisations. Reference: D. J. Wales, Energy Landscapes (CUP 2003), section 6.3; OPTIM (PUSHOFF).

use super::evaluator::{Evaluator, check_position, now};
use super::minimise::{self, MinimiseOptions};
use super::{Minimised, Pathway};
use crate::base::{Error, Result, Run};
use crate::math::matrix::norm;
use crate::potentials::{Family, Potential};

crate::options! {
    /// Options of `pathway`.
    pub struct PathwayOptions {
        /// Length of the first step off the transition state.
        push_off: Option<f64> = None => "0.05 for networks, 0.02 for clusters, 0.01 for surfaces", POSITIVE, "length";
        /// RMS gradient at which the minima have converged.
        tolerance: f64 = 1e-9, POSITIVE, "energy per length";
        /// Largest number of iterations of each side.
        max_iterations: usize = 10_000, AT_LEAST_ONE, "";
    }
}

/// Follows both sides down from a transition state at `position` whose reaction vector is `eigenvector` (any length).
///
/// Errors: a position that does not fit; an eigenvector of zero length; a run that is stopped.
pub fn pathway(
    run: &Run,
    potential: &dyn Potential,
    position: &[f64],
    eigenvector: &[f64],
    options: &PathwayOptions,
) -> Result<Pathway> {
    check_position("pathway", "transition_state", potential, position)?;
    check_position("pathway", "eigenvector", potential, eigenvector)?;
    let length = norm(eigenvector);
    if length == 0.0 {
        return Err(Error::value("pathway: the eigenvector of the transition state has length 0").at("transition_state"));
    }
    let push_off = options.push_off.unwrap_or(match potential.family() {
        Family::Network => 0.05,
        Family::Cluster => 0.02,
        Family::Surface => 0.01,
    });
    let top = crate::potentials::energy(potential, position);
    let side = |sign: f64| -> Result<(Minimised, Vec<[f64; 2]>, f64)> {
        let start: Vec<f64> = position.iter().zip(eigenvector).map(|(x, e)| x + sign * push_off / length * e).collect();
        let down = MinimiseOptions { tolerance: options.tolerance, max_iterations: options.max_iterations, ..Default::default() };
        let mut evaluator = Evaluator::new(run, potential);
        let (mut state, termination) = now(minimise::descend(&mut evaluator, &start, &down, Some(push_off)))?;
        let trace = state.trace.take().unwrap_or_default();
        let length = push_off + state.length;
        Ok((minimise::finish(run, potential, state, termination, &evaluator)?, trace, length))
    };
    let (minus, down, minus_length) = side(-1.0)?;
    let (plus, up, plus_length) = side(1.0)?;
    let mut points: Vec<[f64; 2]> = down.iter().rev().map(|[far, energy]| [minus_length - push_off - far, *energy]).collect();
    points.push([minus_length, top]);
    points.extend(up.iter().map(|[far, energy]| [minus_length + push_off + far, *energy]));
    let (distances, energies) = points.into_iter().map(|[far, energy]| (far, energy)).unzip();
    Ok(Pathway { minus, plus, length: minus_length + plus_length, energies, distances })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algorithms::Termination;
    use crate::algorithms::transition_state::{SaddleMethod, TransitionStateOptions, transition_state};
    use crate::data::Dataset;
    use crate::math::Matrix;
    use crate::network::{Network, NetworkOptions};
    use crate::potentials::loss::{LossOptions, NetworkLoss};

    /// Whatever minimiser goes down, the profile falls from the transition state to both minima and ends there.
    #[test]
    fn the_profile_falls_to_both_minima() {
        let run = Run::silent();
        let inputs = Matrix::from_rows(12, 2, (0..24).map(|k| (1.7 * f64::from(k)).sin()).collect());
        let data = Dataset::with_classes(inputs, &[0, 1, 2, 0, 1, 0, 2, 2, 1, 0, 1, 2]).expect("twelve items");
        let net = Network::new(&[2, 3, 3], &NetworkOptions::default()).expect("the network is sound");
        let potential = NetworkLoss::new(&net, &data, &LossOptions { l2: 1e-3, ..Default::default() }).expect("they fit");
        let mut ways = 0;
        for seed in 0..20 {
            let climb = TransitionStateOptions { method: SaddleMethod::EigenvectorFollowing, ..Default::default() };
            let top = transition_state(&run, &potential, &potential.random(seed, 1.0), &climb).expect("it runs");
            if top.termination != Termination::Converged {
                continue;
            }
            let way = pathway(&run, &potential, &top.point.position, &top.eigenvector, &Default::default()).expect("it runs");
            let energies = &way.energies;
            let middle = energies.iter().position(|&e| e == top.point.energy).expect("the transition state is on its way");
            assert!(middle > 2 && energies.len() - middle > 3, "{energies:?}");
            assert_eq!((energies[0], energies[energies.len() - 1]), (way.minus.point.energy, way.plus.point.energy));
            assert!(energies[..=middle].is_sorted_by(|a, b| *a <= b + 1e-10), "{energies:?}");
            assert!(energies[middle..].is_sorted_by(|a, b| *b <= a + 1e-10), "{energies:?}");
            // The last step may be Newton's alone, of no length that counts.
            assert!(way.distances.is_sorted() && way.distances.len() == energies.len());
            assert!(way.distances[0].abs() < 1e-9 && (way.distances[energies.len() - 1] - way.length).abs() < 1e-9 * way.length);
            ways += 1;
        }
        assert!(ways > 0);
    }
}
