//! Everything that moves a point: minimisers, transition states, bands, paths, basin-hopping, samplers. Each method is a function of a file of its own.
//!
//! An algorithm is an `async fn` whose only `.await`s are evaluations ([`evaluator::Evaluator`]): alone each is ready at once
//! ([`evaluator::now`]), and [`gather::gather`] makes one batch of those of many searches.
//! Never sees a store or a script.

pub mod band;
pub mod basin_hop;
pub mod curvature;
pub mod evaluator;
pub mod flat;
pub mod gather;
pub mod gradient_flow;
pub mod minimise;
pub mod pathway;
pub mod sample;
pub mod transition_state;

pub use band::{DnebOptions, dneb};
pub use basin_hop::{BasinHopOptions, BasinHopReport, basin_hop};
pub use minimise::{MinimiseOptions, Stopped, minimise, minimise_batch, minimise_or_stop};
pub use pathway::{PathwayOptions, pathway};
pub use transition_state::{TransitionStateOptions, transition_state, transition_state_batch};

use crate::math::Matrix;

/// Why a search ended. Not converging is a value, not an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Termination {
    Converged,
    MaxIterations,
    /// Converged to a stationary point of another index than asked for.
    Index(usize),
    /// The energy or gradient became infinite or not a number.
    NotFinite,
    /// Parts of the cluster went out of reach of each other.
    Evaporated,
    /// No step lowers the energy any more, though the gradient is above the tolerance: rounding.
    Stalled,
    /// The energy fell below the one that was asked for.
    TooLow,
}

impl Termination {
    /// The word that scripts see: `converged`, `max_iterations`, `index 2`.
    pub fn name(self) -> String {
        match self {
            Termination::Converged => "converged".into(),
            Termination::MaxIterations => "max_iterations".into(),
            Termination::Index(i) => format!("index {i}"),
            Termination::NotFinite => "not_finite".into(),
            Termination::Evaporated => "evaporated".into(),
            Termination::Stalled => "stalled".into(),
            Termination::TooLow => "too_low".into(),
        }
    }
}

/// What the Hessian says of a point. Frozen coordinates are left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Curvature {
    /// Number of negative eigenvalues below the near-zero band.
    pub index: usize,
    /// Number of eigenvalues with |h| below 1e-7 of the largest, neither negative nor positive: the zero modes of the symmetry (6 of a free
    /// cluster, 0 of most networks) and whatever else is flat at this point. From a part of the spectrum it is what that part shows.
    pub near_zero: usize,
    /// The two lowest eigenvalues, zero modes of the symmetry left out (NaN where there are fewer).
    pub lowest: [f64; 2],
    /// What the two lowest eigenvalues may be off by: the residual bound where they come by Lanczos, 0 by a dense spectrum, NaN where nobody
    /// wrote it down. (That a whole eigenvector was missed it does not rule out; a random start makes that unlikely.)
    pub bound: f64,
    /// Σ ln|h| over the eigenvalues that are not near zero (PATHSAMPLE's fvib); NaN when only a part of the spectrum was computed.
    pub log_product: f64,
}

/// A stationary point as a search found it; only a landscape makes a minimum or transition state of it.
#[derive(Debug, Clone)]
pub struct StationaryPoint {
    pub position: Vec<f64>,
    pub energy: f64,
    pub rms_gradient: f64,
    pub curvature: Curvature,
}

/// What `minimise` found.
#[derive(Debug, Clone)]
pub struct Minimised {
    pub point: StationaryPoint,
    pub iterations: usize,
    pub evaluations: usize,
    pub hessians: usize,
    pub termination: Termination,
    /// How often a step was shortened because it raised the energy.
    pub step_cuts: usize,
    /// How often the memory was cleared.
    pub resets: usize,
}

/// What `transition_state` found.
#[derive(Debug, Clone)]
pub struct Saddle {
    pub point: StationaryPoint,
    /// The lowest eigenvalue and its eigenvector of length 1.
    pub eigenvalue: f64,
    pub eigenvector: Vec<f64>,
    /// The lowest energy on the way.
    pub lowest: f64,
    pub iterations: usize,
    pub evaluations: usize,
    pub hessians: usize,
    pub termination: Termination,
}

/// Both sides of a transition state.
#[derive(Debug, Clone)]
pub struct Pathway {
    pub minus: Minimised,
    pub plus: Minimised,
    /// Arc length of both steepest-descent sides together.
    pub length: f64,
    /// Energies along the way: minus side, transition state, plus side.
    pub energies: Vec<f64>,
    /// Arc length from the minimum of the minus side.
    pub distances: Vec<f64>,
}

/// A relaxed band.
#[derive(Debug, Clone)]
pub struct Band {
    /// images × dimension, end points included.
    pub positions: Matrix,
    pub energies: Vec<f64>,
    /// Arc length from the first image.
    pub distances: Vec<f64>,
    /// Interior local maxima of the profile, highest first.
    pub candidates: Vec<Vec<f64>>,
    pub iterations: usize,
    pub termination: Termination,
}
