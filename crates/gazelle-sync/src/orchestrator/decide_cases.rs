//! Tries records in quarantine again, and dismisses cases, as somebody asked.

use serde::Serialize;
use serde_json::json;

use super::deciding::Deciding;
use crate::db::DbError;
use crate::entities::Entity;
use crate::lease::FencedTx;
use crate::run_log::kinds::RunCommand;
use crate::run_log::report::RunReport;
use crate::staging::quarantine;

/// The result of a retry.
#[derive(Debug, Serialize)]
pub struct RetryReport {
    /// Records that were tried again.
    pub retried: u64,
    /// The run that tried them.
    pub run: RunReport,
}

/// Makes faulty versions of these entities pending again, and reconciles them: of the records or versions `ids`, or all that are
/// open if there are none; with the code alone if one is given. None, and no run, if none of `ids` is in quarantine.
///
/// # Errors
/// The database's; a lease that is lost.
pub async fn retry(
    deciding: Deciding<'_>,
    entities: &[&'static Entity],
    ids: &[String],
    code: Option<&str>,
) -> Result<Option<RetryReport>, DbError> {
    let again = async |tx: &FencedTx<'_>| {
        let mut pending = 0;
        for entity in entities {
            pending += quarantine::retry(tx, entity, ids, code).await?;
        }
        if pending > 0 {
            deciding.applied(tx, json!({ "retried": pending })).await?;
        }
        Ok(pending)
    };
    let retried = deciding.leased.lease.fence().transaction(deciding.db, again).await?;
    if retried == 0 && (!ids.is_empty() || deciding.action.is_some()) {
        return Ok(None);
    }
    let run = deciding.reconcile(RunCommand::ErrorsRetry, entities.to_vec(), false).await?;
    Ok(Some(RetryReport { retried, run }))
}

/// Dismisses the cases of a record or version. Returns how many; none waited if it is 0.
///
/// # Errors
/// The database's; a lease that is lost.
pub async fn dismiss(
    deciding: Deciding<'_>,
    entities: &[&'static Entity],
    id: &str,
    reason: &str,
) -> Result<u64, DbError> {
    // Under the lease, like every other writer: a run in progress may be closing the same case.
    let dismiss = async |tx: &FencedTx<'_>| {
        let now = tx.now().await?;
        let mut dismissed = 0;
        for entity in entities {
            dismissed += quarantine::dismiss(tx, entity, &[id.to_owned()], reason, now).await?;
        }
        if dismissed > 0 {
            deciding.applied(tx, json!({ "dismissed": dismissed })).await?;
        }
        Ok(dismissed)
    };
    deciding.leased.lease.fence().transaction(deciding.db, dismiss).await
}
