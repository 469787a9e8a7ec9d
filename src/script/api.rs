//! The keystone: how a function, a method, a field of a script is declared, once.
//!
//! From a declaration follow the registration for every number of arguments (`f(x, y)` and `x.f(y)` alike), the conversion of the
//! arguments, the messages for wrong ones, `help`, the reference page, completion, and the test that runs the examples.
//!
//! # A function
//! ```no_run
//! use losscape::script::api::{Native, Object};
//! losscape::options! {
//!     /// Options of the example.
//!     pub struct HalveOptions {
//!         /// How often.
//!         times: usize = 1, AT_LEAST_ONE, "";
//!     }
//! }
//! pub fn natives() -> Vec<Native> {
//!     vec![
//!         Native::new("halve", "Halves every number of a vector.")
//!             .group("Values")
//!             .takes("values", "a vector or an array of numbers", "What to halve.")
//!             .options::<HalveOptions>()
//!             .returns("a vector")
//!             .example("halve([2, 4], #{times: 2})", "[0.5, 1.0]", 0.0)
//!             .reference("10.1000/182")
//!             .run(|call, mut args| {
//!                 let mut values = args.vector(0)?.to_vec();
//!                 let options: HalveOptions = args.options()?;
//!                 for _ in 0..options.times {
//!                     call.run().check()?;
//!                     values.iter_mut().for_each(|v| *v /= 2.0);
//!                 }
//!                 Ok(values)
//!             }),
//!         // A method: the first parameter is the value before the dot. The same name may stand on several types, and as a function too.
//!         Native::method("Potential", "twice_energy", "Twice the energy at a position.")
//!             .takes("x", "a position", "Where.")
//!             .run(|call, args| {
//!                 let potential = args.potential(0)?;
//!                 Ok(2.0 * losscape::potentials::energy(&*potential, &args.position(1, potential.dimension())?))
//!             }),
//!         // A result: named fields, read with a dot; an unknown one is an error that lists them.
//!         Native::new("origin", "The origin of a plane.")
//!             .run(|_, _| Ok(Object::new("Point").field("position", vec![0.0, 0.0]).field("energy", 0.0))),
//!     ]
//! }
//! ```
//! A parameter that may be left out is declared with `takes_optional`, a closure is read with `args.closure(k)` and called with
//! `call.real(&closure, [value])`; an option that is no plain value (a closure, a data set) is declared with `special_option` and taken
//! out with `args.take_option("colour")` before `args.options()`.
//!
//! # A type
//! ```no_run
//! use losscape::script::api::{Handle, Type};
//! #[derive(Clone)]
//! pub struct Atom(std::sync::Arc<String>);
//! losscape::handle!(Atom, "Atom");
//! pub fn types() -> Vec<Type> {
//!     vec![Type::of::<Atom>("One atom of a cluster.")
//!         .field("symbol", "Its chemical symbol.", |_, atom: &Atom| Ok(atom.0.to_string()))
//!         .show(|atom: &Atom| format!("Atom {}", atom.0))]
//! }
//! ```
//! A field answers `a.symbol` and `a.symbol()`.
//!
//! Errors are [`crate::base::Error`]; the keystone puts the name of the function before the message unless it already stands there,
//! and the caret under the argument or option that [`Error::at`] names.

pub use super::arguments::Arguments;
pub use super::call::{Call, Environment, Permissions};
pub use super::convert::IntoValue;
pub use super::show::Room;
pub use super::values::{MatrixValue, Object, PotentialHandle, Table, Vector};
pub use rhai::{Dynamic, FnPtr};

use crate::base::text::Text;
use crate::base::{Error, OptionEntry, Options, Result};
use crate::plot::Figure;
use std::any::TypeId;
use std::panic::Location;
use std::sync::Arc;

/// A Rust type that scripts hold as a value of its own. Implemented with [`crate::handle!`]; clones must be cheap.
pub trait Handle: Clone + Send + Sync + 'static {
    /// What people call it: `Dataset`.
    const NAME: &'static str;
}

/// Makes a type a [`Handle`] under a name, and a value that natives may return.
#[macro_export]
macro_rules! handle {
    ($Type:ty, $name:literal) => {
        impl $crate::script::api::Handle for $Type {
            const NAME: &'static str = $name;
        }
        impl $crate::script::api::IntoValue for $Type {
            fn into_value(self) -> $crate::script::api::Dynamic {
                $crate::script::api::Dynamic::from(self)
            }
        }
    };
}

