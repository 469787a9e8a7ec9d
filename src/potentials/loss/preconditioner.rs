//! An approximation of the Hessian whose powers are cheap: for minimisations of networks with many inputs.
//!
//! Inputs that differ in size and go together (pixels) make long narrow valleys, which the Gauss–Newton curvature of the first layer tells: the
//! weights into node k have about M_k = c_k S + 2λ with S = ⟨x xᵀ⟩, the mean over the items of the outer products of the inputs, and c_k = ⟨∂²loss/∂z_k²⟩, the
//! mean curvature at the node's argument. S is the same at every position: its highest axes v_j are found once, of the rest the mean is
//! taken, S ≈ Σ s_j v_j v_jᵀ + s̄ (1 − Σ v_j v_jᵀ). Weights behind the first layer and biases have the diagonal c_k ⟨a_j²⟩ + 2λ.
//! Cost: to make one, a forward pass and a backward pass for every output without the first layer; to multiply by a power, 4 flops for each axis and weight.
//! With [784, 10, 10] a quench takes about half of the gradients that it takes without, and a third where labels are wrong (docs/benchmarks.md).
//! When it fails: where few items decide about a node, ⟨f′² …⟩ ⟨x xᵀ⟩ says little of ⟨f′² … x xᵀ⟩; it then helps less.
//!
//! References: J. Martens, R. Grosse, Proc. Mach. Learn. Res. 37, 2408 (2015), arXiv:1503.05671 (Kronecker factors); N. N. Schraudolph, Neural
//! Computation 14, 1723 (2002), doi:10.1162/08997660260028683 (Gauss–Newton curvature).

use super::super::Preconditioner;
use super::NetworkLoss;
use super::passes::{Panels, multiply, take};
use crate::data::Dataset;
use crate::math::lanczos;
use crate::math::matrix::{add_scaled, dot};
use crate::math::products::{Then, Weights, product};
use crate::math::simd::{Block, LANES};
use crate::network::Layer;

/// Axes of the inputs that are taken one by one. With 588 in place of 100 the quenches named above took as many gradients.
const AXES: usize = 100;
/// How well they are known, as a part of the largest s, and from how many items: an approximation of an approximation.
const TOLERANCE: f64 = 1e-3;
const MOST_ITEMS: usize = 2000;
/// The least M, as a part of the largest: where nothing curves and λ = 0.
const FLOOR: f64 = 1e-6;

/// The highest axes of the inputs' second moments.
pub(super) struct Axes {
    /// s_j, descending, then s̄.
    moments: Vec<f64>,
    /// v_j one a row.
    vectors: Vec<f64>,
}

impl Axes {
    pub fn of(data: &Dataset) -> Axes {
        let (items, n) = (data.len(), data.inputs.columns);
        let every = items.div_ceil(MOST_ITEMS);
        let rows: Vec<&[f64]> = (0..items).step_by(every).map(|i| data.inputs.row(i)).collect();
        let each = 1.0 / rows.len() as f64;
        let mut moments_times = |v: &[f64], out: &mut [f64]| {
            out.fill(0.0);
            for row in &rows {
                add_scaled(out, each * dot(row, v), row);
            }
        };
        let found = lanczos::highest(&mut moments_times, n, AXES.min(n), TOLERANCE, None, &[], 3 * AXES);
        let mut moments: Vec<f64> = found.values.iter().map(|s| s.max(0.0)).collect();
        let all: f64 = rows.iter().map(|row| each * dot(row, row)).sum();
        let left = n - moments.len();
        let rest = (all - moments.iter().sum::<f64>()).max(0.0);
        moments.push(if left > 0 { rest / left as f64 } else { 0.0 });
        Axes { moments, vectors: found.vectors.concat() }
    }

    fn count(&self) -> usize {
        self.moments.len() - 1
    }
}

/// M around one position.
pub(super) struct KroneckerFactors<'a> {
    axes: &'a Axes,
    layer: &'a Layer,
    /// c_k of the first layer's nodes.
    curvatures: Vec<f64>,
    /// M of its weights where S is 0.
    least: f64,
    /// M of all parameters behind its weights.
    diagonal: Vec<f64>,
    /// The first layer's weights, eight nodes side by side, and what they have of each axis.
    panel: Vec<Block>,
    along: Vec<Block>,
}

