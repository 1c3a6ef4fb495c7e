//! The responses that faults send instead of an answer.

use std::time::Duration;

use hyper::header::{LOCATION, RETRY_AFTER};
use serde_json::json;

use super::answer::{Answer, NoAnswer, html_answer, json_answer, text_answer, with_header};
use crate::fault_script::Verdict;
use crate::faults::FaultKind;

pub(super) const OUTAGE: &str = "<!DOCTYPE html><html><head><title>We're sorry</title></head><body><h1>502 Bad Gateway</h1></body></html>";

/// The response sent instead of an answer.
pub(super) async fn instead_of_answer(fault: &FaultKind) -> Result<Answer, NoAnswer> {
    Ok(match fault {
        FaultKind::Unauthorized => unauthorized(),
        FaultKind::TooManyRequests { retry_after_seconds } => {
            let answer = json_answer(429, &json!({ "error": "Too many requests" }));
            match retry_after_seconds {
                Some(seconds) => with_header(answer, RETRY_AFTER, &seconds.to_string()),
                None => answer,
            }
        }
        FaultKind::ServerError => {
            json_answer(500, &json!({ "status": 500, "error": "Internal Server Error" }))
        }
        FaultKind::BadGateway => html_answer(502, OUTAGE),
        FaultKind::HtmlOk => html_answer(200, OUTAGE),
        FaultKind::Status { status, body } => text_answer(*status, body.clone()),
        FaultKind::Redirect { location } => with_header(html_answer(302, ""), LOCATION, location),
        FaultKind::GraphqlError { message, extensions } => {
            let mut error = json!({ "message": message });
            if let Some(extensions) = extensions {
                error["extensions"] = extensions.clone();
            }
            json_answer(200, &json!({ "errors": [error], "data": null }))
        }
        FaultKind::Hang => std::future::pending().await,
        // A connection reset, and faults that do not replace the answer.
        _ => return Err(NoAnswer),
    })
}

/// The response that a fault sends instead of a token answer.
pub(super) async fn fault_on_token(verdict: &Verdict, latency: Duration) -> Option<Result<Answer, NoAnswer>> {
    wait(latency + Duration::from_millis(verdict.slow_milliseconds)).await;
    match &verdict.instead {
        Some(fault) => Some(instead_of_answer(fault).await),
        None => None,
    }
}

pub(super) fn unauthorized() -> Answer {
    json_answer(401, &json!({ "error": "Unauthorized" }))
}

pub(super) async fn wait(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}
