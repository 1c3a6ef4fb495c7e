//! Deletes old runs with their requests, warnings and deletions, and closed quarantine cases, according to the
//! setting `runs_retention`: only what nothing refers to any more. `explain` can still name run, request and page
//! of every version in staging.

use jiff::{SignedDuration, Timestamp};
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::config::Retention;
use crate::db::{Db, DbError};
use crate::staging::quarantine;
use crate::staging::retention::NamedRuns;

/// Most runs checked in one transaction.
const A_TIME: i64 = 500;
/// The number of last runs that stay, however old: the schedule, the alerts and `status` read them.
const STAY: i64 = 100;

/// How much was deleted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Forgotten {
    /// Runs.
    pub runs: u64,
    /// Requests of runs that stay.
    pub requests: u64,
    /// Closed quarantine cases.
    pub cases: u64,
}

/// Deletes what is older than the setting allows, by the database's clock, which has dated it.
///
/// Effects: one transaction for some hundred runs. It may run during a sync: what a sync writes is newer.
///
/// # Errors
/// Those of the database; what was deleted before stays deleted.
pub async fn forget(db: &Db, kept: Retention) -> Result<Forgotten, DbError> {
    let mut forgotten = Forgotten::default();
    let Retention::Days(days) = kept else { return Ok(forgotten) };
    let age = SignedDuration::from_hours(24 * i64::from(days));
    let cutoff = db.now().await?.saturating_sub(age).unwrap_or(Timestamp::UNIX_EPOCH);
    forgotten.cases = quarantine::forget_closed(db, cutoff).await?;
    let mut position = (Timestamp::UNIX_EPOCH, Uuid::nil());
    let mut named: Option<NamedRuns> = None;
    loop {
        let mut connection = db.connection().await?;
        let tx = connection.begin().await?;
        let old = tx
            .query(
                include_str!("old_runs.sql"),
                &[
                    (&cutoff, Type::TIMESTAMPTZ),
                    (&position.0, Type::TIMESTAMPTZ),
                    (&position.1, Type::UUID),
                    (&STAY, Type::INT8),
                    (&A_TIME, Type::INT8),
                ],
            )
            .await?;
        let Some(last) = old.last() else { return Ok(forgotten) };
        position = (last.get(1), last.get(0));
        // This reads all of staging: once, and only if there is something to delete.
        let named = match &mut named {
            Some(named) => named,
            None => named.insert(NamedRuns::read(db).await?),
        };
        let is_free = |run: &Uuid, free: bool| free && !named.runs.contains(run);
        let of = |free: bool| -> Vec<Uuid> {
            let runs = old.iter().map(|row| (row.get::<_, Uuid>(0), row.get::<_, bool>(2)));
            runs.filter(|(run, unneeded)| is_free(run, *unneeded) == free).map(|(run, _)| run).collect()
        };
        let (gone, stay) = (of(true), of(false));
        let (runs, requests): (Vec<Uuid>, Vec<i32>) = stay
            .iter()
            .flat_map(|run| named.requests.get(run).into_iter().flatten().map(|request| (*run, *request)))
            .unzip();
        forgotten.requests += tx
            .execute(
                include_str!("forget_requests.sql"),
                &[(&stay, Type::UUID_ARRAY), (&runs, Type::UUID_ARRAY), (&requests, Type::INT4_ARRAY)],
            )
            .await?;
        let sql = "DELETE FROM {schema}.sync_runs WHERE run_id = ANY ($1::uuid[])";
        forgotten.runs += tx.execute(sql, &[(&gone, Type::UUID_ARRAY)]).await?;
        tx.commit().await?;
    }
}
