//! Counts versions as the dashboard views should, and reads the views, so that both can be compared.

use std::collections::BTreeMap;

use crate::db::{DbError, Tx};
use crate::entities::ENTITIES;
use crate::staging::for_entity;

/// Versions by entity (`all` for `v_sync_dashboard`) and status.
pub type Counts = BTreeMap<(String, String), i64>;

/// Counts the versions of every entity by status.
///
/// # Errors
/// Those of the database.
pub async fn count(tx: &Tx<'_>) -> Result<Counts, DbError> {
    let mut counts = Counts::new();
    for entity in ENTITIES.iter().copied() {
        let sql = "SELECT sync_status, count(*) AS count FROM {schema}.{staging_table} GROUP BY sync_status";
        for row in &tx.query(&for_entity(sql, entity), &[]).await? {
            let (status, count): (String, i64) = (row.get("sync_status"), row.get("count"));
            *counts.entry(("all".to_owned(), status.clone())).or_default() += count;
            counts.insert((entity.name.to_owned(), status), count);
        }
    }
    Ok(counts)
}

/// Reads the counts that the two views show.
///
/// # Errors
/// Those of the database.
pub async fn shown(tx: &Tx<'_>) -> Result<Counts, DbError> {
    let rows = tx.query(include_str!("dashboard_views.sql"), &[]).await?;
    Ok(rows.iter().map(|row| ((row.get("entity"), row.get("sync_status")), row.get("count"))).collect())
}
