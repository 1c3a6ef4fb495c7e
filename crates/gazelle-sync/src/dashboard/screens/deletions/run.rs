//! The deletions that a run found, each with its evidence.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::Value as Json;
use uuid::Uuid;

use super::read::{self, Deletion, Group, MOST, ReferringRecords, RunDeletions};
use crate::dashboard::answer::Answer;
use crate::dashboard::links;
use crate::dashboard::named::Named;
use crate::dashboard::page::{Frame, PageRequest, Screen, ShownTime, entity_name};
use crate::dashboard::raw;
use crate::dashboard::screens::trouble;
use crate::dashboard::site::{PageError, Site};
use crate::dashboard::values::Value;
use crate::dashboard::words::actions as wa;
use crate::dashboard::words::deletions as w;
use crate::dashboard::words::locale::Locale;
use crate::dashboard::words::sentence::Sentence;
use crate::entities;
use crate::states::DeletionState;

/// The page.
#[derive(Template)]
#[template(path = "screens/deletions/run.html")]
struct Page {
    frame: Frame,
    heading: String,
    run: String,
    run_id: Uuid,
    does_wait: bool,
    groups: Vec<GroupForm>,
    records: Vec<RecordView>,
    first: Option<String>,
}

/// The form that decides what waits of an entity.
struct GroupForm {
    entity: String,
    title: String,
    /// What its buttons do.
    delete: String,
    keep: String,
}

/// A record that was found gone.
struct RecordView {
    entity: String,
    id: String,
    is_waiting: bool,
    record: Named,
    class: &'static str,
    shape: &'static str,
    word: String,
    is_seen_since: bool,
    last_seen: Option<ShownTime>,
    evidence: String,
    answer: String,
    left_out: Option<String>,
    hanging: Option<String>,
}

/// Answers with the page or, if the path ends with `.json`, its document.
pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
    Path(run): Path<String>,
) -> Answer {
    let answer = of_run(&site, &asked, run.trim_end_matches(".json")).await;
    answer.unwrap_or_else(|trouble| trouble::answer(&site, &asked, Screen::Deletions, trouble))
}

async fn of_run(site: &Site, asked: &PageRequest, run: &str) -> Result<Answer, PageError> {
    let mut reader = site.reader(asked).await?;
    let snapshot = reader.snapshot(site).await?;
    let frame = site.frame(asked, Screen::Deletions, &snapshot);
    let run = run.parse::<Uuid>().ok();
    let read = match run {
        Some(run) => read::of_run(&snapshot.tx, run).await.map_err(|error| site.failed(&error))?,
        None => RunDeletions { waiting: Vec::new(), records: Vec::new() },
    };
    let Some(run_id) = run.filter(|_| !read.records.is_empty()) else {
        return Ok(nothing(frame, asked));
    };
    Ok(match asked.json {
        true => Answer::bounded(StatusCode::OK, &read),
        false => Answer::page(StatusCode::OK, &page(&read, run_id, frame)),
    })
}

fn nothing(frame: Frame, asked: &PageRequest) -> Answer {
    if asked.json {
        let error = serde_json::json!({ "error": "no deletion of this run is recorded" });
        return Answer::document(StatusCode::NOT_FOUND, &error);
    }
    let heading = frame.say(w::NO_SUCH).into_owned();
    let sentence = frame.say(w::NO_SUCH_MORE).into_owned();
    let link = ("/app/deletions".to_owned(), frame.say(w::TO_DELETIONS).into_owned());
    trouble::not_there(frame, heading, sentence, link)
}

fn page(read: &RunDeletions, run_id: Uuid, frame: Frame) -> Page {
    let t = frame.locale();
    let most = usize::try_from(MOST).unwrap_or_default();
    let heading = match read.waiting.first() {
        Some(group) => t.fill(w::OF_RUN, &[("at", &t.date_hour(group.started_at))]),
        None => t.say(w::OF_UNKNOWN_RUN).into_owned(),
    };
    Page {
        heading,
        run: links::run(run_id),
        run_id,
        does_wait: !read.waiting.is_empty(),
        groups: read.waiting.iter().map(|group| group_form(group, t)).collect(),
        records: read.records.iter().take(most).map(|deletion| view(deletion, t)).collect(),
        first: (read.records.len() > most).then(|| t.fill(w::FIRST, &[("n", &t.number(MOST))])),
        frame,
    }
}

fn group_form(group: &Group, t: &Locale) -> GroupForm {
    let name = entity_name(&group.entity, t);
    let title = t.fill(w::GROUP, &[("entity", &name), ("n", &t.number(group.records))]);
    let does = |said: Sentence| format!("{} {title}", t.say(said));
    GroupForm {
        delete: does(wa::DELETE_MANY),
        keep: does(wa::KEEP_MANY),
        entity: group.entity.clone(),
        title,
    }
}

fn view(deletion: &Deletion, t: &Locale) -> RecordView {
    let (class, shape, word) = match deletion.found.state {
        DeletionState::Withheld => ("warn", "▲", w::STATE_WITHHELD),
        DeletionState::Approved => ("bad", "✕", w::STATE_APPROVED),
        DeletionState::Dismissed => ("ok", "●", w::STATE_DISMISSED),
        DeletionState::Superseded => ("ok", "↺", w::STATE_SUPERSEDED),
        DeletionState::Deleted => ("bad", "✕", w::STATE_DELETED),
    };
    let evidence = &deletion.found.evidence["evidence"];
    let answer = evidence["answer"].to_string();
    let (shown, left_out) = raw::cut(&answer);
    RecordView {
        entity: deletion.found.entity.clone(),
        id: deletion.found.external_id.clone(),
        is_waiting: deletion.found.state == DeletionState::Withheld,
        record: deletion.name.shown(t),
        class,
        shape,
        word: t.say(word).into_owned(),
        is_seen_since: deletion.is_seen_since(),
        last_seen: deletion.last_seen_at.map(|at| ShownTime::date_hour(at, t)),
        evidence: sentence(evidence, t),
        answer: shown.to_owned(),
        left_out: (left_out > 0).then(|| crate::dashboard::values::left_out_text(left_out, t)),
        hanging: hanging(&deletion.hanging, t),
    }
}

/// The evidence in a sentence.
fn sentence(evidence: &Json, t: &Locale) -> String {
    let text = |name: &str| Value::of(&evidence[name], t).text;
    let at = text("asked_at").parse().map(|at| t.exact(at)).unwrap_or_default();
    t.fill(w::EVIDENCE, &[("getter", &text("asked_with")), ("at", &at)])
}

/// What hangs on a record.
fn hanging(rows: &[ReferringRecords], t: &Locale) -> Option<String> {
    let what: Vec<String> = rows
        .iter()
        .map(|one| {
            let label = entities::entity(one.kind).map(|entity| entity.label);
            let noun = label.map_or(one.kind, |label| label.counted(one.rows, t.is_french()));
            format!("{} {noun}", t.number(one.rows))
        })
        .collect();
    let said: Sentence = w::HANGING;
    (!what.is_empty()).then(|| t.fill(said, &[("what", &what.join(", "))]))
}
