//! Shows Gazelle's response times by hour over seven local days.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;

use super::trouble;
use crate::dashboard::answer::Answer;
use crate::dashboard::charts::heat::{Cell, Heat, STEPS};
use crate::dashboard::page::{Frame, PageRequest, Screen};
use crate::dashboard::site::{PageError, Site};
use crate::dashboard::words::charts as w;
use crate::run_log::run_charts::{self, REQUEST_RUNS, REQUESTS};

/// Number of local days shown, including today.
const DAYS: u16 = 7;

/// The document beside the page.
#[derive(Serialize)]
struct Latency {
    /// When each local hour begins, UTC; the last is the end.
    hours: Vec<Timestamp>,
    /// The upper ends of the steps, in milliseconds.
    steps: [i64; STEPS.len()],
    cells: Vec<Cell>,
}

/// The page.
#[derive(Template)]
#[template(path = "screens/latency/page.html")]
struct Page {
    frame: Frame,
    heat: Heat,
    /// What is counted.
    counted: String,
    /// Set where not all requests are counted.
    limited: Option<String>,
}

/// Answers with the page or its document.
pub(crate) async fn show(State(site): State<Arc<Site>>, Extension(asked): Extension<PageRequest>) -> Answer {
    let answer = latency(&site, &asked).await;
    answer.unwrap_or_else(|trouble| trouble::answer(&site, &asked, Screen::Runs, trouble))
}

async fn latency(site: &Site, asked: &PageRequest) -> Result<Answer, PageError> {
    let mut reader = site.reader(asked).await?;
    let snapshot = reader.snapshot(site).await?;
    let frame = site.frame(asked, Screen::Runs, &snapshot);
    let t = frame.locale();
    let days = t.days(DAYS);
    let ends = days.first().zip(days.last());
    let hours = ends.map(|(first, last)| t.hours(first.1, last.1)).unwrap_or_default();
    let read = run_charts::latency(&snapshot.tx, &hours, &STEPS).await;
    let read = read.map_err(|error| site.failed(&error))?;
    let cells = read.iter().map(|one| Cell { hour: one.hour, step: one.step, requests: one.requests });
    let cells: Vec<Cell> = cells.collect();
    if asked.json {
        return Ok(Answer::bounded(StatusCode::OK, &Latency { hours, steps: STEPS, cells }));
    }
    let counted: i64 = cells.iter().map(|cell| cell.requests).sum();
    let page = Page {
        counted: t.fill(w::HEAT_COUNTED, &[("n", &t.number(REQUEST_RUNS))]),
        heat: Heat::draw(&hours, &cells, snapshot.now, t),
        limited: (counted >= REQUESTS).then(|| t.fill(w::HEAT_LIMITED, &[("n", &t.number(REQUESTS))])),
        frame,
    };
    Ok(Answer::page(StatusCode::OK, &page))
}
