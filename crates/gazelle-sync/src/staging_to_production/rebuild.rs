//! Production rebuilt beside itself, in scratch tables of the same schema, from every version that staging
//! holds. Nothing of production is read or written.

use super::batch::{self, Candidate};
use super::{apply, distinct_runs};
use crate::db::{Db, DbError, Fault};
use crate::entities::{ENTITIES, Entity, table::Table};
use crate::staging::pending;

/// Every production table, parents first.
pub fn production_tables() -> impl DoubleEndedIterator<Item = &'static Table> {
    ENTITIES.iter().flat_map(|entity| entity.tables.iter().copied())
}

/// Rebuilds every entity into tables whose names start with `prefix`. Scratch tables of an earlier attempt
/// are replaced.
pub async fn rebuild(db: &Db, prefix: &str, batch_size: usize) -> Result<(), DbError> {
    drop_scratch(db, prefix).await?;
    for table in production_tables() {
        // Unlogged: after a crash they are empty, and replaced.
        db.execute(
            &format!(
                "CREATE UNLOGGED TABLE {{schema}}.{prefix}{name}
                     (LIKE {{schema}}.{name} INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING INDEXES)",
                name = table.name
            ),
            &[],
        )
        .await?;
    }
    for entity in ENTITIES {
        let ids = pending::chronology(db, entity).await?;
        for chunk in ids.chunks(batch_size.max(1)) {
            let versions = pending::versions(db, entity, chunk).await?;
            let candidates: Vec<Candidate> =
                versions.iter().map(|version| batch::read(entity, version)).collect();
            for run in distinct_runs(&candidates) {
                write_run(db, entity, run, prefix).await?;
            }
        }
    }
    Ok(())
}

/// Removes the scratch tables.
pub async fn drop_scratch(db: &Db, prefix: &str) -> Result<(), DbError> {
    for table in production_tables().rev() {
        db.execute(&format!("DROP TABLE IF EXISTS {{schema}}.{prefix}{}", table.name), &[]).await?;
    }
    Ok(())
}

/// Writes candidates of distinct records; a version that the database refuses is left out, as in production.
async fn write_run(db: &Db, entity: &Entity, run: &[Candidate], prefix: &str) -> Result<(), DbError> {
    let mut parts = vec![run];
    while let Some(part) = parts.pop() {
        let mut connection = db.connection().await?;
        let tx = connection.begin().await?;
        let written = async {
            apply::write_only(&tx, entity, part, prefix).await?;
            tx.commit().await
        }
        .await;
        match written {
            Ok(()) => {}
            Err(refusal) if refusal.fault == Fault::Record => {
                if part.len() > 1 {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.push(second);
                    parts.push(first);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
