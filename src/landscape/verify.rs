//! Computing every stored point again: does it hold what it says?

use super::Landscape;
use crate::algorithms::{StationaryPoint, curvature};
use crate::base::{Result, Run};
use crate::math::matrix::rms;
use crate::potentials::{Potential, energy_gradient};
use rayon::prelude::*;

/// A point that does not hold what it says.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// `minimum` or `transition state`.
    pub kind: &'static str,
    pub id: usize,
    /// What does not hold.
    pub reason: String,
}

/// What `verify` found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verification {
    /// Number of points computed again.
    pub checked: usize,
    pub failed: Vec<Failure>,
}

/// Largest change of an energy, relative to 1 + |E|: another machine's vector width changes the last digits, nothing changes more.
const ENERGY: f64 = 1e-10;
/// Largest RMS gradient, in units of the landscape's tolerance: rounding of the gradient near convergence.
const GRADIENT: f64 = 1.5;

impl Landscape {
    /// Computes energy, RMS gradient and Hessian index of every point again, on all cores.
    ///
    /// Errors: a landscape without a potential; a run that is stopped.
    pub fn verify(&self, run: &Run) -> Result<Verification> {
        let potential = self.needs_potential("verify")?.as_ref();
        let mut points: Vec<(&'static str, usize, StationaryPoint)> = Vec::new();
        points.extend(self.minima().iter().map(|m| ("minimum", m.id, m.point())));
        points.extend(self.transition_states().iter().map(|t| ("transition state", t.id, t.point())));
        let task = run.task("verify", Some(points.len() as u64));
        let tolerance = self.tolerances().tolerance;
        let failed: Vec<Option<Failure>> = points
            .par_iter()
            .map(|(kind, id, point)| {
                task.tick(1, String::new)?;
                let index = usize::from(*kind != "minimum");
                let reason = examine(run, potential, point, index, tolerance)?;
                Ok(reason.map(|reason| Failure { kind, id: *id, reason }))
            })
            .collect::<Result<_>>()?;
        Ok(Verification { checked: points.len(), failed: failed.into_iter().flatten().collect() })
    }
}

/// What does not hold of a point that is stored as one of index `index`.
fn examine(
    run: &Run,
    potential: &dyn Potential,
    point: &StationaryPoint,
    index: usize,
    tolerance: f64,
) -> Result<Option<String>> {
    let (energy, gradient) = energy_gradient(potential, &point.position);
    if energy.is_nan() || (energy - point.energy).abs() > ENERGY * (1.0 + point.energy.abs()) {
        return Ok(Some(format!("its energy is {energy}, stored is {}", point.energy)));
    }
    let rms = rms(&gradient);
    if rms.is_nan() || rms > GRADIENT * tolerance {
        return Ok(Some(format!("its RMS gradient is {rms:.2e}, more than {tolerance:e}")));
    }
    let found = curvature::curvature(run, potential, &point.position)?;
    if found.index != index {
        return Ok(Some(format!("its index is {}, not {index}", found.index)));
    }
    Ok(None)
}
