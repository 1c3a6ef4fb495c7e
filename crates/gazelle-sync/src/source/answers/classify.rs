//! The one table that says what an attempt's outcome means. [`classify`] is the only place where a class is given;
//! whether a class is tried again stands at [`ErrorClass::is_retried`].
//!
//! | seen | class |
//! |---|---|
//! | no connection, reset, TLS refused, timeout | `Unreachable` |
//! | 3xx | `Redirected` |
//! | 400 or 422 with GraphQL errors that speak of a limit of the query; 413, 414, 431 | `OverLimit` |
//! | 400 or 422 with GraphQL errors that name an invalid query | `InvalidQuery` |
//! | 401 (at the token URL also 400, 403) | `Unauthorized` |
//! | 429 | `Throttled` |
//! | 408, 425 | `ServerFault` |
//! | other 4xx | `ClientFault` |
//! | 5xx | `ServerFault` |
//! | 2xx, body over the limit | `TooLarge` |
//! | 2xx, body cut, HTML, not JSON, not UTF-8, neither data nor errors | `BadAnswer` |
//! | 2xx, an error that speaks of a limit of the query (*) | `OverLimit` |
//! | 2xx, an error that names an invalid query (*) | `InvalidQuery` |
//! | 2xx, an error that asks for patience (*) | `Throttled` |
//! | 2xx, an error about authentication, no data (*) | `Unauthorized` |
//! | 2xx, only errors with the code NOT_FOUND, each with the path of a root field that is null | good: the record is gone |
//! | 2xx, the same without a path, or by the message alone, and nothing but null | good, but no evidence about the record |
//! | 2xx, errors beside data | `PartialData` |
//! | 2xx, errors without data | `ServerFault` |
//!
//! (*) An error with a path below a root field is about a value in the answer, so its message does not count. Its
//! code counts if no data came, unless it is about authentication. Beside data it is always `PartialData`; if its
//! code asks for fewer requests, the next attempt waits longer.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    answer::{NotFoundRoots, VerifiedData},
    error::{AttemptFailure, ErrorClass},
    first_of::FirstFields,
    graphql_error::{GraphqlError, GraphqlErrorKind, read_errors},
    partial::{IncompleteContent, as_text},
    target::{Endpoint, Target},
    wording::{host_of, page_note, shown},
};
use crate::source::transport::attempt::{AttemptOutcome, Body, Reply};

const SERVER_FAULT_ADVICE: &str = "the API has a fault of its own; try later";

/// Classifies the answer to a GraphQL request by the table above.
pub(in crate::source) fn classify(
    seen: &AttemptOutcome,
    target: &Target,
) -> Result<VerifiedData, AttemptFailure> {
    let WholeReply { reply, body } = status_and_body(seen, target)?;
    classify_body(body, target).map_err(|fault| with_reply(fault, reply))
}

/// The upper half of the table, which also applies to the token URL: everything except the meaning of a valid body.
pub(in crate::source) fn classify_token_reply(
    seen: &AttemptOutcome,
    target: &Target,
) -> Result<Bytes, AttemptFailure> {
    status_and_body(seen, target).map(|reply| reply.body.clone())
}

struct WholeReply<'a> {
    reply: &'a Reply,
    body: &'a Bytes,
}

