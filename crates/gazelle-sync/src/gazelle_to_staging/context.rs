//! The context of stage 1 in a run ([`Fetch`]), the walk that is requested ([`WalkSpec`]), and the errors that
//! stop it.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinError;
use uuid::Uuid;

use super::reconciler::Reconciler;
use super::requests::sizes::AllSizes;
use super::scope::Scope;
use crate::config::Guard;
use crate::db::{Db, DbError};
use crate::lease::Fence;
use crate::source::{Answer, GazelleClient, SourceError};
use crate::staging::versions::clock::RunClock;

/// The context of stage 1 in one run. Cheap to clone.
#[derive(Clone)]
pub struct Fetch {
    /// The API.
    pub api: ApiClients,
    /// The run, and the database that it writes.
    pub run: RunContext,
    /// The limits from the settings.
    pub limits: FetchLimits,
    /// The request sizes that the API accepted so far, per entity.
    pub sizes: Arc<AllSizes>,
    /// Reconciles batches in the transaction that stages them, once stage 2 has reached their entity.
    pub reconciler: Arc<dyn Reconciler>,
}

/// The clients of the API.
#[derive(Clone)]
pub struct ApiClients {
    /// For all requests except pages of lists.
    pub client: GazelleClient,
    /// For pages of lists: it waits for room in memory when too many answers are held.
    pub pages: GazelleClient,
}

/// A run, and the database that it writes.
#[derive(Clone)]
pub struct RunContext {
    /// The database.
    pub db: Db,
    /// The lease token that every writing transaction checks.
    pub fence: Fence,
    /// The id of the run, stored with every version.
    pub run_id: Uuid,
    /// Gives versions their `fetched_at`.
    pub clock: RunClock,
}

/// The limits of stage 1, from the settings.
#[derive(Debug, Clone, Copy)]
pub struct FetchLimits {
    /// Records requested per page; fewer where the API refused so many ([`AllSizes`]).
    pub page_size: u32,
    /// Requests in flight at most, and therefore windows walked at the same time at most.
    pub concurrency: usize,
    /// Records per transaction, divided among the lanes of a walk.
    pub batch_size: usize,
    /// Attempts at a walk before it counts as incomplete.
    pub walk_attempts: u32,
    /// The number of records that may be deleted without manual approval.
    pub delete_guard: Guard,
}

/// The API's clock, as read from one answer.
#[derive(Debug, Clone, Copy)]
pub struct ClockReading {
    /// The API's time of the answer; if it gives none, the time of the request. Never later than the database's
    /// time.
    pub started_at: Timestamp,
    /// How far the API's clock is ahead of the database's (negative: behind); none if the answer has no time.
    pub api_ahead: Option<SignedDuration>,
}

impl Fetch {
    /// Reads the API's clock from an answer.
    pub fn read_clock(&self, answer: &Answer) -> ClockReading {
        let arrived = self.run.clock.database_at(answer.arrived);
        let sent_at = arrived.saturating_sub(answer.latency).unwrap_or(arrived);
        ClockReading {
            started_at: answer.server_date.unwrap_or(sent_at).min(arrived),
            api_ahead: answer.server_date.map(|date| date.duration_since(arrived)),
        }
    }
}

/// Which part of an entity to walk, and what a complete walk of it may change.
#[derive(Debug, Clone, Copy)]
pub struct WalkSpec {
    /// The days of the entity to walk, or all of it.
    pub scope: Scope,
    /// Whether the scope is everything that the settings copy of the entity.
    pub is_full: bool,
    /// Whether the bookmark may move. False when the user chose a part of the entity that leaves out records
    /// changed since the bookmark.
    pub moves_bookmark: bool,
    /// The fewest records that are plausible, computed from the rows of production before the walk. A complete
    /// walk with fewer does not move the bookmark.
    pub credible: u64,
    /// The difference between the API's count and the ids seen, if it was the same in the last walks. A walk
    /// with this difference is not repeated.
    pub known_shortfall: Option<i64>,
}

/// An error that stops stage 1 of an entity.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// An error of the API. What was staged before it stays.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// An error of the database. It stops the run.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Resumes the panic of a task that panicked, and returns an error for a task that was cancelled because the
/// program ends.
///
/// # Panics
/// If the task panicked.
pub fn task_error(error: JoinError) -> DbError {
    match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => DbError::stopped("a part of the run was broken off, since the program ends"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_was_cancelled_is_an_error_and_one_that_panicked_panics_on() {
        let task = tokio::spawn(std::future::pending::<()>());
        task.abort();
        let error = task_error(task.await.unwrap_err());
        assert!(error.to_string().contains("broken off"), "{error}");
        assert_eq!(error.fault, crate::db::DbErrorClass::Stopped, "it blames no record");

        let task = tokio::spawn(async { panic!("a fault of ours") });
        let ended = task.await.unwrap_err();
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| task_error(ended))).unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"a fault of ours"));
    }
}
