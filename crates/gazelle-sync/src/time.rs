//! Time: parses Gazelle's instants and formats them in a time zone. No other module converts between zones.
//!
//! Gazelle sends UTC, the database stores UTC, and people read the company's own zone. Nothing here shifts a stored
//! value: an instant is split into its UTC parts for storage, and shown in a zone always from date and time
//! together, so that a July time read in November uses July's offset. See `docs/timezone.md`.

use jiff::{
    SignedDuration, Timestamp, Zoned,
    civil::{Date, DateTime, Time},
    fmt::temporal::Pieces,
    tz::TimeZone,
};

/// The zone of the view `v_appointments_montreal`, and the default of the setting `timezone`.
pub const MONTREAL: &str = "America/Toronto";

/// Instants with their known local times in Montréal: winter, summer, both clock changes of 2026, and the rule
/// before 2007.
pub const KNOWN_HOURS: [(&str, &str); 8] = [
    ("2026-01-09T12:00:00Z", "2026-01-09 07:00"),
    ("2026-07-15T11:00:00Z", "2026-07-15 07:00"),
    ("2026-03-08T06:59:00Z", "2026-03-08 01:59"),
    ("2026-03-08T07:00:00Z", "2026-03-08 03:00"),
    ("2026-11-01T05:30:00Z", "2026-11-01 01:30"),
    ("2026-11-01T06:30:00Z", "2026-11-01 01:30"),
    ("2006-03-20T17:00:00Z", "2006-03-20 12:00"),
    ("2007-03-20T16:00:00Z", "2007-03-20 12:00"),
];

/// The parts in which an instant is stored: `appointment_date` and `appointment_time`, in UTC.
pub fn utc_parts(instant: Timestamp) -> (Date, Time) {
    let utc = utc(instant);
    (utc.date(), utc.time())
}

/// Parses a `CoreDateTime`: `2026-01-09T12:00:00Z`; accepts fractions of a second and other offsets.
///
/// # Errors
/// Text without an offset is refused rather than guessed, since a wrong guess would shift an appointment by hours;
/// so is anything that is no date and time.
pub fn read_instant(text: &str) -> Result<Timestamp, String> {
    text.trim().parse::<Timestamp>().map_err(|_| {
        if text.trim().parse::<jiff::civil::DateTime>().is_ok() {
            "has no UTC offset (a `Z` or `+hh:mm` is needed to know the instant)".to_owned()
        } else {
            "is not a date and time like 2026-01-09T12:00:00Z".to_owned()
        }
    })
}

/// Parses a `CoreDate` (`2026-01-09`), which has no zone; for a date and time, its date as written.
///
/// # Errors
/// Why it cannot be parsed, as the end of a sentence.
pub fn read_date(text: &str) -> Result<Date, String> {
    let text = text.trim();
    let written = || Pieces::parse(text).map(|pieces| pieces.date());
    text.parse::<Date>().or_else(|_| written()).map_err(|_| "is not a date like 2026-01-09".to_owned())
}

/// Parses an instant in any unambiguous form: with an offset, as a date alone (midnight UTC), or as seconds or
/// milliseconds since 1970.
///
/// # Errors
/// As [`read_instant`].
pub fn read_any_instant(text: &str) -> Result<Timestamp, String> {
    let strict = read_instant(text);
    let text = text.trim();
    if strict.is_ok() {
        return strict;
    }
    if let Some(date) = date_alone(text) {
        return date.to_zoned(TimeZone::UTC).map(|start| start.timestamp()).or(strict);
    }
    let is_count = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match is_count.then(|| text.parse().ok().and_then(since_1970)).flatten() {
        Some(instant) => Ok(instant),
        None => strict,
    }
}

