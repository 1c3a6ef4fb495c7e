//! Shows one quarantine case: the reason, what would resolve it, and its raw record with the faulty field marked,
//! beside the row of the newest valid version.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::Value as Json;
use uuid::Uuid;

use super::quarantine::description::{self, Facts};
use super::record::explained::request_text;
use super::record::fed::FilledColumns;
use super::record::read::{self, MOST_VERSIONS, ProductionRow, RawVersion};
use super::record::rows::{self, Marks, TableView};
use super::trouble;
use crate::dashboard::answer::Answer;
use crate::dashboard::links;
use crate::dashboard::named::{Name, Named, Names};
use crate::dashboard::page::{Frame, PageRequest, Screen, ShownTime};
use crate::dashboard::raw;
use crate::dashboard::raw_view::RawView;
use crate::dashboard::site::{PageError, Site};
use crate::dashboard::values::Value;
use crate::dashboard::words::actions as wa;
use crate::dashboard::words::locale::Locale;
use crate::dashboard::words::quarantine as w;
use crate::dashboard::words::record as wr;
use crate::db::{DbError, Tx};
use crate::entities::{Entity, entity_of_table};
use crate::explain::case::{self, CaseContext, Parent};
use crate::explain::source::Sources;
use crate::staging::history;
use crate::staging::quarantine::{self, one};
use crate::states::{CaseState, VersionStatus};

/// Newer versions whose value is shown.
const MOST_NEWER: usize = 10;

/// A case with all that is shown of it.
#[derive(Serialize)]
struct Case {
    #[serde(flatten)]
    context: CaseContext,
    name: Name,
    raw: Option<RawVersion>,
    versions_held: usize,
    rows: Vec<ProductionRow>,
    newer: Vec<NewerVersion>,
    #[serde(skip)]
    entity: &'static Entity,
    /// The place that is marked.
    #[serde(skip)]
    place: Option<String>,
}

/// What a newer version says of the field.
#[derive(Serialize)]
struct NewerVersion {
    number: usize,
    seen_at: jiff::Timestamp,
    sync_status: VersionStatus,
    is_tombstone: bool,
    /// None where the version has no such field.
    value: Option<Json>,
}

/// The page.
#[derive(Template)]
#[template(path = "screens/case/page.html")]
struct Page {
    frame: Frame,
    name: Named,
    reason: String,
    class: &'static str,
    shape: &'static str,
    word: String,
    advice: String,
    field: Option<String>,
    offending: Option<Value>,
    /// In the engine's own words, in English.
    message: Option<String>,
    says: String,
    parent: Option<ParentView>,
    closed: Option<(ShownTime, String)>,
    /// Whether a person wrote the reason of the closing; the program writes its own in English.
    is_closed_by_person: bool,
    tries: String,
    first: ShownTime,
    last: ShownTime,
    seen: ShownTime,
    run: Option<(String, String)>,
    request: Option<String>,
    only_id: Option<String>,
    raw: Option<RawView>,
    absent: Option<String>,
    tables: Vec<TableView>,
    no_row: String,
    newer: Vec<NewerView>,
    /// What may be decided; none where the case is closed, or the viewer may not.
    decide: Option<Decide>,
}

/// What may be decided about a case.
struct Decide {
    entity: String,
    id: String,
    may_dismiss: bool,
}

/// The parent that it waits for.
struct ParentView {
    href: Option<String>,
    id: String,
    known: String,
}

/// A newer version.
struct NewerView {
    title: String,
    href: String,
    seen: ShownTime,
    is_tombstone: bool,
    value: Option<Value>,
}

/// Answers with the page or, if the path ends with `.json`, its document.
pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
    Path(id): Path<String>,
) -> Answer {
    let answer = one_case(&site, &asked, id.trim_end_matches(".json")).await;
    answer.unwrap_or_else(|trouble| trouble::answer(&site, &asked, Screen::Quarantine, trouble))
}

