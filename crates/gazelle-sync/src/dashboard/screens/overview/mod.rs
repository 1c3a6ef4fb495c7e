//! Shows whether the data is correct and up to date, and what needs a decision.

pub(crate) mod cached;
mod growth;
mod read;

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;

use super::trouble;
use crate::alerts::Kind;
use crate::dashboard::answer::Answer;
use crate::dashboard::charts::age_bar::AgeBar;
use crate::dashboard::charts::growth::Growth;
use crate::dashboard::charts::strip::{Strip, Window};
use crate::dashboard::links;
use crate::dashboard::page::{self, Frame, PageRequest, Screen, ShownTime};
use crate::dashboard::site::{PageError, Site};
use crate::dashboard::verdict::{self, VerdictText};
use crate::dashboard::words::actions as wa;
use crate::dashboard::words::charts as wc;
use crate::dashboard::words::locale::Locale;
use crate::dashboard::words::overview as w;
use crate::run_log::actions::LastVerified;
use crate::service::state::ServiceState;
use cached::Cached;
use read::{EntityLine, Overview};

/// The page.
#[derive(Template)]
#[template(path = "screens/overview/page.html")]
struct Page {
    frame: Frame,
    told: VerdictText,
    /// Whether no run was ever recorded: then the page says how the first sync begins.
    is_empty: bool,
    waiting: Vec<Waiting>,
    entities: Vec<EntityRow>,
    limit: String,
    next: Option<String>,
    strip: Strip,
    runs: Vec<RunRow>,
    growth: Growth,
    /// Set where not all runs of the time are counted.
    growth_of: Option<String>,
    verified: Option<VerifiedView>,
}

/// The last comparison with Gazelle.
struct VerifiedView {
    said: String,
    at: ShownTime,
    href: String,
}

/// Something that waits for a person.
struct Waiting {
    title: String,
    /// The page that shows it.
    href: Option<&'static str>,
    more: Vec<String>,
    /// Whether `more` is in English whatever the page's language is.
    is_english: bool,
}

/// A row of the table of entities.
struct EntityRow {
    name: String,
    good: Option<ShownTime>,
    ago: String,
    bar: AgeBar,
    held: String,
}

/// A row of the table beside the strip.
struct RunRow {
    href: String,
    started: ShownTime,
    took: String,
    state: page::State,
}

/// Answers with the page or its document.
pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    Extension(cached): Extension<Arc<Cached>>,
    Extension(asked): Extension<PageRequest>,
) -> Answer {
    let answer = overview(&cached, &site, &asked).await;
    answer.unwrap_or_else(|trouble| trouble::answer(&site, &asked, Screen::Overview, trouble))
}

async fn overview(cached: &Cached, site: &Site, asked: &PageRequest) -> Result<Answer, PageError> {
    let settings = &site.shared.settings;
    let seen = cached::facts(cached, site, asked).await?;
    let facts = &seen.facts;
    if asked.json {
        return Ok(Answer::document(StatusCode::OK, facts));
    }
    let mut frame = Frame::new(asked, settings, Screen::Overview, facts.facts.now);
    frame.waits = seen.waits;
    let waiting = waiting(facts, settings, frame.locale());
    Ok(Answer::page(StatusCode::OK, &page(facts, waiting, frame)))
}

fn page(facts: &Overview, waiting: Vec<Waiting>, frame: Frame) -> Page {
    let t = frame.locale();
    let window = Window { from: facts.strip_from, to: facts.facts.now, due: &facts.due };
    let limit = facts.facts.stale_after_minutes;
    let runs = facts.runs.iter().rev().map(|run| RunRow {
        href: format!("/app/runs/{}", run.run_id),
        started: ShownTime::date_hour(run.started_at, t),
        took: run.duration_ms.map(|ms| t.milliseconds(ms)).unwrap_or_default(),
        state: page::State::of_run(run.status, t),
    });
    Page {
        told: verdict::verdict(&facts.facts).text(&facts.facts, t),
        is_empty: !facts.has_run,
        waiting,
        entities: facts.entities.iter().map(|line| entity(line, limit, facts.facts.now, t)).collect(),
        limit: t.fill(w::FRESHNESS_LIMIT, &[("limit", &t.number(limit))]),
        next: next(facts, t),
        strip: Strip::draw(&facts.runs, window, t),
        runs: runs.collect(),
        growth: facts.growth.view(t),
        growth_of: facts.growth.limited(t),
        verified: facts.last_verified.as_ref().map(|last| verified(last, t)),
        frame,
    }
}

fn entity(line: &EntityLine, limit: u32, now: jiff::Timestamp, t: &Locale) -> EntityRow {
    let name = page::entity_name(line.entity, t);
    EntityRow {
        good: line.good_at.map(|at| ShownTime::date_hour(at, t)),
        ago: line.good_at.map(|at| t.age(now.duration_since(at).as_secs().max(0))).unwrap_or_default(),
        bar: AgeBar::draw(line.entity, &name, line.good_at, limit, (now, t)),
        held: t.number_or_dash(line.in_production),
        name,
    }
}

fn verified(last: &LastVerified, t: &Locale) -> VerifiedView {
    let differences = t.count(wa::DIFFERENCES, last.differences);
    let facts =
        [("rows", t.number(last.rows)), ("asked", t.number(last.asked)), ("differences", differences)];
    let facts = facts.each_ref().map(|(name, fact)| (*name, fact.as_str()));
    VerifiedView {
        said: t.fill(wa::LAST_VERIFIED, &facts),
        at: ShownTime::date_hour(last.at, t),
        href: links::action(last.id),
    }
}

/// What the service does next.
fn next(facts: &Overview, t: &Locale) -> Option<String> {
    let activity = &facts.activity;
    if activity.state == ServiceState::Running {
        return Some(t.fill(w::RUNNING_NOW, &[("at", &t.since(activity.since))]));
    }
    let next = activity.next_incremental.into_iter().chain(activity.next_full).min()?;
    Some(t.fill(w::NEXT_RUN, &[("at", &t.when(next))]))
}

/// What waits for a person, in the words of the alerts.
fn waiting(facts: &Overview, settings: &crate::config::Settings, t: &Locale) -> Vec<Waiting> {
    let told = |problem: &crate::alerts::Problem| {
        let text = problem.message(settings, t.language, facts.facts.now);
        let lines = text.body.to_string();
        Waiting {
            title: text.title.to_string(),
            href: (problem.kind == Kind::DeletionsWithheld).then_some("/app/deletions"),
            more: lines.lines().map(str::to_owned).collect(),
            is_english: false,
        }
    };
    let mut waiting: Vec<Waiting> = facts.problems.iter().map(told).collect();
    if facts.cases > 0 {
        let oldest = facts.oldest_case.map(|at| t.fill(w::OLDEST, &[("ago", &t.ago(at))]));
        let title = t.count(w::QUARANTINE, facts.cases);
        let more = oldest.into_iter().collect();
        waiting.push(Waiting { title, href: Some("/app/quarantine"), more, is_english: false });
    }
    if let Some(problem) = &facts.activity.problem {
        let title = t.say(w::SERVICE_PROBLEM).into_owned();
        waiting.push(Waiting { title, href: None, more: vec![problem.clone()], is_english: true });
    }
    waiting
}
