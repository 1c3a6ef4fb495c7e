//! Shows the appointments of one local day, in the zone of `v_appointments_montreal`, and what changed since yesterday
//! evening.

pub(crate) mod read;
pub(crate) mod view;

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use jiff::civil::Date;
use serde::Deserialize;

use super::trouble;
use crate::dashboard::answer::Answer;
use crate::dashboard::changed::lines::ChangeLine;
use crate::dashboard::links;
use crate::dashboard::page::{Frame, PageRequest, Screen, ShownTime};
use crate::dashboard::site::{PageError, Site};
use crate::dashboard::words::entry;
use crate::dashboard::words::today as w;
use crate::time;
use read::DayQuery;
use view::VisitCard;

/// The query parameters.
#[derive(Debug, Deserialize)]
pub(crate) struct QueryParams {
    day: Option<String>,
    technician: Option<String>,
}

/// The page.
#[derive(Template)]
#[template(path = "screens/today/page.html")]
struct Page {
    frame: Frame,
    /// `2026-11-24`, for the field of the form.
    day: String,
    heading: String,
    previous: String,
    next: String,
    /// The way back, on another day than today.
    today: Option<String>,
    technicians: Vec<Choice>,
    fresh: Option<DataAge>,
    /// Set where the data may be out of date.
    stale: Option<String>,
    zone: String,
    count: String,
    empty: String,
    /// The way to everybody's day, where one technician's is empty.
    everybody: Option<String>,
    /// Whether the page is the viewer's own: then there is nobody else to choose.
    is_own: bool,
    all_day: Vec<VisitCard>,
    visits: Vec<VisitCard>,
    cancelled: Vec<VisitCard>,
    cancelled_count: String,
    /// None where they could not be read.
    changes: Option<Vec<ChangeLine>>,
    /// The screen of changes, of the same technician.
    all_changes: String,
}

/// How old the data is.
struct DataAge {
    at: ShownTime,
    text: String,
}

/// A technician to choose.
struct Choice {
    external_id: String,
    name: String,
    is_chosen: bool,
}

/// The years of days that are shown: Postgres knows no day of the eighth millennium before Christ, and nobody has a visit
/// then.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=2199;

/// Answers with the page or its document.
pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
    Query(question): Query<QueryParams>,
) -> Answer {
    // A technician sees their own day, whatever the address asks for.
    let own = asked.viewer.own().map(str::to_owned);
    let asks_for = question.technician.as_deref().filter(|id| !id.is_empty());
    if own.is_some() && asks_for.is_some_and(|id| Some(id) != own.as_deref()) {
        return trouble::refused(&site, &asked, (entry::NOT_YOURS, entry::NOT_YOURS_WHY));
    }
    let question = QueryParams { technician: own.or(question.technician), ..question };
    let answer = today(&site, &asked, question).await;
    answer.unwrap_or_else(|trouble| trouble::answer(&site, &asked, Screen::Today, trouble))
}

async fn today(site: &Site, asked: &PageRequest, question: QueryParams) -> Result<Answer, PageError> {
    let mut reader = site.reader(asked).await?;
    let snapshot = reader.snapshot(site).await?;
    let settings = &site.shared.settings;
    let now = snapshot.now;
    let is_today = time::montreal_parts(now).0;
    // A day that cannot be read is today: the page says which day it shows.
    let day = question.day.as_deref().and_then(|text| text.parse::<Date>().ok());
    let day = day.filter(|day| YEARS.contains(&day.year())).unwrap_or(is_today);
    let technician = question.technician.filter(|id| !id.is_empty());
    let query = DayQuery { day, technician, stale_after_minutes: settings.stale_after_minutes };
    let mut facts = read::read(&snapshot, query).await.map_err(|error| site.failed(&error))?;
    if asked.json {
        if let Some(own) = asked.viewer.own() {
            facts.technicians.retain(|one| one.external_id == own);
        }
        return Ok(Answer::document(StatusCode::OK, &facts));
    }
    let frame = site.frame(asked, Screen::Today, &snapshot);
    // The view's days and hours are Montréal's, whatever the setting says: the page takes both from one place.
    let zone = time::zone(time::MONTREAL).unwrap_or(jiff::tz::TimeZone::UTC);
    let page = page(facts, settings, frame.in_zone(zone), is_today);
    Ok(Answer::page(StatusCode::OK, &page))
}

fn page(facts: read::Today, settings: &crate::config::Settings, frame: Frame, is_today: Date) -> Page {
    let t = frame.locale();
    let of = facts.technician.as_deref();
    let link = |day: Date| address(day, of);
    let stale = facts.is_stale.then(|| match facts.good_at {
        None => t.say(w::STALE_NEVER).into_owned(),
        Some(at) => {
            let limit = t.number(settings.stale_after_minutes);
            t.fill(w::STALE, &[("ago", &t.ago(at)), ("limit", &limit)])
        }
    });
    let fresh = facts.good_at.map(|at| DataAge {
        at: ShownTime::date_hour(at, t),
        text: t.fill(w::AS_OF, &[("at", &t.as_of(at)), ("ago", &t.ago(at))]),
    });
    let cards = view::cards(&facts, &settings.map_url, t);
    let count = cards.all_day.len() + cards.visits.len();
    let technicians = facts.technicians.iter().map(|one| Choice {
        external_id: one.external_id.clone(),
        name: one.name.clone(),
        is_chosen: of == Some(one.external_id.as_str()),
    });
    let neighbour = |day: Result<Date, jiff::Error>| link(day.unwrap_or(facts.day));
    Page {
        day: facts.day.to_string(),
        heading: t.heading(facts.day),
        previous: neighbour(facts.day.yesterday()),
        next: neighbour(facts.day.tomorrow()),
        today: (facts.day != is_today).then(|| link(is_today)),
        technicians: technicians.collect(),
        fresh,
        stale,
        zone: t.fill(w::ZONE, &[("zone", &t.zone_of(day_at_noon(facts.day)))]),
        count: t.count(w::VISITS, count as i64),
        empty: view::empty(&facts, t),
        everybody: of.filter(|_| !frame.is_own()).map(|_| address(facts.day, None)),
        is_own: frame.is_own(),
        cancelled_count: t.count(w::CANCELLED, cards.cancelled.len() as i64),
        all_day: cards.all_day,
        visits: cards.visits,
        cancelled: cards.cancelled,
        all_changes: links::with("/app/changes", &[("technician", of.filter(|_| !frame.is_own()))]),
        changes: facts.changes.as_ref().map(|changes| view::changes(changes, &facts, t)),
        frame,
    }
}

/// An instant of a day, by which its zone is named.
fn day_at_noon(day: Date) -> jiff::Timestamp {
    time::montreal_instant(day, jiff::civil::time(12, 0, 0, 0)).unwrap_or_default()
}

fn address(day: Date, technician: Option<&str>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("day", &day.to_string());
    if let Some(technician) = technician {
        query.append_pair("technician", technician);
    }
    format!("/app/today?{}", query.finish())
}
