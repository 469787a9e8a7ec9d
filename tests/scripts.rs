//! Every example of every declaration gives what it says; every script of `examples/` prints what its golden file says.

use losscape::script::api::{Dynamic, MatrixValue, Object, Vector};
use losscape::script::{Environment, Language, json};
use serde_json::Value;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Whether two values agree, numbers within the tolerance.
fn agree(a: &Value, b: &Value, tolerance: f64) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| agree(a, b, tolerance)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(k, v)| b.get(k).is_some_and(|w| agree(v, w, tolerance)))
        }
        (Value::Number(a), Value::Number(b)) => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() <= tolerance,
            _ => false,
        },
        _ => a == b,
    }
}

#[test]
fn numbers_agree_within_their_tolerance_only() {
    let (a, b) = (serde_json::json!([1.0, {"x": 2}]), serde_json::json!([1.01, {"x": 2.0}]));
    assert!(agree(&a, &b, 0.02) && !agree(&a, &b, 0.001));
    assert!(!agree(&serde_json::json!([1.0]), &serde_json::json!([1.0, 2.0]), 1.0));
}

#[test]
fn every_example_gives_what_it_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let language = Language::new(Environment::silent());
    let mut wrong = String::new();
    let mut count = 0;
    for (name, natives) in &language.catalogue.natives {
        for native in natives.iter().filter(|n| n.name == *name) {
            for example in &native.examples {
                count += 1;
                // Examples that write do so beside each other in a folder that goes.
                let place = |text: &str| text.replace("FOLDER", &folder.path().display().to_string());
                let got = match language.run(place(&example.script).as_str()) {
                    Ok(value) => value,
                    Err(failure) => {
                        writeln!(wrong, "{name}: {}: {}", example.script, failure.error).expect("memory");
                        continue;
                    }
                };
                if example.expected.is_empty() {
                    continue;
                }
                match language.run(place(&example.expected).as_str()) {
                    Ok(expected) => {
                        let (a, b) = (json::to_json(&got, &language.catalogue), json::to_json(&expected, &language.catalogue));
                        if !agree(&a, &b, example.tolerance) {
                            writeln!(wrong, "{name}: {} gives {a}, not {b}", example.script).expect("memory");
                        }
                    }
                    Err(failure) => {
                        writeln!(wrong, "{name}: expected value {}: {}", example.expected, failure.error).expect("memory")
                    }
                }
            }
        }
    }
    assert!(count > 60, "only {count} examples were found");
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn values_print_as_scripts_write_them() {
    let language = Language::new(Environment::silent());
    for (script, shown) in [
        ("vector([1, 2.5])", "[1.0, 2.5]"),
        ("[1, 2.5, \"a\", ()]", "[1, 2.5, \"a\", ()]"),
        ("#{a: vector([1])}", "#{a: [1.0]}"),
        ("`${vector([1])} ${[vector([2]), ()]}`", "[1.0] [[2.0], ()]"),
        ("matrix([[1, 2], [3, 4]])", "matrix 2 × 2\n  [1.0, 2.0]\n  [3.0, 4.0]"),
        ("table(#{a: [1, 20], b: [\"x\", \"yy\"]})", " a  b\n 1  x\n20  yy"),
        ("1e-9 + 0", "1e-9"),
    ] {
        let value = language.run(script).unwrap_or_else(|f| panic!("{script}: {}", f.error));
        assert_eq!(language.catalogue.show(&value), shown, "{script}");
    }
    let point = Dynamic::from(Object::new("Point").field("energy", -1.5).field("position", vec![0.0, 1.0]));
    assert_eq!(language.catalogue.show(&point), "Point\n  energy    -1.5\n  position  [0.0, 1.0]");
    assert!(language.catalogue.show(&Dynamic::from(Vector::new(vec![0.0; 1000]))).contains("1000 in all"));
    let _ = MatrixValue::text;
}

