//! What the program does: run, check, help, reference, version.

use super::arguments::{Arguments, Source};
use super::progress::Progress;
use super::render::{drawing, error_json, error_text, help_text, out, room, value_text};
use crate::base::run::Reporter;
use crate::base::{Error, Kind, Run};
use crate::plot::Figure;
use crate::script::api::Dynamic;
use crate::script::show::Room;
use crate::script::{Environment, Failure, Language, Permissions, Script, engine, help, json, show};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const REFERENCE: &str = "docs/reference.md";
/// After Ctrl-C a calculation has this long to end by itself; what was found is already on disk.
const PATIENCE: Duration = Duration::from_millis(800);

/// `--version`, with what it is built of and runs on.
pub fn version(verbose: bool) -> ExitCode {
    out(&format!("losscape {}", env!("CARGO_PKG_VERSION")));
    if verbose {
        let build = if cfg!(debug_assertions) { "debug" } else { "release" };
        out(&format!("build: {build}, {} {}", std::env::consts::ARCH, std::env::consts::OS));
        out("features: none");
        out(&format!("LAPACK: {}", crate::math::eigen::backend()));
        out("CUDA: none in this build");
        out(&format!("processor: {}", processor()));
        out(&format!("threads: {}", rayon::current_num_threads()));
    }
    ExitCode::SUCCESS
}

/// The instructions of this processor that the kernels choose among.
fn processor() -> String {
    #[cfg(target_arch = "x86_64")]
    {
        let flags = [
            ("sse4.2", is_x86_feature_detected!("sse4.2")),
            ("avx2", is_x86_feature_detected!("avx2")),
            ("fma", is_x86_feature_detected!("fma")),
            ("avx512f", is_x86_feature_detected!("avx512f")),
            ("avx512dq", is_x86_feature_detected!("avx512dq")),
            ("avx512vl", is_x86_feature_detected!("avx512vl")),
        ];
        let there: Vec<&str> = flags.iter().filter(|f| f.1).map(|f| f.0).collect();
        if there.is_empty() { "no vector instructions beyond SSE2".into() } else { there.join(" ") }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        format!("{} (portable kernels)", std::env::consts::ARCH)
    }
}

/// `help` and `help name`; of a script what it says of itself.
pub fn help(name: Option<&str>) -> ExitCode {
    let language = Language::new(Environment::silent());
    if let Some(file) = name.filter(|name| name.ends_with(".rhai")) {
        return about(Path::new(file), &language, false).unwrap_or_else(|| {
            out("Its arguments are computed: losscape script.rhai --help asks the script itself.");
            ExitCode::SUCCESS
        });
    }
    let text = match name {
        Some(name) => help::help(name, &language.catalogue),
        None => Ok(help::contents(&language.catalogue)),
    };
    match text {
        Ok(text) => {
            out(&help_text(&text));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(1)
        }
    }
}

/// `script.rhai --help`: what the script says of itself without running; where only running tells its arguments, it runs.
pub fn script_help(file: &Path, arguments: &Arguments) -> ExitCode {
    let language = Language::new(Environment::silent());
    about(file, &language, arguments.json).unwrap_or_else(|| run(&Source::File(file.into()), arguments))
}

/// Shows the head and the arguments of a script; `None` where only running tells the arguments.
fn about(file: &Path, language: &Language, as_json: bool) -> Option<ExitCode> {
    match read(&Source::File(file.into())).and_then(|script| language.about(&script)) {
        Ok(text) => {
            out(&help_text(&text?));
            Some(ExitCode::SUCCESS)
        }
        Err(failure) => {
            report(&failure, as_json);
            Some(ExitCode::from(1))
        }
    }
}

