//! Checks what the runs have left: how the last one ended, records in quarantine, withheld deletions, open alerts.

use tokio_postgres::Row;

use super::Lines;
use crate::alerts;
use crate::config::Settings;
use crate::db::{Db, DbError};
use crate::display;
use crate::run_log::find_runs::short;
use crate::run_log::kinds::RunState;
use crate::run_log::last_runs;

pub(super) async fn check(db: &Db, settings: &Settings) -> Result<Lines, DbError> {
    let mut lines = Lines::default();
    let there =
        db.query("SELECT to_regclass(format('%I.sync_alerts', {schema_text})) IS NOT NULL AS is_there", &[]);
    if !there.await?.first().is_some_and(|row| row.get("is_there")) {
        return Ok(lines);
    }
    last_run(&mut lines, db).await?;
    if let Some(row) = db.query(include_str!("outcome.sql"), &[]).await?.first() {
        waiting(&mut lines, row);
    }
    let found = alerts::list(db).await?;
    let titles: Vec<String> =
        found.open.iter().map(|alert| alerts::title(alert.kind.parse().ok(), settings)).collect();
    match titles.is_empty() {
        true => lines.ok("open alerts", "none"),
        false => lines.warning("open alerts", titles.join("; "), "gazelle-sync alerts"),
    }
    Ok(lines)
}

/// How the last run that has ended did.
async fn last_run(lines: &mut Lines, db: &Db) -> Result<(), DbError> {
    let runs = last_runs::read(db).await?;
    let Some(run) = runs.iter().find(|run| run.status != RunState::Running) else { return Ok(()) };
    let said = |status: &str| match &run.reason {
        Some(reason) => format!("`{}` {status}: {reason}", run.command),
        None => format!("`{}` {status}", run.command),
    };
    let fix = format!("gazelle-sync runs show {}", short(&run.run_id));
    match run.status {
        RunState::Success => lines.ok("last run", said("succeeded")),
        RunState::Failed => lines.problem("last run", said("failed"), fix),
        RunState::Partial => lines.warning("last run", said("was done in part"), fix),
        RunState::Interrupted => lines.warning("last run", said("was interrupted"), fix),
        RunState::Running => {}
    }
    Ok(())
}

fn waiting(lines: &mut Lines, row: &Row) {
    match row.get::<_, i64>("quarantined") {
        0 => lines.ok("quarantine", "empty"),
        many => lines.warning(
            "quarantine",
            format!("{} record(s) are not in production", display::count(many)),
            "gazelle-sync errors",
        ),
    }
    match row.get::<_, i64>("deletions") {
        0 => lines.ok("deletions", "none awaits approval"),
        many => lines.warning(
            "deletions",
            format!("{} deletion(s) await approval", display::count(many)),
            "gazelle-sync deletions",
        ),
    }
}
