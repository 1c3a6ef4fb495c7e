//! The command line: its arguments and help. The commands themselves are in `commands`.
//!
//! Flags are the highest of the layers of settings ([`Cli::flags`]). Secrets have no flag, because every user
//! of the machine can read the arguments of a process.

mod alerts;
mod arguments;
mod auth;
mod database;
mod deletions;
mod errors;
mod help;
mod history;
mod init;
mod migrate;
mod parse;
mod people;
mod runs;
mod since;
mod sync;
#[cfg(test)]
mod tests;
mod trial;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};

pub use alerts::{AlertsAction, AlertsArgs};
pub use arguments::{
    CompletionsArgs, ManArgs, ServeArgs, StatusArgs, UndoArgs, VerifyArgs, WarningsArgs, unknown_entity,
};
pub use auth::{AuthAction, AuthArgs, LoginArgs};
pub use database::{DbAction, DbArgs, PsqlArgs};
pub use deletions::{DeletionsAction, DeletionsArgs};
pub use errors::{ErrorFilter, ErrorsAction, ErrorsArgs, ErrorsRetry, Limit};
pub use history::{ExplainArgs, HistoryArgs};
pub use init::InitArgs;
pub use migrate::MigrateArgs;
pub use parse::in_one_line;
pub use people::{PeopleAction, PeopleArgs, RoleFlags};
pub use runs::{RunFilter, RunPrefix, RunsAction, RunsArgs};
pub use since::Since;
pub use sync::{FetchArgs, ReconcileArgs, ReplayArgs, SourceFlags, SyncArgs};
pub use trial::{DemoArgs, ShopFlags, ShopSize, SimulateArgs};

pub use crate::config::nearest::did_you_mean;
use crate::config::settings_text;

/// Mirrors a Gazelle account into PostgreSQL, in two stages
#[derive(Debug, Clone, Parser)]
#[command(
    name = "gazelle-sync",
    version,
    long_about = help::PROGRAM.about(),
    after_help = help::PROGRAM.first_section(),
    after_long_help = format!("{}\n\n{}", help::PROGRAM.more(), settings_text()),
    subcommand_required = true,
    arg_required_else_help = true,
)]
pub struct Cli {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
    /// Flags of every command.
    #[command(flatten)]
    pub global: GlobalFlags,
}

/// Flags of every command.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct GlobalFlags {
    /// Settings file, in place of gazelle-sync.toml in the working directory and in /etc/gazelle-sync
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// PostgreSQL to mirror into, without a password (use DATABASE_URL to pass one)
    #[arg(long, global = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// Database schema that holds this account's tables
    #[arg(long, global = true, value_name = "NAME")]
    pub schema: Option<String>,
    /// Folder of the embedded database and of stored tokens
    #[arg(long, global = true, value_name = "FOLDER")]
    pub data_dir: Option<String>,
    /// Time zone in which times are shown
    #[arg(long, global = true, value_name = "ZONE")]
    pub timezone: Option<String>,
    /// Print one JSON document on stdout; everything else goes to stderr
    #[arg(long, global = true)]
    pub json: bool,
    /// auto, human or json
    #[arg(long, global = true, value_name = "FORMAT")]
    pub log_format: Option<String>,
    /// Log more: -v debug, -vv trace
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
    /// Log less and show no progress: -q warnings, -qq errors
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub quiet: u8,
}

