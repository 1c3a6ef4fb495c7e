//! The command, mode and trigger of a run, as the bookkeeping tables, reports, metrics and logs name them.

pub use crate::states::RunMode;

/// The command of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunCommand {
    /// `sync`, also by the service.
    Sync,
    /// `fetch`.
    Fetch,
    /// `reconcile`.
    Reconcile,
    /// `errors retry`.
    ErrorsRetry,
    /// `deletions approve`.
    DeletionsApprove,
    /// `replay`.
    Replay,
    /// `replay --dry-run`.
    ReplayDryRun,
    /// `undo`.
    Undo,
    /// `undo --lift`.
    UndoLift,
    /// `demo`.
    Demo,
}

impl RunCommand {
    /// The text stored and printed.
    pub fn as_str(self) -> &'static str {
        match self {
            RunCommand::Sync => "sync",
            RunCommand::Fetch => "fetch",
            RunCommand::Reconcile => "reconcile",
            RunCommand::ErrorsRetry => "errors retry",
            RunCommand::DeletionsApprove => "deletions approve",
            RunCommand::Replay => "replay",
            RunCommand::ReplayDryRun => "replay --dry-run",
            RunCommand::Undo => "undo",
            RunCommand::UndoLift => "undo --lift",
            RunCommand::Demo => "demo",
        }
    }
}

/// What started a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunTrigger {
    /// A command, typed by a user or from a script.
    Command,
    /// The service, by its schedule.
    Schedule,
    /// The service, for a row of `sync_wanted_runs`.
    Request,
    /// The demo.
    Demo,
}

impl RunTrigger {
    /// The text stored and printed.
    pub fn as_str(self) -> &'static str {
        match self {
            RunTrigger::Command => "command",
            RunTrigger::Schedule => "schedule",
            RunTrigger::Request => "request",
            RunTrigger::Demo => "demo",
        }
    }
}
