//! Shows the last result of the `doctor` checks with its age; *Examine* requests a new one from the service.

use std::cmp::Reverse;
use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize as _;

use super::trouble;
use crate::dashboard::answer::Answer;
use crate::dashboard::page::{Frame, PageRequest, Screen, ShownTime, State as Shape};
use crate::dashboard::site::{PageError, Site};
use crate::dashboard::words::actions::BY_DEMO;
use crate::dashboard::words::doctor as w;
use crate::dashboard::words::findings;
use crate::dashboard::words::locale::Locale;
use crate::doctor::{Level, Line};
use crate::run_log::actions::{self, Action, Examinations};

/// From this age on, a result is said to be old.
const OLD: SignedDuration = SignedDuration::from_hours(24);

/// The page.
#[derive(Template)]
#[template(path = "screens/doctor/page.html")]
struct Page {
    frame: Frame,
    /// How far an examination is that was asked for; none if there is none.
    at_work: Option<String>,
    /// The last one came to no result: a sentence, and why, in English.
    failed: Option<(String, Option<String>)>,
    found: Option<DoctorResult>,
}

/// The last result.
struct DoctorResult {
    worst: Shape,
    counts: Vec<String>,
    examined: String,
    utc: String,
    datetime: String,
    /// Set if it is old.
    old: Option<String>,
    /// How many checks are well, which are folded unless all are.
    oks: String,
    has_oks: bool,
    is_well: bool,
    lines: Vec<LineView>,
}

/// A check.
struct LineView {
    state: Shape,
    /// Whether it is the first that is well: those are folded.
    is_first_ok: bool,
    check: Told,
    said: Told,
    /// In English.
    fix: Option<String>,
}

/// What `doctor` says, which it says in English; in the language of the page where that is known.
struct Told {
    text: String,
    is_english: bool,
}

impl Told {
    fn of(english: &str, in_french: fn(&str) -> Option<String>, t: &Locale) -> Told {
        match in_french(english).filter(|_| t.is_french()) {
            Some(text) => Told { text, is_english: false },
            None => Told { text: english.to_owned(), is_english: true },
        }
    }
}

/// Answers with the page or its document.
pub(crate) async fn show(State(site): State<Arc<Site>>, Extension(asked): Extension<PageRequest>) -> Answer {
    let answer = page(&site, &asked).await;
    answer.unwrap_or_else(|trouble| trouble::answer(&site, &asked, Screen::Doctor, trouble))
}

async fn page(site: &Site, asked: &PageRequest) -> Result<Answer, PageError> {
    let mut reader = site.reader(asked).await?;
    let snapshot = reader.snapshot(site).await?;
    let read = actions::examinations(&snapshot.tx).await.map_err(|error| site.failed(&error))?;
    if asked.json {
        return Ok(Answer::bounded(StatusCode::OK, &read));
    }
    let frame = site.frame(asked, Screen::Doctor, &snapshot);
    Ok(Answer::page(StatusCode::OK, &render(&read, snapshot.now, frame)))
}

fn render(read: &Examinations, now: Timestamp, frame: Frame) -> Page {
    let t = frame.locale();
    let at_work = |action: &Action| match action.taken_at {
        None => t.say(w::WAITING).into_owned(),
        Some(at) => t.fill(w::AT_WORK, &[("at", &t.since(at))]),
    };
    let failed = |action: &Action| {
        let at = action.ended_at.unwrap_or(action.asked_at);
        (t.fill(w::CAME_TO_NOTHING, &[("at", &t.date_hour(at))]), action.reason.clone())
    };
    Page {
        at_work: read.open.as_ref().map(at_work),
        failed: read.failed.as_ref().map(failed),
        found: read.last.as_ref().and_then(|action| found(action, now, t)),
        frame,
    }
}

