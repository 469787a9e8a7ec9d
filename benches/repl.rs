//! How long a person at the prompt waits: one key with completion, hint and colours, and from the start of the program to the prompt.
//!
//! Each row is the median of its repetitions, the slowest beside it, and the target: 5 ms a key with 1,000 variables, 50 ms to the prompt.
//! Run: `cargo bench --bench repl`.

use losscape::script::Language;
use losscape::script::api::Environment;
use losscape::script::complete::{complete, hint};
use losscape::script::lexer::tokens;
use losscape::script::session::Session;
use std::time::Instant;

fn main() {
    let mut session = Session::new(Language::new(Environment::silent()));
    let lines: String = (0..1000).map(|k| format!("let variable_{k} = vector([{k}, 1, 2]);\n")).collect();
    drop(session.run(&lines).expect("variables"));
    drop(
        session
            .run("let found = basin_hop(lennard_jones(8), #{steps: 20, seed: 1}); let m = found.global_minimum;")
            .expect("a landscape"),
    );
    for line in [
        "vari",
        "variable_99",
        "minimise(muller_brown(), [-0.5, 1.4], #{tol",
        "found.global_minimum.pos",
        "found.",
        "let energies = found.minima.map(|m| m.energy); mini",
    ] {
        // What the editor does at a key: takes the line apart for colours and brackets, asks for a hint, completes.
        let times = (0..200).map(|_| {
            let began = Instant::now();
            let pieces = tokens(line);
            let found = complete(line, line.len(), &session).1.len() + usize::from(hint(line, &session).is_some());
            assert!(found > 0 && !pieces.all.is_empty());
            began.elapsed().as_secs_f64()
        });
        row(&format!("key after `{line}`"), times.collect(), 5.0);
    }
    #[cfg(unix)]
    row("start to prompt", (0..20).map(|_| start_to_prompt()).collect(), 50.0);
}

/// Seconds from starting the program in a pseudo-terminal to its prompt.
#[cfg(unix)]
fn start_to_prompt() -> f64 {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_losscape"));
    command.env("LOSSCAPE_HISTORY", "");
    let began = Instant::now();
    let options = rexpect::reader::Options::new().timeout_ms(Some(10_000)).strip_ansi_escape_codes(true);
    let mut session = rexpect::session::spawn_with_options(command, options).expect("a pseudo-terminal");
    // Looked at without pause: waiting for a string sleeps a tenth of a second between two looks.
    let mut seen = String::new();
    while !seen.contains("[1]> ") {
        assert!(began.elapsed().as_secs() < 10, "no prompt: {seen}");
        match session.try_read() {
            Some(letter) => seen.push(letter),
            None => std::thread::sleep(std::time::Duration::from_micros(100)),
        }
    }
    began.elapsed().as_secs_f64()
}

fn row(name: &str, mut seconds: Vec<f64>, target: f64) {
    seconds.sort_by(f64::total_cmp);
    let (median, slowest) = (1e3 * seconds[seconds.len() / 2], 1e3 * seconds[seconds.len() - 1]);
    println!("{name:<70} {median:>8.3} ms, slowest {slowest:>8.3} ms, target {target} ms");
}
