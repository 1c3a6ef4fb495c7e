//! Search: find a client by name, address, telephone, serial number, title or id. The search terms are not logged or stored.

mod fold;
mod read;

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::record::rows::anchor;
use super::trouble;
use crate::dashboard::answer::Answer;
use crate::dashboard::links;
use crate::dashboard::page::{Frame, PageRequest, Screen, ShownTime, entity_name};
use crate::dashboard::raw;
use crate::dashboard::site::{PageError, Site};
use crate::dashboard::words::locale::Locale;
use crate::dashboard::words::search as w;
use crate::dashboard::words::sentence::Sentence;
use crate::staging::quarantine::one::HeldRecord;
use fold::Piece;
use read::{MOST, Results, SearchHit, SearchTerms};

/// Letters that are looked for at least.
const SHORTEST: usize = 2;

/// The query parameters.
#[derive(Deserialize)]
pub(crate) struct QueryParams {
    q: Option<String>,
    /// Set to look for appointments of any time.
    any: Option<String>,
}

/// The page.
#[derive(Template)]
#[template(path = "screens/search/page.html")]
struct Page {
    frame: Frame,
    question: String,
    is_any_time: bool,
    /// Set if it was too short to be looked for.
    is_too_short: bool,
    /// None before anything is looked for.
    found: Option<FoundView>,
    any_time: String,
}

/// What was found.
struct FoundView {
    count: String,
    groups: Vec<GroupView>,
    /// Whether a group says that it leaves older appointments out.
    has_bounded: bool,
    is_held_unread: bool,
}

/// A group.
struct GroupView {
    name: String,
    count: String,
    rows: Vec<RowView>,
    /// Appointments within two years.
    is_bounded: bool,
}

/// A record.
struct RowView {
    href: String,
    /// Its kind, where the group does not say it.
    entity: Option<String>,
    name: Vec<Piece>,
    detail: Vec<Piece>,
    more: Vec<Piece>,
    start: Option<ShownTime>,
    is_deleted: bool,
    is_held: bool,
}

/// Answers with the page or its document.
pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
    Query(question): Query<QueryParams>,
) -> Answer {
    let answer = search(&site, &asked, question).await;
    answer.unwrap_or_else(|trouble| trouble::answer(&site, &asked, Screen::Search, trouble))
}

async fn search(site: &Site, asked: &PageRequest, question: QueryParams) -> Result<Answer, PageError> {
    let mut reader = site.reader(asked).await?;
    let snapshot = reader.snapshot(site).await?;
    let frame = site.frame(asked, Screen::Search, &snapshot);
    let q: String = question.q.unwrap_or_default().trim().chars().take(fold::LONGEST).collect();
    let is_any_time = question.any.is_some_and(|any| !any.is_empty());
    let terms = SearchTerms { words: fold::words(&q), digits: fold::digits(&q), any_time: is_any_time };
    let is_long_enough = terms.words.iter().any(|word| word.chars().count() >= SHORTEST);
    let read = async {
        if !is_long_enough {
            return Ok((None, None));
        }
        match read::by_id(&snapshot.tx, &q).await? {
            Some(record) => Ok((Some(record), None)),
            None => Ok((None, Some(read::search(&snapshot, &terms).await?))),
        }
    };
    let (record, results) = read.await.map_err(|error| site.failed(&error))?;
    if let Some((entity, id)) = record {
        let page = links::record(&entity, &id);
        return Ok(match (asked.json, id == q) {
            (true, _) => Answer::see(&format!("{page}.json")),
            (false, true) => Answer::see(&page),
            (false, false) => Answer::see(&format!("{page}#{}", anchor(&q))),
        });
    }
    if asked.json {
        return Ok(Answer::bounded(StatusCode::OK, &results.unwrap_or_default()));
    }
    let t = frame.locale();
    let page = Page {
        is_too_short: !q.is_empty() && !is_long_enough,
        found: results.map(|results| view(&results, &terms, t)),
        any_time: links::with("/app/search", &[("q", Some(&q)), ("any", Some("1"))]),
        question: q,
        is_any_time,
        frame,
    };
    Ok(Answer::page(StatusCode::OK, &page))
}

fn view(results: &Results, terms: &SearchTerms, t: &Locale) -> FoundView {
    let lists: [(Sentence, &str, &[SearchHit]); 5] = [
        (w::CLIENTS, "clients", &results.clients),
        (w::CONTACTS, "clients", &results.contacts),
        (w::ADDRESSES, "clients", &results.addresses),
        (w::PIANOS, "pianos", &results.pianos),
        (w::APPOINTMENTS, "appointments", &results.appointments),
    ];
    let mut groups = Vec::new();
    let (mut all, mut is_more) = (0, false);
    let mut add = |name: Sentence, rows: Vec<RowView>, found: usize| {
        all += rows.len();
        is_more |= found > MOST;
        let (said, n) = if found > MOST { (w::GROUP_FIRST, MOST) } else { (w::GROUP_COUNT, found) };
        if found > 0 {
            groups.push(GroupView {
                name: t.say(name).into_owned(),
                count: t.fill(said, &[("n", &t.number(n as i64))]),
                rows,
                is_bounded: name == w::APPOINTMENTS && !terms.any_time,
            });
        }
    };
    for (name, entity, found) in lists {
        let rows = found.iter().take(MOST).map(|one| row(one, entity, terms, t)).collect();
        add(name, rows, found.len());
    }
    if let Some(held) = &results.held {
        add(w::HELD, held.iter().take(MOST).map(|one| held_row(one, terms, t)).collect(), held.len());
    }
    let count = match is_more {
        true => t.fill(w::FOUND_MORE, &[("n", &t.number(all as i64))]),
        false => t.count(w::FOUND, all as i64),
    };
    let has_bounded = groups.iter().any(|group| group.is_bounded);
    FoundView { count, groups, has_bounded, is_held_unread: results.held.is_none() }
}

fn row(found: &SearchHit, entity: &str, terms: &SearchTerms, t: &Locale) -> RowView {
    let page = links::record(entity, &found.record);
    let pieces = |text: &Option<String>| marked(text.as_deref().unwrap_or_default(), terms);
    let name = found.name.clone().unwrap_or_else(|| t.say(w::NO_NAME).into_owned());
    RowView {
        href: if found.record == found.external_id {
            page
        } else {
            format!("{page}#{}", anchor(&found.external_id))
        },
        entity: None,
        name: marked(&name, terms),
        detail: pieces(&found.detail),
        more: pieces(&found.more),
        start: found.start_at.map(|at| ShownTime::date_hour(at, t)),
        is_deleted: found.deleted_at.is_some(),
        is_held: found.in_quarantine,
    }
}

fn held_row(held: &HeldRecord, terms: &SearchTerms, t: &Locale) -> RowView {
    RowView {
        href: format!("{}#field", links::case(&held.staging_id.to_string())),
        entity: Some(entity_name(&held.entity, t)),
        name: marked(held.name.as_deref().unwrap_or(&held.external_id), terms),
        detail: Vec::new(),
        more: Vec::new(),
        start: None,
        is_deleted: false,
        is_held: true,
    }
}

/// A text with what matches in it, as much as is shown of one.
fn marked(text: &str, terms: &SearchTerms) -> Vec<Piece> {
    fold::pieces(raw::cut(text).0, &terms.words, terms.digits.as_deref())
}
