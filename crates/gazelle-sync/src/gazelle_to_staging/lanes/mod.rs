//! Stages what a walk receives: one transaction for each batch, several batches concurrently.
//!
//! The versions of a record are staged in the order in which they came: a version waits while an earlier one of its
//! record is being staged. If stage 2 is part of the run, batches wait until stage 2 reaches their entity, and are
//! reconciled inside the transaction that stages them.

pub mod apart;
mod stager;

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};
use tracing::Instrument;
use uuid::Uuid;

use self::apart::Refused;
pub use self::stager::StageTwoGate;
use self::stager::{Last, Stager};
use super::{Fetch, FetchError, task_error};
use crate::db::DbError;
use crate::display::EntityProgress;
use crate::entities::{Entity, weight};
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
        gate: Option<StageTwoGate>,
        progress: &EntityProgress,
    ) -> Lanes {
        Lanes {
            batch_size: (fetch.batch_size / LANES).max(1),
            stager: Stager::new(fetch, entity, gate, progress),
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
        self.stager.began_empty()
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
