//! The REPL: reads lines, runs them in a session, shows what comes back. Also what runs when lines come through a pipe.

mod commands;
mod editor;
mod history;

use super::arguments::Arguments;
use super::commands::{environment, shown};
use super::progress::Progress;
use super::render::{error_json, error_text, out, room_of};
use crate::script::lexer::tokens;
use crate::script::session::Session;
use crate::script::show::Room;
use crate::script::{Language, engine};
use editor::Helper;
use rustyline::error::ReadlineError;
use rustyline::{CompletionType, Config, Editor};
use std::cell::{Cell, RefCell};
use std::io::{BufRead, IsTerminal};
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A calculation that goes on longer than this after Ctrl-C is spoken of.
const PATIENCE: Duration = Duration::from_secs(1);
/// The editor has the terminal for itself after this.
const HANDING_OVER: Duration = Duration::from_millis(200);

/// Whether the REPL goes on.
enum Next {
    Line,
    Leave,
}

/// Runs it, on a thread with room for deep recursion.
pub fn run(arguments: &Arguments) -> ExitCode {
    let stop = Arc::new(Stop::default());
    let progress = (!arguments.quiet).then(|| Arc::new(Progress::new()));
    let environment = environment(arguments, "", &stop.cancel, &progress);
    let interactive = std::io::stdin().is_terminal() && !arguments.json;
    let json = arguments.json;
    let work = move || {
        let session = Session::new(Language::new(environment));
        let repl = Repl { session: Rc::new(RefCell::new(session)), progress, stop, json, room: Cell::new(room_of(None)) };
        let code = if interactive { repl.talk() } else { repl.read_all() };
        // The process ends next: what the session has built up need not be taken apart.
        std::mem::forget(repl);
        code
    };
    match std::thread::Builder::new().name("session".into()).stack_size(engine::STACK).spawn(work).map(|t| t.join()) {
        Ok(Ok(code)) => code,
        Ok(Err(_)) => {
            eprintln!("error: this is a mistake of losscape itself; please report it with the lines before it");
            ExitCode::from(1)
        }
        Err(reason) => {
            eprintln!("error: no thread for the session: {reason}");
            ExitCode::from(1)
        }
    }
}

/// What Ctrl-C does.
#[derive(Default)]
struct Stop {
    cancel: Arc<AtomicBool>,
    running: AtomicBool,
    pressed: AtomicUsize,
    /// When the editor began to wait for a line. It takes Ctrl-C as a key: a signal then comes from elsewhere.
    waits: Mutex<Option<Instant>>,
}

impl Stop {
    /// The first one asks the calculation to end, the third ends the program.
    fn watch(self: &Arc<Stop>) {
        let stop = self.clone();
        let watched = ctrlc::set_handler(move || {
            stop.cancel.store(true, Ordering::SeqCst);
            if !stop.running.load(Ordering::SeqCst) {
                // A key pressed while the terminal changes hands is no such signal.
                if stop.waits.lock().is_ok_and(|waits| waits.is_some_and(|since| since.elapsed() > HANDING_OVER)) {
                    std::process::exit(130);
                }
                return;
            }
            match stop.pressed.fetch_add(1, Ordering::SeqCst) {
                0 => {
                    let stop = stop.clone();
                    std::thread::spawn(move || {
                        std::thread::sleep(PATIENCE);
                        if stop.running.load(Ordering::SeqCst) && stop.pressed.load(Ordering::SeqCst) > 0 {
                            eprintln!("still stopping; Ctrl-C twice more ends losscape");
                        }
                    });
                }
                1 => eprintln!("stopping; Ctrl-C once more ends losscape"),
                _ => std::process::exit(130),
            }
        });
        if watched.is_err() {
            eprintln!("warning: Ctrl-C cannot be watched; it ends the program at once");
        }
    }
}

impl Stop {
    fn waits(&self, begins: bool) {
        if let Ok(mut waits) = self.waits.lock() {
            *waits = begins.then(Instant::now);
        }
    }
}

/// The REPL with all that it needs.
struct Repl {
    session: Rc<RefCell<Session>>,
    progress: Option<Arc<Progress>>,
    stop: Arc<Stop>,
    json: bool,
    /// What a value may take of the terminal, as the editor sees it: a second editor that asks would take the window's signals from the first.
    room: Cell<Room>,
}

