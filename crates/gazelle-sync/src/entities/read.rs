//! Reads a record: from JSON paths to typed values.
//!
//! A record is rejected only if a *required* column is missing or unreadable. Any other unreadable column becomes
//! NULL, and an unreadable nested row is left out, each with a warning.
//!
//! Pure functions. Messages name fields and JSON types, never contents, which may be personal.

use jiff::civil::Date;
use serde_json_borrow::Value as Json;

pub use super::scalar::kind;
use super::scalar::{self, shape};
use super::table::{Column, Row, Rule, Table, Value};
use super::warning::IMPROBABLE_DATE;
pub use super::warning::{UNREADABLE_FIELD, UNREADABLE_ROW, WARNINGS, Warning, WarningCode};
use super::weight;
use crate::states::words;

/// Why a record cannot be reconciled. It is quarantined with this error; the rest of its batch is written.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct RecordError {
    /// The kind of error.
    pub code: ErrorCode,
    /// The field of the record, or the column if the database refused the row.
    pub field: String,
    /// One line for people: `Missing required field: start`.
    pub message: String,
    /// For [`ErrorCode::MissingParent`]: table and id of the missing parent.
    pub waits_for: Option<(&'static str, String)>,
}

words! {
    /// The kinds of errors of a record, as stored in `error_code`.
    ErrorCode {
        /// A required field is missing.
        MissingField = "missing_field",
        /// A required field has a value that its column cannot hold.
        InvalidField = "invalid_field",
        /// The record is not a readable JSON object.
        Unreadable = "unreadable",
        /// The record names a parent that is not in production (yet).
        MissingParent = "missing_parent",
        /// The database refused the row.
        RefusedByDatabase = "refused_by_database",
        /// The API did not return the record completely: an error names the record or a field of it.
        IncompleteAtSource = "incomplete_at_source",
        /// The record contains bytes that are not UTF-8.
        NotText = "not_text",
        /// A list of the API fails at this record, which has not been requested by its id yet.
        NotAskedYet = "not_asked_yet",
    }
}

impl RecordError {
    /// `Missing required field: start`.
    pub fn missing(field: impl Into<String>) -> RecordError {
        let field = field.into();
        let message = format!("Missing required field: {field}");
        RecordError { code: ErrorCode::MissingField, field, message, waits_for: None }
    }

    /// `Invalid field: start is not a date and time like 2026-01-09T12:00:00Z`.
    pub fn invalid(field: impl Into<String>, why: impl std::fmt::Display) -> RecordError {
        let field = field.into();
        let message = format!("Invalid field: {field} {why}");
        RecordError { code: ErrorCode::InvalidField, field, message, waits_for: None }
    }

    /// A record with a fault of the API: an error that names it, or bytes that are not UTF-8. `field` is the path
    /// within the record; empty for the record itself.
    pub fn at_source(code: ErrorCode, field: String, said: &str) -> RecordError {
        let of = if field.is_empty() { "the record" } else { field.as_str() };
        let message = match code {
            ErrorCode::NotText => format!("Not text: {of}: {said}"),
            ErrorCode::NotAskedYet => {
                format!(
                    "Not asked for by its id yet (limit per run): of its list the API says of {of}: {said}"
                )
            }
            _ => format!("Incomplete at the source: the API says of {of}: {said}"),
        };
        RecordError { code, field, message, waits_for: None }
    }

    /// `Missing parent: client.id names gazelle_clients cli_… which is not there`.
    pub fn missing_parent(field: impl Into<String>, table: &'static str, id: &str) -> RecordError {
        let field = field.into();
        let message = format!("Missing parent: {field} names {id}, which {table} does not hold");
        RecordError {
            code: ErrorCode::MissingParent,
            field,
            message,
            waits_for: Some((table, id.to_owned())),
        }
    }
}