/// A parameter of a native.
#[derive(Clone, Debug)]
pub struct Parameter {
    pub name: &'static str,
    /// What it takes, in words: `a position`, `a whole number`.
    pub takes: &'static str,
    pub text: &'static str,
    pub optional: bool,
}

/// An example that the tests run: a script and what it gives.
#[derive(Clone, Debug)]
pub struct Example {
    pub script: String,
    /// The value as a script would write it; empty when only running counts.
    pub expected: String,
    pub tolerance: f64,
}

type Body = Arc<dyn Fn(&Call, Arguments) -> Result<Dynamic> + Send + Sync>;

/// A function or method of the language.
#[derive(Clone)]
pub struct Native {
    pub name: &'static str,
    pub aliases: Vec<&'static str>,
    pub summary: String,
    /// Part of the reference it stands in: `Search`.
    pub group: &'static str,
    /// The types before the dot, for methods; empty for functions.
    pub on: Vec<&'static str>,
    pub parameters: Vec<Parameter>,
    /// Options of the trailing map.
    pub options: Vec<OptionEntry>,
    pub takes_options: bool,
    pub returns: &'static str,
    pub examples: Vec<Example>,
    pub references: Vec<&'static str>,
    /// The place of the declaration.
    pub declared: &'static Location<'static>,
    pub(super) body: Body,
}

impl Native {
    /// A function: its name and one sentence that says what it does.
    #[track_caller]
    pub fn new(name: &'static str, summary: impl Into<String>) -> Native {
        Native {
            name,
            aliases: Vec::new(),
            summary: summary.into(),
            group: "Other",
            on: Vec::new(),
            parameters: Vec::new(),
            options: Vec::new(),
            takes_options: false,
            returns: "",
            examples: Vec::new(),
            references: Vec::new(),
            declared: Location::caller(),
            body: Arc::new(|_, _| Ok(Dynamic::UNIT)),
        }
    }

    /// A method of a type (its [`Handle::NAME`], the kind of an [`Object`], or `array`, `text`, `number`). Argument 0 is the value before the dot.
    #[track_caller]
    pub fn method(on: &'static str, name: &'static str, summary: impl Into<String>) -> Native {
        Native::new(name, summary).on(on).group(on).takes("self", "", "")
    }

    /// One more type that this method belongs to.
    pub fn on(mut self, on: &'static str) -> Native {
        self.on.push(on);
        self
    }

    /// Another spelling of the name.
    pub fn alias(mut self, name: &'static str) -> Native {
        self.aliases.push(name);
        self
    }

    pub fn group(mut self, group: &'static str) -> Native {
        self.group = group;
        self
    }

    /// The next parameter: name, what it takes in words, its sentence.
    pub fn takes(mut self, name: &'static str, takes: &'static str, text: &'static str) -> Native {
        self.parameters.push(Parameter { name, takes, text, optional: false });
        self
    }

    /// A parameter that may be left out; only such may follow.
    pub fn takes_optional(mut self, name: &'static str, takes: &'static str, text: &'static str) -> Native {
        self.parameters.push(Parameter { name, takes, text, optional: true });
        self
    }

    /// The last argument may be a map of these options.
    pub fn options<O: Options>(mut self) -> Native {
        self.options.extend(O::entries());
        self.takes_options = true;
        self
    }

    /// An option that the body takes out of the map itself: [`Arguments::take_option`].
    pub fn special_option(mut self, name: &'static str, takes: &str, default: &str, text: &str) -> Native {
        self.takes_options = true;
        self.options.push(OptionEntry {
            name,
            takes: takes.into(),
            default: default.into(),
            unit: "",
            text: text.into(),
            choices: Vec::new(),
        });
        self
    }

    /// What comes back, in words.
    pub fn returns(mut self, returns: &'static str) -> Native {
        self.returns = returns;
        self
    }

    /// An example and its value, both as a script writes them; numbers may differ by `tolerance`.
    pub fn example(mut self, script: &str, expected: &str, tolerance: f64) -> Native {
        self.examples.push(Example { script: script.into(), expected: expected.into(), tolerance });
        self
    }

    /// The DOI of what it computes.
    pub fn reference(mut self, doi: &'static str) -> Native {
        self.references.push(doi);
        self
    }

    /// What it does. The last call of a declaration.
    pub fn run<R: IntoValue>(mut self, body: impl Fn(&Call, Arguments) -> Result<R> + Send + Sync + 'static) -> Native {
        self.body = Arc::new(move |call, arguments| body(call, arguments).map(IntoValue::into_value));
        self
    }

