//! The record of runs: which were requested (`run_requests`), what people asked for in the dashboard (`actions`), what each did and how it ended (`runs`, `run_end`,
//! `report`), their warnings (`warnings`, `warning_codes`), the last ones (`last_runs`), those whose ids begin so (`find_runs`), those that pages show (`run_pages`), which lists
//! the last walks could not read (`unlisted`), and the deletion of old ones (`forget_runs`); `kinds`
//! has a run's command, mode and trigger.

pub mod actions;
pub mod find_runs;
pub mod forget_runs;
pub mod kinds;
pub mod last_runs;
pub mod report;
pub mod run_charts;
mod run_end;
pub mod run_pages;
pub mod run_requests;
pub mod runs;
pub mod unlisted;
pub mod warning_codes;
pub mod warnings;
