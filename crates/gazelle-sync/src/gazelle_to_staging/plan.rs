//! Splitting a walk into windows that can be walked side by side.
//!
//! The API's pages can only be walked one after the other, but its date filters cut an entity into
//! windows of days. A split is sound when the windows' counts add up to the whole: the rest, records
//! without that date, must be found by a window of its own (sorted so that they come first), and the
//! walk is complete only when the distinct ids seen agree with the count of the whole.

use jiff::civil::{Date, date};
use serde_json::{Map, Value, json};

use super::sizes::Sizes;
use super::split::{split, target_size};
use super::{Fetch, Scope, queries};
use crate::entities::{DateFilter, Entity, Shape, UndatedEnd};
use crate::source::{Answer, GazelleClient, GraphqlRequest, ListShape, SourceError};

/// A walk shorter than this many pages a request slot is not worth counting for.
const PAGES_WORTH_SPLITTING: u64 = 2;
/// Years counted by months at most: an alias of the counting request each month.
const YEARS_BY_MONTH: usize = 12;

/// A part of an entity that one sequence of pages covers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Window {
    /// The `filters` argument, if any.
    pub filters: Option<Value>,
    /// The end of a sorted list at which it lies, where it is no list from the API's own beginning.
    pub end: Option<UndatedEnd>,
    /// What the plan counted in it.
    pub expected: Option<u64>,
    /// How many records without a date are looked for, at whichever end of the list they are; none: it is no such window.
    pub undated: Option<u64>,
}

/// The windows of a walk.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// At least one.
    pub windows: Vec<Window>,
    /// The count of the whole, where it was counted.
    pub total: Option<u64>,
    /// The count of each part that was counted: what comes in one and goes from another is not in the total.
    pub parts: Vec<(Scope, u64)>,
}

impl Plan {
    /// How many pages it should take, as far as was counted.
    pub fn pages(&self, page_size: u64) -> u64 {
        let page_size = page_size.max(1);
        let of_window = |window: &Window| {
            let records = window.undated.or(window.expected).or(self.total);
            records.unwrap_or_default().div_ceil(page_size).max(1)
        };
        self.windows.iter().map(of_window).sum()
    }

    /// One sequence of pages.
    pub fn sequential(entity: &Entity, scope: Scope) -> Plan {
        let filters = match &entity.walk.shape {
            Shape::Connection { dates, .. } => filters(dates, scope),
            Shape::PlainList => None,
        };
        Plan { windows: vec![Window { filters, ..Window::default() }], total: None, parts: Vec::new() }
    }
}

/// A query of counts, one alias a filter.
pub fn count_request(entity: &Entity, scopes: &[Scope]) -> Option<GraphqlRequest> {
    let Shape::Connection { filter_type, dates, .. } = &entity.walk.shape else { return None };
    let root = entity.walk.root;
    let operation = format!("{}Counts", entity.walk.operation.trim_end_matches("Page"));
    let mut variables = Map::new();
    let (mut declared, mut body) = (Vec::new(), Vec::new());
    for (index, scope) in scopes.iter().enumerate() {
        declared.push(format!("$f{index}: {filter_type}"));
        body.push(format!("c{index}: {root}(first: 1, filters: $f{index}) {{ totalCount }}"));
        variables.insert(format!("f{index}"), filters(dates, *scope).unwrap_or(Value::Null));
    }
    let query = format!("query {operation}({}) {{ {} }}", declared.join(", "), body.join(" "));
    Some(GraphqlRequest::new(operation, query, Value::Object(variables)))
}

/// Counts scopes; also returns the answer, for its time.
pub async fn count(
    client: &GazelleClient,
    entity: &Entity,
    scopes: &[Scope],
) -> Result<(Vec<u64>, Answer), SourceError> {
    let request = count_request(entity, scopes)
        .unwrap_or_else(|| GraphqlRequest::new(entity.walk.operation, &*entity.walk.page_query, json!({})));
    let answer = client.post(&request).await?;
    let counts = answer.counts()?;
    let counts =
        (0..scopes.len()).map(|i| counts.get(&format!("c{i}")).copied().unwrap_or_default()).collect();
    Ok((counts, answer.without_body()))
}

/// The count of all of an entity; none where the API does not count. One that refuses counts under aliases tells it with a
/// page.
pub async fn count_whole(client: &GazelleClient, entity: &Entity) -> Result<Option<u64>, SourceError> {
    let shape = match entity.walk.shape {
        Shape::Connection { .. } => match count(client, entity, &[Scope::WHOLE]).await {
            Ok((counts, _)) => return Ok(counts.first().copied()),
            Err(error) if error.concerns_any_request() => return Err(error),
            Err(_) => ListShape::Connection,
        },
        Shape::PlainList => ListShape::Plain,
    };
    let window = Window::default();
    Ok(match shape {
        ListShape::Plain => {
            let request = queries::page(entity, &Sizes::usual(1), &window, None, 1, None, None);
            let answer = client.post(&request).await?;
            Some(answer.page(entity.walk.root, shape)?.nodes.len() as u64)
        }
        ListShape::Connection => {
            let answer = client.post(&queries::cursor(entity, &window, None, 1)).await?;
            let count = answer.object_path(&[entity.walk.root, "totalCount"]).ok().flatten();
            count.and_then(|count| count.get().parse().ok())
        }
    })
}

