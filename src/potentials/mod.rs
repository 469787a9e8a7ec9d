//! Everything that gives an energy to a position.
//!
//! To add a potential: one file that implements [`Potential`], and one entry in [`catalogue`]; constructor, help, reference,
//! derivative and symmetry battery and known-points test follow from the entry.
//! Never moves a point (that is `algorithms`) and never sees a store.

pub mod catalogue;
pub mod clusters;
pub mod composed;
pub mod counted;
pub mod expression;
pub mod loss;
pub mod path_variable;
pub mod surfaces;
pub mod symmetry;

pub use counted::Counted;
pub use symmetry::{HiddenNode, NoSymmetry, Symmetry};

use crate::math::Matrix;
use crate::math::matrix::norm;
use std::any::Any;

/// Positions, one a row, on the host.
#[derive(Clone, Copy)]
pub struct Batch<'a> {
    pub rows: usize,
    pub dimension: usize,
    pub data: &'a [f64],
}

impl<'a> Batch<'a> {
    /// `data` holds `rows` positions of `dimension` numbers each.
    pub fn new(data: &'a [f64], dimension: usize) -> Batch<'a> {
        debug_assert_eq!(data.len() % dimension.max(1), 0);
        Batch { rows: data.len() / dimension.max(1), dimension, data }
    }
    /// A single position.
    pub fn single(position: &'a [f64]) -> Batch<'a> {
        Batch { rows: 1, dimension: position.len(), data: position }
    }
    pub fn row(&self, r: usize) -> &'a [f64] {
        &self.data[r * self.dimension..(r + 1) * self.dimension]
    }
}

/// Where a potential writes energies and gradients. Owned by the search, so that a loop allocates nothing.
#[derive(Default, Clone)]
pub struct Evaluations {
    /// One a row.
    pub energies: Vec<f64>,
    /// rows × dimension; empty unless asked for.
    pub gradients: Vec<f64>,
    /// Whether gradients are wanted.
    pub wants_gradients: bool,
    /// Memory for the potential's own use; its length and content mean nothing between calls.
    pub scratch: Vec<f64>,
}

impl Evaluations {
    /// For energies and gradients.
    pub fn with_gradients() -> Evaluations {
        Evaluations { wants_gradients: true, ..Default::default() }
    }
    /// Gives the outputs the size of a batch. Every `evaluate` begins with it.
    pub fn prepare(&mut self, batch: &Batch) {
        self.energies.clear();
        self.energies.resize(batch.rows, 0.0);
        self.gradients.clear();
        if self.wants_gradients {
            self.gradients.resize(batch.rows * batch.dimension, 0.0);
        }
    }
}

/// What sort of potential it is: decides the defaults of the searches (SCIENCE: networks, clusters and glasses, surfaces).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    Network,
    Cluster,
    Surface,
}

/// What makes two potentials the same one: stored with a landscape, compared when its file is opened again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The catalogue's name: `lennard_jones`, `loss`.
    pub name: String,
    /// What else decides the energy, each with its name: `("atoms", "13")`, `("l2", "0.0001")`, `("data", "sha256…")`.
    pub parts: Vec<(String, String)>,
}

/// An energy surface.
///
/// The hot method takes a batch of positions: difference Hessians, bands, walkers and devices are all "more rows".
/// Rows are independent, bit for bit. A non-finite energy is a value, not an error.
pub trait Potential: Send + Sync {
    /// Number of coordinates.
    fn dimension(&self) -> usize;

    /// Energies, and gradients when `out.wants_gradients`, of every row. `batch.dimension` equals [`Potential::dimension`].
    fn evaluate(&self, batch: Batch, out: &mut Evaluations);

    fn family(&self) -> Family;

    fn identity(&self) -> Identity;

    /// The symmetric matrix of second derivatives at `x` (dimension × dimension). The default takes central differences of gradients.
    fn hessian(&self, x: &[f64], hessian: &mut Matrix) {
        difference_hessian(self, x, hessian);
    }

    /// `out` = H(x) v. The default takes a central difference of gradients along v.
    fn hessian_vector(&self, x: &[f64], v: &[f64], out: &mut [f64]) {
        difference_hessian_vector(self, x, v, out);
    }

    /// Whether `hessian` is analytic and cheap enough for a dense matrix at every step of a search.
    fn prefers_dense_hessian(&self) -> bool {
        self.dimension() <= 400
    }