fn status_and_body<'a>(seen: &'a AttemptOutcome, target: &Target) -> Result<WholeReply<'a>, AttemptFailure> {
    let setting = target.setting();
    let reply = match seen {
        AttemptOutcome::TimedOut { after } => {
            let what = format!("no complete answer within {after:.0?}");
            let advice = "the API is slow or down; try later, or raise the timeout";
            return Err(target.fault(ErrorClass::Unreachable, what, advice));
        }
        AttemptOutcome::NoAnswer { reason, connected } => {
            let what = format!("no answer ({reason})");
            let advice = format!("check {setting} and the network");
            let fault = target.fault(ErrorClass::Unreachable, what, advice);
            return Err(AttemptFailure { unconnected: !connected, ..fault });
        }
        AttemptOutcome::Reply(reply) => reply,
    };
    let status = reply.status;
    let (class, advice) = match (status, target.endpoint) {
        (200..=299, _) => return whole_body(reply, target),
        (300..=399, _) => {
            let what = format!("HTTP {status} redirect to {}", host_of(reply.location.as_deref()));
            let advice = format!("redirects are not followed; set {setting} to the address that answers");
            return Err(with_reply(target.fault(ErrorClass::Redirected, what, advice), reply));
        }
        (401, _) | (400 | 403, Endpoint::Token | Endpoint::Login) => {
            (ErrorClass::Unauthorized, target.credential_advice().to_owned())
        }
        (429, _) => (ErrorClass::Throttled { retry_after: None }, patience_advice(reply)),
        (408 | 425, _) => {
            (ErrorClass::ServerFault, "the API did not wait for the request; try later".to_owned())
        }
        (413 | 414 | 431, Endpoint::GraphqlWithKey | Endpoint::GraphqlWithToken) => {
            let fault = over_limit(format!("HTTP {status}"), target);
            return Err(with_reply(fault, reply));
        }
        (400 | 422, _) => match certain_fault_of(reply, target) {
            Some(fault) => return Err(with_reply(fault, reply)),
            None => (ErrorClass::ClientFault, "the API refused the request itself".to_owned()),
        },
        (403, _) => {
            let advice = "access is forbidden; check the rights of the account";
            (ErrorClass::ClientFault, advice.to_owned())
        }
        (400..=499, _) => (ErrorClass::ClientFault, format!("no API answers so there; check {setting}")),
        (500..=599, _) => (ErrorClass::ServerFault, SERVER_FAULT_ADVICE.to_owned()),
        _ => (ErrorClass::BadAnswer, format!("this is no status of an API; check {setting}")),
    };
    let note = if status >= 500 { page_note(reply) } else { String::new() };
    Err(with_reply(target.fault(class, format!("HTTP {status}{note}"), advice), reply))
}

fn whole_body<'a>(reply: &'a Reply, target: &Target) -> Result<WholeReply<'a>, AttemptFailure> {
    let fault = match &reply.body {
        // An outage page, a captive portal or a wrong URL. Distinguished from broken JSON, because the remedy
        // differs.
        Body::Whole(body) if body.trim_ascii_start().first() == Some(&b'<') => target.fault(
            ErrorClass::BadAnswer,
            format!("a web page with HTTP {}{}", reply.status, page_note(reply)),
            format!("check {}, or wait until the API is back", target.setting()),
        ),
        Body::Whole(body) => return Ok(WholeReply { reply, body }),
        Body::Cut { after } => target.fault(
            ErrorClass::BadAnswer,
            format!("an answer that was cut after {after} bytes"),
            "the connection broke in the middle; try later",
        ),
        Body::Undecoded { encoding } => target.fault(
            ErrorClass::BadAnswer,
            format!("an answer packed as {encoding} that could not be unpacked"),
            "we offer gzip alone; look at what stands between here and the API, or try later",
        ),
        // The client repeats the request when memory is available.
        Body::NoRoom => target.fault(
            ErrorClass::TooLarge,
            "an answer for which there was no room",
            "ask for smaller pages",
        ),
        Body::TooLarge { limit } => target.fault(
            ErrorClass::TooLarge,
            format!("an answer longer than {limit} bytes"),
            "ask for smaller pages, or raise the limit of the answer's size",
        ),
    };
    Err(with_reply(fault, reply))
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    errors: Option<&'a RawValue>,
}

/// The lower half of the table: the meaning of a complete body with status 2xx.
pub(super) fn classify_body(body: &Bytes, target: &Target) -> Result<VerifiedData, AttemptFailure> {
    if std::str::from_utf8(body).is_err() {
        return Err(fault_of_bytes(body, target));
    }
    let setting = target.setting();
    let envelope: Envelope<'_> = serde_json::from_slice(body).map_err(|error| {
        // serde's message may quote the body, so only the position is used.
        let what = if error.is_eof() {
            "JSON that ends too early".to_owned()
        } else {
            let (line, column) = (error.line(), error.column());
            format!("something that is not a GraphQL answer (JSON fault at line {line}, column {column})")
        };
        target.fault(ErrorClass::BadAnswer, what, format!("try later; if it stays, check {setting}"))
    })?;
    let errors = envelope.errors.map(|errors| read_errors(errors.get())).unwrap_or_default();
    let data = envelope.data.map(|data| body.slice_ref(data.get().as_bytes()));
    if errors.is_empty() {
        if data.is_some() {
            return Ok(VerifiedData { data, gone: NotFoundRoots::default() });
        }
        let advice = format!("try later; if it stays, check {setting}");
        return Err(target.fault(ErrorClass::BadAnswer, "an answer without data", advice));
    }
    let roots = root_fields(data.as_ref());
    match gone(&errors, &roots) {
        Some(gone) => Ok(VerifiedData { data, gone }),
        None => {
            let mut fault = fault_of_errors(&errors, &roots, target);
            // If part of an answer is throttled, reading around it helps when waiting does not.
            let is_placed = errors.iter().any(|error| error.is_inside);
            let is_put_off = is_placed && matches!(fault.class, ErrorClass::Throttled { .. });
            if is_put_off || matches!(fault.class, ErrorClass::PartialData { .. } | ErrorClass::ServerFault) {
                fault.remains = Some(Box::new(IncompleteContent { errors, ..IncompleteContent::default() }));
            }
            Err(fault)
        }
    }
}

