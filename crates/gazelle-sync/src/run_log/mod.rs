//! The record of runs: which were asked for (`wanted_runs`), what each did and how it ended (`runs`, `report`), what was worth
//! knowing (`warnings`), which were the last (`last_runs`), and which are forgotten (`forget_runs`); `kinds` has the words for a run's command, mode and trigger.

pub mod forget_runs;
pub mod kinds;
pub mod last_runs;
pub mod report;
pub mod runs;
pub mod wanted_runs;
pub mod warnings;
