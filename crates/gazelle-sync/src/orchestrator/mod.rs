//! What runs, in which order, and by whose right.
//!
//! `job` says what is to be run; [`run_sync`] is one run from lease to report, `run` its five steps, `counts` its counts; `stages` puts stage 1 and stage 2 side by
//! side, `inline` both into one transaction;
//! [`judge`] decides whether the run may be called a success.

mod counts;
pub mod decide_deletions;
mod inline;
mod job;
pub mod judge;
mod left_out;
mod run;
mod run_sync;
pub mod schedule;
mod scope;
pub mod stages;
pub mod unread;

pub use job::{Job, LeasedRun, Stages};
pub use run_sync::{run_leased, run_span, run_sync};
