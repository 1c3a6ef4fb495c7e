//! Paging through one window: the next page is asked for while this one is handed on.

use std::sync::Arc;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::alone::{faulty_one, is_about_all};
use super::held_back::Failing;
use super::nested::{self, NestedError};
use super::parents::faulty_inside;
use super::plan::Window;
use super::reader::{Node, PageRead, Reader};
use super::receive::{receive, receive_completed};
use super::seen::Listed;
use super::sizes::Sizes;
use super::{Fetch, FetchError, queries};
use crate::entities::{Entity, Shape, UndatedEnd};
use crate::source::{NodeFault, SourceError};
use crate::staging::versions::Received;

/// Pages without a record, before a walk that does not end is given up; and pages' worth of records more than four
/// times what the count promises.
const PAGES_TOO_MANY: u64 = 20;

/// A page's records on their way to staging.
#[derive(Default)]
pub struct Arrived {
    /// In the page's order.
    pub records: Vec<Received>,
    /// Records that are there and of which nothing is staged in this run.
    pub held: Vec<Held>,
    /// Records that the API fails at: they wait for the end of the walk.
    pub(super) failing: Vec<Failing>,
    /// Entries that the API gave as null, and that another walk may find.
    pub null_nodes: u64,
    /// Records that the API cannot give, and whose ids it does not tell.
    pub nameless: u64,
    /// What is to be told of the page.
    pub notes: Vec<String>,
    /// Its share of what may wait.
    pub(super) waits: Option<OwnedSemaphorePermit>,
}

/// The queue of pages before staging, bounded in pages and in bytes.
#[derive(Clone)]
pub struct Outlet {
    pages: mpsc::Sender<Arrived>,
    bytes: Arc<Semaphore>,
}

/// Bytes of the pages of a walk that wait for staging, in units of a KiB; a longer one waits alone.
pub(super) const MOST_WAITING: u32 = 16 * 1024;

impl Outlet {
    /// One for so many pages, and where they come out.
    pub fn new(pages: usize) -> (Outlet, mpsc::Receiver<Arrived>) {
        let (sender, receiver) = mpsc::channel(pages);
        (Outlet { pages: sender, bytes: Arc::new(Semaphore::new(MOST_WAITING as usize)) }, receiver)
    }

    async fn send(&self, mut page: Arrived, bytes: usize) {
        let units = u32::try_from(bytes / 1024).unwrap_or(u32::MAX).min(MOST_WAITING);
        // The semaphore is never closed. A closed channel means that staging failed, which its own error tells; then nobody
        // waits for room in it either.
        tokio::select! {
            waits = self.bytes.clone().acquire_many_owned(units) => {
                page.waits = waits.ok();
                let _ = self.pages.send(page).await;
            }
            () = self.pages.closed() => {}
        }
    }
}

/// A record that is there and keeps the version that staging holds.
pub struct Held {
    /// Its id.
    pub external_id: String,
    /// Whether it could have been asked for by its id, in another run.
    pub is_unasked: bool,
}

impl Arrived {
    /// Takes an entry of a page; gives back the bytes of a record that came with the page itself.
    pub(super) fn take(&mut self, node: Node, sizes: &Sizes) -> Option<Bytes> {
        match node {
            Node::Whole(raw) => return Some(raw),
            Node::Received(record) => self.records.push(*record),
            Node::Asked(record) => {
                sizes.turns.had(&record.external_id);
                self.records.push(*record);
            }
            Node::Held { external_id, is_unasked } => self.held.push(Held { external_id, is_unasked }),
            Node::Failing(failing) => self.failing.push(*failing),
            Node::Null => self.null_nodes += 1,
            Node::Nameless => self.nameless += 1,
        }
        None
    }
}

/// How the walk of a window ended.
#[derive(Debug, Default)]
pub struct WindowEnd {
    /// The window's own count, as its first page said.
    pub total: Option<u64>,
    /// When the first page was answered: see [`ClockReading`](super::ClockReading).
    pub started_at: Option<Timestamp>,
    /// How far the API's clock was ahead of the database's then, where it tells.
    pub api_ahead: Option<SignedDuration>,
    /// Why the window was not walked whole; absent when it was.
    pub incomplete: Option<Shortfall>,
    /// Ids that the window listed again after it had listed them, once for each time; of a window walked whole only.
    pub repeats: Vec<String>,
}

