//! Shows one run: its counts, duration, requests, warnings and errors.

mod changes;

use std::borrow::Cow;
use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::runs::{self, RunRow};
use super::trouble;
use crate::dashboard::answer::Answer;
use crate::dashboard::charts::lanes::{self, RequestTimeline};
use crate::dashboard::links;
use crate::dashboard::page::{Frame, PageRequest, Screen, entity_name};
use crate::dashboard::site::{PageError, Site};
use crate::dashboard::words::actions as wa;
use crate::dashboard::words::charts as wc;
use crate::dashboard::words::locale::Locale;
use crate::dashboard::words::runs as w;
use crate::dashboard::words::sentence::Sentence;
use crate::run_log::kinds::{RunCommand, RunState};
use crate::run_log::report::EntityReport;
use crate::run_log::run_pages::{self, ApiRequest, OneRun};
use crate::run_log::warnings::{self, WarningFilter, Warnings};
use crate::source::OutcomeCode;
use crate::staging::history::run_versions::RunSpan;
use changes::RunChanges;

/// Warnings of a run that are listed.
const WARNINGS: u32 = 100;

/// The query parameters.
#[derive(Debug, Deserialize)]
pub(crate) struct QueryParams {
    /// The requests after this number.
    after: Option<String>,
}

/// The document beside the page.
#[derive(Serialize)]
struct Run {
    #[serde(flatten)]
    run: OneRun,
    warnings: Warnings,
    /// What it changed; none where that could not be read.
    changes: Option<RunChanges>,
}

/// The page.
#[derive(Template)]
#[template(path = "screens/run/page.html")]
struct Page {
    frame: Frame,
    heading: String,
    row: RunRow,
    exact: String,
    ended: Option<String>,
    program: String,
    run_id: String,
    reasons: Vec<String>,
    entities: Vec<EntityRow>,
    /// Why there are no counts: the run is in progress, or was interrupted. No count is shown as zero then.
    uncounted: Option<Cow<'static, str>>,
    /// Set for a run that changed nothing.
    unchanged: Option<String>,
    errors: Vec<String>,
    warnings: Vec<WarningRow>,
    /// None where they could not be read.
    changes: Option<changes::View>,
    latency: Option<Latency>,
    requests: Vec<RequestRow>,
    /// The same requests as a drawing.
    lanes: Option<RequestTimeline>,
    /// Where the first requests and the following ones are, if not all are listed.
    first_requests: Option<String>,
    next_requests: Option<String>,
    /// Where the dry runs that take it back or do it again are asked for, and how they are called.
    ways: Vec<(&'static str, String)>,
}

/// A row of the table of entities.
struct EntityRow {
    name: String,
    walk: String,
    is_incomplete: bool,
    incomplete_reason: Option<String>,
    at_gazelle: String,
    seen: String,
    /// Gazelle counts another number than was seen.
    seen_differs: bool,
    held: String,
    /// Production holds another number than staging.
    held_differs: bool,
    staged: String,
    unchanged: String,
    written: String,
    faulty: String,
    deleted: String,
}

/// A warning.
struct WarningRow {
    what: String,
    message: String,
    /// Whether the message is the program's, in English.
    is_english: bool,
}

/// How fast Gazelle answered.
struct Latency {
    median: String,
    p95: String,
    slowest: String,
}

/// A request.
struct RequestRow {
    sequence: String,
    /// After the start of the run.
    made_after: String,
    operation: String,
    attempts: String,
    is_retried: bool,
    http: String,
    outcome: String,
    is_ok: bool,
    latency: String,
    bytes: String,
}

/// Answers with the page or, if the path ends with `.json`, its document.
pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
    Path(run): Path<String>,
    Query(question): Query<QueryParams>,
) -> Answer {
    // Another text shows the first ones.
    let after = question.after.and_then(|after| after.parse().ok()).filter(|after| *after > 0);
    let answer = one(&site, &asked, run.trim_end_matches(".json"), after.unwrap_or_default()).await;
    answer.unwrap_or_else(|trouble| trouble::answer(&site, &asked, Screen::Runs, trouble))
}

async fn one(site: &Site, asked: &PageRequest, run: &str, after: i32) -> Result<Answer, PageError> {
    let mut reader = site.reader(asked).await?;
    let snapshot = reader.snapshot(site).await?;
    let frame = site.frame(asked, Screen::Runs, &snapshot);
    let read = match run.parse::<Uuid>() {
        Ok(run_id) => read(&snapshot.tx, run_id, after).await.map_err(|error| site.failed(&error))?,
        Err(_) => None,
    };
    let Some(run) = read else {
        return Ok(match asked.json {
            true => {
                Answer::document(StatusCode::NOT_FOUND, &serde_json::json!({ "error": "no run has this id" }))
            }
            false => trouble::no_such_run(frame),
        });
    };
    Ok(match asked.json {
        true => Answer::bounded(StatusCode::OK, &run),
        false => Answer::page(StatusCode::OK, &page(&run, after, frame)),
    })
}

