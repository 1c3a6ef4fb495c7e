//! Takes a record from an answer: its id, its bytes, the time. Nothing else is parsed.

use std::borrow::Cow;

use bytes::Bytes;
use jiff::Timestamp;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::entities::scalar::LONGEST_ID;
use crate::source::Answer;
use crate::staging::versions::Received;

/// A record that shares the bytes of its page. A record without an id, or with one that is too long, is
/// received under an id made from its content, so that stage 2 can report what is wrong with it.
pub fn receive(answer: &Answer, raw: &str, seen_at: Timestamp) -> Received {
    let raw_bytes = answer.body.slice_ref(raw.as_bytes());
    Received { external_id: external_id(raw), raw: raw_bytes, seen_at, request: answer.number, fault: None }
}

/// A record with bytes of its own, because further requests completed what this answer gave.
pub fn receive_completed(answer: &Answer, raw: String, seen_at: Timestamp) -> Received {
    Received {
        external_id: external_id(&raw),
        raw: Bytes::from(raw),
        seen_at,
        request: answer.number,
        fault: None,
    }
}

/// A record that no request gave: made up, or read from a file. Its request number is 0, which no request has.
pub fn receive_made_up(raw: String, seen_at: Timestamp) -> Received {
    Received { external_id: external_id(&raw), raw: Bytes::from(raw), seen_at, request: 0, fault: None }
}

fn external_id(raw: &str) -> String {
    record_id(raw).unwrap_or_else(|| format!("without-id-{}", &blake3::hash(raw.as_bytes()).to_hex()[..20]))
}

/// The id of a record; none if it has no usable one.
pub(crate) fn record_id(raw: &str) -> Option<String> {
    usable_id(
        serde_json::Deserializer::from_str(raw).deserialize_map(FieldOfRecord("id")).ok().flatten()?.get(),
    )
}

/// The id in a JSON value: a string or a number that is not empty and not too long.
pub(crate) fn usable_id(id: &str) -> Option<String> {
    let id = match id.as_bytes().first()? {
        // Escapes make a string up to six times longer in JSON.
        b'"' if id.len() <= LONGEST_ID * 6 + 2 => serde_json::from_str::<String>(id).ok()?.replace('\0', ""),
        b'-' | b'0'..=b'9' if id.len() <= LONGEST_ID => {
            serde_json::from_str::<serde_json::Number>(id).ok()?.to_string()
        }
        _ => return None,
    };
    Some(id).filter(|id| !id.is_empty() && id.len() <= LONGEST_ID)
}

/// Whether a field of a record is null or absent.
pub(crate) fn lacks(raw: &str, field: &str) -> bool {
    let value = serde_json::Deserializer::from_str(raw).deserialize_map(FieldOfRecord(field));
    value.is_ok_and(|value| value.is_none_or(|value| value.get() == "null"))
}

/// Finds the value of a key, the last one if it is repeated. Skips all other values, of which there may be any
/// number.
struct FieldOfRecord<'f>(&'f str);

impl<'de> Visitor<'de> for FieldOfRecord<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if key == self.0 {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_found_wherever_it_stands_and_the_bytes_are_shared() {
        let body = r#"{"data":{"event":{"x":{"id":"inner"},"id":"evt_1","id2":3}}}"#;
        let answer = Answer::from_body("Test", body).unwrap();
        let text = answer.object("event").unwrap().unwrap().get();
        let received = receive(&answer, text, Timestamp::UNIX_EPOCH);
        assert_eq!(received.external_id, "evt_1");
        assert_eq!(received.raw.as_ptr(), text.as_ptr());
    }

    #[test]
    fn a_record_without_id_gets_the_same_made_up_one_every_time() {
        for raw in [r#"{"id":null,"a":1}"#, r#"{"a":1}"#, r#"[1]"#, r#"{"id":""}"#] {
            let id = external_id(raw);
            assert!(id.starts_with("without-id-"), "{raw}");
            assert_eq!(id, external_id(raw));
        }
        assert_ne!(external_id(r#"{"a":1}"#), external_id(r#"{"a":2}"#));
    }

    #[test]
    fn an_id_that_no_index_holds_is_replaced_too() {
        let of_length = |n: usize| external_id(&format!(r#"{{"id":"{}"}}"#, "é".repeat(n / 2)));
        assert_eq!(of_length(LONGEST_ID).len(), LONGEST_ID);
        assert!(of_length(LONGEST_ID + 2).starts_with("without-id-"));
    }
}
