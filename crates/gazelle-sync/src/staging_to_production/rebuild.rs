//! Production rebuilt beside itself, in scratch tables of the same schema, from every version that staging
//! holds. Nothing of production is read or written. (`late` has single records written in the same way, to production.)

use uuid::Uuid;

use super::batch::{self, Candidate};
use super::{apply, distinct_runs};
use crate::db::{DbError, Fault, Tx};
use crate::entities::{ENTITIES, Entity, table::Table};
use crate::staging::pending::{self, Basis};

/// Every production table, parents first.
pub fn production_tables() -> impl DoubleEndedIterator<Item = &'static Table> {
    ENTITIES.iter().flat_map(|entity| entity.tables.iter().copied())
}

/// Rebuilds every entity into new tables whose names start with `prefix`, in a transaction that drops them or
/// rolls back: nobody else ever sees them, and nothing is left of them whatever happens.
pub async fn rebuild(tx: &Tx<'_>, prefix: &str, batch_size: usize, basis: Basis) -> Result<(), DbError> {
    for table in production_tables() {
        tx.batch(&format!(
            "CREATE UNLOGGED TABLE {{schema}}.{prefix}{name}
                 (LIKE {{schema}}.{name} INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING INDEXES)",
            name = table.name
        ))
        .await?;
    }
    for entity in ENTITIES {
        let ids = pending::chronology(tx, entity, basis).await?;
        write_versions(tx, entity, &ids, batch_size, prefix).await?;
    }
    Ok(())
}

/// Writes what these versions say, one after the other, into tables whose names start with `prefix`. Returns how many
/// rows that wrote; one that several versions write counts for each.
pub(super) async fn write_versions(
    tx: &Tx<'_>,
    entity: &Entity,
    ids: &[Uuid],
    batch_size: usize,
    prefix: &str,
) -> Result<u64, DbError> {
    let mut written = 0;
    for chunk in ids.chunks(batch_size.max(1)) {
        let versions = pending::versions(tx, entity, chunk).await?;
        let candidates: Vec<Candidate> =
            versions.iter().map(|version| batch::read(entity, version)).collect();
        for run in distinct_runs(&candidates) {
            written += write_run(tx, entity, run, prefix).await?;
        }
    }
    Ok(written)
}

/// Puts these candidates, of distinct records, over what is rebuilt.
pub async fn put_over(
    tx: &Tx<'_>,
    entity: &Entity,
    candidates: &[&Candidate],
    prefix: &str,
) -> Result<(), DbError> {
    apply::write_only(tx, entity, candidates.iter().copied(), prefix).await.map(|_| ())
}

/// Removes the scratch tables.
pub async fn drop_scratch(tx: &Tx<'_>, prefix: &str) -> Result<(), DbError> {
    for table in production_tables().rev() {
        tx.batch(&format!("DROP TABLE {{schema}}.{prefix}{}", table.name)).await?;
    }
    Ok(())
}

/// Writes candidates of distinct records; a version that the database refuses is left out, as in production.
async fn write_run(tx: &Tx<'_>, entity: &Entity, run: &[Candidate], prefix: &str) -> Result<u64, DbError> {
    let mut written = 0;
    let mut parts = vec![run];
    while let Some(part) = parts.pop() {
        tx.batch("SAVEPOINT part").await?;
        match apply::write_only(tx, entity, part.iter(), prefix).await {
            Ok(rows) => {
                written += rows;
                tx.batch("RELEASE SAVEPOINT part").await?;
            }
            Err(refusal) if refusal.fault == Fault::Record => {
                tx.batch("ROLLBACK TO SAVEPOINT part").await?;
                tx.batch("RELEASE SAVEPOINT part").await?;
                if part.len() > 1 {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.push(second);
                    parts.push(first);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(written)
}
