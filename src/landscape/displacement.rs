//! Where a single-ended search begins: at a minimum that is displaced.
//!
//! Along a soft mode or in all coordinates it stays near the minimum and soon comes to the same transition states again. In a network a hidden node
//! may also give way to a copy of another, of this minimum or of a second one. That leads far: where two nodes share their outgoing weights the
//! network is a smaller one, and a stationary point of the smaller network is one of the larger, mostly a saddle. So is it where a node has no
//! outgoing weights, whatever its incoming ones. Once the near transition states are known, such climbs find most of the new ones.
//!
//! Reference: K. Fukumizu, S. Amari, Neural Networks 13, 317 (2000), doi:10.1016/S0893-6080(00)00009-5.

use crate::algorithms::curvature::softest_modes;
use crate::base::{Result, Run};
use crate::math::matrix::{add_scaled, norm};
use crate::math::random::{Stream, normals};
use crate::potentials::{Family, HiddenNode, Potential};
use rand::RngExt;

/// How a minimum is displaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Displacement {
    /// Along one of the softest modes.
    Mode,
    /// In all coordinates at random.
    All,
    /// One atom.
    Atom,
    /// A hidden node gives way to a second copy of another, the two sharing its outgoing weights.
    Split,
    /// Hidden nodes give way to those of another minimum.
    Graft,
    /// A hidden node gives way to one of random incoming weights that has no outgoing ones yet.
    Renew,
}

/// Softest modes among which a displacement chooses.
const MODES: usize = 12;

impl Displacement {
    /// Those that suit a potential.
    pub fn of(potential: &dyn Potential) -> Vec<Displacement> {
        if potential.family() == Family::Cluster {
            return vec![Displacement::All, Displacement::Mode, Displacement::Atom];
        }
        let mut ways = vec![Displacement::Mode, Displacement::All];
        let layers = potential.symmetry().hidden_nodes();
        if layers.iter().any(|layer| layer.len() > 1) {
            ways.extend([Displacement::Split, Displacement::Graft, Displacement::Renew]);
        }
        ways
    }

    /// Whether it moves whole hidden nodes, so that a start lies high.
    pub fn moves_nodes(self) -> bool {
        matches!(self, Displacement::Split | Displacement::Graft | Displacement::Renew)
    }
}

/// A minimum displaced; `donor` is the one that nodes are taken from. The sizes are those of SCIENCE's recipe for networks (norm 1 to 3).
pub(super) fn displaced(
    run: &Run,
    potential: &dyn Potential,
    how: Displacement,
    minimum: &[f64],
    donor: Option<&[f64]>,
    random: &mut Stream,
) -> Result<Vec<f64>> {
    let mut x = minimum.to_vec();
    let family = potential.family();
    let between = |low: f64, high: f64, random: &mut Stream| low + (high - low) * random.random::<f64>();
    match how {
        Displacement::Mode => {
            let (low, high) = match family {
                Family::Network => (1.0, 3.0),
                Family::Cluster => (0.3, 1.5),
                Family::Surface => (0.05, 0.5),
            };
            let modes = softest_modes(run, potential, minimum, MODES)?;
            if !modes.is_empty() {
                let mode = &modes[random.random_range(0..modes.len())];
                let size = between(low, high, random);
                add_scaled(&mut x, if random.random::<bool>() { size } else { -size }, mode);
            }
        }
        Displacement::All if family == Family::Network => {
            let mut by = vec![0.0; x.len()];
            jiggle(potential, &mut by, 1.0, random);
            let length = norm(&by).max(f64::MIN_POSITIVE);
            add_scaled(&mut x, between(1.0, 3.0, random) / length, &by);
        }
        Displacement::All => {
            let (low, high) = if family == Family::Cluster { (0.15, 0.5) } else { (0.05, 0.5) };
            let size = between(low, high, random);
            jiggle(potential, &mut x, size, random);
        }
        Displacement::Atom => {
            let atom = 3 * random.random_range(0..(x.len() / 3).max(1));
            let end = (atom + 3).min(x.len());
            x[atom..end].iter_mut().for_each(|x| *x += 1.6 * random.random::<f64>() - 0.8);
            potential.contain(&mut x);
        }
        Displacement::Split => split(&mut x, &hidden_layer(potential, random), random),
        Displacement::Graft => {
            if let Some(donor) = donor {
                graft(potential, &mut x, donor, random);
            }
        }
        Displacement::Renew => renew(&mut x, &hidden_layer(potential, random), random),
    }
    if let Some(frozen) = potential.frozen() {
        x.iter_mut().zip(minimum).zip(frozen).filter(|(_, frozen)| **frozen).for_each(|((x, was), _)| *x = *was);
    }
    Ok(x)
}

