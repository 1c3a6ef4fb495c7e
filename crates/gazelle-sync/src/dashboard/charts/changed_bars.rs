//! Draws how many records each run changed: one row of bars per entity, over the band between the 5th and the 95th
//! percentile of earlier runs.

use super::path::Path;
use super::scale::root;
use crate::dashboard::words::charts as w;
use crate::dashboard::words::locale::Locale;

/// The drawing's own units; the page stretches it.
pub(crate) const WIDTH: f64 = 960.0;
/// Its height.
#[cfg(test)]
const HEIGHT: f64 = 64.0;
/// Where the bars stand; below and above is room for the marks of what is not usual.
const BASE: f64 = 56.0;
const TOP: f64 = 8.0;
/// A drawing of few runs has as many places as one of this many, so that a bar stays a bar.
const FEWEST_PLACES: usize = 24;
/// What is usual is said of at least this many runs.
const FEWEST_USUAL: i64 = 20;

/// What is usual for an entity, and of how many runs that is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UsualBand {
    pub(crate) runs: i64,
    /// The number that 5 of 100 runs did not exceed, and the one that 95 of 100 did not.
    pub(crate) low: i64,
    pub(crate) high: i64,
}

/// The numbers of an entity.
#[derive(Debug, Clone)]
pub(crate) struct Numbers {
    /// What its records are called.
    pub(crate) name: String,
    /// Of each run, the oldest first; none where the run did not read the entity.
    pub(crate) changed: Vec<Option<i64>>,
    pub(crate) usual: Option<UsualBand>,
}

/// How a number stands to what is usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RangePosition {
    Usual,
    Above,
    Below,
    /// What is usual is not known, or there is no number.
    Unknown,
}

/// The drawing of an entity.
#[derive(Debug, Clone)]
pub(crate) struct Bars {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) desc: String,
    /// Place and height of the band.
    pub(crate) band: Option<(f64, f64)>,
    pub(crate) usual: Path,
    /// Bars outside of the band, each with a mark at the edge.
    pub(crate) odd: Path,
    /// How each run stands, the oldest first.
    pub(crate) standing: Vec<RangePosition>,
}

impl Bars {
    /// Draws an entity.
    pub(crate) fn draw(numbers: &Numbers, t: &Locale) -> Bars {
        let usual = numbers.usual.filter(|usual| usual.runs >= FEWEST_USUAL);
        let most = numbers.changed.iter().flatten().copied().max().unwrap_or_default().max(0);
        let largest = most.max(usual.map_or(0, |usual| usual.high));
        let height = |number: i64| root(number, largest) * (BASE - TOP);
        let places = numbers.changed.len().max(FEWEST_PLACES);
        let place = WIDTH / places as f64;
        let (mut in_band, mut odd) = (Path::default(), Path::default());
        let mut standing = Vec::with_capacity(numbers.changed.len());
        for (at, number) in numbers.changed.iter().enumerate() {
            let stands = range_position(*number, usual);
            standing.push(stands);
            // The newest run is at the right edge, however few there are.
            let x = (places - numbers.changed.len() + at) as f64 * place + place * 0.15;
            let (width, is_odd) =
                (place * 0.7, matches!(stands, RangePosition::Above | RangePosition::Below));
            let bar = height(number.unwrap_or_default());
            if bar > 0.0 {
                let path = if is_odd { &mut odd } else { &mut in_band };
                path.rectangle(x, BASE - bar, width, bar);
            }
            match stands {
                RangePosition::Above => odd.rectangle(x, 0.0, width, 5.0),
                RangePosition::Below => odd.rectangle(x, BASE + 3.0, width, 5.0),
                RangePosition::Usual | RangePosition::Unknown => {}
            }
        }
        let band = usual.map(|usual| {
            let (low, high) = (height(usual.low), height(usual.high));
            // A band without extent is a line of its own.
            (BASE - high - 1.0, high - low + 2.0)
        });
        let (title, desc) = title_and_description(numbers, most, usual, t);
        Bars { name: numbers.name.clone(), title, desc, band, usual: in_band, odd, standing }
    }
}

fn range_position(number: Option<i64>, usual: Option<UsualBand>) -> RangePosition {
    match (number, usual) {
        (Some(number), Some(usual)) if number > usual.high => RangePosition::Above,
        (Some(number), Some(usual)) if number < usual.low => RangePosition::Below,
        (Some(_), Some(_)) => RangePosition::Usual,
        (None, _) | (_, None) => RangePosition::Unknown,
    }
}

fn title_and_description(
    numbers: &Numbers,
    most: i64,
    usual: Option<UsualBand>,
    t: &Locale,
) -> (String, String) {
    let name = ("entity", numbers.name.as_str());
    let title = match most {
        0 => t.fill(w::CHANGED_NONE, &[name]),
        most => t.fill(w::CHANGED_MOST.of(most, t.language), &[name, ("n", &t.number(most))]),
    };
    let desc = match usual {
        Some(usual) => t.fill(w::USUAL, &[("low", &t.number(usual.low)), ("high", &t.number(usual.high))]),
        None => t.say(w::USUAL_UNKNOWN).into_owned(),
    };
    (title, desc)
}

