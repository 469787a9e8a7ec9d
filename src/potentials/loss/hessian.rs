//! The dense Hessian by structured sums: one fused multiplication for each entry and block of eight items.
//!
//! For one item let z_l be the arguments of layer l, a_l = f(z_l), δ_l = ∂E/∂z_l, u_l = ∂E/∂a_l, â = (a, 1). A weight of layer l acts only
//! through z_l, so with S_m = ∂²E/∂z_m∂z_m, T_{m,l} = S_m ∂z_m/∂z_l and R_{m−1,l} = ∂a_{m−1}/∂z_l
//!
//! ∂²E/∂W_{m,ij}∂W_{l,kn} = T_{m,l}(i,k) â_{m−1,j} â_{l−1,n} + δ_{m,i} R_{m−1,l}(j,k) â_{l−1,n}  (the second for l < m; j the bias: none).
//!
//! Recursions: T_{m,m} = S_m, T_{m,l} = (T_{m,l+1} W_{l+1}) diag f′(z_l), R_{l,l} = diag f′(z_l), R_{m,l} the same way, and
//! S_{m−1} = diag f′ W_mᵀ T_{m,m−1} + diag(f″ u). The sums over items are then products of panels: T rows with â â rows, δ rows with R â rows;
//! on the diagonal (l = m) each pair of nodes and each pair of inputs once. Behind a softmax the rows of T_{L,l} add up to zero: one of
//! them is left out and put back at the end.
//!
//! What costs is to write: a line into the second cache takes as long as fifteen multiplications. So products of rows are made in
//! registers where they are summed, S of a hidden layer comes a column at a time, and chunks keep the rest in the second cache.
//! Cost for [2, 10, 4] and 1000 items: 1,800 fused multiplications a block of eight items. With a rectifier it is the
//! Hessian of the active pattern (f″ = 0). Prefer Hessian-vector products when the matrix itself (n² numbers) is too large.
//!
//! Reference: C. Bishop, Neural Computation 4, 494 (1992), doi:10.1162/neco.1992.4.4.494, whose recursions these are, ordered for sums.

use super::gradient::Plan;
use super::items::Items;
use super::kinds::LossKind;
use super::passes::{HiddenCurvature, LossCurvature, Panels, loss_carry, loss_triangles, put_column, take};
use crate::math::Matrix;
use crate::math::products::{Then, product, times_repeated};
use crate::math::simd::{Block, LANES, numbers_mut};
use crate::math::sums::{Products, Rows, gram_of_products};
use crate::network::Activation;
use std::borrow::Cow;

/// Panels of one chunk should stay in the second cache.
const CACHE_BLOCKS: usize = 10_000;

/// Sizes of what a pair of layers (m above or equal to l) needs.
struct Pair {
    m: usize,
    l: usize,
    /// Rows of S_m and T: the nodes of layer m, but one output less behind a softmax.
    upper: usize,
    /// Rows of T (pairs of nodes on the diagonal) and of â â.
    nodes: usize,
    inputs: usize,
    /// Rows of R â; none on the diagonal.
    bent: usize,
    /// Where its sums begin: nodes × inputs, then outputs of m × bent.
    sums: usize,
}

/// Number of pairs of `n` things, each with itself too.
fn pairs(n: usize) -> usize {
    n * (n + 1) / 2
}

/// Inputs of a layer, the bias counted as one.
fn fan_in(plan: &Plan, l: usize) -> usize {
    plan.layers[l].inputs + !plan.layers[l].biases.is_empty() as usize
}

/// Rows of T_{L,l} that are summed up: those of a softmax add up to zero, so that the last is known from the others.
fn free_outputs(plan: &Plan, kind: LossKind) -> usize {
    let softmax = kind.is_softmax() && plan.output == Activation::Linear;
    if softmax && plan.outputs() > 1 { plan.outputs() - 1 } else { plan.outputs() }
}

/// Every pair of layers and the number of sums that all need.
fn pairs_of_layers(plan: &Plan, kind: LossKind) -> (Vec<Pair>, usize) {
    let (mut all, mut sums) = (Vec::new(), 0);
    for m in (0..plan.layers.len()).rev() {
        for l in (0..=m).rev() {
            let (outputs, lower) = (plan.layers[m].outputs, plan.layers[l].outputs);
            let upper = if m + 1 == plan.layers.len() { free_outputs(plan, kind) } else { outputs };
            let (nodes, inputs, bent) = if l == m {
                (pairs(upper), pairs(fan_in(plan, m)), 0)
            } else {
                let between = if l + 1 == m { 1 } else { plan.layers[m].inputs };
                (upper * lower, fan_in(plan, m) * fan_in(plan, l), between * lower * fan_in(plan, l))
            };
            all.push(Pair { m, l, upper, nodes, inputs, bent, sums });
            sums += nodes * inputs + outputs * bent;
        }
    }
    (all, sums)
}

