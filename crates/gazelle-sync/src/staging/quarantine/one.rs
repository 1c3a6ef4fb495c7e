//! Finds cases by version, or by words in their record.

use std::collections::HashMap;

use serde::Serialize;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::Case;
use crate::db::{DbError, Tx};
use crate::entities::{self, ENTITIES, Entity};
use crate::staging::template;

/// The case of a version, without its raw record; none if it has none.
///
/// # Errors
/// Those of the database.
pub async fn case(tx: &Tx<'_>, staging_id: Uuid) -> Result<Option<(&'static Entity, Case)>, DbError> {
    let rows = tx.query(&sql(), &[(&staging_id, Type::UUID)]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    entities::entity(row.get("entity")).map(|entity| Ok((entity, Case::of(entity, row)?))).transpose()
}

/// What the versions of cases are called: their titles or names, as far as they have one.
///
/// # Errors
/// Those of the database.
pub async fn titles(tx: &Tx<'_>, staging_ids: &[Uuid]) -> Result<HashMap<Uuid, String>, DbError> {
    let of = |entity: &&Entity| template(include_str!("titles.sql").trim_end(), entity).fill();
    let sql = ENTITIES.iter().map(of).collect::<Vec<_>>().join(" UNION ALL ");
    let rows = tx.query(&sql, &[(&staging_ids, Type::UUID_ARRAY)]).await?;
    Ok(rows.iter().map(|row| (row.get("id"), row.get("title"))).collect())
}

/// The statement: the version is in the staging table of one of the entities.
fn sql() -> String {
    let of = |entity: &&Entity| {
        template(include_str!("one.sql").trim_end(), entity).with("entity", entity.name).fill()
    };
    ENTITIES.iter().map(of).collect::<Vec<_>>().join(" UNION ALL ")
}

/// How a statement folds case and accents of `said.text`, with the letters of its parameters 2 and 3: the same whatever
/// the collation of the database is.
pub const FOLDED: &str = include_str!("folded.sql");
/// Cases of an entity whose records are looked through.
const MOST_LOOKED: i64 = 200;

/// A record that is in quarantine alone, and holds what is looked for.
#[derive(Debug, Clone, Serialize)]
pub struct HeldRecord {
    /// `appointments`, …
    pub entity: String,
    /// Its id.
    pub external_id: String,
    /// The version in quarantine.
    pub staging_id: Uuid,
    /// Its title or name, if it has one.
    pub name: Option<String>,
}

/// The records without a row in production that hold words: `patterns` of LIKE, folded with the letters of `accented` to
/// those of `plain`. Of each entity, the newest cases are looked through.
///
/// # Errors
/// Those of the database.
pub async fn matching(
    tx: &Tx<'_>,
    patterns: &[String],
    (accented, plain): (&str, &str),
    limit: i64,
) -> Result<Vec<HeldRecord>, DbError> {
    let of = |entity: &&Entity| {
        let text = include_str!("matching.sql").trim_end();
        template(text, entity).with("entity", entity.name).with("folded", FOLDED.trim_end()).fill()
    };
    let sql = ENTITIES.iter().map(of).collect::<Vec<_>>().join(" UNION ALL ");
    let params = [
        (&patterns as _, Type::TEXT_ARRAY),
        (&accented as _, Type::TEXT),
        (&plain as _, Type::TEXT),
        (&limit as _, Type::INT8),
        (&MOST_LOOKED as _, Type::INT8),
    ];
    let rows = tx.query(&sql, &params).await?;
    Ok(rows
        .iter()
        .map(|row| HeldRecord {
            entity: row.get("entity"),
            external_id: row.get("external_id"),
            staging_id: row.get("staging_id"),
            name: row.get("name"),
        })
        .collect())
}
