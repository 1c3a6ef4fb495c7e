//! Writes to production and checks that rows were written: a user's trigger that returns NULL, a rule or a policy
//! can suppress a write without an error, which must not count as success.

use std::collections::HashSet;

use tokio_postgres::types::Type;

use crate::db::{DbError, Param, Tx};
use crate::lease::FencedTx;

/// The statements of a checked write. All take the same parameters and return the keys of rows, each column as
/// text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Write<'s> {
    /// The table, for messages.
    pub(super) table: &'s str,
    /// Selects the keys of the rows that are to be written.
    pub(super) to_write: &'s str,
    /// Write these rows, executed in this order; return the keys of the rows written.
    pub(super) statements: &'s [&'s str],
    /// The participle for messages, such as `written`.
    pub(super) done: &'s str,
}

/// How often the statements are tried: rows that another transaction inserts between selection and write are
/// compared again.
const ROUNDS: usize = 2;

/// The key of a row.
type Key = Vec<Option<String>>;

/// Writes the rows that `to_write` selects, if any. Returns how many were written. Keys are compared, not counts: a
/// row that another transaction makes due after the selection would make up in a count for one that was suppressed.
/// A row that was written and then changed by a trigger is not written again.
///
/// # Errors
/// The database's; and rows that were not written, with what can be the cause.
pub(super) async fn write(tx: &FencedTx<'_>, write: Write<'_>, params: &[Param<'_>]) -> Result<u64, DbError> {
    let mut total = 0;
    let mut written: HashSet<Key> = HashSet::new();
    let mut left = keys(tx, write.to_write, params).await?;
    for _ in 0..ROUNDS {
        if left.is_empty() {
            return Ok(total);
        }
        for statement in write.statements {
            let rows = keys(tx, statement, params).await?;
            total += rows.len() as u64;
            written.extend(rows);
        }
        if left.iter().all(|key| written.contains(key)) {
            return Ok(total);
        }
        left = keys(tx, write.to_write, params).await?;
        left.retain(|key| !written.contains(key));
    }
    match left.len() {
        0 => Ok(total),
        left => Err(suppressed(tx, write.table, &format!("{left} were not {}", write.done)).await?),
    }
}

async fn keys(tx: &FencedTx<'_>, sql: &str, params: &[Param<'_>]) -> Result<Vec<Key>, DbError> {
    let rows = tx.query(sql, params).await?;
    Ok(rows.iter().map(|row| (0..row.len()).map(|column| row.get(column)).collect()).collect())
}

/// The error for rows that were not written although the database reported no error. It names what was added to the
/// table and can suppress a write.
///
/// # Errors
/// The database's, of reading its catalogues.
pub(super) async fn suppressed(tx: &Tx<'_>, table: &str, what: &str) -> Result<DbError, DbError> {
    let found = tx
        .query(include_str!("suppressors.sql"), &[(&tx.schema(), Type::TEXT), (&table, Type::TEXT)])
        .await?;
    let suspects: Vec<String> = found.iter().map(|row| row.get("said")).collect();
    let named = match found.as_slice() {
        [only] => only.get("name"),
        _ => table.to_owned(),
    };
    Ok(DbError::suppressed(table, what, &suspects, named))
}
