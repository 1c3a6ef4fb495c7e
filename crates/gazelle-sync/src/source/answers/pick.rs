//! Finds one value in a JSON document by its path, in one pass, without building the rest.

use std::{fmt, marker::PhantomData};

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

/// The value at a path.
#[derive(Debug)]
pub(super) enum Picked<T> {
    Value(T),
    /// It or one of its parents is null.
    Null,
    /// There is no such field.
    Missing,
}

/// Reads the value at `path` (object keys from the root) as a `T`, which may borrow from `json`.
///
/// # Errors
/// The shape is wrong; the text quotes nothing of the document.
pub(super) fn pick<'de, T: Deserialize<'de>>(json: &'de [u8], path: &[&str]) -> Result<Picked<T>, String> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    PathStep { path, value: PhantomData }.deserialize(&mut reader).map_err(|error| {
        let fault = if error.is_data() { "has another shape than asked for" } else { "is not JSON" };
        format!("{fault} (line {}, column {})", error.line(), error.column())
    })
}

struct PathStep<'p, T> {
    path: &'p [&'p str],
    value: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for PathStep<'_, T> {
    type Value = Picked<T>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Picked<T>, D::Error> {
        if self.path.is_empty() {
            return Ok(Option::<T>::deserialize(reader)?.map_or(Picked::Null, Picked::Value));
        }
        reader.deserialize_option(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for PathStep<'_, T> {
    type Value = Picked<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or null")
    }

    fn visit_none<E: Error>(self) -> Result<Picked<T>, E> {
        Ok(Picked::Null)
    }

    fn visit_unit<E: Error>(self) -> Result<Picked<T>, E> {
        Ok(Picked::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, reader: D) -> Result<Picked<T>, D::Error> {
        reader.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Picked<T>, A::Error> {
        let Some((wanted, rest)) = self.path.split_first() else {
            return Ok(Picked::Missing);
        };
        let mut found = Picked::Missing;
        while let Some(is_wanted) = object.next_key_seed(KeyIs(wanted))? {
            if is_wanted {
                found = object.next_value_seed(PathStep { path: rest, value: PhantomData })?;
            } else {
                object.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// Compares a key in place instead of copying it.
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
