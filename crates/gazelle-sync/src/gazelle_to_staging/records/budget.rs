//! How many bytes and requests a record may take that is asked for in parts.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Bytes of the parts of one page, or of one record, where no others hold as much.
pub(crate) const MOST_BYTES: usize = 8 * 1024 * 1024;
/// The same where others may.
pub(crate) const MOST_BESIDE_OTHERS: usize = 1024 * 1024;
/// Requests for what one record holds.
pub(crate) const MOST_REQUESTS: usize = 2_000;

/// The bytes that the parts of a page, or of a record, may take in memory before they are put together.
pub(crate) struct PartsBudget {
    bytes: AtomicUsize,
    most: usize,
}

impl PartsBudget {
    /// Nothing is taken yet. One of many pages and records `has_turn` to hold much.
    pub fn new(has_turn: bool) -> PartsBudget {
        PartsBudget::at_most(if has_turn { MOST_BYTES } else { MOST_BESIDE_OTHERS })
    }

    /// Nothing is taken yet, and `most` may be: of a part of something that has a bound of its own.
    pub fn at_most(most: usize) -> PartsBudget {
        PartsBudget { bytes: AtomicUsize::new(0), most: most.min(MOST_BYTES) }
    }

    /// Takes bytes. Returns whether the total is within the limit.
    pub fn takes(&self, bytes: usize) -> bool {
        self.bytes.fetch_add(bytes, Relaxed) + bytes <= self.most
    }
}

/// What is said of a record that is too large even alone.
pub(crate) fn too_large() -> String {
    format!("it has more than {} MiB, the most that is put together of parts", MOST_BYTES / 1024 / 1024)
}
