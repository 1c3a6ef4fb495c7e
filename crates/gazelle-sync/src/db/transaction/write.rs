//! Transactions that write rows.

use std::ops::Deref;

use super::{Begin, Connection, Param, Tx};
use crate::db::error::DbError;

/// A transaction that may write rows. Only `lease/` begins one: either it checks the lease, or it has a named reason not
/// to.
pub struct WriteTx<'c>(Tx<'c>);

impl Connection {
    /// Begins a transaction that may write, and returns how many rows its first statement returned, as
    /// [`Connection::begin_with`] does.
    ///
    /// # Errors
    /// As there.
    pub async fn begin_to_write(&mut self, begin: Begin<'_>) -> Result<(WriteTx<'_>, u64), DbError> {
        // Boxed: otherwise the future of every caller would be as large.
        let (tx, rows) = Box::pin(self.begin_with(begin)).await?;
        Ok((WriteTx(tx), rows))
    }
}

impl WriteTx<'_> {
    /// Runs one statement and returns how many rows it wrote.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn execute(&self, template: &str, params: &[Param<'_>]) -> Result<u64, DbError> {
        Box::pin(self.0.execute(template, params)).await
    }

    /// As [`WriteTx::execute`] without parameters, and braces in the text are not filled in.
    ///
    /// # Errors
    /// As there.
    pub async fn execute_as_is(&self, sql: &str) -> Result<u64, DbError> {
        self.0.execute_as_is(sql).await
    }

    /// See [`Tx::commit`].
    ///
    /// # Errors
    /// As there.
    pub async fn commit(self) -> Result<(), DbError> {
        self.0.commit().await
    }

    /// See [`Tx::rollback`].
    ///
    /// # Errors
    /// As there.
    pub async fn rollback(self) -> Result<(), DbError> {
        self.0.rollback().await
    }
}

impl<'c> Deref for WriteTx<'c> {
    type Target = Tx<'c>;

    fn deref(&self) -> &Tx<'c> {
        &self.0
    }
}
