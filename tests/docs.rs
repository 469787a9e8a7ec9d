//! What the documents say holds: their commands and scripts run, their links and the files they name are there.
//! Left out: `docs/reference.md`, whose examples `tests/scripts.rs` runs entry by entry.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The documents with their text, by their path from the root.
fn documents() -> Vec<(String, String)> {
    let mut names: Vec<String> = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(String::from).to_vec();
    let mut guides: Vec<String> = std::fs::read_dir(root().join("docs"))
        .unwrap()
        .map(|entry| format!("docs/{}", entry.unwrap().file_name().to_string_lossy()))
        .filter(|name| name.ends_with(".md"))
        .collect();
    guides.sort();
    names.extend(guides);
    names.into_iter().map(|name| (name.clone(), std::fs::read_to_string(root().join(&name)).unwrap())).collect()
}

/// A fenced block: its language, the line it begins at, its text.
#[derive(Debug, PartialEq)]
struct Block {
    language: String,
    line: usize,
    text: String,
}

fn blocks(text: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut open = false;
    for (i, line) in text.lines().enumerate() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            if !open {
                found.push(Block { language: language.trim().into(), line: i + 1, text: String::new() });
            }
            open = !open;
        } else if open && let Some(block) = found.last_mut() {
            block.text += line;
            block.text += "\n";
        }
    }
    found
}

/// The text without its fenced blocks, lines kept.
fn prose(text: &str) -> String {
    let mut open = false;
    let keep = |line: &str| {
        let fence = line.trim_start().starts_with("```");
        let hidden = open || fence;
        open ^= fence;
        if hidden { String::new() } else { line.to_string() }
    };
    text.lines().map(keep).collect::<Vec<_>>().join("\n")
}

fn losscape(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_losscape")).args(arguments).current_dir(folder).output().unwrap()
}