async fn one_case(site: &Site, asked: &PageRequest, id: &str) -> Result<Answer, PageError> {
    let mut reader = site.reader(asked).await?;
    let snapshot = reader.snapshot(site).await?;
    let frame = site.frame(asked, Screen::Quarantine, &snapshot);
    let zone = site.shared.settings.zone();
    let read = match id.parse::<Uuid>() {
        Ok(id) => read(&snapshot.tx, id, &zone).await.map_err(|error| site.failed(&error))?,
        Err(_) => None,
    };
    Ok(match (read, asked.json) {
        (Some(case), true) => Answer::bounded(StatusCode::OK, &case),
        (Some(case), false) => Answer::page(StatusCode::OK, &page(&case, frame)),
        (None, true) => Answer::document(
            StatusCode::NOT_FOUND,
            &serde_json::json!({ "error": "no version with this id is or was in quarantine" }),
        ),
        (None, false) => {
            let heading = frame.say(w::NO_CASE).into_owned();
            let sentence = frame.say(w::NO_CASE_MORE).into_owned();
            let link = ("/app/quarantine".to_owned(), frame.say(w::TO_QUARANTINE).into_owned());
            trouble::not_there(frame, heading, sentence, link)
        }
    })
}

/// Reads a case in seven statements, and two more if it waits for a parent.
async fn read(tx: &Tx<'_>, staging_id: Uuid, zone: &TimeZone) -> Result<Option<Case>, DbError> {
    let Some((entity, found)) = one::case(tx, staging_id).await? else { return Ok(None) };
    let id = found.external_id.clone();
    let versions = history::newest(tx, entity, &id, MOST_VERSIONS).await?;
    let own = case::own(&versions, &found);
    let one = own.map(|(_, version)| std::slice::from_ref(version)).unwrap_or_default();
    let sources = Sources::of(tx, one, zone).await?;
    let field = found.error_field.clone().filter(|field| !field.is_empty());
    let text = own.and_then(|(_, version)| version.readable());
    let title = text.as_deref().and_then(title);
    // A field that is there as null, or not at all, is looked for as it is named.
    let place = field.as_deref().map(|field| {
        let found = text.as_ref().and_then(|text| case::offending(entity, text, field));
        found.map_or_else(|| field.to_owned(), |(place, _)| place)
    });
    let raw = own.map(|(index, version)| read::raw_of(version, versions.number(index), place.as_deref()));
    let first_newer = own.map_or(versions.len(), |(index, _)| index + 1);
    let newer = versions.iter().enumerate().skip(first_newer).rev().take(MOST_NEWER);
    let newer = newer.map(|(index, version)| NewerVersion {
        number: versions.number(index),
        seen_at: version.seen_at,
        sync_status: version.sync_status,
        is_tombstone: version.is_tombstone,
        value: field.as_deref().and_then(|field| case::offending(entity, &version.readable()?, field)?.1),
    });
    let newer = newer.collect();
    let context = case::tell_from(tx, entity, found, (&versions, &sources), zone).await?;
    let rows = read::rows(tx, entity, &id).await?;
    let names = Names::read(tx, std::iter::once((entity.name, id.as_str()))).await?;
    let name = names.of(entity.name, &id).or_called(title.as_ref());
    Ok(Some(Case { context, name, raw, versions_held: versions.held, rows, newer, entity, place }))
}

/// What a raw record is called.
fn title(record: &str) -> Option<String> {
    let record: Json = serde_json::from_str(record).ok()?;
    let text = |name: &str| record[name].as_str().filter(|text| !text.trim().is_empty());
    ["title", "companyName", "lastName", "make"].into_iter().find_map(text).map(str::to_owned)
}

