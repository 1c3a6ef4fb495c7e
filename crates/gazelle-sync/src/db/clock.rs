//! What time it is. The machine's clock is asked for nothing that is stored, and for no age of what is stored: two
//! machines work on one database, and one of them may be wrong by months.

use jiff::Timestamp;
use tokio_postgres::Row;

use super::database::Db;
use super::error::DbError;
use super::transaction::Tx;

const QUESTION: &str = "SELECT clock_timestamp()";

impl Db {
    /// Now, by the database's clock.
    ///
    /// # Errors
    /// The database's.
    pub async fn now(&self) -> Result<Timestamp, DbError> {
        told(&self.query(QUESTION, &[]).await?)
    }
}

impl Tx<'_> {
    /// As [`Db::now`], also late in a transaction.
    ///
    /// # Errors
    /// The database's.
    pub async fn now(&self) -> Result<Timestamp, DbError> {
        told(&self.query(QUESTION, &[]).await?)
    }
}

fn told(rows: &[Row]) -> Result<Timestamp, DbError> {
    let row = rows.first().ok_or_else(|| DbError::infrastructure("the database told no time"))?;
    Ok(row.get(0))
}
