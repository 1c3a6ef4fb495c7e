//! Connects the two stages: reconciles what a walk stages in the same transaction.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use uuid::Uuid;

use crate::db::DbError;
use crate::entities::Entity;
use crate::gazelle_to_staging::reconciler::{Reconciler, WalkReconciler};
use crate::lease::FencedTx;
use crate::staging::outcome::BatchOutcome;
use crate::staging::versions::Received;
use crate::staging_to_production::{DestinationState, Gaps, KnownParents, inline};

/// Gives the walks of a run access to stage 2.
#[derive(Debug)]
pub(super) struct InlineReconciler {
    /// Parent rows that production is known to hold, shared by the walks of the run.
    known: Arc<KnownParents>,
    /// What the run cannot read or note.
    gaps: Arc<Gaps>,
}

impl InlineReconciler {
    /// For the walks of one run.
    pub(super) fn new(gaps: Arc<Gaps>) -> InlineReconciler {
        InlineReconciler { known: Arc::default(), gaps }
    }
}

impl Reconciler for InlineReconciler {
    fn begin_walk(&self, entity: &'static Entity, run_id: Uuid) -> Arc<dyn WalkReconciler> {
        Arc::new(DestinationState::new(entity, run_id, self.known.clone(), self.gaps.clone()))
    }
}

impl WalkReconciler for DestinationState {
    fn stage_and_reconcile<'a>(
        &'a self,
        tx: &'a FencedTx<'a>,
        batch: &'a [Received],
        insert_only: bool,
        at: Timestamp,
    ) -> BoxFuture<'a, Result<BatchOutcome, DbError>> {
        inline::stage_and_reconcile(tx, batch, self, insert_only, at).boxed()
    }

    fn note_pending(&self, batch: &[Received]) {
        self.note_staged(batch);
    }

    fn began_empty(&self) -> bool {
        DestinationState::began_empty(self)
    }
}
