//! From what Rhai reports to one error with kind, sentence, hint and place.

use super::catalogue::Catalogue;
use super::convert::with_article;
use crate::base::{Error, Kind, nearest};
use rhai::{Dynamic, EvalAltResult, Map, ParseError, Position};
use std::sync::Arc;

/// An error as scripts catch it: `catch (e) { e.kind }`.
#[derive(Clone, Debug)]
pub struct Raised {
    pub error: Arc<Error>,
    /// The native that raised it; empty where it was none.
    pub function: Arc<str>,
}

crate::handle!(Raised, "Error");

/// An error of a script with its place.
#[derive(Clone, Debug)]
pub struct ScriptError {
    pub error: Error,
    /// The native that raised it: the caret goes under its argument.
    pub function: Option<String>,
    pub position: Position,
    /// The file, where it is not the script itself.
    pub source: Option<String>,
}

/// What to do instead of writing to a result.
pub const READ_ONLY: &str = "results are read-only; build a map #{…} or an array instead";

/// An error of a native, ready to travel through Rhai. A stop cannot be caught by the script.
pub fn raise(error: Error, function: &str) -> Box<EvalAltResult> {
    let stop = error.is_stop();
    let value = Dynamic::from(Raised { error: Arc::new(error), function: function.into() });
    if stop {
        EvalAltResult::ErrorTerminated(value, Position::NONE).into()
    } else {
        EvalAltResult::ErrorRuntime(value, Position::NONE).into()
    }
}

/// Reads what Rhai reports.
pub fn from_rhai(result: &EvalAltResult, catalogue: &Catalogue) -> ScriptError {
    let mut source = None;
    let mut inner = result;
    // Where it arose says more than through which calls; but functions of the standard library report at the call of the script.
    let mut outside = None;
    // Some errors do not know their place: the call of their function, in the file of the caller, is the next best.
    let mut caller = (Position::NONE, None);
    loop {
        match inner {
            EvalAltResult::ErrorInFunctionCall(_, file, below, place) => {
                if !place.is_none() {
                    caller = (*place, source.clone());
                }
                if file.starts_with(super::stdlib::FOLDER) {
                    outside = outside.or(Some(*place));
                } else if !file.is_empty() && outside.is_none() {
                    source = Some(file.clone());
                }
                inner = below;
            }
            EvalAltResult::ErrorInModule(file, below, _) => {
                source = Some(file.clone());
                inner = below;
            }
            _ => break,
        }
    }
    let (error, function) = translate(inner, catalogue);
    match outside {
        Some(position) => ScriptError { error, function: None, position, source },
        None if inner.position().is_none() => ScriptError { error, function, position: caller.0, source: caller.1 },
        None => ScriptError { error, function, position: inner.position(), source },
    }
}

/// A mistake of syntax.
pub fn from_parse(error: &ParseError) -> ScriptError {
    let (kind, hint) = match error.err_type() {
        rhai::ParseErrorType::ExprTooDeep => (Kind::Limit, Some("split the expression into several")),
        rhai::ParseErrorType::LiteralTooLarge(..) | rhai::ParseErrorType::TooManyFunctions => (Kind::Limit, None),
        _ => (Kind::Script, None),
    };
    let mut new = match error.err_type() {
        rhai::ParseErrorType::VariableUndefined(name) => Error::new(Kind::Name, format!("there is no variable `{name}`"))
            .hint("declare it with `let`; a function sees only its own variables"),
        // Ours: see `tokens`.
        rhai::ParseErrorType::BadInput(rhai::LexError::Runtime(text)) => Error::new(Kind::Script, text.as_str()),
        other => Error::new(kind, format!("syntax: {}", lower_first(&other.to_string()))),
    };
    if new.hint.is_none() {
        new.hint = hint.map(String::from);
    }
    ScriptError { error: new, function: None, position: error.position(), source: None }
}

