//! What a network says of items: probabilities of the classes.

use super::gradient::{Plan, outputs};
use super::items::Items;
use crate::base::Result;
use crate::data::Dataset;
use crate::math::Matrix;
use crate::network::{Activation, Network};

/// Probabilities of the classes, items × classes, of a network with parameters `x`.
///
/// The softmax of the outputs; a single sigmoid output gives two columns, those of classes 0 and 1. A single output of another function is
/// no probability: it comes as it is, in one column.
pub fn probabilities(network: &Network, x: &[f64], data: &Dataset) -> Result<Matrix> {
    network.check_position("predict", x)?;
    let items = Items::inputs_only("predict", network, data)?;
    let mut x = x.to_vec();
    for (x, frozen) in x.iter_mut().zip(network.frozen().unwrap_or(&[])) {
        if *frozen {
            *x = 0.0;
        }
    }
    let mut result = outputs(&Plan::new(network), &items, &x);
    if network.outputs() == 1 {
        if network.output() == Activation::Sigmoid {
            let both = result.data.iter().flat_map(|p| [1.0 - p, *p]).collect();
            return Ok(Matrix::from_rows(result.rows, 2, both));
        }
        return Ok(result);
    }
    for item in 0..result.rows {
        let row = result.row_mut(item);
        let highest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        row.iter_mut().for_each(|o| *o = (*o - highest).exp());
        let sum: f64 = row.iter().sum();
        row.iter_mut().for_each(|p| *p /= sum);
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{four_classes, weights};
    use super::super::{LossOptions, NetworkLoss};
    use super::*;
    use crate::network::NetworkOptions;
    use crate::potentials::energy;

    #[test]
    fn the_loss_is_the_mean_logarithm_of_the_probability() {
        let net = Network::new(&[2, 10, 4], &NetworkOptions { neighbours: Some(3), ..Default::default() }).unwrap();
        let w = weights(74, 1.0, 1.0);
        let data = four_classes();
        let p = probabilities(&net, &w, &data).unwrap();
        let labels = data.labels().unwrap();
        let mean = -(0..12).map(|i| p[(i, labels[i] as usize)].ln()).sum::<f64>() / 12.0;
        assert!((mean - energy(&NetworkLoss::new(&net, &data, &LossOptions::default()).unwrap(), &w)).abs() < 1e-14);
        assert!((0..12).all(|i| (p.row(i).iter().sum::<f64>() - 1.0).abs() < 1e-15));
    }

    #[test]
    fn one_sigmoid_output_stands_for_two_classes() {
        let options = NetworkOptions { output: Activation::Sigmoid, ..Default::default() };
        let net = Network::new(&[2, 1], &options).unwrap();
        let p = probabilities(&net, &[0.0, 0.0, 1.0], &four_classes()).unwrap();
        assert_eq!((p.rows, p.columns), (12, 2));
        assert!((p[(5, 1)] - 1.0 / (1.0 + (-1.0f64).exp())).abs() < 1e-15);
    }
}
