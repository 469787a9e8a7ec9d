//! The searches that `connect` and `explore` are made of: from a start to transition states with both their sides.

use crate::algorithms::transition_state::SaddleMethod;
use crate::algorithms::{
    DnebOptions, PathwayOptions, StationaryPoint, Termination, TransitionStateOptions, dneb, pathway, transition_state,
};
use crate::base::{Result, Run};
use crate::potentials::{Family, Potential};

/// A transition state and the minima on both its sides.
pub(super) struct Connection {
    pub transition_state: StationaryPoint,
    pub minus: StationaryPoint,
    pub plus: StationaryPoint,
}

/// What a search found and what it cost.
#[derive(Default)]
pub(super) struct Finds {
    pub connections: Vec<Connection>,
    pub minima: Vec<StationaryPoint>,
    /// Why parts of it failed: a few words each, counted in reports.
    pub failed: Vec<String>,
    /// Gradients, as far as the algorithms count them.
    pub evaluations: usize,
}

/// Climbs from `start` to a transition state and follows both sides down. Failing is a find; only a stop is an error.
pub(super) fn climb(run: &Run, potential: &dyn Potential, start: &[f64], tolerance: f64, finds: &mut Finds) -> Result<()> {
    // With a cheap analytic Hessian second order wins everywhere (SCIENCE, measured recipe).
    let method = if potential.family() == Family::Network && potential.prefers_dense_hessian() {
        SaddleMethod::EigenvectorFollowing
    } else {
        SaddleMethod::Hybrid
    };
    let options = TransitionStateOptions { method, tolerance, ..Default::default() };
    let saddle = match transition_state(run, potential, start, &options) {
        Ok(saddle) => saddle,
        Err(error) if error.is_stop() => return Err(error),
        Err(_) => return fail(finds, "transition state: start not finite"),
    };
    finds.evaluations += saddle.evaluations;
    if saddle.termination != Termination::Converged {
        return fail(finds, &format!("transition state: {}", saddle.termination.name()));
    }
    let sides = PathwayOptions { tolerance, ..Default::default() };
    let way = match pathway(run, potential, &saddle.point.position, &saddle.eigenvector, &sides) {
        Ok(way) => way,
        Err(error) if error.is_stop() => return Err(error),
        Err(_) => return fail(finds, "side: start not finite"),
    };
    finds.evaluations += way.minus.evaluations + way.plus.evaluations;
    for side in [&way.minus, &way.plus] {
        if side.termination != Termination::Converged {
            return fail(finds, &format!("side: {}", side.termination.name()));
        }
        if side.point.curvature.index != 0 {
            return fail(finds, &format!("side: index {}", side.point.curvature.index));
        }
    }
    finds.connections.push(Connection { transition_state: saddle.point, minus: way.minus.point, plus: way.plus.point });
    Ok(())
}

fn fail(finds: &mut Finds, reason: &str) -> Result<()> {
    finds.failed.push(reason.to_string());
    Ok(())
}

/// Joins two minima by a band and refines every candidate. `attempt` counts from 0: later bands are longer and finer, every other one
/// goes the other way round, so that a second try is not the first one again.
pub(super) fn join(run: &Run, potential: &dyn Potential, ends: [&[f64]; 2], attempt: usize, tolerance: f64) -> Result<Finds> {
    let mut finds = Finds::default();
    // Short bands and many of them give most transition states a second (SCIENCE); what they miss the longer ones get.
    let (images, iterations) = if potential.family() == Family::Surface { (25, 200) } else { (20, 60) };
    let growth = 1.0 + 0.5 * attempt as f64;
    let options = DnebOptions {
        images: Some(((images as f64 * growth) as usize).min(150)),
        iterations: Some(((iterations as f64 * growth * growth) as usize).min(1000)),
        ..Default::default()
    };
    let [from, to] = if attempt % 2 == 0 { ends } else { [ends[1], ends[0]] };
    let band = match dneb(run, potential, from, to, &options) {
        Ok(band) => band,
        Err(error) if error.is_stop() => return Err(error),
        Err(_) => {
            fail(&mut finds, "band: same or not finite ends")?;
            return Ok(finds);
        }
    };
    finds.evaluations += band.iterations * band.positions.rows;
    if band.candidates.is_empty() {
        fail(&mut finds, "band: no candidates")?;
    }
    for candidate in &band.candidates {
        climb(run, potential, candidate, tolerance, &mut finds)?;
    }
    Ok(finds)
}
