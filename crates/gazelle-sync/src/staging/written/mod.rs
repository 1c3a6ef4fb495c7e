//! Checks that the database wrote all rows of a statement. A user's trigger that returns NULL, a rule or a policy can
//! suppress a write without an error. For this check, statements return the keys of the rows that they wrote.

use std::collections::HashSet;
use std::hash::Hash;

use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};

use crate::db::{Db, DbError, Param, Tx};

/// The keys of `wanted` that are in the first column of no row.
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
/// [`suppressed`], and those of the database.
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
/// The database's, when its catalogues are read.
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

/// The triggers, rules and policies of a table that can suppress a write, as messages name them; and the name of the
/// only one, or of the table if there are several or none.
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
