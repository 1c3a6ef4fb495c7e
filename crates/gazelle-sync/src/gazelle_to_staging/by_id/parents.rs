//! Fetches missing parents by their ids in the same run, so that an appointment of a client created a minute
//! ago does not wait for the next walk of clients.

use std::collections::{HashMap, HashSet};

use futures_util::{StreamExt, stream};

use crate::db::DbError;
use crate::entities::{self, Entity, Getter};
use crate::gazelle_to_staging::Fetch;
use crate::gazelle_to_staging::by_id::failures::{GetterFailures, is_about_any_getter};
use crate::gazelle_to_staging::lanes::apart::{RefusalReasons, StagingBisect};
use crate::gazelle_to_staging::records::get::get;
use crate::gazelle_to_staging::records::lookup::{LookupResult, MOST_KEPT};
use crate::source::SourceError;
use crate::staging::missing_parents::MissingParent;
use crate::staging::versions::{self, Received, Staged};

/// The result of looking up missing parents. Faulty parents are staged and in `missing` too.
#[derive(Debug, Default)]
pub struct ParentLookups {
    /// The counts of staged parents, by entity.
    pub staged: HashMap<&'static str, Staged>,
    /// Parents that the staging table refused, by entity and id, with the reason. They are in `missing` too.
    pub refused: HashMap<&'static str, RefusalReasons>,
    /// Parents that the API does not have or cannot give whole, or that have no getter. Their children keep
    /// waiting.
    pub missing: Vec<MissingParent>,
    /// Parents at which the API failed, and those of failing lists about which it said nothing.
    pub failed: Vec<MissingParent>,
    /// Parents that the API gave, and staging stored.
    pub found: Vec<MissingParent>,
    /// The entities of which the API gave a record.
    pub answered: HashSet<&'static str>,
    /// Parents that were not looked up, because their entity's getter failed too often.
    pub put_off: Vec<MissingParent>,
    /// Parents that exist, but did not fit in memory beside other answers.
    pub no_room: Vec<MissingParent>,
    /// The error of the API that stopped the lookups. Parents in no list were not looked up.
    pub failure: Option<SourceError>,
}

/// Looks up the wanted parents and stages those that the API has, up to `MOST_IN_A_TRANSACTION` in a
/// transaction. `failures` counts the failed lookups of the run. Where `is_unlisted` says that the list of a parent failed
/// too, an answer without a record and without the statement that there is none is a failure, not the parent's fault.
///
/// # Errors
/// Errors of the database. What was staged before stays.
pub async fn fetch(
    fetch: &Fetch,
    wanted: Vec<MissingParent>,
    failures: &GetterFailures,
    is_unlisted: impl Fn(&MissingParent) -> bool,
) -> Result<ParentLookups, DbError> {
    let mut fetched = ParentLookups::default();
    let mut answers = stream::iter(wanted)
        .map(|wanted| async move {
            let answer = match getter_of(&wanted) {
                Some((entity, _, _)) if failures.has_stopped(entity) => Some((entity, None)),
                Some((entity, getter, id)) => {
                    let sizes = fetch.sizes.for_entity(entity);
                    Some((entity, Some(get(&fetch.api.client, sizes, entity, getter, id).await)))
                }
                None => None,
            };
            (wanted, answer)
        })
        .buffer_unordered(fetch.limits.concurrency.max(1));
    let mut received: Vec<LookedUpParent> = Vec::new();
    while let Some((wanted, answer)) = answers.next().await {
        let Some((entity, answer)) = answer else {
            fetched.missing.push(wanted);
            continue;
        };
        match answer {
            None => fetched.put_off.push(wanted),
            Some(Err(error)) if is_about_any_getter(&error) => {
                fetched.failure = Some(error);
                break;
            }
            // The failed lookup is noted, so that the next run looks up other parents first.
            Some(Err(error)) => {
                tracing::warn!(entity = entity.name, %error, "a missing parent cannot be had");
                fetched.failed.push(wanted);
                failures.note_failure(entity, &error);
            }
            Some(Ok(result)) if says_nothing(&result) && is_unlisted(&wanted) => {
                fetched.failed.push(wanted);
                failures.note_no_record(entity);
            }
            Some(Ok(result)) => {
                failures.note_answer(entity);
                fetched.take(fetch, entity, wanted, result, &mut received);
            }
        }
        let bytes: usize = received.iter().map(|arrival| arrival.record.raw.len()).sum();
        if received.len() >= fetch.limits.batch_size.clamp(1, MOST_IN_A_TRANSACTION) || bytes >= MOST_KEPT {
            stage_all(fetch, &mut received, &mut fetched).await?;
        }
    }
    drop(answers);
    stage_all(fetch, &mut received, &mut fetched).await?;
    Ok(fetched)
}

