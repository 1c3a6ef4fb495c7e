//! Stage 2: writes the content of the newest versions in staging to production.
//!
//! Batches that stage 1 receives while stage 2 is at the same entity go through [`inline`]: both stages in one
//! transaction. All other versions are staged as pending: [`Reconciliation`] processes them in the order in which
//! they came, a batch at a time. [`batch`] reads versions (pure), `parents` finds those whose parent is absent,
//! `write` writes rows, and `apply` writes rows and outcomes in one transaction. A batch that the database refuses
//! is split until the offending record is alone, and that one is quarantined (or left pending, [`LeftPending`]); before that, existing rows are
//! updated without requiring of them what new rows need ([`Order`]). `checked` checks that rows were really
//! written, `another_row` whether rows can be written at all, and [`derived`] has what fills and refreshes columns that repeat those of other records. A failure of the database itself stops the run and quarantines no record. Nothing here fetches.

mod another_row;
mod apply;
pub mod apply_difference;
pub mod batch;
mod checked;
pub mod derived;
mod destination;
pub mod difference;
mod gaps;
pub mod inline;
mod late;
mod left_pending;
mod marks;
mod notes;
mod parents;
pub mod rebuild;
mod target;
mod unread;
pub mod upsert;
mod warnings;
mod write;

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use batch::{Candidate, VersionContent, distinct_runs};
pub use destination::DestinationState;
use gaps::Applying;
pub use gaps::Gaps;
pub use left_pending::LeftPending;
pub use parents::KnownParents;
pub use target::{Order, TableSet, scratch_table};
pub use unread::{LeftOfEntity, Unread};

use crate::db::{Bisect, Db, DbError, DbErrorClass, retry_conflicts};
use crate::entities::Entity;
use crate::entities::read::{ErrorCode, RecordError};
use crate::lease::Fence;
use crate::staging::outcome::BatchCounts;
use crate::staging::pending;
use crate::staging::versions::clock::RunClock;

/// No run lasts longer than this.
const LONGEST_RUN: Duration = Duration::from_secs(7 * 24 * 3600);
/// Fewer versions than this get no lane (a connection and a transaction) of their own.
const LANE_WORTH: usize = 250;

/// Stage 2 of one run.
pub struct Reconciliation<'a> {
    /// The database.
    pub db: &'a Db,
    /// Begins writing transactions under the run's lease.
    pub fence: &'a Fence,
    /// The run's id, noted with warnings: a UUID of version 7, made before the run staged anything.
    pub run_id: Uuid,
    /// Most versions in a transaction.
    pub batch_size: usize,
    /// What the run cannot read or note.
    pub gaps: Arc<Gaps>,
    /// Dates outcomes.
    pub clock: RunClock,
    /// Receives the records that not even the quarantine can take.
    pub left: LeftPending,
}

