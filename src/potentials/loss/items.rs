//! The items of a data set in blocks of eight, as the kernels want them: turned once, when a loss is made.

use super::LossKind;
use crate::base::{Error, Result};
use crate::data::{Dataset, Targets};
use crate::math::Matrix;
use crate::math::gather::{all_rows, gather_rows};
use crate::math::simd::{Block, LANES};
use crate::network::{Activation, Network};

/// Inputs and targets, a panel each: for every block of eight items one [`Block`] an input (output). The last block is padded with zeros.
#[derive(Default)]
pub(super) struct Items {
    /// Number of items.
    pub count: usize,
    /// Number of blocks of eight.
    pub blocks: usize,
    pub inputs: Vec<Block>,
    /// Targets, one-hot for classes.
    pub targets: Vec<Block>,
    /// The same targets, items × outputs: what minibatches are gathered from.
    target_rows: Matrix,
    /// 1 for the items of the last block, 0 for its padding.
    pub live: Block,
}

impl Items {
    /// Items with targets, after checking that network, data and kind of loss fit together.
    pub fn for_loss(network: &Network, data: &Dataset, kind: LossKind) -> Result<Items> {
        let targets = targets(network, data, kind)?;
        let mut items = Items::inputs_only("loss", network, data)?;
        items.targets = all_rows(&targets);
        items.target_rows = targets;
        Ok(items)
    }

    /// Inputs alone, for predictions.
    pub fn inputs_only(function: &str, network: &Network, data: &Dataset) -> Result<Items> {
        if data.is_empty() {
            return Err(Error::data(format!("{function}: the dataset is empty")).at("dataset"));
        }
        if data.inputs.columns != network.inputs() {
            return Err(Error::shape(format!(
                "{function}: the network has {} inputs, the dataset {} columns",
                network.inputs(),
                data.inputs.columns
            ))
            .hint("the first number of the network's layers is that of the dataset's input columns")
            .at("dataset"));
        }
        let count = data.len();
        let (blocks, live) = padding(count);
        Ok(Items { count, blocks, inputs: all_rows(&data.inputs), live, ..Default::default() })
    }

    /// Becomes the items of `all` with these numbers; `rows` are the inputs of all as a matrix.
    pub fn gather(&mut self, all: &Items, rows: &Matrix, chosen: &[u32]) {
        self.count = chosen.len();
        (self.blocks, self.live) = padding(self.count);
        gather_panel(rows, chosen, &mut self.inputs);
        gather_panel(&all.target_rows, chosen, &mut self.targets);
    }
}

/// The chosen rows of a matrix, in blocks.
fn gather_panel(rows: &Matrix, chosen: &[u32], panel: &mut Vec<Block>) {
    panel.resize(chosen.len().div_ceil(LANES) * rows.columns, Block::ZERO);
    gather_rows(rows, chosen, panel);
}

/// Blocks for so many items, and which lanes of the last one hold some.
fn padding(count: usize) -> (usize, Block) {
    let blocks = count.div_ceil(LANES);
    (blocks, Block(std::array::from_fn(|lane| if (blocks - 1) * LANES + lane < count { 1.0 } else { 0.0 })))
}

/// Targets as items × outputs.
fn targets(network: &Network, data: &Dataset, kind: LossKind) -> Result<Matrix> {
    let outputs = network.outputs();
    let name = kind.name();
    let binary = kind == LossKind::BinaryCrossEntropy;
    if binary && network.output() != Activation::Sigmoid {
        return Err(Error::value(format!(
            "loss: \"{name}\" needs a network whose output is \"sigmoid\", found \"{}\"",
            network.output().name()
        ))
        .hint("network([…], #{output: \"sigmoid\"})")
        .at("kind"));
    }
    match &data.targets {
        Targets::None => Err(Error::data("loss: the dataset has no targets").hint("load it with a target column").at("dataset")),
        Targets::Classes { labels, names } => {
            // One output can stand for the second of two classes.
            let one_for_two = outputs == 1 && names.len() <= 2 && !kind.is_softmax();
            if names.len() > outputs && !one_for_two {
                return Err(Error::shape(format!(
                    "loss: the network has {outputs} outputs, the dataset {} classes",
                    names.len()
                ))
                .hint("the last number of the network's layers is that of the classes")
                .at("dataset"));
            }
            let mut targets = Matrix::zeros(labels.len(), outputs);
            for (item, label) in labels.iter().enumerate() {
                if one_for_two {
                    targets[(item, 0)] = *label as f64;
                } else {
                    targets[(item, *label as usize)] = 1.0;
                }
            }
            Ok(targets)
        }
        Targets::Values(values) => {
            if kind.is_softmax() {
                return Err(Error::data(format!("loss: \"{name}\" needs classes, the dataset has real targets"))
                    .hint("take #{kind: \"mean_squared_error\"}, or load the targets as classes")
                    .at("kind"));
            }
            if values.columns != outputs {
                return Err(Error::shape(format!(
                    "loss: the network has {outputs} outputs, the dataset {} target columns",
                    values.columns
                ))
                .at("dataset"));
            }
            if binary && let Some(bad) = values.data.iter().find(|t| !(0.0..=1.0).contains(*t)) {
                return Err(Error::data(format!("loss: \"{name}\" needs targets from 0 to 1, found {bad}")).at("dataset"));
            }
            Ok((**values).clone())
        }
    }
}
