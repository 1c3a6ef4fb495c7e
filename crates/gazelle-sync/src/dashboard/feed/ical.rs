//! The text of iCalendar (RFC 5545): lines of at most 75 octets, and values that cannot end a line.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};

use crate::display;
use crate::time;

/// The longest line, in octets, without its end.
const LONGEST_LINE: usize = 75;
/// Characters of a value that are shown.
const LONGEST_TEXT: usize = 1_000;

/// A calendar that is being written.
#[derive(Debug, Default)]
pub(super) struct Lines(String);

impl Lines {
    /// A line whose value is of our making: a word, a number, a time.
    pub(super) fn plain(&mut self, name: &str, value: &str) {
        let mut octets = 0;
        for letter in format!("{name}:{value}").chars() {
            if octets + letter.len_utf8() > LONGEST_LINE {
                // A line that goes on begins with a space, which counts.
                self.0.push_str("\r\n ");
                octets = 1;
            }
            self.0.push(letter);
            octets += letter.len_utf8();
        }
        self.0.push_str("\r\n");
    }

    /// A line with a text, whatever it holds.
    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.plain(name, &escaped(text));
    }

    /// All lines.
    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// A text as a value: what would end the value or the line is escaped, and characters that cannot be seen are left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut letters = text.chars();
    for letter in letters.by_ref().take(LONGEST_TEXT) {
        match letter {
            '\\' | ';' | ',' => escaped.extend(['\\', letter]),
            '\n' => escaped.push_str("\\n"),
            '\t' => escaped.push(' '),
            letter if display::acts(letter) => {}
            letter => escaped.push(letter),
        }
    }
    if letters.next().is_some() {
        escaped.push('…');
    }
    escaped
}

/// `20261124`
pub(super) fn date(date: Date) -> String {
    date.strftime("%Y%m%d").to_string()
}

/// `20261124T100000`
pub(super) fn local(at: DateTime) -> String {
    at.strftime("%Y%m%dT%H%M%S").to_string()
}

/// `20261124T150000Z`
pub(super) fn utc(at: Timestamp) -> String {
    format!("{}Z", local(time::utc(at)))
}

/// `-0500`; with seconds where a zone has some.
pub(super) fn offset(offset: Offset) -> String {
    let seconds = offset.seconds();
    let (sign, all) = (if seconds < 0 { '-' } else { '+' }, seconds.unsigned_abs());
    let (hours, minutes, rest) = (all / 3600, all / 60 % 60, all % 60);
    let rest = if rest == 0 { String::new() } else { format!("{rest:02}") };
    format!("{sign}{hours:02}{minutes:02}{rest}")
}

/// Begin and end of an event by the clock of a zone; none if the clock does not tell them: of an hour that the clock repeats,
/// a local time names the first (RFC 5545, 3.3.5).
pub(super) fn by_the_clock(zone: &TimeZone, times: [Timestamp; 2]) -> Option<[DateTime; 2]> {
    let told = |at: Timestamp| {
        let local = zone.to_datetime(at);
        (zone.to_timestamp(local).ok() == Some(at)).then_some(local)
    };
    Some([told(times[0])?, told(times[1])?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_can_neither_end_its_value_nor_begin_a_line() {
        for (text, value) in [
            ("Tire, le; Coyote", "Tire\\, le\\; Coyote"),
            ("a\\nb", "a\\\\nb"),
            ("un\r\nATTENDEE:mailto:x@example.org", "un\\nATTENDEE:mailto:x@example.org"),
            ("un\rEND:VEVENT", "unEND:VEVENT"),
            ("a\u{85}b\u{2028}c\u{0}d\u{202e}e\u{7f}f\tg", "abcdef g"),
            ("« Été » 🎹 : \"x\"", "« Été » 🎹 : \"x\""),
        ] {
            assert_eq!(escaped(text), value, "{text:?}");
        }
        assert_eq!(escaped(&"é".repeat(1_000)), "é".repeat(1_000));
        assert_eq!(escaped(&"é".repeat(100_000)), "é".repeat(1_000) + "…");
    }

    #[test]
    fn a_long_line_is_folded_between_characters_and_unfolds_to_itself() {
        for letter in ["a", "é", "🎹", " ", "👩‍🎤"] {
            for length in [1, 30, 66, 67, 68, 75, 200, 900] {
                let text = letter.repeat(length);
                let mut lines = Lines::default();
                lines.text("SUMMARY", &text);
                let written = lines.finish();
                assert!(written.ends_with("\r\n") && !written.contains("\n\n"));
                let each: Vec<&str> = written.trim_end_matches("\r\n").split("\r\n").collect();
                assert!(each.iter().all(|line| line.len() <= 75), "{letter} {length}");
                assert!(each.iter().skip(1).all(|line| line.starts_with(' ')), "{letter} {length}");
                let unfolded = written.replace("\r\n ", "");
                assert_eq!(unfolded, format!("SUMMARY:{}\r\n", escaped(&text)), "{letter} {length}");
            }
        }
    }

    #[test]
    fn an_hour_that_the_clock_repeats_is_told_in_utc() {
        let zone = time::zone(time::MONTREAL).unwrap();
        for (from, to, expected) in [
            ("2026-11-24T15:00:00Z", "2026-11-24T16:00:00Z", Some(["20261124T100000", "20261124T110000"])),
            // The first 01:30 of the night, to 01:00 after the clocks went back; and the second 01:30.
            ("2026-11-01T05:00:00Z", "2026-11-01T05:30:00Z", Some(["20261101T010000", "20261101T013000"])),
            ("2026-11-01T05:30:00Z", "2026-11-01T06:00:00Z", None),
            ("2026-11-01T06:30:00Z", "2026-11-01T07:00:00Z", None),
            ("2026-03-08T06:30:00Z", "2026-03-08T07:00:00Z", Some(["20260308T013000", "20260308T030000"])),
        ] {
            let times = [from.parse().unwrap(), to.parse().unwrap()];
            let found = by_the_clock(&zone, times).map(|times| times.map(local));
            assert_eq!(found, expected.map(|times| times.map(str::to_owned)), "{from}");
        }
        assert_eq!(utc("2026-11-01T06:30:00Z".parse().unwrap()), "20261101T063000Z");
        for (seconds, text) in [(-18_000, "-0500"), (12_600, "+0330"), (0, "+0000"), (-17_762, "-045602")] {
            assert_eq!(offset(Offset::from_seconds(seconds).unwrap()), text);
        }
    }
}
