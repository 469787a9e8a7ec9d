//! The continuous groups under which a loss without an L2 term does not change.
//!
//! Behind a softmax one number may be added to the weights from a node to all outputs (or to all output biases), and a homogeneous node (ReLU)
//! may have its incoming weights and bias grow by a factor that its outgoing weights shrink by. Points are compared by their copies of
//! least norm, which both groups commute with: shifts to mean zero, and as much weight into a node as out of it. The directions of both
//! groups are the zero modes. Where the L2 term holds a shift, it alone feels it: such a direction is idle, soft but leading nowhere.

use super::NetworkSymmetry;
use crate::math::matrix::{add_scaled, dot, norm};
use crate::network::{Activation, Layer, Network};
use std::borrow::Cow;

/// Rounds of balancing: one does it for one hidden layer, deeper nets gain a digit every few rounds.
const BALANCING: usize = 200;

impl NetworkSymmetry {
    /// With the continuous groups of a loss: `softmax` says whether one stands behind the outputs, `decay` which parameters an L2 term holds.
    pub fn of_loss(network: &Network, softmax: bool, decay: &[f64]) -> NetworkSymmetry {
        let mut symmetry = NetworkSymmetry::new(network);
        let layers = &symmetry.layers;
        let Some(last) = layers.last() else { return symmetry };
        if softmax && network.output() == Activation::Linear {
            let from = |j: usize| (0..last.outputs).map(|i| last.weights.start + i * last.inputs + j).collect::<Vec<_>>();
            let mut sets: Vec<Vec<usize>> = (0..last.inputs).map(from).collect();
            sets.push(last.biases.clone().collect());
            let even = |set: &Vec<usize>| set.iter().all(|&k| decay[k] == decay[set[0]] && !symmetry.is_frozen(k));
            sets.retain(|set| !set.is_empty() && even(set));
            (symmetry.shifts, symmetry.held) = sets.into_iter().partition(|set| decay[set[0]] == 0.0);
        }
        if network.activation().is_homogeneous() {
            let free = |layer: &Layer| layer.weights.clone().all(|k| decay[k] == 0.0);
            let held = |l: &usize| layers[*l].biases.clone().any(|k| decay[k] != 0.0);
            symmetry.scalable = (0..layers.len() - 1).filter(|l| free(&layers[*l]) && free(&layers[l + 1]) && !held(l)).collect();
        }
        symmetry
    }

    /// Multiplies incoming weights and bias of node i of hidden layer l, and divides its outgoing weights.
    pub(super) fn rescale(&self, y: &mut [f64], l: usize, i: usize, factor: f64) {
        let (incoming, outgoing) = self.sides(l, i);
        incoming.for_each(|k| y[k] *= factor);
        outgoing.for_each(|k| y[k] /= factor);
    }

    /// Brings `y` to the copy of least norm under the continuous groups; gives the factors of the nodes, layer after scalable layer.
    /// (A node with nothing on one of its sides keeps the other.)
    fn reduce(&self, y: &mut [f64]) -> Vec<Vec<f64>> {
        for set in &self.shifts {
            let mean = set.iter().map(|&k| y[k]).sum::<f64>() / set.len() as f64;
            set.iter().for_each(|&k| y[k] -= mean);
        }
        let mut factors: Vec<Vec<f64>> = self.scalable.iter().map(|&l| vec![1.0; self.layers[l].outputs]).collect();
        for _ in 0..BALANCING {
            let mut largest = 0.0f64;
            for (&l, factors) in self.scalable.iter().zip(&mut factors) {
                for (i, whole) in factors.iter_mut().enumerate() {
                    let square = |k: usize| self.value(y, k).powi(2);
                    let (incoming, outgoing) = self.sides(l, i);
                    let (below, above) = (incoming.map(square).sum::<f64>(), outgoing.map(square).sum::<f64>());
                    let factor = (above / below).powf(0.25);
                    if factor.is_finite() && factor > 0.0 {
                        self.rescale(y, l, i, factor);
                        *whole *= factor;
                        largest = largest.max(factor.ln().abs());
                    }
                }
            }
            if largest < 1e-15 || self.scalable.len() < 2 {
                break;
            }
        }
        factors
    }

    /// The copy of least norm; `x` itself where there are no continuous groups.
    pub(super) fn least_norm<'a>(&self, x: &'a [f64]) -> Cow<'a, [f64]> {
        if self.shifts.is_empty() && self.scalable.is_empty() {
            return Cow::Borrowed(x);
        }
        let mut y = x.to_vec();
        self.reduce(&mut y);
        Cow::Owned(y)
    }

    /// Gives `y`, a copy of least norm, what `reference` has along the continuous groups, so that it is near to it.
    pub(super) fn beside(&self, reference: &[f64], y: &mut [f64]) {
        if self.shifts.is_empty() && self.scalable.is_empty() {
            return;
        }
        let factors = self.reduce(&mut reference.to_vec());
        for (&l, factors) in self.scalable.iter().zip(factors) {
            factors.iter().enumerate().for_each(|(i, factor)| self.rescale(y, l, i, 1.0 / factor));
        }
        for set in &self.shifts {
            let mean = |x: &[f64]| set.iter().map(|&k| x[k]).sum::<f64>() / set.len() as f64;
            let by = mean(reference) - mean(y);
            set.iter().for_each(|&k| y[k] += by);
        }
    }

    /// Orthonormal directions that the loss does not feel at `x`; with those that only its L2 term feels where `held`.
    pub(super) fn free_modes(&self, x: &[f64], held: bool) -> Vec<Vec<f64>> {
        let mut modes: Vec<Vec<f64>> = self.shifts.iter().map(|set| even_mode(set, x.len())).collect();
        for &l in &self.scalable {
            for i in 0..self.layers[l].outputs {
                let mut mode = vec![0.0; x.len()];
                let (incoming, outgoing) = self.sides(l, i);
                incoming.for_each(|k| mode[k] = self.value(x, k));
                outgoing.for_each(|k| mode[k] = -self.value(x, k));
                let before = norm(&mode);
                for _ in 0..2 {
                    for other in &modes {
                        let along = dot(&mode, other);
                        add_scaled(&mut mode, -along, other);
                    }
                }
                let length = norm(&mode);
                if length > 1e-8 * before {
                    mode.iter_mut().for_each(|m| *m /= length);
                    modes.push(mode);
                }
            }
        }
        if held {
            modes.extend(self.held.iter().map(|set| even_mode(set, x.len())));
        }
        modes
    }
}

/// The direction of length 1 in which the members of a set grow together.
fn even_mode(set: &[usize], dimension: usize) -> Vec<f64> {
    let mut mode = vec![0.0; dimension];
    set.iter().for_each(|&k| mode[k] = 1.0 / (set.len() as f64).sqrt());
    mode
}