/// A body that is not UTF-8. It is not a valid answer, but callers that accept a part can read the rest of it.
fn fault_of_bytes(body: &Bytes, target: &Target) -> AttemptFailure {
    let (text, not_text) = as_text(body);
    let first = not_text.first().copied().unwrap_or_default();
    let what = format!("an answer that is not UTF-8 (first at byte {first})");
    let advice =
        format!("the API sent bytes that are no text; try later; if it stays, check {}", target.setting());
    let mut fault = target.fault(ErrorClass::BadAnswer, what, advice);
    let errors = match serde_json::from_slice::<Envelope<'_>>(&text) {
        Ok(envelope) => envelope.errors.map(|errors| read_errors(errors.get())).unwrap_or_default(),
        Err(_) => return fault,
    };
    let original = Some(body.clone());
    fault.remains = Some(Box::new(IncompleteContent { errors, original, not_text, answer: None }));
    fault
}

/// The readable body and data of an incomplete answer.
pub(in crate::source) fn readable(body: &Bytes, remains: &IncompleteContent) -> (Bytes, Option<Bytes>) {
    let text = match remains.original {
        Some(_) => as_text(body).0,
        None => body.clone(),
    };
    let data = serde_json::from_slice::<Envelope<'_>>(&text).ok().and_then(|envelope| envelope.data);
    let data = data.map(|data| text.slice_ref(data.get().as_bytes()));
    (text, data)
}

/// How many root fields of an answer are read. No query requests that many.
pub(super) const MOST_ROOTS: usize = 1_000;

/// The root fields of `data`, and whether they have a value. Empty if data is null. More fields than any query
/// requests count as one with a value, so that no record counts as deleted.
fn root_fields(data: Option<&Bytes>) -> BTreeMap<String, bool> {
    let fields: Option<FirstFields<Option<&RawValue>, MOST_ROOTS>> =
        data.and_then(|data| serde_json::from_slice(data).ok());
    let Some(FirstFields { first, more }) = fields else { return BTreeMap::new() };
    let mut roots: BTreeMap<String, bool> =
        first.into_iter().map(|(name, value)| (name, value.is_some())).collect();
    if more > 0 {
        roots.insert(String::new(), true);
    }
    roots
}

/// Whether nothing is wrong except that records were not found: every error says "not found", and the fields it
/// names are null. Only the code NOT_FOUND with the path of a root field is evidence; a NOT_FOUND further down
/// ("technician not found") says nothing about the requested record.
fn gone(errors: &[GraphqlError], roots: &BTreeMap<String, bool>) -> Option<NotFoundRoots> {
    let mut gone = NotFoundRoots::default();
    for error in errors {
        match (&error.kind, error.path.as_slice()) {
            (GraphqlErrorKind::NotFound | GraphqlErrorKind::WordsNotFound, [])
                if !roots.values().any(|filled| *filled) =>
            {
                gone.unclear = true;
            }
            (kind @ (GraphqlErrorKind::NotFound | GraphqlErrorKind::WordsNotFound), [root])
                if !roots.get(root.as_str()).copied().unwrap_or(false) =>
            {
                match kind {
                    GraphqlErrorKind::NotFound => gone.roots.push(root.clone()),
                    _ => gone.unclear = true,
                }
            }
            _ => return None,
        }
    }
    Some(gone)
}

/// With several errors, one that is certain about the query comes first, then one that asks for fewer requests.
fn fault_of_errors(
    errors: &[GraphqlError],
    roots: &BTreeMap<String, bool>,
    target: &Target,
) -> AttemptFailure {
    let denies_roots = errors.iter().all(|error| {
        let root = match error.path.as_slice() {
            [root] => roots.get(root.as_str()),
            _ => None,
        };
        // An error that our credentials are unknown does not count: any request would get it.
        let is_denial = error.code.as_deref().is_some_and(|code| code.eq_ignore_ascii_case("unauthorized"));
        is_denial && root == Some(&false)
    });
    AttemptFailure { denies_roots, ..fault_of_kinds(errors, roots, target) }
}

