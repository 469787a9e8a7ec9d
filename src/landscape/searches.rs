//! The searches that `connect` and `explore` are made of: from a start to transition states with both their sides, or to a minimum.

use super::displacement::{Displacement, displaced, jiggle};
use super::{Landscape, Minimum};
use crate::algorithms::basin_hop::settle;
use crate::algorithms::transition_state::SaddleMethod;
use crate::algorithms::{
    DnebOptions, MinimiseOptions, PathwayOptions, StationaryPoint, Termination, TransitionStateOptions, dneb, minimise, pathway,
    transition_state,
};
use crate::base::{Result, Run};
use crate::math::random::Stream;
use crate::potentials::{Family, Potential};
use rand::RngExt;

/// A transition state and the minima on both its sides.
pub(super) struct Connection {
    pub transition_state: StationaryPoint,
    pub minus: StationaryPoint,
    pub plus: StationaryPoint,
}

/// What was explored when a search was planned.
#[derive(Debug, Clone, Copy)]
pub(super) struct Explored {
    /// Transition states with ids up to this one are known; they are not followed down again.
    pub known: usize,
    /// Where a climb falls below this energy it is given up.
    pub floor: Option<f64>,
}

/// What a search found and what it cost.
#[derive(Default)]
pub(super) struct Finds {
    pub connections: Vec<Connection>,
    /// The ids of transition states that the landscape had already; they were not followed down.
    pub known: Vec<usize>,
    pub minima: Vec<StationaryPoint>,
    /// Why parts of it failed: a few words each, counted in reports.
    pub failed: Vec<String>,
    /// Gradients; a Hessian counts as several.
    pub evaluations: usize,
    /// The lowest energy on the way of the last climb.
    pub lowest: Option<f64>,
    /// The ids of the minima that a band was to join.
    pub joined: Option<[usize; 2]>,
}

impl Finds {
    /// Whether it came to no stationary point.
    pub fn nothing(&self) -> bool {
        self.connections.is_empty() && self.known.is_empty() && self.minima.is_empty()
    }

    fn fail(&mut self, reason: impl Into<String>) {
        self.failed.push(reason.into());
    }
}

/// Steps downhill before a climb from a start that lies high: a fifth fewer Hessians, and more climbs that end in time.
const RELAXING: usize = 30;

/// Searches of one landscape.
pub(super) struct Searcher<'a> {
    pub landscape: &'a Landscape,
    pub potential: &'a dyn Potential,
    pub tolerance: f64,
}