/// `new study`: a script to begin with. One that is there stays.
pub fn new_script(name: &str) -> ExitCode {
    let stem = name.strip_suffix(".rhai").unwrap_or(name);
    let path = PathBuf::from(format!("{stem}.rhai"));
    let plain = Path::new(stem).file_name().and_then(|n| n.to_str()).unwrap_or_default();
    if plain.is_empty() || !plain.chars().all(|c| c.is_alphanumeric() || "-_. ".contains(c)) {
        eprintln!("error: new takes a name of letters, digits, - and _, found \"{name}\"");
        return ExitCode::from(2);
    }
    let text = include_str!("template.rhai").replace("NAME", plain);
    let written = std::fs::File::create_new(&path).and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()));
    match written {
        Ok(()) => {
            out(&format!("{0} written; run it: losscape {0}", path.display()));
            ExitCode::SUCCESS
        }
        Err(reason) if reason.kind() == std::io::ErrorKind::AlreadyExists => {
            eprintln!("error: {} is there already and stays as it is; give another name", path.display());
            ExitCode::from(1)
        }
        Err(reason) => {
            eprintln!("error: {}: {reason}", path.display());
            ExitCode::from(1)
        }
    }
}

/// Text for another program, as it is.
pub fn raw(bytes: &[u8]) -> ExitCode {
    out(String::from_utf8_lossy(bytes).trim_end());
    ExitCode::SUCCESS
}

/// `reference` and `reference --check`.
pub fn reference(check: bool) -> ExitCode {
    let page = help::reference(&Language::new(Environment::silent()).catalogue);
    if check {
        if std::fs::read_to_string(REFERENCE).is_ok_and(|there| there == page) {
            return ExitCode::SUCCESS;
        }
        eprintln!("error: {REFERENCE} is not what the declarations say; mend it with: losscape reference");
        return ExitCode::from(1);
    }
    let folder = Path::new(REFERENCE).parent().unwrap_or(Path::new("."));
    match std::fs::create_dir_all(folder).and_then(|()| std::fs::write(REFERENCE, page)) {
        Ok(()) => {
            eprintln!("{REFERENCE} written");
            ExitCode::SUCCESS
        }
        Err(reason) => {
            eprintln!("error: {REFERENCE}: {reason}");
            ExitCode::from(1)
        }
    }
}

