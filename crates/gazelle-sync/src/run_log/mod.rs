//! The record of runs: which were requested (`wanted_runs`), what each did and how it ended (`runs`, `report`),
//! their warnings (`warnings`), the last ones (`last_runs`), those that pages show (`run_pages`), and the deletion of old ones (`forget_runs`); `kinds`
//! has a run's command, mode and trigger.

pub mod forget_runs;
pub mod kinds;
pub mod last_runs;
pub mod report;
pub mod run_pages;
pub mod runs;
pub mod wanted_runs;
pub mod warnings;
