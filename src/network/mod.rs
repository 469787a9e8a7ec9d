//! Networks as descriptions: layers, activations, which weights are there, where each parameter stands. Evaluates nothing.

mod activation;
mod locality;

pub use activation::{Activation, Curve, Parity};

use crate::base::options::{OptionType, OptionValue};
use crate::base::{Error, Kind, Result};
use crate::math::random::stream;
use rand::RngExt;
use sha2::{Digest, Sha256};
use std::ops::Range;
use std::sync::Arc;

/// More parameters than this are refused: one position alone would take gigabytes.
const MOST_PARAMETERS: usize = 200_000_000;

/// Which parameters take part: one mark a parameter, in the order of the parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Mask(pub Vec<bool>);

impl OptionType for Mask {
    fn takes() -> String {
        "an array of true (kept) or false (frozen at zero), or of 1 and 0, one for each parameter".into()
    }
    fn read(value: &OptionValue) -> Option<Mask> {
        let number = |v: f64| match v {
            0.0 => Some(false),
            1.0 => Some(true),
            _ => None,
        };
        match value {
            OptionValue::Vector(v) => v.iter().map(|&v| number(v)).collect::<Option<_>>().map(Mask),
            OptionValue::List(list) => list
                .iter()
                .map(|entry| match entry {
                    OptionValue::Flag(flag) => Some(*flag),
                    other => other.number().and_then(number),
                })
                .collect::<Option<_>>()
                .map(Mask),
            _ => None,
        }
    }
    fn show(&self) -> String {
        format!("{} kept, {} frozen", self.0.iter().filter(|k| **k).count(), self.0.iter().filter(|k| !**k).count())
    }
}

crate::options! {
    /// Options of `network`.
    pub struct NetworkOptions {
        /// Function of the hidden nodes.
        activation: Activation = Activation::Tanh, ANY, "";
        /// Function of the output nodes.
        output: Activation = Activation::Linear, ANY, "";
        /// Whether every hidden and output node has a bias.
        bias: bool = true, ANY, "";
        /// Locality: each hidden node keeps this number of nearest inputs and nearest outputs, the other weights are frozen at zero.
        neighbours: Option<usize> = None => "all", AT_LEAST_ONE, "nodes";
        /// Which parameters take part, in the order of the parameters: true or 1 keeps one, false or 0 freezes it at zero.
        mask: Option<Mask> = None => "all", ANY, "";
    }
}

/// A feed-forward network of dense layers. A description only; cheap to clone.
///
/// Parameters are one flat vector: layer by layer from the input, the layer's weight matrix (outputs × inputs, row-major), then its biases.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    sizes: Arc<[usize]>,
    activation: Activation,
    output: Activation,
    bias: bool,
    frozen: Option<Arc<[bool]>>,
}

/// Where the parameters of one layer stand in the flat vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    pub inputs: usize,
    pub outputs: usize,
    /// outputs × inputs, row-major.
    pub weights: Range<usize>,
    /// Behind the weights; empty without biases.
    pub biases: Range<usize>,
}

impl Layer {
    /// All parameters of the layer.
    pub fn parameters(&self) -> Range<usize> {
        self.weights.start..self.biases.end
    }
}

/// A row of [`Network::layout`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayoutRow {
    /// Counted from 1, the first behind the inputs.
    pub layer: usize,
    /// `weights` or `biases`.
    pub part: &'static str,
    /// Half-open range of parameters.
    pub from: usize,
    pub to: usize,
    /// `[outputs, inputs]` of a matrix, `[outputs]` of biases.
    pub shape: Vec<usize>,
}

