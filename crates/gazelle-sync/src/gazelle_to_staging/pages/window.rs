//! Reads one window page by page: requests the next page while the records of the last one are queued.

use jiff::{SignedDuration, Timestamp};

use super::completed_page::queue_page;
use super::queue::PageQueue;
use super::reader::Reader;
use super::seen::{ListedIds, PageEnds};
use crate::entities::{ApiList, Entity};
use crate::gazelle_to_staging::pages::page::PageRead;
use crate::gazelle_to_staging::requests::tally::MOST_LISTED;
use crate::gazelle_to_staging::requests::window::Window;
use crate::gazelle_to_staging::{Fetch, FetchError};
use crate::source::SourceError;

/// A window is given up after this many pages in a row without a new record, or after this many pages (without a
/// record, or of records) beyond four times its count.
const PAGES_TOO_MANY: u64 = 20;

/// The largest count by which pages without a record are measured: a count may be any number.
const MOST_BELIEVED: u64 = 100_000;

/// How reading a window ended.
#[derive(Debug, Default)]
pub struct WindowEnd {
    /// The window's count, as given with its first page; none if the API does not count.
    pub total: Option<u64>,
    /// When the first page was answered: see [`ClockReading`](crate::gazelle_to_staging::ClockReading).
    pub started_at: Option<Timestamp>,
    /// How far the API's clock was ahead of the database's then (negative: behind); none if the answer had no time.
    pub api_ahead: Option<SignedDuration>,
    /// Why the window was not read to its end, or not reliably; none if it was.
    pub incomplete: Option<Shortfall>,
    /// Ids that the window listed again, once for each repeat. Only of a window that was read to its end.
    pub repeats: Vec<String>,
    /// The window's name within its walk.
    pub window: String,
    /// Where its pages ended.
    pub page_ends: PageEnds,
    /// For each id to confirm that several pages listed, the first and the last of them, counted from 0.
    pub spans: Vec<(usize, usize)>,
}

/// Why a walk does not count as complete.
#[derive(Debug, Clone)]
pub enum Shortfall {
    /// Records moved while they were read. Another attempt may be complete.
    Shifted(String),
    /// Every page was read, and the list has as many entries as it counts because it holds these ids more than
    /// once. If another attempt finds the same, nothing was missed.
    Repeats(Vec<String>),
    /// The API's pages do not end. They would not in another attempt either.
    Endless(String),
    /// The windows cannot have all records. One sequence of pages can.
    Unsplittable(String),
}

/// Reads a window to its end, and queues each page for staging.
///
/// # Errors
/// Errors of the API that leave a page unread.
pub async fn walk(
    fetch: &Fetch,
    entity: &'static Entity,
    window: &Window,
    queue: &PageQueue,
) -> Result<WindowEnd, FetchError> {
    let undated = match &entity.walk.shape {
        ApiList::Connection { undated, .. } => undated.as_ref(),
        ApiList::PlainList => None,
    };
    let (Some(undated), Some(wanted)) = (undated, window.undated) else {
        let walked = Box::pin(read_pages(fetch, entity, window, None, queue));
        let walked = walked.await.map_err(without_answer_body)?;
        return Ok(walked.end);
    };
    // Databases sort nulls first or last: if the records are not at one end of the list, the other end is read.
    let sizes = fetch.sizes.for_entity(entity);
    let (ends, likeliest) = (undated.ends, sizes.undated_end());
    let in_order = (0..ends.len()).map(|n| (likeliest + n) % ends.len());
    let mut end = WindowEnd::default();
    for place in in_order {
        let at_end = Window { end: Some(ends[place]), ..window.clone() };
        let most = UndatedPart { records: wanted, field: undated.field };
        let walked = Box::pin(read_pages(fetch, entity, &at_end, Some(most), queue));
        let walked = walked.await.map_err(without_answer_body)?;
        end = walked.end;
        if walked.undated >= wanted {
            sizes.found_undated_at(place);
            break;
        }
        if at_end.is_read_from_the_end() && walked.undated > 0 && walked.undated == walked.records {
            // From the end of a list there is one page.
            sizes.found_undated_at(place);
            let said =
                format!("{wanted} records without a date are at the end of the list, more than a page has");
            end.incomplete = Some(Shortfall::Unsplittable(said));
            break;
        }
        if end.incomplete.is_some() {
            break;
        }
    }
    Ok(end)
}

/// The error without the answer's body: other windows may wait for its memory.
fn without_answer_body(error: FetchError) -> FetchError {
    match error {
        FetchError::Source(error) => error.without_answer().into(),
        error => error,
    }
}

/// The records at one end of a sorted list, where those without a date are expected.
#[derive(Clone, Copy)]
struct UndatedPart {
    /// The number of records to read.
    records: u64,
    /// The date field by which the list is sorted.
    field: &'static str,
}

/// The result of reading the pages of a window.
struct WindowWalk {
    end: WindowEnd,
    records: u64,
    /// Records without the date field of [`UndatedPart`].
    undated: u64,
}

