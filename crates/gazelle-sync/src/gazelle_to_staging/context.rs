//! What stage 1 of a run works with, what it is asked to walk, and what stops it.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinError;
use uuid::Uuid;

use super::by_id::absent::guard::Guard;
use super::reconciler::Reconciler;
use super::requests::sizes::AllSizes;
use super::scope::Scope;
use crate::db::{Db, DbError};
use crate::lease::Fence;
use crate::source::{Answer, GazelleClient, SourceError};
use crate::staging::clock::Clock;

/// Stage 1 of one run. Cheap to clone.
#[derive(Clone)]
pub struct Fetch {
    /// The API.
    pub client: GazelleClient,
    /// The same for pages of lists.
    pub pages: GazelleClient,
    /// The database.
    pub db: Db,
    /// The run's right to write.
    pub fence: Fence,
    /// The run, noted with every version.
    pub run_id: Uuid,
    /// Records asked for in a page, where the API bears it.
    pub page_size: u32,
    /// What the API was found to bear.
    pub sizes: Arc<AllSizes>,
    /// Requests in flight at most, and so windows walked side by side.
    pub concurrency: usize,
    /// Records a transaction, over all lanes of a walk.
    pub batch_size: usize,
    /// Who reconciles batches as they are staged, when it is their entity's turn.
    pub reconciler: Arc<dyn Reconciler>,
    /// How often a walk is tried before it counts as incomplete.
    pub walk_attempts: u32,
    /// What versions are dated by.
    pub clock: Clock,
    /// How many records may be deleted without manual approval.
    pub delete_guard: Guard,
}

/// When an answer was given.
#[derive(Debug, Clone, Copy)]
pub struct ClockReading {
    /// By the API's clock where it tells, and never later than by the database's.
    pub started_at: Timestamp,
    /// How far the API's clock is ahead of the database's (negative: behind), where it tells.
    pub api_ahead: Option<SignedDuration>,
}

impl Fetch {
    /// Reads the API's clock off an answer.
    pub fn read_clock(&self, answer: &Answer) -> ClockReading {
        let arrived = self.clock.database_at(answer.arrived);
        let asked = arrived.saturating_sub(answer.latency).unwrap_or(arrived);
        ClockReading {
            started_at: answer.server_date.unwrap_or(asked).min(arrived),
            api_ahead: answer.server_date.map(|date| date.duration_since(arrived)),
        }
    }
}

/// What is to be walked, and what a complete walk of it is worth.
#[derive(Debug, Clone, Copy)]
pub struct WalkSpec {
    /// The part of the entity.
    pub scope: Scope,
    /// Whether the scope is all that is copied of the entity, by the settings.
    pub is_full: bool,
    /// Whether the bookmark may move: not for a part that a person chose and that leaves something unseen
    /// since the bookmark.
    pub moves_bookmark: bool,
    /// The fewest records that are credible, from what production held before; with fewer the walk is complete
    /// and yet the bookmark stays.
    pub credible: u64,
    /// By how much the API's count was off in each of the last walks, where it was by the same each time: such a walk is not
    /// repeated.
    pub known_shortfall: Option<i64>,
}

/// What stops stage 1 of an entity.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The API; what was staged before stays.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The database: the run stops.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// What became of a task that did not end by itself: its panic goes on here; one that was cancelled, since the program
/// ends, is an error.
pub fn broken_off(error: JoinError) -> DbError {
    match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => DbError::infrastructure("a part of the run was broken off, since the program ends"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_was_cancelled_is_an_error_and_one_that_panicked_panics_on() {
        let task = tokio::spawn(std::future::pending::<()>());
        task.abort();
        let error = broken_off(task.await.unwrap_err());
        assert!(error.to_string().contains("broken off"), "{error}");
        assert_eq!(error.fault, crate::db::Fault::Infrastructure, "it blames no record");

        let task = tokio::spawn(async { panic!("a fault of ours") });
        let ended = task.await.unwrap_err();
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| broken_off(ended))).unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"a fault of ours"));
    }
}
