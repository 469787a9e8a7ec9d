//! The loss of a network on a data set, as a potential: analytic gradient, Hessian and Hessian-vector product for every dense network.
//!
//! E(W) = (1/D) Σ_items loss(outputs, targets) + λ Σ W²: no factor 1/2; the second sum runs over every parameter, or leaves the biases out.
//! Frozen parameters count as zero and have zero derivatives.

mod gradient;
mod hessian;
mod hessian_vector;
mod items;
mod kinds;
mod passes;
mod preconditioner;
mod predict;
mod symmetry;

pub use kinds::LossKind;
pub use predict::probabilities;
pub use symmetry::NetworkSymmetry;

use super::{Batch, Evaluations, Family, Identity, Minibatch, Potential, Preconditioner, Symmetry};
use crate::base::Result;
use crate::data::Dataset;
use crate::math::Matrix;
use crate::math::matrix::weighted_square;
use crate::math::simd::{Block, LANES, numbers_mut, scratch_blocks};
use crate::network::Network;
use gradient::{Plan, loss_and_gradient};
use items::Items;
use preconditioner::{Axes, KroneckerFactors};
use std::any::Any;
use std::sync::{Mutex, OnceLock};

crate::options! {
    /// Options of `loss`.
    pub struct LossOptions {
        /// Strength λ of the L2 term λ Σ w², without a factor 1/2.
        l2: f64 = 0.0, NOT_NEGATIVE, "";
        /// Whether the L2 term counts the biases.
        l2_biases: bool = true, ANY, "";
        /// Which loss.
        kind: LossKind = LossKind::CrossEntropy, ANY, "";
    }
}

/// The loss of a network on a data set.
pub struct NetworkLoss {
    network: Network,
    data: Dataset,
    options: LossOptions,
    plan: Plan,
    items: Items,
    /// λ of each parameter: 0 for frozen ones, and for biases on request.
    decay: Vec<f64>,
    /// Memory for Hessians between calls, one for each thread that has asked for one.
    spare: Mutex<Vec<Vec<f64>>>,
    /// The same for minibatches.
    spare_items: Mutex<Vec<Items>>,
    symmetry: NetworkSymmetry,
    /// What preconditioners know of the inputs; found when the first one is asked for.
    axes: OnceLock<Axes>,
}

/// Memory of more numbers than this (32 MiB) is given back after a call.
const LARGEST_KEPT: usize = 1 << 22;

impl NetworkLoss {
    /// The loss of this network on these items; errors where network, data and kind do not fit together.
    pub fn new(network: &Network, data: &Dataset, options: &LossOptions) -> Result<NetworkLoss> {
        let items = Items::for_loss(network, data, options.kind)?;
        let mut decay = vec![options.l2; network.parameters()];
        if !options.l2_biases {
            for (decay, bias) in decay.iter_mut().zip(network.biases()) {
                if bias {
                    *decay = 0.0;
                }
            }
        }
        for (decay, frozen) in decay.iter_mut().zip(network.frozen().unwrap_or(&[])) {
            if *frozen {
                *decay = 0.0;
            }
        }
        let symmetry = NetworkSymmetry::of_loss(network, options.kind.is_softmax(), &decay);
        Ok(NetworkLoss {
            network: network.clone(),
            data: data.clone(),
            options: options.clone(),
            plan: Plan::new(network),
            items,
            decay,
            spare: Mutex::default(),
            spare_items: Mutex::default(),
            symmetry,
            axes: OnceLock::new(),
        })
    }

    pub fn network(&self) -> &Network {
        &self.network
    }
    pub fn data(&self) -> &Dataset {
        &self.data
    }
    pub fn options(&self) -> &LossOptions {
        &self.options
    }

    /// The position with frozen parameters at zero, in `memory` where there are any.
    fn without_frozen<'a>(&self, x: &'a [f64], memory: &'a mut [f64]) -> &'a [f64] {
        if self.network.frozen().is_none() {
            return x;
        }
        memory[..x.len()].copy_from_slice(x);
        self.clear_frozen(&mut memory[..x.len()]);
        &memory[..x.len()]
    }

    /// Calls `work` with the position, frozen parameters at zero, and `blocks` blocks of memory that is kept for the next call.
    fn with_memory(&self, blocks: usize, x: &[f64], work: impl FnOnce(&[f64], &mut [Block])) {
        let own = x.len().div_ceil(LANES);
        let mut scratch = self.spare.lock().ok().and_then(|mut spare| spare.pop()).unwrap_or_default();
        let (front, memory) = scratch_blocks(&mut scratch, own + blocks).split_at_mut(own);
        work(self.without_frozen(x, numbers_mut(front)), memory);
        if scratch.len() <= LARGEST_KEPT
            && let Ok(mut spare) = self.spare.lock()
        {
            spare.push(scratch);
        }
    }

    /// Zeros for frozen parameters.
    fn clear_frozen(&self, vector: &mut [f64]) {
        for (v, frozen) in vector.iter_mut().zip(self.network.frozen().unwrap_or(&[])) {
            if *frozen {
                *v = 0.0;
            }
        }
    }