    /// An approximation of the Hessian at `x` and around it whose powers are cheap, where there is one: it shortens long minimisations.
    fn preconditioner(&self, _x: &[f64]) -> Option<Box<dyn Preconditioner + '_>> {
        None
    }

    /// Which positions are the same point.
    fn symmetry(&self) -> &dyn Symmetry {
        &NoSymmetry
    }

    /// Coordinates that never move (true = frozen), where there are any: locality masks, frozen atoms. Spectra leave them out.
    fn frozen(&self) -> Option<&[bool]> {
        None
    }

    /// Number of coordinates that move.
    fn degrees_of_freedom(&self) -> usize {
        self.frozen().map_or(self.dimension(), |frozen| frozen.iter().filter(|f| !**f).count())
    }

    /// A start that suits the potential; `scale` stretches it (1 is the usual size).
    fn random(&self, seed: u64, scale: f64) -> Vec<f64>;

    /// Brings a trial position back to where searches look (a cluster's container). Does nothing by default.
    fn contain(&self, _x: &mut [f64]) {}

    /// Whether a converged position has fallen apart (an atom has evaporated), so that it is no point of this landscape.
    fn evaporated(&self, _x: &[f64]) -> bool {
        false
    }

    /// Where the energy is a mean over items: how to look at some of them only.
    fn minibatch(&self) -> Option<&dyn Minibatch> {
        None
    }

    /// Energies, gradients and Hessian-vector products asked for so far, where somebody counts: [`counted::Counted`]. A wrapper passes every
    /// other call on, new ones of this trait included.
    fn evaluations(&self) -> Option<u64> {
        None
    }

    /// For downcasts: scores need the network behind a loss.
    fn as_any(&self) -> &dyn Any;
}

/// A positive definite matrix M that is close to a Hessian.
pub trait Preconditioner {
    /// The largest eigenvalue of M over the least, roughly.
    fn spread(&self) -> f64;

    /// v ← Mᵖ v.
    fn power(&mut self, p: f64, v: &mut [f64]);
}

/// A potential whose energy is a mean over items (and terms that do not depend on them), so that a few of them drawn at random give an unbiased
/// estimate of energy and gradient.
pub trait Minibatch: Send + Sync {
    /// How many items there are.
    fn items(&self) -> usize;

    /// As [`Potential::evaluate`], with the mean over `items` (numbers of items, repeats allowed, at least one) in place of that over all.
    fn evaluate_items(&self, items: &[u32], batch: Batch, out: &mut Evaluations);
}

/// Energy of one position.
pub fn energy(potential: &dyn Potential, x: &[f64]) -> f64 {
    let mut out = Evaluations::default();
    potential.evaluate(Batch::single(x), &mut out);
    out.energies[0]
}

/// Energy and gradient of one position.
pub fn energy_gradient(potential: &dyn Potential, x: &[f64]) -> (f64, Vec<f64>) {
    let mut out = Evaluations::with_gradients();
    potential.evaluate(Batch::single(x), &mut out);
    (out.energies[0], out.gradients)
}

/// Central differences of gradients, all displacements in one batch; symmetrised. Error about 1e-9 of the largest curvature.
pub fn difference_hessian<P: Potential + ?Sized>(potential: &P, x: &[f64], hessian: &mut Matrix) {
    let n = x.len();
    let step = 1e-5 * (1.0 + norm(x) / (n as f64).sqrt());
    let mut rows = Vec::with_capacity(2 * n * n);
    for i in 0..n {
        for sign in [step, -step] {
            rows.extend_from_slice(x);
            let last = rows.len() - n + i;
            rows[last] += sign;
        }
    }
    let mut out = Evaluations::with_gradients();
    potential.evaluate(Batch::new(&rows, n), &mut out);
    hessian.reset(n, n);
    for i in 0..n {
        let up = &out.gradients[2 * i * n..(2 * i + 1) * n];
        let down = &out.gradients[(2 * i + 1) * n..(2 * i + 2) * n];
        for j in 0..n {
            let h = (up[j] - down[j]) / (4.0 * step);
            hessian[(i, j)] += h;
            hessian[(j, i)] += h;
        }
    }
}

/// Central difference of gradients along v.
pub fn difference_hessian_vector<P: Potential + ?Sized>(potential: &P, x: &[f64], v: &[f64], out: &mut [f64]) {
    let n = x.len();
    let length = norm(v);
    if length == 0.0 {
        out.fill(0.0);
        return;
    }
    let step = 1e-5 * (1.0 + norm(x) / (n as f64).sqrt()) / length;
    let rows: Vec<f64> = [step, -step].iter().flat_map(|s| x.iter().zip(v).map(move |(x, v)| x + s * v)).collect();
    let mut both = Evaluations::with_gradients();
    potential.evaluate(Batch::new(&rows, n), &mut both);
    for j in 0..n {
        out[j] = (both.gradients[j] - both.gradients[n + j]) / (2.0 * step);
    }
}
