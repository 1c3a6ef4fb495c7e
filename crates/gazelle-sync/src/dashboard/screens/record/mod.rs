//! Shows one record: production beside the raw record, its versions and their differences, and how one value was computed.

pub(super) mod explained;
pub(super) mod fed;
pub(super) mod read;
pub(super) mod rows;
mod versions;

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::trouble;
use crate::dashboard::answer::Answer;
use crate::dashboard::links;
use crate::dashboard::named::{Name, Named, Names};
use crate::dashboard::page::{Frame, PageRequest, Screen, ShownTime};
use crate::dashboard::raw_view::RawView;
use crate::dashboard::site::{PageError, Site};
use crate::dashboard::values::Differences;
use crate::dashboard::words::actions as wa;
use crate::dashboard::words::locale::Locale;
use crate::dashboard::words::record as w;
use crate::entities;
use crate::explain::history::VersionState;
use explained::Block;
use read::{Record, RecordLookup, RecordParameters};
use rows::{Marks, TableView};
use versions::{Chip, VersionView};

/// The query parameters.
#[derive(Debug, Deserialize)]
pub(crate) struct QueryParams {
    version: Option<String>,
    compare: Option<String>,
    explain: Option<String>,
    row: Option<String>,
}

/// The page.
#[derive(Template)]
#[template(path = "screens/record/page.html")]
struct Page {
    frame: Frame,
    name: Named,
    id: String,
    chip: Chip,
    deleted: Option<String>,
    changed: Option<LastChange>,
    tables: Vec<TableView>,
    raw: Option<RawView>,
    explained: Vec<Block>,
    /// The column that was asked for and is not there.
    no_column: Option<String>,
    close: String,
    versions: Vec<VersionView>,
    versions_count: String,
    versions_newest: Option<String>,
    numbers: Vec<usize>,
    /// The versions chosen in the form.
    from: usize,
    to: usize,
    compared: Option<ComparedView>,
    related: Vec<Named>,
    /// The name of the entity in forms.
    entity: &'static str,
    is_in_quarantine: bool,
}

/// When the row changed last, and by which run. The date stands between two pieces of the sentence.
struct LastChange {
    before: String,
    at: ShownTime,
    between: String,
    href: String,
    label: String,
}

/// Two versions beside each other.
struct ComparedView {
    title: String,
    differences: Option<Differences>,
}

/// Answers with the page or its document.
pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
    Path((entity, id)): Path<(String, String)>,
    Query(question): Query<QueryParams>,
) -> Answer {
    let id = id.strip_suffix(".json").filter(|_| asked.json).unwrap_or(&id);
    let answer = record(&site, &asked, (&entity, id), question).await;
    answer.unwrap_or_else(|trouble| trouble::answer(&site, &asked, Screen::Search, trouble))
}

async fn record(
    site: &Site,
    asked: &PageRequest,
    (entity, id): (&str, &str),
    question: QueryParams,
) -> Result<Answer, PageError> {
    let mut reader = site.reader(asked).await?;
    let snapshot = reader.snapshot(site).await?;
    let settings = &site.shared.settings;
    let frame = site.frame(asked, Screen::Search, &snapshot);
    let number = |text: Option<&String>| text.and_then(|text| text.parse().ok());
    let parameters = RecordParameters {
        version: question.version,
        compare: number(question.compare.as_ref()),
        explain: question.explain.filter(|column| !column.is_empty()),
        row: question.row,
    };
    let Some(entity) = entities::entity(entity) else { return Ok(unknown(frame, asked, id)) };
    let tx = &snapshot.tx;
    let read = read::read(tx, entity, id, &parameters, &settings.zone()).await;
    match read.map_err(|error| site.failed(&error))? {
        RecordLookup::Nothing => Ok(unknown(frame, asked, id)),
        RecordLookup::Inside(holder) => {
            let page = links::record(entity.name, &holder);
            Ok(Answer::see(&format!("{page}#{}", rows::anchor(id))))
        }
        RecordLookup::Record(record) if asked.json => Ok(Answer::bounded(StatusCode::OK, &record)),
        RecordLookup::Record(record) => {
            let names = Names::read(tx, std::iter::once((entity.name, id))).await;
            let name = names.map_err(|error| site.failed(&error))?.of(entity.name, id);
            Ok(Answer::page(StatusCode::OK, &page(&record, &name, &parameters, frame)))
        }
    }
}

