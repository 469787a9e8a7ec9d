//! The values of the language that are not Rhai's own: vectors, matrices, tables, objects, handles.

mod matrix;
mod object;
mod table;
mod vector;

pub use matrix::MatrixValue;
pub use object::Object;
pub use table::Table;
pub use vector::Vector;

use crate::potentials::Potential;
use rhai::{Array, Dynamic, Map};
use std::sync::Arc;

/// Any potential, shared.
#[derive(Clone)]
pub struct PotentialHandle(pub Arc<dyn Potential>);

crate::handle!(PotentialHandle, "Potential");
crate::handle!(Vector, "vector");
crate::handle!(MatrixValue, "matrix");
crate::handle!(Table, "table");
crate::handle!(Object, "object");

/// How many elements of an array or vector are shown before the dots.
pub const SHOWN: usize = 100;

/// A number as people and scripts write it: whole reals with `.0`, very small and large ones with an exponent.
pub fn number_text(value: f64) -> String {
    if value.is_finite() && value != 0.0 && !(1e-5..1e15).contains(&value.abs()) {
        format!("{value:e}")
    } else {
        format!("{value:?}")
    }
}

/// The text of Rhai's own values; `inner` writes what stands inside them.
pub fn plain_text(value: &Dynamic, inner: &dyn Fn(&Dynamic) -> String) -> String {
    if let Some(array) = value.read_lock::<Array>() {
        return format!("[{}]", listed(array.iter().map(inner), array.len()));
    }
    if let Some(map) = value.read_lock::<Map>() {
        return format!("#{{{}}}", listed(map.iter().map(|(k, v)| format!("{k}: {}", inner(v))), map.len()));
    }
    if value.is_unit() {
        return "()".into();
    }
    match value.as_float() {
        Ok(number) => number_text(number),
        Err(_) => value.to_string(),
    }
}

/// `a, b, c`; after [`SHOWN`] of them dots and the number.
pub fn listed(items: impl Iterator<Item = String>, count: usize) -> String {
    let mut text = items.take(SHOWN).collect::<Vec<_>>().join(", ");
    if count > SHOWN {
        text.push_str(&format!(", … ({count} in all)"));
    }
    text
}
