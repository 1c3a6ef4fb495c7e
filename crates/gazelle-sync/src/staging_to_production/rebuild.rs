//! Rebuilds production in scratch tables, from every version that staging holds. Production is neither read nor
//! written. (`late` rewrites single records of production by the same functions.)

use std::collections::BTreeMap;

use serde::Serialize;
use uuid::Uuid;

use super::batch::{self, Candidate, VersionContent, distinct_runs};
use super::target::{Order, Target, scratch_table};
use super::write;
use crate::db::{Bisect, DbError, WriteTx};
use crate::entities::{ENTITIES, Entity, read::RecordError, table::Table};
use crate::lease::FencedTx;
use crate::staging::pending::{self, RebuildSource};

/// Every production table, parents first.
pub fn production_tables() -> impl DoubleEndedIterator<Item = &'static Table> {
    ENTITIES.iter().flat_map(|entity| entity.tables.iter().copied())
}

/// A record whose newest version could not be written in a rebuild: its rows there are those of an older version,
/// or none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnwrittenRecord {
    /// The record's entity.
    pub entity: &'static str,
    /// The record's id.
    pub external_id: String,
    /// Why: what the reader or the database refused, by field, column or constraint.
    pub reason: String,
    /// Whether the database refused its rows; otherwise the version could not be read, by stage 2 neither, or a parent of
    /// it is absent.
    pub refused: bool,
    /// The version, if it could be read and a parent of it is absent in the rebuild.
    #[serde(skip)]
    pub waiting: Option<Uuid>,
    /// Whether the source has deleted the record since: stage 2 may have passed over the version that could not be written.
    #[serde(skip)]
    pub gone: bool,
}

/// The unplaced records, by entity and id. Versions are written in the order in which they were seen: a newer
/// version that can be written removes its record.
#[derive(Debug, Default)]
struct UnwrittenRecords(BTreeMap<(&'static str, String), UnwrittenRecord>);

impl UnwrittenRecords {
    fn note(&mut self, entity: &Entity, external_id: &str, reason: String, refused: bool) {
        let external_id = external_id.to_owned();
        let unplaced = UnwrittenRecord {
            entity: entity.name,
            external_id: external_id.clone(),
            reason,
            refused,
            waiting: None,
            gone: false,
        };
        self.0.insert((entity.name, external_id), unplaced);
    }

    /// Notes that candidates of distinct records were written: those with content are placed, but for those that wait for a
    /// parent; faulty ones are not.
    fn written(&mut self, entity: &Entity, run: &[Candidate], waiting: &[(&Candidate, RecordError)]) {
        for candidate in run {
            match &candidate.content {
                VersionContent::Record(_) => {
                    // Most rebuilds note nothing, and need no key.
                    if !self.0.is_empty() {
                        self.0.remove(&(entity.name, candidate.external_id.clone()));
                    }
                }
                VersionContent::Faulty(error) => {
                    self.note(entity, &candidate.external_id, error.message.clone(), false)
                }
                VersionContent::Tombstone => {
                    if let Some(unplaced) = self.0.get_mut(&(entity.name, candidate.external_id.clone())) {
                        unplaced.gone = true;
                    }
                }
            }
        }
        for (candidate, error) in waiting {
            let unplaced = UnwrittenRecord {
                entity: entity.name,
                external_id: candidate.external_id.clone(),
                reason: error.message.clone(),
                refused: false,
                waiting: Some(candidate.staging_id),
                gone: false,
            };
            self.0.insert((entity.name, candidate.external_id.clone()), unplaced);
        }
    }
}

/// Rebuilds every entity in new temporary tables, which no other transaction sees and which end with this one.
/// Returns the records that could not be placed.
///
/// # Errors
/// The database's.
pub async fn rebuild(
    tx: &WriteTx<'_>,
    batch_size: usize,
    basis: RebuildSource,
) -> Result<Vec<UnwrittenRecord>, DbError> {
    for table in production_tables() {
        for statement in scratch_table(table) {
            tx.batch(&statement).await.map_err(|error| match error.state.as_deref() {
                Some("42501") => error.while_doing(
                    "a rebuild needs temporary tables: GRANT TEMPORARY ON DATABASE … TO the role in DATABASE_URL",
                ),
                _ => error,
            })?;
        }
    }
    let mut not_placed = UnwrittenRecords::default();
    for entity in ENTITIES.iter().copied() {
        let ids = pending::chronology(tx, entity, basis).await?;
        let mut left = ids.as_slice();
        while !left.is_empty() {
            let (candidates, after) = read(tx, entity, left, batch_size).await?;
            left = after;
            for run in distinct_runs(&candidates) {
                write_in_parts(tx, entity, run, &mut not_placed).await?;
            }
        }
    }
    Ok(not_placed.0.into_values().collect())
}

/// Reads the first of these versions, and returns the ids of the rest.
async fn read<'i>(
    tx: &WriteTx<'_>,
    entity: &Entity,
    ids: &'i [Uuid],
    batch_size: usize,
) -> Result<(Vec<Candidate>, &'i [Uuid]), DbError> {
    let (chunk, rest) = ids.split_at(batch_size.clamp(1, ids.len()));
    let candidates = batch::read_some(entity, pending::versions(tx, entity, chunk).await?);
    let last = candidates.last().map(|candidate| candidate.staging_id);
    // Some may have been too large to be read together with these.
    let left = match chunk.iter().position(|id| Some(*id) == last) {
        Some(at) => &ids[at + 1..],
        None => rest,
    };
    Ok((candidates, left))
}

/// Writes these versions to production, one after the other. Returns how many rows were written; a row that several
/// versions write counts for each.
///
/// # Errors
/// The database's. A version that it refuses fails the whole, so that the content of an older one does not remain
/// as the result.
pub(super) async fn write_again(
    tx: &FencedTx<'_>,
    entity: &Entity,
    ids: &[Uuid],
    batch_size: usize,
    order: Order,
) -> Result<u64, DbError> {
    let (mut written, mut left) = (0, ids);
    while !left.is_empty() {
        let (candidates, after) = read(tx, entity, left, batch_size).await?;
        left = after;
        for run in distinct_runs(&candidates) {
            written += write::write_only(Target::Production(tx), entity, run.iter(), order).await?.rows;
        }
    }
    Ok(written)
}

/// Writes these candidates, of distinct records, over the rebuilt rows. Returns those that could not be placed.
///
/// # Errors
/// The database's.
pub async fn overwrite(
    tx: &WriteTx<'_>,
    entity: &Entity,
    candidates: &[Candidate],
) -> Result<Vec<UnwrittenRecord>, DbError> {
    let mut not_placed = UnwrittenRecords::default();
    write_in_parts(tx, entity, candidates, &mut not_placed).await?;
    Ok(not_placed.0.into_values().collect())
}

/// Writes candidates of distinct records to the scratch tables; a part that the database refuses is split until the
/// offending record is alone.
async fn write_in_parts(
    tx: &WriteTx<'_>,
    entity: &Entity,
    run: &[Candidate],
    not_placed: &mut UnwrittenRecords,
) -> Result<(), DbError> {
    let mut parts = Bisect::new(run);
    while let Some(part) = parts.next() {
        let write = write::write_only(Target::Scratch(tx), entity, part.iter(), Order::UpdateFirst);
        match tx.in_savepoint(write).await? {
            Ok(done) => not_placed.written(entity, part, &done.waiting),
            Err(refusal) => {
                if let Some((alone, refusal)) = parts.failed(part, refusal)? {
                    not_placed.note(entity, &alone.external_id, refusal.to_string(), true);
                }
            }
        }
    }
    Ok(())
}
