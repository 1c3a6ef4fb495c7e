//! A webhook of the company's own: the message as JSON, named so that who gets it twice can tell.

use serde_json::json;

use super::http;
use super::letter::{Copy, Letter, SendError};
use crate::display::Document;

/// Sends one message.
pub async fn send(url: &str, copy: &Copy, letter: &Letter) -> Result<(), SendError> {
    let document = json!({
        "id": letter.id,
        "alert": letter.alert_id,
        "kind": letter.kind,
        "occasion": letter.occasion,
        "title": letter.text.title.as_str(),
        "text": letter.text.body.as_str(),
        "opened_at": letter.opened_at,
        "closed_at": letter.closed_at,
        "facts": letter.facts,
        "schema": copy.schema,
        "language": copy.language.map(|language| language.to_string()),
    });
    http::post(url, Some(&letter.id.to_string()), Document::in_one_line(&document)).await
}
