//! Shows the settings in force and where each came from. Read-only.

mod schedule;

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;

use super::trouble;
use crate::alerts::{self, Channels, Delivery};
use crate::config::{Settings, ShownSetting};
use crate::dashboard::answer::Answer;
use crate::dashboard::page::{Frame, PageRequest, Screen, ShownTime, State as Shape};
use crate::dashboard::site::{PageError, Site};
use crate::dashboard::words::locale::Locale;
use crate::dashboard::words::settings as w;
use crate::service::schedule::Schedule;
use crate::time;

/// The document beside the page.
#[derive(Serialize)]
struct Document {
    /// When the service started and read them, UTC.
    since: Timestamp,
    /// As the command `settings` prints them.
    settings: Vec<ShownSetting>,
    timezone: String,
    incremental: Planned,
    full: Planned,
    channels: Vec<Delivery>,
    heartbeat: bool,
}

/// A schedule with its next times, UTC.
#[derive(Serialize)]
struct Planned {
    schedule: String,
    next: Vec<Timestamp>,
}

/// The page.
#[derive(Template)]
#[template(path = "screens/settings/page.html")]
struct Page {
    frame: Frame,
    since: String,
    schedule: String,
    changes: Vec<ShownTime>,
    all: Vec<ShownTime>,
    channels: Vec<ChannelRow>,
    heartbeat: (Shape, String),
    rows: Vec<Row>,
}

/// A channel.
struct ChannelRow {
    state: Shape,
    name: String,
    told: Vec<String>,
    /// In English.
    error: Option<String>,
}

/// A setting.
struct Row {
    key: &'static str,
    env: &'static str,
    value: String,
    /// Whether the value is a word of the page, and none of the installation.
    is_word: bool,
    from: String,
    meaning: &'static str,
}

/// Answers with the page or its document.
pub(crate) async fn show(State(site): State<Arc<Site>>, Extension(asked): Extension<PageRequest>) -> Answer {
    let answer = page(&site, &asked).await;
    answer.unwrap_or_else(|trouble| trouble::answer(&site, &asked, Screen::Settings, trouble))
}

async fn page(site: &Site, asked: &PageRequest) -> Result<Answer, PageError> {
    let settings = &site.shared.settings;
    let mut reader = site.reader(asked).await?;
    let snapshot = reader.snapshot(site).await?;
    let deliveries = alerts::deliveries(&snapshot.tx, &Channels::of(settings)).await;
    let document = Document {
        since: site.shared.started_at,
        settings: settings.shown(),
        timezone: settings.timezone.clone(),
        incremental: planned(&settings.incremental_schedule, settings, snapshot.now),
        full: planned(&settings.full_schedule, settings, snapshot.now),
        channels: deliveries.map_err(|error| site.failed(&error))?,
        heartbeat: settings.deadman_url.is_some(),
    };
    if asked.json {
        return Ok(Answer::document(StatusCode::OK, &document));
    }
    let frame = site.frame(asked, Screen::Settings, &snapshot);
    Ok(Answer::page(StatusCode::OK, &render(document, frame)))
}

/// The service has started with this expression, so it can be read.
fn planned(expression: &str, settings: &Settings, now: Timestamp) -> Planned {
    let next = Schedule::new(expression, &settings.zone()).map(|of| schedule::next(&of, now));
    Planned { schedule: expression.to_owned(), next: next.unwrap_or_default() }
}

fn render(document: Document, frame: Frame) -> Page {
    let t = frame.locale();
    let times = |of: &Planned| of.next.iter().map(|at| ShownTime::date_hour(*at, t)).collect();
    let zone = match document.timezone.as_str() {
        time::MONTREAL => t.say(w::MONTREAL).into_owned(),
        other => other.to_owned(),
    };
    let facts = [
        ("changes", schedule::in_words(&document.incremental.schedule, t)),
        ("all", schedule::in_words(&document.full.schedule, t)),
        ("zone", t.fill(w::ZONE, &[("zone", &zone)])),
    ];
    Page {
        since: t.fill(w::SINCE, &[("at", &t.since(document.since))]),
        schedule: capital(&t.fill(w::SUMMARY, &facts.each_ref().map(|(name, fact)| (*name, fact.as_str())))),
        changes: times(&document.incremental),
        all: times(&document.full),
        channels: document.channels.iter().map(|one| channel(one, t)).collect(),
        heartbeat: match document.heartbeat {
            true => (shape("ok", "●", w::SET, t), t.say(w::HEARTBEAT_SET).into_owned()),
            false => (shape("warn", "▲", w::NOT_SET, t), t.say(w::HEARTBEAT_NOT_SET).into_owned()),
        },
        rows: document.settings.iter().map(|one| row(one, t)).collect(),
        frame,
    }
}

fn shape(
    class: &'static str,
    shape: &'static str,
    word: crate::dashboard::words::sentence::Sentence,
    t: &Locale,
) -> Shape {
    Shape { class, shape, word: t.say(word).into_owned() }
}

/// A sentence begins with a capital.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn channel(one: &Delivery, t: &Locale) -> ChannelRow {
    let fails = one.error.is_some() || one.given_up > 0;
    let state = match (fails, one.last_sent_at) {
        (true, _) => shape("bad", "■", w::DELIVERS_NOT, t),
        (false, Some(_)) => shape("ok", "●", w::DELIVERS, t),
        (false, None) => shape("off", "○", w::UNUSED, t),
    };
    let sent = match one.last_sent_at {
        Some(at) => t.fill(w::SENT, &[("at", &t.date_hour(at)), ("ago", &t.ago(at))]),
        None => t.say(w::NEVER_SENT).into_owned(),
    };
    let waiting = (one.waiting > 0).then(|| t.count(w::WAIT, one.waiting));
    let given_up = (one.given_up > 0).then(|| t.count(w::GIVEN_UP, one.given_up));
    ChannelRow {
        state,
        name: one.channel.clone(),
        told: [Some(sent), waiting, given_up].into_iter().flatten().collect(),
        error: one.error.clone(),
    }
}

fn row(one: &ShownSetting, t: &Locale) -> Row {
    let (value, is_word) = match (&one.value, one.is_secret) {
        (Some(value), false) if !value.is_empty() => (value.clone(), false),
        (Some(_), true) => (t.say(w::SET).into_owned(), true),
        _ => (t.say(w::NOT_SET).into_owned(), true),
    };
    Row {
        key: one.key,
        env: one.env,
        value,
        is_word,
        from: from(one.from.as_deref(), t),
        meaning: if t.is_french() { one.meaning_fr } else { one.meaning },
    }
}

/// Where a value comes from. A file and its line are named as they are.
fn from(place: Option<&str>, t: &Locale) -> String {
    let Some(place) = place else { return "–".to_owned() };
    if place == "default" {
        return t.say(w::FROM_DEFAULT).into_owned();
    }
    if place.starts_with("environment variable ") {
        return t.say(w::FROM_ENVIRONMENT).into_owned();
    }
    match place.strip_prefix("flag ") {
        Some(name) => t.fill(w::FROM_FLAG, &[("name", name)]),
        None => place.to_owned(),
    }
}
