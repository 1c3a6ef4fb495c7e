//! Deletes old runs with their requests, warnings and deletions, and closed quarantine cases, according to the
//! setting `runs_retention`: only what nothing refers to any more. `explain` can still name run, request and page
//! of every version in staging.

use jiff::{SignedDuration, Timestamp};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::config::Retention;
use crate::db::{Db, DbError, Param, Template};
use crate::lease::Unfenced;
use crate::staging::quarantine;
use crate::staging::removal::retention::NamedRuns;
use crate::staging::removal::{self, Holders, Removed};

/// Most runs checked in one transaction.
const A_TIME: i64 = 500;
/// The number of last runs that stay, however old: the schedule, the alerts and `status` read them.
const STAY: i64 = 100;

/// How much was deleted.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Forgotten {
    /// Runs.
    pub runs: u64,
    /// Requests of runs that stay.
    pub requests: u64,
    /// Closed quarantine cases.
    pub cases: u64,
    /// The tables of which old rows stay because of what a user has added, each with one sentence.
    pub kept: Vec<(&'static str, String)>,
}

/// Deletes what is older than the setting allows, by the database's clock, which has dated it.
///
/// Effects: one transaction for some hundred runs. It may run during a sync: what a sync writes is newer.
///
/// # Errors
/// Those of the database; what was deleted before stays deleted.
pub async fn forget(db: &Db, kept: Retention) -> Result<Forgotten, DbError> {
    let Retention::Days(days) = kept else { return Ok(Forgotten::default()) };
    let age = SignedDuration::from_hours(24 * i64::from(days));
    let cutoff = db.now().await?.saturating_sub(age).unwrap_or(Timestamp::UNIX_EPOCH);
    let cases = quarantine::forget::forget_closed(db, cutoff).await?;
    let (mut runs, mut requests) = (Removed::default(), Removed::default());
    let mut position = (Timestamp::UNIX_EPOCH, Uuid::nil());
    let mut referred: Option<(NamedRuns, [Holders; 2])> = None;
    loop {
        let params: [Param<'_>; 5] = [
            (&cutoff, Type::TIMESTAMPTZ),
            (&position.0, Type::TIMESTAMPTZ),
            (&position.1, Type::UUID),
            (&STAY, Type::INT8),
            (&A_TIME, Type::INT8),
        ];
        let old = db.query(include_str!("old_runs.sql"), &params).await?;
        let Some(last) = old.last() else { break };
        position = (last.get("started_at"), last.get("run_id"));
        // This reads all of staging: once, and only if there is something to delete.
        let (named, [of_runs, of_requests]) = match &mut referred {
            Some(referred) => referred,
            None => referred.insert((NamedRuns::read(db).await?, holders(db).await?)),
        };
        let is_free = |row: &Row| row.get("goes") && !named.runs.contains(&row.get::<_, Uuid>("run_id"));
        let (gone, stay): (Vec<&Row>, Vec<&Row>) = old.iter().partition(|row| is_free(row));
        let [gone, stay] =
            [gone, stay].map(|rows| rows.iter().map(|row| row.get("run_id")).collect::<Vec<Uuid>>());
        let mut parts = removal::parts(&stay);
        while let Some(part) = requests.next(&mut parts) {
            let forgotten = forget_requests(db, of_requests, named, part).await;
            requests.add_result(&mut parts, part, forgotten)?;
        }
        let mut parts = removal::parts(&gone);
        while let Some(part) = runs.next(&mut parts) {
            let forgotten = forget_some(db, of_runs, part).await;
            runs.add_result(&mut parts, part, forgotten)?;
        }
    }
    let kept = [("sync_quarantine", &cases), ("sync_run_requests", &requests), ("sync_runs", &runs)];
    let kept =
        kept.into_iter().filter_map(|(table, of)| Some((table, of.kept_rows_message(table)?))).collect();
    Ok(Forgotten { runs: runs.gone, requests: requests.gone, cases: cases.gone, kept })
}

async fn holders(db: &Db) -> Result<[Holders; 2], DbError> {
    let mut connection = db.connection().await?;
    let tx = connection.begin().await?;
    Ok([Holders::of(&tx, "sync_runs").await?, Holders::of(&tx, "sync_run_requests").await?])
}

/// Deletes runs, in one transaction.
async fn forget_some(db: &Db, holders: &Holders, runs: &[Uuid]) -> Result<Removed, DbError> {
    let mut connection = db.connection().await?;
    let tx = Unfenced::OldRows.begin(&mut connection).await?;
    let removed = holders.remove_where(&tx, "run_id", "", runs).await?;
    tx.commit().await?;
    Ok(removed)
}

/// Deletes the requests of runs that stay, in one transaction.
async fn forget_requests(
    db: &Db,
    holders: &Holders,
    named: &NamedRuns,
    stay: &[Uuid],
) -> Result<Removed, DbError> {
    let (runs, requests): (Vec<Uuid>, Vec<i32>) = stay
        .iter()
        .flat_map(|run| named.requests.get(run).into_iter().flatten().map(|request| (*run, *request)))
        .unzip();
    let sql = Template::new(include_str!("forget_requests.sql"))
        .with("and_not_held", holders.and_not_held())
        .fill();
    let params: [Param<'_>; 3] =
        [(&stay, Type::UUID_ARRAY), (&runs, Type::UUID_ARRAY), (&requests, Type::INT4_ARRAY)];
    let mut connection = db.connection().await?;
    let tx = Unfenced::OldRows.begin(&mut connection).await?;
    let gone = tx.execute(&sql, &params).await?;
    tx.commit().await?;
    Ok(Removed::all(gone))
}
