//! The screens, one folder each: `mod.rs` answers the request, `read.rs` reads its facts, with the SQL beside it, and
//! `page.html` is the page. `trouble` is what is shown where a page cannot be.

pub(super) mod case;
pub(super) mod deletions;
pub(super) mod overview;
pub(super) mod quarantine;
pub(super) mod record;
pub(super) mod run;
pub(super) mod runs;
pub(super) mod search;
pub(super) mod today;
pub(super) mod trouble;
