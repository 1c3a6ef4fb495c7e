//! The report of `demo`.

use serde::Serialize;

use super::changes::DemoChange;
use super::day::Day;
use super::day::Visit;
use crate::run_log::report::RunReport;

/// Everything that `demo` shows.
#[derive(Serialize)]
pub struct DemoReport {
    pub full: RunReport,
    pub changes: Vec<DemoChange>,
    pub incremental: RunReport,
    pub day: Option<Day>,
    pub tire_le_coyote: Vec<Visit>,
    pub database_url: Option<String>,
    pub data_dir: String,
    /// The address of the dashboard; absent without `--open`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dashboard: Option<String>,
}
