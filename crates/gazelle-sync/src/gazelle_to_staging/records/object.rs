//! JSON objects whose values are kept as the bytes that were received.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

/// A JSON object of which only the keys are parsed. Values keep their bytes and their order.
#[derive(Default)]
pub(crate) struct Object(Vec<(String, Box<RawValue>)>);

impl Object {
    pub fn get(&self, key: &str) -> Option<&RawValue> {
        self.0.iter().rev().find(|(name, _)| name == key).map(|(_, value)| &**value)
    }

    pub fn set(&mut self, key: &str, value: Box<RawValue>) {
        match self.0.iter_mut().rev().find(|(name, _)| name == key) {
            Some((_, held)) => *held = value,
            None => self.0.push((key.to_owned(), value)),
        }
    }
}

/// Parses a raw JSON value; none if it is not of the type.
pub(crate) trait ReadAs {
    fn read_as<'v, T: Deserialize<'v>>(&'v self) -> Option<T>;
}

impl ReadAs for RawValue {
    fn read_as<'v, T: Deserialize<'v>>(&'v self) -> Option<T> {
        serde_json::from_str(self.get()).ok()
    }
}

pub(crate) fn raw_text(json: String) -> Box<RawValue> {
    RawValue::from_string(json).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

pub(crate) fn raw_list(nodes: &[Box<RawValue>]) -> Box<RawValue> {
    raw_text(serde_json::to_string(nodes).unwrap_or_default())
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Object;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Object(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_not_touched_keep_their_bytes_and_order() {
        let text = r#"{"z":1.50,"a":{ "b" : 1e2 },"m":"é\u0000"}"#;
        let object: Object = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&object).unwrap(), text);
    }
}
