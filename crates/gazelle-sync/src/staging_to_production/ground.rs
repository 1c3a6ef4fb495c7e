//! What a walk finds when stage 2 comes to its entity: something, or nothing at all, as in the first sync of an
//! account. Nothing at all needs no questions: no record has an earlier version, no row is there to be compared,
//! no quarantine or warning to be settled.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;
use tokio_postgres::types::Type;

use super::parents::{KnownParents, Unread};
use crate::db::{DbError, Tx};
use crate::entities::Entity;
use crate::staging::versions::{self, Received};

/// What is known of the database for one walk, shared by its lanes.
#[derive(Debug, Default)]
pub struct Ground {
    /// Rows that records may name, known to be there.
    pub(super) known: Arc<KnownParents>,
    /// What could not be read in this run.
    pub(super) unread: Arc<Unread>,
    is_bare: OnceCell<bool>,
    /// Records since met that may have left something else than a row: a version that waits or is faulty.
    met: Mutex<HashSet<String>>,
}

/// More are no longer kept apart: from then on everything is asked for.
const MOST_MET: usize = 20_000;

impl Ground {
    /// For a walk of a run that has these in common.
    pub fn new(known: Arc<KnownParents>, unread: Arc<Unread>) -> Ground {
        Ground { known, unread, ..Ground::default() }
    }

    /// Whether the database can hold nothing of these records but a row of each, which its unique keys tell: it
    /// held nothing of the entity when this was first asked.
    pub(super) async fn is_bare(
        &self,
        tx: &Tx<'_>,
        entity: &Entity,
        batch: &[Received],
    ) -> Result<bool, DbError> {
        if !*self.is_bare.get_or_try_init(|| holds_nothing(tx, entity)).await? {
            return Ok(false);
        }
        let met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(met.len() <= MOST_MET && !batch.iter().any(|record| met.contains(&record.external_id)))
    }

    /// Notes records that are staged in another way than the bare one.
    pub fn meet(&self, batch: &[Received]) {
        if self.was_bare() {
            let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
            if met.len() <= MOST_MET {
                met.extend(batch.iter().map(|record| record.external_id.clone()));
            }
        }
    }

    /// Whether the walk began with nothing. False also where it was never asked.
    pub fn was_bare(&self) -> bool {
        self.is_bare.get().copied().unwrap_or(false)
    }
}

async fn holds_nothing(tx: &Tx<'_>, entity: &Entity) -> Result<bool, DbError> {
    if versions::holds_any(tx, entity).await? {
        return Ok(false);
    }
    let mut held: Vec<String> = entity
        .tables
        .iter()
        .map(|table| format!("EXISTS (SELECT 1 FROM {{schema}}.{})", table.name))
        .collect();
    held.push("EXISTS (SELECT 1 FROM {schema}.sync_quality_warnings WHERE entity = $1)".to_owned());
    let sql = format!("SELECT {}", held.join(" OR "));
    let rows = tx.query(&sql, &[(&entity.name, Type::TEXT)]).await?;
    Ok(rows.first().is_some_and(|row| !row.get::<_, bool>(0)))
}
