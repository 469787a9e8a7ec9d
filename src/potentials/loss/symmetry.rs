//! Which parameters are the same network: hidden nodes permuted, signs flipped.
//!
//! A hidden node is its incoming weights and bias together with its outgoing weights. The nodes of a layer may change places; with an odd
//! activation (f(−z) = −f(z)) a node's incoming and outgoing weights may change sign together, with an even one the incoming alone. A mask
//! keeps only what maps it to itself. Frozen parameters count as zero.
//!
//! Where no L2 term holds the parameters, two continuous groups leave the loss unchanged too: behind a softmax one number may be added to the
//! weights from a node to all outputs (or to all output biases), and a homogeneous node (ReLU) may have its incoming weights and bias grow by
//! a factor that its outgoing weights shrink by. Points are compared by their copies of least norm, which both groups commute with: shifts
//! to mean zero, and as much weight into a node as out of it. The directions of both groups are the zero modes.
//!
//! Alignment of one hidden layer is exact: the squared distance is a sum over nodes, so that the best permutation is a linear assignment over
//! sign-minimal node distances. Deeper nets are aligned layer by layer with the neighbouring layers held, until nothing gets nearer, from three
//! beginnings: by incoming weights from the inputs up (finds every true copy whose nodes differ in them), by outgoing weights from the outputs
//! down, and from no change at all; the nearest result counts, an upper bound of the distance. Cost for 10 nodes: about 2 µs.
//!
//! Two points of other energy shape are told apart without alignment: a norm of a node's incoming weights never changes, so that the distance is
//! at least that of the sorted norms.
//!
//! Reference: R. Hecht-Nielsen, in Advanced Neural Computers (1990), 129, doi:10.1016/B978-0-444-88400-8.50019-4; V. Kůrková, P. C. Kainen,
//! Neural Computation 6, 543 (1994), doi:10.1162/neco.1994.6.3.543.

use crate::math::Matrix;
use crate::math::assignment::assign;
use crate::math::matrix::{add_scaled, dot, norm};
use crate::network::{Activation, Layer, Network, Parity};
use crate::potentials::Symmetry;
use std::borrow::Cow;

/// The permutations and signs of a network's hidden nodes.
pub struct NetworkSymmetry {
    layers: Vec<Layer>,
    parity: Parity,
    frozen: Option<Vec<bool>>,
    /// For each hidden layer the class of each node: only nodes of one class can change places, whatever other layers do.
    classes: Vec<Vec<usize>>,
    /// Parameters that no permutation or sign moves: the biases of the outputs, or everything without a hidden layer.
    fixed: Vec<usize>,
    /// Sets of parameters that one number may be added to.
    shifts: Vec<Vec<usize>>,
    /// Sets of which only the L2 term feels that number: at every stationary point their mean is zero.
    held: Vec<Vec<usize>>,
    /// Hidden layers whose nodes may be rescaled.
    scalable: Vec<usize>,
}

/// Rounds of balancing: one does it for one hidden layer, deeper nets gain a digit every few rounds.
const BALANCING: usize = 200;

/// What stands for whom: node i of a hidden layer is node `node[i]` of the moving network, its incoming weights times `sign[i]`.
#[derive(Clone, PartialEq)]
struct Arrangement {
    node: Vec<usize>,
    sign: Vec<f64>,
}

impl Arrangement {
    fn identity(n: usize) -> Arrangement {
        Arrangement { node: (0..n).collect(), sign: vec![1.0; n] }
    }
}

/// Which sides of a node an assignment looks at.
#[derive(Clone, Copy, PartialEq)]
enum Sides {
    Incoming,
    Outgoing,
    Both,
}

impl NetworkSymmetry {
    pub fn new(network: &Network) -> NetworkSymmetry {
        let layers = network.layers();
        let frozen = network.frozen().map(<[bool]>::to_vec);
        let fixed = match layers.as_slice() {
            [only] => (only.weights.start..only.biases.end).collect(),
            [.., last] => last.biases.clone().collect(),
            [] => Vec::new(),
        };
        let classes = node_classes(&layers, frozen.as_deref());
        let parity = network.activation().parity();
        NetworkSymmetry { layers, parity, frozen, classes, fixed, shifts: Vec::new(), held: Vec::new(), scalable: Vec::new() }
    }

