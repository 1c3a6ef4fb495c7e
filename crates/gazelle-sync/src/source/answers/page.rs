//! One page of a list: its records, whether there is a next page, and the total count.

use std::fmt;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{
    first_of::FirstOf,
    pick::{Picked, pick},
};

/// The shape in which the API returns a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListShape {
    /// A Relay connection: `nodes` or `edges { node }`, and always `pageInfo { hasNextPage endCursor }`.
    Connection,
    /// A plain JSON list (`allUsers`): a single, complete page.
    Plain,
}

/// One page, borrowed from the answer's body. `Debug` shows counts, never records.
#[derive(Clone)]
pub struct Page<'a> {
    /// The records as received; `None` where the API returned null.
    pub nodes: Vec<Option<&'a RawValue>>,
    /// Always false for a plain list.
    pub has_next_page: bool,
    /// The cursor of the next page; never `None` if there is a next page.
    pub end_cursor: Option<String>,
    /// The API's count over all pages; `None` if the query does not request it, and for plain lists.
    pub total_count: Option<u64>,
}

impl fmt::Debug for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("nodes", &self.nodes.len())
            .field("has_next_page", &self.has_next_page)
            .field("end_cursor", &self.end_cursor)
            .field("total_count", &self.total_count)
            .finish()
    }
}

/// No page is requested with as many records, and no company has as many users.
const MOST_RECORDS: usize = 100_000;
/// In bytes. The cursor is sent, and recorded, with each request.
const LONGEST_CURSOR: usize = 4_096;

type Records<T> = FirstOf<T, MOST_RECORDS>;

// No field has a default that could be mistaken for the end of a list.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Connection<'a> {
    #[serde(borrow)]
    nodes: Option<Records<Option<&'a RawValue>>>,
    #[serde(borrow)]
    edges: Option<Records<Option<Edge<'a>>>>,
    page_info: PageInfo,
    total_count: Option<u64>,
}

#[derive(Deserialize)]
struct Edge<'a> {
    // Explicit, so that a missing `node` is an error: by default serde reads it as null.
    #[serde(borrow, deserialize_with = "present")]
    node: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

fn present<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<&'de RawValue>, D::Error> {
    Option::deserialize(reader)
}

/// # Errors
/// What is wrong, to be appended to the list's name.
pub(super) fn read_page<'a>(data: &'a [u8], path: &[&str], shape: ListShape) -> Result<Page<'a>, String> {
    match shape {
        ListShape::Connection => read_connection(needed(pick(data, path)?)?),
        ListShape::Plain => {
            let nodes = all_of(needed(pick(data, path)?)?)?;
            Ok(Page { nodes, has_next_page: false, end_cursor: None, total_count: None })
        }
    }
}

fn read_connection(connection: Connection<'_>) -> Result<Page<'_>, String> {
    let nodes = match (connection.nodes, connection.edges) {
        (Some(nodes), _) => all_of(nodes)?,
        (None, Some(edges)) => {
            all_of(edges)?.into_iter().map(|edge| edge.and_then(|edge| edge.node)).collect()
        }
        (None, None) => return Err("has neither nodes nor edges".to_owned()),
    };
    let PageInfo { has_next_page, end_cursor } = connection.page_info;
    if has_next_page && end_cursor.is_none() {
        return Err("announces a next page without an endCursor".to_owned());
    }
    if end_cursor.as_ref().is_some_and(|cursor| cursor.len() > LONGEST_CURSOR) {
        return Err(format!("has an endCursor of more than {LONGEST_CURSOR} bytes"));
    }
    Ok(Page { nodes, has_next_page, end_cursor, total_count: connection.total_count })
}

fn all_of<T>(records: Records<T>) -> Result<Vec<T>, String> {
    match records.more {
        0 => Ok(records.first),
        _ => Err(format!("holds more than {MOST_RECORDS} records in one page")),
    }
}

fn needed<T>(found: Picked<T>) -> Result<T, String> {
    match found {
        Picked::Value(value) => Ok(value),
        Picked::Null => Err("is null".to_owned()),
        Picked::Missing => Err("is missing".to_owned()),
    }
}
