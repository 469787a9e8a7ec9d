//! What can be known of a script before it runs: names of functions, numbers of arguments, names of options.

use super::api::Native;
use super::catalogue::Catalogue;
use super::dispatch::wrong_count;
use super::errors::{ScriptError, unknown_function};
use crate::base::options::unknown_option;
use crate::base::{Error, Kind, nearest};
use rhai::{AST, ASTNode, Engine, Expr, FnCallExpr, Stmt};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Every mistake in the order of the source; `earlier` holds functions that it may call too.
pub fn check(ast: &AST, earlier: &AST, catalogue: &Catalogue) -> Vec<ScriptError> {
    let mut own: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for function in ast.iter_functions().chain(earlier.iter_functions()) {
        own.entry(function.name.to_string()).or_default().insert(function.params.len());
    }
    let mut builtin: Option<HashSet<String>> = None;
    let mut found = Vec::new();
    // An `import` may bring global functions of any name.
    let mut imports = false;
    ast.walk(&mut |path: &[ASTNode]| {
        imports |= matches!(path.last(), Some(ASTNode::Stmt(Stmt::Import(..))));
        let (call, place, is_method) = match path.last() {
            Some(ASTNode::Expr(Expr::FnCall(call, place))) => (call, *place, false),
            Some(ASTNode::Expr(Expr::MethodCall(call, place))) => (call, *place, true),
            Some(ASTNode::Stmt(Stmt::FnCall(call, place))) => (call, *place, false),
            _ => return true,
        };
        if call.op_token.is_some()
            || !call.namespace.is_empty()
            || !call.name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        {
            return true;
        }
        let given = call.args.len();
        if own.get(call.name.as_str()).is_some_and(|counts| is_method || counts.contains(&given)) {
            return true;
        }
        if KEYWORDS.contains(&call.name.as_str()) {
            return true;
        }
        if let Some(error) = judge(call, is_method, &own, catalogue) {
            // Listing what Rhai itself has takes longer than everything else: only where it matters.
            if builtin.get_or_insert_with(builtin_names).contains(call.name.as_str()) {
                return true;
            }
            found.push(ScriptError::new(error, Some(call.name.to_string()), place));
        }
        true
    });
    if imports {
        found.retain(|e| catalogue.natives.contains_key(e.function.as_deref().unwrap_or_default()));
    }
    found.sort_by_key(|e| (e.position.line(), e.position.position()));
    found
}

/// Functions of the language itself that no module lists.
const KEYWORDS: [&str; 10] = ["print", "debug", "type_of", "eval", "Fn", "call", "curry", "is_shared", "is_def_fn", "is_def_var"];

/// What is wrong with one call, as far as the script alone tells.
fn judge(call: &FnCallExpr, is_method: bool, own: &BTreeMap<String, BTreeSet<usize>>, catalogue: &Catalogue) -> Option<Error> {
    let name = call.name.as_str();
    let given = call.args.len();
    let total = given + usize::from(is_method);
    let Some(natives) = catalogue.natives.get(name) else {
        // Fields may hold closures: only running tells.
        if is_method || fields(name, catalogue, total) {
            return None;
        }
        if let Some(counts) = own.get(name) {
            let counts: Vec<String> = counts.iter().map(usize::to_string).collect();
            return Some(Error::new(
                Kind::Type,
                format!(
                    "the function `{name}` takes {} argument{}, found {given}",
                    counts.join(" or "),
                    if counts == ["1"] { "" } else { "s" }
                ),
            ));
        }
        let mut error = unknown_function(name, catalogue);
        if super::habits::function(name).is_none()
            && let Some(near) = nearest(name, own.keys().map(String::as_str).chain(catalogue.natives.keys().copied()))
        {
            error = error.hint(format!("did you mean `{near}`?"));
        }
        return Some(error);
    };
    if !natives.iter().any(|n| (n.required()..=n.most()).contains(&total)) && !fields(name, catalogue, total) {
        if let [only] = natives.as_slice() {
            return Some(wrong_count(only, total, None, catalogue));
        }
        let hint = format!("it is {}", natives.iter().map(|n| n.signature()).collect::<Vec<_>>().join(" or "));
        let needed: BTreeSet<String> = natives
            .iter()
            .map(|n| {
                let own = usize::from(is_method && !n.on.is_empty());
                let (low, high) = (n.required() - own, n.most() - own);
                if low == high { low.to_string() } else { format!("{low} to {high}") }
            })
            .collect();
        let needed = needed.into_iter().collect::<Vec<_>>().join(" or ");
        return Some(Error::new(Kind::Type, format!("{name} takes {needed} arguments, found {given}")).hint(hint));
    }
    match natives.as_slice() {
        [only] => options(call, only),
        _ => None,
    }
}

/// Whether `name(x)` or `x.name()` may be a field.
fn fields(name: &str, catalogue: &Catalogue, total: usize) -> bool {
    total == 1 && catalogue.types.values().any(|t| t.fields.iter().any(|f| f.name == name))
}

/// An option that the native does not have.
fn options(call: &FnCallExpr, native: &Native) -> Option<Error> {
    if !native.takes_options {
        return None;
    }
    let names: Vec<String> = match call.args.last()? {
        Expr::Map(map, _) => map.0.iter().map(|(name, _)| name.name.to_string()).collect(),
        Expr::DynamicConstant(value, _) => value.read_lock::<rhai::Map>()?.keys().map(|k| k.to_string()).collect(),
        _ => return None,
    };
    if call.args.len() <= native.required() - usize::from(!native.on.is_empty()) && !native.on.is_empty() {
        return None;
    }
    let known: Vec<&str> = native.options.iter().map(|o| o.name).collect();
    // `network(#{…})` takes a map as its first argument: those are no options.
    if native.on.is_empty() && call.args.len() <= native.required() {
        return None;
    }
    names
        .iter()
        .find(|name| !known.contains(&super::convert::british(name).as_str()))
        .map(|name| unknown_option(native.name, name, &known))
}

/// Names of the functions that Rhai itself has. Takes a millisecond: for messages only.
pub fn builtin_names() -> HashSet<String> {
    Engine::new().gen_fn_signatures(true).iter().filter_map(|s| s.split('(').next().map(str::to_string)).collect()
}
