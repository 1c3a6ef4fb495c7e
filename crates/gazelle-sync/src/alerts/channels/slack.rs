//! Slack's incoming webhooks.

use serde_json::json;

use super::http;
use super::outgoing::{OutgoingMessage, SendError};
use crate::alerts::kind::Occasion;
use crate::display::Document;

/// Sends one message.
///
/// # Errors
/// Slack did not accept it.
pub async fn send(url: &str, message: &OutgoingMessage) -> Result<(), SendError> {
    let sign = match message.occasion {
        Some(Occasion::Over) => ":white_check_mark:",
        None => ":wave:",
        Some(Occasion::Started | Occasion::Reminder) => ":rotating_light:",
    };
    let text =
        format!("{sign} *{}*\n{}", escaped(message.text.title.as_str()), escaped(message.text.body.as_str()));
    let document = json!({ "text": text, "unfurl_links": false, "unfurl_media": false });
    http::post(url, None, Document::in_one_line(&document)).await
}

/// Escapes the three characters that are special to Slack, so that no text can contain a mention or a link.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
