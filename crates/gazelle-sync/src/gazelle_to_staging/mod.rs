//! Stage 1 (fetch): stores each record as the API sent it, as a new version in its staging table, without
//! interpreting it.
//!
//! Each folder uses only those above it in this list:
//!
//! 1. [`requests`] builds queries from an entity's declaration and limits their size to what the API accepted
//!    before.
//! 2. [`records`] reads one whole record: by its id, in parts, with the lists inside it that are longer than
//!    their page.
//! 3. `pages` reads the pages of one window, in smaller requests where the API fails, and queues their records.
//! 4. [`lanes`] stages queued records in batches and passes them to stage 2 in the same transaction
//!    ([`reconciler`]).
//! 5. [`by_id`] looks up single records after the walks: those that a complete walk did not list, and missing
//!    parents.
//! 6. [`walk`] walks an entity: it plans the windows, starts them, and decides at the end whether the walk was
//!    complete. Only a complete walk moves the bookmark. [`open_lists`] limits how many entities are walked at the
//!    same time.

pub mod by_id;
mod context;
pub mod lanes;
pub mod open_lists;
mod pages;
pub mod reconciler;
pub mod records;
pub mod requests;
mod scope;
pub mod walk;

pub use context::{
    ApiClients, ClockReading, Fetch, FetchError, FetchLimits, RunContext, WalkSpec, task_error,
};
pub use scope::Scope;

#[cfg(test)]
mod bounds_tests;
