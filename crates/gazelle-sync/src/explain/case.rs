//! Collects what a person needs to understand one quarantine case.

use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::Value as Json;
use uuid::Uuid;

use super::source::{Request, Run, Sources};
use super::{Moment, find, inside};
use crate::db::{DbError, Tx};
use crate::entities::read::ErrorCode;
use crate::entities::{self, Entity};
use crate::staging::history::{self, Version};
use crate::staging::quarantine::Case;
use crate::states::CaseState;

/// A quarantine case and its context.
#[derive(Debug, Serialize)]
pub struct CaseContext {
    /// The case.
    #[serde(flatten)]
    pub case: Case,
    /// When the first attempt failed, in UTC and the zone of the settings.
    pub first_try: Moment,
    /// When the last attempt failed.
    pub last_try: Moment,
    /// When the version was seen.
    pub seen: Moment,
    /// When the case was closed.
    pub closed: Option<Moment>,
    /// The value in the record's faulty field; `None` if it has none.
    pub offending: Option<Json>,
    /// The run that staged the version.
    pub run: Option<Run>,
    /// The request that fetched it.
    pub request: Option<Request>,
    /// The record's newest valid version, if there is one.
    pub newest_good: Option<ValidVersion>,
    /// How many versions of the record are newer than this one.
    pub newer_versions: usize,
    /// The state of the parent that the case waits for; `None` if it waits for none.
    pub parent: Option<Parent>,
    /// A sentence that says so, if the API returned nothing of this version but the id.
    pub only_id: Option<String>,
    /// What the user can do.
    pub advice: String,
}

/// A valid version.
#[derive(Debug, Serialize)]
pub struct ValidVersion {
    /// The staging row.
    pub staging_id: Uuid,
    /// When it was seen.
    pub seen_at: Moment,
    /// Whether it is a tombstone: the record was deleted at the source.
    pub is_tombstone: bool,
}

/// The state of a parent that a case waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Parent {
    /// It is in production: the next run accepts the record. `landed` is its word in `--json`, which stays.
    #[serde(rename = "landed")]
    InProduction,
    /// It is in staging, but in quarantine itself or not reconciled yet.
    Staged,
    /// It is unknown: the next `sync` requests it by its id.
    Unknown,
}

/// Reads a case's context.
///
/// # Errors
/// Those of the database.
pub async fn read(
    tx: &Tx<'_>,
    entity: &'static Entity,
    case: Case,
    zone: &TimeZone,
) -> Result<CaseContext, DbError> {
    let versions = history::versions(tx, entity, &case.external_id).await?;
    let sources = match own(&versions, &case) {
        Some((_, version)) => Sources::of(tx, std::slice::from_ref(version), zone).await?,
        None => Sources::default(),
    };
    tell_from(tx, entity, case, (&versions, &sources), zone).await
}

/// The version of a case, and its index among these.
pub fn own<'v>(versions: &'v [Version], case: &Case) -> Option<(usize, &'v Version)> {
    versions.iter().enumerate().find(|(_, version)| version.staging_id.to_string() == case.staging_id)
}

/// The same from versions of the record, and their runs and requests, that were read before.
///
/// # Errors
/// Those of the database.
pub async fn tell_from(
    tx: &Tx<'_>,
    entity: &'static Entity,
    case: Case,
    (versions, sources): (&[Version], &Sources),
    zone: &TimeZone,
) -> Result<CaseContext, DbError> {
    let (index, own) = own(versions, &case).unzip();
    let newest_good = versions.iter().rev().find(|version| version.is_good()).map(|version| ValidVersion {
        staging_id: version.staging_id,
        seen_at: Moment::of(version.seen_at, zone),
        is_tombstone: version.is_tombstone,
    });
    let parent = match (&case.waits_for, &case.waits_for_id, case.state) {
        (Some(table), Some(id), CaseState::Waiting) => Some(parent(tx, table, id).await?),
        _ => None,
    };
    Ok(CaseContext {
        first_try: Moment::of(case.first_seen_at, zone),
        last_try: Moment::of(case.last_seen_at, zone),
        seen: Moment::of(case.fetched_at, zone),
        closed: case.closed_at.map(|at| Moment::of(at, zone)),
        offending: own.and_then(|version| {
            let field = case.error_field.as_deref().filter(|field| !field.is_empty())?;
            offending(entity, &version.readable()?, field).and_then(|(_, value)| value)
        }),
        run: own.and_then(|version| sources.run(version)),
        request: own.and_then(|version| sources.request(version)),
        newest_good,
        newer_versions: index.map_or(0, |index| versions.len() - index - 1),
        parent,
        only_id: own.and_then(Version::only_id),
        advice: advice(&case, parent),
        case,
    })
}