impl<'a> KroneckerFactors<'a> {
    pub fn at(loss: &'a NetworkLoss, axes: &'a Axes, x: &[f64]) -> KroneckerFactors<'a> {
        let layers = &loss.plan.layers;
        let Means { curvatures, squares } = Means::at(loss, x);
        let layer = &layers[0];
        let mut diagonal: Vec<f64> = loss.decay[layer.weights.end..].iter().map(|decay| 2.0 * decay).collect();
        let mut node = 0;
        for (l, layer) in layers.iter().enumerate() {
            for k in 0..layer.outputs {
                let c = curvatures[node + k];
                if l > 0 {
                    let weights = layer.weights.start + k * layer.inputs - layers[0].weights.end;
                    let below = &squares[node - layer.inputs..node];
                    diagonal[weights..][..layer.inputs].iter_mut().zip(below).for_each(|(m, square)| *m += c * square);
                }
                if !layer.biases.is_empty() {
                    diagonal[layer.biases.start + k - layers[0].weights.end] += c;
                }
            }
            node += layer.outputs;
        }
        let curvatures = curvatures[..layer.outputs].to_vec();
        let steepest = curvatures.iter().fold(0.0f64, |a, c| a.max(*c)) * axes.moments[0];
        let floor = FLOOR * diagonal.iter().fold(steepest, |a, m| a.max(*m)).max(f64::MIN_POSITIVE);
        diagonal.iter_mut().for_each(|m| *m += floor);
        let least = 2.0 * loss.options.l2 + floor;
        let blocks = layer.outputs.div_ceil(LANES);
        let panel = vec![Block::ZERO; blocks * layer.inputs];
        let along = vec![Block::ZERO; blocks * axes.count()];
        KroneckerFactors { axes, layer, curvatures, least, diagonal, panel, along }
    }
}

impl Preconditioner for KroneckerFactors<'_> {
    fn spread(&self) -> f64 {
        let steepest = self.curvatures.iter().fold(0.0f64, |a, c| a.max(*c)) * self.axes.moments[0] + self.least;
        let [most, least] =
            [f64::max as fn(f64, f64) -> f64, f64::min].map(|end| self.diagonal.iter().copied().fold(steepest, end));
        most / least.min(self.least)
    }

    fn power(&mut self, p: f64, v: &mut [f64]) {
        let power = |m: f64| if p == -1.0 { 1.0 / m } else { m.powf(p) };
        let (weights, behind) = v.split_at_mut(self.layer.weights.end);
        for (v, m) in behind.iter_mut().zip(&self.diagonal) {
            *v *= power(*m);
        }
        let (inputs, count) = (self.layer.inputs, self.axes.count());
        for (k, row) in weights.chunks_exact(inputs).enumerate() {
            for (block, w) in self.panel[k / LANES * inputs..].iter_mut().zip(row) {
                block.0[k % LANES] = *w;
            }
        }
        // Mᵖ w = m̄ᵖ w + Σ (m_jᵖ − m̄ᵖ) v_j (v_j·w), for every node w.
        let axes = Weights::new(&self.axes.vectors, count, inputs);
        product(axes, &self.panel, Then::Set, &mut self.along);
        for (k, c) in self.curvatures.iter().enumerate() {
            let rest = power(c * self.axes.moments[count] + self.least);
            let lane = k % LANES;
            let part = &mut self.along[k / LANES * count..][..count];
            for (along, moment) in part.iter_mut().zip(&self.axes.moments) {
                along.0[lane] *= power(c * moment + self.least) - rest;
            }
            self.panel[k / LANES * inputs..][..inputs].iter_mut().for_each(|w| w.0[lane] *= rest);
        }
        product(axes.transposed(), &self.along, Then::Add, &mut self.panel);
        for (k, row) in weights.chunks_exact_mut(inputs).enumerate() {
            for (w, block) in row.iter_mut().zip(&self.panel[k / LANES * inputs..]) {
                *w = block.0[k % LANES];
            }
        }
    }
}

/// Means over the items, for every node layer after layer.
struct Means {
    /// c_k = Σ_ij (∂o_i/∂z_k) A_ij (∂o_j/∂z_k), A the curvature of the loss at the outputs' arguments o; not negative.
    curvatures: Vec<f64>,
    /// Squares of the values.
    squares: Vec<f64>,
}

