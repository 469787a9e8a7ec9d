//! Locality: hidden nodes keep only their nearest neighbours in the layers beside them.
//!
//! The nodes of a layer of N stand on the unit line at 0, 1/(N−1), …, 1 (a single node at 0). A hidden node keeps its n nearest inputs and its
//! n nearest outputs; ties go to the lowest index. Distances |h/(H−1) − i/(N−1)| are compared as the integers |h (N−1) − i (H−1)|, since
//! rounded positions would break ties by chance. A weight between two hidden layers stays where either of its nodes keeps it. Biases stay.

use super::Network;

/// Marks as frozen every weight that no hidden node keeps.
pub(super) fn freeze_distant(network: &Network, neighbours: usize, frozen: &mut [bool]) {
    let layers = network.layers();
    for (k, layer) in layers.iter().enumerate() {
        let (from_hidden, to_hidden) = (k > 0, k + 1 < layers.len());
        if !from_hidden && !to_hidden {
            continue;
        }
        let place = |output: usize, input: usize| layer.weights.start + output * layer.inputs + input;
        frozen[layer.weights.clone()].fill(true);
        if to_hidden {
            for output in 0..layer.outputs {
                for input in nearest(output, layer.outputs, layer.inputs, neighbours) {
                    frozen[place(output, input)] = false;
                }
            }
        }
        if from_hidden {
            for input in 0..layer.inputs {
                for output in nearest(input, layer.inputs, layer.outputs, neighbours) {
                    frozen[place(output, input)] = false;
                }
            }
        }
    }
}

/// The `count` nodes of a layer of `others` that stand nearest to node `node` of a layer of `nodes`.
fn nearest(node: usize, nodes: usize, others: usize, count: usize) -> Vec<usize> {
    let (near, far) = ((nodes - 1).max(1) as i128, (others - 1).max(1) as i128);
    let distance = |other: usize| (node as i128 * far - other as i128 * near).abs();
    let mut order: Vec<usize> = (0..others).collect();
    order.sort_by_key(|other| (distance(*other), *other));
    order.truncate(count);
    order
}

#[cfg(test)]
mod tests {
    use super::super::{Network, NetworkOptions};
    use super::nearest;

    #[test]
    fn freezes_the_published_numbers_of_weights() {
        // SCIENCE.md section 1: n = 1, 2, 3 freeze 40, 20, 10 weights of [2, 10, 4]; for n = 2 and 3 which ones is known as well.
        let frozen = |n: usize| -> Vec<usize> {
            let net = Network::new(&[2, 10, 4], &NetworkOptions { neighbours: Some(n), ..Default::default() }).unwrap();
            net.frozen().unwrap().iter().enumerate().filter(|(_, f)| **f).map(|(k, _)| k).collect()
        };
        assert_eq!(frozen(1).len(), 40);
        assert_eq!(frozen(2), [34, 35, 36, 37, 38, 39, 47, 48, 49, 50, 51, 52, 53, 60, 61, 62, 63, 64, 65, 66]);
        assert_eq!(frozen(3), [35, 36, 37, 38, 39, 60, 61, 62, 63, 64]);
    }

    #[test]
    fn ties_go_to_the_lowest_index() {
        // Hidden node 3 of 10 stands at 1/3: outputs 0 and 2 of four are equally near.
        assert_eq!(nearest(3, 10, 4, 2), [1, 0]);
    }

    #[test]
    fn without_hidden_nodes_nothing_is_frozen() {
        let net = Network::new(&[5, 4], &NetworkOptions { neighbours: Some(1), ..Default::default() }).unwrap();
        assert!(net.frozen().is_none());
    }
}
