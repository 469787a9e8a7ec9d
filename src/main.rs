//! The program `losscape`.

fn main() -> std::process::ExitCode {
    losscape::cli::main()
}
