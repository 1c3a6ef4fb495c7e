//! Applying a batch: rows, outcome and quarantine of its records, in one transaction.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use jiff::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::batch::{Candidate, VersionContent};
use super::checked::{self, Write};
use super::late::Late;
use super::marks::{mark_gone, mark_left_out};
use super::notes::{note_faults, note_warnings};
use super::parents::{KnownParents, Unread, absent_parents, waits_for};
use super::target::{Order, Target};
use super::upsert::{RowWithLineage, upsert};
use crate::db::{DbError, Tx};
use crate::entities::Entity;
use crate::entities::read::{Reconciled, RecordError};
use crate::entities::table::{Row, Table};
use crate::lease::FencedTx;
use crate::staging::outcome::{self, Applied};
use crate::staging::quarantine;

/// A good version among the candidates.
pub(super) struct Good<'b> {
    pub(super) candidate: &'b Candidate,
    pub(super) reconciled: &'b Reconciled,
}

/// Applies candidates of which no two are versions of the same record; those that wait for what is `unread` in this
/// run stay pending. `at` dates the outcome. The caller commits.
pub async fn apply(
    tx: &FencedTx<'_>,
    entity: &Entity,
    batch: &[Candidate],
    run_id: Uuid,
    at: Timestamp,
    unread: &Unread,
    order: Order,
) -> Result<Applied, DbError> {
    let late = Late::of(tx, entity, batch).await?;
    let (superseded, current): (Vec<&Candidate>, Vec<&Candidate>) =
        batch.iter().partition(|candidate| late.is_superseded(candidate));
    let sorted = Sorted::of(tx, entity, current, None, unread).await?;
    let mut applied = sorted.write_rows(tx, entity, order).await?;
    applied.processed += superseded.len() as u64;
    // A faulty one keeps its reason: it is no content, and must not count as what its record said at its time.
    let moot: Vec<(Uuid, &RecordError)> = superseded
        .iter()
        .filter_map(|candidate| match &candidate.content {
            VersionContent::Faulty(error) => Some((candidate.staging_id, error)),
            _ => None,
        })
        .collect();
    let read = superseded
        .iter()
        .copied()
        .filter(|candidate| !matches!(candidate.content, VersionContent::Faulty(_)));
    let (late_ones, processed): (Vec<&Candidate>, Vec<&Candidate>) =
        read.chain(sorted.written()).partition(|candidate| late.is_late(candidate));
    let processed: Vec<Uuid> = processed.iter().map(|candidate| candidate.staging_id).collect();
    outcome::processed(tx, entity, &processed, at).await?;
    outcome::faulty(tx, entity, &moot, at).await?;
    let moot: Vec<Uuid> = moot.into_iter().map(|(staging_id, _)| staging_id).collect();
    outcome::settled(tx, entity, &moot).await?;
    applied.rows_written += late.tell_again(tx, entity, &late_ones, at, order).await?;
    sorted.note(tx, entity, run_id, at, false).await?;
    Ok(applied)
}

/// Candidates by what becomes of them.
pub(super) struct Sorted<'b> {
    good: Vec<Good<'b>>,
    gone: Vec<&'b Candidate>,
    faulty: Vec<(&'b Candidate, RecordError)>,
    /// How many stay pending.
    left: u64,
}

impl<'b> Sorted<'b> {
    /// Sorts candidates that are the newest of their records; those whose parent is absent are faulty, or are left for
    /// another run where this one could not read such parents.
    pub(super) async fn of(
        tx: &Tx<'_>,
        entity: &Entity,
        candidates: impl IntoIterator<Item = &'b Candidate>,
        known: Option<&KnownParents>,
        unread: &Unread,
    ) -> Result<Sorted<'b>, DbError> {
        let mut sorted = Sorted { good: Vec::new(), gone: Vec::new(), faulty: Vec::new(), left: 0 };
        for candidate in candidates {
            match &candidate.content {
                VersionContent::Record(reconciled) => sorted.good.push(Good { candidate, reconciled }),
                VersionContent::Tombstone => sorted.gone.push(candidate),
                VersionContent::Faulty(error) => sorted.faulty.push((candidate, error.clone())),
            }
        }
        let absent = absent_parents(tx, entity, &sorted.good, Target::Production, known).await?;
        sorted.good.retain(|good| match waits_for(entity, good, &absent) {
            Some(error) => {
                match unread.excuses(&error) {
                    true => sorted.left += 1,
                    false => sorted.faulty.push((good.candidate, error)),
                }
                false
            }
            None => true,
        });
        Ok(sorted)
    }

    /// Those that production now says.
    pub(super) fn written(&self) -> impl Iterator<Item = &'b Candidate> {
        self.good.iter().map(|good| good.candidate).chain(self.gone.iter().copied())
    }

    /// Whether production says all of them.
    pub(super) fn all_written(&self) -> bool {
        self.faulty.is_empty() && self.left == 0
    }

    /// How many have an outcome.
    pub(super) fn settled(&self) -> u64 {
        (self.good.len() + self.gone.len() + self.faulty.len()) as u64
    }

    /// Writes production; [`Order::AllNew`] where it is known to hold nothing of the entity.
    pub(super) async fn write_rows(
        &self,
        tx: &Tx<'_>,
        entity: &Entity,
        order: Order,
    ) -> Result<Applied, DbError> {
        let mut applied = Applied {
            processed: self.written().count() as u64,
            errors: self.faulty.len() as u64,
            ..Applied::default()
        };
        applied.rows_written = write_rows(tx, entity, &self.good, Target::Production, order).await?;
        let gone = mark_gone(tx, entity, &self.gone, Target::Production).await?;
        applied.deleted = gone.records;
        applied.rows_written += gone.records + gone.carried;
        if let Some(refresh) = &entity.after_apply
            && !self.good.is_empty()
            && order != Order::AllNew
        {
            let ids: Vec<&str> = self.good.iter().map(|good| good.candidate.external_id.as_str()).collect();
            let write = Write {
                table: refresh.table,
                to_write: refresh.to_write,
                statements: &[refresh.write],
                done: "refreshed",
            };
            applied.rows_written += checked::write(tx, write, &[(&ids, Type::TEXT_ARRAY)]).await?;
        }
        Ok(applied)
    }

    /// Notes faults and warnings, and closes the quarantine of what was written. The versions are in staging. `bare`
    /// where nothing can have been noted before.
    pub(super) async fn note(
        &self,
        tx: &FencedTx<'_>,
        entity: &Entity,
        run_id: Uuid,
        at: Timestamp,
        bare: bool,
    ) -> Result<(), DbError> {
        note_faults(tx, entity, &self.faulty, run_id, at).await?;
        let written: Vec<(&str, Uuid, Timestamp)> = self
            .written()
            .map(|written| (written.external_id.as_str(), written.staging_id, written.fetched_at))
            .collect();
        if !written.is_empty() && !bare {
            quarantine::close(tx, entity, &written, at).await?;
        }
        note_warnings(tx, entity, &self.good, run_id, at, bare).await
    }
}

