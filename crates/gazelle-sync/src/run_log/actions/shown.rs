//! Actions as the pages show them.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::request::{ActionKind, ActionOutcome, ActionRequest};
use crate::db::{self, DbError, Param, Tx};
use crate::states::VerifyVerdict;

/// An action as the pages show it.
#[derive(Debug, Clone, Serialize)]
pub struct Action {
    /// Its id, a UUID of version 7.
    pub id: Uuid,
    /// The kind, as it is stored.
    pub kind: String,
    /// The arguments, as they are stored.
    pub arguments: Value,
    /// The dry run whose numbers were seen.
    pub based_on: Option<Uuid>,
    /// Who asked; none in the demonstration.
    pub asked_by: Option<Uuid>,
    /// The person's name.
    pub name: Option<String>,
    /// When it was asked for, UTC.
    pub asked_at: Timestamp,
    /// When it was last taken, UTC.
    pub taken_at: Option<Timestamp>,
    /// How often it was taken.
    pub times_taken: i32,
    /// When it changed the data, UTC.
    pub applied_at: Option<Timestamp>,
    /// The run that did it.
    pub run_id: Option<Uuid>,
    /// How it ended; none while it has not.
    pub outcome: Option<ActionOutcome>,
    /// Why it was not done, or not wholly.
    pub reason: Option<String>,
    /// When it ended, UTC.
    pub ended_at: Option<Timestamp>,
    /// What was found or done; read only of a single action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<Value>,
}

impl Action {
    fn of(row: &Row) -> Result<Action, DbError> {
        Ok(Action {
            id: row.get("id"),
            kind: row.get("kind"),
            arguments: row.get("arguments"),
            based_on: row.get("based_on"),
            asked_by: row.get("asked_by"),
            name: row.get("name"),
            asked_at: row.get("asked_at"),
            taken_at: row.get("taken_at"),
            times_taken: row.get("times_taken"),
            applied_at: row.get("applied_at"),
            run_id: row.get("run_id"),
            outcome: db::optional_word(row, "outcome")?,
            reason: row.get("reason"),
            ended_at: row.get("ended_at"),
            report: row.get("report"),
        })
    }

    /// What was asked for; none if this program does not know it.
    pub fn request(&self) -> Option<ActionRequest> {
        ActionRequest::of(&self.kind, &self.arguments)
    }

    /// Whether it is an examination, whose report is for operators alone.
    pub fn is_examination(&self) -> bool {
        self.kind == ActionKind::Doctor.as_str()
    }
}

/// At most `most` actions, newest first; those before an id, if one is given.
///
/// # Errors
/// Those of the database.
pub async fn list(tx: &Tx<'_>, before: Option<Uuid>, most: i64) -> Result<Vec<Action>, DbError> {
    listed(tx, before, None, most).await
}

/// One action, with its report.
///
/// # Errors
/// Those of the database.
pub async fn one(tx: &Tx<'_>, id: Uuid) -> Result<Option<Action>, DbError> {
    Ok(listed(tx, None, Some(id), 1).await?.pop())
}

async fn listed(
    tx: &Tx<'_>,
    before: Option<Uuid>,
    id: Option<Uuid>,
    most: i64,
) -> Result<Vec<Action>, DbError> {
    let params: [Param<'_>; 3] = [(&before, Type::UUID), (&most, Type::INT8), (&id, Type::UUID)];
    tx.query(include_str!("listed.sql"), &params).await?.iter().map(Action::of).collect()
}

/// The examinations by `doctor` that a page tells of.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Examinations {
    /// One that waits or is being done.
    pub open: Option<Action>,
    /// The last one, if it came to no result.
    pub failed: Option<Action>,
    /// The last result.
    pub last: Option<Action>,
}

/// Reads the examinations.
///
/// # Errors
/// Those of the database.
pub async fn examinations(tx: &Tx<'_>) -> Result<Examinations, DbError> {
    let rows = tx.query(include_str!("examined.sql"), &[]).await?;
    let actions: Vec<Action> = rows.iter().map(Action::of).collect::<Result<_, _>>()?;
    let (open, mut ended): (Vec<Action>, Vec<Action>) =
        actions.into_iter().partition(|action| action.outcome.is_none());
    let has_result = |action: &Action| action.report.as_ref().is_some_and(|of| of["checks"].is_array());
    ended.sort_by_key(|action| std::cmp::Reverse(action.ended_at));
    let failed = ended.first().filter(|action| !has_result(action)).cloned();
    Ok(Examinations { open: open.into_iter().next(), failed, last: ended.into_iter().find(has_result) })
}

/// The verdict of the last verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastVerified {
    /// The action.
    pub id: Uuid,
    /// When it ended, UTC.
    pub at: Timestamp,
    /// Its verdict.
    pub verdict: VerifyVerdict,
    /// Rows that were compared.
    pub rows: i64,
    /// Records that Gazelle was asked for.
    pub asked: i64,
    /// All differences.
    pub differences: i64,
}

/// The last verification that came to a verdict.
///
/// # Errors
/// Those of the database.
pub async fn last_verified(tx: &Tx<'_>) -> Result<Option<LastVerified>, DbError> {
    let rows = tx.query(include_str!("verified.sql"), &[]).await?;
    let last = |row: &Row| {
        Ok(LastVerified {
            id: row.get("id"),
            at: row.get("ended_at"),
            verdict: db::word(row, "verdict")?,
            rows: row.get("rows"),
            asked: row.get("asked"),
            differences: row.get("differences"),
        })
    };
    rows.first().map(last).transpose()
}
