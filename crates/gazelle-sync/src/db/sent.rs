//! A statement on its way: its parameters, and what is heard of it.

use std::pin::pin;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

use futures_util::TryStreamExt as _;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Row, RowStream, SimpleQueryMessage};

use super::session::Unanswered;

/// A parameter with its SQL type.
pub type Param<'a> = (&'a (dyn ToSql + Sync), Type);

/// Parameters as the driver takes them one by one.
pub(super) fn each<'p>(
    params: &'p [Param<'p>],
) -> impl ExactSizeIterator<Item = (&'p (dyn ToSql + Sync), Type)> {
    params.iter().map(|(value, of)| (*value, of.clone()))
}

/// A statement on its way.
pub(super) struct Sent<'s> {
    /// Counts what was sent through its session.
    pub unanswered: &'s Unanswered,
    /// What was heard of it so far.
    pub heard: &'s Heard,
    /// Whether it belongs to a transaction, which may be long.
    pub batch: bool,
    /// As it was written, for messages.
    pub template: &'s str,
    /// As it was sent; empty where several were.
    pub sql: &'s str,
}

/// What is heard from the server while a statement, or a transaction, is under way.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// The server's process; 0 until it has said so.
    pid: AtomicI32,
    /// Rows that have come.
    rows: AtomicU64,
}

impl Heard {
    /// The server's process, as the transaction's settings ask for it.
    pub(super) fn note_pid(&self, answer: &[SimpleQueryMessage]) {
        let pid = answer.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
            _ => None,
        });
        self.pid.store(pid.unwrap_or_default(), Ordering::SeqCst);
    }

    /// The server's process, once it is known.
    pub(super) fn pid(&self) -> Option<i32> {
        Some(self.pid.load(Ordering::SeqCst)).filter(|pid| *pid != 0)
    }

    /// How many rows have come.
    pub(super) fn count(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Collects an answer, row by row: each is a sign of life.
    pub(super) async fn rows(
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
