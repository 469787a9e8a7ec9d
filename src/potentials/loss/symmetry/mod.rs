//! Which parameters are the same network: hidden nodes permuted, signs flipped.
//!
//! A hidden node is its incoming weights and bias together with its outgoing weights. The nodes of a layer may change places; with an odd
//! activation (f(−z) = −f(z)) a node's incoming and outgoing weights may change sign together, with an even one the incoming alone. A mask
//! keeps only what maps it to itself. Frozen parameters count as zero.
//!
//! `continuous` has the groups that a loss without L2 term adds. Points are compared by their copies of least norm under those.
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

mod continuous;
#[cfg(test)]
mod tests;

use crate::math::Matrix;
use crate::math::assignment::assign;
use crate::network::{Layer, Network, Parity};
use crate::potentials::{HiddenNode, Symmetry};

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
            [only] => only.parameters().collect(),
            [.., last] => last.biases.clone().collect(),
            [] => Vec::new(),
        };
        let classes = node_classes(&layers, frozen.as_deref());
        let parity = network.activation().parity();
        NetworkSymmetry { layers, parity, frozen, classes, fixed, shifts: Vec::new(), held: Vec::new(), scalable: Vec::new() }
    }

    /// Incoming weights and bias of node i of hidden layer l, and its outgoing weights.
    fn sides(&self, l: usize, i: usize) -> (impl Iterator<Item = usize> + use<>, impl Iterator<Item = usize> + use<>) {
        let (layer, next) = (&self.layers[l], &self.layers[l + 1]);
        let row = layer.weights.start + i * layer.inputs..layer.weights.start + (i + 1) * layer.inputs;
        let bias = layer.biases.clone().nth(i);
        let (first, width, count) = (next.weights.start + i, next.inputs, next.outputs);
        (row.chain(bias), (0..count).map(move |k| first + k * width))
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
        self.free_modes(x, true)
    }

    fn zero_modes(&self, x: &[f64]) -> Vec<Vec<f64>> {
        self.free_modes(x, false)
    }

    fn hidden_nodes(&self) -> Vec<Vec<HiddenNode>> {
        let node = |l, i| {
            let (incoming, outgoing) = self.sides(l, i);
            HiddenNode { incoming: incoming.collect(), outgoing: outgoing.collect() }
        };
        (0..self.hidden()).map(|l| (0..self.layers[l].outputs).map(|i| node(l, i)).collect()).collect()
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

/// A fixed number from 0.5 to 1.5 for each place: multiples of the golden ratio.
fn generic(k: usize) -> f64 {
    0.5 + ((k + 1) as f64 * 0.618_033_988_749_894_9).fract()
}
