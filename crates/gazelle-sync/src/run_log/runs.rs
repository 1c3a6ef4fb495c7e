//! Writes and reads the record of runs: what was started and by whom, and the result of each entity and each
//! request.

use std::pin::Pin;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use tracing::Instrument;
use uuid::Uuid;

use super::kinds::{RunCommand, RunMode, RunState, RunTrigger};
use super::report::{RequestSum, RunOutcome, RunReport, milliseconds};
use super::run_end;

use crate::db::{self, Db, DbError, Tx};
use crate::entities::{self, Entity};
use crate::lease::{Fence, FencedTx, Unfenced};
use crate::source::RequestRecord;
use crate::staging::versions::clock::RunClock;
use crate::staging::versions::json_text::JsonText;
use crate::staging::written;

/// The starts of the last runs that count for the schedule; none if there was no such run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LastStarts {
    /// The last one of any mode.
    pub any: Option<Timestamp>,
    /// The last full one.
    pub full: Option<Timestamp>,
}

/// The last requests of a run are written within this time, or not at all.
const LONGEST_CLOSE: std::time::Duration = std::time::Duration::from_secs(60);

/// Most requests written in one statement.
const REQUESTS_A_STATEMENT: usize = 500;

/// A run that is about to start.
#[derive(Debug, Clone, Copy)]
pub struct NewRun {
    /// Its id.
    pub run_id: Uuid,
    /// The command that it executes.
    pub command: RunCommand,
    /// The mode of its walks; none for a run without stage 1.
    pub mode: Option<RunMode>,
    /// Who started it.
    pub trigger: RunTrigger,
}

/// Records the start of a run, executes `work`, and records the end; returns what the work returns. Work that fails
/// is recorded as failed, if the database still allows it. The work is boxed, because its future is large and would be
/// part of every caller's.
///
/// # Errors
/// Those of `work`; the database's; a lease that is lost.
pub async fn recorded<T>(
    db: &Db,
    fence: &Fence,
    run: NewRun,
    work: Pin<Box<impl Future<Output = Result<(T, RunReport), DbError>>>>,
) -> Result<(T, RunReport), DbError> {
    fence.transaction(db, async |tx| start(tx, run, fence.token()).await).await?;
    crate::crash::at(crate::crash::CrashPoint::RunNoted);
    started(db, fence, run, work).await
}

/// Executes `work`, and records the end of a run whose [`start`] is recorded. Otherwise like [`recorded`].
///
/// # Errors
/// As [`recorded`].
pub async fn started<T>(
    db: &Db,
    fence: &Fence,
    run: NewRun,
    work: Pin<Box<impl Future<Output = Result<(T, RunReport), DbError>>>>,
) -> Result<(T, RunReport), DbError> {
    let started = Instant::now();
    match work.await {
        Ok((done, mut report)) => {
            report.mode = run.mode;
            report.duration_ms = milliseconds(started.elapsed());
            run_end::note(db, fence, &mut report).await?;
            crate::crash::at(crate::crash::CrashPoint::RunFinished);
            Ok((done, report))
        }
        Err(error) => {
            let mut failed = RunReport::new(run.run_id, run.mode, Vec::new(), started.elapsed());
            failed.note(RunOutcome::Failed, error.to_string());
            match run_end::note(db, fence, &mut failed).await {
                Ok(()) => crate::crash::at(crate::crash::CrashPoint::RunFinished),
                // The caller needs the error that ended the run, not this one.
                Err(error) => tracing::warn!(%error, "the end of the failed run could not be noted"),
            }
            Err(error)
        }
    }
}

/// Records the start of a run. Marks runs that never ended as interrupted: their process is gone, or this one would
/// not hold the lease.
///
/// # Errors
/// Those of the database, also for a run that a trigger keeps out.
pub async fn start(tx: &FencedTx<'_>, run: NewRun, fencing_token: i64) -> Result<(), DbError> {
    let now = tx.now().await?;
    // Not checked: a trigger that suppresses it also suppresses the end of this run, which is checked.
    tx.execute(include_str!("interrupt_runs.sql"), &[(&now, Type::TIMESTAMPTZ)]).await?;
    let program = concat!("gazelle-sync ", env!("CARGO_PKG_VERSION"));
    let noted = tx
        .query(
            include_str!("start_run.sql"),
            &[
                (&run.run_id, Type::UUID),
                (&run.command.as_str(), Type::TEXT),
                (&run.mode.map(RunMode::as_str), Type::TEXT),
                (&run.trigger.as_str(), Type::TEXT),
                (&now, Type::TIMESTAMPTZ),
                (&fencing_token, Type::INT8),
                (&program, Type::TEXT),
            ],
        )
        .await?;
    written::check(tx, "sync_runs", usize::from(noted.is_empty()), "noted").await
}

