//! Walks an entity: reads its windows at the same time, passes their pages to lanes that stage them, and judges
//! at the end whether every record was seen. Only then does the bookmark move, in the transaction of the last versions.

mod completeness;
mod days;
pub(crate) mod deferred;
mod plan;
mod report;
mod retries;
mod split;
mod windows;

use std::sync::Arc;

use jiff::Timestamp;

use self::completeness::{AttemptOptions, WindowsOutcome, judge};
use self::deferred::{DeferredOutcome, DeferredRecords, ListsEnd};
pub use self::report::{WalkReport, WholeList};
use self::retries::Retries;
use self::split::WindowPlan;
use self::windows::Windows;
use super::by_id::absent;
use super::lanes::{Lanes, StageTwoGate};
use super::pages::seen::SeenIds;
use super::pages::window::Shortfall;
use super::requests::counts;
use super::{Fetch, FetchError, Scope, WalkSpec};
use crate::display::EntityProgress;
use crate::entities::{ApiList, Entity};
use crate::gazelle_to_staging::pages::queue::QueuedPage;
use crate::gazelle_to_staging::records::faults::concerns_all_records;
use crate::source::SourceError;
use crate::staging::notes::listed_twice::{self, ListedTwice, WalkDuplicates};
use crate::staging::versions::Received;

/// Walks an entity, and repeats the walk if records moved meanwhile, up to the allowed attempts. An error of
/// the API ends the walk and is in the report.
///
/// # Errors
/// Errors of the database.
pub async fn walk(
    fetch: &Fetch,
    entity: &'static Entity,
    spec: WalkSpec,
    gate: Option<StageTwoGate>,
    progress: &EntityProgress,
) -> Result<WalkReport, FetchError> {
    fetch.sizes.for_entity(entity).begin_walk();
    let mut report = WalkReport::new(spec.scope);
    let known = listed_twice::read(&fetch.run.db, entity).await?;
    report.reported_before.clone_from(&known.reported);
    WalkContext { fetch, entity, spec, gate, progress }.attempts(&known, &mut report).await?;
    let found = WalkDuplicates {
        is_whole: spec.scope == Scope::WHOLE,
        is_complete: report.complete,
        counted: &report.counted_twice,
        held: &report.listed_twice,
    };
    let now_known = known.after(found);
    if now_known != known {
        let mut connection = fetch.run.db.connection().await?;
        let tx = fetch.run.fence.begin(&mut connection).await?;
        listed_twice::note(&tx, entity, &now_known).await?;
        tx.commit().await?;
    }
    Ok(report)
}

/// A walk of an entity.
struct WalkContext<'a> {
    fetch: &'a Fetch,
    entity: &'static Entity,
    spec: WalkSpec,
    gate: Option<StageTwoGate>,
    progress: &'a EntityProgress,
}

/// How one attempt ended.
enum Attempt {
    /// Every record was seen, and the bookmark has moved if the walk may move it. With the ids seen; none if
    /// the database held nothing of the entity before, so that nothing can be absent.
    Complete(Option<SeenIds>),
    /// Not every record was seen.
    Incomplete(Shortfall),
    /// The API fails at most records. Another attempt would fail too.
    ApiFailing,
}

/// What the pages of an attempt brought, besides the records that are staged at once.
#[derive(Default)]
struct AttemptRecords {
    seen: SeenIds,
    deferred: DeferredRecords,
    null_nodes: u64,
}

impl AttemptRecords {
    /// Adds a page and returns its records, which are to be staged.
    fn take(&mut self, mut page: QueuedPage, report: &mut WalkReport) -> Vec<Received> {
        self.deferred.take(std::mem::take(&mut page.failing));
        self.null_nodes += page.null_nodes;
        self.seen.extend(&page.records);
        page.kept.iter().for_each(|kept| self.seen.add(&kept.external_id));
        report.take_page(&page);
        page.records
    }
}

/// The API's error, if it is one.
fn source_of(error: &FetchError) -> Option<&SourceError> {
    match error {
        FetchError::Source(error) => Some(error),
        FetchError::Database(_) => None,
    }
}

