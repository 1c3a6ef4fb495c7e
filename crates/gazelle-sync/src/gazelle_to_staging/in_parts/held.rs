//! How much the parts of records may hold and cost before they are put together.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Bytes of the parts of one page, or of one record, where no others hold as much.
pub(in super::super) const MOST_BYTES: usize = 8 * 1024 * 1024;
/// The same where others may.
pub(in super::super) const MOST_BESIDE_OTHERS: usize = 1024 * 1024;
/// Requests for what one record holds.
pub(in super::super) const MOST_REQUESTS: usize = 2_000;

/// What is held of a page, or of a record.
pub(in super::super) struct Held {
    bytes: AtomicUsize,
    most: usize,
}

impl Held {
    /// Nothing yet. Of many pages and records one `has_turn` to hold much.
    pub fn nothing(has_turn: bool) -> Held {
        Held::at_most(if has_turn { MOST_BYTES } else { MOST_BESIDE_OTHERS })
    }

    /// Nothing yet, of a part of something that has a bound of its own.
    pub fn at_most(most: usize) -> Held {
        Held { bytes: AtomicUsize::new(0), most: most.min(MOST_BYTES) }
    }

    /// Adds bytes to those that are held. Returns whether the total is within the limit.
    pub fn takes(&self, bytes: usize) -> bool {
        self.bytes.fetch_add(bytes, Relaxed) + bytes <= self.most
    }
}

/// What is said of a record that is too large even alone.
pub(in super::super) fn too_large() -> String {
    format!("it has more than {} MiB, the most that is put together of parts", MOST_BYTES / 1024 / 1024)
}
