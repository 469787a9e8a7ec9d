//! Help for a name and the reference page, made from the declarations.

use super::api::{Native, Type};
use super::catalogue::Catalogue;
use super::convert::number;
use super::search::search;
use super::stdlib;
use crate::base::names::nearest;
use crate::base::text::{Piece, Text};
use crate::base::{Error, Kind, OptionEntry, Result};
use rhai::{Dynamic, Map};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Parts of the reference in their order; others follow.
const ORDER: [&str; 13] = [
    "Values",
    "Numbers",
    "Data",
    "Networks",
    "Potentials",
    "Scores",
    "Search",
    "Landscape",
    "Figures",
    "Studies",
    "Sampling",
    "Program",
    "Other",
];

/// What there is to know of a name: a function, a type, a field or method.
pub fn help(name: &str, catalogue: &Catalogue) -> Result<Text> {
    let mut text = Text::default();
    let asked = name.trim().trim_end_matches("()");
    let (owner, member) = asked.rsplit_once('.').map_or((None, asked), |(owner, member)| (Some(owner), member));
    let natives: Vec<&Arc<Native>> = catalogue
        .natives
        .get(member)
        .into_iter()
        .flatten()
        .filter(|n| owner.is_none_or(|owner| n.on.iter().any(|on| on.eq_ignore_ascii_case(owner))))
        .collect();
    for native in &natives {
        describe(native, &mut text);
    }
    let mut types: Vec<&Arc<Type>> = catalogue.types.values().collect();
    types.sort_by_key(|t| t.name);
    for known in &types {
        if owner.is_none() && known.name.eq_ignore_ascii_case(asked) {
            describe_type(known, catalogue, &mut text);
        }
        if owner.is_none_or(|owner| known.name.eq_ignore_ascii_case(owner)) {
            for field in known.fields.iter().filter(|f| f.name == member) {
                text.name(format!("{}.{}", known.name, field.name)).line().plain(format!("  {}", field.text)).line().line();
            }
        }
    }
    if text.0.is_empty() {
        text = about(asked, catalogue);
    }
    if text.0.is_empty() {
        return Err(unknown(asked, catalogue));
    }
    while matches!(text.0.last(), Some(Piece::NewLine)) {
        text.0.pop();
    }
    Ok(text)
}

/// What has to do with a word that is no name: a line each, the nearest first.
fn about(asked: &str, catalogue: &Catalogue) -> Text {
    const MOST: usize = 12;
    let mut text = Text::default();
    let found = search(asked, catalogue);
    if found.is_empty() {
        return text;
    }
    text.plain(format!("Nothing is called `{asked}`; this has to do with it:")).line();
    list(&found[..found.len().min(MOST)], &mut text);
    if found.len() > MOST {
        text.plain(format!("  … and {} more", found.len() - MOST)).line();
    }
    text.plain("help(\"name\") says more of one.");
    text
}

/// The error for a name that means nothing.
fn unknown(asked: &str, catalogue: &Catalogue) -> Error {
    let member = asked.rsplit('.').next().unwrap_or(asked);
    let names = catalogue.natives.keys().copied().chain(catalogue.types.values().map(|t| t.name));
    let error = Error::new(Kind::Name, format!("help: nothing is called `{asked}`")).at("name");
    match nearest(member, names) {
        Some(near) => error.hint(format!("did you mean `{near}`? `help()` lists everything")),
        None => error.hint("`help()` lists everything"),
    }
}

/// Signatures with their first sentences.
fn list(natives: &[&Arc<Native>], text: &mut Text) {
    let width = natives.iter().map(|n| n.signature().chars().count()).filter(|w| *w <= 44).max().unwrap_or(0);
    for native in natives {
        let signature = native.signature();
        let first = native.summary.split_inclusive(". ").next().unwrap_or_default();
        text.plain("  ").name(format!("{signature:<width$}")).plain(format!("  {}", first.trim_end())).line();
    }
}

/// Where a function comes from: the text of one that is written in the language, the file and line of a native's declaration.
pub fn source(name: &str, catalogue: &Catalogue) -> Result<Text> {
    let asked = name.trim().trim_end_matches("()");
    let member = asked.rsplit('.').next().unwrap_or(asked);
    let mut text = Text::default();
    if let Some((file, line, written)) = stdlib::source(member) {
        text.plain(format!("// {file}:{line}")).line().code(written);
        return Ok(text);
    }
    let Some(natives) = catalogue.natives.get(member) else { return Err(unknown(asked, catalogue)) };
    for (k, native) in natives.iter().enumerate() {
        if k > 0 {
            text.line();
        }
        let place = native.declared;
        text.name(native.signature()).plain(format!(" is native: declared in {}:{}", place.file(), place.line()));
    }
    Ok(text)
}