/// Records every request of a run as it ends, some hundred at a time. Dropping all observers and awaiting
/// [`RequestLog::close`] writes the last ones.
pub struct RequestLog {
    sender: mpsc::UnboundedSender<RequestRecord>,
    writer: tokio::task::JoinHandle<RequestSum>,
}

impl RequestLog {
    /// Starts the writer.
    pub fn start(db: Db, run_id: Uuid, clock: RunClock) -> RequestLog {
        let (sender, receiver) = mpsc::unbounded_channel();
        // The HTTP client dates requests by the machine's clock.
        let ahead = Timestamp::now().duration_since(clock.database_now());
        let writer = tokio::spawn(write_requests(db, run_id, ahead, receiver).in_current_span());
        RequestLog { sender, writer }
    }

    /// The callback to which a client passes each request's record.
    pub fn observer(&self) -> impl Fn(RequestRecord) + Send + Sync + 'static {
        let sender = self.sender.clone();
        move |record| {
            // The writer outlives the run's client; if it is gone, the run has ended.
            let _ = sender.send(record);
        }
    }

    /// Waits until all requests are written, and returns their sums. If the run was aborted while its client is
    /// still in use, gives up after a minute and returns zeros.
    pub async fn close(self) -> RequestSum {
        drop(self.sender);
        match tokio::time::timeout(LONGEST_CLOSE, self.writer).await {
            Ok(sum) => sum.unwrap_or_default(),
            Err(_) => RequestSum::default(),
        }
    }
}

async fn write_requests(
    db: Db,
    run_id: Uuid,
    ahead: SignedDuration,
    mut receiver: mpsc::UnboundedReceiver<RequestRecord>,
) -> RequestSum {
    let mut sum = RequestSum::default();
    let mut batch = Vec::new();
    while receiver.recv_many(&mut batch, REQUESTS_A_STATEMENT).await > 0 {
        // Fuller batches need fewer statements; the run has ended when all senders are gone.
        while batch.len() < REQUESTS_A_STATEMENT {
            let room = REQUESTS_A_STATEMENT - batch.len();
            if receiver.recv_many(&mut batch, room).await == 0 {
                break;
            }
        }
        if let Err(error) = save_requests(&db, run_id, ahead, &batch).await {
            tracing::warn!(%error, "the requests of this run could not be noted");
        }
        for record in &batch {
            sum.requests += 1;
            sum.attempts += record.attempts.len() as u64;
            sum.slowest_ms = sum.slowest_ms.max(Some(milliseconds(record.latency())));
        }
        batch.clear();
    }
    sum
}

/// `ahead` is by how much the machine's clock is ahead of the database's.
async fn save_requests(
    db: &Db,
    run_id: Uuid,
    ahead: SignedDuration,
    batch: &[RequestRecord],
) -> Result<(), DbError> {
    let sequences: Vec<i32> = batch.iter().map(|r| r.number).collect();
    let operations: Vec<&str> = batch.iter().map(|r| r.operation_name.as_str()).collect();
    let texts: Vec<String> = batch.iter().map(|r| r.variables.to_string()).collect();
    let variables: Vec<JsonText<'_>> = texts.iter().map(|text| JsonText(text)).collect();
    let attempts: Vec<i32> = batch.iter().map(|r| r.attempts.len() as i32).collect();
    let statuses: Vec<Option<i32>> = batch.iter().map(|r| r.http_status().map(i32::from)).collect();
    let outcomes: Vec<&str> = batch.iter().map(|r| r.outcome.code().as_str()).collect();
    let latencies: Vec<i64> = batch.iter().map(|r| milliseconds(r.latency()) as i64).collect();
    let bytes: Vec<i64> = batch.iter().map(|r| r.bytes() as i64).collect();
    let started: Vec<Timestamp> =
        batch.iter().map(|r| r.started_at.saturating_sub(ahead).unwrap_or(r.started_at)).collect();
    let saved = Unfenced::RequestsOfRun
        .query(
            db,
            include_str!("save_requests.sql"),
            &[
                (&run_id, Type::UUID),
                (&sequences, Type::INT4_ARRAY),
                (&operations, Type::TEXT_ARRAY),
                (&variables, Type::JSONB_ARRAY),
                (&attempts, Type::INT4_ARRAY),
                (&statuses, Type::INT4_ARRAY),
                (&outcomes, Type::TEXT_ARRAY),
                (&latencies, Type::INT8_ARRAY),
                (&bytes, Type::INT8_ARRAY),
                (&started, Type::TIMESTAMPTZ_ARRAY),
            ],
        )
        .await?;
    match batch.len().saturating_sub(saved.len()) {
        0 => Ok(()),
        left => {
            Err(written::suppressed_aside(db, "sync_run_requests", &format!("{left} were not noted")).await?)
        }
    }
}

