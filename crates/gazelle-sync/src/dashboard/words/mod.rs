//! What the pages say, in English and French: the sentences, one file for each screen, declared as [`crate::words`] says.

pub(crate) mod actions;
pub(crate) mod changes;
pub(crate) mod charts;
pub(crate) mod deletions;
pub(crate) mod doctor;
pub(crate) mod entry;
pub(crate) mod feeds;
pub(crate) mod findings;
pub(crate) mod frame;
pub(crate) mod overview;
pub(crate) mod quarantine;
pub(crate) mod record;
pub(crate) mod runs;
pub(crate) mod search;
pub(crate) mod settings;
#[cfg(test)]
mod tests;
pub(crate) mod today;
pub(crate) mod verdict;

pub(crate) use crate::words::{locale, sentence};
