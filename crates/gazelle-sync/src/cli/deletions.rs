//! Arguments of `deletions`.

use clap::{Args, Subcommand};
use uuid::Uuid;

/// `deletions`, alone or with an action.
#[derive(Debug, Clone, Default, Args)]
pub struct DeletionsArgs {
    /// What to do; absent: list what waits.
    #[command(subcommand)]
    pub action: Option<DeletionsAction>,
}

/// What to do with deletions.
#[derive(Debug, Clone, Subcommand)]
pub enum DeletionsAction {
    /// List those that wait for a word, with --all every one, each with its evidence
    #[command(after_long_help = super::help::DELETIONS.more())]
    List {
        /// Also those that are done or decided
        #[arg(long)]
        all: bool,
    },
    /// Delete what a run withheld
    #[command(after_long_help = super::help::DELETIONS.more())]
    Approve {
        /// As `deletions list` prints it
        #[arg(value_name = "RUN", value_parser = super::run_id::run_id)]
        run: Uuid,
    },
    /// Keep what a run withheld, now and in later runs, until it is seen at the source again
    #[command(after_long_help = super::help::DELETIONS.more())]
    Dismiss {
        /// As `deletions list` prints it
        #[arg(value_name = "RUN", value_parser = super::run_id::run_id)]
        run: Uuid,
    },
}

impl DeletionsArgs {
    /// The action; `list` if none was given.
    pub fn into_action(self) -> DeletionsAction {
        self.action.unwrap_or(DeletionsAction::List { all: false })
    }
}
