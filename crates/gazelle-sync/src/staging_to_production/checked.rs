//! Writing to production, and making sure that it was written: a trigger of a user's that returns NULL, a rule or a policy
//! keeps a row as it is without an error, which must not be taken for success.

use std::collections::HashSet;

use tokio_postgres::types::Type;

use crate::db::{DbError, Param, Tx};
use crate::lease::FencedTx;

/// What is written, and how it is told whether it was. All statements take the same parameters and return the keys of rows,
/// each column as text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Write<'s> {
    /// The table, for messages.
    pub(super) table: &'s str,
    /// Which rows are to be written.
    pub(super) to_write: &'s str,
    /// Write them, one after the other, and return which were.
    pub(super) statements: &'s [&'s str],
    /// What the rows are then, for messages.
    pub(super) done: &'s str,
}

/// How often rows are written: what another transaction inserts between the question and the writing is compared again.
const ROUNDS: usize = 2;

/// The key of a row.
type Key = Vec<Option<String>>;

/// Writes what is to be written, and nothing where that is none. Returns how many rows were. Keys are compared, not numbers:
/// another transaction may make a row one that is to be written after the question, and in a number it would stand for one
/// that was kept as it is. A row that was written and that a trigger has changed is not asked for again.
///
/// # Errors
/// The database's; and rows that were to be written and were not, which names what can be the cause.
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

/// The error for rows that were not written although the database reported none. It names what was added to the table
/// and can do that.
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
