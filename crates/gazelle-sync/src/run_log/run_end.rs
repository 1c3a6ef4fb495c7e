//! Records the end of a run, with what it did of each entity and its warnings.

use std::collections::HashSet;

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::report::{EntityReport, RunOutcome, RunReport};
use crate::db::{Db, DbError, DbErrorClass};
use crate::lease::{Fence, FencedTx};
use crate::staging::written;

/// Records the end of a run. Its work is committed by then: where something that was added to our tables refuses a part
/// of its record, the run ends without that part, as `partial` and with the reason, and does not seem to run for ever. Its
/// entities are no such part, because the schedule reads them: without them it has failed.
///
/// # Errors
/// The database's; also where the entities are refused.
pub(super) async fn note(db: &Db, fence: &Fence, report: &mut RunReport) -> Result<(), DbError> {
    let end = async |report: &RunReport, left_out| {
        fence.transaction(db, async |tx| finish(tx, report, left_out).await).await
    };
    let refusal = match end(report, LeftOut::Nothing).await {
        Err(refusal) if refusal.fault == DbErrorClass::Record => refusal,
        ended => return ended,
    };
    let status_before = report.status;
    report.note(RunOutcome::Partial, format!("the warnings of this run could not be noted: {refusal}"));
    let refusal = match end(report, LeftOut::Warnings).await {
        Err(refusal) if refusal.fault == DbErrorClass::Record => refusal,
        ended => return ended,
    };
    report.status = status_before;
    report.reasons.pop();
    report.note(RunOutcome::Failed, format!("the entities of this run could not be noted: {refusal}"));
    end(report, LeftOut::WarningsAndEntities).await?;
    Err(refusal)
}

/// What is not recorded at the end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LeftOut {
    Nothing,
    Warnings,
    WarningsAndEntities,
}

/// Records the end of a run, its entities and its warnings.
async fn finish(tx: &FencedTx<'_>, report: &RunReport, left_out: LeftOut) -> Result<(), DbError> {
    if left_out != LeftOut::WarningsAndEntities {
        let mut saved = 0;
        for entity in &report.entities {
            saved += save_entity(tx, report.run_id, entity).await?;
        }
        // The schedule and the alerts read them.
        written::check(tx, "sync_run_entities", report.entities.len().saturating_sub(saved), "noted").await?;
    }
    if left_out == LeftOut::Nothing {
        save_warnings(tx, report).await?;
    }
    let now = tx.now().await?;
    let reason = (!report.reasons.is_empty()).then(|| report.reasons.join("; "));
    let noted = tx
        .query(
            "UPDATE {schema}.sync_runs SET status = $2, reason = $3, finished_at = $4 WHERE run_id = $1 RETURNING 1",
            &[
                (&report.run_id, Type::UUID),
                (&report.status.as_str(), Type::TEXT),
                (&reason, Type::TEXT),
                (&now, Type::TIMESTAMPTZ),
            ],
        )
        .await?;
    written::check(tx, "sync_runs", usize::from(noted.is_empty()), "marked as ended").await
}

/// Returns how many rows were written: one.
async fn save_entity(tx: &FencedTx<'_>, run_id: Uuid, entity: &EntityReport) -> Result<usize, DbError> {
    let number = |value: Option<u64>| value.map(|n| n as i64);
    let EntityReport { walk, walk_complete, incomplete_reason, .. } = entity;
    let saved = tx
        .query(
            include_str!("save_run_entity.sql"),
            &[
                (&run_id, Type::UUID),
                (&entity.entity, Type::TEXT),
                (walk, Type::TEXT),
                (walk_complete, Type::BOOL),
                (incomplete_reason, Type::TEXT),
                (&number(entity.source_total), Type::INT8),
                (&number(entity.seen), Type::INT8),
                (&(entity.fetched as i64), Type::INT8),
                (&(entity.staged as i64), Type::INT8),
                (&(entity.unchanged as i64), Type::INT8),
                (&(entity.processed as i64), Type::INT8),
                (&(entity.errors as i64), Type::INT8),
                (&(entity.deleted as i64), Type::INT8),
                (&(entity.rows_written as i64), Type::INT8),
                (&number(entity.in_staging), Type::INT8),
                (&number(entity.in_production), Type::INT8),
                (&number(entity.fetch_ms), Type::INT8),
                (&number(entity.reconcile_ms), Type::INT8),
                (&(entity.dropped as i64), Type::INT8),
                (&(entity.unlisted as i64), Type::INT8),
                (&(entity.found_by_id as i64), Type::INT8),
                (&(entity.quarantined as i64), Type::INT8),
                (&(entity.unreadable_fields as i64), Type::INT8),
                (&entity.walk_settled, Type::BOOL),
                (&entity.short_by, Type::INT8),
            ],
        )
        .await?;
    Ok(saved.len())
}

async fn save_warnings(tx: &FencedTx<'_>, report: &RunReport) -> Result<(), DbError> {
    if report.warnings.is_empty() {
        return Ok(());
    }
    let codes: Vec<&str> = report.warnings.iter().map(|warning| warning.code.as_str()).collect();
    let subjects: Vec<&str> = report.warnings.iter().map(|warning| warning.subject.as_str()).collect();
    let messages: Vec<&str> = report.warnings.iter().map(|warning| warning.message.as_str()).collect();
    let saved = tx
        .query(
            include_str!("save_run_warnings.sql"),
            &[
                (&report.run_id, Type::UUID),
                (&codes, Type::TEXT_ARRAY),
                (&subjects, Type::TEXT_ARRAY),
                (&messages, Type::TEXT_ARRAY),
            ],
        )
        .await?;
    // Of several with one code and subject, one is kept.
    let distinct: HashSet<(&str, &str)> = codes.into_iter().zip(subjects).collect();
    written::check(tx, "sync_run_warnings", distinct.len().saturating_sub(saved.len()), "noted").await
}
