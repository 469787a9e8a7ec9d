//! The REPL as a person at a terminal has it: the program runs in a pseudo-terminal.

use rexpect::reader::Options;
use rexpect::session::{PtySession, spawn_with_options};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A session in this folder, and the number of its process; every line typed is remembered in `history`.
fn start_with(folder: &std::path::Path, arguments: &[&str], variables: &[(&str, &str)]) -> (PtySession, String) {
    let mut command = Command::new("sh");
    command.args(["-c", "stty cols ${WIDTH:-80}; echo process $$.; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_losscape")]);
    command.args(arguments).current_dir(folder).env("LOSSCAPE_HISTORY", folder.join("history")).env("TERM", "xterm");
    command.env("NO_COLOR", "1").env_remove("LOSSCAPE_PICTURES").envs(variables.iter().copied());
    let options = Options::new().timeout_ms(Some(60_000)).strip_ansi_escape_codes(true);
    let mut session = spawn_with_options(command, options).expect("a pseudo-terminal");
    let (_, process) = session.exp_regex(r"process \d+").expect("its number");
    session.exp_string("[1]> ").expect("a prompt");
    (session, process.trim_start_matches("process ").to_string())
}

fn start(folder: &std::path::Path) -> PtySession {
    start_with(folder, &["--threads", "1"], &[]).0
}

/// Takes what is still coming from before, so that it is not taken for an answer.
fn settle(session: &mut PtySession) {
    loop {
        while session.try_read().is_some() {}
        std::thread::sleep(Duration::from_millis(200));
        if session.try_read().is_none() {
            break;
        }
    }
}

