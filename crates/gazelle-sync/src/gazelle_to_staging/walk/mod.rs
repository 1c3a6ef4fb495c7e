//! Walking an entity: its windows side by side, what arrives handed to lanes that stage it, and at the end the
//! judgement whether all was seen. Only then does the bookmark move, with the last versions.

mod completeness;
mod days;
pub(crate) mod deferred;
mod plan;
mod report;
mod split;
mod windows;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use self::completeness::{Try, WindowsOutcome, judge};
use self::deferred::{DeferredOutcome, DeferredRecords};
pub use self::report::WalkReport;
use self::split::Plan;
use self::windows::Windows;
use super::by_id::absent;
use super::lanes::{Lanes, Turn};
use super::pages::seen::{PageEnds, SeenIds};
use super::pages::window::Shortfall;
use super::requests::counts;
use super::{Fetch, FetchError, Scope, WalkSpec};
use crate::display::EntityProgress;
use crate::entities::{Entity, Shape};
use crate::gazelle_to_staging::pages::queue::QueuedPage;
use crate::gazelle_to_staging::records::faults::is_about_all;
use crate::source::SourceError;
use crate::staging::listed_twice::{self, Found, ListedTwice};
use crate::staging::versions::Received;

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
    ApiFailing,
}

/// How often the walk is attempted, and how.
struct Retries {
    attempt: u32,
    allowed: u32,
    /// Whether it is divided into windows.
    splits: bool,
    /// The ids that the attempt before, or an earlier run, found listed more than once.
    repeats: Option<Vec<String>>,
    /// Whether `repeats` are those of an earlier run.
    is_known: bool,
    /// Where the pages of the attempt ended that found `repeats`, if it was one of these.
    page_ends: Option<BTreeMap<String, PageEnds>>,
    /// Whether its pages end elsewhere than those of the first attempt.
    ends_pages_elsewhere: bool,
    /// Whether the next attempt is divided into windows as the one before was.
    keeps_windows: bool,
}

/// What the pages of an attempt brought besides records that are staged.
#[derive(Default)]
struct AttemptRecords {
    seen: SeenIds,
    deferred: DeferredRecords,
    null_nodes: u64,
}

