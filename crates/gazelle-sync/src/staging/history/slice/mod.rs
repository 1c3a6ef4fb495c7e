//! Selects records of an entity by what happened to them in staging.

use jiff::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::db::{DbError, Tx};
use crate::entities::Entity;
use crate::staging::for_entity;

/// Conditions that all have to hold; one that is none holds for every version.
#[derive(Debug, Clone, Default)]
pub struct Slice {
    /// The record has one of these ids.
    pub ids: Option<Vec<String>>,
    /// This run staged a version of it.
    pub run: Option<Uuid>,
    /// A version of it was seen at this time or later.
    pub since: Option<Timestamp>,
    /// A version of it was seen before this time.
    pub until: Option<Timestamp>,
}

impl Slice {
    /// Whether it selects every record.
    pub fn is_whole(&self) -> bool {
        self.ids.is_none() && self.run.is_none() && self.since.is_none() && self.until.is_none()
    }
}

/// The ids of the records of an entity of which one version meets all conditions, sorted.
///
/// # Errors
/// Those of the database.
pub async fn records(tx: &Tx<'_>, entity: &Entity, slice: &Slice) -> Result<Vec<String>, DbError> {
    let rows = tx
        .query(
            &for_entity(include_str!("slice.sql"), entity),
            &[
                (&slice.ids, Type::TEXT_ARRAY),
                (&slice.run, Type::UUID),
                (&slice.since, Type::TIMESTAMPTZ),
                (&slice.until, Type::TIMESTAMPTZ),
            ],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
