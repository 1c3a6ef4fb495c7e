//! The report of a run: printed as a table for people, or as one JSON document for programs.

use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;

use super::kinds::RunMode;
pub use super::kinds::RunOutcome;
pub use super::warning_codes::RunWarningCode;

/// A run, as `--json` prints it. `fetched` to `deleted` are the sums of the entities ([`RunReport::add_up`]).
#[derive(Debug, Clone, Serialize)]
pub struct RunReport {
    /// The run's id in the bookkeeping tables.
    pub run_id: Uuid,
    /// `incremental` or `full`; none where stage 1 did not run.
    pub mode: Option<RunMode>,
    /// How it ended.
    pub status: RunOutcome,
    /// Why it is not a success, one sentence each.
    pub reasons: Vec<String>,
    /// The warnings of the run. They do not change its status.
    pub warnings: Vec<RunWarning>,
    /// Records received from the API.
    pub fetched: u64,
    /// New versions staged.
    pub staged: u64,
    /// Records whose newest version had the same content.
    pub unchanged: u64,
    /// Versions reconciled.
    pub processed: u64,
    /// Versions quarantined.
    pub errors: u64,
    /// Records newly in quarantine at the end; those that were there before do not count.
    pub quarantined: u64,
    /// Fields, and rows inside records, that could not be read: their records are in production without them.
    pub unreadable_fields: u64,
    /// Records newly marked deleted.
    pub deleted: u64,
    /// Requests made to the API; each is in `sync_run_requests`.
    pub requests: u64,
    /// Attempts beyond the first of each request.
    pub retries: u64,
    /// Milliseconds that the slowest answer took; none if nothing was requested.
    pub slowest_request_ms: Option<u64>,
    /// Milliseconds from start to end.
    pub duration_ms: u64,
    /// The same per entity, in order.
    pub entities: Vec<EntityReport>,
}

/// The sums of a run's requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestSum {
    /// Requests.
    pub requests: u64,
    /// Attempts, all requests together.
    pub attempts: u64,
    /// The longest wait for an answer, in milliseconds; none without requests.
    pub slowest_ms: Option<u64>,
}

/// A warning about a run as a whole. It does not change the run's status.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunWarning {
    /// Its kind.
    pub code: RunWarningCode,
    /// What it is about: `PrivateEvent.buffer`.
    pub subject: String,
    /// One sentence.
    pub message: String,
}

/// An entity's part of a run.
///
/// How the counts are related:
/// - A complete walk has `seen` = `source_total`, if the API counts. Records that the list repeats, or whose ids the
///   API does not give, are in `source_total` only. If every page was read and the counts differ all the same,
///   `short_by` is the difference, and the walk is not complete.
/// - `found_by_id` is part of `staged`, and `deleted` is part of `rows_written`.
/// - `in_staging` minus `in_production` is the number of records without a live row whose newest version is
///   quarantined or pending. Any other difference makes the run partial.
/// - `staged` plus `unchanged` is not `fetched`: it also counts tombstones and records that were requested by their
///   ids, and it does not count records that staging refused.
/// - `processed` plus `errors` is not `staged`: both also count versions that earlier runs left pending, and neither
///   counts those that stay pending. `errors` counts versions, `quarantined` records.
#[derive(Debug, Clone, Default, Serialize)]
pub struct EntityReport {
    /// `appointments`, …
    pub entity: String,
    /// What was walked: `whole`, or days; none where stage 1 did not run.
    pub walk: Option<String>,
    /// Whether the walk was complete.
    pub walk_complete: Option<bool>,
    /// Whether an incomplete walk is as complete as this list gets: it is short by the same number as in the runs
    /// before.
    pub walk_settled: bool,
    /// By how many more records the API counts than the walk saw, though it read every page; none if the count does
    /// not differ so.
    pub short_by: Option<i64>,
    /// Why the walk is incomplete; none if it is not.
    pub incomplete_reason: Option<String>,
    /// The API's count of the records in the walked scope.
    pub source_total: Option<u64>,
    /// Distinct ids seen.
    pub seen: Option<u64>,
    /// Records received.
    pub fetched: u64,
    /// Records held that a walk of the whole entity did not see and that exist: each was asked for by id, or is
    /// still to be.
    pub unlisted: u64,
    /// Records that others name and no walk had fetched, found by id: created during the run, or in no list.
    pub found_by_id: u64,
    /// New versions staged.
    pub staged: u64,
    /// Records whose newest version had the same content.
    pub unchanged: u64,
    /// Versions reconciled.
    pub processed: u64,
    /// Versions quarantined.
    pub errors: u64,
    /// Records newly in quarantine at the end; those that were there before do not count.
    pub quarantined: u64,
    /// Fields, and rows inside records, that could not be read: their records are in production without them.
    pub unreadable_fields: u64,
    /// Records newly marked deleted.
    pub deleted: u64,
    /// Production rows inserted, updated or marked.
    pub rows_written: u64,
    /// Old versions deleted from staging, by the setting `retention`.
    pub dropped: u64,
    /// Records that exist according to staging, at the end; none if not compared.
    pub in_staging: Option<u64>,
    /// Rows of the entity in production that are not marked deleted, at the end; none if not compared.
    pub in_production: Option<u64>,
    /// Milliseconds that stage 1 took; none if it did not run.
    pub fetch_ms: Option<u64>,
    /// Milliseconds that stage 2 took; none if it did not run.
    pub reconcile_ms: Option<u64>,
}

impl RunReport {
    /// A report with the status `success` and the sums of its entities.
    pub fn new(
        run_id: Uuid,
        mode: Option<RunMode>,
        entities: Vec<EntityReport>,
        duration: Duration,
    ) -> RunReport {
        let mut report = RunReport {
            run_id,
            mode,
            status: RunOutcome::Success,
            reasons: Vec::new(),
            warnings: Vec::new(),
            fetched: 0,
            staged: 0,
            unchanged: 0,
            processed: 0,
            errors: 0,
            quarantined: 0,
            unreadable_fields: 0,
            deleted: 0,
            requests: 0,
            retries: 0,
            slowest_request_ms: None,
            duration_ms: milliseconds(duration),
            entities,
        };
        report.add_up();
        report
    }

    /// Computes the sums of the entities again.
    pub fn add_up(&mut self) {
        let sum = |of: fn(&EntityReport) -> u64| self.entities.iter().map(of).sum();
        self.fetched = sum(|e| e.fetched);
        self.staged = sum(|e| e.staged);
        self.unchanged = sum(|e| e.unchanged);
        self.processed = sum(|e| e.processed);
        self.errors = sum(|e| e.errors);
        self.quarantined = sum(|e| e.quarantined);
        self.unreadable_fields = sum(|e| e.unreadable_fields);
        self.deleted = sum(|e| e.deleted);
    }

    /// Sets the counts of the run's requests.
    pub fn sum_requests(&mut self, sum: &RequestSum) {
        self.requests = sum.requests;
        self.retries = sum.attempts.saturating_sub(sum.requests);
        self.slowest_request_ms = sum.slowest_ms;
    }

    /// Notes a reason why the run is not a success; the status gets no better by it.
    pub fn note(&mut self, status: RunOutcome, reason: impl Into<String>) {
        self.status = self.status.and(status);
        self.reasons.push(reason.into());
    }
}

/// Whole milliseconds.
pub fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