/// Why the run failed; none where it did not.
fn failure(what: &str, output: &Output) -> Option<String> {
    (!output.status.success())
        .then(|| format!("{what} ended with {}:\n{}", output.status, String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn scripts_in_the_documents_run() {
    let mut complaints = Vec::new();
    let mut scripts = 0;
    for (name, text) in documents().iter().filter(|(name, _)| name != "docs/reference.md") {
        for block in blocks(text).iter().filter(|b| b.language.starts_with("rhai")) {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("script.rhai"), &block.text).unwrap();
            scripts += 1;
            let output = losscape(&["--quiet", "script.rhai"], folder.path());
            let what = format!("{name}:{}: the script", block.line);
            complaints.extend(failure(&what, &output));
            if block.text.contains("print(") && output.stdout.is_empty() {
                complaints.push(format!("{what} printed nothing"));
            }
        }
    }
    assert!(scripts > 0, "README.md shows no script");
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn commands_in_the_documents_work() {
    let mut complaints = Vec::new();
    for (name, text) in documents().iter().filter(|(name, _)| name != "docs/reference.md") {
        for block in blocks(text).iter().filter(|b| ["sh", "bash", "console"].contains(&b.language.as_str())) {
            for (i, line) in block.text.lines().enumerate() {
                if let Err(why) = check_command(line) {
                    complaints.push(format!("{name}:{}: `{line}`: {why}", block.line + 1 + i));
                }
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// Runs a command of a document as far as that is cheap: losscape's own are run (scripts only checked), of cargo's the names are looked up.
fn check_command(line: &str) -> Result<(), String> {
    let words = words(line.split(" #").next().unwrap_or_default());
    let words: Vec<&str> =
        words.iter().map(String::as_str).skip_while(|w| *w == "$" || (w.contains('=') && !w.starts_with('-'))).collect();
    let there = |file: &str| if root().join(file).exists() { Ok(()) } else { Err(format!("there is no {file}")) };
    match words.as_slice() {
        [] | ["git", "clone", ..] | ["cd", ..] => Ok(()),
        ["bash", file, ..] => there(file),
        ["cargo", "run", "--release", "--", rest @ ..] | ["losscape", rest @ ..] => run_losscape(rest),
        ["cargo", "build" | "test" | "fmt" | "clippy" | "doc", ..] => Ok(()),
        ["cargo", "install", "--path", place] => there(place),
        ["cargo", "bench"] => Ok(()),
        ["cargo", "bench", "--bench", name, ..] => there(&format!("benches/{name}.rs")),
        [other, ..] => Err(format!("this test does not know {other}: teach it in tests/docs.rs")),
    }
}

fn run_losscape(arguments: &[&str]) -> Result<(), String> {
    let script = arguments.iter().find(|a| a.ends_with(".rhai"));
    let output = match script {
        Some(script) if root().join(script).exists() => losscape(&["check", script], root()),
        // A name that stands for the reader's own script.
        Some(script) if !script.contains('/') => return Ok(()),
        Some(script) => return Err(format!("there is no {script}")),
        None => {
            let folder = tempfile::tempdir().unwrap();
            losscape(arguments, folder.path())
        }
    };
    failure("it", &output).map_or(Ok(()), Err)
}

/// The words of a shell line, quotes taken off.
fn words(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match quote {
            Some(q) if c == q => quote = None,
            None if c == '\'' || c == '"' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => found.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    found.extend(word);
    found
}

#[test]
fn links_and_named_files_are_there() {
    let mut complaints = Vec::new();
    for (name, text) in documents() {
        let folder = root().join(&name).parent().map(PathBuf::from).unwrap_or_default();
        for (i, line) in prose(&text).lines().enumerate() {
            for target in links(line) {
                let (file, heading) = target.split_once('#').unwrap_or((&target, ""));
                let path = if file.is_empty() { root().join(&name) } else { folder.join(file) };
                if !path.exists() {
                    complaints.push(format!("{name}:{}: the link to {target} leads nowhere", i + 1));
                } else if !heading.is_empty()
                    && !headings(&std::fs::read_to_string(&path).unwrap_or_default()).contains(&heading.to_string())
                {
                    complaints.push(format!("{name}:{}: {file} has no heading for #{heading}", i + 1));
                }
            }
            for file in named_files(line) {
                if !root().join(&file).exists() {
                    complaints.push(format!("{name}:{}: `{file}` is named, but not there", i + 1));
                }
            }
        }
    }
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

/// Targets of `[text](target)` within this repository.
fn links(line: &str) -> Vec<String> {
    let ends = line.match_indices("](").map(|(at, _)| &line[at + 2..]);
    let targets = ends.filter_map(|rest| rest.split_once(')').map(|(target, _)| target.to_string()));
    targets.filter(|t| !t.contains("://") && !t.starts_with("mailto:")).collect()
}

/// Inline code that names a file or folder of this repository; patterns and placeholders name none.
fn named_files(line: &str) -> Vec<String> {
    const FOLDERS: [&str; 8] = ["src/", "tests/", "docs/", "stdlib/", "examples/", "benches/", "scripts/", ".ci/"];
    let code = line.split('`').skip(1).step_by(2);
    let files = code.filter(|c| FOLDERS.iter().any(|f| c.starts_with(f)) && !c.contains([' ', '*', '<', '…', '{', 'X']));
    files.map(String::from).collect()
}

/// Anchors of the headings, as GitHub makes them.
fn headings(text: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|l| l.strip_prefix('#')).map(|l| l.trim_start_matches('#').trim().to_lowercase());
    lines.map(|l| l.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect::<String>().replace(' ', "-")).collect()
}

#[test]
fn blocks_words_links_and_headings_are_told_apart() {
    let text = "# A title: one\n[a](b.md#c) ![p](q.png) [w](https://x.y)\n```rhai\nlet x = 1;\n[no](link)\n```\nuse `src/lib.rs` and `src/*/x.rs`";
    assert_eq!(blocks(text), [Block { language: "rhai".into(), line: 3, text: "let x = 1;\n[no](link)\n".into() }]);
    let prose = prose(text);
    assert_eq!(prose.lines().flat_map(links).collect::<Vec<_>>(), ["b.md#c", "q.png"]);
    assert_eq!(prose.lines().flat_map(named_files).collect::<Vec<_>>(), ["src/lib.rs"]);
    assert_eq!(headings(text), ["a-title-one"]);
    assert_eq!(words("losscape -e 'print(\"a b\")' x"), ["losscape", "-e", "print(\"a b\")", "x"]);
}

#[test]
fn wrong_commands_are_found() {
    for bad in ["frobnicate now", "bash .ci/walk", "cargo bench --bench nothing", "losscape examples/nothing.rhai"] {
        assert!(check_command(bad).is_err(), "{bad}");
    }
    for good in [
        "$ cargo test",
        "git clone https://example.org/losscape",
        "LOSSCAPE_LAPACK=none cargo build --release",
        "losscape mine.rhai # yours",
        "",
    ] {
        assert_eq!(check_command(good), Ok(()), "{good}");
    }
}
