//! Reading one JSON value by the rule of its column. Pure.
//!
//! APIs send the same thing in several shapes: numbers as text, booleans as 0 and 1, dates as instants. A shape with
//! one possible meaning is read; where two are possible (a date and time without an offset) the value is refused
//! instead of guessed. What is returned can always be stored: what Postgres cannot hold is refused here.

use jiff::civil::{Date, DateTime};
use serde_json_borrow::Value as Json;

use super::table::{Rule, Value};
use crate::time;

/// The longest id that a key column takes, in bytes: the ids of the API have some twenty, and an index
/// holds no entry of more than some 2,700.
const LONGEST_ID: usize = 512;

/// Reads one JSON value by a rule; null is [`Value::Null`].
///
/// # Errors
/// Why it cannot be read: completes the sentence "field …", and repeats nothing of the value.
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
        _ if is_blank(json) => Ok(Value::Null),
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

/// The readable members of a list of texts, nulls left out, and the positions of those that cannot be read. None where
/// the value is no list; a lone text is a list of one.
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

/// Characters of a value's shape that are shown at most.
const LONGEST_SHAPE: usize = 32;

/// What a value looks like, without saying what it is: digits as `9` (zeros alone as they are), letters as `a` and
/// `A`. For warnings, where personal data has no place.
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

/// An id as a key column holds it.
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

/// Text as Postgres can hold it: without U+0000. Staging keeps the original bytes of such a record.
fn clean(text: &str) -> String {
    if text.contains('\0') { text.replace('\0', "") } else { text.to_owned() }
}

fn is_blank(json: &Json<'_>) -> bool {
    matches!(json, Json::Str(text) if text.trim().is_empty())
}

/// A whole number of 32 bits, as a number or as text; `2.0` is whole.
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

/// A finite number, as a number or as text.
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

/// A boolean, also as 0 and 1 or as one of the words that Postgres takes for it.
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

/// An instant, in UTC: with an offset, as a date alone (then midnight UTC), or in seconds or milliseconds since 1970.
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
    // Local hours are computed from it, to either side, and must be within what the database can hold too.
    match instant.date() < FIRST_DAY_OF_INSTANTS {
        true => Err("is earlier than the database can hold (4714 BC)".to_owned()),
        false => Ok(instant),
    }
}

/// The first day that Postgres holds, 24 November 4714 BC; the last that we can read is within its range.
const FIRST_DAY: Date = Date::constant(-4713, 11, 24);
/// A day later: in Montréal the first day of UTC begins before the first day that Postgres holds.
const FIRST_DAY_OF_INSTANTS: Date = Date::constant(-4713, 11, 25);

