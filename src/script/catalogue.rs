//! Everything the language holds, by name and by type: what dispatch, hints, help, checks and completion ask.

use super::api::{Native, Type};
use super::convert::{american, with_article};
use super::values::{Object, number_text};
use rhai::{Array, Dynamic, FnPtr, Map};
use std::any::TypeId;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// All natives and types.
pub struct Catalogue {
    /// By name, spellings and aliases included; several where types have methods of one name.
    pub natives: BTreeMap<&'static str, Vec<Arc<Native>>>,
    pub types: HashMap<TypeId, Arc<Type>>,
    /// Rhai's names of the closures in the standard library: errors tell them from those of a script.
    pub library_closures: HashSet<String>,
}

impl Catalogue {
    /// Collects the declarations.
    pub fn new(natives: Vec<Native>, types: Vec<Type>) -> Catalogue {
        let mut catalogue = Catalogue { natives: BTreeMap::new(), types: HashMap::new(), library_closures: HashSet::new() };
        for native in natives {
            catalogue.add(native);
        }
        for new in types {
            catalogue.types.insert(new.id, Arc::new(new));
        }
        catalogue
    }

    /// Adds one function or method.
    pub fn add(&mut self, native: Native) {
        let native = Arc::new(native);
        self.natives.entry(native.name).or_default().push(native.clone());
        for alias in &native.aliases {
            self.natives.entry(alias).or_default().push(native.clone());
        }
        let american = american(native.name);
        if american != native.name && !native.aliases.contains(&american.as_str()) {
            // Declarations live as long as the program.
            self.natives.entry(Box::leak(american.into_boxed_str())).or_default().push(native.clone());
        }
    }

    /// The native that `name` means for a first argument of type `first`: the method of that type, the plain function otherwise.
    pub fn find(&self, name: &str, first: Option<&str>) -> Option<&Arc<Native>> {
        let candidates = self.natives.get(name)?;
        candidates
            .iter()
            .find(|native| first.is_some_and(|first| native.on.contains(&first)))
            .or_else(|| candidates.iter().find(|native| native.on.is_empty()))
    }

    /// The type of a value as people call it; the kind of an [`Object`].
    pub fn type_name(&self, value: &Dynamic) -> String {
        if let Some(object) = value.read_lock::<Object>() {
            return object.kind().to_string();
        }
        if let Some(known) = self.type_of(value) {
            return known.name.to_string();
        }
        match value.type_name() {
            "i64" | "f64" => "number".into(),
            "bool" => "truth value".into(),
            "string" => "text".into(),
            "array" => "array".into(),
            "map" => "map".into(),
            "Fn" => "closure".into(),
            "()" => "()".into(),
            "range" | "range=" => "range".into(),
            other => other.rsplit("::").next().unwrap_or(other).to_string(),
        }
    }

    /// The declared type of a value.
    pub fn type_of(&self, value: &Dynamic) -> Option<&Arc<Type>> {
        // A value captured by a closure is shared: its own type is inside.
        if value.is_shared() { self.types.get(&value.clone().flatten().type_id()) } else { self.types.get(&value.type_id()) }
    }

    /// What a value is, as a message says it: `3`, `the text "origin"`, `an array of 3 values`, `a Potential`.
    pub fn describe(&self, value: &Dynamic) -> String {
        if let Ok(text) = value.as_immutable_string_ref() {
            let short: String = text.chars().take(60).collect();
            return format!("the text \"{short}{}\"", if short.len() < text.len() { "…" } else { "" });
        }
        if value.is_unit() {
            return "()".into();
        }
        if let Ok(number) = value.as_float() {
            return number_text(number);
        }
        if value.is_int() || value.is_bool() {
            return value.to_string();
        }
        if let Some(array) = value.read_lock::<Array>() {
            return format!("an array of {} value{}", array.len(), if array.len() == 1 { "" } else { "s" });
        }
        if let Some(map) = value.read_lock::<Map>() {
            return format!("a map of {} field{}", map.len(), if map.len() == 1 { "" } else { "s" });
        }
        if value.read_lock::<FnPtr>().is_some() {
            return "a closure".into();
        }
        with_article(&self.type_name(value))
    }

