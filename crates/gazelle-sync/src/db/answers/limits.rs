//! Time limits for database statements, and the time of the last answer.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Time limits for database statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A statement fails after this long without a sign that the server works on it.
    pub silence: Duration,
    /// After waiting this long for a lock, a statement is logged with who holds the lock.
    pub lock_notice: Duration,
    /// After waiting this long for a lock, a statement fails.
    pub lock_wait: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            silence: Duration::from_secs(30),
            lock_notice: Duration::from_secs(5),
            lock_wait: Duration::from_secs(300),
        }
    }
}

/// Limit for statements aside, which are short. The server ends them itself shortly before ([`ASIDE_TIMEOUT`]).
pub(in crate::db) const ASIDE_LIMIT: Duration = Duration::from_secs(5);
/// `statement_timeout` of transactions aside.
pub(in crate::db) const ASIDE_TIMEOUT: Duration = Duration::from_millis(4500);
/// `statement_timeout` of what a page of the dashboard reads.
pub(in crate::db) const PAGE_TIMEOUT: Duration = Duration::from_secs(3);
/// `statement_timeout` of our transactions, unless the session has a shorter one.
pub(in crate::db) const BATCH_TIMEOUT: Duration = Duration::from_secs(2 * 3600);

/// When the database last answered a statement of the work, or was seen working on one.
#[derive(Debug)]
pub(in crate::db) struct Progress(Mutex<Instant>);

impl Progress {
    pub(in crate::db) fn new() -> Progress {
        Progress(Mutex::new(Instant::now()))
    }

    pub(in crate::db) fn mark(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    pub(in crate::db) fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