impl ParentLookups {
    /// Sorts the answer about a parent into the result.
    fn take(
        &mut self,
        fetch: &Fetch,
        entity: &'static Entity,
        wanted: MissingParent,
        result: LookupResult,
        received: &mut Vec<LookedUpParent>,
    ) {
        match result {
            // A faulty parent is staged too: its case in quarantine explains why its children wait.
            LookupResult::Faulty(record) => {
                let record = Received { seen_at: fetch.run.clock.now(), ..record };
                received.push(LookedUpParent { entity, record, wanted: wanted.clone() });
                // Noted as missing, so that not every run looks it up again.
                self.missing.push(wanted);
            }
            LookupResult::Found(record) => {
                self.answered.insert(entity.name);
                let record = Received { seen_at: fetch.run.clock.now(), ..record };
                received.push(LookedUpParent { entity, record, wanted });
            }
            LookupResult::Missing(_)
            | LookupResult::Refused(_)
            | LookupResult::Changed(_)
            | LookupResult::Unclear(_) => self.missing.push(wanted),
            LookupResult::NoRoom => self.no_room.push(wanted),
        }
    }
}

/// Whether an answer says neither what a record is nor that it does not exist.
fn says_nothing(result: &LookupResult) -> bool {
    matches!(result, LookupResult::Refused(_) | LookupResult::Changed(_) | LookupResult::Unclear(_))
}

/// The most parents in one transaction.
const MOST_IN_A_TRANSACTION: usize = 200;

/// A parent that was found.
struct LookedUpParent {
    entity: &'static Entity,
    record: Received,
    wanted: MissingParent,
}

/// Stages the parents found so far, one transaction per entity. If staging refuses one, the others are still
/// staged.
async fn stage_all(
    fetch: &Fetch,
    received: &mut Vec<LookedUpParent>,
    fetched: &mut ParentLookups,
) -> Result<(), DbError> {
    let mut by_entity: HashMap<&'static str, Vec<LookedUpParent>> = HashMap::new();
    for arrival in received.drain(..) {
        by_entity.entry(arrival.entity.name).or_default().push(arrival);
    }
    for arrivals in by_entity.into_values() {
        let Some(entity) = arrivals.first().map(|arrival| arrival.entity) else { continue };
        let (records, wanted): (Vec<Received>, Vec<MissingParent>) =
            arrivals.into_iter().map(|arrival| (arrival.record, arrival.wanted)).unzip();
        let mut refused = RefusalReasons::new();
        let mut staged = Staged::default();
        let mut apart = StagingBisect::new(&records, |record| &record.external_id);
        while let Some(part) = apart.next() {
            match stage(fetch, entity, part).await {
                Ok(of_part) => staged += of_part,
                Err(error) => apart.failed(part, error, &mut refused)?,
            }
        }
        *fetched.staged.entry(entity.name).or_default() += staged;
        for (of, wanted) in records.iter().zip(wanted) {
            match refused.contains_key(&of.external_id) {
                true => fetched.missing.push(wanted),
                false => fetched.found.push(wanted),
            }
        }
        fetched.refused.entry(entity.name).or_default().append(&mut refused);
    }
    crate::crash::at(crate::crash::CrashPoint::ParentStaged);
    Ok(())
}

/// Stages records in a transaction of their own.
pub(crate) async fn stage(
    fetch: &Fetch,
    entity: &'static Entity,
    records: &[Received],
) -> Result<Staged, DbError> {
    let mut connection = fetch.run.db.connection().await?;
    let tx = fetch.run.fence.begin(&mut connection).await?;
    let staged = versions::stage(&tx, entity, fetch.run.run_id, records).await?;
    tx.commit().await?;
    Ok(staged)
}

/// The getter and the id with which to look up a parent: its own, or those of the record that waits for it.
fn getter_of(wanted: &MissingParent) -> Option<(&'static Entity, &'static Getter, &str)> {
    let entity = entities::entity_of_table(&wanted.table)?;
    if let Some(getter) = &entity.getter {
        return Some((entity, getter, &wanted.external_id));
    }
    let (child, getter) = entity.found_through.as_ref()?;
    (*child == wanted.child_entity).then_some((entity, getter, &wanted.child_external_id))
}
