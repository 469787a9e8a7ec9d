//! A table of a script: the data layer's, shared.

use super::Vector;
use crate::data::table::{self, Column};
use crate::script::convert::IntoValue;
use rhai::{Array, Dynamic};
use std::sync::Arc;

/// Columns of equal length under names.
#[derive(Clone, Debug, PartialEq)]
pub struct Table(pub Arc<table::Table>);

impl Table {
    /// The column as scripts see it: a vector, or an array of texts.
    pub fn column(&self, name: &str) -> Option<Dynamic> {
        let (_, column) = self.0.columns().iter().find(|(known, _)| known == name)?;
        Some(match column {
            Column::Numbers(v) => Dynamic::from(Vector::new(v.clone())),
            Column::Integers(v) => Dynamic::from(Vector::whole(v.iter().copied())),
            Column::Texts(v) => v.iter().cloned().map(Dynamic::from).collect::<Array>().into(),
        })
    }
}

impl IntoValue for table::Table {
    fn into_value(self) -> Dynamic {
        Dynamic::from(Table(Arc::new(self)))
    }
}