/// Reads a window page by page, or only a part at its end.
async fn read_pages(
    fetch: &Fetch,
    entity: &'static Entity,
    window: &Window,
    part: Option<UndatedPart>,
    queue: &PageQueue,
) -> Result<WindowWalk, FetchError> {
    let mut reader = Reader::new(fetch, entity, window);
    let mut progress = WindowProgress::new(fetch, entity, window, part);
    let mut listed = ListedIds::watching(&window.confirms);
    let mut page = reader.page(None, part.map(|part| part.records)).await?;
    loop {
        reader.sizes.tally.count_page(page.nodes.len() as u64, page.failing());
        let next_cursor = progress.next_cursor(&page, listed.has_too_many_repeats());
        // The same records may be read from both ends of a list.
        let seen = part.is_none().then_some(&mut listed);
        let queue_page = queue_page(fetch, entity, page, queue, seen);
        let left = part.map(|part| part.records.saturating_sub(progress.records));
        let ask = async {
            match &next_cursor {
                Some(cursor) => reader.page(Some(cursor), left).await.map(Some),
                None => Ok(None),
            }
        };
        // The request first: it is on its way while this page is processed.
        let (next, has_new): (Result<Option<PageRead>, SourceError>, Result<bool, SourceError>) =
            tokio::join!(ask, queue_page);
        progress.pages_without_new = if has_new? { 0 } else { progress.pages_without_new + 1 };
        let Some(next) = next? else {
            reader.finish();
            progress.end.spans = listed.spans();
            progress.end.repeats = listed.into_repeats();
            let WindowProgress { end, records, undated, .. } = progress;
            return Ok(WindowWalk { end, records, undated });
        };
        progress.after = next_cursor;
        page = next;
    }
}

/// The state of reading a window.
struct WindowProgress<'w> {
    fetch: &'w Fetch,
    entity: &'static Entity,
    window: &'w Window,
    part: Option<UndatedPart>,
    end: WindowEnd,
    pages: u64,
    /// Pages without a record.
    empty_pages: u64,
    /// Pages in a row that listed nothing new.
    pages_without_new: u64,
    records: u64,
    /// Records without the date field of [`UndatedPart`].
    undated: u64,
    /// The cursor before the current page.
    after: Option<String>,
}

impl<'w> WindowProgress<'w> {
    fn new(
        fetch: &'w Fetch,
        entity: &'static Entity,
        window: &'w Window,
        part: Option<UndatedPart>,
    ) -> WindowProgress<'w> {
        WindowProgress {
            fetch,
            entity,
            window,
            part,
            end: WindowEnd { window: window.name(), ..WindowEnd::default() },
            pages: 0,
            empty_pages: 0,
            pages_without_new: 0,
            records: 0,
            undated: 0,
            after: None,
        }
    }

    /// Counts a page. Returns the cursor after it; none if it is the last page, or the window is given up.
    fn next_cursor(&mut self, page: &PageRead, has_too_many_repeats: bool) -> Option<String> {
        self.pages += 1;
        if self.pages == 1 {
            let read_at = self.fetch.read_clock(&page.answer);
            (self.end.started_at, self.end.api_ahead) = (Some(read_at.started_at), read_at.api_ahead);
        }
        if page.total_count.is_some_and(|total| self.end.total.is_some_and(|before| before != total)) {
            let said = "the count changed while walking".to_owned();
            self.end.incomplete.get_or_insert(Shortfall::Shifted(said));
        }
        self.end.total = self.end.total.or(page.total_count);
        self.records += page.nodes.len() as u64;
        self.empty_pages += u64::from(page.nodes.is_empty());
        if let Some(part) = self.part {
            self.undated += page.nodes.iter().filter(|node| node.lacks(part.field)).count() as u64;
        }
        let has_all = self.part.is_some_and(|part| self.records >= part.records);
        // From the end of a list there is one page.
        if !page.has_next_page || has_all || self.window.is_read_from_the_end() {
            return None;
        }
        if let Some(shortfall) = self.reason_to_stop(page, has_too_many_repeats) {
            self.end.incomplete = Some(shortfall);
            return None;
        }
        self.end.page_ends.add(self.records);
        page.end_cursor.clone()
    }

    /// Why the window is given up; none if it is not.
    fn reason_to_stop(&self, page: &PageRead, has_too_many_repeats: bool) -> Option<Shortfall> {
        let pages = self.pages;
        // In records, because the API may give fewer per page than requested. Its count may be any number.
        let promised = self.end.total.unwrap_or_default().saturating_mul(4);
        let page_size = u64::from(self.fetch.limits.page_size.max(1));
        let most_records = promised.saturating_add(page_size * PAGES_TOO_MANY);
        // An API may leave records out of pages that it has cut already.
        let most_empty_pages = PAGES_TOO_MANY + promised.min(MOST_BELIEVED) / page_size;
        if page.end_cursor == self.after {
            return Some(Shortfall::Endless("the API repeated a page cursor".to_owned()));
        }
        if self.pages_without_new >= PAGES_TOO_MANY || has_too_many_repeats {
            return Some(Shortfall::Shifted(format!(
                "the API lists nothing but records that it has listed before, and had no last page after {pages} pages"
            )));
        }
        if self.fetch.sizes.for_entity(self.entity).tally.exceeds_limit_of_entries() {
            return Some(Shortfall::Endless(format!(
                "the API lists more than {MOST_LISTED} records, more than are read in a run"
            )));
        }
        if self.empty_pages >= most_empty_pages || self.records > most_records {
            return Some(Shortfall::Endless(format!("the API had no last page after {pages} pages")));
        }
        None
    }
}
