//! Fetches the parents that records wait for by their ids, and reconciles those records again.

use std::collections::{BTreeMap, HashSet};

use super::stages::reconcile;
use crate::db::{DbError, DbErrorClass};
use crate::display::Progress;
use crate::entities::{self, ENTITIES, Entity};
use crate::gazelle_to_staging::Fetch;
use crate::gazelle_to_staging::by_id::failures::GetterFailures;
use crate::gazelle_to_staging::by_id::parents;
use crate::gazelle_to_staging::lanes::apart::RefusalReasons;
use crate::lease::FencedTx;
use crate::source::{ErrorClass, SourceError};
use crate::staging::missing_parents::{self, MissingParent};
use crate::staging::outcome::BatchCounts;
use crate::staging::versions::Staged;
use crate::staging_to_production::Reconciliation;

/// Most rounds of fetching missing parents in a run: a round may find parents that lack parents themselves.
const PARENT_ROUNDS: usize = 3;

/// Most parents that a run asks for by id; if more are missing, walks of their entities fetch them sooner.
const MOST_PARENTS: usize = 1_000;

/// The result of fetching the missing parents of one entity.
pub struct Parents {
    /// The entity.
    pub entity: &'static Entity,
    /// Versions staged.
    pub staged: Staged,
    /// The counts of stage 2, including the records that had waited.
    pub applied: BatchCounts,
    /// Records that staging refused to store.
    pub refused: RefusalReasons,
}

/// The result of fetching missing parents.
pub struct FetchedParents {
    /// What was staged and applied, per entity in order.
    pub parents: Vec<Parents>,
    /// The error of the API that ended all look-ups, if any.
    pub failure: Option<SourceError>,
    /// Why the look-ups of one entity ended, with its name.
    pub of_getters: Vec<(&'static str, String)>,
    /// How many exist at the source and were too large to keep in memory beside others, by table.
    pub no_room: BTreeMap<String, usize>,
}

/// Fetches the parents that quarantined records wait for, and some of those of which the list could not be read, and
/// reconciles again, parents of parents too.
///
/// # Errors
/// Those of the database.
pub async fn fetch_missing_parents(
    fetch: &Fetch,
    reconciliation: &Reconciliation<'_>,
    progress: &Progress,
) -> Result<FetchedParents, DbError> {
    let of = |entity: &&'static Entity| Parents {
        entity,
        staged: Staged::default(),
        applied: BatchCounts::default(),
        refused: RefusalReasons::new(),
    };
    let mut parents: Vec<Parents> = ENTITIES.iter().map(of).collect();
    let mut asked: HashSet<(String, String)> = HashSet::new();
    let (failures, unread) = (GetterFailures::default(), &reconciliation.gaps.unread);
    let (mut failure, mut no_room) = (None, BTreeMap::new());
    for _ in 0..PARENT_ROUNDS {
        // Includes parents that this run has asked for already; they are removed below.
        let waited_for =
            missing_parents::wanted(reconciliation.db, fetch.run.clock.database_now(), MOST_PARENTS).await?;
        warn_of_more(waited_for.len());
        // Those of failing lists come last: their getters often fail too, which must not delay the others.
        let mut wanted = [waited_for, unread.take_wanted()].concat();
        wanted.retain(|parent| asked.insert((parent.table.clone(), parent.external_id.clone())));
        wanted.truncate(MOST_PARENTS.saturating_sub(asked.len() - wanted.len()));
        if wanted.is_empty() {
            break;
        }
        let is_unlisted = |parent: &MissingParent| unread.is_unlisted(&parent.table);
        let brought = parents::fetch(fetch, wanted, &failures, is_unlisted).await?;
        // Before anything else, so that the next run does not start with parents that were asked for in vain.
        note_missing(fetch, reconciliation, &brought).await?;
        let has_denied = note_denied(reconciliation, &brought, &failures);
        for parent in brought.no_room {
            *no_room.entry(parent.table).or_default() += 1;
        }
        for of_entity in &mut parents {
            of_entity.staged += brought.staged.get(of_entity.entity.name).copied().unwrap_or_default();
            let refused = brought.refused.get(of_entity.entity.name).into_iter().flatten();
            of_entity.refused.extend(refused.map(|(id, why)| (id.clone(), why.clone())));
        }
        let is_stopped = brought.failure.as_ref().is_some_and(|error| *error.class() == ErrorClass::Stopped);
        let has_new = brought.staged.values().any(|staged| staged.staged > 0);
        if (has_new || has_denied) && !is_stopped {
            for of_entity in &mut parents {
                of_entity.applied += reconcile(reconciliation, of_entity.entity, None, progress).await?;
            }
        }
        note_found_in_vain(fetch, reconciliation, &brought.found).await?;
        failure = brought.failure;
        if !has_new || failure.is_some() {
            break;
        }
    }
    Ok(FetchedParents { parents, failure, of_getters: failures.into_stopped(), no_room })
}

fn warn_of_more(missing: usize) {
    if missing >= MOST_PARENTS {
        tracing::warn!(
            most = MOST_PARENTS,
            "more parents are missing than a run asks for one by one; the next run goes on"
        );
    }
}

/// Notes parents that were asked for in vain, and parents that were put off.
async fn note_missing(
    fetch: &Fetch,
    reconciliation: &Reconciliation<'_>,
    brought: &parents::ParentLookups,
) -> Result<(), DbError> {
    let in_vain = [brought.missing.as_slice(), &brought.failed].concat();
    note_in_vain(fetch, reconciliation, &in_vain, &brought.put_off).await
}

/// Notes the parents that the API gave and that production lacks all the same, because stage 2 or the database refuses
/// them: like those that were asked for in vain, they are not asked for in every run.
async fn note_found_in_vain(
    fetch: &Fetch,
    reconciliation: &Reconciliation<'_>,
    found: &[MissingParent],
) -> Result<(), DbError> {
    let in_vain = missing_parents::still_waited_for(reconciliation.db, found).await?;
    match in_vain.is_empty() {
        true => Ok(()),
        false => note_in_vain(fetch, reconciliation, &in_vain, &[]).await,
    }
}

async fn note_in_vain(
    fetch: &Fetch,
    reconciliation: &Reconciliation<'_>,
    in_vain: &[MissingParent],
    put_off: &[MissingParent],
) -> Result<(), DbError> {
    let now = fetch.run.clock.database_now();
    let note = async |tx: &FencedTx<'_>| missing_parents::note(tx, in_vain, put_off, now).await;
    match reconciliation.fence.transaction(reconciliation.db, note).await {
        // They are asked for again by the next run, and nothing is lost.
        Err(error) if error.fault == DbErrorClass::Record => {
            tracing::warn!(%error, "which missing parents were asked for could not be noted");
            Ok(())
        }
        noted => noted,
    }
}

/// Notes which parents of unread lists explain by themselves that they cannot be had, so that what names them waits in
/// quarantine: the API answered about them, or failed at them while it gave others. Returns whether there are any.
fn note_denied(
    reconciliation: &Reconciliation<'_>,
    brought: &parents::ParentLookups,
    failures: &GetterFailures,
) -> bool {
    let is_at_fault = |parent: &&MissingParent| {
        let entity = entities::entity_of_table(&parent.table);
        entity.is_some_and(|entity| {
            brought.failure.is_none()
                && brought.answered.contains(entity.name)
                && !failures.has_stopped(entity)
        })
    };
    let denied = brought.missing.iter().chain(brought.failed.iter().filter(is_at_fault));
    reconciliation.gaps.unread.note_denied(denied)
}
