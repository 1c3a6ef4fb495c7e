//! Stages a batch in a transaction, and reconciles it in the same one where it can.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;
use uuid::Uuid;

use super::apart::{RefusalReasons, StagingBisect};
use crate::db::{Begin, Bisect, DbError, DbErrorClass, Tx, retry_conflicts};
use crate::display::EntityProgress;
use crate::entities::Entity;
use crate::gazelle_to_staging::reconciler::WalkReconciler;
use crate::gazelle_to_staging::{Fetch, RunContext};
use crate::staging::bookmarks;
use crate::staging::outcome::BatchOutcome;
use crate::staging::versions::{self, Received};

/// Whether stage 2 has reached an entity: its parents are in production, and nothing older of it is pending. The
/// sender is dropped when stage 2 will not reach it.
pub type StageTwoGate = watch::Receiver<bool>;

/// How many parts of a batch the database may refuse before the rest of it is left to stage 2. One record that it
/// refuses among some hundred is alone after ten.
const MOST_REFUSALS: u32 = 16;

/// What the last transaction of a walk does besides staging its batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct FinalTransaction<'w> {
    /// One version of each transaction before it.
    pub(super) marks: &'w [Uuid],
    /// The new bookmark: when the walk started, by the API's clock, and what was walked.
    pub(super) bookmark: Option<(Timestamp, &'w str)>,
}

/// How a batch is staged, from the fastest mode to the one that leaves everything to stage 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BatchMode {
    /// Staged and reconciled; nothing is compared if the destination was empty when the walk began.
    InsertOnly,
    /// Staged and reconciled.
    Upsert,
    /// Staged as pending: it is reconciled later.
    StageOnly,
}

impl BatchMode {
    /// The mode to try after a refusal, or after conflicts that do not end; none after the slowest. `began_empty`:
    /// whether the destination was empty when the walk began, so that the first mode compared nothing.
    fn slower(self, began_empty: bool) -> Option<BatchMode> {
        match self {
            BatchMode::InsertOnly if began_empty => Some(BatchMode::Upsert),
            // Stage 2 finds the record that is refused.
            BatchMode::InsertOnly | BatchMode::Upsert => Some(BatchMode::StageOnly),
            BatchMode::StageOnly => None,
        }
    }
}

/// Stages batches, each in a transaction.
#[derive(Clone)]
pub(super) struct Stager {
    fetch: Fetch,
    entity: &'static Entity,
    gate: Option<StageTwoGate>,
    reconciler: Arc<dyn WalkReconciler>,
    progress: EntityProgress,
    refused: Arc<Mutex<RefusalReasons>>,
}

impl Stager {
    pub(super) fn new(
        fetch: &Fetch,
        entity: &'static Entity,
        gate: Option<StageTwoGate>,
        progress: &EntityProgress,
    ) -> Stager {
        Stager {
            fetch: fetch.clone(),
            entity,
            gate,
            reconciler: fetch.reconciler.begin_walk(entity, fetch.run.run_id),
            progress: progress.clone(),
            refused: Arc::default(),
        }
    }

    /// Whether the database held nothing of the entity when the walk staged its first batch.
    pub(super) fn began_empty(&self) -> bool {
        self.reconciler.began_empty()
    }

    /// The records that staging has refused so far.
    pub(super) fn refused(&self) -> MutexGuard<'_, RefusalReasons> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stages a batch, and reconciles it at once if stage 2 has reached the entity and the database refuses none of
    /// it.
    pub(super) async fn stage(
        &mut self,
        batch: &[Received],
        last: Option<FinalTransaction<'_>>,
    ) -> Result<BatchOutcome, DbError> {
        let with_stage_two = match &mut self.gate {
            Some(gate) => gate.wait_for(|is_ours| *is_ours).await.is_ok(),
            None => false,
        };
        let mut mode = if with_stage_two { BatchMode::InsertOnly } else { BatchMode::StageOnly };
        let done = loop {
            let error = match self.tried(batch, last, mode).await {
                Ok(done) => break done,
                Err(error) => error,
            };
            match (error.fault, mode.slower(self.began_empty())) {
                (DbErrorClass::Record | DbErrorClass::RecordOrDatabase, Some(BatchMode::StageOnly))
                    if batch.len() > 1 =>
                {
                    break self.reconcile_apart(batch, error, last).await?;
                }
                (
                    DbErrorClass::Record | DbErrorClass::RecordOrDatabase | DbErrorClass::Conflict,
                    Some(slower),
                ) => mode = slower,
                // Something that a user has added to the staging table refuses a record.
                (DbErrorClass::Record | DbErrorClass::RecordOrDatabase, None) => {
                    break self.stage_apart(batch, last).await?;
                }
                _ => return Err(error),
            }
        };
        self.progress.staged(done.staged.staged);
        self.progress.reconciled(done.applied.processed).errors(done.applied.errors);
        Ok(done)
    }

