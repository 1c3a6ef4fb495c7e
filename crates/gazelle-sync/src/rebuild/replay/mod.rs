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

use super::follow_up::{FollowUp, Remaining};
use super::{ApplyOptions, ForAction, LeasedContext, RebuildReport, compare, decide, in_one_snapshot};
use crate::config::Settings;
use crate::db::{Db, DbError};
use crate::display::Progress;
use crate::entities::ENTITIES;
use crate::lease::{FencedTx, Lease};
use crate::migrate;
use crate::run_log::kinds::RunCommand;
use crate::run_log::report::milliseconds;
use crate::staging::pending::RebuildSource;
use crate::staging::versions::clock::RunClock;
use crate::staging_to_production::rebuild;

pub use part::ReplayRequest;

/// The result of a replay.
#[derive(Debug, Serialize)]
pub struct ReplayReport {
    /// What it did.
    #[serde(flatten)]
    pub rebuild: RebuildReport,
    /// The number of records compared; none if all were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
}

/// Replays.
///
/// # Errors
/// The database's; another run in progress; a slice without a record.
pub async fn replay(
    db: &Db,
    settings: &Settings,
    request: &ReplayRequest,
    progress: &Progress,
) -> Result<ReplayReport, DbError> {
    let started = Instant::now();
    migrate::prepare(db).await?;
    let mut report = Lease::hold(db, settings.lease(), async |lease| {
        replay_leased(LeasedContext { db, settings, lease, progress, action: ForAction::default() }, request)
            .await
    })
    .await?;
    report.rebuild.duration_ms = milliseconds(started.elapsed());
    Ok(report)
}

/// Replays under a lease that is held.
///
/// # Errors
/// As [`replay()`].
pub async fn replay_leased(held: LeasedContext<'_>, wanted: &ReplayRequest) -> Result<ReplayReport, DbError> {
    let LeasedContext { db, settings, lease, progress, action } = held;
    let clock = RunClock::after_staged(db).await?;
    let (run_id, fence) = (clock.run_id(), lease.fence());
    let transaction = Box::pin(async {
        let (ReplayReport { rebuild, records }, some_unprocessed) = in_one_snapshot(db, fence, async |tx| {
            in_transaction(tx, settings, wanted, (run_id, action)).await
        })
        .await?;
        let is_whole = records.is_none();
        let remaining = Remaining { entities: &wanted.entities, is_whole };
        let remains = rebuild.is_applied() && (is_whole || some_unprocessed);
        Ok((rebuild, records, remains.then_some(remaining)))
    });
    let command = if wanted.dry_run { RunCommand::ReplayDryRun } else { RunCommand::Replay };
    let follow_up = FollowUp { db, settings, fence, run_id, clock, progress, trigger: action.trigger() };
    let (rebuild, records) = follow_up.recorded(command, transaction).await?;
    Ok(ReplayReport { rebuild, records })
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
    let unplaced = rebuild::rebuild(&tx, settings.batch_size, RebuildSource::Everything).await?;
    crate::crash::at(crate::crash::CrashPoint::ReplayBuilt);
    let found = compare(&tx, parts, unplaced, action.detail).await?;
    let options = ApplyOptions { dry_run: wanted.dry_run, allow_deletions: wanted.allow_deletions, action };
    let is_part = records.is_some() || wanted.entities.len() < ENTITIES.len();
    let result = decide(&found, &tx, settings, options, |error| error.while_doing(refused(is_part))).await?;
    let applied = result.applied;
    let rebuild = RebuildReport::new(run_id, wanted.dry_run, found.tables, result);
    let report = ReplayReport { rebuild, records };
    match applied {
        Some(_) => {
            action.applied(&tx, run_id, &report).await?;
            crate::crash::at(crate::crash::CrashPoint::ReplayApplied);
            tx.commit().await?;
        }
        None => tx.rollback().await?,
    }
    Ok((report, applied.is_some_and(|(_, some_unprocessed)| some_unprocessed)))
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