/// One of the hidden layers that have two nodes or more.
fn hidden_layer(potential: &dyn Potential, random: &mut Stream) -> Vec<HiddenNode> {
    let mut layers = potential.symmetry().hidden_nodes();
    layers.retain(|layer| layer.len() > 1);
    layers.swap_remove(random.random_range(0..layers.len()))
}

/// One node gives way to a copy of another, which keeps a part of its outgoing weights and leaves the rest to the copy.
fn split(x: &mut [f64], layer: &[HiddenNode], random: &mut Stream) {
    let gone = random.random_range(0..layer.len());
    let stays = (gone + random.random_range(1..layer.len())) % layer.len();
    let part: f64 = random.random();
    let (copy, node) = (&layer[gone], &layer[stays]);
    copy.incoming.iter().zip(&node.incoming).for_each(|(&to, &from)| x[to] = x[from]);
    for (&to, &from) in copy.outgoing.iter().zip(&node.outgoing) {
        x[to] = part * x[from];
        x[from] *= 1.0 - part;
    }
}

/// One node gives way to a new one. Its incoming weights are half to once as long as the longest of the layer; shorter ones lead to half as much
/// that is new.
fn renew(x: &mut [f64], layer: &[HiddenNode], random: &mut Stream) {
    let length = |node: &HiddenNode| node.incoming.iter().map(|&k| x[k] * x[k]).sum::<f64>().sqrt();
    let longest = layer.iter().map(length).fold(0.0, f64::max);
    let node = &layer[random.random_range(0..layer.len())];
    let mut direction = vec![0.0; node.incoming.len()];
    normals(random, &mut direction);
    let scale = longest * (0.5 + 0.5 * random.random::<f64>()) / norm(&direction).max(f64::MIN_POSITIVE);
    node.incoming.iter().zip(&direction).for_each(|(&to, by)| x[to] = scale * by);
    node.outgoing.iter().for_each(|&to| x[to] = 0.0);
}

/// Up to half the nodes of a layer give way to those of `donor` that correspond to them after alignment, or one of them to any one.
fn graft(potential: &dyn Potential, x: &mut [f64], donor: &[f64], random: &mut Stream) {
    let layer = hidden_layer(potential, random);
    let corresponding = random.random::<bool>();
    let mut nodes = donor.to_vec();
    if corresponding {
        potential.symmetry().align(x, donor, &mut nodes);
    }
    for _ in 0..if corresponding { random.random_range(1..=layer.len().div_ceil(2)) } else { 1 } {
        let to = random.random_range(0..layer.len());
        let from = if corresponding { to } else { random.random_range(0..layer.len()) };
        let (to, from) = (&layer[to], &layer[from]);
        let pairs = to.incoming.iter().zip(&from.incoming).chain(to.outgoing.iter().zip(&from.outgoing));
        pairs.for_each(|(&to, &from)| x[to] = nodes[from]);
    }
}

