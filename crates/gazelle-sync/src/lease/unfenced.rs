//! Transactions that write without the lease, each for a named reason.

use std::ops::Deref;

use tokio_postgres::Row;

use crate::db::{Begin, Connection, Db, DbError, Param, WriteTx};

/// What is written without the lease, and why that is sound. Everything else is written in a
/// [`FencedTx`](super::FencedTx).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfenced {
    /// What people ask for in the dashboard. They ask while a run holds the lease; only new rows are written so, and the
    /// service takes and ends them under its lease.
    Actions,
    /// Alerts, their messages, and the last call of the heartbeat URL. No run writes them, and they matter most where no
    /// run succeeds. Processes keep each other out by locks on rows.
    Alerts,
    /// The copy of an earlier state in a schema of its own, which no run reads or writes.
    CopyOfThePast,
    /// The mark of the demonstration's database, written once when it is created.
    DemoMark,
    /// The lease itself. Only its holder's token, or an expired lease, lets a statement change it.
    Lease,
    /// The register of migrations. A migration locks what it changes.
    Migrations,
    /// Runs, requests, alerts and closed cases of the quarantine that are older than the settings keep. No run writes
    /// them any more, and they are to be removed on time even where no run succeeds.
    OldRows,
    /// The steps by which the old system's tables are moved away and back, in the backup schema. They lock the tables,
    /// and the row of the lease where a run could be in progress.
    OldSystem,
    /// People who may see the dashboard, and their sessions. No run writes them; each statement holds for whatever is there by
    /// then.
    People,
    /// The requests of a run. A task beside the run notes them; they are the run's own rows, which no other run changes,
    /// and what was requested is to be known also of a run that has lost its lease.
    RequestsOfRun,
    /// The scratch tables of a verification, which are temporary and belong to its transaction. It is rolled back.
    ScratchTables,
    /// The stored tokens, in one row that is locked while a token is refreshed, by whichever command needs one.
    Tokens,
    /// Requests for runs. People and the service write them before anybody holds the lease; each statement changes only
    /// rows that nobody has claimed, or whose run has ended.
    RunRequests,
}

/// A transaction that writes without the lease, begun by [`Unfenced`].
pub struct UnfencedTx<'c>(WriteTx<'c>);

impl Unfenced {
    /// Begins a transaction.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn begin<'c>(self, connection: &'c mut Connection) -> Result<UnfencedTx<'c>, DbError> {
        self.begin_with(connection, Begin::default()).await
    }

    /// Begins a transaction with other settings, such as one that sees one snapshot.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn begin_with<'c>(
        self,
        connection: &'c mut Connection,
        begin: Begin<'_>,
    ) -> Result<UnfencedTx<'c>, DbError> {
        Ok(UnfencedTx(connection.begin_to_write(begin).await?.0))
    }

    /// Runs one statement in a transaction of its own and returns its rows.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn query(self, db: &Db, template: &str, params: &[Param<'_>]) -> Result<Vec<Row>, DbError> {
        Box::pin(db.query(template, params)).await
    }

    /// Runs one statement in a transaction of its own and returns how many rows it wrote.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn execute(self, db: &Db, template: &str, params: &[Param<'_>]) -> Result<u64, DbError> {
        Box::pin(db.execute(template, params)).await
    }
}

impl UnfencedTx<'_> {
    /// See [`WriteTx::commit`].
    ///
    /// # Errors
    /// As there.
    pub async fn commit(self) -> Result<(), DbError> {
        self.0.commit().await
    }

    /// See [`WriteTx::rollback`].
    ///
    /// # Errors
    /// As there.
    pub async fn rollback(self) -> Result<(), DbError> {
        self.0.rollback().await
    }
}

impl<'c> Deref for UnfencedTx<'c> {
    type Target = WriteTx<'c>;

    fn deref(&self) -> &WriteTx<'c> {
        &self.0
    }
}
