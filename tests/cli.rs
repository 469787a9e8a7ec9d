//! The program as people start it: exit codes, Ctrl-C, JSON, arguments of a script, help, check.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn losscape() -> Command {
    Command::new(env!("CARGO_BIN_EXE_losscape"))
}

fn run(arguments: &[&str]) -> Output {
    losscape().args(arguments).stdin(Stdio::null()).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn script(folder: &Path, name: &str, content: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, content).expect("a script is written");
    path.display().to_string()
}

#[test]
fn the_value_of_a_text_is_shown() {
    for (arguments, shown) in [
        (&["-e", "7 / 2"][..], "3.5\n"),
        (&["-e", "let x = 1;"], ""),
        (&["-e", "-1 + 3"], "2\n"),
        (&["-e", "\"text\""], "text\n"),
        (&["-e", "ARGS[1]", "a", "b"], "b\n"),
        (&["--output", "json", "-e", "[1, 2.5, \"a\", ()]"], "{\"value\":[1,2.5,\"a\",null]}\n"),
        (&["--output", "json", "-e", "vector([1, 2])"], "{\"value\":[1.0,2.0]}\n"),
    ] {
        let output = run(arguments);
        assert_eq!(
            (output.status.code(), text(&output.stdout).as_str()),
            (Some(0), shown),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
    }
}

#[test]
fn exit_codes_tell_what_happened() {
    let folder = tempfile::tempdir().expect("a folder");
    let good = script(folder.path(), "good.rhai", "#!/usr/bin/env losscape\nprint(1 + 1); 5");
    let bad = script(folder.path(), "bad.rhai", "let v = vector([1, 2]);\nprint(v[7]);");
    let output = run(&[&good]);
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(0), "2\n"));
    let output = run(&[&bad]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for words in ["bad.rhai:2:", "print(v[7]);", "^", "index 7", "2 elements"] {
        assert!(said.contains(words), "{words} in {said}");
    }
    assert_eq!(run(&["none.rhai"]).status.code(), Some(1));
    assert_eq!(run(&["--sed", "1", "-e", "1"]).status.code(), Some(2));
    assert_eq!(run(&["--output", "xml", "-e", "1"]).status.code(), Some(2));
    let output = run(&["--max-hours", "0.0001", "-e", "loop {}"]);
    assert_eq!(output.status.code(), Some(75), "{}", text(&output.stderr));
    assert_eq!(run(&["--safe", "-e", "loop {}"]).status.code(), Some(1));
    assert_eq!(run(&[]).status.code(), Some(0));
}

#[test]
fn errors_are_json_when_asked_for() {
    let output = run(&["--output", "json", "-e", "let a = 1;\nminimse(a)"]);
    assert_eq!(output.status.code(), Some(1));
    let read: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let error = &read["error"];
    assert_eq!((error["kind"].as_str(), error["line"].as_u64(), error["column"].as_u64()), (Some("name"), Some(2), Some(1)));
    assert!(error["message"].as_str().is_some_and(|m| m.contains("minimise")), "{error}");
    assert_eq!(error["file"].as_str(), Some("-e"));
}

#[test]
fn a_script_declares_its_arguments() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = script(
        folder.path(),
        "study.rhai",
        "let a = args(#{steps: 100, rate: 0.5, name: \"x\", fast: false, seed: 1});\nprint(`${a.steps} ${a.rate} ${a.name} ${a.fast} ${a.seed} ${ARGS.len()}`);",
    );
    for (arguments, shown) in [
        (&[][..], "100 0.5 x false 1 0\n"),
        (&["--steps", "500", "--fast", "--name=y z"], "500 0.5 y z true 1 4\n"),
        (&["--rate", "-2", "file", "--seed", "9"], "100 -2.0 x false 9 3\n"),
    ] {
        let output = run(&[&[path.as_str()], arguments].concat());
        assert_eq!(text(&output.stdout), shown, "{arguments:?}: {}", text(&output.stderr));
    }
    let output = run(&[&path, "--help"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("--steps") && text(&output.stdout).contains("default 100"), "{}", text(&output.stdout));
    for (wrong, words) in [("--stepz=1", "--steps"), ("--steps=many", "whole number")] {
        let output = run(&[&path, wrong]);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains(words), "{}", text(&output.stderr));
    }
}