    /// With the continuous groups of a loss: `softmax` says whether one stands behind the outputs, `decay` which parameters an L2 term holds.
    pub(super) fn of_loss(network: &Network, softmax: bool, decay: &[f64]) -> NetworkSymmetry {
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

    /// Incoming weights and bias of node i of hidden layer l, and its outgoing weights.
    fn sides(&self, l: usize, i: usize) -> (impl Iterator<Item = usize> + use<>, impl Iterator<Item = usize> + use<>) {
        let (layer, next) = (&self.layers[l], &self.layers[l + 1]);
        let row = layer.weights.start + i * layer.inputs..layer.weights.start + (i + 1) * layer.inputs;
        let bias = layer.biases.clone().nth(i);
        let (first, width, count) = (next.weights.start + i, next.inputs, next.outputs);
        (row.chain(bias), (0..count).map(move |k| first + k * width))
    }

    /// Multiplies incoming weights and bias of node i of hidden layer l, and divides its outgoing weights.
    fn rescale(&self, y: &mut [f64], l: usize, i: usize, factor: f64) {
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
    fn least_norm<'a>(&self, x: &'a [f64]) -> Cow<'a, [f64]> {
        if self.shifts.is_empty() && self.scalable.is_empty() {
            return Cow::Borrowed(x);
        }
        let mut y = x.to_vec();
        self.reduce(&mut y);
        Cow::Owned(y)
    }

