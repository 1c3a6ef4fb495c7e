//! Reading one page, whatever it takes.
//!
//! A page that cannot be read whole is taken apart: where the API says which of its records fail, the others are taken as
//! they are; where it does not, smaller pages are asked for, down to one record, which is then walked around by its id
//! (`alone`). A record that the API cannot give by its own getter either is received as faulty, with what the API says of it.

use bytes::Bytes;

use super::alone::{bare, faulty_one};
use super::held_back::Failing;
use super::in_parts::held::Held;
use super::in_parts::plan::{Bounds, PartPlan};
use super::plan::Window;
use super::receive::{self, receive, record_id};
use super::sizes::Sizes;
use super::{Fetch, queries};
use crate::entities::{Entity, Shape};
use crate::source::{Answer, ErrorClass, GazelleClient, ListShape, SourceError};
use crate::staging::versions::Received;

/// A page that was read.
pub(super) struct PageRead {
    /// The answer that brought it: its number and times.
    pub answer: Answer,
    pub nodes: Vec<Node>,
    pub has_next_page: bool,
    pub end_cursor: Option<String>,
    pub total_count: Option<u64>,
    /// What is to be told of it, each a sentence.
    pub notes: Vec<String>,
}

/// One entry of a page.
pub(super) enum Node {
    /// A record of the page's own answer.
    Whole(Bytes),
    /// A record that came in another way, or what came of it with its fault.
    Received(Box<Received>),
    /// The same of one that was asked for by its id.
    Asked(Box<Received>),
    /// What came of a record that the API fails at, until the end of the walk.
    Failing(Box<Failing>),
    /// A record that is there, and of which nothing is staged in this run: a version of it is held.
    Held {
        /// Its id.
        external_id: String,
        /// Whether it could have been asked for by its id, in another run.
        is_unasked: bool,
    },
    /// The API gave null, and another walk may find what is there.
    Null,
    /// A record that the API cannot give, and of which it does not tell the id either.
    Nameless,
}

impl Node {
    /// Whether it is a record with a fault of the API.
    pub(super) fn is_faulty(&self) -> bool {
        matches!(self, Node::Received(record) | Node::Asked(record) if record.fault.is_some())
    }

    /// Whether it is a record without anything in a field.
    pub(super) fn lacks(&self, field: &str) -> bool {
        let raw = match self {
            Node::Whole(raw) => raw,
            Node::Received(record) | Node::Asked(record) => &record.raw,
            // Of a record of which nothing came it is not known.
            Node::Failing(failing) if failing.record.raw == bare(&failing.record.external_id) => {
                return false;
            }
            Node::Failing(failing) => &failing.record.raw,
            Node::Held { .. } | Node::Null | Node::Nameless => return false,
        };
        std::str::from_utf8(raw).is_ok_and(|raw| receive::lacks(raw, field))
    }
}

/// What came of asking for a page.
pub(super) enum Tried {
    /// All of it.
    Whole(PageRead),
    /// What is whole of it, and what is not.
    InPart(PageRead),
    /// Its parts are of different moments, since the list or a record has changed between them: null in place of each record
    /// that may be another one, and what is wrong with each that is the same and still does not come together.
    Shifted(PageRead),
    /// Its parts hold more than they may: what is wrong with each of its records, should it be the only one.
    TooLarge(PageRead),
}

/// A page is asked for so often while its list changes; then the walk is repeated.
const MOST_SHIFTED: u32 = 3;

