//! GraphQL errors with the texts and codes of the real service (graphql-ruby).

use async_graphql::ServerError;
use serde_json::{Map, Value as Json, json};

/// A validation error as the API sends it.
pub(super) fn graphql_error(error: &ServerError) -> Json {
    let mut quoted = error.message.split('"').skip(1).step_by(2);
    let mut next = || quoted.next().unwrap_or_default().to_owned();
    let message = error.message.as_str();
    let (message, extensions) = if message.starts_with("Unknown field") {
        let (field, ty) = (next(), next());
        (
            format!("Field '{field}' doesn't exist on type '{ty}'"),
            json!({ "code": "undefinedField", "typeName": ty, "fieldName": field }),
        )
    } else if message.starts_with("Unknown argument") {
        let (argument, field) = (next(), next());
        (
            format!("Field '{field}' doesn't accept argument '{argument}'"),
            json!({ "code": "argumentNotAccepted", "name": field, "typeName": "Field", "argumentName": argument }),
        )
    } else {
        (message.to_owned(), json!({ "code": code_of(message) }))
    };
    let mut made = Map::new();
    made.insert("message".to_owned(), message.into());
    let locations: Vec<Json> = error
        .locations
        .iter()
        .map(|position| json!({ "line": position.line, "column": position.column }))
        .collect();
    if !locations.is_empty() {
        made.insert("locations".to_owned(), locations.into());
    }
    made.insert("extensions".to_owned(), extensions);
    Json::Object(made)
}

fn code_of(message: &str) -> &'static str {
    let codes = [
        ("Invalid value for argument", "argumentLiteralsIncompatible"),
        ("must have a selection of subfields", "selectionMismatch"),
        ("must not have a selection", "selectionMismatch"),
        ("is required but not provided", "missingRequiredArguments"),
        ("Unknown type", "undefinedType"),
        ("Unknown fragment", "useAndDefineFragment"),
        ("is not defined", "variableNotDefined"),
        ("is not used", "variableNotUsed"),
        ("conflict", "fieldConflict"),
    ];
    codes.iter().find(|(part, _)| message.contains(part)).map_or("invalidQuery", |(_, code)| code)
}
