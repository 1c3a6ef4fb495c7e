//! Actions requested in the dashboard: each is a row in `sync_actions`, which also records who requested it.
//!
//! Somebody asks ([`ask`]); the service finds the oldest ([`next`]), takes it under its lease ([`take`]), does it, and notes
//! the end ([`end`]). The transaction that changes the data notes that too ([`applied`]): if the service is killed, the next one
//! takes up what has changed nothing, and never repeats what has.

mod request;
mod shown;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::access::trust::superuser;
use crate::config::Retention;
use crate::db::{self, Db, DbError, Param};
use crate::display;
use crate::lease::{Fence, FencedTx, Unfenced};
use crate::run_log::kinds::{RunOutcome, RunState};
use crate::staging::{removal, written};

pub use request::{
    ActionKind, ActionOutcome, ActionRequest, DecisionRequest, DismissalRequest, RebuildRequest,
    RecordRequest, RetryRequest,
};
pub use shown::{Action, Examinations, LastVerified, examinations, last_verified, list, one};

/// The table of actions, for messages.
const TABLE: &str = "sync_actions";
/// An action is given up after it was begun this many times without an end (because it kills the program).
const TIMES_TAKEN: i32 = 5;
/// Characters of a text, and items of a list, in a stored report.
const LONGEST: usize = 2 * 1024;

/// An action that has not ended.
#[derive(Debug, Clone)]
pub struct OpenAction {
    /// Its id.
    pub id: Uuid,
    /// What was asked for; none if this program does not know it.
    pub request: Option<ActionRequest>,
    /// The dry run whose numbers were seen.
    pub based_on: Option<Uuid>,
}

/// Asks for an action. Returns its id, or that of an open one that asks for the same. `asked_by` is a person; none in the
/// demonstration.
///
/// # Errors
/// Those of the database; tables that a superuser must not write.
pub async fn ask(
    db: &Db,
    request: &ActionRequest,
    based_on: Option<Uuid>,
    asked_by: Option<Uuid>,
) -> Result<Uuid, DbError> {
    superuser::check_before_writing(db).await?;
    let now = db.now().await?;
    let (id, kind, arguments) = (Uuid::now_v7(), request.kind().as_str(), request.arguments());
    let digest = blake3::hash(format!("{kind} {based_on:?} {arguments}").as_bytes());
    let digest: &[u8] = digest.as_bytes();
    let params: [Param<'_>; 7] = [
        (&id, Type::UUID),
        (&kind, Type::TEXT),
        (&arguments, Type::JSONB),
        (&digest, Type::BYTEA),
        (&based_on, Type::UUID),
        (&asked_by, Type::UUID),
        (&now, Type::TIMESTAMPTZ),
    ];
    let open = "SELECT id FROM {schema}.sync_actions WHERE digest = $1 AND outcome IS NULL";
    // The open one may end between the two statements: then there is room for this one.
    for _ in 0..3 {
        let asked = Unfenced::Actions.query(db, include_str!("ask.sql"), &params).await?;
        if let Some(row) = asked.first() {
            tracing::info!(action = %id, kind, person = ?asked_by, "an action was asked for in the dashboard");
            return Ok(row.get("id"));
        }
        if let Some(row) = db.query(open, &[(&digest, Type::BYTEA)]).await?.first() {
            return Ok(row.get("id"));
        }
    }
    Err(written::suppressed_aside(db, TABLE, "what was asked for was not stored").await?)
}

/// The action to do next: the oldest that has not ended.
///
/// # Errors
/// Those of the database.
pub async fn next(db: &Db) -> Result<Option<OpenAction>, DbError> {
    let rows = db.query(include_str!("next.sql"), &[]).await?;
    Ok(rows.first().map(|row| OpenAction {
        id: row.get("id"),
        request: ActionRequest::of(row.get("kind"), &row.get("arguments")),
        based_on: row.get("based_on"),
    }))
}

/// Takes an action, under the lease. False if there is nothing to do for it: it has ended, or its end is noted now, since a
/// service that was killed had applied it, its run has ended, or it was begun too often.
///
/// # Errors
/// Those of the database; a lease that is lost.
pub async fn take(db: &Db, fence: &Fence, id: Uuid, run_id: Option<Uuid>) -> Result<bool, DbError> {
    fence.transaction(db, async |tx| take_in(tx, id, run_id).await).await
}

async fn take_in(tx: &FencedTx<'_>, id: Uuid, run_id: Option<Uuid>) -> Result<bool, DbError> {
    let now = tx.now().await?;
    let rows = tx.query(include_str!("lock.sql"), &[(&id, Type::UUID)]).await?;
    let Some(row) = rows.first().filter(|row| row.get::<_, Option<&str>>("outcome").is_none()) else {
        return Ok(false);
    };
    if let Some(ended) = ended_before(row)? {
        end_in(tx, id, &ended).await?;
        return Ok(false);
    }
    let params = [(&id as _, Type::UUID), (&now as _, Type::TIMESTAMPTZ), (&run_id as _, Type::UUID)];
    let taken = tx.query(include_str!("take.sql"), &params).await?;
    written::check(tx, TABLE, usize::from(taken.is_empty()), "taken").await?;
    Ok(true)
}

