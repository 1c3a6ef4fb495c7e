//! A webhook of the company's own: the message as JSON, named so that who gets it twice can tell.

use serde_json::json;

use super::{Channels, Letter, SendError, http};

/// Sends one message.
pub async fn send(url: &str, channels: &Channels, letter: &Letter) -> Result<(), SendError> {
    let document = json!({
        "id": letter.id,
        "alert": letter.alert_id,
        "kind": letter.kind,
        "occasion": letter.occasion,
        "title": letter.text.title,
        "text": letter.text.body,
        "opened_at": letter.opened_at,
        "closed_at": letter.closed_at,
        "facts": letter.facts,
        "schema": channels.schema,
        "language": channels.language.map(|language| language.to_string()),
    });
    let request = http::client(url)?.post(url).header("Idempotency-Key", letter.id.to_string());
    http::read(request.json(&document).send().await)
}
