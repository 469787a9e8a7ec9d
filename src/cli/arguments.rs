//! The arguments of the program: options before the script are ours, what stands behind it is the script's.

use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// What can stand in the place of a script: the word, what follows it, what it does.
pub const SUBCOMMANDS: [(&str, &str, &str); 6] = [
    ("check", "script.rhai …", "read, resolve names, run nothing"),
    ("help", "[name|script.rhai]", "what there is to know of a name, a word or a script"),
    ("new", "name", "write name.rhai, a script to begin with"),
    ("reference", "[--check]", "write docs/reference.md, or say whether it is current"),
    ("completions", "shell", "what bash, zsh, fish, elvish or powershell completes"),
    ("man", "", "the manual page"),
];

fn usage() -> String {
    let mut text = String::from(
        "losscape [options] script.rhai [arguments of the script]
       losscape script.rhai --help       what the script says of itself
       losscape [options] -e 'text of a script' [arguments]",
    );
    for (word, follows, does) in SUBCOMMANDS {
        let call = format!("{word} {follows}");
        text.push_str(&format!("\n       losscape {call:<24} {does}"));
    }
    text + "\n       losscape --version [--verbose]"
}

/// The program as shells and manual pages describe it: the options and the words that may stand in the place of a script.
fn described() -> clap::Command {
    let command = <Line as clap::CommandFactory>::command().disable_help_subcommand(true);
    SUBCOMMANDS.iter().fold(command, |command, (word, _, does)| {
        command.subcommand(clap::Command::new(*word).about(*does).disable_help_flag(true))
    })
}

/// What a shell needs to complete the command line.
pub fn completions(shell: clap_complete::Shell) -> Vec<u8> {
    let mut written = Vec::new();
    clap_complete::generate(shell, &mut described(), "losscape", &mut written);
    written
}

/// The manual page.
pub fn manual() -> std::io::Result<Vec<u8>> {
    let mut written = Vec::new();
    clap_mangen::Man::new(described()).render(&mut written)?;
    Ok(written)
}

/// A scripting environment for loss and energy landscapes.
#[derive(Parser, Debug)]
#[command(
    name = "losscape",
    disable_version_flag = true,
    disable_help_flag = true,
    override_usage = usage()
)]
struct Line {
    /// Run this text; the value of its last expression is shown.
    #[arg(short = 'e', value_name = "TEXT", allow_hyphen_values = true)]
    text: Option<String>,
    /// Seed of everything random that is given none.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Number of threads; all cores without it. Results do not depend on it.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Where networks are evaluated: auto, cpu or cuda:0.
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: String,
    /// Neither progress nor warnings; errors always.
    #[arg(long, short = 'q')]
    quiet: bool,
    /// `json`: {"value": …} or {"error": …} on stdout.
    #[arg(long, value_name = "FORMAT", value_parser = ["text", "json"], default_value = "text")]
    output: String,
    /// No files, a limit to operations.
    #[arg(long)]
    safe: bool,
    /// With --safe: files below this folder may be read.
    #[arg(long, value_name = "DIR")]
    allow_read: Vec<PathBuf>,
    /// With --safe: files below this folder may be read and written.
    #[arg(long, value_name = "DIR")]
    allow_write: Vec<PathBuf>,
    /// Stop after this many hours; what was found is kept, exit code 75.
    #[arg(long, value_name = "H")]
    max_hours: Option<f64>,
    /// The version.
    #[arg(long, short = 'V')]
    version: bool,
    /// With --version: features, LAPACK, CUDA, processor.
    #[arg(long)]
    verbose: bool,
    /// This text.
    #[arg(long, short = 'h')]
    help: bool,
    /// The script and its arguments, or one of the words above.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "SCRIPT", value_hint = clap::ValueHint::FilePath)]
    words: Vec<String>,
}

/// Where a script comes from.
#[derive(Debug, Clone)]
pub enum Source {
    File(PathBuf),
    Text(String),
}

/// What to do.
#[derive(Debug)]
pub enum Command {
    Nothing,
    Version {
        verbose: bool,
    },
    /// A name, several words, or the path of a script.
    Help {
        name: Option<String>,
    },
    Reference {
        check: bool,
    },
    Check {
        files: Vec<PathBuf>,
    },
    New {
        name: String,
    },
    Completions {
        shell: clap_complete::Shell,
    },
    Manual,
    Run(Source),
}

