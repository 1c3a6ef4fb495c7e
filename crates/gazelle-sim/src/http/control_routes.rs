//! `/_sim/…`: the control handle over HTTP, in JSON. Without authentication, because it is for use on the same
//! machine.

use hyper::Method;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json, json};

use super::answer::{Answer, json_answer};
use super::request::FullRequest;
use crate::control::SimControl;
use crate::faults::{Fault, FaultKind};
use crate::shop::change::{Change, ChangeError};
use crate::shop::kind::RecordKind;

pub(super) fn control(request: &FullRequest, control: &SimControl) -> Answer {
    let path = request.path().trim_start_matches("/_sim").trim_start_matches('/');
    let parts: Vec<&str> = path.split('/').collect();
    match (request.parts.method.as_str(), parts.as_slice()) {
        ("POST", ["change"]) => changes(request, control),
        ("POST", ["fault"]) => add_faults(request, control),
        ("GET", ["fault"]) => json_answer(200, &json!({ "faults": control.faults() })),
        ("DELETE", ["fault"]) => {
            control.clear_faults();
            done()
        }
        ("DELETE", ["fault", id]) => match id.parse() {
            Ok(id) if control.remove_fault(id) => done(),
            _ => problem(404, "there is no such fault"),
        },
        ("GET", ["requests"]) => {
            json_answer(200, &json!({ "counts": control.request_counts(), "requests": control.requests() }))
        }
        ("DELETE", ["requests"]) => {
            control.clear_requests();
            done()
        }
        ("GET", ["truth", rest @ ..]) => truth(rest, control),
        ("POST", ["tokens"]) => json_answer(200, &json!(control.issue_tokens())),
        ("DELETE", ["tokens"]) => {
            control.revoke_tokens();
            done()
        }
        ("POST", ["clock"]) => clock(request, control),
        _ if request.parts.method == Method::GET || request.parts.method == Method::POST => {
            problem(404, "Not found")
        }
        _ => problem(405, "GET, POST or DELETE"),
    }
}

fn done() -> Answer {
    json_answer(200, &json!({ "ok": true }))
}

fn problem(status: u16, message: &str) -> Answer {
    json_answer(status, &json!({ "error": message }))
}

/// A JSON object or a list of them.
fn one_or_more<T: DeserializeOwned>(body: &[u8]) -> Result<Vec<T>, serde_json::Error> {
    let items = match serde_json::from_slice(body)? {
        Json::Array(items) => items,
        one => vec![one],
    };
    items.into_iter().map(serde_json::from_value).collect()
}

fn changes(request: &FullRequest, control: &SimControl) -> Answer {
    let changes: Vec<Change> = match one_or_more(&request.body) {
        Ok(changes) => changes,
        Err(error) => return problem(400, &error.to_string()),
    };
    let mut changed = Vec::new();
    for change in changes {
        match control.apply(change) {
            Ok(one) => changed.push(one),
            Err(error) => {
                let status = match error {
                    ChangeError::NotFound { .. } => 404,
                    ChangeError::Refused(_) => 422,
                };
                // The changes before it were applied.
                return json_answer(status, &json!({ "error": error.to_string(), "changed": changed }));
            }
        }
    }
    json_answer(200, &json!({ "changed": changed }))
}

fn add_faults(request: &FullRequest, control: &SimControl) -> Answer {
    let given: Vec<Map<String, Json>> = match one_or_more(&request.body) {
        Ok(given) => given,
        Err(error) => return problem(400, &error.to_string()),
    };
    let mut faults = Vec::new();
    for given in given {
        match fault(given) {
            Ok(fault) => faults.push(fault),
            Err(message) => return problem(400, &message),
        }
    }
    let ids: Vec<u64> = faults.into_iter().map(|fault| control.add_fault(fault)).collect();
    json_answer(200, &json!({ "ids": ids }))
}

/// Parses a fault. An unknown field is an error: a misspelt one would otherwise create another fault than intended.
fn fault(given: Map<String, Json>) -> Result<Fault, String> {
    let fault: Fault =
        serde_json::from_value(Json::Object(given.clone())).map_err(|error| error.to_string())?;
    if fault.kind == FaultKind::Call {
        return Err("a function cannot be sent over HTTP".to_owned());
    }
    let known = json!(fault);
    match given.keys().find(|name| known.get(name.as_str()).is_none()) {
        Some(name) => Err(format!("a {} fault has no {name}", fault.kind.name())),
        None => Ok(fault),
    }
}

fn truth(rest: &[&str], control: &SimControl) -> Answer {
    let kind = match rest.first() {
        None => {
            let counts: Map<String, Json> = RecordKind::ALL
                .into_iter()
                .map(|kind| (kind.name().to_owned(), control.total(kind).into()))
                .collect();
            return json_answer(200, &json!({ "version": control.version(), "counts": counts }));
        }
        Some(name) => match RecordKind::from_name(name) {
            Some(kind) => kind,
            None => return problem(404, "there is no such kind"),
        },
    };
    match rest.get(1) {
        None => json_answer(200, &json!({ "ids": control.ids(kind) })),
        Some(id) => match control.record(kind, id) {
            Some(record) => json_answer(200, &record),
            None => problem(404, "there is no such record"),
        },
    }
}

fn clock(request: &FullRequest, control: &SimControl) -> Answer {
    let advance = serde_json::from_slice::<Json>(&request.body)
        .ok()
        .and_then(|body| body.get("advance_seconds")?.as_i64());
    match advance {
        Some(seconds) => {
            control.advance_clock(seconds);
            json_answer(200, &json!({ "now": control.now() }))
        }
        None => problem(400, "advance_seconds is missing"),
    }
}