impl Reconciliation<'_> {
    /// Reconciles the versions of an entity that earlier runs and users left pending. `progress` is called after
    /// each transaction.
    ///
    /// # Errors
    /// The database's.
    pub async fn run_left(
        &self,
        entity: &Entity,
        progress: &(dyn Fn(BatchCounts) + Sync),
    ) -> Result<BatchCounts, DbError> {
        match pending::first_left(self.db, entity, self.run_id).await? {
            Some(first) => self.run_between(entity, first, Uuid::max(), progress).await,
            None => Ok(BatchCounts::default()),
        }
    }

    /// Reconciles what this run has staged and left pending. `progress` is called after each transaction.
    ///
    /// # Errors
    /// The database's.
    pub async fn run_own(
        &self,
        entity: &Entity,
        progress: &(dyn Fn(BatchCounts) + Sync),
    ) -> Result<BatchCounts, DbError> {
        // Ids of version 7 start with their time in milliseconds. Rows that users insert have random ids, which
        // must not move the position past versions that are still to come.
        let end = Uuid::from_u128(self.run_id.as_u128().saturating_add(LONGEST_RUN.as_millis() << 80));
        self.run_between(entity, self.run_id, end, progress).await
    }

    async fn run_between(
        &self,
        entity: &Entity,
        after: Uuid,
        before: Uuid,
        progress: &(dyn Fn(BatchCounts) + Sync),
    ) -> Result<BatchCounts, DbError> {
        let mut total = BatchCounts::default();
        let mut batch = self.read_batch(entity, after, before).await?;
        while let Some(last) = batch.last() {
            let next = self.read_batch(entity, last.staging_id, before);
            // The next batch is read while this one is written.
            let applied = Box::pin(self.apply_batch(entity, batch, progress));
            let (applied, read) = tokio::try_join!(applied, next)?;
            total += applied;
            batch = read;
        }
        Ok(total)
    }

    async fn read_batch(
        &self,
        entity: &Entity,
        after: Uuid,
        before: Uuid,
    ) -> Result<Vec<Candidate>, DbError> {
        let mut most = self.batch_size as i64;
        let pending = loop {
            match pending::claim(self.db, entity, after, before, most).await {
                // These records are too large to be read together.
                Err(error) if error.is_too_much && most > 1 => most = (most / 10).max(1),
                claimed => break claimed?,
            }
        };
        Ok(batch::read_some(entity, pending))
    }

    /// Applies a batch in two concurrent lanes. All versions of a record are in one lane, which keeps their order.
    /// If both lanes claim a row, the database reports a conflict and the transaction is retried.
    async fn apply_batch(
        &self,
        entity: &Entity,
        batch: Vec<Candidate>,
        progress: &(dyn Fn(BatchCounts) + Sync),
    ) -> Result<BatchCounts, DbError> {
        if batch.len() < LANE_WORTH * 2 {
            return self.apply_in_order(entity, &batch, progress).await;
        }
        let (first, second): (Vec<Candidate>, Vec<Candidate>) =
            batch.into_iter().partition(|candidate| lane_of(&candidate.external_id, 2) == 0);
        let (mut applied, other) = tokio::try_join!(
            self.apply_in_order(entity, &first, progress),
            self.apply_in_order(entity, &second, progress),
        )?;
        applied += other;
        Ok(applied)
    }

    /// Applies a batch in slices without two versions of one record, so that each record's versions are applied one
    /// after the other.
    async fn apply_in_order(
        &self,
        entity: &Entity,
        batch: &[Candidate],
        progress: &(dyn Fn(BatchCounts) + Sync),
    ) -> Result<BatchCounts, DbError> {
        let mut total = BatchCounts::default();
        for run in distinct_runs(batch) {
            let mut parts = Bisect::new(run);
            let mut order = Order::InsertFirst;
            let mut is_asked = false;
            while let Some(part) = parts.next() {
                let applied = match self.apply_once(entity, part, order).await {
                    Ok(applied) => applied,
                    // Perhaps the insert was refused for what only new rows need, and all of these exist.
                    Err(refusal) if refusal.may_be_a_records() && order == Order::InsertFirst => {
                        order = Order::UpdateFirst;
                        parts.again(part);
                        continue;
                    }
                    Err(error) => {
                        if error.fault == DbErrorClass::RecordOrDatabase
                            && let [alone] = part
                            && !parts.has_written()
                            && !std::mem::replace(&mut is_asked, true)
                        {
                            match self.writes_others(entity, alone).await? {
                                Some(true) => parts.others_are_written(),
                                Some(false) => return Err(error),
                                // The other pending records decide.
                                None => {}
                            }
                        }
                        match parts.failed(part, error)? {
                            Some((alone, refusal)) => self.quarantine(entity, alone, &refusal).await?,
                            None => continue,
                        }
                    }
                };
                progress(applied);
                total += applied;
            }
        }
        Ok(total)
    }

    /// Whether production takes rows of other records than this one; none if it holds none.
    async fn writes_others(&self, entity: &Entity, alone: &Candidate) -> Result<Option<bool>, DbError> {
        // Boxed: it is rare, and otherwise every caller's future would be as large.
        Box::pin(another_row::is_writable(self.db, self.fence, entity, &alone.external_id)).await
    }

    /// One transaction: rows, outcomes, and the check that the lease is still held.
    async fn apply_once(
        &self,
        entity: &Entity,
        part: &[Candidate],
        order: Order,
    ) -> Result<BatchCounts, DbError> {
        retry_conflicts(|| async {
            let run = Applying { run_id: self.run_id, at: self.clock.database_now(), gaps: &self.gaps };
            self.fence
                .transaction(self.db, async |tx| apply::apply(tx, entity, part, &run, order).await)
                .await
        })
        .await
    }

    /// Quarantines a record that the database refuses on its own. If it refuses that too, the version stays pending,
    /// so that it delays no other and nothing of it is lost.
    async fn quarantine(
        &self,
        entity: &Entity,
        candidate: &Candidate,
        refusal: &DbError,
    ) -> Result<BatchCounts, DbError> {
        let error = RecordError {
            code: ErrorCode::RefusedByDatabase,
            field: refusal.named.clone().unwrap_or_default(),
            message: format!("Refused: {refusal}"),
            waits_for: None,
        };
        let faulty = [Candidate {
            staging_id: candidate.staging_id,
            external_id: candidate.external_id.clone(),
            fetched_at: candidate.fetched_at,
            content: VersionContent::Faulty(error),
        }];
        match self.apply_once(entity, &faulty, Order::UpdateFirst).await {
            Err(again) if again.fault == DbErrorClass::Record => {
                let why = match (refusal.to_string(), again.to_string()) {
                    (why, again) if why == again => why,
                    (why, again) => format!("{why}; and its quarantine: {again}"),
                };
                self.left.note(entity, &candidate.external_id, why);
                Ok(BatchCounts::default())
            }
            applied => applied,
        }
    }
}

/// The lane of a record, the same for all its versions.
fn lane_of(external_id: &str, lanes: usize) -> usize {
    external_id.bytes().fold(0, |sum: usize, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) % lanes
}
