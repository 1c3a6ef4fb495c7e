//! Lists quarantine cases, the most recently updated first, fifty per page.

pub(super) mod description;
mod read;

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::trouble;
use crate::dashboard::answer::Answer;
use crate::dashboard::charts::in_and_out::{Day, InAndOut};
use crate::dashboard::links;
use crate::dashboard::named::{Named, Names};
use crate::dashboard::page::{Frame, PageRequest, Screen, ShownTime, entity_name};
use crate::dashboard::site::{PageError, Site};
use crate::dashboard::words::charts as wc;
use crate::dashboard::words::locale::Locale;
use crate::dashboard::words::quarantine as w;
use crate::dashboard::words::sentence::Sentence;
use crate::entities;
use crate::staging::quarantine::one;
use crate::states::CaseState;
use description::{CODES, Facts};
use read::{Filter, Group, ListedCase, OPEN, Position};

/// The states that the list can be filtered by: the first is the one shown if none is chosen.
const STATES: [(&str, Sentence, &[CaseState]); 4] = [
    (OPEN, w::OPEN_ONES, &[CaseState::Open, CaseState::Waiting]),
    ("dismissed", w::DISMISSED_ONES, &[CaseState::Dismissed]),
    (
        "closed",
        w::CLOSED_ONES,
        &[CaseState::Released, CaseState::Reread, CaseState::Superseded, CaseState::Withdrawn],
    ),
    ("all", w::ALL_ONES, CaseState::ALL),
];

/// Number of local days drawn, including today.
const DAYS: u16 = 30;

/// The query parameters.
#[derive(Debug, Deserialize)]
pub(crate) struct QueryParams {
    state: Option<String>,
    code: Option<String>,
    entity: Option<String>,
    before: Option<String>,
}

/// The document beside the page.
#[derive(Serialize)]
struct Quarantine {
    groups: Vec<Group>,
    cases: Vec<ListedCase>,
    /// The value of `before` for the next page.
    next: Option<String>,
    /// What came and what was closed by local day.
    days: Vec<Day>,
}

/// The page.
#[derive(Template)]
#[template(path = "screens/quarantine/page.html")]
struct Page {
    frame: Frame,
    groups: Vec<GroupRow>,
    moved: InAndOut,
    /// The days on which something moved, the newest first.
    days: Vec<DayRow>,
    states: Vec<Choice>,
    entities: Vec<Choice>,
    codes: Vec<Choice>,
    is_filtered: bool,
    rows: Vec<CaseRow>,
    newest: Option<String>,
    older: Option<String>,
    /// Set where nothing is in quarantine at all.
    well: Option<String>,
}

/// A choice of a filter.
struct Choice {
    value: String,
    word: String,
    is_chosen: bool,
}

/// A day of the table.
struct DayRow {
    date: String,
    /// The runs up to its end.
    href: String,
    came: String,
    closed: String,
}

/// Cases with one reason.
struct GroupRow {
    href: String,
    entity: String,
    code: String,
    /// What the button to try them again does.
    retry: String,
    reason: String,
    records: String,
    since: String,
    class: &'static str,
    shape: &'static str,
    word: String,
}

/// A case.
struct CaseRow {
    record: Named,
    case: String,
    reason: String,
    class: &'static str,
    shape: &'static str,
    word: String,
    tries: String,
    first: ShownTime,
    advice: String,
}

/// Answers with the page or its document.
pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
    Query(question): Query<QueryParams>,
) -> Answer {
    let answer = quarantine(&site, &asked, question).await;
    answer.unwrap_or_else(|trouble| trouble::answer(&site, &asked, Screen::Quarantine, trouble))
}

async fn quarantine(site: &Site, asked: &PageRequest, question: QueryParams) -> Result<Answer, PageError> {
    let mut reader = site.reader(asked).await?;
    let snapshot = reader.snapshot(site).await?;
    let frame = site.frame(asked, Screen::Quarantine, &snapshot);
    let state = STATES.iter().find(|(name, _, _)| question.state.as_deref() == Some(name));
    let filter = Filter {
        state: state.unwrap_or(&STATES[0]).0,
        states: state.unwrap_or(&STATES[0]).2,
        entity: question.entity.as_deref().and_then(entities::entity),
        code: CODES.iter().map(|(code, _)| *code).find(|code| question.code.as_deref() == Some(code)),
        before: question.before.as_deref().and_then(Position::of),
    };
    let read = async {
        let groups = read::groups(&snapshot.tx).await?;
        let (cases, next) = read::cases(&snapshot.tx, &filter).await?;
        let records = cases.iter().map(|case| (case.entity.as_str(), case.external_id.as_str()));
        let names = Names::read(&snapshot.tx, records).await?;
        let versions: Vec<Uuid> = cases.iter().map(|case| case.staging_id).collect();
        let titles = one::titles(&snapshot.tx, &versions).await?;
        let closed = if groups.is_empty() { Some(read::closed(&snapshot.tx).await?) } else { None };
        let days = read::in_and_out(&snapshot.tx, &frame.locale().days(DAYS)).await?;
        Ok((groups, cases, next, (names, titles), (closed, days)))
    };
    let (groups, cases, next, called, (closed, days)) = read.await.map_err(|error| site.failed(&error))?;
    if asked.json {
        let next = next.map(|next| next.text());
        return Ok(Answer::bounded(StatusCode::OK, &Quarantine { groups, cases, next, days }));
    }
    let t = frame.locale();
    let page = Page {
        groups: groups.iter().map(|group| group_row(group, t)).collect(),
        moved: InAndOut::draw(&days, t),
        days: day_rows(&days, t),
        states: states(&filter, t),
        entities: entity_choices(&filter, t),
        codes: code_choices(&filter, t),
        is_filtered: filter.is_set(),
        rows: cases.iter().map(|case| case_row(case, &called, t)).collect(),
        newest: filter.before.is_some().then(|| filter.address(None)),
        older: next.map(|next| filter.address(Some(&next.text()))),
        well: closed.map(|closed| well(closed, t)),
        frame,
    };
    Ok(Answer::page(StatusCode::OK, &page))
}

