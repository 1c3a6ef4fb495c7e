//! The windows of an attempt, read at the same time.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::Receiver;
use tokio::task::JoinSet;
use tracing::Instrument;

use super::completeness::WindowsOutcome;
use super::split::WindowPlan;
use crate::display::EntityProgress;
use crate::entities::Entity;
use crate::gazelle_to_staging::lanes::StageTwoGate;
use crate::gazelle_to_staging::pages::queue::{PageQueue, QueuedPage};
use crate::gazelle_to_staging::pages::window::{self, WindowEnd};
use crate::gazelle_to_staging::requests::counts;
use crate::gazelle_to_staging::{ApiClients, Fetch, FetchError, Scope, task_error};

/// Pages of a long walk that may wait for staging, to limit memory.
const PAGES_WAITING: usize = 4;

/// The pages of a walk of at most this many records may all wait for staging.
const SHORT_WALK: u64 = 15_000;

/// The running windows of an attempt.
pub(super) struct Windows {
    /// The API's count of the scope before the walk.
    total: Option<u64>,
    /// The API's count of each part before the walk.
    parts: Vec<(Scope, u64)>,
    /// Whether there is more than one window.
    pub(super) are_several: bool,
    /// When the walk started by the API's clock; none if no counts were requested.
    pub(super) started_at: Option<Timestamp>,
    tasks: JoinSet<Result<WindowEnd, FetchError>>,
}

impl Windows {
    /// Starts the windows. The receiver gives their pages.
    pub(super) fn start(
        fetch: &Fetch,
        entity: &'static Entity,
        gate: Option<&StageTwoGate>,
        (mut plan, started_at): (WindowPlan, Option<Timestamp>),
    ) -> (Windows, Receiver<QueuedPage>) {
        let mut windows = Windows {
            total: plan.total,
            parts: std::mem::take(&mut plan.parts),
            are_several: plan.windows.len() > 1,
            started_at,
            tasks: JoinSet::new(),
        };
        // The longest window starts first, so that they end at about the same time. No more windows run than
        // requests are allowed: each holds a page or two, and more would take request slots from the earlier
        // entities, for which this one waits. All pages of a short walk may wait for stage 2, so that no
        // request slot is idle meanwhile.
        let pages_waiting = match plan.total {
            Some(total) if total <= SHORT_WALK => {
                usize::try_from(SHORT_WALK / u64::from(fetch.limits.page_size.max(1)))
                    .map_or(PAGES_WAITING, |pages| pages.max(PAGES_WAITING))
            }
            _ => PAGES_WAITING,
        };
        let (sender, receiver) = PageQueue::new(pages_waiting);
        let pages = fetch.api.client.for_pages(gate.cloned());
        let slots = Arc::new(Semaphore::new(fetch.limits.concurrency.max(1)));
        plan.windows.sort_by_key(|window| std::cmp::Reverse(window.expected));
        for window in plan.windows {
            let api = ApiClients { pages: pages.clone(), ..fetch.api.clone() };
            let fetch = Fetch { api, ..fetch.clone() };
            let (sender, slots) = (sender.clone(), slots.clone());
            let walking = async move {
                let _slot = slots.acquire_owned().await;
                window::walk(&fetch, entity, &window, &sender).await
            };
            windows.tasks.spawn(walking.in_current_span());
        }
        (windows, receiver)
    }

    /// Waits until all windows have ended, then has the API count again. Returns the error of the first window
    /// that failed.
    pub(super) async fn join(
        mut self,
        fetch: &Fetch,
        entity: &Entity,
        scope: Scope,
        progress: &EntityProgress,
    ) -> Result<WindowsOutcome, FetchError> {
        let mut ends = Vec::new();
        let mut failure = None;
        while let Some(joined) = self.tasks.join_next().await {
            match joined {
                Ok(Ok(end)) => ends.push(end),
                // The other windows go on, and their pages are staged.
                Ok(Err(error)) => failure = failure.or(Some(error)),
                Err(error) => failure = failure.or(Some(task_error(error).into())),
            }
        }
        progress.fetched();
        if let Some(error) = failure {
            return Err(error);
        }
        let mut counts_changed = false;
        // A single page cannot have moved records.
        let needs_count = self.total.is_some_and(|total| total > u64::from(fetch.limits.page_size));
        if let Some(total) =
            self.total.filter(|_| needs_count && ends.iter().all(|end| end.incomplete.is_none()))
        {
            let all = [(scope, total)];
            let (scopes, counts): (Vec<Scope>, Vec<u64>) = all.iter().chain(&self.parts).copied().unzip();
            // If the API does not count any more, only the distinct ids are compared.
            let again = counts::count_in_steps(fetch, entity, &scopes).await?;
            counts_changed = again.is_some_and(|(again, _)| again != counts);
        }
        Ok(WindowsOutcome { total: self.total, ends, counts_changed })
    }
}
