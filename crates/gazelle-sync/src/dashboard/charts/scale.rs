//! From values to places in a drawing.

use jiff::{SignedDuration, Timestamp};

/// From a range of values to a range of places; what lies outside is drawn at the edge.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    from: f64,
    to: f64,
    length: f64,
}

impl Scale {
    /// `from` is drawn at 0, `to` at `length`.
    pub(crate) fn linear(from: f64, to: f64, length: f64) -> Scale {
        Scale { from, to, length }
    }

    /// The place of a value.
    pub(crate) fn place(self, value: f64) -> f64 {
        let span = self.to - self.from;
        // A range without extent, or no number at all, has one place.
        let share = if span.abs() > f64::EPSILON { (value - self.from) / span } else { 0.0 };
        let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
        share * self.length
    }
}

/// The same for instants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeScale {
    from: Timestamp,
    scale: Scale,
}

impl TimeScale {
    /// `from` is drawn at 0, `to` at `length`.
    pub(crate) fn new(from: Timestamp, to: Timestamp, length: f64) -> TimeScale {
        TimeScale { from, scale: Scale::linear(0.0, seconds(to.duration_since(from)), length) }
    }

    /// The place of an instant.
    pub(crate) fn place(self, at: Timestamp) -> f64 {
        self.scale.place(seconds(at.duration_since(self.from)))
    }
}

fn seconds(duration: SignedDuration) -> f64 {
    duration.as_secs_f64()
}

/// The height of a duration, from 0 to 1: by its logarithm, so that a run of five seconds is seen beside one of an
/// hour. One second has a tenth, `longest` has all.
pub(crate) fn logarithmic(milliseconds: f64, longest: f64) -> f64 {
    const LEAST: f64 = 0.1;
    let of = |ms: f64| (ms.max(0.0) / 1000.0).ln_1p();
    let whole = of(longest);
    if whole <= 0.0 {
        return LEAST;
    }
    LEAST + (1.0 - LEAST) * (of(milliseconds) / whole).clamp(0.0, 1.0)
}

/// The height of a number, from 0 to 1, by its square root: a small number is seen beside a large one, and the area of two bars
/// stays comparable. Any number but zero has at least a twentieth.
pub(crate) fn root(number: i64, largest: i64) -> f64 {
    const LEAST: f64 = 0.05;
    if number <= 0 || largest <= 0 {
        return 0.0;
    }
    (number as f64 / largest as f64).sqrt().clamp(LEAST, 1.0)
}

/// A place as SVG takes it, with one decimal.
pub(crate) fn rounded(place: f64) -> f64 {
    // The sum makes minus zero zero.
    (place * 10.0).round() / 10.0 + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_placed_and_those_outside_are_at_the_edge() {
        let scale = Scale::linear(0.0, 90.0, 200.0);
        for (value, place) in
            [(0.0, 0.0), (45.0, 100.0), (90.0, 200.0), (-5.0, 0.0), (1e9, 200.0), (f64::NAN, 0.0)]
        {
            assert_eq!(scale.place(value), place, "{value}");
        }
        assert_eq!(Scale::linear(5.0, 5.0, 200.0).place(5.0), 0.0, "no extent");
    }

    #[test]
    fn a_day_with_the_change_of_clocks_has_25_hours() {
        // The first of November in Montréal: its hours are instants here, so none is drawn twice.
        let (from, to) = ("2026-11-01T04:00:00Z".parse().unwrap(), "2026-11-02T05:00:00Z".parse().unwrap());
        let scale = TimeScale::new(from, to, 250.0);
        for (at, place) in
            [("2026-11-01T05:30:00Z", 15.0), ("2026-11-01T06:30:00Z", 25.0), ("2026-11-02T05:00:00Z", 250.0)]
        {
            assert_eq!(rounded(scale.place(at.parse().unwrap())), place, "{at}");
        }
    }

    #[test]
    fn short_runs_are_seen_beside_long_ones() {
        assert_eq!(logarithmic(0.0, 3_600_000.0), 0.1);
        assert_eq!(logarithmic(3_600_000.0, 3_600_000.0), 1.0);
        assert_eq!(logarithmic(7_200_000.0, 3_600_000.0), 1.0);
        assert_eq!(logarithmic(5.0, 0.0), 0.1);
        let (short, middle) = (logarithmic(4_000.0, 3_600_000.0), logarithmic(60_000.0, 3_600_000.0));
        assert!(0.2 < short && short < middle && middle < 0.6, "{short} {middle}");
    }

    #[test]
    fn a_small_number_is_seen_beside_a_large_one() {
        for (number, largest, height) in [
            (0, 0, 0.0),
            (0, 9, 0.0),
            (-4, 9, 0.0),
            (4, 0, 0.0),
            (1, 4, 0.5),
            (4, 4, 1.0),
            (9, 4, 1.0),
            (1, 1_000_000, 0.05),
            (i64::MAX, i64::MAX, 1.0),
        ] {
            assert_eq!(root(number, largest), height, "{number} of {largest}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_larger_number_is_never_lower(a: i64, b: i64, largest: i64) {
            let (low, high) = (root(a.min(b), largest), root(a.max(b), largest));
            proptest::prop_assert!((0.0..=1.0).contains(&low) && low <= high && high <= 1.0);
        }
    }
}
