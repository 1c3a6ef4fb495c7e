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
//! (*) An error with a path below a root field speaks of what is there: its words decide nothing. Its code does where no data
//! came, but for one about authentication. Beside data it is `PartialData` whatever its code; where that asks for patience, the
//! next attempt has it.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    answer::{Gone, Verified},
    error::{ErrorClass, Fault},
    first_of::FirstFields,
    graphql_error::{GraphqlError, Kind, read_errors},
    partial::{Remains, as_text},
    target::{Endpoint, Target},
    wording::{host_of, page_note, shown},
};
use crate::source::transport::attempt::{Body, Reply, Seen};

const SERVER_FAULT_ADVICE: &str = "the API has a fault of its own; try later";

/// The table above for a GraphQL request.
pub(in crate::source) fn classify(seen: &Seen, target: &Target) -> Result<Verified, Fault> {
    let WholeReply { reply, body } = status_and_body(seen, target)?;
    classify_body(body, target).map_err(|fault| with_reply(fault, reply))
}

/// The upper half of the table, which the token URL shares: everything but the meaning of a good body.
pub(in crate::source) fn classify_token_reply(seen: &Seen, target: &Target) -> Result<Bytes, Fault> {
    status_and_body(seen, target).map(|reply| reply.body.clone())
}

struct WholeReply<'a> {
    reply: &'a Reply,
    body: &'a Bytes,
}

fn status_and_body<'a>(seen: &'a Seen, target: &Target) -> Result<WholeReply<'a>, Fault> {
    let setting = target.setting();
    let reply = match seen {
        Seen::TimedOut { after } => {
            let what = format!("no complete answer within {after:.0?}");
            let advice = "the API is slow or down; try later, or raise the timeout";
            return Err(target.fault(ErrorClass::Unreachable, what, advice));
        }
        Seen::NoAnswer { reason, connected } => {
            let what = format!("no answer ({reason})");
            let advice = format!("check {setting} and the network");
            let fault = target.fault(ErrorClass::Unreachable, what, advice);
            return Err(Fault { unconnected: !connected, ..fault });
        }
        Seen::Reply(reply) => reply,
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

fn whole_body<'a>(reply: &'a Reply, target: &Target) -> Result<WholeReply<'a>, Fault> {
    let fault = match &reply.body {
        // An outage page, a captive portal, a wrong address: told from broken JSON, because the cure is another one.
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
        // The client asks for those again, when there is room.
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

/// The lower half of the table: what a body means that came whole, with a good status.
pub(super) fn classify_body(body: &Bytes, target: &Target) -> Result<Verified, Fault> {
    if std::str::from_utf8(body).is_err() {
        return Err(fault_of_bytes(body, target));
    }
    let setting = target.setting();
    let envelope: Envelope<'_> = serde_json::from_slice(body).map_err(|error| {
        // serde's own message can quote the text, so only the place is told.
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
            return Ok(Verified { data, gone: Gone::default() });
        }
        let advice = format!("try later; if it stays, check {setting}");
        return Err(target.fault(ErrorClass::BadAnswer, "an answer without data", advice));
    }
    let roots = root_fields(data.as_ref());
    match gone(&errors, &roots) {
        Some(gone) => Ok(Verified { data, gone }),
        None => {
            let mut fault = fault_of_errors(&errors, &roots, target);
            // One that is put off at a place can be read around that place, when waiting does not help.
            let is_placed = errors.iter().any(|error| error.is_inside);
            let is_put_off = is_placed && matches!(fault.class, ErrorClass::Throttled { .. });
            if is_put_off || matches!(fault.class, ErrorClass::PartialData { .. } | ErrorClass::ServerFault) {
                fault.remains = Some(Box::new(Remains { errors, ..Remains::default() }));
            }
            Err(fault)
        }
    }
}

/// A body with bytes that are no UTF-8. It is no answer, but what else is in it can be read by those who can do with a part.
fn fault_of_bytes(body: &Bytes, target: &Target) -> Fault {
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
    fault.remains = Some(Box::new(Remains { errors, original, not_text, answer: None }));
    fault
}

/// The body to read of an answer that is not whole, and its data.
pub(in crate::source) fn readable(body: &Bytes, remains: &Remains) -> (Bytes, Option<Bytes>) {
    let text = match remains.original {
        Some(_) => as_text(body).0,
        None => body.clone(),
    };
    let data = serde_json::from_slice::<Envelope<'_>>(&text).ok().and_then(|envelope| envelope.data);
    let data = data.map(|data| text.slice_ref(data.get().as_bytes()));
    (text, data)
}

