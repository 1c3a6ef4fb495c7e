//! Arguments of `alerts`.

use clap::{Args, Subcommand};

use super::help;

/// `alerts`, alone or with an action.
#[derive(Debug, Clone, Default, Args)]
pub struct AlertsArgs {
    /// The action; absent: list.
    #[command(subcommand)]
    pub action: Option<AlertsAction>,
}

/// The actions of `alerts`.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum AlertsAction {
    /// List open alerts, those closed within a week, and messages not yet delivered (default action)
    #[command(after_long_help = help::ALERTS.more())]
    List,
    /// Send one test message on every configured channel and report the results
    #[command(long_about = help::ALERTS_TEST.about(), after_long_help = help::ALERTS.more())]
    Test,
    /// Evaluate the alert conditions once and send what is due, as `serve` does continuously
    #[command(long_about = help::ALERTS_CHECK.about(), after_long_help = help::ALERTS.more())]
    Check,
}

impl AlertsArgs {
    /// The action; `list` if none was given.
    pub fn into_action(self) -> AlertsAction {
        self.action.unwrap_or(AlertsAction::List)
    }
}
