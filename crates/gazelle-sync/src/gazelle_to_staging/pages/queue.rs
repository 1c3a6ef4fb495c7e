//! The queue of pages before staging, limited in pages and in bytes.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::failing::FailingRecord;
use super::page::Node;
use crate::gazelle_to_staging::requests::sizes::Sizes;
use crate::staging::versions::Received;

/// The records of a page on their way to staging.
#[derive(Default)]
pub struct QueuedPage {
    /// Records to stage, in the order of the page.
    pub records: Vec<Received>,
    /// Records that exist and of which nothing is staged in this run.
    pub kept: Vec<KeptRecord>,
    /// Records that the API failed at. They wait for the end of the walk.
    pub(crate) failing: Vec<FailingRecord>,
    /// Entries that came as null and that another attempt may find.
    pub null_nodes: u64,
    /// Records that the API cannot give, and whose ids it does not give either.
    pub nameless: u64,
    /// Messages about the page.
    pub notes: Vec<String>,
    /// Its share of [`MOST_WAITING`], released when the page is dropped.
    pub(crate) permit: Option<OwnedSemaphorePermit>,
}

/// A record that exists and keeps the version that staging has.
pub struct KeptRecord {
    /// The record's id.
    pub external_id: String,
    /// Whether it would have been looked up by its id, had this run lookups left.
    pub awaits_lookup: bool,
}

impl QueuedPage {
    /// Adds an entry. Returns the bytes of a record of the page's own answer, which the caller receives.
    pub(crate) fn take(&mut self, node: Node, sizes: &Sizes) -> Option<Bytes> {
        match node {
            Node::Whole(raw) => return Some(raw),
            Node::Received(record) => self.records.push(*record),
            Node::LookedUp(record) => {
                sizes.lookup_turns.note_lookup(&record.external_id);
                self.records.push(*record);
            }
            Node::Kept { external_id, awaits_lookup } => {
                self.kept.push(KeptRecord { external_id, awaits_lookup })
            }
            Node::Failing(failing) => self.failing.push(*failing),
            Node::Null => self.null_nodes += 1,
            Node::Nameless => self.nameless += 1,
        }
        None
    }
}

/// The sending end of the queue. Cheap to clone.
#[derive(Clone)]
pub struct PageQueue {
    pages: mpsc::Sender<QueuedPage>,
    bytes: Arc<Semaphore>,
}

/// KiB of the pages of a walk that may wait for staging. A larger page waits alone.
pub(crate) const MOST_WAITING: u32 = 16 * 1024;

impl PageQueue {
    /// A queue of at most `pages` pages, and its receiving end.
    pub fn new(pages: usize) -> (PageQueue, mpsc::Receiver<QueuedPage>) {
        let (sender, receiver) = mpsc::channel(pages);
        (PageQueue { pages: sender, bytes: Arc::new(Semaphore::new(MOST_WAITING as usize)) }, receiver)
    }

    pub(super) async fn send(&self, mut page: QueuedPage, bytes: usize) {
        let units = u32::try_from(bytes / 1024).unwrap_or(u32::MAX).min(MOST_WAITING);
        // The semaphore is never closed. A closed channel means that staging has failed and returns its own
        // error: sending must end then, since nobody takes pages any more.
        tokio::select! {
            permit = self.bytes.clone().acquire_many_owned(units) => {
                page.permit = permit.ok();
                let _ = self.pages.send(page).await;
            }
            () = self.pages.closed() => {}
        }
    }
}