impl Means {
    fn at(loss: &NetworkLoss, x: &[f64]) -> Means {
        let (plan, items) = (&loss.plan, &loss.items);
        let mut means = Means { curvatures: vec![0.0; plan.nodes], squares: vec![0.0; plan.nodes] };
        let wanted = (Panels::memory(plan) + 2 * plan.nodes) * plan.chunk;
        loss.with_memory(wanted, x, |x, memory| {
            for chunk in plan.chunks(items) {
                let (blocks, width) = (chunk.len(), plan.outputs());
                let mut memory = &mut *memory;
                let mut panels = Panels::new(plan, blocks, &mut memory);
                // Σ_i d_i J_i² and Σ_i q_i J_i with A = diag(d) − q qᵀ and J_i = ∂o_i/∂z.
                let straight = take(&mut memory, plan.nodes * blocks);
                let along = take(&mut memory, plan.nodes * blocks);
                straight.fill(Block::ZERO);
                along.fill(Block::ZERO);
                panels.pass(plan, loss.options.kind, items, chunk.clone(), x);
                for output in 0..width {
                    let last = &mut panels.delta[plan.part(plan.layers.len() - 1, blocks)];
                    for (at, slope) in last.iter_mut().enumerate() {
                        *slope = Block([f64::from(at % width == output); LANES]);
                    }
                    for l in (0..plan.layers.len()).rev() {
                        let own = plan.part(l, blocks);
                        let nodes = plan.layers[l].outputs;
                        for (at, k) in own.clone().enumerate() {
                            let loss = at / nodes * width + output;
                            let (d, q, slope) = (&panels.diagonal[loss].0, &panels.root[loss].0, &panels.delta[k].0);
                            for lane in 0..LANES {
                                straight[k].0[lane] += d[lane] * slope[lane] * slope[lane];
                                along[k].0[lane] += q[lane] * slope[lane];
                            }
                        }
                        if l > 0 {
                            let below = plan.part(l - 1, blocks);
                            let (low, high) = panels.delta.split_at_mut(own.start);
                            let up = &mut panels.up[below.clone()];
                            product(plan.weights(l, x).transposed(), &high[..own.len()], Then::Set, up);
                            multiply(&panels.first[below.clone()], up, &mut low[below]);
                        }
                    }
                }
                for (l, layer) in plan.layers.iter().enumerate() {
                    for (at, k) in plan.part(l, blocks).enumerate() {
                        let node = plan.before[l] + at % layer.outputs;
                        let first = (chunk.start + at / layer.outputs) * LANES;
                        for lane in 0..LANES.min(items.count - first) {
                            means.curvatures[node] += straight[k].0[lane] - along[k].0[lane].powi(2);
                            means.squares[node] += panels.values[k].0[lane].powi(2);
                        }
                    }
                }
            }
        });
        let each = 1.0 / items.count as f64;
        means.curvatures.iter_mut().for_each(|c| *c = (each * *c).max(0.0));
        means.squares.iter_mut().for_each(|a| *a *= each);
        means
    }
}

#[cfg(test)]
mod tests {
    use super::super::gradient::outputs;
    use super::super::tests::{four_classes, twelve, weights};
    use super::super::{LossKind, LossOptions};
    use super::*;
    use crate::math::Matrix;
    use crate::math::matrix::{distance, norm};
    use crate::network::{Network, NetworkOptions};
    use crate::potentials::Potential;

    fn loss_of(nodes: &[i64], data: &Dataset, options: LossOptions) -> NetworkLoss {
        let net = Network::new(nodes, &NetworkOptions::default()).unwrap();
        NetworkLoss::new(&net, data, &options).unwrap()
    }

