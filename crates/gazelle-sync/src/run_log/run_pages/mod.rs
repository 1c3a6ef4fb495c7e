//! Reads runs for the pages of the dashboard: a page of the list, and one run with all that is recorded of it.

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::last_runs::LastRun;
use super::report::EntityReport;
use crate::db::{self, DbError, Tx};
use crate::run_log::kinds::{RunState, RunTrigger};
use crate::source::OutcomeCode;

/// Runs on one page.
pub const PAGE: i64 = 50;
/// Requests of a run that are listed.
pub const REQUESTS: i64 = 200;

/// Which runs a page lists; a condition that is none holds for all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only in this state.
    pub status: Option<RunState>,
    /// Only of this command.
    pub command: Option<String>,
    /// Only what started before this position, the last one of the page before.
    pub before: Option<Position>,
}

/// A place in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Position {
    /// When the run there started.
    pub started_at: Timestamp,
    /// Its id.
    pub run_id: Uuid,
}

/// A run of the list.
#[derive(Debug, Serialize)]
pub struct ListedRun {
    /// What `status` shows of it.
    #[serde(flatten)]
    pub run: LastRun,
    /// What started it.
    pub trigger: RunTrigger,
}

impl ListedRun {
    fn of(row: &Row) -> Result<ListedRun, DbError> {
        Ok(ListedRun { run: LastRun::of(row)?, trigger: db::word(row, "trigger")? })
    }
}

/// A page of runs, the newest first, and where the next one begins; none on the last page.
///
/// # Errors
/// Those of the database.
pub async fn page(tx: &Tx<'_>, filter: &Filter) -> Result<(Vec<ListedRun>, Option<Position>), DbError> {
    page_of(tx, filter, PAGE).await
}

/// As [`page`], of at most `most` runs.
///
/// # Errors
/// Those of the database.
pub async fn page_of(
    tx: &Tx<'_>,
    filter: &Filter,
    most: i64,
) -> Result<(Vec<ListedRun>, Option<Position>), DbError> {
    let (at, id) = (filter.before.map(|place| place.started_at), filter.before.map(|place| place.run_id));
    // One more than is shown tells whether there is a next page.
    let rows = tx
        .query(
            include_str!("page.sql"),
            &[
                (&filter.status.map(RunState::as_str), Type::TEXT),
                (&filter.command, Type::TEXT),
                (&at, Type::TIMESTAMPTZ),
                (&id, Type::UUID),
                (&(most + 1), Type::INT8),
            ],
        )
        .await?;
    let size = usize::try_from(most).unwrap_or_default();
    let shown = &rows[..rows.len().min(size)];
    let last = |row: &Row| Position { started_at: row.get("started_at"), run_id: row.get("id") };
    let next = (rows.len() > size).then(|| shown.last().map(last)).flatten();
    Ok((shown.iter().map(ListedRun::of).collect::<Result<_, _>>()?, next))
}

/// The runs that were in progress within a period, oldest first, for a chart.
///
/// # Errors
/// Those of the database.
pub async fn since(tx: &Tx<'_>, since: Timestamp, until: Timestamp) -> Result<Vec<BriefRun>, DbError> {
    let params = [(&since as _, Type::TIMESTAMPTZ), (&until as _, Type::TIMESTAMPTZ)];
    let rows = tx.query(include_str!("since.sql"), &params).await?;
    let brief = |row: &Row| {
        Ok(BriefRun {
            run_id: row.get("run_id"),
            status: db::word(row, "status")?,
            started_at: row.get("started_at"),
            duration_ms: row.get("duration_ms"),
        })
    };
    rows.iter().map(brief).collect()
}

/// What a chart shows of a run.
#[derive(Debug, Clone, Serialize)]
pub struct BriefRun {
    /// Its id.
    pub run_id: String,
    /// Its state.
    pub status: RunState,
    /// When it started, UTC.
    pub started_at: Timestamp,
    /// Milliseconds from start to end; none while it is running.
    pub duration_ms: Option<i64>,
}

