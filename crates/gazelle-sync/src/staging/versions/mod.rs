//! Adds versions of records: only those whose content differs from the newest version held.

pub mod clock;
pub mod exact;
pub mod json_text;
pub mod source_fault;

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::{for_entity, written};
use crate::db::{Db, DbError, Tx};
use crate::entities::Entity;
use crate::lease::FencedTx;
use clock::version_id;
use json_text::JsonText;
use source_fault::SourceFault;

/// A record as stage 1 received it.
#[derive(Debug, Clone)]
pub struct Received {
    /// Its id, as text.
    pub external_id: String,
    /// Its JSON, exactly as received; valid UTF-8, unless its fault says that it is not.
    pub raw: Bytes,
    /// When its answer arrived, by the run's clock.
    pub seen_at: Timestamp,
    /// The number of the request that received it, within its run; if further requests completed it, of the first.
    pub request: i32,
    /// Why this is not the record's content: the API could not return it whole. It is staged as received and
    /// quarantined, whatever could be read from it.
    pub fault: Option<Box<SourceFault>>,
}

/// The counts of staging a batch.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Staged {
    /// New versions added.
    pub staged: u64,
    /// Records whose newest version has the same content: nothing written.
    pub unchanged: u64,
    /// The version added last: while it exists, so does all that its transaction added.
    pub mark: Option<Uuid>,
}

impl std::ops::AddAssign for Staged {
    fn add_assign(&mut self, other: Staged) {
        self.staged += other.staged;
        self.unchanged += other.unchanged;
        self.mark = other.mark.or(self.mark);
    }
}

/// Stages a batch in the caller's transaction, as pending. A version is added when its content hash differs
/// from that of the newest version of its id, or when that one says the record is gone.
///
/// # Errors
/// Those of the database, also for versions that it did not store although it reported no error.
pub async fn stage(
    tx: &FencedTx<'_>,
    entity: &Entity,
    run_id: Uuid,
    batch: &[Received],
) -> Result<Staged, DbError> {
    let fresh = choose(tx, entity, run_id, batch, false).await?;
    // None of them is processed: the date is not used.
    let mark = insert(tx, entity, run_id, &fresh.versions, &HashSet::new(), Timestamp::UNIX_EPOCH).await?;
    Ok(fresh.staged(mark))
}

/// The new versions of a batch.
pub struct NewVersions<'b> {
    /// The new versions, in the order in which they came.
    pub versions: Vec<Version<'b>>,
    /// Records without a new version.
    pub unchanged: u64,
}

impl NewVersions<'_> {
    /// Their counts, once they are inserted. `mark` is what [`insert`] returned.
    pub fn staged(&self, mark: Option<Uuid>) -> Staged {
        Staged { staged: self.versions.len() as u64, unchanged: self.unchanged, mark }
    }
}

/// A version to be added.
pub struct Version<'b> {
    /// The staging row it will be.
    pub id: Uuid,
    /// The record's id.
    pub external_id: &'b str,
    /// When it was seen, to the microsecond.
    pub fetched_at: Timestamp,
    /// How staging keeps it.
    pub held: exact::StoredJson<'b>,
    /// Why it is not the record's content.
    pub fault: Option<&'b SourceFault>,
    hash: [u8; 32],
    request: i32,
}

/// Whether staging holds any version of an entity, or the quarantine any case of it.
///
/// # Errors
/// Those of the database.
pub async fn holds_any(tx: &Tx<'_>, entity: &Entity) -> Result<bool, DbError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM {schema}.{staging_table})
                   OR EXISTS (SELECT 1 FROM {schema}.sync_quarantine WHERE entity = $1)";
    let rows = tx.query(&for_entity(sql, entity), &[(&entity.name, Type::TEXT)]).await?;
    Ok(rows.first().is_some_and(|row| row.get(0)))
}

/// How many of these versions staging does not hold.
///
/// # Errors
/// Those of the database.
pub async fn missing(tx: &Tx<'_>, entity: &Entity, ids: &[Uuid]) -> Result<usize, DbError> {
    let sql = for_entity(include_str!("missing.sql"), entity);
    let rows = tx.query(&sql, &[(&ids, Type::UUID_ARRAY)]).await?;
    Ok(rows.first().map_or(ids.len(), |row| row.get::<_, i64>(0).try_into().unwrap_or_default()))
}

