//! The forward pass with derivatives of the functions, and the small element-by-element kernels that second derivatives need.

use super::gradient::Plan;
use super::items::Items;
use super::kinds::{Curvatures, LossKind, chain, stage};
use crate::math::products::{Then, product, tile, with_tile};
use crate::math::simd::{Block, Kernel, Lanes, dispatch};
use crate::network::Activation;
use std::ops::Range;

/// Panels of one chunk; each of the first five has a part for every layer (see [`Plan::part`]).
pub(super) struct Panels<'a> {
    /// a = f(z).
    pub values: &'a mut [Block],
    /// f′(z).
    pub first: &'a mut [Block],
    /// f″(z).
    pub second: &'a mut [Block],
    /// δ = ∂E/∂z.
    pub delta: &'a mut [Block],
    /// u = ∂E/∂a.
    pub up: &'a mut [Block],
    /// The curvature of the loss at the outputs' arguments: diag(d) − q qᵀ.
    pub diagonal: &'a mut [Block],
    pub root: &'a mut [Block],
}

/// Takes memory from the front.
pub(super) fn take<'a>(memory: &mut &'a mut [Block], count: usize) -> &'a mut [Block] {
    let (front, rest) = std::mem::take(memory).split_at_mut(count);
    *memory = rest;
    front
}

impl<'a> Panels<'a> {
    /// Blocks of memory for one block of items.
    pub fn memory(plan: &Plan) -> usize {
        5 * plan.nodes + 2 * plan.outputs()
    }

    /// Panels for `blocks` blocks of items from the front of `memory`.
    pub fn new(plan: &Plan, blocks: usize, memory: &mut &'a mut [Block]) -> Panels<'a> {
        let (nodes, outputs) = (plan.nodes * blocks, plan.outputs() * blocks);
        Panels {
            values: take(memory, nodes),
            first: take(memory, nodes),
            second: take(memory, nodes),
            delta: take(memory, nodes),
            up: take(memory, nodes),
            diagonal: take(memory, outputs),
            root: take(memory, outputs),
        }
    }

    /// Fills every panel for the blocks `chunk` of the items.
    pub fn pass(&mut self, plan: &Plan, kind: LossKind, items: &Items, chunk: Range<usize>, x: &[f64]) {
        let depth = plan.layers.len();
        let blocks = chunk.len();
        let (width, wide) = (plan.outputs(), plan.layers[0].inputs);
        let inputs = &items.inputs[chunk.start * wide..chunk.end * wide];
        let plain_output = plan.output == Activation::Linear || kind.takes_arguments();
        for l in 0..depth {
            let own = plan.part(l, blocks);
            let (low, high) = self.values.split_at_mut(own.start);
            let from = if l == 0 { inputs } else { &low[plan.part(l - 1, blocks)] };
            let z = &mut high[..own.len()];
            product(plan.weights(l, x), from, plan.biases(l, x), z);
            if l + 1 < depth || !plain_output {
                plan.function(l).values_and_curvatures(z, &mut self.first[own.clone()], &mut self.second[own]);
            }
        }
        let last = plan.part(depth - 1, blocks);
        let delta = &mut self.delta[last.clone()];
        delta.copy_from_slice(&self.values[last.clone()]);
        let targets = &items.targets[chunk.start * width..chunk.end * width];
        let padding = (chunk.end == items.blocks).then_some(&items.live);
        let curvatures = Curvatures { diagonal: self.diagonal, root: self.root };
        stage(kind, delta, targets, width, padding, curvatures);
        if !plain_output {
            let curvatures = Curvatures { diagonal: self.diagonal, root: self.root };
            chain(delta, &self.first[last.clone()], &self.second[last], curvatures);
        }
        for l in (1..depth).rev() {
            let (low, high) = self.delta.split_at_mut(plan.part(l, blocks).start);
            let delta = &high[..plan.part(l, blocks).len()];
            let below = plan.part(l - 1, blocks);
            let up = &mut self.up[below.clone()];
            product(plan.weights(l, x).transposed(), delta, Then::Set, up);
            multiply(&self.first[below.clone()], up, &mut low[below]);
        }
    }
}

/// out ← a · b, element by element.
pub(super) fn multiply(a: &[Block], b: &[Block], out: &mut [Block]) {
    dispatch(Multiply { a, b, out });
}

struct Multiply<'a> {
    a: &'a [Block],
    b: &'a [Block],
    out: &'a mut [Block],
}

