//! Reads everything that `status` shows.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::alerts::{self, Kind};
use crate::config::{Language, Retention, Settings};
use crate::dashboard::verdict::{Facts, Level, Verdict, facts, verdict};
use crate::db::{self, Db, DbError, LockWait, Template};
use crate::entities::{ENTITIES, Entity};
use crate::migrate;
use crate::migrate::demo::is_demo_in;
use crate::run_log::last_runs::{self, LastRun};
use crate::service::schedule::Schedule;
use crate::staging::counts::size::{self, Size};
use crate::states::VersionStatus;
use crate::words::locale::Locale;

/// Shorter waits for a lock are not shown.
const LOCK_WAIT_SHOWN: Duration = Duration::from_secs(2);

/// The SQLSTATE of a missing right.
const NO_RIGHT: &str = "42501";

/// Everything that `status` shows.
#[derive(Serialize)]
pub struct StatusReport {
    /// Whether the data is right, in the words of the dashboard; none if this role may not read what it is founded on.
    pub verdict: Option<VerdictReport>,
    /// What waits for a person; none like the verdict.
    pub waits: Option<AwaitingWork>,
    /// Whether this is the database of the demonstration.
    pub is_demo: bool,
    /// When the next run is due by schedule, if a service runs; none without a schedule that comes.
    pub next_due: Option<Timestamp>,
    pub staging: Vec<StagingLine>,
    pub staging_size: Vec<Size>,
    /// The setting `retention`: `all`, or a number of days.
    pub retention: String,
    pub production: Vec<ProductionLine>,
    pub runs: Vec<LastRun>,
    /// Sessions that wait for a lock on our tables, and its holders.
    pub lock_waits: Vec<LockWait>,
}

/// The verdict on the data.
#[derive(Serialize)]
pub struct VerdictReport {
    /// Which of its cases it is; `Verdict` knows all.
    #[serde(skip)]
    pub(crate) verdict: Verdict,
    /// What it is founded on.
    #[serde(skip)]
    pub(crate) facts: Facts,
    /// `good`, `warn` or `bad`.
    pub(crate) level: Level,
    /// The verdict in a few words, in English.
    pub title: String,
    /// The state that it is founded on, in English.
    pub sentence: String,
    /// When the data was last good, UTC; none if it never was.
    pub as_of: Option<Timestamp>,
}

/// What waits for a person.
#[derive(Serialize)]
pub struct AwaitingWork {
    /// Records in quarantine that are open or wait for a parent.
    pub quarantined: i64,
    /// When the oldest of them was first seen, UTC.
    pub oldest_quarantined_at: Option<Timestamp>,
    /// Deletions that await approval.
    pub deletions: i64,
    /// The titles of the problems that alerts tell of, in English.
    pub problems: Vec<&'static str>,
    /// The kinds of these problems.
    #[serde(skip)]
    pub problem_kinds: Vec<Kind>,
}

/// A row of `v_sync_dashboard_entities`.
#[derive(Serialize)]
pub struct StagingLine {
    pub entity: String,
    pub sync_status: VersionStatus,
    pub count: i64,
    pub oldest_record: Timestamp,
    pub newest_record: Timestamp,
}

impl StagingLine {
    fn of(row: &Row) -> Result<StagingLine, DbError> {
        Ok(StagingLine {
            entity: row.get("entity"),
            sync_status: db::word(row, "sync_status")?,
            count: row.get("count"),
            oldest_record: row.get("oldest_record"),
            newest_record: row.get("newest_record"),
        })
    }
}

/// Counts of an entity's main table in production.
#[derive(Serialize)]
pub struct ProductionLine {
    pub entity: &'static str,
    pub rows: i64,
    pub deleted: i64,
    pub last_complete_walk: Option<Timestamp>,
}

impl ProductionLine {
    fn of(entity: &'static Entity, row: &Row) -> ProductionLine {
        ProductionLine {
            entity: entity.name,
            rows: row.get("rows"),
            deleted: row.get("deleted"),
            last_complete_walk: row.get("last_complete_walk"),
        }
    }
}

