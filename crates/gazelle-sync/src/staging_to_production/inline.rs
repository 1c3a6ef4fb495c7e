//! Executes both stages of a batch in one transaction: the records that stage 1 has just received are reconciled
//! from the same bytes, and their versions are inserted as processed, instead of being written, read back and
//! updated.
//!
//! Versions, rows and outcomes are committed together or not at all. If a record cannot be reconciled in this way,
//! its versions are staged as pending, for stage 2.

use std::collections::HashSet;

use jiff::Timestamp;
use uuid::Uuid;

use super::apply::Sorted;
use super::batch::{self, Candidate};
use super::destination::DestinationState;
use super::gaps::Applying;
use super::target::Order;
use crate::db::DbError;
use crate::lease::FencedTx;
use crate::staging::outcome::BatchOutcome;
use crate::staging::versions::{self, Received, Version};

/// Stages a batch and reconciles it, in the caller's transaction. Nothing older of the entity may be pending, and
/// its parents must have been reconciled. With `insert_only`, if the destination held nothing of the entity when
/// the walk began, nothing is compared: the unique keys prove that all rows are new. `at` dates the outcome.
///
/// # Errors
/// The database's. If it refused a record, the caller rolls back and tries again without `insert_only`, and then
/// stages the batch as pending.
pub async fn stage_and_reconcile(
    tx: &FencedTx<'_>,
    batch: &[Received],
    destination: &DestinationState,
    insert_only: bool,
    at: Timestamp,
) -> Result<BatchOutcome, DbError> {
    if insert_only
        && destination.is_empty_for(tx, batch).await?
        && let Some(done) = reconcile(tx, batch, destination, true, at).await?
    {
        return Ok(done);
    }
    destination.note_staged(batch);
    Ok(reconcile(tx, batch, destination, false, at).await?.unwrap_or_default())
}

/// Returns none, without having written anything, if `insert_only` is not sound: a record that gets no row of its
/// own could have been received before, and no unique key would detect that.
async fn reconcile(
    tx: &FencedTx<'_>,
    batch: &[Received],
    destination: &DestinationState,
    insert_only: bool,
    at: Timestamp,
) -> Result<Option<BatchOutcome>, DbError> {
    let (entity, run_id) = (destination.entity, destination.run_id);
    let fresh = versions::choose(tx, entity, run_id, batch, insert_only).await?;
    if fresh.versions.is_empty() {
        return Ok(Some(BatchOutcome { staged: fresh.staged(None), ..BatchOutcome::default() }));
    }
    let candidates: Vec<Candidate> =
        newest_of_each(&fresh.versions).map(|version| batch::read_fresh(entity, version)).collect();
    let known = Some(&*destination.known);
    let sorted = Sorted::of(tx, entity, &candidates, known, &destination.gaps.unread).await?;
    if insert_only && (!sorted.all_written() || candidates.len() != fresh.versions.len()) {
        return Ok(None);
    }
    let processed: HashSet<Uuid> = sorted.written().map(|candidate| candidate.staging_id).collect();
    let mark = versions::insert(tx, entity, run_id, &fresh.versions, &processed, at).await?;
    let staged = fresh.staged(mark);
    let order = if insert_only { Order::AllNew } else { Order::InsertFirst };
    let applied = sorted.write_rows(tx, entity, order).await?;
    let run = Applying { run_id, at, gaps: &destination.gaps };
    sorted.note(tx, entity, &run, insert_only).await?;
    // If this transaction is rolled back after all, the foreign key refuses a record that names one of these.
    if entity.is_named_by_others() {
        let ids = sorted.written().map(|candidate| candidate.external_id.as_str());
        destination.known.remember(entity.tables[0].name, ids);
    }
    Ok(Some(BatchOutcome { staged, applied, left: staged.staged - sorted.settled() }))
}

/// The last version of each record; earlier ones are left to stage 2, which sees that they are superseded.
fn newest_of_each<'v, 'b>(versions: &'v [Version<'b>]) -> impl Iterator<Item = &'v Version<'b>> {
    let mut seen = HashSet::new();
    let mut newest: Vec<&Version<'b>> =
        versions.iter().rev().filter(|version| seen.insert(version.external_id)).collect();
    newest.reverse();
    newest.into_iter()
}