impl Kernel for Multiply<'_> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes>(self) {
        for ((out, a), b) in self.out.iter_mut().zip(self.a).zip(self.b) {
            (V::load(a) * V::load(b)).store(out);
        }
    }
}

/// out ← d ∘ v − q (q·v) for each item: the curvature of the loss times a vector of `width` outputs.
pub(super) fn loss_curvature_times(diagonal: &[Block], root: &[Block], v: &[Block], width: usize, out: &mut [Block]) {
    dispatch(CurvatureTimes { diagonal, root, v, width, out });
}

struct CurvatureTimes<'a> {
    diagonal: &'a [Block],
    root: &'a [Block],
    v: &'a [Block],
    width: usize,
    out: &'a mut [Block],
}

impl Kernel for CurvatureTimes<'_> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes>(self) {
        for from in (0..self.out.len()).step_by(self.width) {
            let mut along = V::splat(0.0);
            for i in from..from + self.width {
                along = V::load(&self.root[i]).fma(V::load(&self.v[i]), along);
            }
            for i in from..from + self.width {
                let straight = V::load(&self.diagonal[i]) * V::load(&self.v[i]);
                V::load(&self.root[i]).fnma(along, straight).store(&mut self.out[i]);
            }
        }
    }
}

/// How δ of a hidden layer changes: out ← f′ ∘ out + f″ ∘ ż ∘ u, where `out` comes in as the change of u.
pub(super) fn change_of_delta(first: &[Block], second: &[Block], dz: &[Block], up: &[Block], out: &mut [Block]) {
    dispatch(ChangeOfDelta { first, second, dz, up, out });
}

struct ChangeOfDelta<'a> {
    first: &'a [Block],
    second: &'a [Block],
    dz: &'a [Block],
    up: &'a [Block],
    out: &'a mut [Block],
}

impl Kernel for ChangeOfDelta<'_> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes>(self) {
        let n = self.out.len();
        let (first, second, dz, up) = (&self.first[..n], &self.second[..n], &self.dz[..n], &self.up[..n]);
        for i in 0..n {
            let bent = V::load(&second[i]) * V::load(&dz[i]) * V::load(&up[i]);
            V::load(&first[i]).fma(V::load(&self.out[i]), bent).store(&mut self.out[i]);
        }
    }
}

/// The curvature of the loss at the outputs of each item, diag(d) − q qᵀ, of which the first `rows` rows are wanted.
#[derive(Clone, Copy)]
pub(super) struct LossCurvature<'a> {
    pub diagonal: &'a [Block],
    pub root: &'a [Block],
    pub outputs: usize,
    pub rows: usize,
}

impl LossCurvature<'_> {
    fn blocks(&self) -> usize {
        assert!(self.diagonal.len() == self.root.len() && self.rows <= self.outputs, "the curvature does not fit the outputs");
        self.diagonal.len() / self.outputs
    }
}

/// The upper triangles of the loss's curvature, column after column: out(i, k) ← d_i [i = k] − q_i q_k for i ≤ k below `rows`.
pub(super) fn loss_triangles(loss: LossCurvature, out: &mut [Block]) {
    dispatch(LossTriangles { loss, out });
}

struct LossTriangles<'a> {
    loss: LossCurvature<'a>,
    out: &'a mut [Block],
}

