//! Walking an entity: its windows side by side, what arrives handed to lanes that stage it, and at the end the
//! judgement whether all was seen. Only then does the bookmark move, with the last versions.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::Instrument;

use super::absent;
use super::alone::is_about_all;
use super::held_back::{HeldBack, Settled};
use super::lanes::{Lanes, Turn};
use super::plan::{self, Plan};
use super::seen::SeenIds;
pub use super::walk_report::WalkReport;
use super::window::{self, Outlet, Shortfall, WindowEnd};
use super::{Fetch, FetchError, Scope, WalkSpec, broken_off};
use crate::display::EntityProgress;
use crate::entities::{Entity, Shape};
use crate::source::SourceError;

/// Pages of a long walk that may wait for staging, so that memory stays bounded.
const PAGES_WAITING: usize = 4;

/// A walk of up to so many records is held in memory without regret.
const SHORT_WALK: u64 = 15_000;

/// Walks an entity, again when rows shifted, within the attempts allowed. An error of the API ends the
/// walk and is reported in it; an error of the database is returned.
pub async fn walk(
    fetch: &Fetch,
    entity: &'static Entity,
    spec: WalkSpec,
    turn: Option<Turn>,
    progress: &EntityProgress,
) -> Result<WalkReport, FetchError> {
    let scope = spec.scope;
    let sizes = fetch.sizes.of(entity);
    sizes.begin_walk();
    let mut report = WalkReport::new(scope);
    let mut splits = true;
    let mut allowed = fetch.walk_attempts.max(1);
    let mut repeats: Option<Vec<String>> = None;
    let mut attempt = 0;
    while attempt < allowed {
        attempt += 1;
        // A split walk that did not come out even is repeated in one sequence of pages.
        splits &= attempt < fetch.walk_attempts.max(2);
        let tried = Try { splits, repeats: repeats.as_deref() };
        match attempt_walk(fetch, entity, spec, tried, turn.clone(), progress, &mut report).await {
            Ok(Attempt::Complete(seen)) => {
                report.complete = true;
                report.reason = None;
                if scope == Scope::WHOLE {
                    sizes.turns.have_listed_all();
                }
                // Where nothing was before, all that is there was seen. A record without a name may be any that was not seen.
                if let Some(seen) = seen.filter(|_| report.nameless == 0) {
                    look_into_absent(fetch, entity, scope, &seen, attempt > 1, &mut report).await?;
                }
                if report.seen == 0 && scope != Scope::WHOLE {
                    // Only for the verdict, which goes without where the API does not tell.
                    report.whole_total = plan::count_whole(&fetch.client, entity).await.ok().flatten();
                }
                return Ok(report);
            }
            Ok(Attempt::Short(Shortfall::Shifted(reason))) => {
                report.reason = Some(reason);
                // As often before: another walk would find the same.
                if report.short_by.is_some() && report.short_by == spec.known_shortfall {
                    return Ok(report);
                }
                tracing::warn!(entity = entity.name, attempt, reason = report.reason, "the walk is repeated");
            }
            Ok(Attempt::Short(Shortfall::Repeats(ids))) => {
                let reason = format!("the API lists {} record(s) more than once", ids.len());
                tracing::warn!(entity = entity.name, attempt, reason, "the walk is repeated");
                report.reason = Some(reason);
                // A second walk tells whether something has shifted, however few are allowed.
                if repeats.is_none() {
                    allowed = allowed.max(attempt + 1);
                }
                repeats = Some(ids);
            }
            Ok(Attempt::Short(Shortfall::Endless(reason))) => {
                report.reason = Some(reason);
                return Ok(report);
            }
            Ok(Attempt::OfTheApi) => return Ok(report),
            // Windows are an optimisation: without them the API may be able to answer.
            Err(FetchError::Source(error)) if splits && report.was_split && !error.concerns_any_request() => {
                tracing::warn!(entity = entity.name, attempt, %error, "the walk is repeated without windows");
                report.reason = Some(error.to_string());
                splits = false;
            }
            Err(FetchError::Source(error)) => {
                report.reason = Some(error.to_string());
                report.failure = Some(error);
                return Ok(report);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(report)
}

/// What a complete walk did not see is looked into; an error of the API leaves it for the next run.
async fn look_into_absent(
    fetch: &Fetch,
    entity: &'static Entity,
    scope: Scope,
    seen: &SeenIds,
    again: bool,
    report: &mut WalkReport,
) -> Result<(), FetchError> {
    match absent::look_into(fetch, entity, scope, seen, fetch.delete_guard, again).await {
        Ok(found) => {
            report.done.staged += found.staged;
            report.done.left += found.staged.staged + found.tombstones;
            report.note_faulty(&found.faulty);
            report.refused.extend(found.refused.clone());
            report.absent = found;
            Ok(())
        }
        Err(FetchError::Source(error)) => {
            report.failure = Some(error);
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// How a walk is attempted.
#[derive(Debug, Clone, Copy)]
struct Try<'a> {
    /// In windows side by side, or in one sequence of pages.
    splits: bool,
    /// The ids that the attempt before found listed more than once, sorted.
    repeats: Option<&'a [String]>,
}

/// How one attempt ended.
enum Attempt {
    /// All was seen, and the bookmark has moved. With what was seen, where something may have been before.
    Complete(Option<SeenIds>),
    /// Not all was seen.
    Short(Shortfall),
    /// The API fails at most records, which another attempt would not mend.
    OfTheApi,
}

/// The API's error, where it is one.
fn source_of(error: &FetchError) -> Option<&SourceError> {
    match error {
        FetchError::Source(error) => Some(error),
        FetchError::Database(_) => None,
    }
}

/// One attempt.
async fn attempt_walk(
    fetch: &Fetch,
    entity: &'static Entity,
    spec: WalkSpec,
    tried: Try<'_>,
    turn: Option<Turn>,
    progress: &EntityProgress,
    report: &mut WalkReport,
) -> Result<Attempt, FetchError> {
    progress.restarted();
    let began_at = fetch.clock.database_now();
    let scope = spec.scope;
    let is_connection = matches!(entity.walk.shape, Shape::Connection { .. });
    let mut started_at = None;
    let mut plan = if is_connection && tried.splits && fetch.concurrency > 1 {
        let today = crate::time::utc_parts(began_at).0;
        let (plan, answer) = plan::plan(fetch, entity, scope, today).await?;
        let read_at = answer.map(|answer| fetch.read_clock(&answer));
        started_at = read_at.map(|read_at| read_at.started_at);
        report.api_ahead = read_at.and_then(|read_at| read_at.api_ahead);
        plan
    } else {
        Plan::sequential(entity, scope)
    };
    if let Some(total) = plan.total {
        progress.expected(total).expected_pages(plan.pages(u64::from(fetch.page_size)));
    }

    let mut windows: JoinSet<Result<WindowEnd, FetchError>> = JoinSet::new();
    let is_split = plan.windows.len() > 1;
    report.was_split = is_split;
    let (plan_total, parts) = (plan.total, std::mem::take(&mut plan.parts));
    // The longest first, so that they end together. No more at a time than can be asked for: each holds a page or
    // two, and more would take the request slots from the entities before, whose end this one waits for. All of a
    // short walk may wait for its turn, so that no slot is idle until then.
    let pages_waiting = match plan.total {
        Some(total) if total <= SHORT_WALK => usize::try_from(SHORT_WALK / u64::from(fetch.page_size.max(1)))
            .map_or(PAGES_WAITING, |pages| pages.max(PAGES_WAITING)),
        _ => PAGES_WAITING,
    };
    let (sender, mut receiver) = Outlet::new(pages_waiting);
    let pages = fetch.client.for_pages(turn.clone());
    let fetch = &Fetch { pages, ..fetch.clone() };
    let slots = Arc::new(Semaphore::new(fetch.concurrency.max(1)));
    plan.windows.sort_by_key(|window| std::cmp::Reverse(window.expected));
    for window in plan.windows {
        let (fetch, sender, slots) = (fetch.clone(), sender.clone(), slots.clone());
        let walking = async move {
            let _slot = slots.acquire_owned().await;
            window::walk(&fetch, entity, &window, &sender).await
        };
        windows.spawn(walking.in_current_span());
    }
    drop(sender);

    let (mut seen, mut held_back) = (SeenIds::default(), HeldBack::default());
    let mut lanes = Lanes::open(fetch, entity, turn, progress);
    let mut null_nodes = 0;
    report.begin_attempt();
    fetch.sizes.of(entity).tally.begin();
    let take_in = async {
        while let Some(mut page) = lanes.next(&mut receiver).await? {
            held_back.take(std::mem::take(&mut page.failing));
            null_nodes += page.null_nodes;
            progress.page(page.records.len() as u64);
            seen.extend(&page.records);
            page.held.iter().for_each(|held| seen.add(&held.external_id));
            report.take_page(&page);
            lanes.take(page.records).await?;
        }
        Ok::<(), FetchError>(())
    };
    // The API is asked for the last time when it has given its last page, not when that has been staged.
    let fetched = async { Ok(fetched(fetch, entity, scope, plan_total, &parts, windows, progress).await) };
    let ((), mut fetched) = tokio::try_join!(take_in, fetched)?;
    let breaks_off = match &fetched {
        Ok(_) => false,
        Err(FetchError::Source(error)) => is_about_all(error),
        Err(FetchError::Database(_)) => true,
    };
    let mut of_the_api = None;
    match held_back.settle(fetch, entity, &mut seen, breaks_off).await {
        Ok(Settled::Records(page)) => {
            null_nodes += page.null_nodes;
            seen.extend(&page.records);
            page.held.iter().for_each(|held| seen.add(&held.external_id));
            report.take_page(&page);
            lanes.take(page.records).await?;
        }
        Ok(Settled::Api { said, failure }) => {
            let failure = fetched.as_ref().err().and_then(source_of).cloned().or(failure);
            of_the_api = Some((said, failure));
        }
        Err(error) => fetched = fetched.and(Err(error.into())),
    }
    report.seen = seen.count();
    report.started_at = started_at;
    let judged =
        fetched.map(|fetched| judge(entity, plan_total, is_split, null_nodes, &fetched, tried, report));
    // What was received is staged in any case; only a complete walk moves the bookmark.
    let is_complete = matches!(judged, Ok(None)) && of_the_api.is_none();
    let moves = is_complete && spec.moves_bookmark && report.seen >= spec.credible;
    let started_at = report.started_at.unwrap_or(began_at);
    let began_empty = lanes.began_empty();
    let (done, refused) = lanes.finish(moves.then_some((started_at, report.walk.as_str()))).await?;
    report.done += done;
    report.refused = refused;
    if let Some((said, failure)) = of_the_api {
        (report.short_by, report.failure) = (None, failure);
        report.reason = Some(said);
        return Ok(Attempt::OfTheApi);
    }
    Ok(match judged? {
        None => Attempt::Complete((!began_empty).then_some(seen)),
        Some(shortfall) => Attempt::Short(shortfall),
    })
}

/// What the API said when all windows had come to their ends.
struct Fetched {
    ends: Vec<WindowEnd>,
    /// Whether the API counts otherwise than before the walk: what moved between pages or windows shows in the ids seen,
    /// or here.
    counts_changed: bool,
}

/// Waits for all windows to end; the error is that of the first that failed.
async fn fetched(
    fetch: &Fetch,
    entity: &'static Entity,
    scope: Scope,
    total: Option<u64>,
    parts: &[(Scope, u64)],
    mut windows: JoinSet<Result<WindowEnd, FetchError>>,
    progress: &EntityProgress,
) -> Result<Fetched, FetchError> {
    let mut ends = Vec::new();
    let mut failure = None;
    while let Some(joined) = windows.join_next().await {
        match joined {
            Ok(Ok(end)) => ends.push(end),
            // The other windows go on: what they bring is kept.
            Ok(Err(error)) => failure = failure.or(Some(error)),
            Err(error) => failure = failure.or(Some(broken_off(error).into())),
        }
    }
    progress.fetched();
    if let Some(error) = failure {
        return Err(error);
    }
    let mut counts_changed = false;
    // One page is of one moment.
    let needs_count = total.is_some_and(|total| total > u64::from(fetch.page_size));
    if let Some(total) = total.filter(|_| needs_count && ends.iter().all(|end| end.incomplete.is_none())) {
        let (scopes, counts): (Vec<Scope>, Vec<u64>) = [(scope, total)].iter().chain(parts).copied().unzip();
        // Where the API does not count any more, the distinct ids are all that tells.
        let again = plan::count_in_steps(fetch, entity, &scopes).await?;
        counts_changed = again.is_some_and(|(again, _)| again != counts);
    }
    Ok(Fetched { ends, counts_changed })
}

/// Says why the walk was not complete; nothing when it was.
fn judge(
    entity: &'static Entity,
    plan_total: Option<u64>,
    is_split: bool,
    null_nodes: u64,
    fetched: &Fetched,
    tried: Try<'_>,
    report: &mut WalkReport,
) -> Option<Shortfall> {
    report.total = plan_total;
    report.short_by = None;
    // A record without a name was met all the same.
    let met = report.seen + report.nameless;
    if !is_split && let [end] = fetched.ends.as_slice() {
        let is_connection = matches!(entity.walk.shape, Shape::Connection { .. });
        report.total = end.total.or(plan_total).or((!is_connection).then_some(met));
        report.started_at = report.started_at.or(end.started_at);
        report.api_ahead = report.api_ahead.or(end.api_ahead);
    }
    if let Some(shortfall) = fetched.ends.iter().find_map(|end| end.incomplete.clone()) {
        return Some(shortfall);
    }
    if null_nodes > 0 {
        let reason = format!("the API gave null for {null_nodes} record(s)");
        return Some(Shortfall::Shifted(reason));
    }
    if let Some(total) = report.total.filter(|total| *total != met) {
        let mut repeats: Vec<String> = fetched.ends.iter().flat_map(|end| end.repeats.clone()).collect();
        repeats.sort_unstable();
        if !repeats.is_empty() && total == met + repeats.len() as u64 && !fetched.counts_changed {
            if tried.repeats != Some(&repeats) {
                return Some(Shortfall::Repeats(repeats));
            }
            report.listed_twice.extend(repeats);
            return None;
        }
        report.short_by = i64::try_from(i128::from(total) - i128::from(met)).ok();
        let reason = format!("the API counts {total} and {met} distinct ids were seen");
        return Some(Shortfall::Shifted(reason));
    }
    if fetched.counts_changed {
        return Some(Shortfall::Shifted("the count changed while walking".to_owned()));
    }
    None
}
