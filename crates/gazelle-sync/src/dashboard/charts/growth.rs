//! Draws the growth of staging: versions added per day, and the projection of the average.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use super::path::Path;
use super::scale::Scale;
use crate::dashboard::links;
use crate::dashboard::words::charts as w;
use crate::dashboard::words::locale::Locale;

/// The drawing's own units; the page stretches it.
pub(crate) const WIDTH: f64 = 960.0;
/// Its height.
pub(crate) const HEIGHT: f64 = 160.0;
/// Room above and below for the width of the lines.
const EDGE: f64 = 2.0;
/// The fewest whole days from which a rate is computed; fewer could all fall on one weekend.
const FEWEST_DAYS: usize = 7;

/// What an entity's staging gained on the days.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Entity {
    pub(crate) name: String,
    /// Versions staged less those dropped, a number for each day, the oldest first.
    pub(crate) net: Vec<i64>,
}

/// What is drawn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GrowthChartData<'d> {
    /// The days with their starts, and the day after.
    pub(crate) days: &'d [(Date, Timestamp)],
    pub(crate) entities: &'d [Entity],
    /// Which of the days is the first with a run.
    pub(crate) first: Option<usize>,
}

/// A layer of the drawing.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    pub(crate) name: String,
    pub(crate) opacity: String,
    pub(crate) path: Path,
}

/// The drawing and its table.
#[derive(Debug, Clone)]
pub(crate) struct Growth {
    pub(crate) title: String,
    pub(crate) desc: String,
    pub(crate) layers: Vec<Layer>,
    /// The sum of all.
    pub(crate) total: Path,
    /// Where it leads.
    pub(crate) ahead: Option<Path>,
    /// Where no growth is.
    pub(crate) zero: f64,
    /// The first day, today and, if the pace is known, the day 30 days ahead.
    pub(crate) dates: Vec<String>,
    pub(crate) names: Vec<String>,
    /// The newest first.
    pub(crate) rows: Vec<Row>,
}

/// A day of the table.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) date: String,
    /// The runs up to its end.
    pub(crate) href: String,
    /// Of each entity.
    pub(crate) net: Vec<String>,
    /// Added up since the first day.
    pub(crate) total: String,
}

impl Growth {
    /// Draws days; the last one is today and not over.
    pub(crate) fn draw(drawn: GrowthChartData<'_>, t: &Locale) -> Growth {
        let days = drawn.days.len().saturating_sub(1);
        let all: Vec<Vec<i64>> = drawn.entities.iter().map(|entity| summed(&entity.net, days)).collect();
        let net = |day: usize| drawn.entities.iter().filter_map(move |entity| entity.net.get(day));
        let each: Vec<i64> =
            (0..days).map(|day| net(day).fold(0_i64, |sum, n| sum.saturating_add(*n))).collect();
        let total = summed(&each, days);
        let last = total.last().copied().unwrap_or_default();
        let pace = pace(&each, drawn.first);
        let more = pace.map(|pace| (pace * days as f64).round());
        let ends = more.map_or(last as f64, |more| last as f64 + more);
        // Layers below nothing cannot be laid on each other: then the sum alone is drawn.
        let is_stacked = all.iter().flatten().all(|sum| *sum >= 0);
        let lowest = total.iter().map(|sum| *sum as f64).fold(ends.min(0.0), f64::min);
        let highest = total.iter().map(|sum| *sum as f64).fold(ends.max(1.0), f64::max);
        let plane = PlotArea {
            place: WIDTH / (days.max(1) * if more.is_some() { 2 } else { 1 }) as f64,
            // Upside down: a place is counted from the top.
            scale: Scale::linear(highest, lowest, HEIGHT - 2.0 * EDGE),
        };
        let ahead = more.map(|_| {
            let mut ahead = Path::default();
            ahead.point(plane.place * days as f64, plane.height(last as f64));
            ahead.point(WIDTH, plane.height(ends));
            ahead
        });
        let layers = if is_stacked { layers(drawn.entities, &all, plane) } else { Vec::new() };
        Growth {
            title: title(last, more, &total, t),
            desc: t.say(w::GROWTH_DESC).into_owned(),
            layers,
            total: plane.line(&total),
            ahead,
            zero: super::scale::rounded(plane.height(0.0)),
            dates: dates(drawn.days, more.is_some(), t),
            names: drawn.entities.iter().map(|entity| entity.name.clone()).collect(),
            rows: rows(drawn, &total, t),
        }
    }