/// What the memory is divided into, in blocks for one block of items, and its size.
struct Sizes {
    chunk: usize,
    /// S of a layer below the outputs and above the first, and one column of it.
    square: usize,
    column: usize,
    /// The upper triangle of S at the outputs.
    triangle: usize,
    /// T between two layers.
    between: usize,
    /// R between two hidden layers.
    hidden: usize,
    sums: usize,
}

impl Sizes {
    fn new(plan: &Plan, layers: &[Pair], sums: usize, blocks: usize) -> Sizes {
        let inner = &plan.layers[..plan.layers.len() - 1];
        let column = inner.iter().map(|l| l.outputs).max().unwrap_or(0);
        let square = inner.iter().skip(1).map(|l| l.outputs * l.outputs).max().unwrap_or(0);
        let triangle = layers.first().map_or(0, |outputs| outputs.nodes);
        let between = layers.iter().filter(|p| p.l < p.m).map(|p| p.nodes).max().unwrap_or(0);
        let hidden = layers.iter().filter(|p| p.l < p.m && plan.layers.len() > 2).map(|p| {
            let lower = plan.layers[p.l].outputs;
            if p.l + 1 == p.m { lower * lower } else { plan.layers[p.m].inputs * lower }
        });
        let hidden = hidden.max().unwrap_or(0);
        let mut sizes = Sizes { chunk: 1, square, column, triangle, between, hidden, sums };
        let longest = (CACHE_BLOCKS / sizes.one_block(plan)).clamp(1, 48);
        sizes.chunk = blocks.div_ceil(blocks.div_ceil(longest).max(1));
        sizes
    }

    fn one_block(&self, plan: &Plan) -> usize {
        Panels::memory(plan) + self.square + self.column + self.triangle + 2 * (self.between + self.hidden)
    }

    fn memory(&self, plan: &Plan) -> usize {
        self.one_block(plan) * self.chunk + self.sums.div_ceil(LANES)
    }
}

/// Blocks of memory that [`loss_hessian`] wants.
pub(super) fn memory(plan: &Plan, kind: LossKind, items: &Items) -> usize {
    let (layers, sums) = pairs_of_layers(plan, kind);
    Sizes::new(plan, &layers, sums, items.blocks).memory(plan)
}

/// The Hessian of the mean loss: n × n, symmetric. `hessian` has its shape already.
pub(super) fn loss_hessian(plan: &Plan, kind: LossKind, items: &Items, x: &[f64], hessian: &mut Matrix, memory: &mut [Block]) {
    let (layers, count) = pairs_of_layers(plan, kind);
    let sizes = Sizes::new(plan, &layers, count, items.blocks);
    let (sums, memory) = memory.split_at_mut(count.div_ceil(LANES));
    let sums = &mut numbers_mut(sums)[..count];
    sums.fill(0.0);
    let mut start = 0;
    while start < items.blocks {
        let end = (start + sizes.chunk).min(items.blocks);
        add_chunk(plan, kind, items, start..end, x, &layers, &sizes, sums, memory);
        start = end;
    }
    let scale = 1.0 / items.count as f64;
    for pair in &layers {
        let (straight, curved) = sums[pair.sums..].split_at(pair.nodes * pair.inputs);
        if pair.upper < plan.layers[pair.m].outputs {
            scatter(plan, pair, &with_last_row(pair, straight), curved, scale, hessian);
        } else {
            scatter(plan, pair, straight, curved, scale, hessian);
        }
    }
    hessian.mirror_lower();
}

