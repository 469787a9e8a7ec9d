//! What scripts are told when they are wrong: every case of `tests/errors/*.cases` with its message, kind and place.
//!
//! A case is a line `# name`, the script, and `=> kind line:column length message; hint`. `ok` stands for no error.

use losscape::script::{Environment, Language};
use std::fmt::Write;
use std::path::Path;

struct Case {
    name: String,
    script: String,
    expected: String,
}

fn cases(text: &str) -> Vec<Case> {
    let mut all: Vec<Case> = Vec::new();
    let mut finished = true;
    for line in text.lines() {
        if let Some(expected) = line.strip_prefix("=> ") {
            let case = all.last_mut().expect("a result needs a case above it");
            case.expected = expected.into();
            finished = true;
        } else if finished {
            if let Some(name) = line.strip_prefix("# ") {
                all.push(Case { name: name.into(), script: String::new(), expected: String::new() });
                finished = false;
            } else {
                assert!(line.trim().is_empty(), "a line outside a case: {line}");
            }
        } else {
            writeln!(all.last_mut().expect("inside a case").script, "{line}").expect("memory");
        }
    }
    all
}

fn outcome(script: &str) -> String {
    let language = Language::new(Environment::silent());
    match language.run(script.trim_end()) {
        Ok(_) => "ok".into(),
        Err(failure) => {
            let place = failure.place.map_or("-".into(), |p| format!("{}:{} {}", p.line, p.column, p.length));
            format!("{} {place} {}", failure.error.kind.name(), failure.error)
        }
    }
}

/// Recursion as deep as the limits allow needs more stack than a test thread has.
fn deep<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::Builder::new().stack_size(losscape::script::engine::STACK).spawn(work).expect("a thread");
    thread.join().expect("no panic")
}

#[test]
fn every_mistake_is_told_as_announced() {
    let folder = Path::new("tests/errors");
    let mut wrong = String::new();
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("tests/errors") {
        let path = entry.expect("an entry").path();
        assert_eq!(path.extension().and_then(|e| e.to_str()), Some("cases"), "{} is no file of cases", path.display());
        let text = std::fs::read_to_string(&path).expect("text");
        for case in cases(&text) {
            count += 1;
            let script = case.script.clone();
            let said = deep(move || outcome(&script));
            if said != case.expected {
                writeln!(wrong, "{}: {}\n  announced {}\n  said      {said}", path.display(), case.name, case.expected)
                    .expect("memory");
            }
        }
    }
    assert!(count > 50, "only {count} cases were found");
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// Broken scripts, cut and changed at every place, give errors and never a panic.
#[test]
fn no_text_brings_it_down() {
    let seeds = [
        "let v = vector([1.0, 2.0]); v[1] += 3; print(`${v} ${v.len}`); minimise(muller_brown(), [-0.5, 1.4], #{tolerance: 1e-6}).energy",
        "fn f(n) { if n < 2 { 1 } else { f(n - 1) * n } } let m = matrix([[1, 2], [3, 4]]); f(3) + m[1][0] - m.row(0).dot([1, 2]) ** 2",
        "let t = table(#{a: [1, 2], b: [\"x\", \"y\"]}); for x in t.a { t.b.len(); } try { throw 1 } catch (e) { e }",
    ];
    let pieces = [
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "#{",
        "-",
        "**",
        "^",
        "|",
        "\"",
        "`",
        "${",
        ".",
        ",",
        ";",
        "9999999999",
        "1e999",
        "[-1]",
        "()",
        "fn",
        "é",
    ];
    deep(move || {
        let language = Language::new(Environment::silent());
        for seed in seeds {
            let letters: Vec<char> = seed.chars().collect();
            for at in (0..letters.len()).step_by(3) {
                let piece = pieces[at % pieces.len()];
                let before: String = letters[..at].iter().collect();
                let after: String = letters[at..].iter().collect();
                for script in [format!("{before}{piece}{after}"), before.clone(), after.clone()] {
                    // Only that it returns matters; what it says is the subject of the cases.
                    let _ = language.run(script.as_str());
                }
            }
        }
    });
}