/// Reads the report; `None` if the database has none of our tables.
///
/// # Errors
/// Those of the database.
pub async fn read(db: &Db, settings: &Settings) -> Result<Option<StatusReport>, DbError> {
    if !migrate::is_readable(db).await? {
        return Ok(None);
    }
    // Read this first: the following queries may wait for the same lock.
    let lock_waits = db::lock_waits(db, LOCK_WAIT_SHOWN).await?;
    let (verdict, waits, is_demo) = match judged(db, settings).await {
        Ok((verdict, waits, is_demo)) => (Some(verdict), Some(waits), is_demo),
        // Readers of production read neither the quarantine nor the alerts.
        Err(error) if error.state.as_deref() == Some(NO_RIGHT) => (None, None, false),
        Err(error) => return Err(error),
    };
    let now = db.now().await?;
    let staging = staging(db).await?;
    let staging_size = size::of_all(db, now).await?;
    let production = production(db).await?;
    let runs = last_runs::read(db).await?;
    let retention = match settings.retention {
        Retention::All => "all".to_owned(),
        Retention::Days(days) => days.to_string(),
    };
    Ok(Some(StatusReport {
        verdict,
        waits,
        is_demo,
        next_due: next_due(settings, now),
        staging,
        staging_size,
        retention,
        production,
        runs,
        lock_waits,
    }))
}

/// The verdict, what waits, and whether this is the database of the demonstration: read in one snapshot, so that they agree.
async fn judged(db: &Db, settings: &Settings) -> Result<(VerdictReport, AwaitingWork, bool), DbError> {
    let mut connection = db.connection().await?;
    let tx = connection.begin_snapshot().await?;
    let now = tx.now().await?;
    let (facts, problems) = facts::read(&tx, settings, now).await?;
    let counts = tx.query(include_str!("waits.sql"), &[]).await?;
    let counts = counts.first();
    let is_demo = is_demo_in(&tx).await?;
    let verdict = verdict(&facts);
    // What programs read is the same in each language.
    let locale = Locale::new(Language::En, settings.zone(), now);
    let told = verdict.text(&facts, &locale);
    let problem_kinds: Vec<Kind> = problems.iter().map(|problem| problem.kind).collect();
    let problems = problem_kinds.iter().map(|kind| alerts::title_in(*kind, Language::En)).collect();
    let waits = AwaitingWork {
        quarantined: counts.map(|row| row.get("quarantined")).unwrap_or_default(),
        oldest_quarantined_at: counts.and_then(|row| row.get("oldest_quarantined_at")),
        deletions: counts.map(|row| row.get("deletions")).unwrap_or_default(),
        problems,
        problem_kinds,
    };
    let said = VerdictReport {
        verdict,
        level: told.level,
        title: told.title,
        sentence: told.sentence,
        as_of: facts.as_of,
        facts,
    };
    Ok((said, waits, is_demo))
}

/// When the next run is due by schedule.
fn next_due(settings: &Settings, now: Timestamp) -> Option<Timestamp> {
    let zone = settings.zone();
    let schedules = [&settings.incremental_schedule, &settings.full_schedule];
    let next = |text: &String| Schedule::new(text, &zone).ok()?.next_after(now);
    schedules.into_iter().filter_map(next).min()
}

async fn staging(db: &Db) -> Result<Vec<StagingLine>, DbError> {
    db.query(include_str!("staging.sql"), &[]).await?.iter().map(StagingLine::of).collect()
}

async fn production(db: &Db) -> Result<Vec<ProductionLine>, DbError> {
    let mut lines = Vec::new();
    for entity in ENTITIES.iter().copied() {
        let sql = Template::new(include_str!("production.sql")).with("table", entity.tables[0].name).fill();
        let rows = db.query(&sql, &[(&entity.name, Type::TEXT)]).await?;
        lines.extend(rows.iter().map(|row| ProductionLine::of(entity, row)));
    }
    Ok(lines)
}
