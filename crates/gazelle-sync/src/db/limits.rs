//! How long the database may keep us waiting, and when it last answered.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long the database may keep us waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A statement of which the server gives no sign of life for this long has failed.
    pub silence: Duration,
    /// A statement that waits for a lock for this long is told in the log, with who holds it.
    pub lock_notice: Duration,
    /// A statement that waits for a lock for this long has failed.
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

/// Statements aside are short: what takes longer is not worth waiting for. The server ends them by itself, just before.
pub(super) const ASIDE_LIMIT: Duration = Duration::from_secs(5);
/// `statement_timeout` of transactions aside.
pub(super) const ASIDE_TIMEOUT: Duration = Duration::from_millis(4500);
/// `statement_timeout` of our transactions, where the session has no shorter one.
pub(super) const BATCH_TIMEOUT: Duration = Duration::from_secs(2 * 3600);

/// When the database last answered a statement of the work, or was seen at it.
#[derive(Debug)]
pub(super) struct Progress(Mutex<Instant>);

impl Progress {
    pub(super) fn new() -> Progress {
        Progress(Mutex::new(Instant::now()))
    }

    pub(super) fn mark(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    pub(super) fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
