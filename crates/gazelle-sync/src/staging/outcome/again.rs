//! Makes versions pending again, as far as the database allows it: a version whose change a user's trigger refuses keeps its
//! status, and the others change.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::BuildHasher;

use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::super::{for_entity, written};
use crate::db::{DbError, MOST_REFUSALS, Refusals};
use crate::entities::Entity;
use crate::lease::FencedTx;

/// Versions that are tried together.
const AT_A_TIME: usize = 500;

/// The result of making versions pending again.
#[derive(Debug, Default)]
pub struct MadePending {
    /// The versions that are pending now.
    pub ids: HashSet<Uuid>,
    /// The records of which the database refused to change a version, with the reason.
    pub kept: KeptRecords,
}

/// Records, by id, of which the database refused to change a version or a note, with the reason.
pub type KeptRecords = BTreeMap<String, String>;

/// Makes versions pending again: those whose ids `due` has in its first column.
///
/// # Errors
/// Those of the database that concern no version.
pub async fn pending_where_possible(
    tx: &FencedTx<'_>,
    entity: &Entity,
    due: &[Row],
) -> Result<MadePending, DbError> {
    let mut ids: Vec<Uuid> = due.iter().map(|row| row.get(0)).collect();
    let mut refused: HashMap<Uuid, String> = HashMap::new();
    if ids.len() > MOST_REFUSALS {
        // Another order in each process: if some of these are not tried, the next run tries others.
        let order = RandomState::new();
        ids.sort_by_cached_key(|id| order.hash_one(id));
    }
    for together in ids.chunks(AT_A_TIME) {
        let mut parts = Refusals::new(together);
        while let Some(part) = parts.next_part() {
            let made = tx.in_savepoint(make_pending(tx, entity, part)).await?;
            parts.add_result(part, made)?;
        }
        refused.extend(parts.into_refused().into_iter().map(|(id, why)| (*id, why)));
    }
    let kept = records_of(tx, entity, &refused).await?;
    Ok(MadePending { ids: ids.into_iter().filter(|id| !refused.contains_key(id)).collect(), kept })
}

/// Makes versions pending again.
///
/// # Errors
/// The database's, also for versions that it kept as they are.
pub(super) async fn make_pending(tx: &FencedTx<'_>, entity: &Entity, ids: &[Uuid]) -> Result<(), DbError> {
    if ids.is_empty() {
        return Ok(());
    }
    let sql = for_entity(include_str!("make_pending.sql"), entity);
    let made = tx.query(&sql, &[(&ids, Type::UUID_ARRAY)]).await?;
    let left = written::missing(ids.iter().copied(), &made).len();
    written::check(tx, entity.staging_table, left, "made pending again").await
}

/// The records of these versions, with the reasons.
async fn records_of(
    tx: &FencedTx<'_>,
    entity: &Entity,
    refused: &HashMap<Uuid, String>,
) -> Result<KeptRecords, DbError> {
    if refused.is_empty() {
        return Ok(KeptRecords::new());
    }
    let ids: Vec<Uuid> = refused.keys().copied().collect();
    let sql = "SELECT id, external_id FROM {schema}.{staging_table} WHERE id = ANY ($1::uuid[])";
    let rows = tx.query(&for_entity(sql, entity), &[(&ids, Type::UUID_ARRAY)]).await?;
    let reason = |row: &Row| Some((row.get("external_id"), refused.get(&row.get("id"))?.clone()));
    Ok(rows.iter().filter_map(reason).collect())
}
