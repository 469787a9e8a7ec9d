//! Options, declared once: from one entry come the field, the reader, the default, the hint and the help.
//!
//! ```
//! use losscape::base::options::{OptionValue, Options};
//! losscape::options! {
//!     /// Options of a search.
//!     pub struct SearchOptions {
//!         /// RMS gradient at which the search has converged.
//!         tolerance: f64 = 1e-9, POSITIVE, "energy per length";
//!         /// Number of pairs kept.
//!         memory: Option<usize> = None => "50 for networks, 4 otherwise", AT_LEAST_ONE, "";
//!     }
//! }
//! let mut options = SearchOptions::default();
//! options.set("search", "tolerance", &OptionValue::Real(1e-6)).unwrap();
//! assert_eq!(options.tolerance, 1e-6);
//! let wrong = options.set("search", "tolerence", &OptionValue::Real(1e-6)).unwrap_err();
//! assert!(wrong.to_string().contains("tolerance"));
//! ```

use super::error::{Error, Kind, Result};
use super::names::{listed, nearest};
use std::any::Any;
use std::sync::Arc;

/// A value as it comes from a script, before it has a type.
#[derive(Clone)]
pub enum OptionValue {
    Integer(i64),
    Real(f64),
    Flag(bool),
    Text(String),
    Vector(Arc<[f64]>),
    List(Vec<OptionValue>),
    Unit,
    /// A value of a layer above or beside: its type as people call it, and the value to downcast.
    Any(&'static str, Arc<dyn Any + Send + Sync>),
}

impl OptionValue {
    /// What it is, as an error says it: `the number -1`, `the text "abc"`, `a Dataset`.
    pub fn found(&self) -> String {
        match self {
            OptionValue::Integer(v) => format!("{v}"),
            OptionValue::Real(v) => found_number(*v),
            OptionValue::Flag(v) => format!("{v}"),
            OptionValue::Text(v) => format!("the text \"{v}\""),
            OptionValue::Vector(v) => format!("a vector of {} numbers", v.len()),
            OptionValue::List(v) => format!("an array of {} values", v.len()),
            OptionValue::Unit => "()".into(),
            OptionValue::Any(name, _) => format!("a {name}"),
        }
    }

    /// The number it holds, if it is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            OptionValue::Integer(v) => Some(*v as f64),
            OptionValue::Real(v) => Some(*v),
            _ => None,
        }
    }
}

/// A number as a message gives it back: whole ones without a point, tiny and huge ones with an exponent.
fn found_number(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 { format!("{value}") } else { format!("{value:?}") }
}

/// The numbers that an option allows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    pub low: f64,
    pub high: f64,
    /// Whether `low` itself is left out.
    pub open: bool,
}

impl Range {
    pub const ANY: Range = Range { low: f64::NEG_INFINITY, high: f64::INFINITY, open: false };
    pub const POSITIVE: Range = Range { low: 0.0, high: f64::INFINITY, open: true };
    pub const NOT_NEGATIVE: Range = Range { low: 0.0, high: f64::INFINITY, open: false };
    pub const AT_LEAST_ONE: Range = Range { low: 1.0, high: f64::INFINITY, open: false };
    pub const AT_LEAST_TWO: Range = Range { low: 2.0, high: f64::INFINITY, open: false };
    pub const FRACTION: Range = Range { low: 0.0, high: 1.0, open: false };

    /// Whether `value` lies in the range; NaN never does.
    pub fn holds(&self, value: f64) -> bool {
        !value.is_nan() && value <= self.high && (value > self.low || (!self.open && value == self.low))
    }

    /// `above 0`, `at least 1`, `from 0 to 1`.
    pub fn text(&self) -> String {
        match (self.low.is_finite(), self.high.is_finite()) {
            (true, true) => format!("from {} to {}", self.low, self.high),
            (true, false) if self.open => format!("above {}", self.low),
            (true, false) => format!("at least {}", self.low),
            (false, true) => format!("at most {}", self.high),
            (false, false) => String::new(),
        }
    }
}

/// One option as help, completion and the reference page see it.
#[derive(Clone)]
pub struct OptionEntry {
    pub name: &'static str,
    /// What it takes: `a number above 0`, `"lbfgs" or "fire"`.
    pub takes: String,
    pub default: String,
    pub unit: &'static str,
    pub text: String,
    /// The words it may be, where it is a choice, each with its sentence.
    pub choices: Vec<(&'static str, &'static str)>,
}