    /// Energies, and gradients where wanted, with the mean over these items.
    fn evaluate_on(&self, items: &Items, batch: Batch, out: &mut Evaluations) {
        out.prepare(&batch);
        let n = batch.dimension;
        let scale = 1.0 / items.count as f64;
        // Positions with frozen parameters at zero, where there are any; kernels' memory behind them.
        let own = if self.network.frozen().is_some() { batch.data.len() } else { 0 };
        let memory = scratch_blocks(&mut out.scratch, self.plan.memory() + own.div_ceil(LANES));
        let (own, memory) = memory.split_at_mut(own.div_ceil(LANES));
        let own = numbers_mut(own);
        for (row, own) in batch.data.chunks_exact(n).zip(own.chunks_exact_mut(n)) {
            self.without_frozen(row, own);
        }
        let own = &*own;
        let position = |row: usize| if own.is_empty() { batch.row(row) } else { &own[row * n..(row + 1) * n] };
        // All positions look at a chunk of items before the next one comes: what is large stays in the caches.
        for chunk in self.plan.chunks(items) {
            for row in 0..batch.rows {
                let gradient = out.gradients.get_mut(row * n..(row + 1) * n);
                let (plan, kind, chunk) = (&self.plan, self.options.kind, chunk.clone());
                out.energies[row] += loss_and_gradient(plan, kind, items, chunk, position(row), gradient, memory);
            }
        }
        for row in 0..batch.rows {
            let x = position(row);
            out.energies[row] = out.energies[row] * scale + weighted_square(&self.decay, x);
            if let Some(gradient) = out.gradients.get_mut(row * n..(row + 1) * n) {
                for ((g, x), decay) in gradient.iter_mut().zip(x).zip(&self.decay) {
                    *g = *g * scale + 2.0 * decay * x;
                }
                self.clear_frozen(gradient);
            }
        }
    }
}

impl Potential for NetworkLoss {
    fn dimension(&self) -> usize {
        self.decay.len()
    }

    fn evaluate(&self, batch: Batch, out: &mut Evaluations) {
        self.evaluate_on(&self.items, batch, out);
    }

    fn family(&self) -> Family {
        Family::Network
    }

    fn identity(&self) -> Identity {
        let network = &self.network;
        let part = |name: &str, value: String| (name.to_string(), value);
        Identity {
            name: "loss".into(),
            parts: vec![
                part("layers", format!("{:?}", network.sizes())),
                part("activation", network.activation().name().into()),
                part("output", network.output().name().into()),
                part("bias", network.has_bias().to_string()),
                part("mask", network.mask_fingerprint()),
                part("kind", self.options.kind.name().into()),
                part("l2", format!("{:?}", self.options.l2)),
                part("l2_biases", self.options.l2_biases.to_string()),
                part("data", self.data.fingerprint()),
            ],
        }
    }

    fn hessian(&self, x: &[f64], hessian: &mut Matrix) {
        let n = x.len();
        hessian.reset(n, n);
        let wanted = hessian::memory(&self.plan, self.options.kind, &self.items);
        self.with_memory(wanted, x, |x, memory| {
            hessian::loss_hessian(&self.plan, self.options.kind, &self.items, x, hessian, memory)
        });
        for (i, decay) in self.decay.iter().enumerate() {
            hessian[(i, i)] += 2.0 * decay;
        }
        for (i, _) in self.network.frozen().unwrap_or(&[]).iter().enumerate().filter(|(_, frozen)| **frozen) {
            hessian.row_mut(i).fill(0.0);
            (0..n).for_each(|j| hessian[(j, i)] = 0.0);
        }
    }

    fn hessian_vector(&self, x: &[f64], v: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        let wanted = hessian_vector::memory(&self.plan) + v.len().div_ceil(LANES);
        self.with_memory(wanted, x, |x, memory| {
            let (own, memory) = memory.split_at_mut(v.len().div_ceil(LANES));
            let v = self.without_frozen(v, numbers_mut(own));
            hessian_vector::loss_hessian_vector(&self.plan, self.options.kind, &self.items, x, v, out, memory);
        });
        let scale = 1.0 / self.items.count as f64;
        for ((out, v), decay) in out.iter_mut().zip(v).zip(&self.decay) {
            *out = *out * scale + 2.0 * decay * v;
        }
        self.clear_frozen(out);
    }

    fn symmetry(&self) -> &dyn Symmetry {
        &self.symmetry
    }

    fn frozen(&self) -> Option<&[bool]> {
        self.network.frozen()
    }

    fn preconditioner(&self, x: &[f64]) -> Option<Box<dyn Preconditioner + '_>> {
        // It knows most of the first layer, whose weights must be free to turn.
        let first = self.plan.layers[0].weights.len();
        if self.prefers_dense_hessian() || self.network.frozen().is_some() || 2 * first < self.dimension() {
            return None;
        }
        let axes = self.axes.get_or_init(|| Axes::of(&self.data));
        Some(Box::new(KroneckerFactors::at(self, axes, x)))
    }

    fn minibatch(&self) -> Option<&dyn Minibatch> {
        Some(self)
    }

    fn random(&self, seed: u64, scale: f64) -> Vec<f64> {
        self.network.initial(seed, scale)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Minibatch for NetworkLoss {
    fn items(&self) -> usize {
        self.items.count
    }

    fn evaluate_items(&self, items: &[u32], batch: Batch, out: &mut Evaluations) {
        let mut some = self.spare_items.lock().ok().and_then(|mut spare| spare.pop()).unwrap_or_default();
        some.gather(&self.items, &self.data.inputs, items);
        self.evaluate_on(&some, batch, out);
        if some.inputs.len() * LANES <= LARGEST_KEPT
            && let Ok(mut spare) = self.spare_items.lock()
        {
            spare.push(some);
        }
    }
}

#[cfg(test)]
mod tests;
