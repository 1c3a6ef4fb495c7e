//! Reports which sessions wait for a lock and which hold it, as far as the server shows it. Never the text of a
//! statement.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::db::database::Db;
use crate::db::error::DbError;

/// A session that holds a lock for which another one waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Blocker {
    /// Its server process; 0 for a prepared transaction, which has none.
    pub pid: i32,
    /// The Citus node that it is connected to, as `host:port`, if Citus distributes the schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Its role; absent if the session has ended.
    pub role: Option<String>,
    /// When its transaction began; absent if the server does not show it to our role.
    pub open_since: Option<Timestamp>,
    /// `active`, `idle in transaction` and so on; absent if the server does not show it to our role.
    pub state: Option<String>,
    /// The first word of its last statement after comments, such as `UPDATE`; absent if the server does not show it to
    /// our role.
    pub first_word: Option<String>,
}

impl Blocker {
    /// A description for messages.
    pub fn text(&self) -> String {
        if self.pid == 0 {
            return "a prepared transaction (see pg_prepared_xacts)".to_owned();
        }
        let mut text = format!("session {}", self.pid);
        if let Some(node) = &self.node {
            text.push_str(&format!(" at {node}"));
        }
        if let Some(role) = &self.role {
            text.push_str(&format!(" (role {role})"));
        }
        match (self.open_since, &self.first_word) {
            (Some(since), Some(word)) => {
                text.push_str(&format!(", its transaction open since {since}, its last statement a {word}"));
            }
            (Some(since), None) => text.push_str(&format!(", its transaction open since {since}")),
            (None, _) => text.push_str(", of which the server shows this role no more"),
        }
        text
    }
}

/// A session that waits for a lock.
#[derive(Debug, Clone, Serialize)]
pub struct LockWait {
    /// Its server process.
    pub pid: i32,
    /// Its role; absent if the session has ended.
    pub role: Option<String>,
    /// Since when it waits; absent if the server does not show it.
    pub since: Option<Timestamp>,
    /// The sessions that hold the lock, or are first in the queue for it.
    pub held_by: Vec<Blocker>,
}

impl LockWait {
    /// A description for messages.
    pub fn text(&self) -> String {
        let role = self.role.as_ref().map(|role| format!(" (role {role})")).unwrap_or_default();
        let since = self.since.map(|since| format!(" since {since}")).unwrap_or_default();
        format!("session {}{role} waits{since} for a lock that is held by {}", self.pid, names(&self.held_by))
    }
}

/// The holders of a lock, for messages.
pub(in crate::db) fn names(blockers: &[Blocker]) -> String {
    match blockers {
        [] => "a session that cannot be named".to_owned(),
        some => some.iter().map(Blocker::text).collect::<Vec<_>>().join("; "),
    }
}

/// The holders of the lock that a session waits for, on any node if Citus distributes the schema.
pub(in crate::db) async fn blockers(db: &Db, pid: i32, on_citus: bool) -> Result<Vec<Blocker>, DbError> {
    let params = [(&pid as _, Type::INT4)];
    if on_citus {
        let rows = db.query(include_str!("citus_blockers.sql"), &params).await?;
        if !rows.is_empty() {
            return Ok(rows.iter().map(|row| blocker(row, row.get("node"))).collect());
        }
        // This node may know a holder that Citus does not report.
    }
    let rows = db.query(include_str!("blockers.sql"), &params).await?;
    Ok(rows.iter().map(|row| blocker(row, None)).collect())
}

fn blocker(row: &Row, node: Option<String>) -> Blocker {
    Blocker {
        pid: row.get("pid"),
        node,
        role: row.get("usename"),
        open_since: row.get("xact_start"),
        state: row.get("state"),
        first_word: row.get("first_word"),
    }
}

/// Sessions that have waited at least this long for a lock on the account's tables, longest first; at most five.
///
/// # Errors
/// The database's.
pub async fn lock_waits(db: &Db, longer_than: Duration) -> Result<Vec<LockWait>, DbError> {
    let db = db.aside();
    let seconds = longer_than.as_secs_f64();
    let params = [(&db.schema() as _, Type::TEXT), (&seconds as _, Type::FLOAT8)];
    let mut waits = Vec::new();
    for row in db.query(include_str!("lock_waits.sql"), &params).await? {
        let pid = row.get("pid");
        let held_by = blockers(&db, pid, false).await?;
        waits.push(LockWait { pid, role: row.get("usename"), since: row.get("since"), held_by });
    }
    Ok(waits)
}
