//! Calendar feeds: makes and revokes the links by which a calendar reads a technician's visits. A link is shown once.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use uuid::Uuid;

use super::today::read::{Technician, technicians};
use super::{refused, trouble};
use crate::dashboard::answer::Answer;
use crate::dashboard::entry::form::BoundedForm;
use crate::dashboard::feed;
use crate::dashboard::page::{Frame, PageRequest, Screen};
use crate::dashboard::site::{PageError, Site};
use crate::dashboard::words::feeds as w;
use crate::dashboard::words::{entry, today};
use crate::people::feeds::{self, Feed, FeedRefusal};
use crate::people::secrets::Token;

/// The page.
#[derive(Template)]
#[template(path = "screens/feeds/page.html")]
struct Page {
    frame: Frame,
    what: String,
    technicians: Vec<Technician>,
    rows: Vec<Row>,
}

/// A link.
struct Row {
    name: String,
    class: &'static str,
    shape: &'static str,
    word: String,
    made: String,
    revoked: Option<String>,
    /// Where it is revoked, and what the button is called for those who do not see the row.
    revoke: Option<(String, String)>,
}

/// The page that shows a link.
#[derive(Template)]
#[template(path = "screens/feeds/link.html")]
struct Link {
    frame: Frame,
    heading: String,
    once: String,
    link: String,
    what_changes: String,
    changes: String,
}

/// Whose visits.
#[derive(Deserialize)]
pub(crate) struct Form {
    #[serde(default)]
    technician: String,
}

/// Answers with the page or its document.
pub(crate) async fn show(State(site): State<Arc<Site>>, Extension(asked): Extension<PageRequest>) -> Answer {
    match page(&site, &asked).await {
        Ok(answer) => answer,
        Err(trouble) => trouble::answer(&site, &asked, Screen::Today, trouble),
    }
}

async fn page(site: &Site, asked: &PageRequest) -> Result<Answer, PageError> {
    let mut reader = site.reader(asked).await?;
    let snapshot = reader.snapshot(site).await?;
    let frame = site.frame(asked, Screen::Today, &snapshot);
    let own = asked.viewer.own();
    let feeds = feeds::list(&snapshot.tx, own).await.map_err(|error| site.failed(&error))?;
    if asked.json {
        return Ok(Answer::bounded(StatusCode::OK, &serde_json::json!({ "feeds": feeds })));
    }
    let all = technicians(&snapshot.tx).await.map_err(|error| site.failed(&error))?;
    let (back, ahead) = feed::DAYS;
    let page = Page {
        what: frame.fill(w::WHAT, &[("back", &frame.number(back)), ("ahead", &frame.number(ahead))]),
        technicians: all,
        rows: feeds.iter().map(|one| row(one, &frame)).collect(),
        frame,
    };
    Ok(Answer::page(StatusCode::OK, &page))
}

fn row(one: &Feed, frame: &Frame) -> Row {
    let at = |at: Timestamp| frame.date_hour(at);
    let told = |by: &Option<String>, when: Timestamp, with_name, without| match by {
        Some(name) => frame.fill(with_name, &[("at", &at(when)), ("name", name)]),
        None => frame.fill(without, &[("at", &at(when))]),
    };
    let (class, shape, word) = match one.revoked_at {
        None => ("ok", "●", w::USED),
        Some(_) => ("off", "◇", w::OFF),
    };
    let name = feed::called(one).to_owned();
    let label = frame.fill(w::REVOKE_ONE, &[("name", &name), ("at", &at(one.made_at))]);
    Row {
        class,
        shape,
        word: frame.say(word).into_owned(),
        made: told(&one.made_by, one.made_at, w::MADE_BY, w::MADE),
        revoked: one.revoked_at.map(|at| told(&one.revoked_by, at, w::REVOKED_BY, w::REVOKED)),
        revoke: one.revoked_at.is_none().then(|| (format!("/app/feeds/{}/revoke", one.id), label)),
        name,
    }
}

/// Makes a link, and shows it. A technician makes one to their own visits, whatever the form says.
pub(crate) async fn make(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
    BoundedForm(form): BoundedForm<Form>,
) -> Answer {
    let technician = asked.viewer.own().map_or(form.technician, str::to_owned);
    let frame = site.frame_now(&asked, Screen::Today).await;
    let refused = |frame: Frame, why: String| refused::answer(frame, why, "/app/feeds", w::TO_FEEDS);
    let Ok(link) = Token::random() else {
        let why = frame.say(entry::BUSY).into_owned();
        return refused(frame, why);
    };
    match made(&site, &asked, &technician, &link, &frame).await {
        Ok(Ok(name)) => {
            let address = |ending: &str| {
                site.shared.settings.dashboard_address(&format!("/feed/{}.{ending}", link.text()))
            };
            let page = Link {
                heading: frame.fill(w::LINK_FOR, &[("name", &name)]),
                once: frame.fill(w::ONCE, &[("name", &name)]),
                link: address("ics"),
                what_changes: frame.fill(w::CHANGES_WHAT, &[("back", &frame.number(feed::DAYS.0))]),
                changes: address("atom"),
                frame,
            };
            Answer::page(StatusCode::OK, &page)
        }
        Ok(Err(FeedRefusal::TechnicianUnknown)) => {
            let why = frame.say(entry::TECHNICIAN_UNKNOWN).into_owned();
            refused(frame, why)
        }
        Ok(Err(FeedRefusal::TooMany)) => {
            let why = frame.count(w::TOO_MANY, feeds::MOST);
            refused(frame, why)
        }
        Err(trouble) => trouble::answer(&site, &asked, Screen::Today, trouble),
    }
}

/// Makes it; the name of the technician.
async fn made(
    site: &Site,
    asked: &PageRequest,
    technician: &str,
    link: &Token,
    frame: &Frame,
) -> Result<Result<String, FeedRefusal>, PageError> {
    if technician.is_empty() {
        return Ok(Err(FeedRefusal::TechnicianUnknown));
    }
    let by = asked.viewer.person().map(|person| person.id);
    let made = feeds::make(&site.db()?, technician, frame.locale().language, by, link).await;
    if let Err(refusal) = made.map_err(|error| site.failed(&error))? {
        return Ok(Err(refusal));
    }
    let mut reader = site.reader(asked).await?;
    let snapshot = reader.snapshot(site).await?;
    let found = feeds::open(&snapshot.tx, link).await.map_err(|error| site.failed(&error))?;
    Ok(Ok(found.as_ref().map_or(technician, feed::called).to_owned()))
}

/// Revokes a link. A technician revokes those to their own visits alone.
pub(crate) async fn revoke(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
    Path(id): Path<String>,
) -> Answer {
    let Ok(id) = id.parse::<Uuid>() else { return trouble::not_found(&site, &asked) };
    let by = asked.viewer.person().map(|person| person.id);
    let revoked = async {
        feeds::revoke(&site.db()?, id, asked.viewer.own(), by).await.map_err(|error| site.failed(&error))
    };
    match revoked.await {
        Ok(true) => Answer::see("/app/feeds"),
        Ok(false) => trouble::not_found(&site, &asked),
        Err(trouble) => trouble::answer(&site, &asked, Screen::Today, trouble),
    }
}
