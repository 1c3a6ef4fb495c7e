//! Combines counted parts of an entity into the windows of a walk. Without requests.

use crate::entities::{ApiList, Entity};
use crate::gazelle_to_staging::Scope;
use crate::gazelle_to_staging::requests::window::{Window, filters};

/// The windows of a walk.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowPlan {
    /// At least one window.
    pub windows: Vec<Window>,
    /// The count of the whole scope; none if it was not counted.
    pub total: Option<u64>,
    /// The count of each part. If one part gains a record and another loses one, these change though the total
    /// does not.
    pub parts: Vec<(Scope, u64)>,
}

impl WindowPlan {
    /// The expected number of pages, as far as the counts are known.
    pub fn pages(&self, page_size: u64) -> u64 {
        let page_size = page_size.max(1);
        let of_window = |window: &Window| {
            let records = window.undated.or(window.expected).or(self.total);
            records.unwrap_or_default().div_ceil(page_size).max(1)
        };
        self.windows.iter().map(of_window).sum()
    }

    /// A plan of one window: a single sequence of pages.
    pub fn sequential(entity: &Entity, scope: Scope) -> WindowPlan {
        let filters = match &entity.walk.shape {
            ApiList::Connection { dates, .. } => filters(dates, scope),
            ApiList::PlainList => None,
        };
        WindowPlan { windows: vec![Window { filters, ..Window::default() }], total: None, parts: Vec::new() }
    }
}

/// One long walk crashed the real API after some 900 pages.
const PAGES_A_WINDOW: u64 = 400;
/// Windows per request slot. With one window per slot, the longest window would be read alone at the end.
const WINDOWS_A_SLOT: u64 = 4;
/// Windows are not made shorter than this for the sake of the number per slot, since each window ends with a
/// page that is not full.
const PAGES_WORTH_A_WINDOW: u64 = 8;

/// The target number of records per window, in whole pages: several windows per request slot if there are
/// enough records, and no more than [`PAGES_A_WINDOW`].
pub(crate) fn target_size(total: u64, concurrency: usize, page: u64) -> u64 {
    let share = total.div_ceil(concurrency as u64).div_ceil(page);
    let pages = share.div_ceil(WINDOWS_A_SLOT).max(share.min(PAGES_WORTH_A_WINDOW));
    pages.clamp(1, PAGES_A_WINDOW) * page
}

/// Combines adjacent counted parts into windows; none if the counts show that a split is not sound.
pub(crate) fn split(
    entity: &Entity,
    scope: Scope,
    total: u64,
    parts: &[(Scope, u64)],
    target: u64,
    page: u64,
) -> Option<WindowPlan> {
    let ApiList::Connection { dates, undated: where_undated, .. } = &entity.walk.shape else { return None };
    // The API's counts may be any number.
    let dated = parts.iter().try_fold(0_u64, |sum, (_, n)| sum.checked_add(*n))?;
    let undated = total.checked_sub(dated)?;
    if undated > 0 && (where_undated.is_none() || scope != Scope::WHOLE) {
        return None;
    }
    let mut windows: Vec<Window> = group(parts, target, page)
        .into_iter()
        .map(|(window, n)| Window { filters: filters(dates, window), expected: Some(n), ..Window::default() })
        .collect();
    if undated > 0 {
        windows.push(Window { undated: Some(undated), ..Window::default() });
    }
    Some(WindowPlan { windows, total: Some(total), parts: parts.to_vec() })
}

