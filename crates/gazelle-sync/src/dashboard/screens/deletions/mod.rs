//! Lists withheld deletions by run and entity; `run` shows those of one run with their evidence.

pub(super) mod read;
pub(crate) mod run;

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;

use super::trouble;
use crate::config::Settings;
use crate::dashboard::answer::Answer;
use crate::dashboard::links;
use crate::dashboard::page::{Frame, PageRequest, Screen, ShownTime, entity_name};
use crate::dashboard::site::{PageError, Site};
use crate::dashboard::words::deletions as w;
use crate::dashboard::words::locale::Locale;
use read::{Group, Marked};

/// The document beside the page.
#[derive(Serialize)]
struct Deletions {
    waiting: Vec<Group>,
    marked: Marked,
}

/// The page.
#[derive(Template)]
#[template(path = "screens/deletions/page.html")]
struct Page {
    frame: Frame,
    groups: Vec<GroupView>,
    /// Set where nothing waits.
    well: String,
}

/// What waits of a run and an entity.
struct GroupView {
    href: String,
    title: String,
    share: Option<String>,
    guard: Option<String>,
    found: ShownTime,
    found_by: String,
}

/// Answers with the page or its document.
pub(crate) async fn show(State(site): State<Arc<Site>>, Extension(asked): Extension<PageRequest>) -> Answer {
    let answer = deletions(&site, &asked).await;
    answer.unwrap_or_else(|trouble| trouble::answer(&site, &asked, Screen::Deletions, trouble))
}

async fn deletions(site: &Site, asked: &PageRequest) -> Result<Answer, PageError> {
    let mut reader = site.reader(asked).await?;
    let snapshot = reader.snapshot(site).await?;
    let frame = site.frame(asked, Screen::Deletions, &snapshot);
    let read = async { Ok((read::groups(&snapshot.tx, None).await?, read::marked(&snapshot.tx).await?)) };
    let (waiting, marked) = read.await.map_err(|error| site.failed(&error))?;
    if asked.json {
        return Ok(Answer::bounded(StatusCode::OK, &Deletions { waiting, marked }));
    }
    let (t, settings) = (frame.locale(), &site.shared.settings);
    let page = Page {
        groups: waiting.iter().map(|group| group_view(group, settings, t)).collect(),
        well: well(&marked, t),
        frame,
    };
    Ok(Answer::page(StatusCode::OK, &page))
}

fn group_view(group: &Group, settings: &Settings, t: &Locale) -> GroupView {
    let entity = entity_name(&group.entity, t);
    let run_at = t.date_hour(group.started_at);
    GroupView {
        href: links::deletions(group.run_id),
        title: t.fill(w::GROUP, &[("entity", &entity), ("n", &t.number(group.records))]),
        share: group.held().map(|held| {
            let share = t.share(group.records.unsigned_abs(), held);
            t.fill(w::SHARE, &[("share", &share), ("held", &t.number(held))])
        }),
        guard: guard(group, settings, t),
        found: ShownTime::date_hour(group.found_at, t),
        found_by: t.fill(w::FOUND_BY, &[("at", &run_at), ("ago", &t.ago(group.found_at))]),
    }
}

/// Which guard withholds them, as far as the run counted what is held.
fn guard(group: &Group, settings: &Settings, t: &Locale) -> Option<String> {
    let held = group.held()?;
    let guard = settings.delete_guard();
    let limit = guard.smaller(held);
    let said = if limit == guard.records { w::GUARD_RECORDS } else { w::GUARD_PERCENT };
    Some(t.fill(
        said,
        &[
            ("limit", &t.number(limit)),
            ("records", &t.number(guard.records)),
            ("percent", &t.decimal(guard.percent)),
            ("held", &t.number(held)),
        ],
    ))
}

/// Why nothing waits.
fn well(marked: &Marked, t: &Locale) -> String {
    let none = t.say(w::NONE);
    match marked.since {
        None => format!("{none} {}", t.say(w::NONE_KEPT)),
        Some(since) => {
            let said = w::FOUND.of(marked.found, t.language);
            let facts = [("n", t.number(marked.found)), ("since", t.date_hour(since))];
            let facts = facts.each_ref().map(|(name, value)| (*name, value.as_str()));
            format!("{none} {} {}", t.fill(said, &facts), t.count(w::MARKED, marked.records))
        }
    }
}
