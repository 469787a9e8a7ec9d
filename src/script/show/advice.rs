//! What to try when a search has not converged: one line, by the kind of result and how it ended.

use crate::script::values::Object;
use rhai::Dynamic;

/// Kind of the result, the function that gives it, the word it ended with (`index` for `index 2` and others), what to try.
/// Words in backticks are options of the function.
pub const ADVICE: &[(&str, &str, &str, &str)] = &[
    ("Minimised", "minimise", "max_iterations", "raise `max_iterations`, go on from its position, or try another `method`"),
    ("Minimised", "minimise", "stalled", "rounding allows no lower gradient: `method` \"newton\", or a looser `tolerance`"),
    ("Minimised", "minimise", "not_finite", "the energy left the numbers: begin elsewhere or take a smaller `max_step`"),
    ("Minimised", "minimise", "evaporated", "the cluster fell apart: begin with the atoms closer, or take a smaller `max_step`"),
    ("Saddle", "transition_state", "max_iterations", "raise `max_iterations`, go on from its position, or try another `method`"),
    ("Saddle", "transition_state", "index", "begin elsewhere (a candidate of dneb), give a `direction`, or ask for this `index`"),
    ("Saddle", "transition_state", "not_finite", "the energy left the numbers: begin elsewhere or take a smaller `max_step`"),
    ("Saddle", "transition_state", "evaporated", "the cluster fell apart: begin elsewhere or take a smaller `max_step`"),
    ("Saddle", "transition_state", "stalled", "rounding allows no lower gradient: a looser `tolerance`, or begin elsewhere"),
    ("Band", "dneb", "max_iterations", "raise `iterations` or `images`; its candidates may serve transition_state as they are"),
    ("Band", "dneb", "not_finite", "the energy left the numbers: more `images`, or end points further from a wall"),
];

/// The lines for a result; for one that holds others (a pathway its minima) those of each.
pub fn advice(value: &Dynamic) -> Vec<String> {
    let Some(object) = value.read_lock::<Object>() else { return Vec::new() };
    let own = of(&object).map(|line| format!("not converged: {line}"));
    let inner = object.fields().filter_map(|(name, value)| {
        let inner = value.read_lock::<Object>()?;
        of(&inner).map(|line| format!("{name} not converged: {line}"))
    });
    own.into_iter().chain(inner).collect()
}

fn of(object: &Object) -> Option<&'static str> {
    let ended = object.get("termination")?.as_immutable_string_ref().ok()?;
    let word = ended.split(' ').next()?;
    if word == "converged" {
        return None;
    }
    let known = ADVICE.iter().find(|(kind, _, end, _)| *kind == object.kind() && *end == word);
    Some(known.map_or("other options or another start may help", |entry| entry.3))
}