/// What the language itself promises, traps of Rhai among it.
#[test]
fn the_language_counts_as_a_calculator_does() {
    let language = Language::new(Environment::silent());
    for truth in [
        "7 / 2 == 3.5",
        "2 ** -1 == 0.5",
        "2 ** 10 == 1024",
        "2 ** 100 > 1e30",
        "let a = 1; a /= 2; a == 0.5",
        "let a = 3; let f = || a; a /= 2; a == 1.5 && f.call() == 1.5",
        "let a = 3; a /= 2.0; a == 1.5",
        "6 / 3 == 2",
        "sqrt(16) == 4.0 && exp(0) == 1.0 && abs(-3) == 3 && round(3) == 3 && max(1, 2.5) == 2.5 && min(1, 2) == 1",
        "max(2.5, 1) == 2.5 && max(1, 2) == 2 && min(2.0, 3) == 2.0 && (3).to_int() == 3 && (3.7).to_int() == 3",
        "[1, 2] == [1.0, 2.0]",
        "vector([1, 2]) == [1, 2] && [1, 2] == vector([1, 2]) && vector([1]) != vector([2])",
        "!(vector([1.0, 2.0]) == 3) && vector([1]) != 3",
        "let w = vector([1, 2]); let up = w; up[0] += 1; w[0] == 1 && up[0] == 2",
        "let m = matrix([[1, 2], [3, 4]]); let n = m; n[1][0] = 9; n[1][0] == 9 && m[1][0] == 3",
        "(vector([1, 2]) * 2 + [1, 1]) / 2 - vector([1, 2]) == [0.5, 0.5]",
        "(2 - vector([1, 2]) == [1, 0]) && (-vector([1]) == [-1]) && (2 ** vector([1, 2]) == [2, 4])",
        "let t = 0; for x in vector([1, 2, 3]) { t += x; } t == 6",
        "let t = 0; for r in matrix([[1, 2], [3, 4]]) { t += r.sum(); } t == 10",
        "vector([1, 2, 3])[1..3] == [2, 3] && vector([1, 2, 3])[-1] == 3",
        "let c = [[1, 2], [3, 4]]; c[1][0] /= 2; c[1][0] == 1.5",
        "#{a: 1}.a == 1 && #{a: 1}.len() == 1",
        "let s = #{}; s[\"x\"] = true; s.y = 2; s.len() == 2",
        "fn f(x) { x + 1 } let v = vector([1, 2]).map(|x| f(x)); v == [2, 3]",
        "let e = [3.0, 1.0]; e.sort(); e == [1.0, 3.0]",
        "let kind = \"\"; try { vector([1])[5] } catch (e) { kind = e.kind; } kind == \"value\"",
        "let m = \"\"; try { throw \"stop\" } catch (e) { m = e; } m == \"stop\"",
        "let m = \"\"; try { [1][5] } catch (e) { m = e.message; } m.contains(\"index 5\")",
        "linspace(0, 1, 3).len == 3 && linspace(0, 1, 3).sum() == 1.5",
        "(0).linspace(1, 3).len() == 3",
        "let k = 2; let f = |x| x * k; [1, 2].map(f) == [2, 4]",
        "[3, 4].norm() == 5 && [3, 4].len() == 2 && [3, 4].len == 2",
        "table(#{a: [1, 2]}).a[1] == 2 && table(#{a: [1, 2]}).a.len == 2",
    ] {
        let value = language.run(truth).unwrap_or_else(|f| panic!("{truth}: {}", f.error));
        assert_eq!(value.as_bool().ok(), Some(true), "{truth}");
    }
}

fn golden(name: &str) -> PathBuf {
    Path::new("tests/golden").join(name).with_extension("txt")
}

/// Compares a line with its golden one word by word: numbers within a relative tolerance or in a range `1..4`, the rest exactly.
fn same_line(a: &str, b: &str, tolerance: f64) -> bool {
    let within = |shown: &str, range: &str| -> Option<bool> {
        let (low, high) = range.split_once("..")?;
        let (low, high, shown): (f64, f64, f64) = (low.parse().ok()?, high.parse().ok()?, shown.parse().ok()?);
        Some(low <= shown && shown <= high)
    };
    let words = |line: &str| -> Vec<String> {
        line.split(|c: char| c.is_whitespace() || "()[]{},;:=".contains(c)).filter(|w| !w.is_empty()).map(String::from).collect()
    };
    let (a, b) = (words(a), words(b));
    a.len() == b.len()
        && a.iter().zip(&b).all(|(a, b)| match (a.parse::<f64>(), b.parse::<f64>()) {
            (Ok(x), Ok(y)) => (x - y).abs() <= tolerance * x.abs().max(y.abs()).max(1e-9),
            _ => within(a, b).unwrap_or(a == b),
        })
}

#[test]
fn golden_lines_allow_what_they_say() {
    assert!(same_line("minimum 3 at (1.0, 2): -44.3268", "minimum 1..4 at (1.0000000001, 2.0): -44.32680001", 1e-6));
    for (shown, golden) in [("minimum 5", "minimum 1..4"), ("a 1.0", "a 1.1"), ("a 1", "b 1"), ("a", "a 1"), ("a x", "a 1..4")] {
        assert!(!same_line(shown, golden, 1e-3), "{shown} is not {golden}");
    }
}

