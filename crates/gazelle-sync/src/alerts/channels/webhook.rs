//! A generic webhook: posts the message as JSON with its id, so that the receiver can recognise duplicates.

use serde_json::json;

use super::http;
use super::outgoing::{Installation, OutgoingMessage, SendError};
use crate::display::Document;

/// Sends one message.
///
/// # Errors
/// The server did not accept it.
pub async fn send(
    url: &str,
    installation: &Installation,
    message: &OutgoingMessage,
) -> Result<(), SendError> {
    let document = json!({
        "id": message.id,
        "alert": message.alert_id,
        "kind": message.kind,
        "occasion": message.occasion_word(),
        "title": message.text.title.as_str(),
        "text": message.text.body.as_str(),
        "opened_at": message.opened_at,
        "closed_at": message.closed_at,
        "facts": message.facts,
        "schema": installation.schema,
        "language": installation.language.map(|language| language.to_string()),
    });
    http::post(url, Some(&message.id.to_string()), Document::in_one_line(&document)).await
}
