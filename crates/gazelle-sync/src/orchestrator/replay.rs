//! Stage 2 again, from staging alone: production is rebuilt beside itself, the difference is shown, and only
//! the difference is applied, in one transaction. Readers never see an empty table, rows that are right
//! are not touched, and tables that refer to ours notice nothing.

use std::time::Instant;

use serde::Serialize;
use uuid::Uuid;

use super::lease::Lease;
use super::report::{RunReport, Status, milliseconds};
use super::{judge, runs, stages};
use crate::config::Settings;
use crate::db::{Db, DbError, migrate};
use crate::display::Progress;
use crate::entities::{ENTITIES, Entity};
use crate::staging::pending::Basis;
use crate::staging_to_production::difference::{self, TableDifference};
use crate::staging_to_production::{Reconciliation, rebuild};

/// Rows shown of each kind of difference in a table.
const SAMPLES: i64 = 5;
/// What the scratch tables' names start with.
const SCRATCH: &str = "replay_";

/// What a replay found and did.
#[derive(Debug, Serialize)]
pub struct ReplayReport {
    /// Names the run.
    pub run_id: Uuid,
    /// How it ended.
    pub status: Status,
    /// Whether the difference was only shown.
    pub dry_run: bool,
    /// Table by table.
    pub tables: Vec<TableDifference>,
    /// Rows written or removed.
    pub rows_written: u64,
    /// Milliseconds from start to end.
    pub duration_ms: u64,
}

/// Replays these entities. With `dry_run` the difference is found and nothing applied.
pub async fn replay(
    db: &Db,
    settings: &Settings,
    entities: &[&'static Entity],
    dry_run: bool,
    progress: &Progress,
) -> Result<ReplayReport, DbError> {
    let started = Instant::now();
    migrate::prepare(db).await?;
    let lease = Lease::acquire(db, settings.lease()).await?;
    let run_id = Uuid::now_v7();
    let command = if dry_run { "replay --dry-run" } else { "replay" };
    runs::start(db, run_id, command, None, "command", lease.fence().token()).await?;
    let outcome = find_and_apply(db, settings, entities, dry_run, &lease, run_id, progress).await;
    let mut run = RunReport::new(run_id, None, Vec::new(), started.elapsed());
    let result = match outcome {
        Ok((tables, rows_written, status)) => {
            run.status = status;
            Ok(ReplayReport {
                run_id,
                status,
                dry_run,
                tables,
                rows_written,
                duration_ms: milliseconds(started.elapsed()),
            })
        }
        Err(error) => {
            run.note(Status::Failed, error.to_string());
            Err(error)
        }
    };
    runs::finish(db, &run).await?;
    lease.release().await?;
    result
}

async fn find_and_apply(
    db: &Db,
    settings: &Settings,
    entities: &[&'static Entity],
    dry_run: bool,
    lease: &Lease,
    run_id: Uuid,
    progress: &Progress,
) -> Result<(Vec<TableDifference>, u64, Status), DbError> {
    let mut connection = db.connection().await?;
    let tx = connection.begin().await?;
    rebuild::rebuild(&tx, SCRATCH, settings.batch_size, Basis::Everything).await?;
    let names: Vec<&'static str> =
        entities.iter().flat_map(|entity| entity.tables.iter().map(|table| table.name)).collect();
    let mut tables = difference::difference(&tx, SCRATCH, SAMPLES, None).await?;
    tables.retain(|table| names.contains(&table.table));
    if dry_run {
        return Ok((tables, 0, Status::Success));
    }
    // Only now, so that a runner that stood still while it built holds nobody up, and writes nothing.
    lease.fence().check(&tx).await?;
    let written = difference::apply(&tx, SCRATCH, &names).await?;
    rebuild::drop_scratch(&tx, SCRATCH).await?;
    tx.commit().await?;
    drop(connection);

    // What was pending is in production by now; this notes its outcome.
    let reconciliation = Reconciliation { db, fence: lease.fence(), run_id, batch_size: settings.batch_size };
    for entity in ENTITIES.iter().filter(|entity| entities.iter().any(|chosen| chosen.name == entity.name)) {
        stages::reconcile(&reconciliation, entity, None, progress).await?;
    }
    let mut verdict = RunReport::new(run_id, None, Vec::new(), std::time::Duration::ZERO);
    judge::compare(db, &mut verdict, entities).await?;
    Ok((tables, written, verdict.status))
}