/// Finds the new versions of a batch. If staging is known to hold `nothing` of the entity, it is not queried.
///
/// `fetched_at` orders versions, so it always moves forward for an id, even if the clock stepped back since an
/// earlier run. A record whose answer arrived before one that this run has staged adds nothing: the version seen
/// last stands.
///
/// # Errors
/// Those of the database.
pub async fn choose<'b>(
    tx: &Tx<'_>,
    entity: &Entity,
    run_id: Uuid,
    batch: &'b [Received],
    nothing: bool,
) -> Result<NewVersions<'b>, DbError> {
    let newest = if nothing { HashMap::new() } else { newest_versions(tx, entity, batch).await? };
    Ok(compared(newest, run_id, batch))
}

/// The new versions of a batch, given the newest versions held of its records.
fn compared<'b>(
    mut newest: HashMap<&'b str, NewestVersion>,
    run_id: Uuid,
    batch: &'b [Received],
) -> NewVersions<'b> {
    let mut fresh = NewVersions { versions: Vec::with_capacity(batch.len()), unchanged: 0 };
    for record in batch {
        let hash = hash(record);
        let mut fetched_at = microseconds(record.seen_at);
        if let Some(held) = newest.get(record.external_id.as_str()) {
            let was_overtaken = held.run_id == Some(run_id) && fetched_at < held.fetched_at;
            if was_overtaken || held.hash.as_deref() == Some(hash.as_slice()) {
                fresh.unchanged += 1;
                continue;
            }
            if fetched_at <= held.fetched_at {
                fetched_at =
                    held.fetched_at.saturating_add(SignedDuration::from_micros(1)).unwrap_or(fetched_at);
            }
        }
        let staged = NewestVersion { hash: Some(hash.to_vec()), fetched_at, run_id: Some(run_id) };
        newest.insert(&record.external_id, staged);
        fresh.versions.push(Version {
            // Ids in the order in which versions were seen suit stage 2 and the index.
            id: version_id(record.seen_at),
            external_id: &record.external_id,
            fetched_at,
            held: exact::hold(&record.raw),
            fault: record.fault.as_deref(),
            hash,
            request: record.request,
        });
    }
    fresh
}

/// The hash that distinguishes versions of a record: of its bytes and, if it has a fault, of the fault's code and
/// field. Not of the fault's message, which may hold the time or the number of a request.
pub fn hash(record: &Received) -> [u8; 32] {
    let Some(fault) = &record.fault else { return *blake3::hash(&record.raw).as_bytes() };
    let mut hasher = blake3::Hasher::new();
    hasher.update(&record.raw).update(fault.code().as_str().as_bytes()).update(fault.field.as_bytes());
    *hasher.finalize().as_bytes()
}

/// The newest version held of an id. A tombstone has no hash: no content equals it.
pub struct NewestVersion {
    /// BLAKE3 of the bytes as received.
    pub hash: Option<Vec<u8>>,
    /// When it was seen.
    pub fetched_at: Timestamp,
    /// The run that staged it, if one did.
    pub run_id: Option<Uuid>,
}

async fn newest_versions<'b>(
    tx: &Tx<'_>,
    entity: &Entity,
    batch: &'b [Received],
) -> Result<HashMap<&'b str, NewestVersion>, DbError> {
    let ids: Vec<&str> = batch.iter().map(|record| record.external_id.as_str()).collect();
    newest_of(tx, entity, &ids).await
}

/// The newest version of each of these ids that has one, withdrawn ones included.
///
/// # Errors
/// Those of the database.
pub async fn newest_of<'i>(
    tx: &Tx<'_>,
    entity: &Entity,
    ids: &[&'i str],
) -> Result<HashMap<&'i str, NewestVersion>, DbError> {
    let rows = tx.query(&for_entity(include_str!("newest.sql"), entity), &[(&ids, Type::TEXT_ARRAY)]).await?;
    Ok(rows
        .iter()
        .map(|row| {
            // By position: a row for each record of a batch is read here.
            let position: i64 = row.get(0);
            let id = ids[usize::try_from(position - 1).unwrap_or_default()];
            (id, NewestVersion { hash: row.get(1), fetched_at: row.get(2), run_id: row.get(3) })
        })
        .collect())
}