    /// Gives `y`, a copy of least norm, what `reference` has along the continuous groups, so that it is near to it.
    fn beside(&self, reference: &[f64], y: &mut [f64]) {
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

    /// The arrangements of `moving` nearest to `reference`, and their squared distance; none for undefined input.
    fn nearest(&self, reference: &[f64], moving: &[f64]) -> Option<(Vec<Arrangement>, f64)> {
        let mut copy = vec![0.0; moving.len()];
        let candidates = if self.hidden() == 0 { vec![Vec::new()] } else { self.candidates(reference, moving) };
        let mut best: Option<(Vec<Arrangement>, f64)> = None;
        for arrangements in candidates {
            self.arranged(moving, &arrangements, &mut copy);
            let squared = self.squared(reference, &copy);
            if squared < best.as_ref().map_or(f64::INFINITY, |b| b.1) {
                best = Some((arrangements, squared));
            }
        }
        best
    }

    fn hidden(&self) -> usize {
        self.layers.len() - 1
    }

    fn is_frozen(&self, k: usize) -> bool {
        self.frozen.as_ref().is_some_and(|f| f[k])
    }

    /// Parameter `k`, zero where it is frozen.
    fn value(&self, x: &[f64], k: usize) -> f64 {
        if self.is_frozen(k) { 0.0 } else { x[k] }
    }

    /// The sign that outgoing weights take when the incoming ones take `sign`.
    fn outgoing_sign(&self, sign: f64) -> f64 {
        if self.parity == Parity::Odd { sign } else { 1.0 }
    }

    /// The arranged copy of `x`, frozen parameters at zero.
    fn arranged(&self, x: &[f64], arrangements: &[Arrangement], out: &mut [f64]) {
        for (l, layer) in self.layers.iter().enumerate() {
            let rows = arrangements.get(l);
            let columns = if l == 0 { None } else { arrangements.get(l - 1) };
            for i in 0..layer.outputs {
                let (from, sign) = rows.map_or((i, 1.0), |a| (a.node[i], a.sign[i]));
                for j in 0..layer.inputs {
                    let (source, carried) = columns.map_or((j, 1.0), |a| (a.node[j], self.outgoing_sign(a.sign[j])));
                    let k = layer.weights.start + from * layer.inputs + source;
                    out[layer.weights.start + i * layer.inputs + j] = sign * carried * self.value(x, k);
                }
                if !layer.biases.is_empty() {
                    out[layer.biases.start + i] = sign * self.value(x, layer.biases.start + from);
                }
            }
        }
    }

    /// The best arrangement of hidden layer `l` with its neighbours held, or `None` where the mask leaves none.
    fn arrange_layer(
        &self,
        reference: &[f64],
        moving: &[f64],
        l: usize,
        arrangements: &[Option<Arrangement>],
        sides: Sides,
    ) -> Option<Arrangement> {
        let (layer, next) = (&self.layers[l], &self.layers[l + 1]);
        let n = layer.outputs;
        let below = if l == 0 { None } else { arrangements[l - 1].as_ref() };
        let above = arrangements.get(l + 1).and_then(Option::as_ref);
        let mut costs = Matrix::zeros(n, n);
        let mut signs = vec![1.0; n * n];
        for i in 0..n {
            for j in 0..n {
                // Products of the reference's node i with the moving node j, incoming and outgoing apart, and squares.
                let (mut squares, mut inner, mut outer) = (0.0, 0.0, 0.0);
                let mut allowed = self.classes[l][i] == self.classes[l][j];
                if allowed && sides != Sides::Outgoing {
                    for k in 0..layer.inputs {
                        let (source, carried) = below.map_or((k, 1.0), |a| (a.node[k], self.outgoing_sign(a.sign[k])));
                        let (p, q) =
                            (layer.weights.start + i * layer.inputs + k, layer.weights.start + j * layer.inputs + source);
                        allowed &= self.is_frozen(p) == self.is_frozen(q);
                        let (a, b) = (self.value(reference, p), carried * self.value(moving, q));
                        squares += a * a + b * b;
                        inner += a * b;
                    }
                    if !layer.biases.is_empty() {
                        let (p, q) = (layer.biases.start + i, layer.biases.start + j);
                        allowed &= self.is_frozen(p) == self.is_frozen(q);
                        let (a, b) = (self.value(reference, p), self.value(moving, q));
                        squares += a * a + b * b;
                        inner += a * b;
                    }
                }
                if allowed && sides != Sides::Incoming {
                    for k in 0..next.outputs {
                        let (source, carried) = above.map_or((k, 1.0), |a| (a.node[k], a.sign[k]));
                        let (p, q) = (next.weights.start + k * n + i, next.weights.start + source * n + j);
                        allowed &= self.is_frozen(p) == self.is_frozen(q);
                        let (a, b) = (self.value(reference, p), carried * self.value(moving, q));
                        squares += a * a + b * b;
                        outer += a * b;
                    }
                }
                let (sign, product) = match self.parity {
                    Parity::Odd if inner + outer < 0.0 => (-1.0, -(inner + outer)),
                    Parity::Even if inner < 0.0 => (-1.0, outer - inner),
                    _ => (1.0, inner + outer),
                };
                signs[i * n + j] = sign;
                costs[(i, j)] = if allowed { (squares - 2.0 * product).max(0.0) } else { f64::INFINITY };
            }
        }
        let node = nearest_or_assigned(&costs);
        if (0..n).any(|i| costs[(i, node[i])].is_infinite()) {
            return None;
        }
        let sign = (0..n).map(|i| signs[i * n + node[i]]).collect();
        Some(Arrangement { node, sign })
    }

    /// Improves layer after layer until nothing changes. `None` where a beginning left the mask.
    fn settle(&self, reference: &[f64], moving: &[f64], mut arrangements: Vec<Option<Arrangement>>) -> Option<Vec<Arrangement>> {
        // Each round lowers the distance or ends; the limit is for ties that rounding turns back and forth.
        for _ in 0..50 {
            let before = arrangements.clone();
            for l in 0..self.hidden() {
                arrangements[l] = Some(self.arrange_layer(reference, moving, l, &arrangements, Sides::Both)?);
            }
            if arrangements == before || self.hidden() == 1 {
                break;
            }
        }
        arrangements.into_iter().collect()
    }

    /// The arrangements that the three beginnings lead to.
    fn candidates(&self, reference: &[f64], moving: &[f64]) -> Vec<Vec<Arrangement>> {
        let none = || vec![None; self.hidden()];
        if self.hidden() == 1 {
            return self.settle(reference, moving, none()).into_iter().collect();
        }
        let mut found = Vec::new();
        for (order, sides) in
            [((0..self.hidden()).collect::<Vec<_>>(), Sides::Incoming), ((0..self.hidden()).rev().collect(), Sides::Outgoing)]
        {
            let mut arrangements = none();
            for &l in &order {
                arrangements[l] = self.arrange_layer(reference, moving, l, &arrangements, sides);
            }
            if arrangements.iter().all(Option::is_some) {
                found.extend(self.settle(reference, moving, arrangements));
            }
        }
        let identity = self.layers[..self.hidden()].iter().map(|l| Some(Arrangement::identity(l.outputs))).collect();
        found.extend(self.settle(reference, moving, identity));
        found
    }

    /// Squared distance over the parameters that are not frozen.
    fn squared(&self, a: &[f64], b: &[f64]) -> f64 {
        (0..a.len()).filter(|k| !self.is_frozen(*k)).map(|k| (a[k] - b[k]) * (a[k] - b[k])).sum()
    }

    /// A lower bound of the squared distance: what cannot move, and the sorted norms of incoming weights, layer by layer.
    fn bound(&self, a: &[f64], b: &[f64]) -> f64 {
        let square = |k: &usize| (self.value(a, *k) - self.value(b, *k)).powi(2);
        let mut bound: f64 = self.fixed.iter().map(square).sum();
        for layer in &self.layers[..self.hidden()] {
            let norms = |x: &[f64]| -> Vec<f64> {
                let mut norms: Vec<f64> = (0..layer.outputs)
                    .map(|i| {
                        let row = layer.weights.start + i * layer.inputs..layer.weights.start + (i + 1) * layer.inputs;
                        let bias = layer.biases.clone().nth(i).map_or(0.0, |k| self.value(x, k));
                        (row.map(|k| self.value(x, k).powi(2)).sum::<f64>() + bias * bias).sqrt()
                    })
                    .collect();
                norms.sort_by(f64::total_cmp);
                norms
            };
            bound += norms(a).iter().zip(norms(b)).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
        }
        bound
    }
}

/// The cheapest assignment; where every row's cheapest column is another, that is the answer.
fn nearest_or_assigned(costs: &Matrix) -> Vec<usize> {
    let n = costs.rows;
    let mut taken = vec![false; n];
    let mut nearest = Vec::with_capacity(n);
    for i in 0..n {
        let row = costs.row(i);
        let best = (0..n).fold(0, |best, j| if row[j] < row[best] { j } else { best });
        if std::mem::replace(&mut taken[best], true) {
            return assign(costs);
        }
        nearest.push(best);
    }
    nearest
}

/// Classes of hidden nodes that the mask cannot tell apart: refined from layer to layer until nothing changes.
/// Inputs and outputs are each a class of their own, since they do not move.
fn node_classes(layers: &[Layer], frozen: Option<&[bool]>) -> Vec<Vec<usize>> {
    let hidden = layers.len() - 1;
    let mut classes: Vec<Vec<usize>> = layers[..hidden].iter().map(|l| vec![0; l.outputs]).collect();
    let Some(frozen) = frozen else { return classes };
    loop {
        let before = classes.clone();
        for l in 0..hidden {
            let (layer, next) = (&layers[l], &layers[l + 1]);
            let class_below = |k: usize| if l == 0 { k } else { before[l - 1][k] };
            let class_above = |k: usize| if l + 1 == hidden { k } else { before[l + 1][k] };
            let mark = |i: usize| {
                let mut below: Vec<(usize, bool)> =
                    (0..layer.inputs).map(|k| (class_below(k), frozen[layer.weights.start + i * layer.inputs + k])).collect();
                let mut above: Vec<(usize, bool)> =
                    (0..next.outputs).map(|k| (class_above(k), frozen[next.weights.start + k * layer.outputs + i])).collect();
                below.sort_unstable();
                above.sort_unstable();
                let bias = layer.biases.clone().nth(i).is_some_and(|k| frozen[k]);
                (before[l][i], bias, below, above)
            };
            let mut seen = Vec::new();
            for i in 0..layer.outputs {
                let mark = mark(i);
                let place = seen.iter().position(|s| *s == mark).unwrap_or_else(|| {
                    seen.push(mark);
                    seen.len() - 1
                });
                classes[l][i] = place;
            }
        }
        if classes == before {
            return classes;
        }
    }
}

impl Symmetry for NetworkSymmetry {
    fn align(&self, reference: &[f64], moving: &[f64], aligned: &mut [f64]) -> f64 {
        self.align_like(reference, moving, moving, aligned)
    }