/// Writes the rows that candidates give and nothing else: no
/// outcome, no quarantine. Returns how many were written. Faulty ones and those whose parent is absent are left out.
pub async fn write_only<'b>(
    tx: &Tx<'_>,
    entity: &Entity,
    batch: impl Iterator<Item = &'b Candidate> + Clone,
    target: Target,
    order: Order,
) -> Result<u64, DbError> {
    let mut good: Vec<Good<'_>> = batch
        .clone()
        .filter_map(|candidate| match &candidate.content {
            VersionContent::Record(reconciled) => Some(Good { candidate, reconciled }),
            _ => None,
        })
        .collect();
    let gone: Vec<&Candidate> =
        batch.filter(|candidate| matches!(candidate.content, VersionContent::Tombstone)).collect();
    let absent = absent_parents(tx, entity, &good, target, None).await?;
    good.retain(|good| waits_for(entity, good, &absent).is_none());
    let written = write_rows(tx, entity, &good, target, order).await?;
    let gone = mark_gone(tx, entity, &gone, target).await?;
    Ok(written + gone.records + gone.carried)
}

/// The rows of good versions, table by table, parents first.
async fn write_rows(
    tx: &Tx<'_>,
    entity: &Entity,
    good: &[Good<'_>],
    target: Target,
    order: Order,
) -> Result<u64, DbError> {
    let mut written = 0;
    let mut all_new = order == Order::AllNew;
    for (index, table) in entity.tables.iter().enumerate() {
        // Records that were not there a moment ago cannot have left anything out.
        if !all_new {
            written += mark_left_out(tx, table, index, good, target).await?;
        }
        let rows: Vec<RowWithLineage<'_>> = good
            .iter()
            .flat_map(|good| {
                good.reconciled.rows.iter().filter(move |(of, _)| *of == index).map(|(_, row)| {
                    RowWithLineage {
                        row,
                        staging_id: good.candidate.staging_id,
                        fetched_at: good.candidate.fetched_at,
                    }
                })
            })
            .collect();
        let rows = if table.owner.is_some() { latest_claims(table, rows) } else { rows };
        let wrote = upsert(tx, entity, table, &rows, target, order).await?;
        written += wrote.inserted + wrote.updated;
        if index == 0 {
            // A rebuild believes no count: what it says is compared with what the counts led to.
            all_new = target == Target::Production && wrote.inserted == good.len() as u64;
        }
    }
    Ok(written)
}

/// A row that several records claim (a contact that moved between two clients read at different times) goes to
/// the one seen last.
fn latest_claims<'r>(table: &Table, rows: Vec<RowWithLineage<'r>>) -> Vec<RowWithLineage<'r>> {
    let key = |row: &Row| -> Vec<String> {
        table.key.iter().map(|key| table.get(row, key).as_text().unwrap_or_default().to_owned()).collect()
    };
    let mut position: HashMap<Vec<String>, usize> = HashMap::new();
    let mut kept: Vec<RowWithLineage<'r>> = Vec::with_capacity(rows.len());
    for lined in rows {
        match position.entry(key(lined.row)) {
            Entry::Vacant(free) => {
                free.insert(kept.len());
                kept.push(lined);
            }
            Entry::Occupied(taken) => {
                let held = &mut kept[*taken.get()];
                if held.fetched_at < lined.fetched_at {
                    *held = lined;
                }
            }
        }
    }
    kept
}
