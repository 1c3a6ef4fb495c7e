//! Applies a batch: writes the rows, outcomes and quarantine cases of its records in one transaction.

use jiff::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::batch::{Candidate, ReadCandidate, VersionContent};
use super::checked::{self, Write};
use super::derived::{self, Refresh};
use super::gaps::Applying;
use super::late::LateCandidates;
use super::marks::mark_gone;
use super::notes::note_faults;
use super::parents::{KnownParents, absent_parents, pending_parents, waits_for};
use super::target::{Order, Target};
use super::unread::Unread;
use super::warnings::note_warnings;
use super::write::write_rows;
use crate::db::DbError;
use crate::entities::Entity;
use crate::entities::read::RecordError;
use crate::lease::FencedTx;
use crate::staging::outcome::{self, BatchCounts};
use crate::staging::quarantine;

/// Applies candidates, at most one version of each record. One that waits for a parent stays pending if the list of
/// the parent's entity could not be read in this run. The caller commits.
pub(super) async fn apply(
    tx: &FencedTx<'_>,
    entity: &Entity,
    batch: &[Candidate],
    run: &Applying<'_>,
    order: Order,
) -> Result<BatchCounts, DbError> {
    let late = LateCandidates::of(tx, entity, batch).await?;
    let (superseded, current): (Vec<&Candidate>, Vec<&Candidate>) =
        batch.iter().partition(|candidate| late.is_superseded(candidate));
    let sorted = Sorted::of(tx, entity, current, None, &run.gaps.unread).await?;
    let mut applied = sorted.write_rows(tx, entity, order).await?;
    applied.processed += superseded.len() as u64;
    let read = superseded.iter().copied().filter(|candidate| candidate.fault().is_none());
    let (late_ones, processed): (Vec<&Candidate>, Vec<&Candidate>) =
        read.chain(sorted.written()).partition(|candidate| late.is_late(candidate));
    let processed: Vec<Uuid> = processed.iter().map(|candidate| candidate.staging_id).collect();
    outcome::processed(tx, entity, &processed, run.at).await?;
    settle_superseded_faults(tx, entity, &superseded, run.at).await?;
    applied.rows_written += late.rebuild_from_history(tx, entity, &late_ones, run.at, order).await?;
    sorted.note(tx, entity, run, false).await?;
    Ok(applied)
}

/// Marks superseded versions that are faulty as faulty and settled. They keep their reason: a faulty version has no
/// content, and must not count as what its record was at that time.
async fn settle_superseded_faults(
    tx: &FencedTx<'_>,
    entity: &Entity,
    superseded: &[&Candidate],
    at: Timestamp,
) -> Result<(), DbError> {
    let faulty: Vec<(Uuid, &RecordError)> =
        superseded.iter().filter_map(|candidate| Some((candidate.staging_id, candidate.fault()?))).collect();
    outcome::faulty(tx, entity, &faulty, at).await?;
    let settled: Vec<Uuid> = faulty.into_iter().map(|(staging_id, _)| staging_id).collect();
    outcome::settled(tx, entity, &settled).await
}

/// Candidates by outcome.
pub(super) struct Sorted<'b> {
    good: Vec<ReadCandidate<'b>>,
    gone: Vec<&'b Candidate>,
    faulty: Vec<(&'b Candidate, RecordError)>,
    /// How many stay pending.
    left: u64,
}

