//! The command, mode, trigger and outcome of a run, as the bookkeeping tables, reports, metrics and logs name them.

pub use crate::states::{RequestOutcome, RunCommand, RunMode, RunOutcome, RunState, RunTrigger};
