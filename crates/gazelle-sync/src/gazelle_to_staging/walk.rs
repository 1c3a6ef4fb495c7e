//! Walking an entity: its windows side by side, what arrives staged in batches, and at the end the
//! judgement whether all was seen. Only then does the bookmark move, with the last versions.

use std::collections::{BTreeSet, HashSet};

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tracing::Instrument;

use super::absent::{self, AbsentReport};
use super::plan::{self, Plan};
use super::seen::SeenIds;
use super::window::{self, Arrived, Shortfall, WindowEnd};
use super::{Errand, Fetch, FetchError, Scope};
use crate::display::EntityProgress;
use crate::entities::{Entity, Shape};
use crate::source::SourceError;
use crate::staging::versions::{Received, Staged};
use crate::staging::{bookmarks, versions};
use crate::staging_to_production::Supply;

/// Versions a transaction of stage 1.
const STAGING_BATCH: usize = 400;
/// Pages that may wait for staging, so that memory stays bounded.
const PAGES_WAITING: usize = 4;

/// How the walk of an entity went.
#[derive(Debug)]
pub struct WalkReport {
    /// What was walked: `whole`, or days.
    pub walk: String,
    /// Whether every page was reached and the count agrees with the distinct ids seen.
    pub complete: bool,
    /// Why not.
    pub reason: Option<String>,
    /// The error of the API that ended the walk.
    pub failure: Option<SourceError>,
    /// The API's count.
    pub total: Option<u64>,
    /// Distinct ids seen in the last attempt.
    pub seen: u64,
    /// Records received, over all attempts.
    pub fetched: u64,
    /// What staging them came to.
    pub staged: Staged,
    /// Ids that came twice in one page: the API lists them twice, nothing has shifted.
    pub twice_in_a_page: BTreeSet<String>,
    /// When the walk started, by the API's clock where it tells.
    pub started_at: Option<Timestamp>,
    /// What became of the records that a complete walk did not see.
    pub absent: AbsentReport,
}

