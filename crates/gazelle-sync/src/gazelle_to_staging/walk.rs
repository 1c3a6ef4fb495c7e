//! Walking an entity: its windows side by side, what arrives handed to lanes that stage it, and at the end the
//! judgement whether all was seen. Only then does the bookmark move, with the last versions.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::Receiver;
use tokio::task::JoinSet;
use tracing::Instrument;

use super::absent;
use super::alone::is_about_all;
use super::completeness::{Fetched, Try, judge};
use super::held_back::{HeldBack, Settled};
use super::lanes::{Lanes, Turn};
use super::plan::{self, Plan};
use super::seen::SeenIds;
pub use super::walk_report::WalkReport;
use super::window::{self, Arrived, Outlet, Shortfall, WindowEnd};
use super::{Fetch, FetchError, Scope, WalkSpec, broken_off};
use crate::display::EntityProgress;
use crate::entities::{Entity, Shape};
use crate::source::SourceError;
use crate::staging::listed_twice::{self, Found, ListedTwice};
use crate::staging::versions::Received;

/// Pages of a long walk that may wait for staging, so that memory stays bounded.
const PAGES_WAITING: usize = 4;

/// A walk of at most this many records is buffered in memory as a whole.
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
    fetch.sizes.of(entity).begin_walk();
    let mut report = WalkReport::new(spec.scope);
    let known = listed_twice::read(&fetch.db, entity).await?;
    report.told_twice.clone_from(&known.told);
    Walk { fetch, entity, spec, turn, progress }.attempts(&known, &mut report).await?;
    let found = Found {
        is_whole: spec.scope == Scope::WHOLE,
        is_complete: report.complete,
        counted: &report.counted_twice,
        held: &report.listed_twice,
    };
    let now_known = known.after(found);
    if now_known != known {
        let mut connection = fetch.db.connection().await?;
        let tx = fetch.fence.begin(&mut connection).await?;
        listed_twice::note(&tx, entity, &now_known).await?;
        tx.commit().await?;
    }
    Ok(report)
}

/// A walk of an entity.
struct Walk<'a> {
    fetch: &'a Fetch,
    entity: &'static Entity,
    spec: WalkSpec,
    turn: Option<Turn>,
    progress: &'a EntityProgress,
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

/// What the pages of an attempt brought besides records that are staged.
#[derive(Default)]
struct Taken {
    seen: SeenIds,
    held_back: HeldBack,
    null_nodes: u64,
}

impl Taken {
    /// Takes a page; returns its records, which are to be staged.
    fn take(&mut self, mut page: Arrived, report: &mut WalkReport) -> Vec<Received> {
        self.held_back.take(std::mem::take(&mut page.failing));
        self.null_nodes += page.null_nodes;
        self.seen.extend(&page.records);
        page.held.iter().for_each(|held| self.seen.add(&held.external_id));
        report.take_page(&page);
        page.records
    }
}

/// The windows of an attempt under way.
struct Windows {
    /// The API's count of all before the walk.
    total: Option<u64>,
    /// And of each part.
    parts: Vec<(Scope, u64)>,
    /// Whether there are several.
    are_several: bool,
    /// When the walk started, by the API's clock, where it was asked for counts.
    started_at: Option<Timestamp>,
    tasks: JoinSet<Result<WindowEnd, FetchError>>,
}

/// The API's error, where it is one.
fn source_of(error: &FetchError) -> Option<&SourceError> {
    match error {
        FetchError::Source(error) => Some(error),
        FetchError::Database(_) => None,
    }
}

