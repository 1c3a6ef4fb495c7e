//! Both stages of a batch in one transaction: what stage 1 has just received is reconciled from the same bytes,
//! and its versions are added as what they are, processed, instead of being written, read back and written again.
//!
//! The raw record still comes first in every respect: versions, rows and outcome are there together or not at
//! all, and when a record cannot be reconciled in this way its versions are staged as pending, for stage 2.

use std::collections::HashSet;

use jiff::Timestamp;
use uuid::Uuid;

use super::apply::{Applied, Sorted};
use super::batch::{self, Candidate};
use super::ground::Ground;
use super::target::Order;
use crate::db::DbError;
use crate::entities::Entity;
use crate::lease::FencedTx;
use crate::staging::versions::{self, Received, Staged, Version};

/// What became of a batch.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Direct {
    /// Versions added, and records that needed none.
    pub staged: Staged,
    /// Of those added, what stage 2 made of them at once.
    pub applied: Applied,
    /// Of those added, the ones that wait for stage 2 as pending.
    pub left: u64,
}

impl std::ops::AddAssign for Direct {
    fn add_assign(&mut self, other: Direct) {
        self.staged += other.staged;
        self.applied += other.applied;
        self.left += other.left;
    }
}

/// Stages a batch and reconciles it, in the caller's transaction. Nothing older of the entity may be pending,
/// and its parents must have been reconciled. `asks_nothing` where the database may be taken to hold nothing of
/// these records if it held nothing of the entity when the walk began; that is proved by its unique keys. `at` dates the outcome.
///
/// Errors: the database's. Where it refused a record, the caller rolls back and tries again in the way that asks,
/// and then stages the batch as pending.
pub async fn stage_and_reconcile(
    tx: &FencedTx<'_>,
    entity: &'static Entity,
    run_id: Uuid,
    batch: &[Received],
    ground: &Ground,
    asks_nothing: bool,
    at: Timestamp,
) -> Result<Direct, DbError> {
    if asks_nothing
        && ground.is_bare(tx, entity, batch).await?
        && let Some(done) = reconcile(tx, entity, run_id, batch, ground, true, at).await?
    {
        return Ok(done);
    }
    ground.meet(batch);
    Ok(reconcile(tx, entity, run_id, batch, ground, false, at).await?.unwrap_or_default())
}

/// Gives nothing, and has written nothing, where `bare` is not enough: a record that gets no row of its own could
/// have been received before without a unique key that tells.
async fn reconcile(
    tx: &FencedTx<'_>,
    entity: &'static Entity,
    run_id: Uuid,
    batch: &[Received],
    ground: &Ground,
    bare: bool,
    at: Timestamp,
) -> Result<Option<Direct>, DbError> {
    let fresh = versions::choose(tx, entity, run_id, batch, bare).await?;
    let staged = fresh.staged();
    if fresh.versions.is_empty() {
        return Ok(Some(Direct { staged, ..Direct::default() }));
    }
    let candidates: Vec<Candidate> =
        newest_of_each(&fresh.versions).map(|version| batch::read_fresh(entity, version)).collect();
    let sorted = Sorted::of(tx, entity, &candidates, Some(&ground.known), &ground.unread).await?;
    if bare && (!sorted.all_landed() || candidates.len() != fresh.versions.len()) {
        return Ok(None);
    }
    let processed: HashSet<Uuid> = sorted.landed().map(|candidate| candidate.staging_id).collect();
    versions::insert(tx, entity, run_id, &fresh.versions, &processed, at).await?;
    let order = if bare { Order::AllNew } else { Order::InsertFirst };
    let applied = sorted.write_rows(tx, entity, order).await?;
    sorted.note(tx, entity, run_id, at, bare).await?;
    // Should this transaction come to nothing after all, a record that names one of these meets the foreign key.
    if entity.is_named_by_others() {
        let ids = sorted.landed().map(|candidate| candidate.external_id.as_str());
        ground.known.remember(entity.tables[0].name, ids);
    }
    Ok(Some(Direct { staged, applied, left: staged.staged - sorted.settled() }))
}

/// Of several versions of a record the last; the earlier ones are stage 2's, which sees that they are superseded.
fn newest_of_each<'v, 'b>(versions: &'v [Version<'b>]) -> impl Iterator<Item = &'v Version<'b>> {
    let mut seen = HashSet::new();
    let mut newest: Vec<&Version<'b>> =
        versions.iter().rev().filter(|version| seen.insert(version.external_id)).collect();
    newest.reverse();
    newest.into_iter()
}
