//! Stages what a walk receives: one transaction for each batch, several batches concurrently.
//!
//! The versions of a record are staged in the order in which they came: a version waits while an earlier one of its
//! record is being staged. If stage 2 is part of the run, batches wait until stage 2 reaches their entity, and are
//! reconciled inside the transaction that stages them.

pub mod apart;
mod gathering;
mod stager;

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::sleep_until;
use tracing::Instrument;
use uuid::Uuid;

use self::apart::RefusalReasons;
use self::gathering::{BatchBuilder, IdHash};
pub use self::stager::StageTwoGate;
use self::stager::{FinalTransaction, Stager};
use super::{Fetch, FetchError, task_error};
use crate::db::DbError;
use crate::display::EntityProgress;
use crate::entities::Entity;
use crate::gazelle_to_staging::pages::queue::QueuedPage;
use crate::staging::outcome::BatchOutcome;
use crate::staging::versions::Received;

/// Concurrent transactions of a walk: one for each of two processors.
const LANES: usize = 2;
/// How long records wait for more to fill their batch.
const LINGER: Duration = Duration::from_millis(200);

/// The lanes of a walk. Dropping them aborts the batches in progress, uncommitted.
pub(crate) struct Lanes {
    stager: Stager,
    /// The next batch.
    gathering: BatchBuilder,
    /// The batches that are being staged: the outcome of each, and the hashes of its ids.
    under_way: JoinSet<(Result<BatchOutcome, DbError>, Vec<IdHash>)>,
    /// One version of each transaction that staged any.
    marks: Vec<Uuid>,
    done: BatchOutcome,
    failure: Option<DbError>,
}

impl Lanes {
    pub(crate) fn open(
        fetch: &Fetch,
        entity: &'static Entity,
        gate: Option<StageTwoGate>,
        progress: &EntityProgress,
    ) -> Lanes {
        Lanes {
            stager: Stager::new(fetch, entity, gate, progress),
            gathering: BatchBuilder::new(fetch.limits.batch_size / LANES),
            under_way: JoinSet::new(),
            marks: Vec::new(),
            done: BatchOutcome::default(),
            failure: None,
        }
    }

    /// Whether the database held nothing of the entity when the walk staged its first batch.
    pub(crate) fn began_empty(&self) -> bool {
        self.stager.began_empty()
    }

    /// The next page; none after the last. Meanwhile starts to stage records that have waited long enough.
    pub(crate) async fn next(
        &mut self,
        pages: &mut mpsc::Receiver<QueuedPage>,
    ) -> Result<Option<QueuedPage>, FetchError> {
        loop {
            let may_go = !self.gathering.is_empty() && self.under_way.len() < LANES;
            let lingered = self.gathering.since() + LINGER;
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
            while self.gathering.is_under_way(&record.external_id) {
                self.wait_for_one().await?;
            }
            self.gathering.add(record);
            if self.gathering.is_full() {
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
    ) -> Result<(BatchOutcome, RefusalReasons), FetchError> {
        while !self.under_way.is_empty() {
            self.wait_for_one().await?;
        }
        if !self.gathering.is_empty() || bookmark.is_some() || !self.marks.is_empty() {
            let bookmark = bookmark.filter(|_| self.stager.refused().is_empty());
            let last = FinalTransaction { marks: &self.marks, bookmark };
            let (batch, _) = self.gathering.take();
            self.done += self.stager.stage(&batch, Some(last)).await?;
        }
        let refused = std::mem::take(&mut *self.stager.refused());
        Ok((self.done, refused))
    }

    /// Starts to stage what has gathered.
    fn send_off(&mut self) {
        let (batch, ids) = self.gathering.take();
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

    fn note(&mut self, ended: Result<(Result<BatchOutcome, DbError>, Vec<IdHash>), JoinError>) {
        match ended {
            Ok((end, ids)) => {
                self.gathering.ended(&ids);
                match end {
                    Ok(done) => {
                        self.marks.extend(done.staged.mark);
                        self.done += done;
                    }
                    Err(error) => self.failure = self.failure.take().or(Some(error)),
                }
            }
            Err(error) => self.failure = self.failure.take().or(Some(task_error(error))),
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