/// Reads the pages of one window.
pub(super) struct Reader<'f> {
    pub(super) fetch: &'f Fetch,
    pub(super) entity: &'static Entity,
    pub(super) window: &'f Window,
    pub(super) sizes: &'f Sizes,
    pub(super) shape: ListShape,
    /// Records to ask for next, and the most that is tried: less than the usual after a failure.
    next: u32,
    pub(super) cap: u32,
    /// The failure that made pages smaller, until a record was found to be its reason.
    pub(super) heavy: Option<SourceError>,
    pub(super) faulty_in_a_row: u32,
    /// Records that came in no way but in parts, though no query was called too large.
    pub(super) only_in_parts: u32,
    /// Whether the page before failed at most of its records, in each of several attempts: the next one is not waited for as
    /// long.
    fails_mostly: bool,
    /// Bytes of records that were asked for alone, for the page in hand or at the end of the walk.
    pub(super) asked_bytes: usize,
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
            only_in_parts: 0,
            fails_mostly: false,
            asked_bytes: 0,
        }
    }

    /// The page after a cursor, of at most `most` records. Errors: the API's, where nothing can be read there in any way;
    /// that of the first try.
    pub(super) async fn page(
        &mut self,
        after: Option<&str>,
        most: Option<u64>,
    ) -> Result<PageRead, SourceError> {
        self.asked_bytes = 0;
        match self.read(after, most).await? {
            (page, Some(asked)) => self.name_nulls(page, after, asked).await,
            (page, None) => Ok(page),
        }
    }

    /// The same, with how many records were asked for where a null in it stands for a record.
    async fn read(
        &mut self,
        after: Option<&str>,
        most: Option<u64>,
    ) -> Result<(PageRead, Option<u32>), SourceError> {
        let mut first_error: Option<SourceError> = None;
        // How long lists inside records may be in a request that is tried out.
        let mut inner: Option<u32> = None;
        // Beside a record that cannot be had is often another.
        let mut is_tried_out = self.faulty_in_a_row > 0;
        let mut is_hasty = std::mem::take(&mut self.fails_mostly);
        let (mut shifted, mut mostly_null) = (0, 0);
        let mut turn = None;
        // What a query may ask for, where it is tried out to ask for less of one record at once.
        let mut bounds: Option<Bounds> = None;
        loop {
            let most = most.and_then(|most| u32::try_from(most).ok()).unwrap_or(u32::MAX);
            let asked = self.next.min(self.cap).min(self.sizes.page()).min(most).max(1);
            let sent = self.sizes.sent();
            let plan = match self.shape {
                ListShape::Connection => PartPlan::of_page(self.entity, bounds.unwrap_or(sent.bounds)).ok(),
                ListShape::Plain => None,
            };
            // Parts are copied out of their answers at once, so that they need not wait for stage 2 to take them: whoever
            // waits for it while it has the turn for large pages may be waited for by the entity that stage 2 is at.
            let client = if plan.is_some() { &self.fetch.client } else { &self.fetch.pages };
            let client = match is_tried_out || is_hasty {
                false => client.clone(),
                // Only tried out: should it be a fault of the moment, the page is smaller than it could be.
                true => client.trying(1),
            };
            let held = Held::nothing(turn.is_some());
            let error = match self.try_page(&client, plan.as_ref(), after, asked, inner, &held).await {
                // It may be the API's fault of this moment.
                Ok(Tried::Whole(page)) if page.is_mostly_null() && mostly_null < MOST_SHIFTED - 1 => {
                    mostly_null += 1;
                    continue;
                }
                Ok(Tried::Whole(page)) => {
                    if let (Some(bounds), Some(failure)) = (bounds, &first_error) {
                        self.came_in_parts(bounds, failure);
                    } else if let (Some(inner), Some(failure)) = (inner, &first_error) {
                        self.sizes.bears_lists_of(inner, failure);
                    }
                    self.next = asked.saturating_mul(2);
                    if plan.is_some() && bounds.is_none() && self.sizes.bears() {
                        (self.next, self.cap) = (self.sizes.page(), self.sizes.page());
                    }
                    if page.nodes.iter().any(|node| matches!(node, Node::Whole(_) | Node::Received(_))) {
                        self.faulty_in_a_row = 0;
                    }
                    return Ok((page, Some(asked)));
                }
                Ok(Tried::InPart(page)) => return Ok((page, Some(asked))),
                Ok(Tried::Shifted(page)) => {
                    shifted += 1;
                    match shifted {
                        1..MOST_SHIFTED => continue,
                        _ => return Ok((page, None)),
                    }
                }
                Ok(Tried::TooLarge(page)) => {
                    match (&turn, asked) {
                        (None, _) => turn = self.sizes.turn_for_large().await,
                        (Some(_), 1) => return Ok((page, None)),
                        (Some(_), _) => (self.cap, self.next) = (asked / 2, asked / 2),
                    }
                    continue;
                }
                Err(error) => error,
            };
            if error.concerns_any_request() {
                return Err(error);
            }
            if std::mem::take(&mut is_hasty) {
                continue;
            }
            let is_list = self.shape == ListShape::Connection;
            let error = match is_list {
                true => error,
                // It needs the room of what has come.
                false => {
                    let kept = error.clone().without_answer();
                    if let Some(page) = self.list_in_part(error).await? {
                        return Ok((page, None));
                    }
                    kept
                }
            };
            if !is_list || !error.may_be_too_much() {
                return Err(first_error.unwrap_or(error));
            }
            if matches!(error.class(), ErrorClass::OverLimit { .. }) {
                if !self.sizes.smaller_page(self.entity, asked, sent, &error) {
                    self.sizes.forget();
                    return Err(first_error.unwrap_or(error));
                }
            } else if asked > 1 {
                if self.heavy.as_ref().is_none_or(|known| !known.is_about_size() && error.is_about_size()) {
                    self.heavy = Some(error.clone().without_answer());
                }
                self.cap = asked / 2;
                self.next = 1;
            } else if let Some(shorter) = self.shorter_lists(inner, bounds) {
                inner = Some(shorter);
            } else if let Some(fewer) = sent.bounds.a_quarter_of(self.entity)
                && bounds.is_none()
                && error.may_be_too_slow()
            {
                (bounds, inner) = (Some(fewer), None);
            } else {
                return Ok((self.around(first_error.unwrap_or(error), after).await?, None));
            }
            is_tried_out |= error.class().is_retried();
            // The next try needs its room.
            first_error.get_or_insert(error.without_answer());
        }
    }

    /// Asks for a page; also takes what is whole of one that is not.
    async fn try_page(
        &mut self,
        client: &GazelleClient,
        plan: Option<&PartPlan>,
        after: Option<&str>,
        asked: u32,
        inner: Option<u32>,
        held: &Held,
    ) -> Result<Tried, SourceError> {
        let part = plan.map(|plan| plan.parts[0].as_slice());
        let request = queries::page(self.entity, self.sizes, self.window, after, asked, inner, part);
        let (page, is_whole) = match client.post(&request).await.and_then(|answer| self.whole(answer)) {
            Ok(page) => (page, true),
            Err(error) if error.concerns_any_request() => return Err(error),
            Err(error) => match self.in_part(&error, after, asked).await? {
                Some(page) => (page, false),
                None => return Err(error),
            },
        };
        match plan {
            Some(plan) => self.with_other_parts(plan, (page, is_whole), after, asked, inner, held).await,
            None if is_whole => Ok(Tried::Whole(page)),
            None => Ok(Tried::InPart(page)),
        }
    }

    /// To be called when the window has been read: where pages had to be smaller, and no record was the reason, the server
    /// does not bear larger ones.
    pub(super) fn finish(self) {
        if let Some(failure) = self.heavy {
            self.sizes.bears_pages_of(self.cap, &failure);
        }
    }

    pub(super) fn whole(&self, answer: Answer) -> Result<PageRead, SourceError> {
        let page = answer.page(self.entity.walk.root, self.shape)?;
        let slice =
            |raw: &&serde_json::value::RawValue| Node::Whole(answer.body.slice_ref(raw.get().as_bytes()));
        let nodes = page.nodes.iter().map(|node| node.as_ref().map_or(Node::Null, slice)).collect();
        let (has_next_page, end_cursor, total_count) =
            (page.has_next_page, page.end_cursor, page.total_count);
        Ok(PageRead { nodes, has_next_page, end_cursor, total_count, answer, notes: Vec::new() })
    }

    /// The page out of an answer that is not whole, where that says which of its records are. The others wait for the end of
    /// the walk.
    ///
    /// Errors: those that any request would meet.
    pub(super) async fn in_part(
        &mut self,
        error: &SourceError,
        after: Option<&str>,
        asked: u32,
    ) -> Result<Option<PageRead>, SourceError> {
        let Some(partial) = error.partial() else { return Ok(None) };
        let Some((page, faults)) = partial.page(self.entity.walk.root, self.shape) else { return Ok(None) };
        let faulty = faults.iter().filter(|of_node| !of_node.is_empty()).count();
        if faulty == 0 {
            return Err(error.clone());
        }
        self.sizes.tally.failed_with(error);
        self.fails_mostly = faulty * 2 > page.nodes.len();
        let answer = partial.answer();
        // Asked for at most once; none where the list has shifted since.
        let mut ids: Option<Option<Vec<Option<String>>>> = None;
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
            let mut is_nameless = self.shape == ListShape::Plain;
            if id.is_none() && self.shape == ListShape::Connection {
                if ids.is_none() {
                    let known: Vec<Option<String>> =
                        page.nodes.iter().map(|node| node.and_then(|raw| record_id(raw.get()))).collect();
                    ids = Some(self.ids_beside(&known, after, asked).await?);
                }
                let beside = ids.as_ref().and_then(Option::as_ref);
                is_nameless = beside.is_some();
                id = beside.and_then(|ids| ids.get(index).cloned().flatten());
            }
            let Some(id) = id else {
                nodes.push(match node {
                    // It has bytes, and no id that could be read.
                    Some(raw) => {
                        let record = receive(answer, raw.get(), self.fetch.clock.at(answer.arrived));
                        let record = faulty_one(Received { raw: partial.received(raw), ..record }, fault);
                        Node::Failing(Box::new(Failing::new(record, false, 1)))
                    }
                    None if is_nameless => Node::Nameless,
                    None => Node::Null,
                });
                continue;
            };
            let in_page = Received {
                raw: match node {
                    Some(raw) => partial.received(raw),
                    None => bare(&id),
                },
                external_id: id,
                seen_at: self.fetch.clock.at(answer.arrived),
                request: answer.number,
                fault: None,
            };
            let record = faulty_one(in_page, fault);
            nodes.push(Node::Failing(Box::new(Failing::new(record, true, 1))));
        }
        let (has_next_page, end_cursor, total_count) =
            (page.has_next_page, page.end_cursor, page.total_count);
        let (answer, notes) = (answer.clone(), Vec::new());
        Ok(Some(PageRead { nodes, has_next_page, end_cursor, total_count, answer, notes }))
    }
}