/// Types a line and gives everything that is shown up to the next prompt.
fn say(session: &mut PtySession, line: &str) -> String {
    settle(session);
    session.send(line).expect("keys");
    session.send("\r").expect("the return key");
    session.flush().expect("sent");
    // The echo of the line first: what it holds must not be taken for an answer.
    session.exp_string("\r\n").or_else(|_| session.exp_string("\n")).expect("an echo");
    session.exp_regex(r"\[\d+\]> ").unwrap_or_else(|e| panic!("{line}: no prompt: {e}")).0
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

#[test]
fn lines_over_several_rows_run_as_one() {
    let place = folder();
    let mut s = start(place.path());
    s.send("let f = |x| {\r  let y = x * 3;\r  y + 1\r};\rf.call(4)\r").expect("keys");
    s.flush().expect("sent");
    s.exp_string("13").expect("the value of the closure");
    assert!(say(&mut s, "_ + 0.5").contains("13.5"));
    assert!(!say(&mut s, "_ + 1;").contains("14.5"), "a semicolon hides the value");
}

#[test]
fn tab_completes_names_fields_options_and_files() {
    let place = folder();
    std::fs::write(place.path().join("numbers_of_mine.csv"), "a,b\n1,2\n").expect("a file");
    let mut s = start(place.path());
    say(&mut s, "let found = basin_hop(muller_brown(), #{steps: 2, seed: 1}); let number_of_hills = 3;");
    for (typed, shown) in [
        ("number_of_h\t", "number_of_hills"),
        ("transition_st\t", "transition_state("),
        ("found.global_m\t", "found.global_minimum"),
        ("found.global_minimum.en\t", "energy"),
        ("minimise(muller_brown(), [0, 0], #{toler\t", "tolerance: "),
        ("load_csv(\"numb\t", "numbers_of_mine.csv"),
        (":va\t", ":vars"),
        ("?disconn\t", "?disconnectivity"),
    ] {
        s.send(typed).expect("keys");
        s.flush().expect("sent");
        s.exp_string(shown).unwrap_or_else(|e| panic!("{typed:?}: {e}"));
        s.send_control('c').expect("the line is dropped");
        settle(&mut s);
    }
    // Several ways to go on are listed.
    s.send("found.m\t").expect("keys");
    s.flush().expect("sent");
    s.exp_string("merge(").expect("the list");
}

#[test]
fn ctrl_c_stops_a_search_within_a_second_and_keeps_what_was_found() {
    let place = folder();
    let mut s = start(place.path());
    say(&mut s, "let before = 7;");
    s.send("basin_hop(lennard_jones(13), #{steps: 100_000_000, seed: 1})\r").expect("keys");
    s.flush().expect("sent");
    // The live line tells what is found.
    s.exp_regex(r"basin_hop: \d+ of 10000000\d, [\d.]+/s.*minima").expect("progress");
    let pressed = Instant::now();
    s.send_control('c').expect("Ctrl-C");
    s.exp_string("interrupted").expect("it stops");
    s.exp_regex(r"\[\d+\]> ").expect("a prompt");
    let taken = pressed.elapsed();
    assert!(taken < Duration::from_secs(2), "{taken:?}");
    let kept = say(&mut s, "_.counts.minima > 0 && before == 7");
    assert!(kept.contains("true"), "{kept}");
    // A minimisation that would take hours keeps where it has come.
    s.send("minimise(rosenbrock(100_000), rosenbrock(100_000).random(#{seed: 1}), #{method: \"gradient_descent\", max_iterations: 100_000_000})\r").expect("keys");
    s.flush().expect("sent");
    std::thread::sleep(Duration::from_millis(1500));
    s.send_control('c').expect("Ctrl-C");
    s.exp_string("what was found is in _").expect("it stops");
    s.exp_regex(r"\[\d+\]> ").expect("a prompt");
    let kept = say(&mut s, "[_.termination, _.position.len()]");
    assert!(kept.contains("interrupted") && kept.contains("100000"), "{kept}");
    s.send("loop {}\r").expect("keys");
    s.flush().expect("sent");
    std::thread::sleep(Duration::from_millis(300));
    s.send_control('c').expect("Ctrl-C");
    s.exp_string("interrupted").expect("an endless loop stops too");
    s.exp_regex(r"\[\d+\]> ").expect("a prompt");
    assert!(say(&mut s, "before").contains('7'));
}

#[test]
fn lines_are_remembered_after_a_kill() {
    let place = folder();
    let (mut s, process) = start_with(place.path(), &[], &[]);
    say(&mut s, "let remembered = 41;");
    assert!(Command::new("kill").args(["-9", &process]).status().expect("kill").success());
    let mut s = start(place.path());
    // Ctrl-R searches, the arrow goes back.
    s.send("\x12remem").expect("keys");
    s.flush().expect("sent");
    s.exp_string("let remembered = 41").expect("the line of the session before");
    s.send("\r").expect("return");
    s.flush().expect("sent");
    s.exp_string("[2]> ").expect("it runs");
    assert!(say(&mut s, "remembered + 1").contains("42"));
}

#[test]
fn a_mistake_is_shown_at_its_place_and_changes_nothing() {
    let place = folder();
    let mut s = start(place.path());
    say(&mut s, "let a = 1;");
    let said = say(&mut s, "a = 2; minimise(muller_brown(), [0, 0], #{tolerence: 1})");
    for words in ["[2]:1:43", "^^^^^^^^^", "did you mean `tolerance`?"] {
        assert!(said.contains(words), "{words} in {said}");
    }
    assert!(say(&mut s, "a").contains('1'));
    let said = say(&mut s, "minimize_it(a)");
    assert!(said.contains("there is no function `minimize_it`") && said.contains("did you mean `minimi"), "{said}");
}

#[test]
fn commands_help_and_saving() {
    let place = folder();
    let mut s = start(place.path());
    say(&mut s, "let a = 2;");
    s.send("wrong(\r").expect("keys");
    settle(&mut s);
    s.send_control('c').expect("the open bracket is dropped");
    say(&mut s, "fn twice(x) { 2 * x }");
    assert!(say(&mut s, "twice(a)").contains('4'));
    assert!(say(&mut s, "_ + 1").contains('5'));
    let said = say(&mut s, ":vars");
    assert!(said.contains("a  number") && said.contains("_  number"), "{said}");
    for question in ["?minimise", "minimise?"] {
        let said = say(&mut s, question);
        assert!(said.contains("tolerance") && said.contains("doi.org"), "{said}");
    }
    assert!(say(&mut s, "??twice").contains("fn twice(x) { 2 * x }"));
    assert!(say(&mut s, ":tiem").contains(":time"));
    assert!(say(&mut s, ":time twice(3)").contains("of processor time"));
    assert!(say(&mut s, ":save session.rhai").contains("written"));
    say(&mut s, ":reset");
    assert!(say(&mut s, ":vars").contains("no variables yet"));
    s.send_control('d').expect("Ctrl-D");
    s.exp_eof().expect("it leaves");
    let run = Command::new(env!("CARGO_BIN_EXE_losscape")).arg(place.path().join("session.rhai")).stdin(Stdio::null()).output();
    assert!(run.expect("the program starts").status.success());
}

#[test]
fn values_and_figures_show_themselves() {
    let place = folder();
    let mut s = start(place.path());
    let said = say(&mut s, "matrix([[1, 2.5], [-3, 4]])");
    assert!(said.contains("2 ") && said.contains("2.5"), "{said}");
    // Braille and block characters where the terminal is not known to take pictures; they come byte by byte.
    let drawn = say(&mut s, "plot([1, 2, 3], [1, 4, 9])");
    assert!(drawn.contains("\u{e2}\u{a1}") || drawn.contains("\u{e2}\u{a0}"), "{drawn}");
    assert!(drawn.contains('8') && drawn.lines().count() <= 24, "axes, on one screen: {drawn}");
    let lines = "1,2,3".repeat(5_000);
    let long = say(&mut s, &format!("[{}]", &lines[..4_000]));
    assert!(long.lines().count() <= 24, "{long}");
}

#[test]
fn rough_ground() {
    let place = folder();
    // A narrow terminal, a home that cannot be written, no history.
    let (mut s, _) = start_with(place.path(), &[], &[("WIDTH", "20"), ("LOSSCAPE_HISTORY", "/proc/none/history")]);
    assert!(say(&mut s, "1 + 1").contains('2'));
    for garbage in ["\u{1F600} ]})", "'", "let", "a.b.c.d", "#{", "`"] {
        s.send(garbage).expect("keys");
        s.send("\r").expect("return");
        s.flush().expect("sent");
        settle(&mut s);
        s.send_control('c').expect("dropped where more is wanted");
        settle(&mut s);
    }
    s.send("6 * 7\r").expect("keys");
    s.flush().expect("sent");
    s.exp_string("42").expect("the session lives");
}

/// Lines through a pipe.
fn piped(input: &[u8], arguments: &[&str]) -> (Option<i32>, String, String) {
    use std::io::Write;
    let mut child = Command::new(env!("CARGO_BIN_EXE_losscape"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("written");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn lines_through_a_pipe_run_one_after_another() {
    let (code, out, _) = piped(b"let a = 2\nfn f(x) {\n x * a_is_unknown_here()\n}\n", &[]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert_eq!(piped(b"let a = 2\na *\n3\n_ + 1\n", &[]).1, "6\n7\n");
    assert_eq!(piped(b"", &[]).0, Some(0));
    let (code, out, said) = piped(b"1 + 1\n\xff\xfe\n2 + 2\n", &[]);
    assert!(code == Some(1) && out == "2\n4\n" && said.contains("line 2 of stdin is no text"), "{out}{said}");
    assert_eq!(piped(b"[1, 2]\nlet x = 1\n", &["--output", "json"]).1, "{\"value\":[1,2]}\n");
    let (code, out, said) = piped(format!("{}\n1 + 1\n", "x".repeat(10 << 20)).as_bytes(), &[]);
    assert!(code == Some(1) && out == "2\n" && said.lines().count() < 4 && said.len() < 1000, "{}", &said[..said.len().min(400)]);
}
