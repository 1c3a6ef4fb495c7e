//! Lists changes of appointments by the local day on which they were received, newest first, fifty per page.

mod read;

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use jiff::civil::Date;
use serde::Deserialize;

use super::trouble;
use crate::dashboard::answer::Answer;
use crate::dashboard::changed::ChangedAppointment;
use crate::dashboard::changed::lines::{self, ChangeLine};
use crate::dashboard::page::{Frame, PageRequest, Screen};
use crate::dashboard::site::{PageError, Site};
use crate::dashboard::words::changes as w;
use crate::dashboard::words::locale::Locale;
use crate::dashboard::words::{entry, today};
use crate::entities::appointments::changed::ChangeKind;
use read::{ChangeList, Filter};

/// The query parameters.
#[derive(Debug, Deserialize)]
pub(crate) struct QueryParams {
    day: Option<String>,
    technician: Option<String>,
    kind: Option<String>,
    before: Option<String>,
}

/// The page.
#[derive(Template)]
#[template(path = "screens/changes/page.html")]
struct Page {
    frame: Frame,
    /// `2026-11-24`, for the field of the form; empty for all days.
    day: String,
    technicians: Vec<Choice>,
    kinds: Vec<Choice>,
    is_filtered: bool,
    /// The same list of all kinds, where more than the kind is chosen.
    all_kinds: Option<String>,
    days: Vec<Day>,
    zone: String,
    empty: String,
    newest: Option<String>,
    older: Option<String>,
}

/// What was seen on a day.
struct Day {
    heading: String,
    lines: Vec<ChangeLine>,
}

/// A technician or a kind to choose.
struct Choice {
    /// The value in the address.
    value: String,
    name: String,
    is_chosen: bool,
}

/// Answers with the page or its document.
pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
    Query(question): Query<QueryParams>,
) -> Answer {
    // A technician sees what is or was the own, whatever the address asks for.
    let own = asked.viewer.own().map(str::to_owned);
    let wanted = question.technician.filter(|id| !id.is_empty());
    if own.is_some() && wanted.is_some() && wanted != own {
        return trouble::refused(&site, &asked, (entry::NOT_YOURS, entry::NOT_YOURS_WHY));
    }
    let filter = Filter {
        // A day that cannot be read is every day: the page says which it shows.
        day: question.day.as_deref().and_then(|text| text.parse().ok()),
        technician: own.or(wanted),
        // As the day.
        kind: question.kind.as_deref().and_then(ChangeKind::named),
        before: question.before.as_deref().and_then(|text| text.parse().ok()),
    };
    match changes(&site, &asked, filter).await {
        Ok(answer) => answer,
        Err(trouble) => trouble::answer(&site, &asked, Screen::Changes, trouble),
    }
}

async fn changes(site: &Site, asked: &PageRequest, filter: Filter) -> Result<Answer, PageError> {
    let mut reader = site.reader(asked).await?;
    let snapshot = reader.snapshot(site).await?;
    let frame = site.frame(asked, Screen::Changes, &snapshot);
    let settings = &site.shared.settings;
    let read = read::read(&snapshot.tx, &filter, &settings.timezone).await;
    let facts = read.map_err(|error| site.failed(&error))?;
    if asked.json {
        return Ok(Answer::bounded(StatusCode::OK, &facts));
    }
    Ok(Answer::page(StatusCode::OK, &page(facts, &filter, frame)))
}

fn page(facts: ChangeList, filter: &Filter, frame: Frame) -> Page {
    let t = frame.locale();
    let own = frame.is_own();
    // A technician's own is no choice.
    let of = filter.technician.as_deref().filter(|_| !own);
    let technicians = facts.technicians.iter().map(|one| Choice {
        value: one.external_id.clone(),
        name: one.name.clone(),
        is_chosen: of == Some(one.external_id.as_str()),
    });
    let kinds = ChangeKind::ALL.into_iter().map(|kind| Choice {
        value: kind.as_str().to_owned(),
        name: t.say(lines::kind(kind)).into_owned(),
        is_chosen: filter.kind == Some(kind),
    });
    let address = |before: Option<&str>| filter.address(own, before);
    let is_more = filter.day.is_some() || of.is_some();
    let all_kinds = (filter.kind.is_some() && is_more)
        .then(|| Filter { kind: None, before: None, ..filter.clone() }.address(own, None));
    let is_whole = filter.before.is_none() && facts.next.is_none();
    let empty = match filter.day {
        _ if is_whole && (filter.kind.is_some() || of.is_some()) => t.say(w::NO_MATCH).into_owned(),
        Some(day) if is_whole => t.fill(w::NO_CHANGES_ON, &[("day", &t.day(day))]),
        None if is_whole => t.say(w::NO_CHANGES).into_owned(),
        _ => t.say(w::NONE_HERE).into_owned(),
    };
    Page {
        day: filter.day.map_or_else(String::new, |day| day.to_string()),
        technicians: technicians.collect(),
        kinds: kinds.collect(),
        is_filtered: is_more || filter.kind.is_some(),
        all_kinds,
        days: days(&facts, t),
        zone: t.fill(w::HOURS, &[("zone", &t.zone_now())]),
        empty,
        newest: filter.before.is_some().then(|| address(None)),
        older: facts.next.as_deref().map(|next| address(Some(next))),
        frame,
    }
}

/// The lines, by the local day on which each was seen.
fn days(facts: &ChangeList, t: &Locale) -> Vec<Day> {
    let name_of =
        |id: &str| facts.technicians.iter().find(|one| one.external_id == id).map(|one| one.name.clone());
    let mut days: Vec<(Date, Day)> = Vec::new();
    for one in &facts.changes {
        let seen = t.local_day(one.seen_at);
        let lines = lines::of(std::slice::from_ref::<ChangedAppointment>(one), &name_of, None, t);
        match days.iter_mut().find(|(day, _)| *day == seen) {
            Some((_, day)) => day.lines.extend(lines),
            None => days.push((seen, Day { heading: t.heading(seen), lines })),
        }
    }
    days.into_iter().map(|(_, day)| day).collect()
}