/// How an action ended that an earlier process had taken; none if it is to be begun again.
fn ended_before(row: &Row) -> Result<Option<ActionEnd>, DbError> {
    let state: Option<RunState> = db::optional_word(row, "run_status")?;
    let reason: Option<String> = row.get("run_reason");
    if let Some(outcome) = state.and_then(RunState::ended).and_then(outcome_of) {
        return Ok(Some(ActionEnd { reason, ..ActionEnd::of(outcome) }));
    }
    if row.get("is_applied") {
        let reason = "the service was stopped after the data was changed and before all was checked; the next run does what is left";
        return Ok(Some(ActionEnd {
            reason: Some(reason.to_owned()),
            ..ActionEnd::of(ActionOutcome::Partial)
        }));
    }
    let times: i32 = row.get("times_taken");
    Ok((times >= TIMES_TAKEN).then(|| ActionEnd {
        reason: Some(format!("it was started {times} times and never finished; nothing was changed")),
        ..ActionEnd::of(ActionOutcome::Failed)
    }))
}

/// The outcome of an action whose run ended so; none if the run is to be repeated.
pub fn outcome_of(status: RunOutcome) -> Option<ActionOutcome> {
    match status {
        RunOutcome::Success => Some(ActionOutcome::Done),
        RunOutcome::Partial => Some(ActionOutcome::Partial),
        RunOutcome::Failed => Some(ActionOutcome::Failed),
        RunOutcome::Interrupted => None,
    }
}

/// Notes, in the transaction that changes the data, that an action is applied.
///
/// # Errors
/// Those of the database, also if the action was applied already.
pub async fn applied(
    tx: &FencedTx<'_>,
    id: Uuid,
    run_id: Option<Uuid>,
    report: Value,
) -> Result<(), DbError> {
    let now = tx.now().await?;
    let report = storable(report);
    let params: [Param<'_>; 4] =
        [(&id, Type::UUID), (&now, Type::TIMESTAMPTZ), (&run_id, Type::UUID), (&report, Type::JSONB)];
    let noted = tx.query(include_str!("applied.sql"), &params).await?;
    written::check(tx, TABLE, usize::from(noted.is_empty()), "noted as applied").await
}

/// The end of an action.
#[derive(Debug, Clone)]
pub struct ActionEnd {
    /// How it ended.
    pub outcome: ActionOutcome,
    /// Why it was not done, or not wholly; in English.
    pub reason: Option<String>,
    /// The run that did it.
    pub run_id: Option<Uuid>,
    /// What was found or done.
    pub report: Option<Value>,
    /// Whether it was to change data: then one that was done in part and changed nothing counts as refused.
    pub applies: bool,
}

impl ActionEnd {
    /// An end with this outcome and nothing else.
    pub fn of(outcome: ActionOutcome) -> ActionEnd {
        ActionEnd { outcome, reason: None, run_id: None, report: None, applies: false }
    }
}

/// Notes the end of an action.
///
/// # Errors
/// Those of the database; a lease that is lost.
pub async fn end(db: &Db, fence: &Fence, id: Uuid, ended: &ActionEnd) -> Result<(), DbError> {
    fence.transaction(db, async |tx| end_in(tx, id, ended).await).await?;
    tracing::info!(action = %id, outcome = ended.outcome.as_str(), "an action of the dashboard ended");
    Ok(())
}

async fn end_in(tx: &FencedTx<'_>, id: Uuid, ended: &ActionEnd) -> Result<(), DbError> {
    let now = tx.now().await?;
    let report = ended.report.clone().map(storable);
    let reason = ended.reason.as_deref().map(|reason| reason.replace('\0', ""));
    let noted = tx
        .query(
            include_str!("end.sql"),
            &[
                (&id, Type::UUID),
                (&now, Type::TIMESTAMPTZ),
                (&ended.outcome.as_str(), Type::TEXT),
                (&reason, Type::TEXT),
                (&ended.run_id, Type::UUID),
                (&report, Type::JSONB),
                (&ended.applies, Type::BOOL),
            ],
        )
        .await?;
    written::check(tx, TABLE, usize::from(noted.is_empty()), "ended").await
}

/// A report as it can be stored and shown: bounded, and without the character that `jsonb` cannot hold.
fn storable(mut report: Value) -> Value {
    fn clean(value: &mut Value) {
        match value {
            Value::String(text) if text.contains('\0') => *text = text.replace('\0', ""),
            Value::Array(values) => values.iter_mut().for_each(clean),
            Value::Object(fields) => fields.values_mut().for_each(clean),
            _ => {}
        }
    }
    display::bounded(&mut report, LONGEST);
    clean(&mut report);
    report
}

/// Deletes actions that ended longer ago than runs are kept. Returns what stays although it is old and why, in one
/// sentence; none if nothing does.
///
/// # Errors
/// Those of the database.
pub async fn forget_old(db: &Db, kept: Retention) -> Result<Option<String>, DbError> {
    let Retention::Days(days) = kept else { return Ok(None) };
    let age = SignedDuration::from_hours(24 * i64::from(days));
    let before = db.now().await?.saturating_sub(age).unwrap_or(Timestamp::UNIX_EPOCH);
    Ok(removal::remove_before(db, TABLE, "ended_at", before).await?.kept_rows_message(TABLE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_stored_without_what_jsonb_cannot_hold() {
        let report = serde_json::json!({ "a": ["x\0y", 1], "b": { "c": "z".repeat(3 * LONGEST) } });
        let stored = storable(report);
        assert_eq!(stored["a"][0], "xy");
        assert!(stored["b"]["c"].as_str().unwrap().chars().count() < LONGEST + 100, "{stored}");
    }

    #[test]
    fn a_run_that_was_interrupted_is_repeated() {
        assert_eq!(outcome_of(RunOutcome::Interrupted), None);
        assert_eq!(outcome_of(RunOutcome::Partial), Some(ActionOutcome::Partial));
    }
}
