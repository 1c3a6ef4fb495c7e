//! Draws a latency heat map: one column per local hour, one row per doubling of the response time.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::path::Path;
use crate::dashboard::links;
use crate::dashboard::words::charts as w;
use crate::dashboard::words::locale::Locale;

/// The upper ends of the rows in milliseconds, each about twice the one before; what is slower is in a row of its own.
pub(crate) const STEPS: [i64; 10] = [30, 60, 125, 250, 500, 1_000, 2_000, 4_000, 8_000, 16_000];
/// How many rows there are.
pub(crate) const ROWS: usize = STEPS.len() + 1;
/// How strong the one hue is from few requests to many. The cells grow too, so that no colour is needed.
const OPACITIES: [&str; 8] = ["0.4", "0.48", "0.56", "0.64", "0.72", "0.8", "0.9", "1"];

/// Requests of an hour with about the same latency.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Cell {
    /// Which of the hours, from 0.
    pub(crate) hour: usize,
    /// Which of the rows, the fastest is 0.
    pub(crate) step: usize,
    pub(crate) requests: i64,
}

/// The drawing and its table.
#[derive(Debug, Clone)]
pub(crate) struct Heat {
    pub(crate) title: String,
    pub(crate) desc: String,
    /// One column for each hour.
    pub(crate) columns: usize,
    /// The cells by their strength.
    pub(crate) levels: Vec<(&'static str, Path)>,
    pub(crate) median: Path,
    /// The columns at which a day begins, but for the first.
    pub(crate) midnights: Vec<usize>,
    /// What the rows are, the fastest first.
    pub(crate) rows: Vec<String>,
    /// The newest first.
    pub(crate) days: Vec<Day>,
}

/// A local day of the table.
#[derive(Debug, Clone)]
pub(crate) struct Day {
    pub(crate) date: String,
    /// The day of the month: a phone has no room for more.
    pub(crate) short: String,
    pub(crate) hours: Vec<Hour>,
}

/// An hour of the table.
#[derive(Debug, Clone)]
pub(crate) struct Hour {
    pub(crate) hour: String,
    /// The runs up to its end.
    pub(crate) href: String,
    /// How many requests are in each row; empty for none.
    pub(crate) requests: Vec<String>,
}

impl Heat {
    /// Draws cells of hours that begin at `starts`, of which the last is the end.
    pub(crate) fn draw(starts: &[Timestamp], cells: &[Cell], now: Timestamp, t: &Locale) -> Heat {
        let columns = starts.len().saturating_sub(1);
        let mut grid = vec![[0_i64; ROWS]; columns];
        for cell in cells {
            let place = grid.get_mut(cell.hour).and_then(|hour| hour.get_mut(cell.step));
            if let Some(place) = place {
                *place = place.saturating_add(cell.requests.max(0));
            }
        }
        let most = grid.iter().flatten().copied().max().unwrap_or_default();
        let mut levels: Vec<_> = OPACITIES.iter().map(|opacity| (*opacity, Path::default())).collect();
        let mut median = Path::default();
        for (hour, requests) in grid.iter().enumerate() {
            for (step, number) in requests.iter().enumerate().filter(|(_, number)| **number > 0) {
                let level = level(*number, most);
                let height = 0.3 + 0.1 * level as f64;
                levels[level].1.rectangle(hour as f64, top(step) + 1.0 - height, 1.0, height);
            }
            if let Some(step) = half(requests) {
                median.level(hour as f64, top(step) + 0.5, 1.0);
            }
        }
        let day_of = |at: &Timestamp| t.local_day(*at);
        let begins = |hour: &usize| day_of(&starts[*hour]) != day_of(&starts[*hour - 1]);
        Heat {
            title: title(starts, &grid, now, t),
            desc: t.say(w::HEAT_DESC).into_owned(),
            columns,
            levels,
            median,
            midnights: (1..columns).filter(begins).collect(),
            rows: (0..ROWS).map(|step| row(step, t)).collect(),
            days: days(starts, &grid, t),
        }
    }

