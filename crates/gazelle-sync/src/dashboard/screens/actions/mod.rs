//! Lists the requested actions with requester and outcome, newest first, and shows one action with its report and how to
//! reverse it. `ask` is what the forms of all screens post to.

pub(crate) mod ask;
pub(crate) mod confirm;
mod description;
mod report;

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::trouble;
use crate::dashboard::answer::Answer;
use crate::dashboard::entry::viewer::RouteAccess;
use crate::dashboard::links;
use crate::dashboard::page::{Frame, PageRequest, Screen, ShownTime};
use crate::dashboard::site::{PageError, Site};
use crate::dashboard::words::actions as w;
use crate::dashboard::words::locale::Locale;
use crate::run_log::actions::{self, Action};
use crate::states::Role;
use description::{Button, State as ActionState};
use report::Report;

/// Actions on one page.
const PAGE: i64 = 50;

/// The query parameters.
#[derive(Debug, Deserialize)]
pub(crate) struct QueryParams {
    before: Option<String>,
}

/// The document beside the list.
#[derive(Serialize)]
struct Listed {
    actions: Vec<Action>,
    /// The value of `before` for the next page.
    next: Option<Uuid>,
}

/// The list.
#[derive(Template)]
#[template(path = "screens/actions/page.html")]
struct Page {
    frame: Frame,
    rows: Vec<Row>,
    is_first: bool,
    older: Option<String>,
}

/// A row of the list.
struct Row {
    href: String,
    what: String,
    by: String,
    asked: ShownTime,
    state: ActionState,
    ended: Option<ShownTime>,
}

/// The page of an action.
#[derive(Template)]
#[template(path = "screens/actions/one.html")]
struct OnePage {
    frame: Frame,
    row: Row,
    id: Uuid,
    taken: Option<ShownTime>,
    /// How far it is, in a sentence each.
    sentences: Vec<String>,
    has_ended: bool,
    /// In the engine's own words, in English.
    reasons: Vec<String>,
    says: String,
    /// Pages that belong to it, with their names.
    links: Vec<(String, String)>,
    report: Option<Report>,
    apply: Option<ApplyForm>,
    /// A sentence about the way back, and what leads there.
    back: Option<(Option<String>, Option<Button>)>,
}

/// The form that applies a dry run.
struct ApplyForm {
    label: String,
    /// Set where a guard would withhold it.
    withheld: Option<String>,
}

/// Answers with the list or its document.
pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
    Query(question): Query<QueryParams>,
) -> Answer {
    match list(&site, &asked, question).await {
        Ok(answer) => answer,
        Err(trouble) => trouble::answer(&site, &asked, Screen::Runs, trouble),
    }
}

async fn list(site: &Site, asked: &PageRequest, question: QueryParams) -> Result<Answer, PageError> {
    let mut reader = site.reader(asked).await?;
    let snapshot = reader.snapshot(site).await?;
    let before = question.before.as_deref().and_then(|before| before.parse().ok());
    let read = actions::list(&snapshot.tx, before, PAGE + 1).await;
    let mut listed = read.map_err(|error| site.failed(&error))?;
    let most = usize::try_from(PAGE).unwrap_or_default();
    let has_more = listed.len() > most;
    listed.truncate(most);
    let next = listed.last().map(|action| action.id).filter(|_| has_more);
    if asked.json {
        return Ok(Answer::bounded(StatusCode::OK, &Listed { actions: listed, next }));
    }
    let frame = site.frame(asked, Screen::Runs, &snapshot);
    let page = Page {
        rows: listed.iter().map(|action| row(action, frame.locale())).collect(),
        is_first: before.is_none(),
        older: next.map(|next| links::with("/app/actions", &[("before", Some(&next.to_string()))])),
        frame,
    };
    Ok(Answer::page(StatusCode::OK, &page))
}

/// Answers with the page of an action or, if the path ends with `.json`, its document.
pub(crate) async fn show_one(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
    Path(id): Path<String>,
) -> Answer {
    match one(&site, &asked, id.trim_end_matches(".json")).await {
        Ok(answer) => answer,
        Err(trouble) => trouble::answer(&site, &asked, Screen::Runs, trouble),
    }
}

async fn one(site: &Site, asked: &PageRequest, id: &str) -> Result<Answer, PageError> {
    let mut reader = site.reader(asked).await?;
    let snapshot = reader.snapshot(site).await?;
    let frame = site.frame(asked, Screen::Runs, &snapshot);
    let read = match id.parse::<Uuid>() {
        Ok(id) => actions::one(&snapshot.tx, id).await.map_err(|error| site.failed(&error))?,
        Err(_) => None,
    };
    // What doctor found is for operators alone.
    let read =
        read.map(|action| if action.is_examination() { Action { report: None, ..action } } else { action });
    Ok(match (read, asked.json) {
        (Some(action), true) => Answer::bounded(StatusCode::OK, &action),
        (Some(action), false) => Answer::page(StatusCode::OK, &one_page(&action, asked, frame)),
        (None, true) => {
            let error = serde_json::json!({ "error": "no action has this id" });
            Answer::document(StatusCode::NOT_FOUND, &error)
        }
        (None, false) => {
            let heading = frame.say(w::NO_ACTION).into_owned();
            let sentence = frame.say(w::NO_ACTION_MORE).into_owned();
            let link = ("/app/actions".to_owned(), frame.say(w::TO_ACTIONS).into_owned());
            trouble::not_there(frame, heading, sentence, link)
        }
    })
}

fn row(action: &Action, t: &Locale) -> Row {
    Row {
        href: links::action(action.id),
        what: description::action_title(action, t),
        by: requester(action, t),
        asked: ShownTime::date_hour(action.asked_at, t),
        state: description::state(action, t),
        ended: action.ended_at.map(|at| ShownTime::date_hour(at, t)),
    }
}

/// Who asked.
fn requester(action: &Action, t: &Locale) -> String {
    match (&action.name, action.asked_by) {
        (Some(name), _) => name.clone(),
        (None, Some(id)) => id.to_string(),
        (None, None) => t.say(w::BY_DEMO).into_owned(),
    }
}

fn one_page(action: &Action, asked: &PageRequest, frame: Frame) -> OnePage {
    let t = frame.locale();
    let mut links: Vec<(String, String)> = Vec::new();
    if let Some(based_on) = action.based_on {
        links.push((links::action(based_on), t.say(w::TO_DRY_RUN).into_owned()));
    }
    if let Some(run) = description::run_of(action) {
        links.push((links::run(run), t.say(w::TO_RUN).into_owned()));
    }
    if action.is_examination() && asked.viewer.may(RouteAccess::Role(Role::Operator)) {
        links.push(("/app/doctor".to_owned(), t.say(w::TO_DOCTOR).into_owned()));
    }
    let report = action.report.as_ref().and_then(|report| Report::of(action, report, t));
    let is_operator = frame.may_operator();
    OnePage {
        row: row(action, t),
        id: action.id,
        taken: action.taken_at.map(|at| ShownTime::date_hour(at, t)),
        sentences: description::sentences(action, t),
        has_ended: action.ended_at.is_some(),
        reasons: description::reasons(action),
        says: t.label(&t.say(w::SAYS)),
        links,
        apply: report.as_ref().filter(|_| is_operator && description::may_apply(action, asked)).and_then(
            |report| {
                let label = report.apply_label(t)?;
                let withheld =
                    (!description::reasons(action).is_empty()).then(|| t.say(w::APPLY_WITHHELD).into_owned());
                Some(ApplyForm { label, withheld })
            },
        ),
        back: description::way_back(action, &frame),
        report,
        frame,
    }
}