/// Adds the sums over a chunk of items.
#[allow(clippy::too_many_arguments)]
fn add_chunk(
    plan: &Plan,
    kind: LossKind,
    items: &Items,
    chunk: std::ops::Range<usize>,
    x: &[f64],
    layers: &[Pair],
    sizes: &Sizes,
    sums: &mut [f64],
    mut memory: &mut [Block],
) {
    let blocks = chunk.len();
    let wide = plan.layers[0].inputs;
    let inputs = &items.inputs[chunk.start * wide..chunk.end * wide];
    let mut panels = Panels::new(plan, blocks, &mut memory);
    panels.pass(plan, kind, items, chunk, x);
    // S of the layer m in hand (and then that of the layer below); T and R, each with a second place for the next.
    let s = take(&mut memory, sizes.square * blocks);
    let column = take(&mut memory, sizes.column * blocks);
    let triangle = take(&mut memory, sizes.triangle * blocks);
    let mut t = take(&mut memory, sizes.between * blocks);
    let mut t_next = take(&mut memory, sizes.between * blocks);
    let mut r = take(&mut memory, sizes.hidden * blocks);
    let mut r_next = take(&mut memory, sizes.hidden * blocks);

    let rows = free_outputs(plan, kind);
    let loss = LossCurvature { diagonal: panels.diagonal, root: panels.root, outputs: plan.outputs(), rows };
    let below = |l: usize| Rows {
        panel: if l == 0 { inputs } else { &panels.values[plan.part(l - 1, blocks)] },
        count: plan.layers[l].inputs,
        one: !plan.layers[l].biases.is_empty(),
    };
    for (at, pair) in layers.iter().enumerate() {
        let (m, l, upper) = (pair.m, pair.l, pair.upper);
        let (outputs, lower) = (plan.layers[m].outputs, plan.layers[l].outputs);
        if l == m {
            // S of a hidden layer comes, and is summed up, with T of the layer above it.
            if m + 1 == plan.layers.len() {
                loss_triangles(loss, triangle);
                gram_of_products(triangle, pair.nodes, Products::Pairs(below(m)), &mut sums[..pair.nodes * pair.inputs]);
            }
            continue;
        }
        let first = &panels.first[plan.part(l, blocks)];
        let (straight, curved) = sums[pair.sums..].split_at_mut(pair.nodes * pair.inputs);
        let above = plan.layers[l + 1].outputs;
        let carry = plan.weights(l + 1, x).transposed();
        if m + 1 == plan.layers.len() && l + 1 == m {
            loss_carry(loss, &x[plan.layers[m].weights.clone()], first, &mut t[..upper * lower * blocks]);
        } else {
            let carried = if l + 1 == m { &*s } else { &*t };
            product(carry, &carried[..upper * above * blocks], Then::Set, &mut t_next[..upper * lower * blocks]);
            times_repeated(&mut t_next[..upper * lower * blocks], first, lower, upper);
            std::mem::swap(&mut t, &mut t_next);
        }
        let t = &t[..upper * lower * blocks];
        gram_of_products(t, pair.nodes, Products::Outer(below(m), below(l)), straight);

        let delta = &panels.delta[plan.part(m, blocks)];
        let curved = &mut curved[..outputs * pair.bent];
        if l + 1 == m {
            let slopes = Rows { panel: first, count: lower, one: false };
            gram_of_products(delta, outputs, Products::Outer(slopes, below(l)), curved);
            let (w, part) = (&carried_weights(plan, pair, x)[..], plan.part(l, blocks));
            let curvature =
                HiddenCurvature { w, t, first, second: &panels.second[part.clone()], up: &panels.up[part], width: lower };
            let own = layers[at..].iter().find(|p| p.m == l && p.l == l).expect("every layer has a pair of its own");
            let mut sums = &mut sums[own.sums..];
            for k in 0..lower {
                let column = &mut column[..(k + 1) * blocks];
                curvature.column(k, column);
                let (now, later) = sums.split_at_mut((k + 1) * own.inputs);
                gram_of_products(column, k + 1, Products::Pairs(below(l)), now);
                sums = later;
                if l > 0 {
                    put_column(column, k, lower, &mut s[..lower * lower * blocks]);
                }
            }
            if sizes.hidden > 0 && l > 0 {
                diagonal_matrix(first, lower, &mut r[..lower * lower * blocks]);
            }
            continue;
        }
        let between = plan.layers[m].inputs;
        product(carry, &r[..between * above * blocks], Then::Set, &mut r_next[..between * lower * blocks]);
        times_repeated(&mut r_next[..between * lower * blocks], first, lower, between);
        std::mem::swap(&mut r, &mut r_next);
        let slopes = Rows { panel: &r[..between * lower * blocks], count: between * lower, one: false };
        gram_of_products(delta, outputs, Products::Outer(slopes, below(l)), curved);
    }
}