    fn align_like(&self, reference: &[f64], guide: &[f64], moving: &[f64], aligned: &mut [f64]) -> f64 {
        match self.nearest(&self.least_norm(reference), &self.least_norm(guide)) {
            Some((arrangements, squared)) => {
                self.arranged(&self.least_norm(moving), &arrangements, aligned);
                self.beside(reference, aligned);
                squared.sqrt()
            }
            None => {
                // Not finite input: nothing can be aligned.
                aligned.copy_from_slice(moving);
                self.squared(reference, moving).sqrt()
            }
        }
    }

    fn least_distance(&self, a: &[f64], b: &[f64]) -> f64 {
        self.bound(a, b).sqrt()
    }

    fn same(&self, a: &[f64], b: &[f64], tolerance: f64) -> bool {
        let (a, b) = (self.least_norm(a), self.least_norm(b));
        // The bound carries the rounding of its own sums.
        self.bound(&a, &b).sqrt() <= tolerance * (1.0 + 1e-9) + 1e-12 && self.distance(&a, &b) <= tolerance
    }

    fn idle_modes(&self, x: &[f64]) -> Vec<Vec<f64>> {
        let mut modes = self.zero_modes(x);
        modes.extend(self.held.iter().map(|set| even_mode(set, x.len())));
        modes
    }

