//! The catalogue of losses: each one entry here and one arm of [`stage`], which turns outputs into loss, slope and curvature.
//!
//! For one item with outputs o and targets t:
//! cross-entropy: −Σ t ln p, p = softmax(o); slope p − t; curvature diag(p) − p pᵀ;
//! mean squared error: Σ (o − t)²; slope 2 (o − t); curvature 2;
//! binary cross-entropy: −Σ t ln σ(z) + (1 − t) ln(1 − σ(z)) = Σ softplus(z) − t z, taken in z, the argument of the output's sigmoid, where
//! nothing is lost: slope σ(z) − t, curvature σ′(z).
//! In all cases the curvature matrix is diag(d) − q qᵀ, with q = 0 but for the cross-entropy.

use crate::math::simd::{
    Block, Kernel, Lanes, dispatch, eights_mut, exp_negative, exp_negative_eights, exp_negative_of, log, log1p_unit, sigmoid,
};

crate::choices! {
    /// What a network is to make small.
    pub enum LossKind {
        /// −ln of the softmax probability of the right class.
        CrossEntropy = "cross_entropy",
        /// Squared differences between outputs and targets (one-hot for classes), summed over the outputs, without 1/2.
        MeanSquaredError = "mean_squared_error",
        /// Another name of the cross-entropy.
        NegativeLogLikelihood = "negative_log_likelihood",
        /// −ln of the probability that sigmoid outputs give to targets 0 and 1.
        BinaryCrossEntropy = "binary_cross_entropy",
    }
}

impl LossKind {
    /// Whether a softmax stands behind the outputs.
    pub fn is_softmax(self) -> bool {
        matches!(self, LossKind::CrossEntropy | LossKind::NegativeLogLikelihood)
    }

    /// Whether slopes are taken at the argument of the output's function rather than at its value.
    pub(super) fn takes_arguments(self) -> bool {
        self == LossKind::BinaryCrossEntropy
    }
}

/// The second derivatives of one item's loss: diag(`diagonal`) − `root` `root`ᵀ; both empty where they are not wanted.
pub(super) struct Curvatures<'a> {
    pub diagonal: &'a mut [Block],
    pub root: &'a mut [Block],
}

/// Sum of the losses of a chunk of items. Outputs are replaced by slopes.
///
/// `outputs` and `targets` hold `width` blocks for each block of items. `padding`, where given, marks the items of the last block.
pub(super) fn stage(
    kind: LossKind,
    outputs: &mut [Block],
    targets: &[Block],
    width: usize,
    padding: Option<&Block>,
    curvatures: Curvatures,
) -> f64 {
    dispatch(Stage { kind, outputs, targets, width, padding, curvatures })
}

struct Stage<'a> {
    kind: LossKind,
    outputs: &'a mut [Block],
    targets: &'a [Block],
    width: usize,
    padding: Option<&'a Block>,
    curvatures: Curvatures<'a>,
}

