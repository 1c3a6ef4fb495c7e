//! Reads what the charts of the dashboard show of runs. Each statement reads a bounded number of runs by the index of their
//! start, and what belongs to each by its id; none reads staging.

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::db::{DbError, Tx};

/// The most runs whose growth is counted: with a run every five minutes there are fewer in 30 days.
pub const RUNS: i64 = 10_000;
/// The most requests whose latency is counted.
pub const REQUESTS: i64 = 100_000;
/// Of how many runs requests are counted at most, the newest.
pub const REQUEST_RUNS: i64 = 3_000;

/// New versions that a run staged of an entity.
#[derive(Debug, Serialize)]
pub struct StagedByRun {
    /// The run.
    pub run_id: String,
    /// The entity, as it is stored.
    pub entity: String,
    /// The number of versions.
    pub staged: i64,
}

/// What is usual for an entity.
#[derive(Debug, Serialize)]
pub struct UsualRange {
    /// The entity, as it is stored.
    pub entity: String,
    /// Of how many runs this is known.
    pub runs: i64,
    /// The number of new versions that 5 of 100 runs did not exceed.
    pub low: i64,
    /// The same for 95 of 100.
    pub high: i64,
}

/// What the runs of a day did to staging.
#[derive(Debug, Serialize)]
pub struct DailyGrowth {
    /// Which of the days, from 0.
    pub day: usize,
    /// The entity, as it is stored; none where the runs of the day counted nothing.
    pub entity: Option<String>,
    /// Versions staged.
    pub staged: i64,
    /// Versions dropped.
    pub dropped: i64,
    /// How many runs of all days are counted.
    #[serde(skip)]
    pub runs: i64,
}

/// Requests of an hour with about the same latency.
#[derive(Debug)]
pub struct LatencyBucket {
    /// Which of the hours, from 0.
    pub hour: usize,
    /// Which of the bounds is the first that the latency does not exceed; their number if it exceeds all.
    pub step: usize,
    /// The number of requests.
    pub requests: i64,
}

/// What runs changed of each entity that they read.
///
/// # Errors
/// Those of the database.
pub async fn changed(tx: &Tx<'_>, runs: &[Uuid]) -> Result<Vec<StagedByRun>, DbError> {
    let rows = tx.query(include_str!("changed.sql"), &[(&runs, Type::UUID_ARRAY)]).await?;
    let one = rows.iter().map(|row| StagedByRun {
        run_id: row.get("run_id"),
        entity: row.get("entity"),
        staged: row.get("staged"),
    });
    Ok(one.collect())
}

/// What good runs since an instant changed as a rule.
///
/// # Errors
/// Those of the database.
pub async fn usual(tx: &Tx<'_>, since: Timestamp) -> Result<Vec<UsualRange>, DbError> {
    let rows = tx.query(include_str!("usual.sql"), &[(&since, Type::TIMESTAMPTZ)]).await?;
    let one = rows.iter().map(|row| UsualRange {
        entity: row.get("entity"),
        runs: row.get("runs"),
        low: row.get("low"),
        high: row.get("high"),
    });
    Ok(one.collect())
}

/// How staging grew on the days that begin at these instants; the last one is the end of the last day.
///
/// # Errors
/// Those of the database.
pub async fn growth(tx: &Tx<'_>, days: &[Timestamp]) -> Result<Vec<DailyGrowth>, DbError> {
    let params = [(&days as _, Type::TIMESTAMPTZ_ARRAY), (&RUNS as _, Type::INT8)];
    let rows = tx.query(include_str!("growth.sql"), &params).await?;
    let one = rows.iter().filter_map(|row| {
        Some(DailyGrowth {
            day: place(row.get("day"), days)?,
            entity: row.get("entity"),
            staged: row.get("staged"),
            dropped: row.get("dropped"),
            runs: row.get("runs"),
        })
    });
    Ok(one.collect())
}

/// How many requests were made in the hours that begin at these instants, by the bounds of their latency in milliseconds; the
/// last instant is the end of the last hour.
///
/// # Errors
/// Those of the database.
pub async fn latency(
    tx: &Tx<'_>,
    hours: &[Timestamp],
    bounds: &[i64],
) -> Result<Vec<LatencyBucket>, DbError> {
    let params = [
        (&hours as _, Type::TIMESTAMPTZ_ARRAY),
        (&bounds as _, Type::INT8_ARRAY),
        (&REQUESTS as _, Type::INT8),
        (&REQUEST_RUNS as _, Type::INT8),
    ];
    let rows = tx.query(include_str!("latency.sql"), &params).await?;
    let one = rows.iter().filter_map(|row| {
        Some(LatencyBucket {
            hour: place(row.get("hour"), hours)?,
            step: usize::try_from(row.get::<_, i32>("step")).ok()?,
            requests: row.get("requests"),
        })
    });
    Ok(one.collect())
}

/// Which of the spans between the instants, from 0; none for what is outside of them, as a clock that is ahead may date it.
fn place(bucket: i32, instants: &[Timestamp]) -> Option<usize> {
    let place = usize::try_from(bucket).ok()?.checked_sub(1)?;
    (place + 1 < instants.len()).then_some(place)
}
