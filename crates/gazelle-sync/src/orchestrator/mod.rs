//! Executes runs: acquires the lease, drives stage 1 and stage 2, judges the result and writes the run's record.
//!
//! `job` describes what a run does; [`run_sync`] is one run from lease to report, `run` its steps, `counts`
//! its counts; `scope` decides what is walked; `stages` runs stage 1 and stage 2 side by side, `inline` both in one
//! transaction; `missing_parents` fetches parents by their ids; [`judge`], [`unread`] and `left_out` decide whether the run is a success.
//! [`decide_deletions`] applies manual approvals, [`decide_cases`] what somebody decided about the quarantine, both by `deciding`.

mod counts;
pub mod decide_cases;
pub mod decide_deletions;
mod deciding;
mod inline;
mod job;
pub mod judge;
mod left_out;
mod missing_parents;
mod run;
mod run_sync;
mod scope;
pub mod stages;
pub mod unread;
mod verdicts;

pub use deciding::Deciding;
pub use job::{Job, LeasedRun, Stages};
pub use run_sync::{run_leased, run_span, run_sync};
