//! Arguments of `undo`.

use clap::Args;
use uuid::Uuid;

/// Flags of `undo`.
#[derive(Debug, Clone, Args)]
pub struct UndoArgs {
    /// The run, as `status` and `history` print it
    #[arg(value_name = "RUN", value_parser = super::run_id::run_id)]
    pub run: Uuid,
    /// Lift the undo of this run: what it brought counts again
    #[arg(long)]
    pub lift: bool,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Remove rows even if they are more than the guard allows, or rows of your own tables go with them
    #[arg(long)]
    pub allow_deletions: bool,
}