async fn read(tx: &crate::db::Tx<'_>, run_id: Uuid, after: i32) -> Result<Option<Run>, crate::db::DbError> {
    let Some(run) = run_pages::one(tx, run_id, after).await? else { return Ok(None) };
    let which = WarningFilter { run: Some(run_id), limit: WARNINGS, ..WarningFilter::default() };
    let warnings = warnings::read_in(tx, &which).await?;
    let of_run = RunSpan { run_id, started_at: run.listed.run.started_at, finished_at: run.finished_at };
    // The last statements: should they take too long, the rest of the page is there.
    Ok(Some(Run { warnings, changes: changes::read(tx, of_run).await.ok(), run }))
}

fn page(run: &Run, after: i32, frame: Frame) -> Page {
    let t = frame.locale();
    let Run { run: one, warnings, changes } = run;
    let listed = &one.listed.run;
    let staged: u64 =
        one.entities.iter().map(|entity| entity.staged + entity.rows_written + entity.deleted).sum();
    let seen: u64 = one.entities.iter().filter_map(|entity| entity.seen).sum();
    let is_over_and_idle = listed.status == RunState::Success && staged == 0 && !one.entities.is_empty();
    let own = links::run(&listed.run_id);
    Page {
        heading: t.fill(w::RUN_OF, &[("at", &t.date_hour(listed.started_at))]),
        row: runs::row(&one.listed, t),
        exact: t.exact(listed.started_at),
        ended: one.finished_at.map(|at| t.exact(at)),
        program: one.program.clone(),
        run_id: listed.run_id.clone(),
        reasons: reasons(listed.reason.as_deref()),
        entities: one.entities.iter().map(|entity| entity_row(entity, t)).collect(),
        uncounted: uncounted(one).map(|said| t.say(said)),
        unchanged: is_over_and_idle.then(|| t.fill(w::CHANGED_NOTHING, &[("seen", &t.number(seen))])),
        errors: one
            .entities
            .iter()
            .filter(|entity| entity.errors > 0)
            .map(|entity| errors(entity, t))
            .collect(),
        warnings: warning_rows(warnings, t),
        changes: changes.as_ref().map(|changes| changes.view(t)),
        latency: latency(one, t),
        requests: one.sent.iter().map(|sent| request(sent, listed.started_at, t)).collect(),
        lanes: drawn(one, after, t),
        first_requests: (after > 0).then(|| format!("{own}#requests")),
        next_requests: one.more_after.map(|last| format!("{own}?after={last}#requests")),
        ways: run_actions(one, &frame),
        frame,
    }
}

/// Why a run has no counts, which are written when it ends; none if it has, or if its command counts nothing.
fn uncounted(run: &OneRun) -> Option<Sentence> {
    match run.listed.run.status {
        _ if !run.entities.is_empty() => None,
        RunState::Success | RunState::Partial => None,
        RunState::Failed => Some(w::NO_ENTITIES),
        RunState::Running => Some(w::COUNTED_LATER),
        RunState::Interrupted => Some(w::NOT_COUNTED),
    }
}

/// What can be done about a run that has ended.
fn run_actions(run: &OneRun, frame: &Frame) -> Vec<(&'static str, String)> {
    const UNDO: (&str, Sentence) = ("/app/actions/undo", wa::UNDO_THIS);
    const LIFT: (&str, Sentence) = ("/app/actions/lift", wa::LIFT_THIS);
    const REPLAY: (&str, Sentence) = ("/app/actions/replay", wa::REPLAY_THIS);
    if run.finished_at.is_none() || !frame.may_operator() {
        return Vec::new();
    }
    // A run without counts may have brought something.
    let is_counted = !run.entities.is_empty();
    let brought_none = is_counted && run.entities.iter().all(|entity| entity.staged + entity.deleted == 0);
    let wrote_none = run.entities.iter().all(|entity| entity.rows_written == 0);
    let ways: &[(&str, Sentence)] = match run.listed.run.command.parse() {
        Ok(RunCommand::Replay | RunCommand::ReplayDryRun) | Err(_) => &[],
        Ok(RunCommand::Undo) => &[LIFT],
        Ok(RunCommand::UndoLift) => &[UNDO],
        Ok(_) if brought_none && wrote_none => &[],
        Ok(_) if brought_none => &[REPLAY],
        Ok(_) => &[UNDO, REPLAY],
    };
    ways.iter().map(|(action, said)| (*action, frame.say(*said).into_owned())).collect()
}

