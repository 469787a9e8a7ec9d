//! Which positions are the same point: the one place that knows permutations, signs, rotations.

/// The group that leaves an energy unchanged. Comparison, distances, bands and copies use it; nobody else knows of it.
pub trait Symmetry: Send + Sync {
    /// Writes the copy of `moving` nearest to `reference` into `aligned` and gives the distance |reference − aligned|.
    fn align(&self, reference: &[f64], moving: &[f64], aligned: &mut [f64]) -> f64;

    /// Writes the copy of `moving` that is made by the operation which brings `guide` nearest to `reference`, and gives the distance of that
    /// copy of `guide`: where a part of `moving` says nothing of which node is which (flat directions), the guide is the rest. By default as `align`.
    fn align_like(&self, reference: &[f64], _guide: &[f64], moving: &[f64], aligned: &mut [f64]) -> f64 {
        self.align(reference, moving, aligned)
    }

    /// The distance after alignment.
    fn distance(&self, a: &[f64], b: &[f64]) -> f64 {
        let mut aligned = vec![0.0; b.len()];
        self.align(a, b, &mut aligned)
    }

    /// A lower bound of the distance that costs little: which of many points are near. The default is the distance itself.
    fn least_distance(&self, a: &[f64], b: &[f64]) -> f64 {
        self.distance(a, b)
    }

    /// Whether the aligned distance is at most `tolerance`. Override where that is cheaper to decide than the distance.
    fn same(&self, a: &[f64], b: &[f64], tolerance: f64) -> bool {
        self.distance(a, b) <= tolerance
    }

    /// The representative of all copies of `x`: equal for equal points up to rounding.
    fn canonical(&self, x: &[f64]) -> Vec<f64>;

    /// Natural logarithm of the number of distinct copies of `x` (B!·2^B for a tanh net with B hidden nodes; n!·2/h for a cluster).
    fn log_copies(&self, _x: &[f64]) -> f64 {
        0.0
    }

    /// An orthonormal basis of the directions along which the energy cannot change at `x` (overall translation, rotation): a row each.
    fn zero_modes(&self, _x: &[f64]) -> Vec<Vec<f64>> {
        Vec::new()
    }

    /// An orthonormal basis of the directions that no two stationary points differ in: the zero modes, and those in which the energy is a
    /// paraboloid of its own whatever the other coordinates are. A search that sets out along one comes back.
    fn idle_modes(&self, x: &[f64]) -> Vec<Vec<f64>> {
        self.zero_modes(x)
    }

    /// The hidden nodes of a network, layer by layer; nodes of a layer may change places. None where there are none.
    fn hidden_nodes(&self) -> Vec<Vec<HiddenNode>> {
        Vec::new()
    }
}

/// Where the parameters of a hidden node stand.
pub struct HiddenNode {
    /// Its incoming weights, then its bias where it has one.
    pub incoming: Vec<usize>,
    /// Its outgoing weights.
    pub outgoing: Vec<usize>,
}

/// Every position is its own point.
pub struct NoSymmetry;

impl Symmetry for NoSymmetry {
    fn align(&self, reference: &[f64], moving: &[f64], aligned: &mut [f64]) -> f64 {
        aligned.copy_from_slice(moving);
        crate::math::matrix::distance(reference, moving)
    }
    fn canonical(&self, x: &[f64]) -> Vec<f64> {
        x.to_vec()
    }
}