    /// Number of arguments that must be given.
    pub fn required(&self) -> usize {
        self.parameters.iter().filter(|p| !p.optional).count()
    }

    /// Number of arguments that may be given, the map of options included.
    pub fn most(&self) -> usize {
        self.parameters.len() + usize::from(self.takes_options)
    }

    /// `minimise(potential, start, #{…})`, or `Dataset.split(fraction, #{…})`; of several types the first.
    pub fn signature(&self) -> String {
        let mut names: Vec<String> = Vec::new();
        for parameter in self.parameters.iter().skip(usize::from(!self.on.is_empty())) {
            names.push(if parameter.optional { format!("[{}]", parameter.name) } else { parameter.name.into() });
        }
        if self.takes_options {
            names.push("#{…}".into());
        }
        let before = self.on.first().map_or_else(String::new, |on| format!("{on}."));
        format!("{before}{}({})", self.name, names.join(", "))
    }
}

type Getter = Arc<dyn Fn(&Call, &Dynamic) -> Result<Dynamic> + Send + Sync>;

/// A field of a type: `data.len`, `data.len()`.
#[derive(Clone)]
pub struct Field {
    pub name: &'static str,
    pub text: &'static str,
    pub(super) get: Getter,
}

/// A type of value that scripts hold.
#[derive(Clone)]
pub struct Type {
    pub name: &'static str,
    pub text: &'static str,
    pub fields: Vec<Field>,
    pub(super) id: TypeId,
    pub(super) show: Arc<dyn Fn(&Dynamic) -> String + Send + Sync>,
    pub(super) json: Option<Arc<dyn Fn(&Dynamic) -> Dynamic + Send + Sync>>,
    pub(super) screen: Option<Arc<dyn Fn(&Dynamic, Room) -> Text + Send + Sync>>,
    pub(super) picture: Option<Arc<dyn Fn(&Dynamic) -> Option<Figure> + Send + Sync>>,
}

impl Type {
    /// A type and one sentence that says what it is.
    pub fn of<T: Handle>(text: &'static str) -> Type {
        Type {
            name: T::NAME,
            text,
            fields: Vec::new(),
            id: TypeId::of::<T>(),
            show: Arc::new(|_| T::NAME.to_string()),
            json: None,
            screen: None,
            picture: None,
        }
    }

    /// A field: name, sentence, how it is read.
    pub fn field<T: Handle, R: IntoValue>(
        mut self,
        name: &'static str,
        text: &'static str,
        get: impl Fn(&Call, &T) -> Result<R> + Send + Sync + 'static,
    ) -> Type {
        let get = move |call: &Call, value: &Dynamic| match value.read_lock::<T>() {
            Some(inner) => get(call, &inner).map(IntoValue::into_value),
            None => Err(Error::new(crate::base::Kind::Type, format!("{name}: this is not a {}", T::NAME))),
        };
        self.fields.push(Field { name, text, get: Arc::new(get) });
        self
    }

    /// The one-screen text that `print` gives.
    pub fn show<T: Handle>(mut self, show: impl Fn(&T) -> String + Send + Sync + 'static) -> Type {
        self.show = Arc::new(move |value| value.read_lock::<T>().map_or_else(|| T::NAME.to_string(), |inner| show(&inner)));
        self
    }

    /// What the session shows of a value of this type: one screen of this room. Without it the text of [`Type::show`].
    pub fn screen<T: Handle>(mut self, screen: impl Fn(&T, Room) -> Text + Send + Sync + 'static) -> Type {
        self.screen =
            Some(Arc::new(move |value, room| value.read_lock::<T>().map_or_else(Text::default, |inner| screen(&inner, room))));
        self
    }

    /// The picture that a value of this type is: drawn where the terminal can.
    pub fn picture<T: Handle>(mut self, picture: impl Fn(&T) -> Figure + Send + Sync + 'static) -> Type {
        self.picture = Some(Arc::new(move |value| value.read_lock::<T>().map(|inner| picture(&inner))));
        self
    }

    /// What `--output json` and `save` write: the value as maps, arrays, numbers and text. Without it the text of [`Type::show`] is written.
    pub fn json<T: Handle, R: IntoValue>(mut self, json: impl Fn(&T) -> R + Send + Sync + 'static) -> Type {
        self.json = Some(Arc::new(move |value| match value.read_lock::<T>() {
            Some(inner) => json(&inner).into_value(),
            None => Dynamic::UNIT,
        }));
        self
    }
}
