//! The forward pass with derivatives of the functions, and the small element-by-element kernels that second derivatives need.

use super::gradient::Plan;
use super::items::Items;
use super::kinds::{Curvatures, LossKind, chain, stage};
use crate::math::products::{Then, product};
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

/// The loss's curvature for each item, upper triangles only, row after row: out(i, k) ← d_i [i = k] − q_i q_k.
pub(super) fn loss_curvature(diagonal: &[Block], root: &[Block], width: usize, out: &mut [Block]) {
    dispatch(LossCurvature { diagonal, root, width, out });
}

struct LossCurvature<'a> {
    diagonal: &'a [Block],
    root: &'a [Block],
    width: usize,
    out: &'a mut [Block],
}

impl Kernel for LossCurvature<'_> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes>(self) {
        let n = self.width;
        let zero = V::splat(0.0);
        let items = self.out.chunks_exact_mut(n * (n + 1) / 2).zip(self.diagonal.chunks_exact(n)).zip(self.root.chunks_exact(n));
        for ((out, diagonal), root) in items {
            let mut at = 0;
            for i in 0..n {
                let q = V::load(&root[i]);
                for k in i..n {
                    let straight = if i == k { V::load(&diagonal[i]) } else { zero };
                    q.fnma(V::load(&root[k]), straight).store(&mut out[at]);
                    at += 1;
                }
            }
        }
    }
}

/// The curvature with respect to a hidden layer's arguments, upper triangles only, row after row:
/// s(i, k) ← f′_i Σ_j w(j, i) t(j, k) + [i = k] f″_i u_i, where w and t have a row for each node above.
pub(super) fn hidden_curvature(
    w: &[f64],
    t: &[Block],
    first: &[Block],
    second: &[Block],
    up: &[Block],
    width: usize,
    s: &mut [Block],
) {
    dispatch(HiddenCurvature { w, t, first, second, up, width, s });
}

struct HiddenCurvature<'a> {
    w: &'a [f64],
    t: &'a [Block],
    first: &'a [Block],
    second: &'a [Block],
    up: &'a [Block],
    width: usize,
    s: &'a mut [Block],
}

impl Kernel for HiddenCurvature<'_> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes>(self) {
        const WIDE: usize = 5;
        let n = self.width;
        let zero = V::splat(0.0);
        for (b, (s, t)) in self.s.chunks_exact_mut(n * (n + 1) / 2).zip(self.t.chunks_exact(self.w.len())).enumerate() {
            let mut at = 0;
            for i in 0..n {
                let slope = V::load(&self.first[b * n + i]);
                let mut k = i;
                while k < n {
                    let many = WIDE.min(n - k);
                    let mut sums = [zero; WIDE];
                    for (w, t) in self.w.chunks_exact(n).zip(t.chunks_exact(n)) {
                        let (weight, t) = (V::splat(w[i]), &t[k..k + many]);
                        if many == WIDE {
                            for c in 0..WIDE {
                                sums[c] = weight.fma(V::load(&t[c]), sums[c]);
                            }
                        } else {
                            for (sum, t) in sums.iter_mut().zip(t) {
                                *sum = weight.fma(V::load(t), *sum);
                            }
                        }
                    }
                    for (sum, place) in sums.into_iter().zip(&mut s[at..at + many]) {
                        (slope * sum).store(place);
                    }
                    if k == i {
                        let bent = V::load(&self.second[b * n + i]) * V::load(&self.up[b * n + i]);
                        (V::load(&s[at]) + bent).store(&mut s[at]);
                    }
                    at += many;
                    k += many;
                }
            }
        }
    }
}

/// Rows of a panel, with a constant 1 behind them where there are biases.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub panel: &'a [Block],
    pub count: usize,
    pub one: bool,
}

impl Rows<'_> {
    pub fn total(&self) -> usize {
        self.count + self.one as usize
    }
}

/// For each item every product of a left and a right row: out(p, q) ← left(p) · right(q).
pub(super) fn outer(left: Rows, right: Rows, out: &mut [Block]) {
    dispatch(Outer { left, right, out });
}

struct Outer<'a> {
    left: Rows<'a>,
    right: Rows<'a>,
    out: &'a mut [Block],
}

impl Kernel for Outer<'_> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes>(self) {
        let (left, right) = (self.left, self.right);
        let q = right.total();
        for (b, out) in self.out.chunks_exact_mut(left.total() * q).enumerate() {
            let rights = &right.panel[b * right.count..(b + 1) * right.count];
            for (p, out) in out.chunks_exact_mut(q).enumerate() {
                let x = if p < left.count { V::load(&left.panel[b * left.count + p]) } else { V::splat(1.0) };
                for (out, y) in out.iter_mut().zip(rights) {
                    (x * V::load(y)).store(out);
                }
                if right.one {
                    x.store(&mut out[right.count]);
                }
            }
        }
    }
}

/// For each item the products of every pair of rows, each once: out(p, q) for p ≤ q, packed row after row.
pub(super) fn outer_pairs(rows: Rows, out: &mut [Block]) {
    dispatch(OuterPairs { rows, out });
}

struct OuterPairs<'a> {
    rows: Rows<'a>,
    out: &'a mut [Block],
}

impl Kernel for OuterPairs<'_> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes>(self) {
        let (n, all) = (self.rows.count, self.rows.total());
        for (b, out) in self.out.chunks_exact_mut(all * (all + 1) / 2).enumerate() {
            let rows = &self.rows.panel[b * n..(b + 1) * n];
            let mut at = 0;
            for p in 0..all {
                let x = if p < n { V::load(&rows[p]) } else { V::splat(1.0) };
                for q in p..all {
                    let y = if q < n { V::load(&rows[q]) } else { V::splat(1.0) };
                    (x * y).store(&mut out[at]);
                    at += 1;
                }
            }
        }
    }
}

/// The whole symmetric matrix of each item, from its upper triangle.
pub(super) fn mirrored(triangles: &[Block], n: usize, full: &mut [Block]) {
    dispatch(Mirrored { triangles, n, full });
}

struct Mirrored<'a> {
    triangles: &'a [Block],
    n: usize,
    full: &'a mut [Block],
}

impl Kernel for Mirrored<'_> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lanes>(self) {
        let n = self.n;
        for (triangle, full) in self.triangles.chunks_exact(n * (n + 1) / 2).zip(self.full.chunks_exact_mut(n * n)) {
            let mut at = 0;
            for i in 0..n {
                for k in i..n {
                    let entry = V::load(&triangle[at]);
                    entry.store(&mut full[i * n + k]);
                    entry.store(&mut full[k * n + i]);
                    at += 1;
                }
            }
        }
    }
}
