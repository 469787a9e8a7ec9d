//! What a line that is no script says: `:vars`, `?name`, `name?`, `??name`.

use super::super::render::{help_text, out};
use super::{Next, Repl};
use crate::base::usage::usage;
use crate::base::{Error, nearest};
use crate::script::api::Dynamic;
use crate::script::help;
use crate::script::session::Session;
use crate::script::show::brief::brief;
use std::path::Path;
use std::time::Instant;

/// A command: name, argument, sentence.
pub const COMMANDS: [(&str, &str, &str); 8] = [
    ("help", "", "This list."),
    ("vars", "", "The variables: name, type, size, first line."),
    ("time", "LINE", "Runs the line and says what it took."),
    ("save", "FILE", "Writes the lines that worked as a script that can be run."),
    ("load", "FILE", "Runs the lines of a script here."),
    ("reset", "", "Forgets variables, functions, imports and lines."),
    ("source", "NAME", "How a function of the session or of the standard library is written; also ??name."),
    ("quit", "", "Leaves; so does Ctrl-D."),
];

/// A line that is no script.
#[derive(Debug, PartialEq)]
pub enum Command<'a> {
    Named(&'static str, &'a str),
    Explain(&'a str),
}

/// What a line asks for; `None` when it is script.
pub fn parse(line: &str) -> Option<Result<Command<'_>, String>> {
    if let Some(name) = line.strip_prefix("??") {
        return Some(Ok(Command::Named("source", name.trim())));
    }
    if let Some(name) = line.strip_prefix('?') {
        return Some(Ok(Command::Explain(name.trim())));
    }
    if let Some(name) = line.strip_suffix('?')
        && !name.is_empty()
        && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.')
    {
        return Some(Ok(Command::Explain(name)));
    }
    let (word, rest) = line.strip_prefix(':').map(|l| l.split_once(char::is_whitespace).unwrap_or((l, "")))?;
    let rest = rest.trim();
    let known = COMMANDS.iter().find(|(name, ..)| *name == word || (word == "q" && *name == "quit"));
    Some(match known {
        Some((name, argument, _)) if argument.is_empty() && !rest.is_empty() => {
            Err(format!(":{name} takes nothing, found {rest}"))
        }
        Some((name, argument, _)) if !argument.is_empty() && rest.is_empty() => {
            Err(format!(":{name} needs something: :{name} {argument}"))
        }
        Some((name, ..)) => Ok(Command::Named(name, rest)),
        None => Err(match nearest(word, COMMANDS.iter().map(|c| c.0)) {
            Some(near) => format!("there is no command :{word}; did you mean :{near}? :help lists them"),
            None => format!("there is no command :{word}; :help lists them"),
        }),
    })
}

/// Does it; whether to go on, and whether it worked.
pub fn run(command: Command, repl: &Repl) -> (Next, bool) {
    let worked = match command {
        Command::Explain(name) => told(explain(name, &repl.session.borrow())),
        Command::Named("quit", _) => return (Next::Leave, true),
        Command::Named("vars", _) => told(Ok(variables(&repl.session.borrow(), repl.room.get().width))),
        Command::Named("time", line) => time(line, repl),
        Command::Named("save", file) => told(save(file, &repl.session.borrow())),
        Command::Named("load", file) => load(file, repl),
        Command::Named("source", name) => told(source(name, &repl.session.borrow())),
        Command::Named("reset", _) => {
            repl.session.borrow_mut().reset();
            true
        }
        Command::Named(..) => told(Ok(list())),
    };
    (Next::Line, worked)
}

/// Shows the text or the mistake.
fn told(result: Result<String, Error>) -> bool {
    match result {
        Ok(text) => out(&text),
        Err(error) => {
            eprintln!("error: {error}");
            return false;
        }
    }
    true
}

fn list() -> String {
    let mut rows: Vec<(String, &str)> =
        COMMANDS.iter().map(|(n, a, text)| (format!(":{n} {a}").trim_end().to_string(), *text)).collect();
    rows.extend([
        ("?name, name?".to_string(), "What a function, type or variable is."),
        ("??name".into(), "How a function is written."),
        ("help(\"words\")".into(), "Functions that have to do with them; help() lists all."),
        ("_".into(), "The value of the last line that had one."),
        ("Tab".into(), "Completes names, fields, options, files; Ctrl-R searches earlier lines; Ctrl-C stops a calculation."),
    ]);
    rows.iter().map(|(what, text)| format!("  {what:<14}{text}")).collect::<Vec<_>>().join("\n")
}