/// As [`read_any_instant`], as date and time in UTC up to the end of the year 9999, which some APIs use for
/// "never": [`Timestamp`] ends a day earlier.
///
/// # Errors
/// As [`read_instant`].
pub fn read_utc(text: &str) -> Result<DateTime, String> {
    let strict = match read_any_instant(text) {
        Ok(instant) => return Ok(utc(instant)),
        Err(error) => error,
    };
    if let Some(date) = date_alone(text) {
        return Ok(date.to_datetime(Time::midnight()));
    }
    let Ok(pieces) = Pieces::parse(text.trim()) else { return Err(strict) };
    let (Some(time), Some(offset)) = (pieces.time(), pieces.to_numeric_offset()) else { return Err(strict) };
    let ahead = SignedDuration::from_secs(offset.seconds().into());
    let utc = pieces.date().to_datetime(time).checked_sub(ahead);
    utc.map_err(|_| "is not within the years that can be read (4714 BC to 9999)".to_owned())
}

/// An instant as date and time in UTC.
pub fn utc(instant: Timestamp) -> DateTime {
    instant.to_zoned(TimeZone::UTC).datetime()
}

/// The instant of a date and time in UTC; `None` within the last day of the year 9999, which [`Timestamp`] cannot
/// hold.
pub fn instant_of(utc: DateTime) -> Option<Timestamp> {
    TimeZone::UTC.to_timestamp(utc).ok()
}

/// The date of a text that holds a date without a time of day.
pub fn date_alone(text: &str) -> Option<Date> {
    let pieces = Pieces::parse(text.trim()).ok()?;
    (pieces.time().is_none() && pieces.offset().is_none()).then(|| pieces.date())
}

/// The instant of a number of seconds or milliseconds since 1970. Only numbers between 1990 and 2100 are accepted,
/// which keeps the two units apart, and other numbers such as `20260109` out.
pub fn since_1970(number: f64) -> Option<Timestamp> {
    /// Seconds of 1990-01-01 and of 2101-01-01.
    const SECONDS: std::ops::Range<f64> = 631_152_000.0..4_133_980_800.0;
    let milliseconds = [number * 1000.0, number].into_iter().find(|ms| SECONDS.contains(&(ms / 1000.0)))?;
    Timestamp::from_millisecond(milliseconds.round() as i64).ok()
}

/// Finds a zone by its IANA name, in the system's data or the bundled copy.
///
/// # Errors
/// There is no such zone.
pub fn zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name)
        .map_err(|_| format!("unknown time zone `{name}` (an IANA name like {MONTREAL} is expected)"))
}

