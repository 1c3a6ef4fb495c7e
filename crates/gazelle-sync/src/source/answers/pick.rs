//! Finds one value in a JSON document by its path, in a single pass, without building the rest.

use std::{fmt, marker::PhantomData};

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

/// What lies at a path.
#[derive(Debug)]
pub(super) enum Found<T> {
    Value(T),
    /// It is null, or something on the way to it is.
    Null,
    /// No such field.
    Missing,
}

/// Reads the value at `path` (object keys from the root) as a `T`, which may borrow from `json`.
///
/// Errors: what is wrong with the shape, in words that quote nothing of the document.
pub(super) fn pick<'de, T: Deserialize<'de>>(json: &'de [u8], path: &[&str]) -> Result<Found<T>, String> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    Step { path, value: PhantomData }.deserialize(&mut reader).map_err(|error| {
        let fault = if error.is_data() { "has another shape than asked for" } else { "is not JSON" };
        format!("{fault} (line {}, column {})", error.line(), error.column())
    })
}

struct Step<'p, T> {
    path: &'p [&'p str],
    value: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Step<'_, T> {
    type Value = Found<T>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Found<T>, D::Error> {
        if self.path.is_empty() {
            return Ok(Option::<T>::deserialize(reader)?.map_or(Found::Null, Found::Value));
        }
        reader.deserialize_option(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Step<'_, T> {
    type Value = Found<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or null")
    }

    fn visit_none<E: Error>(self) -> Result<Found<T>, E> {
        Ok(Found::Null)
    }

    fn visit_unit<E: Error>(self) -> Result<Found<T>, E> {
        Ok(Found::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, reader: D) -> Result<Found<T>, D::Error> {
        reader.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Found<T>, A::Error> {
        let Some((wanted, rest)) = self.path.split_first() else {
            return Ok(Found::Missing);
        };
        let mut found = Found::Missing;
        while let Some(is_wanted) = object.next_key_seed(KeyIs(wanted))? {
            if is_wanted {
                found = object.next_value_seed(Step { path: rest, value: PhantomData })?;
            } else {
                object.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// Compares a key where it lies instead of copying it.
struct KeyIs<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for KeyIs<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<bool, D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for KeyIs<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<bool, E> {
        Ok(key == self.0)
    }
}
