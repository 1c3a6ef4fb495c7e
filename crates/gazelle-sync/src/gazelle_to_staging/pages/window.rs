//! Paging through one window: the next page is asked for while this one is handed on.

use jiff::{SignedDuration, Timestamp};

use super::queue::{Outlet, QueuedPage};
use super::reader::Reader;
use super::seen::{Listed, PageEnds};
use crate::entities::{Entity, Shape, UndatedEnd};
use crate::gazelle_to_staging::pages::failing::Failing;
use crate::gazelle_to_staging::pages::page::{Node, PageRead};
use crate::gazelle_to_staging::records::faults::{faulty_inside, faulty_one, is_about_all};
use crate::gazelle_to_staging::records::nested::{self, NestedError};
use crate::gazelle_to_staging::records::receive::{receive, receive_completed};
use crate::gazelle_to_staging::requests::queries;
use crate::gazelle_to_staging::requests::tally::MOST_LISTED;
use crate::gazelle_to_staging::requests::window::Window;
use crate::gazelle_to_staging::{Fetch, FetchError};
use crate::source::{NodeFault, SourceError};

/// Pages without a record, before a walk that does not end is given up; and pages' worth of records more than four
/// times what the count promises.
const PAGES_TOO_MANY: u64 = 20;

/// How the walk of a window ended.
#[derive(Debug, Default)]
pub struct WindowEnd {
    /// The window's own count, as its first page said.
    pub total: Option<u64>,
    /// When the first page was answered: see [`ClockReading`](crate::gazelle_to_staging::ClockReading).
    pub started_at: Option<Timestamp>,
    /// How far the API's clock was ahead of the database's then, where it tells.
    pub api_ahead: Option<SignedDuration>,
    /// Why the window was not walked whole; absent when it was.
    pub incomplete: Option<Shortfall>,
    /// Ids that the window listed again after it had listed them, once for each time; of a window walked whole only.
    pub repeats: Vec<String>,
    /// Which window it is.
    pub window: String,
    /// Where its pages ended.
    pub page_ends: PageEnds,
    /// For each id that it is to confirm and has listed on several pages, the first and the last of them, counted from 0.
    pub spans: Vec<(usize, usize)>,
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
    outlet: &Outlet,
) -> Result<WindowEnd, FetchError> {
    let undated = match &entity.walk.shape {
        Shape::Connection { undated, .. } => undated.as_ref(),
        Shape::PlainList => None,
    };
    let (Some(undated), Some(wanted)) = (undated, window.undated) else {
        let walked = pages(fetch, entity, window, None, outlet).await.map_err(let_go)?;
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
        let walked = pages(fetch, entity, &at_end, Some(most), outlet).await.map_err(let_go)?;
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
    outlet: &Outlet,
) -> Result<Walked, FetchError> {
    let mut reader = Reader::new(fetch, entity, window);
    let mut listing = Listing::new(fetch, entity, window, part);
    let mut listed = Listed::watching(&window.confirms);
    let mut page = reader.page(None, part.map(|part| part.records)).await?;
    loop {
        reader.sizes.tally.note(page.nodes.len() as u64, page.failing());
        let next_cursor = listing.next_cursor(&page, listed.repeats_itself());
        // The records at one end of a list may be read again at the other.
        let seen = part.is_none().then_some(&mut listed);
        let hand_on = hand_on(fetch, entity, page, outlet, seen);
        let left = part.map(|part| part.records.saturating_sub(listing.records));
        let ask = async {
            match &next_cursor {
                Some(cursor) => reader.page(Some(cursor), left).await.map(Some),
                None => Ok(None),
            }
        };
        // The request first: it is on its way while this page is read.
        let (next, has_new): (Result<Option<PageRead>, SourceError>, Result<bool, SourceError>) =
            tokio::join!(ask, hand_on);
        listing.old_pages = if has_new? { 0 } else { listing.old_pages + 1 };
        let Some(next) = next? else {
            reader.finish();
            listing.end.spans = listed.spans();
            listing.end.repeats = listed.into_repeats();
            return Ok(Walked { end: listing.end, undated: listing.undated });
        };
        listing.after = next_cursor;
        page = next;
    }
}

/// The pages of a window that were read so far.
struct Listing<'w> {
    fetch: &'w Fetch,
    entity: &'static Entity,
    window: &'w Window,
    part: Option<Part>,
    end: WindowEnd,
    pages: u64,
    /// Pages without a record.
    empty_pages: u64,
    /// Pages in a row that listed nothing new.
    old_pages: u64,
    records: u64,
    /// Records without the field of a [`Part`].
    undated: u64,
    /// The cursor before the page in hand.
    after: Option<String>,
}

