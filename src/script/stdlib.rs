//! The standard library: Rhai files that travel in the program. Each documented function is declared like a native, from its comment.
//!
//! ```text
//! /// What it does, in a sentence or more.
//! /// - `potential` (a Potential): What to study.
//! /// - `options.steps` (a whole number; default 100): How many steps.
//! /// Group: Search
//! /// Returns: a map
//! /// Example: `twice(2)` is `4` within 1e-12
//! fn twice(x) { … }
//! ```
//! A function whose last parameter is `options` takes a map of the options listed: unknown ones are refused, `options_of("name", options)`
//! in its body fills in the defaults. A function marked `private` is a helper.

use super::api::{Arguments, Call, Dynamic, Native};
use super::catalogue::Catalogue;
use super::convert::british;
use super::errors::from_rhai;
use crate::base::options::unknown_option;
use crate::base::{OptionEntry, Result};
use rhai::{AST, Engine, Map, Module, Scope};

/// Where they lie in the project; also how errors tell that they arose there.
pub const FOLDER: &str = "stdlib/";

/// How Rhai's names of closures begin.
pub const CLOSURE: &str = "anon$";

/// The files, in the order of loading.
const FILES: &[(&str, &str)] = &[
    ("stdlib/ranges.rhai", include_str!("../../stdlib/ranges.rhai")),
    ("stdlib/statistics.rhai", include_str!("../../stdlib/statistics.rhai")),
    ("stdlib/study.rhai", include_str!("../../stdlib/study.rhai")),
];

/// What [`read`] found.
pub struct Library {
    asts: Vec<AST>,
}

/// Reads the files. That they can be read is tested; a broken one would be left out.
pub fn read(engine: &Engine) -> Library {
    let read_one = |(name, text): &(&str, &str)| {
        let mut ast = engine.compile(text).ok()?;
        ast.set_source(*name);
        Some(ast)
    };
    Library { asts: FILES.iter().filter_map(read_one).collect() }
}

impl Library {
    /// Declares every documented function.
    pub fn declare(&self, catalogue: &mut Catalogue) {
        for ast in &self.asts {
            let closures = ast.iter_functions().filter(|f| f.name.starts_with(CLOSURE)).map(|f| f.name.to_string());
            catalogue.library_closures.extend(closures);
            for function in ast.iter_functions().filter(|f| !f.comments.is_empty()) {
                catalogue.add(declaration(function.name, &function.params, &function.comments));
            }
        }
    }

    /// Makes the functions callable.
    pub fn register(&self, engine: &mut Engine) {
        for ast in &self.asts {
            if let Ok(module) = Module::eval_ast_as_new(Scope::new(), ast, engine) {
                engine.register_global_module(module.into());
            }
        }
    }
}

/// Text that lives as long as the program: declarations are made once.
fn kept(text: &str) -> &'static str {
    Box::leak(text.to_string().into_boxed_str())
}

fn declaration(name: &str, parameters: &[&str], comments: &[&str]) -> Native {
    let name = kept(name);
    let with_options = parameters.last() == Some(&"options");
    let mut native = Native::new(name, "");
    let mut summary = Vec::new();
    let mut texts: Vec<(String, String, String)> = Vec::new();
    for line in comments.iter().flat_map(|c| c.lines()).map(|l| l.trim_start_matches('/').trim()) {
        if let Some(entry) = line.strip_prefix("- `").and_then(entry) {
            match entry.0.strip_prefix("options.") {
                Some(option) => native.options.push(option_entry(option, &entry.1, &entry.2)),
                None => texts.push(entry),
            }
        } else if let Some(group) = line.strip_prefix("Group: ") {
            native = native.group(kept(group));
        } else if let Some(returns) = line.strip_prefix("Returns: ") {
            native = native.returns(kept(returns));
        } else if let Some(doi) = line.strip_prefix("Reference: ") {
            native = native.reference(kept(doi));
        } else if let Some(example) = line.strip_prefix("Example: `") {
            let (script, rest) = example.split_once('`').unwrap_or((example, ""));
            let expected = rest.split('`').nth(1).unwrap_or("");
            let tolerance = rest.rsplit("within ").next().and_then(|t| t.trim().parse().ok()).unwrap_or(0.0);
            native = native.example(script, expected, tolerance);
        } else if !line.is_empty() {
            summary.push(line);
        }
    }
    native.summary = summary.join(" ");
    native.takes_options = with_options;
    for parameter in &parameters[..parameters.len() - usize::from(with_options)] {
        let text = texts.iter().find(|t| t.0 == *parameter);
        let (takes, sentence) = text.map_or(("a value", ""), |t| (kept(&t.1), kept(&t.2)));
        native = native.takes(kept(parameter), takes, sentence);
    }
    native.run(move |call, args| {
        let mut values = args.values.clone();
        if with_options {
            values.push(args.map.clone().unwrap_or_default().into());
        }
        call.script_function(name, values)
    })
}

