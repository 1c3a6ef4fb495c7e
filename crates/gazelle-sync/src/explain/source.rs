//! Looks up the runs and requests that fetched versions.

use std::collections::HashMap;

use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;
use serde_json::Value as Json;
use tokio_postgres::{Row, types::Type};
use uuid::Uuid;

use super::Moment;
use crate::db::{self, DbError, Tx};
use crate::run_log::kinds::{RunMode, RunState, RunTrigger};
use crate::source::OutcomeCode;
use crate::staging::history::Version;

/// The run that staged a version.
#[derive(Debug, Clone, Serialize)]
pub struct Run {
    /// Its id.
    pub run_id: Uuid,
    /// The command.
    pub command: String,
    /// `full` or `incremental`; `None` for a command without a mode.
    pub mode: Option<RunMode>,
    /// Who or what started it.
    pub trigger: RunTrigger,
    /// Its status.
    pub status: RunState,
    /// When it started.
    pub started_at: Moment,
}

/// The request that fetched a version.
#[derive(Debug, Clone, Serialize)]
pub struct Request {
    /// The run that made it.
    pub run_id: Uuid,
    /// Its number within the run.
    pub number: i32,
    /// The GraphQL operation.
    pub operation: String,
    /// The variables as sent: page size, page cursor (`after`), filters, or the requested id.
    pub variables: Json,
    /// Its page number within its window, from 1; `None` for a request without pages.
    pub page: Option<i64>,
    /// How many attempts it took.
    pub attempts: i32,
    /// HTTP status of the answer; `None` if there was none.
    pub http_status: Option<i32>,
    /// `ok`, or the class of the error.
    pub outcome: OutcomeCode,
    /// Duration of the last attempt, in milliseconds.
    pub latency_ms: i64,
    /// Bytes of body received.
    pub bytes: i64,
    /// When it was made.
    pub started_at: Moment,
}

impl Run {
    fn of(row: &Row, zone: &TimeZone) -> Result<Run, DbError> {
        Ok(Run {
            run_id: row.get("run_id"),
            command: row.get("command"),
            mode: db::optional_word(row, "mode")?,
            trigger: db::word(row, "trigger")?,
            status: db::word(row, "status")?,
            started_at: Moment::of(row.get::<_, Timestamp>("started_at"), zone),
        })
    }
}

impl Request {
    fn of(row: &Row, zone: &TimeZone) -> Result<Request, DbError> {
        Ok(Request {
            run_id: row.get("run_id"),
            number: row.get("sequence"),
            operation: row.get("operation"),
            variables: row.get("variables"),
            attempts: row.get("attempts"),
            http_status: row.get("http_status"),
            outcome: db::word(row, "outcome")?,
            latency_ms: row.get("latency_ms"),
            bytes: row.get("bytes"),
            started_at: Moment::of(row.get::<_, Timestamp>("started_at"), zone),
            page: row.get("page"),
        })
    }
}

/// The runs and requests of some versions.
#[derive(Debug, Default)]
pub struct Sources {
    runs: HashMap<Uuid, Run>,
    requests: HashMap<(Uuid, i32), Request>,
}

impl Sources {
    /// Looks up the runs and requests of these versions.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn of(tx: &Tx<'_>, versions: &[Version], zone: &TimeZone) -> Result<Sources, DbError> {
        let ids: Vec<Uuid> = versions.iter().filter_map(|version| version.run_id).collect();
        let rows = tx
            .query(
                "SELECT run_id, command, mode, trigger, status, started_at
                   FROM {schema}.sync_runs WHERE run_id = ANY ($1::uuid[])",
                &[(&ids, Type::UUID_ARRAY)],
            )
            .await?;
        let runs = rows
            .iter()
            .map(|row| Ok((row.get("run_id"), Run::of(row, zone)?)))
            .collect::<Result<_, DbError>>()?;
        let (ids, numbers): (Vec<Uuid>, Vec<i32>) =
            versions.iter().filter_map(|version| Some((version.run_id?, version.request?))).unzip();
        let rows = tx
            .query(include_str!("requests.sql"), &[(&ids, Type::UUID_ARRAY), (&numbers, Type::INT4_ARRAY)])
            .await?;
        let requests = rows
            .iter()
            .map(|row| Ok(((row.get("run_id"), row.get("sequence")), Request::of(row, zone)?)))
            .collect::<Result<_, DbError>>()?;
        Ok(Sources { runs, requests })
    }

    /// The run that staged a version.
    pub fn run(&self, version: &Version) -> Option<Run> {
        self.runs.get(&version.run_id?).cloned()
    }

    /// The request that fetched a version.
    pub fn request(&self, version: &Version) -> Option<Request> {
        self.requests.get(&(version.run_id?, version.request?)).cloned()
    }
}

/// The later requests that completed a record's long lists.
///
/// # Errors
/// Those of the database.
pub async fn completed_by(
    tx: &Tx<'_>,
    first: &Request,
    operations: &[&str],
    ids: &[&str],
    zone: &TimeZone,
) -> Result<Vec<Request>, DbError> {
    let rows = tx
        .query(
            include_str!("completed_by.sql"),
            &[
                (&first.run_id, Type::UUID),
                (&first.number, Type::INT4),
                (&operations, Type::TEXT_ARRAY),
                (&ids, Type::TEXT_ARRAY),
            ],
        )
        .await?;
    rows.iter().map(|row| Request::of(row, zone)).collect()
}
