//! Stages what a walk receives: one transaction for each batch, several batches concurrently.
//!
//! The versions of a record are staged in the order in which they came: a version waits while an earlier one of its
//! record is being staged. If stage 2 is part of the run, batches wait until stage 2 reaches their entity, and are
//! reconciled inside the transaction that stages them.

pub mod apart;

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};
use tracing::Instrument;
use uuid::Uuid;

use self::apart::{Apart, Refused};
use super::reconciler::WalkReconciler;
use super::{Fetch, FetchError, broken_off};
use crate::db::{Begin, DbError, Fault, Tx, retry_conflicts};
use crate::display::EntityProgress;
use crate::entities::{Entity, weight};
use crate::gazelle_to_staging::pages::queue::QueuedPage;
use crate::staging::bookmarks;
use crate::staging::outcome::BatchOutcome;
use crate::staging::versions::{self, Received};

/// Concurrent transactions of a walk: one for each of two processors.
const LANES: usize = 2;
/// How long records wait for more to fill their batch.
const LINGER: Duration = Duration::from_millis(200);

/// Whether stage 2 has reached an entity: its parents are in production, and nothing older of it is pending. The
/// sender is dropped when stage 2 will not reach it.
pub type Turn = watch::Receiver<bool>;

/// The lanes of a walk. Dropping them aborts the batches in progress, uncommitted.
pub(crate) struct Lanes {
    stager: Stager,
    batch_size: usize,
    /// The records of the next batch, each with the hash of its id; `gathered_since`: when the first of them came.
    gathered: Vec<(Received, u64)>,
    gathered_since: Instant,
    /// The memory that reading them takes.
    gathered_memory: usize,
    /// The batches that are being staged: the outcome of each, and the hashes of its ids.
    under_way: JoinSet<(Result<BatchOutcome, DbError>, Vec<u64>)>,
    /// The hashes of all ids that are being staged. Two records with one hash only wait for each other.
    ids_under_way: HashSet<u64>,
    hasher: RandomState,
    /// One version of each transaction that staged any.
    marks: Vec<Uuid>,
    done: BatchOutcome,
    failure: Option<DbError>,
}

impl Lanes {
    pub(crate) fn open(
        fetch: &Fetch,
        entity: &'static Entity,
        turn: Option<Turn>,
        progress: &EntityProgress,
    ) -> Lanes {
        let reconciler = fetch.reconciler.begin_walk(entity, fetch.run_id);
        Lanes {
            batch_size: (fetch.batch_size / LANES).max(1),
            stager: Stager {
                fetch: fetch.clone(),
                entity,
                turn,
                reconciler,
                progress: progress.clone(),
                refused: Arc::default(),
            },
            gathered: Vec::new(),
            gathered_since: Instant::now(),
            gathered_memory: 0,
            under_way: JoinSet::new(),
            ids_under_way: HashSet::new(),
            hasher: RandomState::new(),
            marks: Vec::new(),
            done: BatchOutcome::default(),
            failure: None,
        }
    }

    /// Whether the database held nothing of the entity when the walk staged its first batch.
    pub(crate) fn began_empty(&self) -> bool {
        self.stager.reconciler.began_empty()
    }

    /// The next page; none after the last. Meanwhile starts to stage records that have waited long enough.
    pub(crate) async fn next(
        &mut self,
        pages: &mut mpsc::Receiver<QueuedPage>,
    ) -> Result<Option<QueuedPage>, FetchError> {
        loop {
            let may_go = !self.gathered.is_empty() && self.under_way.len() < LANES;
            let lingered = self.gathered_since + LINGER;
            tokio::select! {
                page = pages.recv() => return Ok(page),
                () = sleep_until(lingered), if may_go => self.send_off(),
                Some(ended) = self.under_way.join_next() => {
                    self.note(ended);
                    self.stop_if_failed().await?;
                }
            }
        }
    }

    /// Gathers records into batches and starts to stage those that are full; waits while all lanes are busy.
    pub(crate) async fn take(&mut self, records: Vec<Received>) -> Result<(), FetchError> {
        for record in records {
            let id = self.hasher.hash_one(record.external_id.as_str());
            while self.ids_under_way.contains(&id) {
                self.wait_for_one().await?;
            }
            if self.gathered.is_empty() {
                self.gathered_since = Instant::now();
            }
            self.gathered_memory += weight::memory(&record.raw);
            self.gathered.push((record, id));
            if self.gathered.len() >= self.batch_size || self.gathered_memory >= weight::BATCH {
                while self.under_way.len() >= LANES {
                    self.wait_for_one().await?;
                }
                self.send_off();
            }
        }
        Ok(())
    }

    /// Stages all that is left in one last transaction. If the walk was complete, the same transaction moves the
    /// bookmark to when the walk started, unless the database refused a record, which the next run has to fetch
    /// again. Returns refused records too, by id, with the reason.
    pub(crate) async fn finish(
        mut self,
        bookmark: Option<(Timestamp, &str)>,
    ) -> Result<(BatchOutcome, Refused), FetchError> {
        while !self.under_way.is_empty() {
            self.wait_for_one().await?;
        }
        if !self.gathered.is_empty() || bookmark.is_some() || !self.marks.is_empty() {
            let bookmark = bookmark.filter(|_| self.stager.refused().is_empty());
            let last = Last { marks: &self.marks, bookmark };
            let batch: Vec<Received> =
                std::mem::take(&mut self.gathered).into_iter().map(|(record, _)| record).collect();
            self.done += self.stager.stage(&batch, Some(last)).await?;
        }
        let refused = std::mem::take(&mut *self.stager.refused());
        Ok((self.done, refused))
    }

