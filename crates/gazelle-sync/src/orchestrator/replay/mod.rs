//! Stage 2 again, from staging alone: production is rebuilt beside itself, the difference is shown, and only
//! the difference is applied, in one transaction. Readers never see an empty table, rows that are right
//! are not touched, and tables that refer to ours notice nothing.
//!
//! `part` says which records are compared; [`into_schema`] builds production as it was at an instant elsewhere.

pub mod into_schema;
mod part;

use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;
use uuid::Uuid;

use super::lease::Lease;
use super::report::{RunReport, Status, milliseconds};
use super::{judge, runs, stages};
use crate::config::Settings;
use crate::db::{Db, DbError, Fault, migrate};
use crate::display::Progress;
use crate::entities::{ENTITIES, Entity};
use crate::staging::pending::Basis;
use crate::staging::slice::Slice;
use crate::staging_to_production::difference::{self, TableDifference};
use crate::staging_to_production::{Reconciliation, rebuild};

/// Rows shown of each kind of difference in a table.
const SAMPLES: i64 = 5;
/// What the scratch tables' names start with.
const SCRATCH: &str = "replay_";

/// What is replayed.
#[derive(Debug)]
pub struct Wanted {
    /// These entities.
    pub entities: Vec<&'static Entity>,
    /// Of them, these records.
    pub slice: Slice,
    /// Show the difference and apply nothing.
    pub dry_run: bool,
}

/// What a replay found and did.
#[derive(Debug, Serialize)]
pub struct ReplayReport {
    /// Names the run.
    pub run_id: Uuid,
    /// How it ended.
    pub status: Status,
    /// Whether the difference was only shown.
    pub dry_run: bool,
    /// The records compared, where not all of them were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
    /// Table by table.
    pub tables: Vec<TableDifference>,
    /// Rows written or removed.
    pub rows_written: u64,
    /// Milliseconds from start to end.
    pub duration_ms: u64,
}

/// Replays. Errors: the database's, another runner at work, and a slice that names nothing.
pub async fn replay(
    db: &Db,
    settings: &Settings,
    wanted: &Wanted,
    progress: &Progress,
) -> Result<ReplayReport, DbError> {
    let started = Instant::now();
    migrate::prepare(db).await?;
    Lease::hold(db, settings.lease(), async |lease| {
        recorded(db, settings, wanted, lease, started, progress).await
    })
    .await
}

async fn recorded(
    db: &Db,
    settings: &Settings,
    wanted: &Wanted,
    lease: &Lease,
    started: Instant,
    progress: &Progress,
) -> Result<ReplayReport, DbError> {
    let run_id = Uuid::now_v7();
    let command = if wanted.dry_run { "replay --dry-run" } else { "replay" };
    runs::start(db, run_id, command, None, "command", lease.fence().token()).await?;
    let outcome = find_and_apply(db, settings, wanted, lease, run_id, progress).await;
    let mut run = RunReport::new(run_id, None, Vec::new(), started.elapsed());
    let result = match outcome {
        Ok(mut report) => {
            run.status = report.status;
            report.duration_ms = milliseconds(started.elapsed());
            Ok(report)
        }
        Err(error) => {
            run.note(Status::Failed, error.to_string());
            Err(error)
        }
    };
    runs::finish(db, &run).await?;
    result
}

async fn find_and_apply(
    db: &Db,
    settings: &Settings,
    wanted: &Wanted,
    lease: &Lease,
    run_id: Uuid,
    progress: &Progress,
) -> Result<ReplayReport, DbError> {
    let mut connection = db.connection().await?;
    let tx = connection.begin().await?;
    let (parts, records) = part::of(&tx, wanted).await?;
    // All of it, whatever the slice: rows are built from rows of other records.
    rebuild::rebuild(&tx, SCRATCH, settings.batch_size, Basis::Everything).await?;
    crate::crash::at(crate::crash::Step::ReplayBuilt);
    let mut tables = Vec::new();
    for (table, records) in &parts {
        tables.push(difference::of_table(&tx, SCRATCH, SAMPLES, table, records.as_deref()).await?);
    }
    let mut report = ReplayReport {
        run_id,
        status: Status::Success,
        dry_run: wanted.dry_run,
        records,
        tables,
        rows_written: 0,
        duration_ms: 0,
    };
    if wanted.dry_run {
        tx.rollback().await?;
        return Ok(report);
    }
    // Only now, so that a runner that stood still while it built holds nobody up, and writes nothing.
    lease.fence().check(&tx).await?;
    report.rows_written = difference::apply(&tx, SCRATCH, &parts).await.map_err(|error| {
        match error.fault == Fault::Record && (records.is_some() || wanted.entities.len() < ENTITIES.len()) {
            true => error.while_doing("this part cannot be replayed without the records it refers to; nothing was changed, replay more of it or all"),
            false => error,
        }
    })?;
    crate::crash::at(crate::crash::Step::ReplayApplied);
    rebuild::drop_scratch(&tx, SCRATCH).await?;
    tx.commit().await?;
    drop(connection);
    if records.is_some() {
        return Ok(report);
    }

    // What was pending is in production by now; this notes its outcome.
    let reconciliation = Reconciliation {
        db,
        fence: lease.fence(),
        run_id,
        batch_size: settings.batch_size,
        unread: Arc::default(),
    };
    for entity in &wanted.entities {
        stages::reconcile(&reconciliation, entity, None, progress).await?;
    }
    let mut verdict = RunReport::new(run_id, None, Vec::new(), std::time::Duration::ZERO);
    judge::compare(db, &mut verdict, &wanted.entities).await?;
    report.status = verdict.status;
    Ok(report)
}
