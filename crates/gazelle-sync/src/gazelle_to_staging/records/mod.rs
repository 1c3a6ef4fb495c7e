//! Reads one whole record. [`get`] looks it up by its id, with a [`lookup::LookupResult`]; `gather` merges the
//! parts of a record for which the API accepts no query with all fields; [`nested`] completes lists inside it
//! that are longer than their page, within the limits of `lists_room`; [`receive`] takes its id and its bytes; `faults`
//! attaches the API's errors to it.

pub(crate) mod budget;
pub(crate) mod completed;
pub(crate) mod faults;
pub(crate) mod gather;
pub mod get;
mod listed_entries;
pub(crate) mod lists_room;
pub mod lookup;
pub mod nested;
pub(crate) mod object;
pub mod receive;
