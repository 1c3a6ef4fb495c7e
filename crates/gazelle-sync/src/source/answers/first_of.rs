//! Lists and objects of unknown length, of which only the first entries are kept: an entry of a vector needs much
//! more memory than its bytes in an answer.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The first entries of a list, and how many follow. The rest is skipped without allocating.
pub(super) struct FirstOf<T, const MOST: usize> {
    pub(super) first: Vec<T>,
    pub(super) more: u64,
}

/// The first fields of an object with their names, and how many follow.
pub(super) struct FirstFields<T, const MOST: usize> {
    pub(super) first: Vec<(String, T)>,
    pub(super) more: u64,
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for FirstOf<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T, const MOST: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for Entries<T, MOST> {
            type Value = FirstOf<T, MOST>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
                let (mut first, mut more) = (Vec::new(), 0);
                while first.len() < MOST {
                    match entries.next_element()? {
                        Some(entry) => first.push(entry),
                        None => return Ok(FirstOf { first, more }),
                    }
                }
                while entries.next_element::<IgnoredAny>()?.is_some() {
                    more += 1;
                }
                Ok(FirstOf { first, more })
            }
        }
        deserializer.deserialize_seq(Entries(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for FirstFields<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T, const MOST: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for Fields<T, MOST> {
            type Value = FirstFields<T, MOST>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
                let (mut first, mut more) = (Vec::new(), 0);
                while first.len() < MOST {
                    match fields.next_entry()? {
                        Some(field) => first.push(field),
                        None => return Ok(FirstFields { first, more }),
                    }
                }
                while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
                    more += 1;
                }
                Ok(FirstFields { first, more })
            }
        }
        deserializer.deserialize_map(Fields(PhantomData))
    }
}
