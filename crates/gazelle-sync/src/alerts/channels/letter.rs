//! What a channel is given to send, and why it could not.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::alerts::words::Text;
use crate::config::Language;
use crate::display::Line;

/// A message on its way, with all that some channel makes use of.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Names it for ever.
    pub id: Uuid,
    /// What it tells of; messages of one alert belong together.
    pub alert_id: Uuid,
    /// `run_failed`, …, or `test`.
    pub kind: String,
    /// `started`, `reminder`, `over` or `test`.
    pub occasion: &'static str,
    /// What is said.
    pub text: Text,
    /// When the alert began, UTC.
    pub opened_at: Timestamp,
    /// When it was over, UTC.
    pub closed_at: Option<Timestamp>,
    /// What the words were made of.
    pub facts: Value,
}

/// The copy that messages are about.
#[derive(Debug, Clone, Default)]
pub struct Copy {
    /// Its schema.
    pub schema: String,
    /// The language of its messages.
    pub language: Option<Language>,
}

/// Why a message could not be sent. Holds no address and no secret.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{what}")]
pub struct SendError {
    /// For people.
    pub what: Line,
    /// The wait that the other side asked for.
    pub retry_after: Option<Duration>,
}

impl SendError {
    /// One that names no wait.
    pub(super) fn new(what: impl Into<Line>) -> SendError {
        SendError { what: what.into(), retry_after: None }
    }
}
