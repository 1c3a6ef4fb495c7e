//! Arguments of `undo`.

use clap::Args;
use uuid::Uuid;

/// Flags of `undo`.
#[derive(Debug, Clone, Args)]
pub struct UndoArgs {
    /// The run, as `status` and `history` print it
    #[arg(value_name = "RUN", value_parser = super::run_id::run_id)]
    pub run: Uuid,
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
