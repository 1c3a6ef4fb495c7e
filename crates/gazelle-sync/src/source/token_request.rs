//! One question to the token URL, whatever the grant.

use std::time::Duration;

use reqwest::{Client, Url};
use secrecy::SecretString;
use serde::Deserialize;

use super::{
    attempt::attempt,
    classify::classify_token_reply,
    error::{ErrorClass, Fault},
    settings::place_of,
    target::{Door, Target},
    token_store::Tokens,
};

/// Token answers are some hundred bytes.
const MAX_TOKEN_ANSWER: usize = 64 * 1024;

/// Asks once, form-encoded.
pub(super) async fn ask_for_tokens(
    http: &Client,
    token_url: &Url,
    timeout: Duration,
    form: &[(&str, &str)],
    door: Door,
) -> Result<Tokens, Fault> {
    let attempt = attempt(http.post(token_url.clone()).form(form), timeout, MAX_TOKEN_ANSWER).await;
    tracing::debug!(
        http_status = attempt.http_status(),
        latency_ms = attempt.latency.as_millis() as u64,
        "tokens asked for"
    );
    let target = Target { place: place_of(token_url), door };
    let body = classify_token_reply(&attempt.seen, &target)?;
    let Ok(answer) = serde_json::from_slice::<TokenAnswer>(&body) else {
        let what = "something that is not a token answer";
        return Err(target.fault(ErrorClass::BadAnswer, what, "check GAZELLE_OAUTH_URL"));
    };
    Ok(Tokens::handed_out(
        answer.access_token.into(),
        answer.refresh_token.map(SecretString::from),
        attempt.started_at,
        answer.expires_in,
    ))
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    refresh_token: Option<String>,
    expires_in: Option<u64>,
}
