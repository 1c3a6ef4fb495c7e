//! Stage 2 as stage 1 knows it: who reconciles a batch in the transaction that stages it. Implemented above both stages.

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

/// Reconciles what the walks of a run stage.
pub trait Reconciler: Debug + Send + Sync {
    /// Begins with the records of one walk of an entity.
    fn begin_walk(&self, entity: &'static Entity, run_id: Uuid) -> Arc<dyn WalkReconciler>;
}

/// Reconciles the batches of one walk, several side by side.
pub trait WalkReconciler: Debug + Send + Sync {
    /// Stages a batch and reconciles it, in a transaction that the caller commits or rolls back. With `insert_only`,
    /// nothing is compared where the destination was empty when the walk began. `at` dates the outcome.
    ///
    /// # Errors
    /// The database's. Where it refused a record, the caller rolls back.
    fn stage_and_reconcile<'a>(
        &'a self,
        tx: &'a FencedTx<'a>,
        batch: &'a [Received],
        insert_only: bool,
        at: Timestamp,
    ) -> BoxFuture<'a, Result<BatchOutcome, DbError>>;

    /// Notes a batch that is staged as pending, and so reconciled later.
    fn note_pending(&self, batch: &[Received]);

    /// Whether the destination was empty when the walk began; false also where that was never asked.
    fn began_empty(&self) -> bool;
}