#[test]
fn check_runs_nothing_and_finds_every_mistake() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = script(
        folder.path(),
        "wrong.rhai",
        "print(\"ran\");\nif false { minimse(1); }\nfn f(a) { vector([1]).norm(a, 2, 3) }\nminimise(muller_brown(), [0, 0], #{tolerence: 1});\nf(1, 2);",
    );
    let output = run(&["check", &path]);
    let said = text(&output.stderr);
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(1), ""), "{said}");
    for words in [":2:12", "minimise", ":3:23", "norm", ":4:36", "tolerance", ":5:1", "`f`"] {
        assert!(said.contains(words), "{words} in {said}");
    }
    let good = script(
        folder.path(),
        "good.rhai",
        "let l = landscape(muller_brown());\nfor m in l.minima { print(m.energy); }\nlet f = |x| x * 2;\nf.call(2);",
    );
    assert_eq!(run(&["check", &good]).status.code(), Some(0), "{}", text(&run(&["check", &good]).stderr));
}

#[test]
fn help_knows_names_and_their_neighbours() {
    let output = run(&["help", "minimise"]);
    let said = text(&output.stdout);
    for words in ["minimise(potential, start, #{…})", "tolerance", "lbfgs"] {
        assert!(said.contains(words), "{words} in {said}");
    }
    let inside = run(&["-e", "help(\"minimise\")"]);
    assert_eq!(text(&inside.stdout), said, "the same text in a script");
    let output = run(&["help", "minimse"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("minimise"));
    assert!(text(&run(&["help"]).stdout).contains("basin_hop"));
    let version = text(&run(&["--version", "--verbose"]).stdout);
    for words in [env!("CARGO_PKG_VERSION"), "LAPACK", "CUDA", "processor"] {
        assert!(version.contains(words), "{words} in {version}");
    }
}

#[test]
fn safe_mode_keeps_to_its_folders() {
    let folder = tempfile::tempdir().expect("a folder");
    let inside = folder.path().display().to_string();
    let save = |name: &str| format!("save([1, 2], \"{inside}/{name}\")");
    let output = run(&["--safe", "-e", &save("a.csv")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("--allow-write"), "{}", text(&output.stderr));
    assert!(!folder.path().join("a.csv").exists());
    assert_eq!(run(&["--safe", "--allow-write", &inside, "-e", &save("b.csv")]).status.code(), Some(0));
    assert!(folder.path().join("b.csv").exists());
    let climb = format!("save([1], \"{inside}/../escape.csv\")");
    assert_eq!(run(&["--safe", "--allow-write", &inside, "-e", &climb]).status.code(), Some(1));
    let other = script(folder.path(), "other.rhai", "fn two() { 2 }");
    let import = format!("import \"{}\" as other; other::two()", other.trim_end_matches(".rhai"));
    assert_eq!(run(&["--safe", "-e", &import]).status.code(), Some(1));
    assert_eq!(text(&run(&["-e", &import]).stdout), "2\n");
}

#[test]
fn import_finds_files_beside_the_one_that_imports() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("deep")).expect("a folder");
    script(&folder.path().join("deep"), "inner.rhai", "fn three() { 3 }");
    script(
        folder.path(),
        "other.rhai",
        "fn two() { import \"deep/inner\" as i; i::three() - 1 }\nfn wrong() {\n  vector([1])[5] }",
    );
    let good = script(folder.path(), "good.rhai", "import \"other\" as o;\nprint(o::two());");
    let bad = script(folder.path(), "bad.rhai", "import \"other\" as o;\no::wrong();");
    let elsewhere = tempfile::tempdir().expect("a folder");
    let output = losscape().arg(&good).current_dir(elsewhere.path()).output().expect("the program starts");
    assert_eq!(text(&output.stdout), "2\n", "{}", text(&output.stderr));
    let output = losscape().arg(&bad).current_dir(elsewhere.path()).output().expect("the program starts");
    let said = text(&output.stderr);
    let missing = script(folder.path(), "missing.rhai", "import \"other\" as o;\n\no::missing();");
    assert!(text(&run(&[&missing]).stderr).contains("missing.rhai:3:"), "{}", text(&run(&[&missing]).stderr));
    assert!(said.contains("other.rhai:3:15") && said.contains("vector([1])[5]"), "{said}");
}