impl WalkContext<'_> {
    /// Attempts the walk until it is complete, or another attempt would not help.
    async fn attempts(&self, known: &ListedTwice, report: &mut WalkReport) -> Result<(), FetchError> {
        let known = if self.spec.scope == Scope::WHOLE { &known.whole } else { &known.days };
        let mut retries = Retries::new(self.fetch.limits.walk_attempts, known.clone());
        while retries.attempt < retries.allowed {
            retries.attempt += 1;
            // The last attempt is one sequence of pages, in which fewer records can move unseen than between
            // windows.
            let keeps_windows = std::mem::take(&mut retries.keeps_windows);
            retries.splits &= keeps_windows || retries.attempt < self.fetch.limits.walk_attempts.max(2);
            let options = AttemptOptions {
                splits: retries.splits,
                repeats: retries.repeats.as_deref(),
                confirms: retries.page_ends.as_ref(),
                ends_pages_elsewhere: retries.ends_pages_elsewhere,
            };
            match self.attempt(options, report).await {
                Ok(Attempt::Complete(seen)) => {
                    return self.completed(seen, retries.attempt > 1, report).await;
                }
                Ok(Attempt::ApiFailing) => return Ok(()),
                Ok(Attempt::Incomplete(shortfall)) => {
                    let known = self.spec.known_shortfall;
                    let Some(reason) = retries.repeats_after(shortfall, known, report) else {
                        return Ok(());
                    };
                    let (entity, attempt) = (self.entity.name, retries.attempt);
                    tracing::warn!(entity, attempt, reason, "the walk is repeated");
                }
                Err(FetchError::Source(error)) => {
                    // What the attempt before was short by says nothing about this one.
                    (report.reason, report.short_by) = (Some(error.to_string()), None);
                    // Windows are an optimisation: the API may be able to answer without them.
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

    /// Finishes a complete walk: looks up the records that it did not see. If the API fails, the next run looks
    /// up the rest.
    async fn completed(
        &self,
        seen: Option<SeenIds>,
        had_earlier_attempt: bool,
        report: &mut WalkReport,
    ) -> Result<(), FetchError> {
        let (fetch, entity, scope) = (self.fetch, self.entity, self.spec.scope);
        report.complete = true;
        report.reason = None;
        if scope == Scope::WHOLE {
            fetch.sizes.for_entity(entity).lookup_turns.note_all_listed();
        }
        // Without ids seen there is nothing absent. A record whose id the API does not give may be any of the
        // absent ones.
        if let Some(seen) = seen.filter(|_| report.nameless == 0) {
            let absent_report =
                absent::look_up_absent(fetch, entity, self.spec, &seen, had_earlier_attempt).await?;
            report.done.staged += absent_report.staged;
            report.done.left += absent_report.staged.staged + absent_report.tombstones;
            report.note_faulty(&absent_report.faulty);
            report.refused.extend(absent_report.refused.clone());
            // An error about the absent records alone is reported with them.
            report.failure = absent_report.failure.clone().filter(concerns_all_records);
            report.absent = absent_report;
        }
        if report.seen == 0 && scope != Scope::WHOLE {
            report.whole_list = match counts::count_whole(&fetch.api.client, entity).await {
                Ok(Some(total)) => WholeList::Counts(total),
                Ok(None) => WholeList::Lists,
                Err(error) => WholeList::Refused(error),
            };
        }
        Ok(())
    }

    /// Makes one attempt: starts the windows, stages their pages, looks up the records that failed, and judges
    /// the result.
    async fn attempt(
        &self,
        options: AttemptOptions<'_>,
        report: &mut WalkReport,
    ) -> Result<Attempt, FetchError> {
        let (fetch, entity, scope) = (self.fetch, self.entity, self.spec.scope);
        self.progress.restarted();
        let began_at = fetch.run.clock.database_now();

        // 1. Start the windows.
        let plan = self.plan(options, began_at, report).await?;
        report.begin_attempt();
        fetch.sizes.for_entity(entity).tally.begin_walk();
        let (windows, mut receiver) = Windows::start(fetch, entity, self.gate.as_ref(), plan);
        report.was_split = windows.are_several;
        report.started_at = windows.started_at;

        // 2. Stage the pages.
        let mut taken = AttemptRecords::default();
        let mut lanes = Lanes::open(fetch, entity, self.gate.clone(), self.progress);
        let take_in = async {
            while let Some(page) = lanes.next(&mut receiver).await? {
                self.progress.page(page.records.len() as u64);
                let records = taken.take(page, report);
                lanes.take(records).await?;
            }
            Ok::<(), FetchError>(())
        };
        // Concurrently: the API counts again right after its last page, not after that page has been staged.
        let fetched = async { Ok(windows.join(fetch, entity, scope, self.progress).await) };
        let ((), mut fetched) = tokio::try_join!(take_in, fetched)?;

        // 3. Look up the records that failed.
        let (found, api_at_fault) = self.settle_failing(&mut taken, &mut fetched, report).await;
        lanes.take(found).await?;
        report.seen = taken.seen.count();

        // 4. Judge whether the walk was complete.
        let judged = fetched.map(|fetched| judge(entity, &fetched, taken.null_nodes, options, report));
        // Everything received is staged in any case. Only a complete walk moves the bookmark.
        let is_complete = matches!(judged, Ok(None)) && api_at_fault.is_none();
        let moves = is_complete && self.spec.moves_bookmark && report.seen >= self.spec.credible;
        let bookmark = (report.started_at.unwrap_or(began_at), report.walk.as_str());
        let began_empty = lanes.began_empty();
        let (done, refused) = lanes.finish(moves.then_some(bookmark)).await?;
        report.done += done;
        report.refused = refused;
        if let Some((said, failure)) = api_at_fault {
            (report.short_by, report.failure) = (None, failure);
            report.fails_at_most_records = fetch.sizes.for_entity(entity).tally.fails_at_most_records(0);
            report.reason = Some(said);
            return Ok(Attempt::ApiFailing);
        }
        Ok(match judged? {
            None => Attempt::Complete((!began_empty).then_some(taken.seen)),
            Some(shortfall) => Attempt::Incomplete(shortfall),
        })
    }

    /// Looks up the records that failed. Returns those to stage; and, where the API is at fault instead, what is to be said.
    /// An error that ends the lookups is noted in `fetched`.
    async fn settle_failing(
        &self,
        taken: &mut AttemptRecords,
        fetched: &mut Result<WindowsOutcome, FetchError>,
        report: &mut WalkReport,
    ) -> (Vec<Received>, Option<(String, Option<SourceError>)>) {
        let error = fetched.as_ref().err().and_then(source_of).cloned();
        let end = match (&fetched, &error) {
            (Ok(_), _) => ListsEnd::Reached,
            (Err(_), Some(error)) if !concerns_all_records(error) => ListsEnd::Failed,
            (Err(_), _) => ListsEnd::BrokenOff,
        };
        let deferred = std::mem::take(&mut taken.deferred);
        match deferred.settle(self.fetch, self.entity, &mut taken.seen, end).await {
            DeferredOutcome::Records(page, failure) => {
                let records = taken.take(page, report);
                if let Some(failure) = failure.filter(|_| fetched.is_ok()) {
                    *fetched = Err(failure.into());
                }
                (records, None)
            }
            // Without windows, whose filters may cost too much, the API may be able to answer.
            DeferredOutcome::ApiAtFault { .. }
                if report.was_split && error.as_ref().is_some_and(SourceError::is_over_limit) =>
            {
                (Vec::new(), None)
            }
            DeferredOutcome::ApiAtFault { said, failure } => (Vec::new(), Some((said, error.or(failure)))),
        }
    }

    /// Splits the walk into windows. Also returns when the walk started by the API's clock; none if no counts
    /// were requested.
    async fn plan(
        &self,
        options: AttemptOptions<'_>,
        began_at: Timestamp,
        report: &mut WalkReport,
    ) -> Result<(WindowPlan, Option<Timestamp>), FetchError> {
        let (fetch, entity, scope) = (self.fetch, self.entity, self.spec.scope);
        let is_connection = matches!(entity.walk.shape, ApiList::Connection { .. });
        let (mut plan, started_at) = if is_connection && options.splits && fetch.limits.concurrency > 1 {
            let today = crate::time::utc_parts(began_at).0;
            let (plan, answer) = plan::plan(fetch, entity, scope, today).await?;
            let read_at = answer.map(|answer| fetch.read_clock(&answer));
            report.api_ahead = read_at.and_then(|read_at| read_at.api_ahead);
            (plan, read_at.map(|read_at| read_at.started_at))
        } else {
            (WindowPlan::sequential(entity, scope), None)
        };
        let confirmed: Arc<[String]> = match options.confirms {
            Some(_) => options.repeats.unwrap_or_default().into(),
            None => Arc::default(),
        };
        for window in &mut plan.windows {
            window.confirms = confirmed.clone();
            // From the end of a list there is one page, which must have all that it is for.
            if options.ends_pages_elsewhere && window.undated.is_none() {
                let before = options.confirms.and_then(|before| before.get(&window.name()));
                window.first_page =
                    Some(plan::other_first_page(fetch.sizes.for_entity(entity).page(), before));
            }
        }
        if let Some(total) = plan.total {
            self.progress.expected(total).expected_pages(plan.pages(u64::from(fetch.limits.page_size)));
        }
        Ok((plan, started_at))
    }
}
