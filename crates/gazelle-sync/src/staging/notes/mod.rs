//! What a run leaves for later ones in `sync_notes`, one row with a key and a text for each fact: the limits of the API
//! ([`api_limits`]), what its lists hold twice ([`listed_twice`]), how far lookups by id have come
//! ([`lookup_progress`]), records whose warnings are missing ([`unnoted`]), and since when staging is complete
//! ([`whole_since`]). Only this folder reads and writes the table, but for the mark of the demonstration
//! (`migrate/demo.rs`).

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::db::{Db, DbError, Tx};
use crate::lease::{FencedTx, Unfenced};

pub mod api_limits;
pub mod listed_twice;
pub mod lookup_progress;
pub mod unnoted;
pub mod whole_since;

/// Our notes are far shorter; parsing what somebody else wrote there would take many times its length.
const READ: &str = "SELECT value FROM {schema}.sync_notes WHERE key = $1 AND octet_length(value) <= 4194304";

const STORE: &str = "INSERT INTO {schema}.sync_notes (key, value) VALUES ($1, $2)
     ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value RETURNING 1";

/// The note with this key; none if there is none, or if it is longer than ours are.
///
/// # Errors
/// Those of the database.
pub async fn read(db: &Db, key: &str) -> Result<Option<String>, DbError> {
    Ok(value(&db.query(READ, &[(&key, Type::TEXT)]).await?))
}

/// As [`read`], within a transaction.
///
/// # Errors
/// As there.
pub async fn read_in(tx: &Tx<'_>, key: &str) -> Result<Option<String>, DbError> {
    Ok(value(&tx.query(READ, &[(&key, Type::TEXT)]).await?))
}

fn value(rows: &[Row]) -> Option<String> {
    rows.first().map(|row| row.get("value"))
}

/// Stores a note in the place of the one with this key. Returns whether it is stored: something that a user added to
/// the table may keep it out without an error.
///
/// # Errors
/// Those of the database.
pub async fn store(tx: &FencedTx<'_>, key: &str, value: &str) -> Result<bool, DbError> {
    Ok(!tx.query(STORE, &[(&key, Type::TEXT), (&value, Type::TEXT)]).await?.is_empty())
}

/// As [`store`], in a transaction of its own, for a reason that needs no lease.
///
/// # Errors
/// As there.
pub async fn store_alone(db: &Db, reason: Unfenced, key: &str, value: &str) -> Result<bool, DbError> {
    Ok(!reason.query(db, STORE, &[(&key, Type::TEXT), (&value, Type::TEXT)]).await?.is_empty())
}

/// Removes the notes with these keys, as far as there are any. Returns how many were removed.
///
/// # Errors
/// Those of the database.
pub async fn remove(tx: &FencedTx<'_>, keys: &[String]) -> Result<u64, DbError> {
    let sql = "DELETE FROM {schema}.sync_notes WHERE key = ANY ($1::text[])";
    tx.execute(sql, &[(&keys, Type::TEXT_ARRAY)]).await
}