impl Kernel for LossTriangles<'_> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes>(self) {
        let LossCurvature { diagonal, root, outputs, rows } = self.loss;
        let items =
            self.out.chunks_exact_mut(rows * (rows + 1) / 2).zip(diagonal.chunks_exact(outputs)).zip(root.chunks_exact(outputs));
        for ((out, diagonal), root) in items {
            for k in 0..rows {
                let q = V::load(&root[k]);
                let column = &mut out[k * (k + 1) / 2..][..k + 1];
                for (out, other) in column.iter_mut().zip(root) {
                    (-(q * V::load(other))).store(out);
                }
                (V::load(&column[k]) + V::load(&diagonal[k])).store(&mut column[k]);
            }
        }
    }
}

/// What the arguments of the layer below the outputs do to the slopes at the first `rows` outputs:
/// t(i, k) ← f′_k (d_i w(i, k) − q_i Σ_j q_j w(j, k)), where `w` has a row for each output and `t` one for each of the first.
pub(super) fn loss_carry(loss: LossCurvature, w: &[f64], first: &[Block], t: &mut [Block]) {
    dispatch(LossCarry { loss, w, first, t });
}

struct LossCarry<'a> {
    loss: LossCurvature<'a>,
    w: &'a [f64],
    first: &'a [Block],
    t: &'a mut [Block],
}

impl Kernel for LossCarry<'_> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes>(self) {
        let LossCarry { loss, w, first, t } = self;
        let LossCurvature { outputs, rows, .. } = loss;
        let (n, blocks) = (w.len() / outputs, loss.blocks());
        assert!(w.len() == n * outputs && rows <= outputs, "the weights do not fit the outputs");
        assert!(first.len() == blocks * n && t.len() == blocks * rows * n, "a panel of the nodes does not fit");
        for b in 0..blocks {
            let mut k = 0;
            while k < n {
                let wide = tile(n - k, 5);
                // SAFETY: k + wide ≤ n, and the asserts give the lengths.
                unsafe {
                    let (w, first) = (w.as_ptr().add(k), first.as_ptr().add(b * n + k));
                    let t = t.as_mut_ptr().add(b * rows * n + k);
                    match wide {
                        1 => carry_tile::<V, 1>(loss, n, b, w, first, t),
                        2 => carry_tile::<V, 2>(loss, n, b, w, first, t),
                        3 => carry_tile::<V, 3>(loss, n, b, w, first, t),
                        4 => carry_tile::<V, 4>(loss, n, b, w, first, t),
                        _ => carry_tile::<V, 5>(loss, n, b, w, first, t),
                    }
                }
                k += wide;
            }
        }
    }
}

/// SAFETY: C columns from `w` and `t` (every `n`) and C blocks from `first` must lie inside their slices, for block `b` of the loss.
#[inline(always)]
unsafe fn carry_tile<V: Lanes, const C: usize>(
    loss: LossCurvature,
    n: usize,
    b: usize,
    w: *const f64,
    first: *const Block,
    t: *mut Block,
) {
    let LossCurvature { diagonal, root, outputs, rows } = loss;
    // SAFETY: the caller's promise; i counts outputs, c < C.
    unsafe {
        let (diagonal, root) = (diagonal.as_ptr().add(b * outputs), root.as_ptr().add(b * outputs));
        let mut along = [V::splat(0.0); C];
        for i in 0..outputs {
            let q = V::load(&*root.add(i));
            for c in 0..C {
                along[c] = V::splat(*w.add(i * n + c)).fma(q, along[c]);
            }
        }
        for i in 0..rows {
            let (d, q) = (V::load(&*diagonal.add(i)), V::load(&*root.add(i)));
            for c in 0..C {
                let bent = q.fnma(along[c], d * V::splat(*w.add(i * n + c)));
                (bent * V::load(&*first.add(c))).store(&mut *t.add(i * n + c));
            }
        }
    }
}

