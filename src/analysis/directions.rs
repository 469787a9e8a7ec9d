//! Directions through the parameters of a network that can be compared between networks: filter normalisation.
//!
//! A rectifier net computes the same when one layer is scaled up and the next one down, so that plain random directions show sharper or
//! flatter surfaces at will. Here each node's row of incoming weights gets a Gaussian direction that is scaled to the length of that row.
//! Biases stay as they are (zero in the direction), as in the authors' code; so do frozen weights and rows of length zero.
//!
//! Reference: H. Li, Z. Xu, G. Taylor, C. Studer, T. Goldstein, NeurIPS 31 (2018), arXiv:1712.09913, section 4.

use crate::base::Result;
use crate::math::matrix::norm;
use crate::math::random::stream;
use crate::network::Network;
use rand::RngExt;
use rand_distr::StandardNormal;

/// A stream apart from that of [`Network::initial`], so that a direction has nothing to do with the start of the same seed.
const STREAM: u64 = 1;

/// A random direction whose rows are as long as those of the parameters `x`.
///
/// Errors: a position that does not fit the network.
pub fn filter_normalised(network: &Network, x: &[f64], seed: u64) -> Result<Vec<f64>> {
    network.check_position("filter_normalised", x)?;
    let mut random = stream(seed, STREAM);
    let mut direction = vec![0.0; x.len()];
    for layer in network.layers() {
        for node in 0..layer.outputs {
            let row = layer.weights.start + node * layer.inputs..layer.weights.start + (node + 1) * layer.inputs;
            direction[row.clone()].iter_mut().for_each(|d| *d = random.sample(StandardNormal));
            if let Some(frozen) = network.frozen() {
                direction[row.clone()].iter_mut().zip(&frozen[row.clone()]).filter(|(_, f)| **f).for_each(|(d, _)| *d = 0.0);
            }
            let drawn = norm(&direction[row.clone()]);
            let scale = if drawn > 0.0 { norm(&x[row.clone()]) / drawn } else { 0.0 };
            direction[row].iter_mut().for_each(|d| *d *= scale);
        }
    }
    Ok(direction)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::NetworkOptions;

    #[test]
    fn rows_have_the_lengths_of_the_networks_own() {
        for options in [NetworkOptions::default(), NetworkOptions { neighbours: Some(2), ..Default::default() }] {
            let network = Network::new(&[4, 6, 3], &options).unwrap();
            let x = network.initial(3, 1.7);
            let direction = filter_normalised(&network, &x, 5).unwrap();
            for layer in network.layers() {
                for node in 0..layer.outputs {
                    let row = layer.weights.start + node * layer.inputs..layer.weights.start + (node + 1) * layer.inputs;
                    let (own, its) = (norm(&x[row.clone()]), norm(&direction[row]));
                    assert!((own - its).abs() < 1e-14 * (1.0 + own), "{own} {its}");
                }
                assert!(direction[layer.biases].iter().all(|d| *d == 0.0));
            }
            for (k, frozen) in network.frozen().unwrap_or(&[]).iter().enumerate() {
                assert!(!frozen || direction[k] == 0.0);
            }
            assert_eq!(direction, filter_normalised(&network, &x, 5).unwrap());
            assert_ne!(direction, filter_normalised(&network, &x, 6).unwrap());
        }
    }

    #[test]
    fn a_wrong_length_is_named() {
        let network = Network::new(&[2, 2], &NetworkOptions::default()).unwrap();
        let error = filter_normalised(&network, &[0.1; 7], 1).unwrap_err().to_string();
        assert!(error.contains("filter_normalised") && error.contains('7') && error.contains('6'), "{error}");
    }
}
