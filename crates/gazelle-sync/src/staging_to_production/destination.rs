//! Tracks during a walk whether staging and production held anything of its entity when it began, as they do not in
//! the first sync of an account. With an empty destination nothing needs to be compared: no record has an earlier
//! version, a row, a quarantine case or a warning.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::gaps::Gaps;
use super::parents::KnownParents;
use crate::db::{DbError, Tx};
use crate::entities::Entity;
use crate::staging::versions::{self, Received};

/// The state of the destination during one walk, shared by its lanes.
#[derive(Debug)]
pub struct DestinationState {
    /// The entity that is walked.
    pub(super) entity: &'static Entity,
    /// The run's id, noted with versions and warnings.
    pub(super) run_id: Uuid,
    /// Parent rows that production is known to hold.
    pub(super) known: Arc<KnownParents>,
    /// What the run cannot read or note.
    pub(super) gaps: Arc<Gaps>,
    began_empty: OnceCell<bool>,
    /// Records staged since then that may have left more than a row: a pending or faulty version.
    staged: Mutex<HashSet<String>>,
}

/// Most records in `staged`; beyond that, everything is compared.
const MOST_REMEMBERED: usize = 20_000;

impl DestinationState {
    /// The state for a walk of `entity`; `known` and `gaps` are shared by all walks of the run.
    pub fn new(
        entity: &'static Entity,
        run_id: Uuid,
        known: Arc<KnownParents>,
        gaps: Arc<Gaps>,
    ) -> DestinationState {
        DestinationState {
            entity,
            run_id,
            known,
            gaps,
            began_empty: OnceCell::new(),
            staged: Mutex::default(),
        }
    }

    /// Whether the database can hold nothing of these records but a row of each, which its unique keys detect: it
    /// held nothing of the entity when this was first asked, and none of them was noted since.
    pub(super) async fn is_empty_for(&self, tx: &Tx<'_>, batch: &[Received]) -> Result<bool, DbError> {
        if !*self.began_empty.get_or_try_init(|| holds_nothing(tx, self.entity)).await? {
            return Ok(false);
        }
        let staged = self.staged.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(staged.len() <= MOST_REMEMBERED
            && !batch.iter().any(|record| staged.contains(&record.external_id)))
    }

    /// Notes records that are staged in a way that may leave more than a row.
    pub fn note_staged(&self, batch: &[Received]) {
        if self.began_empty() {
            let mut staged = self.staged.lock().unwrap_or_else(PoisonError::into_inner);
            if staged.len() <= MOST_REMEMBERED {
                staged.extend(batch.iter().map(|record| record.external_id.clone()));
            }
        }
    }

    /// Whether the destination was empty when the walk began. False also if that was never asked.
    pub fn began_empty(&self) -> bool {
        self.began_empty.get().copied().unwrap_or(false)
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
