//! A schedule in words: the common forms of a cron expression, and the expression itself for all others.

use jiff::Timestamp;

use crate::dashboard::words::locale::Locale;
use crate::dashboard::words::settings as w;
use crate::service::schedule::Schedule;

/// Times of a schedule that are shown.
const SHOWN: usize = 3;

/// The next times of a schedule after an instant, UTC.
pub(super) fn next(schedule: &Schedule, after: Timestamp) -> Vec<Timestamp> {
    std::iter::successors(schedule.next_after(after), |last| schedule.next_after(*last)).take(SHOWN).collect()
}

/// `every 15 minutes`, `every day at 03:00`.
pub(super) fn in_words(expression: &str, t: &Locale) -> String {
    let by_expression = || t.fill(w::BY_EXPRESSION, &[("text", expression)]);
    let fields: Vec<&str> = expression.split_whitespace().collect();
    let fields: [&str; 5] = match fields.as_slice() {
        ["0", five @ ..] if five.len() == 5 => five.try_into().unwrap_or_default(),
        five => five.try_into().unwrap_or_default(),
    };
    let [minute, hour, day, month, weekday] = fields;
    if (day, month) != ("*", "*") {
        return by_expression();
    }
    let at = |hour: u32, minute: u32| format!("{hour:02}:{minute:02}");
    match (minute, hour, weekday) {
        ("*" | "*/1", "*", "*") => t.say(w::EVERY_MINUTE).into_owned(),
        (minute, "*", "*") => match (every(minute, 60), number(minute, 59)) {
            (Some(n), _) => t.fill(w::EVERY_MINUTES, &[("n", &t.number(n))]),
            (_, Some(minute)) => t.fill(w::EVERY_HOUR, &[("minute", &format!("{minute:02}"))]),
            _ => by_expression(),
        },
        (minute, hour, weekday) => match (number(minute, 59), number(hour, 23), every(hour, 24)) {
            (Some(0), None, Some(n)) if weekday == "*" => t.fill(w::EVERY_HOURS, &[("n", &t.number(n))]),
            (Some(minute), Some(hour), _) if weekday == "*" => {
                t.fill(w::EVERY_DAY, &[("hour", &at(hour, minute))])
            }
            (Some(minute), Some(hour), _) => match number(weekday, 7) {
                Some(day) => t.fill(w::EVERY_WEEK, &[("day", &t.weekday(day)), ("hour", &at(hour, minute))]),
                None => by_expression(),
            },
            _ => by_expression(),
        },
    }
}

/// A plain number of a field.
fn number(field: &str, most: u32) -> Option<u32> {
    let is_plain = !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_digit());
    field.parse().ok().filter(|number| is_plain && *number <= most)
}

/// The step of a field that comes at even distances: `*/15` of 60.
fn every(field: &str, of: u32) -> Option<u32> {
    let step = number(field.strip_prefix("*/")?, of - 1)?;
    (step > 1 && of.is_multiple_of(step)).then_some(step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Language;
    use crate::time;

    fn locale(language: Language) -> Locale {
        let now = "2026-11-24T19:22:00Z".parse().unwrap();
        Locale::new(language, time::zone(time::MONTREAL).unwrap(), now)
    }

    #[test]
    fn common_schedules_are_said_in_words_and_others_as_they_are_written() {
        let (en, fr) = (locale(Language::En), locale(Language::Fr));
        for (expression, english, french) in [
            ("*/15 * * * *", "every 15 minutes", "toutes les 15 minutes"),
            ("* * * * *", "every minute", "toutes les minutes"),
            ("5 * * * *", "every hour at 05 past", "toutes les heures à la minute 05"),
            ("0 */6 * * *", "every 6 hours", "toutes les 6 heures"),
            ("0 3 * * *", "every day at 03:00", "chaque jour à 03:00"),
            ("0 30 3 * * *", "every day at 03:30", "chaque jour à 03:30"),
            ("15 4 * * 0", "every Sunday at 04:15", "chaque dimanche à 04:15"),
            ("15 4 * * 7", "every Sunday at 04:15", "chaque dimanche à 04:15"),
            ("0 3 * * 1", "every Monday at 03:00", "chaque lundi à 03:00"),
            // Not at even distances, or more than one sentence says.
            ("*/7 * * * *", "by `*/7 * * * *`", "selon `*/7 * * * *`"),
            ("5 */6 * * *", "by `5 */6 * * *`", "selon `5 */6 * * *`"),
            ("0 0 29 2 *", "by `0 0 29 2 *`", "selon `0 0 29 2 *`"),
            ("0 3 * * 1-5", "by `0 3 * * 1-5`", "selon `0 3 * * 1-5`"),
            ("30 0 3 * * *", "by `30 0 3 * * *`", "selon `30 0 3 * * *`"),
            ("@daily", "by `@daily`", "selon `@daily`"),
        ] {
            assert_eq!(
                (in_words(expression, &en), in_words(expression, &fr)),
                (english.to_owned(), french.to_owned())
            );
        }
    }

    #[test]
    fn the_next_times_are_those_of_the_zone_across_a_change_of_the_clocks() {
        let schedule = Schedule::new("0 3 * * *", &time::zone(time::MONTREAL).unwrap()).unwrap();
        let times = next(&schedule, "2026-10-31T12:00:00Z".parse().unwrap());
        let times: Vec<String> = times.iter().map(ToString::to_string).collect();
        assert_eq!(times, ["2026-11-01T08:00:00Z", "2026-11-02T08:00:00Z", "2026-11-03T08:00:00Z"]);
        let times = next(&schedule, "2026-10-30T12:00:00Z".parse().unwrap());
        assert_eq!(times[0].to_string(), "2026-10-31T07:00:00Z");
    }
}
