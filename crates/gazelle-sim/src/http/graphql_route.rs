//! `POST /graphql/private`: authentication, parsing, faults and the answer.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::parse_query;
use async_graphql::parser::types::ExecutableDocument;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::header::CONTENT_ENCODING;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::answer::{Answer, NoAnswer, cut_answer, html_answer, json_answer, text_answer, with_header};
use super::instead::{OUTAGE, instead_of_answer, unauthorized, wait};
use super::request::FullRequest;
use crate::answers::CachedAnswer;
use crate::control::SimControl;
use crate::fault_script::Verdict;
use crate::faults::FaultKind;
use crate::graphql::execute::execute;
use crate::graphql::limits::refusal;
use crate::graphql::plan::{operation, plan, root_fields};
use crate::graphql::tweak::with_raw_bytes;
use crate::requests::ParsedRequest;
use crate::state::State;

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

/// A request body, parsed as far as possible.
struct Parsed {
    asked: Arc<ParsedRequest>,
    document: Result<ExecutableDocument, Json>,
}

pub(super) async fn graphql(request: &FullRequest, control: &SimControl) -> Result<Answer, NoAnswer> {
    let state = &control.state;
    let _in_flight = state.requests.enter();
    let refused = |answer| {
        let number = state.requests.note(request.path(), Arc::default(), Vec::new());
        Ok(finish(state, number, answer))
    };
    if !is_authorized(request, state) {
        return refused(unauthorized());
    }
    let version = state.shop().version();
    let read = match Read::of(&request.body, version, state) {
        Ok(read) => read,
        Err(message) => return refused(json_answer(400, &json!({ "error": message }))),
    };
    let verdict = state.script.judge(read.asked());
    let number = state.requests.note(request.path(), Arc::clone(read.asked()), verdict.names.clone());
    wait(state.options.latency + Duration::from_millis(verdict.slow_milliseconds)).await;

    if let Some(fault) = &verdict.instead
        && !matches!(fault, FaultKind::CutBody | FaultKind::TruncatedJson)
    {
        let answer = instead_of_answer(fault).await?;
        after(&verdict, control);
        return Ok(finish(state, number, answer));
    }
    let (status, body) = answer_to(request, read, version, &verdict, state).await?;
    after(&verdict, control);
    Ok(finish(state, number, sent_as(status, padded(body, verdict.padding), &verdict)))
}

/// A request body, with a cached answer or parsed.
enum Read {
    CachedAnswer(CachedAnswer),
    Parsed(Parsed),
}

impl Read {
    /// # Errors
    /// The body is not a GraphQL request.
    fn of(body: &Bytes, version: u64, state: &State) -> Result<Read, String> {
        match state.answers.get(body, version) {
            Some(prepared) => Ok(Read::CachedAnswer(prepared)),
            None => parse(body).map(Read::Parsed),
        }
    }

    fn asked(&self) -> &Arc<ParsedRequest> {
        match self {
            Read::CachedAnswer(prepared) => &prepared.asked,
            Read::Parsed(parsed) => &parsed.asked,
        }
    }
}

/// The status and bytes of the answer: the cached one if no fault changes it and the shop still has `version`.
async fn answer_to(
    request: &FullRequest,
    read: Read,
    version: u64,
    verdict: &Verdict,
    state: &State,
) -> Result<(u16, Bytes), NoAnswer> {
    let version_now = state.shop().version();
    let parsed = match read {
        Read::CachedAnswer(prepared) if verdict.leaves_answer() && version_now == version => {
            return Ok((200, prepared.answer));
        }
        // It was parsed once already, when its answer was cached.
        Read::CachedAnswer(_) => parse(&request.body).map_err(|_| NoAnswer)?,
        Read::Parsed(parsed) => parsed,
    };
    Ok(make_answer(request, &parsed, verdict, state).await)
}

/// The answer with the faults that change it in transit.
fn sent_as(status: u16, body: Bytes, verdict: &Verdict) -> Answer {
    match verdict.instead {
        Some(FaultKind::CutBody) => cut_answer(&body),
        Some(FaultKind::TruncatedJson) => text_answer(200, body.slice(..body.len() / 2)),
        _ if status >= 500 => html_answer(status, OUTAGE),
        _ => match verdict.gzip {
            Some(announced) => packed(status, &body, announced),
            None => text_answer(status, body),
        },
    }
}

fn packed(status: u16, body: &[u8], announced: bool) -> Answer {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory does not fail.
    let _ = packer.write_all(body);
    let answer = text_answer(status, packer.finish().unwrap_or_default());
    if announced { with_header(answer, CONTENT_ENCODING, "gzip") } else { answer }
}

fn finish(state: &State, number: u64, answer: Answer) -> Answer {
    state.requests.answered(number, answer.status().as_u16());
    answer
}

fn after(verdict: &Verdict, control: &SimControl) {
    for change in &verdict.changes {
        // A change that is impossible by now is skipped, as documented.
        let _ = control.apply(change.clone());
    }
    for call in &verdict.calls {
        call();
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

fn is_authorized(request: &FullRequest, state: &State) -> bool {
    if let Some(key) = request.header("x-gazelle-api-key") {
        return key == state.options.api_key;
    }
    let bearer = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    bearer.is_some_and(|token| state.tokens().accepts(token, state.now()))
}

fn parse(body: &Bytes) -> Result<Parsed, String> {
    let question: Question =
        serde_json::from_slice(body).map_err(|error| format!("The body is no GraphQL request: {error}"))?;
    let mut asked = ParsedRequest {
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

/// The status and bytes of the answer; cached if no fault changed it.
async fn make_answer(
    request: &FullRequest,
    parsed: &Parsed,
    verdict: &Verdict,
    state: &State,
) -> (u16, Bytes) {
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
        let prepared = CachedAnswer { asked: Arc::clone(asked), answer: answer.clone() };
        state.answers.put(request.body.clone(), version, prepared);
    }
    (200, answer)
}

/// The status and the error of a query that exceeds a limit.
fn over_limit(
    verdict: &Verdict,
    document: &ExecutableDocument,
    asked: &ParsedRequest,
) -> Option<(u16, Json)> {
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
