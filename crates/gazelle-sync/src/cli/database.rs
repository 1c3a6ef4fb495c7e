//! Arguments of `db` and `psql`.

use std::ffi::OsString;

use clap::{Args, Subcommand};

use super::help;

/// `db`, alone or with an action.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct DbArgs {
    /// The action; absent: status.
    #[command(subcommand)]
    pub action: Option<DbAction>,
}

/// The actions of `db`.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum DbAction {
    /// Say whether the embedded server runs, and for how long (default action)
    #[command(long_about = help::DB_STATUS.about(), after_long_help = help::DB.more())]
    Status,
    /// Start the embedded server and keep it running after this command
    #[command(long_about = help::DB_START.about(), after_long_help = help::DB.more())]
    Start,
    /// Stop the embedded server once no command uses it
    #[command(long_about = help::DB_STOP.about(), after_long_help = help::DB.more())]
    Stop,
}

impl DbArgs {
    /// The action; `status` if none was given.
    pub fn into_action(self) -> DbAction {
        self.action.unwrap_or(DbAction::Status)
    }
}

/// Arguments of `psql`.
#[derive(Debug, Clone, Default, Args)]
pub struct PsqlArgs {
    /// Arguments for psql; after `--` also those that this program has too, such as -v, -q and --help
    #[arg(value_name = "ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
    pub args: Vec<OsString>,
}