/// Nothing has this id.
fn unknown(frame: Frame, asked: &PageRequest, id: &str) -> Answer {
    if asked.json {
        return Answer::document(StatusCode::NOT_FOUND, &json!({ "error": "no record has this id" }));
    }
    let (shown, _) = crate::dashboard::raw::cut(id);
    let heading = frame.fill(w::NO_RECORD, &[("id", shown)]);
    let link = (links::with("/app/search", &[("q", Some(shown))]), frame.say(w::TO_SEARCH).into_owned());
    let sentence = frame.say(w::NO_RECORD_MORE).into_owned();
    trouble::not_there(frame, heading, sentence, link)
}

fn page(record: &Record, name: &Name, parameters: &RecordParameters, frame: Frame) -> Page {
    let t = frame.locale();
    let history = &record.history;
    let id = history.external_id.as_str();
    let place = links::record(record.entity.name, id);
    let told = record.explained.as_ref();
    let marks = Marks {
        explained: told.map(|told| (told.table, told.row.as_str(), told.column.as_str())),
        ..Marks::default()
    };
    let in_production = history.in_production.as_ref();
    let blocks = told.map(|told| explained::blocks(told, record.raw.as_ref(), t)).unwrap_or_default();
    let newest = history.versions.len() < history.versions_held;
    Page {
        name: name.shown(t),
        id: id.to_owned(),
        chip: versions::of_record(history, t),
        deleted: in_production
            .and_then(|row| row.deleted_at.as_ref())
            .map(|at| t.fill(w::DELETED_SINCE, &[("at", &t.exact(at.utc))])),
        changed: changed(record, t),
        tables: rows::tables(record.entity, id, &record.rows, &marks, t),
        raw: record
            .raw
            .as_ref()
            .map(|raw| RawView::of(&raw.raw, raw.as_received, (raw.number, history.versions_held), t)),
        no_column: parameters
            .explain
            .as_ref()
            .filter(|_| told.is_none())
            .map(|column| t.fill(w::NO_SUCH_COLUMN, &[("column", crate::dashboard::raw::cut(column).0)])),
        explained: blocks,
        close: place.clone(),
        versions: versions::views(record, &place, t),
        versions_count: t.count(w::VERSIONS_HELD, history.versions_held as i64),
        versions_newest: newest
            .then(|| t.fill(w::VERSIONS_NEWEST, &[("n", &t.number(history.versions.len() as i64))])),
        numbers: history.versions.iter().rev().map(|version| version.number).collect(),
        from: from(record),
        to: record.raw.as_ref().map_or(0, |raw| raw.number),
        compared: record.compared.as_ref().map(|compared| ComparedView {
            title: t
                .fill(w::COMPARED, &[("from", &compared.from.to_string()), ("to", &compared.to.to_string())]),
            differences: compared.changes.as_ref().map(|changes| Differences::of(changes, t)),
        }),
        related: record.related.iter().map(|name| name.shown(t)).collect(),
        entity: record.entity.name,
        is_in_quarantine: history.versions.iter().any(|version| version.state == VersionState::InQuarantine),
        frame,
    }
}

/// The version that the form compares from: the one asked for, else the one before the one shown.
fn from(record: &Record) -> usize {
    let before = || record.raw.as_ref().map_or(0, |raw| raw.number.saturating_sub(1));
    record.compared.as_ref().map_or_else(before, |compared| compared.from)
}

/// When the row changed last, and by which run.
fn changed(record: &Record, t: &Locale) -> Option<LastChange> {
    let row = record.history.in_production.as_ref()?;
    let version =
        record.history.versions.iter().find(|version| Some(version.staging_id) == row.staging_id)?;
    let run = version.run.as_ref()?;
    let sentence = t.say(w::CHANGED_BY);
    let (before, rest) = sentence.split_once("{at}")?;
    let (between, _) = rest.split_once("{run}")?;
    Some(LastChange {
        before: before.to_owned(),
        at: ShownTime::date_hour(row.changed_at.as_ref()?.utc, t),
        between: between.to_owned(),
        href: links::run(run.run_id),
        label: t.fill(w::RUN_OF, &[("at", &t.date_hour(run.started_at.utc))]),
    })
}
