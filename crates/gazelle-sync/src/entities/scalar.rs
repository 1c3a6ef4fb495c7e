//! Reads one JSON value by the rule of its column. Pure functions.
//!
//! APIs send the same value in several shapes: numbers as text, booleans as 0 and 1, dates as timestamps. A shape
//! with one possible meaning is read; an ambiguous one (date and time without an offset) is rejected. Values that
//! Postgres cannot hold are rejected too, so every result can be stored.

use jiff::civil::{Date, DateTime};
use serde_json_borrow::Value as Json;

use super::table::{Rule, Value};
use crate::time;

/// The longest id, in bytes: as the key of a record in staging, and in a key column. The API's ids have about twenty;
/// an index entry of Postgres is limited to about 2,700, and a longer one would make it refuse the whole batch.
pub const LONGEST_ID: usize = 512;

/// Reads a JSON value by a rule; null becomes [`Value::Null`].
///
/// # Errors
/// Why it cannot be read: completes the sentence "field …" without quoting the value.
pub fn value(rule: Rule, json: &Json<'_>) -> Result<Value, String> {
    if matches!(json, Json::Null) {
        return Ok(Value::Null);
    }
    match rule {
        Rule::Text => text(json).map(Value::Text).ok_or_else(|| expected(rule, json)),
        Rule::Id => match json {
            Json::Str(text) if text.is_empty() => Ok(Value::Null),
            Json::Str(text) => id(clean(text)),
            Json::Number(_) => id(json.to_string()),
            _ => Err(expected(rule, json)),
        },
        Rule::Json => Ok(Value::Jsonb(storable_json(json))),
        _ if is_blank(json) => Ok(Value::Null),
        Rule::Decimal => decimal(json).map(Value::Decimal),
        Rule::Integer => whole_number(json).map(Value::Integer),
        Rule::Float => number(json).map(Value::Float),
        Rule::Boolean => boolean(json).map(Value::Boolean).ok_or_else(|| expected(rule, json)),
        Rule::Date => match json {
            Json::Str(text) => time::read_date(text).and_then(storable).map(Value::Date),
            Json::Number(_) => instant(json).map(|instant| Value::Date(instant.date())),
            _ => Err(expected(rule, json)),
        },
        Rule::Instant => instant(json).map(Value::Instant),
        Rule::UtcDate => instant(json).map(|instant| Value::Date(instant.date())),
        Rule::UtcTime => instant(json).map(|instant| Value::Time(instant.time())),
        Rule::TextList => match text_list(json) {
            Some((texts, odd)) if odd.is_empty() => Ok(Value::TextList(texts)),
            Some(_) => Err("holds something other than text".to_owned()),
            None => Err(expected(rule, json)),
        },
    }
}

