//! Reads the `errors` of a GraphQL answer: their kind, their place, and what an invalid query names.
//!
//! Messages can quote records ("Client 'Jean …' is invalid"), so nothing of them gets into an error's line but names of the
//! schema, and what is said of a limit. The message of an error that names its place is kept for the quarantine.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{first_of::FirstOf, wording};

/// One entry of `errors`, reduced to what may be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::source) struct GraphqlError {
    pub kind: Kind,
    /// `extensions.code`, reduced to letters, digits and `_`.
    pub code: Option<String>,
    /// Response names and list positions from the root of `data`; empty when the error names no place.
    pub path: Vec<String>,
    /// Whether it names a place below a root field: it speaks of what is there, and not of the question.
    pub is_inside: bool,
    /// The message as one plain line (see [`wording::one_line`]). May hold personal data: for the quarantine alone.
    pub message: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::source) enum Kind {
    /// The query is larger than allowed, in the API's words.
    OverLimit(String),
    /// With what the query asks for in vain: none or one name.
    InvalidQuery(Option<String>),
    Throttled,
    Unauthenticated,
    /// By its code.
    NotFound,
    /// By its message alone, which may be about anything ("Company not found").
    WordsNotFound,
    Other,
}

/// Codes of a query that was refused before it ran: graphql-ruby's static checks (the real API), then Apollo's names.
const INVALID_QUERY_CODES: &[&str] = &[
    "undefinedField",
    "undefinedType",
    "undefinedDirective",
    "argumentNotAccepted",
    "argumentNotUnique",
    "argumentLiteralsIncompatible",
    "missingRequiredArguments",
    "missingRequiredInputObjectAttribute",
    "selectionMismatch",
    "fieldConflict",
    "variableMismatch",
    "variableNotDefined",
    "variableNotUsed",
    "variableRequiresValidType",
    "cannotSpreadFragment",
    "useAndDefineFragment",
    "GRAPHQL_VALIDATION_FAILED",
    "GRAPHQL_PARSE_FAILED",
];

/// Entries of `errors` that are read; and steps of a path. An answer may hold millions, each of which would cost many
/// times its bytes. A page has fewer records than the first.
const MOST_ERRORS: usize = 1_000;
const MOST_STEPS: usize = 64;
/// Bytes of a message that are read. What a message tells is in its first sentence.
const LONGEST_MESSAGE: usize = 4_096;

/// Reads `errors` whatever its shape; a value that is no list counts as one error. An empty list or null is none. Those beyond
/// the first thousand are one error without a place, so that nothing in the answer counts as whole or as gone.
pub(super) fn read_errors(json: &str) -> Vec<GraphqlError> {
    if json.trim_ascii() == "null" {
        return Vec::new();
    }
    let Ok(entries) = serde_json::from_str::<FirstOf<&RawValue, MOST_ERRORS>>(json) else {
        return vec![read_error(json)];
    };
    let mut errors: Vec<GraphqlError> = entries.first.iter().map(|entry| read_error(entry.get())).collect();
    if entries.more > 0 {
        errors.push(GraphqlError {
            kind: Kind::Other,
            code: None,
            path: Vec::new(),
            is_inside: false,
            message: format!("and {} more errors", entries.more),
        });
    }
    errors
}

fn read_error(json: &str) -> GraphqlError {
    let entry: Entry<'_> = serde_json::from_str(json).unwrap_or_default();
    let message = entry.message.map_or_else(|| text(json), |message| text(message.get()));
    let message = message.as_deref().unwrap_or_default();
    let extensions: Extensions<'_> =
        entry.extensions.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
    let code = extensions.code.and_then(|code| code_of(code.get()));
    let path =
        entry.path.and_then(|path| serde_json::from_str::<FirstOf<&RawValue, MOST_STEPS>>(path.get()).ok());
    // One that is too long to be read leads into the answer all the same.
    let is_inside = path.as_ref().is_some_and(|path| path.more > 0 || leads_inside(&path.first));
    let path =
        path.filter(|path| path.more == 0).map(|path| path.first.iter().map(|raw| step(raw)).collect());
    let kind = match is_inside {
        true => kind_inside(code.as_deref(), &extensions),
        false => kind_of(code.as_deref(), &extensions, message),
    };
    let message = wording::one_line(message);
    GraphqlError { kind, code, path: path.unwrap_or_default(), is_inside, message }
}

