//! Writing to production, and making sure that it was written: a trigger of a user's that returns NULL, a rule or a policy
//! keeps a row as it is without an error, which must not be taken for success.

use tokio_postgres::types::Type;

use crate::db::{DbError, Param, Tx};

/// What is written, and how it is told whether it was. All statements take the same parameters.
#[derive(Debug, Clone, Copy)]
pub(super) struct Write<'s> {
    /// The table, for messages.
    pub(super) table: &'s str,
    /// Counts the rows that are to be written; none after they were.
    pub(super) to_write: &'s str,
    /// Write them, one after the other.
    pub(super) statements: &'s [&'s str],
    /// What the rows are then, for messages.
    pub(super) done: &'s str,
}

/// How often rows are written: what another transaction inserts between the count and the writing is compared again.
const ROUNDS: usize = 2;

/// Writes what is to be written, and nothing where that is none. Returns how many rows were.
///
/// # Errors
/// The database's; and fewer rows than were to be written, which names what can be the cause.
pub(super) async fn write(tx: &Tx<'_>, write: Write<'_>, params: &[Param<'_>]) -> Result<u64, DbError> {
    let mut total = 0;
    let mut left = count(tx, write.to_write, params).await?;
    for _ in 0..ROUNDS {
        if left == 0 {
            return Ok(total);
        }
        let mut written = 0;
        for statement in write.statements {
            written += tx.execute(statement, params).await?;
        }
        total += written;
        if written >= left {
            return Ok(total);
        }
        left = count(tx, write.to_write, params).await?;
    }
    match left {
        0 => Ok(total),
        _ => Err(suppressed(tx, write.table, &format!("{left} were not {}", write.done)).await?),
    }
}

async fn count(tx: &Tx<'_>, sql: &str, params: &[Param<'_>]) -> Result<u64, DbError> {
    let rows = tx.query(sql, params).await?;
    Ok(rows.first().map_or(0, |row| row.get::<_, i64>(0)).unsigned_abs())
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
    let suspects: Vec<String> = found.iter().map(|row| row.get(0)).collect();
    let named = match found.as_slice() {
        [only] => only.get(1),
        _ => table.to_owned(),
    };
    Ok(DbError::suppressed(table, what, &suspects, named))
}
