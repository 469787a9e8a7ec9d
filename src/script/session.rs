//! A session: lines that are read one after another and share variables, functions and imports. What the REPL of `cli` drives.
//!
//! A line that fails changes nothing: variables that it names are put back as they were, new ones are dropped. The lines of a session
//! count as one text, so that an error in a function of an earlier line is shown where it stands. Within a session `_` is the value
//! of the last line that had one.

use super::check;
use super::engine::{Failure, Language, Read, Script};
use super::errors::{ScriptError, from_rhai, raise};
use super::lexer::{Class, Tokens, tokens};
use super::place::Place;
use crate::base::{Error, Kind};
use rhai::{AST, Dynamic, EvalAltResult, Expr, Scope, Stmt};
use std::collections::{BTreeMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The variable that stands for `_`, which Rhai keeps for itself.
pub const LAST: &str = "ans";
/// The name of the text that all lines of a session make.
const NAME: &str = "session";
/// Lines of a session begin to count here (before them stand its imports) and begin anew when there are many: Rhai counts with sixteen bits.
const FIRST_LINE: usize = 2;
const MOST_LINES: usize = 60_000;

/// Lines typed at one prompt, as they were.
struct Entry {
    text: String,
    /// The line of the session with which it begins, from 1.
    first_line: usize,
    /// It ran to its end.
    worked: bool,
    /// It ended with a value, in a last statement that begins at this byte.
    value_at: Option<usize>,
}

/// What has been said so far, and what came of it.
pub struct Session {
    pub language: Language,
    scope: Scope<'static>,
    /// Functions of all lines.
    functions: AST,
    /// Modules by the name that the session calls them.
    imports: BTreeMap<String, String>,
    entries: Vec<Entry>,
    next_line: usize,
    /// The last line was stopped, and what it had found is the last value.
    pub kept: bool,
}

impl Session {
    /// A session in which nothing has been said.
    pub fn new(language: Language) -> Session {
        let scope = language.scope();
        Session {
            language,
            scope,
            functions: AST::empty(),
            imports: BTreeMap::new(),
            entries: Vec::new(),
            next_line: FIRST_LINE,
            kept: false,
        }
    }

    /// Forgets everything that was said.
    pub fn reset(&mut self) {
        self.scope = self.language.scope();
        self.functions = AST::empty();
        self.imports.clear();
        self.entries.clear();
        self.next_line = FIRST_LINE;
        self.language.forget_modules();
    }

    /// Runs what stands on one line or several and gives the value of the last expression, `()` where there is none.
    pub fn run(&mut self, text: &str) -> Result<Dynamic, Failure> {
        self.kept = false;
        let text = text.trim_end();
        let lines = text.lines().count().max(1);
        if self.next_line + lines > MOST_LINES {
            self.next_line = FIRST_LINE;
        }
        let first_line = self.next_line;
        self.next_line += lines;
        self.entries.push(Entry { text: text.to_string(), first_line, worked: false, value_at: None });
        let entry = self.entries.len() - 1;
        let pieces = tokens(text);
        if pieces.solid().any(|t| &text[t.start..t.end] == "import") {
            // A module that is imported again may have changed meanwhile.
            self.language.forget_modules();
        }
        let named = text_with_last(text, &pieces);
        let source = format!("{}{}\n{named}", "\n".repeat(first_line - FIRST_LINE), self.import_line());
        let Read { ast, whole } = self
            .language
            .read(&Script { name: NAME.into(), text: source }, &self.scope)
            .map_err(|error| self.failure(error, None))?;
        if let Some(error) = check::check(&whole, &self.functions, &self.language.catalogue).into_iter().next() {
            return Err(self.failure(error, Some(&whole)));
        }
        let words: HashSet<&str> =
            tokens(&named).all.iter().filter(|t| t.class == Class::Word).map(|t| &named[t.start..t.end]).collect();
        let before = Kept::new(&self.scope, &words);
        let program = self.functions.merge(&ast);
        let value = match self.evaluate(&program) {
            Ok(value) => value,
            Err(error) => {
                before.put_back(&mut self.scope);
                if let Some(partial) = self.language.environment.take_partial() {
                    self.set_last(partial);
                    self.kept = true;
                }
                return Err(self.failure_of(error, &whole));
            }
        };
        self.functions = program.clone_functions_only();
        self.keep_imports(&whole);
        only_the_last(&mut self.scope, before.length);
        let value_at = last_statement(&whole, text, first_line).filter(|_| !value.is_unit());
        self.entries[entry].worked = true;
        self.entries[entry].value_at = value_at;
        if !value.is_unit() {
            self.set_last(value.clone());
        }
        Ok(value)
    }

    /// Evaluates; a panic below is a mistake of ours and ends the line, not the session.
    fn evaluate(&mut self, program: &AST) -> Result<Dynamic, Box<EvalAltResult>> {
        let (engine, scope) = (&self.language.engine, &mut self.scope);
        let result = catch_unwind(AssertUnwindSafe(|| engine.eval_ast_with_scope::<Dynamic>(scope, program)));
        match result {
            Ok(Ok(value)) => Ok(value.flatten()),
            Ok(Err(error)) => match *error {
                EvalAltResult::Exit(value, _) => Ok(value),
                other => Err(other.into()),
            },
            Err(_) => {
                let message = "this is a mistake of losscape itself, not of the line; please report it";
                Err(raise(Error::new(Kind::Script, message), ""))
            }
        }
    }

    fn set_last(&mut self, value: Dynamic) {
        match self.scope.get_mut(LAST) {
            Some(slot) if !slot.is_read_only() => *slot = value,
            _ => {
                self.scope.push_dynamic(LAST, value);
            }
        }
    }

    /// The names of the imported modules with what they are, on one line.
    fn import_line(&self) -> String {
        self.imports.iter().map(|(name, path)| format!("import {path:?} as {name};")).collect()
    }

    fn keep_imports(&mut self, ast: &AST) {
        for statement in ast.statements() {
            if let Stmt::Import(what, _) = statement
                && let (Expr::StringConstant(path, _), name) = &**what
                && !name.name.is_empty()
            {
                self.imports.insert(name.name.to_string(), path.to_string());
            }
        }
    }

    fn failure_of(&self, error: Box<EvalAltResult>, whole: &AST) -> Failure {
        self.failure(from_rhai(&error, &self.language.catalogue), Some(whole))
    }

    /// The error with its place in the lines as they were typed.
    fn failure(&self, error: ScriptError, whole: Option<&AST>) -> Failure {
        let lines = self.numbered().iter().map(|e| text_with_last(&e.text, &tokens(&e.text)) + "\n");
        let script = Script { name: NAME.into(), text: format!("\n{}", lines.collect::<String>()) };
        let mut failure = self.language.failure(error, &script, whole);
        for step in failure.way.iter_mut().filter(|step| step.file == NAME) {
            if let Some((number, entry)) = self.entry_at(step.line) {
                step.file = format!("[{}]", number + 1);
                step.line = step.line + 1 - entry.first_line;
            }
        }
        if failure.file == NAME {
            self.place_in_entry(&mut failure);
        }
        failure
    }

    /// The entries since the numbers of lines last began.
    fn numbered(&self) -> &[Entry] {
        let begin = self.entries.iter().rposition(|e| e.first_line == FIRST_LINE).unwrap_or(0);
        &self.entries[begin..]
    }

    /// The entry that holds a line of the session.
    fn entry_at(&self, line: usize) -> Option<(usize, &Entry)> {
        self.entries.iter().enumerate().rev().take(self.numbered().len()).find(|(_, e)| e.first_line <= line)
    }

    /// From a line of the session to that of its entry.
    fn place_in_entry(&self, failure: &mut Failure) {
        let Some(place) = failure.place.take() else { return };
        failure.file.clear();
        let Some((number, entry)) = self.entry_at(place.line) else { return };
        let line = place.line - entry.first_line + 1;
        let original = entry.text.lines().nth(line - 1).unwrap_or_default();
        failure.file = format!("[{}]", number + 1);
        failure.place = Some(Place { line, column: typed_column(original, place.column), ..place });
        failure.line = Some(original.to_string());
    }

    /// The number of the next entry, from 1.
    pub fn number(&self) -> usize {
        self.entries.len() + 1
    }

    /// Variables by name, `_` among them; without what the program itself has put there.
    pub fn variables(&self) -> BTreeMap<&str, &Dynamic> {
        let all = self.scope.iter_raw().filter(|(name, ..)| *name != "ARGS");
        all.map(|(name, _, value)| (if name == LAST { "_" } else { name }, value)).collect()
    }

    /// The value of a variable; `_` is the last one.
    pub fn variable(&self, name: &str) -> Option<&Dynamic> {
        self.scope.get(if name == "_" { LAST } else { name })
    }

    /// Functions of the session: name and names of parameters.
    pub fn functions(&self) -> Vec<(String, Vec<String>)> {
        let all = self.functions.iter_functions().filter(|f| !f.name.starts_with("anon$"));
        all.map(|f| (f.name.to_string(), f.params.iter().map(|p| p.to_string()).collect())).collect()
    }

    /// The line of the session in which a function is written.
    pub fn function_source(&self, name: &str) -> Option<String> {
        let defines = |entry: &&Entry| {
            let solid: Vec<_> = tokens(&entry.text).solid().map(|t| entry.text[t.start..t.end].to_string()).collect();
            solid.windows(2).any(|w| w[0] == "fn" && w[1] == name)
        };
        self.entries.iter().rev().filter(|e| e.worked).find(defines).map(|e| e.text.clone())
    }

    /// Methods that Rhai itself has for its own kinds of values.
    pub fn builtin_methods(&self, type_name: &str) -> Vec<String> {
        let receivers: &[&str] = match type_name {
            "array" => &["array"],
            "text" => &["string", "immutablestring"],
            "map" => &["map"],
            _ => return Vec::new(),
        };
        // `push(array: &mut Array, item: ?)`
        let takes_it = |parameters: &str| {
            let first = parameters.split([',', ')']).next().and_then(|p| p.rsplit([' ', ':']).next()).unwrap_or_default();
            receivers.contains(&first.to_lowercase().as_str())
        };
        let signatures = self.language.engine.gen_fn_signatures(true);
        let own = signatures.iter().filter_map(|s| s.split_once('(')).filter(|(_, rest)| takes_it(rest));
        own.map(|(name, _)| name.to_string()).filter(|name| name.chars().all(|c| c.is_alphanumeric() || c == '_')).collect()
    }

    /// Names of the imported modules.
    pub fn modules(&self) -> impl Iterator<Item = &str> {
        self.imports.keys().map(String::as_str)
    }

    /// The lines that worked, as a script that can be run: values that `_` meant later get a name.
    pub fn script(&self) -> String {
        let worked: Vec<&Entry> = self.entries.iter().filter(|e| e.worked).collect();
        let uses_last = |entry: &Entry| {
            let pieces = tokens(&entry.text);
            pieces.solid().any(|t| t.class == Class::Word && is_last(&entry.text, t, &pieces))
        };
        let mut script = String::new();
        for (k, entry) in worked.iter().enumerate() {
            let wanted =
                worked[k + 1..].iter().find(|later| uses_last(later) || later.value_at.is_some()).is_some_and(|l| uses_last(l));
            let mut text = text_with_last(&entry.text, &tokens(&entry.text));
            if let (Some(at), true) = (entry.value_at, wanted) {
                // The same place in the text in which `_` has become a longer name.
                let at = text_with_last(&entry.text[..at], &tokens(&entry.text[..at])).len();
                text.insert_str(at, &format!("let {LAST} = "));
            }
            let text = text.trim_end();
            let ends = text.is_empty()
                || text.ends_with([';', '}'])
                || tokens(text).all.last().is_some_and(|t| t.class == Class::Comment);
            script.push_str(text);
            script.push_str(if ends { "\n" } else { ";\n" });
        }
        script
    }
}

/// Variables as they were before a line.
struct Kept {
    length: usize,
    values: Vec<(String, Dynamic)>,
}

impl Kept {
    /// Those that the line names: no other can change.
    fn new(scope: &Scope, words: &HashSet<&str>) -> Kept {
        let named = scope.iter_raw().filter(|(name, constant, _)| !constant && words.contains(name));
        Kept { length: scope.len(), values: named.map(|(name, _, value)| (name.to_string(), value.flatten_clone())).collect() }
    }

    fn put_back(self, scope: &mut Scope) {
        scope.rewind(self.length);
        for (name, value) in self.values {
            let Some(slot) = scope.get_mut(&name) else { continue };
            // A closure may hold the same cell: it must see the old value too.
            match slot.write_lock::<Dynamic>() {
                Some(mut inner) if !inner.is_read_only() => *inner = value,
                _ => {}
            }
        }
    }
}

/// `let` may be repeated: of several variables of one name the last one stays.
fn only_the_last(scope: &mut Scope<'static>, before: usize) {
    let repeated = {
        let mut seen = HashSet::new();
        scope.len() > before && !scope.iter_raw().all(|(name, ..)| seen.insert(name.to_string()))
    };
    if !repeated {
        return;
    }
    let mut seen = HashSet::new();
    let all: Vec<_> = std::mem::take(scope).into_iter().collect();
    let mut last: Vec<_> = all.into_iter().rev().filter(|(name, ..)| seen.insert(name.clone())).collect();
    last.reverse();
    for (name, value, _) in last {
        if value.is_read_only() {
            scope.push_constant_dynamic(name, value);
        } else {
            scope.push_dynamic(name, value);
        }
    }
}

/// Whether this word is the `_` of a session, not that of a `switch`.
fn is_last(source: &str, word: &super::lexer::Token, pieces: &Tokens) -> bool {
    if &source[word.start..word.end] != "_" {
        return false;
    }
    let rest = pieces.solid().find(|t| t.start >= word.end).map_or("", |t| &source[t.start..]);
    !rest.starts_with("=>") && !rest.starts_with("if ")
}

/// The source with `_` as the variable that it means.
fn text_with_last(source: &str, pieces: &Tokens) -> String {
    let mut text = String::with_capacity(source.len());
    for piece in &pieces.all {
        let word = piece.class == Class::Word && is_last(source, piece, pieces);
        text.push_str(if word { LAST } else { &source[piece.start..piece.end] });
    }
    text
}

/// The column as typed, of one in the text in which `_` has become a longer name.
fn typed_column(original: &str, column: usize) -> usize {
    let pieces = tokens(original);
    let mut longer = 0;
    for piece in pieces.all.iter().filter(|t| t.class == Class::Word && is_last(original, t, &pieces)) {
        let at = original[..piece.start].chars().count() + 1 + longer;
        if at < column {
            longer += LAST.len() - 1;
        }
    }
    column.saturating_sub(longer).max(1)
}

/// The byte at which the last statement of an entry begins. Rhai gives the place of its operator, which may be anywhere in it.
fn last_statement(ast: &AST, text: &str, first_line: usize) -> Option<usize> {
    let position = ast.statements().last()?.position();
    let (line, column) = (position.line()?.checked_sub(first_line)?, position.position()?);
    let original = text.lines().nth(line)?;
    let within = original.char_indices().nth(typed_column(original, column) - 1).map_or(original.len(), |(k, _)| k);
    let at = text.split_inclusive('\n').take(line).map(str::len).sum::<usize>() + within;
    let pieces = tokens(text);
    let solid: Vec<_> = pieces.solid().collect();
    let (mut depth, mut begin) = (0, None);
    for (k, piece) in solid.iter().enumerate() {
        let start = *begin.get_or_insert(piece.start);
        if piece.start >= at {
            return Some(start);
        }
        match piece.class {
            Class::Open => depth += 1,
            Class::Close => depth -= 1,
            _ => {}
        }
        let goes_on = solid.get(k + 1).is_some_and(|next| next.class == Class::Operator);
        match &text[piece.start..piece.end] {
            ";" if depth == 0 => begin = None,
            "}" if depth == 0 && !goes_on => begin = None,
            _ => {}
        }
    }
    begin
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::api::Environment;

    fn session() -> Session {
        Session::new(Language::new(Environment::silent()))
    }

    fn number(session: &mut Session, line: &str) -> f64 {
        let value = session.run(line).unwrap_or_else(|f| panic!("{line}: {}", f.error));
        crate::script::convert::number(&value).unwrap_or_else(|| panic!("{line}: no number"))
    }

    #[test]
    fn lines_share_variables_functions_and_the_last_value() {
        let mut s = session();
        drop(s.run("let a = 2; let v = [1, 2, 3];").unwrap());
        drop(s.run("fn twice(x) { 2 * x }").unwrap());
        assert_eq!(number(&mut s, "twice(a) + v.len()"), 7.0);
        assert_eq!(number(&mut s, "_ * 10"), 70.0);
        drop(s.run("let a = 5").unwrap());
        assert_eq!(number(&mut s, "ans + a"), 75.0, "a line without a value leaves the last one");
        drop(s.run("fn twice(x) { x + x + 1 }").unwrap());
        assert_eq!(number(&mut s, "twice(1)"), 3.0, "a function may be said anew");
        assert_eq!(number(&mut s, "switch a { 5 => 1, _ => 2 }"), 1.0, "the _ of a switch is its own");
        drop(s.run("let add = |x| x + a").unwrap());
        assert_eq!(number(&mut s, "add.call(1)"), 6.0);
        drop(s.run("a = 7").unwrap());
        assert_eq!(number(&mut s, "add.call(1)"), 8.0, "closures see the variable");
        assert_eq!(s.variables().keys().copied().collect::<Vec<_>>(), ["_", "a", "add", "v"]);
        s.reset();
        assert!(s.run("a").is_err() && s.variables().is_empty());
    }

    #[test]
    fn a_line_that_fails_changes_nothing() {
        let mut s = session();
        drop(s.run("let a = 1; let list = [1, 2]; let seen = |x| x + a;").unwrap());
        for line in
            ["a = 2; let b = 3; list.push(3); wrong()", "a = 2; list.push(3); list[9]", "a = 2; throw 1", "let a = 4; [1][2]"]
        {
            s.run(line).unwrap_err();
            assert_eq!(number(&mut s, "a + list.len() + seen.call(0)"), 4.0, "{line}");
            assert!(s.variable("b").is_none());
        }
        s.run("fn f(").unwrap_err();
        assert_eq!(number(&mut s, "a"), 1.0);
    }

    #[test]
    fn errors_point_into_the_line_where_they_arise() {
        let mut s = session();
        drop(s.run("let a = 1;\nlet b = 2;").unwrap());
        drop(s.run("fn far(v) {\n    v[10]\n}").unwrap());
        let place = |f: &Failure| (f.file.clone(), f.place.map(|p| (p.line, p.column)), f.line.clone().unwrap_or_default());
        let here = s.run("a + b + c").unwrap_err();
        assert_eq!(place(&here), ("[3]".into(), Some((1, 9)), "a + b + c".into()));
        let there = s.run("far([1])").unwrap_err();
        assert_eq!(place(&there), ("[2]".into(), Some((2, 7)), "    v[10]".into()));
        drop(s.run("3").unwrap());
        let after_last = s.run("_ + _ + nothing").unwrap_err();
        assert_eq!(place(&after_last), ("[6]".into(), Some((1, 9)), "_ + _ + nothing".into()));
        let option = s.run("minimise(muller_brown(), [0, 0], #{tolerence: 1})").unwrap_err();
        assert_eq!(option.place.map(|p| p.column), Some(36), "{}", option.error);
    }

    #[test]
    fn what_was_said_is_a_script_that_runs() {
        let mut s = session();
        for line in [
            "let a = 2",
            "let b = 3; a * b",
            "fn f(x) { x }\nf(_) + 1",
            "// a note",
            "wrong",
            "_ + 1",
            "#{k: 5}.k",
            "let c = _ + 1",
        ] {
            let _ = s.run(line);
        }
        let script = s.script();
        assert!(!script.contains("wrong"), "{script}");
        let language = Language::new(Environment::silent());
        let value = language.run(format!("{script}\n[ans, c]").as_str()).unwrap_or_else(|f| panic!("{script}\n{}", f.error));
        assert_eq!(language.catalogue.show(&value), "[5, 6]", "{script}");
    }

    #[test]
    fn modules_stay_and_are_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("m.rhai");
        std::fs::write(&file, "fn f() { 1 }").unwrap();
        let mut s = session();
        let import = format!("import \"{}\" as m", folder.path().join("m").display());
        drop(s.run(&import).unwrap());
        assert_eq!(number(&mut s, "m::f()"), 1.0);
        std::fs::write(&file, "fn f() { 2 }").unwrap();
        drop(s.run(&import).unwrap());
        assert_eq!(number(&mut s, "m::f()"), 2.0);
        assert_eq!(s.modules().collect::<Vec<_>>(), ["m"]);
    }
}
