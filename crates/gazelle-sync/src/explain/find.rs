//! Finds the record of an id: the record's own id, or that of a row inside it (a client's contact).

use serde_json::Value as Json;
use tokio_postgres::types::Type;

use crate::db::{DbError, Tx};
use crate::entities::Entity;
use crate::entities::table::Table;
use crate::staging::history;

/// What an id refers to in one entity.
#[derive(Debug)]
pub struct FoundRecord {
    /// The entity.
    pub entity: &'static Entity,
    /// The id of the record under which its versions are staged.
    pub record_id: String,
    /// The production rows with the requested id.
    pub rows: Vec<(&'static Table, Json)>,
}

/// What the id refers to in each of these entities; empty if none knows it. The key of a table with two key columns
/// is written `FIRST/SECOND`.
///
/// # Errors
/// Those of the database.
pub async fn find(tx: &Tx<'_>, entities: &[&'static Entity], id: &str) -> Result<Vec<FoundRecord>, DbError> {
    let mut found = Vec::new();
    for entity in entities {
        let mut rows = Vec::new();
        for table in entity.tables {
            if let Some(row) = row(tx, table, id).await? {
                rows.push((*table, row));
            }
        }
        let record_id = match history::knows(tx, entity, id).await? {
            true => Some(id.to_owned()),
            false => rows.first().map(|(table, row)| record_of(table, row, id)),
        };
        if let Some(record_id) = record_id {
            found.push(FoundRecord { entity, record_id, rows });
        }
    }
    Ok(found)
}

/// The id of the record that a row belongs to: `otherwise` if it is the record's own row.
pub fn record_of(table: &Table, row: &Json, otherwise: &str) -> String {
    table.owner.and_then(|owner| row[owner].as_str()).unwrap_or(otherwise).to_owned()
}

/// The key of a row for display: `id`, or `FIRST/SECOND`.
pub fn key_of(table: &Table, row: &Json) -> String {
    table.key.iter().map(|column| row[*column].as_str().unwrap_or_default()).collect::<Vec<_>>().join("/")
}

/// The row with this key, also if it is marked deleted.
///
/// # Errors
/// Those of the database.
pub async fn row(tx: &Tx<'_>, table: &Table, id: &str) -> Result<Option<Json>, DbError> {
    let (first, second) = match table.key {
        [_, _] => match id.split_once('/') {
            Some(parts) => parts,
            None => return Ok(None),
        },
        _ => (id, ""),
    };
    let second_key = table.key.get(1).map_or_else(|| "$2::text".to_owned(), |key| format!("t.{key}"));
    let sql = format!(
        "SELECT to_jsonb(t) FROM {{schema}}.{} t WHERE t.{} = $1 AND {second_key} = $2",
        table.name, table.key[0]
    );
    let rows = tx.query(&sql, &[(&first, Type::TEXT), (&second, Type::TEXT)]).await?;
    Ok(rows.first().map(|row| row.get(0)))
}