/// What all of them together say.
pub(crate) fn finding(all: &[Bars], t: &Locale) -> String {
    if all.iter().flat_map(|bars| &bars.standing).all(|one| *one == RangePosition::Unknown) {
        return t.say(w::USUAL_UNKNOWN).into_owned();
    }
    let runs = all.iter().map(|bars| bars.standing.len()).max().unwrap_or_default();
    let is_odd = |run: usize| {
        let of_run = |bars: &Bars| bars.standing.get(run).copied();
        all.iter().any(|bars| matches!(of_run(bars), Some(RangePosition::Above | RangePosition::Below)))
    };
    match (0..runs).filter(|run| is_odd(*run)).count() {
        0 => t.say(w::ODD_NONE).into_owned(),
        odd => t.count(w::ODD, odd as i64),
    }
}

#[cfg(test)]
mod tests {
    use askama::Template;
    use proptest::prelude::*;

    use super::*;
    use crate::config::Language;
    use crate::time;

    #[derive(Template)]
    #[template(path = "charts/changed_bars.html")]
    struct Alone<'b> {
        bars: &'b [Bars],
    }

    fn locale(language: Language) -> Locale {
        let now = "2026-11-24T19:15:00Z".parse().unwrap();
        Locale::new(language, time::zone(time::MONTREAL).unwrap(), now)
    }

    fn numbers(changed: &[i64], usual: Option<(i64, i64, i64)>) -> Numbers {
        Numbers {
            name: "Clients".to_owned(),
            changed: changed.iter().map(|number| (*number >= 0).then_some(*number)).collect(),
            usual: usual.map(|(runs, low, high)| UsualBand { runs, low, high }),
        }
    }

    #[test]
    fn what_is_not_usual_has_a_mark_and_is_counted_once_a_run() {
        let t = locale(Language::En);
        let clients = Bars::draw(&numbers(&[0, 4, 16, 1, -1], Some((50, 1, 9))), &t);
        use RangePosition::{Above, Below, Unknown, Usual};
        assert_eq!(clients.standing, [Below, Usual, Above, Usual, Unknown]);
        // A mark below for the flat one; a bar and a mark above for the high one.
        assert_eq!(clients.odd.rectangles().len(), 3);
        assert_eq!(clients.usual.rectangles().iter().map(|bar| bar[3]).collect::<Vec<_>>(), [24.0, 12.0]);
        let pianos = Bars::draw(&numbers(&[0, 4, 99, 1, -1], Some((50, 0, 9))), &t);
        assert_eq!(finding(&[clients.clone(), pianos], &t), "2 runs changed an unusual number of records.");
        assert_eq!(clients.title, "Clients: at most 16 records changed");
        assert_eq!(clients.desc, "Usual, in 90 of 100 runs of the last 30 days: 1 to 9.");
    }

    #[test]
    fn nothing_one_run_and_too_few_to_know_are_said() {
        let fr = locale(Language::Fr);
        let none = Bars::draw(&numbers(&[], None), &fr);
        assert!(none.usual.is_empty() && none.odd.is_empty() && none.band.is_none());
        assert_eq!(none.title.replace('\u{a0}', " "), "Clients : aucune fiche changée");
        let one = Bars::draw(&numbers(&[4_010], Some((19, 0, 3))), &fr);
        assert_eq!(one.usual.rectangles().len(), 1, "a bar, and no slab as wide as the page");
        assert!(one.usual.rectangles()[0][2] < 40.0 && one.band.is_none());
        assert_eq!(one.title.replace('\u{a0}', " "), "Clients : au plus 4 010 fiches changées");
        assert_eq!(
            finding(&[one], &fr),
            "Trop peu d'exécutions depuis 30 jours pour dire ce qui est habituel."
        );
        let zero = Bars::draw(&numbers(&[0, 0], Some((400, 0, 0))), &fr);
        assert_eq!(finding(&[zero], &fr), "Aucune exécution n'a changé un nombre inhabituel de fiches.");
    }

    #[test]
    fn a_small_case_is_drawn_so() {
        let bars = [Bars::draw(&numbers(&[0, 4, 16, 1], Some((50, 1, 9))), &locale(Language::Fr))];
        insta::assert_snapshot!(Alone { bars: &bars }.render().unwrap());
    }

    proptest! {
        #[test]
        fn whatever_the_numbers_every_bar_is_inside_and_has_its_run(
            changed in proptest::collection::vec(prop_oneof![-1..30_i64, any::<i64>()], 0..60),
            usual in proptest::option::of((0..100_i64, 0..50_i64, 0..i64::MAX)),
        ) {
            let usual = usual.map(|(runs, low, more)| (runs, low, low.saturating_add(more)));
            let bars = Bars::draw(&numbers(&changed, usual), &locale(Language::En));
            prop_assert_eq!(bars.standing.len(), changed.len());
            let all = [bars.usual.rectangles(), bars.odd.rectangles()].concat();
            for [x, y, width, height] in &all {
                prop_assert!(*x >= 0.0 && x + width <= WIDTH + 0.2 && *y >= 0.0 && y + height <= HEIGHT + 0.2);
            }
            // Each number but zero has its bar, and each odd one its mark: the table lists the same.
            let drawn = changed.iter().filter(|number| **number > 0).count();
            let odd = bars.standing.iter().filter(|one| matches!(one, RangePosition::Above | RangePosition::Below)).count();
            prop_assert_eq!(all.len(), drawn + odd);
        }
    }
}