    /// Whether there is nothing to see.
    pub(crate) fn is_empty(&self) -> bool {
        self.median.is_empty()
    }
}

/// The upper edge of a row; the slowest is at the top.
fn top(step: usize) -> f64 {
    (ROWS - 1 - step) as f64
}

/// How strong a cell is: by the logarithm, because a full sync makes a hundred times as many requests as another.
fn level(requests: i64, most: i64) -> usize {
    let share = (requests as f64).ln_1p() / (most as f64).ln_1p();
    let last = OPACITIES.len() - 1;
    // The share is from 0 to 1.
    ((share * OPACITIES.len() as f64).ceil() as usize).saturating_sub(1).min(last)
}

/// The row that holds the median; none without requests.
fn half(requests: &[i64; ROWS]) -> Option<usize> {
    let all: i128 = requests.iter().map(|number| i128::from(*number)).sum();
    let mut so_far = 0_i128;
    let is_half = |number: &i64| {
        so_far += i128::from(*number);
        so_far * 2 >= all
    };
    if all == 0 { None } else { requests.iter().position(is_half) }
}

fn within(step: usize, t: &Locale) -> String {
    match STEPS.get(step) {
        Some(ms) => t.milliseconds(*ms),
        None => t.fill(w::HEAT_MORE_THAN, &[("longest", &t.milliseconds(STEPS[STEPS.len() - 1]))]),
    }
}

fn row(step: usize, t: &Locale) -> String {
    let ms = t.milliseconds(STEPS[step.min(STEPS.len() - 1)]);
    t.fill(if step < STEPS.len() { w::HEAT_WITHIN } else { w::HEAT_BEYOND }, &[("ms", &ms)])
}

fn title(starts: &[Timestamp], grid: &[[i64; ROWS]], now: Timestamp, t: &Locale) -> String {
    let a_day_ago = now.checked_sub(SignedDuration::from_hours(24)).unwrap_or(now);
    let sum = |from: Timestamp| {
        let mut sum = [0_i64; ROWS];
        for (_, requests) in starts.iter().zip(grid).filter(|(start, _)| **start >= from) {
            sum.iter_mut().zip(requests).for_each(|(all, number)| *all = all.saturating_add(*number));
        }
        half(&sum)
    };
    let Some(usual) = sum(Timestamp::MIN) else { return t.say(w::HEAT_NONE).into_owned() };
    let today = sum(a_day_ago);
    let half = within(today.unwrap_or(usual), t);
    let facts = [("half", half.as_str()), ("usual", &within(usual, t))];
    let said = match today.map(|today| today.cmp(&usual)) {
        None => w::HEAT_NOT_TODAY,
        Some(std::cmp::Ordering::Less) => w::HEAT_FASTER,
        Some(std::cmp::Ordering::Equal) => w::HEAT_USUAL,
        Some(std::cmp::Ordering::Greater) => w::HEAT_SLOWER,
    };
    t.fill(said, &facts)
}

fn days(starts: &[Timestamp], grid: &[[i64; ROWS]], t: &Locale) -> Vec<Day> {
    let mut days: Vec<Day> = Vec::new();
    for (span, requests) in starts.windows(2).zip(grid) {
        let day = t.local_day(span[0]);
        if days.last().is_none_or(|last| last.date != day.to_string()) {
            days.push(Day { short: day.day().to_string(), date: day.to_string(), hours: Vec::new() });
        }
        let (Some(day), Some(_)) = (days.last_mut(), half(requests)) else { continue };
        let number = |number: &i64| if *number > 0 { t.number(*number) } else { String::new() };
        let hour = Hour {
            hour: t.hour(span[0]),
            href: links::runs_before(span[1]),
            requests: requests.iter().map(number).collect(),
        };
        day.hours.push(hour);
    }
    for day in &mut days {
        day.hours.reverse();
        let twice: Vec<bool> = day.hours.windows(2).map(|pair| pair[0].hour == pair[1].hour).collect();
        // The hour that clocks repeat: the later one is the one of the new time.
        if let Some(at) = twice.iter().position(|is| *is) {
            day.hours[at].hour.push_str(" (2)");
        }
    }
    days.reverse();
    days
}

#[cfg(test)]
mod tests {
    use askama::Template;
    use proptest::prelude::*;

    use super::*;
    use crate::config::Language;
    use crate::time;

    #[derive(Template)]
    #[template(path = "charts/heat.html")]
    struct Alone<'h> {
        heat: &'h Heat,
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn locale(now: &str, language: Language) -> Locale {
        Locale::new(language, time::zone(time::MONTREAL).unwrap(), at(now))
    }

    /// The hours of the last days, as the screen reads them.
    fn hours(t: &Locale, days: u16) -> Vec<Timestamp> {
        let days = t.days(days);
        t.hours(days[0].1, days[days.len() - 1].1)
    }

    fn cell(hour: usize, step: usize, requests: i64) -> Cell {
        Cell { hour, step, requests }
    }

