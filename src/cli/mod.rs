//! The command line: arguments, progress, rendering of errors and help, the REPL. The only layer that prints.

mod arguments;
mod commands;
mod picture;
mod progress;
mod render;
mod repl;

use arguments::{Arguments, Command, Source, completions, manual};
use std::process::ExitCode;

/// Runs the program and gives its exit code: 0, 1 a mistake in the script or a failed run, 2 a mistake on the command line,
/// 75 stopped by the clock with everything saved, 130 interrupted.
pub fn main() -> ExitCode {
    let arguments = match Arguments::read() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    match &arguments.command {
        Command::Nothing => repl::run(&arguments),
        Command::Version { verbose } => commands::version(*verbose),
        Command::Help { name } => commands::help(name.as_deref()),
        Command::Reference { check } => commands::reference(*check),
        Command::Check { files } => commands::check(files, &arguments),
        Command::New { name } => commands::new_script(name),
        Command::Completions { shell } => commands::raw(&completions(*shell)),
        Command::Manual => match manual() {
            Ok(page) => commands::raw(&page),
            Err(reason) => {
                eprintln!("error: the manual page cannot be made: {reason}");
                ExitCode::from(1)
            }
        },
        Command::Run(Source::File(file)) if arguments.asks_script() => commands::script_help(file, &arguments),
        Command::Run(source) => commands::run(source, &arguments),
    }
}
