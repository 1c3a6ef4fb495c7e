//! Pages on their way to staging, in a queue that is bounded in pages and in bytes.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::failing::Failing;
use super::page::Node;
use crate::gazelle_to_staging::requests::sizes::Sizes;
use crate::staging::versions::Received;

/// A page's records on their way to staging.
#[derive(Default)]
pub struct QueuedPage {
    /// In the page's order.
    pub records: Vec<Received>,
    /// Records that are there and of which nothing is staged in this run.
    pub kept: Vec<KeptRecord>,
    /// Records that the API fails at: they wait for the end of the walk.
    pub(crate) failing: Vec<Failing>,
    /// Entries that the API gave as null, and that another walk may find.
    pub null_nodes: u64,
    /// Records that the API cannot give, and whose ids it does not tell.
    pub nameless: u64,
    /// What is to be told of the page.
    pub notes: Vec<String>,
    /// Its share of what may wait.
    pub(crate) waits: Option<OwnedSemaphorePermit>,
}

/// A record that is there and keeps the version that staging holds.
pub struct KeptRecord {
    /// Its id.
    pub external_id: String,
    /// Whether it could have been asked for by its id, in another run.
    pub is_unasked: bool,
}

impl QueuedPage {
    /// Takes an entry of a page; gives back the bytes of a record that came with the page itself.
    pub(crate) fn take(&mut self, node: Node, sizes: &Sizes) -> Option<Bytes> {
        match node {
            Node::Whole(raw) => return Some(raw),
            Node::Received(record) => self.records.push(*record),
            Node::Asked(record) => {
                sizes.turns.had(&record.external_id);
                self.records.push(*record);
            }
            Node::Kept { external_id, is_unasked } => self.kept.push(KeptRecord { external_id, is_unasked }),
            Node::Failing(failing) => self.failing.push(*failing),
            Node::Null => self.null_nodes += 1,
            Node::Nameless => self.nameless += 1,
        }
        None
    }
}

/// The queue of pages before staging, bounded in pages and in bytes.
#[derive(Clone)]
pub struct Outlet {
    pages: mpsc::Sender<QueuedPage>,
    bytes: Arc<Semaphore>,
}

/// Bytes of the pages of a walk that wait for staging, in units of a KiB; a longer one waits alone.
pub(crate) const MOST_WAITING: u32 = 16 * 1024;

impl Outlet {
    /// A queue of at most `pages` pages, and its receiving end.
    pub fn new(pages: usize) -> (Outlet, mpsc::Receiver<QueuedPage>) {
        let (sender, receiver) = mpsc::channel(pages);
        (Outlet { pages: sender, bytes: Arc::new(Semaphore::new(MOST_WAITING as usize)) }, receiver)
    }

    pub(super) async fn send(&self, mut page: QueuedPage, bytes: usize) {
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
