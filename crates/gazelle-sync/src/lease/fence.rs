//! The fencing token: every writing transaction checks that its run still holds the lease, and its type proves
//! that.
//!
//! Functions that write production (through `staging_to_production::target::Target`), staging or the record of runs
//! take a [`FencedTx`]: any other transaction is a type error. Nothing keeps a function from sending SQL of its own
//! over a plain transaction; `tests/house/writers.rs` looks for those, and lists the few that write without the
//! lease:
//!
//! | writes without the lease | because |
//! |---|---|
//! | the requests of a run (`run_log/runs.rs`, `save_requests`) | a task beside the run notes them; they are the run's own rows, which no other run touches, and what was asked is to be known also of a run that has lost its lease |
//! | requests for runs: asked for, refused, ended (`run_log/wanted_runs.rs`) | people and the service write them before anybody holds the lease; each statement changes only rows that nobody has taken up, or whose run has ended |
//! | old runs, requests, alerts and closed cases of the quarantine are forgotten (`run_log/forget_runs.rs`, `run_log/wanted_runs.rs`, `alerts/ledger.rs`, `staging/quarantine/forget.rs`, by `staging/removal/mod.rs`) | the service does so on time even where no run succeeds; only rows older than the setting, which no run writes any more |
//!
//! The lease does not protect alerts, tokens, people with their sessions (`people/write.rs` begins whatever writes them),
//! and the lease itself; migrations lock what they change.

use std::ops::Deref;
use std::time::Duration;

use tokio_postgres::types::Type;

use crate::db::{Begin, Connection, Db, DbError, Tx};

/// Begins writing transactions under a lease. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Fence {
    token: i64,
    /// How long a writing transaction may be idle before the server ends it.
    longest_pause: Duration,
}

/// A writing transaction of the lease holder, begun by a [`Fence`]: functions that write staging, production or
/// bookkeeping take this and no other. It locks the lease's token until it ends, so that nobody can take over the
/// lease in between; the lease can still be renewed.
pub struct FencedTx<'c>(Tx<'c>);

impl Fence {
    pub(super) fn new(token: i64, longest_pause: Duration) -> Fence {
        Fence { token, longest_pause }
    }

    /// Begins a writing transaction, in two round trips like all `begin` functions here.
    ///
    /// A process that stalls inside the transaction (stopped, suspended, disconnected unnoticed) would keep the
    /// lease for good by its lock: the server ends such a transaction once the lease could have expired.
    ///
    /// # Errors
    /// The lease was taken over; those of the database.
    pub async fn begin<'c>(&self, connection: &'c mut Connection) -> Result<FencedTx<'c>, DbError> {
        self.begin_with(connection, Begin::default()).await
    }

    /// Executes `work` in one writing transaction and commits it. If `work` fails, the transaction is rolled back.
    ///
    /// A walk, on a task of its own, begins and commits by itself: the compiler cannot yet prove that the future of
    /// such a closure, which borrows its surroundings, is `Send`.
    ///
    /// # Errors
    /// Those of the work; as [`Fence::begin`].
    pub async fn transaction<T>(
        &self,
        db: &Db,
        work: impl AsyncFnOnce(&FencedTx<'_>) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        let mut connection = db.connection().await?;
        let tx = self.begin(&mut connection).await?;
        let done = work(&tx).await?;
        tx.commit().await?;
        Ok(done)
    }

    /// Begins a writing transaction that sees one snapshot. If the lease was renewed between the snapshot and the
    /// lock on it, the database refuses the lock as a conflict.
    ///
    /// # Errors
    /// As [`Fence::begin`].
    pub async fn begin_snapshot<'c>(&self, connection: &'c mut Connection) -> Result<FencedTx<'c>, DbError> {
        self.begin_with(connection, Begin { snapshot: true, ..Begin::default() }).await
    }

    /// Begins a writing transaction with other settings, such as a commit that does not wait for the disk.
    ///
    /// # Errors
    /// As [`Fence::begin`].
    pub async fn begin_with<'c>(
        &self,
        connection: &'c mut Connection,
        begin: Begin<'_>,
    ) -> Result<FencedTx<'c>, DbError> {
        let token = [(&self.token as _, Type::INT8)];
        let first = "SELECT 1 FROM {schema}.sync_lease WHERE name = 'sync' AND token = $1 FOR KEY SHARE";
        let begin = Begin { longest_pause: Some(self.longest_pause), first: Some((first, &token)), ..begin };
        let (tx, held) = connection.begin_with(begin).await?;
        if held.is_empty() {
            return Err(DbError::infrastructure(
                "another gazelle-sync took over while this one was not heard of: this run stops and writes \
                 nothing more (what it committed stays, the other run goes on from there)",
            ));
        }
        Ok(FencedTx(tx))
    }

    /// The fencing token, larger for every new holder.
    pub fn token(&self) -> i64 {
        self.token
    }
}

impl<'c> Deref for FencedTx<'c> {
    type Target = Tx<'c>;

    fn deref(&self) -> &Tx<'c> {
        &self.0
    }
}

impl FencedTx<'_> {
    /// See [`Tx::commit`].
    ///
    /// # Errors
    /// As [`Tx::commit`].
    pub async fn commit(self) -> Result<(), DbError> {
        self.0.commit().await
    }

    /// See [`Tx::rollback`].
    ///
    /// # Errors
    /// As [`Tx::rollback`].
    pub async fn rollback(self) -> Result<(), DbError> {
        self.0.rollback().await
    }
}