/// Why a walk does not count as complete.
#[derive(Debug, Clone)]
pub enum Shortfall {
    /// Rows moved while they were read: another walk may come out even.
    Shifted(String),
    /// Every page was read, and the list has as many entries as it counts because it holds these ids more than once. A
    /// walk that finds the same again has missed nothing.
    Repeats(Vec<String>),
    /// The API's pages do not end: another walk would not either.
    Endless(String),
}

/// Walks a window to its end, handing each page on.
pub async fn walk(
    fetch: &Fetch,
    entity: &'static Entity,
    window: &Window,
    arrived: &Outlet,
) -> Result<WindowEnd, FetchError> {
    let undated = match &entity.walk.shape {
        Shape::Connection { undated, .. } => undated.as_ref(),
        Shape::PlainList => None,
    };
    let (Some(undated), Some(wanted)) = (undated, window.undated) else {
        let walked = pages(fetch, entity, window, None, arrived).await.map_err(let_go)?;
        return Ok(walked.end);
    };
    // Where nulls are sorted differs between databases: where they are not at one end of the list, the other is looked at.
    let sizes = fetch.sizes.of(entity);
    let (ends, likeliest) = (undated.ends, sizes.undated_end());
    let in_order = (0..ends.len()).map(|n| (likeliest + n) % ends.len());
    let mut end = WindowEnd::default();
    for place in in_order {
        let at_end = Window { end: Some(ends[place]), ..window.clone() };
        let most = Part { records: wanted, field: undated.field };
        let walked = pages(fetch, entity, &at_end, Some(most), arrived).await.map_err(let_go)?;
        end = walked.end;
        if walked.undated >= wanted {
            sizes.found_undated_at(place);
            break;
        }
        if end.incomplete.is_some() {
            break;
        }
    }
    Ok(end)
}

/// The same error without the answer that came with it: other pages wait for its room.
fn let_go(error: FetchError) -> FetchError {
    match error {
        FetchError::Source(error) => error.without_answer().into(),
        error => error,
    }
}

/// A part of a list from one of its ends.
#[derive(Clone, Copy)]
struct Part {
    /// How many records.
    records: u64,
    /// The field of which it is looked whether they have it.
    field: &'static str,
}

/// What reading the pages of a window came to.
struct Walked {
    end: WindowEnd,
    /// Records without the field of a [`Part`].
    undated: u64,
}

/// Reads a window page by page, or a part of it.
async fn pages(
    fetch: &Fetch,
    entity: &'static Entity,
    window: &Window,
    part: Option<Part>,
    arrived: &Outlet,
) -> Result<Walked, FetchError> {
    let mut reader = Reader::new(fetch, entity, window);
    let mut end = WindowEnd::default();
    let mut listed = Listed::default();
    let mut after: Option<String> = None;
    let (mut pages, mut empty_pages, mut old_pages, mut records, mut undated) = (0, 0, 0, 0, 0);
    let mut page = reader.page(None, part.map(|part| part.records)).await?;
    loop {
        pages += 1;
        if pages == 1 {
            end.total = page.total_count;
            let read_at = fetch.read_clock(&page.answer);
            (end.started_at, end.api_ahead) = (Some(read_at.started_at), read_at.api_ahead);
        } else if page.total_count != end.total {
            end.incomplete.get_or_insert(Shortfall::Shifted("the count changed while walking".to_owned()));
        }
        records += page.nodes.len() as u64;
        reader.sizes.tally.note(&page.nodes);
        empty_pages += u64::from(page.nodes.is_empty());
        if let Some(part) = part {
            undated += page.nodes.iter().filter(|node| node.lacks(part.field)).count() as u64;
        }
        let has_all = part.is_some_and(|part| records >= part.records);
        // From the end of a list there is one page.
        let is_last = !page.has_next_page || has_all || matches!(window.end, Some(UndatedEnd::Last(_)));
        // In records, since the API may give fewer a page than asked for; and its count may be any number.
        let promised = end.total.unwrap_or_default().saturating_mul(4);
        let most_records = promised.saturating_add(u64::from(fetch.page_size) * PAGES_TOO_MANY);
        let next_cursor = if is_last {
            None
        } else if page.end_cursor == after {
            end.incomplete = Some(Shortfall::Endless("the API repeated a page cursor".to_owned()));
            None
        } else if old_pages >= PAGES_TOO_MANY || listed.repeats_itself() {
            end.incomplete = Some(Shortfall::Shifted(format!(
                "the API lists nothing but records that it has listed before, and had no last page after {pages} pages"
            )));
            None
        } else if empty_pages >= PAGES_TOO_MANY || records > most_records {
            end.incomplete =
                Some(Shortfall::Endless(format!("the API had no last page after {pages} pages")));
            None
        } else {
            page.end_cursor.clone()
        };
        // The records at one end of a list may be read again at the other.
        let seen = part.is_none().then_some(&mut listed);
        let hand_on = hand_on(fetch, entity, page, arrived, seen);
        let left = part.map(|part| part.records - records);
        let ask = async {
            match &next_cursor {
                Some(cursor) => reader.page(Some(cursor), left).await.map(Some),
                None => Ok(None),
            }
        };
        // The request first: it is on its way while this page is read.
        let (next, has_new): (Result<Option<PageRead>, SourceError>, Result<bool, SourceError>) =
            tokio::join!(ask, hand_on);
        old_pages = if has_new? { 0 } else { old_pages + 1 };
        let Some(next) = next? else {
            reader.finish();
            end.repeats = listed.into_repeats();
            return Ok(Walked { end, undated });
        };
        after = next_cursor;
        page = next;
    }
}