impl Network {
    /// The network with these numbers of nodes, inputs and outputs included. Counts come signed so that a wrong one can be named.
    pub fn new(nodes: &[i64], options: &NetworkOptions) -> Result<Network> {
        if nodes.len() < 2 {
            let found = if nodes.is_empty() { "an empty array".into() } else { format!("{nodes:?}") };
            return Err(Error::shape(format!("network: needs the numbers of nodes of at least two layers, found {found}"))
                .hint("give inputs, hidden layers and outputs, such as network([2, 10, 4])")
                .at("layers"));
        }
        if let Some((place, bad)) = nodes.iter().enumerate().find(|(_, n)| **n < 1) {
            return Err(Error::value(format!("network: layer {place} must have at least one node, found {bad}"))
                .hint("layers are counted from 0, the inputs")
                .at("layers"));
        }
        let sizes: Arc<[usize]> = nodes.iter().map(|n| *n as usize).collect();
        let total = sizes
            .windows(2)
            .try_fold(0usize, |sum, pair| pair[0].checked_add(options.bias as usize)?.checked_mul(pair[1])?.checked_add(sum));
        let count = match total {
            Some(count) if count <= MOST_PARAMETERS => count,
            _ => {
                return Err(Error::new(Kind::Limit, format!("network: {nodes:?} has more than {MOST_PARAMETERS} parameters"))
                    .hint("take fewer nodes")
                    .at("layers"));
            }
        };
        let mut network =
            Network { sizes, activation: options.activation, output: options.output, bias: options.bias, frozen: None };
        let mut frozen = vec![false; count];
        if let Some(neighbours) = options.neighbours {
            locality::freeze_distant(&network, neighbours, &mut frozen);
        }
        if let Some(Mask(kept)) = &options.mask {
            if kept.len() != count {
                return Err(Error::shape(format!(
                    "network: option `mask` has {} marks, but {nodes:?} has {count} parameters",
                    kept.len()
                ))
                .hint("give one mark for each parameter; `.layout()` says where each stands")
                .at("mask"));
            }
            for (frozen, kept) in frozen.iter_mut().zip(kept) {
                *frozen |= !kept;
            }
        }
        if frozen.iter().any(|f| *f) {
            network.frozen = Some(frozen.into());
        }
        Ok(network)
    }

    /// Numbers of nodes, inputs and outputs included.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }
    pub fn inputs(&self) -> usize {
        self.sizes[0]
    }
    pub fn outputs(&self) -> usize {
        self.sizes[self.sizes.len() - 1]
    }
    pub fn activation(&self) -> Activation {
        self.activation
    }
    pub fn output(&self) -> Activation {
        self.output
    }
    pub fn has_bias(&self) -> bool {
        self.bias
    }
    /// Parameters that stay at zero (true), where there are any.
    pub fn frozen(&self) -> Option<&[bool]> {
        self.frozen.as_deref()
    }

    /// Number of parameters, frozen ones included.
    pub fn parameters(&self) -> usize {
        self.sizes.windows(2).map(|pair| pair[1] * (pair[0] + self.bias as usize)).sum()
    }

    /// The layers with weights, from the first hidden one (or the outputs) on.
    pub fn layers(&self) -> Vec<Layer> {
        let mut at = 0;
        self.sizes
            .windows(2)
            .map(|pair| {
                let (inputs, outputs) = (pair[0], pair[1]);
                let weights = at..at + inputs * outputs;
                let biases = weights.end..weights.end + if self.bias { outputs } else { 0 };
                at = biases.end;
                Layer { inputs, outputs, weights, biases }
            })
            .collect()
    }

    /// Which parameters are biases.
    pub fn biases(&self) -> Vec<bool> {
        let mut bias = vec![false; self.parameters()];
        for layer in self.layers() {
            bias[layer.biases].fill(true);
        }
        bias
    }

    /// Where each matrix and each row of biases stands.
    pub fn layout(&self) -> Vec<LayoutRow> {
        let mut rows = Vec::new();
        for (k, layer) in self.layers().into_iter().enumerate() {
            let (from, to) = (layer.weights.start, layer.weights.end);
            rows.push(LayoutRow { layer: k + 1, part: "weights", from, to, shape: vec![layer.outputs, layer.inputs] });
            if self.bias {
                let (from, to) = (layer.biases.start, layer.biases.end);
                rows.push(LayoutRow { layer: k + 1, part: "biases", from, to, shape: vec![layer.outputs] });
            }
        }
        rows
    }

    /// Random parameters: uniform with variance scale²/inputs in each layer (2 scale²/inputs in front of rectifiers), biases too.
    /// Frozen ones are zero.
    pub fn initial(&self, seed: u64, scale: f64) -> Vec<f64> {
        let mut random = stream(seed, 0);
        let mut parameters = vec![0.0; self.parameters()];
        let layers = self.layers();
        for (k, layer) in layers.iter().enumerate() {
            let function = if k + 1 < layers.len() { self.activation } else { self.output };
            let reach = scale * (3.0 * function.gain() / layer.inputs as f64).sqrt();
            for p in &mut parameters[layer.parameters()] {
                *p = reach * (2.0 * random.random::<f64>() - 1.0);
            }
        }
        if let Some(frozen) = self.frozen() {
            for (p, frozen) in parameters.iter_mut().zip(frozen) {
                if *frozen {
                    *p = 0.0;
                }
            }
        }
        parameters
    }

