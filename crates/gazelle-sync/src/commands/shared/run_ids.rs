//! Finds the run that an argument names.

use anyhow::{Result, bail};
use uuid::Uuid;

use super::opened::Opened;
use crate::cli::RunPrefix;
use crate::migrate;
use crate::run_log::find_runs::{self, FoundRun, short};
use crate::run_log::last_runs;
use crate::time;

/// Runs that a message about an ambiguous or unknown id names.
const NAMED: usize = 5;

/// The id of the run. A whole id is taken as it is: the command itself knows what it can be the id of.
///
/// # Errors
/// No run has an id that begins so, or several have; those of the database.
pub async fn whole_id(opened: &Opened, run: &RunPrefix, zone: &jiff::tz::TimeZone) -> Result<Uuid> {
    match run.whole() {
        Some(id) => Ok(id),
        None => Ok(find(opened, run, zone).await?.run_id),
    }
}

/// The run, which must be recorded.
///
/// # Errors
/// No run has this id or one that begins so, or several have; those of the database.
pub async fn find(opened: &Opened, run: &RunPrefix, zone: &jiff::tz::TimeZone) -> Result<FoundRun> {
    if !migrate::is_readable(&opened.db).await? {
        bail!("there is no run {run}: the database has no tables of ours");
    }
    // One more than is named tells that there are more.
    let found = find_runs::within(&opened.db, &run.ids(), NAMED as i64 + 1).await?;
    match found.as_slice() {
        [one] => Ok(*one),
        [] => {
            let last = last_runs::read(&opened.db).await?;
            let last: Vec<String> = last
                .iter()
                .take(NAMED)
                .map(|run| {
                    let started = time::show(run.started_at, zone);
                    format!("{} ({} of {started})", short(&run.run_id), run.command)
                })
                .collect();
            match last.is_empty() {
                true => bail!("there is no run {run}: no run is recorded yet"),
                false => bail!("there is no run {run}; the last ones: {}", last.join(", ")),
            }
        }
        several => {
            let more = if several.len() > NAMED { ", …" } else { "" };
            let ids: Vec<String> = several.iter().take(NAMED).map(|run| run.run_id.to_string()).collect();
            bail!("{run} is the beginning of several ids: {}{more}; add digits", ids.join(", "))
        }
    }
}