/// The result of reconciling one record.
#[derive(Debug, Default, PartialEq)]
pub struct ReconciledRecord {
    /// The rows, each with the index of its table in the entity's `tables`.
    pub rows: Vec<(usize, Row)>,
    /// Quality warnings.
    pub warnings: Vec<Warning>,
    /// Indexes of the tables for which the record's rows are incomplete, because some could not be read: existing
    /// rows of these tables are then not marked as deleted.
    pub incomplete: Vec<usize>,
}

impl ReconciledRecord {
    /// Adds a quality warning.
    pub fn warn(&mut self, code: WarningCode, field: impl Into<String>) {
        self.warnings.push(Warning { code, field: field.into(), column: None, shape: None });
    }

    /// Records that the rows of a table are incomplete.
    pub fn note_incomplete(&mut self, table: usize) {
        if !self.incomplete.contains(&table) {
            self.incomplete.push(table);
        }
    }
}

/// Plausible dates for a piano service; others are stored with a warning.
const PROBABLE: std::ops::RangeInclusive<Date> = Date::constant(1990, 1, 1)..=Date::constant(2100, 12, 31);

/// Warns of implausible timestamps. Plain dates are not checked, because a piano's may be older.
pub fn warn_of_improbable_times(tables: &[&Table], reconciled: &mut ReconciledRecord) {
    let mut found: Vec<String> = Vec::new();
    for (index, row) in &reconciled.rows {
        let table = tables[*index];
        for (column, value) in table.columns.iter().zip(&row.values) {
            let day = match (column.rule, value) {
                (Rule::UtcDate, Value::Date(day)) => *day,
                (Rule::Instant, Value::Instant(instant)) => instant.date(),
                _ => continue,
            };
            // Values that a nested row takes from its record are reported for the record.
            if let Some(path) = column.from.first().filter(|_| !PROBABLE.contains(&day)) {
                found.push(if *index == 0 { (*path).to_owned() } else { format!("{}.{path}", table.name) });
            }
        }
    }
    found.into_iter().for_each(|field| reconciled.warn(IMPROBABLE_DATE, field));
}

/// The value at a dotted path; null counts as missing. The last of several equal keys counts, as in `jsonb`.
pub fn at<'j, 'a>(json: &'j Json<'a>, path: &str) -> Option<&'j Json<'a>> {
    let mut here = json;
    for key in path.split('.') {
        let Json::Object(object) = here else { return None };
        here = object.as_vec().iter().rev().find(|(k, _)| **k == *key).map(|(_, v)| v)?;
    }
    (!matches!(here, Json::Null)).then_some(here)
}

/// The first value on a path that is not an object although the path continues, with its path: a reference like
/// `"client": "cli_1"` must not be read as missing.
fn no_object<'p, 'j, 'a>(json: &'j Json<'a>, path: &'p str) -> Option<(&'p str, &'j Json<'a>)> {
    let ends = path.match_indices('.').map(|(end, _)| &path[..end]);
    ends.filter_map(|way| Some((way, at(json, way)?))).find(|(_, found)| !matches!(found, Json::Object(_)))
}

/// The items of a nested connection.
#[derive(Debug, Default)]
pub(crate) struct Nodes<'j, 'a> {
    /// The items, each with the prefix of its field names: `allContacts.nodes[3].`. Nulls are left out.
    pub items: Vec<(String, &'j Json<'a>)>,
    /// What could not be read: the connection is not a list, contains nulls, or reports a higher count than its
    /// items.
    pub unreadable: Vec<Warning>,
    /// Whether the connection is missing or null, which says nothing about its items.
    pub is_absent: bool,
}

impl Nodes<'_, '_> {
    /// Whether these are all items of the connection.
    pub fn are_all(&self) -> bool {
        self.unreadable.is_empty() && !self.is_absent
    }
}