impl Kernel for Stage<'_> {
    type Output = f64;
    #[inline(always)]
    fn run<V: Lanes>(self) -> f64 {
        let width = self.width;
        if self.kind.is_softmax() {
            match width {
                2 => return self.few_classes::<V, 2>(),
                3 => return self.few_classes::<V, 3>(),
                4 => return self.few_classes::<V, 4>(),
                _ => {}
            }
        }
        let wants_curvature = !self.curvatures.diagonal.is_empty();
        let last = (self.outputs.len() / width).wrapping_sub(1);
        let (one, zero) = (V::splat(1.0), V::splat(0.0));
        let mut total = zero;
        // The softmax sums are multiplied up, so that a chunk needs one logarithm: each lies between 1 and the number of outputs.
        let mut sums = one;
        if self.kind.is_softmax() {
            // Pass after pass, so that the chains of many items run side by side: distances below the highest output, then their exp.
            for (outputs, targets) in self.outputs.chunks_exact_mut(width).zip(self.targets.chunks_exact(width)) {
                let mut highest = V::load(&outputs[0]);
                for o in &outputs[1..] {
                    highest = highest.max(V::load(o));
                }
                for (o, t) in outputs.iter_mut().zip(targets) {
                    let below = V::load(o) - highest;
                    total = V::load(t).fnma(below, total);
                    below.store(o);
                }
            }
            exp_negative_eights::<V>(eights_mut(self.outputs));
        }
        for (b, (outputs, targets)) in self.outputs.chunks_exact_mut(width).zip(self.targets.chunks_exact(width)).enumerate() {
            let live = match self.padding {
                Some(live) if b == last => V::load(live),
                _ => one,
            };
            match self.kind {
                LossKind::CrossEntropy | LossKind::NegativeLogLikelihood => {
                    let sum = outputs.iter().fold(zero, |sum, e| sum + V::load(e));
                    // Padding counts as a sum of one, whose logarithm is nothing.
                    sums = sums * live.fma(sum, one - live);
                    let inverse = live / sum;
                    for (a, (o, t)) in outputs.iter_mut().zip(targets).enumerate() {
                        let p = V::load(o) * inverse;
                        (p - V::load(t)).store(o);
                        if wants_curvature {
                            p.store(&mut self.curvatures.diagonal[b * width + a]);
                            p.store(&mut self.curvatures.root[b * width + a]);
                        }
                    }
                }
                LossKind::MeanSquaredError => {
                    let two = live + live;
                    for (a, (o, t)) in outputs.iter_mut().zip(targets).enumerate() {
                        let difference = (V::load(o) - V::load(t)) * live;
                        total = difference.fma(difference, total);
                        (difference + difference).store(o);
                        if wants_curvature {
                            two.store(&mut self.curvatures.diagonal[b * width + a]);
                            zero.store(&mut self.curvatures.root[b * width + a]);
                        }
                    }
                }
                LossKind::BinaryCrossEntropy => {
                    for (a, (z, t)) in outputs.iter_mut().zip(targets).enumerate() {
                        let (argument, target) = (V::load(z), V::load(t));
                        let (p, slope) = sigmoid(argument);
                        let softplus = zero.max(argument) + log1p_unit(exp_negative(-argument.abs()));
                        total = live.fma(softplus - target * argument, total);
                        ((p - target) * live).store(z);
                        if wants_curvature {
                            (slope * live).store(&mut self.curvatures.diagonal[b * width + a]);
                            zero.store(&mut self.curvatures.root[b * width + a]);
                        }
                    }
                }
            }
        }
        (total + log(sums)).sum()
    }
}

impl Stage<'_> {
    /// The cross-entropy of so few classes that the outputs of a block stay in registers from the first pass to the last.
    #[inline(always)]
    fn few_classes<V: Lanes, const W: usize>(self) -> f64 {
        let ((outputs, _), (targets, _)) = (self.outputs.as_chunks_mut::<W>(), self.targets.as_chunks::<W>());
        let wants_curvature = !self.curvatures.diagonal.is_empty();
        let last = outputs.len().wrapping_sub(1);
        let (one, zero) = (V::splat(1.0), V::splat(0.0));
        let (mut total, mut sums) = (zero, one);
        for (b, (outputs, targets)) in outputs.iter_mut().zip(targets).enumerate() {
            let mut below = [zero; W];
            for k in 0..W {
                below[k] = V::load(&outputs[k]);
            }
            let mut highest = below[0];
            for k in 1..W {
                highest = highest.max(below[k]);
            }
            for k in 0..W {
                below[k] = below[k] - highest;
                total = V::load(&targets[k]).fnma(below[k], total);
            }
            let e = exp_negative_of(below);
            let mut sum = e[0];
            for k in 1..W {
                sum = sum + e[k];
            }
            let live = match self.padding {
                Some(live) if b == last => V::load(live),
                _ => one,
            };
            sums = sums * live.fma(sum, one - live);
            let inverse = live / sum;
            for k in 0..W {
                let p = e[k] * inverse;
                (p - V::load(&targets[k])).store(&mut outputs[k]);
                if wants_curvature {
                    p.store(&mut self.curvatures.diagonal[b * W + k]);
                    p.store(&mut self.curvatures.root[b * W + k]);
                }
            }
        }
        (total + log(sums)).sum()
    }
}

/// Slopes and curvatures at values become those at arguments: e′ = e f′, d′ = d f′² + e f″, q′ = q f′.
pub(super) fn chain(slopes: &mut [Block], first: &[Block], second: &[Block], curvatures: Curvatures) {
    dispatch(Chain { slopes, first, second, curvatures });
}

struct Chain<'a> {
    slopes: &'a mut [Block],
    first: &'a [Block],
    /// Empty where curvatures are not wanted.
    second: &'a [Block],
    curvatures: Curvatures<'a>,
}

impl Kernel for Chain<'_> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes>(self) {
        for (i, (slope, first)) in self.slopes.iter_mut().zip(self.first).enumerate() {
            let (e, f) = (V::load(slope), V::load(first));
            (e * f).store(slope);
            if let Some(second) = self.second.get(i) {
                let (d, q) = (&mut self.curvatures.diagonal[i], &mut self.curvatures.root[i]);
                let curved = (V::load(d) * f).fma(f, e * V::load(second));
                curved.store(d);
                (V::load(q) * f).store(q);
            }
        }
    }
}
