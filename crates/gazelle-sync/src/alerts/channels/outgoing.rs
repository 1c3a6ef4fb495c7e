//! A message as a channel gets it, and the error of a failed delivery.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::alerts::kind::{Occasion, TEST};
use crate::alerts::words::Text;
use crate::config::Language;
use crate::display::Line;

/// A message to send, with everything that some channel uses.
#[derive(Debug, Clone)]
pub struct OutgoingMessage {
    /// Stays the same over all attempts.
    pub id: Uuid,
    /// The alert that it belongs to.
    pub alert_id: Uuid,
    /// `run_failed`, …, or `test`.
    pub kind: String,
    /// Why it is sent; `None`: to test the channel.
    pub occasion: Option<Occasion>,
    /// Title and body.
    pub text: Text,
    /// When the alert was opened, UTC.
    pub opened_at: Timestamp,
    /// When the alert was closed, UTC; `None` while it is open.
    pub closed_at: Option<Timestamp>,
    /// The values that the text was made from.
    pub facts: Value,
}

impl OutgoingMessage {
    /// `started`, `reminder`, `over` or `test`.
    pub(super) fn occasion_word(&self) -> &'static str {
        self.occasion.map_or(TEST, Occasion::as_str)
    }
}

/// Which installation the messages are about.
#[derive(Debug, Clone, Default)]
pub struct Installation {
    /// Its database schema.
    pub schema: String,
    /// The language of its messages.
    pub language: Option<Language>,
}

/// Why a message could not be sent. Contains no address and no secret.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{what}")]
pub struct SendError {
    /// The reason, for people.
    pub what: Line,
    /// The wait that the server asked for (`Retry-After`).
    pub retry_after: Option<Duration>,
}

impl SendError {
    /// An error without a `Retry-After`.
    pub(in crate::alerts) fn new(what: impl Into<Line>) -> SendError {
        SendError { what: what.into(), retry_after: None }
    }
}