/// The command line, understood.
#[derive(Debug)]
pub struct Arguments {
    pub command: Command,
    pub seed: u64,
    pub time: Option<Duration>,
    pub quiet: bool,
    pub json: bool,
    pub safe: bool,
    pub read: Vec<PathBuf>,
    pub write: Vec<PathBuf>,
    /// What the script sees as ARGS.
    pub script: Vec<String>,
    /// --seed, --threads, --max-hours as they were given behind the script: a script may declare them too.
    pub shared: Vec<(String, String)>,
}

impl Arguments {
    /// Whether the script is asked what it is.
    pub fn asks_script(&self) -> bool {
        self.script.iter().any(|word| word == "--help")
    }

    /// Reads the command line; `Err` when the program is done: help, or a mistake.
    pub fn read() -> Result<Arguments, ExitCode> {
        let line = match Line::try_parse() {
            Ok(line) => line,
            Err(error) => {
                eprint!("{}", error.render());
                return Err(ExitCode::from(2));
            }
        };
        if line.help {
            super::render::out(&<Line as clap::CommandFactory>::command().render_help().to_string());
            return Err(ExitCode::SUCCESS);
        }
        understand(line).map_err(|message| {
            eprintln!("error: {message}");
            ExitCode::from(2)
        })
    }
}

