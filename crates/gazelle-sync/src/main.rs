//! The command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    gazelle_sync::commands::main()
}
