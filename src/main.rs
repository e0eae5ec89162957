//! The doorway: parse the command line, run, turn the outcome into an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    // a panic must not look like a verdict: Rust's own 101 would read as "unknown"
    match std::panic::catch_unwind(|| nis2watch::cli::run(std::env::args_os())) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            eprintln!("nis2watch: {error}");
            error.exit_code()
        }
        Err(_) => ExitCode::from(2),
    }
}
