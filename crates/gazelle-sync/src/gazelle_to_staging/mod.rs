//! Stage 1 stores each record as the API sent it, as a new version in its staging table. It interprets none.
//!
//! The folders use those above them in this list:
//!
//! 1. [`requests`] makes queries from an entity's declaration, as large as the API was found to bear.
//! 2. [`records`] reads one record whole: by its id, in parts, with lists that are longer than their page.
//! 3. `pages` reads the pages of one window, whatever steps a page takes, and queues their records.
//! 4. [`lanes`] stage queued records in batches, and hand them to stage 2 in the same transaction ([`reconciler`]).
//! 5. [`by_id`] looks up single records after the walks: those that a complete walk did not list, and parents that are missing.
//! 6. [`walk`] walks an entity: it plans the windows, starts them, and decides at the end whether the walk was complete. Only then
//!    does the bookmark move.

pub mod by_id;
mod context;
pub mod lanes;
mod pages;
pub mod reconciler;
pub mod records;
pub mod requests;
mod scope;
pub mod walk;

pub use context::{ClockReading, Fetch, FetchError, WalkSpec, broken_off};
pub use scope::Scope;

#[cfg(test)]
mod bounds_tests;
