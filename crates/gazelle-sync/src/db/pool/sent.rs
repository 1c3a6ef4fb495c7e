//! A statement in flight: its parameters, and what was received for it so far.

use std::pin::pin;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

use futures_util::TryStreamExt as _;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Row, RowStream, SimpleQueryRow};

use super::session::Unanswered;

/// A parameter with its SQL type.
pub type Param<'a> = (&'a (dyn ToSql + Sync), Type);

/// Parameters in the form that the driver takes.
pub(in crate::db) fn each<'p>(
    params: &'p [Param<'p>],
) -> impl ExactSizeIterator<Item = (&'p (dyn ToSql + Sync), Type)> {
    params.iter().map(|(value, of)| (*value, of.clone()))
}

/// A statement in flight.
pub(in crate::db) struct SentStatement<'s> {
    /// The unanswered statements of its session.
    pub unanswered: &'s Unanswered,
    /// What was received for it so far.
    pub response: &'s ResponseProgress,
    /// Whether it belongs to a transaction, which may take long.
    pub batch: bool,
    /// Whether its text is different from all others, so that a session which executes it is ours.
    pub is_marked: bool,
    /// The text before names were filled in, for messages.
    pub template: &'s str,
    /// The text sent; empty if several statements were sent.
    pub sql: &'s str,
}

/// What was received from the server during a statement or a transaction.
#[derive(Debug, Default)]
pub(in crate::db) struct ResponseProgress {
    /// The server process; 0 until it is known.
    pid: AtomicI32,
    /// Rows received.
    rows: AtomicU64,
}

impl ResponseProgress {
    /// Notes the server process, the first column of a row.
    pub(in crate::db) fn note_pid(&self, row: &SimpleQueryRow) {
        let pid = row.get(0).and_then(|pid| pid.parse().ok());
        self.pid.store(pid.unwrap_or_default(), Ordering::SeqCst);
    }

    /// The server process, once it is known.
    pub(in crate::db) fn pid(&self) -> Option<i32> {
        Some(self.pid.load(Ordering::SeqCst)).filter(|pid| *pid != 0)
    }

    /// How many rows were received.
    pub(in crate::db) fn count(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Collects an answer row by row; each row is a sign of life.
    pub(in crate::db) async fn rows(
        &self,
        answer: Result<RowStream, tokio_postgres::Error>,
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        let mut answer = pin!(answer?);
        let mut rows = Vec::new();
        while let Some(row) = answer.try_next().await? {
            self.rows.fetch_add(1, Ordering::Relaxed);
            rows.push(row);
        }
        Ok(rows)
    }
}
