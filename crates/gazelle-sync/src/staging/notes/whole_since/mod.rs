//! Stores since when staging is complete: earlier states cannot be rebuilt, neither for an undo nor for a look into the
//! past.

use jiff::Timestamp;
use tokio_postgres::types::Type;

use crate::db::{Db, DbError, Param};
use crate::lease::{Fence, FencedTx};

const KEY: &str = "staging_whole_since";

/// The instant (UTC); none if nothing was ever deleted.
///
/// # Errors
/// Those of the database.
pub async fn read(db: &Db) -> Result<Option<Timestamp>, DbError> {
    let sql = "SELECT noted_at FROM {schema}.sync_notes WHERE key = $1";
    let rows = db.query(sql, &[(&KEY, Type::TEXT)]).await?;
    Ok(rows.first().and_then(|row| row.get(0)))
}

/// Notes that versions which were superseded before `cutoff` are deleted, unless a later instant is noted.
///
/// # Errors
/// Those of the database.
pub async fn note(tx: &FencedTx<'_>, cutoff: Timestamp) -> Result<(), DbError> {
    let value = cutoff.to_string();
    let params: [Param<'_>; 3] = [(&KEY, Type::TEXT), (&value, Type::TEXT), (&cutoff, Type::TIMESTAMPTZ)];
    tx.execute(include_str!("note.sql"), &params).await.map(|_| ())
}

/// Sets a note in the future, left by a wrong clock that deleted versions as if they were old, to now: what is
/// staged from now on stays. Nothing is promised of what was before.
///
/// # Errors
/// Those of the database.
pub async fn correct(db: &Db, fence: &Fence, now: Timestamp) -> Result<(), DbError> {
    if read(db).await?.is_none_or(|whole| whole <= now) {
        return Ok(());
    }
    let sql = "UPDATE {schema}.sync_notes SET value = $2, noted_at = $3 WHERE key = $1";
    let value = now.to_string();
    let params: [Param<'_>; 3] = [(&KEY, Type::TEXT), (&value, Type::TEXT), (&now, Type::TIMESTAMPTZ)];
    fence.transaction(db, async |tx| tx.execute(sql, &params).await).await?;
    Ok(())
}
