//! The command line: arguments, progress, rendering of errors and help. The only layer that prints.

/// Runs the program and gives its exit code.
pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
