//! Arguments of `deletions`.

use super::runs::RunPrefix;
use clap::{Args, Subcommand};

/// `deletions`, alone or with an action.
#[derive(Debug, Clone, Default, Args)]
pub struct DeletionsArgs {
    /// The action; absent: list.
    #[command(subcommand)]
    pub action: Option<DeletionsAction>,
}

/// The actions of `deletions`.
#[derive(Debug, Clone, Subcommand)]
pub enum DeletionsAction {
    /// List deletions that await approval (default action), each with its evidence
    #[command(after_long_help = super::help::DELETIONS.more())]
    List {
        /// Also those that are applied, approved or dismissed
        #[arg(long)]
        all: bool,
    },
    /// Approve the deletions that a run withheld
    #[command(after_long_help = super::help::DELETIONS.more())]
    Approve {
        /// The run, or the beginning of its id, as `deletions list` prints it
        #[arg(value_name = "RUN")]
        run: RunPrefix,
    },
    /// Dismiss the deletions that a run withheld: the records are kept, also in later runs, until they are seen at the source again
    #[command(after_long_help = super::help::DELETIONS.more())]
    Dismiss {
        /// The run, or the beginning of its id, as `deletions list` prints it
        #[arg(value_name = "RUN")]
        run: RunPrefix,
    },
}

impl DeletionsArgs {
    /// The action; `list` if none was given.
    pub fn into_action(self) -> DeletionsAction {
        self.action.unwrap_or(DeletionsAction::List { all: false })
    }
}
