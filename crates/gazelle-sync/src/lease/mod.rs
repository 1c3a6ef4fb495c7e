//! Allows one run at a time: a lease in the database, and a fencing token that every writing transaction checks, so
//! that a process that lost its lease while paused can write nothing more.

mod fence;
mod holder;
mod unfenced;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_postgres::types::Type;
use tracing::Instrument;

use crate::access::trust::superuser;
use crate::config::LONGEST_LEASE_SECONDS;
use crate::db::{Db, DbError, DbErrorClass};
use holder::Holder;

pub use fence::{Fence, FencedTx};
pub use unfenced::{Unfenced, UnfencedTx};

/// Clocks of two database nodes may differ by this much.
const CLOCK_ALLOWANCE: SignedDuration = SignedDuration::from_secs(5);

/// A machine under load may need this long between two statements of a transaction.
const SHORTEST_PAUSE: Duration = Duration::from_secs(5);

/// SQLSTATE of a duplicate key.
const UNIQUE_VIOLATION: &str = "23505";

/// A held lease; renewed in the background until released or dropped.
pub struct Lease {
    db: Db,
    _holder: Holder,
    fence: Fence,
    renewal: tokio::task::JoinHandle<()>,
}

impl Lease {
    /// Takes the lease. The lease of a holder on this machine whose process is gone is taken over at once, any
    /// other when it has expired, or if it runs longer than any lease may: it was written by a clock that was wrong.
    ///
    /// # Errors
    /// Another process holds the lease, which the error names; tables that a superuser must not use
    /// ([`superuser::check_before_writing`]); those of the database.
    pub async fn acquire(db: &Db, time_to_live: Duration) -> Result<Lease, DbError> {
        superuser::check_before_writing(db).await?;
        let own = Holder::new();
        let holder = own.name();
        let ttl = SignedDuration::try_from(time_to_live).unwrap_or(SignedDuration::from_secs(60));
        let now = db.now().await?;
        let held =
            db.query("SELECT holder, expires_at FROM {schema}.sync_lease WHERE name = 'sync'", &[]).await?;
        let (previous, expires_at): (Option<String>, Option<Timestamp>) =
            held.first().map_or((None, None), |row| (Some(row.get("holder")), Some(row.get("expires_at"))));
        let expired = expires_at.is_none_or(|at| is_expired(at, now));
        let dead = previous.as_deref().is_some_and(Holder::is_dead_here);
        let taken = if expired || dead {
            let until = now.saturating_add(ttl).unwrap_or(now);
            let taker = [
                (&holder as _, Type::TEXT),
                (&until as _, Type::TIMESTAMPTZ),
                (&previous as _, Type::TEXT),
                (&expires_at as _, Type::TIMESTAMPTZ),
            ];
            match Unfenced::Lease.query(db, include_str!("take_lease.sql"), &taker).await {
                // If two processes take the lease for the first time at once, the second violates the unique key.
                Err(error) if error.state.as_deref() == Some(UNIQUE_VIOLATION) => Vec::new(),
                Err(error) if error.fault == DbErrorClass::Record => {
                    return Err(DbError::infrastructure(not_taken(&error.to_string())));
                }
                Err(error) => return Err(error),
                Ok(taken) => taken,
            }
        } else {
            Vec::new()
        };
        let Some(row) = taken.first() else {
            if expired || dead {
                return Err(DbError::busy(not_taken(
                    "another gazelle-sync took it at the same moment, or what was added to the table keeps its row as it is",
                )));
            }
            let who = previous.unwrap_or_else(|| "another runner".to_owned());
            let until = expires_at.map_or_else(String::new, |at| format!(" (its lease runs until {at})"));
            return Err(DbError::busy(format!(
                "another gazelle-sync run is in progress on this database: {who}{until}; let it finish, or stop it and \
                 try again once its lease has run out"
            )));
        };
        let fence = Fence::new(row.get(0), time_to_live.max(SHORTEST_PAUSE));
        let renewal = tokio::spawn(renew(db.clone(), fence.clone(), ttl).in_current_span());
        crate::crash::at(crate::crash::CrashPoint::LeaseTaken);
        Ok(Lease { db: db.clone(), _holder: own, fence, renewal })
    }

