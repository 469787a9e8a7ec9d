//! The house rules that a compiler does not know: who may use whom, and where foreign crates, printing and `unsafe` belong.
//! Every source file is read once; all complaints come in one failure, each as `file:line: what belongs where`.
//! The tables below are the rules; ARCHITECTURE.md says them in words.

mod tokens;

use std::path::{Path as FilePath, PathBuf};
use tokens::{Path, Token, paths, tokens};

/// The layers, each using itself and those before it.
const LAYERS: [&str; 12] =
    ["base", "math", "plot", "data", "network", "potentials", "algorithms", "landscape", "analysis", "figures", "script", "cli"];

/// `plot` stands to the left, but these do not draw: numbers become pictures in `figures`.
const NEVER_DRAW: [&str; 6] = ["data", "network", "potentials", "algorithms", "landscape", "analysis"];

/// A foreign crate, the layer it belongs to, and what the others use instead.
const FOREIGN: [(&str, &str, &str); 22] = [
    ("rhai", "script", "a plain Rust value"),
    ("rustix", "base", "base::usage"),
    ("rusqlite", "landscape", "landscape::Landscape"),
    ("plotters", "plot", "plot::Figure"),
    ("resvg", "plot", "plot::Figure"),
    ("usvg", "plot", "plot::Figure"),
    ("tiny_skia", "plot", "plot::Figure"),
    ("svg2pdf", "plot", "plot::Figure"),
    ("dejavu", "plot", "plot::Figure"),
    ("gif", "plot", "plot::animation"),
    ("color_quant", "plot", "plot::animation"),
    ("lapack", "math", "math::eigen"),
    ("nalgebra", "math", "math::Matrix"),
    ("nalgebra_lapack", "math", "math::eigen"),
    ("faer", "math", "math::eigen"),
    ("gemm", "math", "math::products"),
    ("rustfft", "math", "math::autocorrelation"),
    ("clap", "cli", "an option of the function"),
    ("indicatif", "cli", "base::Run, which reports progress"),
    ("ctrlc", "cli", "base::Run, which says when to stop"),
    ("rustyline", "cli", "a script's arguments"),
    ("cudarc", "device", "a potential's own evaluate"),
];

/// Where `unsafe` may stand: files whose path begins so.
const UNSAFE: [&str; 2] = ["math/", "potentials/loss/"];

/// Global state that is there for a reason: file, name, reason.
const STATICS: [(&str, &str, &str); 1] =
    [("math/eigen/mod.rs", "ONCE", "OpenBLAS keeps its number of threads in a global of its own, which is set once")];

/// Files of `algorithms` that are no method and so have no paper.
const NO_METHOD: [&str; 7] = [
    "algorithms/evaluator.rs",
    "algorithms/gather.rs",
    "algorithms/curvature.rs",
    "algorithms/sample/file.rs",
    "algorithms/sample/minibatches.rs",
    "algorithms/sample/samples.rs",
    "algorithms/sample/walkers.rs",
];

/// Lines before the tests; a longer file wants to be two.
const LONGEST: usize = 600;

/// Files that may be longer: file, reason.
const LONG: [(&str, &str); 0] = [];

/// A source file below src/: its path there, with `/` between folders, and its text.
struct Source {
    file: String,
    text: String,
}

#[test]
fn every_file_keeps_the_house_rules() {
    let root = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    collect(&root, &root, &mut sources);
    assert!(sources.len() > 50, "only {} source files were found in {}", sources.len(), root.display());
    let complaints = check(&sources);
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

fn collect(root: &FilePath, folder: &FilePath, sources: &mut Vec<Source>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(root, &path, sources);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let parts: Vec<_> = path.strip_prefix(root).unwrap().iter().map(|p| p.to_string_lossy()).collect();
            sources.push(Source { file: parts.join("/"), text: std::fs::read_to_string(&path).unwrap() });
        }
    }
}

fn check(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    let tests = test_files(sources);
    for source in sources {
        let mut file = File::read(source);
        if tests.contains(&source.file) {
            file.tokens.iter_mut().for_each(|t| t.test = true);
        }
        for rule in [layers, foreign_crates, printing, global_state, panics, unsafe_code, head, citation, length] {
            complaints.extend(rule(&file).into_iter().map(|(line, text)| format!("src/{}:{line}: {text}", file.name)));
        }
    }
    complaints.extend(catalogue(sources));
    complaints
}

