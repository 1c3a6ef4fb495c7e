//! Completes lists inside a record that are longer than their page.
//!
//! If a nested connection has `hasNextPage: true`, all its pages are requested from the start, and replace the
//! shortened list. Everything else keeps its bytes.

use serde_json::value::RawValue;

use super::budget::{self, MOST_REQUESTS, PartsBudget};
use super::gather::{Gathered, PartsRequest};
use super::listed_entries::{ListProgress, ListedEntries, NestedPage};
use super::lists_room::{ListUsage, Room};
use super::object::{Object, ReadAs, raw_list, raw_text};
use super::receive::{record_id, usable_id};
use crate::entities::{Entity, Nested};
use crate::gazelle_to_staging::requests::fields::Field;
use crate::gazelle_to_staging::requests::parts::PartPlan;
use crate::gazelle_to_staging::requests::queries;
use crate::gazelle_to_staging::requests::sizes::{QueryLimits, Sizes};
use crate::source::{GazelleClient, ListShape, Partial, SourceError};

/// The most pages of one connection.
const MOST_PAGES: usize = 1000;
/// Why the lists of a record could not be completed.
#[derive(Debug, thiserror::Error)]
pub enum NestedError {
    /// The API failed at a list.
    #[error("{error}")]
    Source {
        /// The API's error.
        error: SourceError,
        /// The list's path in the record.
        field: String,
    },
    /// A list changed or vanished while it was read, or its count and entries disagree.
    #[error("{field} of {id}: {said}")]
    Changed {
        /// The id of the object that holds the list.
        id: String,
        /// The list's path in the record.
        field: String,
        /// What changed or disagrees.
        said: String,
    },
}

/// Whether any connection in the record has a further page. Only searches the text, so it may be wrong in this
/// direction: the record is then parsed for nothing.
pub fn may_overflow(raw: &str) -> bool {
    const WORD: &[u8] = b"\"hasNextPage\"";
    let bytes = raw.as_bytes();
    memchr::memmem::find_iter(bytes, WORD).any(|at| {
        let mut rest = bytes[at + WORD.len()..].iter().filter(|b| !b.is_ascii_whitespace());
        rest.next() == Some(&b':') && rest.next() == Some(&b't')
    })
}

/// The record with all nested connections complete.
///
/// # Errors
/// If the API fails at a list, or a list changes while it is read.
pub async fn complete(
    client: &GazelleClient,
    entity: &Entity,
    raw: &str,
    sizes: &Sizes,
) -> Result<String, NestedError> {
    let Ok(mut record) = serde_json::from_str::<Object>(raw) else { return Ok(raw.to_owned()) };
    let mut all = Lists { client, entity, sizes, before: ListUsage::default() };
    for nested in entity.nested() {
        complete_at(&mut all, nested, nested.path, &mut record).await?;
    }
    Ok(serde_json::to_string(&record).unwrap_or_else(|_| raw.to_owned()))
}

/// Completes the connection at the end of `path`, in `holder` or in the nodes on the way.
async fn complete_at(
    all: &mut Lists<'_>,
    nested: &Nested,
    path: &[&str],
    holder: &mut Object,
) -> Result<(), NestedError> {
    let Some((name, rest)) = path.split_first() else { return Ok(()) };
    let Some(mut connection) = holder.get(name).and_then(|raw| raw.read_as::<Object>()) else {
        return Ok(());
    };
    if rest.is_empty() {
        let page_info = connection.get("pageInfo").and_then(|raw| raw.read_as::<Object>());
        let has_more =
            page_info.and_then(|info| info.get("hasNextPage").and_then(|raw| raw.read_as::<bool>()));
        if has_more != Some(true) {
            return Ok(());
        }
        let Some(id) = holder.get("id").and_then(|raw| usable_id(raw.get())) else { return Ok(()) };
        let nodes = all_nodes(all, nested, &id).await?;
        connection.set("nodes", raw_list(&nodes));
        connection.set("pageInfo", raw_text("{\"hasNextPage\":false}".to_owned()));
        // Entries may have been added or removed since the record was read.
        if connection.get("totalCount").is_some() {
            connection.set("totalCount", raw_text(nodes.len().to_string()));
        }
    } else {
        // A value that is no list stays as received.
        let nodes = connection.get("nodes").and_then(|raw| raw.read_as::<Vec<Box<RawValue>>>());
        let Some(mut nodes) = nodes else { return Ok(()) };
        for node in &mut nodes {
            if !may_overflow(node.get()) {
                continue;
            }
            if let Some(mut object) = node.read_as::<Object>() {
                Box::pin(complete_at(all, nested, rest, &mut object)).await?;
                *node = raw_text(serde_json::to_string(&object).unwrap_or_else(|_| node.get().to_owned()));
            }
        }
        connection.set("nodes", raw_list(&nodes));
    }
    if let Ok(connection) = serde_json::to_string(&connection) {
        holder.set(name, raw_text(connection));
    }
    Ok(())
}

