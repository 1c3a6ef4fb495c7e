//! The years and months of a scope: adjacent parts that cover it without gap or overlap.

use jiff::civil::{Date, date};

use crate::gazelle_to_staging::Scope;

/// The years of `scope`: adjacent parts that cover it without gap or overlap. The first and last are open where
/// `scope` is.
pub(crate) fn years(scope: Scope, today: Date) -> Vec<Scope> {
    let first = scope.from.map_or(today.year() - 15, |day| day.year());
    let last = scope.until.map_or(today.year() + 2, |day| day.year()).max(first);
    let mut parts = Vec::new();
    for year in first..=last {
        parts.push(Scope { from: Some(date(year, 1, 1)), until: Some(date(year, 12, 31)) });
    }
    if let Some(part) = parts.first_mut() {
        part.from = scope.from;
    }
    if let Some(part) = parts.last_mut() {
        part.until = scope.until;
    }
    parts
}

/// The months of a year; the first and last are open where the year is.
pub(super) fn months_of(part: Scope) -> Vec<Scope> {
    let year = match (part.from, part.until) {
        (Some(day), _) | (None, Some(day)) => day.year(),
        (None, None) => return vec![part],
    };
    let mut months: Vec<Scope> = (1..=12)
        .map(|month| {
            let first = date(year, month, 1);
            Scope { from: Some(first), until: Some(first.last_of_month()) }
        })
        .filter(|month| {
            part.from.is_none_or(|from| month.until >= Some(from))
                && part.until.is_none_or(|until| month.from <= Some(until))
        })
        .collect();
    if let Some(first) = months.first_mut() {
        first.from = part.from;
    }
    if let Some(last) = months.last_mut() {
        last.until = part.until;
    }
    months
}

pub(super) fn is_inside(month: Scope, year: Scope) -> bool {
    let starts =
        year.from.is_none_or(|from| month.from.is_some_and(|day| day >= from)) || month.from == year.from;
    let ends = year.until.is_none_or(|until| month.until.is_some_and(|day| day <= until))
        || month.until == year.until;
    let same_year = match (month.from.or(month.until), year.from.or(year.until)) {
        (Some(a), Some(b)) => a.year() == b.year(),
        _ => true,
    };
    starts && ends && same_year
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers_every_day_once(parts: &[Scope], whole: Scope) {
        assert_eq!(parts.first().unwrap().from, whole.from);
        assert_eq!(parts.last().unwrap().until, whole.until);
        for pair in parts.windows(2) {
            assert_eq!(pair[0].until.unwrap().tomorrow().unwrap(), pair[1].from.unwrap());
        }
    }

    #[test]
    fn years_and_months_cover_every_day_once() {
        let today = date(2026, 11, 23);
        for scope in [
            Scope::WHOLE,
            Scope { from: Some(date(2026, 10, 24)), until: None },
            Scope { from: None, until: Some(date(2020, 2, 29)) },
            Scope { from: Some(date(2025, 12, 31)), until: Some(date(2026, 1, 1)) },
        ] {
            let years = years(scope, today);
            covers_every_day_once(&years, scope);
            for year in years {
                let months = months_of(year);
                covers_every_day_once(&months, year);
                assert!(months.iter().all(|month| is_inside(*month, year)), "{year:?} {months:?}");
            }
        }
    }
}