    /// Reconciles a batch of which the database refused a record in smaller and smaller parts, so that the others do not
    /// need stage 2, to which something that a user has added may refuse them. What is refused is staged as pending, for
    /// stage 2 to find out why; and the rest with it where many are refused.
    async fn reconcile_apart(
        &self,
        batch: &[Received],
        refusal: DbError,
        last: Option<FinalTransaction<'_>>,
    ) -> Result<BatchOutcome, DbError> {
        let mut done = BatchOutcome::default();
        let (mut left, mut marks, mut refusals) = (Vec::new(), Vec::new(), 1);
        let mut parts = Bisect::new(batch).retrying_conflicts();
        parts.next();
        parts.failed(batch, refusal)?;
        while let Some(part) = parts.next() {
            if refusals >= MOST_REFUSALS {
                left.extend_from_slice(part);
                continue;
            }
            match self.tried(part, None, BatchMode::Upsert).await {
                Ok(more) => {
                    marks.extend(more.staged.mark);
                    done += more;
                }
                Err(error) => {
                    refusals += u32::from(error.may_be_a_records());
                    match parts.failed(part, error) {
                        Ok(alone) => left.extend(alone.map(|(alone, _)| alone.clone())),
                        // For stage 2, as what conflicts in a batch that is not taken apart.
                        Err(error) if error.fault == DbErrorClass::Conflict => left.extend_from_slice(part),
                        // Not one was written: stage 2 finds out whether any can be.
                        Err(error) if error.fault == DbErrorClass::RecordOrDatabase => {
                            left.extend_from_slice(part);
                            left.extend(parts.by_ref().flatten().cloned());
                        }
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        marks.extend(last.iter().flat_map(|last| last.marks));
        let last = last.map(|last| FinalTransaction { marks: &marks, ..last });
        if !left.is_empty() || last.is_some() {
            done += match self.tried(&left, last, BatchMode::StageOnly).await {
                Err(error) if error.may_be_a_records() => self.stage_apart(&left, last).await?,
                staged => staged?,
            };
        }
        Ok(done)
    }

    /// Stages a batch of which the database refuses a record, as pending: in smaller and smaller parts, until that
    /// record is alone and all others are stored.
    async fn stage_apart(
        &self,
        batch: &[Received],
        last: Option<FinalTransaction<'_>>,
    ) -> Result<BatchOutcome, DbError> {
        let mut done = BatchOutcome::default();
        let mut marks: Vec<Uuid> = last.iter().flat_map(|last| last.marks).copied().collect();
        let mut apart = StagingBisect::new(batch, |record| &record.external_id);
        while let Some(part) = apart.next() {
            match self.tried(part, None, BatchMode::StageOnly).await {
                Ok(staged) => {
                    marks.extend(staged.staged.mark);
                    done += staged;
                }
                Err(error) => apart.failed(part, error, &mut self.refused())?,
            }
        }
        if let Some(last) = last {
            let bookmark = last.bookmark.filter(|_| self.refused().is_empty());
            done += self
                .tried(&[], Some(FinalTransaction { bookmark, marks: &marks }), BatchMode::StageOnly)
                .await?;
        }
        Ok(done)
    }

    /// Executes [`Stager::transaction`], again after a conflict with another transaction.
    async fn tried(
        &self,
        batch: &[Received],
        last: Option<FinalTransaction<'_>>,
        mode: BatchMode,
    ) -> Result<BatchOutcome, DbError> {
        retry_conflicts(|| self.transaction(batch, last, mode)).await
    }

    /// Only the last transaction of a walk waits for the disk, which makes all before it durable too. It checks
    /// first that they still exist: a server that crashed meanwhile has lost the latest.
    async fn transaction(
        &self,
        batch: &[Received],
        last: Option<FinalTransaction<'_>>,
        mode: BatchMode,
    ) -> Result<BatchOutcome, DbError> {
        let RunContext { db, fence, run_id, .. } = &self.fetch.run;
        let mut connection = db.connection().await?;
        // The lock on the lease is a write, so the last transaction always has something to flush.
        let begin = Begin { unflushed: last.is_none(), ..Begin::default() };
        let tx = fence.begin_with(&mut connection, begin).await?;
        if let Some(last) = last {
            self.all_there(&tx, last.marks).await?;
        }
        let now = self.fetch.run.clock.database_now();
        let done = if mode == BatchMode::StageOnly {
            self.reconciler.note_pending(batch);
            BatchOutcome::pending(versions::stage(&tx, self.entity, *run_id, batch).await?)
        } else {
            let insert_only = mode == BatchMode::InsertOnly;
            self.reconciler.stage_and_reconcile(&tx, batch, insert_only, now).await?
        };
        if let Some((walk_started_at, walk)) = last.and_then(|last| last.bookmark) {
            bookmarks::advance(&tx, self.entity, walk_started_at, walk, *run_id, now).await?;
        }
        tx.commit().await?;
        Ok(done)
    }

    /// Fails if a transaction of this walk is no longer in the database.
    async fn all_there(&self, tx: &Tx<'_>, marks: &[Uuid]) -> Result<(), DbError> {
        let missing = if marks.is_empty() { 0 } else { versions::missing(tx, self.entity, marks).await? };
        if missing == 0 {
            return Ok(());
        }
        Err(DbError::infrastructure(format!(
            "{missing} of {} transactions in which {} were staged are no longer in the database: it has crashed and \
             recovered meanwhile, or somebody removed them. The bookmark has not moved: the next run fetches them again",
            marks.len(),
            self.entity.name
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::BatchMode::{InsertOnly, StageOnly, Upsert};

    #[test]
    fn a_refused_batch_is_staged_more_slowly_until_nothing_is_left_to_try() {
        for (mode, began_empty, then) in [
            (InsertOnly, true, Some(Upsert)),
            // Rows were compared already.
            (InsertOnly, false, Some(StageOnly)),
            (Upsert, true, Some(StageOnly)),
            (Upsert, false, Some(StageOnly)),
            (StageOnly, true, None),
            (StageOnly, false, None),
        ] {
            assert_eq!(mode.slower(began_empty), then, "{mode:?} {began_empty}");
        }
    }
}
