//! Reads every version of one record, to show how it came to its present state.

pub mod recent;
pub mod run_versions;
pub mod slice;

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::{Row, types::Type};
use uuid::Uuid;

use super::versions::exact;
use super::versions::json_text::JsonText;
use super::versions::source_fault::SourceFault;
use super::{for_entity, template};
use crate::db::{self, DbError, Tx};
use crate::entities::{self, ENTITIES, Entity, weight};
use crate::states::{CaseState, VersionOperation, VersionStatus};

/// A version of a record, with its outcome and its quarantine case.
#[derive(Debug, Clone)]
pub struct Version {
    /// The staging row.
    pub staging_id: Uuid,
    /// When it was seen.
    pub seen_at: Timestamp,
    /// Whether it is a tombstone: the record is gone.
    pub is_tombstone: bool,
    /// The record, as `jsonb` holds it.
    pub json: String,
    /// The record as received, where `jsonb` cannot hold it exactly.
    pub original: Option<Vec<u8>>,
    /// Its outcome.
    pub sync_status: VersionStatus,
    /// When its outcome was noted last; none while it is pending.
    pub processed_at: Option<Timestamp>,
    /// How often stage 2 tried it.
    pub attempts: i32,
    /// The run that staged it; none for one that a user inserted.
    pub run_id: Option<Uuid>,
    /// The number of the request that received it, within its run.
    pub request: Option<i32>,
    /// The undo that withdrew it; none if it counts.
    pub withdrawn: Option<Withdrawn>,
    /// Its case in quarantine, open or closed.
    pub quarantine: Option<QuarantineCase>,
    /// Why it is not the record's content; none if it is.
    pub fault: Option<SourceFault>,
    /// The kind of fault for which it was refused, if it was.
    pub error_code: Option<String>,
}

/// The undo that withdrew a version.
#[derive(Debug, Clone, Serialize)]
pub struct Withdrawn {
    /// The run of the undo.
    pub by: Uuid,
    /// When that run started; none if the run is no longer recorded.
    pub at: Option<Timestamp>,
}

/// A version's case in quarantine.
#[derive(Debug, Clone, Serialize)]
pub struct QuarantineCase {
    /// Its state.
    pub state: CaseState,
    /// The kind of fault.
    pub error_code: String,
    /// The field or column.
    pub error_field: Option<String>,
    /// A message of one line.
    pub message: Option<String>,
    /// The table of the parent it waits for.
    pub waits_for: Option<String>,
    /// The id of the parent it waits for.
    pub waits_for_id: Option<String>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// Why it was closed.
    pub closed_reason: Option<String>,
    /// How often it was tried.
    pub attempts: i32,
}

impl Version {
    /// The record as the reconciler reads it: the nearest readable form where `jsonb` cannot hold the original.
    /// None if it has more values than the reconciler reads: it is in quarantine, and parsing it here would take as
    /// much memory.
    pub fn readable(&self) -> Option<Cow<'_, str>> {
        let text = match &self.original {
            Some(bytes) => Cow::Owned(exact::nearest(&String::from_utf8_lossy(bytes))),
            None => Cow::Borrowed(self.json.as_str()),
        };
        (!weight::is_too_heavy(&text)).then_some(text)
    }

    /// Whether it counts: not withdrawn, processed, and without a fault.
    pub fn is_good(&self) -> bool {
        self.withdrawn.is_none() && self.sync_status == VersionStatus::Processed && !self.was_refused()
    }

    /// A sentence for a version that we made from the record's id, because the API returned nothing of it. Every
    /// version from the API has more fields, if only as null.
    pub fn only_id(&self) -> Option<String> {
        let fault = self.fault.as_ref()?;
        if weight::is_too_heavy(&self.json) {
            return None;
        }
        let record: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&self.json).ok()?;
        let is_bare = record.len() == 1 && record.contains_key("id");
        is_bare.then(|| {
            format!(
                "the API could not give this record; only its id is known; the API said: {}",
                fault.said.trim_end()
            )
        })
    }

    /// Whether it was faulty and was neither released nor reread later.
    fn was_refused(&self) -> bool {
        match &self.quarantine {
            Some(held) => !matches!(held.state, CaseState::Released | CaseState::Reread),
            // A case that was closed long ago is deleted; the version still has its error code.
            None => self.error_code.is_some(),
        }
    }

    fn of(row: &Row) -> Result<Version, DbError> {
        let state = db::optional_word(row, "case_state")?;
        let withdrawn_by: Option<Uuid> = row.get("withdrawn_by");
        Ok(Version {
            staging_id: row.get("id"),
            seen_at: row.get("fetched_at"),
            is_tombstone: db::word::<VersionOperation>(row, "operation")? == VersionOperation::Delete,
            json: row.get::<_, JsonText<'_>>("raw_data").0.to_owned(),
            original: row.get("raw_bytes"),
            sync_status: db::word(row, "sync_status")?,
            processed_at: row.get("processed_at"),
            run_id: row.get("run_id"),
            request: row.get("request"),
            withdrawn: withdrawn_by.map(|by| Withdrawn { by, at: row.get("undone_at") }),
            quarantine: state.map(|state| QuarantineCase {
                state,
                error_code: row.get("case_code"),
                error_field: row.get("case_field"),
                message: row.get("error_message"),
                waits_for: row.get("waits_for"),
                waits_for_id: row.get("waits_for_id"),
                closed_at: row.get("closed_at"),
                closed_reason: row.get("closed_reason"),
                attempts: row.get("case_attempts"),
            }),
            attempts: row.get("attempts"),
            fault: row
                .get::<_, Option<JsonText<'_>>>("source_fault")
                .map(|json| SourceFault::of_json(json.0)),
            error_code: row.get("error_code"),
        })
    }
}