    /// Whether nothing was added or dropped.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// From days and numbers to places.
#[derive(Debug, Clone, Copy)]
struct PlotArea {
    place: f64,
    scale: Scale,
}

impl PlotArea {
    fn height(self, number: f64) -> f64 {
        EDGE + self.scale.place(number)
    }

    /// The places of sums at the ends of the days, beginning with none.
    fn places(self, sums: &[i64]) -> impl DoubleEndedIterator<Item = (f64, f64)> + use<'_> {
        let at = move |(end, sum): (usize, i64)| (end as f64 * self.place, self.height(sum as f64));
        (0..=sums.len()).map(move |end| at((end, end.checked_sub(1).map_or(0, |day| sums[day]))))
    }

    fn line(self, sums: &[i64]) -> Path {
        let mut path = Path::default();
        self.places(sums).for_each(|(x, y)| path.point(x, y));
        path
    }

    /// What is between two of them.
    fn area(self, above: &[i64], below: &[i64]) -> Path {
        let mut path = self.line(above);
        self.places(below).rev().for_each(|(x, y)| path.point(x, y));
        path.close();
        path
    }
}

fn summed(numbers: &[i64], days: usize) -> Vec<i64> {
    let mut sum = 0_i64;
    let add = |day: usize| {
        sum = sum.saturating_add(numbers.get(day).copied().unwrap_or_default());
        sum
    };
    (0..days).map(add).collect()
}

/// How many versions a day adds: the average of the whole days after the first one with a run, which may have fetched all.
fn pace(each: &[i64], first: Option<usize>) -> Option<f64> {
    let whole = each.get(first? + 1..each.len().saturating_sub(1))?;
    (whole.len() >= FEWEST_DAYS).then(|| whole.iter().map(|n| *n as f64).sum::<f64>() / whole.len() as f64)
}

fn layers(entities: &[Entity], all: &[Vec<i64>], plane: PlotArea) -> Vec<Layer> {
    let mut below = vec![0_i64; all.first().map_or(0, Vec::len)];
    let mut layers = Vec::with_capacity(entities.len());
    for (at, (entity, sums)) in entities.iter().zip(all).enumerate() {
        let above: Vec<i64> = below.iter().zip(sums).map(|(below, sum)| below.saturating_add(*sum)).collect();
        // From strong to weak, and never too weak to be seen.
        let opacity = 1.0 - 0.7 * at as f64 / entities.len().max(2) as f64;
        let path = plane.area(&above, &below);
        layers.push(Layer { name: entity.name.clone(), opacity: format!("{opacity:.2}"), path });
        below = above;
    }
    layers
}

fn dates(days: &[(Date, Timestamp)], is_ahead: bool, t: &Locale) -> Vec<String> {
    let first = days.first().map(|(date, _)| date.to_string());
    let today = days.len().checked_sub(2).map(|_| t.say(w::GROWTH_TODAY).into_owned());
    let ahead = is_ahead.then(|| t.say(w::GROWTH_IN_30).into_owned());
    [first, today, ahead].into_iter().flatten().collect()
}

fn title(last: i64, more: Option<f64>, total: &[i64], t: &Locale) -> String {
    if total.iter().all(|sum| *sum == 0) {
        return t.say(w::GROWTH_NONE).into_owned();
    }
    // A number beyond the type is shown as its end.
    let so_far = match last {
        0.. => t.count(w::GROWTH_MORE, last),
        _ => t.count(w::GROWTH_FEWER, last.saturating_neg()),
    };
    let ahead = match more.map(|more| more as i64) {
        None => t.say(w::GROWTH_TOO_SHORT).into_owned(),
        Some(more @ 0..) => t.count(w::GROWTH_AHEAD, more),
        Some(fewer) => t.count(w::GROWTH_LESS_AHEAD, fewer.saturating_neg()),
    };
    format!("{so_far}; {ahead}")
}