/// `name` (takes): sentence
fn entry(text: &str) -> Option<(String, String, String)> {
    let (name, rest) = text.split_once('`')?;
    let (takes, sentence) = rest.trim_start().strip_prefix('(')?.split_once("):")?;
    Some((name.into(), takes.into(), sentence.trim().into()))
}

fn option_entry(name: &str, takes: &str, text: &str) -> OptionEntry {
    let (takes, default) = takes.split_once("; default ").unwrap_or((takes, "()"));
    OptionEntry {
        name: kept(name),
        takes: takes.into(),
        default: default.into(),
        unit: "",
        text: text.into(),
        choices: Vec::new(),
    }
}

/// The options of a function of the standard library: those given, the declared defaults for the rest.
pub fn options_of(call: &Call, args: Arguments) -> Result<Map> {
    let (name, given) = (args.text(0)?, args.map(1)?);
    let Some(native) = call.catalogue().natives.get(name.as_str()).and_then(|all| all.first()) else {
        return Err(args.bad(0, "the name of a function"));
    };
    let known: Vec<&str> = native.options.iter().map(|o| o.name).collect();
    let mut all = Map::new();
    for option in &native.options {
        all.insert(option.name.into(), call.constant(&option.default)?);
    }
    for (key, value) in given {
        let british = british(&key);
        if !known.contains(&british.as_str()) {
            return Err(unknown_option(&name, &key, &known));
        }
        all.insert(british.into(), value);
    }
    Ok(all)
}

impl Call<'_> {
    /// Calls a function that is written in the script language.
    fn script_function(&self, name: &str, mut values: Vec<Dynamic>) -> Result<Dynamic> {
        let mut arguments: Vec<&mut Dynamic> = values.iter_mut().collect();
        self.context.call_fn_raw(name, false, false, &mut arguments).map_err(|thrown| self.keep(thrown))
    }

    /// The value of a constant as help writes it: `100`, `"tanh"`, `()`.
    fn constant(&self, text: &str) -> Result<Dynamic> {
        let value = self.context.engine().eval_expression::<Dynamic>(text);
        value.map_err(|thrown| from_rhai(&thrown, self.catalogue).error)
    }
}

/// File, line and text of a function of the library, its comment included.
pub fn source(name: &str) -> Option<(&'static str, usize, &'static str)> {
    files().find_map(|(file, text)| {
        let is_start = |line: &&str| {
            let line = line.strip_prefix("private ").unwrap_or(line);
            line.strip_prefix("fn ").and_then(|rest| rest.strip_prefix(name)).is_some_and(|rest| rest.starts_with('('))
        };
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let start = lines.iter().position(is_start)?;
        // A function of the library ends with the first brace at the edge.
        let end = start
            + lines[start..]
                .iter()
                .position(|line| line.starts_with('}') || line.trim_end().ends_with('}') && line.starts_with("fn "))?;
        let comment = lines[..start].iter().rev().take_while(|line| line.starts_with("///")).count();
        let bytes = |count: usize| lines[..count].iter().map(|line| line.len()).sum::<usize>();
        Some((file, start + 1, text[bytes(start - comment)..bytes(end + 1)].trim_end()))
    })
}

/// For the test that every file can be read.
pub fn files() -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.iter().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_can_be_read() {
        let mut engine = Engine::new();
        // The language sets its own limits; Rhai's are tighter in debug builds.
        engine.set_max_expr_depths(0, 0);
        for (name, text) in files() {
            assert!(engine.compile(text).is_ok(), "{name}: {:?}", engine.compile(text).err());
        }
    }

    #[test]
    fn the_source_of_a_function_is_whole() {
        let (file, line, text) = source("linspace").unwrap();
        assert_eq!(file, "stdlib/ranges.rhai");
        assert!(files().next().unwrap().1.lines().nth(line - 1).unwrap().starts_with("fn linspace("));
        assert!(text.starts_with("///") && text.contains("fn linspace(") && text.ends_with('}'), "{text}");
        assert!(source("study_network").is_some_and(|(_, _, text)| text.starts_with("private fn study_network(s) {")));
        assert!(source("minimise").is_none() && source("lin").is_none());
    }

    #[test]
    fn a_comment_becomes_a_declaration() {
        let comments = [
            "/// Does it.\n/// - `x` (a number): Where.\n/// - `options.steps` (a whole number; default 5): How many.\n/// Example: `f(1)` is `2.0` within 1e-3",
        ];
        let native = declaration("f", &["x", "options"], &comments);
        assert_eq!(native.signature(), "f(x, #{…})");
        assert_eq!(
            (native.summary.as_str(), native.options[0].name, native.options[0].default.as_str()),
            ("Does it.", "steps", "5")
        );
        assert_eq!((native.examples[0].expected.as_str(), native.examples[0].tolerance), ("2.0", 1e-3));
    }
}