    /// Takes the lease, executes `work`, and releases the lease, also if `work` fails.
    ///
    /// # Errors
    /// As [`Lease::acquire`]; those of `work`.
    pub async fn hold<T>(
        db: &Db,
        time_to_live: Duration,
        work: impl AsyncFnOnce(&Lease) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        let lease = Lease::acquire(db, time_to_live).await?;
        let outcome = work(&lease).await;
        let released = lease.release().await;
        let done = outcome?;
        released?;
        Ok(done)
    }

    /// Begins writing transactions under this lease.
    pub fn fence(&self) -> &Fence {
        &self.fence
    }

    /// Releases the lease.
    ///
    /// # Errors
    /// Those of the database; the lease then expires.
    pub async fn release(self) -> Result<(), DbError> {
        self.renewal.abort();
        give_back(&self.db, self.fence.token()).await?;
        crate::crash::at(crate::crash::CrashPoint::LeaseReleased);
        Ok(())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}

/// Whether a lease until `at` has expired. One that ends later than any that could have been taken by now does not count: a
/// clock that was ahead when it was written would otherwise block all writers until then. If its holder is still running,
/// the fence stops it.
fn is_expired(at: Timestamp, now: Timestamp) -> bool {
    let longest = Duration::from_secs(LONGEST_LEASE_SECONDS);
    let latest = now.checked_add(longest).and_then(|at| at.checked_add(CLOCK_ALLOWANCE));
    at < now.saturating_sub(CLOCK_ALLOWANCE).unwrap_or(now) || latest.is_ok_and(|latest| at > latest)
}

/// The message for a free lease that could not be taken.
fn not_taken(why: &str) -> String {
    format!(
        "the lease in sync_lease could not be taken: {why}; try again, and see the row and the triggers of that table if it \
         stays so"
    )
}

/// Releases the lease that was taken with this token. Once another process takes the lease, the fence refuses what
/// the previous holder may still write.
///
/// # Errors
/// Those of the database.
pub async fn give_back(db: &Db, token: i64) -> Result<(), DbError> {
    let sql = "UPDATE {schema}.sync_lease SET expires_at = 'epoch' WHERE name = 'sync' AND token = $1";
    Unfenced::Lease.execute(db, sql, &[(&token, Type::INT8)]).await?;
    Ok(())
}

/// Renews the lease that was taken with this token; returns whether it is still held. A released lease stays
/// released: a renewal sent before, over another connection, may reach the server after the release.
///
/// # Errors
/// Those of the database.
pub async fn prolong(db: &Db, token: i64, until: Timestamp) -> Result<bool, DbError> {
    let sql = "UPDATE {schema}.sync_lease SET expires_at = $2
                WHERE name = 'sync' AND token = $1 AND expires_at <> 'epoch'";
    let params = [(&token as _, Type::INT8), (&until as _, Type::TIMESTAMPTZ)];
    Ok(Unfenced::Lease.execute(db, sql, &params).await? > 0)
}

/// Renews the lease at every third of its time to live. Uses connections of its own, so that it does not wait for a
/// batch to end, and gives up a renewal that is not answered in time for the next. A renewal that fails is tried
/// again at the next turn: the fence, not the renewal, keeps two runs apart.
async fn renew(db: Db, fence: Fence, ttl: SignedDuration) {
    let db = db.aside();
    let third = Duration::try_from(ttl).unwrap_or(Duration::from_secs(60)) / 3;
    loop {
        tokio::time::sleep(third).await;
        let renewed = async {
            let until = db.now().await?.saturating_add(ttl).unwrap_or(Timestamp::MAX);
            prolong(&db, fence.token(), until).await
        }
        .await;
        match renewed {
            Ok(false) => {
                tracing::warn!(
                    "the lease is no longer held: another runner took it over, or it was released"
                );
                return;
            }
            Ok(true) => {}
            Err(error) => tracing::warn!(%error, "the lease could not be renewed; trying again"),
        }
    }
}