/// More requests than this are not made to count: it would cost more than it spares.
const COUNTING_REQUESTS: usize = 16;

/// Counts scopes in as many requests as the API wants, fewer counts in each where it refuses. Also returns the first answer,
/// for its time. None where it does not count: then the walk goes on without. What is remembered for later runs is only what
/// answers tell about the size of a request.
///
/// Errors: those that would meet any request.
pub(super) async fn count_in_steps(
    fetch: &Fetch,
    entity: &Entity,
    scopes: &[Scope],
) -> Result<Option<(Vec<u64>, Answer)>, SourceError> {
    let sizes = fetch.sizes.of(entity);
    let mut client = fetch.client.clone();
    let mut counted: Vec<u64> = Vec::with_capacity(scopes.len());
    let mut first = None;
    let mut failed: Option<SourceError> = None;
    while counted.len() < scopes.len() {
        let left = &scopes[counted.len()..];
        let most = usize::try_from(sizes.counts()).unwrap_or(usize::MAX);
        if most == 0 || left.len().div_ceil(most) > COUNTING_REQUESTS {
            return Ok(None);
        }
        let chunk = &left[..left.len().min(most)];
        match count(&client, entity, chunk).await {
            Ok((counts, answer)) => {
                counted.extend(counts);
                first.get_or_insert(answer);
            }
            Err(error) if error.concerns_any_request() => return Err(error),
            Err(error) => {
                // What a request fails with that is only tried out counts as another attempt of the one before.
                let failed = failed.get_or_insert_with(|| error.clone());
                let is_about_size = error.is_about_size() || failed.is_about_size() && failed.is_like(&error);
                sizes.fewer_counts(u32::try_from(chunk.len()).unwrap_or(u32::MAX), &error, is_about_size);
                if error.class().is_retried() {
                    client = fetch.client.trying(1);
                }
            }
        }
    }
    Ok(first.map(|answer| (counted, answer)))
}

/// Plans a walk of an entity that the API lists in pages, by one or two counting requests. `today` only
/// centres the years that are counted. Also returns the first answer, whose time starts the walk; none where the API does
/// not count, and the walk is one sequence of pages.
pub async fn plan(
    fetch: &Fetch,
    entity: &Entity,
    scope: Scope,
    today: Date,
) -> Result<(Plan, Option<Answer>), SourceError> {
    let years = years(scope, today);
    let mut scopes = vec![scope];
    scopes.extend(&years);
    let Some((counts, answer)) = count_in_steps(fetch, entity, &scopes).await? else {
        return Ok((Plan::sequential(entity, scope), None));
    };
    let answer = Some(answer);
    let total = counts[0];
    let page = u64::from(fetch.page_size);
    let mut parts: Vec<(Scope, u64)> = years.into_iter().zip(counts[1..].iter().copied()).collect();
    if fetch.concurrency < 2 || total <= page * PAGES_WORTH_SPLITTING * 2 {
        return Ok((Plan { total: Some(total), parts, ..Plan::sequential(entity, scope) }, answer));
    }
    let target = target_size(total, fetch.concurrency, page);
    // By the month, a record that moves to another day would show where nothing came or went; a day of creation stays.
    let years = parts.clone();
    // Years that are much more than a window's worth, the largest of them, are counted by months.
    let mut long: Vec<(Scope, u64)> =
        parts.iter().copied().filter(|(_, n)| *n > target + target / 4).collect();
    long.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let months: Vec<Scope> =
        long.iter().take(YEARS_BY_MONTH).flat_map(|(year, _)| months_of(*year)).collect();
    let by_month = match months.is_empty() {
        true => None,
        false => count_in_steps(fetch, entity, &months).await?,
    };
    if let Some((by_month, _)) = by_month {
        let counted: Vec<(Scope, u64)> = months.into_iter().zip(by_month).collect();
        parts = parts
            .into_iter()
            .flat_map(|(year, n)| {
                let inside: Vec<(Scope, u64)> =
                    counted.iter().filter(|(month, _)| is_inside(*month, year)).copied().collect();
                if inside.is_empty() { vec![(year, n)] } else { inside }
            })
            .collect();
    }
    let plan = split(entity, scope, total, &parts, target, page)
        .unwrap_or_else(|| Plan { total: Some(total), ..Plan::sequential(entity, scope) });
    let parts = if entity.own_date().is_some() { years } else { parts };
    Ok((Plan { parts, ..plan }, answer))
}

/// Adjacent scopes that cover `scope` without gap or overlap: open ends, and the years between.
pub(super) fn years(scope: Scope, today: Date) -> Vec<Scope> {
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

/// The months of a year's part, its open ends kept.
fn months_of(part: Scope) -> Vec<Scope> {
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

fn is_inside(month: Scope, year: Scope) -> bool {
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

/// The `filters` argument of a scope.
pub(super) fn filters(dates: &DateFilter, scope: Scope) -> Option<Value> {
    let mut filters = Map::new();
    if let Some(from) = scope.from {
        filters.insert(dates.from.to_owned(), json!(from.to_string()));
    }
    if let Some(until) = scope.until {
        filters.insert(dates.until.to_owned(), json!(until.to_string()));
    }
    (!filters.is_empty()).then_some(Value::Object(filters))
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