/// The last good runs, for the schedule and the alerts.
#[derive(Debug, Clone)]
pub struct PastRuns {
    /// By entity, for the schedule: a failed run counts too if it read the entity's list whole.
    pub of: Vec<(&'static Entity, LastStarts)>,
    /// Since when all entities are good. For each entity, the end of the last run that was a success or partial and
    /// read its list whole; of these, the earliest. None while an entity has no such run.
    pub last_good: Option<Timestamp>,
    /// When each entity was last good.
    pub good_of: Vec<(&'static Entity, Option<Timestamp>)>,
    /// When this was read, by the database's clock.
    pub asked_at: Timestamp,
}

impl PastRuns {
    /// From the rows of `past_runs.sql`, which were asked for at `now`.
    fn of_rows(rows: &[Row], now: Timestamp) -> PastRuns {
        // An entity that no run has included yet is new, and does not make the others worse.
        let known = rows.iter().filter(|row| row.get("is_known"));
        let ended: Option<Vec<Timestamp>> = known.map(|row| row.get("finished_at")).collect();
        let of = rows.iter().filter_map(|row| {
            let entity = entities::entity(row.get("name"))?;
            Some((entity, LastStarts { any: row.get("started_at"), full: row.get("full_started_at") }))
        });
        let good_of =
            rows.iter().filter_map(|row| Some((entities::entity(row.get("name"))?, row.get("finished_at"))));
        let last_good = ended.and_then(|ended| ended.into_iter().min());
        PastRuns { of: of.collect(), good_of: good_of.collect(), last_good, asked_at: now }
    }
}

/// Reads when the last good runs of each entity started and ended. Runs dated later than now are left out: a wrong
/// clock dated them, and they would count as the last until then.
///
/// # Errors
/// Those of the database.
pub async fn past(db: &Db) -> Result<PastRuns, DbError> {
    let now = db.now().await?;
    let names = entities::names();
    let params = [(&now as _, Type::TIMESTAMPTZ), (&names as _, Type::TEXT_ARRAY)];
    Ok(PastRuns::of_rows(&db.query(include_str!("past_runs.sql"), &params).await?, now))
}

/// As [`past`], in a transaction.
///
/// # Errors
/// Those of the database.
pub async fn past_in(tx: &Tx<'_>) -> Result<PastRuns, DbError> {
    let now = tx.now().await?;
    let names = entities::names();
    let params = [(&now as _, Type::TIMESTAMPTZ), (&names as _, Type::TEXT_ARRAY)];
    Ok(PastRuns::of_rows(&tx.query(include_str!("past_runs.sql"), &params).await?, now))
}

/// How many earlier walks must have been short by the same number before a list counts as one that never adds up.
const ALIKE: i64 = 2;

/// By how many records the API's count was off in each of the last walks of an entity (`whole`, or of a window);
/// none if not by the same number each time.
///
/// # Errors
/// Those of the database.
pub async fn known_shortfall(db: &Db, entity: &Entity, whole: bool) -> Result<Option<i64>, DbError> {
    let params = [(&entity.name as _, Type::TEXT), (&whole as _, Type::BOOL), (&ALIKE as _, Type::INT8)];
    let rows = db.query(include_str!("last_shortfalls.sql"), &params).await?;
    let shortfalls: Option<Vec<i64>> = rows.iter().map(|row| row.get(0)).collect();
    Ok(match shortfalls.as_deref() {
        Some([first, rest @ ..]) if rows.len() as i64 == ALIKE && rest.iter().all(|one| one == first) => {
            Some(*first)
        }
        _ => None,
    })
}

/// A run, as the service shows it.
#[derive(Debug, Clone, serde::Serialize)]
pub struct RunSummary {
    run_id: Uuid,
    command: String,
    mode: Option<RunMode>,
    trigger: RunTrigger,
    status: RunState,
    reason: Option<String>,
    started_at: Timestamp,
    finished_at: Option<Timestamp>,
}

/// The last runs, newest first, with the beginnings of their reasons; those that a wrong clock has dated into the
/// future come last.
///
/// # Errors
/// Those of the database.
pub async fn last(db: &Db) -> Result<Vec<RunSummary>, DbError> {
    let run = |row: &Row| {
        Ok(RunSummary {
            run_id: row.get("run_id"),
            command: row.get("command"),
            mode: db::optional_word(row, "mode")?,
            trigger: db::word(row, "trigger")?,
            status: db::word(row, "status")?,
            reason: row.get("reason"),
            started_at: row.get("started_at"),
            finished_at: row.get("finished_at"),
        })
    };
    db.query(include_str!("newest_runs.sql"), &[]).await?.iter().map(run).collect()
}
