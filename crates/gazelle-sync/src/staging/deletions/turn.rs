//! Whose turn it is to be asked for, where a run does not ask for all records that their list left out: the note of the last
//! one that was asked for, after which the next run goes on.

use tokio_postgres::types::Type;

use crate::db::{Db, DbError};
use crate::entities::Entity;
use crate::lease::FencedTx;

/// Walks of everything and of some days leave out different records: each has its own turn.
fn key(entity: &Entity, whole: bool) -> String {
    format!("absent_asked:{}:{}", entity.name, if whole { "whole" } else { "days" })
}

/// The record that was asked for last; none where all were, each time.
pub async fn last_asked(db: &Db, entity: &Entity, whole: bool) -> Result<Option<String>, DbError> {
    let sql = "SELECT value FROM {schema}.sync_notes WHERE key = $1";
    let rows = db.query(sql, &[(&key(entity, whole), Type::TEXT)]).await?;
    Ok(rows.first().map(|row| row.get(0)))
}

/// Notes the record that was asked for last.
pub async fn note_last_asked(
    tx: &FencedTx<'_>,
    entity: &Entity,
    whole: bool,
    id: &str,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO {schema}.sync_notes (key, value) VALUES ($1, $2)
         ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value",
        &[(&key(entity, whole), Type::TEXT), (&id, Type::TEXT)],
    )
    .await?;
    Ok(())
}
