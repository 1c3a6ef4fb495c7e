//! Slack's incoming webhooks.

use serde_json::json;

use super::{Letter, SendError, http};

/// Sends one message.
pub async fn send(url: &str, letter: &Letter) -> Result<(), SendError> {
    let sign = match letter.occasion {
        "over" => ":white_check_mark:",
        "test" => ":wave:",
        _ => ":rotating_light:",
    };
    let text = format!("{sign} *{}*\n{}", escaped(&letter.text.title), escaped(&letter.text.body));
    let document = json!({ "text": text, "unfurl_links": false, "unfurl_media": false });
    http::read(http::client(url)?.post(url).json(&document).send().await)
}

/// The three letters that mean something to Slack; without them no text can mention or link.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