/// The reasons, one each: they are stored in one text.
fn reasons(reason: Option<&str>) -> Vec<String> {
    reason.map(|text| text.split("; ").map(str::to_owned).collect()).unwrap_or_default()
}

fn entity_row(entity: &EntityReport, t: &Locale) -> EntityRow {
    let walk = match entity.walk.as_deref() {
        None => "–".to_owned(),
        Some("whole") => t.say(w::WALK_WHOLE).into_owned(),
        Some(days) => days_walked(days, t),
    };
    let differ = |one: Option<u64>, other: Option<u64>| matches!((one, other), (Some(a), Some(b)) if a != b);
    EntityRow {
        name: entity_name(&entity.entity, t),
        walk,
        is_incomplete: entity.walk_complete == Some(false),
        incomplete_reason: entity.incomplete_reason.clone(),
        at_gazelle: t.number_or_dash(entity.source_total),
        seen: t.number_or_dash(entity.seen),
        seen_differs: differ(entity.source_total, entity.seen),
        held: t.number_or_dash(entity.in_production),
        held_differs: differ(entity.in_staging, entity.in_production),
        staged: t.number(entity.staged),
        unchanged: t.number(entity.unchanged),
        written: t.number(entity.rows_written),
        faulty: t.number(entity.errors),
        deleted: t.number(entity.deleted),
    }
}

/// The days of a walk, as they are recorded, in the page's language; as recorded if in no known form.
fn days_walked(recorded: &str, t: &Locale) -> String {
    if let Some(from) = recorded.strip_prefix("from ") {
        return t.fill(w::WALK_FROM, &[("from", from)]);
    }
    if let Some(until) = recorded.strip_prefix("until ") {
        return t.fill(w::WALK_UNTIL, &[("until", until)]);
    }
    match recorded.split_once(" to ") {
        Some((from, until)) => t.fill(w::WALK_BETWEEN, &[("from", from), ("until", until)]),
        None => recorded.to_owned(),
    }
}

fn errors(entity: &EntityReport, t: &Locale) -> String {
    let name = entity_name(&entity.entity, t);
    t.fill(w::ERRORS_OF, &[("entity", &name), ("n", &t.number(entity.errors))])
}

fn warning_rows(warnings: &Warnings, t: &Locale) -> Vec<WarningRow> {
    let of_runs = warnings.runs.iter().map(|one| WarningRow {
        what: format!("{} · {}", one.code, one.subject),
        message: one.message.clone(),
        is_english: true,
    });
    let of_records = warnings.records.iter().map(|one| WarningRow {
        what: format!("{} · {}", one.code, entity_name(&one.entity, t)),
        message: t.count(w::WARNING_RECORDS, one.records),
        is_english: false,
    });
    of_runs.chain(of_records).collect()
}

fn latency(one: &OneRun, t: &Locale) -> Option<Latency> {
    let run = &one.listed.run;
    Some(Latency {
        median: t.milliseconds(run.median_latency_ms?),
        p95: t.milliseconds(one.p95_latency_ms?),
        slowest: t.milliseconds(run.slowest_latency_ms?),
    })
}

/// The requests that are listed as a drawing; stage 2 is below the first ones.
fn drawn(one: &OneRun, after: i32, t: &Locale) -> Option<RequestTimeline> {
    let requests: Vec<lanes::Request> = one
        .sent
        .iter()
        .map(|sent| lanes::Request {
            sequence: sent.sequence,
            started_at: sent.started_at,
            latency_ms: sent.latency_ms,
            is_retried: sent.attempts > 1,
            is_answered: sent.outcome == OutcomeCode::Answered,
        })
        .collect();
    let of_entity = |entity: &EntityReport| {
        let took = entity.reconcile_ms.filter(|_| after == 0)?;
        Some((entity_name(&entity.entity, t), i64::try_from(took).unwrap_or(i64::MAX)))
    };
    let stage_two: Vec<_> = one.entities.iter().filter_map(of_entity).collect();
    let all = one.listed.run.requests;
    RequestTimeline::draw(lanes::LaneChartData { requests: &requests, all, stage_two: &stage_two }, t)
}

fn request(sent: &ApiRequest, begun: jiff::Timestamp, t: &Locale) -> RequestRow {
    RequestRow {
        sequence: t.number(sent.sequence),
        made_after: t.milliseconds(
            i64::try_from(sent.started_at.duration_since(begun).as_millis()).unwrap_or_default(),
        ),
        operation: sent.operation.clone(),
        attempts: t.number(sent.attempts),
        is_retried: sent.attempts > 1,
        http: sent.http_status.map_or_else(|| "–".to_owned(), |status| status.to_string()),
        outcome: sent.outcome.to_string(),
        is_ok: sent.outcome == OutcomeCode::Answered,
        latency: t.milliseconds(sent.latency_ms),
        bytes: t.bytes(sent.bytes),
    }
}