fn run_example(path: &Path) -> Result<(), String> {
    let name = path.file_name().unwrap_or_default();
    let golden = golden(&name.to_string_lossy());
    let expected = std::fs::read_to_string(&golden).map_err(|e| format!("{}: {e}", golden.display()))?;
    let (first, expected) = expected.split_once('\n').unwrap_or_default();
    let tolerance: f64 =
        first.strip_prefix("tolerance ").and_then(|t| t.trim().parse().ok()).ok_or("the first line must be `tolerance 1e-6`")?;
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let script = path.canonicalize().map_err(|e| e.to_string())?;
    let output = Command::new(env!("CARGO_BIN_EXE_losscape"))
        .args(["--quiet".as_ref(), script.as_os_str()])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .map_err(|e| e.to_string())?;
    if !output.status.success() {
        return Err(format!("{}: {}", path.display(), String::from_utf8_lossy(&output.stderr)));
    }
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    // A line `…` stands for any number of lines: pictures in characters differ where rounding does.
    let (shown_lines, expected_lines): (Vec<&str>, Vec<&str>) = (shown.lines().collect(), expected.lines().collect());
    let pairs: Vec<(&str, &str)> = match expected_lines.iter().position(|l| *l == "…") {
        Some(gap) if shown_lines.len() + 1 >= expected_lines.len() => {
            let after = expected_lines.len() - gap - 1;
            let ends = shown_lines[shown_lines.len() - after..].iter().zip(&expected_lines[gap + 1..]);
            shown_lines[..gap].iter().zip(&expected_lines[..gap]).chain(ends).map(|(a, b)| (*a, *b)).collect()
        }
        None if shown_lines.len() == expected_lines.len() => shown_lines.into_iter().zip(expected_lines).collect(),
        _ => return Err(format!("{} prints\n{shown}\ninstead of\n{expected}", path.display())),
    };
    for (shown, expected) in pairs {
        if !same_line(shown, expected, tolerance) {
            return Err(format!("{} prints\n  {shown}\ninstead of\n  {expected}", path.display()));
        }
    }
    Ok(())
}

fn examples() -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir("examples") else { return Vec::new() };
    let mut all: Vec<PathBuf> =
        entries.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "rhai")).collect();
    all.sort();
    all
}

/// The scripts of the papers, a folder each.
fn studies() -> Vec<PathBuf> {
    let papers = std::fs::read_dir("scripts").expect("scripts").flatten().map(|e| e.path());
    let mut all: Vec<PathBuf> = papers
        .flat_map(|paper| std::fs::read_dir(paper).expect("a folder of scripts").flatten().map(|e| e.path()))
        .filter(|p| p.extension().is_some_and(|e| e == "rhai"))
        .collect();
    all.sort();
    assert!(!all.is_empty());
    all
}

/// Examples that compute longer than a test may in an unoptimised build.
const SLOW: [&str; 1] = ["quickstart.rhai"];

fn is_slow(path: &Path) -> bool {
    SLOW.iter().any(|slow| path.ends_with(slow))
}

#[test]
fn examples_print_what_their_golden_files_say() {
    let wrong: Vec<String> = examples().iter().filter(|p| !is_slow(p)).filter_map(|p| run_example(p).err()).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    for entry in std::fs::read_dir("tests/golden").into_iter().flatten().flatten() {
        let script = Path::new("examples").join(entry.file_name()).with_extension("rhai");
        assert!(script.exists(), "{} belongs to no example", entry.path().display());
    }
}