impl Searcher<'_> {
    /// What a Hessian with its eigenproblem costs, in gradients: nine for networks (SCIENCE, measured recipe); for other potentials, whose
    /// gradients are cheap, the eigenproblem is the larger part.
    fn hessian(&self) -> usize {
        if self.potential.family() == Family::Network { 9 } else { self.potential.dimension() }
    }

    /// What finding the nearest minimum and laying it onto the first costs, in gradients. For clusters it is about as much as a short band:
    /// some hundred assignments each of a few alignments.
    fn alignments(&self) -> usize {
        if self.potential.family() == Family::Cluster { 40 * self.potential.dimension() } else { 0 }
    }

    /// Climbs from `start` to a transition state and follows both sides down, unless it is known.
    /// Failing is a find; only a stop is an error.
    fn climb(&self, run: &Run, start: &[f64], explored: Explored, finds: &mut Finds) -> Result<()> {
        // With a cheap analytic Hessian second order wins everywhere (SCIENCE, measured recipe). Such climbs take some twenty Hessians; one
        // that wanders for a hundred costs more than another start.
        let usual = TransitionStateOptions { tolerance: self.tolerance, floor: explored.floor, ..Default::default() };
        let options = if self.potential.family() == Family::Network && self.potential.prefers_dense_hessian() {
            TransitionStateOptions { method: SaddleMethod::EigenvectorFollowing, max_iterations: 100, ..usual }
        } else {
            usual
        };
        let saddle = match transition_state(run, self.potential, start, &options) {
            Ok(saddle) => saddle,
            Err(error) if error.is_stop() => return Err(error),
            Err(_) => {
                finds.fail("transition state: start not finite");
                return Ok(());
            }
        };
        finds.lowest = Some(saddle.lowest);
        finds.evaluations += saddle.evaluations + self.hessian() * saddle.hessians;
        if saddle.termination != Termination::Converged {
            finds.fail(match saddle.termination {
                Termination::TooLow => "transition state: fell to energies where all is known".into(),
                other => format!("transition state: {}", other.name()),
            });
            return Ok(());
        }
        if let Some(id) = self.landscape.known_transition_state(&saddle.point, explored.known) {
            finds.known.push(id);
            return Ok(());
        }
        let sides = PathwayOptions { tolerance: self.tolerance, ..Default::default() };
        let way = match pathway(run, self.potential, &saddle.point.position, &saddle.eigenvector, &sides) {
            Ok(way) => way,
            Err(error) if error.is_stop() => return Err(error),
            Err(_) => {
                finds.fail("side: start not finite");
                return Ok(());
            }
        };
        for side in [&way.minus, &way.plus] {
            finds.evaluations += side.evaluations + self.hessian() * side.hessians;
        }
        for side in [&way.minus, &way.plus] {
            if side.termination != Termination::Converged {
                finds.fail(format!("side: {}", side.termination.name()));
                return Ok(());
            }
            if side.point.curvature.index != 0 {
                finds.fail(format!("side: index {}", side.point.curvature.index));
                return Ok(());
            }
        }
        finds.connections.push(Connection { transition_state: saddle.point, minus: way.minus.point, plus: way.plus.point });
        Ok(())
    }

    /// Displaces a minimum, perhaps with nodes of `donor`, and climbs.
    pub fn climb_from(
        &self,
        run: &Run,
        from: &Minimum,
        displacement: Displacement,
        donor: Option<&Minimum>,
        explored: Explored,
        random: &mut Stream,
    ) -> Result<Finds> {
        let mut finds = Finds::default();
        let donor = donor.map(|donor| &*donor.position);
        let mut start = displaced(run, self.potential, displacement, &from.position, donor, random)?;
        if displacement.moves_nodes() {
            let tolerance = self.tolerance;
            let few = MinimiseOptions { max_iterations: RELAXING, newton_below: Some(0.0), tolerance, ..Default::default() };
            match minimise(run, self.potential, &start, &few) {
                Ok(relaxed) => {
                    finds.evaluations += relaxed.evaluations;
                    start = relaxed.point.position;
                }
                Err(error) if error.is_stop() => return Err(error),
                Err(_) => {
                    finds.fail("transition state: start not finite");
                    return Ok(finds);
                }
            }
        }
        self.climb(run, &start, explored, &mut finds)?;
        Ok(finds)
    }

    /// Joins two minima by a band and refines every candidate. `attempt` counts from 0: later bands are longer and finer, every other one
    /// goes the other way round, so that a second try is not the first one again.
    pub fn join(&self, run: &Run, ends: [&Minimum; 2], attempt: usize, explored: Explored) -> Result<Finds> {
        let mut finds = Finds { joined: Some([ends[0].id, ends[1].id]), ..Finds::default() };
        // Short bands and many of them give most transition states a second (SCIENCE); what they miss the longer ones get. For networks
        // 30 iterations allow a third more attempts a second than 60 and join as much: the climbs from the candidates do the rest.
        let (images, iterations) = match self.potential.family() {
            Family::Network => (20, 30),
            Family::Cluster => (20, 60),
            Family::Surface => (25, 200),
        };
        let growth = 1.0 + 0.5 * attempt as f64;
        let options = DnebOptions {
            images: Some(((images as f64 * growth) as usize).min(150)),
            iterations: Some(((iterations as f64 * growth * growth) as usize).min(1000)),
            ..Default::default()
        };
        let [from, to] = if attempt.is_multiple_of(2) { ends } else { [ends[1], ends[0]] };
        let band = match dneb(run, self.potential, &from.position, &to.position, &options) {
            Ok(band) => band,
            Err(error) if error.is_stop() => return Err(error),
            Err(_) => {
                finds.fail("band: same or not finite ends");
                return Ok(finds);
            }
        };
        finds.evaluations += band.iterations * (band.positions.rows - 2) + self.alignments();
        if band.candidates.is_empty() {
            finds.fail("band: no candidates");
        }
        for candidate in &band.candidates {
            self.climb(run, candidate, explored, &mut finds)?;
        }
        Ok(finds)
    }

    /// A quench from a moved minimum, or from a fresh start where there is none.
    pub fn quench(&self, run: &Run, from: Option<&Minimum>, random: &mut Stream) -> Result<Finds> {
        let start = match from {
            None => self.potential.random(random.random(), 1.0),
            Some(from) => {
                let step = match self.potential.family() {
                    Family::Network => 1.0,
                    Family::Cluster => 0.36,
                    Family::Surface => 0.5,
                };
                let mut x = from.position.to_vec();
                jiggle(self.potential, &mut x, step, random);
                x
            }
        };
        let mut finds = Finds::default();
        let options = MinimiseOptions { tolerance: self.tolerance, ..Default::default() };
        match settle(run, self.potential, &start, &options, &mut 0) {
            Ok(found) => {
                finds.evaluations += found.evaluations + self.hessian() * found.hessians;
                match found.termination {
                    Termination::Converged if found.point.curvature.index == 0 => finds.minima.push(found.point),
                    Termination::Converged => finds.fail(format!("quench: index {}", found.point.curvature.index)),
                    other => finds.fail(format!("quench: {}", other.name())),
                }
            }
            Err(error) if error.is_stop() => return Err(error),
            Err(_) => finds.fail("quench: start not finite"),
        }
        Ok(finds)
    }
}
