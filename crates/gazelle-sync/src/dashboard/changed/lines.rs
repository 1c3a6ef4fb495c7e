//! Changes in words, a line each.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::ChangedAppointment;
use crate::dashboard::links;
use crate::dashboard::page::ShownTime;
use crate::dashboard::words::changes as w;
use crate::dashboard::words::locale::Locale;
use crate::dashboard::words::sentence::Sentence;
use crate::dashboard::words::today;
use crate::entities::appointments::changed::{Change, ChangeKind, Start};

/// A change this short before a visit is marked.
const SHORT: SignedDuration = SignedDuration::from_hours(24);

/// A change.
pub(crate) struct ChangeLine {
    pub(crate) class: &'static str,
    pub(crate) shape: &'static str,
    pub(crate) kind: String,
    /// From what to what, or when.
    pub(crate) what: String,
    pub(crate) title: String,
    /// The page of its record, with the version that changed it.
    pub(crate) record: String,
    pub(crate) client: Option<String>,
    pub(crate) seen: ShownTime,
    /// The hour at which it was seen.
    pub(crate) hour: String,
    pub(crate) ago: String,
    /// Whether it was seen less than a day before the visit.
    pub(crate) is_short: bool,
}

/// The lines of changes. `name_of`: the name of a technician; `day`: the day that the page shows, which is not said again.
pub(crate) fn of(
    changes: &[ChangedAppointment],
    name_of: &dyn Fn(&str) -> Option<String>,
    day: Option<Date>,
    t: &Locale,
) -> Vec<ChangeLine> {
    let lines = changes.iter().flat_map(|one| one.changes.iter().map(move |change| (one, change)));
    lines.map(|(one, change)| line(one, change, (name_of, day), t)).collect()
}

type LineContext<'n> = (&'n dyn Fn(&str) -> Option<String>, Option<Date>);

fn line(
    one: &ChangedAppointment,
    change: &Change,
    (name_of, day): LineContext<'_>,
    t: &Locale,
) -> ChangeLine {
    let when = |start: &Option<Start>| when(*start, day, t);
    let who = |id: &Option<String>| match id {
        Some(id) => name_of(id).unwrap_or_else(|| id.clone()),
        None => t.say(today::NOBODY).into_owned(),
    };
    let from_to = |from: &str, to: &str| t.fill(w::FROM_TO, &[("from", from), ("to", to)]);
    let (class, shape, what, starts) = match change {
        Change::New { start } => ("ok", "+", when(start), [*start, None]),
        Change::Moved { from, to } => {
            // The day of the first is not said again of the second.
            let beside = if day.is_none() { from.map(|from| local_day(from, t)) } else { day };
            let to_text = self::when(*to, beside, t);
            ("run", "⇄", from_to(&when(from), &to_text), [*from, *to])
        }
        Change::Reassigned { from, to } => ("run", "⇄", from_to(&who(from), &who(to)), [None, None]),
        Change::Cancelled { start } => ("bad", "✕", when(start), [*start, None]),
        Change::Reinstated { start } => ("ok", "↺", when(start), [*start, None]),
        Change::Gone { start } => ("bad", "✕", when(start), [*start, None]),
    };
    ChangeLine {
        class,
        shape,
        kind: t.say(kind(change.kind())).into_owned(),
        what,
        title: one.title.clone().unwrap_or_else(|| t.say(today::UNTITLED).into_owned()),
        record: links::version("appointments", &one.external_id, one.version),
        client: one.client.clone(),
        seen: ShownTime::date_hour(one.seen_at, t),
        hour: t.hour(one.seen_at),
        ago: t.ago(one.seen_at),
        is_short: starts.into_iter().flatten().any(|start| is_short(start, one.seen_at, t)),
    }
}

/// What a kind of change is called.
pub(crate) fn kind(kind: ChangeKind) -> Sentence {
    match kind {
        ChangeKind::New => w::NEW,
        ChangeKind::Moved => w::MOVED,
        ChangeKind::Reassigned => w::REASSIGNED,
        ChangeKind::Cancelled => w::CANCELLED_ONE,
        ChangeKind::Reinstated => w::REINSTATED,
        ChangeKind::Gone => w::GONE,
    }
}

fn local_day(start: Start, t: &Locale) -> Date {
    match start {
        Start::At(at) => t.local_day(at),
        Start::Day(day) => day,
    }
}

