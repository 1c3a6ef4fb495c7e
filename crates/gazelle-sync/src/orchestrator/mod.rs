//! What runs, in which order, and by whose right.
//!
//! [`run_sync`] is one run from lease to report; `stages` puts stage 1 and stage 2 side by side;
//! [`judge`] decides whether the run may be called a success; [`replay`] is stage 2 again from staging alone; [`undo`] takes a run back; [`verify`] proves what production says.

pub mod decide_deletions;
pub mod judge;
mod rebuilt;
pub mod replay;
mod run_sync;
pub mod schedule;
mod scope;
mod stages;
pub mod undo;
pub mod unread;
pub mod verify;

pub use run_sync::{Job, Right, Stages, run_by_right, run_span, run_sync};
