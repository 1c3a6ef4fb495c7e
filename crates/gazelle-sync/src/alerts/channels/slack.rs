//! Slack's incoming webhooks.

use serde_json::json;

use super::http;
use super::letter::{Letter, SendError};
use crate::display::Document;

/// Sends one message.
pub async fn send(url: &str, letter: &Letter) -> Result<(), SendError> {
    let sign = match letter.occasion {
        "over" => ":white_check_mark:",
        "test" => ":wave:",
        _ => ":rotating_light:",
    };
    let text =
        format!("{sign} *{}*\n{}", escaped(letter.text.title.as_str()), escaped(letter.text.body.as_str()));
    let document = json!({ "text": text, "unfurl_links": false, "unfurl_media": false });
    http::post(url, None, Document::in_one_line(&document)).await
}

/// The three letters that mean something to Slack; without them no text can mention or link.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
