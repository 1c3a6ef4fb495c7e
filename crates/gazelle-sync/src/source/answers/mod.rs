//! What comes of an attempt. It passes the files in this order:
//!
//! 1. `classify`: the one table that says what an attempt's outcome means, with `graphql_error` for errors in a good HTTP answer.
//! 2. `error`: the classes of errors, and an error as one line; `target` and `wording` put what is said about it.
//! 3. `answer`: a whole answer, and `reading`: lists, single objects and counts in it, borrowed as the bytes that came. Both use
//!    `page` for a list, `pick` for a value at a path, and `first_of` for what is bounded in number.
//! 4. `partial`: the same with an answer that is not whole. Only an error leads to it.

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
