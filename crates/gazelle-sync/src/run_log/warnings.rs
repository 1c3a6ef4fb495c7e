//! Reads the warnings of records and of runs. A warning rejects no record and does not change the outcome of a run.

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::{Row, types::Type};
use uuid::Uuid;

use crate::db::{Db, DbError, Tx};

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
    Ok(Warnings::of_rows(&records, &runs))
}

/// As [`read`], in a transaction.
///
/// # Errors
/// The database's.
pub async fn read_in(tx: &Tx<'_>, filter: &WarningFilter<'_>) -> Result<Warnings, DbError> {
    let limit = i32::try_from(filter.limit).unwrap_or(i32::MAX);
    let filters =
        [(&filter.entity as _, Type::TEXT), (&filter.code as _, Type::TEXT), (&filter.run as _, Type::UUID)];
    let params = [filters.as_slice(), &[(&limit as _, Type::INT4)]].concat();
    let records = tx.query(include_str!("warnings/of_records.sql"), &params).await?;
    let runs = tx.query(include_str!("warnings/of_runs.sql"), &params).await?;
    Ok(Warnings::of_rows(&records, &runs))
}

impl Warnings {
    fn of_rows(records: &[Row], runs: &[Row]) -> Warnings {
        Warnings {
            records: by_kind(records.iter().map(OfRecord::from)),
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
        }
    }
}

/// One warning of a record, with the counts of its kind.
struct OfRecord {
    entity: String,
    code: String,
    records: i64,
    first_seen_at: Timestamp,
    last_seen_at: Timestamp,
    sample: Sample,
}

impl From<&Row> for OfRecord {
    fn from(row: &Row) -> OfRecord {
        OfRecord {
            entity: row.get("entity"),
            code: row.get("code"),
            records: row.get("records"),
            first_seen_at: row.get("first_seen_at"),
            last_seen_at: row.get("last_seen_at"),
            sample: Sample {
                external_id: row.get("external_id"),
                field: row.get("field"),
                column: row.get("column_name"),
                shape: row.get("shape"),
                run_id: row.get("run_id"),
            },
        }
    }
}

/// Groups warnings, which must be sorted by entity and code.
fn by_kind(warnings: impl Iterator<Item = OfRecord>) -> Vec<RecordWarnings> {
    let mut kinds: Vec<RecordWarnings> = Vec::new();
    for OfRecord { entity, code, records, first_seen_at, last_seen_at, sample } in warnings {
        match kinds.last_mut() {
            Some(kind) if kind.entity == entity && kind.code == code => kind.samples.push(sample),
            _ => kinds.push(RecordWarnings {
                entity,
                code,
                records,
                samples: vec![sample],
                first_seen_at,
                last_seen_at,
            }),
        }
    }
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_grouped_by_entity_and_code() {
        let of = |(entity, code, id): (&str, &str, &str)| OfRecord {
            entity: entity.to_owned(),
            code: code.to_owned(),
            records: 7,
            first_seen_at: Timestamp::UNIX_EPOCH,
            last_seen_at: Timestamp::UNIX_EPOCH,
            sample: Sample {
                external_id: id.to_owned(),
                field: String::new(),
                column: None,
                shape: None,
                run_id: None,
            },
        };
        let warnings = [("a", "x", "2"), ("a", "x", "1"), ("a", "y", "1"), ("b", "y", "3")].map(of);
        let kinds = by_kind(warnings.into_iter());
        let read: Vec<(&str, &str, Vec<&str>)> = kinds
            .iter()
            .map(|kind| {
                let ids = kind.samples.iter().map(|sample| sample.external_id.as_str());
                (kind.entity.as_str(), kind.code.as_str(), ids.collect())
            })
            .collect();
        assert_eq!(read, [("a", "x", vec!["2", "1"]), ("a", "y", vec!["1"]), ("b", "y", vec!["3"])]);
        assert!(by_kind(std::iter::empty()).is_empty());
    }
}