fn translate(result: &EvalAltResult, catalogue: &Catalogue) -> (Error, Option<String>) {
    use EvalAltResult as E;
    let error = match result {
        E::ErrorRuntime(value, _) | E::ErrorTerminated(value, _) => {
            if let Some(raised) = value.read_lock::<Raised>() {
                let function = (!raised.function.is_empty()).then(|| raised.function.to_string());
                return ((*raised.error).clone(), function);
            }
            if matches!(result, E::ErrorTerminated(..)) {
                Error::new(Kind::Interrupted, "interrupted")
            } else {
                thrown(value, catalogue)
            }
        }
        E::ErrorVariableNotFound(name, _) => unknown_variable(name, catalogue),
        E::ErrorFunctionNotFound(signature, _) => not_found(signature, catalogue),
        E::ErrorPropertyNotFound(name, _) => {
            Error::new(Kind::Name, format!("the map has no field `{name}`")).hint("map.contains(name) asks whether there is one")
        }
        E::ErrorDotExpr(text, _) => match text.strip_prefix("No writable property '").and_then(|rest| rest.split('\'').next()) {
            Some(field) => Error::new(Kind::Type, format!("the field `{field}` cannot be changed")).hint(READ_ONLY),
            None => Error::new(Kind::Name, lower_first(text)),
        },
        E::ErrorIndexingType(text, _) => Error::new(Kind::Type, format!("this cannot be indexed: {}", plain_types(text))),
        E::ErrorArrayBounds(len, index, _) => beyond("array", *len, *index),
        E::ErrorStringBounds(len, index, _) => beyond("text", *len, *index),
        E::ErrorBitFieldBounds(len, index, _) => beyond("bit field", *len, *index),
        E::ErrorMismatchDataType(_, found, _) if super::traced::plain_name(found).is_some() => super::traced::undecided(),
        E::ErrorMismatchDataType(expected, found, _) | E::ErrorMismatchOutputType(expected, found, _) => Error::new(
            Kind::Type,
            format!("{} is wanted here, found {}", with_article(&plain_types(expected)), with_article(&plain_types(found))),
        ),
        E::ErrorFor(_) => Error::new(Kind::Type, "this cannot be gone through with `for`")
            .hint("an array, a vector, a range or a map's keys() can"),
        E::ErrorArithmetic(text, _) => Error::new(Kind::Script, lower_first(text)),
        E::ErrorTooManyOperations(_) => Error::new(Kind::Limit, "the script has used up the operations that safe mode gives it"),
        E::ErrorTooManyVariables(_) => Error::new(Kind::Limit, "too many variables"),
        E::ErrorTooManyModules(_) => Error::new(Kind::Limit, "too many modules"),
        E::ErrorStackOverflow(_) => {
            Error::new(Kind::Limit, format!("recursion: calls are nested deeper than {}", super::engine::DEEPEST_CALL))
                .hint("let the function end before it calls itself again, or use a loop")
        }
        E::ErrorDataTooLarge(what, _) => {
            Error::new(Kind::Limit, format!("{} would be larger than the language allows", too_large(what)))
        }
        E::ErrorAssignmentToConstant(name, _) => {
            Error::new(Kind::Script, format!("`{name}` is a constant and cannot be changed"))
        }
        E::ErrorParsing(parse, _) => Error::new(Kind::Script, format!("syntax: {}", lower_first(&parse.to_string()))),
        E::ErrorDataRace(_, _) => Error::new(Kind::Script, "a value is in use while its own closure uses it too")
            .hint("take it out first: `let list = s.list; list.map(|x| x + s.more)`"),
        E::ErrorModuleNotFound(name, _) => Error::new(Kind::File, format!("there is no module \"{name}\"")),
        other => {
            let mut plain = other.to_string();
            if let Some(place) = plain.find(" (line ") {
                plain.truncate(place);
            }
            Error::new(Kind::Script, lower_first(&plain))
        }
    };
    (error, None)
}

fn thrown(value: &Dynamic, catalogue: &Catalogue) -> Error {
    // A map with a message: an error of Rhai's own thrown again, or one that a script makes with a kind of its choice.
    let Some(map) = value.read_lock::<Map>().filter(|map| map.contains_key("message")) else {
        return Error::new(Kind::Thrown, catalogue.show(value));
    };
    let word = map.get("kind").and_then(|kind| kind.clone().into_string().ok());
    let kind = word.and_then(|word| Kind::ALL.into_iter().find(|k| k.name() == word)).unwrap_or(Kind::Thrown);
    let mut error = Error::new(kind, catalogue.show(&map["message"]));
    error.hint = map.get("hint").and_then(|hint| hint.clone().into_string().ok());
    error
}

