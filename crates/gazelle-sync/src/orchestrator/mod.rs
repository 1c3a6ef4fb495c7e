//! What runs, in which order, and by whose right.
//!
//! [`run_sync`] is one run from lease to report, `run` its five steps, `counts` its counts; `stages` puts stage 1 and stage 2 side by
//! side, `inline` both into one transaction;
//! [`judge`] decides whether the run may be called a success; [`replay`] is stage 2 again from staging alone; [`undo`] takes a run back; [`verify`] proves what production says.

mod counts;
pub mod decide_deletions;
mod inline;
pub mod judge;
mod left_out;
mod rebuilt;
pub mod replay;
mod run;
mod run_sync;
pub mod schedule;
mod scope;
mod stages;
pub mod undo;
pub mod unread;
pub mod verify;

pub use run_sync::{Job, LeasedRun, Stages, run_leased, run_span, run_sync};
