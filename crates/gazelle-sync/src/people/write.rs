//! The one way by which people and sessions are written.

use crate::access::trust::superuser;
use crate::db::{Connection, Db, DbError};
use crate::staging::written;

/// The table of people, for messages.
pub(super) const PEOPLE: &str = "sync_people";
/// The table of links to calendar feeds, for messages.
pub(super) const FEEDS: &str = "sync_feeds";
/// The table of sessions, for messages and to forget old ones.
pub(super) const SESSIONS: &str = "sync_sessions";

/// A connection to write people and sessions with, in a transaction of the caller's. No lease protects them: no run writes
/// them, and each statement holds for whatever is there by then.
///
/// # Errors
/// Tables that a superuser must not write; those of the database.
pub(super) async fn connection(db: &Db) -> Result<Connection, DbError> {
    superuser::check_before_writing(db).await?;
    db.connection().await
}

/// The error for a row that the database did not write although it reported no error.
///
/// # Errors
/// Those of the database.
pub(super) async fn kept_out(tx: &crate::db::Tx<'_>, table: &str, what: &str) -> Result<DbError, DbError> {
    written::suppressed(tx, table, what).await
}
