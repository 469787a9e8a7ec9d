//! The result of a native: named fields that are read with a dot and never written.

use crate::script::convert::IntoValue;
use rhai::Dynamic;
use std::borrow::Cow;
use std::sync::Arc;

/// Named values under a kind: `Minimised` with `position, energy, …`.
#[derive(Clone)]
pub struct Object(Arc<Fields>);

#[derive(Clone)]
struct Fields {
    kind: &'static str,
    fields: Vec<(Cow<'static, str>, Dynamic)>,
}

impl Object {
    /// An object without fields; `kind` is what it calls itself.
    pub fn new(kind: &'static str) -> Object {
        Object(Arc::new(Fields { kind, fields: Vec::new() }))
    }

    /// Adds a field.
    pub fn field(mut self, name: impl Into<Cow<'static, str>>, value: impl IntoValue) -> Object {
        Arc::make_mut(&mut self.0).fields.push((name.into(), value.into_value()));
        self
    }

    pub fn kind(&self) -> &'static str {
        self.0.kind
    }

    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&Dynamic> {
        self.0.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value)
    }

    /// Names and values in the order they were added.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Dynamic)> {
        self.0.fields.iter().map(|(name, value)| (name.as_ref(), value))
    }
}