    /// Starts to stage what has gathered.
    fn send_off(&mut self) {
        let (batch, ids): (Vec<Received>, Vec<u64>) = std::mem::take(&mut self.gathered).into_iter().unzip();
        self.gathered_memory = 0;
        self.ids_under_way.extend(&ids);
        let mut stager = self.stager.clone();
        let staging = async move { (stager.stage(&batch, None).await, ids) };
        self.under_way.spawn(staging.in_current_span());
    }

    async fn wait_for_one(&mut self) -> Result<(), FetchError> {
        if let Some(ended) = self.under_way.join_next().await {
            self.note(ended);
        }
        self.stop_if_failed().await
    }

    fn note(&mut self, ended: Result<(Result<BatchOutcome, DbError>, Vec<u64>), JoinError>) {
        match ended {
            Ok((end, ids)) => {
                for id in &ids {
                    self.ids_under_way.remove(id);
                }
                match end {
                    Ok(done) => {
                        self.marks.extend(done.staged.mark);
                        self.done += done;
                    }
                    Err(error) => self.failure = self.failure.take().or(Some(error)),
                }
            }
            Err(error) => self.failure = self.failure.take().or(Some(broken_off(error))),
        }
    }

    /// If a batch has failed, waits for those in progress and returns its error, so that no other is started.
    async fn stop_if_failed(&mut self) -> Result<(), FetchError> {
        if self.failure.is_none() {
            return Ok(());
        }
        while let Some(ended) = self.under_way.join_next().await {
            self.note(ended);
        }
        self.failure.take().map_or(Ok(()), |error| Err(error.into()))
    }
}

/// What the last transaction of a walk does besides staging its batch.
#[derive(Debug, Clone, Copy)]
struct Last<'w> {
    /// One version of each transaction before it.
    marks: &'w [Uuid],
    /// The new bookmark: when the walk started, by the API's clock, and what was walked.
    bookmark: Option<(Timestamp, &'w str)>,
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
struct Stager {
    fetch: Fetch,
    entity: &'static Entity,
    turn: Option<Turn>,
    reconciler: Arc<dyn WalkReconciler>,
    progress: EntityProgress,
    refused: Arc<Mutex<Refused>>,
}

impl Stager {
    fn refused(&self) -> MutexGuard<'_, Refused> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stages a batch, and reconciles it at once if stage 2 has reached the entity and the database refuses none of
    /// it.
    async fn stage(&mut self, batch: &[Received], last: Option<Last<'_>>) -> Result<BatchOutcome, DbError> {
        let with_stage_two = match &mut self.turn {
            Some(turn) => turn.wait_for(|is_ours| *is_ours).await.is_ok(),
            None => false,
        };
        let mut mode = if with_stage_two { BatchMode::InsertOnly } else { BatchMode::StageOnly };
        let done = loop {
            let error = match self.tried(batch, last, mode).await {
                Ok(done) => break done,
                Err(error) => error,
            };
            match (error.fault, mode.slower(self.reconciler.began_empty())) {
                (Fault::Record | Fault::Conflict, Some(slower)) => mode = slower,
                // Something that a user has added to the staging table refuses a record.
                (Fault::Record, None) => break self.stage_apart(batch, last).await?,
                _ => return Err(error),
            }
        };
        self.progress.staged(done.staged.staged);
        self.progress.reconciled(done.applied.processed).errors(done.applied.errors);
        Ok(done)
    }

    /// Stages a batch of which the database refuses a record, as pending: in smaller and smaller parts, until that
    /// record is alone and all others are stored.
    async fn stage_apart(&self, batch: &[Received], last: Option<Last<'_>>) -> Result<BatchOutcome, DbError> {
        let mut done = BatchOutcome::default();
        let mut apart = Apart::new(batch, |record| &record.external_id);
        while let Some(part) = apart.next() {
            match self.tried(part, None, BatchMode::StageOnly).await {
                Ok(staged) => done += staged,
                Err(error) => apart.failed(part, error, &mut self.refused())?,
            }
        }
        if let Some(last) = last {
            let bookmark = last.bookmark.filter(|_| self.refused().is_empty());
            done += self.tried(&[], Some(Last { bookmark, ..last }), BatchMode::StageOnly).await?;
        }
        Ok(done)
    }

    /// Executes [`Stager::transaction`], again after a conflict with another transaction.
    async fn tried(
        &self,
        batch: &[Received],
        last: Option<Last<'_>>,
        mode: BatchMode,
    ) -> Result<BatchOutcome, DbError> {
        retry_conflicts(|| self.transaction(batch, last, mode)).await
    }

    /// Only the last transaction of a walk waits for the disk, which makes all before it durable too. It checks
    /// first that they still exist: a server that crashed meanwhile has lost the latest.
    async fn transaction(
        &self,
        batch: &[Received],
        last: Option<Last<'_>>,
        mode: BatchMode,
    ) -> Result<BatchOutcome, DbError> {
        let Fetch { db, fence, run_id, .. } = &self.fetch;
        let mut connection = db.connection().await?;
        // The lock on the lease is a write, so the last transaction always has something to flush.
        let begin = Begin { unflushed: last.is_none(), ..Begin::default() };
        let tx = fence.begin_with(&mut connection, begin).await?;
        if let Some(last) = last {
            self.all_there(&tx, last.marks).await?;
        }
        let now = self.fetch.clock.database_now();
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