impl Repl {
    /// With a person at a terminal.
    fn talk(&self) -> ExitCode {
        let colours = std::env::var_os("NO_COLOR").is_none();
        let config = Config::builder()
            .max_history_size(history::MOST)
            .and_then(|c| c.history_ignore_dups(true))
            .map(|c| c.completion_type(CompletionType::List).completion_show_all_if_ambiguous(true).build());
        let editor = config.and_then(|config| Editor::with_config(config.clone()).map(|editor| (editor, config)));
        let (mut editor, _) = match editor {
            Ok(editor) => editor,
            Err(reason) => {
                eprintln!("error: this terminal cannot be used: {reason}");
                return ExitCode::from(1);
            }
        };
        // After the editor, which has a handler of its own that this one replaces.
        self.stop.watch();
        editor.set_helper(Some(Helper::new(self.session.clone(), colours)));
        let history = history::file(&self.session.borrow().language.environment.permissions);
        if let Some(file) = &history {
            // The first session in a folder has none yet.
            let _ = editor.load_history(file);
        }
        out(&format!(
            "losscape {}: Tab completes, ?name explains, :help lists the rest, Ctrl-D leaves",
            env!("CARGO_PKG_VERSION")
        ));
        let mut history_works = true;
        loop {
            let number = self.session.borrow().number();
            let prompt = format!("[{number}]> ");
            let styled = if colours { format!("\x1b[1;34m{prompt}\x1b[0m") } else { prompt.clone() };
            self.stop.waits(true);
            let line = editor.readline(&(prompt, styled));
            self.stop.waits(false);
            self.room.set(room_of(editor.dimensions()));
            let line = match line {
                Ok(line) => line,
                // Ctrl-C at the prompt drops the line.
                Err(ReadlineError::Interrupted) => continue,
                Err(ReadlineError::Eof) => return ExitCode::SUCCESS,
                // The window has changed its size.
                Err(ReadlineError::Signal(_)) => continue,
                Err(reason) => {
                    eprintln!("error: the line cannot be read: {reason}");
                    return ExitCode::from(1);
                }
            };
            if line.trim().is_empty() {
                continue;
            }
            // Before it runs: whatever happens then, the line is there next time.
            let _ = editor.add_history_entry(&line);
            if let Some(file) = history.as_ref().filter(|_| history_works)
                && let Err(reason) = editor.append_history(file)
            {
                history_works = false;
                eprintln!(
                    "warning: {} cannot be written ({reason}): this session's lines will not be remembered",
                    file.display()
                );
            }
            if let Next::Leave = self.answer(&line).0 {
                return ExitCode::SUCCESS;
            }
        }
    }

    /// Lines through a pipe: each statement runs as soon as it is whole.
    fn read_all(&self) -> ExitCode {
        self.stop.watch();
        self.stop.waits(true);
        let mut stdin = std::io::stdin().lock();
        let (mut text, mut line, mut number, mut good) = (String::new(), Vec::new(), 0, true);
        loop {
            line.clear();
            match stdin.read_until(b'\n', &mut line) {
                Ok(0) => break,
                Ok(_) => number += 1,
                Err(reason) => {
                    eprintln!("error: stdin cannot be read: {reason}");
                    return ExitCode::from(1);
                }
            }
            match std::str::from_utf8(&line) {
                Ok(more) => text.push_str(more),
                Err(_) => {
                    eprintln!("error: line {number} of stdin is no text in UTF-8 and is left out");
                    good = false;
                    continue;
                }
            }
            if text.len() <= engine::LONGEST_SCRIPT && tokens(&text).wants_more(text.trim_end()) {
                continue;
            }
            let (next, worked) = self.answer(&std::mem::take(&mut text));
            good &= worked;
            if let Next::Leave = next {
                break;
            }
        }
        if !text.trim().is_empty() {
            good &= self.answer(&text).1;
        }
        if good { ExitCode::SUCCESS } else { ExitCode::from(1) }
    }

    /// Does what a line says; whether to go on, and whether it worked.
    fn answer(&self, line: &str) -> (Next, bool) {
        let line = line.trim();
        if line.is_empty() {
            return (Next::Line, true);
        }
        match commands::parse(line) {
            Some(Ok(command)) => commands::run(command, self),
            Some(Err(message)) => {
                eprintln!("error: {message}");
                (Next::Line, false)
            }
            None => (Next::Line, self.evaluate(line)),
        }
    }

    /// Runs script, shows its value or its mistake; whether it worked.
    fn evaluate(&self, text: &str) -> bool {
        self.stop.cancel.store(false, Ordering::SeqCst);
        self.stop.pressed.store(0, Ordering::SeqCst);
        self.stop.running.store(true, Ordering::SeqCst);
        let result = self.session.borrow_mut().run(text);
        self.stop.running.store(false, Ordering::SeqCst);
        if let Some(progress) = &self.progress {
            progress.clear();
        }
        let session = self.session.borrow();
        match result {
            Ok(value) => {
                // A semicolon at the end says that nothing is to be shown.
                let hidden = tokens(text).solid().next_back().is_some_and(|last| &text[last.start..last.end] == ";");
                if !hidden && !value.is_unit() {
                    out(&shown(&value, &session.language, self.json, || self.room.get()));
                }
                true
            }
            Err(failure) if self.json => {
                out(&error_json(&failure));
                false
            }
            Err(failure) if failure.error.is_stop() => {
                let kept = if session.kept { "; what was found is in _" } else { "" };
                eprintln!("{}{kept}", failure.error.kind.name());
                false
            }
            Err(failure) => {
                eprintln!("{}", error_text(&failure));
                false
            }
        }
    }
}