/// When an appointment starts; its day is left out where it is the one `beside` it.
fn when(start: Option<Start>, beside: Option<Date>, t: &Locale) -> String {
    let Some(start) = start else { return "–".to_owned() };
    let day = local_day(start, t);
    let hour = match start {
        Start::At(at) => t.hour(at),
        Start::Day(_) => t.say(w::ALL_DAY).into_owned(),
    };
    if beside == Some(day) {
        return hour;
    }
    let named = if day.year() == t.today().year() { t.day_and_month(day) } else { t.day(day) };
    t.fill(w::DAY_AND_START, &[("day", &named), ("hour", &hour)])
}

fn is_short(start: Start, seen_at: Timestamp, t: &Locale) -> bool {
    match start {
        Start::At(at) => {
            let before = at.duration_since(seen_at);
            !before.is_negative() && before <= SHORT
        }
        // A day has no hour: the day of the change and the next.
        Start::Day(day) => {
            let seen = t.local_day(seen_at);
            day == seen || seen.tomorrow().is_ok_and(|next| next == day)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Language;
    use crate::time;

    fn locale(language: Language) -> Locale {
        let now = "2026-11-24T17:00:00Z".parse().unwrap();
        Locale::new(language, time::zone(time::MONTREAL).unwrap(), now)
    }

    fn at(text: &str) -> Option<Start> {
        Some(Start::At(text.parse().unwrap()))
    }

    fn line_of(change: Change, day: Option<Date>, language: Language) -> (String, bool) {
        let seen_at = "2026-11-24T12:00:00Z".parse().unwrap();
        let one = ChangedAppointment {
            version: uuid::Uuid::nil(),
            external_id: "evt_1".to_owned(),
            seen_at,
            title: None,
            client: None,
            changes: vec![change],
        };
        let name_of = |id: &str| (id == "usr_1").then(|| "Loïc Exemple".to_owned());
        let line = of(&[one], &name_of, day, &locale(language)).remove(0);
        (format!("{} {}", line.kind, line.what), line.is_short)
    }

    #[test]
    fn from_and_to_are_told_with_the_day_where_it_is_another_one() {
        let shown = Some("2026-11-24".parse().unwrap());
        let moved = |from: &str, to: &str| Change::Moved { from: at(from), to: at(to) };
        let day = Some(Start::Day("2026-11-24".parse().unwrap()));
        for (change, day, en, fr, is_short) in [
            (
                moved("2026-11-24T15:00:00Z", "2026-11-24T18:30:00Z"),
                None,
                "Moved Tuesday 24 November, 10:00 → 13:30",
                "Déplacé mardi 24 novembre, 10:00 → 13:30",
                true,
            ),
            (
                moved("2026-11-24T15:00:00Z", "2026-11-24T18:30:00Z"),
                shown,
                "Moved 10:00 → 13:30",
                "Déplacé 10:00 → 13:30",
                true,
            ),
            // Across midnight, and across the year.
            (
                moved("2026-11-27T04:30:00Z", "2027-01-04T15:00:00Z"),
                None,
                "Moved Thursday 26 November, 23:30 → Monday 4 January 2027, 10:00",
                "Déplacé jeudi 26 novembre, 23:30 → lundi 4 janvier 2027, 10:00",
                false,
            ),
            (
                Change::Moved { from: at("2026-11-24T15:00:00Z"), to: day },
                None,
                "Moved Tuesday 24 November, 10:00 → all day",
                "Déplacé mardi 24 novembre, 10:00 → toute la journée",
                true,
            ),
            (
                Change::Reassigned { from: Some("usr_1".to_owned()), to: Some("usr_2".to_owned()) },
                None,
                "Reassigned Loïc Exemple → usr_2",
                "Réattribué Loïc Exemple → usr_2",
                false,
            ),
            (
                Change::Gone { start: at("2026-11-23T15:00:00Z") },
                None,
                "Gone from Gazelle Monday 23 November, 10:00",
                "Disparu de Gazelle lundi 23 novembre, 10:00",
                false,
            ),
            (Change::Cancelled { start: None }, None, "Cancelled –", "Annulé –", false),
        ] {
            assert_eq!(line_of(change.clone(), day, Language::En), (en.to_owned(), is_short));
            assert_eq!(line_of(change, day, Language::Fr), (fr.to_owned(), is_short));
        }
    }
}
