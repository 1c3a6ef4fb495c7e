//! Reading one page, whatever it takes.
//!
//! A page that cannot be read whole is taken apart: where the API says which of its records fail, the others are taken as
//! they are; where it does not, smaller pages are asked for, down to one record, which is then walked around by its id. A
//! record that the API cannot give by its own getter either is received as faulty, with what the API says of it.

use bytes::Bytes;
use serde_json::json;

use super::parents::{Looked, get};
use super::plan::Window;
use super::receive::{self, receive, record_id};
use super::sizes::Sizes;
use super::{Fetch, queries};
use crate::entities::{Entity, Shape};
use crate::source::{Answer, ErrorClass, ListShape, NodeFault, SourceError};
use crate::staging::source_fault::SourceFault;
use crate::staging::versions::Received;

/// More consecutive failing records than this are a fault of the API, not of the records.
const MOST_FAULTY_IN_A_ROW: u32 = 5;
/// Faulty records of a window that are asked for by id; of more, what their page held is enough.
const MOST_ASKED: u32 = 10;

/// A page that was read.
pub(super) struct PageRead {
    /// The answer that brought it: its number and times.
    pub answer: Answer,
    pub nodes: Vec<Node>,
    pub has_next_page: bool,
    pub end_cursor: Option<String>,
    pub total_count: Option<u64>,
}

/// One entry of a page.
pub(super) enum Node {
    /// A record of the page's own answer.
    Whole(Bytes),
    /// A record that was asked for by id, or what came of it with its fault.
    Received(Box<Received>),
    /// The API gave null, and no id.
    Null,
    /// It has gone since the page was listed.
    Gone,
}

impl Node {
    /// Whether it is a record without anything in a field.
    pub(super) fn lacks(&self, field: &str) -> bool {
        let raw = match self {
            Node::Whole(raw) => raw,
            Node::Received(record) => &record.raw,
            Node::Null | Node::Gone => return false,
        };
        std::str::from_utf8(raw).is_ok_and(|raw| receive::lacks(raw, field))
    }
}

/// Reads the pages of one window.
pub(super) struct Reader<'f> {
    fetch: &'f Fetch,
    entity: &'static Entity,
    window: &'f Window,
    sizes: &'f Sizes,
    shape: ListShape,
    /// Records to ask for next, and the most that is tried: less than the usual after a failure.
    next: u32,
    cap: u32,
    /// The failure that made pages smaller, until a record was found to be its reason.
    heavy: Option<SourceError>,
    faulty_in_a_row: u32,
    asked: u32,
}

impl<'f> Reader<'f> {
    pub(super) fn new(fetch: &'f Fetch, entity: &'static Entity, window: &'f Window) -> Self {
        let sizes = fetch.sizes.of(entity);
        let shape = match entity.walk.shape {
            Shape::PlainList => ListShape::Plain,
            Shape::Connection { .. } => ListShape::Connection,
        };
        let usual = sizes.page();
        Self {
            fetch,
            entity,
            window,
            sizes,
            shape,
            next: usual,
            cap: usual,
            heavy: None,
            faulty_in_a_row: 0,
            asked: 0,
        }
    }

    /// The page after a cursor, of at most `most` records. Errors: the API's, where nothing can be read there in any way;
    /// that of the first try.
    pub(super) async fn page(
        &mut self,
        after: Option<&str>,
        most: Option<u64>,
    ) -> Result<PageRead, SourceError> {
        let mut first_error: Option<SourceError> = None;
        // How long lists inside records may be in a request that is tried out.
        let mut inner: Option<u32> = None;
        let mut is_tried_out = false;
        loop {
            let most = most.and_then(|most| u32::try_from(most).ok()).unwrap_or(u32::MAX);
            let asked = self.next.min(self.cap).min(self.sizes.page()).min(most).max(1);
            let client = match is_tried_out {
                false => self.fetch.client.clone(),
                // Only tried out: should it be a fault of the moment, the page is smaller than it could be.
                true => self.fetch.client.trying(1),
            };
            let request = queries::page(self.entity, self.sizes, self.window, after, asked, inner);
            let error = match client.post(&request).await.and_then(|answer| self.whole(answer)) {
                Ok(page) => {
                    if let (Some(inner), Some(failure)) = (inner, &first_error) {
                        self.sizes.bears_lists_of(inner, failure);
                    }
                    self.next = asked.saturating_mul(2);
                    if !page.nodes.is_empty() {
                        self.faulty_in_a_row = 0;
                    }
                    return Ok(page);
                }
                Err(error) => error,
            };
            if error.concerns_any_request() {
                return Err(error);
            }
            if let Some(page) = self.in_part(&error, after, asked).await? {
                return Ok(page);
            }
            let is_list = self.shape == ListShape::Connection;
            if !is_list || !error.may_be_too_much() {
                return Err(first_error.unwrap_or(error));
            }
            if matches!(error.class(), ErrorClass::OverLimit { .. }) {
                if !self.sizes.smaller_page(asked, &error) {
                    self.sizes.forget();
                    return Err(first_error.unwrap_or(error));
                }
            } else if asked > 1 {
                if self.heavy.as_ref().is_none_or(|known| !known.is_about_size() && error.is_about_size()) {
                    self.heavy = Some(error.clone());
                }
                self.cap = asked / 2;
                self.next = 1;
            } else if let Some(shorter) = self.sizes.shorter_lists(self.entity, inner) {
                inner = Some(shorter);
            } else {
                return self.around(first_error.unwrap_or(error), after).await;
            }
            is_tried_out |= error.class().is_retried();
            first_error.get_or_insert(error);
        }
    }

