//! The searches that `connect` and `explore` are made of: from a start to transition states with both their sides.

use crate::algorithms::curvature::softest_modes;
use crate::algorithms::transition_state::SaddleMethod;
use crate::algorithms::{
    DnebOptions, PathwayOptions, StationaryPoint, Termination, TransitionStateOptions, dneb, pathway, transition_state,
};
use crate::base::{Result, Run};
use crate::math::matrix::add_scaled;
use crate::math::random::Stream;
use crate::potentials::{Family, Potential};
use rand::RngExt;

/// A transition state and the minima on both its sides.
pub(super) struct Connection {
    pub transition_state: StationaryPoint,
    pub minus: StationaryPoint,
    pub plus: StationaryPoint,
}

/// What a full second-order step of a network costs, in gradients (SCIENCE, measured recipe).
const HESSIAN: usize = 9;

/// What a search found and what it cost.
#[derive(Default)]
pub(super) struct Finds {
    pub connections: Vec<Connection>,
    pub minima: Vec<StationaryPoint>,
    /// Why parts of it failed: a few words each, counted in reports.
    pub failed: Vec<String>,
    /// Gradients; a Hessian counts as [`HESSIAN`] of them.
    pub evaluations: usize,
    /// The ids of the minima that a band was to join.
    pub joined: Option<[usize; 2]>,
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
    let hessians = if method == SaddleMethod::EigenvectorFollowing { saddle.iterations } else { 0 };
    finds.evaluations += saddle.evaluations + HESSIAN * hessians;
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
    let [from, to] = if attempt.is_multiple_of(2) { ends } else { [ends[1], ends[0]] };
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

/// Moves every coordinate that can move by a uniform number in [−size, size], back into the container.
pub(super) fn jiggle(potential: &dyn Potential, x: &mut [f64], size: f64, random: &mut Stream) {
    let frozen = potential.frozen();
    for (i, x) in x.iter_mut().enumerate() {
        let by = size * (2.0 * random.random::<f64>() - 1.0);
        if !frozen.is_some_and(|f| f[i]) {
            *x += by;
        }
    }
    potential.contain(x);
}

/// Where a single-ended search from a minimum begins: along a soft mode for networks (one of the twelve softest, norm 1 to 3: SCIENCE,
/// measured recipe); for clusters and surfaces mostly a random displacement of all coordinates, at times a soft mode, or one atom.
pub(super) fn displaced(run: &Run, potential: &dyn Potential, minimum: &[f64], random: &mut Stream) -> Result<Vec<f64>> {
    let mut x = minimum.to_vec();
    let chance: f64 = random.random();
    let along = |x: &mut [f64], low: f64, high: f64, random: &mut Stream| -> Result<()> {
        let modes = softest_modes(run, potential, minimum, 12)?;
        if !modes.is_empty() {
            let mode = &modes[random.random_range(0..modes.len())];
            let size = low + (high - low) * random.random::<f64>();
            add_scaled(x, if random.random::<bool>() { size } else { -size }, mode);
        }
        Ok(())
    };
    match potential.family() {
        Family::Network => along(&mut x, 1.0, 3.0, random)?,
        Family::Cluster if chance < 0.6 => {
            let size = 0.15 + 0.35 * random.random::<f64>();
            jiggle(potential, &mut x, size, random);
        }
        Family::Cluster if chance < 0.8 => along(&mut x, 0.3, 1.5, random)?,
        Family::Cluster => {
            let atom = 3 * random.random_range(0..(x.len() / 3).max(1));
            let end = (atom + 3).min(x.len());
            x[atom..end].iter_mut().for_each(|x| *x += 1.6 * random.random::<f64>() - 0.8);
            potential.contain(&mut x);
        }
        Family::Surface if chance < 0.7 => {
            let size = 0.05 + 0.45 * random.random::<f64>();
            jiggle(potential, &mut x, size, random);
        }
        Family::Surface => along(&mut x, 0.05, 0.5, random)?,
    }
    Ok(x)
}
