//! A time zone as iCalendar describes it: when its clocks change, from the time zone database.

use jiff::civil::{DateTime, Weekday};
use jiff::tz::{Offset, TimeZone};
use jiff::{Span, Timestamp};

use super::ical::{Lines, local, offset};

/// The number of years for which a recurrence rule must give the changes of the time zone database.
const YEARS: i64 = 20;

/// A change of the clocks.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Onset {
    /// By the clock before the change.
    at: DateTime,
    before: Offset,
    after: Offset,
    name: String,
    is_daylight: bool,
}

/// The days of a month on which the clocks change: `2SU`, `-1SU`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nth {
    FromFirst(i8),
    Last,
}

/// Writes the zone, as it is from `from` to `to`.
pub(super) fn write(lines: &mut Lines, zone: (&TimeZone, &str), from: Timestamp, to: Timestamp) {
    lines.plain("BEGIN", "VTIMEZONE");
    lines.text("TZID", zone.1);
    let onsets = onsets(zone.0, from);
    let (daylight, standard): (Vec<_>, Vec<_>) = onsets.iter().partition(|onset| onset.is_daylight);
    match [rule(&daylight), rule(&standard)] {
        [Some(spring), Some(autumn)] => {
            component(lines, daylight[0], Some(&spring));
            component(lines, standard[0], Some(&autumn));
        }
        // A zone without such rules: each change by itself.
        _ => {
            let end = zone.0.to_datetime(to);
            let until = onsets.iter().filter(|onset| onset.at <= end);
            until.for_each(|onset| component(lines, onset, None));
        }
    }
    if onsets.is_empty() {
        let info = zone.0.to_offset_info(from);
        let only = Onset {
            at: DateTime::constant(1970, 1, 1, 0, 0, 0, 0),
            before: info.offset(),
            after: info.offset(),
            name: info.abbreviation().to_owned(),
            is_daylight: false,
        };
        component(lines, &only, None);
    }
    lines.plain("END", "VTIMEZONE");
}

/// The changes of the clocks: the last two before `from`, and those of the next years.
fn onsets(zone: &TimeZone, from: Timestamp) -> Vec<Onset> {
    let end = zone.to_datetime(from).saturating_add(Span::new().years(YEARS));
    let mut before: Vec<Onset> =
        zone.preceding(from).take(2).map(|change| onset(zone, change.timestamp())).collect();
    before.reverse();
    let after = zone.following(from).map(|change| onset(zone, change.timestamp()));
    before.into_iter().chain(after.take_while(|onset| onset.at <= end)).collect()
}

fn onset(zone: &TimeZone, at: Timestamp) -> Onset {
    let just_before = at.saturating_sub(Span::new().seconds(1)).unwrap_or(at);
    let (before, info) = (zone.to_offset(just_before), zone.to_offset_info(at));
    Onset {
        at: before.to_datetime(at),
        before,
        after: info.offset(),
        name: info.abbreviation().to_owned(),
        is_daylight: info.dst().is_dst(),
    }
}

/// The rule that all of these changes follow, once a year; none if they follow none.
fn rule(onsets: &[&Onset]) -> Option<String> {
    let first = onsets.first()?;
    let is_alike = |onset: &&&Onset| {
        (onset.before, onset.after, &onset.name) == (first.before, first.after, &first.name)
            && (onset.at.month(), onset.at.weekday(), onset.at.time())
                == (first.at.month(), first.at.weekday(), first.at.time())
    };
    let yearly = onsets.windows(2).all(|two| two[1].at.year() == two[0].at.year() + 1);
    if !yearly || i64::try_from(onsets.len()).ok()? < YEARS || !onsets.iter().all(|onset| is_alike(&onset)) {
        return None;
    }
    let number = (first.at.day() - 1) / 7 + 1;
    let holds = |nth: &Nth| {
        onsets.iter().all(|onset| match nth {
            Nth::FromFirst(nth) => (onset.at.day() - 1) / 7 + 1 == *nth,
            Nth::Last => onset.at.day() + 7 > onset.at.days_in_month(),
        })
    };
    let nth = match [Nth::FromFirst(number), Nth::Last].into_iter().find(holds)? {
        Nth::FromFirst(nth) => nth,
        Nth::Last => -1,
    };
    let day = match first.at.weekday() {
        Weekday::Monday => "MO",
        Weekday::Tuesday => "TU",
        Weekday::Wednesday => "WE",
        Weekday::Thursday => "TH",
        Weekday::Friday => "FR",
        Weekday::Saturday => "SA",
        Weekday::Sunday => "SU",
    };
    Some(format!("FREQ=YEARLY;BYMONTH={};BYDAY={nth}{day}", first.at.month()))
}

fn component(lines: &mut Lines, onset: &Onset, rule: Option<&str>) {
    let kind = if onset.is_daylight { "DAYLIGHT" } else { "STANDARD" };
    lines.plain("BEGIN", kind);
    lines.plain("DTSTART", &local(onset.at));
    if let Some(rule) = rule {
        lines.plain("RRULE", rule);
    }
    lines.plain("TZOFFSETFROM", &offset(onset.before));
    lines.plain("TZOFFSETTO", &offset(onset.after));
    lines.text("TZNAME", &onset.name);
    lines.plain("END", kind);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time;

    fn written(name: &str) -> Vec<String> {
        let mut lines = Lines::default();
        let zone = time::zone(name).unwrap();
        let (from, to) = ("2026-10-01T04:00:00Z".parse().unwrap(), "2027-06-01T04:00:00Z".parse().unwrap());
        write(&mut lines, (&zone, name), from, to);
        lines.finish().lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_zone_with_yearly_changes_is_two_rules() {
        let montreal = [
            "BEGIN:VTIMEZONE",
            "TZID:the zone",
            "BEGIN:DAYLIGHT",
            "DTSTART:20260308T020000",
            "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU",
            "TZOFFSETFROM:-0500",
            "TZOFFSETTO:-0400",
            "TZNAME:EDT",
            "END:DAYLIGHT",
            "BEGIN:STANDARD",
            "DTSTART:20251102T020000",
            "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU",
            "TZOFFSETFROM:-0400",
            "TZOFFSETTO:-0500",
            "TZNAME:EST",
            "END:STANDARD",
            "END:VTIMEZONE",
        ];
        assert_eq!(
            written(time::MONTREAL).join("\n").replace(time::MONTREAL, "the zone"),
            montreal.join("\n")
        );
        let paris = written("Europe/Paris");
        assert!(paris.contains(&"RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU".to_owned()), "{paris:?}");
        assert!(paris.contains(&"RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU".to_owned()), "{paris:?}");
    }

    #[test]
    fn a_zone_without_changes_has_one_offset_and_one_without_rules_each_change() {
        for (name, offset) in [("UTC", "+0000"), ("America/Regina", "-0600"), ("Asia/Kolkata", "+0530")] {
            let lines = written(name);
            assert_eq!(
                lines.iter().filter(|line| **line == format!("TZOFFSETTO:{offset}")).count(),
                1,
                "{lines:?}"
            );
            assert!(!lines.iter().any(|line| line.starts_with("RRULE")), "{lines:?}");
        }
        // Morocco changes its clocks with the moon.
        let lines = written("Africa/Casablanca");
        assert!(!lines.iter().any(|line| line.starts_with("RRULE")), "{lines:?}");
        assert!(lines.iter().filter(|line| line.starts_with("DTSTART")).count() >= 3, "{lines:?}");
    }
}
