//! The loss against 40-digit truths, differences and a plain scalar program.

use super::*;
use crate::math::matrix::{norm, rms};
use crate::network::{Activation, NetworkOptions};
use crate::potentials::{difference_hessian, energy, energy_gradient};

/// w_i = size · sin(1.7 i + 0.9 k + 0.3 i²), i from 1.
pub(super) fn weights(count: usize, k: f64, size: f64) -> Vec<f64> {
    (1..=count).map(|i| i as f64).map(|i| size * (1.7 * i + 0.9 * k + 0.3 * i * i).sin()).collect()
}

/// The inputs of the twelve items that the truths were computed with.
pub(super) fn twelve() -> Matrix {
    let rows = (0..12).map(|a| a as f64).flat_map(|a| [1.5 + (1.1 * a + 0.2).sin(), 1.5 + (0.7 * a * a + 0.1).cos()]);
    Matrix::from_rows(12, 2, rows.collect())
}

pub(super) fn four_classes() -> Dataset {
    Dataset::with_classes(twelve(), &[0, 1, 2, 3, 1, 0, 3, 2, 2, 1, 0, 3]).unwrap()
}

fn network(nodes: &[i64], activation: Activation, output: Activation) -> Network {
    Network::new(nodes, &NetworkOptions { activation, output, ..Default::default() }).unwrap()
}

fn near(what: &str, found: f64, truth: f64, tolerance: f64) {
    assert!((found - truth).abs() <= tolerance, "{what}: {found}, expected {truth} within {tolerance}");
}