    #[test]
    fn a_week_has_an_hour_more_or_less_where_clocks_change_and_no_hour_is_lost() {
        for (now, columns) in [
            ("2026-11-24T19:15:00Z", 168),
            ("2026-11-01T17:00:00Z", 169),
            ("2026-03-08T17:00:00Z", 167),
            // After the day of the change.
            ("2026-11-03T17:00:00Z", 169),
        ] {
            let t = locale(now, Language::En);
            let starts = hours(&t, 7);
            let cells: Vec<Cell> = (0..columns).map(|hour| cell(hour, 3, 1)).collect();
            let heat = Heat::draw(&starts, &cells, at(now), &t);
            assert_eq!((heat.columns, heat.midnights.len()), (columns, 6), "{now}");
            assert_eq!(heat.days.iter().map(|day| day.hours.len()).sum::<usize>(), columns, "{now}");
        }
        let t = locale("2026-11-01T17:00:00Z", Language::En);
        let starts = hours(&t, 1);
        let cells: Vec<Cell> = (0..4).map(|hour| cell(hour, 0, 1)).collect();
        let heat = Heat::draw(&starts, &cells, at("2026-11-01T17:00:00Z"), &t);
        let shown: Vec<&str> = heat.days[0].hours.iter().map(|hour| hour.hour.as_str()).collect();
        assert_eq!(shown, ["02:00", "01:00 (2)", "01:00", "00:00"], "each is told from the other");
    }

    #[test]
    fn it_is_said_whether_gazelle_is_slower_than_usual() {
        let now = "2026-11-24T19:15:00Z";
        let said = |cells: &[Cell]| {
            [Language::En, Language::Fr].map(|language| {
                let t = locale(now, language);
                Heat::draw(&hours(&t, 7), cells, at(now), &t).title.replace('\u{a0}', " ")
            })
        };
        // The last hour that has begun is the 158th.
        assert_eq!(said(&[])[0], "No answer within the last 7 days.");
        assert_eq!(
            said(&[cell(3, 3, 90), cell(158, 3, 9)])[0],
            "In the last 24 hours half of the responses took at most 250 ms, as within 7 days."
        );
        let slower = said(&[cell(3, 3, 90), cell(158, 6, 9)]);
        assert_eq!(
            slower[0],
            "Slower than usual: in the last 24 hours half of the responses took at most 2.0 s, within 7 days 250 ms."
        );
        assert_eq!(
            slower[1],
            "Plus lent que d'habitude : depuis 24 heures, la moitié des réponses sont venues en 2,0 s ou moins, depuis 7 jours 250 ms."
        );
        assert!(said(&[cell(3, 10, 90), cell(158, 6, 9)])[0].starts_with("Faster than usual"));
        assert!(said(&[cell(3, 3, 90)])[0].starts_with("No answer in the last 24 hours"));
    }

    #[test]
    fn a_small_case_is_drawn_so() {
        let t = locale("2026-11-24T05:15:00Z", Language::Fr);
        let starts = hours(&t, 1);
        let cells = [cell(0, 2, 1), cell(0, 3, 100), cell(1, 10, 4_010)];
        insta::assert_snapshot!(
            Alone { heat: &Heat::draw(&starts, &cells, starts[1], &t) }.render().unwrap()
        );
    }

    proptest! {
        #[test]
        fn whatever_was_counted_every_cell_is_inside_and_in_the_table(
            cells in proptest::collection::vec((0..200_usize, 0..13_usize, prop_oneof![0..50_i64, any::<i64>()]), 0..300),
        ) {
            let t = locale("2026-11-24T19:15:00Z", Language::En);
            let cells: Vec<Cell> = cells.into_iter().map(|(hour, step, n)| cell(hour, step, n)).collect();
            let heat = Heat::draw(&hours(&t, 7), &cells, at("2026-11-24T19:15:00Z"), &t);
            let drawn: Vec<_> = heat.levels.iter().flat_map(|(_, path)| path.rectangles()).collect();
            for [x, y, width, height] in &drawn {
                prop_assert!(*x >= 0.0 && x + width <= heat.columns as f64);
                prop_assert!(*y >= 0.0 && y + height <= ROWS as f64 + 1e-9 && *height >= 0.3 - 1e-9);
            }
            let listed = heat.days.iter().flat_map(|day| &day.hours).flat_map(|hour| &hour.requests);
            prop_assert_eq!(listed.filter(|number| !number.is_empty()).count(), drawn.len());
        }

        #[test]
        fn more_requests_are_never_weaker(a in 1..i64::MAX, b in 1..i64::MAX) {
            let most = a.max(b);
            prop_assert!(level(a.min(b), most) <= level(most, most));
            prop_assert_eq!(level(most, most), OPACITIES.len() - 1);
        }
    }
}
