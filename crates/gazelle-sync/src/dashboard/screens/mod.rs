//! The screens, one folder each: `mod.rs` answers the request, `read.rs` reads its facts, with the SQL beside it, and
//! `page.html` is the page. `sign_in`, `enter` and `me` are the pages to sign in with, `people` the one that invites;
//! `trouble` is what is shown where a page cannot be, `refused` where a form is not accepted.

pub(super) mod actions;
pub(super) mod case;
pub(super) mod changes;
pub(super) mod deletions;
pub(super) mod doctor;
pub(super) mod enter;
pub(super) mod feeds;
pub(super) mod latency;
pub(super) mod me;
pub(super) mod overview;
pub(super) mod people;
pub(super) mod quarantine;
pub(super) mod record;
mod refused;
pub(super) mod run;
pub(super) mod runs;
pub(super) mod search;
pub(super) mod settings;
pub(super) mod sign_in;
pub(super) mod today;
pub(super) mod trouble;