fn understand(mut line: Line) -> Result<Arguments, String> {
    let mut words = std::mem::take(&mut line.words);
    let command = if line.version {
        Command::Version { verbose: line.verbose }
    } else if let Some(text) = line.text.take() {
        Command::Run(Source::Text(text))
    } else if words.is_empty() {
        Command::Nothing
    } else {
        let first = words.remove(0);
        match first.as_str() {
            "help" => Command::Help { name: (!words.is_empty()).then(|| words.join(" ")) },
            "reference" => match words.as_slice() {
                [] => Command::Reference { check: false },
                [word] if word == "--check" => Command::Reference { check: true },
                [word, ..] => return Err(format!("reference takes --check or nothing, found {word}")),
            },
            "check" if words.is_empty() => return Err("check needs a script: losscape check script.rhai".into()),
            "check" => Command::Check { files: words.drain(..).map(PathBuf::from).collect() },
            "new" => match words.as_slice() {
                [name] => Command::New { name: name.clone() },
                _ => return Err("new takes one name: losscape new study writes study.rhai".into()),
            },
            "completions" => match words.as_slice() {
                [shell] => Command::Completions { shell: shell.parse().map_err(|_| unknown_shell(shell))? },
                _ => return Err(unknown_shell("")),
            },
            "man" if words.is_empty() => Command::Manual,
            "man" => return Err("man takes nothing behind it: losscape man > losscape.1".into()),
            option if option.starts_with('-') && option.len() > 1 => return Err(unknown_option(option)),
            _ => Command::Run(Source::File(first.into())),
        }
    };
    let shared = take_shared(&mut words)?;
    for (name, value) in &shared {
        let wrong = |what: &str| format!("--{name} takes {what}, found \"{value}\"");
        match name.as_str() {
            "seed" => line.seed = Some(value.parse().map_err(|_| wrong("a whole number from 0 on"))?),
            "threads" => line.threads = Some(value.parse().map_err(|_| wrong("a whole number above 0"))?),
            _ => line.max_hours = Some(value.parse().map_err(|_| wrong("a number above 0"))?),
        }
    }
    match line.device.as_str() {
        "auto" | "cpu" => {}
        device if device.starts_with("cuda") => {
            return Err(format!("--device {device}: this build has no CUDA; --device cpu is there"));
        }
        device => return Err(format!("--device takes auto, cpu or cuda:0, found \"{device}\"")),
    }
    if let Some(threads) = line.threads {
        if threads == 0 {
            return Err("--threads takes a whole number above 0, found 0".into());
        }
        // Fails only when the pool is already there, which it cannot be before a script runs.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    }
    let time = match line.max_hours {
        Some(hours) if !(hours > 0.0 && hours < 1e6) => return Err(format!("--max-hours takes a number above 0, found {hours}")),
        hours => hours.map(|h| Duration::from_secs_f64(h * 3600.0)),
    };
    if !line.safe && (!line.allow_read.is_empty() || !line.allow_write.is_empty()) {
        return Err("--allow-read and --allow-write belong to --safe; without it everything is allowed".into());
    }
    Ok(Arguments {
        command,
        seed: line.seed.unwrap_or(0),
        time,
        quiet: line.quiet,
        json: line.output == "json",
        safe: line.safe,
        read: line.allow_read,
        write: line.allow_write,
        script: words,
        shared,
    })
}

/// The message for a shell that is not known.
fn unknown_shell(shell: &str) -> String {
    let found = if shell.is_empty() { "nothing".to_string() } else { format!("\"{shell}\"") };
    format!("completions takes bash, zsh, fish, elvish or powershell, found {found}")
}

/// The message for an option that is not there.
fn unknown_option(option: &str) -> String {
    let command = <Line as clap::CommandFactory>::command();
    let known: Vec<String> = command.get_arguments().filter_map(|a| a.get_long()).map(|long| format!("--{long}")).collect();
    match crate::base::nearest(option, known.iter().map(String::as_str)) {
        Some(near) => format!("there is no option {option}; did you mean {near}? losscape --help lists them"),
        None => format!("there is no option {option}; losscape --help lists them"),
    }
}

/// Takes --seed, --threads and --max-hours out of the arguments of the script.
fn take_shared(words: &mut Vec<String>) -> Result<Vec<(String, String)>, String> {
    let mut taken = Vec::new();
    let mut k = 0;
    while k < words.len() {
        let name = ["seed", "threads", "max-hours"]
            .into_iter()
            .find(|name| words[k].strip_prefix("--").is_some_and(|rest| rest == *name || rest.starts_with(&format!("{name}="))));
        let Some(name) = name else {
            k += 1;
            continue;
        };
        let word = words.remove(k);
        let value = match word.split_once('=') {
            Some((_, value)) => value.to_string(),
            None if k < words.len() => words.remove(k),
            None => return Err(format!("--{name} needs a value")),
        };
        taken.push((name.to_string(), value));
    }
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &[&str]) -> Result<Arguments, String> {
        understand(Line::try_parse_from([&["losscape"], line].concat()).map_err(|e| e.to_string())?)
    }

    #[test]
    fn options_stand_before_the_script_and_its_own_behind() {
        let a = read(&["--quiet", "study.rhai", "a", "--quiet", "--steps", "5", "--seed", "7", "--max-hours=2"]).unwrap();
        assert!(a.quiet && matches!(a.command, Command::Run(Source::File(_))));
        assert_eq!(a.script, ["a", "--quiet", "--steps", "5"]);
        assert_eq!((a.seed, a.time), (7, Some(Duration::from_secs(7200))));
        let a = read(&["--seed", "3", "-e", "-1 + 2", "x"]).unwrap();
        assert_eq!((a.seed, a.script), (3, vec!["x".to_string()]));
        assert!(!read(&["study.rhai", "--quiet"]).unwrap().quiet);
    }

    #[test]
    fn shells_and_the_manual_know_every_option_and_word() {
        described().debug_assert();
        let page = String::from_utf8(manual().unwrap()).unwrap();
        for shell in [clap_complete::Shell::Bash, clap_complete::Shell::Zsh, clap_complete::Shell::Fish] {
            let text = String::from_utf8(completions(shell)).unwrap();
            for word in ["max-hours", "allow-write", "completions", "reference"] {
                assert!(text.contains(word), "{word} for {shell}");
                // A manual page writes a hyphen with a backslash.
                assert!(page.replace('\\', "").contains(word), "{word} in the manual");
            }
        }
        assert!(usage().contains("losscape new name"));
    }

    #[test]
    fn mistakes_are_told() {
        for (line, words) in [
            (&["--device", "cuda:0", "x.rhai"][..], "no CUDA"),
            (&["--threads", "0", "x.rhai"], "above 0"),
            (&["x.rhai", "--seed"], "--seed needs a value"),
            (&["x.rhai", "--seed", "many"], "whole number"),
            (&["--max-hours", "-1", "x.rhai"], "above 0"),
            (&["--allow-read", "/tmp", "x.rhai"], "--safe"),
            (&["check"], "check needs a script"),
            (&["--sed", "3", "x.rhai"], "--seed"),
            (&["new"], "losscape new study"),
            (&["completions", "csh"], "found \"csh\""),
            (&["completions"], "bash, zsh"),
            (&["man", "x"], "losscape man"),
        ] {
            let error = read(line).unwrap_err();
            assert!(error.contains(words), "{line:?}: {error}");
        }
    }
}
