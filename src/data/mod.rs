//! Data sets: inputs with classes or values, readers, generators that need only random numbers, wrong labels.
//! Knows nothing of networks or energies.

use crate::math::Matrix;
use std::sync::Arc;

/// What a network is to learn.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets {
    /// Inputs only.
    None,
    /// One class a row, 0 … names.len() − 1. Parts of a data set keep the classes of the whole.
    Classes { labels: Arc<[u32]>, names: Arc<[String]> },
    /// Real targets: items × outputs.
    Values(Arc<Matrix>),
}

/// Inputs and targets, one item a row. Cheap to clone; never changed in place.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// items × inputs.
    pub inputs: Arc<Matrix>,
    pub targets: Targets,
    /// After `mislabel`: which items carry a wrong class.
    pub wrong: Option<Arc<[bool]>>,
}

impl Dataset {
    /// Number of items.
    pub fn len(&self) -> usize {
        self.inputs.rows
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Number of classes; 0 for real targets.
    pub fn classes(&self) -> usize {
        match &self.targets {
            Targets::Classes { names, .. } => names.len(),
            _ => 0,
        }
    }
}