/// `check script.rhai …`: every mistake of every script.
pub fn check(files: &[PathBuf], arguments: &Arguments) -> ExitCode {
    let language = Language::new(Environment::silent());
    let mut mistakes = Vec::new();
    for file in files {
        match read(&Source::File(file.clone())) {
            Ok(script) => mistakes.extend(language.check(&script)),
            Err(failure) => mistakes.push(failure),
        }
    }
    for mistake in &mistakes {
        report(mistake, arguments.json);
    }
    if mistakes.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

/// Runs a script on a thread with room for deep recursion.
pub fn run(source: &Source, arguments: &Arguments) -> ExitCode {
    let script = match read(source) {
        Ok(script) => script,
        Err(failure) => {
            report(&failure, arguments.json);
            return ExitCode::from(1);
        }
    };
    let cancel = Arc::new(AtomicBool::new(false));
    let progress = (!arguments.quiet).then(|| Arc::new(Progress::new()));
    watch_for_interrupt(&cancel, progress.clone());
    let environment = environment(arguments, &script.name, &cancel, &progress);
    let shows = arguments.json || matches!(source, Source::Text(_));
    let json = arguments.json;
    let work = move || {
        let language = Language::new(environment);
        let result = language.run(script).map(|value| if shows { Some(shown(&value, &language, json, room)) } else { None });
        // The process ends next: what the script has built up need not be taken apart.
        std::mem::forget(language);
        result
    };
    let result = match std::thread::Builder::new().name("script".into()).stack_size(engine::STACK).spawn(work) {
        Ok(thread) => thread.join(),
        Err(reason) => {
            eprintln!("error: no thread for the script: {reason}");
            return ExitCode::from(1);
        }
    };
    if let Some(progress) = progress {
        progress.clear();
    }
    match result {
        Ok(Ok(text)) => {
            if let Some(text) = text.filter(|t| !t.is_empty()) {
                out(&text);
            }
            ExitCode::SUCCESS
        }
        Ok(Err(failure)) => {
            report(&failure, json);
            match failure.error.kind {
                Kind::Interrupted => ExitCode::from(130),
                Kind::TimeOver => ExitCode::from(75),
                _ => ExitCode::from(1),
            }
        }
        // The panic has told its message already.
        Err(_) => {
            eprintln!("error: this is a mistake of losscape itself, not of the script; please report it with the script");
            ExitCode::from(1)
        }
    }
}

/// What scripts run in: ended by `cancel`, shown by `progress`.
pub fn environment(
    arguments: &Arguments,
    script: &str,
    cancel: &Arc<AtomicBool>,
    progress: &Option<Arc<Progress>>,
) -> Environment {
    let reporter = progress.clone().map(|p| p as Arc<dyn Reporter>);
    let deadline = arguments.time.map(|time| Instant::now() + time);
    let (line, behind) = (progress.clone(), progress.clone());
    Environment {
        run: Run::new(cancel.clone(), deadline, reporter, arguments.seed),
        permissions: Permissions { safe: arguments.safe, read: arguments.read.clone(), write: arguments.write.clone() },
        print: Arc::new(move |text| {
            if let Some(progress) = &line {
                progress.clear();
            }
            out(text);
        }),
        picture: Some(Arc::new(move |figure, width, height| {
            if let Some(progress) = &behind {
                progress.clear();
            }
            draw(figure, width, height)
        })),
        arguments: arguments.script.clone(),
        shared: arguments.shared.clone(),
        script: script.to_string(),
        partial: Mutex::default(),
    }
}

/// The value of the last expression; nothing for `()`.
pub fn shown(value: &Dynamic, language: &Language, as_json: bool, room: impl FnOnce() -> Room) -> String {
    if as_json {
        return serde_json::json!({"value": json::to_json(value, &language.catalogue)}).to_string();
    }
    if std::io::stdout().is_terminal() {
        return value_text(value, &language.catalogue, room());
    }
    // What another program reads is what `print` gives; advice is for people.
    for line in show::advice::advice(value) {
        language.environment.run.warn(&line);
    }
    if value.is_unit() { String::new() } else { language.catalogue.show(value) }
}

/// Draws a figure where the terminal shows pictures.
fn draw(figure: &Figure, width: usize, height: usize) -> bool {
    let drawing = drawing(figure, width, height);
    if let Some(drawing) = &drawing {
        out(drawing);
    }
    drawing.is_some()
}

fn read(source: &Source) -> Result<Script, Failure> {
    match source {
        Source::Text(text) => Ok(Script { name: "-e".into(), text: text.clone() }),
        Source::File(path) => {
            let name = path.display().to_string();
            let failed = |error: Error| Failure::nowhere(error, &name);
            let bytes = std::fs::read(path).map_err(|reason| {
                let error = Error::file(path, reason);
                let known = super::arguments::SUBCOMMANDS.map(|(word, ..)| word);
                failed(match crate::base::nearest(&name, known) {
                    Some(near) => error.hint(format!("did you mean `losscape {near}`?")),
                    None => error.hint("losscape --help says how to call it"),
                })
            })?;
            let text = String::from_utf8(bytes).map_err(|_| failed(Error::format(path, "this is no text in UTF-8")))?;
            Ok(Script { name, text })
        }
    }
}

fn report(failure: &Failure, as_json: bool) {
    if as_json {
        out(&error_json(failure));
    } else if failure.error.is_stop() {
        // No mistake, so no source line.
        eprintln!("{}", failure.error);
    } else {
        eprintln!("{}", error_text(failure));
    }
}

/// The first Ctrl-C asks the calculation to end, and ends the program when it does not; a second one does so at once.
fn watch_for_interrupt(cancel: &Arc<AtomicBool>, progress: Option<Arc<Progress>>) {
    let cancel = cancel.clone();
    let watched = ctrlc::set_handler(move || {
        if cancel.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
        let progress = progress.clone();
        std::thread::spawn(move || {
            std::thread::sleep(PATIENCE);
            if let Some(progress) = progress {
                progress.clear();
            }
            eprintln!("interrupted; everything found so far is kept");
            std::process::exit(130);
        });
    });
    if watched.is_err() {
        eprintln!("warning: Ctrl-C cannot be watched; it ends the program at once");
    }
}
