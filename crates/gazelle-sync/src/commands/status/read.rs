//! Reads everything that `status` shows.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::config::{Retention, Settings};
use crate::db::{self, Db, DbError, LockWait, Template};
use crate::entities::{ENTITIES, Entity};
use crate::migrate;
use crate::run_log::last_runs::{self, LastRun};
use crate::staging::counts::size::{self, Size};

/// Shorter waits for a lock are not shown.
const LOCK_WAIT_SHOWN: Duration = Duration::from_secs(2);

/// Everything that `status` shows.
#[derive(Serialize)]
pub struct StatusReport {
    pub staging: Vec<StagingLine>,
    pub staging_size: Vec<Size>,
    /// The setting `retention`: `all`, or a number of days.
    pub retention: String,
    pub production: Vec<ProductionLine>,
    pub runs: Vec<LastRun>,
    /// Sessions that wait for a lock on our tables, and its holders.
    pub lock_waits: Vec<LockWait>,
}

/// A row of `v_sync_dashboard_entities`.
#[derive(Serialize)]
pub struct StagingLine {
    pub entity: String,
    pub sync_status: String,
    pub count: i64,
    pub oldest_record: Timestamp,
    pub newest_record: Timestamp,
}

impl From<&Row> for StagingLine {
    fn from(row: &Row) -> StagingLine {
        StagingLine {
            entity: row.get("entity"),
            sync_status: row.get("sync_status"),
            count: row.get("count"),
            oldest_record: row.get("oldest_record"),
            newest_record: row.get("newest_record"),
        }
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
    let staging = staging(db).await?;
    let staging_size = size::of_all(db, db.now().await?).await?;
    let production = production(db).await?;
    let runs = last_runs::read(db).await?;
    let retention = match settings.retention {
        Retention::All => "all".to_owned(),
        Retention::Days(days) => days.to_string(),
    };
    Ok(Some(StatusReport { staging, staging_size, retention, production, runs, lock_waits }))
}

async fn staging(db: &Db) -> Result<Vec<StagingLine>, DbError> {
    Ok(db.query(include_str!("staging.sql"), &[]).await?.iter().map(StagingLine::from).collect())
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
