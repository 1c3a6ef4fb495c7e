//! One request to the token URL, for any grant.

use std::collections::HashMap;
use std::time::Duration;

use reqwest::{Client, Url};
use secrecy::SecretString;
use serde_json::{Value, value::RawValue};

use super::store::Tokens;
use crate::source::{
    answers::{
        classify::classify_token_reply,
        error::{AttemptFailure, ErrorClass},
        target::{Endpoint, Target},
    },
    settings::place_of,
    transport::{attempt::attempt, room::MemoryReservation},
};

/// Token answers have a few hundred bytes.
const MAX_TOKEN_ANSWER: usize = 64 * 1024;

/// Sends one form-encoded request.
pub(super) async fn ask_for_tokens(
    http: &Client,
    token_url: &Url,
    timeout: Duration,
    form: &[(&str, &str)],
    endpoint: Endpoint,
) -> Result<Tokens, AttemptFailure> {
    let request = http.post(token_url.clone()).form(form);
    let attempt = attempt(request, timeout, MAX_TOKEN_ANSWER, &mut MemoryReservation::none()).await;
    tracing::debug!(
        http_status = attempt.http_status(),
        latency_ms = attempt.latency.as_millis() as u64,
        "tokens asked for"
    );
    let target = Target { place: place_of(token_url), endpoint };
    let body = classify_token_reply(&attempt.seen, &target)?;
    let answer = read_answer(&body);
    match (answer.access_token, answer.refresh_token) {
        (Some(access_token), refresh_token) => {
            let life = answer.lifetime;
            Ok(Tokens::handed_out(access_token, refresh_token, attempt.started_at, life))
        }
        (None, Some(refresh_token)) => Ok(Tokens::from_refresh_token(refresh_token)),
        (None, None) => {
            let what = "something that is not a token answer";
            Err(target.fault(ErrorClass::BadAnswer, what, "check GAZELLE_OAUTH_URL"))
        }
    }
}

#[derive(Default)]
struct TokenAnswer {
    access_token: Option<SecretString>,
    refresh_token: Option<SecretString>,
    /// In seconds; `None` if unknown.
    lifetime: Option<u64>,
}

/// Reads each field independently. The server has already invalidated the old refresh token, so a token in the
/// answer must be kept, whatever else is wrong with it.
fn read_answer(body: &[u8]) -> TokenAnswer {
    // Otherwise one invalid byte elsewhere would make the whole answer unreadable.
    let text = String::from_utf8_lossy(body);
    let fields: HashMap<String, &RawValue> = serde_json::from_str(&text).unwrap_or_default();
    let value = |name: &str| fields.get(name).and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok());
    let token = |name: &str| match value(name) {
        Some(Value::String(token)) if !token.trim().is_empty() && !token.contains('\u{fffd}') => {
            Some(SecretString::from(token))
        }
        _ => None,
    };
    TokenAnswer {
        access_token: token("access_token"),
        refresh_token: token("refresh_token"),
        lifetime: value("expires_in").as_ref().and_then(lifetime),
    }
}

/// The lifetime of an access token in seconds, from a number or its text. `None` for zero, negative numbers and
/// anything else: used literally, they would cause a refresh for each request.
fn lifetime(expires_in: &Value) -> Option<u64> {
    let seconds = match expires_in {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    // The cast of a finite positive number saturates.
    (seconds.is_finite() && seconds >= 1.0).then_some(seconds as u64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_token_is_kept_beside_a_field_whose_bytes_are_no_text() {
        let answer =
            read_answer(b"{\"account\":\"Montr\xe9al\",\"access_token\":\"a\",\"refresh_token\":\"r\"}");
        assert!(answer.access_token.is_some() && answer.refresh_token.is_some());
        // A token that was altered in transit is not known to the server.
        let altered = read_answer(b"{\"access_token\":\"a\xe9\",\"refresh_token\":\"r\"}");
        assert!(altered.access_token.is_none() && altered.refresh_token.is_some());
    }

    #[test]
    fn a_lifetime_is_read_from_a_number_or_its_text_and_is_otherwise_unknown() {
        for good in [json!(2_592_000), json!("2592000"), json!(2_592_000.0), json!(" 2592000.9 ")] {
            assert_eq!(lifetime(&good), Some(2_592_000), "{good}");
        }
        let huge =
            read_answer(br#"{"access_token":"a","refresh_token":"r","expires_in":1e999,"expires_in":1e999}"#);
        assert!(huge.access_token.is_some() && huge.refresh_token.is_some() && huge.lifetime.is_none());
        for unknown in [
            json!(0),
            json!(-1),
            json!("0"),
            json!("-1"),
            json!(0.5),
            json!(null),
            json!("soon"),
            json!("NaN"),
        ]
        .into_iter()
        .chain([json!("inf"), json!(true), json!([3600]), json!({ "seconds": 3600 }), json!("")])
        {
            assert_eq!(lifetime(&unknown), None, "{unknown}");
        }
    }
}