impl<'b> Sorted<'b> {
    /// Sorts candidates that are the newest of their records. One whose parent is absent waits in quarantine, so that
    /// the parent is asked for by its id, or stays pending if the parent could not be listed in this run, or is staged and
    /// pending itself.
    pub(super) async fn of(
        tx: &FencedTx<'_>,
        entity: &Entity,
        candidates: impl IntoIterator<Item = &'b Candidate>,
        known: Option<&KnownParents>,
        unread: &Unread,
    ) -> Result<Sorted<'b>, DbError> {
        let mut sorted = Sorted { good: Vec::new(), gone: Vec::new(), faulty: Vec::new(), left: 0 };
        for candidate in candidates {
            match &candidate.content {
                VersionContent::Record(reconciled) => {
                    sorted.good.push(ReadCandidate { candidate, reconciled })
                }
                VersionContent::Tombstone => sorted.gone.push(candidate),
                VersionContent::Faulty(error) => sorted.faulty.push((candidate, error.clone())),
            }
        }
        let absent = absent_parents(Target::Production(tx), entity, &sorted.good, known).await?;
        let mut waiting: Vec<(&'b Candidate, RecordError)> = Vec::new();
        sorted.good.retain(|good| match waits_for(entity, good, &absent) {
            Some(error) => {
                match unread.excuses(entity, &good.candidate.external_id, &error) {
                    true => sorted.left += 1,
                    false => waiting.push((good.candidate, error)),
                }
                false
            }
            None => true,
        });
        let pending =
            pending_parents(tx, waiting.iter().filter_map(|(_, error)| error.waits_for.as_ref())).await?;
        for (candidate, error) in waiting {
            if error.waits_for.as_ref().is_some_and(|parent| pending.contains(parent)) {
                unread.note_left(entity, &candidate.external_id);
                sorted.left += 1;
            } else {
                sorted.faulty.push((candidate, error));
            }
        }
        let faulty = sorted.faulty.iter().map(|(candidate, _)| *candidate);
        unread
            .note_settled(entity, sorted.written().chain(faulty).map(|settled| settled.external_id.as_str()));
        Ok(sorted)
    }

    /// The candidates that are written to production.
    pub(super) fn written(&self) -> impl Iterator<Item = &'b Candidate> {
        self.good.iter().map(|good| good.candidate).chain(self.gone.iter().copied())
    }

    /// Whether all candidates are written: none is faulty, none stays pending.
    pub(super) fn all_written(&self) -> bool {
        self.faulty.is_empty() && self.left == 0
    }

    /// How many candidates have an outcome: all that do not stay pending.
    pub(super) fn settled(&self) -> u64 {
        (self.good.len() + self.gone.len() + self.faulty.len()) as u64
    }

    /// Writes the rows to production. [`Order::AllNew`] only where it is known to hold nothing of the entity.
    pub(super) async fn write_rows(
        &self,
        tx: &FencedTx<'_>,
        entity: &Entity,
        order: Order,
    ) -> Result<BatchCounts, DbError> {
        let mut applied = BatchCounts {
            processed: self.written().count() as u64,
            errors: self.faulty.len() as u64,
            ..BatchCounts::default()
        };
        applied.rows_written = write_rows(Target::Production(tx), entity, &self.good, order).await?;
        let gone = mark_gone(Target::Production(tx), entity, &self.gone).await?;
        applied.deleted = gone.records;
        applied.rows_written += gone.records + gone.carried;
        if !self.good.is_empty() && order != Order::AllNew {
            applied.rows_written += self.refresh_derived(tx, entity).await?;
        }
        Ok(applied)
    }

    /// Refreshes the columns of other records that derive from the rows just written. Returns how many rows changed.
    async fn refresh_derived(&self, tx: &FencedTx<'_>, entity: &Entity) -> Result<u64, DbError> {
        let ids: Vec<&str> = self.good.iter().map(|good| good.candidate.external_id.as_str()).collect();
        let mut written = 0;
        for Refresh { table, to_write, write } in derived::refreshes(entity) {
            let write = Write { table, to_write: &to_write, statements: &[&write], done: "refreshed" };
            written += checked::write(tx, write, &[(&ids, Type::TEXT_ARRAY)]).await?;
        }
        Ok(written)
    }

    /// Notes faults and warnings, and closes the quarantine cases of written records. The versions must be in
    /// staging. `is_first_write`: nothing of these records was stored before, so there is nothing to close or replace.
    pub(super) async fn note(
        &self,
        tx: &FencedTx<'_>,
        entity: &Entity,
        run: &Applying<'_>,
        is_first_write: bool,
    ) -> Result<(), DbError> {
        note_faults(tx, entity, &self.faulty, run.run_id, run.at).await?;
        let written: Vec<(&str, Uuid, Timestamp)> = self
            .written()
            .map(|written| (written.external_id.as_str(), written.staging_id, written.fetched_at))
            .collect();
        if !written.is_empty() && !is_first_write {
            quarantine::close(tx, entity, &written, run.at).await?;
        }
        note_warnings(tx, entity, &self.good, run, is_first_write).await
    }
}
