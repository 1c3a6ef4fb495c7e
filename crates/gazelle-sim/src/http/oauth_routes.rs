//! The OAuth endpoints.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hyper::header::LOCATION;
use serde_json::{Map, Value as Json, json};

use super::answer::{Answer, NoAnswer, html_answer, json_answer, with_header};
use super::instead::fault_on_token;
use super::request::FullRequest;
use crate::control::SimControl;
use crate::oauth::Authorization;
use crate::requests::ParsedRequest;
use crate::state::State;

/// `GET /developer/oauth/authorize`: the simulated user agrees and is redirected with a code, or declines if the
/// URL says so (`&sim_person=declines`).
pub(super) fn authorize(request: &FullRequest, state: &State) -> Answer {
    let query = form(request.parts.uri.query().unwrap_or_default().as_bytes());
    let field = |name: &str| query.get(name).map(String::as_str);
    let problem = match (field("client_id"), field("response_type"), field("redirect_uri")) {
        (Some(id), _, _) if id != state.options.client_id => "invalid_client",
        // Of PKCE only the method S256.
        (Some(_), Some("code"), Some(_)) if field("code_challenge_method").is_some_and(|it| it != "S256") => {
            "invalid_request"
        }
        (Some(_), Some("code"), Some(uri)) if !uri.is_empty() => "",
        (Some(_), Some(other), _) if other != "code" => "unsupported_response_type",
        _ => "invalid_request",
    };
    if !problem.is_empty() {
        return json_answer(400, &json!({ "error": problem }));
    }
    let redirect_uri = field("redirect_uri").unwrap_or_default();
    let mut back = form_urlencoded::Serializer::new(String::new());
    if field("sim_person") == Some("declines") {
        back.append_pair("error", "access_denied");
    } else {
        let challenge = field("code_challenge").map(str::to_owned);
        let authorization = Authorization { redirect_uri: redirect_uri.to_owned(), challenge };
        back.append_pair("code", &state.tokens().authorize(authorization));
    }
    if let Some(text) = field("state") {
        back.append_pair("state", text);
    }
    let joint = if redirect_uri.contains('?') { '&' } else { '?' };
    with_header(html_answer(302, ""), LOCATION, &format!("{redirect_uri}{joint}{}", back.finish()))
}

/// `POST /developer/oauth/token`, as a form or as JSON.
pub(super) async fn token(request: &FullRequest, control: &SimControl) -> Result<Answer, NoAnswer> {
    let state = &control.state;
    let _in_flight = state.requests.enter();
    let asked =
        Arc::new(ParsedRequest { root_fields: vec!["oauthToken".to_owned()], ..ParsedRequest::default() });
    let verdict = state.script.judge(&asked);
    let number = state.requests.note(request.path(), asked, verdict.names.clone());
    let answer = match fault_on_token(&verdict, Duration::ZERO).await {
        Some(answer) => answer?,
        None => {
            let now = state.now();
            match state.tokens().grant(&fields(request), &state.options, now) {
                Ok(tokens) => json_answer(200, &tokens),
                Err((status, error)) => json_answer(status, &json!({ "error": error })),
            }
        }
    };
    state.requests.answered(number, answer.status().as_u16());
    Ok(answer)
}

fn fields(request: &FullRequest) -> HashMap<String, String> {
    let is_json = request.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
    if !is_json {
        return form(&request.body);
    }
    let object: Map<String, Json> = serde_json::from_slice(&request.body).unwrap_or_default();
    object.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect()
}

fn form(bytes: &[u8]) -> HashMap<String, String> {
    form_urlencoded::parse(bytes).into_owned().collect()
}
