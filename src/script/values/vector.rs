//! A native vector of f64: shared until it is written to.

use super::number_text;
use rhai::{Array, Dynamic};
use std::sync::Arc;

/// Numbers in a row. `whole` ones (classes, identifiers) are handed out as integers.
#[derive(Clone, Debug, PartialEq)]
pub struct Vector {
    pub data: Arc<[f64]>,
    pub whole: bool,
}

impl From<Arc<[f64]>> for Vector {
    fn from(data: Arc<[f64]>) -> Vector {
        Vector { data, whole: false }
    }
}

impl Vector {
    pub fn new(data: Vec<f64>) -> Vector {
        Vector { data: data.into(), whole: false }
    }

    /// A vector whose elements scripts see as whole numbers.
    pub fn whole(data: impl IntoIterator<Item = i64>) -> Vector {
        Vector { data: data.into_iter().map(|v| v as f64).collect(), whole: true }
    }

    /// One element as scripts see it.
    pub fn element(&self, i: usize) -> Dynamic {
        if self.whole { (self.data[i] as i64).into() } else { self.data[i].into() }
    }

    /// All elements as an array.
    pub fn elements(&self) -> Array {
        (0..self.data.len()).map(|i| self.element(i)).collect()
    }

    /// `[1.0, 2.0]`.
    pub fn text(&self) -> String {
        let write = |v: &f64| if self.whole { format!("{}", *v as i64) } else { number_text(*v) };
        format!("[{}]", super::listed(self.data.iter().map(write), self.data.len()))
    }
}
