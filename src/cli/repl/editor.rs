//! What the line editor asks for at every key: colours, the matching bracket, hints, completion, whether the line is whole.

use super::commands::COMMANDS;
use crate::script::complete::{self, Candidate};
use crate::script::lexer::{Class, tokens};
use crate::script::session::Session;
use rustyline::completion::{Completer, Pair};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter, HistoryHinter};
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Result};
use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

/// Text longer than this is neither coloured nor hinted at: pasted data.
const LONGEST: usize = 20_000;

/// Knows the session.
pub struct Helper {
    session: Rc<RefCell<Session>>,
    colours: bool,
    earlier_lines: HistoryHinter,
}

impl Helper {
    pub fn new(session: Rc<RefCell<Session>>, colours: bool) -> Helper {
        Helper { session, colours, earlier_lines: HistoryHinter::new() }
    }

    fn candidates(&self, line: &str, pos: usize) -> (usize, Vec<Candidate>) {
        let session = self.session.borrow();
        let begun = &line[..pos];
        if let Some(word) = begun.strip_prefix(':') {
            return match word.split_once(' ') {
                None => {
                    let fitting = COMMANDS.iter().filter(|(name, ..)| name.starts_with(word));
                    let all = fitting.map(|(name, argument, _)| Candidate {
                        shown: format!(":{name} {argument}").trim_end().into(),
                        insert: if argument.is_empty() { format!(":{name}") } else { format!(":{name} ") },
                    });
                    (0, all.collect())
                }
                // A file: as if it stood in quotes.
                Some(("save" | "load", file)) => {
                    let start = pos - file.len();
                    let (at, all) = complete::complete(&format!("\"{file}"), file.len() + 1, &session);
                    (start + at - 1, all)
                }
                Some((command, rest)) => {
                    let start = command.len() + 2;
                    let (at, all) = complete::complete(rest, rest.len(), &session);
                    (start + at, all)
                }
            };
        }
        let marks = begun.len() - begun.trim_start_matches('?').len();
        let (at, all) = complete::complete(&begun[marks..], pos - marks, &session);
        let help = |mut candidate: Candidate| {
            // Help wants the name alone.
            candidate.insert = candidate.insert.split('(').next().unwrap_or_default().to_string();
            candidate
        };
        (at + marks, if marks > 0 { all.into_iter().map(help).collect() } else { all })
    }
}

impl rustyline::Helper for Helper {}

impl Completer for Helper {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> Result<(usize, Vec<Pair>)> {
        let (start, all) = self.candidates(line, pos);
        // A signature in a long list would make it a page.
        let long = all.len() > 40;
        let pair = |c: Candidate| Pair { display: if long { c.insert.clone() } else { c.shown }, replacement: c.insert };
        Ok((start, all.into_iter().map(pair).collect()))
    }
}

/// Text behind the cursor: a call's remaining parameters, or the rest of an earlier line, which alone can be taken over.
pub struct Behind {
    text: String,
    can_be_taken: bool,
}

impl Hint for Behind {
    fn display(&self) -> &str {
        &self.text
    }

    fn completion(&self) -> Option<&str> {
        self.can_be_taken.then_some(&self.text)
    }
}

impl Hinter for Helper {
    type Hint = Behind;

    fn hint(&self, line: &str, pos: usize, context: &Context<'_>) -> Option<Behind> {
        if pos < line.len() || line.is_empty() || line.len() > LONGEST {
            return None;
        }
        if let Some(text) = complete::hint(line, &self.session.borrow()) {
            return Some(Behind { text, can_be_taken: false });
        }
        let text = self.earlier_lines.hint(line, pos, context)?;
        (!text.contains('\n')).then_some(Behind { text, can_be_taken: true })
    }
}

impl Validator for Helper {
    fn validate(&self, context: &mut ValidationContext) -> Result<ValidationResult> {
        let text = context.input();
        let is_script = super::commands::parse(text.trim()).is_none();
        let more = is_script && tokens(text).wants_more(text.trim_end());
        Ok(if more { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}

impl Highlighter for Helper {
    fn highlight<'l>(&self, line: &'l str, pos: usize) -> Cow<'l, str> {
        if !self.colours || line.len() > LONGEST {
            return Cow::Borrowed(line);
        }
        let pieces = tokens(line);
        let partner = [Some(pos), pos.checked_sub(1)].into_iter().flatten().find_map(|at| pieces.partner(line, at));
        let session = self.session.borrow();
        let mut coloured = String::with_capacity(line.len() * 2);
        for piece in &pieces.all {
            let text = &line[piece.start..piece.end];
            let code = match piece.class {
                Class::Comment => "2",
                Class::Text => "32",
                Class::Number => "36",
                Class::Keyword => "35",
                Class::Word if session.language.catalogue.natives.contains_key(text) => "34",
                _ => "",
            };
            match partner {
                Some(at) if (piece.start..piece.end).contains(&at) => coloured.push_str(&format!("\x1b[1;7m{text}\x1b[0m")),
                _ if code.is_empty() => coloured.push_str(text),
                _ => coloured.push_str(&format!("\x1b[{code}m{text}\x1b[0m")),
            }
        }
        Cow::Owned(coloured)
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        if self.colours { Cow::Owned(format!("\x1b[2m{hint}\x1b[0m")) } else { Cow::Borrowed(hint) }
    }

    fn highlight_char(&self, _: &str, _: usize, kind: CmdKind) -> bool {
        self.colours && kind != CmdKind::ForcedRefresh
    }
}
