//! What goes to the terminal: values and help to stdout, errors with the line and a caret to stderr.

use super::picture;
use crate::base::text::{Piece, Text};
use crate::plot::Figure;
use crate::script::api::Dynamic;
use crate::script::show::{self, Room};
use crate::script::{Catalogue, Failure, Step};
use std::io::{IsTerminal, Write};

/// Writes a line to stdout. A reader that has gone (`losscape … | head`) is no error: the program ends.
pub fn out(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let written = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
    if let Err(error) = written {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            std::process::exit(0);
        }
        eprintln!("error: stdout cannot be written: {error}");
        std::process::exit(1);
    }
}

/// Whether a stream takes colours.
fn colours(is_terminal: bool) -> bool {
    is_terminal && std::env::var_os("NO_COLOR").is_none()
}

fn paint(text: &str, code: &str, on: bool) -> String {
    if on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
}

/// An error with its place:
/// ```text
/// error: minimise has no option `tolerence`
///   --> study.rhai:3:41
///    |
///  3 | minimise(muller_brown(), [-0.5, 1.4], #{tolerence: 1e-6})
///    |                                         ^^^^^^^^^
///    = did you mean `tolerance`?
/// ```
pub fn error_text(failure: &Failure) -> String {
    draw(failure, colours(std::io::stderr().is_terminal()))
}

fn draw(failure: &Failure, colour: bool) -> String {
    let error = &failure.error;
    let mut text = format!("{} {}", paint("error:", "1;31", colour), paint(&error.message, "1", colour));
    let width = failure.place.map_or(1, |p| p.line.to_string().len());
    let bar = paint("|", "34", colour);
    if let Some(place) = failure.place {
        text.push_str(&format!(
            "\n{} {}:{}:{}",
            paint(&format!("{:>w$}", "-->", w = width + 3), "34", colour),
            failure.file,
            place.line,
            place.column
        ));
        if let Some(line) = &failure.line {
            let (shown, before) = window(line, place.column, place.length);
            // Tabs stay tabs before the caret, so that it stands right at any width of theirs.
            let pad: String = before.chars().map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
            let room = shown.chars().count().saturating_sub(before.chars().count()).max(1);
            let carets = "^".repeat(place.length.clamp(1, room));
            text.push_str(&format!("\n {:w$} {bar}", "", w = width));
            text.push_str(&format!("\n {} {bar} {shown}", paint(&format!("{:>w$}", place.line, w = width), "34", colour)));
            text.push_str(&format!("\n {:w$} {bar} {pad}{}", "", paint(&carets, "1;31", colour), w = width));
        }
    }
    if let Some(hint) = &error.hint {
        text.push_str(&format!("\n {:w$} {} {hint}", "", paint("=", "34", colour), w = width));
    }
    for Step { text: how, file, line, column } in &failure.way {
        text.push_str(&format!("\n {:w$} {} {how} at {file}:{line}:{column}", "", paint(":", "34", colour), w = width));
    }
    text
}

/// At most 160 characters of a long line around the column, and what of it stands before the column.
fn window(line: &str, column: usize, length: usize) -> (String, String) {
    const ROOM: usize = 160;
    let letters: Vec<char> = line.trim_end().chars().collect();
    let at = (column - 1).min(letters.len());
    if letters.len() <= ROOM {
        return (letters.iter().collect(), letters[..at].iter().collect());
    }
    let start = at.saturating_sub(ROOM / 2);
    let end = (start + ROOM).max((at + length).min(start + 2 * ROOM)).min(letters.len());
    let front = if start > 0 { "…" } else { "" };
    let back = if end < letters.len() { "…" } else { "" };
    let part = |from: usize, to: usize| letters[from..to].iter().collect::<String>();
    (format!("{front}{}{back}", part(start, end)), format!("{front}{}", part(start, at)))
}

/// An error for `--output json`.
pub fn error_json(failure: &Failure) -> String {
    let place = failure.place;
    serde_json::json!({"error": {
        "kind": failure.error.kind.name(),
        "message": failure.error.to_string(),
        "file": failure.file,
        "line": place.map(|p| p.line),
        "column": place.map(|p| p.column),
    }})
    .to_string()
}

/// Help for the terminal.
pub fn help_text(text: &Text) -> String {
    let colour = colours(std::io::stdout().is_terminal());
    let mut shown = String::new();
    for piece in &text.0 {
        match piece {
            Piece::Plain(s) => shown.push_str(s),
            Piece::Heading(s) => shown.push_str(&paint(s, "1;4", colour)),
            Piece::Name(s) => shown.push_str(&paint(s, "1", colour)),
            Piece::Code(s) => shown.push_str(&paint(s, "36", colour)),
            Piece::Warning(s) => shown.push_str(&paint(s, "33", colour)),
            Piece::NewLine => shown.push('\n'),
        }
    }
    shown
}

/// Characters and lines of the terminal on stdout, for who has no editor: one asks the terminal.
pub fn room() -> Room {
    room_of(rustyline::DefaultEditor::new().ok().and_then(|mut editor| editor.dimensions()))
}

/// What a value may take of a terminal of so many columns and rows.
pub fn room_of(size: Option<(u16, u16)>) -> Room {
    // A pseudo-terminal that nobody has told its size says that it has endless lines.
    let (columns, rows) = size.filter(|(_, rows)| *rows < 1000).unwrap_or((80, 24));
    // The next prompt and the line that was typed stay in sight.
    Room::new(columns as usize, (rows as usize).saturating_sub(3))
}

/// A value for people at the terminal on stdout: a picture where it is one and the terminal can, one screen of text otherwise.
pub fn value_text(value: &Dynamic, catalogue: &Catalogue, room: Room) -> String {
    let drawn = show::picture(value, catalogue).and_then(|figure| drawing(&figure, room.width, room.height));
    drawn.unwrap_or_else(|| help_text(&show::screen(value, catalogue, room)))
}

/// The figure as this terminal takes it; `None` where stdout is no terminal or one without pictures.
pub fn drawing(figure: &Figure, width: usize, height: usize) -> Option<String> {
    if !std::io::stdout().is_terminal() {
        return None;
    }
    let protocol = picture::protocol(|name| std::env::var(name).ok())?;
    picture::encode(figure, protocol, width, height).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Error;
    use crate::script::place::Place;

    #[test]
    fn the_caret_stands_under_the_place() {
        let failure = Failure {
            error: Error::value("it is wrong").hint("mend it"),
            file: "a.rhai".into(),
            place: Some(Place { line: 12, column: 5, length: 3 }),
            line: Some("let abc = 1;".into()),
            way: vec![Step { text: "called from study".into(), file: "stdlib/study.rhai".into(), line: 4, column: 7 }],
        };
        let expected = "error: it is wrong\n  --> a.rhai:12:5\n    |\n 12 | let abc = 1;\n    |     ^^^\n    = mend it\n    : called from study at stdlib/study.rhai:4:7";
        assert_eq!(draw(&failure, false), expected);
        let long = Failure { line: Some("x".repeat(1000)), place: Some(Place { line: 1, column: 900, length: 50 }), ..failure };
        assert!(draw(&long, false).lines().all(|l| l.chars().count() < 200));
    }
}