/// Walks an entity, again when rows shifted, within the attempts allowed. An error of the API ends the
/// walk and is reported in it; an error of the database is returned.
pub async fn walk(
    fetch: &Fetch,
    entity: &'static Entity,
    errand: Errand,
    supply: &watch::Sender<Supply>,
    progress: &EntityProgress,
) -> Result<WalkReport, FetchError> {
    let scope = errand.scope;
    let mut report = WalkReport {
        walk: scope.describe(),
        complete: false,
        reason: None,
        failure: None,
        total: None,
        seen: 0,
        fetched: 0,
        staged: Staged::default(),
        twice_in_a_page: BTreeSet::new(),
        started_at: None,
        absent: AbsentReport::default(),
    };
    for attempt in 1..=fetch.walk_attempts.max(1) {
        // A split walk that did not come out even is repeated in one sequence of pages.
        let splits = attempt < fetch.walk_attempts.max(2);
        match attempt_walk(fetch, entity, errand, splits, supply, progress, &mut report).await {
            Ok(Attempt::Complete(seen)) => {
                report.complete = true;
                report.reason = None;
                look_into_absent(fetch, entity, scope, &seen, attempt > 1, supply, &mut report).await?;
                return Ok(report);
            }
            Ok(Attempt::Short(Shortfall::Shifted(reason))) => {
                tracing::warn!(entity = entity.name, attempt, reason, "the walk is repeated");
                report.reason = Some(reason);
            }
            Ok(Attempt::Short(Shortfall::Endless(reason))) => {
                report.reason = Some(reason);
                return Ok(report);
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
    supply: &watch::Sender<Supply>,
    report: &mut WalkReport,
) -> Result<(), FetchError> {
    match absent::look_into(fetch, entity, scope, seen, fetch.delete_guard, again).await {
        Ok(found) => {
            report.staged += found.staged;
            supply.send_modify(|supply| supply.staged += found.staged.staged + found.tombstones);
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

/// How one attempt ended.
enum Attempt {
    /// All was seen, and the bookmark has moved.
    Complete(SeenIds),
    /// Not all was seen.
    Short(Shortfall),
}

/// One attempt.
async fn attempt_walk(
    fetch: &Fetch,
    entity: &'static Entity,
    errand: Errand,
    splits: bool,
    supply: &watch::Sender<Supply>,
    progress: &EntityProgress,
    report: &mut WalkReport,
) -> Result<Attempt, FetchError> {
    progress.restarted();
    let scope = errand.scope;
    let is_connection = matches!(entity.walk.shape, Shape::Connection { .. });
    let mut started_at = None;
    let plan = if is_connection && splits && fetch.concurrency > 1 {
        let today = crate::time::utc_parts(Timestamp::now()).0;
        let (plan, answer) = plan::plan(fetch, entity, scope, today).await?;
        started_at = Some(answer.server_date.unwrap_or(answer.started_at));
        plan
    } else {
        Plan::sequential(entity, scope)
    };
    if let Some(total) = plan.total {
        progress.expected(total);
    }

    let (sender, mut receiver) = mpsc::channel::<Arrived>(PAGES_WAITING);
    let mut windows: JoinSet<Result<WindowEnd, FetchError>> = JoinSet::new();
    let is_split = plan.windows.len() > 1;
    for window in plan.windows {
        let (fetch, sender) = (fetch.clone(), sender.clone());
        let walking = async move { window::walk(&fetch, entity, &window, &sender).await };
        windows.spawn(walking.in_current_span());
    }
    drop(sender);

    let mut seen = SeenIds::default();
    let mut stager = Stager { fetch, entity, supply, progress, waiting: Vec::new() };
    let mut null_nodes = 0;
    while let Some(page) = receiver.recv().await {
        report.fetched += page.records.len() as u64;
        null_nodes += page.null_nodes;
        progress.page(page.records.len() as u64);
        seen.extend(&page.records);
        note_twice(&page.records, &mut report.twice_in_a_page);
        stager.waiting.extend(page.records);
        if stager.waiting.len() >= STAGING_BATCH || receiver.is_empty() {
            report.staged += stager.stage(None).await?;
        }
    }
    let mut ends = Vec::new();
    while let Some(joined) = windows.join_next().await {
        match joined {
            Ok(end) => ends.push(end?),
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }
    progress.fetched();

    report.seen = seen.count();
    if !is_split && let [end] = ends.as_slice() {
        report.total = end.total.or(plan.total).or((!is_connection).then_some(report.seen));
        started_at = started_at.or(end.started_at);
    } else {
        report.total = plan.total;
    }
    report.started_at = started_at;
    if let Some(shortfall) = ends.iter().find_map(|end| end.incomplete.clone()) {
        return Ok(Attempt::Short(shortfall));
    }
    if null_nodes > 0 {
        return Ok(Attempt::Short(Shortfall::Shifted(format!(
            "the API gave null for {null_nodes} record(s)"
        ))));
    }
    if let Some(total) = report.total.filter(|total| *total != report.seen) {
        let reason = format!("the API counts {total} and {} distinct ids were seen", report.seen);
        return Ok(Attempt::Short(Shortfall::Shifted(reason)));
    }
    if is_split {
        // What moved between windows shows in the count of the whole, or in the ids seen.
        let (counts, _) = plan::count(&fetch.client, entity, &[scope]).await?;
        if counts.first().copied() != report.total {
            return Ok(Attempt::Short(Shortfall::Shifted("the count changed while walking".to_owned())));
        }
    }
    let moves = errand.moves_bookmark && report.seen >= errand.credible;
    let started_at = report.started_at.unwrap_or_else(Timestamp::now);
    report.staged += stager.stage(moves.then_some((started_at, report.walk.as_str()))).await?;
    Ok(Attempt::Complete(seen))
}

/// Notes the ids that a page holds more than once.
fn note_twice(records: &[Received], twice: &mut BTreeSet<String>) {
    let mut ids: HashSet<&str> = HashSet::with_capacity(records.len());
    let again = records.iter().filter(|record| !ids.insert(&record.external_id));
    twice.extend(again.map(|record| record.external_id.clone()));
}

/// Stages what arrived, a transaction a batch.
struct Stager<'a> {
    fetch: &'a Fetch,
    entity: &'static Entity,
    supply: &'a watch::Sender<Supply>,
    progress: &'a EntityProgress,
    waiting: Vec<Received>,
}

impl Stager<'_> {
    /// Stages all that waits, and moves the bookmark in the same transaction when the walk is complete.
    async fn stage(&mut self, bookmark: Option<(Timestamp, &str)>) -> Result<Staged, FetchError> {
        if self.waiting.is_empty() && bookmark.is_none() {
            return Ok(Staged::default());
        }
        let mut connection = self.fetch.db.connection().await?;
        let tx = connection.begin().await?;
        self.fetch.fence.check(&tx).await?;
        let mut staged = Staged::default();
        for batch in self.waiting.chunks(STAGING_BATCH) {
            staged += versions::stage(&tx, self.entity, self.fetch.run_id, batch).await?;
        }
        if let Some((walk_started_at, walk)) = bookmark {
            bookmarks::advance(&tx, self.entity, walk_started_at, walk, self.fetch.run_id).await?;
        }
        tx.commit().await?;
        self.waiting.clear();
        self.progress.staged(staged.staged);
        self.supply.send_modify(|supply| supply.staged += staged.staged);
        Ok(staged)
    }
}
