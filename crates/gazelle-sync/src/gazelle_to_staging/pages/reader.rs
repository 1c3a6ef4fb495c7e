//! What a reader of pages knows: of what it reads the pages, how large they may be, and what failed before.

use super::page::{Node, PageRead};
use crate::entities::{Entity, Shape};
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
    /// Records to ask for next, and the most that is tried: less than the usual after a failure.
    pub(super) next: u32,
    pub(crate) cap: u32,
    /// The failure that made pages smaller, until a record was found to be its reason.
    pub(crate) heavy: Option<SourceError>,
    pub(crate) faulty_in_a_row: u32,
    /// Records that came in no way but in parts, though no query was called too large.
    pub(crate) only_in_parts: u32,
    /// Whether the page before failed at most of its records, in each of several attempts: the next one is not waited for as
    /// long.
    pub(super) fails_mostly: bool,
    /// Bytes of records that were asked for alone, for the page in hand or at the end of the walk.
    pub(crate) asked_bytes: usize,
}

impl<'f> Reader<'f> {
    pub(crate) fn new(fetch: &'f Fetch, entity: &'static Entity, window: &'f Window) -> Self {
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

    /// To be called when the window has been read: where pages had to be smaller, and no record was the reason, the server
    /// does not bear larger ones.
    pub(crate) fn finish(self) {
        if let Some(failure) = self.heavy {
            self.sizes.bears_pages_of(self.cap, &failure);
        }
    }

    pub(crate) fn whole(&self, answer: Answer) -> Result<PageRead, SourceError> {
        let page = answer.page(self.entity.walk.root, self.shape)?;
        let slice =
            |raw: &&serde_json::value::RawValue| Node::Whole(answer.body.slice_ref(raw.get().as_bytes()));
        let nodes = page.nodes.iter().map(|node| node.as_ref().map_or(Node::Null, slice)).collect();
        let (has_next_page, end_cursor, total_count) =
            (page.has_next_page, page.end_cursor, page.total_count);
        Ok(PageRead { nodes, has_next_page, end_cursor, total_count, answer, notes: Vec::new() })
    }
}
