//! Values as JSON, for `--output json` and `save`.

use super::catalogue::Catalogue;
use super::values::{MatrixValue, Object, Table, Vector};
use crate::data::write::{matrix_json, table_json};
use rhai::{Array, Dynamic, Map};
use serde_json::{Value, json};

/// The value as JSON: objects and maps by field, vectors and matrices as arrays; what is not finite is null, closures are their text.
pub fn to_json(value: &Dynamic, catalogue: &Catalogue) -> Value {
    if value.is_unit() {
        return Value::Null;
    }
    if let Ok(v) = value.as_int() {
        return json!(v);
    }
    if let Ok(v) = value.as_float() {
        return json!(v);
    }
    if let Ok(v) = value.as_bool() {
        return json!(v);
    }
    if let Ok(text) = value.as_immutable_string_ref() {
        return json!(text.as_str());
    }
    if let Some(array) = value.read_lock::<Array>() {
        return array.iter().map(|v| to_json(v, catalogue)).collect();
    }
    if let Some(map) = value.read_lock::<Map>() {
        return Value::Object(map.iter().map(|(k, v)| (k.to_string(), to_json(v, catalogue))).collect());
    }
    if let Some(vector) = value.read_lock::<Vector>() {
        return if vector.whole { vector.data.iter().map(|v| json!(*v as i64)).collect() } else { json!(&vector.data[..]) };
    }
    if let Some(matrix) = value.read_lock::<MatrixValue>() {
        return matrix_json(&matrix.0);
    }
    if let Some(table) = value.read_lock::<Table>() {
        return table_json(&table.0);
    }
    if let Some(object) = value.read_lock::<Object>() {
        return Value::Object(object.fields().map(|(k, v)| (k.to_string(), to_json(v, catalogue))).collect());
    }
    match catalogue.type_of(value).and_then(|known| known.json.clone()) {
        Some(json) => to_json(&json(value), catalogue),
        None => json!(catalogue.show(value)),
    }
}