    fn zero_modes(&self, x: &[f64]) -> Vec<Vec<f64>> {
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
        modes
    }

    fn canonical(&self, x: &[f64]) -> Vec<f64> {
        let mut current = vec![0.0; x.len()];
        let x = &*self.least_norm(x);
        let identity: Vec<Arrangement> = self.layers[..self.hidden()].iter().map(|l| Arrangement::identity(l.outputs)).collect();
        self.arranged(x, &identity, &mut current);
        let mut next = vec![0.0; x.len()];
        for l in 0..self.hidden() {
            // Weights that no sign flip or permutation of other layers can change: generic numbers make ties unlikely.
            let layer = &self.layers[l];
            let key = |i: usize, x: &[f64]| -> (f64, f64) {
                let inner: f64 = (0..layer.inputs)
                    .map(|k| generic(k) * x[layer.weights.start + i * layer.inputs + k])
                    .chain(layer.biases.clone().nth(i).map(|k| generic(layer.inputs) * x[k]))
                    .sum();
                // The outgoing weights of the last hidden layer do not move either.
                let above = &self.layers[l + 1];
                let outer: f64 = if l + 1 == self.hidden() {
                    let weight = |k: usize| x[above.weights.start + k * layer.outputs + i];
                    (0..above.outputs).map(|k| generic(layer.inputs + 1 + k) * weight(k)).sum()
                } else {
                    0.0
                };
                (inner, outer)
            };
            let mut arrangements = identity.clone();
            let arrangement = &mut arrangements[l];
            let mut keys = vec![0.0; layer.outputs];
            for i in 0..layer.outputs {
                let (inner, outer) = key(i, &current);
                (arrangement.sign[i], keys[i]) = match self.parity {
                    Parity::Odd if inner + outer < 0.0 => (-1.0, -(inner + outer)),
                    Parity::Even if inner < 0.0 => (-1.0, outer - inner),
                    _ => (1.0, inner + outer),
                };
            }
            // Nodes of a class are sorted among the places of that class.
            let class = &self.classes[l];
            let mut order: Vec<usize> = (0..layer.outputs).collect();
            order.sort_by(|a, b| class[*a].cmp(&class[*b]).then(keys[*b].total_cmp(&keys[*a])));
            let mut places: Vec<usize> = (0..layer.outputs).collect();
            places.sort_by_key(|i| class[*i]);
            let signs = arrangement.sign.clone();
            for (place, source) in places.into_iter().zip(order) {
                arrangement.node[place] = source;
                arrangement.sign[place] = signs[source];
            }
            if self.respects_mask(l, arrangement) {
                self.arranged(&current, &arrangements, &mut next);
                std::mem::swap(&mut current, &mut next);
            }
        }
        current
    }

