//! One record, whole. [`get`] looks it up by its id ([`lookup`]: what comes of it); `gather` puts together the parts of a record for which the API bears no query
//! with all fields; [`nested`] completes lists inside it that are longer than their page (`lists_room`: what they may have together); [`receive`] takes its id and its bytes;
//! `faults` notes what the API says is wrong with it.

pub(crate) mod budget;
pub(crate) mod completed;
pub(crate) mod faults;
pub(crate) mod gather;
pub mod get;
pub(crate) mod lists_room;
pub mod lookup;
pub mod nested;
pub(crate) mod object;
pub mod receive;