/// What a script says of itself: its `//!` lines, then the named arguments that it declares.
pub fn script(name: &str, head: &str, arguments: Option<&Map>, catalogue: &Catalogue) -> Text {
    let mut text = Text::default();
    for line in head.lines().map(|line| line.trim_start().trim_start_matches("//!")) {
        text.plain(line.strip_prefix(' ').unwrap_or(line)).line();
    }
    if !head.is_empty() {
        text.line();
    }
    text.plain(format!("usage: losscape {name} [arguments]"));
    let Some(arguments) = arguments else { return text };
    text.line().line();
    for (name, default) in arguments {
        let shown = catalogue.show(default);
        let default_text = if default.is_unit() || shown.is_empty() { String::new() } else { format!(" (default {shown})") };
        let name = format!("--{:<20}", name.replace('_', "-"));
        text.plain("  ").name(name).plain(format!(" {}{default_text}", argument_kind(default))).line();
    }
    text.plain("  ").name(format!("--{:<20}", "help")).plain(" this text");
    text
}

/// What a named argument takes, by its default.
pub fn argument_kind(default: &Dynamic) -> &'static str {
    match default {
        d if d.is_int() => "a whole number",
        d if number(d).is_some() => "a number",
        d if d.is_bool() => "true or false",
        d if d.is_array() => "values with commas between them",
        _ => "text",
    }
}

/// All names by part, with their sentences.
pub fn contents(catalogue: &Catalogue) -> Text {
    let mut text = Text::default();
    for (part, natives) in parts(catalogue) {
        text.heading(part).line();
        list(&natives, &mut text);
        text.line();
    }
    text.plain("help(\"name\") says more of one; losscape help name does so on the command line.");
    text
}

/// The part of a native: methods stand beside the functions that make their type.
fn part_of(native: &Native) -> &'static str {
    match native.group {
        "Dataset" => "Data",
        "Network" => "Networks",
        "Potential" => "Potentials",
        "Landscapes" => "Landscape",
        "Tree" | "Figure" => "Figures",
        "matrix" | "table" | "vector" | "array" => "Values",
        other => other,
    }
}

/// Natives by part, parts in their order; an alias is no entry of its own.
fn parts(catalogue: &Catalogue) -> Vec<(&'static str, Vec<&Arc<Native>>)> {
    let mut parts: BTreeMap<&'static str, Vec<&Arc<Native>>> = BTreeMap::new();
    for (name, natives) in &catalogue.natives {
        for native in natives.iter().filter(|n| n.name == *name) {
            parts.entry(part_of(native)).or_default().push(native);
        }
    }
    let mut parts: Vec<_> = parts.into_iter().collect();
    parts.sort_by_key(|(part, _)| (ORDER.iter().position(|o| o == part).unwrap_or(ORDER.len()), *part));
    parts
}

fn describe(native: &Native, text: &mut Text) {
    text.name(native.signature()).line();
    text.plain(format!("  {}", native.summary)).line();
    if !native.aliases.is_empty() {
        text.plain(format!("  Also written {}.", native.aliases.join(", "))).line();
    }
    for parameter in native.parameters.iter().filter(|p| p.name != "self") {
        let optional = if parameter.optional { ", may be left out" } else { "" };
        text.plain("    ").name(parameter.name).plain(format!(" ({}{optional}): {}", parameter.takes, parameter.text)).line();
    }
    if !native.options.is_empty() {
        text.plain("  Options").line();
        for option in &native.options {
            text.plain("    ").name(option.name).plain(format!(": {}", option_text(option))).line();
            for (word, sentence) in &option.choices {
                text.plain(format!("      \"{word}\": {}", sentence.trim())).line();
            }
        }
    }
    if !native.returns.is_empty() {
        text.plain(format!("  Returns {}.", native.returns)).line();
    }
    for example in &native.examples {
        text.plain("  ").code(&example.script);
        if !example.expected.is_empty() {
            text.plain(format!("  // {}", example.expected));
        }
        text.line();
    }
    for doi in &native.references {
        text.plain(format!("  https://doi.org/{doi}")).line();
    }
    text.line();
}

fn option_text(option: &OptionEntry) -> String {
    let unit = if option.unit.is_empty() { String::new() } else { format!(" in {}", option.unit) };
    let default = match option.default.as_str() {
        "" | "()" => String::new(),
        default => format!("; default {default}"),
    };
    format!("{}{unit}{default}. {}", option.takes, option.text)
}

fn describe_type(known: &Type, catalogue: &Catalogue, text: &mut Text) {
    text.name(known.name).line().plain(format!("  {}", known.text)).line();
    for field in &known.fields {
        text.plain("    .").name(field.name).plain(format!("  {}", field.text)).line();
    }
    for (name, natives) in &catalogue.natives {
        for native in natives.iter().filter(|n| n.name == *name && n.on.contains(&known.name)) {
            let signature = native.signature();
            let call = signature.rsplit_once('.').map_or(signature.as_str(), |(_, call)| call);
            text.plain("    .").name(call).plain(format!("  {}", native.summary)).line();
        }
    }
    text.line();
}

