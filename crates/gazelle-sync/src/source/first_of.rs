//! Lists of unknown length, of which only the beginning is kept: what an entry of a vector costs is many times what a byte of
//! an answer costs.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The first entries of a list, and how many follow. These are stepped over and cost nothing.
pub(super) struct FirstOf<'a, const MOST: usize> {
    pub(super) first: Vec<&'a RawValue>,
    pub(super) more: u64,
}

impl<'a, const MOST: usize> FirstOf<'a, MOST> {
    /// None where it is no list.
    pub(super) fn read(json: &'a str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }
}

impl<'de: 'a, 'a, const MOST: usize> Deserialize<'de> for FirstOf<'a, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<const MOST: usize>;
        impl<'de, const MOST: usize> Visitor<'de> for Entries<MOST> {
            type Value = FirstOf<'de, MOST>;

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
        deserializer.deserialize_seq(Entries)
    }
}
