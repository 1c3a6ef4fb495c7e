//! Writes to production and checks that rows were written: a user's trigger that returns NULL, a rule or a policy
//! can suppress a write without an error, which must not count as success.

use std::collections::HashSet;

use crate::db::{DbError, Param};
use crate::lease::FencedTx;
use crate::staging::written;

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
    let mut keys_written: HashSet<Key> = HashSet::new();
    let mut left = keys(tx, write.to_write, params).await?;
    for _ in 0..ROUNDS {
        if left.is_empty() {
            return Ok(total);
        }
        for statement in write.statements {
            let rows = keys(tx, statement, params).await?;
            total += rows.len() as u64;
            keys_written.extend(rows);
        }
        if left.iter().all(|key| keys_written.contains(key)) {
            return Ok(total);
        }
        left = keys(tx, write.to_write, params).await?;
        left.retain(|key| !keys_written.contains(key));
    }
    written::check(tx, write.table, left.len(), write.done).await?;
    Ok(total)
}

async fn keys(tx: &FencedTx<'_>, sql: &str, params: &[Param<'_>]) -> Result<Vec<Key>, DbError> {
    let rows = tx.query(sql, params).await?;
    Ok(rows.iter().map(|row| (0..row.len()).map(|column| row.get(column)).collect()).collect())
}
