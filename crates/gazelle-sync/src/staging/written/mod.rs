//! Whether the database wrote what it was given: a user's trigger that returns NULL, a rule or a policy can suppress a
//! write without an error, which must not count as success. Statements return the keys of the rows that they wrote.

use std::collections::HashSet;
use std::hash::Hash;

use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};

use crate::db::{Db, DbError, Param, Tx};

/// Those of `wanted` that no row has in its first column.
pub fn missing<'r, K>(wanted: impl IntoIterator<Item = K>, rows: &'r [Row]) -> Vec<K>
where
    K: FromSql<'r> + Eq + Hash,
{
    let written: HashSet<K> = rows.iter().map(|row| row.get(0)).collect();
    wanted.into_iter().filter(|key| !written.contains(key)).collect()
}

/// Fails with [`suppressed`] if `left` rows of a table were not written. `done` is the participle for the message,
/// such as `stored`.
///
/// # Errors
/// That one; the database's.
pub async fn check(tx: &Tx<'_>, table: &str, left: usize, done: &str) -> Result<(), DbError> {
    match left {
        0 => Ok(()),
        left => Err(suppressed(tx, table, &format!("{left} were not {done}")).await?),
    }
}

/// Fails with [`suppressed`] if rows of a table are as they were before a write that should have changed them: those
/// that a query counts.
///
/// # Errors
/// That one; the database's.
pub async fn check_none_left(
    tx: &Tx<'_>,
    table: &str,
    count: &str,
    params: &[Param<'_>],
    done: &str,
) -> Result<(), DbError> {
    let rows = tx.query(count, params).await?;
    let left = rows.first().map_or(0, |row| row.get::<_, i64>(0));
    check(tx, table, left.try_into().unwrap_or_default(), done).await
}

/// The error for rows that were not written although the database reported no error. It names what was added to the
/// table and can suppress a write.
///
/// # Errors
/// The database's, of reading its catalogues.
pub async fn suppressed(tx: &Tx<'_>, table: &str, what: &str) -> Result<DbError, DbError> {
    let (suspects, named) = suspects(tx, table).await?;
    Ok(DbError::suppressed(table, what, &suspects, named))
}

/// As [`suppressed`], for a statement that ran in a transaction of its own.
///
/// # Errors
/// The database's, of reading its catalogues.
pub async fn suppressed_aside(db: &Db, table: &str, what: &str) -> Result<DbError, DbError> {
    let mut connection = db.connection().await?;
    let tx = connection.begin().await?;
    suppressed(&tx, table, what).await
}

/// What was added to a table and can suppress a write; and the name of it, or of the table where there are several.
///
/// # Errors
/// The database's.
pub async fn suspects(tx: &Tx<'_>, table: &str) -> Result<(Vec<String>, String), DbError> {
    let found = tx
        .query(include_str!("suppressors.sql"), &[(&tx.schema(), Type::TEXT), (&table, Type::TEXT)])
        .await?;
    let named = match found.as_slice() {
        [only] => only.get("name"),
        _ => table.to_owned(),
    };
    Ok((found.iter().map(|row| row.get("said")).collect(), named))
}
