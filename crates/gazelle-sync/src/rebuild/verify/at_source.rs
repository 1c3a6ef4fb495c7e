//! Production against the API: its counts, and a random sample of records by id.

use std::collections::HashMap;

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::list_excess::ListExcess;
use super::{Check, Question};
use crate::config::Settings;
use crate::db::{Db, DbError, Tx};
use crate::entities::Entity;
use crate::gazelle_to_staging::records::get;
use crate::gazelle_to_staging::records::lookup::{LookupResult, MOST_KEPT};
use crate::gazelle_to_staging::requests::counts;
use crate::gazelle_to_staging::requests::sizes::Sizes;
use crate::source::GazelleClient;
use crate::staging::versions::{self, Received};
use crate::staging::{balance, deletions, undo};
use crate::staging_to_production::batch::{self, Candidate, VersionContent};
use crate::staging_to_production::difference::{self, Part, TableDifference};
use crate::staging_to_production::rebuild::{self, Unplaced};

/// What the API said.
#[derive(Default)]
pub struct Answers {
    /// Its count of each entity asked for.
    counts: HashMap<&'static str, u64>,
    /// What it does not count, each a sentence.
    uncounted: Vec<String>,
    /// The sample.
    pub records: Vec<Answered>,
    /// What could not be asked.
    pub failures: Vec<String>,
}

/// The API's answer for one record.
pub struct Answered {
    entity: &'static Entity,
    id: String,
    asked_at: Timestamp,
    /// None: the API says that it does not exist.
    record: Option<Received>,
}