/// A type that an option can have.
pub trait OptionType: Sized {
    /// What to write: `a number`, `a whole number`, `true or false`.
    fn takes() -> String;
    /// Reads a value; `None` when it has another type.
    fn read(value: &OptionValue) -> Option<Self>;
    /// The value as a script would write it, for help.
    fn show(&self) -> String;
    /// The words it may be, each with its sentence.
    fn choices() -> Vec<(&'static str, &'static str)> {
        Vec::new()
    }
}

impl OptionType for f64 {
    fn takes() -> String {
        "a number".into()
    }
    fn read(value: &OptionValue) -> Option<f64> {
        value.number()
    }
    fn show(&self) -> String {
        if *self != 0.0 && (self.abs() < 1e-3 || self.abs() >= 1e6) { format!("{self:e}") } else { format!("{self:?}") }
    }
}

impl OptionType for usize {
    fn takes() -> String {
        "a whole number".into()
    }
    fn read(value: &OptionValue) -> Option<usize> {
        match value {
            OptionValue::Integer(v) => usize::try_from(*v).ok(),
            OptionValue::Real(v) if v.fract() == 0.0 && *v >= 0.0 && *v < 9e15 => Some(*v as usize),
            _ => None,
        }
    }
    fn show(&self) -> String {
        self.to_string()
    }
}

impl OptionType for u64 {
    fn takes() -> String {
        usize::takes()
    }
    fn read(value: &OptionValue) -> Option<u64> {
        usize::read(value).map(|v| v as u64)
    }
    fn show(&self) -> String {
        self.to_string()
    }
}

impl OptionType for bool {
    fn takes() -> String {
        "true or false".into()
    }
    fn read(value: &OptionValue) -> Option<bool> {
        match value {
            OptionValue::Flag(v) => Some(*v),
            _ => None,
        }
    }
    fn show(&self) -> String {
        self.to_string()
    }
}

impl OptionType for String {
    fn takes() -> String {
        "text".into()
    }
    fn read(value: &OptionValue) -> Option<String> {
        match value {
            OptionValue::Text(v) => Some(v.clone()),
            _ => None,
        }
    }
    fn show(&self) -> String {
        format!("{self:?}")
    }
}

impl OptionType for Vec<f64> {
    fn takes() -> String {
        "an array of numbers".into()
    }
    fn read(value: &OptionValue) -> Option<Vec<f64>> {
        match value {
            OptionValue::Vector(v) => Some(v.to_vec()),
            OptionValue::List(v) => v.iter().map(|e| e.number()).collect(),
            _ => None,
        }
    }
    fn show(&self) -> String {
        format!("{self:?}")
    }
}

impl OptionType for Vec<String> {
    fn takes() -> String {
        "an array of texts".into()
    }
    fn read(value: &OptionValue) -> Option<Vec<String>> {
        match value {
            OptionValue::List(v) => v.iter().map(String::read).collect(),
            OptionValue::Text(v) => Some(vec![v.clone()]),
            _ => None,
        }
    }
    fn show(&self) -> String {
        format!("{self:?}")
    }
}

impl OptionType for Vec<usize> {
    fn takes() -> String {
        "an array of whole numbers".into()
    }
    fn read(value: &OptionValue) -> Option<Vec<usize>> {
        match value {
            OptionValue::List(v) => v.iter().map(usize::read).collect(),
            OptionValue::Vector(v) => v.iter().map(|&e| usize::read(&OptionValue::Real(e))).collect(),
            _ => None,
        }
    }
    fn show(&self) -> String {
        format!("{self:?}")
    }
}

impl<T: OptionType> OptionType for Option<T> {
    fn takes() -> String {
        T::takes()
    }
    fn read(value: &OptionValue) -> Option<Option<T>> {
        match value {
            OptionValue::Unit => Some(None),
            _ => T::read(value).map(Some),
        }
    }
    fn show(&self) -> String {
        self.as_ref().map_or_else(|| "()".into(), T::show)
    }
    fn choices() -> Vec<(&'static str, &'static str)> {
        T::choices()
    }
}

