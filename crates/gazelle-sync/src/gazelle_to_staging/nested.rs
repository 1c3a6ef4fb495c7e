//! Completing connections inside a record that are longer than their page.
//!
//! A record whose nested connection says `hasNextPage: true` is fetched on: all pages of that connection,
//! from its start, take the place of the shortened list. Everything else keeps its bytes.

use std::collections::HashSet;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use super::queries;
use super::sizes::Sizes;
use crate::entities::{Entity, Nested};
use crate::source::{ErrorClass, GazelleClient, ListShape, Partial, SourceError};

/// Pages of one connection, before one that does not end is given up.
const MOST_PAGES: usize = 1000;
/// Entries of one connection, and their bytes in all: no record that is stored has more.
const MOST_NODES: usize = 20_000;
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Why a record could not be completed.
#[derive(Debug, thiserror::Error)]
pub enum NestedError {
    /// The API failed at a list, which is named by its path in the record.
    #[error("{error}")]
    Source {
        /// Its error.
        error: SourceError,
        /// The list.
        field: String,
    },
    /// The connection changed or vanished while it was read.
    #[error("{0} changed while it was read")]
    Changed(String),
}

/// Whether any connection in the record has a further page. A quick look at the text; false alarms only
/// cost a closer look.
pub fn may_overflow(raw: &str) -> bool {
    const WORD: &[u8] = b"\"hasNextPage\"";
    let bytes = raw.as_bytes();
    memchr::memmem::find_iter(bytes, WORD).any(|at| {
        let mut rest = bytes[at + WORD.len()..].iter().filter(|b| !b.is_ascii_whitespace());
        rest.next() == Some(&b':') && rest.next() == Some(&b't')
    })
}

/// The record with every nested connection whole.
pub async fn complete(
    client: &GazelleClient,
    entity: &Entity,
    raw: &str,
    sizes: &Sizes,
) -> Result<String, NestedError> {
    let Ok(mut record) = serde_json::from_str::<Object>(raw) else { return Ok(raw.to_owned()) };
    for nested in entity.nested {
        complete_at(client, nested, nested.path, &mut record, sizes).await?;
    }
    Ok(serde_json::to_string(&record).unwrap_or_else(|_| raw.to_owned()))
}

/// Completes the connection at the end of `path`, inside `holder` or inside the nodes on the way.
async fn complete_at(
    client: &GazelleClient,
    nested: &Nested,
    path: &[&str],
    holder: &mut Object,
    sizes: &Sizes,
) -> Result<(), NestedError> {
    let Some((name, rest)) = path.split_first() else { return Ok(()) };
    let Some(mut connection) = holder.get(name).and_then(|raw| raw.read::<Object>()) else { return Ok(()) };
    if rest.is_empty() {
        let page_info = connection.get("pageInfo").and_then(|raw| raw.read::<Object>());
        let has_more = page_info.and_then(|info| info.get("hasNextPage").and_then(|raw| raw.read::<bool>()));
        if has_more != Some(true) {
            return Ok(());
        }
        let Some(id) = holder.get("id").and_then(|raw| raw.read::<String>()) else { return Ok(()) };
        let nodes = all_nodes(client, nested, &id, sizes).await?;
        connection.set("nodes", list(&nodes));
        connection.set("pageInfo", raw_text("{\"hasNextPage\":false}".to_owned()));
    } else {
        let mut nodes: Vec<Box<RawValue>> =
            connection.get("nodes").and_then(|raw| raw.read()).unwrap_or_default();
        for node in &mut nodes {
            if !may_overflow(node.get()) {
                continue;
            }
            if let Some(mut object) = node.read::<Object>() {
                Box::pin(complete_at(client, nested, rest, &mut object, sizes)).await?;
                *node = raw_text(serde_json::to_string(&object).unwrap_or_else(|_| node.get().to_owned()));
            }
        }
        connection.set("nodes", list(&nodes));
    }
    holder.set(name, raw_text(serde_json::to_string(&connection).unwrap_or_default()));
    Ok(())
}