/// Rhai's name of what is too large.
fn too_large(what: &str) -> String {
    for (theirs, ours) in [("string", "the text"), ("array", "the array"), ("map", "the map")] {
        if what.contains(theirs) {
            return ours.into();
        }
    }
    lower_first(what)
}

fn beyond(what: &str, len: usize, index: i64) -> Error {
    let hint = match len {
        0 => "it is empty".to_string(),
        1 => "its only index is 0".to_string(),
        _ => format!("indices go from 0 to {}", len - 1),
    };
    let plural = if len == 1 { "" } else { "s" };
    let element = match what {
        "text" => "character",
        "matrix" => "row",
        _ => "element",
    };
    Error::value(format!("index {index} is outside {} of {len} {element}{plural}", with_article(what))).hint(hint)
}

/// The error for an index that is not there.
pub fn index_error(what: &str, len: usize, index: i64) -> Error {
    beyond(what, len, index)
}

/// `name (types)` that Rhai does not find: a function, or an operator between values that it does not know.
fn not_found(signature: &str, catalogue: &Catalogue) -> Error {
    let (name, types) = signature.split_once(" (").unwrap_or((signature, ""));
    let is_word = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    if is_word && (catalogue.natives.contains_key(name) || !super::check::builtin_names().contains(name)) {
        return unknown_function(name, catalogue);
    }
    let traced = types.trim_end_matches(')').split(", ").any(|t| super::traced::plain_name(t).is_some());
    let types: Vec<String> = types.trim_end_matches(')').split(", ").map(|t| with_article(&plain_types(t))).collect();
    let error = Error::new(Kind::Type, format!("`{name}` cannot be applied to {}", types.join(" and ")));
    if traced { error.hint(super::traced::INSTEAD) } else { error }
}

/// The error for a function that is not there.
pub fn unknown_function(name: &str, catalogue: &Catalogue) -> Error {
    if name == "^" {
        return Error::new(Kind::Name, "`^` is not a power here").hint("power is **: 2 ** 3");
    }
    if let Some(known) = catalogue.natives.get(name) {
        let signatures: Vec<String> = known.iter().map(|n| n.signature()).collect();
        return Error::new(Kind::Type, format!("{name} cannot be called like this"))
            .hint(format!("it is {}", signatures.join(" or ")));
    }
    let error = Error::new(Kind::Name, format!("there is no function `{name}`"));
    match nearest(name, catalogue.function_names()) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error,
    }
}

/// The error for a variable that is not there.
pub fn unknown_variable(name: &str, catalogue: &Catalogue) -> Error {
    let error = Error::new(Kind::Name, format!("there is no variable `{name}`"));
    if let Some(known) = catalogue.natives.get(name) {
        return error.hint(format!("it is a function: {}", known[0].signature()));
    }
    error.hint("declare it with `let`; a function sees only its own variables")
}

/// Rhai's names of types in people's words.
fn plain_types(text: &str) -> String {
    let text = text.replace("&str | ImmutableString | String", "text");
    let word = |name: &str| match name {
        "i64" => "whole number".to_string(),
        "f64" => "number".to_string(),
        "string" => "text".to_string(),
        "bool" => "truth value".to_string(),
        "Fn" => "closure".to_string(),
        other if super::traced::plain_name(other).is_some() => super::traced::plain_name(other).unwrap_or_default().to_string(),
        other => other.rsplit("::").next().unwrap_or(other).trim_end_matches("Handle").trim_end_matches("Value").to_string(),
    };
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let mut plain = String::new();
    let mut rest = text.as_str();
    while let Some(start) = rest.find(is_part) {
        let end = rest[start..].find(|c| !is_part(c)).map_or(rest.len(), |n| start + n);
        plain.push_str(&rest[..start]);
        plain.push_str(&word(&rest[start..end]));
        rest = &rest[end..];
    }
    plain + rest
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}
