//! Arguments of `completions` and `man`, which generate files for a package.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

/// Flags of `completions`.
#[derive(Debug, Clone, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Flags of `man`.
#[derive(Debug, Clone, Default, Args)]
pub struct ManArgs {
    /// Write one page for the program and one per command into this folder, instead of the program's page to stdout
    #[arg(long, value_name = "FOLDER")]
    pub dir: Option<PathBuf>,
}
