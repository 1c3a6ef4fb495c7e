//! Asks the API for its counts, and for a random sample of records by id.

use std::collections::HashMap;

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use tokio_postgres::types::Type;

use super::report::VerifyRequest;
use crate::config::Settings;
use crate::db::{Db, DbError, Template};
use crate::entities::Entity;
use crate::gazelle_to_staging::records::get;
use crate::gazelle_to_staging::records::lookup::{LookupResult, MOST_KEPT};
use crate::gazelle_to_staging::requests::counts;
use crate::gazelle_to_staging::requests::sizes::Sizes;
use crate::source::{GazelleClient, SourceError};
use crate::staging::versions::Received;

/// Most bytes that the records of a sample hold together.
const MOST_BYTES: usize = MOST_KEPT * 4;

/// The answers of the API.
#[derive(Default)]
pub struct ApiAnswers {
    /// Its count of each entity asked for.
    pub counts: HashMap<&'static str, u64>,
    /// Entities that it does not count, each in a sentence.
    pub uncounted: Vec<String>,
    /// The records of the sample.
    pub records: Vec<ApiRecord>,
    /// What could not be answered, each in a sentence.
    pub failures: Vec<String>,
    /// Bytes of the sample so far.
    bytes: usize,
}

/// The API's answer for one record.
pub struct ApiRecord {
    pub entity: &'static Entity,
    pub id: String,
    pub asked_at: Timestamp,
    /// None: according to the API, it does not exist.
    pub record: Option<Received>,
}

/// Whether more records of the sample are asked for.
#[derive(Debug, PartialEq, Eq)]
enum Sample {
    GoesOn,
    CutShort,
}

impl ApiAnswers {
    /// Asks for the counts and the sample.
    ///
    /// # Errors
    /// The database's; errors of the API are in `failures`.
    pub async fn ask(
        db: &Db,
        settings: &Settings,
        client: &GazelleClient,
        question: &VerifyRequest<'_>,
    ) -> Result<ApiAnswers, DbError> {
        let mut answers = ApiAnswers::default();
        for entity in &question.entities {
            answers.ask_count(client, entity).await;
        }
        let chosen = choose(db, question).await?;
        // One time for all records, before the first of them is asked for.
        let asked_at = db.now().await?;
        let mut asked = stream::iter(chosen)
            .map(|(entity, id)| async move {
                let getter = entity.getter.as_ref()?;
                let sizes = Sizes::usual(settings.page_size);
                let looked_up = get::get(client, &sizes, entity, getter, &id).await;
                Some((entity, id, looked_up))
            })
            .buffer_unordered(settings.concurrency.max(1));
        while let Some(answer) = asked.next().await {
            let Some((entity, id, looked_up)) = answer else { continue };
            if answers.take(entity, id, asked_at, looked_up) == Sample::CutShort {
                break;
            }
        }
        Ok(answers)
    }

    async fn ask_count(&mut self, client: &GazelleClient, entity: &'static Entity) {
        let name = entity.name;
        match counts::count_whole(client, entity).await {
            Ok(Some(count)) => {
                self.counts.insert(name, count);
            }
            // The API does not count every list: this is no failure.
            Ok(None) => self.uncounted.push(format!("{name}: the API does not count")),
            Err(error) => self.failures.push(format!("{name}: the API did not count: {error}")),
        }
    }

    /// Adds the answer for one record of the sample.
    fn take(
        &mut self,
        entity: &'static Entity,
        id: String,
        asked_at: Timestamp,
        looked_up: Result<LookupResult, SourceError>,
    ) -> Sample {
        let name = entity.name;
        let cut_short = |why: String| format!("{name}: the sample was cut short: {why}");
        let large = || cut_short("its records are large".to_owned());
        let record = match looked_up {
            Ok(LookupResult::Found(record)) if self.bytes + record.raw.len() > MOST_BYTES => {
                self.failures.push(large());
                return Sample::CutShort;
            }
            Ok(LookupResult::NoRoom) => {
                self.failures.push(large());
                return Sample::CutShort;
            }
            Err(error) => {
                self.failures.push(cut_short(error.to_string()));
                return Sample::CutShort;
            }
            Ok(LookupResult::Changed(why) | LookupResult::Unclear(why)) => {
                self.failures.push(format!("{name} {id}: {why}"));
                return Sample::GoesOn;
            }
            Ok(LookupResult::Faulty(_) | LookupResult::Refused(_)) => {
                self.failures.push(format!("{name} {id}: the API could not give it whole"));
                return Sample::GoesOn;
            }
            Ok(LookupResult::Missing(_)) => None,
            Ok(LookupResult::Found(record)) => Some(record),
        };
        self.bytes += record.as_ref().map_or(0, |record| record.raw.len());
        self.records.push(ApiRecord { entity, id, asked_at, record });
        Sample::GoesOn
    }
}

/// Chooses records of production at random: of each entity in proportion to its rows, at least one.
async fn choose(db: &Db, question: &VerifyRequest<'_>) -> Result<Vec<(&'static Entity, String)>, DbError> {
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
        let sql = Template::new(include_str!("sample_ids.sql")).with("table", entity.tables[0].name).fill();
        let seed = question.seed.to_string();
        let rows = db.query(&sql, &[(&seed, Type::TEXT), (&share, Type::INT8)]).await?;
        chosen.extend(rows.iter().map(|row| (entity, row.get::<_, String>(0))));
    }
    chosen.truncate(question.sample as usize);
    Ok(chosen)
}