/// The readable items of a list of texts without nulls, and the indexes of the unreadable ones. `None` if the value
/// is not a list; a single text counts as a list of one.
pub fn text_list(json: &Json<'_>) -> Option<(Vec<String>, Vec<usize>)> {
    let items = match json {
        Json::Array(items) => items,
        Json::Str(text) => return Some((vec![clean(text)], Vec::new())),
        _ => return None,
    };
    let (mut texts, mut odd) = (Vec::new(), Vec::new());
    for (position, item) in items.iter().enumerate() {
        match (item, text(item)) {
            (Json::Null, _) => {}
            (_, Some(text)) => texts.push(text),
            (_, None) => odd.push(position),
        }
    }
    Some((texts, odd))
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

/// The longest shape that is shown, in characters.
const LONGEST_SHAPE: usize = 32;

/// The shape of a value without its content: digits become `9` (unless all are zeros), letters `a` and `A`. For
/// warnings, which must not contain personal data.
pub fn shape(json: &Json<'_>) -> String {
    match json {
        Json::Str(text) => format!("text like `{}`", mask(text)),
        Json::Number(_) => format!("a number like `{}`", mask(&json.to_string())),
        Json::Array(items) => format!("a list of {}", items.len()),
        Json::Object(members) => format!("an object of {} member(s)", members.len()),
        Json::Null | Json::Bool(_) => kind(json).to_owned(),
    }
}

fn mask(text: &str) -> String {
    let zeros_alone = text.chars().filter(char::is_ascii_digit).all(|digit| digit == '0');
    let masked = text.chars().take(LONGEST_SHAPE).map(|letter| match letter {
        '0'..='9' if zeros_alone => '0',
        '0'..='9' => '9',
        _ if letter.is_whitespace() => ' ',
        _ if letter.is_uppercase() => 'A',
        _ if letter.is_alphabetic() => 'a',
        '`' => '\'',
        _ if letter.is_ascii_punctuation() => letter,
        _ => '?',
    });
    let mut shape: String = masked.collect();
    if text.chars().nth(LONGEST_SHAPE).is_some() {
        shape.push('…');
    }
    shape
}

fn expected(rule: Rule, json: &Json<'_>) -> String {
    format!("is {} where {} is expected", kind(json), rule.noun())
}

/// An id for a key column; an empty one is NULL.
fn id(text: String) -> Result<Value, String> {
    if text.len() > LONGEST_ID {
        return Err(format!("is longer than {LONGEST_ID} bytes, too long for an id"));
    }
    Ok(if text.is_empty() { Value::Null } else { Value::Text(text) })
}

fn text(json: &Json<'_>) -> Option<String> {
    match json {
        Json::Str(text) => Some(clean(text)),
        Json::Number(_) | Json::Bool(_) => Some(json.to_string()),
        _ => None,
    }
}

/// Text without U+0000, which Postgres cannot hold. Staging keeps the original bytes.
fn clean(text: &str) -> String {
    if text.contains('\0') { text.replace('\0', "") } else { text.to_owned() }
}

fn is_blank(json: &Json<'_>) -> bool {
    matches!(json, Json::Str(text) if text.trim().is_empty())
}

/// A 32-bit integer, from a number or text; `2.0` is accepted.
fn whole_number(json: &Json<'_>) -> Result<i32, String> {
    let too_large = || "is not a whole number of 32 bits".to_owned();
    let (whole, float) = match json {
        Json::Number(number) => (number.as_i64(), number.as_f64()),
        Json::Str(text) => (text.trim().parse().ok(), text.trim().parse().ok()),
        _ => return Err(expected(Rule::Integer, json)),
    };
    match (whole, float) {
        (Some(whole), _) => i32::try_from(whole).map_err(|_| too_large()),
        (None, Some(float)) if float.fract() == 0.0 && float.abs() <= f64::from(i32::MAX) => Ok(float as i32),
        (None, Some(float)) if float.is_finite() || matches!(json, Json::Number(_)) => Err(too_large()),
        (None, _) => Err(expected(Rule::Integer, json)),
    }
}

/// A finite number, from a number or text.
fn number(json: &Json<'_>) -> Result<f64, String> {
    let found = match json {
        Json::Number(number) => number.as_f64(),
        Json::Str(text) => match text.trim().parse::<f64>() {
            Ok(number) if number.is_finite() => Some(number),
            _ => return Err(expected(Rule::Float, json)),
        },
        _ => return Err(expected(Rule::Float, json)),
    };
    found.filter(|number| number.is_finite()).ok_or_else(|| "is out of range".to_owned())
}

/// The maximum number of characters of a decimal number, and its maximum power of ten.
const LONGEST_DECIMAL: usize = 100;

/// A decimal number in Postgres's syntax, neither infinity nor a word. Text keeps all its digits; of a JSON number the
/// parser has kept what [`Rule::Decimal`] says.
fn decimal(json: &Json<'_>) -> Result<String, String> {
    let text = match json {
        Json::Number(number) => number.to_string(),
        Json::Str(text) => text.trim().to_owned(),
        _ => return Err(expected(Rule::Decimal, json)),
    };
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(&text);
    let (digits, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !are_digits(whole) || !are_digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return Err(expected(Rule::Decimal, json));
    }
    let power: i64 = exponent.parse().map_err(|_| expected(Rule::Decimal, json))?;
    match text.len() > LONGEST_DECIMAL || power.unsigned_abs() > LONGEST_DECIMAL as u64 {
        true => Err("is out of range".to_owned()),
        false => Ok(text),
    }
}

/// JSON without U+0000, which `jsonb` cannot hold, and with numbers as [`Rule::Json`] says. Staging keeps the original
/// bytes.
fn storable_json(json: &Json<'_>) -> String {
    match json {
        Json::Null | Json::Bool(_) | Json::Number(_) => json.to_string(),
        Json::Str(text) => quoted(text),
        Json::Array(items) => format!("[{}]", items.iter().map(storable_json).collect::<Vec<_>>().join(",")),
        Json::Object(members) => {
            let members = members.as_vec().iter();
            let members = members.map(|(key, value)| format!("{}:{}", quoted(key), storable_json(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::String(clean(text)).to_string()
}

/// A boolean, also from 0 and 1 or one of the words that Postgres accepts.
fn boolean(json: &Json<'_>) -> Option<bool> {
    match json {
        Json::Bool(flag) => Some(*flag),
        Json::Number(number) => match number.as_f64()? {
            0.0 => Some(false),
            1.0 => Some(true),
            _ => None,
        },
        Json::Str(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "on" | "1" => Some(true),
            "false" | "f" | "no" | "n" | "off" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A timestamp in UTC: text with an offset, a date (midnight UTC), or seconds or milliseconds since 1970.
fn instant(json: &Json<'_>) -> Result<DateTime, String> {
    let instant = match json {
        Json::Str(text) => time::read_utc(text)?,
        Json::Number(number) => number
            .as_f64()
            .and_then(time::since_1970)
            .map(time::utc)
            .ok_or("is a number, and neither seconds nor milliseconds since 1970")?,
        _ => return Err("is ".to_owned() + kind(json) + " where a date and time is expected"),
    };
    // Local times are computed from it in both directions and must also be within Postgres's range.
    match instant.date() < FIRST_DAY_OF_INSTANTS {
        true => Err("is earlier than the database can hold (4714 BC)".to_owned()),
        false => Ok(instant),
    }
}

/// The first day of Postgres's range, 24 November 4714 BC; the last day that we can read is within the range.
const FIRST_DAY: Date = Date::constant(-4713, 11, 24);
/// One day later: in Montréal the first UTC day begins before Postgres's first day.
const FIRST_DAY_OF_INSTANTS: Date = Date::constant(-4713, 11, 25);

fn storable(date: Date) -> Result<Date, String> {
    if date < FIRST_DAY {
        return Err("is earlier than the database can hold (4714 BC)".to_owned());
    }
    Ok(date)
}

#[cfg(test)]
mod tests;
