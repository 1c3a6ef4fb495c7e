//! Reads the `errors` of a GraphQL answer: their kind, their path, and what an invalid query names.
//!
//! Messages can quote records ("Client 'Jean …' is invalid"), so an error's text contains only schema names and the
//! message about a limit. The message of an error with a path is kept for quarantine.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{first_of::FirstOf, wording};

/// One entry of `errors`, without anything that must not be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::source) struct GraphqlError {
    pub kind: GraphqlErrorKind,
    /// `extensions.code`, reduced to letters, digits and `_`.
    pub code: Option<String>,
    /// Response names and list indexes from the root of `data`; empty if the error has no path.
    pub path: Vec<String>,
    /// Whether the path leads below a root field: the error is then about a value and not about the query.
    pub is_inside: bool,
    /// The message on one line (see [`wording::one_line`]). May contain personal data: only for quarantine.
    pub message: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::source) enum GraphqlErrorKind {
    /// The query exceeds a limit; the API's message.
    OverLimit(String),
    /// With the name that the API does not know, if it says so.
    InvalidQuery(Option<String>),
    Throttled,
    Unauthenticated,
    /// By its code.
    NotFound,
    /// By its message only, which may be about anything ("Company not found").
    WordsNotFound,
    Other,
}

/// Codes of a query that was refused before it ran: those of graphql-ruby's static checks (the real API), then
/// Apollo's.
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

/// The number of entries of `errors`, and of path steps, that are read. An answer may contain millions, each of
/// which needs much more memory than its bytes. A page has fewer records than the first.
const MOST_ERRORS: usize = 1_000;
const MOST_STEPS: usize = 64;
/// The bytes of a message that are read; the first sentence suffices.
const LONGEST_MESSAGE: usize = 4_096;

/// Reads `errors` of any shape; a value that is not a list counts as one error, an empty list or null as none.
/// Entries beyond the first thousand count as one error without a path, so that the answer counts neither as
/// complete nor as evidence of a deletion.
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
            kind: GraphqlErrorKind::Other,
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
    // A path that is too long to be read still leads below a root field.
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

/// Whether a path leads below a root field. The path of a refused query is one in the document, in graphql-ruby
/// starting with `query Name`; no values exist yet.
fn leads_inside(path: &[&RawValue]) -> bool {
    let of_document = |first: String| {
        let kind = first.split(' ').next().unwrap_or_default();
        matches!(kind, "query" | "mutation" | "fragment") && (first.contains(' ') || first == "query")
    };
    path.len() > 1 && !path.first().and_then(|first| text(first.get())).is_some_and(of_document)
}

/// A code as letters, digits and `_`. Numbers do not count, except 429.
fn code_of(json: &str) -> Option<String> {
    match json {
        "429" => Some(json.to_owned()),
        _ => text(json).map(|code| name(&code)),
    }
}

/// The parts of an entry that are read, independently of each other, because each may have any shape.
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

/// A JSON string, truncated; `None` for any other value.
fn text(json: &str) -> Option<String> {
    let mut text: String = serde_json::from_str(json).ok()?;
    text.truncate(text.floor_char_boundary(LONGEST_MESSAGE));
    Some(text)
}

/// A code decides if there is one, otherwise the message. But a limit is recognised by either: servers report it
/// with the code of an invalid query, or without one.
fn kind_of(code: Option<&str>, extensions: &Extensions<'_>, message: &str) -> GraphqlErrorKind {
    if code.is_none_or(is_limit_code) && asks_for_patience(message) {
        return GraphqlErrorKind::Throttled;
    }
    if code.is_some_and(is_limit_code) || !code.is_some_and(is_throttle_code) && speaks_of_a_limit(message) {
        return GraphqlErrorKind::OverLimit(wording::one_line(message));
    }
    let Some(code) = code else {
        return kind_of_message(message);
    };
    if INVALID_QUERY_CODES.contains(&code) {
        return GraphqlErrorKind::InvalidQuery(
            named_in_extensions(extensions).or_else(|| named_in_message(message)),
        );
    }
    match code.to_ascii_lowercase().as_str() {
        _ if is_throttle_code(code) => GraphqlErrorKind::Throttled,
        "unauthenticated" | "unauthorized" => GraphqlErrorKind::Unauthenticated,
        "not_found" | "notfound" | "record_not_found" => GraphqlErrorKind::NotFound,
        _ => GraphqlErrorKind::Other,
    }
}