/// One column of the curvature with respect to a hidden layer's arguments, down to its diagonal: for i ≤ k
/// s(i) ← f′_i Σ_j w(j, i) t(j, k) + [i = k] f″_k u_k, where w and t have a row for each node above.
#[derive(Clone, Copy)]
pub(super) struct HiddenCurvature<'a> {
    pub w: &'a [f64],
    pub t: &'a [Block],
    pub first: &'a [Block],
    pub second: &'a [Block],
    pub up: &'a [Block],
    /// Nodes of the layer.
    pub width: usize,
}

impl HiddenCurvature<'_> {
    /// Column `k`, k + 1 blocks for each block of items.
    pub fn column(self, k: usize, s: &mut [Block]) {
        dispatch(CurvatureColumn { layer: self, k, s });
    }
}

struct CurvatureColumn<'a> {
    layer: HiddenCurvature<'a>,
    k: usize,
    s: &'a mut [Block],
}

impl Kernel for CurvatureColumn<'_> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes>(self) {
        let CurvatureColumn { layer, k, s } = self;
        let n = layer.width;
        let (blocks, above) = (layer.first.len() / n, layer.w.len() / n);
        assert!(
            k < n && layer.w.len() == above * n && layer.t.len() == blocks * above * n,
            "a panel of the curvature does not fit"
        );
        assert!(layer.second.len() == blocks * n && layer.up.len() == blocks * n, "a panel of the nodes does not fit");
        assert!(s.len() == blocks * (k + 1), "the column does not fit");
        let mut i = 0;
        while i <= k {
            let high = tile(k + 1 - i, V::TILE_ROWS);
            let mut b = 0;
            while b < blocks {
                let wide = tile(blocks - b, V::TILE_COLUMNS);
                // SAFETY: i + high ≤ k + 1 ≤ n, b + wide ≤ blocks, and the asserts give the lengths.
                unsafe {
                    let s = s.as_mut_ptr().add(b * (k + 1) + i);
                    with_tile!(high, wide, curvature_tile(&layer, above, b, i, k, s));
                }
                b += wide;
            }
            i += high;
        }
        for (b, column) in s.chunks_exact_mut(k + 1).enumerate() {
            let bent = V::load(&layer.second[b * n + k]) * V::load(&layer.up[b * n + k]);
            (V::load(&column[k]) + bent).store(&mut column[k]);
        }
    }
}

/// Rows i … of column `k` for C blocks of items. SAFETY: i + R ≤ k + 1 ≤ width, and the panels hold the blocks b … b + C.
#[inline(always)]
unsafe fn curvature_tile<V: Lanes, const R: usize, const C: usize>(
    layer: &HiddenCurvature,
    above: usize,
    b: usize,
    i: usize,
    k: usize,
    s: *mut Block,
) {
    let n = layer.width;
    // SAFETY: the caller's promise; j counts the nodes above, r < R, c < C.
    unsafe {
        let (w, t) = (layer.w.as_ptr().add(i), layer.t.as_ptr().add(b * above * n + k));
        let mut sums = [[V::splat(0.0); C]; R];
        for j in 0..above {
            let t: [V; C] = std::array::from_fn(|c| V::load(&*t.add((c * above + j) * n)));
            for r in 0..R {
                let weight = V::splat(*w.add(j * n + r));
                for c in 0..C {
                    sums[r][c] = weight.fma(t[c], sums[r][c]);
                }
            }
        }
        let first = layer.first.as_ptr().add(b * n + i);
        for c in 0..C {
            for r in 0..R {
                (sums[r][c] * V::load(&*first.add(c * n + r))).store(&mut *s.add(c * (k + 1) + r));
            }
        }
    }
}

/// Puts column `k` of a symmetric n × n matrix of each item, given down to its diagonal, into the whole matrix.
pub(super) fn put_column(column: &[Block], k: usize, n: usize, full: &mut [Block]) {
    for (column, full) in column.chunks_exact(k + 1).zip(full.chunks_exact_mut(n * n)) {
        for (i, entry) in column.iter().enumerate() {
            full[i * n + k] = *entry;
            full[k * n + i] = *entry;
        }
    }
}