/// Shows an instant in a zone, to the minute: `2026-01-09 07:00`.
pub fn show(instant: Timestamp, zone: &TimeZone) -> String {
    instant.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// Shows the time of day of an instant in a zone: `07:00`.
pub fn show_hour(instant: Timestamp, zone: &TimeZone) -> String {
    instant.to_zoned(zone.clone()).strftime("%H:%M").to_string()
}

/// Shows an instant in a zone, to the second, with its abbreviation: `2026-01-09 07:00:00 EST`.
pub fn show_exact(instant: Timestamp, zone: &TimeZone) -> String {
    instant.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// Whether the clocks of a zone are advanced at an instant.
pub fn is_daylight_time(instant: Timestamp, zone: &TimeZone) -> bool {
    zone.to_offset_info(instant).dst().is_dst()
}

/// An instant as date, time and offset in a zone.
pub fn local(instant: Timestamp, zone: &TimeZone) -> Zoned {
    instant.to_zoned(zone.clone())
}

/// When a calendar day starts in a zone.
///
/// # Errors
/// An unknown zone; a day out of range.
pub fn start_of_day(day: Date, zone_name: &str) -> anyhow::Result<Timestamp> {
    let zone = zone(zone_name).map_err(anyhow::Error::msg)?;
    Ok(day.to_zoned(zone)?.timestamp())
}

/// The last `days` calendar days of a zone up to `last`, each with the instant at which it starts, and the day after, with
/// which the last one ends. Between two of them are 23 or 25 hours where clocks change.
pub fn starts_of_days(last: Date, days: u16, zone: &TimeZone) -> Vec<(Date, Timestamp)> {
    let back = (0..=days).rev().map(|back| i32::from(back) - 1);
    back.filter_map(|back| {
        let day = last.checked_sub(jiff::Span::new().days(back)).ok()?;
        Some((day, day.to_zoned(zone.clone()).ok()?.timestamp()))
    })
    .collect()
}

/// The instants from `from` to `to` at which an hour of the zone's clocks starts; `from` itself and `to` are the first and
/// the last. An hour that the clocks repeat is there twice, one that they skip is not.
pub fn starts_of_hours(from: Timestamp, to: Timestamp, zone: &TimeZone) -> Vec<Timestamp> {
    let mut starts = vec![from];
    let mut at = from;
    while let Ok(later) = at.checked_add(SignedDuration::from_hours(1)) {
        let local = local(later, zone);
        let past = i64::from(local.minute()) * 60 + i64::from(local.second());
        // Where clocks change by half an hour, the hour that begins within this one.
        let start = later.checked_sub(SignedDuration::from_secs(past)).unwrap_or(later);
        at = if start > at { start } else { later };
        if at >= to {
            break;
        }
        starts.push(at);
    }
    starts.push(to);
    starts
}

/// The local date and time in Montréal, as `v_appointments_montreal` must show them.
pub fn montreal_parts(instant: Timestamp) -> (Date, Time) {
    let local = instant.to_zoned(montreal()).datetime();
    (local.date(), local.time())
}

/// The day of an event that lasts all day, as `v_appointments_montreal` dates it: midnight UTC names its date itself, any
/// other start is on a local day.
pub fn all_day_date(start: Timestamp) -> Date {
    match utc_parts(start) {
        (date, time) if time == Time::midnight() => date,
        _ => montreal_parts(start).0,
    }
}

/// An instant in Montréal, as [`show`] shows it.
pub fn montreal_shown(instant: Timestamp) -> String {
    show(instant, &montreal())
}

/// The instant of a local date and time in Montréal; the first one if the clocks repeat that hour.
pub fn montreal_instant(date: Date, time: Time) -> Option<Timestamp> {
    date.to_datetime(time).to_zoned(montreal()).ok().map(|zoned| zoned.timestamp())
}

fn montreal() -> TimeZone {
    // The bundled data always has it.
    TimeZone::get(MONTREAL).unwrap_or(TimeZone::UTC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::{date, time};

    #[test]
    fn an_instant_is_stored_as_its_utc_parts_whatever_its_offset() {
        for text in ["2026-01-09T12:00:00Z", "2026-01-09T07:00:00-05:00", "2026-01-09T12:00:00.000+00:00"] {
            assert_eq!(
                utc_parts(read_instant(text).unwrap()),
                (date(2026, 1, 9), time(12, 0, 0, 0)),
                "{text}"
            );
        }
    }

    #[test]
    fn an_evening_in_montreal_is_tomorrow_in_utc_and_reads_back_as_today() {
        let instant = read_instant("2026-01-10T01:30:00Z").unwrap();
        assert_eq!(utc_parts(instant).0, date(2026, 1, 10));
        assert_eq!(show(instant, &zone(MONTREAL).unwrap()), "2026-01-09 20:30");
    }

    #[test]
    fn summer_reads_as_summer_and_both_clock_changes_are_right() {
        let montreal = zone(MONTREAL).unwrap();
        for (utc, local) in [
            ("2026-07-15T11:00:00Z", "2026-07-15 07:00"),
            ("2026-01-15T12:00:00Z", "2026-01-15 07:00"),
            ("2026-03-08T06:59:00Z", "2026-03-08 01:59"),
            ("2026-03-08T07:00:00Z", "2026-03-08 03:00"),
            ("2026-11-01T05:30:00Z", "2026-11-01 01:30"),
            ("2026-11-01T06:30:00Z", "2026-11-01 01:30"),
        ] {
            assert_eq!(show(read_instant(utc).unwrap(), &montreal), local);
        }
    }

    #[test]
    fn a_time_without_an_offset_is_refused_not_guessed() {
        assert!(read_instant("2026-01-09T12:00:00").unwrap_err().contains("no UTC offset"));
        assert!(read_instant("demain à 8h").unwrap_err().contains("not a date and time"));
    }
}
