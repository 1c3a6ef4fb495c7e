//! Splitting a walk into windows that can be walked side by side.
//!
//! The API's pages can only be walked one after the other, but its date filters cut an entity into
//! windows of days. A split is sound when the windows' counts add up to the whole: the rest, records
//! without that date, must be found by a window of its own (sorted so that they come first), and the
//! walk is complete only when the distinct ids seen agree with the count of the whole.

use jiff::civil::Date;

use super::days::{is_inside, months_of, years};
use super::split::{Plan, split, target_size};
use crate::entities::Entity;
use crate::gazelle_to_staging::requests::counts::count_in_steps;
use crate::gazelle_to_staging::{Fetch, Scope};
use crate::source::{Answer, SourceError};

/// A walk shorter than this many pages a request slot is not worth counting for.
const PAGES_WORTH_SPLITTING: u64 = 2;
/// Years counted by months at most: an alias of the counting request each month.
const YEARS_BY_MONTH: usize = 12;

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
