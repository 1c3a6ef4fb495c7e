//! Draws quarantine cases per day: opened ones upwards, closed ones downwards.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use super::path::Path;
use super::scale::root;
use crate::dashboard::words::charts as w;
use crate::dashboard::words::locale::Locale;

/// The drawing's own units; the page stretches it.
pub(crate) const WIDTH: f64 = 960.0;
/// Its height: half of it upwards, half downwards.
pub(crate) const HEIGHT: f64 = 120.0;
const MIDDLE: f64 = HEIGHT / 2.0;
/// Between the highest bar and the edge.
const MARGIN: f64 = 4.0;

/// A local day.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Day {
    pub(crate) date: Date,
    /// When it ends, UTC.
    pub(crate) ends_at: Timestamp,
    /// Cases that were noted first.
    pub(crate) came: i64,
    /// Cases that were closed.
    pub(crate) closed: i64,
}

/// The drawing.
#[derive(Debug, Clone)]
pub(crate) struct InAndOut {
    pub(crate) title: String,
    pub(crate) desc: String,
    pub(crate) came: Path,
    pub(crate) closed: Path,
    /// The first day, the one in the middle and the last.
    pub(crate) dates: Vec<String>,
}

impl InAndOut {
    /// Draws days, the oldest first.
    pub(crate) fn draw(days: &[Day], t: &Locale) -> InAndOut {
        let largest = days.iter().map(|day| day.came.max(day.closed)).max().unwrap_or_default();
        let place = WIDTH / days.len().max(1) as f64;
        let (mut came, mut closed) = (Path::default(), Path::default());
        for (at, day) in days.iter().enumerate() {
            let x = at as f64 * place + place * 0.15;
            let height = |number: i64| root(number, largest) * (MIDDLE - MARGIN);
            let (up, down) = (height(day.came), height(day.closed));
            if up > 0.0 {
                came.rectangle(x, MIDDLE - up, place * 0.7, up);
            }
            if down > 0.0 {
                closed.rectangle(x, MIDDLE, place * 0.7, down);
            }
        }
        let dates = [0, days.len() / 2, days.len().saturating_sub(1)];
        InAndOut {
            title: title(days, t),
            desc: t.say(w::MOVED_DESC).into_owned(),
            came,
            closed,
            dates: dates.iter().filter_map(|at| Some(days.get(*at)?.date.to_string())).collect(),
        }
    }

    /// Whether nothing moved.
    pub(crate) fn is_empty(&self) -> bool {
        self.came.is_empty() && self.closed.is_empty()
    }
}

fn title(days: &[Day], t: &Locale) -> String {
    let sum = |of: fn(&Day) -> i64| days.iter().fold(0_i64, |sum, day| sum.saturating_add(of(day).max(0)));
    let (came, closed) = (sum(|day| day.came), sum(|day| day.closed));
    let more = came.saturating_sub(closed);
    let said = match (came, closed, more) {
        (0, 0, _) => w::MOVED_NONE,
        (_, _, 0) => w::MOVED_EVEN,
        (_, _, 1..) => w::MOVED_MORE,
        _ => w::MOVED_FEWER,
    };
    let fewer = t.number(more.saturating_neg());
    let facts =
        [("came", t.number(came)), ("closed", t.number(closed)), ("more", t.number(more)), ("fewer", fewer)];
    let facts = facts.each_ref().map(|(name, fact)| (*name, fact.as_str()));
    t.fill(said, &facts)
}

#[cfg(test)]
mod tests {
    use askama::Template;
    use proptest::prelude::*;

    use super::*;
    use crate::config::Language;
    use crate::time;

    #[derive(Template)]
    #[template(path = "charts/in_and_out.html")]
    struct Alone<'m> {
        moved: &'m InAndOut,
    }

    fn locale(language: Language) -> Locale {
        let now = "2026-11-24T19:15:00Z".parse().unwrap();
        Locale::new(language, time::zone(time::MONTREAL).unwrap(), now)
    }

    fn days(numbers: &[(i64, i64)]) -> Vec<Day> {
        let t = locale(Language::En);
        let all = t.days(u16::try_from(numbers.len()).unwrap());
        let pairs = all.windows(2).zip(numbers);
        pairs
            .map(|(pair, (came, closed))| Day {
                date: pair[0].0,
                ends_at: pair[1].1,
                came: *came,
                closed: *closed,
            })
            .collect()
    }

    #[test]
    fn what_came_is_above_the_line_and_what_was_closed_below() {
        let moved = InAndOut::draw(&days(&[(0, 0), (16, 4), (1, 0)]), &locale(Language::En));
        assert_eq!(moved.came.rectangles(), [[368.0, 4.0, 224.0, 56.0], [688.0, 46.0, 224.0, 14.0]]);
        assert_eq!(moved.closed.rectangles(), [[368.0, 60.0, 224.0, 28.0]]);
        assert_eq!(moved.dates, ["2026-11-22", "2026-11-23", "2026-11-24"]);
    }

    #[test]
    fn it_is_said_whether_more_came_than_was_closed() {
        for (numbers, en, fr) in [
            (
                &[][..],
                "No case was opened or closed within 30 days.",
                "Aucun cas n'a été ouvert ni fermé depuis 30 jours.",
            ),
            (
                &[(0, 0)],
                "No case was opened or closed within 30 days.",
                "Aucun cas n'a été ouvert ni fermé depuis 30 jours.",
            ),
            (
                &[(1_000, 2), (3, 1)],
                "1,003 opened and 3 closed within 30 days: 1,000 more are open.",
                "En 30 jours, entrées : 1 003, sorties : 3. En attente : 1 000 de plus.",
            ),
            (
                &[(2, 9)],
                "2 opened and 9 closed within 30 days: 7 fewer are open.",
                "En 30 jours, entrées : 2, sorties : 9. En attente : 7 de moins.",
            ),
            (
                &[(2, 1), (0, 1)],
                "2 opened and as many closed within 30 days.",
                "En 30 jours, entrées : 2, et autant de sorties.",
            ),
        ] {
            let said = [Language::En, Language::Fr]
                .map(|language| InAndOut::draw(&days(numbers), &locale(language)).title);
            assert_eq!(said.map(|text| text.replace('\u{a0}', " ")), [en, fr]);
        }
    }

    #[test]
    fn a_small_case_is_drawn_so() {
        let moved = InAndOut::draw(&days(&[(0, 0), (16, 4), (1, 0)]), &locale(Language::Fr));
        insta::assert_snapshot!(Alone { moved: &moved }.render().unwrap());
    }

    proptest! {
        #[test]
        fn whatever_the_numbers_every_bar_is_inside_and_has_its_day(
            numbers in proptest::collection::vec((prop_oneof![0..9_i64, any::<i64>()], prop_oneof![0..9_i64, any::<i64>()]), 0..40),
        ) {
            let moved = InAndOut::draw(&days(&numbers), &locale(Language::En));
            let up = numbers.iter().filter(|(came, _)| *came > 0).count();
            let down = numbers.iter().filter(|(_, closed)| *closed > 0).count();
            prop_assert_eq!((moved.came.rectangles().len(), moved.closed.rectangles().len()), (up, down));
            prop_assert_eq!(moved.is_empty(), up + down == 0);
            for [x, y, width, height] in [moved.came.rectangles(), moved.closed.rectangles()].concat() {
                prop_assert!(x >= 0.0 && x + width <= WIDTH + 0.2 && y >= 0.0 && y + height <= HEIGHT + 0.2);
            }
        }
    }
}