/// The sample, told apart.
#[derive(Default)]
pub struct Judged {
    /// Records that were compared.
    pub sampled: u64,
    /// Those whose content production must show.
    pub to_compare: Vec<(&'static Entity, Candidate)>,
    /// Those that a walk should have brought, each in a line.
    pub stale: Vec<String>,
}

/// Asks for the counts and the sample. Errors: the database's.
pub async fn ask(
    db: &Db,
    settings: &Settings,
    client: &GazelleClient,
    question: &Question<'_>,
) -> Result<Answers, DbError> {
    let mut answers = Answers::default();
    for entity in &question.entities {
        match counts::count_whole(client, entity).await {
            Ok(Some(count)) => {
                answers.counts.insert(entity.name, count);
            }
            // A habit of the API's, and no failure.
            Ok(None) => answers.uncounted.push(format!("{}: the API does not count", entity.name)),
            Err(error) => answers.failures.push(format!("{}: the API did not count: {error}", entity.name)),
        }
    }
    let chosen = choose(db, question).await?;
    // Of all alike, before the first of them is asked for.
    let asked_at = db.now().await?;
    let mut asked = stream::iter(chosen)
        .map(|(entity, id)| async move {
            let Some(getter) = &entity.getter else { return None };
            let sizes = Sizes::usual(settings.page_size);
            let record = get::get(client, &sizes, entity, getter, &id).await;
            Some((entity, id, asked_at, record))
        })
        .buffer_unordered(settings.concurrency.max(1));
    let mut bytes = 0;
    while let Some(answer) = asked.next().await {
        match answer {
            Some((entity, id, _, Ok(LookupResult::Changed(why) | LookupResult::Unclear(why)))) => {
                answers.failures.push(format!("{} {id}: {why}", entity.name));
            }
            Some((entity, id, _, Ok(LookupResult::Faulty(_) | LookupResult::Refused(_)))) => {
                answers.failures.push(format!("{} {id}: the API could not give it whole", entity.name));
            }
            Some((entity, _, _, Ok(LookupResult::NoRoom))) => {
                answers.failures.push(too_large_a_sample(entity));
                break;
            }
            Some((entity, _, _, Ok(LookupResult::Found(record))))
                if bytes + record.raw.len() > MOST_KEPT * 4 =>
            {
                answers.failures.push(too_large_a_sample(entity));
                break;
            }
            Some((entity, id, asked_at, Ok(LookupResult::Found(record)))) => {
                bytes += record.raw.len();
                answers.records.push(Answered { entity, id, asked_at, record: Some(record) });
            }
            Some((entity, id, asked_at, Ok(LookupResult::Missing(_)))) => {
                answers.records.push(Answered { entity, id, asked_at, record: None });
            }
            Some((entity, _, _, Err(error))) => {
                answers.failures.push(format!("{}: the sample was cut short: {error}", entity.name));
                break;
            }
            None => {}
        }
    }
    Ok(answers)
}

fn too_large_a_sample(entity: &Entity) -> String {
    format!("{}: the sample was cut short: its records are large", entity.name)
}

/// Records of production, at random: of each entity in proportion to its rows, at least one.
async fn choose(db: &Db, question: &Question<'_>) -> Result<Vec<(&'static Entity, String)>, DbError> {
    let entities: Vec<&'static Entity> =
        question.entities.iter().copied().filter(|entity| entity.getter.is_some()).collect();
    let mut held = Vec::new();
    for entity in &entities {
        let sql =
            format!("SELECT count(*) FROM {{schema}}.{} WHERE deleted_at IS NULL", entity.tables[0].name);
        let rows = db.query(&sql, &[]).await?;
        held.push(rows.first().map_or(0, |row| row.get::<_, i64>(0)));
    }
    let all: i64 = held.iter().sum::<i64>().max(1);
    let mut chosen = Vec::new();
    for (entity, rows) in entities.into_iter().zip(held) {
        let share = (i64::from(question.sample) * rows + all - 1) / all;
        let sql = format!(
            "SELECT external_id FROM {{schema}}.{} WHERE deleted_at IS NULL
              ORDER BY md5(external_id || $1) LIMIT $2",
            entity.tables[0].name
        );
        let seed = question.seed.to_string();
        let rows = db.query(&sql, &[(&seed, Type::TEXT), (&share, Type::INT8)]).await?;
        chosen.extend(rows.iter().map(|row| (entity, row.get::<_, String>(0))));
    }
    chosen.truncate(question.sample as usize);
    Ok(chosen)
}

/// The API's counts against the records that staging says exist.
pub async fn compare_counts(
    tx: &Tx<'_>,
    settings: &Settings,
    question: &Question<'_>,
    answers: &Answers,
    notes: &mut Vec<String>,
) -> Result<Check, DbError> {
    let mut check = Check::new("the API counts what is held");
    notes.extend(answers.uncounted.iter().cloned());
    for entity in &question.entities {
        let Some(counted) = answers.counts.get(entity.name).copied() else { continue };
        let narrowed = entity.own_date().is_some()
            && (settings.events_from.is_some() || settings.events_until.is_some());
        if narrowed {
            notes
                .push(format!("{}: counts are not compared, since the settings leave days out", entity.name));
            continue;
        }
        check.checked += 1;
        let held = balance::in_transaction(tx, entity).await?.in_staging();
        // Gone at the source by evidence, and kept by a person's word or until there is one.
        let kept = deletions::kept(tx, entity).await?;
        // There at the source, and kept away from production by an undo.
        let hidden = undo::hidden(tx, entity).await?;
        let unlisted = unlisted(tx, entity).await?;
        let excess = ListExcess::of(tx, entity).await?;
        let (at_least, at_most) = excess.records(counted);
        let least = at_least + kept + unlisted.by_walk;
        let most = match entity.getter {
            Some(_) => at_most + kept + unlisted.by_walk + unlisted.at_most_more,
            // A technician who left is found through an appointment, and listed nowhere; nobody can ask for one.
            None => u64::MAX,
        };
        if (least..=most).contains(&(held + hidden)) {
            notes.extend(excess.note(entity, counted));
            let in_no_list = (held + hidden).saturating_sub(at_most + kept).max(unlisted.by_walk);
            if in_no_list > 0 {
                let why = match entity.getter {
                    Some(_) => "runs ask for each by its id, and none is known to be gone",
                    None => "as it has no way to ask for one, they stay",
                };
                let name = entity.name;
                notes.push(format!("{name}: {in_no_list} held are in no list of the API; {why}"));
            }
        } else {
            let mut explained = String::new();
            if kept > 0 {
                explained += &format!(" and {kept} kept although gone");
            }
            if unlisted.by_walk > 0 {
                explained += &format!(" and {} in no list", unlisted.by_walk);
            }
            if hidden > 0 {
                explained += &format!(", {hidden} of them are kept away by an undo");
            }
            check.differs(format!(
                "{}: the API counts {counted}{explained}, held are {held}: sync, then verify again",
                entity.name
            ));
        }
    }
    Ok(check)
}

/// The records that no list has and that no run has asked for yet, each entity in a sentence: whether they exist is not known.
pub async fn waiting_for_their_turn(tx: &Tx<'_>, question: &Question<'_>) -> Result<Vec<String>, DbError> {
    let mut said = Vec::new();
    for entity in &question.entities {
        let waiting = deletions::turn::waiting(tx, entity).await?;
        if waiting > 0 {
            said.push(format!(
                "{}: {waiting} record(s) that are held and not listed wait for their turn to be asked for by their ids: \
                 whether they still exist is not known before (sync again, then verify)",
                entity.name
            ));
        }
    }
    Ok(said)
}

/// Tells apart, for each record of the sample: what staging holds as its newest content, and production must
/// show; what changed at the source since it was last walked; and what a walk should have brought.
pub async fn judge(
    tx: &Tx<'_>,
    question: &Question<'_>,
    records: Vec<Answered>,
    notes: &mut Vec<String>,
) -> Result<Judged, DbError> {
    let mut judged = Judged::default();
    let (mut changed, mut gone, mut undone) = (0, 0, 0);
    for entity in &question.entities {
        let of_entity: Vec<&Answered> =
            records.iter().filter(|answered| answered.entity.name == entity.name).collect();
        if of_entity.is_empty() {
            continue;
        }
        let ids: Vec<&str> = of_entity.iter().map(|answered| answered.id.as_str()).collect();
        let newest = versions::newest_of(tx, entity, &ids).await?;
        let kept_as_before = undo::kept_as_before(tx, entity, &ids).await?;
        let walked = last_whole_walk(tx, entity).await?;
        for answered in of_entity {
            if kept_as_before.contains(answered.id.as_str()) {
                undone += 1;
                continue;
            }
            let Some(record) = &answered.record else {
                gone += 1;
                continue;
            };
            judged.sampled += 1;
            let held = newest.get(answered.id.as_str());
            let candidate = read(entity, answered, record);
            if held.is_some_and(|held| held.hash.as_deref() == Some(blake3::hash(&record.raw).as_bytes())) {
                judged.to_compare.push((*entity, candidate));
                continue;
            }
            let brought_since = held.is_some_and(|held| held.fetched_at >= answered.asked_at);
            let edited_at = edited_at(entity, &candidate);
            let missed = match (walked, edited_at) {
                (Some(walked), Some(edited_at)) => edited_at < walked,
                (Some(_), None) => true,
                (None, _) => false,
            };
            if missed && !brought_since {
                judged.stale.push(format!(
                    "{} {}: its content at the source is not the newest held, and the last whole walk began after its last \
                     edit there{}",
                    entity.name,
                    answered.id,
                    edited_at.map(|at| format!(" ({at})")).unwrap_or_default()
                ));
            } else {
                changed += 1;
            }
        }
    }
    if changed > 0 {
        notes.push(format!(
            "{changed} record(s) of the sample changed at the source since they were last walked"
        ));
    }
    if undone > 0 {
        notes.push(format!(
            "{undone} record(s) of the sample are kept as before by an undo (gazelle-sync status)"
        ));
    }
    if gone > 0 {
        notes.push(format!(
            "{gone} record(s) of the sample are gone at the source: the next whole walk will find that out"
        ));
    }
    Ok(judged)
}

fn read(entity: &Entity, answered: &Answered, record: &Received) -> Candidate {
    let text = String::from_utf8_lossy(&record.raw);
    let content = match batch::reconcile(entity, &text, Some(&record.raw)) {
        Ok(reconciled) => VersionContent::Record(reconciled),
        Err(error) => VersionContent::Faulty(error),
    };
    Candidate {
        staging_id: Uuid::nil(),
        external_id: answered.id.clone(),
        fetched_at: answered.asked_at,
        content,
    }
}

/// When the source says that the record was last edited.
fn edited_at(entity: &Entity, candidate: &Candidate) -> Option<Timestamp> {
    let VersionContent::Record(reconciled) = &candidate.content else { return None };
    let (_, row) = reconciled.rows.iter().find(|(table, _)| *table == 0)?;
    match entity.tables[0].get(row, "source_updated_at") {
        crate::entities::table::Value::Instant(at) => crate::time::instant_of(*at),
        _ => None,
    }
}

/// When the last complete walk of all of an entity started.
async fn last_whole_walk(tx: &Tx<'_>, entity: &Entity) -> Result<Option<Timestamp>, DbError> {
    let rows = tx
        .query(
            "SELECT max(r.started_at) FROM {schema}.sync_run_entities e JOIN {schema}.sync_runs r USING (run_id)
              WHERE e.entity = $1 AND r.started_at <= clock_timestamp() AND e.walk_complete AND e.walk = 'whole'",
            &[(&entity.name, Type::TEXT)],
        )
        .await?;
    Ok(rows.first().and_then(|row| row.get(0)))
}

/// Records that exist at the source and that it may not list.
struct Unlisted {
    /// As many as the last complete walk of all of the entity did not see.
    by_walk: u64,
    /// And as many at most that were found by id since: those created meanwhile are listed by now.
    at_most_more: u64,
}

async fn unlisted(tx: &Tx<'_>, entity: &Entity) -> Result<Unlisted, DbError> {
    let Some(walked) = last_whole_walk(tx, entity).await? else {
        return Ok(Unlisted { by_walk: 0, at_most_more: 0 });
    };
    let rows = tx
        .query(
            "SELECT coalesce(sum(e.unlisted), 0)::bigint, coalesce(sum(e.found_by_id), 0)::bigint
               FROM {schema}.sync_run_entities e JOIN {schema}.sync_runs r USING (run_id)
              WHERE e.entity = $1 AND r.started_at BETWEEN $2 AND clock_timestamp()",
            &[(&entity.name, Type::TEXT), (&walked, Type::TIMESTAMPTZ)],
        )
        .await?;
    let number = |column: usize| rows.first().map_or(0, |row| row.get::<_, i64>(column) as u64);
    Ok(Unlisted { by_walk: number(0), at_most_more: number(1) })
}

/// Puts the API's answers over the rebuilt copy, and compares the records of the sample. Returns also those that could
/// not be put there.
pub async fn compare(
    tx: &Tx<'_>,
    to_compare: Vec<(&'static Entity, Candidate)>,
    samples: i64,
) -> Result<(Vec<TableDifference>, Vec<Unplaced>), DbError> {
    let (mut found, mut unplaced) = (Vec::new(), Vec::new());
    let mut left = to_compare;
    while let Some((entity, _)) = left.first() {
        let entity = *entity;
        let (of_entity, others): (Vec<_>, Vec<_>) =
            left.into_iter().partition(|(of, _)| of.name == entity.name);
        let candidates: Vec<Candidate> = of_entity.into_iter().map(|(_, candidate)| candidate).collect();
        unplaced.extend(rebuild::put_over(tx, entity, &candidates).await?);
        let ids = candidates.into_iter().map(|candidate| candidate.external_id).collect();
        found.extend(difference::of_part(tx, samples, &Part::of(entity, ids)).await?);
        left = others;
    }
    Ok((found, unplaced))
}
