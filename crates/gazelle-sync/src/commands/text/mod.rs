//! Formats what commands print for people, one file per command; `run`, `differences`, `source` and
//! `whereabouts` are shared. `words` holds the sentences of those reports that exist in both languages. With
//! `--json` the same values are printed as they are.

pub mod alerts;
pub mod auth;
pub mod case;
pub mod deletions;
pub mod demo;
pub mod differences;
pub mod doctor;
pub mod errors;
pub mod explain;
pub mod from_v5;
pub mod history;
pub mod migrate;
pub mod people;
pub mod replay;
pub mod roles;
pub mod run;
pub mod runs;
pub mod source;
pub mod status;
#[cfg(test)]
mod tests;
pub mod undo;
pub mod verify;
pub mod warnings;
pub mod whereabouts;
pub(crate) mod words;
