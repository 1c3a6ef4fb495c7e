//! The request for a replay, and the entities and records that it compares.

use tokio_postgres::types::Type;

use crate::db::{DbError, Tx};
use crate::entities::Entity;
use crate::staging::history::slice::{self, Slice};
use crate::staging_to_production::difference::RecordSelection;

/// What to replay, and how.
#[derive(Debug)]
pub struct ReplayRequest {
    /// The entities to replay.
    pub entities: Vec<&'static Entity>,
    /// Which of their records.
    pub slice: Slice,
    /// Show the difference and apply nothing.
    pub dry_run: bool,
    /// Remove rows even if the guard, or rows of users' tables that would be affected, would withhold it.
    pub allow_deletions: bool,
}

/// The requested parts, parents first, and how many records they are; none for all records.
///
/// # Errors
/// The database's; an id that neither staging nor production holds; a slice without a record.
pub(super) async fn of(
    tx: &Tx<'_>,
    request: &ReplayRequest,
) -> Result<(Vec<RecordSelection>, Option<u64>), DbError> {
    let mut parts: Vec<RecordSelection> = Vec::new();
    if request.slice.is_whole() {
        for entity in &request.entities {
            parts.push(RecordSelection::whole(entity));
        }
        return Ok((parts, None));
    }
    let mut unknown = request.slice.ids.clone().unwrap_or_default();
    let mut count = 0;
    for entity in &request.entities {
        let mut records = slice::records(tx, entity, &request.slice).await?;
        if let Some(ids) = &request.slice.ids {
            // A row without a version is what a replay removes; it belongs to no time and no run.
            let held = in_production(tx, entity, ids).await?;
            unknown.retain(|id| !records.contains(id) && !held.contains(id));
            let by_id_alone = slice::Slice { ids: None, ..request.slice.clone() }.is_whole();
            records.extend(held.into_iter().filter(|_| by_id_alone));
            records.sort_unstable();
            records.dedup();
        }
        count += records.len() as u64;
        parts.push(RecordSelection::of(entity, records));
    }
    let entities: Vec<&str> = request.entities.iter().map(|entity| entity.name).collect();
    if !unknown.is_empty() {
        return Err(DbError::refused(format!(
            "neither staging nor production knows {} among {}; nothing was replayed",
            unknown.join(", "),
            entities.join(", ")
        )));
    }
    if count == 0 {
        return Err(DbError::refused(format!(
            "no version in staging of {} is in this slice; nothing was replayed (`gazelle-sync status` lists runs)",
            entities.join(", ")
        )));
    }
    Ok((parts, Some(count)))
}

async fn in_production(tx: &Tx<'_>, entity: &Entity, ids: &[String]) -> Result<Vec<String>, DbError> {
    let table = entity.tables[0].name;
    let rows = tx
        .query(
            &format!("SELECT external_id FROM {{schema}}.{table} WHERE external_id = ANY ($1)"),
            &[(&ids, Type::TEXT_ARRAY)],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
