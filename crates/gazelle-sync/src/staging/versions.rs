//! Adding versions of records: only those whose content differs from the newest one held.

use std::collections::HashMap;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::{exact, for_entity, json_text::JsonText};
use crate::db::{DbError, Tx};
use crate::entities::Entity;

/// A record as stage 1 received it.
#[derive(Debug, Clone)]
pub struct Received {
    /// Its id, as text.
    pub external_id: String,
    /// Its JSON, exactly as received; valid UTF-8.
    pub raw: Bytes,
    /// When its answer arrived, by our clock.
    pub seen_at: Timestamp,
}

/// What staging a batch came to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Staged {
    /// New versions added.
    pub staged: u64,
    /// Records whose newest version has the same content: nothing written.
    pub unchanged: u64,
}

impl std::ops::AddAssign for Staged {
    fn add_assign(&mut self, other: Staged) {
        self.staged += other.staged;
        self.unchanged += other.unchanged;
    }
}

/// Stages a batch in the caller's transaction. A version is added when its content hash differs
/// from that of the newest version of its id, or when that one says the record is gone.
///
/// `fetched_at` orders versions, so it always moves forward for an id, even when the clock steps back.
pub async fn stage(
    tx: &Tx<'_>,
    entity: &Entity,
    run_id: Uuid,
    batch: &[Received],
) -> Result<Staged, DbError> {
    let mut newest = newest_versions(tx, entity, batch).await?;
    let mut fresh = Fresh::default();
    let mut unchanged = 0;
    for record in batch {
        let hash = *blake3::hash(&record.raw).as_bytes();
        let mut fetched_at = microseconds(record.seen_at);
        if let Some(held) = newest.get(record.external_id.as_str()) {
            if held.hash.as_deref() == Some(hash.as_slice()) {
                unchanged += 1;
                continue;
            }
            if fetched_at <= held.fetched_at {
                fetched_at =
                    held.fetched_at.saturating_add(SignedDuration::from_micros(1)).unwrap_or(fetched_at);
            }
        }
        newest.insert(&record.external_id, Newest { hash: Some(hash.to_vec()), fetched_at });
        fresh.push(record, fetched_at, hash);
    }
    let staged = fresh.ids.len() as u64;
    if staged > 0 {
        fresh.insert(tx, entity, run_id).await?;
    }
    Ok(Staged { staged, unchanged })
}

/// The newest version held of an id. A tombstone counts as content that nothing equals.
pub struct Newest {
    /// BLAKE3 of the bytes as received.
    pub hash: Option<Vec<u8>>,
    /// When it was seen.
    pub fetched_at: Timestamp,
}

async fn newest_versions<'b>(
    tx: &Tx<'_>,
    entity: &Entity,
    batch: &'b [Received],
) -> Result<HashMap<&'b str, Newest>, DbError> {
    let ids: Vec<&str> = batch.iter().map(|record| record.external_id.as_str()).collect();
    newest_of(tx, entity, &ids).await
}

/// The newest version of each of these ids that has one, withdrawn ones included.
pub async fn newest_of<'i>(
    tx: &Tx<'_>,
    entity: &Entity,
    ids: &[&'i str],
) -> Result<HashMap<&'i str, Newest>, DbError> {
    let rows = tx.query(&for_entity(include_str!("newest.sql"), entity), &[(&ids, Type::TEXT_ARRAY)]).await?;
    Ok(rows
        .iter()
        .map(|row| {
            let position: i64 = row.get(0);
            let id = ids[usize::try_from(position - 1).unwrap_or_default()];
            (id, Newest { hash: row.get(1), fetched_at: row.get(2) })
        })
        .collect())
}

/// New versions, as the columns of one statement.
#[derive(Default)]
struct Fresh<'b> {
    ids: Vec<Uuid>,
    external_ids: Vec<&'b str>,
    raw: Vec<exact::Held<'b>>,
    fetched_at: Vec<Timestamp>,
    hashes: Vec<[u8; 32]>,
}

impl<'b> Fresh<'b> {
    fn push(&mut self, record: &'b Received, fetched_at: Timestamp, hash: [u8; 32]) {
        // Version 7: in the order of their making, which stage 2 and the index both like.
        self.ids.push(Uuid::now_v7());
        self.external_ids.push(&record.external_id);
        self.raw.push(exact::hold(&record.raw));
        self.fetched_at.push(fetched_at);
        self.hashes.push(hash);
    }

    async fn insert(&self, tx: &Tx<'_>, entity: &Entity, run_id: Uuid) -> Result<(), DbError> {
        let json: Vec<JsonText<'_>> = self.raw.iter().map(|held| JsonText(&held.json)).collect();
        let originals: Vec<Option<&[u8]>> = self.raw.iter().map(|held| held.original).collect();
        let hashes: Vec<&[u8]> = self.hashes.iter().map(|hash| hash.as_slice()).collect();
        tx.execute(
            &for_entity(include_str!("insert.sql"), entity),
            &[
                (&self.ids, Type::UUID_ARRAY),
                (&self.external_ids, Type::TEXT_ARRAY),
                (&json, Type::JSONB_ARRAY),
                (&originals, Type::BYTEA_ARRAY),
                (&self.fetched_at, Type::TIMESTAMPTZ_ARRAY),
                (&hashes, Type::BYTEA_ARRAY),
                (&run_id, Type::UUID),
                (&microseconds(Timestamp::now()), Type::TIMESTAMPTZ),
            ],
        )
        .await?;
        crate::crash::at(crate::crash::Step::VersionsStaged);
        Ok(())
    }
}

/// An instant as Postgres keeps it.
fn microseconds(instant: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(instant.as_microsecond()).unwrap_or(instant)
}