/// A field that could not be read when the newest version that counts was reconciled.
#[derive(Debug, Clone, Serialize)]
pub struct UnreadableField {
    /// Where in the record.
    pub field: String,
    /// The columns that are NULL because of it; none if its child row was left as it was.
    pub column: Option<String>,
    /// The shape of the value, never the value.
    pub shape: Option<String>,
}

/// The fields of a record that could not be read.
///
/// # Errors
/// Those of the database.
pub async fn unreadable(
    tx: &Tx<'_>,
    entity: &Entity,
    external_id: &str,
) -> Result<Vec<UnreadableField>, DbError> {
    let rows = tx
        .query(include_str!("unreadable.sql"), &[(&entity.name, Type::TEXT), (&external_id, Type::TEXT)])
        .await?;
    Ok(rows
        .iter()
        .map(|row| UnreadableField {
            field: row.get("field"),
            column: row.get("column_name"),
            shape: row.get("shape"),
        })
        .collect())
}

/// The newest versions of a record, the oldest of them first; withdrawn and faulty ones included.
#[derive(Debug, Clone, Default)]
pub struct Versions {
    newest: Vec<Version>,
    /// How many staging holds.
    pub held: usize,
}

impl Versions {
    /// The position of a version among those held, from 1, by its index here.
    pub fn number(&self, index: usize) -> usize {
        self.held.saturating_sub(self.newest.len()) + index + 1
    }
}

impl std::ops::Deref for Versions {
    type Target = [Version];

    fn deref(&self) -> &[Version] {
        &self.newest
    }
}

/// All versions of a record.
///
/// # Errors
/// Those of the database.
pub async fn versions(tx: &Tx<'_>, entity: &Entity, external_id: &str) -> Result<Versions, DbError> {
    newest(tx, entity, external_id, i64::MAX).await
}

/// The newest versions of a record, `most` at most.
///
/// # Errors
/// Those of the database.
pub async fn newest(tx: &Tx<'_>, entity: &Entity, external_id: &str, most: i64) -> Result<Versions, DbError> {
    let params = [(&external_id as _, Type::TEXT), (&most as _, Type::INT8)];
    let rows = tx.query(&for_entity(include_str!("history.sql"), entity), &params).await?;
    let held = rows.first().map_or(0, |row| row.get::<_, i64>("held"));
    Ok(Versions {
        newest: rows.iter().rev().map(Version::of).collect::<Result<_, _>>()?,
        held: usize::try_from(held).unwrap_or(usize::MAX),
    })
}

/// Whether staging has a version of the record.
///
/// # Errors
/// Those of the database.
pub async fn knows(tx: &Tx<'_>, entity: &Entity, external_id: &str) -> Result<bool, DbError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM {schema}.{staging_table} WHERE external_id = $1)";
    let rows = tx.query(&for_entity(sql, entity), &[(&external_id, Type::TEXT)]).await?;
    Ok(rows.first().is_some_and(|row| row.get(0)))
}

/// The entities of which staging has a version of a record with this id.
///
/// # Errors
/// Those of the database.
pub async fn knowing(tx: &Tx<'_>, external_id: &str) -> Result<Vec<&'static Entity>, DbError> {
    let of = |entity: &&Entity| {
        let sql = "SELECT '{entity}' AS entity
             WHERE EXISTS (SELECT 1 FROM {schema}.{staging_table} WHERE external_id = $1)";
        template(sql, entity).with("entity", entity.name).fill()
    };
    let sql = ENTITIES.iter().map(of).collect::<Vec<_>>().join(" UNION ALL ");
    let rows = tx.query(&sql, &[(&external_id, Type::TEXT)]).await?;
    Ok(rows.iter().filter_map(|row| entities::entity(row.get("entity"))).collect())
}