impl AttemptRecords {
    /// Takes a page; returns its records, which are to be staged.
    fn take(&mut self, mut page: QueuedPage, report: &mut WalkReport) -> Vec<Received> {
        self.deferred.take(std::mem::take(&mut page.failing));
        self.null_nodes += page.null_nodes;
        self.seen.extend(&page.records);
        page.kept.iter().for_each(|kept| self.seen.add(&kept.external_id));
        report.take_page(&page);
        page.records
    }
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
        let known = if self.spec.scope == Scope::WHOLE { &known.whole } else { &known.days };
        let mut retries = Retries {
            attempt: 0,
            allowed: self.fetch.walk_attempts.max(1),
            splits: true,
            repeats: Some(known.clone()),
            is_known: true,
            page_ends: None,
            ends_pages_elsewhere: false,
            keeps_windows: false,
        };
        while retries.attempt < retries.allowed {
            retries.attempt += 1;
            // A split walk that did not come out even is repeated in one sequence of pages.
            let keeps_windows = std::mem::take(&mut retries.keeps_windows);
            retries.splits &= keeps_windows || retries.attempt < self.fetch.walk_attempts.max(2);
            let tried = Try {
                splits: retries.splits,
                repeats: retries.repeats.as_deref(),
                confirms: retries.page_ends.as_ref(),
                ends_pages_elsewhere: retries.ends_pages_elsewhere,
            };
            match self.attempt(tried, report).await {
                Ok(Attempt::Complete(seen)) => {
                    return self.completed(seen, retries.attempt > 1, report).await;
                }
                Ok(Attempt::ApiFailing) => return Ok(()),
                Ok(Attempt::Short(shortfall)) => {
                    if !self.repeats_after(shortfall, &mut retries, report) {
                        return Ok(());
                    }
                }
                Err(FetchError::Source(error)) => {
                    report.reason = Some(error.to_string());
                    // Windows are an optimisation: without them the API may be able to answer.
                    if !retries.splits || !report.was_split || error.concerns_any_request() {
                        report.failure = Some(error);
                        return Ok(());
                    }
                    let (entity, attempt) = (self.entity.name, retries.attempt);
                    tracing::warn!(entity, attempt, %error, "the walk is repeated without windows");
                    retries.splits = false;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether the walk is repeated after an attempt that did not see all, and why it was not complete.
    fn repeats_after(&self, shortfall: Shortfall, retries: &mut Retries, report: &mut WalkReport) -> bool {
        let (entity, attempt) = (self.entity.name, retries.attempt);
        let reason = match shortfall {
            Shortfall::Endless(reason) => {
                report.reason = Some(reason);
                return false;
            }
            Shortfall::Shifted(reason) => {
                report.reason = Some(reason.clone());
                // As often before: another walk would find the same.
                if report.short_by.is_some() && report.short_by == self.spec.known_shortfall {
                    return false;
                }
                reason
            }
            Shortfall::Repeats(ids) => {
                let reason = format!("the API lists {} record(s) more than once", ids.len());
                report.reason = Some(reason.clone());
                // A second walk tells whether something has shifted, however few are allowed; and whether these are listed twice
                // or only met twice, at the end of one page and at the start of the next, in the place of others.
                retries.ends_pages_elsewhere = !retries.ends_pages_elsewhere;
                if std::mem::take(&mut retries.is_known) {
                    retries.allowed = retries.allowed.max(attempt + 1);
                }
                retries.repeats = Some(ids);
                retries.page_ends = Some(std::mem::take(&mut report.page_ends));
                // In the same windows: the ends of pages of others cannot be compared.
                retries.keeps_windows = true;
                reason
            }
        };
        tracing::warn!(entity, attempt, reason, "the walk is repeated");
        true
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
            let found = absent::look_into(fetch, entity, self.spec, &seen, again).await?;
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
            report.whole_total = counts::count_whole(&fetch.client, entity).await.ok().flatten();
        }
        Ok(())
    }

    /// One attempt: windows are started, their pages staged as they come, what fails is asked for by its id, and all is judged.
    async fn attempt(&self, tried: Try<'_>, report: &mut WalkReport) -> Result<Attempt, FetchError> {
        let (fetch, entity, scope) = (self.fetch, self.entity, self.spec.scope);
        self.progress.restarted();
        let began_at = fetch.clock.database_now();

        // 1. Start.
        let plan = self.plan(tried, began_at, report).await?;
        report.begin_attempt();
        fetch.sizes.of(entity).tally.begin();
        let (windows, mut receiver) = Windows::start(fetch, entity, self.turn.as_ref(), plan);
        report.was_split = windows.are_several;
        report.started_at = windows.started_at;

        // 2. Stage what comes.
        let mut taken = AttemptRecords::default();
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
        let fetched = async { Ok(windows.fetched(fetch, entity, scope, self.progress).await) };
        let ((), mut fetched) = tokio::try_join!(take_in, fetched)?;

        // 3. Ask for what failed.
        let mut of_the_api = None;
        match self.settle_failing(&mut taken, &fetched).await {
            DeferredOutcome::Records(page, failure) => {
                lanes.take(taken.take(page, report)).await?;
                if let Some(error) = failure {
                    fetched = fetched.and(Err(error.into()));
                }
            }
            DeferredOutcome::Api { said, failure } => {
                let failure = fetched.as_ref().err().and_then(source_of).cloned().or(failure);
                of_the_api = Some((said, failure));
            }
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
            return Ok(Attempt::ApiFailing);
        }
        Ok(match judged? {
            None => Attempt::Complete((!began_empty).then_some(taken.seen)),
            Some(shortfall) => Attempt::Short(shortfall),
        })
    }

    /// Looks up the records that the API failed at.
    async fn settle_failing(
        &self,
        taken: &mut AttemptRecords,
        fetched: &Result<WindowsOutcome, FetchError>,
    ) -> DeferredOutcome {
        let breaks_off = match fetched {
            Ok(_) => false,
            Err(FetchError::Source(error)) => is_about_all(error),
            Err(FetchError::Database(_)) => true,
        };
        let deferred = std::mem::take(&mut taken.deferred);
        deferred.settle(self.fetch, self.entity, &mut taken.seen, breaks_off).await
    }

    /// How the walk is divided into windows; and when it started, by the API's clock, where that was asked for counts.
    async fn plan(
        &self,
        tried: Try<'_>,
        began_at: Timestamp,
        report: &mut WalkReport,
    ) -> Result<(Plan, Option<Timestamp>), FetchError> {
        let (fetch, entity, scope) = (self.fetch, self.entity, self.spec.scope);
        let is_connection = matches!(entity.walk.shape, Shape::Connection { .. });
        let (mut plan, started_at) = if is_connection && tried.splits && fetch.concurrency > 1 {
            let today = crate::time::utc_parts(began_at).0;
            let (plan, answer) = plan::plan(fetch, entity, scope, today).await?;
            let read_at = answer.map(|answer| fetch.read_clock(&answer));
            report.api_ahead = read_at.and_then(|read_at| read_at.api_ahead);
            (plan, read_at.map(|read_at| read_at.started_at))
        } else {
            (Plan::sequential(entity, scope), None)
        };
        let confirmed: Arc<[String]> = match tried.confirms {
            Some(_) => tried.repeats.unwrap_or_default().into(),
            None => Arc::default(),
        };
        for window in &mut plan.windows {
            window.confirms = confirmed.clone();
            if tried.ends_pages_elsewhere {
                // The API may give fewer records a page than it is asked for.
                let before = tried.confirms.and_then(|before| before.get(&window.name()));
                let came = before.and_then(PageEnds::first).and_then(|first| u32::try_from(first).ok());
                let page = fetch.sizes.of(entity).page();
                window.first_page = Some((came.map_or(page, |came| came.min(page)) / 3).max(1));
            }
        }
        if let Some(total) = plan.total {
            self.progress.expected(total).expected_pages(plan.pages(u64::from(fetch.page_size)));
        }
        Ok((plan, started_at))
    }
}