impl Walk<'_> {
    /// Attempts the walk until it is complete, or another attempt would not help.
    async fn attempts(&self, known: &ListedTwice, report: &mut WalkReport) -> Result<(), FetchError> {
        let Walk { fetch, entity, spec, .. } = *self;
        let mut splits = true;
        let mut allowed = fetch.walk_attempts.max(1);
        let known = if spec.scope == Scope::WHOLE { &known.whole } else { &known.days };
        let mut repeats = Some(known.clone());
        let mut is_known = true;
        let mut attempt = 0;
        while attempt < allowed {
            attempt += 1;
            // A split walk that did not come out even is repeated in one sequence of pages.
            splits &= attempt < fetch.walk_attempts.max(2);
            let tried = Try { splits, repeats: repeats.as_deref() };
            match self.attempt(tried, report).await {
                Ok(Attempt::Complete(seen)) => return self.completed(seen, attempt > 1, report).await,
                Ok(Attempt::Short(Shortfall::Shifted(reason))) => {
                    report.reason = Some(reason);
                    // As often before: another walk would find the same.
                    if report.short_by.is_some() && report.short_by == spec.known_shortfall {
                        return Ok(());
                    }
                    tracing::warn!(
                        entity = entity.name,
                        attempt,
                        reason = report.reason,
                        "the walk is repeated"
                    );
                }
                Ok(Attempt::Short(Shortfall::Repeats(ids))) => {
                    let reason = format!("the API lists {} record(s) more than once", ids.len());
                    tracing::warn!(entity = entity.name, attempt, reason, "the walk is repeated");
                    report.reason = Some(reason);
                    // A second walk tells whether something has shifted, however few are allowed.
                    if std::mem::take(&mut is_known) {
                        allowed = allowed.max(attempt + 1);
                    }
                    repeats = Some(ids);
                }
                Ok(Attempt::Short(Shortfall::Endless(reason))) => {
                    report.reason = Some(reason);
                    return Ok(());
                }
                Ok(Attempt::OfTheApi) => return Ok(()),
                // Windows are an optimisation: without them the API may be able to answer.
                Err(FetchError::Source(error))
                    if splits && report.was_split && !error.concerns_any_request() =>
                {
                    tracing::warn!(entity = entity.name, attempt, %error, "the walk is repeated without windows");
                    report.reason = Some(error.to_string());
                    splits = false;
                }
                Err(FetchError::Source(error)) => {
                    report.reason = Some(error.to_string());
                    report.failure = Some(error);
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// What follows a complete walk: what it did not see is looked into. An error of the API leaves the rest of that for the next
    /// run.
    async fn completed(
        &self,
        seen: Option<SeenIds>,
        again: bool,
        report: &mut WalkReport,
    ) -> Result<(), FetchError> {
        let (fetch, entity, scope) = (self.fetch, self.entity, self.spec.scope);
        report.complete = true;
        report.reason = None;
        if scope == Scope::WHOLE {
            fetch.sizes.of(entity).turns.have_listed_all();
        }
        // Where nothing was before, all that is there was seen. A record without a name may be any that was not seen.
        if let Some(seen) = seen.filter(|_| report.nameless == 0) {
            let found = absent::look_into(fetch, entity, scope, &seen, again).await?;
            report.done.staged += found.staged;
            report.done.left += found.staged.staged + found.tombstones;
            report.note_faulty(&found.faulty);
            report.refused.extend(found.refused.clone());
            // One that is about those records alone is told with them.
            report.failure = found.failure.clone().filter(is_about_all);
            report.absent = found;
        }
        if report.seen == 0 && scope != Scope::WHOLE {
            // Only for the verdict, which goes without where the API does not tell.
            report.whole_total = plan::count_whole(&fetch.client, entity).await.ok().flatten();
        }
        Ok(())
    }

    /// One attempt: windows are started, their pages staged as they come, what fails is asked for by its id, and all is judged.
    async fn attempt(&self, tried: Try<'_>, report: &mut WalkReport) -> Result<Attempt, FetchError> {
        let (fetch, entity) = (self.fetch, self.entity);
        self.progress.restarted();
        let began_at = fetch.clock.database_now();

        // 1. Start.
        let plan = self.plan(tried.splits, began_at, report).await?;
        report.begin_attempt();
        fetch.sizes.of(entity).tally.begin();
        let (windows, mut receiver) = self.start(plan);
        report.was_split = windows.are_several;
        report.started_at = windows.started_at;

        // 2. Stage what comes.
        let mut taken = Taken::default();
        let mut lanes = Lanes::open(fetch, entity, self.turn.clone(), self.progress);
        let take_in = async {
            while let Some(page) = lanes.next(&mut receiver).await? {
                self.progress.page(page.records.len() as u64);
                let records = taken.take(page, report);
                lanes.take(records).await?;
            }
            Ok::<(), FetchError>(())
        };
        // The API is asked for the last time when it has given its last page, not when that has been staged.
        let fetched = async { Ok(self.fetched(windows).await) };
        let ((), mut fetched) = tokio::try_join!(take_in, fetched)?;

        // 3. Ask for what failed.
        let breaks_off = match &fetched {
            Ok(_) => false,
            Err(FetchError::Source(error)) => is_about_all(error),
            Err(FetchError::Database(_)) => true,
        };
        let mut of_the_api = None;
        let held_back = std::mem::take(&mut taken.held_back);
        match held_back.settle(fetch, entity, &mut taken.seen, breaks_off).await {
            Ok(Settled::Records(page)) => lanes.take(taken.take(page, report)).await?,
            Ok(Settled::Api { said, failure }) => {
                let failure = fetched.as_ref().err().and_then(source_of).cloned().or(failure);
                of_the_api = Some((said, failure));
            }
            Err(error) => fetched = fetched.and(Err(error.into())),
        }
        report.seen = taken.seen.count();

        // 4. Judge.
        let judged = fetched.map(|fetched| judge(entity, &fetched, taken.null_nodes, tried, report));
        // What was received is staged in any case; only a complete walk moves the bookmark.
        let is_complete = matches!(judged, Ok(None)) && of_the_api.is_none();
        let moves = is_complete && self.spec.moves_bookmark && report.seen >= self.spec.credible;
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
            None => Attempt::Complete((!began_empty).then_some(taken.seen)),
            Some(shortfall) => Attempt::Short(shortfall),
        })
    }

    /// How the walk is divided into windows; and when it started, by the API's clock, where that was asked for counts.
    async fn plan(
        &self,
        splits: bool,
        began_at: Timestamp,
        report: &mut WalkReport,
    ) -> Result<(Plan, Option<Timestamp>), FetchError> {
        let (fetch, entity, scope) = (self.fetch, self.entity, self.spec.scope);
        let is_connection = matches!(entity.walk.shape, Shape::Connection { .. });
        let (plan, started_at) = if is_connection && splits && fetch.concurrency > 1 {
            let today = crate::time::utc_parts(began_at).0;
            let (plan, answer) = plan::plan(fetch, entity, scope, today).await?;
            let read_at = answer.map(|answer| fetch.read_clock(&answer));
            report.api_ahead = read_at.and_then(|read_at| read_at.api_ahead);
            (plan, read_at.map(|read_at| read_at.started_at))
        } else {
            (Plan::sequential(entity, scope), None)
        };
        if let Some(total) = plan.total {
            self.progress.expected(total).expected_pages(plan.pages(u64::from(fetch.page_size)));
        }
        Ok((plan, started_at))
    }

    /// Starts the windows. Their pages come out of the receiver.
    fn start(&self, (mut plan, started_at): (Plan, Option<Timestamp>)) -> (Windows, Receiver<Arrived>) {
        let (fetch, entity) = (self.fetch, self.entity);
        let mut windows = Windows {
            total: plan.total,
            parts: std::mem::take(&mut plan.parts),
            are_several: plan.windows.len() > 1,
            started_at,
            tasks: JoinSet::new(),
        };
        // The longest first, so that they end together. No more at a time than can be asked for: each holds a page or
        // two, and more would take the request slots from the entities before, whose end this one waits for. All of a
        // short walk may wait for its turn, so that no slot is idle until then.
        let pages_waiting = match plan.total {
            Some(total) if total <= SHORT_WALK => {
                usize::try_from(SHORT_WALK / u64::from(fetch.page_size.max(1)))
                    .map_or(PAGES_WAITING, |pages| pages.max(PAGES_WAITING))
            }
            _ => PAGES_WAITING,
        };
        let (sender, receiver) = Outlet::new(pages_waiting);
        let pages = fetch.client.for_pages(self.turn.clone());
        let slots = Arc::new(Semaphore::new(fetch.concurrency.max(1)));
        plan.windows.sort_by_key(|window| std::cmp::Reverse(window.expected));
        for window in plan.windows {
            let fetch = Fetch { pages: pages.clone(), ..fetch.clone() };
            let (sender, slots) = (sender.clone(), slots.clone());
            let walking = async move {
                let _slot = slots.acquire_owned().await;
                window::walk(&fetch, entity, &window, &sender).await
            };
            windows.tasks.spawn(walking.in_current_span());
        }
        (windows, receiver)
    }

    /// Waits for all windows to end, and has the API count again; the error is that of the first that failed.
    async fn fetched(&self, mut windows: Windows) -> Result<Fetched, FetchError> {
        let fetch = self.fetch;
        let mut ends = Vec::new();
        let mut failure = None;
        while let Some(joined) = windows.tasks.join_next().await {
            match joined {
                Ok(Ok(end)) => ends.push(end),
                // The other windows go on: what they bring is kept.
                Ok(Err(error)) => failure = failure.or(Some(error)),
                Err(error) => failure = failure.or(Some(broken_off(error).into())),
            }
        }
        self.progress.fetched();
        if let Some(error) = failure {
            return Err(error);
        }
        let mut counts_changed = false;
        // One page is of one moment.
        let needs_count = windows.total.is_some_and(|total| total > u64::from(fetch.page_size));
        if let Some(total) =
            windows.total.filter(|_| needs_count && ends.iter().all(|end| end.incomplete.is_none()))
        {
            let all = [(self.spec.scope, total)];
            let (scopes, counts): (Vec<Scope>, Vec<u64>) = all.iter().chain(&windows.parts).copied().unzip();
            // Where the API does not count any more, the distinct ids are all that tells.
            let again = plan::count_in_steps(fetch, self.entity, &scopes).await?;
            counts_changed = again.is_some_and(|(again, _)| again != counts);
        }
        Ok(Fetched { total: windows.total, ends, counts_changed })
    }
}
