//! Reads what `alerts list` shows.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::db::{Db, DbError};

/// Alerts that were closed longer ago are not listed.
const OVER_FOR: SignedDuration = SignedDuration::from_hours(24 * 7);

/// Alerts, and messages that were not delivered.
#[derive(Debug, Clone, Serialize)]
pub struct AlertList {
    /// Open alerts, oldest first.
    pub open: Vec<Alert>,
    /// Alerts that were closed within the last week, newest first.
    pub over: Vec<Alert>,
    /// Messages that wait to be sent or were given up, oldest first.
    pub undelivered: Vec<UndeliveredMessage>,
    /// When the conditions were last evaluated, UTC, to the minute; `None`: never.
    pub looked_at: Option<Timestamp>,
}

/// An alert.
#[derive(Debug, Clone, Serialize)]
pub struct Alert {
    /// Its id, as in its messages.
    pub id: Uuid,
    /// `run_failed`, …
    pub kind: String,
    /// The values of its message's placeholders.
    pub facts: Value,
    /// When it was opened, UTC.
    pub opened_at: Timestamp,
    /// When it was closed, UTC; `None` while it is open.
    pub closed_at: Option<Timestamp>,
    /// Number of messages sent.
    pub sent: i64,
}

impl From<&Row> for Alert {
    fn from(row: &Row) -> Alert {
        Alert {
            id: row.get("id"),
            kind: row.get("kind"),
            facts: row.get("facts"),
            opened_at: row.get("opened_at"),
            closed_at: row.get("closed_at"),
            sent: row.get("sent"),
        }
    }
}

/// A message that was not delivered.
#[derive(Debug, Clone, Serialize)]
pub struct UndeliveredMessage {
    /// Its id.
    pub id: Uuid,
    /// The id of its alert.
    pub alert: Uuid,
    /// `slack`, `webhook`, or `email:` and a hash of the address.
    pub channel: String,
    /// `started`, `reminder` or `over`.
    pub occasion: String,
    /// Its title.
    pub title: String,
    /// When it was written, UTC.
    pub created_at: Timestamp,
    /// Number of attempts so far.
    pub attempts: i32,
    /// When the next attempt is due, UTC.
    pub due_at: Timestamp,
    /// Why the last attempt failed; `None` before the first.
    pub last_error: Option<String>,
    /// When it was given up, UTC; `None`: it is still tried.
    pub given_up_at: Option<Timestamp>,
}

impl From<&Row> for UndeliveredMessage {
    fn from(row: &Row) -> UndeliveredMessage {
        UndeliveredMessage {
            id: row.get("id"),
            alert: row.get("alert_id"),
            channel: row.get("channel"),
            occasion: row.get("occasion"),
            title: row.get("title"),
            created_at: row.get("created_at"),
            attempts: row.get("attempts"),
            due_at: row.get("due_at"),
            last_error: row.get("last_error"),
            given_up_at: row.get("given_up_at"),
        }
    }
}

/// Reads open and recently closed alerts and the undelivered messages.
///
/// # Errors
/// Any database error.
pub async fn list(db: &Db) -> Result<AlertList, DbError> {
    let since = db.now().await?.saturating_sub(OVER_FOR).unwrap_or(Timestamp::UNIX_EPOCH);
    let rows = db.query(include_str!("list_alerts.sql"), &[(&since, Type::TIMESTAMPTZ)]).await?;
    let (open, mut over): (Vec<Alert>, Vec<Alert>) =
        rows.iter().map(Alert::from).partition(|alert| alert.closed_at.is_none());
    over.sort_by_key(|alert| std::cmp::Reverse(alert.closed_at));
    let rows = db
        .query(
            "SELECT id, alert_id, channel, occasion, title, created_at, attempts, due_at, last_error, given_up_at
               FROM {schema}.sync_alert_messages WHERE sent_at IS NULL ORDER BY created_at, channel, position",
            &[],
        )
        .await?;
    let undelivered = rows.iter().map(UndeliveredMessage::from).collect();
    let rows = db.query("SELECT looked_at FROM {schema}.sync_alert_watch WHERE name = 'watch'", &[]).await?;
    let looked_at = rows.first().map(|row| row.get(0)).filter(|at: &Timestamp| *at > Timestamp::UNIX_EPOCH);
    Ok(AlertList { open, over, undelivered, looked_at })
}
