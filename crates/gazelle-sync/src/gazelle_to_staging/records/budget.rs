//! Limits the bytes and requests for a record that is requested in parts.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The most bytes of the parts of one page or record whose reader has the large slot.
pub(crate) const MOST_BYTES: usize = 8 * 1024 * 1024;
/// The most bytes without the large slot.
pub(crate) const MOST_BESIDE_OTHERS: usize = 1024 * 1024;
/// The most requests for the contents of one record.
pub(crate) const MOST_REQUESTS: usize = 2_000;

/// The bytes that the parts of a page or record may take in memory before they are merged.
pub(crate) struct PartsBudget {
    bytes: AtomicUsize,
    most: usize,
}

impl PartsBudget {
    /// An unused budget; the larger one if the caller has the large slot.
    pub fn new(has_large_slot: bool) -> PartsBudget {
        PartsBudget::at_most(if has_large_slot { MOST_BYTES } else { MOST_BESIDE_OTHERS })
    }

    /// An unused budget of `most` bytes, for a caller with a limit of its own.
    pub fn at_most(most: usize) -> PartsBudget {
        PartsBudget { bytes: AtomicUsize::new(0), most: most.min(MOST_BYTES) }
    }

    /// Takes bytes from the budget. Returns whether the total is within the limit.
    pub fn take(&self, bytes: usize) -> bool {
        self.bytes.fetch_add(bytes, Relaxed) + bytes <= self.most
    }
}

/// The fault of a record that is too large even alone.
pub(crate) fn too_large() -> String {
    format!("it has more than {} MiB, the most that is put together of parts", MOST_BYTES / 1024 / 1024)
}