fn day_rows(days: &[Day], t: &Locale) -> Vec<DayRow> {
    let moved = days.iter().rev().filter(|day| day.came > 0 || day.closed > 0);
    let row = |day: &Day| DayRow {
        date: day.date.to_string(),
        href: links::runs_before(day.ends_at),
        came: t.number(day.came),
        closed: t.number(day.closed),
    };
    moved.map(row).collect()
}

fn states(filter: &Filter, t: &Locale) -> Vec<Choice> {
    let choice = |(name, said, _): &(&str, Sentence, &[CaseState])| Choice {
        value: (*name).to_owned(),
        word: t.say(said).into_owned(),
        is_chosen: filter.state == *name,
    };
    STATES.iter().map(choice).collect()
}

fn entity_choices(filter: &Filter, t: &Locale) -> Vec<Choice> {
    let all = entities::names().into_iter().map(|name| Choice {
        value: name.to_owned(),
        word: entity_name(name, t),
        is_chosen: filter.entity.is_some_and(|entity| entity.name == name),
    });
    let any = Choice {
        value: String::new(),
        word: t.say(w::ALL_ENTITIES).into_owned(),
        is_chosen: filter.entity.is_none(),
    };
    std::iter::once(any).chain(all).collect()
}

fn code_choices(filter: &Filter, t: &Locale) -> Vec<Choice> {
    let all = CODES.iter().map(|(code, _)| Choice {
        value: (*code).to_owned(),
        word: Facts { state: CaseState::Open, code, field: Some("…"), external_id: "", parent: None }
            .reason(t),
        is_chosen: filter.code == Some(code),
    });
    let any = Choice {
        value: String::new(),
        word: t.say(w::ALL_REASONS).into_owned(),
        is_chosen: filter.code.is_none(),
    };
    std::iter::once(any).chain(all).collect()
}

fn group_row(group: &Group, t: &Locale) -> GroupRow {
    let (class, shape, word) = description::state(group.state, t);
    let facts = Facts {
        state: group.state,
        code: &group.error_code,
        field: Some(&group.error_field),
        external_id: "",
        parent: None,
    };
    let entity = entity_name(&group.entity, t);
    let reason = t.fill(w::REASON_GROUP, &[("entity", &entity), ("reason", &facts.reason(t))]);
    let parameters = [("entity", Some(group.entity.as_str())), ("code", Some(group.error_code.as_str()))];
    GroupRow {
        href: links::with("/app/quarantine", &parameters),
        entity: group.entity.clone(),
        code: group.error_code.clone(),
        retry: format!("{} ({reason})", t.say(crate::dashboard::words::actions::TRY_ALL_AGAIN)),
        reason,
        records: t.count(w::GROUP_RECORDS, group.records),
        since: t.fill(w::SINCE, &[("at", &t.date_hour(group.oldest))]),
        class,
        shape,
        word,
    }
}

fn case_row(case: &ListedCase, (names, titles): &(Names, HashMap<Uuid, String>), t: &Locale) -> CaseRow {
    let (class, shape, word) = description::state(case.state, t);
    let facts = Facts {
        state: case.state,
        code: &case.error_code,
        field: case.error_field.as_deref(),
        external_id: &case.external_id,
        parent: None,
    };
    CaseRow {
        record: names.of(&case.entity, &case.external_id).or_called(titles.get(&case.staging_id)).shown(t),
        case: format!("{}#field", links::case(&case.staging_id.to_string())),
        reason: facts.reason(t),
        advice: facts.short_advice(t),
        class,
        shape,
        word,
        tries: t.number(case.attempts),
        first: ShownTime::date_hour(case.first_seen_at, t),
    }
}

/// Why nothing is in quarantine.
fn well((closed, dismissed): (i64, i64), t: &Locale) -> String {
    let none = t.say(w::NONE);
    match closed {
        0 => format!("{none} {}", t.say(w::NONE_KEPT)),
        _ => format!(
            "{none} {} {}",
            t.count(w::WERE_CLOSED, closed),
            t.count(w::BY_THEMSELVES, closed - dismissed)
        ),
    }
}
