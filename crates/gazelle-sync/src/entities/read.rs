//! Reading a record: from JSON paths to typed values, or an error that names the field.
//!
//! Everything here is pure. Messages name fields and JSON types, never contents: they end in logs,
//! alerts and screens, where personal data has no place.

use jiff::civil::Date;
use serde_json_borrow::Value as Json;

use super::table::{Row, Rule, Table, Value};
use crate::time;

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

/// Something worth knowing about a record that landed all the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Warning {
    /// Kind of warning: `blank_serial`, `event_without_client`, …
    pub code: &'static str,
    /// The field it is about.
    pub field: String,
}

/// What a reconciler makes of one record.
#[derive(Debug, Default, PartialEq)]
pub struct Reconciled {
    /// Rows, each with the position of its table in the entity's `tables`.
    pub rows: Vec<(usize, Row)>,
    /// Quality warnings.
    pub warnings: Vec<Warning>,
}

impl Reconciled {
    /// Notes a quality warning.
    pub fn warn(&mut self, code: &'static str, field: impl Into<String>) {
        self.warnings.push(Warning { code, field: field.into() });
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
                (Rule::Instant, Value::Instant(instant)) => time::utc_parts(*instant).0,
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
fn no_object<'p>(json: &Json<'_>, path: &'p str) -> Option<(&'p str, &'static str)> {
    let ends = path.match_indices('.').map(|(end, _)| &path[..end]);
    ends.filter_map(|way| Some((way, at(json, way)?)))
        .find(|(_, found)| !matches!(found, Json::Object(_)))
        .map(|(way, found)| (way, kind(found)))
}

/// The items of a nested connection, written `{nodes: […]}`, `{edges: [{node}]}` or as a plain list, each with its place
/// for the names of its fields: `allContacts.nodes[3].`. `place` is that of the object that holds the connection. Null
/// entries are left out.
pub fn nodes<'j, 'a>(
    json: &'j Json<'a>,
    path: &str,
    place: &str,
) -> Result<Vec<(String, &'j Json<'a>)>, RecordError> {
    let Some(connection) = at(json, path) else { return Ok(Vec::new()) };
    let (inside, list, inner) = match connection {
        Json::Object(_) => match (at(connection, "nodes"), at(connection, "edges")) {
            (Some(list), _) => (".nodes", list, None),
            (None, Some(list)) => (".edges", list, Some("node")),
            (None, None) => return Ok(Vec::new()),
        },
        list => ("", list, None),
    };
    let place = format!("{place}{path}{inside}");
    let Json::Array(items) = list else {
        return Err(RecordError::invalid(place, format_args!("is {} where a list is expected", kind(list))));
    };
    let found = items.iter().enumerate().filter_map(|(position, item)| match inner {
        Some(key) => Some((format!("{place}[{position}].{key}."), at(item, key)?)),
        None => (!matches!(item, Json::Null)).then(|| (format!("{place}[{position}]."), item)),
    });
    Ok(found.collect())
}

/// Reads a row of `table` from a JSON object. `place` prefixes the field names in errors:
/// `allContacts.nodes[3].` for a nested object, empty for the record itself.
pub fn row(table: &Table, json: &Json<'_>, place: &str) -> Result<Row, RecordError> {
    let mut values = Vec::with_capacity(table.columns.len());
    for column in table.columns {
        let found = column.from.iter().find_map(|path| Some((*path, at(json, path)?)));
        let value = match found {
            Some((path, json)) => {
                value(column.rule, json).map_err(|why| RecordError::invalid(format!("{place}{path}"), why))?
            }
            None => match column.from.iter().find_map(|path| no_object(json, path)) {
                Some((path, what)) => {
                    let why = format_args!("is {what} where an object is expected");
                    return Err(RecordError::invalid(format!("{place}{path}"), why));
                }
                None => Value::Null,
            },
        };
        if column.required && value == Value::Null {
            let field = column.from.first().copied().unwrap_or(column.name);
            return Err(RecordError::missing(format!("{place}{field}")));
        }
        values.push(value);
    }
    Ok(Row { values })
}

/// The longest id that a key column takes, in bytes: the ids of the API have some twenty, and an index
/// holds no entry of more than some 2,700.
const LONGEST_ID: usize = 512;

/// An id as a key column holds it.
fn id(text: String) -> Result<Value, String> {
    if text.len() > LONGEST_ID {
        return Err(format!("is longer than {LONGEST_ID} bytes, too long for an id"));
    }
    Ok(Value::Text(text))
}

/// Reads one JSON value by a rule. The error completes the sentence "field …".
fn value(rule: Rule, json: &Json<'_>) -> Result<Value, String> {
    let expected = |what: &str| format!("is {} where {what} is expected", kind(json));
    Ok(match rule {
        Rule::Text => match json {
            Json::Str(text) => Value::Text(clean(text)),
            Json::Number(_) | Json::Bool(_) => Value::Text(json.to_string()),
            _ => return Err(expected("text")),
        },
        Rule::Id => match json {
            Json::Str(text) if text.is_empty() => Value::Null,
            Json::Str(text) => id(clean(text))?,
            Json::Number(_) => id(json.to_string())?,
            _ => return Err(expected("an id")),
        },
        Rule::Integer => match json {
            Json::Str(text) if text.trim().is_empty() => Value::Null,
            Json::Str(text) => Value::Integer(
                text.trim().parse().map_err(|_| "is text where a whole number is expected".to_owned())?,
            ),
            Json::Number(_) => Value::Integer(whole_number(json).ok_or("is not a whole number of 32 bits")?),
            _ => return Err(expected("a whole number")),
        },
        Rule::Float => match json {
            Json::Str(text) if text.trim().is_empty() => Value::Null,
            Json::Str(text) => match text.trim().parse::<f64>() {
                Ok(number) if number.is_finite() => Value::Float(number),
                _ => return Err("is text where a number is expected".to_owned()),
            },
            Json::Number(number) => Value::Float(number.as_f64().ok_or("is out of range")?),
            _ => return Err(expected("a number")),
        },
        Rule::Boolean => match json {
            Json::Bool(flag) => Value::Boolean(*flag),
            Json::Str(text) if text.is_empty() => Value::Null,
            Json::Str(text) if text == "true" => Value::Boolean(true),
            Json::Str(text) if text == "false" => Value::Boolean(false),
            _ => return Err(expected("true or false")),
        },
        Rule::Date | Rule::Instant | Rule::UtcDate | Rule::UtcTime => {
            let Json::Str(text) = json else { return Err(expected("a date")) };
            if text.trim().is_empty() {
                return Ok(Value::Null);
            }
            if rule == Rule::Date {
                return time::read_date(text).and_then(storable).map(Value::Date);
            }
            let instant = time::read_instant(text)?;
            let (date, time_of_day) = time::utc_parts(instant);
            storable(date)?;
            match rule {
                Rule::UtcDate => Value::Date(date),
                Rule::UtcTime => Value::Time(time_of_day),
                _ => Value::Instant(instant),
            }
        }
        Rule::TextList => match json {
            Json::Array(items) => Value::TextList(
                items
                    .iter()
                    .filter(|item| !matches!(item, Json::Null))
                    .map(|item| match item {
                        Json::Str(text) => Ok(clean(text)),
                        Json::Number(_) | Json::Bool(_) => Ok(item.to_string()),
                        _ => Err("holds something other than text".to_owned()),
                    })
                    .collect::<Result<_, String>>()?,
            ),
            Json::Str(text) => Value::TextList(vec![clean(text)]),
            _ => return Err(expected("a list of texts")),
        },
    })
}

/// The first day that Postgres holds, 24 November 4714 BC; the last that we can read is within its range.
const FIRST_DAY: Date = Date::constant(-4713, 11, 24);

fn storable(date: Date) -> Result<Date, String> {
    if date < FIRST_DAY {
        return Err("is earlier than the database can hold (4714 BC)".to_owned());
    }
    Ok(date)
}

/// A whole number that a column of 32 bits holds; `2.0` is whole.
fn whole_number(json: &Json<'_>) -> Option<i32> {
    let Json::Number(number) = json else { return None };
    if let Some(whole) = number.as_i64() {
        return i32::try_from(whole).ok();
    }
    let float = number.as_f64()?;
    (float.fract() == 0.0 && float.abs() <= f64::from(i32::MAX)).then_some(float as i32)
}

/// Text as Postgres can hold it: without U+0000. Staging keeps the original bytes of such a record.
fn clean(text: &str) -> String {
    if text.contains('\0') { text.replace('\0', "") } else { text.to_owned() }
}

/// The JSON type of a value, for messages.
pub fn kind(json: &Json<'_>) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::Str(_) => "text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}