/// W_m as it acts on rows of T: where the last of them is missing, it takes part as minus the sum of the others.
fn carried_weights<'a>(plan: &Plan, pair: &Pair, x: &'a [f64]) -> Cow<'a, [f64]> {
    let layer = &plan.layers[pair.m];
    let w = &x[layer.weights.clone()];
    if pair.upper == layer.outputs {
        return w.into();
    }
    let (rows, last) = w.split_at(pair.upper * layer.inputs);
    rows.iter().zip(last.iter().cycle()).map(|(w, last)| w - last).collect()
}

/// The sums of a pair of layers with those of the last output, of which there are as many as make each column add up to zero.
fn with_last_row(pair: &Pair, sums: &[f64]) -> Vec<f64> {
    let rows = pair.upper;
    if pair.l < pair.m {
        let row = sums.len() / rows;
        let mut all = sums.to_vec();
        all.extend((0..row).map(|at| -(0..rows).map(|i| sums[i * row + at]).sum::<f64>()));
        return all;
    }
    // The packed triangle of S, column after column, `inputs` numbers for each pair of outputs.
    let of = |i: usize, k: usize| &sums[(pairs(i.max(k)) + i.min(k)) * pair.inputs..][..pair.inputs];
    let minus_row = |i: usize, at: usize| -(0..rows).map(|k| of(i, k)[at]).sum::<f64>();
    let mut all = sums.to_vec();
    for i in 0..rows {
        all.extend((0..pair.inputs).map(|at| minus_row(i, at)));
    }
    all.extend((0..pair.inputs).map(|at| -(0..rows).map(|i| minus_row(i, at)).sum::<f64>()));
    all
}

/// A diagonal matrix for each item.
fn diagonal_matrix(diagonal: &[Block], n: usize, full: &mut [Block]) {
    full.fill(Block::ZERO);
    for (full, diagonal) in full.chunks_exact_mut(n * n).zip(diagonal.chunks_exact(n)) {
        for i in 0..n {
            full[i * n + i] = diagonal[i];
        }
    }
}

/// Puts the sums of a pair of layers where they belong in the lower triangle of the Hessian.
fn scatter(plan: &Plan, pair: &Pair, straight: &[f64], curved: &[f64], scale: f64, hessian: &mut Matrix) {
    let (m, l) = (pair.m, pair.l);
    let (upper, lower) = (plan.layers[m].outputs, plan.layers[l].outputs);
    let (fan_m, fan_l) = (fan_in(plan, m), fan_in(plan, l));
    // The place of input j of node i; behind the inputs stands the bias.
    let layer = &plan.layers[m];
    let place =
        |i: usize, j: usize| if j < layer.inputs { layer.weights.start + i * layer.inputs + j } else { layer.biases.start + i };
    if l == m {
        let places: Vec<usize> = (0..upper * fan_m).map(|at| place(at / fan_m, at % fan_m)).collect();
        let places = |i: usize| &places[i * fan_m..(i + 1) * fan_m];
        let columns = hessian.columns;
        let mut put = |a: usize, b: usize, value: f64| hessian.data[a.max(b) * columns + a.min(b)] = value;
        let mut sums = straight;
        for k in 0..upper {
            for i in 0..=k {
                let (left, right) = (places(i), places(k));
                for j in 0..fan_m {
                    let (now, later) = sums.split_at(fan_m - j);
                    for ((&a, &b), sum) in left[j..].iter().zip(&right[j..]).zip(now) {
                        put(left[j], b, scale * sum);
                        put(a, right[j], scale * sum);
                    }
                    sums = later;
                }
            }
        }
        return;
    }
    let (below, own_inputs) = (&plan.layers[l], plan.layers[m].inputs);
    for i in 0..upper {
        for j in 0..fan_m {
            let (weights, biases) = hessian.row_mut(place(i, j))[below.weights.start..].split_at_mut(below.weights.len());
            for k in 0..lower {
                let straight = &straight[((i * lower + k) * fan_m + j) * fan_l..][..fan_l];
                let weights = &mut weights[k * below.inputs..][..below.inputs];
                for (to, sum) in weights.iter_mut().zip(straight) {
                    *to = scale * sum;
                }
                if let Some(sum) = straight.get(below.inputs) {
                    biases[k] = scale * sum;
                }
                let bent = if l + 1 == m { (j == k).then_some(k) } else { (j < own_inputs).then_some(j * lower + k) };
                if let Some(at) = bent {
                    let curved = &curved[i * pair.bent + at * fan_l..][..fan_l];
                    for (to, sum) in weights.iter_mut().zip(curved) {
                        *to += scale * sum;
                    }
                    if let Some(sum) = curved.get(below.inputs) {
                        biases[k] += scale * sum;
                    }
                }
            }
        }
    }
}