/// The items of a nested connection: `{nodes: […]}`, `{edges: [{node}]}` or a plain list. `place` is the prefix of
/// the object that contains the connection. Reconcilers use [`rows::listed`](super::rows::listed).
pub(crate) fn nodes<'j, 'a>(json: &'j Json<'a>, path: &str, place: &str) -> Nodes<'j, 'a> {
    let mut nodes = Nodes::default();
    let Some(connection) = at(json, path) else { return Nodes { is_absent: true, ..nodes } };
    let (inside, list, inner) = match connection {
        Json::Object(_) => match (at(connection, "nodes"), at(connection, "edges")) {
            (Some(list), _) => (".nodes", list, None),
            (None, Some(list)) => (".edges", list, Some("node")),
            (None, None) => ("", connection, None),
        },
        list => ("", list, None),
    };
    let place = format!("{place}{path}{inside}");
    let Json::Array(items) = list else {
        nodes.unreadable.push(unreadable_row(place, list, "a list"));
        return nodes;
    };
    // Items that are counted but not listed may exist: then no existing row counts as removed.
    let counted = at(connection, "totalCount").and_then(|count| count.to_string().parse::<u64>().ok());
    if let Some(counted) = counted.filter(|counted| *counted > items.len() as u64) {
        let shape = Some(format!("{} where {counted} are counted", items.len()));
        nodes.unreadable.push(Warning { code: UNREADABLE_ROW, field: place.clone(), column: None, shape });
    }
    for (position, item) in items.iter().enumerate() {
        let (place, found) = match inner {
            Some(key) => (format!("{place}[{position}].{key}"), at(item, key)),
            None => (format!("{place}[{position}]"), Some(item).filter(|item| !matches!(item, Json::Null))),
        };
        match found {
            Some(item) => nodes.items.push((format!("{place}."), item)),
            None if nodes.unreadable.len() >= weight::WARNINGS => {}
            None => nodes.unreadable.push(unreadable_row(place, &Json::Null, "an object")),
        }
    }
    nodes
}

fn unreadable_row(field: String, json: &Json<'_>, noun: &str) -> Warning {
    let shape = format!("{} where {noun} is expected", shape(json));
    Warning { code: UNREADABLE_ROW, field, column: None, shape: Some(shape) }
}

/// Reads a row of `table` from a JSON object. `place` is the prefix of field names in errors and warnings:
/// `allContacts.nodes[3].` for a nested object, empty for the record itself.
///
/// # Errors
/// A required column is missing or unreadable. Any other unreadable column is NULL, with a warning.
pub fn row(
    table: &Table,
    json: &Json<'_>,
    place: &str,
    warnings: &mut Vec<Warning>,
) -> Result<Row, RecordError> {
    let mut values = Vec::with_capacity(table.columns.len());
    let mut own: Vec<Warning> = Vec::new();
    for column in table.columns {
        let value = match cell(table, column, json, place, &mut own) {
            Err(error) if column.required => return Err(error),
            Err(_) => Value::Null,
            Ok(value) => value,
        };
        if column.required && value == Value::Null {
            let field = column.from.first().copied().unwrap_or(column.name);
            return Err(RecordError::missing(format!("{place}{field}")));
        }
        values.push(value);
    }
    own.truncate(weight::WARNINGS.saturating_sub(warnings.len()));
    warnings.append(&mut own);
    Ok(Row { values })
}

/// Reads a nested row; `None`, with a warning, if it is not an object or its key is unreadable.
pub fn nested_row(table: &Table, json: &Json<'_>, place: &str, warnings: &mut Vec<Warning>) -> Option<Row> {
    if !matches!(json, Json::Object(_)) {
        warnings.push(unreadable_row(place.trim_end_matches('.').to_owned(), json, "an object"));
        return None;
    }
    for key in table.columns.iter().filter(|column| table.key.contains(&column.name)) {
        let mut unread = Vec::new();
        let error = match cell(table, key, json, place, &mut unread) {
            Ok(Value::Null) if key.required => RecordError::missing(format!("{place}{}", key.from[0])),
            Ok(_) => continue,
            Err(error) => error,
        };
        let shape = unread.pop().and_then(|warning| warning.shape);
        let column = Some(format!("{}.{}", table.name, key.name));
        let shape = shape.or_else(|| Some(format!("nothing where {} is expected", key.rule.noun())));
        warnings.push(Warning { code: UNREADABLE_ROW, field: error.field, column, shape });
        return None;
    }
    row(table, json, place, warnings)
        .map_err(|error| {
            warnings.push(Warning { code: UNREADABLE_ROW, field: error.field, column: None, shape: None })
        })
        .ok()
}

