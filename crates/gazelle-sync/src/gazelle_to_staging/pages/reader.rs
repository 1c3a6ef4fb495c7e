//! The state of reading the pages of a window: how large pages may be, and what failed before.

use super::page::{Node, PageRead};
use crate::entities::{ApiList, Entity};
use crate::gazelle_to_staging::Fetch;
use crate::gazelle_to_staging::requests::sizes::Sizes;
use crate::gazelle_to_staging::requests::window::Window;
use crate::source::{Answer, ListShape, SourceError};

/// Reads the pages of one window.
pub(crate) struct Reader<'f> {
    pub(crate) fetch: &'f Fetch,
    pub(crate) entity: &'static Entity,
    pub(crate) window: &'f Window,
    pub(crate) sizes: &'f Sizes,
    pub(crate) shape: ListShape,
    /// The length of the next page, and the most that it may grow to: less than the usual length after a failure.
    pub(super) next: u32,
    pub(crate) cap: u32,
    /// The failure that made pages smaller; none once a record was found to be the reason.
    pub(crate) size_failure: Option<SourceError>,
    pub(crate) faulty_in_a_row: u32,
    /// Whether the API gave a record whole further on in the list, when it failed at many in a row; none if that
    /// was not asked.
    pub(super) gives_others: Option<bool>,
    /// Entries listed so far, and the API's count of the window; none if it does not count.
    pub(super) listed: u64,
    pub(super) total: Option<u64>,
    /// Whether the last page was a record that was skipped.
    pub(super) has_skipped: bool,
    /// Records that came only in parts, though no query was refused for its size.
    pub(crate) only_in_parts: u32,
    /// Whether most records of the last page failed in every retry. The next page is then first requested
    /// without retries.
    pub(super) failed_mostly: bool,
    /// Bytes of looked-up records that are kept for the current page, or at the end of the walk.
    pub(crate) looked_up_bytes: usize,
}

impl<'f> Reader<'f> {
    pub(crate) fn new(fetch: &'f Fetch, entity: &'static Entity, window: &'f Window) -> Self {
        let sizes = fetch.sizes.for_entity(entity);
        let shape = match entity.walk.shape {
            ApiList::PlainList => ListShape::Plain,
            ApiList::Connection { .. } => ListShape::Connection,
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
            size_failure: None,
            faulty_in_a_row: 0,
            gives_others: None,
            listed: 0,
            total: None,
            has_skipped: false,
            only_in_parts: 0,
            failed_mostly: false,
            looked_up_bytes: 0,
        }
    }

    /// Call this when the window has been read: if pages had to be smaller and no record was the reason, the
    /// API does not accept larger ones, which is remembered.
    pub(crate) fn finish(self) {
        if let Some(failure) = self.size_failure {
            self.sizes.limit_page(self.cap, &failure);
        }
    }

    pub(crate) fn parse_page(&self, answer: Answer) -> Result<PageRead, SourceError> {
        let page = answer.page(self.entity.walk.root, self.shape)?;
        let slice =
            |raw: &&serde_json::value::RawValue| Node::Whole(answer.body.slice_ref(raw.get().as_bytes()));
        let nodes = page.nodes.iter().map(|node| node.as_ref().map_or(Node::Null, slice)).collect();
        let (has_next_page, end_cursor, total_count) =
            (page.has_next_page, page.end_cursor, page.total_count);
        Ok(PageRead { nodes, has_next_page, end_cursor, total_count, answer, notes: Vec::new() })
    }
}
