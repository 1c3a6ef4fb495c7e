//! Reads the `errors` of a GraphQL answer: their kind, their place, and what an invalid query names.
//!
//! Messages can quote records ("Client 'Jean …' is invalid"), so nothing of them is kept but names of the schema.

use serde_json::Value;

/// One entry of `errors`, reduced to what may be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GraphqlError {
    pub kind: Kind,
    /// `extensions.code`, reduced to letters, digits and `_`.
    pub code: Option<String>,
    /// Response names and list positions from the root of `data`; empty when the error names no place.
    pub path: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// With what the query asks for in vain: none or one name.
    InvalidQuery(Option<String>),
    Throttled,
    Unauthenticated,
    NotFound,
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

/// Reads `errors` whatever its shape; a value that is no list counts as one error. An empty list or null is none.
pub(super) fn read_errors(json: &str) -> Vec<GraphqlError> {
    match serde_json::from_str(json) {
        Ok(Value::Null) => Vec::new(),
        Ok(Value::Array(errors)) => errors.iter().map(read_error).collect(),
        Ok(other) => vec![read_error(&other)],
        // Too deep for a `Value`: still an error, of a kind nobody can tell.
        Err(_) => vec![GraphqlError { kind: Kind::Other, code: None, path: Vec::new() }],
    }
}

fn read_error(error: &Value) -> GraphqlError {
    let message = error["message"].as_str().or(error.as_str()).unwrap_or_default();
    let extensions = &error["extensions"];
    let code = extensions["code"].as_str().map(name);
    let path = error["path"].as_array().map(|steps| steps.iter().map(step).collect()).unwrap_or_default();
    GraphqlError { kind: kind_of(code.as_deref(), extensions, message), code, path }
}

/// The code decides where there is one; a message is looked at only without.
fn kind_of(code: Option<&str>, extensions: &Value, message: &str) -> Kind {
    let Some(code) = code else {
        return kind_of_message(message);
    };
    if INVALID_QUERY_CODES.contains(&code) {
        return Kind::InvalidQuery(named_in_extensions(extensions).or_else(|| named_in_message(message)));
    }
    match code.to_ascii_lowercase().as_str() {
        "throttled" | "rate_limited" | "ratelimited" | "too_many_requests" => Kind::Throttled,
        "unauthenticated" | "unauthorized" => Kind::Unauthenticated,
        "not_found" | "notfound" | "record_not_found" => Kind::NotFound,
        _ => Kind::Other,
    }
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
        Kind::NotFound
    } else {
        Kind::Other
    }
}

fn named_in_extensions(extensions: &Value) -> Option<String> {
    let text = |key: &str| extensions[key].as_str().map(name).filter(|name| !name.is_empty());
    if let Some(argument) = text("argumentName") {
        return Some(format!("{}({argument})", text("name").unwrap_or_default()));
    }
    match (text("typeName"), text("fieldName")) {
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

fn step(step: &Value) -> String {
    match step {
        Value::String(text) => name(text),
        Value::Number(number) => number.to_string(),
        _ => "?".to_owned(),
    }
}

/// What comes from outside and is shown: letters, digits and `_` of it, at most 80.
fn name(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(80).collect()
}
