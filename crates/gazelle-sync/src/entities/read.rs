//! Reading a record: from JSON paths to typed values.
//!
//! Only what a record means nothing without keeps it out: a *required* column that is absent or unreadable. Any other that
//! cannot be read becomes NULL, and a nested row that cannot be read is left out, each with a warning.
//!
//! Everything here is pure. Messages name fields and JSON types, never contents, which may be personal.

use jiff::civil::Date;
use serde_json_borrow::Value as Json;

pub use super::scalar::kind;
use super::scalar::{self, shape};
use super::table::{Column, Row, Rule, Table, Value};
pub use super::warning::{UNREADABLE_FIELD, UNREADABLE_ROW, WARNINGS, Warning};
use super::weight;

/// Why one record cannot be reconciled. It is quarantined with this; the rest of its batch lands.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct RecordError {
    /// The kind of fault.
    pub code: ErrorCode,
    /// The record's field, or the database column where the database refused it.
    pub field: String,
    /// One line for a person: `Missing required field: start`.
    pub message: String,
    /// For [`ErrorCode::MissingParent`]: the table and id that are waited for.
    pub waits_for: Option<(&'static str, String)>,
}

/// The kinds of fault a record can have, as stored in `error_code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// A field without which the record means nothing is absent.
    MissingField,
    /// A field holds something that its column cannot.
    InvalidField,
    /// The record is no JSON object that can be read.
    Unreadable,
    /// The record names another one that is not there (yet).
    MissingParent,
    /// The database refused the row.
    RefusedByDatabase,
    /// The API could not give the record whole: it named the field or the record in an error.
    IncompleteAtSource,
    /// The record holds bytes that are no text.
    NotText,
    /// A list of the API fails at the record, which was not asked for by its id yet.
    NotAskedYet,
}

impl ErrorCode {
    /// The text stored in `error_code`.
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorCode::MissingField => "missing_field",
            ErrorCode::InvalidField => "invalid_field",
            ErrorCode::Unreadable => "unreadable",
            ErrorCode::MissingParent => "missing_parent",
            ErrorCode::RefusedByDatabase => "refused_by_database",
            ErrorCode::IncompleteAtSource => "incomplete_at_source",
            ErrorCode::NotText => "not_text",
            ErrorCode::NotAskedYet => "not_asked_yet",
        }
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

    /// A record that came with a fault of the API's: an error that names it, or bytes that are no text. `field` is the path
    /// inside the record; empty for the record as such.
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

/// What a reconciler makes of one record.
#[derive(Debug, Default, PartialEq)]
pub struct Reconciled {
    /// Rows, each with the position of its table in the entity's `tables`.
    pub rows: Vec<(usize, Row)>,
    /// Quality warnings.
    pub warnings: Vec<Warning>,
    /// Positions of the tables of which the record's rows are not all known, since some could not be read: none of
    /// those that production holds is taken for left out.
    pub incomplete: Vec<usize>,
}

impl Reconciled {
    /// Notes a quality warning.
    pub fn warn(&mut self, code: &'static str, field: impl Into<String>) {
        self.warnings.push(Warning { code, field: field.into(), column: None, shape: None });
    }

    /// Notes that the rows of a table are not all known.
    pub fn note_incomplete(&mut self, table: usize) {
        if !self.incomplete.contains(&table) {
            self.incomplete.push(table);
        }
    }
}

/// The times that a piano service can have to do with; others are kept, with a warning.
const PROBABLE: std::ops::RangeInclusive<Date> = Date::constant(1990, 1, 1)..=Date::constant(2100, 12, 31);

/// Warns of instants that are hardly meant. Plain dates are left alone: a piano's may be older.
pub fn warn_of_improbable_times(tables: &[&Table], reconciled: &mut Reconciled) {
    let mut found: Vec<String> = Vec::new();
    for (index, row) in &reconciled.rows {
        let table = tables[*index];
        for (column, value) in table.columns.iter().zip(&row.values) {
            let day = match (column.rule, value) {
                (Rule::UtcDate, Value::Date(day)) => *day,
                (Rule::Instant, Value::Instant(instant)) => instant.date(),
                _ => continue,
            };
            // What a nested row takes over from its record is told there.
            if let Some(path) = column.from.first().filter(|_| !PROBABLE.contains(&day)) {
                found.push(if *index == 0 { (*path).to_owned() } else { format!("{}.{path}", table.name) });
            }
        }
    }
    found.into_iter().for_each(|field| reconciled.warn("improbable_date", field));
}

/// Finds the value at a dotted path; null counts as absent. Of a repeated key the last one counts,
/// as in `jsonb`.
pub fn at<'j, 'a>(json: &'j Json<'a>, path: &str) -> Option<&'j Json<'a>> {
    let mut here = json;
    for key in path.split('.') {
        let Json::Object(object) = here else { return None };
        here = object.as_vec().iter().rev().find(|(k, _)| **k == *key).map(|(_, v)| v)?;
    }
    (!matches!(here, Json::Null)).then_some(here)
}

/// What stands on the way to a value instead of an object, with its path: a reference written as `"client": "cli_1"` must
/// not read as none.
fn no_object<'p, 'j, 'a>(json: &'j Json<'a>, path: &'p str) -> Option<(&'p str, &'j Json<'a>)> {
    let ends = path.match_indices('.').map(|(end, _)| &path[..end]);
    ends.filter_map(|way| Some((way, at(json, way)?))).find(|(_, found)| !matches!(found, Json::Object(_)))
}

/// The items of a nested connection.
#[derive(Debug, Default)]
pub struct Nodes<'j, 'a> {
    /// The items, each with its place for the names of its fields: `allContacts.nodes[3].`. Nulls are left out.
    pub items: Vec<(String, &'j Json<'a>)>,
    /// What could not be read: the connection is no list, holds nulls, or counts more items than it lists.
    pub unreadable: Vec<Warning>,
    /// Whether there is no connection, or null in its place: that says nothing of its items.
    pub is_absent: bool,
}

impl Nodes<'_, '_> {
    /// Whether these are all items that the connection has.
    pub fn are_all(&self) -> bool {
        self.unreadable.is_empty() && !self.is_absent
    }
}

/// The items of a nested connection, written `{nodes: […]}`, `{edges: [{node}]}` or as a plain list. `place` is that of
/// the object that holds the connection.
pub fn nodes<'j, 'a>(json: &'j Json<'a>, path: &str, place: &str) -> Nodes<'j, 'a> {
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
    // What it counts and does not list may be there all the same: of such a list nothing counts as left out.
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

/// Reads a row of `table` from a JSON object. `place` prefixes the field names in errors and warnings:
/// `allContacts.nodes[3].` for a nested object, empty for the record itself.
///
/// # Errors
/// A required column that is absent, or holds what cannot be read. Any other that cannot be read is NULL, with a warning.
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

/// Reads a nested row. One that is no object, or whose key cannot be read, is left out with a warning.
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

/// Reads a column. What cannot be read is an error, and a warning for where it does not matter.
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

/// The id at a path that a reconciler follows for a column that it makes itself; none where the record names none.
///
/// # Errors
/// Something that is no id stands there: it is noted as a warning, and the column is to be NULL.
pub fn id_at(
    (table, column): (&Table, &str),
    json: &Json<'_>,
    path: &str,
    place: &str,
    warnings: &mut Vec<Warning>,
) -> Result<Option<String>, Unreadable> {
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
    Err(Unreadable)
}

/// Something stands there that cannot be read; a warning says what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable;

/// Reads a list of texts; members that are none are left out, each with a warning.
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

/// Warns of a value that cannot be read; columns that are read from one path share the warning.
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