impl<'w> Listing<'w> {
    fn new(fetch: &'w Fetch, entity: &'static Entity, window: &'w Window, part: Option<Part>) -> Listing<'w> {
        Listing {
            fetch,
            entity,
            window,
            part,
            end: WindowEnd { window: window.name(), ..WindowEnd::default() },
            pages: 0,
            empty_pages: 0,
            old_pages: 0,
            records: 0,
            undated: 0,
            after: None,
        }
    }

    /// Counts a page. Returns the cursor after it; none where it is the last one, or the list is given up.
    fn next_cursor(&mut self, page: &PageRead, repeats_itself: bool) -> Option<String> {
        self.pages += 1;
        if self.pages == 1 {
            self.end.total = page.total_count;
            let read_at = self.fetch.read_clock(&page.answer);
            (self.end.started_at, self.end.api_ahead) = (Some(read_at.started_at), read_at.api_ahead);
        } else if page.total_count.is_some_and(|total| self.end.total.is_some_and(|first| first != total)) {
            let said = "the count changed while walking".to_owned();
            self.end.incomplete.get_or_insert(Shortfall::Shifted(said));
        }
        self.records += page.nodes.len() as u64;
        self.empty_pages += u64::from(page.nodes.is_empty());
        if let Some(part) = self.part {
            self.undated += page.nodes.iter().filter(|node| node.lacks(part.field)).count() as u64;
        }
        let has_all = self.part.is_some_and(|part| self.records >= part.records);
        // From the end of a list there is one page.
        if !page.has_next_page || has_all || matches!(self.window.end, Some(UndatedEnd::Last(_))) {
            return None;
        }
        if let Some(shortfall) = self.given_up(page, repeats_itself) {
            self.end.incomplete = Some(shortfall);
            return None;
        }
        self.end.page_ends.ended(self.records);
        page.end_cursor.clone()
    }

    /// Why no further page is asked for.
    fn given_up(&self, page: &PageRead, repeats_itself: bool) -> Option<Shortfall> {
        let pages = self.pages;
        // In records, since the API may give fewer a page than asked for; and its count may be any number.
        let promised = self.end.total.unwrap_or_default().saturating_mul(4);
        let most_records = promised.saturating_add(u64::from(self.fetch.page_size) * PAGES_TOO_MANY);
        if page.end_cursor == self.after {
            return Some(Shortfall::Endless("the API repeated a page cursor".to_owned()));
        }
        if self.old_pages >= PAGES_TOO_MANY || repeats_itself {
            return Some(Shortfall::Shifted(format!(
                "the API lists nothing but records that it has listed before, and had no last page after {pages} pages"
            )));
        }
        if self.fetch.sizes.of(self.entity).tally.lists_too_many() {
            return Some(Shortfall::Endless(format!(
                "the API lists more than {MOST_LISTED} records, more than are read in a run"
            )));
        }
        if self.empty_pages >= PAGES_TOO_MANY || self.records > most_records {
            return Some(Shortfall::Endless(format!("the API had no last page after {pages} pages")));
        }
        None
    }
}

/// Hands a page's records on, completing those with long connections: staging a shortened record would lose its rest. One that
/// changes while it is completed waits for the end of the walk, to be asked for by its id. One of which the API cannot give a
/// list is handed on as faulty. Says whether any of them is new to the window.
async fn hand_on(
    fetch: &Fetch,
    entity: &'static Entity,
    page: PageRead,
    outlet: &Outlet,
    seen: Option<&mut Listed>,
) -> Result<bool, SourceError> {
    crate::crash::at(crate::crash::Step::PageReceived);
    let PageRead { answer, nodes, notes, .. } = page;
    let mut bytes = answer.body.len();
    // Not now: the page may have waited for the one before.
    let seen_at = fetch.clock.at(answer.arrived);
    let mut page = QueuedPage { records: Vec::with_capacity(nodes.len()), notes, ..QueuedPage::default() };
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
        let held = page.kept.iter().map(|kept| &kept.external_id);
        let failing = page.failing.iter().map(|failing| &failing.record.external_id);
        let ids = page.records.iter().map(|record| &record.external_id).chain(held).chain(failing);
        let has_new = listed.add(ids);
        outcome = outcome.map(|_| is_empty || has_new);
    }
    outlet.send(page, bytes).await;
    outcome
}

/// Whether the API answers at all: then what it could not give is a fault of that.
async fn still_answers(fetch: &Fetch, entity: &Entity) -> bool {
    let request = queries::ids(entity, Window::default().page_of(1));
    fetch.client.trying(1).post(&request).await.is_ok()
}