    /// Items of many inputs, the later the larger.
    fn many_inputs(items: usize, inputs: usize, size: f64) -> Dataset {
        let mut rows = Matrix::from_rows(items, inputs, weights(items * inputs, 1.0, size));
        rows.data.iter_mut().enumerate().for_each(|(at, x)| *x *= (at % inputs) as f64 / inputs as f64);
        Dataset::with_classes(rows, &(0..items as i64).map(|i| i % 3).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn it_is_the_hessian_where_that_has_its_form() {
        // Σ (W x − t)² + λ Σ W²: the Hessian is 2 S + 2λ for the weights of every output, exactly.
        let net = Network::new(&[2, 3], &NetworkOptions { bias: false, ..Default::default() }).unwrap();
        let targets = Matrix::from_rows(12, 3, weights(36, 1.0, 1.0));
        let data = Dataset::with_values(twelve(), targets).unwrap();
        let options = LossOptions { l2: 0.05, kind: LossKind::MeanSquaredError, ..Default::default() };
        let loss = NetworkLoss::new(&net, &data, &options).unwrap();
        let axes = Axes::of(&data);
        let mut m = KroneckerFactors::at(&loss, &axes, &weights(6, 0.0, 1.0));
        let v = weights(6, 2.0, 1.0);
        let mut hv = vec![0.0; 6];
        loss.hessian_vector(&weights(6, 0.0, 1.0), &v, &mut hv);
        let mut once = v.clone();
        m.power(1.0, &mut once);
        // The floor is 1e-6 of the largest curvature.
        assert!(distance(&once, &hv) < 1e-5 * norm(&hv), "{once:?} {hv:?}");
        let mut twice = v.clone();
        m.power(0.5, &mut twice);
        m.power(0.5, &mut twice);
        assert!(distance(&once, &twice) < 1e-12 * norm(&once));
        m.power(-1.0, &mut once);
        assert!(distance(&once, &v) < 1e-12 * norm(&v));
    }

    #[test]
    fn curvatures_are_those_of_differences() {
        let nodes = [2, 5, 3, 4];
        let loss = loss_of(&nodes, &four_classes(), LossOptions { l2: 1e-3, ..Default::default() });
        let x = weights(loss.dimension(), 1.0, 1.0);
        let at = |x: &[f64]| outputs(&loss.plan, &loss.items, x);
        let scores = at(&x);
        let means = Means::at(&loss, &x);
        let mut node = 0;
        for layer in &loss.plan.layers {
            for k in 0..layer.outputs {
                // A bias is an argument's shift.
                let moved = |by: f64| {
                    let mut x = x.clone();
                    x[layer.biases.start + k] += by;
                    at(&x)
                };
                let (up, down) = (moved(1e-5), moved(-1e-5));
                let mut mean = 0.0;
                for i in 0..12 {
                    let sum: f64 = scores.row(i).iter().map(|o| o.exp()).sum();
                    let (mut square, mut along) = (0.0, 0.0);
                    for c in 0..4 {
                        let (p, slope) = (scores[(i, c)].exp() / sum, (up[(i, c)] - down[(i, c)]) / 2e-5);
                        square += p * slope * slope;
                        along += p * slope;
                    }
                    mean += (square - along * along) / 12.0;
                }
                let found = means.curvatures[node + k];
                assert!((found - mean).abs() < 1e-9 * (1.0 + mean), "node {k} of {layer:?}: {found} and {mean}");
            }
            node += layer.outputs;
        }
        // The squares of the outputs, and a diagonal element of the second layer from both.
        let squares = (0..12).map(|i| scores[(i, 2)].powi(2)).sum::<f64>() / 12.0;
        assert!((means.squares[5 + 3 + 2] - squares).abs() < 1e-12);
        let axes = Axes::of(&loss.data);
        let mut m = KroneckerFactors::at(&loss, &axes, &x);
        let place = loss.plan.layers[1].weights.start + 5 + 4;
        let mut unit = vec![0.0; x.len()];
        unit[place] = 1.0;
        m.power(1.0, &mut unit);
        let expected = means.curvatures[5 + 1] * means.squares[4] + 2e-3;
        // (with the floor)
        assert!((unit[place] - expected).abs() < 1e-6, "{} and {expected}", unit[place]);
        assert!(unit.iter().enumerate().all(|(i, u)| i == place || *u == 0.0));
    }

    #[test]
    fn the_highest_axes_of_many_inputs_are_found() {
        let data = many_inputs(200, 150, 255.0);
        let axes = Axes::of(&data);
        let squares: f64 = data.inputs.data.iter().map(|x| x * x).sum::<f64>() / 200.0;
        let rest = axes.moments[AXES] * 50.0;
        assert_eq!(axes.moments.len(), AXES + 1);
        assert!((axes.moments[..AXES].iter().sum::<f64>() + rest - squares).abs() < 1e-9 * squares);
        let first = &axes.vectors[..150];
        let mut image = vec![0.0; 150];
        for i in 0..200 {
            add_scaled(&mut image, dot(data.inputs.row(i), first) / 200.0, data.inputs.row(i));
        }
        add_scaled(&mut image, -axes.moments[0], first);
        assert!((norm(first) - 1.0).abs() < 1e-12 && norm(&image) <= 1e-3 * axes.moments[0], "{}", norm(&image));
    }

    #[test]
    fn only_networks_of_many_inputs_have_one() {
        let wide = many_inputs(20, 60, 1.0);
        assert!(loss_of(&[60, 8, 3], &wide, LossOptions::default()).preconditioner(&vec![0.1; 515]).is_some());
        // Small enough for a dense Hessian; most parameters elsewhere.
        assert!(loss_of(&[60, 4, 3], &wide, LossOptions::default()).preconditioner(&vec![0.1; 259]).is_none());
        let deep = loss_of(&[2, 30, 30, 4], &four_classes(), LossOptions::default());
        assert!(deep.preconditioner(&vec![0.1; deep.dimension()]).is_none());
        let masked = Network::new(&[60, 8, 3], &NetworkOptions { neighbours: Some(5), ..Default::default() }).unwrap();
        let masked = NetworkLoss::new(&masked, &wide, &LossOptions::default()).unwrap();
        assert!(masked.preconditioner(&vec![0.1; 515]).is_none());
    }
}