/// The place of the faulty field in a record, and its value; none of both if the record has no such field. If the
/// database named a column, the place is the path that the column is read from.
pub fn offending(entity: &Entity, record: &str, field: &str) -> Option<(String, Option<Json>)> {
    let record = serde_json::from_str::<serde_json_borrow::Value<'_>>(record).ok()?;
    let columns = entity.tables[0].columns.iter().filter(|column| column.name == field);
    let mut places = std::iter::once(field).chain(columns.flat_map(|column| column.from.iter().copied()));
    let (place, value) =
        places.find_map(|place| inside::at_place(&record, place).map(|value| (place, value)))?;
    Some((place.to_owned(), serde_json::from_str(&value.to_string()).ok()))
}

async fn parent(tx: &Tx<'_>, table: &str, id: &str) -> Result<Parent, DbError> {
    let Some(entity) = entities::entity_of_table(table) else { return Ok(Parent::Unknown) };
    if find::row(tx, entity.tables[0], id).await?.is_some() {
        return Ok(Parent::InProduction);
    }
    Ok(if history::knows(tx, entity, id).await? { Parent::Staged } else { Parent::Unknown })
}

fn advice(case: &Case, parent: Option<Parent>) -> String {
    let Case { entity, external_id: id, .. } = case;
    let field = case.error_field.as_deref().filter(|field| !field.is_empty()).unwrap_or("the record");
    let dismiss =
        format!("or, if it can stay out of production: gazelle-sync errors dismiss {id} --reason TEXT");
    match (case.state, case.error_code.parse()) {
        (CaseState::Dismissed, _) => format!("nothing; gazelle-sync errors retry {id} retries it"),
        (
            CaseState::Released | CaseState::Reread | CaseState::Superseded | CaseState::Withdrawn,
            _,
        ) => "nothing: the case is closed".to_owned(),
        (CaseState::Waiting, _) => match (parent, &case.waits_for_id) {
            (Some(Parent::InProduction), _) => {
                "nothing: the next run releases it, because its parent has been written".to_owned()
            }
            (Some(Parent::Staged), Some(parent)) => {
                format!(
                    "look at its parent, which is staged but not in production: gazelle-sync history {parent}"
                )
            }
            _ => format!(
                "nothing at first: the next sync asks Gazelle for the parent by its id. If Gazelle does not know it, \
                 correct {field} there, {dismiss}"
            ),
        },
        (_, Ok(ErrorCode::MissingField)) => format!(
            "fill in {field} of it in Gazelle: the next sync brings the new version and closes the case; {dismiss}"
        ),
        (_, Ok(ErrorCode::InvalidField)) => format!(
            "correct {field} of it in Gazelle: the next sync brings the new version and closes the case. If the value is \
             right as it is, the program is wrong: a newer one tries it again by itself. {}",
            dismiss.replacen("or, if", "If", 1)
        ),
        (_, Ok(ErrorCode::RefusedByDatabase)) => format!(
            "see what the database says of {field} above: correct the record in Gazelle, or what stands in the way (a \
             constraint of your own?), then gazelle-sync errors retry {id}; {dismiss}"
        ),
        (_, Ok(ErrorCode::IncompleteAtSource)) => format!(
            "the API itself fails at {field}: open the record in Gazelle, correct {field} there or ask Gazelle's support; each \
             sync asks again, and a whole version closes the case. Until then the last whole version stays; {dismiss}"
        ),
        (_, Ok(ErrorCode::NotAskedYet)) => "nothing at first: each sync asks Gazelle by their ids for a few of the records that a list could \
             not give whole, and this one follows in one of the next"
            .to_owned(),
        (_, Ok(ErrorCode::NotText)) => format!(
            "write {field} again in Gazelle: the API sends bytes there that are no text. The next sync brings the new version \
             and closes the case. Until then the last good version stays; {dismiss}"
        ),
        (_, Ok(ErrorCode::Unreadable | ErrorCode::MissingParent) | Err(_)) => format!(
            "look at the raw {entity} record: as it is, nothing can be read from it. Keep it, update the program; {dismiss}"
        ),
    }
}