/// All entries of a connection, null ones too. Their number must agree with the connection's own count.
async fn all_nodes(
    all: &mut Lists<'_>,
    nested: &Nested,
    id: &str,
) -> Result<Vec<Box<RawValue>>, NestedError> {
    let Lists { client, entity, sizes, .. } = *all;
    let failed = |error| NestedError::Source { error, field: nested.path.join(".") };
    let mut first = sizes.page();
    let mut first_error: Option<SourceError> = None;
    let mut listed = ListedEntries::default();
    loop {
        // Smaller pages are only tried out after a failure that costs time; a refusal for size does not.
        let without_retries = first_error.as_ref().is_some_and(|error| error.class().is_retried());
        let trying = if without_retries { client.with_attempts(1) } else { client.clone() };
        let list = NestedList { client: &trying, entity, nested, id, sizes, room: listed.room(&all.before) };
        let sent = sizes.query_limits();
        let page = match list.page(sent, listed.after.as_deref(), first).await {
            Ok(page) => page,
            Err(error) => {
                let Some(smaller) = list.smaller_page(&error, sent, first) else {
                    if error.is_over_limit() {
                        // The limit is about an entry of this list, and not about what queries request.
                        sizes.restore_all();
                    }
                    return Err(failed(first_error.unwrap_or(error)));
                };
                first = smaller;
                // Without the answer's body: the next page needs the memory.
                first_error.get_or_insert(error.without_answer());
                continue;
            }
        };
        match listed.take(page) {
            ListProgress::Continues => {}
            ListProgress::Ended => {
                all.before.add(&listed.taken());
                return Ok(listed.nodes);
            }
            ListProgress::Changed(said) => {
                return Err(NestedError::Changed {
                    id: id.to_owned(),
                    field: nested.path.join("."),
                    said: format!("{said} while it was read to its end (`{}`)", nested.operation),
                });
            }
            ListProgress::Endless(answer) => {
                let what = format!("has more than {MOST_PAGES} pages");
                return Err(failed(answer.bad(nested.answer, &what)));
            }
        }
    }
}

/// The connections of one record. They share one limit: a record may hold as many of them as its answer has room for.
struct Lists<'l> {
    client: &'l GazelleClient,
    entity: &'l Entity,
    sizes: &'l Sizes,
    /// What the connections that were read before hold together.
    before: ListUsage,
}

struct NestedList<'l> {
    client: &'l GazelleClient,
    entity: &'l Entity,
    nested: &'l Nested,
    id: &'l str,
    sizes: &'l Sizes,
    room: Room,
}