    fn log_copies(&self, x: &[f64]) -> f64 {
        let mut logarithm = 0.0;
        let x = &*self.least_norm(x);
        for l in 0..self.hidden() {
            let (layer, next) = (&self.layers[l], &self.layers[l + 1]);
            let class = &self.classes[l];
            let node = |i: usize| -> Vec<f64> {
                let row = layer.weights.start + i * layer.inputs..layer.weights.start + (i + 1) * layer.inputs;
                row.chain(layer.biases.clone().nth(i))
                    .chain((0..next.outputs).map(|k| next.weights.start + k * layer.outputs + i))
                    .map(|k| self.value(x, k))
                    .collect()
            };
            let nodes: Vec<Vec<f64>> = (0..layer.outputs).map(node).collect();
            let incoming = layer.inputs + !layer.biases.is_empty() as usize;
            let differ = |a: &[f64], b: &[f64], sign: f64| {
                let flipped = |k: usize| if k < incoming { sign } else { self.outgoing_sign(sign) };
                let squares: f64 = (0..a.len()).map(|k| (a[k] - flipped(k) * b[k]).powi(2)).sum();
                squares.sqrt() > 1e-4
            };
            let signs: &[f64] = if self.parity == Parity::Neither { &[1.0] } else { &[1.0, -1.0] };
            // All arrangements of a class, less those that change nothing: equal nodes, and signs of nodes that are their own mirror image.
            for i in 0..layer.outputs {
                let earlier = (0..i).filter(|j| class[*j] == class[i]);
                let equal = earlier.clone().filter(|j| signs.iter().any(|s| !differ(&nodes[i], &nodes[*j], *s))).count();
                logarithm += (earlier.count() as f64 + 1.0).ln() - (equal as f64 + 1.0).ln();
                if signs.len() == 2 && differ(&nodes[i], &nodes[i], -1.0) {
                    logarithm += std::f64::consts::LN_2;
                }
            }
        }
        logarithm
    }
}

impl NetworkSymmetry {
    /// Whether moving the nodes of layer `l` alone maps the mask to itself.
    fn respects_mask(&self, l: usize, arrangement: &Arrangement) -> bool {
        let Some(frozen) = &self.frozen else { return true };
        let (layer, next) = (&self.layers[l], &self.layers[l + 1]);
        (0..layer.outputs).all(|i| {
            let j = arrangement.node[i];
            let row = |i: usize| &frozen[layer.weights.start + i * layer.inputs..layer.weights.start + (i + 1) * layer.inputs];
            let bias = |i: usize| layer.biases.clone().nth(i).map(|k| frozen[k]);
            let out = |i: usize, k: usize| frozen[next.weights.start + k * layer.outputs + i];
            row(i) == row(j) && bias(i) == bias(j) && (0..next.outputs).all(|k| out(i, k) == out(j, k))
        })
    }
}

/// The direction of length 1 in which the members of a set grow together.
fn even_mode(set: &[usize], dimension: usize) -> Vec<f64> {
    let mut mode = vec![0.0; dimension];
    set.iter().for_each(|&k| mode[k] = 1.0 / (set.len() as f64).sqrt());
    mode
}

/// A fixed number from 0.5 to 1.5 for each place: multiples of the golden ratio.
fn generic(k: usize) -> f64 {
    0.5 + ((k + 1) as f64 * 0.618_033_988_749_894_9).fract()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{four_classes, weights};
    use super::super::{LossOptions, NetworkLoss};
    use super::*;
    use crate::math::matrix::distance;
    use crate::math::random::stream;
    use crate::network::{Activation, NetworkOptions};
    use crate::potentials::{Potential, energy};
    use rand::RngExt;
    use rand::seq::SliceRandom;

    fn loss(nodes: &[i64], options: NetworkOptions) -> NetworkLoss {
        let net = Network::new(nodes, &options).unwrap();
        NetworkLoss::new(&net, &four_classes(), &LossOptions { l2: 1e-3, ..Default::default() }).unwrap()
    }

    /// A random copy under the group, nodes of one class only.
    fn copy(symmetry: &NetworkSymmetry, x: &[f64], seed: u64) -> Vec<f64> {
        let mut random = stream(seed, 0);
        let arrangements: Vec<Arrangement> = (0..symmetry.hidden())
            .map(|l| {
                let class = &symmetry.classes[l];
                let mut shuffled: Vec<usize> = (0..class.len()).collect();
                shuffled.shuffle(&mut random);
                let mut node = vec![0; class.len()];
                for i in 0..class.len() {
                    let at = shuffled.iter().position(|j| class[*j] == class[i]).unwrap();
                    node[i] = shuffled.remove(at);
                }
                let flip = symmetry.parity != Parity::Neither;
                let sign = node.iter().map(|_| if flip && random.random::<bool>() { -1.0 } else { 1.0 }).collect();
                Arrangement { node, sign }
            })
            .collect();
        let mut out = vec![0.0; x.len()];
        symmetry.arranged(x, &arrangements, &mut out);
        out
    }

    #[test]
    fn copies_have_one_energy_and_no_distance() {
        use Activation::*;
        for (nodes, activation, neighbours) in [
            (&[2, 5, 4][..], Tanh, None),
            (&[2, 10, 4], Tanh, None),
            (&[2, 10, 4], Tanh, Some(2)),
            (&[2, 5, 4], Relu, None),
            (&[2, 5, 4], Gaussian, None),
            (&[2, 5, 5, 4], Tanh, None),
            (&[2, 4, 4, 4, 4], Sine, None),
            (&[2, 6, 5, 4], Sigmoid, Some(2)),
            (&[2, 4], Tanh, None),
        ] {
            let options = NetworkOptions { activation, neighbours, ..Default::default() };
            let potential = loss(nodes, options);
            let symmetry = NetworkSymmetry::new(potential.network());
            let mut x = weights(potential.dimension(), 1.0, 1.0);
            for (x, frozen) in x.iter_mut().zip(potential.frozen().unwrap_or(&[])) {
                if *frozen {
                    *x = 0.0;
                }
            }
            for seed in 0..20 {
                let y = copy(&symmetry, &x, seed);
                assert!((energy(&potential, &x) - energy(&potential, &y)).abs() < 1e-13, "{nodes:?}");
                let mut aligned = vec![0.0; x.len()];
                assert!(symmetry.align(&x, &y, &mut aligned) < 1e-12, "{nodes:?} {}", activation.name());
                assert!(distance(&x, &aligned) < 1e-12);
                assert!(symmetry.same(&x, &y, 1e-8));
                assert!(distance(&symmetry.canonical(&x), &symmetry.canonical(&y)) < 1e-12, "{nodes:?} {}", activation.name());
            }
        }
    }

    #[test]
    fn small_displacements_keep_their_length_and_others_are_told_apart() {
        let potential = loss(&[2, 10, 4], NetworkOptions::default());
        let symmetry = NetworkSymmetry::new(potential.network());
        let (x, other) = (weights(74, 1.0, 1.0), weights(74, 2.0, 1.0));
        let mut y = copy(&symmetry, &x, 3);
        y[7] += 0.003;
        assert!((symmetry.distance(&x, &y) - 0.003).abs() < 1e-12);
        assert!(symmetry.same(&x, &y, 0.0031) && !symmetry.same(&x, &y, 0.0029));
        assert!(symmetry.distance(&x, &other) > 0.3 && !symmetry.same(&x, &other, 1e-3));
        assert!(symmetry.bound(&x, &other).sqrt() <= symmetry.distance(&x, &other));
    }

    #[test]
    fn one_hidden_layer_is_aligned_exactly() {
        // Against all 4!·2⁴ copies.
        let potential = loss(&[2, 4, 4], NetworkOptions::default());
        let symmetry = NetworkSymmetry::new(potential.network());
        let n = potential.dimension();
        for seed in 0..10 {
            let (x, y) = (weights(n, seed as f64, 1.0), weights(n, seed as f64 + 0.5, 1.0));
            let mut best = f64::INFINITY;
            let mut out = vec![0.0; n];
            for code in 0..256usize {
                let node: Vec<usize> = (0..4).map(|i| code >> (2 * i) & 3).collect();
                if (0..4).any(|i| !node.contains(&i)) {
                    continue;
                }
                for signs in 0..16 {
                    let sign = (0..4).map(|i| if signs >> i & 1 == 1 { -1.0 } else { 1.0 }).collect();
                    symmetry.arranged(&y, &[Arrangement { node: node.clone(), sign }], &mut out);
                    best = best.min(distance(&x, &out));
                }
            }
            assert!((symmetry.distance(&x, &y) - best).abs() < 1e-12);
        }
    }

    #[test]
    fn a_relu_sign_may_not_be_flipped() {
        let potential = loss(&[2, 5, 4], NetworkOptions { activation: Activation::Relu, ..Default::default() });
        let x = weights(potential.dimension(), 1.0, 1.0);
        let mut y = x.clone();
        for k in [2, 3, 11, 16, 21, 26, 31] {
            y[k] = -y[k];
        }
        assert!(NetworkSymmetry::new(potential.network()).distance(&x, &y) > 0.01);
    }

    #[test]
    fn layers_that_the_mask_ties_together_move_together() {
        // Two hidden layers of two nodes; node k of the second sees only node k of the first: both pairs may change places, together.
        let net = |mask: Option<crate::network::Mask>| {
            Network::new(&[2, 2, 2, 4], &NetworkOptions { mask, ..Default::default() }).unwrap()
        };
        let mut kept = vec![true; net(None).parameters()];
        (kept[7], kept[8]) = (false, false);
        let network = net(Some(crate::network::Mask(kept)));
        let symmetry = NetworkSymmetry::new(&network);
        let mut x = weights(network.parameters(), 1.0, 1.0);
        (x[7], x[8]) = (0.0, 0.0);
        let swap = Arrangement { node: vec![1, 0], sign: vec![1.0; 2] };
        let mut y = vec![0.0; x.len()];
        symmetry.arranged(&x, &[swap.clone(), swap.clone()], &mut y);
        assert!(symmetry.distance(&x, &y) < 1e-12);
        assert!(!symmetry.respects_mask(0, &swap));
    }

    /// Both continuous groups, wherever they hold: one energy, no distance, directions that the energy and its slope do not feel.
    #[test]
    fn shifts_and_scales_change_nothing() {
        let with = |nodes: &[i64], activation, neighbours, l2, l2_biases| {
            let net = Network::new(nodes, &NetworkOptions { activation, neighbours, ..Default::default() }).unwrap();
            NetworkLoss::new(&net, &four_classes(), &LossOptions { l2, l2_biases, ..Default::default() }).unwrap()
        };
        use Activation::*;
        // With one neighbour no node reaches every output: only the outputs' biases can be shifted together.
        for (potential, modes) in [
            (with(&[2, 5, 4], Tanh, None, 0.0, true), 6),
            (with(&[2, 5, 4], Tanh, Some(1), 0.0, true), 1),
            (with(&[2, 5, 4], Tanh, None, 1e-3, false), 1),
            (with(&[2, 5, 4], Tanh, None, 1e-3, true), 0),
            (with(&[2, 5, 4], Relu, None, 0.0, true), 11),
            (with(&[2, 5, 4], Relu, None, 1e-3, false), 1),
            (with(&[2, 4, 3, 4], Relu, None, 0.0, true), 11),
            (with(&[2, 4], Linear, None, 0.0, true), 3),
        ] {
            let n = potential.dimension();
            let mut x = weights(n, 1.0, 1.0);
            for (x, frozen) in x.iter_mut().zip(potential.network().frozen().unwrap_or(&vec![false; n])) {
                *x *= f64::from(!frozen);
            }
            let symmetry = NetworkSymmetry::of_loss(potential.network(), true, &potential.decay);
            let found = symmetry.zero_modes(&x);
            assert_eq!(found.len(), modes);
            let (here, gradient) = crate::potentials::energy_gradient(&potential, &x);
            for (i, mode) in found.iter().enumerate() {
                assert!(dot(mode, &gradient).abs() < 1e-14);
                for (j, other) in found.iter().enumerate() {
                    assert!((dot(mode, other) - f64::from(i == j)).abs() < 1e-12);
                }
            }
            // Idle ones that are no zero modes are eigenvectors of the Hessian with the curvature of the L2 term alone, everywhere.
            for mode in &symmetry.idle_modes(&x)[modes..] {
                let mut curved = vec![0.0; n];
                potential.hessian_vector(&x, mode, &mut curved);
                add_scaled(&mut curved, -2e-3, mode);
                assert!(norm(&curved) < 1e-14);
            }
            // A copy a long way off along both groups, its nodes permuted.
            let mut y = copy(&symmetry, &x, 3);
            for &l in &symmetry.scalable {
                for i in 0..symmetry.layers[l].outputs {
                    symmetry.rescale(&mut y, l, i, 1.5 + i as f64);
                }
            }
            for (s, set) in symmetry.shifts.iter().enumerate() {
                set.iter().for_each(|&k| y[k] += 0.7 * s as f64 - 2.0);
            }
            assert!((energy(&potential, &y) - here).abs() < 1e-13);
            let mut aligned = vec![0.0; n];
            assert!(symmetry.align(&x, &y, &mut aligned) < 1e-12 && distance(&x, &aligned) < 1e-11);
            assert!(symmetry.same(&x, &y, 1e-11));
            let away = symmetry.canonical(&x).iter().zip(symmetry.canonical(&y)).fold(0.0f64, |m, (a, b)| m.max((a - b).abs()));
            assert!(away < 1e-11);
            // What is no copy stays apart.
            y[0] += 0.01;
            assert!(!symmetry.same(&x, &y, 1e-4));
        }
    }

    #[test]
    fn copies_are_counted() {
        let symmetry = NetworkSymmetry::new(loss(&[2, 5, 4], NetworkOptions::default()).network());
        let x = weights(39, 1.0, 1.0);
        let all = (120.0f64 * 32.0).ln();
        assert!((symmetry.log_copies(&x) - all).abs() < 1e-12);
        // A dead node has no sign of its own: half as many.
        let mut dead = x.clone();
        for k in [0, 1, 10, 15, 20, 25, 30] {
            dead[k] = 0.0;
        }
        assert!((symmetry.log_copies(&dead) - all + 2.0f64.ln()).abs() < 1e-12);
    }
}
