//! Arguments of `alerts`.

use clap::{Args, Subcommand};

use super::help;

/// `alerts`, alone or with an action.
#[derive(Debug, Clone, Default, Args)]
pub struct AlertsArgs {
    /// What to do; absent: list.
    #[command(subcommand)]
    pub action: Option<AlertsAction>,
}

/// What to do with alerts.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum AlertsAction {
    /// List what is wrong, what was over within a week, and messages that nobody got yet (as `alerts` alone does)
    #[command(after_long_help = help::ALERTS.more())]
    List,
    /// Send one test message on every configured channel and say what happened
    #[command(long_about = help::ALERTS_TEST.about(), after_long_help = help::ALERTS.more())]
    Test,
    /// Look now what is wrong and send what is due, once, as `serve` does all the time
    #[command(long_about = help::ALERTS_CHECK.about(), after_long_help = help::ALERTS.more())]
    Check,
}

impl AlertsArgs {
    /// The action; `list` if none was given.
    pub fn into_action(self) -> AlertsAction {
        self.action.unwrap_or(AlertsAction::List)
    }
}
