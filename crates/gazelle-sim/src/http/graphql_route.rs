//! `POST /graphql/private`: who asks, what for, what goes wrong, and the answer.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::parse_query;
use async_graphql::parser::types::ExecutableDocument;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::header::{CONTENT_ENCODING, LOCATION, RETRY_AFTER};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::answer::{Answer, NoAnswer, cut_answer, html_answer, json_answer, text_answer, with_header};
use super::server::Whole;
use crate::answers::Prepared;
use crate::control::SimControl;
use crate::fault_script::Verdict;
use crate::faults::FaultKind;
use crate::graphql::execute::execute;
use crate::graphql::limits::refusal;
use crate::graphql::plan::{operation, plan, root_fields};
use crate::graphql::tweak::with_raw_bytes;
use crate::requests::Asked;
use crate::state::State;

const OUTAGE: &str = "<!DOCTYPE html><html><head><title>We're sorry</title></head><body><h1>502 Bad Gateway</h1></body></html>";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Question {
    #[serde(default)]
    query: Option<String>,
    #[serde(default)]
    variables: Option<Map<String, Json>>,
    #[serde(default)]
    operation_name: Option<String>,
}

/// A request body, read and parsed as far as it can be.
struct Parsed {
    asked: Arc<Asked>,
    document: Result<ExecutableDocument, Json>,
}

pub(super) async fn graphql(request: &Whole, control: &SimControl) -> Result<Answer, NoAnswer> {
    let state = &control.state;
    let _in_flight = state.requests.enter();
    if !is_authorized(request, state) {
        let number = state.requests.note(request.path(), Arc::default(), Vec::new());
        return Ok(finish(state, number, unauthorized()));
    }
    let version = state.shop().version();
    let prepared = state.answers.get(&request.body, version);
    let parsed = match &prepared {
        Some(_) => None,
        None => match parse(&request.body) {
            Ok(parsed) => Some(parsed),
            Err(message) => {
                let number = state.requests.note(request.path(), Arc::default(), Vec::new());
                return Ok(finish(state, number, json_answer(400, &json!({ "error": message }))));
            }
        },
    };
    let asked = match (&prepared, &parsed) {
        (Some(prepared), _) => Arc::clone(&prepared.asked),
        (None, Some(parsed)) => Arc::clone(&parsed.asked),
        (None, None) => Arc::default(),
    };
    let verdict = state.script.judge(&asked);
    let number = state.requests.note(request.path(), Arc::clone(&asked), verdict.names.clone());
    wait(state.options.latency + Duration::from_millis(verdict.slow_milliseconds)).await;

    if let Some(fault) = &verdict.instead
        && !matches!(fault, FaultKind::CutBody | FaultKind::TruncatedJson)
    {
        let answer = instead_of_answer(fault).await?;
        after(&verdict, control);
        return Ok(finish(state, number, answer));
    }
    let version_now = state.shop().version();
    let (status, body) = match prepared {
        Some(prepared) if verdict.leaves_answer() && version_now == version => (200, prepared.answer),
        _ => {
            let parsed = match parsed {
                Some(parsed) => Ok(parsed),
                None => parse(&request.body),
            };
            // It was read once already, when its answer was prepared.
            let parsed = parsed.map_err(|_| NoAnswer)?;
            make_answer(request, &parsed, &verdict, state).await
        }
    };
    after(&verdict, control);
    let body = padded(body, verdict.padding);
    let answer = match verdict.instead {
        Some(FaultKind::CutBody) => cut_answer(&body),
        Some(FaultKind::TruncatedJson) => text_answer(200, body.slice(..body.len() / 2)),
        _ if status >= 500 => html_answer(status, OUTAGE),
        _ => match verdict.gzip {
            Some(announced) => packed(status, &body, announced),
            None => text_answer(status, body),
        },
    };
    Ok(finish(state, number, answer))
}

fn packed(status: u16, body: &[u8], announced: bool) -> Answer {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    // Into memory, which does not fail.
    let _ = packer.write_all(body);
    let answer = text_answer(status, packer.finish().unwrap_or_default());
    if announced { with_header(answer, CONTENT_ENCODING, "gzip") } else { answer }
}

fn finish(state: &State, number: u64, answer: Answer) -> Answer {
    state.requests.answered(number, answer.status().as_u16());
    answer
}