    /// To be called when the window has been read: where pages had to be smaller, and no record was the reason, the server
    /// does not bear larger ones.
    pub(super) fn finish(self) {
        if let Some(failure) = self.heavy {
            self.sizes.bears_pages_of(self.cap, &failure);
        }
    }

    fn whole(&self, answer: Answer) -> Result<PageRead, SourceError> {
        let page = answer.page(self.entity.walk.root, self.shape)?;
        let slice =
            |raw: &&serde_json::value::RawValue| Node::Whole(answer.body.slice_ref(raw.get().as_bytes()));
        let nodes = page.nodes.iter().map(|node| node.as_ref().map_or(Node::Null, slice)).collect();
        let (has_next_page, end_cursor, total_count) =
            (page.has_next_page, page.end_cursor, page.total_count);
        Ok(PageRead { nodes, has_next_page, end_cursor, total_count, answer })
    }

    /// The page out of an answer that is not whole, where that says which of its records are.
    ///
    /// Errors: the answer's own, where most of its records fail: that is no fault of a record.
    async fn in_part(
        &mut self,
        error: &SourceError,
        after: Option<&str>,
        asked: u32,
    ) -> Result<Option<PageRead>, SourceError> {
        let Some(partial) = error.partial() else { return Ok(None) };
        let Some((page, faults)) = partial.page(self.entity.walk.root, self.shape) else { return Ok(None) };
        let faulty = faults.iter().filter(|of_node| !of_node.is_empty()).count();
        if faulty == 0 || faulty > 2 && faulty * 2 > page.nodes.len() {
            return Err(error.clone());
        }
        let answer = partial.answer();
        let mut ids: Option<Vec<Option<String>>> = None;
        let mut nodes = Vec::with_capacity(page.nodes.len());
        for (index, (node, of_node)) in page.nodes.iter().zip(&faults).enumerate() {
            let Some(fault) = of_node.first() else {
                self.faulty_in_a_row = 0;
                nodes.push(
                    node.map_or(Node::Null, |raw| Node::Whole(answer.body.slice_ref(raw.get().as_bytes()))),
                );
                continue;
            };
            let is_named = !of_node.iter().any(|fault| fault.field == "id");
            let mut id = node.filter(|_| is_named).and_then(|raw| record_id(raw.get()));
            if id.is_none() && self.shape == ListShape::Connection {
                if ids.is_none() {
                    ids = Some(self.ids_beside(&page.nodes, after, asked).await?);
                }
                id = ids.as_ref().and_then(|ids| ids.get(index).cloned().flatten());
            }
            let Some(id) = id else {
                nodes.push(match node {
                    // It has bytes, and no id that could be read.
                    Some(raw) => {
                        let record = receive(answer, raw.get(), self.fetch.clock.at(answer.arrived));
                        Node::Received(Box::new(Received {
                            raw: partial.received(raw),
                            ..faulty_one(record, fault)
                        }))
                    }
                    None => Node::Null,
                });
                continue;
            };
            let in_page = Received {
                raw: match node {
                    Some(raw) => partial.received(raw),
                    None => bare(&id),
                },
                external_id: id.clone(),
                seen_at: self.fetch.clock.at(answer.arrived),
                request: answer.number,
                fault: None,
            };
            let in_page = faulty_one(in_page, fault);
            nodes.push(self.ask_alone(&id, in_page, error, 1).await?);
        }
        let (has_next_page, end_cursor, total_count) =
            (page.has_next_page, page.end_cursor, page.total_count);
        Ok(Some(PageRead { nodes, has_next_page, end_cursor, total_count, answer: answer.clone() }))
    }

    /// The ids of a page's records, where the API lists the same ones when asked for ids alone.
    async fn ids_beside(
        &self,
        nodes: &[Option<&serde_json::value::RawValue>],
        after: Option<&str>,
        asked: u32,
    ) -> Result<Vec<Option<String>>, SourceError> {
        let request = queries::ids(self.entity, self.window, after, asked);
        let read = self.fetch.client.trying(1).post(&request).await.and_then(|answer| self.whole(answer));
        let page = match read {
            Ok(page) => page,
            Err(error) if error.concerns_any_request() => return Err(error),
            Err(_) => return Ok(Vec::new()),
        };
        let ids: Vec<Option<String>> = page.nodes.iter().map(id_of).collect();
        let is_same = |(id, node): (&Option<String>, &Option<&serde_json::value::RawValue>)| {
            let known = node.and_then(|raw| record_id(raw.get()));
            known.is_none() || known == *id
        };
        let agrees = ids.len() == nodes.len() && ids.iter().zip(nodes).all(is_same);
        Ok(if agrees { ids } else { Vec::new() })
    }