/// The days on which something was added or dropped.
fn rows(drawn: GrowthChartData<'_>, total: &[i64], t: &Locale) -> Vec<Row> {
    let signed = |number: i64| if number > 0 { format!("+{}", t.number(number)) } else { t.number(number) };
    let row = |(day, pair): (usize, &[(Date, Timestamp)])| {
        let net: Vec<i64> =
            drawn.entities.iter().map(|entity| entity.net.get(day).copied().unwrap_or_default()).collect();
        net.iter().any(|number| *number != 0).then(|| Row {
            date: pair[0].0.to_string(),
            href: links::runs_before(pair[1].1),
            net: net.into_iter().map(signed).collect(),
            total: signed(total[day]),
        })
    };
    drawn.days.windows(2).enumerate().rev().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use askama::Template;
    use proptest::prelude::*;

    use super::*;
    use crate::config::Language;
    use crate::time;

    #[derive(Template)]
    #[template(path = "charts/growth.html")]
    struct Alone<'g> {
        growth: &'g Growth,
    }

    fn locale(language: Language) -> Locale {
        let now = "2026-11-24T19:15:00Z".parse().unwrap();
        Locale::new(language, time::zone(time::MONTREAL).unwrap(), now)
    }

    fn drawn(entities: &[&[i64]], days: u16, language: Language) -> Growth {
        let t = locale(language);
        let entities: Vec<Entity> = entities
            .iter()
            .enumerate()
            .map(|(n, net)| Entity { name: format!("E{n}"), net: net.to_vec() })
            .collect();
        let some = |day: &usize| entities.iter().any(|entity| entity.net.get(*day).is_some_and(|n| *n != 0));
        let first = (0..usize::from(days)).find(some);
        Growth::draw(GrowthChartData { days: &t.days(days), entities: &entities, first }, &t)
    }

    #[test]
    fn a_first_sync_is_no_pace() {
        let mut clients = vec![0; 30];
        clients[15] = 5_000;
        clients[16..30].fill(10);
        let growth = drawn(&[&clients], 30, Language::En);
        // 5,000, then 13 whole days and what today has so far.
        assert_eq!(growth.title, "5,140 versions more than 30 days ago; at this pace 300 more in 30 days.");
        assert_eq!(growth.ahead.as_ref().unwrap().d(), "M480 10.6L960 2");
        assert_eq!(growth.dates, ["2026-10-26", "today", "in 30 days"]);
        clients[16..24].fill(0);
        let late: Vec<i64> = (0..30).map(|day| if day < 24 { 0 } else { 7 }).collect();
        let short = drawn(&[&late], 30, Language::Fr);
        assert_eq!(
            short.title.replace('\u{a0}', " "),
            "42 versions de plus qu'il y a 30 jours; trop peu de jours pour dire le rythme."
        );
        assert!(short.ahead.is_none() && short.dates.len() == 2);
    }

    #[test]
    fn what_shrinks_is_drawn_as_one_line_below_nothing() {
        let growth = drawn(&[&[0, -4, 1, 1, 1, 1, 1, 1, 1, -9, 0], &[1; 11]], 11, Language::En);
        assert!(growth.layers.is_empty() && growth.zero > 0.0 && growth.zero < HEIGHT);
        assert_eq!(growth.rows[0].net, ["0", "+1"]);
        assert_eq!(growth.rows[1].net, ["-9", "+1"]);
        assert!(growth.title.starts_with("5 versions more"), "{}", growth.title);
        let shrinks = drawn(&[&[-3; 11]], 11, Language::En);
        assert!(shrinks.title.ends_with("at this pace 33 fewer in 30 days."), "{}", shrinks.title);
    }

    #[test]
    fn nothing_at_all_is_said() {
        for days in [0, 1, 30] {
            let growth = drawn(&[&[0, 0], &[]], days, Language::En);
            assert_eq!(growth.title, "Staging did not grow within 30 days.");
            assert!(growth.is_empty() && growth.ahead.is_none());
        }
    }

    #[test]
    fn a_small_case_is_drawn_so() {
        let growth = drawn(&[&[4, 2, 0], &[0, 10, 1]], 3, Language::Fr);
        insta::assert_snapshot!(Alone { growth: &growth }.render().unwrap());
    }

    proptest! {
        #[test]
        fn whatever_the_numbers_the_lines_are_inside_and_the_table_has_every_day(
            one in proptest::collection::vec(prop_oneof![-3..9_i64, any::<i64>()], 0..40),
            other in proptest::collection::vec(0..9_i64, 0..40),
        ) {
            let growth = drawn(&[&one, &other], 30, Language::En);
            let paths = growth.layers.iter().map(|layer| &layer.path).chain([&growth.total]).chain(&growth.ahead);
            for path in paths {
                for point in path.d().trim_end_matches('z').split(['M', 'L']).skip(1) {
                    let (x, y) = point.split_once(' ').unwrap();
                    let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
                    prop_assert!((0.0..=WIDTH).contains(&x) && (0.0..=HEIGHT).contains(&y), "{}", path.d());
                }
            }
            let of = |day: usize, all: &[i64]| all.get(day).copied().unwrap_or_default();
            let days = (0..30).filter(|day| of(*day, &one) != 0 || of(*day, &other) != 0).count();
            prop_assert_eq!(growth.rows.len(), days);
        }
    }
}