async fn wait(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

fn after(verdict: &Verdict, control: &SimControl) {
    for change in &verdict.changes {
        // A change that cannot be made (any more) is skipped: the fault says so.
        let _ = control.apply(change.clone());
    }
    for call in &verdict.calls {
        call(control);
    }
}

fn padded(body: Bytes, bytes: usize) -> Bytes {
    if body.len() >= bytes {
        return body;
    }
    let mut longer = body.to_vec();
    longer.resize(bytes, b' ');
    longer.into()
}

fn is_authorized(request: &Whole, state: &State) -> bool {
    if let Some(key) = request.header("x-gazelle-api-key") {
        return key == state.options.api_key;
    }
    let bearer = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    bearer.is_some_and(|token| state.tokens().accepts(token, state.now()))
}

fn unauthorized() -> Answer {
    json_answer(401, &json!({ "error": "Unauthorized" }))
}

fn parse(body: &Bytes) -> Result<Parsed, String> {
    let question: Question =
        serde_json::from_slice(body).map_err(|error| format!("The body is no GraphQL request: {error}"))?;
    let mut asked = Asked {
        root_fields: Vec::new(),
        operation: question.operation_name,
        variables: question.variables.unwrap_or_default(),
    };
    let document = match question.query.as_deref() {
        None | Some("") => Err(json!({ "message": "No query string was present" })),
        Some(text) => parse_query(text).map_err(|error| {
            json!({ "message": format!("Parse error: {error}"), "extensions": { "code": "parseError" } })
        }),
    };
    if let Ok(document) = &document
        && let Ok(operation) = operation(document, asked.operation.as_deref())
    {
        asked.root_fields = root_fields(document, operation);
        if asked.operation.is_none() {
            let named = document.operations.iter().next().and_then(|(name, _)| name);
            asked.operation = named.map(ToString::to_string);
        }
    }
    Ok(Parsed { asked: Arc::new(asked), document })
}

/// The answer's status and bytes; kept for the next time when no fault had a hand in it.
async fn make_answer(request: &Whole, parsed: &Parsed, verdict: &Verdict, state: &State) -> (u16, Bytes) {
    let errors = |errors: Vec<Json>| (200, Bytes::from(json!({ "errors": errors }).to_string()));
    let document = match &parsed.document {
        Ok(document) => document,
        Err(error) => return errors(vec![error.clone()]),
    };
    let asked = &parsed.asked;
    let name = asked.operation.as_deref();
    let variables = Json::Object(asked.variables.clone());
    let validator = match state.validators.with(&verdict.edits) {
        Ok(validator) => validator,
        Err(error) => return errors(vec![json!({ "message": error.to_string() })]),
    };
    let invalid = validator.check(document, name, &variables).await;
    if !invalid.is_empty() {
        return errors(invalid);
    }
    if let Some((status, error)) = over_limit(verdict, document, asked) {
        return (status, Bytes::from(json!({ "errors": [error] }).to_string()));
    }
    let only_schema = asked.root_fields.iter().all(|field| field.starts_with("__"));
    if only_schema && asked.introspects() {
        return (200, validator.introspect(document, name, &variables).await.to_string().into());
    }
    let planned = operation(document, name).and_then(|operation| plan(document, operation, &asked.variables));
    let plan = match planned {
        Ok(plan) => plan,
        Err(error) => return errors(vec![error]),
    };
    let (answer, version) = {
        let shop = state.shop();
        match execute(&shop, &state.options, &plan, &verdict.tweaks) {
            Some(answer) => (Bytes::from(with_raw_bytes(answer)), shop.version()),
            None => return (500, Bytes::new()),
        }
    };
    if verdict.leaves_answer() {
        let prepared = Prepared { asked: Arc::clone(asked), answer: answer.clone() };
        state.answers.put(request.body.clone(), version, prepared);
    }
    (200, answer)
}

/// The status and the error of a query that exceeds a limit.
fn over_limit(verdict: &Verdict, document: &ExecutableDocument, asked: &Asked) -> Option<(u16, Json)> {
    let operation = operation(document, asked.operation.as_deref()).ok()?;
    verdict.limits.iter().find_map(|limit| {
        let message = refusal(limit, document, operation, &asked.variables)?;
        let FaultKind::QueryLimit { status, code, .. } = limit else { return None };
        let mut error = json!({ "message": message });
        if let Some(code) = code {
            error["extensions"] = json!({ "code": code });
        }
        Some((*status, error))
    })
}

/// What is sent in the place of an answer.
async fn instead_of_answer(fault: &FaultKind) -> Result<Answer, NoAnswer> {
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
        // The connection reset, and whatever else does not come here.
        _ => return Err(NoAnswer),
    })
}

/// What a fault puts in the place of a token answer.
pub(super) async fn fault_on_token(verdict: &Verdict, latency: Duration) -> Option<Result<Answer, NoAnswer>> {
    wait(latency + Duration::from_millis(verdict.slow_milliseconds)).await;
    match &verdict.instead {
        Some(fault) => Some(instead_of_answer(fault).await),
        None => None,
    }
}
