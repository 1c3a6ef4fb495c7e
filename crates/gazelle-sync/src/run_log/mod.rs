//! The record of runs: which were asked for (`wanted_runs`), what each did and how it ended (`runs`, `report`), what was worth
//! knowing (`warnings`), and which are forgotten (`forget_runs`).

pub mod forget_runs;
pub mod report;
pub mod runs;
pub mod wanted_runs;
pub mod warnings;