/// The command.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Try everything on simulated data: embedded database, simulated Gazelle, two syncs
    #[command(long_about = help::DEMO.about(), after_long_help = help::DEMO.more())]
    Demo(DemoArgs),
    /// Ask for what is needed, try it, and write it into settings files
    #[command(long_about = help::INIT.about(), after_long_help = help::INIT.more())]
    Init(InitArgs),
    /// Fetch from Gazelle and bring production up to date (both stages)
    #[command(long_about = help::SYNC.about(), after_long_help = help::SYNC.more())]
    Sync(SyncArgs),
    /// Fetch from Gazelle into staging (stage 1 only)
    #[command(long_about = help::FETCH.about(), after_long_help = help::FETCH.more())]
    Fetch(FetchArgs),
    /// Bring production up to date with staging (stage 2 only)
    #[command(long_about = help::RECONCILE.about(), after_long_help = help::RECONCILE.more())]
    Reconcile(ReconcileArgs),
    /// Run as a service: sync by schedule and on demand, until stopped
    #[command(long_about = help::SERVE.about(), after_long_help = help::SERVE.more())]
    Serve(ServeArgs),
    /// Rebuild production from staging, without the API
    #[command(long_about = help::REPLAY.about(), after_long_help = help::REPLAY.more())]
    Replay(ReplayArgs),
    /// Restore production to its state before a run, or lift that undo
    #[command(long_about = help::UNDO.about(), after_long_help = help::UNDO.more())]
    Undo(UndoArgs),
    /// Prove that production is correct
    #[command(long_about = help::VERIFY.about(), after_long_help = help::VERIFY.more())]
    Verify(VerifyArgs),
    /// Say whether the data is right and what needs a decision; show what is stored, and the last runs
    #[command(long_about = help::STATUS.about(), after_long_help = help::STATUS.more())]
    Status(StatusArgs),
    /// List runs and why they failed, or show one
    #[command(long_about = help::RUNS.about(), after_long_help = help::RUNS.more())]
    Runs(RunsArgs),
    /// List the versions of a record and what changed in each
    #[command(long_about = help::HISTORY.about(), after_long_help = help::HISTORY.more())]
    History(HistoryArgs),
    /// Show where a value in production came from
    #[command(long_about = help::EXPLAIN.about(), after_long_help = help::EXPLAIN.more())]
    Explain(ExplainArgs),
    /// List, show, retry or dismiss quarantined records
    #[command(long_about = help::ERRORS.about(), after_long_help = help::ERRORS.more())]
    Errors(ErrorsArgs),
    /// List conditions that deserve attention but are not errors
    #[command(long_about = help::WARNINGS.about(), after_long_help = help::WARNINGS.more())]
    Warnings(WarningsArgs),
    /// List records deleted at the source, approve or dismiss withheld deletions
    #[command(long_about = help::DELETIONS.about(), after_long_help = help::DELETIONS.more())]
    Deletions(DeletionsArgs),
    /// Log in to Gazelle, show when the login expires, log out
    #[command(long_about = help::AUTH.about(), after_long_help = help::AUTH.more())]
    Auth(AuthArgs),
    /// Show open alerts and who was notified, test the alert channels
    #[command(long_about = help::ALERTS.about(), after_long_help = help::ALERTS.more())]
    Alerts(AlertsArgs),
    /// List, invite and disable the people who may sign in to the dashboard
    #[command(long_about = help::PEOPLE.about(), after_long_help = help::PEOPLE.more())]
    People(PeopleArgs),
    /// Check that everything needed is present and correct, and name what fixes it
    #[command(long_about = help::DOCTOR.about(), after_long_help = help::DOCTOR.more())]
    Doctor,
    /// Create or upgrade the database
    #[command(long_about = help::MIGRATE.about(), after_long_help = help::MIGRATE.more())]
    Migrate(MigrateArgs),
    /// Open psql on the database
    #[command(long_about = help::PSQL.about(), after_long_help = help::PSQL.more())]
    Psql(PsqlArgs),
    /// Start, stop or look at the embedded database server
    #[command(long_about = help::DB.about(), after_long_help = help::DB.more())]
    Db(DbArgs),
    /// Run a simulated Gazelle API with made-up data
    #[command(long_about = help::SIMULATE.about(), after_long_help = help::SIMULATE.more())]
    Simulate(SimulateArgs),
    /// Show the settings in force and where each came from
    #[command(
        long_about = help::SETTINGS.about(),
        after_long_help = format!("{}\n\n{}", help::SETTINGS.more(), settings_text()),
    )]
    Settings,
    /// Print the script that completes commands and flags in a shell
    #[command(long_about = help::COMPLETIONS.about(), after_long_help = help::COMPLETIONS.more())]
    Completions(CompletionsArgs),
    /// Print the manual page, or write the pages of all commands
    #[command(long_about = help::MAN.about(), after_long_help = help::MAN.more())]
    Man(ManArgs),
}
