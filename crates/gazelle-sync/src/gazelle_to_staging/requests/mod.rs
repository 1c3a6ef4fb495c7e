//! The requests of stage 1. `queries` makes them from an entity's declaration, [`sizes`] limits them to what the API was found to
//! bear, [`parts`] splits the fields of a query that is refused even for one record, and [`counts`] asks how many records there are.
//! `turns` and `tally` keep what a walk has met of records that the API fails at.

pub mod counts;
pub(crate) mod fields;
pub mod parts;
pub(crate) mod queries;
pub mod sizes;
pub(crate) mod tally;
pub(crate) mod turns;
pub(crate) mod window;