/// Whether a path leads below a root field. That of a refused query leads through the document, in graphql-ruby from
/// `query Name`: there are no values yet.
fn leads_inside(path: &[&RawValue]) -> bool {
    let of_document = |first: String| {
        let kind = first.split(' ').next().unwrap_or_default();
        matches!(kind, "query" | "mutation" | "fragment") && (first.contains(' ') || first == "query")
    };
    path.len() > 1 && !path.first().and_then(|first| text(first.get())).is_some_and(of_document)
}

/// A code as letters, digits and `_`. A number is none, unless it is the status of a busy server.
fn code_of(json: &str) -> Option<String> {
    match json {
        "429" => Some(json.to_owned()),
        _ => text(json).map(|code| name(&code)),
    }
}

/// What is read of an entry; each part by itself, since any of them may have any shape.
#[derive(Default, Deserialize)]
struct Entry<'a> {
    #[serde(borrow, default)]
    message: Option<&'a RawValue>,
    #[serde(borrow, default)]
    extensions: Option<&'a RawValue>,
    #[serde(borrow, default)]
    path: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Extensions<'a> {
    #[serde(borrow, default)]
    code: Option<&'a RawValue>,
    #[serde(borrow, default)]
    name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    argument_name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    type_name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    field_name: Option<&'a RawValue>,
}

/// A text of JSON, cut to what is read of it; none where it is no text.
fn text(json: &str) -> Option<String> {
    let mut text: String = serde_json::from_str(json).ok()?;
    text.truncate(text.floor_char_boundary(LONGEST_MESSAGE));
    Some(text)
}

/// The code decides where there is one; a message is looked at only without. But a limit is told by either: servers give it
/// the code of an invalid query, or none.
fn kind_of(code: Option<&str>, extensions: &Extensions<'_>, message: &str) -> Kind {
    if code.is_some_and(is_limit_code) || !code.is_some_and(is_throttle_code) && speaks_of_a_limit(message) {
        return Kind::OverLimit(wording::one_line(message));
    }
    let Some(code) = code else {
        return kind_of_message(message);
    };
    if INVALID_QUERY_CODES.contains(&code) {
        return Kind::InvalidQuery(named_in_extensions(extensions).or_else(|| named_in_message(message)));
    }
    match code.to_ascii_lowercase().as_str() {
        _ if is_throttle_code(code) => Kind::Throttled,
        "unauthenticated" | "unauthorized" => Kind::Unauthenticated,
        "not_found" | "notfound" | "record_not_found" => Kind::NotFound,
        _ => Kind::Other,
    }
}

/// The kind of an error inside the answer. What it says can quote a record, and so means nothing about the question; a code is
/// a word of the API's own. Credentials that came as far as a value are good: what is refused is that value.
fn kind_inside(code: Option<&str>, extensions: &Extensions<'_>) -> Kind {
    match kind_of(code, extensions, "") {
        Kind::Unauthenticated => Kind::Other,
        kind => kind,
    }
}

fn is_throttle_code(code: &str) -> bool {
    let code = code.to_ascii_lowercase().replace('_', "");
    matches!(code.as_str(), "throttled" | "toomanyrequests" | "429") || code.contains("ratelimit")
}

/// `MAX_COMPLEXITY`, `queryTooComplex`, `MAX_DEPTH_EXCEEDED`, `MAX_COST_EXCEEDED`, `EXCESSIVE_PAGINATION`, …
fn is_limit_code(code: &str) -> bool {
    let code = code.to_ascii_lowercase();
    [
        "complex",
        "depth",
        "alias",
        "cost",
        "pagination",
        "node_limit",
        "too_large",
        "toolarge",
        "too_big",
        "token_limit",
    ]
    .iter()
    .any(|part| code.contains(part))
        && !is_throttle_code(&code)
}

/// What a query is measured by.
const MEASURES: &[&str] = &[
    "complex",
    "depth",
    "deep",
    "alias",
    "cost",
    "points",
    "token",
    "too large",
    "too big",
    "too long",
    "page size",
    "per page",
    "`first`",
    "'first'",
    "\"first\"",
    "first must",
    "first is",
    "value for first",
    "records",
    "nodes",
    "root fields",
    "directives",
    "selections",
    "query size",
];