/// `docs/reference.md`.
pub fn reference(catalogue: &Catalogue) -> String {
    let mut page = String::from(
        "# Reference\n\nEvery function, method and type of the language. Made by `losscape reference` from the declarations; do not edit.\n",
    );
    let anchor = |part: &str| part.to_lowercase().replace(' ', "-");
    let parts = parts(catalogue);
    page.push('\n');
    for (part, natives) in &parts {
        let names: Vec<String> = natives.iter().map(|n| format!("`{}`", n.name)).collect();
        let mut names = names;
        names.dedup();
        page.push_str(&format!("- [{part}](#{}): {}\n", anchor(part), names.join(", ")));
    }
    page.push_str("- [Types](#types)\n");
    for (part, natives) in parts {
        page.push_str(&format!("\n## {part}\n"));
        for native in natives {
            section(native, &mut page);
        }
    }
    page.push_str("\n## Types\n");
    let mut types: Vec<&Arc<Type>> = catalogue.types.values().collect();
    types.sort_by_key(|t| t.name.to_lowercase());
    for known in types {
        page.push_str(&format!("\n### {}\n\n{}\n", known.name, known.text));
        if !known.fields.is_empty() {
            page.push('\n');
        }
        for field in &known.fields {
            page.push_str(&format!("- `.{}`: {}\n", field.name, field.text));
        }
    }
    page
}

fn section(native: &Native, page: &mut String) {
    page.push_str(&format!("\n### `{}`\n\n{}\n", native.signature(), native.summary));
    if !native.aliases.is_empty() {
        page.push_str(&format!("\nAlso written `{}`.\n", native.aliases.join("`, `")));
    }
    let parameters: Vec<_> = native.parameters.iter().filter(|p| p.name != "self").collect();
    if !parameters.is_empty() {
        page.push('\n');
    }
    for parameter in parameters {
        let optional = if parameter.optional { ", may be left out" } else { "" };
        page.push_str(&format!("- `{}` ({}{optional}): {}\n", parameter.name, parameter.takes, parameter.text));
    }
    if !native.options.is_empty() {
        page.push_str("\n| option | takes | default | |\n|---|---|---|---|\n");
        for option in &native.options {
            let cell = |text: &str| text.replace('|', "\\|");
            let unit = if option.unit.is_empty() { String::new() } else { format!(" ({})", option.unit) };
            let words: Vec<String> = option.choices.iter().map(|(w, s)| format!("`\"{w}\"`: {}", s.trim())).collect();
            let text = [option.text.trim(), &words.join(" ")].join(" ");
            page.push_str(&format!(
                "| `{}` | {}{unit} | {} | {} |\n",
                option.name,
                cell(&option.takes),
                cell(&option.default),
                cell(text.trim())
            ));
        }
    }
    if !native.returns.is_empty() {
        page.push_str(&format!("\nReturns {}.\n", native.returns));
    }
    if !native.examples.is_empty() {
        page.push_str("\n```rhai\n");
        for example in &native.examples {
            let comment = if example.expected.is_empty() { String::new() } else { format!("  // {}", example.expected) };
            page.push_str(&format!("{}{comment}\n", example.script));
        }
        page.push_str("```\n");
    }
    for doi in &native.references {
        page.push_str(&format!("\n<https://doi.org/{doi}>\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{Environment, Language, Script};

    #[test]
    fn words_lead_to_names_and_misspelt_names_to_near_ones() {
        let language = Language::new(Environment::silent());
        let said = help("saddle", &language.catalogue).unwrap().to_plain();
        assert!(
            said.starts_with("Nothing is called `saddle`") && said.contains("transition_state(potential, start, #{…})"),
            "{said}"
        );
        let error = help("minimse", &language.catalogue).unwrap_err();
        assert!(error.hint.unwrap().contains("`minimise`"));
        assert!(help("qqqq", &language.catalogue).is_err());
    }

    #[test]
    fn sources_of_both_kinds() {
        let language = Language::new(Environment::silent());
        let written = source("linspace", &language.catalogue).unwrap().to_plain();
        assert!(written.starts_with("// stdlib/ranges.rhai:") && written.contains("fn linspace("), "{written}");
        let native = source("minimise()", &language.catalogue).unwrap().to_plain();
        assert!(native.contains("native: declared in src/script/bindings/search.rs:"), "{native}");
        assert!(source("minimse", &language.catalogue).unwrap_err().hint.unwrap().contains("minimise"));
    }

    #[test]
    fn a_script_says_what_it_is() {
        let language = Language::new(Environment::silent());
        let script = |text: &str| Script { name: "a.rhai".into(), text: text.into() };
        let about = |text: &str| language.about(&script(text)).unwrap().map(|text| text.to_plain());
        let said = about("#!/usr/bin/env losscape\n//! Draws a tree.\n//!\n//! Slowly.\nlet a = args(#{steps: 100, scale: -0.5, name: \"x\"});").unwrap();
        assert!(said.starts_with("Draws a tree.\n\nSlowly.\n\nusage: losscape a.rhai [arguments]"), "{said}");
        for words in [
            "--steps                a whole number (default 100)",
            "--scale                a number (default -0.5)",
            "--name                 text (default x)",
        ] {
            assert!(said.contains(words), "{words} in {said}");
        }
        assert_eq!(about("let d = #{a: 1}; args(d)"), None);
        assert_eq!(about("1 + 1").as_deref(), Some("usage: losscape a.rhai [arguments]"));
    }
}
