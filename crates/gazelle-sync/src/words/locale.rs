//! One language, with its numbers, dates and hours in the zone of the pages.

use std::borrow::{Borrow, Cow};

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::sentence::{CountedSentence, Sentence};
use super::times as w;
use crate::config::Language;
use crate::display;
use crate::time;

const DAYS: [Sentence; 7] = [
    Sentence::new("Monday", "lundi"),
    Sentence::new("Tuesday", "mardi"),
    Sentence::new("Wednesday", "mercredi"),
    Sentence::new("Thursday", "jeudi"),
    Sentence::new("Friday", "vendredi"),
    Sentence::new("Saturday", "samedi"),
    Sentence::new("Sunday", "dimanche"),
];

const MONTHS: [Sentence; 12] = [
    Sentence::new("January", "janvier"),
    Sentence::new("February", "février"),
    Sentence::new("March", "mars"),
    Sentence::new("April", "avril"),
    Sentence::new("May", "mai"),
    Sentence::new("June", "juin"),
    Sentence::new("July", "juillet"),
    Sentence::new("August", "août"),
    Sentence::new("September", "septembre"),
    Sentence::new("October", "octobre"),
    Sentence::new("November", "novembre"),
    Sentence::new("December", "décembre"),
];

/// Speaks one language, in one time zone, at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Locale {
    /// The language.
    pub(crate) language: Language,
    zone: TimeZone,
    now: Timestamp,
}

impl Locale {
    /// `now` is what ages are counted from: the database's time, at which the page was read.
    pub(crate) fn new(language: Language, zone: TimeZone, now: Timestamp) -> Locale {
        Locale { language, zone, now }
    }

    /// English, in UTC: for reports that exist in English alone.
    pub(crate) fn english() -> Locale {
        Locale::new(Language::En, TimeZone::UTC, Timestamp::UNIX_EPOCH)
    }

