//! Compares the value that the reconciler computes from a record with the one in production, as JSON. Pure.

use jiff::{Timestamp, civil::Time};
use serde_json::{Value as Json, json};

use crate::entities::table::{Row, Rule, Table, Value};

/// A value as the database's JSON writes it.
pub fn json_of(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Text(text) => json!(text),
        Value::Integer(number) => json!(number),
        Value::Float(number) => json!(number),
        Value::Boolean(flag) => json!(flag),
        Value::Date(date) => json!(date.to_string()),
        Value::Time(time) => json!(time.to_string()),
        Value::Instant(instant) => json!(format!("{instant}Z")),
        Value::TextList(texts) => json!(texts),
        Value::Decimal(text) | Value::Jsonb(text) => {
            serde_json::from_str(text).unwrap_or_else(|_| json!(text))
        }
    }
}

/// Whether a production value equals the one that the reconciler computes; `None` if they cannot be compared (a
/// year before 1).
pub fn agrees(rule: Rule, made: &Json, held: &Json) -> Option<bool> {
    let (Json::String(a), Json::String(b)) = (made, held) else {
        return Some(match (rule, made.as_f64(), held.as_f64()) {
            (Rule::Float | Rule::Decimal, Some(a), Some(b)) => a == b,
            _ => made == held,
        });
    };
    match rule {
        Rule::Instant => {
            let (a, b) = (a.parse::<Timestamp>().ok()?, b.parse::<Timestamp>().ok()?);
            // Postgres rounds to microseconds.
            Some((a.as_nanosecond() - b.as_nanosecond()).abs() < 1000)
        }
        Rule::UtcTime => {
            let (a, b) = (a.parse::<Time>().ok()?, b.parse::<Time>().ok()?);
            Some(a.duration_since(b).abs().as_nanos() < 1000)
        }
        Rule::Date | Rule::UtcDate if a.starts_with('-') || b.ends_with("BC") => None,
        _ => Some(a == b),
    }
}

/// The row with this key among those made from a record.
pub fn with_key<'r>(table: &Table, rows: impl Iterator<Item = &'r Row>, key: &[&str]) -> Option<&'r Row> {
    let mut rows = rows;
    rows.find(|row| {
        table.key.iter().zip(key).all(|(name, wanted)| table.get(row, name).as_text() == Some(wanted))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_agree_however_they_are_written() {
        let same = |rule, a: Json, b: Json| agrees(rule, &a, &b);
        assert_eq!(
            same(Rule::Instant, json!("2026-01-09T12:00:00Z"), json!("2026-01-09T12:00:00+00:00")),
            Some(true)
        );
        assert_eq!(
            same(Rule::Instant, json!("2026-01-09T12:00:00Z"), json!("2026-01-09T12:00:01+00:00")),
            Some(false)
        );
        assert_eq!(same(Rule::UtcTime, json!("12:00:00"), json!("12:00:00")), Some(true));
        assert_eq!(same(Rule::Float, json!(1), json!(1.0)), Some(true));
        assert_eq!(same(Rule::Text, json!("a"), Json::Null), Some(false));
        assert_eq!(same(Rule::TextList, json!(["a"]), json!(["a"])), Some(true));
        assert_eq!(same(Rule::Date, json!("-000100-01-01"), json!("0101-01-01 BC")), None);
    }
}
