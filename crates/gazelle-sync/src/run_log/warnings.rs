//! Reads the warnings of records and of runs. A warning rejects no record and does not change the outcome of a run.

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::{Row, types::Type};
use uuid::Uuid;

use crate::db::{Db, DbError};

/// A filter of warnings; a condition that is none holds for all.
#[derive(Debug, Clone, Default)]
pub struct WarningFilter<'a> {
    /// Only of this entity.
    pub entity: Option<&'a str>,
    /// Only of this kind.
    pub code: Option<&'a str>,
    /// Only warnings that this run noted.
    pub run: Option<Uuid>,
    /// Most samples of each kind, and most warnings of runs.
    pub limit: u32,
}

/// The warnings.
#[derive(Debug, Default, Serialize)]
pub struct Warnings {
    /// Warnings of records, by entity and kind.
    pub records: Vec<RecordWarnings>,
    /// Warnings of runs, the newest first.
    pub runs: Vec<WarningOfRun>,
}

/// Records with the same kind of warning.
#[derive(Debug, Serialize)]
pub struct RecordWarnings {
    /// Their entity.
    pub entity: String,
    /// The kind.
    pub code: String,
    /// How many records.
    pub records: i64,
    /// Some of them, those last noted first.
    pub samples: Vec<Sample>,
    /// When the first of these warnings was noted, UTC.
    pub first_seen_at: Timestamp,
    /// When the last was, UTC.
    pub last_seen_at: Timestamp,
}

/// A record with a warning.
#[derive(Debug, Serialize)]
pub struct Sample {
    /// Its id.
    pub external_id: String,
    /// What the warning is about; empty for the whole record.
    pub field: String,
    /// Of an unreadable field: the columns that are NULL because of it.
    pub column: Option<String>,
    /// Of an unreadable field: the shape of the value, never the value.
    pub shape: Option<String>,
    /// The run that noted it last.
    pub run_id: Option<String>,
}

/// A warning of a run as a whole.
#[derive(Debug, Serialize)]
pub struct WarningOfRun {
    /// The run.
    pub run_id: String,
    /// When it started, UTC.
    pub started_at: Timestamp,
    /// The kind.
    pub code: String,
    /// What it is about.
    pub subject: String,
    /// One sentence.
    pub message: String,
}

/// Reads the warnings.
///
/// # Errors
/// The database's.
pub async fn read(db: &Db, filter: &WarningFilter<'_>) -> Result<Warnings, DbError> {
    let limit = i32::try_from(filter.limit).unwrap_or(i32::MAX);
    let filters =
        [(&filter.entity as _, Type::TEXT), (&filter.code as _, Type::TEXT), (&filter.run as _, Type::UUID)];
    let params = [filters.as_slice(), &[(&limit as _, Type::INT4)]].concat();
    let records = db.query(include_str!("warnings/of_records.sql"), &params).await?;
    let runs = db.query(include_str!("warnings/of_runs.sql"), &params).await?;
    Ok(Warnings {
        records: records
            .iter()
            .map(|row| RecordWarnings {
                entity: row.get("entity"),
                code: row.get("code"),
                records: row.get("records"),
                first_seen_at: row.get("first_seen_at"),
                last_seen_at: row.get("last_seen_at"),
                samples: samples(row),
            })
            .collect(),
        runs: runs
            .iter()
            .map(|row| WarningOfRun {
                run_id: row.get("run_id"),
                started_at: row.get("started_at"),
                code: row.get("code"),
                subject: row.get("subject"),
                message: row.get("message"),
            })
            .collect(),
    })
}

fn samples(row: &Row) -> Vec<Sample> {
    let (ids, fields): (Vec<String>, Vec<String>) = (row.get("external_ids"), row.get("fields"));
    // Each list has as many entries as there are ids.
    let [mut runs, mut columns, mut shapes] = ["run_ids", "column_names", "shapes"]
        .map(|column| row.get::<_, Vec<Option<String>>>(column).into_iter());
    let mut samples = Vec::with_capacity(ids.len());
    for (external_id, field) in ids.into_iter().zip(fields) {
        let [run_id, column, shape] =
            [&mut runs, &mut columns, &mut shapes].map(|list| list.next().flatten());
        samples.push(Sample { external_id, field, column, shape, run_id });
    }
    samples
}
