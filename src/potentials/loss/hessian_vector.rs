//! Hessian times vector without the Hessian: the gradient's passes differentiated along a direction.
//!
//! With a dot for the derivative along v = (V_l, v_l): ż_l = V_l a_{l−1} + W_l ȧ_{l−1} + v_l, ȧ_l = f′ ∘ ż_l;
//! δ̇_L = A ż_L with A the curvature of the loss; u̇_{l−1} = W_lᵀ δ̇_l + V_lᵀ δ_l, δ̇_{l−1} = f′ ∘ u̇_{l−1} + f″ ∘ ż_{l−1} ∘ u_{l−1};
//! (H v)_{W_l} = Σ δ̇_l a_{l−1}ᵀ + δ_l ȧ_{l−1}ᵀ, (H v)_{b_l} = Σ δ̇_l. Exact; costs about two and a half gradients.
//!
//! Reference: B. A. Pearlmutter, Neural Computation 6, 147 (1994), doi:10.1162/neco.1994.6.1.147.

use super::gradient::Plan;
use super::items::Items;
use super::kinds::LossKind;
use super::passes::{Panels, change_of_delta, loss_curvature_times, multiply, take};
use crate::math::products::{Then, product};
use crate::math::simd::Block;
use crate::math::sums::gram;

/// Blocks of memory that [`loss_hessian_vector`] wants.
pub(super) fn memory(plan: &Plan) -> usize {
    (Panels::memory(plan) + 3 * plan.nodes) * plan.chunk
}

/// Adds H v, summed over the items, to `out`.
pub(super) fn loss_hessian_vector(
    plan: &Plan,
    kind: LossKind,
    items: &Items,
    x: &[f64],
    v: &[f64],
    out: &mut [f64],
    memory: &mut [Block],
) {
    let depth = plan.layers.len();
    let wide = plan.layers[0].inputs;
    for chunk in plan.chunks(items) {
        let blocks = chunk.len();
        let mut memory = &mut *memory;
        let mut panels = Panels::new(plan, blocks, &mut memory);
        let dz = take(&mut memory, plan.nodes * blocks);
        let da = take(&mut memory, plan.nodes * blocks);
        let ddelta = take(&mut memory, plan.nodes * blocks);
        let inputs = &items.inputs[chunk.start * wide..chunk.end * wide];
        panels.pass(plan, kind, items, chunk, x);

        for l in 0..depth {
            let own = plan.part(l, blocks);
            let a = if l == 0 { inputs } else { &panels.values[plan.part(l - 1, blocks)] };
            product(plan.weights(l, v), a, plan.biases(l, v), &mut dz[own.clone()]);
            if l > 0 {
                product(plan.weights(l, x), &da[plan.part(l - 1, blocks)], Then::Add, &mut dz[own.clone()]);
            }
            if l + 1 < depth {
                multiply(&panels.first[own.clone()], &dz[own.clone()], &mut da[own]);
            }
        }
        let last = plan.part(depth - 1, blocks);
        loss_curvature_times(panels.diagonal, panels.root, &dz[last.clone()], plan.outputs(), &mut ddelta[last]);
        for l in (0..depth).rev() {
            let layer = &plan.layers[l];
            let own = plan.part(l, blocks);
            let a = if l == 0 { inputs } else { &panels.values[plan.part(l - 1, blocks)] };
            gram(&ddelta[own.clone()], layer.outputs, a, layer.inputs, &mut out[layer.parameters()]);
            if l > 0 {
                let da = &da[plan.part(l - 1, blocks)];
                gram(&panels.delta[own.clone()], layer.outputs, da, layer.inputs, &mut out[layer.weights.clone()]);
            }
            if l > 0 {
                let below = plan.part(l - 1, blocks);
                let (low, high) = ddelta.split_at_mut(own.start);
                let du = &mut low[below.clone()];
                product(plan.weights(l, x).transposed(), &high[..own.len()], Then::Set, du);
                product(plan.weights(l, v).transposed(), &panels.delta[own], Then::Add, du);
                change_of_delta(
                    &panels.first[below.clone()],
                    &panels.second[below.clone()],
                    &dz[below.clone()],
                    &panels.up[below],
                    du,
                );
            }
        }
    }
}