    /// What tells one mask from another: `none`, or the SHA-256 of the marks.
    pub fn mask_fingerprint(&self) -> String {
        let Some(frozen) = self.frozen() else { return "none".into() };
        let marks: Vec<u8> = frozen.iter().map(|f| *f as u8).collect();
        Sha256::digest(&marks).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// One line for people: `network [2, 10, 4], tanh, 74 parameters`.
    pub fn summary(&self) -> String {
        let mut text = format!("network {:?}, {}", self.sizes, self.activation.name());
        if self.output != Activation::Linear {
            text += &format!(", output {}", self.output.name());
        }
        if !self.bias {
            text += ", no biases";
        }
        text += &format!(", {} parameters", self.parameters());
        if let Some(frozen) = self.frozen() {
            text += &format!(" ({} frozen)", frozen.iter().filter(|f| **f).count());
        }
        text
    }

    /// Checks that a position has one number for each parameter.
    pub fn check_position(&self, function: &str, x: &[f64]) -> Result<()> {
        if x.len() == self.parameters() {
            return Ok(());
        }
        Err(Error::shape(format!(
            "{function}: the network has {} parameters, the position {} numbers",
            self.parameters(),
            x.len()
        ))
        .hint("take `network.initial(#{seed: 1})` for a start")
        .at("x"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(nodes: &[i64]) -> Network {
        Network::new(nodes, &NetworkOptions::default()).unwrap()
    }

    #[test]
    fn counts_are_the_published_ones() {
        // SCIENCE.md section 1.
        for (nodes, count) in [
            (&[2, 10, 4][..], 74),
            (&[784, 10, 10], 7960),
            (&[784, 10], 7850),
            (&[2, 5, 5, 4], 69),
            (&[2, 4, 4, 4, 4], 72),
            (&[2, 4], 12),
            (&[3, 1, 1], 6),
        ] {
            assert_eq!(network(nodes).parameters(), count, "{nodes:?}");
        }
        assert_eq!(Network::new(&[2, 10, 4], &NetworkOptions { bias: false, ..Default::default() }).unwrap().parameters(), 60);
    }

    #[test]
    fn layout_names_every_parameter_once() {
        let rows = network(&[2, 10, 4]).layout();
        let parts: Vec<_> = rows.iter().map(|r| (r.layer, r.part, r.from, r.to, r.shape.clone())).collect();
        assert_eq!(
            parts,
            vec![
                (1, "weights", 0, 20, vec![10, 2]),
                (1, "biases", 20, 30, vec![10]),
                (2, "weights", 30, 70, vec![4, 10]),
                (2, "biases", 70, 74, vec![4]),
            ]
        );
    }

    #[test]
    fn starts_repeat_and_leave_frozen_ones_out() {
        let net = Network::new(&[2, 10, 4], &NetworkOptions { neighbours: Some(1), ..Default::default() }).unwrap();
        let (a, b) = (net.initial(1, 1.0), net.initial(2, 1.0));
        assert_eq!(a, net.initial(1, 1.0));
        assert_ne!(a, b);
        for (k, frozen) in net.frozen().unwrap().iter().enumerate() {
            assert_eq!(a[k] == 0.0, *frozen);
        }
    }

    #[test]
    fn refuses_what_cannot_be_meant() {
        let says = |nodes: &[i64]| Network::new(nodes, &NetworkOptions::default()).unwrap_err().to_string();
        assert!(says(&[]).starts_with("network: needs the numbers of nodes of at least two layers, found an empty array"));
        assert!(says(&[2, 0, 4]).starts_with("network: layer 1 must have at least one node, found 0"));
        assert!(says(&[2, -3, 4]).starts_with("network: layer 1 must have at least one node, found -3"));
        assert!(says(&[i64::MAX, i64::MAX]).contains("more than"));
        let mask = NetworkOptions { mask: Some(Mask(vec![true; 3])), ..Default::default() };
        assert!(Network::new(&[2, 10, 4], &mask).unwrap_err().to_string().contains("3 marks"));
    }

    #[test]
    fn a_mask_reads_flags_and_numbers() {
        let flags = OptionValue::List(vec![OptionValue::Flag(true), OptionValue::Integer(0)]);
        assert_eq!(Mask::read(&flags), Some(Mask(vec![true, false])));
        assert_eq!(Mask::read(&OptionValue::Vector([0.0, 1.0].into())), Some(Mask(vec![false, true])));
        assert_eq!(Mask::read(&OptionValue::Vector([0.5].into())), None);
    }
}