fn fault_of_kinds(
    errors: &[GraphqlError],
    roots: &BTreeMap<String, bool>,
    target: &Target,
) -> AttemptFailure {
    let has_data = roots.values().any(|filled| *filled);
    // A query that returned data was neither refused nor throttled.
    let of_question: Vec<&GraphqlError> =
        errors.iter().filter(|error| !(has_data && error.is_inside)).collect();
    let has = |kind: &GraphqlErrorKind| of_question.iter().any(|error| error.kind == *kind);
    if let Some(certain) = certain_fault(&of_question, target) {
        return certain;
    }
    if has(&GraphqlErrorKind::Throttled) {
        let class = ErrorClass::Throttled { retry_after: None };
        let advice = "the API asks for fewer requests; lower the concurrency or wait";
        return target.fault(class, "a GraphQL error (throttled)", advice);
    }
    if has(&GraphqlErrorKind::Unauthenticated) && !has_data {
        let what = "a GraphQL error (unauthenticated)";
        return target.fault(ErrorClass::Unauthorized, what, target.credential_advice());
    }
    let mut paths: Vec<String> = errors.iter().map(|error| error.path.join(".")).collect();
    paths.retain(|path| !path.is_empty());
    paths.dedup();
    paths.truncate(20);
    let places = if paths.is_empty() { String::new() } else { format!(" at {}", shown(&paths)) };
    if has_data {
        let what = format!("partial data, with {} GraphQL error(s){places},", errors.len());
        let advice = "an answer with gaps is not used; try later";
        let fault = target.fault(ErrorClass::PartialData { paths }, what, advice);
        return AttemptFailure {
            is_busy: errors.iter().any(|error| error.kind == GraphqlErrorKind::Throttled),
            ..fault
        };
    }
    let code = errors.iter().find_map(|error| error.code.as_ref());
    let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
    target.fault(ErrorClass::ServerFault, format!("a GraphQL error{code}{places}"), SERVER_FAULT_ADVICE)
}

fn invalid_query(errors: &[&GraphqlError], target: &Target) -> Option<AttemptFailure> {
    let named: Vec<Option<String>> = errors
        .iter()
        .filter_map(|error| match &error.kind {
            GraphqlErrorKind::InvalidQuery(name) => Some(name.clone()),
            _ => None,
        })
        .collect();
    if named.is_empty() {
        return None;
    }
    let mut fields: Vec<String> = named.into_iter().flatten().collect();
    fields.sort();
    fields.dedup();
    let unknown = if fields.is_empty() { String::new() } else { format!(" (unknown: {})", shown(&fields)) };
    let what = format!("a query refused as invalid{unknown}");
    let advice = "the API has changed; update gazelle-sync";
    Some(target.fault(ErrorClass::InvalidQuery { fields }, what, advice))
}

/// A certain fault of the query: it is too large, or it requests something unknown.
fn certain_fault(errors: &[&GraphqlError], target: &Target) -> Option<AttemptFailure> {
    let limit = errors.iter().find_map(|error| match &error.kind {
        GraphqlErrorKind::OverLimit(said) => Some(said.clone()),
        _ => None,
    });
    limit.map(|said| over_limit(said, target)).or_else(|| invalid_query(errors, target))
}

fn over_limit(said: String, target: &Target) -> AttemptFailure {
    let words = if said.is_empty() { String::new() } else { format!(" (\"{said}\")") };
    let what = format!("a query refused as too large{words}");
    let advice = "the API has a limit that this query exceeds; smaller queries are asked where there are any";
    target.fault(ErrorClass::OverLimit { said }, what, advice)
}

fn certain_fault_of(reply: &Reply, target: &Target) -> Option<AttemptFailure> {
    let Body::Whole(body) = &reply.body else {
        return None;
    };
    let envelope: Envelope<'_> = serde_json::from_slice(body).ok()?;
    let errors = read_errors(envelope.errors?.get());
    certain_fault(&errors.iter().collect::<Vec<_>>(), target)
}

fn patience_advice(reply: &Reply) -> String {
    let wait = reply.retry_after.map(|wait| format!(" (it names {} s)", wait.as_secs())).unwrap_or_default();
    format!("the API asks for fewer requests{wait}; lower the concurrency or wait")
}

/// Adds what only the HTTP reply contains.
fn with_reply(mut fault: AttemptFailure, reply: &Reply) -> AttemptFailure {
    fault.http_status = Some(reply.status);
    fault.is_busy |= reply.status == 503;
    fault.retry_after = reply.retry_after;
    if let ErrorClass::Throttled { retry_after } = &mut fault.class {
        *retry_after = reply.retry_after;
    }
    fault
}