/// The kind of an error about a value. Its message can quote a record and says nothing about the query; a code is
/// the API's own word. An authentication code is ignored: our credentials were accepted, the value is what is
/// refused.
fn kind_inside(code: Option<&str>, extensions: &Extensions<'_>) -> GraphqlErrorKind {
    match kind_of(code, extensions, "") {
        GraphqlErrorKind::Unauthenticated => GraphqlErrorKind::Other,
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

/// Words for the measures of a query.
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

/// Words for exceeding a limit.
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

/// A busy API also mentions points and limits, and so does an unknown field with such a name.
const OTHER_TROUBLES: &[&str] = &[
    "rate limit",
    "throttl",
    "too many requests",
    "doesn't exist",
    "doesn't accept",
    "unknown ",
    "cannot query",
];

/// Words of an API that is asked too often, whatever it measures.
const TOO_OFTEN: &[&str] =
    &["throttl", "too many requests", "rate limit", "rate-limit", "rate exceeded", "quota"];

/// Words before the time after which the same request is answered.
const LATER: &[&str] =
    &["again in ", "again after ", "retry in ", "retry after ", "reset in ", "resets ", "restored in "];

/// "Too many requests, try again later", "Throttling: …", "Quota exceeded", "Complexity budget exhausted; reset in 28
/// seconds": the request was good, and came too soon.
fn asks_for_patience(message: &str) -> bool {
    let lower = message.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let names_a_number = lower.contains(|c: char| c.is_ascii_digit());
    (has(TOO_OFTEN) || has(LATER) && names_a_number) && named_in_message(message).is_none()
}

/// "Query has complexity of 190, which exceeds max complexity of 100", "Aliases limit of 15 exceeded, found 20",
/// "`first` must be at most 50", "Requesting 200 records exceeds the `first` limit of 100 records": a measure of
/// the query and a word for exceeding.
fn speaks_of_a_limit(message: &str) -> bool {
    let lower = message.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    // A message about the query contains a number; one about a value has a path.
    let names_a_number = lower.contains(|c: char| c.is_ascii_digit());
    // "The maximum allowed operation complexity was exceeded": it names what is measured and what of it.
    let names_the_query = has(&["query", "operation", "document", "request", "selection"])
        && has(&["complex", "depth", "nesting", "aliases", "cost"])
        || lower.contains("complexity");
    has(MEASURES) && has(EXCESSES) && !has(OTHER_TROUBLES) && (names_a_number || names_the_query)
        || lower.contains("too complex")
        || has(&["query", "operation", "document"])
            && has(&["too large", "too deep", "too big", "too expensive"])
}

fn kind_of_message(message: &str) -> GraphqlErrorKind {
    let lower = message.to_ascii_lowercase();
    if let Some(named) = named_in_message(message) {
        GraphqlErrorKind::InvalidQuery(Some(named))
    } else if lower.starts_with("variable $")
        || lower.starts_with("parse error")
        || lower.contains("introspection")
    {
        GraphqlErrorKind::InvalidQuery(None)
    } else if lower.contains("not found") {
        GraphqlErrorKind::WordsNotFound
    } else {
        GraphqlErrorKind::Other
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

/// The messages of graphql-ruby, graphql-js and async-graphql about unknown names.
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

/// `'companyName'` or `"companyName",` -> `companyName`; `None` if it is not a schema name.
fn quoted_name(word: &str) -> Option<String> {
    let word = word.trim_end_matches(['.', ',', ';', ':', '?', ')']);
    let inner = ['\'', '"', '`'].iter().find_map(|quote| word.strip_prefix(*quote)?.strip_suffix(*quote))?;
    let is_name = !inner.is_empty() && inner.len() <= 80 && name(inner) == inner;
    is_name.then(|| inner.to_owned())
}

/// A path step as text: a name or an index.
fn step(step: &RawValue) -> String {
    let json = step.get();
    match text(json) {
        Some(text) => name(&text),
        None if serde_json::from_str::<serde_json::Number>(json).is_ok() => json.to_owned(),
        None => "?".to_owned(),
    }
}

/// The letters, digits and `_` of a text from outside, at most 80.
fn name(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(80).collect()
}

#[cfg(test)]
mod tests;
