//! The outcome of an attempt. It passes the files in this order:
//!
//! 1. `classify`: the single table that assigns an error class to an outcome; `graphql_error` reads the errors of
//!    an HTTP 200 answer.
//! 2. `error`: the error classes, and an error as one line; `target` and `wording` supply its text.
//! 3. `answer`: a complete answer, and `reading`: lists, single objects and counts in it, borrowed from the
//!    received bytes. Both use `page` for a list, `pick` for a value at a path, and `first_of` to limit the number
//!    of entries.
//! 4. `partial`: reads an answer that has errors beside its data. It is reached only through an error.

pub(super) mod answer;
pub(super) mod classify;
pub(super) mod error;
mod first_of;
mod graphql_error;
pub(super) mod page;
pub(super) mod partial;
mod pick;
pub(super) mod reading;
pub(super) mod target;
mod wording;