    /// The value of the attribute `lang`.
    pub(crate) fn lang(&self) -> &'static str {
        match self.language {
            Language::En => "en-CA",
            Language::Fr => "fr-CA",
        }
    }

    pub(crate) fn is_french(&self) -> bool {
        self.language == Language::Fr
    }

    /// A sentence without facts. Templates pass some of them by reference.
    pub(crate) fn say(&self, said: impl Borrow<Sentence>) -> Cow<'static, str> {
        said.borrow().say(self.language)
    }

    /// A sentence with its facts.
    pub(crate) fn fill(&self, said: Sentence, facts: &[(&str, &str)]) -> String {
        said.fill(self.language, facts)
    }

    /// A sentence about a number of things.
    pub(crate) fn count(&self, counted: CountedSentence, number: impl TryInto<i64>) -> String {
        let number = number.try_into().unwrap_or(i64::MAX);
        self.fill(counted.of(number, self.language), &[("n", &self.number(number))])
    }

    /// `4,010` · `4 010`
    pub(crate) fn number(&self, number: impl TryInto<i128>) -> String {
        let grouped = display::count(number);
        match self.language {
            Language::En => grouped,
            Language::Fr => grouped.replace(',', "\u{a0}"),
        }
    }

    /// A number, or a dash where there is none.
    pub(crate) fn number_or_dash<N: TryInto<i128>>(&self, number: Option<N>) -> String {
        number.map_or_else(|| "–".to_owned(), |number| self.number(number))
    }

    /// A label before what it names: `Run:` · `Exécution :`
    pub(crate) fn label(&self, what: &str) -> String {
        self.fill(w::LABELLED, &[("what", what)])
    }

    /// `14:15` · `14 h 15`
    pub(crate) fn clock(&self, instant: Timestamp) -> String {
        match self.language {
            Language::En => self.hour(instant),
            Language::Fr => self.local(instant).strftime("%-H\u{a0}h\u{a0}%M").to_string(),
        }
    }

    /// The zone's name: `America/Toronto`.
    pub(crate) fn zone_name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// The same instant in the zone of the pages.
    fn local(&self, instant: Timestamp) -> Zoned {
        time::local(instant, &self.zone)
    }

    /// `14:15`
    pub(crate) fn hour(&self, instant: Timestamp) -> String {
        time::show_hour(instant, &self.zone)
    }

    /// `19:15 UTC`
    pub(crate) fn hour_utc(&self, instant: Timestamp) -> String {
        format!("{}\u{a0}UTC", time::show_hour(instant, &TimeZone::UTC))
    }

    /// `2026-11-24 14:15`
    pub(crate) fn date_hour(&self, instant: Timestamp) -> String {
        time::show(instant, &self.zone)
    }

    /// `2026-11-24 14:15:07 EST` · `… HNE`
    pub(crate) fn exact(&self, instant: Timestamp) -> String {
        let local = self.local(instant);
        format!("{} {}", local.strftime("%Y-%m-%d %H:%M:%S"), self.zone_of(instant))
    }

    /// The zone's abbreviation at an instant.
    pub(crate) fn zone_of(&self, instant: Timestamp) -> String {
        let abbreviation = self.local(instant).strftime("%Z").to_string();
        let french = [("EST", "HNE"), ("EDT", "HAE")];
        match french.iter().find(|(en, _)| self.is_french() && *en == abbreviation) {
            Some((_, fr)) => (*fr).to_owned(),
            None => abbreviation,
        }
    }

    /// Whether the clocks of the pages' zone are advanced at an instant.
    pub(crate) fn is_daylight_time(&self, instant: Timestamp) -> bool {
        time::is_daylight_time(instant, &self.zone)
    }

    /// The zone's abbreviation now.
    pub(crate) fn zone_now(&self) -> String {
        self.zone_of(self.now)
    }

    /// `14:15` today, `Sunday 22 November, 14:15` on another day: where it stands alone or behind a colon.
    pub(crate) fn when(&self, instant: Timestamp) -> String {
        self.relative_day_text(instant, (w::SINCE_HOUR, w::DAY_AND_HOUR))
    }

    /// When something happened: `at 14:15`, `on Sunday 22 November at 14:15` · `le dimanche 22 novembre à 14:15`.
    pub(crate) fn at(&self, instant: Timestamp) -> String {
        self.relative_day_text(instant, (w::AT_HOUR, w::AT_DAY))
    }

    /// Behind `since` and `depuis`: `14:15`, `Sunday 22 November at 14:15` · `le dimanche 22 novembre à 14:15`.
    pub(crate) fn since(&self, instant: Timestamp) -> String {
        self.relative_day_text(instant, (w::SINCE_HOUR, w::SINCE_DAY))
    }

    /// Behind `of` and `from`, and in place of them in French: `14:15` · `de 14:15`, `du dimanche 22 novembre à 14:15`.
    pub(crate) fn of(&self, instant: Timestamp) -> String {
        self.relative_day_text(instant, (w::OF_HOUR, w::OF_DAY))
    }

    /// Behind `as of`, and behind `à jour` in French: `14:15` · `à 14:15`, `le dimanche 22 novembre à 14:15`.
    pub(crate) fn as_of(&self, instant: Timestamp) -> String {
        self.relative_day_text(instant, (w::AS_OF_HOUR, w::AS_OF_DAY))
    }

    fn relative_day_text(&self, instant: Timestamp, (today, other_day): (Sentence, Sentence)) -> String {
        let local = self.local(instant);
        let said = if local.date() == self.today() { today } else { other_day };
        let day = self.day_and_month(local.date());
        self.fill(said, &[("day", &day), ("hour", &self.hour(instant))])
    }

    /// The local day of an instant.
    pub(crate) fn local_day(&self, instant: Timestamp) -> Date {
        self.local(instant).date()
    }

    /// The last days of the pages' zone up to today, as [`time::starts_of_days`] gives them.
    pub(crate) fn days(&self, days: u16) -> Vec<(Date, Timestamp)> {
        time::starts_of_days(self.today(), days, &self.zone)
    }

    /// The starts of the hours of the pages' zone, as [`time::starts_of_hours`] gives them.
    pub(crate) fn hours(&self, from: Timestamp, to: Timestamp) -> Vec<Timestamp> {
        time::starts_of_hours(from, to, &self.zone)
    }

    /// As [`Locale::as_of`]; `never` for none.
    pub(crate) fn as_of_or_never(&self, instant: Option<Timestamp>) -> String {
        instant.map_or_else(|| self.say(w::NEVER).into_owned(), |instant| self.as_of(instant))
    }

    /// The local day now.
    pub(crate) fn today(&self) -> Date {
        self.local(self.now).date()
    }

    /// `Tuesday 24 November 2026` · `mardi 24 novembre 2026`
    pub(crate) fn day(&self, date: Date) -> String {
        format!("{} {}", self.day_and_month(date), date.year())
    }

    /// `Tuesday 24 November` · `dimanche 1er novembre`
    pub(crate) fn day_and_month(&self, date: Date) -> String {
        let weekday = match date.weekday() {
            Weekday::Monday => 0,
            Weekday::Tuesday => 1,
            Weekday::Wednesday => 2,
            Weekday::Thursday => 3,
            Weekday::Friday => 4,
            Weekday::Saturday => 5,
            Weekday::Sunday => 6,
        };
        let month = usize::try_from(date.month() - 1).unwrap_or_default();
        let number = match (self.language, date.day()) {
            (Language::Fr, 1) => "1er".to_owned(),
            (_, day) => day.to_string(),
        };
        format!("{} {number} {}", self.say(DAYS[weekday]), self.say(MONTHS[month]))
    }

    /// A day of the week, from Sunday: 0 and 7.
    pub(crate) fn weekday(&self, day: u32) -> String {
        let from_monday = usize::try_from((day + 6) % 7).unwrap_or_default();
        self.say(DAYS[from_monday]).into_owned()
    }

    /// As [`Locale::day`], to begin a heading.
    pub(crate) fn heading(&self, date: Date) -> String {
        let day = self.day(date);
        let mut letters = day.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    }

    /// `7 min ago` · `il y a 7 min`
    pub(crate) fn ago(&self, instant: Timestamp) -> String {
        let seconds = self.now.duration_since(instant).as_secs();
        if seconds < 60 {
            return self.say(w::JUST_NOW).into_owned();
        }
        self.fill(w::AGO, &[("age", &self.age(seconds))])
    }

    /// `7 min`, `3 h`, `2 d` · `2 j`; rounded down.
    pub(crate) fn age(&self, seconds: i64) -> String {
        let (number, unit) = match seconds / 60 {
            minutes if minutes < 120 => (minutes, "min"),
            minutes if minutes < 48 * 60 => (minutes / 60, "h"),
            minutes => (minutes / (24 * 60), if self.is_french() { "j" } else { "d" }),
        };
        format!("{}\u{a0}{unit}", self.number(number))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn tongues() -> [Locale; 2] {
        let now = "2026-11-24T19:22:00Z".parse().unwrap();
        [Language::En, Language::Fr]
            .map(|language| Locale::new(language, time::zone(time::MONTREAL).unwrap(), now))
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn numbers_are_written_as_in_canada() {
        let [en, fr] = tongues();
        for (number, english, french) in [
            (0, "0", "0"),
            (999, "999", "999"),
            (4010, "4,010", "4\u{a0}010"),
            (-1_234_567, "-1,234,567", "-1\u{a0}234\u{a0}567"),
        ] {
            assert_eq!((en.number(number), fr.number(number)), (english.to_owned(), french.to_owned()));
        }
        for (ms, english, french) in [
            (240, "240 ms", "240 ms"),
            (4_200, "4.2 s", "4,2 s"),
            (65_000, "1 min 05 s", "1 min 05 s"),
            (100_800_000, "1 d 04 h", "1 j 04 h"),
        ] {
            let bound = |text: &str| text.replace(' ', "\u{a0}");
            assert_eq!((en.milliseconds(ms), fr.milliseconds(ms)), (bound(english), bound(french)));
        }
        assert_eq!((en.bytes(900), fr.bytes(900)), ("900\u{a0}B".to_owned(), "900\u{a0}o".to_owned()));
        assert_eq!(
            (en.bytes(1_500_000), fr.bytes(1_500_000)),
            ("1.4\u{a0}MiB".to_owned(), "1,4\u{a0}Mio".to_owned())
        );
    }

    #[test]
    fn days_are_named_in_both_languages() {
        let [en, fr] = tongues();
        for (day, english, french) in [
            (date(2026, 11, 24), "Tuesday 24 November 2026", "mardi 24 novembre 2026"),
            (date(2026, 11, 1), "Sunday 1 November 2026", "dimanche 1er novembre 2026"),
            (date(2027, 8, 14), "Saturday 14 August 2027", "samedi 14 août 2027"),
        ] {
            assert_eq!((en.day(day), fr.day(day)), (english.to_owned(), french.to_owned()));
        }
        assert_eq!(fr.heading(date(2026, 11, 24)), "Mardi 24 novembre 2026");
    }

    #[test]
    fn an_instant_is_told_in_the_zone_of_the_pages() {
        let [en, fr] = tongues();
        // 18:30 in Montréal, and already tomorrow in UTC where it is evening.
        for (instant, english, french) in [
            ("2026-11-24T19:15:00Z", "14:15", "14:15"),
            ("2026-11-25T01:30:00Z", "20:30", "20:30"),
            ("2026-11-22T19:15:00Z", "Sunday 22 November, 14:15", "dimanche 22 novembre à 14:15"),
        ] {
            assert_eq!((en.when(at(instant)), fr.when(at(instant))), (english.to_owned(), french.to_owned()));
        }
        assert_eq!(en.local_day(at("2026-11-23T01:30:00Z")), date(2026, 11, 22));
        assert_eq!(en.exact(at("2026-11-24T19:15:07Z")), "2026-11-24 14:15:07 EST");
        assert_eq!(fr.exact(at("2026-07-24T18:15:07Z")), "2026-07-24 14:15:07 HAE");
        assert_eq!(en.hour_utc(at("2026-11-24T19:15:07Z")), "19:15\u{a0}UTC");
        assert_eq!(
            (en.as_of_or_never(None), fr.as_of_or_never(None)),
            ("never".to_owned(), "jamais".to_owned())
        );
    }

    #[test]
    fn an_age_has_one_unit() {
        let [en, fr] = tongues();
        for (instant, english, french) in [
            ("2026-11-24T19:21:30Z", "just now", "à l'instant"),
            ("2026-11-24T19:15:00Z", "7 min ago", "il y a 7 min"),
            ("2026-11-24T16:15:00Z", "3 h ago", "il y a 3 h"),
            ("2026-11-21T16:15:00Z", "3 d ago", "il y a 3 j"),
            // By a clock that is ahead.
            ("2026-11-24T19:30:00Z", "just now", "à l'instant"),
        ] {
            let spaced = |text: String| text.replace('\u{a0}', " ");
            assert_eq!(
                (spaced(en.ago(at(instant))), spaced(fr.ago(at(instant)))),
                (english.to_owned(), french.to_owned())
            );
        }
    }
}