/// Moves every coordinate that can move by a uniform number in [−size, size], back into the container.
pub(super) fn jiggle(potential: &dyn Potential, x: &mut [f64], size: f64, random: &mut Stream) {
    let frozen = potential.frozen();
    for (i, x) in x.iter_mut().enumerate() {
        let by = size * (2.0 * random.random::<f64>() - 1.0);
        if !frozen.is_some_and(|f| f[i]) {
            *x += by;
        }
    }
    potential.contain(x);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::generators::{GaussianMixtureOptions, gaussian_mixture};
    use crate::math::random::stream;
    use crate::network::{Network, NetworkOptions};
    use crate::potentials::energy;
    use crate::potentials::loss::{LossOptions, NetworkLoss};

    fn loss(nodes: &[i64], neighbours: Option<usize>, l2: f64) -> NetworkLoss {
        let data = gaussian_mixture(&GaussianMixtureOptions { count: 40, ..Default::default() }, 3).unwrap();
        let net = Network::new(nodes, &NetworkOptions { neighbours, ..Default::default() }).unwrap();
        NetworkLoss::new(&net, &data, &LossOptions { l2, ..Default::default() }).unwrap()
    }

    fn moved(potential: &NetworkLoss, how: Displacement, seed: u64) -> [Vec<f64>; 3] {
        let [from, donor] = [1, 2].map(|k| potential.random(10 * seed + k, 1.0));
        let mut random = stream(seed, 7);
        let x = displaced(&Run::silent(), potential, how, &from, Some(&donor), &mut random).unwrap();
        [x, from, donor]
    }

    /// Two nodes that share their outgoing weights are one, and a node without any is none: the loss is that of the network that never had
    /// the node which gave way.
    #[test]
    fn a_split_or_new_node_makes_the_smaller_network() {
        let potential = loss(&[2, 4, 3, 4], None, 0.0);
        let layers = potential.symmetry().hidden_nodes();
        for (how, seed) in [Displacement::Split, Displacement::Renew].into_iter().flat_map(|how| (0..20).map(move |k| (how, k))) {
            let [x, from, _] = moved(&potential, how, seed);
            let without = |gone: &HiddenNode| {
                let mut smaller = from.clone();
                gone.outgoing.iter().for_each(|&k| smaller[k] = 0.0);
                energy(&potential, &smaller)
            };
            let off =
                layers.iter().flatten().map(|gone| (energy(&potential, &x) - without(gone)).abs()).fold(f64::INFINITY, f64::min);
            assert!(off < 1e-12 && layers.iter().flatten().any(|node| node.incoming.iter().any(|&k| x[k] != from[k])), "{off}");
        }
    }

    #[test]
    fn a_graft_takes_nodes_of_one_layer() {
        let potential = loss(&[2, 4, 3, 4], None, 1e-3);
        let layers = potential.symmetry().hidden_nodes();
        for seed in 0..20 {
            let [x, from, donor] = moved(&potential, Displacement::Graft, seed);
            let changed: Vec<usize> = (0..x.len()).filter(|&k| x[k] != from[k]).collect();
            let within = |layer: &Vec<HiddenNode>| {
                changed.iter().all(|k| layer.iter().any(|node| node.incoming.contains(k) || node.outgoing.contains(k)))
            };
            assert!(!changed.is_empty() && layers.iter().any(within), "{changed:?}");
            // (a sign changes with the copy of the donor)
            assert!(changed.iter().all(|&k| donor.iter().any(|d| d.abs() == x[k].abs())));
        }
    }

    #[test]
    fn what_is_frozen_stays() {
        let potential = loss(&[2, 4, 4], Some(1), 1e-3);
        let frozen = potential.frozen().unwrap();
        for how in Displacement::of(&potential) {
            let [x, from, _] = moved(&potential, how, 5);
            assert!((0..x.len()).all(|k| !frozen[k] || x[k] == from[k]), "{how:?}");
            assert!(x != from);
        }
        assert_eq!(Displacement::of(&loss(&[2, 1, 4], None, 1e-3)), [Displacement::Mode, Displacement::All]);
    }
}