/// Hands a page's records on, completing those with long connections: staging a shortened record would lose its rest. One that
/// changes while it is completed waits for the end of the walk, to be asked for by its id. One of which the API cannot give a
/// list is handed on as faulty. Says whether any of them is new to the window.
async fn hand_on(
    fetch: &Fetch,
    entity: &'static Entity,
    page: PageRead,
    arrived: &Outlet,
    seen: Option<&mut Listed>,
) -> Result<bool, SourceError> {
    crate::crash::at(crate::crash::Step::PageReceived);
    let PageRead { answer, nodes, notes, .. } = page;
    let mut bytes = answer.body.len();
    // Not now: the page may have waited for the one before.
    let seen_at = fetch.clock.at(answer.arrived);
    let mut page = Arrived { records: Vec::with_capacity(nodes.len()), notes, ..Arrived::default() };
    // Those without a record are counted elsewhere.
    let mut outcome = Ok(true);
    let is_empty = nodes.is_empty();
    for node in nodes {
        if let Node::Received(record) | Node::Asked(record) = &node {
            bytes += record.raw.len();
        }
        let Some(raw) = page.take(node, fetch.sizes.of(entity)) else { continue };
        let raw = std::str::from_utf8(&raw).unwrap_or_default();
        if !entity.has_nested() || !nested::may_overflow(raw) {
            page.records.push(receive(&answer, raw, seen_at));
            continue;
        }
        match nested::complete(&fetch.client, entity, raw, fetch.sizes.of(entity)).await {
            Ok(whole) => {
                bytes += whole.len();
                page.records.push(receive_completed(&answer, whole, seen_at));
            }
            Err(NestedError::Source { error, field })
                if !is_about_all(&error) && still_answers(fetch, entity).await =>
            {
                page.records.push(faulty_inside(receive(&answer, raw, seen_at), &error, &field));
            }
            Err(NestedError::Source { error, .. }) => outcome = Err(error),
            Err(NestedError::Changed { field, said, .. }) => {
                fetch.sizes.of(entity).tally.note_failing();
                let of_list = NodeFault { field, message: said, is_not_text: false };
                let record = faulty_one(receive(&answer, raw, seen_at), &of_list);
                page.failing.push(Failing { record, is_named: true, attempts: 2, may_have_gone: true });
            }
        }
    }
    if let Some(listed) = seen {
        let held = page.held.iter().map(|held| &held.external_id);
        let failing = page.failing.iter().map(|failing| &failing.record.external_id);
        let ids = page.records.iter().map(|record| &record.external_id).chain(held).chain(failing);
        let has_new = listed.add(ids);
        outcome = outcome.map(|_| is_empty || has_new);
    }
    arrived.send(page, bytes).await;
    outcome
}

/// Whether the API answers at all: then what it could not give is a fault of that.
async fn still_answers(fetch: &Fetch, entity: &Entity) -> bool {
    let request = queries::ids(entity, &Window::default(), None, 1);
    fetch.client.trying(1).post(&request).await.is_ok()
}
