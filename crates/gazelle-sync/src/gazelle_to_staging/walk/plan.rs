//! Splits a walk into windows that can be read at the same time.
//!
//! The API's pages can only be read one after the other, but its date filters split an entity into windows of
//! days. A split is sound if the counts of the windows add up to the count of the whole: records without that
//! date are then in a window of their own, sorted so that they come first, and the walk is complete only if the
//! distinct ids seen agree with the count of the whole.

use jiff::civil::Date;

use super::days::{is_inside, months_of, years};
use super::split::{WindowPlan, split, target_size};
use crate::entities::{ApiList, Entity, UndatedEnd};
use crate::gazelle_to_staging::pages::seen::PageEnds;
use crate::gazelle_to_staging::requests::counts::count_in_steps;
use crate::gazelle_to_staging::{Fetch, Scope};
use crate::source::{Answer, SourceError};

/// A walk with fewer pages per request slot than this is not counted: splitting it would not pay.
const PAGES_WORTH_SPLITTING: u64 = 2;
/// The most years that are counted by month, since each month is an alias in the counting request.
const YEARS_BY_MONTH: usize = 12;

/// Plans a walk of an entity that the API lists in pages, with one or two counting requests. `today` (UTC) only
/// determines which years are counted. Also returns the first answer, because the walk starts at its time; none
/// if the API does not count, and the walk is one sequence of pages.
///
/// # Errors
/// Errors of the API that any request would meet.
pub async fn plan(
    fetch: &Fetch,
    entity: &Entity,
    scope: Scope,
    today: Date,
) -> Result<(WindowPlan, Option<Answer>), SourceError> {
    let years = years(scope, today);
    let mut scopes = vec![scope];
    scopes.extend(&years);
    let Some((counts, answer)) = count_in_steps(fetch, entity, &scopes).await? else {
        return Ok((WindowPlan::sequential(entity, scope), None));
    };
    let answer = Some(answer);
    let total = counts[0];
    let page = u64::from(fetch.limits.page_size);
    let mut parts: Vec<(Scope, u64)> = years.into_iter().zip(counts[1..].iter().copied()).collect();
    if fetch.limits.concurrency < 2 || total <= page * PAGES_WORTH_SPLITTING * 2 {
        return Ok((
            WindowPlan { total: Some(total), parts, ..WindowPlan::sequential(entity, scope) },
            answer,
        ));
    }
    let target = target_size(total, fetch.limits.concurrency, page);
    // Kept by year for the comparison after the walk: a record that moves to another day would change the
    // counts of months, though none was added or removed. A date of creation never changes.
    let years = parts.clone();
    // Years much larger than a window are counted by month, the largest first.
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
        .filter(|plan| has_room_for_undated(fetch, entity, plan))
        .unwrap_or_else(|| WindowPlan { total: Some(total), ..WindowPlan::sequential(entity, scope) });
    let parts = if entity.own_date().is_some() { years } else { parts };
    Ok((WindowPlan { parts, ..plan }, answer))
}

/// Whether the records without a date, as far as the plan has any, can be read where they were found last time:
/// from the end of a list there is one page.
fn has_room_for_undated(fetch: &Fetch, entity: &Entity, plan: &WindowPlan) -> bool {
    let ApiList::Connection { undated: Some(undated), .. } = &entity.walk.shape else { return true };
    let sizes = fetch.sizes.for_entity(entity);
    let is_at_the_end = matches!(undated.ends.get(sizes.undated_end()), Some(UndatedEnd::Last(_)));
    let most = plan.windows.iter().filter_map(|window| window.undated).max().unwrap_or_default();
    !is_at_the_end || most <= u64::from(sizes.page())
}

/// The length of a first page after which pages end at other records than in the attempt before, whose pages were of this length.
pub(super) fn other_first_page(page: u32, before: Option<&PageEnds>) -> u32 {
    // The API may give fewer records per page than requested. A first page of one record may be one that was skipped.
    let first_length = before.and_then(PageEnds::first).filter(|length| *length > 1);
    let length =
        first_length.and_then(|length| u32::try_from(length).ok()).map_or(page, |length| length.min(page));
    (length / 3).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_the_next_attempt_end_at_other_records() {
        for (page, before, expected) in [
            (100, None, 33),
            (100, Some(100), 33),
            (100, Some(30), 10),
            (100, Some(2), 1),
            (100, Some(1), 33),
            (1, Some(1), 1),
        ] {
            let before = before.map(|first| PageEnds::of(&[first]));
            assert_eq!(other_first_page(page, before.as_ref()), expected, "{before:?}");
        }
    }
}
