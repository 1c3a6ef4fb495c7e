//! Events that broke other programs. Every shop that is large enough contains all of them.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday, date};

use super::generate::Generation;
use super::generate_events::Draft;
use super::moments::DAY;
use super::names::NOTES;

impl Generation<'_> {
    /// The odd events, the most important first, because a very small shop is cut at its size.
    pub(super) fn odd_events(&self) -> Vec<Draft> {
        let mut drafts = self.known_appointments();
        drafts.extend(self.startless());
        drafts.extend(self.big_visit());
        drafts.extend(self.around_today());
        drafts.extend(self.awkward_texts());
        drafts.extend(self.types_and_statuses());
        drafts.extend(self.series());
        for year in (self.today.year() - 3)..=(self.today.year() + 1) {
            drafts.extend(self.clock_changes(year));
        }
        drafts
    }

    /// Two appointments whose local times (07:00 and 18:00) are known.
    fn known_appointments(&self) -> Vec<Draft> {
        let client = (!self.clients.is_empty()).then_some(self.clients.len().min(4) - 1);
        [("Tire le Coyote avant 8h", 1_767_960_000), ("Tire le Coyote à 18h", 1_767_999_600)]
            .into_iter()
            .map(|(title, start)| Draft { client, ..Draft::at(Some(start), title) })
            .collect()
    }

    fn startless(&self) -> Vec<Draft> {
        ["Sans date", "À fixer", "Liste d'attente"].into_iter().map(|title| Draft::at(None, title)).collect()
    }

    /// One event with all the pianos of the institution.
    fn big_visit(&self) -> Option<Draft> {
        let pianos = &self.clients.first()?.pianos;
        Some(Draft {
            client: Some(0),
            duration: 2_400,
            pianos: pianos
                .iter()
                .take(self.spec.big_event_pianos)
                .enumerate()
                .map(|(number, id)| (id.clone(), number % 3 != 0))
                .collect(),
            ..Draft::at(Some(self.local(self.today.at(8, 0, 0, 0)) + 5 * DAY), "Grande tournée")
        })
    }

    fn around_today(&self) -> Vec<Draft> {
        let on = |days: i64| self.today.saturating_add(days.days());
        let mut drafts = Vec::new();
        for days in [-2, -1, 0, 1, 2, 30] {
            // Already tomorrow in UTC.
            drafts.push(Draft::at(Some(self.local(on(days).at(20, 30, 0, 0))), "Accord en soirée"));
        }
        for (days, kind) in [(-3, "PERSONAL"), (0, "MEMO"), (9, "SYNCED"), (12, "APPOINTMENT")] {
            let midnight = if self.spec.all_day_in_utc {
                self.now - 12 * 3_600 + days * DAY
            } else {
                self.local(on(days).at(0, 0, 0, 0))
            };
            drafts.push(Draft {
                kind,
                all_day: true,
                duration: 1_440,
                ..Draft::at(Some(midnight), "Toute la journée")
            });
        }
        for days in [-5, 6] {
            drafts.push(Draft {
                duration: 3 * 1_440,
                ..Draft::at(Some(self.local(on(days).at(9, 0, 0, 0))), "Festival, trois jours")
            });
        }
        drafts
    }

    /// Quotes, backslashes, emoji, line breaks, and the one character that `jsonb` refuses.
    fn awkward_texts(&self) -> Vec<Draft> {
        let start = self.local(self.today.at(10, 0, 0, 0));
        let mut texts: Vec<String> = NOTES.iter().map(|note| (*note).to_owned()).collect();
        texts.push("zéro\u{0}binaire".to_owned());
        texts
            .into_iter()
            .enumerate()
            .map(|(number, text)| Draft {
                notes: Some(text),
                ..Draft::at(Some(start + number as i64 * DAY), "Accord \"d'été\" \\ 🎹")
            })
            .collect()
    }

    fn types_and_statuses(&self) -> Vec<Draft> {
        let mut drafts = Vec::new();
        for kind in ["APPOINTMENT", "PERSONAL", "MEMO", "SYNCED"] {
            for status in ["ACTIVE", "CANCELED", "NO_SHOW", "COMPLETE"] {
                let days = drafts.len() as i64 - 8;
                drafts.push(Draft {
                    kind,
                    status,
                    ..Draft::at(Some(self.local(self.today.at(13, 0, 0, 0)) + days * DAY), "")
                });
            }
        }
        drafts
    }

    /// A weekly series, depending on the season across a DST change: each occurrence has an id, the local time is
    /// constant.
    fn series(&self) -> Vec<Draft> {
        (0..6)
            .map(|week: i64| {
                let day = self.today.saturating_add((7 * week + 3).days());
                Draft {
                    recurrence: Some(self.id("rec_", 0)),
                    ..Draft::at(Some(self.local(day.at(9, 30, 0, 0))), "Accord hebdomadaire")
                }
            })
            .collect()
    }

    /// Before, during and after the nights of DST changes.
    fn clock_changes(&self, year: i16) -> Vec<Draft> {
        let spring = nth_sunday(year, 3, 2);
        let autumn = nth_sunday(year, 11, 1);
        let mut starts = Vec::new();
        for night in [spring, autumn] {
            let eve = night.saturating_sub(1.days());
            starts.push(self.local(eve.at(20, 30, 0, 0)));
            starts.push(self.local(night.at(1, 30, 0, 0)));
            starts.push(self.local(night.at(3, 30, 0, 0)));
        }
        // In autumn 01:30 occurs twice: this is the second.
        starts.push(self.local(autumn.at(1, 30, 0, 0)) + 3_600);
        starts.into_iter().map(|start| Draft::at(Some(start), "Nuit du changement d'heure")).collect()
    }
}

fn nth_sunday(year: i16, month: i8, nth: i8) -> Date {
    let first = date(year, month, 1);
    first.nth_weekday_of_month(nth, Weekday::Sunday).unwrap_or(first)
}
