//! The requests of stage 1. `queries` builds them from an entity's declaration, [`sizes`] limits them to what
//! the API accepted before, [`parts`] splits the fields of a query that is refused even for one record, and
//! [`counts`] asks how many records there are. `lookup_turns` and `tally` keep what a run knows about records
//! that the API fails to give.

pub mod counts;
pub(crate) mod fields;
pub(crate) mod lookup_turns;
pub mod parts;
pub(crate) mod queries;
pub mod sizes;
pub(crate) mod tally;
pub(crate) mod window;
