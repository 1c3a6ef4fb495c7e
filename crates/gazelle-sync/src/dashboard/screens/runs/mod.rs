//! Lists runs, the newest first, fifty per page.

mod changed;

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::trouble;
use crate::dashboard::answer::Answer;
use crate::dashboard::page::{self, Frame, PageRequest, Screen, ShownTime};
use crate::dashboard::site::{PageError, Site};
use crate::dashboard::words::charts as wc;
use crate::dashboard::words::locale::Locale;
use crate::dashboard::words::runs as w;
use crate::dashboard::words::sentence::Sentence;
use crate::run_log::kinds::{RunCommand, RunMode, RunState, RunTrigger};
use crate::run_log::run_pages::{self, Filter, ListedRun, Position};

/// The query parameters.
#[derive(Debug, Deserialize)]
pub(crate) struct QueryParams {
    status: Option<String>,
    before: Option<String>,
}

/// The document beside the page.
#[derive(Serialize)]
struct Runs {
    runs: Vec<ListedRun>,
    /// The value of `before` for the next page.
    next: Option<String>,
    /// What they changed, and what is usual.
    #[serde(flatten)]
    changed: changed::Facts,
}

/// The page.
#[derive(Template)]
#[template(path = "screens/runs/page.html")]
struct Page {
    frame: Frame,
    states: Vec<StateChoice>,
    is_filtered: bool,
    is_first: bool,
    /// What they changed; none where none of them read anything.
    changed: Option<changed::View>,
    rows: Vec<RunRow>,
    older: Option<String>,
}

/// A state to filter by.
struct StateChoice {
    value: &'static str,
    word: String,
    is_chosen: bool,
}

/// A row of the list.
pub(super) struct RunRow {
    pub(super) href: String,
    pub(super) started: ShownTime,
    pub(super) took: String,
    pub(super) what: String,
    pub(super) by: String,
    pub(super) state: page::State,
    pub(super) fetched: String,
    pub(super) staged: String,
    pub(super) faulty: String,
    pub(super) requests: String,
    pub(super) retries: String,
}

/// Answers with the page or its document.
pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
    Query(question): Query<QueryParams>,
) -> Answer {
    let answer = runs(&site, &asked, question).await;
    answer.unwrap_or_else(|trouble| trouble::answer(&site, &asked, Screen::Runs, trouble))
}

async fn runs(site: &Site, asked: &PageRequest, question: QueryParams) -> Result<Answer, PageError> {
    let mut reader = site.reader(asked).await?;
    let snapshot = reader.snapshot(site).await?;
    let status = question.status.and_then(|status| status.parse().ok());
    let before = question.before.as_deref().and_then(position);
    let filter = Filter { status, command: None, before };
    let read = run_pages::page(&snapshot.tx, &filter).await;
    let (runs, next) = read.map_err(|error| site.failed(&error))?;
    let changed = changed::read(&snapshot.tx, &runs, snapshot.now).await;
    let changed = changed.map_err(|error| site.failed(&error))?;
    if asked.json {
        return Ok(Answer::document(StatusCode::OK, &Runs { runs, next: next.map(text_of), changed }));
    }
    let frame = site.frame(asked, Screen::Runs, &snapshot);
    Ok(Answer::page(StatusCode::OK, &page((&runs, &changed), next, &filter, frame)))
}

fn page(
    (runs, changed): (&[ListedRun], &changed::Facts),
    next: Option<Position>,
    filter: &Filter,
    frame: Frame,
) -> Page {
    let t = frame.locale();
    let states = RunState::ALL.iter().map(|state| StateChoice {
        value: state.as_str(),
        word: page::State::of_run(*state, t).word,
        is_chosen: filter.status == Some(*state),
    });
    Page {
        states: states.collect(),
        is_filtered: filter.status.is_some(),
        is_first: filter.before.is_none(),
        changed: changed.view(runs, t),
        rows: runs.iter().map(|run| row(run, t)).collect(),
        older: next.map(|next| address(filter.status, next)),
        frame,
    }
}

/// The row of a run.
pub(super) fn row(listed: &ListedRun, t: &Locale) -> RunRow {
    let ListedRun { run, trigger } = listed;
    let number = |number: i64| t.number(number);
    RunRow {
        href: format!("/app/runs/{}", run.run_id),
        started: ShownTime::date_hour(run.started_at, t),
        took: run.duration_ms.map_or_else(|| "–".to_owned(), |ms| t.milliseconds(ms)),
        what: run_title(&run.command, run.mode, t),
        by: trigger_text(*trigger, t),
        state: page::State::of_run(run.status, t),
        fetched: number(run.fetched),
        staged: number(run.staged),
        faulty: number(run.errors),
        requests: number(run.requests),
        retries: number(run.retries),
    }
}

/// Command and mode; a command but `sync` as it is typed.
fn run_title(command: &str, mode: Option<RunMode>, t: &Locale) -> String {
    let command = match command.parse() {
        Ok(RunCommand::Sync | RunCommand::Demo) => t.say(w::COMMAND_SYNC).into_owned(),
        _ => command.to_owned(),
    };
    let mode: Option<Sentence> = match mode {
        Some(RunMode::Full) => Some(w::FULL),
        Some(RunMode::Incremental) => Some(w::INCREMENTAL),
        None => None,
    };
    match mode {
        Some(mode) => format!("{command} · {}", t.say(mode)),
        None => command,
    }
}

fn trigger_text(trigger: RunTrigger, t: &Locale) -> String {
    t.say(match trigger {
        RunTrigger::Command => w::BY_COMMAND,
        RunTrigger::Schedule => w::BY_SCHEDULE,
        RunTrigger::Request => w::BY_REQUEST,
        RunTrigger::Demo => w::BY_DEMO,
    })
    .into_owned()
}

fn address(status: Option<RunState>, before: Position) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if let Some(status) = status {
        query.append_pair("status", status.as_str());
    }
    query.append_pair("before", &text_of(before));
    format!("/app/runs?{}", query.finish())
}

/// A position as an address holds it.
fn text_of(at: Position) -> String {
    format!("{},{}", at.started_at, at.run_id)
}

/// The position that a text names; none for another text, which shows the first page.
fn position(text: &str) -> Option<Position> {
    let (started_at, run_id) = text.split_once(',')?;
    Some(Position { started_at: started_at.parse().ok()?, run_id: run_id.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_survives_its_address() {
        let at = Position {
            started_at: "2026-11-24T19:15:00.123456Z".parse().unwrap(),
            run_id: "0193-0000-7000-8000-000000000001".replace("0193-", "01930000-").parse().unwrap(),
        };
        assert_eq!(position(&text_of(at)), Some(at));
        for text in [
            "",
            ",",
            "2026-11-24T19:15:00Z",
            "2026-11-24T19:15:00Z,x",
            "yesterday,01930000-0000-7000-8000-000000000001",
        ] {
            assert_eq!(position(text), None, "{text}");
        }
    }
}
