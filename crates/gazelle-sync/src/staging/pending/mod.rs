//! Reads the versions that stage 2 is to process, oldest first, and those that production is rebuilt from.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use tokio_postgres::{Row, types::Type};
use uuid::Uuid;

use super::versions::json_text::JsonText;
use super::versions::source_fault::SourceFault;
use super::{for_entity, template};
use crate::db::{Db, DbError, Tx};
use crate::entities::Entity;
use crate::states::VersionOperation;

/// A pending version as read from staging; the JSON stays in the row's buffer. Columns are read by position: stage
/// 2 reads every version here, and a name would be searched for each time.
pub struct Pending {
    row: Row,
}

impl Pending {
    /// The staging row.
    pub fn id(&self) -> Uuid {
        self.row.get(0)
    }

    /// The record's id.
    pub fn external_id(&self) -> &str {
        self.row.get(1)
    }

    /// When this version was seen.
    pub fn fetched_at(&self) -> Timestamp {
        self.row.get(2)
    }

    /// Whether the version is a tombstone.
    pub fn is_tombstone(&self) -> bool {
        self.row.get::<_, &str>(3) == VersionOperation::Delete.as_str()
    }

    /// The JSON that `jsonb` holds.
    pub fn json(&self) -> &str {
        self.row.get::<_, JsonText<'_>>(4).0
    }

    /// Why the version is not its record's content, where the API could not give it whole.
    pub fn source_fault(&self) -> Option<SourceFault> {
        self.row.get::<_, Option<JsonText<'_>>>(6).map(|json| SourceFault::of_json(json.0))
    }

    /// The record as received, where `jsonb` could not hold it exactly.
    pub fn original(&self) -> Option<&[u8]> {
        self.row.get(5)
    }
}

/// The next pending versions between two positions, in the order of their ids, which for versions staged by runs is
/// the order in which they came.
///
/// # Errors
/// Those of the database.
pub async fn claim(
    db: &Db,
    entity: &Entity,
    after: Uuid,
    before: Uuid,
    limit: i64,
) -> Result<Vec<Pending>, DbError> {
    let rows = db
        .query(
            &for_entity(include_str!("claim.sql"), entity),
            &[(&after, Type::UUID), (&before, Type::UUID), (&limit, Type::INT8)],
        )
        .await?;
    Ok(rows.into_iter().map(|row| Pending { row }).collect())
}

/// Which versions production is rebuilt from. Dismissed ones are among none of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RebuildSource {
    /// Every version that counts, whatever its outcome: the content that production should have.
    Everything,
    /// Those that stage 2 has processed: the content that production should have already.
    Processed,
    /// Those seen until this instant, except what an undo had withdrawn by then: the content that production should
    /// have had then.
    AsOf(Timestamp),
}

/// The versions of an entity that count, in the order in which they were seen.
///
/// # Errors
/// Those of the database.
pub async fn chronology(tx: &Tx<'_>, entity: &Entity, basis: RebuildSource) -> Result<Vec<Uuid>, DbError> {
    let until = match basis {
        RebuildSource::Everything | RebuildSource::Processed => Timestamp::MAX,
        RebuildSource::AsOf(instant) => instant,
    };
    let rows = tx.query(&chronology_sql(entity, basis), &[(&until, Type::TIMESTAMPTZ)]).await?;
    Ok(rows.first().and_then(|row| row.get(0)).unwrap_or_default())
}

pub(super) fn chronology_sql(entity: &Entity, basis: RebuildSource) -> String {
    let only = match basis {
        RebuildSource::Everything => "s.withdrawn_by IS NULL",
        RebuildSource::Processed => "s.withdrawn_by IS NULL AND s.sync_status = 'processed'",
        RebuildSource::AsOf(_) => include_str!("not_withdrawn_by_then.sql").trim_end(),
    };
    template(include_str!("chronology.sql"), entity).with("only", only).fill()
}

/// Some versions by their staging rows, in the order in which they were seen.
///
/// # Errors
/// Those of the database.
pub async fn versions(tx: &Tx<'_>, entity: &Entity, ids: &[Uuid]) -> Result<Vec<Pending>, DbError> {
    let rows = tx
        .query(&for_entity(include_str!("versions_by_id.sql"), entity), &[(&ids, Type::UUID_ARRAY)])
        .await?;
    Ok(rows.into_iter().map(|row| Pending { row }).collect())
}

/// The processed versions of a record that count, in the order in which they were seen.
///
/// # Errors
/// Those of the database.
pub async fn chronology_of(tx: &Tx<'_>, entity: &Entity, external_id: &str) -> Result<Vec<Uuid>, DbError> {
    let rows = tx
        .query(&for_entity(include_str!("chronology_of.sql"), entity), &[(&external_id, Type::TEXT)])
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Of these versions, those that have not been processed: pending, or in quarantine.
///
/// # Errors
/// Those of the database.
pub async fn unprocessed(tx: &Tx<'_>, entity: &Entity, ids: &[Uuid]) -> Result<Vec<Uuid>, DbError> {
    let rows =
        tx.query(&for_entity(include_str!("unprocessed.sql"), entity), &[(&ids, Type::UUID_ARRAY)]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Of these records, those with a pending version.
///
/// # Errors
/// Those of the database.
pub async fn records_with_pending(
    tx: &Tx<'_>,
    entity: &Entity,
    records: &[String],
) -> Result<HashSet<String>, DbError> {
    let sql = for_entity(include_str!("records_with_pending.sql"), entity);
    let rows = tx.query(&sql, &[(&records, Type::TEXT_ARRAY)]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// What a newer, processed version of the same record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SupersededBy {
    /// Newer content.
    Content,
    /// No newer content, but a tombstone: the record is gone.
    Gone,
}

/// Of these versions (staging rows, ids and times seen), those of whose record production holds a newer version
/// already.
///
/// # Errors
/// Those of the database.
pub async fn newer(
    tx: &Tx<'_>,
    entity: &Entity,
    ids: &[Uuid],
    external_ids: &[&str],
    fetched_at: &[Timestamp],
) -> Result<HashMap<Uuid, SupersededBy>, DbError> {
    let rows = tx
        .query(
            &for_entity(include_str!("newer.sql"), entity),
            &[
                (&ids, Type::UUID_ARRAY),
                (&external_ids, Type::TEXT_ARRAY),
                (&fetched_at, Type::TIMESTAMPTZ_ARRAY),
            ],
        )
        .await?;
    let newer = |has_content| if has_content { SupersededBy::Content } else { SupersededBy::Gone };
    Ok(rows.iter().map(|row| (row.get("id"), newer(row.get("has_content")))).collect())
}

/// An SQL condition: production holds content of the record with this id seen after one time and, if it is not
/// NULL, before another.
pub fn seen_between(entity: &Entity, id: &str, after: &str, before: &str) -> String {
    template(include_str!("seen_between.sql"), entity)
        .with("id", id)
        .with("after", after)
        .with("before", before)
        .fill()
}

/// A position just before the first pending version that another run or a user left, if there is any.
///
/// # Errors
/// Those of the database.
pub async fn first_left(db: &Db, entity: &Entity, run_id: Uuid) -> Result<Option<Uuid>, DbError> {
    let rows =
        db.query(&for_entity(include_str!("first_left.sql"), entity), &[(&run_id, Type::UUID)]).await?;
    let first: Option<Uuid> = rows.first().and_then(|row| row.get(0));
    Ok(first.map(|id| Uuid::from_u128(id.as_u128().saturating_sub(1))))
}
