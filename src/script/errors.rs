//! From what Rhai reports to one error with kind, sentence, hint and place.

use super::catalogue::Catalogue;
use super::convert::with_article;
use super::habits;
use super::stdlib::{CLOSURE, FOLDER};
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
    /// From where it arose to the place above, and from there on outwards.
    pub way: Vec<Step>,
}

impl ScriptError {
    /// An error that no call led to.
    pub fn new(error: Error, function: Option<String>, position: Position) -> ScriptError {
        ScriptError { error, function, position, source: None, way: Vec::new() }
    }
}

/// A place that the call went through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// `in the closure`, `called from study`.
    pub text: String,
    /// Empty for the script itself.
    pub file: String,
    pub line: usize,
    pub column: usize,
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
    // Places from the outermost call inwards: the function and file that each lies in.
    let mut places = Vec::new();
    let (mut function, mut file) = (String::new(), String::new());
    let mut inner = result;
    loop {
        match inner {
            EvalAltResult::ErrorInFunctionCall(name, source, below, call) => {
                places.push((std::mem::replace(&mut function, name.clone()), file.clone(), *call));
                // Of a closure Rhai names the file that calls it.
                let is_lent =
                    name.starts_with(CLOSURE) && source.starts_with(FOLDER) && !catalogue.library_closures.contains(name);
                if is_lent {
                    file.clear();
                } else if !source.is_empty() {
                    file.clone_from(source);
                }
                inner = below;
            }
            EvalAltResult::ErrorInModule(name, below, call) => {
                places.push((std::mem::take(&mut function), std::mem::replace(&mut file, name.clone()), *call));
                inner = below;
            }
            _ => break,
        }
    }
    let (error, native) = translate(inner, catalogue);
    places.push((function, file, inner.position()));
    places.reverse();
    // What is shown is the innermost place that its reader has written: functions of the standard library report at the call of the script.
    // Some errors do not know their place: the call of their function is the next best.
    let own = |(_, file, place): &(String, String, Position)| !place.is_none() && !file.starts_with(FOLDER);
    let Some(shown) = places.iter().position(own) else {
        return ScriptError::new(error, native, inner.position());
    };
    let (_, source, position) = places[shown].clone();
    // The native whose argument is wrong stands at the place only where the error arose there.
    let is_there = places[..shown].iter().all(|(.., place)| place.is_none());
    let way = way(&places, shown);
    ScriptError { error, function: native.filter(|_| is_there), position, source: (!source.is_empty()).then_some(source), way }
}

/// Every place but the one that is shown; repeated ones of a recursion once, and a place on the line that is shown adds nothing.
fn way(places: &[(String, String, Position)], shown: usize) -> Vec<Step> {
    const FIRST: usize = 6;
    const LAST: usize = 2;
    let mut steps: Vec<(Step, usize)> = Vec::new();
    for (k, (function, file, place)) in places.iter().enumerate() {
        let (Some(line), Some(column)) = (place.line(), place.position()) else { continue };
        if k == shown || (*file == places[shown].1 && Some(line) == places[shown].2.line()) {
            continue;
        }
        let within = match function.as_str() {
            "" => String::new(),
            name if name.starts_with(CLOSURE) => " the closure".into(),
            name => format!(" {name}"),
        };
        let text = match (k < shown, within.is_empty()) {
            (true, _) => format!("in{within}"),
            (false, true) => "called".into(),
            (false, false) => format!("called from{within}"),
        };
        let step = Step { text, file: file.clone(), line, column };
        match steps.last_mut() {
            Some((last, count)) if *last == step => *count += 1,
            _ => steps.push((step, 1)),
        }
    }
    let left_out = steps.len().saturating_sub(FIRST + LAST);
    if left_out > 0 {
        steps.drain(FIRST..FIRST + left_out);
    }
    let told = |(k, (step, count)): (usize, (Step, usize))| {
        let times = if count > 1 { format!("{} ({count} times)", step.text) } else { step.text };
        let text = if left_out > 0 && k == FIRST { format!("after {left_out} more {times}") } else { times };
        Step { text, ..step }
    };
    steps.into_iter().enumerate().map(told).collect()
}

/// A mistake of syntax in this text.
pub fn from_parse(error: &ParseError, text: &str) -> ScriptError {
    if let Some((new, position)) = habits::explain(error, text) {
        return ScriptError::new(new, None, position);
    }
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
    ScriptError::new(new, None, error.position())
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
    match habits::function(name) {
        _ if traced => error.hint(super::traced::INSTEAD),
        Some(instead) => error.hint(instead),
        None => error,
    }
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
    if let Some(instead) = habits::function(name) {
        return error.hint(instead);
    }
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

#[cfg(test)]
mod tests {
    use crate::script::{Environment, Failure, Language, Script};

    fn failure(text: &str) -> Failure {
        let script = Script { name: "study.rhai".into(), text: text.into() };
        Language::new(Environment::silent()).run(script).expect_err("an error")
    }

    fn way(failure: &Failure) -> Vec<String> {
        failure.way.iter().map(|s| format!("{} at {}:{}:{}", s.text, s.file, s.line, s.column)).collect()
    }

    #[test]
    fn calls_of_functions_are_named_outwards() {
        let found = failure("fn inner(x) {\n  x.nothing\n}\nfn outer(x) {\n  inner(x)\n}\nouter(vector([1]))");
        assert_eq!((found.file.as_str(), found.place.unwrap().line), ("study.rhai", 2));
        assert_eq!(way(&found), ["called from outer at study.rhai:5:3", "called at study.rhai:7:1"]);
    }

    #[test]
    fn a_closure_that_the_library_calls_is_shown_and_the_way_to_it() {
        let found = failure(
            "let data = two_clusters(#{count: 10, seed: 1});\nlet fields = #{a:\n  |network, m, test| m.nothing};\nstudy(#{train: data, layers: [2, 2, 2], steps: 1, runs: 1, searches: 1,\n  annotate: fields});",
        );
        assert_eq!((found.file.as_str(), found.place.unwrap().line), ("study.rhai", 3), "{found:?}");
        let way = way(&found);
        assert!(way.iter().any(|s| s.starts_with("called from study_annotate at stdlib/study.rhai:")), "{way:?}");
        assert_eq!(way.last().map(String::as_str), Some("called at study.rhai:4:1"), "{way:?}");
    }

    #[test]
    fn an_error_inside_the_library_is_shown_at_the_call() {
        let found = failure("let x = 1;\nstudy(#{layers: [2, 2]})");
        assert_eq!((found.file.as_str(), found.place.unwrap().line), ("study.rhai", 2));
        assert!(way(&found)[0].starts_with("in study at stdlib/study.rhai:"), "{:?}", way(&found));
    }

    #[test]
    fn recursion_is_told_once() {
        let found = failure("fn f(n) {\n  if n == 0 { throw \"deep\" }\n  f(n - 1) + 1\n}\nf(20)");
        assert_eq!(way(&found), ["called from f (20 times) at study.rhai:3:3", "called at study.rhai:5:1"]);
    }
}