/// All that is recorded of a run, but for its warnings (`warnings`).
#[derive(Debug, Serialize)]
pub struct OneRun {
    /// As in the list.
    #[serde(flatten)]
    pub listed: ListedRun,
    /// When it ended, UTC; none while it is running.
    pub finished_at: Option<Timestamp>,
    /// The program that ran.
    pub program: String,
    /// What it did of each entity, parents first.
    pub entities: Vec<EntityReport>,
    /// Its requests after the one that was asked for, as many as are listed.
    pub sent: Vec<ApiRequest>,
    /// The number of the last one of them, if more follow.
    pub more_after: Option<i32>,
    /// The latency that 95 of 100 requests did not exceed, in milliseconds; none without requests.
    pub p95_latency_ms: Option<i64>,
}

/// A request of a run.
#[derive(Debug, Serialize)]
pub struct ApiRequest {
    /// Its number in the run.
    pub sequence: i32,
    /// The query.
    pub operation: String,
    /// How often it was tried.
    pub attempts: i32,
    /// The status of the last answer; none without one.
    pub http_status: Option<i32>,
    /// How it ended.
    pub outcome: OutcomeCode,
    /// Milliseconds to the last answer.
    pub latency_ms: i64,
    /// Bytes received.
    pub bytes: i64,
    /// When it was sent first, UTC.
    pub started_at: Timestamp,
}

/// Reads one run, with its requests after a number (0: from the first on); none if it is not recorded.
///
/// # Errors
/// Those of the database.
pub async fn one(tx: &Tx<'_>, run_id: Uuid, after: i32) -> Result<Option<OneRun>, DbError> {
    let rows = tx.query(include_str!("one.sql"), &[(&run_id, Type::UUID)]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let of_run = [(&run_id as _, Type::UUID)];
    let entities = tx.query(include_str!("entities.sql"), &of_run).await?;
    // One more than is listed tells whether more follow.
    let most = REQUESTS + 1;
    let limited = [(&run_id as _, Type::UUID), (&most as _, Type::INT8), (&after as _, Type::INT4)];
    let mut sent = tx.query(include_str!("requests.sql"), &limited).await?;
    let listed = usize::try_from(REQUESTS).unwrap_or_default();
    let more_after = (sent.len() > listed).then(|| sent[listed - 1].get("sequence"));
    sent.truncate(listed);
    let mut entities: Vec<EntityReport> = entities.iter().map(entity).collect();
    let names = crate::entities::names();
    entities.sort_by_key(|of| names.iter().position(|name| *name == of.entity).unwrap_or(names.len()));
    Ok(Some(OneRun {
        listed: ListedRun::of(row)?,
        finished_at: row.get("finished_at"),
        program: row.get("program"),
        entities,
        sent: sent.iter().map(request).collect::<Result<_, _>>()?,
        more_after,
        p95_latency_ms: row.get("p95_latency_ms"),
    }))
}

fn request(row: &Row) -> Result<ApiRequest, DbError> {
    Ok(ApiRequest {
        sequence: row.get("sequence"),
        operation: row.get("operation"),
        attempts: row.get("attempts"),
        http_status: row.get("http_status"),
        outcome: db::word(row, "outcome")?,
        latency_ms: row.get("latency_ms"),
        bytes: row.get("bytes"),
        started_at: row.get("started_at"),
    })
}

fn entity(row: &Row) -> EntityReport {
    let count = |column: &str| u64::try_from(row.get::<_, i64>(column)).unwrap_or_default();
    let number = |column: &str| row.get::<_, Option<i64>>(column).and_then(|n| u64::try_from(n).ok());
    EntityReport {
        entity: row.get("entity"),
        walk: row.get("walk"),
        walk_complete: row.get("walk_complete"),
        walk_settled: row.get::<_, Option<bool>>("walk_settled").unwrap_or_default(),
        short_by: row.get("short_by"),
        incomplete_reason: row.get("incomplete_reason"),
        source_total: number("source_total"),
        seen: number("seen"),
        fetched: count("fetched"),
        unlisted: count("unlisted"),
        found_by_id: count("found_by_id"),
        staged: count("staged"),
        unchanged: count("unchanged"),
        processed: count("processed"),
        errors: count("errors"),
        quarantined: count("quarantined"),
        unreadable_fields: count("unreadable_fields"),
        deleted: count("deleted"),
        dropped: count("dropped"),
        rows_written: count("rows_written"),
        in_staging: number("in_staging"),
        in_production: number("in_production"),
        fetch_ms: number("fetch_ms"),
        reconcile_ms: number("reconcile_ms"),
    }
}