fn page(case: &Case, frame: Frame) -> Page {
    let t = frame.locale();
    let CaseContext { case: found, .. } = &case.context;
    let facts = Facts {
        state: found.state,
        code: &found.error_code,
        field: found.error_field.as_deref(),
        external_id: &found.external_id,
        parent: case.context.parent,
    };
    let (class, shape, word) = description::state(found.state, t);
    let fed =
        case.place.as_deref().map(|place| FilledColumns::from_path(case.entity, place)).unwrap_or_default();
    let marks = Marks { fed, ..Marks::default() };
    let raw = case.raw.as_ref();
    let field = found.error_field.as_deref().filter(|field| !field.is_empty());
    let is_gone = case.context.newest_good.as_ref().is_some_and(|good| good.is_tombstone);
    Page {
        name: case.name.shown(t),
        reason: facts.reason(t),
        advice: facts.advice(t),
        class,
        shape,
        word,
        field: field.map(|field| raw::cut(field).0.to_owned()),
        offending: case.context.offending.as_ref().map(|value| Value::of(value, t)),
        message: found.message.as_deref().map(|message| raw::cut(message).0.to_owned()),
        says: t.label(&t.say(w::SAYS)),
        parent: parent(case, t),
        closed: found
            .closed_at
            .map(|at| (ShownTime::date_hour(at, t), found.closed_reason.clone().unwrap_or_default())),
        is_closed_by_person: found.state == CaseState::Dismissed,
        tries: t.number(found.attempts),
        first: ShownTime::date_hour(found.first_seen_at, t),
        last: ShownTime::date_hour(found.last_seen_at, t),
        seen: ShownTime::date_hour(found.fetched_at, t),
        run: case.context.run.as_ref().map(|run| {
            (links::run(run.run_id), t.fill(wr::RUN_OF, &[("at", &t.date_hour(run.started_at.utc))]))
        }),
        request: case.context.request.as_ref().map(|request| request_text(request, t)),
        only_id: case.context.only_id.clone(),
        absent: raw
            .filter(|raw| !raw.raw.is_found && raw.raw.marked().is_some())
            .zip(field)
            .map(|(_, field)| t.fill(w::MARKED_ABSENT, &[("field", raw::cut(field).0)])),
        raw: raw.map(|raw| RawView::of(&raw.raw, raw.as_received, (raw.number, case.versions_held), t)),
        tables: rows::tables(case.entity, &found.external_id, &case.rows, &marks, t),
        no_row: t.say(if is_gone { w::GOOD_IS_GONE } else { w::NO_GOOD_ROW }).into_owned(),
        newer: case.newer.iter().map(|version| newer(version, &case.name, t)).collect(),
        decide: decide(found, &frame),
        frame,
    }
}

fn decide(found: &quarantine::Case, frame: &Frame) -> Option<Decide> {
    let state = found.state;
    let may_retry = state.is_open() || state == CaseState::Dismissed;
    (may_retry && frame.may_office()).then(|| Decide {
        entity: found.entity.clone(),
        id: found.staging_id.clone(),
        may_dismiss: state.is_open(),
    })
}

fn parent(case: &Case, t: &Locale) -> Option<ParentView> {
    let found = &case.context.case;
    let (table, id) = found.waits_for.as_deref().zip(found.waits_for_id.as_deref())?;
    let known = match case.context.parent? {
        Parent::InProduction => w::PARENT_IN_PRODUCTION,
        Parent::Staged => w::PARENT_STAGED,
        Parent::Unknown => w::PARENT_UNKNOWN,
    };
    Some(ParentView {
        href: entity_of_table(table).map(|entity| links::record(entity.name, id)),
        id: raw::cut(id).0.to_owned(),
        known: t.say(known).into_owned(),
    })
}

fn newer(version: &NewerVersion, name: &Name, t: &Locale) -> NewerView {
    let number = version.number.to_string();
    let page = links::with(&links::record(&name.entity, &name.external_id), &[("version", Some(&number))]);
    NewerView {
        title: t.fill(wr::VERSION_NUMBER, &[("number", &number)]),
        href: format!("{page}#raw"),
        seen: ShownTime::date_hour(version.seen_at, t),
        is_tombstone: version.is_tombstone,
        value: version.value.as_ref().map(|value| Value::of(value, t)),
    }
}