/// Combines adjacent parts, up to `most` records each, so that the fewest pages are requested: the last page of
/// a window is seldom full and costs a whole request. Of equal ways, the one with the most even windows.
fn group(parts: &[(Scope, u64)], most: u64, page: u64) -> Vec<(Scope, u64)> {
    // For each number of first parts, the best way: pages, unevenness, where the last window starts, and how
    // many records it holds.
    let mut best = vec![(0, 0, 0, 0)];
    for end in 1..=parts.len() {
        let (mut held, mut largest) = (0_u64, 0);
        let mut choice = None;
        for start in (0..end).rev() {
            let here = parts[start].1;
            (held, largest) = (held.saturating_add(here), largest.max(here));
            // A part that is too large by itself cannot be split. Empty parts beside it cost nothing.
            if held > most && held > largest {
                break;
            }
            let (pages, uneven, _, _) = best[start];
            let way = (
                held.div_ceil(page).max(1).saturating_add(pages),
                held.saturating_mul(held).saturating_add(uneven),
                start,
                held,
            );
            choice = Some(choice.map_or(way, |other| way.min(other)));
        }
        best.extend(choice);
    }
    let mut windows = Vec::new();
    let mut end = parts.len();
    while end > 0 {
        let (_, _, start, held) = best[end];
        windows.push((Scope { from: parts[start].0.from, until: parts[end - 1].0.until }, held));
        end = start;
    }
    windows.reverse();
    windows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entities::{appointments, clients};
    use crate::gazelle_to_staging::walk::days::years;
    use jiff::civil::date;
    use proptest::prelude::*;

    /// The years up to 2028, with these counts.
    fn counted(counts: impl IntoIterator<Item = u64>) -> Vec<(Scope, u64)> {
        years(Scope::WHOLE, date(2026, 1, 1)).into_iter().zip(counts).collect()
    }

    #[test]
    fn counts_of_any_size_are_put_together_or_refused() {
        let whole =
            |total, counts: [u64; 3]| split(&clients::ENTITY, Scope::WHOLE, total, &counted(counts), 100, 10);
        assert!(whole(u64::MAX, [u64::MAX, u64::MAX, 1]).is_none(), "more than the whole");
        for huge in [1 << 31, 1 << 33, 1 << 63, u64::MAX - 4] {
            let windows = group(&counted([huge, 3, 1]), 100, 10);
            assert_eq!(windows.iter().map(|(_, n)| n).collect::<Vec<_>>(), [&huge, &4]);
        }
        group(&counted([u64::MAX; 3]), u64::MAX, 10);
        assert!(target_size(u64::MAX, 4, 100) > 0);
    }

    /// Every way to combine parts, as the numbers of records in the windows.
    fn all_ways(counts: &[u64]) -> Vec<Vec<u64>> {
        let Some((first, rest)) = counts.split_first() else { return vec![Vec::new()] };
        let mut ways = Vec::new();
        for way in all_ways(rest) {
            let mut alone = vec![*first];
            alone.extend(&way);
            ways.push(alone);
            if let Some((next, others)) = way.split_first() {
                let mut together = vec![first + next];
                together.extend(others);
                ways.push(together);
            }
        }
        ways
    }

    fn pages(windows: &[u64], page: u64) -> u64 {
        windows.iter().map(|n| n.div_ceil(page).max(1)).sum()
    }

    proptest! {
        #[test]
        fn windows_cover_the_parts_in_order_and_hold_their_counts(
            counts in prop::collection::vec(0u64..3000, 18),
            undated in 0u64..250,
        ) {
            let parts = counted(counts);
            let dated: u64 = parts.iter().map(|(_, n)| n).sum();
            let target = target_size(dated + undated, 4, 100);
            let plan = split(&appointments::ENTITY, Scope::WHOLE, dated + undated, &parts, target, 100).unwrap();
            let held: u64 = plan.windows.iter().filter_map(|w| w.expected).sum();
            prop_assert_eq!(held, dated);
            prop_assert_eq!(plan.windows.iter().filter(|w| w.undated.is_some()).count(), usize::from(undated > 0));

            let windows = group(&parts, target, 100);
            prop_assert_eq!(windows[0].0.from, None);
            prop_assert_eq!(windows[windows.len() - 1].0.until, None);
            for pair in windows.windows(2) {
                prop_assert_eq!(pair[0].0.until.unwrap().tomorrow().unwrap(), pair[1].0.from.unwrap());
            }
            for (window, held) in windows {
                let inside: Vec<u64> = parts
                    .iter()
                    .filter(|(part, _)| part.from >= window.from)
                    .filter(|(part, _)| part.until <= window.until || window.until.is_none())
                    .filter(|(part, _)| part.until.is_some() || window.until.is_none())
                    .map(|(_, n)| *n)
                    .collect();
                prop_assert_eq!(inside.iter().sum::<u64>(), held);
                prop_assert!(held <= target || inside.iter().filter(|n| **n > 0).count() == 1);
            }
        }

        #[test]
        fn no_other_way_takes_fewer_pages(counts in prop::collection::vec(0u64..700, 1..11)) {
            let most = 1000;
            let parts = counted(counts.iter().copied());
            let ours: Vec<u64> = group(&parts, most, 100).into_iter().map(|(_, n)| n).collect();
            let fewest = all_ways(&counts)
                .into_iter()
                .filter(|way| way.iter().all(|n| *n <= most))
                .map(|way| pages(&way, 100))
                .min();
            prop_assert_eq!(Some(pages(&ours, 100)), fewest);
        }
    }

    #[test]
    fn a_part_too_large_to_share_a_window_takes_only_empty_ones_with_it() {
        let sizes = |counts: &[u64]| -> Vec<u64> {
            group(&counted(counts.iter().copied()), 1000, 100).into_iter().map(|(_, n)| n).collect()
        };
        assert_eq!(sizes(&[0, 0, 2000, 0, 0]), [2000]);
        assert_eq!(sizes(&[0, 30, 2000, 0, 30]), [30, 2000, 30]);
        assert_eq!(sizes(&[0, 0, 0]), [0]);
        // Filling each window first would give 750 and 450: thirteen pages.
        assert_eq!(sizes(&[430, 170, 150, 450]), [600, 600]);
    }

    #[test]
    fn counts_that_do_not_add_up_are_not_split() {
        let parts = counted(std::iter::repeat(100));
        let dated = 100 * parts.len() as u64;
        // Fewer than the parts hold: something was counted twice.
        assert_eq!(split(&appointments::ENTITY, Scope::WHOLE, dated - 1, &parts, 500, 100), None);
        // Undated clients cannot be found by any sort.
        assert_eq!(split(&clients::ENTITY, Scope::WHOLE, dated + 1, &parts, 500, 100), None);
        assert!(split(&clients::ENTITY, Scope::WHOLE, dated, &parts, 500, 100).is_some());
    }
}