/// Reads a column. For an unreadable value it returns both the error and the warning; the caller uses one of them.
fn cell(
    table: &Table,
    column: &Column,
    json: &Json<'_>,
    place: &str,
    warnings: &mut Vec<Warning>,
) -> Result<Value, RecordError> {
    let found = column.from.iter().find_map(|path| Some((*path, at(json, path)?)));
    let (field, found, why) = match found {
        Some((path, found)) if column.rule == Rule::TextList => {
            return text_list(table, column, found, &format!("{place}{path}"), warnings);
        }
        Some((path, found)) => match scalar::value(column.rule, found) {
            Ok(value) => return Ok(value),
            Err(why) => (path, found, why),
        },
        None => match column.from.iter().find_map(|path| no_object(json, path)) {
            Some((way, found)) => (way, found, format!("is {} where an object is expected", kind(found))),
            None => return Ok(Value::Null),
        },
    };
    let field = format!("{place}{field}");
    warn_of_unreadable(table, column, &field, found, column.rule.noun(), warnings);
    Err(RecordError::invalid(field, why))
}

/// The id at a path, for a column that the reconciler computes; `None` if the record has none.
///
/// # Errors
/// The value is not an id. A warning is added, and the column is to be NULL.
pub fn id_at(
    (table, column): (&Table, &str),
    json: &Json<'_>,
    path: &str,
    place: &str,
    warnings: &mut Vec<Warning>,
) -> Result<Option<String>, UnreadableValue> {
    let (way, found) = match (at(json, path), no_object(json, path)) {
        (Some(found), _) => match scalar::value(Rule::Id, found) {
            Ok(Value::Text(id)) => return Ok(Some(id)),
            Ok(_) => return Ok(None),
            Err(_) => (path, found),
        },
        (None, Some(odd)) => odd,
        (None, None) => return Ok(None),
    };
    let column = &table.columns[table.index(column)];
    warn_of_unreadable(table, column, &format!("{place}{way}"), found, Rule::Id.noun(), warnings);
    Err(UnreadableValue)
}

/// The value is unreadable; a warning was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnreadableValue;

/// Reads a list of texts; items that are not texts are left out, each with a warning.
fn text_list(
    table: &Table,
    column: &Column,
    json: &Json<'_>,
    field: &str,
    warnings: &mut Vec<Warning>,
) -> Result<Value, RecordError> {
    let Some((texts, odd)) = scalar::text_list(json) else {
        warn_of_unreadable(table, column, field, json, column.rule.noun(), warnings);
        return Err(RecordError::invalid(
            field,
            format_args!("is {} where a list of texts is expected", kind(json)),
        ));
    };
    if let Json::Array(items) = json {
        for position in odd.into_iter().take(weight::WARNINGS) {
            let field = format!("{field}[{position}]");
            warn_of_unreadable(table, column, &field, &items[position], "text", warnings);
        }
    }
    Ok(Value::TextList(texts))
}

/// Adds a warning for an unreadable value; columns that are read from the same path share it.
pub fn warn_of_unreadable(
    table: &Table,
    column: &Column,
    field: &str,
    json: &Json<'_>,
    noun: &str,
    warnings: &mut Vec<Warning>,
) {
    let name = format!("{}.{}", table.name, column.name);
    if let Some(noted) =
        warnings.iter_mut().find(|noted| noted.code == UNREADABLE_FIELD && noted.field == field)
    {
        let columns = noted.column.get_or_insert_default();
        columns.push_str(", ");
        columns.push_str(&name);
        return;
    }
    let shape = format!("{} where {noun} is expected", shape(json));
    let field = field.to_owned();
    warnings.push(Warning { code: UNREADABLE_FIELD, field, column: Some(name), shape: Some(shape) });
}

#[cfg(test)]
mod tests;
