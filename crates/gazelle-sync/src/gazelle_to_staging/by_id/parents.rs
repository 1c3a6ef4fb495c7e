//! Fetching single records that quarantined ones wait for: an event of a client created a minute ago
//! must not wait for the next walk of clients.

use std::collections::HashMap;

use futures_util::{StreamExt, stream};

use crate::db::DbError;
use crate::entities::{self, Entity, Getter};
use crate::gazelle_to_staging::Fetch;
use crate::gazelle_to_staging::by_id::failures::{GetterFailures, is_about_any_getter};
use crate::gazelle_to_staging::lanes::apart::{Apart, Refused};
use crate::gazelle_to_staging::records::get::get;
use crate::gazelle_to_staging::records::lookup::{LookupResult, MOST_KEPT};
use crate::source::SourceError;
use crate::staging::missing_parents::MissingParent;
use crate::staging::versions::{self, Received, Staged};

/// What fetching parents came to.
#[derive(Debug, Default)]
pub struct ParentLookups {
    /// What staging those that the API knows came to, by entity.
    pub staged: HashMap<&'static str, Staged>,
    /// Those that staging refused, by entity and id, with the reason. They are among the missing too.
    pub refused: HashMap<&'static str, Refused>,
    /// Those that it does not know or cannot complete, or that there is no way to ask for: their children go on waiting.
    pub missing: Vec<MissingParent>,
    /// Those that were not asked for, since their entity's getter had failed too often.
    pub put_off: Vec<MissingParent>,
    /// Those that are there, and for which there was no room beside others.
    pub no_room: Vec<MissingParent>,
    /// The error of the API that ended the asking: the others were not asked for.
    pub failure: Option<SourceError>,
}

/// Fetches the wanted parents and stages those that the API still knows, some hundred in a transaction. `failures` are those of
/// the run so far.
///
/// # Errors
/// Those of the database; what was staged before stays.
pub async fn fetch(
    fetch: &Fetch,
    wanted: Vec<MissingParent>,
    failures: &GetterFailures,
) -> Result<ParentLookups, DbError> {
    let mut fetched = ParentLookups::default();
    let mut answers = stream::iter(wanted)
        .map(|wanted| async move {
            let answer = match getter_of(&wanted) {
                Some((entity, _, _)) if failures.have_ended(entity) => Some((entity, None)),
                Some((entity, getter, id)) => {
                    let sizes = fetch.sizes.of(entity);
                    Some((entity, Some(get(&fetch.client, sizes, entity, getter, id).await)))
                }
                None => None,
            };
            (wanted, answer)
        })
        .buffer_unordered(fetch.concurrency.max(1));
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
            // A record that the API fails at keeps no other out: it has had its turn, and the next run asks for others first.
            Some(Err(error)) => {
                tracing::warn!(entity = entity.name, %error, "a missing parent cannot be had");
                fetched.missing.push(wanted);
                if failures.note(entity, &error) {
                    fetched.failure = Some(error);
                    break;
                }
            }
            Some(Ok(found)) => {
                failures.answered();
                fetched.take(fetch, entity, wanted, found, &mut received);
            }
        }
        let bytes: usize = received.iter().map(|arrival| arrival.record.raw.len()).sum();
        if received.len() >= fetch.batch_size.clamp(1, A_TRANSACTION) || bytes >= MOST_KEPT {
            stage_all(fetch, &mut received, &mut fetched).await?;
        }
    }
    drop(answers);
    stage_all(fetch, &mut received, &mut fetched).await?;
    Ok(fetched)
}

impl ParentLookups {
    /// Takes what the API answered about a parent.
    fn take(
        &mut self,
        fetch: &Fetch,
        entity: &'static Entity,
        wanted: MissingParent,
        found: LookupResult,
        received: &mut Vec<LookedUpParent>,
    ) {
        match found {
            // A faulty one is staged too: its case in quarantine says what the records that name it wait for.
            LookupResult::Faulty(record) => {
                let record = Received { seen_at: fetch.clock.now(), ..record };
                received.push(LookedUpParent { entity, record, wanted: wanted.clone() });
                // Its children wait all the same, and the next runs are not to ask each time.
                self.missing.push(wanted);
            }
            LookupResult::Found(record) => {
                let record = Received { seen_at: fetch.clock.now(), ..record };
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

/// Parents in one transaction at most.
const A_TRANSACTION: usize = 200;

/// A parent that came.
struct LookedUpParent {
    entity: &'static Entity,
    record: Received,
    wanted: MissingParent,
}

/// Stages what was received, of each entity in one transaction; what staging refuses, by itself.
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
        let mut refused = Refused::new();
        let mut staged = Staged::default();
        let mut apart = Apart::new(&records, |record| &record.external_id);
        while let Some(part) = apart.next() {
            match stage(fetch, entity, part).await {
                Ok(of_part) => staged += of_part,
                Err(error) => apart.failed(part, error, &mut refused)?,
            }
        }
        *fetched.staged.entry(entity.name).or_default() += staged;
        let of_refused = records.iter().zip(wanted).filter(|(of, _)| refused.contains_key(&of.external_id));
        fetched.missing.extend(of_refused.map(|(_, wanted)| wanted));
        fetched.refused.entry(entity.name).or_default().append(&mut refused);
    }
    crate::crash::at(crate::crash::Step::ParentStaged);
    Ok(())
}

/// Stages records in a transaction of their own.
pub(crate) async fn stage(
    fetch: &Fetch,
    entity: &'static Entity,
    records: &[Received],
) -> Result<Staged, DbError> {
    let mut connection = fetch.db.connection().await?;
    let tx = fetch.fence.begin(&mut connection).await?;
    let staged = versions::stage(&tx, entity, fetch.run_id, records).await?;
    tx.commit().await?;
    Ok(staged)
}

/// The way to a parent: its own getter, or one through the record that waits for it.
fn getter_of(wanted: &MissingParent) -> Option<(&'static Entity, &'static Getter, &str)> {
    let entity = entities::entity_of_table(&wanted.table)?;
    if let Some(getter) = &entity.getter {
        return Some((entity, getter, &wanted.external_id));
    }
    let (child, getter) = entity.found_through.as_ref()?;
    (*child == wanted.child_entity).then_some((entity, getter, &wanted.child_external_id))
}
