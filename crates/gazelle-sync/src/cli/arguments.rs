//! The arguments of commands that have few, and the message for an unknown entity.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

use super::runs::RunPrefix;
use crate::config::nearest::did_you_mean;

/// Flags of `serve`.
#[derive(Debug, Clone, Default, Args)]
pub struct ServeArgs {
    /// Address of the HTTP server, instead of the setting; port 0 chooses a free one
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
}

/// Flags of `undo`.
#[derive(Debug, Clone, Args)]
pub struct UndoArgs {
    /// The run, or the beginning of its id, as `runs` and `history` print it
    #[arg(value_name = "RUN")]
    pub run: RunPrefix,
    /// Lift the undo of this run: its versions count again
    #[arg(long)]
    pub lift: bool,
    /// Show what would change, without changing it
    #[arg(long)]
    pub dry_run: bool,
    /// Remove rows even if there are more than the deletion guard allows, or if rows of your own tables would be removed with them
    #[arg(long)]
    pub allow_deletions: bool,
}

/// Flags of `status`.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct StatusArgs {
    /// For scripts: exit with 1 if the data is not right or out of date, with 3 if something needs a decision
    #[arg(long)]
    pub check: bool,
}

/// Flags of `verify`.
#[derive(Debug, Clone, Args)]
pub struct VerifyArgs {
    /// Only this entity (repeatable)
    #[arg(long, value_name = "NAME")]
    pub entity: Vec<String>,
    /// Number of records to request from the API, chosen at random
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub sample: u32,
    /// Choose the same records as the verify that printed this number
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Do not use the API: compare production with staging only
    #[arg(long)]
    pub offline: bool,
}

/// Flags of `warnings`.
#[derive(Debug, Clone, Args)]
pub struct WarningsArgs {
    /// Only this entity
    #[arg(long, value_name = "NAME")]
    pub entity: Option<String>,
    /// Only this kind, such as blank_serial
    #[arg(long, value_name = "CODE")]
    pub code: Option<String>,
    /// Only warnings of this run
    #[arg(long, value_name = "RUN")]
    pub run: Option<RunPrefix>,
    /// Maximum number of sample records per kind, and of run warnings
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
}

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

/// The message for an entity that does not exist, with the most similar name.
pub fn unknown_entity(name: &str, entities: &[&str]) -> String {
    format!(
        "unknown entity {name:?}{}; known entities: {}",
        did_you_mean(name, entities.iter().copied()),
        entities.join(", ")
    )
}