/// Root fields that are read of an answer. No query asks for as many.
pub(super) const MOST_ROOTS: usize = 1_000;

/// The root fields of `data` with whether they hold a value. Empty when data is null. More of them than any query asks for
/// count as one that holds a value, so that nothing is taken for gone.
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

/// A record that is gone, or may be, and nothing else wrong: every error says "not found", and what it speaks of is null.
/// Evidence is only the code NOT_FOUND with the path of the root field. A NOT_FOUND further down ("technician not found")
/// says nothing about the record that was asked for.
fn gone(errors: &[GraphqlError], roots: &BTreeMap<String, bool>) -> Option<Gone> {
    let mut gone = Gone::default();
    for error in errors {
        match (&error.kind, error.path.as_slice()) {
            (Kind::NotFound | Kind::WordsNotFound, []) if !roots.values().any(|filled| *filled) => {
                gone.unclear = true;
            }
            (kind @ (Kind::NotFound | Kind::WordsNotFound), [root])
                if !roots.get(root.as_str()).copied().unwrap_or(false) =>
            {
                match kind {
                    Kind::NotFound => gone.roots.push(root.clone()),
                    _ => gone.unclear = true,
                }
            }
            _ => return None,
        }
    }
    Some(gone)
}

/// Several errors: the one that is certain about the question goes first, then the one that asks for patience.
fn fault_of_errors(errors: &[GraphqlError], roots: &BTreeMap<String, bool>, target: &Target) -> Fault {
    let denies_roots = errors.iter().all(|error| {
        let root = match error.path.as_slice() {
            [root] => roots.get(root.as_str()),
            _ => None,
        };
        // Not one that says who we are is unknown: it would meet any request.
        let is_denial = error.code.as_deref().is_some_and(|code| code.eq_ignore_ascii_case("unauthorized"));
        is_denial && root == Some(&false)
    });
    Fault { denies_roots, ..fault_of_kinds(errors, roots, target) }
}

fn fault_of_kinds(errors: &[GraphqlError], roots: &BTreeMap<String, bool>, target: &Target) -> Fault {
    let has_data = roots.values().any(|filled| *filled);
    // A query that brought something was neither refused nor put off.
    let of_question: Vec<&GraphqlError> =
        errors.iter().filter(|error| !(has_data && error.is_inside)).collect();
    let has = |kind: &Kind| of_question.iter().any(|error| error.kind == *kind);
    if let Some(certain) = certain_fault(&of_question, target) {
        return certain;
    }
    if has(&Kind::Throttled) {
        let class = ErrorClass::Throttled { retry_after: None };
        let advice = "the API asks for fewer requests; lower the concurrency or wait";
        return target.fault(class, "a GraphQL error (throttled)", advice);
    }
    if has(&Kind::Unauthenticated) && !has_data {
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
        return Fault { is_busy: errors.iter().any(|error| error.kind == Kind::Throttled), ..fault };
    }
    let code = errors.iter().find_map(|error| error.code.as_ref());
    let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
    target.fault(ErrorClass::ServerFault, format!("a GraphQL error{code}{places}"), SERVER_FAULT_ADVICE)
}

fn invalid_query(errors: &[&GraphqlError], target: &Target) -> Option<Fault> {
    let named: Vec<Option<String>> = errors
        .iter()
        .filter_map(|error| match &error.kind {
            Kind::InvalidQuery(name) => Some(name.clone()),
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

/// What is certainly wrong with the query: that it is too large, or that it asks for what is unknown.
fn certain_fault(errors: &[&GraphqlError], target: &Target) -> Option<Fault> {
    let limit = errors.iter().find_map(|error| match &error.kind {
        Kind::OverLimit(said) => Some(said.clone()),
        _ => None,
    });
    limit.map(|said| over_limit(said, target)).or_else(|| invalid_query(errors, target))
}

fn over_limit(said: String, target: &Target) -> Fault {
    let words = if said.is_empty() { String::new() } else { format!(" (\"{said}\")") };
    let what = format!("a query refused as too large{words}");
    let advice = "the API has a limit that this query exceeds; smaller queries are asked where there are any";
    target.fault(ErrorClass::OverLimit { said }, what, advice)
}

fn certain_fault_of(reply: &Reply, target: &Target) -> Option<Fault> {
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

/// Completes a fault with what only the reply knows.
fn with_reply(mut fault: Fault, reply: &Reply) -> Fault {
    fault.http_status = Some(reply.status);
    fault.is_busy |= reply.status == 503;
    fault.retry_after = reply.retry_after;
    if let ErrorClass::Throttled { retry_after } = &mut fault.class {
        *retry_after = reply.retry_after;
    }
    fault
}