impl NestedList<'_> {
    /// The page length to try after a failure; none if no shorter page can help.
    fn smaller_page(&self, error: &SourceError, sent: QueryLimits, first: u32) -> Option<u32> {
        let is_limit = error.is_over_limit();
        // An error that names an entry would be in a page of any length.
        let names_entry =
            |partial: Partial<'_>| partial.object(self.nested.answer).1.iter().any(|at| !at.field.is_empty());
        let is_named = error.partial().is_some_and(names_entry);
        match first {
            _ if !error.may_be_too_much() || is_named && !is_limit => None,
            1 if is_limit && self.sizes.shrink_record(self.entity, sent, error) => Some(1),
            1 => None,
            _ if is_limit => Some(first / 2),
            _ => Some((first / 5).max(1)),
        }
    }

    /// Requests a page, in parts if the API refuses one query for all fields; none if the list changed between
    /// the parts.
    async fn page(
        &self,
        sent: QueryLimits,
        after: Option<&str>,
        first: u32,
    ) -> Result<Option<NestedPage>, SourceError> {
        let Ok(plan) = PartPlan::of_nested(self.entity, self.nested, sent.bounds) else {
            return self.request_page(after, first, None).await;
        };
        let budget = PartsBudget::at_most(self.room.bytes);
        let mut parts: Vec<NestedPage> = Vec::new();
        for part in &plan.parts {
            let Some(page) = self.request_page(after, first, Some(part)).await? else { return Ok(None) };
            if !budget.take(page.bytes()) {
                return Err(page.answer.bad(self.nested.answer, &budget::too_large()));
            }
            parts.push(page);
        }
        let Some(head) = parts.pop() else { return Ok(None) };
        if parts.iter().any(|part| part.nodes.len() != head.nodes.len()) {
            return Ok(None);
        }
        let of_each = plan.of_record.as_ref().map_or(0, |(_, parts)| parts.len());
        let requests = head.nodes.len().saturating_mul(of_each);
        if requests > self.room.requests {
            let what = format!("holds entries that take more than {MOST_REQUESTS} requests");
            return Err(head.answer.bad(self.nested.answer, &what));
        }
        let mut nodes = Vec::with_capacity(head.nodes.len());
        for (index, node) in head.nodes.iter().enumerate() {
            let beside = parts.iter().map(|part| part.nodes[index].get().to_owned());
            let given: Vec<String> = beside.chain([node.get().to_owned()]).collect();
            let id = record_id(node.get());
            let gathering = PartsRequest { client: self.client, sizes: self.sizes, budget: &budget };
            let gathered = gathering.record(&plan, id.as_deref(), given, None).await?;
            nodes.push(match gathered {
                Gathered::TooLarge => return Err(head.answer.bad(self.nested.answer, &budget::too_large())),
                Gathered::Whole(raw) => raw_text(raw),
                Gathered::Faulty { error: Some(error), .. } => return Err(error),
                Gathered::Faulty { fault, error: None, .. } => {
                    let field = format!("nodes.{index}.{}", fault.field);
                    let path = [self.nested.answer, &[&field]].concat();
                    return Err(head.answer.bad(&path, &fault.message));
                }
                Gathered::Changed(_) => return Ok(None),
            });
        }
        Ok(Some(NestedPage { nodes, requests, ..head }))
    }

    async fn request_page(
        &self,
        after: Option<&str>,
        first: u32,
        part: Option<&[Field]>,
    ) -> Result<Option<NestedPage>, SourceError> {
        let request = queries::nested_page(self.nested, self.sizes, self.id, after, first, part);
        let answer = self.client.post(&request).await?;
        if answer.object_path(self.nested.answer)?.is_none() {
            return Ok(None);
        }
        let page = answer.page_at(self.nested.answer, ListShape::Connection)?;
        let bytes: usize = page.nodes.iter().flatten().map(|node| node.get().len()).sum();
        if let Some(what) = self.room.refusal(page.nodes.len(), bytes) {
            return Err(answer.bad(self.nested.answer, &what));
        }
        let nodes = page.nodes.iter().map(|node| node.unwrap_or(RawValue::NULL).to_owned()).collect();
        let (has_next_page, end_cursor, total_count) =
            (page.has_next_page, page.end_cursor, page.total_count);
        let answer = answer.without_body();
        Ok(Some(NestedPage { nodes, has_next_page, end_cursor, total_count, answer, requests: 0 }))
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
}
