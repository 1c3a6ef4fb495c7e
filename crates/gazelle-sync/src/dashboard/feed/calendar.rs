//! Visits as a calendar. Pure: facts in, text out; the same facts give the same text.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::ical::{self, Lines};
use super::zone;
use crate::dashboard::words::feeds as w;
use crate::dashboard::words::locale::Locale;

/// Revisions are counted in seconds from here: 2020-01-01.
const FIRST_SEQUENCE: i64 = 1_577_836_800;

/// A calendar.
pub(super) struct Calendar<'c> {
    pub(super) name: String,
    /// The zone of the settings, and its name.
    pub(super) zone: (&'c TimeZone, &'c str),
    /// From when and until when it holds visits.
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) visits: Vec<Entry>,
}

/// When a visit is.
#[derive(Debug, Clone, Copy)]
pub(super) enum When {
    /// From the one day to the end of the other.
    Days(Date, Date),
    /// From the one instant to the other.
    Hours(Timestamp, Timestamp),
}

/// A visit.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) external_id: String,
    /// When anything that is shown of it last changed.
    pub(super) changed_at: Timestamp,
    pub(super) when: When,
    pub(super) summary: String,
    pub(super) location: String,
    /// Lines.
    pub(super) description: Vec<String>,
    pub(super) is_cancelled: bool,
    /// Whether it leaves its time free.
    pub(super) is_free: bool,
}

/// The text of the calendar.
pub(super) fn text(calendar: &Calendar<'_>, t: &Locale) -> String {
    let mut lines = Lines::default();
    lines.plain("BEGIN", "VCALENDAR");
    lines.plain("VERSION", "2.0");
    lines.plain("PRODID", "-//gazelle-sync//calendar feed//EN");
    lines.plain("CALSCALE", "GREGORIAN");
    lines.plain("METHOD", "PUBLISH");
    lines.text("X-WR-CALNAME", &calendar.name);
    lines.text("X-WR-TIMEZONE", calendar.zone.1);
    lines.plain("REFRESH-INTERVAL;VALUE=DURATION", "PT1H");
    lines.plain("X-PUBLISHED-TTL", "PT1H");
    zone::write(&mut lines, calendar.zone, calendar.from, calendar.to);
    calendar.visits.iter().for_each(|visit| event(&mut lines, visit, calendar.zone, t));
    lines.plain("END", "VCALENDAR");
    lines.finish()
}

fn event(lines: &mut Lines, visit: &Entry, (zone, zone_name): (&TimeZone, &str), t: &Locale) {
    let changed = ical::utc(visit.changed_at);
    let sequence = visit.changed_at.as_second().saturating_sub(FIRST_SEQUENCE).max(0);
    lines.plain("BEGIN", "VEVENT");
    lines.text("UID", &format!("{}@gazelle-sync", visit.external_id));
    lines.plain("DTSTAMP", &changed);
    lines.plain("LAST-MODIFIED", &changed);
    lines.plain("SEQUENCE", &sequence.to_string());
    match visit.when {
        When::Days(first, last) => {
            lines.plain("DTSTART;VALUE=DATE", &ical::date(first));
            lines.plain("DTEND;VALUE=DATE", &ical::date(last.tomorrow().unwrap_or(last)));
        }
        When::Hours(start, end) => match ical::by_the_clock(zone, [start, end]) {
            Some([start, end]) => {
                lines.plain(&format!("DTSTART;TZID={zone_name}"), &ical::local(start));
                lines.plain(&format!("DTEND;TZID={zone_name}"), &ical::local(end));
            }
            None => {
                lines.plain("DTSTART", &ical::utc(start));
                lines.plain("DTEND", &ical::utc(end));
            }
        },
    }
    // Calendars that show cancelled events all the same show the word.
    let summary = match visit.is_cancelled {
        true => t.fill(w::CANCELLED, &[("title", &visit.summary)]),
        false => visit.summary.clone(),
    };
    lines.text("SUMMARY", &summary);
    lines.plain("STATUS", if visit.is_cancelled { "CANCELLED" } else { "CONFIRMED" });
    lines.plain("TRANSP", if visit.is_cancelled || visit.is_free { "TRANSPARENT" } else { "OPAQUE" });
    if !visit.location.is_empty() {
        lines.text("LOCATION", &visit.location);
    }
    if !visit.description.is_empty() {
        lines.text("DESCRIPTION", &visit.description.join("\n"));
    }
    lines.plain("END", "VEVENT");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Language;
    use crate::time;

    #[test]
    fn a_calendar_is_the_same_text_for_the_same_visits() {
        let zone = time::zone(time::MONTREAL).unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let visit = |id: &str, when| Entry {
            external_id: id.to_owned(),
            changed_at: at("2026-11-20T15:00:00.25Z"),
            when,
            summary: "Accord annuel; Conservatoire".to_owned(),
            location: "2348, av. des Trois-Marteaux, Montréal".to_owned(),
            description: vec!["Loïc Exemple".to_owned(), "514 555-0142".to_owned()],
            is_cancelled: false,
            is_free: false,
        };
        let day = "2026-11-26".parse().unwrap();
        let calendar = Calendar {
            name: "Loïc Exemple".to_owned(),
            zone: (&zone, time::MONTREAL),
            from: at("2026-10-20T04:00:00Z"),
            to: at("2027-05-20T04:00:00Z"),
            visits: vec![
                visit("evt_1", When::Hours(at("2026-11-24T15:00:00Z"), at("2026-11-24T16:30:00Z"))),
                visit("evt_2", When::Hours(at("2026-11-01T06:30:00Z"), at("2026-11-01T07:30:00Z"))),
                Entry { is_cancelled: true, ..visit("evt_3", When::Days(day, day)) },
            ],
        };
        let t = Locale::new(Language::Fr, zone.clone(), at("2026-11-24T12:00:00Z"));
        let written = text(&calendar, &t);
        assert_eq!(written, text(&calendar, &t));
        insta::assert_snapshot!(written.replace('\r', ""));
    }
}
