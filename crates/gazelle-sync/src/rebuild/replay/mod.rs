//! Repeats stage 2 from staging alone: production is rebuilt in scratch tables, the difference is shown, and only
//! the difference is applied, in one transaction. Readers never see an empty table, correct rows are not touched,
//! and tables that refer to ours are not affected.
//!
//! `part` is the request and selects the records that are compared; [`into_schema`] builds production as it was at an instant in
//! another schema.

pub mod into_schema;
mod part;

use std::time::Instant;

use serde::Serialize;
use uuid::Uuid;

use super::Held;
use super::follow_up::{FollowUp, Outcome, Remaining, Report};
use super::{ApplyOptions, ForAction, Withheld, compare, decide, in_one_snapshot};
use crate::config::Settings;
use crate::db::{Db, DbError};
use crate::display::Progress;
use crate::entities::ENTITIES;
use crate::lease::{FencedTx, Lease};
use crate::migrate;
use crate::run_log::kinds::RunCommand;
use crate::run_log::report::{Status, milliseconds};
use crate::staging::pending::Basis;
use crate::staging::quarantine::QuarantinedRecords;
use crate::staging::versions::clock::Clock;
use crate::staging_to_production::difference::TableDifference;
use crate::staging_to_production::rebuild;

pub use part::ReplayRequest;

/// The result of a replay.
#[derive(Debug, Serialize)]
pub struct ReplayReport {
    /// Names the run.
    pub run_id: Uuid,
    /// How it ended.
    pub status: Status,
    /// Why nothing was applied, or would be: one sentence each.
    pub reasons: Vec<String>,
    /// Deletions that were withheld; nothing was applied then.
    pub withheld: Vec<Withheld>,
    /// Whether the difference was only shown.
    pub dry_run: bool,
    /// The number of records compared; none if all were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
    /// Records that stage 2 processed again and that are in quarantine. If the database refused them (`partial`),
    /// their rows are not what `tables` says.
    pub waiting: Vec<QuarantinedRecords>,
    /// Table by table.
    pub tables: Vec<TableDifference>,
    /// Rows written or removed.
    pub rows_written: u64,
    /// Milliseconds from start to end.
    pub duration_ms: u64,
}

impl Report for ReplayReport {
    fn outcome(&mut self) -> Outcome<'_> {
        Outcome {
            status: &mut self.status,
            reasons: &mut self.reasons,
            waiting: &mut self.waiting,
            rows_written: &mut self.rows_written,
            dry_run: self.dry_run,
        }
    }
}

/// Replays.
///
/// # Errors
/// The database's; another run in progress; a slice without a record.
pub async fn replay(
    db: &Db,
    settings: &Settings,
    wanted: &ReplayRequest,
    progress: &Progress,
) -> Result<ReplayReport, DbError> {
    let started = Instant::now();
    migrate::prepare(db).await?;
    let mut report = Lease::hold(db, settings.lease(), async |lease| {
        replay_leased(Held { db, settings, lease, progress, action: ForAction::default() }, wanted).await
    })
    .await?;
    report.duration_ms = milliseconds(started.elapsed());
    Ok(report)
}

/// Replays under a lease that is held.
///
/// # Errors
/// As [`replay`].
pub async fn replay_leased(held: Held<'_>, wanted: &ReplayRequest) -> Result<ReplayReport, DbError> {
    let Held { db, settings, lease, progress, action } = held;
    let clock = Clock::after_staged(db).await?;
    let (run_id, fence) = (clock.run_id(), lease.fence());
    let transaction = async {
        let (report, some_unprocessed) = in_one_snapshot(db, fence, async |tx| {
            in_transaction(tx, settings, wanted, (run_id, action)).await
        })
        .await?;
        let is_whole = report.records.is_none();
        let is_applied = !wanted.dry_run && report.status == Status::Success;
        let remaining = Remaining { entities: &wanted.entities, is_whole };
        Ok((report, (is_applied && (is_whole || some_unprocessed)).then_some(remaining)))
    };
    let command = if wanted.dry_run { RunCommand::ReplayDryRun } else { RunCommand::Replay };
    FollowUp { db, settings, fence, run_id, clock, progress, trigger: action.trigger() }
        .recorded(command, transaction)
        .await
}

/// Computes the difference and applies it, in one transaction with one snapshot. Returns also whether it includes
/// records whose newest version stage 2 has not processed.
async fn in_transaction(
    tx: FencedTx<'_>,
    settings: &Settings,
    wanted: &ReplayRequest,
    (run_id, action): (Uuid, ForAction<'_>),
) -> Result<(ReplayReport, bool), DbError> {
    let (parts, records) = part::of(&tx, wanted).await?;
    // Everything is rebuilt, whatever the slice: rows are built from rows of other records.
    let unplaced = rebuild::rebuild(&tx, settings.batch_size, Basis::Everything).await?;
    crate::crash::at(crate::crash::Step::ReplayBuilt);
    let found = compare(&tx, parts, unplaced).await?;
    let options = ApplyOptions { dry_run: wanted.dry_run, allow_deletions: wanted.allow_deletions, action };
    let is_part = records.is_some() || wanted.entities.len() < ENTITIES.len();
    let result = decide(&found, &tx, settings, options, |error| error.while_doing(refused(is_part))).await?;
    let (rows_written, some_unprocessed) = result.applied.unwrap_or_default();
    let applied = result.applied;
    let report = ReplayReport {
        run_id,
        status: result.status,
        reasons: result.reasons,
        withheld: result.withheld,
        dry_run: wanted.dry_run,
        records,
        waiting: Vec::new(),
        tables: found.tables,
        rows_written,
        duration_ms: 0,
    };
    match applied {
        Some(_) => {
            action.applied(&tx, run_id, &report).await?;
            crate::crash::at(crate::crash::Step::ReplayApplied);
            tx.commit().await?;
        }
        None => tx.rollback().await?,
    }
    Ok((report, some_unprocessed))
}

/// The message for a refused row: the cause and what to do.
fn refused(is_part: bool) -> &'static str {
    match is_part {
        true => {
            "this part cannot be replayed without the records it refers to, or something that was added to our tables \
             refuses a row; nothing was changed, replay more of it or all"
        }
        false => {
            "something that was added to our tables refuses a row; nothing was changed (gazelle-sync doctor lists what \
             was added)"
        }
    }
}