/// Every entry of a connection, page by page, those that are null too; their number must agree with the connection's
/// own count.
async fn all_nodes(
    client: &GazelleClient,
    nested: &Nested,
    id: &str,
    sizes: &Sizes,
) -> Result<Vec<Box<RawValue>>, NestedError> {
    let failed = |error| NestedError::Source { error, field: nested.path.join(".") };
    let mut first = sizes.page();
    let mut first_error: Option<SourceError> = None;
    let changed = || NestedError::Changed(format!("{} of {id}", nested.answer.join(".")));
    let (mut nodes, mut bytes) = (Vec::new(), 0);
    let mut cursors = HashSet::new();
    let mut after: Option<String> = None;
    loop {
        let request = queries::inner(nested, sizes, id, after.as_deref(), first);
        // After a failure smaller pages are tried out; a refusal costs nothing, and is no reason to be less patient.
        let is_tried_out = first_error.as_ref().is_some_and(|error| error.class().is_retried());
        let trying = if is_tried_out { client.trying(1) } else { client.clone() };
        let answer = match trying.post(&request).await {
            Ok(answer) => answer,
            Err(error) => {
                let is_limit = matches!(error.class(), ErrorClass::OverLimit { .. });
                // An error that names an entry of the list would be there in any page.
                let names_entry = |partial: Partial<'_>| {
                    partial.object(nested.answer).1.iter().any(|at| !at.field.is_empty())
                };
                let is_named = error.partial().is_some_and(names_entry);
                let smaller = match first {
                    _ if !error.may_be_too_much() || is_named && !is_limit => None,
                    1 if is_limit && sizes.fewer_inside(&error) => Some(1),
                    1 => None,
                    _ if is_limit => Some(first / 2),
                    _ => Some((first / 5).max(1)),
                };
                let Some(smaller) = smaller else { return Err(failed(first_error.unwrap_or(error))) };
                first = smaller;
                // The next page needs its room.
                first_error.get_or_insert(error.without_answer());
                continue;
            }
        };
        if answer.object_path(nested.answer).map_err(failed)?.is_none() {
            return Err(changed());
        }
        let page = answer.page_at(nested.answer, ListShape::Connection).map_err(failed)?;
        bytes += page.nodes.iter().flatten().map(|node| node.get().len()).sum::<usize>();
        if bytes > MOST_BYTES || nodes.len() + page.nodes.len() > MOST_NODES {
            let what = format!("holds more than {MOST_NODES} entries, or than {MOST_BYTES} bytes");
            return Err(failed(answer.bad(nested.answer, &what)));
        }
        nodes.extend(page.nodes.iter().map(|node| node.unwrap_or(RawValue::NULL).to_owned()));
        if !page.has_next_page {
            let agrees = page.total_count.is_none_or(|total| total == nodes.len() as u64);
            return if agrees { Ok(nodes) } else { Err(changed()) };
        }
        // A cursor that came before leads round in a circle.
        let is_new = page.end_cursor.as_ref().is_some_and(|cursor| cursors.insert(cursor.clone()));
        if !is_new
            || cursors.len() > MOST_PAGES
            || page.total_count.is_some_and(|total| total < nodes.len() as u64)
        {
            return Err(changed());
        }
        after = page.end_cursor;
    }
}

/// A JSON object of which only the keys are read: values keep their bytes and their order.
struct Object(Vec<(String, Box<RawValue>)>);

impl Object {
    fn get(&self, key: &str) -> Option<&RawValue> {
        self.0.iter().rev().find(|(name, _)| name == key).map(|(_, value)| &**value)
    }

    fn set(&mut self, key: &str, value: Box<RawValue>) {
        match self.0.iter_mut().rev().find(|(name, _)| name == key) {
            Some((_, held)) => *held = value,
            None => self.0.push((key.to_owned(), value)),
        }
    }
}

/// Reading a raw value as a type, where it is one.
trait Read {
    fn read<'v, T: Deserialize<'v>>(&'v self) -> Option<T>;
}

impl Read for RawValue {
    fn read<'v, T: Deserialize<'v>>(&'v self) -> Option<T> {
        serde_json::from_str(self.get()).ok()
    }
}

fn raw_text(json: String) -> Box<RawValue> {
    RawValue::from_string(json).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

fn list(nodes: &[Box<RawValue>]) -> Box<RawValue> {
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
    fn only_a_connection_with_a_further_page_is_looked_at() {
        assert!(may_overflow(r#"{"a":{"pageInfo":{"hasNextPage" : true}}}"#));
        assert!(!may_overflow(r#"{"a":{"pageInfo":{"hasNextPage":false}},"b":true}"#));
        assert!(!may_overflow(r#"{"title":"hasNextPage: true"}"#));
    }

    #[test]
    fn values_that_are_not_touched_keep_their_bytes_and_order() {
        let text = r#"{"z":1.50,"a":{ "b" : 1e2 },"m":"é\u0000"}"#;
        let object: Object = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&object).unwrap(), text);
    }
}
