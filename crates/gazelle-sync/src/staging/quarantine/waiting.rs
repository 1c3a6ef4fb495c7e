//! What is in quarantine since an instant, by reason.

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::types::Type;

use crate::db::{Db, DbError};
use crate::entities::read::ErrorCode;

/// Most ids that a message names of each reason.
const MOST_NAMED: i32 = 5;

/// Records that are in quarantine for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QuarantinedRecords {
    /// `appointments`, …
    pub entity: String,
    /// The kind of fault.
    pub error_code: String,
    /// The field, column, constraint, trigger or function; empty where none is known.
    pub error_field: String,
    /// How many records.
    pub records: u64,
    /// Some of their ids.
    pub external_ids: Vec<String>,
}

impl QuarantinedRecords {
    /// What could not be written, in one sentence; none if the database is not the reason.
    pub fn unwritten(&self) -> Option<String> {
        let QuarantinedRecords { entity, error_field, records, external_ids, .. } = self;
        let who = if error_field.is_empty() { "the database" } else { error_field };
        let more = if *records > external_ids.len() as u64 { ", …" } else { "" };
        (self.error_code == ErrorCode::RefusedByDatabase.as_str()).then(|| {
            format!(
                "{entity}: {records} record(s) could not be written, and wait in quarantine: {who} refuses {}{more} \
                 (`gazelle-sync errors list` says why)",
                external_ids.join(", ")
            )
        })
    }
}

/// The records that failed since an instant and are in quarantine, by entity, code and field, with the first
/// five ids of each group.
///
/// # Errors
/// Those of the database.
pub async fn waiting_since(db: &Db, at: Timestamp) -> Result<Vec<QuarantinedRecords>, DbError> {
    let rows = db
        .query(include_str!("waiting_since.sql"), &[(&at, Type::TIMESTAMPTZ), (&MOST_NAMED, Type::INT4)])
        .await?;
    let waiting = |row: &tokio_postgres::Row| QuarantinedRecords {
        entity: row.get("entity"),
        error_code: row.get("error_code"),
        error_field: row.get("error_field"),
        records: row.get::<_, i64>("records").unsigned_abs(),
        external_ids: row.get("external_ids"),
    };
    Ok(rows.iter().map(waiting).collect())
}