#[cfg(unix)]
#[test]
fn interrupt_ends_a_run_within_a_second() {
    for work in ["loop {}", "print(\"begun\"); basin_hop(lennard_jones(38), #{steps: 1000000})"] {
        let mut child = losscape().args(["-e", work]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
        std::thread::sleep(Duration::from_millis(1500));
        let begun = Instant::now();
        let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
        assert!(sent.success());
        let status = child.wait().expect("it ends");
        assert_eq!(status.code(), Some(130), "{work}");
        // A second is promised; the machine may be busy with other tests.
        assert!(begun.elapsed() < Duration::from_secs(3), "{work}: {:?}", begun.elapsed());
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_is_no_error() {
    let mut child = losscape()
        .args(["-e", "for i in 0..100000 { print(i); }"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(text(&output.stderr), "");
    let _ = std::io::stdout().flush();
}

#[test]
fn a_script_says_what_it_is_without_running() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = script(folder.path(), "study.rhai", "//! Counts slowly.\nprint(\"ran\");\nlet a = args(#{steps: 100});");
    for arguments in [&["help", path.as_str()][..], &[path.as_str(), "--help"]] {
        let output = run(arguments);
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert!(said.starts_with("Counts slowly.\n") && said.contains("--steps") && !said.contains("ran"), "{said}");
    }
    let computed = script(folder.path(), "computed.rhai", "//! Computes.\nlet d = #{steps: 1 + 1}; let a = args(d);");
    let said = text(&run(&[&computed, "--help"]).stdout);
    assert!(said.contains("Computes.") && said.contains("--steps") && said.contains("default 2"), "{said}");
}

#[test]
fn a_new_script_runs_and_is_never_overwritten() {
    let folder = tempfile::tempdir().expect("a folder");
    let here =
        |arguments: &[&str]| losscape().args(arguments).current_dir(&folder).stdin(Stdio::null()).output().expect("it starts");
    assert_eq!(here(&["new", "study"]).status.code(), Some(0));
    let output = here(&["study.rhai", "--steps", "5", "--searches", "5"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(folder.path().join("study.svg").exists() && text(&output.stdout).contains("minimum 1: energy"));
    let said = text(&here(&["study.rhai", "--help"]).stdout);
    assert!(said.starts_with("study: the minima of a surface") && said.contains("--searches"), "{said}");
    std::fs::write(folder.path().join("study.rhai"), "mine").expect("a file");
    let output = here(&["new", "study.rhai"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("stays as it is"));
    assert_eq!(std::fs::read_to_string(folder.path().join("study.rhai")).expect("a file"), "mine");
    assert_eq!(here(&["new", "a/b\"c"]).status.code(), Some(2));
}

#[test]
fn shells_and_man_get_their_files() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0));
        assert!(text(&output.stdout).contains("max-hours"), "{shell}");
    }
    assert_eq!(run(&["completions", "csh"]).status.code(), Some(2));
    assert!(text(&run(&["man"]).stdout).contains(".TH losscape"));
}

#[test]
fn words_find_functions_and_failed_searches_advise() {
    let said = text(&run(&["help", "heat", "map"]).stdout);
    assert!(said.contains("heatmap("), "{said}");
    let output = run(&["-e", "minimise(rosenbrock(2), [-1.2, 1.0], #{max_iterations: 2})"]);
    assert!(text(&output.stderr).contains("warning: not converged: raise `max_iterations`"), "{}", text(&output.stderr));
    assert!(text(&run(&["-q", "-e", "minimise(rosenbrock(2), [-1.2, 1.0], #{max_iterations: 2})"]).stderr).is_empty());
}

#[test]
fn an_error_shows_the_way_it_came() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = script(folder.path(), "way.rhai", "fn inner(x) {\n  x.nothing\n}\ninner(vector([1]))");
    let said = text(&run(&[&path]).stderr);
    assert!(said.contains("way.rhai:2:5") && said.contains("called at") && said.contains("way.rhai:4:1"), "{said}");
}
