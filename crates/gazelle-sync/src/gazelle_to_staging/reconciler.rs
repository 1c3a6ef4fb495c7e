//! The traits by which stage 1 calls stage 2 inside the transaction that stages a batch. Implemented above both
//! stages.

use std::fmt::Debug;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use uuid::Uuid;

use crate::db::DbError;
use crate::entities::Entity;
use crate::lease::FencedTx;
use crate::staging::outcome::BatchOutcome;
use crate::staging::versions::Received;

/// Creates a reconciler for each walk of a run.
pub trait Reconciler: Debug + Send + Sync {
    /// Returns the reconciler for one walk of an entity.
    fn begin_walk(&self, entity: &'static Entity, run_id: Uuid) -> Arc<dyn WalkReconciler>;
}

/// Reconciles the batches of one walk. Several batches may be reconciled at the same time.
pub trait WalkReconciler: Debug + Send + Sync {
    /// Stages a batch and reconciles it, in a transaction that the caller commits or rolls back. With
    /// `insert_only`, rows are inserted without comparing them if the destination was empty when the walk
    /// began. `at` is the time stored with the outcome.
    ///
    /// # Errors
    /// Errors of the database. After one that refuses a record, the caller must roll back.
    fn stage_and_reconcile<'a>(
        &'a self,
        tx: &'a FencedTx<'a>,
        batch: &'a [Received],
        insert_only: bool,
        at: Timestamp,
    ) -> BoxFuture<'a, Result<BatchOutcome, DbError>>;

    /// Records that a batch was only staged, as pending, so that it is reconciled later.
    fn note_pending(&self, batch: &[Received]);

    /// Whether the destination was empty when the walk began; false if that was never checked.
    fn began_empty(&self) -> bool;
}