fn explain(name: &str, session: &Session) -> Result<String, Error> {
    if name.is_empty() {
        return Ok(list());
    }
    let catalogue = &session.language.catalogue;
    let (first, rest) = name.split_once('.').map_or((name, None), |(first, rest)| (first, Some(rest)));
    if let Some(value) = session.variable(first) {
        let type_name = catalogue.type_name(value);
        let asked = rest.map_or(type_name.clone(), |rest| format!("{type_name}.{rest}"));
        let text = help::help(&asked, catalogue).map(|text| help_text(&text));
        return match (text, rest) {
            (Ok(text), Some(_)) => Ok(text),
            (Ok(text), None) => Ok(format!("{name} is {}\n{text}", catalogue.describe(value))),
            (Err(_), None) => Ok(format!("{name} is {}", catalogue.describe(value))),
            (Err(error), Some(_)) => Err(error),
        };
    }
    if let Some((_, parameters)) = session.functions().into_iter().find(|(function, _)| function == name) {
        return Ok(format!("{name}({}), a function of this session; ??{name} shows it", parameters.join(", ")));
    }
    help::help(name, catalogue).map(|text| help_text(&text))
}

/// How a function is written.
fn source(name: &str, session: &Session) -> Result<String, Error> {
    match session.function_source(name) {
        Some(text) => Ok(text),
        None => help::source(name, &session.language.catalogue).map(|text| help_text(&text)),
    }
}

/// Name, type, size, as much of the value as fits the line.
fn variables(session: &Session, line: usize) -> String {
    let catalogue = &session.language.catalogue;
    let all = session.variables();
    let rows: Vec<([String; 3], &Dynamic)> =
        all.iter().map(|(name, value)| ([name.to_string(), catalogue.type_name(value), size(value)], *value)).collect();
    if rows.is_empty() {
        return "no variables yet".into();
    }
    let width = |k: usize| rows.iter().map(|(cells, _)| cells[k].chars().count()).max().unwrap_or(0);
    let (a, b, c) = (width(0), width(1), width(2));
    let left = line.saturating_sub(a + b + c + 6).max(10);
    let row = |(cells, value): &([String; 3], &Dynamic)| {
        format!("{:<a$}  {:<b$}  {:>c$}  {}", cells[0], cells[1], cells[2], brief(value, catalogue, left).0)
    };
    rows.iter().map(row).collect::<Vec<_>>().join("\n")
}

/// How much a value holds, where that can be counted.
fn size(value: &Dynamic) -> String {
    use crate::script::values::{MatrixValue, Table, Vector};
    if let Some(vector) = value.read_lock::<Vector>() {
        return vector.data.len().to_string();
    }
    if let Some(matrix) = value.read_lock::<MatrixValue>() {
        return format!("{} × {}", matrix.0.rows, matrix.0.columns);
    }
    if let Some(table) = value.read_lock::<Table>() {
        return format!("{} columns", table.0.names().count());
    }
    let counted = value.read_lock::<Vec<Dynamic>>().map(|array| array.len());
    counted.map_or_else(String::new, |n| n.to_string())
}

fn time(line: &str, repl: &Repl) -> bool {
    let (began, before) = (Instant::now(), usage());
    let worked = repl.evaluate(line);
    let after = usage();
    out(&format!(
        "{:.3} s, {:.3} s of processor time, at most {:.0} MiB so far",
        began.elapsed().as_secs_f64(),
        after.cpu_seconds - before.cpu_seconds,
        after.peak_memory
    ));
    worked
}

fn save(file: &str, session: &Session) -> Result<String, Error> {
    let path = Path::new(file);
    session.language.environment.permissions.may_write(path)?;
    let script = format!(
        "#!/usr/bin/env losscape\n// Lines of a session of losscape {}.\n{}",
        env!("CARGO_PKG_VERSION"),
        session.script()
    );
    crate::base::files::write_atomically(":save", path, script.as_bytes())?;
    Ok(format!("{file} written: losscape {file} runs it"))
}

fn load(file: &str, repl: &Repl) -> bool {
    let path = Path::new(file);
    let allowed = repl.session.borrow().language.environment.permissions.may_read(path);
    let text = allowed.and_then(|()| std::fs::read(path).map_err(|reason| Error::file(path, reason)));
    let text = text.and_then(|bytes| String::from_utf8(bytes).map_err(|_| Error::format(path, "this is no text in UTF-8")));
    match text {
        Ok(text) => repl.evaluate(&text),
        Err(error) => told(Err(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_no_script_are_known() {
        let named = |name, rest| Some(Ok(Command::Named(name, rest)));
        assert_eq!(parse(":vars"), named("vars", ""));
        assert_eq!(parse(":time 1 + 1"), named("time", "1 + 1"));
        assert_eq!(parse(":q"), named("quit", ""));
        assert_eq!(parse("??scan"), named("source", "scan"));
        assert_eq!(parse("?tree.nodes"), Some(Ok(Command::Explain("tree.nodes"))));
        assert_eq!(parse("dneb?"), Some(Ok(Command::Explain("dneb"))));
        assert_eq!((parse("1 + 1"), parse("a ? b"), parse("x?.y")), (None, None, None));
        let mistake = |line| parse(line).unwrap().unwrap_err();
        assert!(
            mistake(":var").contains(":vars") && mistake(":save").contains("FILE") && mistake(":reset now").contains("nothing")
        );
    }
}