/// What says that it is too much.
const EXCESSES: &[&str] = &[
    "exceed",
    "too ",
    "limit",
    "max",
    "at most",
    "must be less",
    "must be between",
    "not be greater",
    "cannot be greater",
    "less than or equal",
    "more than",
    "more that",
    "over ",
    "greater than",
];

/// A busy API speaks of points and limits too, and one that does not know a field of its name.
const OTHER_TROUBLES: &[&str] = &[
    "rate limit",
    "throttl",
    "too many requests",
    "doesn't exist",
    "doesn't accept",
    "unknown ",
    "cannot query",
];

/// "Query has complexity of 190, which exceeds max complexity of 100", "Aliases limit of 15 exceeded, found 20",
/// "`first` must be at most 50", "Requesting 200 records exceeds the `first` limit of 100 records": a measure of a query and
/// that it is too much.
fn speaks_of_a_limit(message: &str) -> bool {
    let lower = message.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    // Something about a record has a number or a place; a sentence about the query names a number.
    let names_a_number = lower.contains(|c: char| c.is_ascii_digit());
    has(MEASURES) && has(EXCESSES) && !has(OTHER_TROUBLES) && names_a_number
        || lower.contains("too complex")
        || has(&["query", "operation", "document"])
            && has(&["too large", "too deep", "too big", "too expensive"])
}

fn kind_of_message(message: &str) -> Kind {
    let lower = message.to_ascii_lowercase();
    if let Some(named) = named_in_message(message) {
        Kind::InvalidQuery(Some(named))
    } else if lower.starts_with("variable $")
        || lower.starts_with("parse error")
        || lower.contains("introspection")
    {
        Kind::InvalidQuery(None)
    } else if lower.contains("throttled") || lower.contains("rate limit") {
        Kind::Throttled
    } else if lower.contains("not found") {
        Kind::WordsNotFound
    } else {
        Kind::Other
    }
}

fn named_in_extensions(extensions: &Extensions<'_>) -> Option<String> {
    let named =
        |raw: Option<&RawValue>| text(raw?.get()).map(|text| name(&text)).filter(|name| !name.is_empty());
    if let Some(argument) = named(extensions.argument_name) {
        return Some(format!("{}({argument})", named(extensions.name).unwrap_or_default()));
    }
    match (named(extensions.type_name), named(extensions.field_name)) {
        (Some(type_name), Some(field)) => Some(format!("{type_name}.{field}")),
        (None, Some(field)) => Some(field),
        (Some(type_name), None) => Some(format!("type {type_name}")),
        (None, None) => None,
    }
}

/// The sentences of graphql-ruby, graphql-js and async-graphql about what they do not know.
fn named_in_message(message: &str) -> Option<String> {
    let quoted: Vec<String> = message.split_whitespace().filter_map(quoted_name).collect();
    let has = |text: &str| message.contains(text);
    match quoted.as_slice() {
        [field, type_name, ..]
            if has("doesn't exist on type") || has("Cannot query field") || has("Unknown field") =>
        {
            Some(format!("{type_name}.{field}"))
        }
        [field, argument, ..] if has("doesn't accept argument") => Some(format!("{field}({argument})")),
        [argument, field, type_name, ..] if has("Unknown argument") => {
            Some(format!("{type_name}.{field}({argument})"))
        }
        _ => None,
    }
}

/// `'companyName'` or `"companyName",` -> `companyName`; anything that is no name of a schema -> nothing.
fn quoted_name(word: &str) -> Option<String> {
    let word = word.trim_end_matches(['.', ',', ';', ':', '?', ')']);
    let inner = ['\'', '"', '`'].iter().find_map(|quote| word.strip_prefix(*quote)?.strip_suffix(*quote))?;
    let is_name = !inner.is_empty() && inner.len() <= 80 && name(inner) == inner;
    is_name.then(|| inner.to_owned())
}

/// A name or a position; anything else has no place.
fn step(step: &RawValue) -> String {
    let json = step.get();
    match text(json) {
        Some(text) => name(&text),
        None if serde_json::from_str::<serde_json::Number>(json).is_ok() => json.to_owned(),
        None => "?".to_owned(),
    }
}

/// What comes from outside and is shown: letters, digits and `_` of it, at most 80.
fn name(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(80).collect()
}

#[cfg(test)]
mod tests;
