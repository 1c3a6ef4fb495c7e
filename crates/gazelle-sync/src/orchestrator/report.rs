//! What a run says of itself: for people a table, for programs one JSON document.

use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Every walk was complete and the counts agree.
    Success,
    /// Something is incomplete or withheld; what landed is right.
    Partial,
    /// The program was asked to end in the middle; the next run goes on.
    Interrupted,
    /// The run did not do its work.
    Failed,
}

impl Status {
    /// The word stored and printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Success => "success",
            Status::Partial => "partial",
            Status::Interrupted => "interrupted",
            Status::Failed => "failed",
        }
    }

    /// The exit status of the program.
    pub fn exit_code(self) -> u8 {
        match self {
            Status::Success => 0,
            Status::Partial | Status::Interrupted => 3,
            Status::Failed => 1,
        }
    }

    /// The graver of two.
    pub fn and(self, other: Status) -> Status {
        match (self, other) {
            (Status::Failed, _) | (_, Status::Failed) => Status::Failed,
            (Status::Interrupted, _) | (_, Status::Interrupted) => Status::Interrupted,
            (Status::Partial, _) | (_, Status::Partial) => Status::Partial,
            _ => Status::Success,
        }
    }
}

/// A run, as `--json` prints it.
#[derive(Debug, Clone, Serialize)]
pub struct RunReport {
    /// Names the run in the bookkeeping tables.
    pub run_id: Uuid,
    /// `incremental` or `full`; none where stage 1 did not run.
    pub mode: Option<String>,
    /// How it ended.
    pub status: Status,
    /// Why it is not a success, one sentence each.
    pub reasons: Vec<String>,
    /// What else is worth knowing.
    pub warnings: Vec<RunWarning>,
    /// Records received from the API.
    pub fetched: u64,
    /// New versions staged.
    pub staged: u64,
    /// Records whose content was known.
    pub unchanged: u64,
    /// Versions reconciled.
    pub processed: u64,
    /// Versions quarantined.
    pub errors: u64,
    /// Records newly marked deleted.
    pub deleted: u64,
    /// Milliseconds from start to end.
    pub duration_ms: u64,
    /// The same per entity, in order.
    pub entities: Vec<EntityReport>,
}

/// Something worth knowing about a run as a whole that is no reason against its success.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunWarning {
    /// Its kind: `new_field`, `new_enum_value`, …
    pub code: &'static str,
    /// What it is about: `PrivateEvent.buffer`.
    pub subject: String,
    /// One sentence.
    pub message: String,
}

/// An entity's part of a run.
#[derive(Debug, Clone, Default, Serialize)]
pub struct EntityReport {
    /// `appointments`, …
    pub entity: String,
    /// What was walked: `whole`, or days; none where stage 1 did not run.
    pub walk: Option<String>,
    /// Whether the walk was complete.
    pub walk_complete: Option<bool>,
    /// Why not.
    pub incomplete_reason: Option<String>,
    /// The API's count of what was walked.
    pub source_total: Option<u64>,
    /// Distinct ids seen.
    pub seen: Option<u64>,
    /// Records received.
    pub fetched: u64,
    /// New versions staged.
    pub staged: u64,
    /// Records whose content was known.
    pub unchanged: u64,
    /// Versions reconciled.
    pub processed: u64,
    /// Versions quarantined.
    pub errors: u64,
    /// Records newly marked deleted.
    pub deleted: u64,
    /// Production rows inserted, updated or marked.
    pub rows_written: u64,
    /// Records that staging holds as existing, at the end.
    pub in_staging: Option<u64>,
    /// Records that production holds as existing, at the end.
    pub in_production: Option<u64>,
    /// Milliseconds that stage 1 took.
    pub fetch_ms: Option<u64>,
    /// Milliseconds that stage 2 took.
    pub reconcile_ms: Option<u64>,
}

impl RunReport {
    /// Adds up the entities.
    pub fn new(
        run_id: Uuid,
        mode: Option<String>,
        entities: Vec<EntityReport>,
        duration: Duration,
    ) -> RunReport {
        let sum = |of: fn(&EntityReport) -> u64| entities.iter().map(of).sum();
        RunReport {
            run_id,
            mode,
            status: Status::Success,
            reasons: Vec::new(),
            warnings: Vec::new(),
            fetched: sum(|e| e.fetched),
            staged: sum(|e| e.staged),
            unchanged: sum(|e| e.unchanged),
            processed: sum(|e| e.processed),
            errors: sum(|e| e.errors),
            deleted: sum(|e| e.deleted),
            duration_ms: milliseconds(duration),
            entities,
        }
    }

    /// Notes a reason why the run is not a success.
    pub fn note(&mut self, status: Status, reason: impl Into<String>) {
        self.status = self.status.and(status);
        self.reasons.push(reason.into());
    }
}

/// Whole milliseconds.
pub fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