/// The last result; none if it is not in the shape that this program knows.
fn found(action: &Action, now: Timestamp, t: &Locale) -> Option<DoctorResult> {
    let checks = action.report.as_ref()?.get("checks")?.as_array()?;
    let mut lines: Vec<Line> = checks.iter().filter_map(|line| Line::deserialize(line).ok()).collect();
    lines.sort_by_key(|line| Reverse(line.level));
    let at = action.ended_at?;
    let count = |level| lines.iter().filter(|line| line.level == level).count();
    let (problems, warnings, oks) = (count(Level::Problem), count(Level::Warning), count(Level::Ok));
    let worst = lines.first().map_or(Level::Ok, |line| line.level);
    let name = action.name.clone().unwrap_or_else(|| t.say(BY_DEMO).into_owned());
    let age = now.duration_since(at);
    let facts = [("at", t.date_hour(at)), ("ago", t.ago(at)), ("name", name)];
    let shown = ShownTime::date_hour(at, t);
    Some(DoctorResult {
        worst: match worst {
            Level::Ok => Shape { word: t.say(w::ALL_OK).into_owned(), ..shape(Level::Ok, t) },
            Level::Warning => Shape { word: t.count(w::WARNINGS, warnings), ..shape(Level::Warning, t) },
            Level::Problem => Shape { word: t.count(w::PROBLEMS, problems), ..shape(Level::Problem, t) },
        },
        counts: [
            (worst == Level::Problem && warnings > 0).then(|| t.count(w::WARNINGS, warnings)),
            (oks > 0).then(|| t.count(w::OKS, oks)),
        ]
        .into_iter()
        .flatten()
        .collect(),
        examined: t.fill(w::EXAMINED, &facts.each_ref().map(|(name, fact)| (*name, fact.as_str()))),
        utc: shown.utc,
        datetime: shown.datetime,
        old: (age >= OLD).then(|| t.fill(w::OLD, &[("age", &t.age(age.as_secs()))])),
        oks: t.count(w::OKS, oks),
        has_oks: oks > 0,
        is_well: worst == Level::Ok,
        lines: lines
            .into_iter()
            .enumerate()
            .map(|(at, line)| view(line, at == problems + warnings, t))
            .collect(),
    })
}

fn view(line: Line, is_first_ok: bool, t: &Locale) -> LineView {
    LineView {
        is_first_ok,
        state: shape(line.level, t),
        check: Told::of(&line.check, findings::check, t),
        said: Told::of(&line.said, findings::finding, t),
        fix: line.fix,
    }
}

fn shape(level: Level, t: &Locale) -> Shape {
    let (class, shape, word) = match level {
        Level::Ok => ("ok", "●", w::OK),
        Level::Warning => ("warn", "▲", w::WARNING),
        Level::Problem => ("bad", "■", w::PROBLEM),
    };
    Shape { class, shape, word: t.say(word).into_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::Language;
    use crate::time;

    fn action(report: serde_json::Value) -> Action {
        let at: Timestamp = "2026-11-24T14:15:00Z".parse().unwrap();
        Action {
            id: uuid::Uuid::nil(),
            kind: "doctor".to_owned(),
            arguments: json!({}),
            based_on: None,
            asked_by: None,
            name: Some("Opératrice Exemple".to_owned()),
            asked_at: at,
            taken_at: Some(at),
            times_taken: 1,
            applied_at: None,
            run_id: None,
            outcome: Some(crate::run_log::actions::ActionOutcome::Done),
            reason: None,
            ended_at: Some(at),
            report: Some(report),
        }
    }

    #[test]
    fn problems_come_before_warnings_and_those_before_what_is_well() {
        let check = |name: &str, level: &str| json!({ "check": name, "level": level, "said": "so" });
        let checks = [check("a", "ok"), check("b", "warning"), check("c", "problem"), check("d", "warning")];
        // A line of a newer program is left out, and the others are shown.
        let report =
            json!({ "checks": [&checks[0], &checks[1], check("x", "grave"), &checks[2], &checks[3]] });
        let now = "2026-11-24T14:22:00Z".parse().unwrap();
        let t = Locale::new(Language::En, time::zone(time::MONTREAL).unwrap(), now);
        let shown = found(&action(report.clone()), now, &t).unwrap();
        let order: Vec<&str> = shown.lines.iter().map(|line| line.check.text.as_str()).collect();
        assert_eq!(order, ["c", "b", "d", "a"]);
        assert_eq!(shown.worst.word, "1 problem");
        assert_eq!(shown.counts, ["2 warnings", "1 check passed"]);
        assert_eq!(
            shown.examined.replace('\u{a0}', " "),
            "Examined 2026-11-24 09:15, 7 min ago, for Opératrice Exemple"
        );
        assert_eq!(shown.old, None);
        let later = "2026-11-25T14:15:00Z".parse().unwrap();
        assert!(found(&action(report), later, &t).unwrap().old.is_some());
        assert!(found(&action(json!({ "rows": 1 })), now, &t).is_none());
    }
}
