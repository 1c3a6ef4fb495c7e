//! Reads what became of the messages on each configured channel.

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::Row;

use super::Channels;
use crate::db::{DbError, Tx};

/// What became of the messages on a channel. The outbox keeps them as long as their alerts are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// The channel for people, without its address.
    pub channel: String,
    /// When a message was last sent on it, UTC; none if none was that the outbox still holds.
    pub last_sent_at: Option<Timestamp>,
    /// Messages that wait to be sent.
    pub waiting: i64,
    /// Messages that were given up.
    pub given_up: i64,
    /// Why the newest message that was not sent failed, without secrets; in English.
    pub error: Option<String>,
}

/// A row of the outbox's summary.
struct ChannelSummary {
    key: String,
    last_sent_at: Option<Timestamp>,
    waiting: i64,
    given_up: i64,
    error: Option<String>,
}

impl From<&Row> for ChannelSummary {
    fn from(row: &Row) -> ChannelSummary {
        ChannelSummary {
            key: row.get("channel"),
            last_sent_at: row.get("last_sent_at"),
            waiting: row.get("waiting"),
            given_up: row.get("given_up"),
            error: row.get("error"),
        }
    }
}

/// Reads what became of the messages on each configured channel, in the order of the settings.
///
/// # Errors
/// Any database error.
pub async fn deliveries(tx: &Tx<'_>, channels: &Channels) -> Result<Vec<Delivery>, DbError> {
    let rows = tx.query(include_str!("deliveries.sql"), &[]).await?;
    let found: Vec<ChannelSummary> = rows.iter().map(ChannelSummary::from).collect();
    let of = |channel: &super::Channel| {
        let key = channel.key();
        let row = found.iter().find(|row| row.key == key);
        Delivery {
            channel: channel.shown(),
            last_sent_at: row.and_then(|row| row.last_sent_at),
            waiting: row.map_or(0, |row| row.waiting),
            given_up: row.map_or(0, |row| row.given_up),
            error: row.and_then(|row| row.error.clone()),
        }
    };
    Ok(channels.iter().map(of).collect())
}