    /// The text that `print` gives.
    pub fn show(&self, value: &Dynamic) -> String {
        if let Some(object) = value.read_lock::<Object>() {
            return self.show_object(&object);
        }
        match self.type_of(value) {
            Some(known) => (known.show)(value),
            None => super::values::plain_text(value, &|inner| self.show_inside(inner)),
        }
    }

    /// One screen: the kind, then a field a line, long values cut.
    fn show_object(&self, object: &Object) -> String {
        const ROOM: usize = 100;
        let width = object.fields().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let mut text = object.kind().to_string();
        for (name, value) in object.fields() {
            if let Some(table) = value.read_lock::<Array>().and_then(|array| self.rows(&array)) {
                text.push_str(&format!("\n  {name}\n{table}"));
                continue;
            }
            let inner = value.read_lock::<Object>().map(|inner| format!("{} of {} fields", inner.kind(), inner.fields().count()));
            let whole = inner.unwrap_or_else(|| self.show_inside(value));
            let line = whole.lines().next().unwrap_or_default();
            let mut short: String = line.chars().take(ROOM).collect();
            if short.len() < whole.len() {
                short.push_str(" …");
            }
            text.push_str(&format!("\n  {name:<width$}  {short}"));
        }
        text
    }

    /// A few objects of one kind as a table, a line each; none where they are many or something else.
    fn rows(&self, array: &Array) -> Option<String> {
        const MOST: usize = 10;
        let objects: Vec<Object> =
            array.iter().map(|value| value.read_lock::<Object>().map(|o| o.clone())).collect::<Option<_>>()?;
        let first = objects.first()?;
        if objects.len() > MOST || objects.iter().any(|o| o.kind() != first.kind()) {
            return None;
        }
        let mut lines: Vec<Vec<String>> = vec![first.fields().map(|(name, _)| name.to_string()).collect()];
        let cell = |value: &Dynamic| match value.as_float() {
            Ok(number) => format!("{number:.4}"),
            Err(_) => self.show(value).lines().next().unwrap_or_default().to_string(),
        };
        lines.extend(objects.iter().map(|o| o.fields().map(|(_, value)| cell(value)).collect()));
        let widths: Vec<usize> = (0..lines[0].len())
            .map(|k| lines.iter().filter_map(|l| l.get(k)).map(|c| c.chars().count()).max().unwrap_or(0))
            .collect();
        let line =
            |cells: &Vec<String>| cells.iter().zip(&widths).map(|(cell, &width)| format!("  {cell:>width$}")).collect::<String>();
        Some(lines.iter().map(|cells| format!("  {}", line(cells))).collect::<Vec<_>>().join("\n"))
    }

    /// The text inside an array, a map or an object: text in quotes.
    pub fn show_inside(&self, value: &Dynamic) -> String {
        match value.as_immutable_string_ref() {
            Ok(text) => format!("{:?}", text.as_str()),
            Err(_) => self.show(value),
        }
    }

    /// Names of functions that may be called without a receiver.
    pub fn function_names(&self) -> impl Iterator<Item = &'static str> {
        self.natives.keys().copied()
    }

    /// Names that may stand behind the dot of a value of this type: fields and methods.
    pub fn member_names(&self, type_name: &str) -> Vec<&'static str> {
        let fields = self.types.values().filter(|t| t.name == type_name).flat_map(|t| t.fields.iter().map(|f| f.name));
        let methods = self.natives.iter().filter(|(_, all)| all.iter().any(|n| n.on.contains(&type_name))).map(|(name, _)| *name);
        let mut names: Vec<&'static str> = fields.chain(methods).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}