/// Files that are tests as a whole: their parent declares them with `#[cfg(test)] mod name;`.
fn test_files(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let stem = source.file.trim_end_matches(".rs");
        let folder = if stem == "lib" { "" } else { stem.strip_suffix("/mod").unwrap_or(stem) };
        for w in tokens(&source.text).windows(3).filter(|w| w[0].test && w[0].text == "mod" && w[2].text == ";") {
            found.push(format!("{folder}/{}.rs", w[1].text).trim_start_matches('/').to_string());
        }
    }
    found
}

/// What the rules look at.
struct File<'a> {
    name: &'a str,
    text: &'a str,
    tokens: Vec<Token>,
    paths: Vec<Path>,
}

impl<'a> File<'a> {
    fn read(source: &'a Source) -> File<'a> {
        let tokens = tokens(&source.text);
        let mut module: Vec<String> = source.file.trim_end_matches(".rs").split('/').map(String::from).collect();
        if module.last().is_some_and(|m| matches!(m.as_str(), "mod" | "lib" | "main")) {
            module.pop();
        }
        let paths = paths(&tokens, &module);
        File { name: &source.file, text: &source.text, tokens, paths }
    }

    /// The layer it stands in; none for lib.rs and main.rs.
    fn layer(&self) -> Option<&str> {
        self.name.split_once('/').map(|(folder, _)| folder)
    }

    fn word(&self, i: usize) -> &str {
        self.tokens.get(i).map_or("", |t| t.text.as_str())
    }

    /// Lines of the words outside tests for which `wanted(i)` holds.
    fn lines(&self, wanted: impl Fn(usize) -> bool) -> Vec<usize> {
        (0..self.tokens.len()).filter(|&i| !self.tokens[i].test && wanted(i)).map(|i| self.tokens[i].line).collect()
    }
}

type Complaints = Vec<(usize, String)>;

fn layers(file: &File) -> Complaints {
    let Some(layer) = file.layer() else { return Vec::new() };
    let rank = |name: &str| LAYERS.iter().position(|l| *l == name);
    let Some(own) = rank(layer) else {
        return vec![(1, format!("{layer} is no layer; the layers are {}", LAYERS.join(", ")))];
    };
    let mut found = Vec::new();
    for path in file.paths.iter().filter(|p| p.ours) {
        let Some(used) = path.segments.first().filter(|s| rank(s).is_some()) else { continue };
        let name = path.segments.join("::");
        if rank(used) > Some(own) {
            found.push((
                path.line,
                format!(
                    "{layer} looks up to {used} ({name}): what needs it belongs in {used}, or what is needed in {layer} or below"
                ),
            ));
        } else if used == "plot" && NEVER_DRAW.contains(&layer) {
            found.push((
                path.line,
                format!("{layer} draws ({name}): pictures of domain values belong in figures, use plain numbers"),
            ));
        }
    }
    found
}

fn foreign_crates(file: &File) -> Complaints {
    let mut found = Vec::new();
    for path in file.paths.iter().filter(|p| !p.ours) {
        for (name, layer, instead) in FOREIGN {
            if path.segments.first().is_some_and(|s| s == name) && file.layer() != Some(layer) {
                found.push((path.line, format!("{name} belongs in {layer}, use {instead}")));
            }
        }
    }
    found
}

fn printing(file: &File) -> Complaints {
    if file.layer() == Some("cli") {
        return Vec::new();
    }
    let macros = ["print", "println", "eprint", "eprintln", "dbg"];
    let streams = ["stdout", "stderr"];
    let wanted = |i: usize| {
        (macros.contains(&file.word(i)) && file.word(i + 1) == "!")
            || (streams.contains(&file.word(i)) && file.word(i + 1) == "(" && i > 0 && file.word(i - 1) == "::")
    };
    file.lines(wanted)
        .into_iter()
        .map(|line| (line, "printing belongs in cli, use base::Run's notes or a returned text".into()))
        .collect()
}

fn global_state(file: &File) -> Complaints {
    let changing =
        ["mut", "Mutex", "RwLock", "Once", "OnceLock", "OnceCell", "LazyLock", "LazyCell", "Cell", "RefCell", "UnsafeCell"];
    let mut found = Vec::new();
    for (i, token) in file.tokens.iter().enumerate().filter(|(_, t)| !t.test) {
        if matches!(token.text.as_str(), "thread_local" | "lazy_static") && file.word(i + 1) == "!" {
            found.push((token.line, format!("{}! is global state, use a parameter or a field", token.text)));
        }
        if token.text != "static" {
            continue;
        }
        let declaration: Vec<&str> =
            (i + 1..file.tokens.len()).map(|k| file.word(k)).take_while(|w| !matches!(*w, "=" | ";")).collect();
        let state = declaration.iter().any(|w| changing.contains(w) || w.starts_with("Atomic"));
        let name = declaration.iter().find(|w| **w != "mut").copied().unwrap_or_default();
        if state && !STATICS.iter().any(|(f, n, _)| *f == file.name && *n == name) {
            found.push((token.line, format!("{name} is global state, use a parameter or a field")));
        }
    }
    found
}

fn panics(file: &File) -> Complaints {
    let wanted = |i: usize| {
        let call = file.word(i) == "unwrap" && i > 0 && file.word(i - 1) == "." && file.word(i + 1) == "(";
        call || (matches!(file.word(i), "todo" | "unimplemented") && file.word(i + 1) == "!")
    };
    let text = "a panic on the way belongs in tests, use `?`, a value, or expect(\"why it cannot fail\")";
    file.lines(wanted).into_iter().map(|line| (line, text.into())).collect()
}

fn unsafe_code(file: &File) -> Complaints {
    let lines: Vec<&str> = file.text.lines().collect();
    let mut found = Vec::new();
    for (i, token) in file.tokens.iter().enumerate() {
        if token.text != "unsafe" || !matches!(file.word(i + 1), "{" | "impl" | "fn" | "extern") {
            continue;
        }
        if !UNSAFE.iter().any(|place| file.name.starts_with(place)) {
            found.push((token.line, format!("unsafe belongs in {}, use safe code", UNSAFE.join(" or "))));
        }
        // A function pointer's type and a block of foreign declarations promise nothing themselves.
        let promises = match file.word(i + 1) {
            "fn" => file.word(i + 2) != "(",
            "extern" => false,
            _ => true,
        };
        // One sentence may stand for a whole `impl` of like blocks, if it says so.
        let before = &lines[..token.line.min(lines.len())];
        let near = &before[before.len().saturating_sub(8)..];
        let reasoned =
            near.iter().any(|l| l.contains("SAFETY")) || before.iter().any(|l| l.contains("SAFETY of the blocks below"));
        if promises && !reasoned {
            found.push((token.line, "unsafe without a reason: a `// SAFETY:` sentence belongs in the lines before it".into()));
        }
    }
    found
}

fn head(file: &File) -> Complaints {
    let first = file.text.lines().next().unwrap_or_default();
    let sentence = first.strip_prefix("//!").map(str::trim).unwrap_or_default();
    if sentence.len() < 20 || sentence.contains("to be written") {
        return vec![(1, "a file opens with a `//!` sentence that says what it does".into())];
    }
    Vec::new()
}

fn citation(file: &File) -> Complaints {
    if file.layer() != Some("algorithms") || file.name.ends_with("/mod.rs") || NO_METHOD.contains(&file.name) {
        return Vec::new();
    }
    let head: Vec<&str> = file.text.lines().take_while(|l| l.starts_with("//!")).collect();
    if head.iter().any(|l| l.contains("Reference") || l.contains("doi:")) {
        return Vec::new();
    }
    vec![(
        1,
        "a method cites its source: `//! Reference: … doi:…`; a file without a method goes into NO_METHOD of this test".into(),
    )]
}

fn length(file: &File) -> Complaints {
    let before_tests = file.text.lines().take_while(|l| !l.starts_with("#[cfg(test)]")).count();
    if before_tests <= LONGEST || LONG.iter().any(|(name, _)| *name == file.name) {
        return Vec::new();
    }
    vec![(before_tests, format!("{before_tests} lines before the tests: a file past {LONGEST} wants to be two"))]
}

/// A potential that anyone can name must be in the catalogue: constructor, help and the shared battery follow from there.
fn catalogue(sources: &[Source]) -> Vec<String> {
    let list = sources.iter().find(|s| s.file == "potentials/catalogue.rs").map_or("", |s| s.text.as_str());
    let known: Vec<String> = tokens(list).into_iter().map(|t| t.text).collect();
    let mut found = Vec::new();
    for source in sources {
        if !["potentials/surfaces/", "potentials/clusters/"].iter().any(|folder| source.file.starts_with(folder)) {
            continue;
        }
        let words = tokens(&source.text);
        for w in words.windows(4).filter(|w| !w[0].test) {
            if w[0].text == "impl" && w[1].text == "Potential" && w[2].text == "for" && !known.contains(&w[3].text) {
                let (file, line, name) = (&source.file, w[0].line, &w[3].text);
                found.push(format!(
                    "src/{file}:{line}: {name} is in no entry of potentials/catalogue.rs, and so out of help and tests"
                ));
            }
        }
    }
    found
}

/// What `rule` says of a file with this text.
fn complaints(rule: fn(&File) -> Complaints, file: &str, text: &str) -> Vec<String> {
    let source = Source { file: file.into(), text: text.into() };
    rule(&File::read(&source)).into_iter().map(|(line, text)| format!("{line}: {text}")).collect()
}

#[test]
fn looking_up_is_found_in_every_spelling() {
    let says = |text: &str| complaints(layers, "algorithms/minimise/newton.rs", text);
    for bad in [
        "\nuse crate::landscape::Landscape;",
        "\nuse crate::{base::Error, landscape::{store}};",
        "\nuse super::super::super::landscape;",
        "\nfn f() { let x = crate::landscape::open(); }",
        "\nmod inner { use super::super::super::super::landscape::Landscape; }",
        "\nuse crate::script as language;",
        "\nuse crate::plot::Figure;",
        "\npub(crate) use crate::cli;",
    ] {
        let found = says(bad);
        assert!(found.len() == 1 && found[0].starts_with("2: algorithms "), "{bad}: {found:?}");
    }
    assert_eq!(says("use crate::{landscape::{self, store}, cli};\n").len(), 3);
    for good in [
        "use crate::base::{Error, Result};\nuse super::super::evaluator::now;\nuse super::MinimiseOptions;",
        "// use crate::landscape::Landscape;\nconst S: &str = \"crate::landscape\"; const R: &str = r#\"crate::cli\"#;",
        "mod landscape { pub fn f() {} }\nfn g() { self::landscape::f(); }",
        "use crate::math::Matrix; crate::options! {}",
    ] {
        assert_eq!(says(good), Vec::<String>::new(), "{good}");
    }
    assert_eq!(complaints(layers, "figures/tree.rs", "use crate::plot::Figure;"), Vec::<String>::new());
    assert_eq!(complaints(layers, "helpers/mod.rs", "").len(), 1);
}

#[test]
fn foreign_crates_out_of_place_are_found() {
    assert_eq!(
        complaints(foreign_crates, "landscape/store.rs", "use rusqlite::Connection;\nuse rhai::{Engine, Dynamic};"),
        ["2: rhai belongs in script, use a plain Rust value", "2: rhai belongs in script, use a plain Rust value"]
    );
    assert_eq!(complaints(foreign_crates, "network/mod.rs", "fn f() { gemm::gemm(1); }").len(), 1);
    assert_eq!(complaints(foreign_crates, "math/products.rs", "fn f() { gemm::gemm(1); }").len(), 0);
    assert_eq!(complaints(foreign_crates, "network/mod.rs", "fn f() { crate::math::gemm::gemm(1); }").len(), 0);
}

#[test]
fn printing_out_of_place_is_found() {
    let bad = "fn f() {\n println!(\"x\");\n std::io::stderr().flush();\n}\n#[cfg(test)]\nmod tests { fn g() { println!(); } }";
    assert_eq!(complaints(printing, "landscape/store.rs", bad).len(), 2);
    assert_eq!(complaints(printing, "cli/mod.rs", bad).len(), 0);
    assert_eq!(complaints(printing, "script/api.rs", "engine.on_print(|s| sink(s)); // println!").len(), 0);
}

#[test]
fn global_state_is_found() {
    for bad in [
        "static mut COUNT: usize = 0;",
        "static CACHE: OnceLock<Vec<f64>> = OnceLock::new();",
        "static LIST: std::sync::Mutex<u8> = Mutex::new(0);",
        "static N: AtomicUsize = AtomicUsize::new(0);",
        "thread_local! { static X: u8 = 0; }",
    ] {
        assert_eq!(complaints(global_state, "math/random.rs", bad).len(), 1, "{bad}");
    }
    let good = "static TABLE: [f64; 2] = [1.0, 2.0];\nfn f(x: &'static Mutex<u8>) {}";
    assert_eq!(complaints(global_state, "math/random.rs", good).len(), 0);
    assert_eq!(complaints(global_state, "math/eigen/mod.rs", "static ONCE: Once = Once::new();").len(), 0);
}

#[test]
fn unwraps_outside_tests_are_found() {
    let text =
        "fn f() {\n x.unwrap();\n y.unwrap_or(0); z.expect(\"there is one\"); todo!();\n}\n#[test]\nfn g() { x.unwrap(); }";
    let found = complaints(panics, "data/csv.rs", text);
    assert!(found.len() == 2 && found[0].starts_with("2:") && found[1].starts_with("3:"), "{found:?}");
}

#[test]
fn unsafe_code_out_of_place_or_without_a_reason_is_found() {
    let reasoned = "// SAFETY: n was checked.\nunsafe { f(n) };";
    assert_eq!(complaints(unsafe_code, "math/simd/mod.rs", reasoned).len(), 0);
    assert_eq!(complaints(unsafe_code, "data/csv.rs", reasoned).len(), 1);
    assert_eq!(complaints(unsafe_code, "math/simd/mod.rs", "fn g() {\n unsafe { f(n) };\n}").len(), 1);
    assert_eq!(complaints(unsafe_code, "math/simd/mod.rs", "fn g(f: unsafe fn(u8)) {}").len(), 0);
}

#[test]
fn files_without_a_first_sentence_are_found() {
    for bad in ["use std::fs;", "//! placeholder", "//! (to be written some day)", ""] {
        assert_eq!(complaints(head, "base/text.rs", bad).len(), 1, "{bad}");
    }
    assert_eq!(complaints(head, "base/text.rs", "//! Typed pieces of text for the terminal.").len(), 0);
}

#[test]
fn methods_without_a_source_are_found() {
    assert_eq!(complaints(citation, "algorithms/band.rs", "//! An elastic band.\n\n// doi:10.1/1\nuse std::fs;").len(), 1);
    assert_eq!(complaints(citation, "algorithms/band.rs", "//! An elastic band.\n//! Reference: A paper, doi:10.1/1.").len(), 0);
    assert_eq!(complaints(citation, "algorithms/evaluator.rs", "//! No method.").len(), 0);
    assert_eq!(complaints(citation, "base/run.rs", "//! No method.").len(), 0);
}

#[test]
fn long_files_are_found() {
    let long = ["//! Much.\n", &"fn f() {}\n".repeat(LONGEST)].concat();
    assert_eq!(complaints(length, "base/run.rs", &long).len(), 1);
    let tested = ["fn f() {}\n#[cfg(test)]\n", &"fn f() {}\n".repeat(LONGEST)].concat();
    assert_eq!(complaints(length, "base/run.rs", &tested).len(), 0);
}

#[test]
fn potentials_out_of_the_catalogue_are_found() {
    let source = |file: &str, text: &str| Source { file: file.into(), text: text.into() };
    let listed = source("potentials/catalogue.rs", "Entry { make: |p| Arc::new(Known) } // Unknown");
    let two = source("potentials/surfaces/two.rs", "impl Potential for Known {}\nimpl Potential for Unknown {}");
    let found = catalogue(&[listed, two]);
    assert!(found.len() == 1 && found[0].starts_with("src/potentials/surfaces/two.rs:2: Unknown"), "{found:?}");
}

#[test]
fn files_that_are_tests_as_a_whole_are_known() {
    let source = |file: &str, text: &str| Source { file: file.into(), text: text.into() };
    let parent = source("data/mod.rs", "mod csv;\n#[cfg(test)]\nmod tests;");
    let bad = "//! What is asked of every reader of data.\nfn f() { x.unwrap(); }";
    let found = check(&[parent, source("data/tests.rs", bad), source("data/csv.rs", bad)]);
    assert!(
        found.iter().filter(|c| c.contains("panic")).count() == 1 && found.iter().any(|c| c.starts_with("src/data/csv.rs:2")),
        "{found:?}"
    );
}

#[test]
fn exceptions_point_at_files_that_are_there() {
    let src = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let names = STATICS.iter().map(|s| s.0).chain(NO_METHOD).chain(LONG.iter().map(|l| l.0)).chain(UNSAFE);
    for name in names {
        assert!(src.join(name).exists(), "an exception names src/{name}, which is not there");
    }
}
