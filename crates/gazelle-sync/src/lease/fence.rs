//! The fencing token: every writing transaction checks that its run still holds the lease, and its type proves
//! that.
//!
//! Functions that write production (through `staging_to_production::target::Target`), staging or the record of runs
//! take a [`FencedTx`]: any other transaction is a type error. What is written without the lease is written in an
//! [`UnfencedTx`](super::unfenced::UnfencedTx), which names the reason. A plain [`Tx`](crate::db::Tx) cannot execute a
//! statement that only writes; `tests/house/writers.rs` looks for queries that write.

use std::ops::Deref;
use std::time::Duration;

use crate::db::{Begin, Connection, Db, DbError, Template, WriteTx};

/// Returns a row if the lease's token is still this one, and locks it until the transaction ends. The token is part of
/// the text, since the statement is part of the message that begins the transaction.
const CHECK: &str = "SELECT 1 FROM {schema}.sync_lease WHERE name = 'sync' AND token = {token} FOR KEY SHARE";

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
pub struct FencedTx<'c>(WriteTx<'c>);

impl Fence {
    pub(super) fn new(token: i64, longest_pause: Duration) -> Fence {
        Fence { token, longest_pause }
    }

    /// Begins a writing transaction, in one round trip like all `begin` functions here.
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
        let check = Template::new(CHECK).with("token", self.token.to_string()).fill();
        let begin = Begin { longest_pause: Some(self.longest_pause), first: Some(&check), ..begin };
        let (tx, held) = connection.begin_to_write(begin).await?;
        if held == 0 {
            return Err(DbError::lease_lost(
                "the lease expired and another gazelle-sync took it over: this run stops and writes nothing more (what it committed is kept; the other run continues from there)",
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
    type Target = WriteTx<'c>;

    fn deref(&self) -> &WriteTx<'c> {
        &self.0
    }
}

impl FencedTx<'_> {
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