/// A set of options: what [`crate::options!`] makes.
pub trait Options: Default {
    /// Every option in the order of declaration.
    fn entries() -> Vec<OptionEntry>;
    /// Reads one option; `function` is the name that errors begin with.
    fn set(&mut self, function: &str, name: &str, value: &OptionValue) -> Result<()>;
}

/// No options at all.
#[derive(Default, Clone, Debug)]
pub struct NoOptions;

impl Options for NoOptions {
    fn entries() -> Vec<OptionEntry> {
        Vec::new()
    }
    fn set(&mut self, function: &str, name: &str, _: &OptionValue) -> Result<()> {
        Err(unknown_option(function, name, &[]))
    }
}

/// The error for an option that a function does not have.
pub fn unknown_option(function: &str, name: &str, known: &[&str]) -> Error {
    let error = Error::new(Kind::Name, format!("{function} has no option `{name}`")).at(name);
    match (nearest(name, known.iter().copied()), known) {
        (_, []) => error.hint("it takes no options"),
        (Some(near), _) => error.hint(format!("did you mean `{near}`? It has {}", known.join(", "))),
        (None, _) => error.hint(format!("it has {}", known.join(", "))),
    }
}

/// Reads one value into a typed field (used by [`crate::options!`]).
pub fn read_option<T: OptionType>(function: &str, name: &str, value: &OptionValue, range: Range) -> Result<T> {
    let numbers: Vec<f64> = match value {
        OptionValue::List(list) => list.iter().filter_map(OptionValue::number).collect(),
        _ => value.number().into_iter().collect(),
    };
    if let Some(bad) = numbers.iter().find(|v| !range.holds(**v)) {
        let wanted = if range == Range::ANY { "a number".to_string() } else { range.text() };
        return Err(Error::value(format!("{function}: option `{name}` must be {wanted}, found {}", found_number(*bad))).at(name));
    }
    if let Some(read) = T::read(value) {
        return Ok(read);
    }
    let choices = T::choices();
    if let (false, OptionValue::Text(word)) = (choices.is_empty(), value) {
        let error = Error::new(Kind::Name, format!("{function}: option `{name}` cannot be \"{word}\"")).at(name);
        let known = listed(choices.iter().map(|c| c.0));
        return Err(match nearest(word, choices.iter().map(|c| c.0)) {
            Some(near) => error.hint(format!("did you mean \"{near}\"? It is {known}")),
            None => error.hint(format!("it is {known}")),
        });
    }
    // A negative whole number fails to read as a count: say the range rather than the type.
    if value.number().is_some_and(|v| v < 0.0) && T::takes().contains("whole") {
        return Err(Error::value(format!("{function}: option `{name}` must be at least 0, found {}", value.found())).at(name));
    }
    Err(Error::new(Kind::Type, format!("{function}: option `{name}` takes {}, found {}", T::takes(), value.found())).at(name))
}