#[test]
fn losses_and_gradients_have_their_forty_digit_values() {
    // Nodes, k, size, loss, RMS gradient, first and last component of the gradient: conformance script 01-network/loss.rhai.
    type Truth = (&'static [i64], f64, f64, [f64; 4]);
    let truths: [Truth; 6] = [
        (&[2, 10, 4], 0.0, 0.5, [1.438762930581686, 0.0788053220641, 0.00386208192468, -0.133587562569]),
        (&[2, 10, 4], 1.0, 1.0, [2.081732745092666, 0.188135025275, -0.00104837429625, -0.146813391136]),
        (&[2, 10, 4], 2.0, 2.0, [7.556861559213513, 0.520556397691, 1.03283791498, -0.232342184514]),
        (&[2, 5, 5, 4], 1.0, 1.0, [1.600103652452916, 0.10897503928, 0.231497181103, 0.176745745651]),
        (&[2, 4, 4, 4, 4], 2.0, 2.0, [1.378838889672338, 0.0915790649504, -0.00140772547276, 0.099007394821]),
        (&[2, 4], 1.0, 1.0, [3.496975964565923, 0.58256496559, -0.216283666055, 0.668425465494]),
    ];
    for (nodes, k, size, [loss, gradient_rms, first, last]) in truths {
        let net = network(nodes, Activation::Tanh, Activation::Linear);
        let potential = NetworkLoss::new(&net, &four_classes(), &LossOptions { l2: 1e-4, ..Default::default() }).unwrap();
        let (e, g) = energy_gradient(&potential, &weights(net.parameters(), k, size));
        near("loss", e, loss, 1e-13);
        near("RMS gradient", rms(&g), gradient_rms, 1e-12);
        near("first component", g[0], first, 1e-11);
        near("last component", g[g.len() - 1], last, 1e-11);
    }
}

#[test]
fn l2_is_the_sum_of_squares_without_a_half() {
    let net = network(&[2, 10, 4], Activation::Tanh, Activation::Linear);
    let w = weights(74, 1.0, 1.0);
    let at = |options: LossOptions| energy(&NetworkLoss::new(&net, &four_classes(), &options).unwrap(), &w);
    near("none", at(LossOptions::default()), 2.078390490982662, 1e-14);
    near("all", at(LossOptions { l2: 0.05, ..Default::default() }), 3.749517545984875, 1e-14);
    near("no biases", at(LossOptions { l2: 0.05, l2_biases: false, ..Default::default() }), 3.313078385540967, 1e-14);
}

#[test]
fn other_functions_and_losses_have_their_forty_digit_values() {
    use Activation::*;
    // Conformance script 01-network/kinds.rhai.
    for (activation, loss, gradient_rms) in [
        (Relu, 2.61882733147705, 0.351663949404),
        (Sigmoid, 1.896602042331685, 0.145093245664),
        (Softplus, 3.036619886492558, 0.425584275725),
        (Sine, 2.143350336872154, 0.208058242275),
        (Linear, 3.023436531526405, 0.476064048376),
    ] {
        let net = network(&[2, 6, 4], activation, Linear);
        let potential = NetworkLoss::new(&net, &four_classes(), &LossOptions { l2: 1e-3, ..Default::default() }).unwrap();
        let (e, g) = energy_gradient(&potential, &weights(net.parameters(), 1.0, 1.0));
        near(activation.name(), e, loss, 1e-13);
        near(activation.name(), rms(&g), gradient_rms, 1e-12);
    }
    let values = (0..12).map(|a| a as f64).map(|a| (0.9 * a).cos() - 0.3 * a / 4.0).collect();
    let real = Dataset::with_values(twelve(), Matrix::from_rows(12, 1, values)).unwrap();
    for (activation, output, loss, gradient_rms) in [
        (Tanh, Linear, 2.480490564965506, 1.13123378422),
        (Relu, Sigmoid, 1.727719227566818, 0.332195882305),
        (Softplus, Tanh, 1.214866021800494, 0.607712613571),
    ] {
        let net = network(&[2, 6, 1], activation, output);
        let options = LossOptions { l2: 0.01, kind: LossKind::MeanSquaredError, ..Default::default() };
        let potential = NetworkLoss::new(&net, &real, &options).unwrap();
        let (e, g) = energy_gradient(&potential, &weights(net.parameters(), 1.0, 1.0));
        near(output.name(), e, loss, 1e-13);
        near(output.name(), rms(&g), gradient_rms, 1e-11);
    }
    let two = Dataset::with_classes(twelve(), &[0, 1, 1, 0, 1, 0, 0, 1, 1, 1, 0, 1]).unwrap();
    let net = network(&[2, 6, 1], Tanh, Sigmoid);
    let options = LossOptions { l2: 0.01, kind: LossKind::BinaryCrossEntropy, ..Default::default() };
    let (e, g) = energy_gradient(&NetworkLoss::new(&net, &two, &options).unwrap(), &weights(net.parameters(), 2.0, 1.0));
    near("binary", e, 0.8107929822478229, 1e-13);
    near("binary", rms(&g), 0.0762065098724, 1e-12);
}

/// Every activation on nets of no, one, two and three hidden layers, with outputs and losses of every kind, some with masks.
pub(super) fn cases() -> Vec<(String, NetworkLoss)> {
    let mut cases = Vec::new();
    // 19 items: two whole blocks and a padded one.
    let inputs = Matrix::from_rows(19, 3, (0..57).map(|i| (1.1 * i as f64 + 0.2).sin()).collect());
    let classes = Dataset::with_classes(inputs.clone(), &(0..19).map(|i| (i * i + i / 3) % 3).collect::<Vec<i64>>()).unwrap();
    let values =
        Dataset::with_values(inputs, Matrix::from_rows(19, 3, (0..57).map(|i| (0.9 * i as f64).cos()).collect())).unwrap();
    for &activation in Activation::ALL {
        for nodes in [&[3, 3][..], &[3, 6, 3], &[3, 7, 2, 3], &[3, 2, 4, 3, 3]] {
            for &kind in LossKind::ALL {
                for output in [Activation::Linear, Activation::Sigmoid, Activation::Tanh] {
                    if kind == LossKind::BinaryCrossEntropy && output != Activation::Sigmoid {
                        continue;
                    }
                    let neighbours = (output == Activation::Tanh).then_some(2);
                    let bias = activation != Activation::Softplus;
                    let options = NetworkOptions { activation, output, neighbours, bias, ..Default::default() };
                    let net = Network::new(nodes, &options).unwrap();
                    let options = LossOptions { l2: 0.01, l2_biases: nodes.len() > 3, kind };
                    let data = if kind == LossKind::MeanSquaredError && nodes.len() > 3 { &values } else { &classes };
                    let name = format!("{nodes:?} {} {} {}", activation.name(), output.name(), kind.name());
                    cases.push((name, NetworkLoss::new(&net, data, &options).unwrap()));
                }
            }
        }
    }
    cases
}

#[test]
fn every_gradient_is_the_difference_of_the_energy() {
    for (name, potential) in cases() {
        let n = potential.dimension();
        let x = weights(n, 0.3, 0.8);
        let (_, g) = energy_gradient(&potential, &x);
        let h = 1e-5;
        for i in 0..n {
            let (mut up, mut down) = (x.clone(), x.clone());
            up[i] += h;
            down[i] -= h;
            let difference = (energy(&potential, &up) - energy(&potential, &down)) / (2.0 * h);
            // Third derivatives times h² / 6, and rounding 1e-16 / h.
            near(&format!("{name}: component {i}"), g[i], difference, 1e-8);
            if potential.frozen().is_some_and(|f| f[i]) {
                assert_eq!(g[i], 0.0);
            }
        }
        assert!(norm(&g) > 0.01, "{name}: nothing to test");
    }
}

#[test]
fn rows_of_a_batch_are_single_evaluations_bit_for_bit() {
    for neighbours in [None, Some(2)] {
        let net = Network::new(&[2, 10, 4], &NetworkOptions { neighbours, ..Default::default() }).unwrap();
        let potential = NetworkLoss::new(&net, &four_classes(), &LossOptions { l2: 1e-4, ..Default::default() }).unwrap();
        let rows: Vec<f64> = (0..5).flat_map(|k| weights(74, k as f64, 1.0)).collect();
        let mut out = Evaluations::with_gradients();
        potential.evaluate(Batch::new(&rows, 74), &mut out);
        for k in 0..5 {
            let row = &rows[k * 74..(k + 1) * 74];
            let (e, g) = energy_gradient(&potential, row);
            assert_eq!((out.energies[k], &out.gradients[k * 74..(k + 1) * 74]), (e, &g[..]));
            assert_eq!(e, energy(&potential, row), "with and without gradient");
        }
    }
}

#[test]
fn what_is_not_finite_stays_visible() {
    let net = network(&[2, 10, 4], Activation::Tanh, Activation::Linear);
    let potential = NetworkLoss::new(&net, &four_classes(), &LossOptions::default()).unwrap();
    for place in [0, 25, 40, 73] {
        let mut w = weights(74, 1.0, 1.0);
        w[place] = f64::NAN;
        assert!(energy(&potential, &w).is_nan(), "parameter {place}");
    }
    // Outputs of 1e8 are no reason for an infinite loss.
    assert!(energy(&potential, &weights(74, 1.0, 1e8)).is_finite());
}

#[test]
fn misfits_are_named() {
    let says = |nodes: &[i64], data: &Dataset, kind| {
        let net = network(nodes, Activation::Tanh, Activation::Linear);
        NetworkLoss::new(&net, data, &LossOptions { kind, ..Default::default() }).err().map(|e| e.to_string()).unwrap_or_default()
    };
    let two = Dataset::with_classes(Matrix::from_rows(2, 2, vec![0.0, 1.0, 1.0, 0.0]), &[0, 1]).unwrap();
    assert!(says(&[3, 4, 2], &two, LossKind::CrossEntropy).starts_with("loss: the network has 3 inputs, the dataset 2 columns"));
    let three = Dataset::with_classes(Matrix::zeros(3, 2), &[0, 1, 2]).unwrap();
    assert!(
        says(&[2, 4, 2], &three, LossKind::CrossEntropy).starts_with("loss: the network has 2 outputs, the dataset 3 classes")
    );
    assert!(says(&[2, 4, 2], &two, LossKind::BinaryCrossEntropy).contains("sigmoid"));
    let values = Dataset::with_values(Matrix::zeros(3, 2), Matrix::zeros(3, 1)).unwrap();
    assert!(says(&[2, 4, 1], &values, LossKind::CrossEntropy).contains("needs classes"));
    assert!(says(&[2, 4, 2], &values, LossKind::MeanSquaredError).contains("2 outputs, the dataset 1 target"));
}

#[test]
fn every_hessian_is_the_difference_of_the_gradient() {
    for (name, potential) in cases() {
        let n = potential.dimension();
        let x = weights(n, 0.3, 0.8);
        let (mut exact, mut differences) = (Matrix::default(), Matrix::default());
        potential.hessian(&x, &mut exact);
        difference_hessian(&potential, &x, &mut differences);
        for i in 0..n {
            for j in 0..n {
                near(&format!("{name}: ({i}, {j})"), exact[(i, j)], differences[(i, j)], 2e-8);
                assert_eq!(exact[(i, j)], exact[(j, i)], "{name} is not symmetric");
            }
        }
        let v = weights(n, 1.3, 1.0);
        let mut along = vec![0.0; n];
        potential.hessian_vector(&x, &v, &mut along);
        for i in 0..n {
            let product: f64 = (0..n).map(|j| exact[(i, j)] * v[j]).sum();
            near(&format!("{name}: component {i} of H v"), along[i], product, 1e-13 * n as f64);
        }
    }
}

#[test]
fn items_beyond_a_chunk_are_counted_once() {
    // The data three hundred times over have the same mean loss, gradient and Hessian as the data themselves.
    let many: Vec<f64> = (0..300).flat_map(|_| twelve().data).collect();
    let labels: Vec<i64> = (0..300).flat_map(|_| [0, 1, 2, 3, 1, 0, 3, 2, 2, 1, 0, 3]).collect();
    let large = Dataset::with_classes(Matrix::from_rows(3600, 2, many), &labels).unwrap();
    let net = network(&[2, 10, 4], Activation::Tanh, Activation::Linear);
    let [once, often] = [four_classes(), large].map(|data| NetworkLoss::new(&net, &data, &LossOptions::default()).unwrap());
    let x = weights(74, 1.0, 1.0);
    let ((e, g), (e_often, g_often)) = (energy_gradient(&once, &x), energy_gradient(&often, &x));
    near("energy", e_often, e, 1e-13);
    let (mut h, mut h_often) = (Matrix::default(), Matrix::default());
    once.hessian(&x, &mut h);
    often.hessian(&x, &mut h_often);
    for i in 0..74 {
        near("gradient", g_often[i], g[i], 1e-14);
        (0..74).for_each(|j| near("Hessian", h_often[(i, j)], h[(i, j)], 1e-13));
    }
}