/// Whether staging has a record whose newest version is no tombstone.
///
/// # Errors
/// Those of the database.
pub async fn is_there(db: &Db, entity: &Entity, id: &str) -> Result<bool, DbError> {
    let sql = for_entity(include_str!("is_there.sql"), entity);
    let rows = db.query(&sql, &[(&id, Type::TEXT)]).await?;
    Ok(rows.first().is_some_and(|row| row.get(0)))
}

/// Whether the newest version of a record that is its content has all these fields.
///
/// # Errors
/// Those of the database.
pub async fn newest_has_fields(
    db: &Db,
    entity: &Entity,
    id: &str,
    fields: &[String],
) -> Result<bool, DbError> {
    let sql = for_entity(include_str!("newest_has_fields.sql"), entity);
    let rows = db.query(&sql, &[(&id, Type::TEXT), (&fields, Type::TEXT_ARRAY)]).await?;
    Ok(rows.first().is_some_and(|row| row.get(0)))
}

/// Inserts versions: those in `processed` as processed, since their rows are written in the same transaction, the
/// others as pending. `at` dates the processed ones. Returns the last version that the database says it stored.
///
/// # Errors
/// The database's; versions that it did not store without saying so, with what can be the cause.
pub async fn insert(
    tx: &FencedTx<'_>,
    entity: &Entity,
    run_id: Uuid,
    versions: &[Version<'_>],
    processed: &HashSet<Uuid>,
    at: Timestamp,
) -> Result<Option<Uuid>, DbError> {
    if versions.is_empty() {
        return Ok(None);
    }
    let ids: Vec<Uuid> = versions.iter().map(|version| version.id).collect();
    let external_ids: Vec<&str> = versions.iter().map(|version| version.external_id).collect();
    let json: Vec<JsonText<'_>> = versions.iter().map(|version| JsonText(&version.held.json)).collect();
    let originals: Vec<Option<&[u8]>> = versions.iter().map(|version| version.held.original).collect();
    let fetched_at: Vec<Timestamp> = versions.iter().map(|version| version.fetched_at).collect();
    let hashes: Vec<&[u8]> = versions.iter().map(|version| version.hash.as_slice()).collect();
    let faults: Vec<Option<String>> =
        versions.iter().map(|version| version.fault.map(SourceFault::to_json)).collect();
    let faults: Vec<Option<JsonText<'_>>> =
        faults.iter().map(|fault| fault.as_deref().map(JsonText)).collect();
    let requests: Vec<i32> = versions.iter().map(|version| version.request).collect();
    let is_processed: Vec<bool> = ids.iter().map(|id| processed.contains(id)).collect();
    let stored = tx
        .query(
            &for_entity(include_str!("insert.sql"), entity),
            &[
                (&ids, Type::UUID_ARRAY),
                (&external_ids, Type::TEXT_ARRAY),
                (&json, Type::JSONB_ARRAY),
                (&originals, Type::BYTEA_ARRAY),
                (&fetched_at, Type::TIMESTAMPTZ_ARRAY),
                (&hashes, Type::BYTEA_ARRAY),
                (&is_processed, Type::BOOL_ARRAY),
                (&run_id, Type::UUID),
                (&microseconds(at), Type::TIMESTAMPTZ),
                (&requests, Type::INT4_ARRAY),
                (&faults, Type::JSONB_ARRAY),
            ],
        )
        .await?;
    let left = written::missing(ids, &stored).len();
    written::check(tx, entity.staging_table, left, "stored").await?;
    crate::crash::at(crate::crash::CrashPoint::VersionsStaged);
    Ok(stored.last().map(|row| row.get(0)))
}

/// An instant in Postgres' precision of microseconds.
fn microseconds(instant: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(instant.as_microsecond()).unwrap_or(instant)
}

#[cfg(test)]
mod tests;
