//! Copies are one network; what is no copy is not.

use super::*;
use crate::math::matrix::{add_scaled, distance, dot, norm};
use crate::math::random::stream;
use crate::network::{Activation, NetworkOptions};
use crate::potentials::loss::tests::{four_classes, weights};
use crate::potentials::loss::{LossOptions, NetworkLoss};
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
    let net =
        |mask: Option<crate::network::Mask>| Network::new(&[2, 2, 2, 4], &NetworkOptions { mask, ..Default::default() }).unwrap();
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
