//! The current time by the database's clock. Every stored time, and every age of one, is computed with it: several
//! machines may use one database, and the clock of one of them may be wrong by months.

use jiff::Timestamp;
use tokio_postgres::Row;

use crate::db::database::Db;
use crate::db::error::DbError;
use crate::db::transaction::Tx;

const QUESTION: &str = "SELECT clock_timestamp()";

impl Db {
    /// The current time by the database's clock, in UTC.
    ///
    /// # Errors
    /// The database's.
    pub async fn now(&self) -> Result<Timestamp, DbError> {
        timestamp_of(&self.query(QUESTION, &[]).await?)
    }
}

impl Tx<'_> {
    /// As [`Db::now`]: the time of the call, not of the transaction's start.
    ///
    /// # Errors
    /// The database's.
    pub async fn now(&self) -> Result<Timestamp, DbError> {
        timestamp_of(&self.query(QUESTION, &[]).await?)
    }
}

fn timestamp_of(rows: &[Row]) -> Result<Timestamp, DbError> {
    let row = rows.first().ok_or_else(|| DbError::infrastructure("the database returned no time"))?;
    Ok(row.get(0))
}