fn storable(date: Date) -> Result<Date, String> {
    if date < FIRST_DAY {
        return Err("is earlier than the database can hold (4714 BC)".to_owned());
    }
    Ok(date)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::{date, time};

    fn read(rule: Rule, text: &str) -> Result<Value, String> {
        let json: Json<'_> = serde_json::from_str(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        value(rule, &json)
    }

    #[track_caller]
    fn reads(rule: Rule, texts: &[&str], as_this: Value) {
        for text in texts {
            assert_eq!(read(rule, text).as_ref(), Ok(&as_this), "{rule:?} {text}");
        }
    }

    #[track_caller]
    fn refuses(rule: Rule, texts: &[&str]) {
        for text in texts {
            assert!(read(rule, text).is_err(), "{rule:?} {text}: {:?}", read(rule, text));
        }
    }

    #[test]
    fn numbers_come_as_numbers_and_as_text() {
        reads(
            Rule::Integer,
            &["7", "7.0", "\"7\"", "\" 7 \"", "\"7.0\"", "\"+7\"", "7e0"],
            Value::Integer(7),
        );
        reads(Rule::Integer, &["2147483647", "\"2147483647\"", "2147483647.0"], Value::Integer(i32::MAX));
        reads(Rule::Integer, &["-2147483648", "\"-2147483648\""], Value::Integer(i32::MIN));
        reads(Rule::Integer, &["null", "\"\"", "\"  \""], Value::Null);
        refuses(
            Rule::Integer,
            &[
                "2147483648",
                "-2147483649",
                "9223372036854775808",
                "99999999999999999999999999",
                "3.5",
                "1e308",
            ],
        );
        refuses(Rule::Integer, &["\"soixante\"", "\"2147483648\"", "\"inf\"", "\"NaN\"", "true", "[]", "{}"]);
        reads(Rule::Float, &["1.5", "\"1.5\"", "\" 1.5 \"", "15e-1"], Value::Float(1.5));
        reads(Rule::Float, &["1e308", "\"1e308\""], Value::Float(1e308));
        refuses(Rule::Float, &["\"1e309\"", "\"inf\"", "\"NaN\"", "\"45,5\"", "true", "[1]", "{}"]);
    }

    #[test]
    fn booleans_come_as_booleans_numbers_and_words() {
        reads(
            Rule::Boolean,
            &["true", "1", "1.0", "\"1\"", "\"TRUE\"", "\" yes\"", "\"t\""],
            Value::Boolean(true),
        );
        reads(
            Rule::Boolean,
            &["false", "0", "-0", "\"0\"", "\"False\"", "\"no\"", "\"off\""],
            Value::Boolean(false),
        );
        reads(Rule::Boolean, &["null", "\"\""], Value::Null);
        refuses(Rule::Boolean, &["2", "-1", "0.5", "\"oui\"", "[]", "{}", "[true]"]);
    }

    #[test]
    fn dates_come_as_dates_and_as_instants() {
        let day = Value::Date(date(2026, 5, 11));
        reads(
            Rule::Date,
            &[
                "\"2026-05-11\"",
                "\" 2026-05-11 \"",
                "\"2026-05-11T00:00:00Z\"",
                "\"2026-05-11T04:00:00.000Z\"",
                "\"2026-05-11T23:30:00-04:00\"",
                "\"2026-05-11 00:00:00\"",
                "\"2026-05-11T00:00\"",
                "1778457600",
                "1778457600000",
            ],
            day,
        );
        reads(Rule::Date, &["\"-004713-11-24\""], Value::Date(date(-4713, 11, 24)));
        reads(Rule::Date, &["\"9999-12-31\"", "\"9999-12-31T23:59:59Z\""], Value::Date(date(9999, 12, 31)));
        reads(Rule::Date, &["\"0001-01-01\""], Value::Date(date(1, 1, 1)));
        reads(Rule::Date, &["\"-004712-01-01\""], Value::Date(date(-4712, 1, 1)));
        reads(Rule::Date, &["null", "\"\""], Value::Null);
        for far in [
            "0000-00-00",
            "5874897-12-31",
            "+294276-12-31",
            "4713-01-01 BC",
            "+5874898-01-01",
            "-004713-11-23",
            "infinity",
            "-infinity",
            "today",
        ] {
            refuses(Rule::Date, &[&format!("\"{far}\"")]);
        }
        refuses(
            Rule::Date,
            &["\"2026-02-30\"", "\"0000-00-00T00:00:00Z\"", "20260511", "7", "true", "[]", "{}"],
        );
    }

    #[test]
    fn instants_come_with_an_offset_as_dates_and_as_seconds_and_never_by_a_guess() {
        let noon = Value::Instant("2026-01-09T12:00:00".parse().unwrap());
        reads(
            Rule::Instant,
            &[
                "\"2026-01-09T12:00:00Z\"",
                "\"2026-01-09T07:00:00-05:00\"",
                "\"2026-01-09 12:00:00+00:00\"",
                "1767960000",
                "1767960000000",
                "\"1767960000\"",
            ],
            noon,
        );
        let midnight = Value::Instant("2026-01-09T00:00:00".parse().unwrap());
        reads(Rule::Instant, &["\"2026-01-09\"", "\"2026-01-09T00:00:00Z\""], midnight);
        reads(Rule::UtcDate, &["\"2026-01-09\"", "1767960000"], Value::Date(date(2026, 1, 9)));
        reads(
            Rule::UtcTime,
            &["\"2026-01-09T07:00:00-05:00\"", "1767960000"],
            Value::Time(time(12, 0, 0, 0)),
        );
        for (far, read) in [
            ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59"),
            ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999"),
            ("9999-12-31T20:00:00-03:30", "9999-12-31T23:30:00"),
            ("9999-12-31", "9999-12-31T00:00:00"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00"),
            ("-004712-01-01T00:00:00Z", "-004712-01-01T00:00:00"),
            ("-004713-11-25T00:00:00Z", "-004713-11-25T00:00:00"),
        ] {
            reads(Rule::Instant, &[&format!("\"{far}\"")], Value::Instant(read.parse().unwrap()));
        }
        for odd in [
            "9999-12-31T23:59:59",
            "9999-12-31T23:59:59-05:00",
            "+010000-01-01T00:00:00Z",
            "2026-01-09T12:00:00",
            "0000-00-00",
            "294276-12-31T23:59:59Z",
            "+294277-01-01T00:00:00Z",
            "-004713-11-24T23:59:59Z",
            "-290308-12-21T19:59:06Z",
            "infinity",
            "-infinity",
            "now",
        ] {
            refuses(Rule::Instant, &[&format!("\"{odd}\"")]);
        }
        refuses(
            Rule::Instant,
            &["7", "20260109", "1e308", "-1", "99999999999999999999", "false", "[]", "{}"],
        );
    }

    #[test]
    fn a_list_keeps_its_readable_members() {
        let json: Json<'_> = serde_json::from_str(r#"["a", 7, null, {}, true, ["b"], "c\u0000d"]"#).unwrap();
        let texts = ["a", "7", "true", "cd"].map(str::to_owned).to_vec();
        assert_eq!(text_list(&json), Some((texts, vec![3, 5])));
        assert_eq!(text_list(&Json::Bool(true)), None);
    }

    #[test]
    fn a_shape_tells_the_form_and_nothing_of_the_content() {
        for (text, said) in [
            (r#""0000-00-00""#, "text like `0000-00-00`"),
            (r#""2026-02-30""#, "text like `9999-99-99`"),
            (r#""Mme Tremblay, 514 555-0100""#, "text like `Aaa Aaaaaaaa, 999 999-9999`"),
            (r#""é`\n""#, "text like `a' `"),
            ("-2147483649", "a number like `-9999999999`"),
            ("[1, 2]", "a list of 2"),
            (r#"{"nom": "Tremblay"}"#, "an object of 1 member(s)"),
            ("true", "a boolean"),
        ] {
            let json: Json<'_> = serde_json::from_str(text).unwrap();
            assert_eq!(shape(&json), said);
        }
        let long = Json::Str("x".repeat(5_000).into());
        assert!(shape(&long).chars().count() < 60, "{}", shape(&long));
    }
}