    /// The page of one record that cannot be read: its id and the cursor after it are asked for without the rest of it, and
    /// then the record by its id.
    async fn around(&mut self, error: SourceError, after: Option<&str>) -> Result<PageRead, SourceError> {
        let request = queries::ids(self.entity, self.window, after, 1);
        let read = self.fetch.client.trying(1).post(&request).await.and_then(|answer| self.whole(answer));
        let mut page = match read {
            Ok(page) => page,
            Err(of_ids) if of_ids.concerns_any_request() => return Err(of_ids),
            Err(_) => return Err(error),
        };
        let seen_at = self.fetch.clock.at(page.answer.arrived);
        let mut nodes = Vec::new();
        for node in &page.nodes {
            nodes.push(match id_of(node) {
                None => Node::Null,
                Some(id) => {
                    let fault = of_record(error.to_string());
                    let record = Received {
                        raw: bare(&id),
                        external_id: id.clone(),
                        seen_at,
                        request: page.answer.number,
                        fault: Some(Box::new(fault)),
                    };
                    self.ask_alone(&id, record, &error, 2).await?
                }
            });
        }
        page.nodes = nodes;
        // The reason is found; what follows is asked for as before.
        self.heavy = None;
        self.cap = self.sizes.page();
        Ok(page)
    }

    /// Asks for a record by its id; where the API cannot give it, it is as it came before.
    ///
    /// Errors: those that are not about the record; `of_page` where the number of failures says that no single record is to blame.
    async fn ask_alone(
        &mut self,
        id: &str,
        before: Received,
        of_page: &SourceError,
        attempts: u32,
    ) -> Result<Node, SourceError> {
        self.asked += 1;
        let getter = self.entity.getter.as_ref().filter(|_| self.asked <= MOST_ASKED);
        let Some(getter) = getter else { return self.faulty(before, of_page) };
        let client = self.fetch.client.trying(attempts);
        match get(&client, self.sizes, self.entity, getter, id).await {
            Ok(Looked::There(record)) => {
                self.faulty_in_a_row = 0;
                let seen_at = self.fetch.clock.now();
                Ok(Node::Received(Box::new(Received { seen_at, external_id: id.to_owned(), ..record })))
            }
            Ok(Looked::Faulty(record)) => {
                let seen_at = self.fetch.clock.now();
                self.faulty(Received { seen_at, external_id: id.to_owned(), ..record }, of_page)
            }
            Ok(Looked::Refused(said)) => {
                let is_bare = before.fault.as_ref().is_none_or(|fault| fault.field.is_empty());
                let said = of_record(said);
                let fault = if is_bare { Some(Box::new(said)) } else { before.fault.clone() };
                self.faulty(Received { fault, ..before }, of_page)
            }
            Ok(Looked::Gone(_)) => Ok(Node::Gone),
            // Changed while it was read: another walk may find it still.
            Ok(Looked::Unsettled(_)) => Ok(Node::Null),
            Err(error) if is_about_all(&error) => Err(error),
            Err(_) => self.faulty(before, of_page),
        }
    }

    fn faulty(&mut self, record: Received, of_page: &SourceError) -> Result<Node, SourceError> {
        self.faulty_in_a_row += 1;
        if self.faulty_in_a_row > MOST_FAULTY_IN_A_ROW {
            return Err(of_page.clone());
        }
        Ok(Node::Received(Box::new(record)))
    }
}

/// Whether an error about one record says nothing of that record: it would meet others too.
pub(super) fn is_about_all(error: &SourceError) -> bool {
    error.concerns_any_request()
        || matches!(
            error.class(),
            ErrorClass::Throttled { .. } | ErrorClass::InvalidQuery { .. } | ErrorClass::OverLimit { .. }
        )
}

/// A record with what is wrong with it.
pub(super) fn faulty_one(record: Received, fault: &NodeFault) -> Received {
    let NodeFault { field, message, is_not_text } = fault.clone();
    let fault = SourceFault { field, said: message, is_not_text };
    Received { fault: Some(Box::new(fault)), ..record }
}

/// A fault of the record as such.
fn of_record(said: String) -> SourceFault {
    SourceFault { field: String::new(), said, is_not_text: false }
}

/// All that is known of a record of which nothing came.
fn bare(id: &str) -> Bytes {
    Bytes::from(json!({ "id": id }).to_string())
}

fn id_of(node: &Node) -> Option<String> {
    match node {
        Node::Whole(raw) => record_id(std::str::from_utf8(raw).ok()?),
        Node::Received(_) | Node::Null | Node::Gone => None,
    }
}