#[test]
#[ignore = "two minutes with a release build: cargo test --release -- --ignored slow_examples"]
fn slow_examples_print_what_their_golden_files_say() {
    let wrong: Vec<String> = examples().iter().filter(|p| is_slow(p)).filter_map(|p| run_example(p).err()).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// C. J. Tsai, K. D. Jordan, J. Phys. Chem. 97, 11227 (1993): numbers of minima and transition states of small clusters.
#[test]
fn small_clusters_have_the_published_numbers() {
    let script = Path::new("scripts/tsai_jordan1993/counts.rhai").canonicalize().expect("the script");
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(env!("CARGO_BIN_EXE_losscape"))
        .args(["--quiet".as_ref(), script.as_os_str(), "--largest".as_ref(), "7".as_ref()])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let shown = String::from_utf8_lossy(&output.stdout);
    let counts: Vec<Vec<&str>> = shown.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    let truth = [["4", "1", "1"], ["5", "1", "2"], ["6", "2", "3"], ["7", "4", "12"]];
    assert_eq!(counts.len(), truth.len(), "{shown}");
    for (row, [atoms, minima, transition_states]) in counts.iter().zip(truth) {
        assert_eq!(row[..5], [atoms, minima, minima, transition_states, transition_states], "{shown}");
    }
    assert!(folder.path().join("lj7.svg").exists());
}

/// Runs a script of the paper of 2020 in a folder; what it prints, or its error.
fn chitturi(folder: &Path, script: &str, arguments: &[&str]) -> Result<String, String> {
    let script = Path::new("scripts/chitturi2020").join(script).canonicalize().expect("the script");
    let output = Command::new(env!("CARGO_BIN_EXE_losscape"))
        .args(["--quiet".as_ref(), script.as_os_str()])
        .args(["--scale", "tiny"])
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("the program starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// The whole numbers of the first line that begins with `from`: minima, transition states, components of a table.
fn counts_of(shown: &str, from: &str) -> Vec<usize> {
    let line = shown.lines().find(|l| l.trim_start().starts_with(from)).unwrap_or_else(|| panic!("no {from} in\n{shown}"));
    line.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

/// The tables and figures of doi:10.1088/2632-2153/ab7aef, small: they run, keep what they find, and say the same of it.
#[test]
fn the_paper_of_2020_comes_out_small() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |script: &str, arguments: &[&str]| chitturi(folder.path(), script, arguments);
    let table = run("table1.rhai", &["--percentages", "0,50", "--draws", "1"]).unwrap_or_else(|e| panic!("{e}"));
    assert!(table.contains("122") && table.contains("592"), "{table}");
    let [minima, _, states, ..] = counts_of(&table, "here")[..] else { panic!("{table}") };
    assert!(minima > 0 && states > 0, "{table}");
    // The figure draws from the same files.
    let figure = run("figure1.rhai", &["--percentages", "0,50", "--draw-only"]).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(counts_of(&figure, "here")[..2], [minima, states], "{figure}");
    // Run again it goes on: nothing is lost.
    let again = run("table1.rhai", &["--percentages", "0", "--draws", "1", "--max-hours", "1"]).unwrap_or_else(|e| panic!("{e}"));
    let more = counts_of(&again, "here");
    assert!(more[0] >= minima && more[2] >= states, "{again}");
    for name in ["table1.svg", "table1.png", "table1-counts.csv", "table1-auc.csv", "figure1.svg", "figure1.png"] {
        assert!(folder.path().join("chitturi2020").join(name).exists(), "{name}");
    }
    let grown = run("table4.rhai", &["--hidden", "2", "--items", "100"]).unwrap_or_else(|e| panic!("{e}"));
    assert!(counts_of(&grown, "here")[0] > 0, "{grown}");
    let failed = run("figure8.rhai", &["--draw-only"]).expect_err("nothing has been searched with three hidden layers");
    assert!(failed.contains("is empty: without --draw-only"), "{failed}");
    let failed = run("table3.rhai", &["--mnist", "nowhere"]).expect_err("there is no data");
    assert!(failed.contains("--mnist DIR") && failed.contains("nowhere"), "{failed}");
}

#[test]
fn every_example_and_stdlib_file_is_sound() {
    let language = Language::new(Environment::silent());
    let measured = std::fs::read_dir("benches/side_by_side").expect("benches").flatten().map(|entry| entry.path());
    let measured = measured.filter(|path| path.extension().is_some_and(|ending| ending == "rhai"));
    for path in examples().into_iter().chain(studies()).chain(measured) {
        let text = std::fs::read_to_string(&path).expect("text");
        let mistakes: Vec<String> = language.check(&text.as_str().into()).iter().map(|f| f.error.to_string()).collect();
        assert!(mistakes.is_empty(), "{}: {mistakes:?}", path.display());
    }
    for (name, _) in losscape::script::stdlib::files() {
        assert!(Path::new(name).exists(), "{name}");
    }
    for entry in std::fs::read_dir("stdlib").expect("stdlib").flatten() {
        let name = format!("stdlib/{}", entry.file_name().to_string_lossy());
        assert!(
            losscape::script::stdlib::files().any(|(known, _)| known == name),
            "{name} is not loaded: add it to FILES in src/script/stdlib.rs"
        );
    }
}

#[test]
fn the_reference_is_current() {
    let page = losscape::script::help::reference(&Language::new(Environment::silent()).catalogue);
    let there = std::fs::read_to_string("docs/reference.md").unwrap_or_default();
    assert!(there == page, "docs/reference.md is not what the declarations say; mend it with: cargo run -- reference");
}