/// Declares a struct of options with reader, defaults and help: see the module text.
///
/// A line is `name: Type = default [=> "default in words"], RANGE, "unit";` under the sentence that explains it.
/// RANGE is a constant of [`Range`].
#[macro_export]
macro_rules! options {
    ($(#[$meta:meta])* $vis:vis struct $Name:ident {
        $($(#[doc = $doc:expr])+ $field:ident : $Type:ty = $default:expr $(=> $words:literal)?, $range:ident, $unit:literal;)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        $vis struct $Name { $($(#[doc = $doc])+ pub $field: $Type,)* }

        impl Default for $Name {
            fn default() -> Self { Self { $($field: $default,)* } }
        }

        impl $crate::base::options::Options for $Name {
            fn entries() -> Vec<$crate::base::options::OptionEntry> {
                #[allow(unused_variables)]
                let defaults = Self::default();
                vec![$({
                    let range = $crate::base::options::Range::$range.text();
                    #[allow(unused_mut, unused_assignments)]
                    let mut default = <$Type as $crate::base::options::OptionType>::show(&defaults.$field);
                    $(default = $words.to_string();)?
                    let takes = <$Type as $crate::base::options::OptionType>::takes();
                    $crate::base::options::OptionEntry {
                        name: stringify!($field),
                        takes: if range.is_empty() { takes } else { format!("{takes} {range}") },
                        default,
                        unit: $unit,
                        text: [$($doc),+].map(str::trim).join(" "),
                        choices: <$Type as $crate::base::options::OptionType>::choices(),
                    }
                }),*]
            }

            fn set(&mut self, function: &str, name: &str, value: &$crate::base::options::OptionValue) -> $crate::base::Result<()> {
                match name {
                    $(stringify!($field) => {
                        self.$field = $crate::base::options::read_option(function, name, value, $crate::base::options::Range::$range)?;
                        Ok(())
                    })*
                    _ => Err($crate::base::options::unknown_option(function, name, &[$(stringify!($field)),*])),
                }
            }
        }
    };
}

/// Declares an enum whose members have a word in scripts: reader, hint and help follow.
///
/// ```
/// losscape::choices! {
///     /// How to move.
///     pub enum Method {
///         /// Limited-memory quasi-Newton.
///         Lbfgs = "lbfgs",
///         /// Fast inertial relaxation engine.
///         Fire = "fire",
///     }
/// }
/// assert_eq!(Method::named("fire"), Some(Method::Fire));
/// assert_eq!(Method::Fire.name(), "fire");
/// ```
#[macro_export]
macro_rules! choices {
    ($(#[$meta:meta])* $vis:vis enum $Name:ident { $($(#[doc = $doc:expr])+ $Member:ident = $word:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        $vis enum $Name { $($(#[doc = $doc])+ $Member,)* }

        impl $Name {
            /// Every member in the order of declaration.
            #[allow(dead_code, reason = "only some words are walked through")]
            pub const ALL: &'static [$Name] = &[$($Name::$Member),*];
            /// The word that scripts use.
            pub fn name(self) -> &'static str {
                match self { $($Name::$Member => $word),* }
            }
            /// The member with this word.
            pub fn named(word: &str) -> Option<$Name> {
                match word { $($word => Some($Name::$Member),)* _ => None }
            }
        }

        impl $crate::base::options::OptionType for $Name {
            fn takes() -> String {
                $crate::base::names::listed([$($word),*])
            }
            fn read(value: &$crate::base::options::OptionValue) -> Option<Self> {
                match value {
                    $crate::base::options::OptionValue::Text(word) => $Name::named(word),
                    _ => None,
                }
            }
            fn show(&self) -> String {
                format!("{:?}", self.name())
            }
            fn choices() -> Vec<(&'static str, &'static str)> {
                vec![$(($word, concat!($($doc),+).trim_ascii())),*]
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::choices! {
        /// How.
        pub enum How {
            /// Slowly.
            Slow = "slow",
            /// Fast.
            Fast = "fast",
        }
    }

    crate::options! {
        /// Options of a test.
        pub struct Probe {
            /// Number of steps.
            steps: usize = 100, ANY, "";
            /// Size of a step.
            size: Option<f64> = None => "by potential", POSITIVE, "length";
            /// How to go.
            how: How = How::Slow, ANY, "";
        }
    }

    #[test]
    fn reads_and_refuses() {
        let mut probe = Probe::default();
        probe.set("probe", "steps", &OptionValue::Real(5.0)).unwrap();
        probe.set("probe", "how", &OptionValue::Text("fast".into())).unwrap();
        assert_eq!((probe.steps, probe.how, probe.size), (5, How::Fast, None));
        let says = |p: &mut Probe, name: &str, v: OptionValue| p.set("probe", name, &v).unwrap_err().to_string();
        assert_eq!(says(&mut probe, "steps", OptionValue::Integer(-1)), "probe: option `steps` must be at least 0, found -1");
        assert_eq!(says(&mut probe, "size", OptionValue::Real(0.0)), "probe: option `size` must be above 0, found 0");
        assert_eq!(
            says(&mut probe, "how", OptionValue::Text("fats".into())),
            "probe: option `how` cannot be \"fats\"; did you mean \"fast\"? It is \"slow\" or \"fast\""
        );
        assert_eq!(
            says(&mut probe, "step", OptionValue::Integer(1)),
            "probe has no option `step`; did you mean `steps`? It has steps, size, how"
        );
        assert_eq!(
            says(&mut probe, "steps", OptionValue::Text("many".into())),
            "probe: option `steps` takes a whole number, found the text \"many\""
        );
    }

    #[test]
    fn entries_carry_the_help() {
        let entries = Probe::entries();
        assert_eq!(entries[1].default, "by potential");
        assert_eq!(entries[1].takes, "a number above 0");
        assert_eq!(entries[2].choices, vec![("slow", "Slowly."), ("fast", "Fast.")]);
    }
}
