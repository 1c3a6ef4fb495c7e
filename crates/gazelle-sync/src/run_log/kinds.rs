//! The command, mode, trigger and status of a run, as the bookkeeping tables, reports, metrics and logs name them.

pub use crate::states::RunMode;
use crate::states::words;

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

/// The stored status of a run that has not ended. A run that has ended has a [`Status`].
pub const RUNNING: &str = "running";

words! {
    /// How a run ended.
    Status {
        /// Every walk was complete and the counts agree.
        Success = "success",
        /// Something is incomplete or withheld; what was written is right.
        Partial = "partial",
        /// The run failed: it could not do its work.
        Failed = "failed",
        /// The program was asked to stop before the end; the next run goes on.
        Interrupted = "interrupted",
    }
}

impl Status {
    /// The exit status of the program.
    pub fn exit_code(self) -> u8 {
        match self {
            Status::Success => 0,
            Status::Partial | Status::Interrupted => 3,
            Status::Failed => 1,
        }
    }

    /// The worse of two, in the order failed, interrupted, partial, success.
    pub fn and(self, other: Status) -> Status {
        match (self, other) {
            (Status::Failed, _) | (_, Status::Failed) => Status::Failed,
            (Status::Interrupted, _) | (_, Status::Interrupted) => Status::Interrupted,
            (Status::Partial, _) | (_, Status::Partial) => Status::Partial,
            _ => Status::Success,
        }
    }
}
