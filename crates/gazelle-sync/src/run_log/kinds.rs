//! The command, mode, trigger and status of a run, as the bookkeeping tables, reports, metrics and logs name them.

use crate::states::words;
pub use crate::states::{RunMode, RunState, Status};

words! {
    /// The command of a run.
    RunCommand {
        /// `sync`, also by the service.
        Sync = "sync",
        /// `fetch`.
        Fetch = "fetch",
        /// `reconcile`.
        Reconcile = "reconcile",
        /// `errors retry`.
        ErrorsRetry = "errors retry",
        /// `deletions approve`.
        DeletionsApprove = "deletions approve",
        /// `replay`.
        Replay = "replay",
        /// `replay --dry-run`.
        ReplayDryRun = "replay --dry-run",
        /// `undo`.
        Undo = "undo",
        /// `undo --lift`.
        UndoLift = "undo --lift",
        /// `demo`.
        Demo = "demo",
    }
}

words! {
    /// How a request for a run (`sync_wanted_runs`) ended.
    RequestOutcome {
        /// As its run.
        Success = Status::Success.as_str(),
        /// As its run.
        Partial = Status::Partial.as_str(),
        /// As its run.
        Failed = Status::Failed.as_str(),
        /// It was not served, for the reason that the row holds.
        Refused = "refused",
    }
}

words! {
    /// What started a run.
    RunTrigger {
        /// A command, typed by a user or from a script.
        Command = "command",
        /// The service, by its schedule.
        Schedule = "schedule",
        /// The service, for a row of `sync_wanted_runs`.
        Request = "request",
        /// The demo.
        Demo = "demo",
    }
}
