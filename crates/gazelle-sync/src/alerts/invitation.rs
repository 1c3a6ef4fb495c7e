//! Mails a one-time link of the dashboard, by the mail server and from the sender of the alerts. It does not go through the
//! outbox: the database and the log never hold the link.

use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::channels::{OutgoingMessage, PATIENCE, Receiver, SendError};
use super::words::{InvitationText, Words};
use crate::config::{Language, Settings};

/// What kind of message it is, where an alert has its kind.
const KIND: &str = "invitation";

/// Somebody who can be mailed a link.
#[derive(Debug, Clone)]
pub struct InvitationMail {
    receiver: Receiver,
    words: Words,
}

impl InvitationMail {
    /// A mail to an address, in a language or that of the settings. Nothing is sent yet.
    ///
    /// # Errors
    /// No mail server or no sender is set, or one of the addresses is none.
    pub fn to(
        settings: &Settings,
        address: &str,
        language: Option<Language>,
    ) -> Result<InvitationMail, SendError> {
        let receiver = Receiver::one(settings, address)?;
        Ok(InvitationMail {
            receiver,
            words: Words::of(settings).speaking(language.unwrap_or(settings.language)),
        })
    }

    /// Sends it, within the time that a message of an alert gets.
    ///
    /// # Errors
    /// The mail server did not accept it in time.
    pub async fn send(&self, text: InvitationText<'_>, now: Timestamp) -> Result<(), SendError> {
        let message = OutgoingMessage {
            id: Uuid::now_v7(),
            alert_id: Uuid::now_v7(),
            kind: KIND.to_owned(),
            occasion: None,
            text: self.words.invitation(text),
            opened_at: now,
            closed_at: None,
            facts: json!({}),
        };
        match tokio::time::timeout(PATIENCE, self.receiver.send(&message)).await {
            Ok(sent) => sent,
            Err(_) => Err(SendError::new(format!("no answer within {} s", PATIENCE.as_secs()))),
        }
    }
}
