//! The five steps of a run between its start and its end: plan the walks, start them, follow them with stage 2,
//! collect their reports, and judge the result.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::Instrument;

use super::counts::EntityCounts;
use super::inline::InlineReconciler;
use super::job::{Job, LeasedRun};
use super::missing_parents::{self, FetchedParents, Parents};
use super::scope::{self, Clocks};
use super::stages::{self, EndedWalk, PlannedWalk, RunningWalk};
use super::verdicts::WalkVerdicts;
use super::{judge, left_out, unread};
use crate::config::Settings;
use crate::db::{Db, DbError};
use crate::display::Progress;
use crate::drift::{self, Drift};
use crate::gazelle_to_staging::requests::sizes::AllSizes;
use crate::gazelle_to_staging::walk::WholeList;
use crate::gazelle_to_staging::{Fetch, FetchError, Scope, WalkSpec};
use crate::run_log::report::{RunReport, RunWarning, RunWarningCode, Status};
use crate::run_log::{forget_runs, runs};
use crate::source::{ErrorClass, GazelleClient};
use crate::staging_to_production::{Gaps, LeftPending, Reconciliation};
use crate::stop;

/// The context that all steps of a run share.
pub(super) struct Run<'a> {
    pub(super) db: &'a Db,
    pub(super) settings: &'a Settings,
    pub(super) job: &'a Job,
    pub(super) leased: &'a LeasedRun,
    pub(super) progress: &'a Progress,
}

/// The walks of a run, in the order of the job, and what the bookmarks say about clocks.
#[derive(Default)]
struct RunPlan {
    walks: Vec<PlannedWalk>,
    clocks: Clocks,
}

impl Run<'_> {
    /// Executes the run. A job without stage 1 needs no client.
    ///
    /// # Errors
    /// The database's; errors of the API are in the report.
    pub(super) async fn execute(&self, client: Option<GazelleClient>) -> Result<RunReport, DbError> {
        let gaps = self.gaps().await?;
        let sizes = Arc::new(AllSizes::load(self.db, self.settings.page_size, self.job.mode).await?);
        let client = client.filter(|_| self.job.stages.fetch());
        let fetch = client.map(|client| self.fetch(client, &sizes, &gaps));
        let reconciliation = self.reconciliation(&gaps);
        let mut report = RunReport::new(self.leased.run_id, None, Vec::new(), Duration::ZERO);
        let mut counts = EntityCounts::new(&self.job.entities);

        // 1. Plan. If the API's schema lacks fields that the tables are made of, nothing is walked.
        let drift = self.drift(fetch.as_ref()).await?;
        report.warnings = drift.warnings;
        if !drift.missing.is_empty() {
            drift.missing.into_iter().for_each(|missing| report.note(Status::Failed, missing));
            report.entities = counts.into_entities();
            return Ok(report);
        }
        let mut plan = self.plan(fetch.as_ref()).await?;

        // 2. Start.
        let mut walks = self.start(fetch.as_ref(), &plan, &gaps);

        // 3. Follow.
        let is_done = self.follow(&reconciliation, &mut walks, &mut counts).await?;

        // 4. Collect.
        let walked = stages::collect(walks).await?;

        // 5. Judge.
        let readable = walked.iter().filter_map(|(_, walked)| walked.report.as_ref().ok());
        plan.clocks.note_walks(readable);
        report.warnings.extend(plan.clocks.warnings(&self.leased.clock));
        report.warnings.extend(crate::additions::warnings(self.db).await?);
        let mut judged = self.judge_walks(&mut report, &mut counts, walked).await?;
        judged.interrupted |= !is_done;
        judge::judge_failures(&mut report, judged.has_no_list(plan.walks.len()), &judged.failures);
        judge::warn_of_limits(&mut report, &sizes, &judged.failures);
        sizes.save(self.db, self.leased.lease.fence()).await?;
        if let Some(fetch) = fetch.as_ref().filter(|_| self.job.stages.reconcile())
            && judged.lets_ask_by_id(plan.walks.len())
        {
            judged.interrupted |=
                !self.fetch_missing_parents(fetch, &reconciliation, &mut report, &mut counts).await?;
        }
        let left = reconciliation.left.reasons();
        left.into_iter().for_each(|reason| report.note(Status::Partial, reason));
        report.entities = counts.into_entities();
        report.add_up();
        self.conclude(&mut report, &judged, &gaps).await?;
        Ok(report)
    }

    /// What the run cannot read, as far as that is known before it starts.
    async fn gaps(&self) -> Result<Arc<Gaps>, DbError> {
        let gaps: Arc<Gaps> = Arc::default();
        let walked: &[_] = if self.job.stages.fetch() { &self.job.entities } else { &[] };
        unread::note_unlisted_before(self.db, &gaps.unread, walked, self.leased.run_id).await?;
        Ok(gaps)
    }

    /// Stage 1 of the run, with the stage 2 that reconciles a batch as it is staged.
    fn fetch(&self, client: GazelleClient, sizes: &Arc<AllSizes>, gaps: &Arc<Gaps>) -> Fetch {
        let settings = self.settings;
        Fetch {
            pages: client.for_pages(None),
            client,
            db: self.db.clone(),
            fence: self.leased.lease.fence().clone(),
            run_id: self.leased.run_id,
            page_size: settings.page_size,
            sizes: sizes.clone(),
            batch_size: settings.batch_size,
            reconciler: Arc::new(InlineReconciler::new(gaps.clone())),
            concurrency: settings.concurrency,
            walk_attempts: settings.walk_attempts,
            clock: self.leased.clock,
            delete_guard: settings.delete_guard(),
        }
    }

    /// Stage 2 of the run, for versions that earlier runs or its own walks left pending.
    fn reconciliation(&self, gaps: &Arc<Gaps>) -> Reconciliation<'_> {
        Reconciliation {
            db: self.db,
            fence: self.leased.lease.fence(),
            run_id: self.leased.run_id,
            batch_size: self.settings.batch_size,
            gaps: gaps.clone(),
            clock: self.leased.clock,
            left: LeftPending::default(),
        }
    }

    /// In a full run, compares the API's schema with the fields that the tables are made of.
    async fn drift(&self, fetch: Option<&Fetch>) -> Result<Drift, DbError> {
        match fetch.filter(|_| self.job.is_full()) {
            Some(fetch) => {
                let fence = self.leased.lease.fence();
                drift::check(&fetch.client, self.db, fence, self.leased.run_id, &self.job.entities).await
            }
            None => Ok(Drift::default()),
        }
    }

    /// Plans the walks; none for a job without stage 1.
    async fn plan(&self, fetch: Option<&Fetch>) -> Result<RunPlan, DbError> {
        let mut plan = RunPlan::default();
        if fetch.is_none() {
            return Ok(plan);
        }
        let Run { db, settings, job, leased, .. } = *self;
        for entity in job.entities.iter().copied() {
            let of_entity = scope::of(db, settings, job, entity, &leased.clock).await?;
            let (scope, moves_bookmark) = plan.clocks.note_bookmark(of_entity, entity);
            let held_before = judge::held_before(db, entity, scope).await?;
            let credible = judge::credible(held_before, settings.shrink_guard_percent);
            let known_shortfall = runs::known_shortfall(db, entity, scope == Scope::WHOLE).await?;
            let bounds = Scope { from: settings.events_from, until: settings.events_until };
            let is_full = scope == Scope::WHOLE || scope == bounds;
            let spec = WalkSpec { scope, is_full, moves_bookmark, credible, known_shortfall };
            plan.walks.push(PlannedWalk { entity, spec, held_before });
        }
        Ok(plan)
    }

    /// Starts the planned walks; none for a job without stage 1.
    fn start(&self, fetch: Option<&Fetch>, plan: &RunPlan, gaps: &Arc<Gaps>) -> Vec<RunningWalk> {
        fetch.map_or_else(Vec::new, |fetch| {
            stages::start_walks(fetch, gaps, &plan.walks, self.job.stages.reconcile(), self.progress)
        })
    }

    /// Reconciles entity by entity, parents first, each along with its walk. Returns false if the program was asked
    /// to stop before all were done.
    async fn follow(
        &self,
        reconciliation: &Reconciliation<'_>,
        walks: &mut [RunningWalk],
        counts: &mut EntityCounts,
    ) -> Result<bool, DbError> {
        if !self.job.stages.reconcile() {
            return Ok(true);
        }
        for entity in self.job.entities.iter().copied() {
            let begun = Instant::now();
            let walk = walks.iter_mut().find(|walk| walk.planned.entity.name == entity.name);
            // If this is cut off, the batch is rolled back and its versions stay pending.
            let applied = tokio::select! {
                applied = stages::reconcile(reconciliation, entity, walk, self.progress)
                    .instrument(tracing::error_span!("reconcile", entity = entity.name)) => applied?,
                () = stop::overdue(&self.leased.stop, stop::GRACE) => return Ok(false),
            };
            counts.add_applied(entity, applied, begun.elapsed());
        }
        Ok(true)
    }

    /// Judges the walks one by one, and adds their counts.
    async fn judge_walks(
        &self,
        report: &mut RunReport,
        counts: &mut EntityCounts,
        walks: Vec<(PlannedWalk, EndedWalk)>,
    ) -> Result<WalkVerdicts, DbError> {
        let mut judged = WalkVerdicts::default();
        let guard = self.settings.shrink_guard_percent;
        for (planned, EndedWalk { report: walk, took }) in walks {
            let entity = planned.entity;
            let walk = match walk {
                Ok(walk) => walk,
                Err(FetchError::Database(error)) => return Err(error),
                Err(FetchError::Source(error)) => return Err(DbError::infrastructure(error.to_string())),
            };
            judge::warn_of_walk(report, entity, &walk);
            judged.not_whole.extend((!walk.came_whole()).then_some(entity.name));
            let is_settled = walk.short_by.is_some() && walk.short_by == planned.spec.known_shortfall;
            if walk.failure.as_ref().is_some_and(|failure| *failure.class() == ErrorClass::Stopped) {
                judged.interrupted = true;
            } else {
                judged.failures.extend(walk.failure.clone().map(|failure| (entity.name, failure)));
                judged.complete.extend(walk.complete.then_some(entity.name));
                judge::judge_walk(report, entity, &walk, planned.held_before, guard, is_settled);
                if !matches!(walk.whole_list, WholeList::NotAsked) {
                    let held = judge::held_before(self.db, entity, Scope::WHOLE).await?;
                    judge::judge_empty_window(report, entity, &walk.whole_list, held, guard);
                }
            }
            // A walk of a window does not list everything.
            let is_whole = planned.spec.scope == Scope::WHOLE;
            counts.add_walk(entity, &walk, is_settled, is_whole, took);
        }
        Ok(judged)
    }

    /// Fetches the parents that quarantined records wait for. Returns false if the program was asked to stop first.
    async fn fetch_missing_parents(
        &self,
        fetch: &Fetch,
        reconciliation: &Reconciliation<'_>,
        report: &mut RunReport,
        counts: &mut EntityCounts,
    ) -> Result<bool, DbError> {
        let FetchedParents { of, failure, of_getters, no_room } =
            missing_parents::fetch_missing_parents(fetch, reconciliation, self.progress).await?;
        for Parents { entity, staged, applied, refused } in of {
            judge::note_refused(report, entity, &refused);
            counts.add_applied(entity, applied, Duration::ZERO);
            counts.add_found_by_id(entity, staged);
        }
        judge::note_parents_left(report, &of_getters, &no_room);
        let Some(error) = failure else { return Ok(true) };
        if *error.class() == ErrorClass::Stopped {
            return Ok(false);
        }
        report.note(
            Status::Partial,
            format!(
                "some missing parents could not be fetched: {error}; records that name them wait, and the next \
                 run asks first for those that this one did not ask for"
            ),
        );
        Ok(true)
    }

    /// Compares staging with production, judges quarantine and left-out rows, and deletes versions and run records
    /// that are past their retention.
    async fn conclude(
        &self,
        report: &mut RunReport,
        judged: &WalkVerdicts,
        gaps: &Gaps,
    ) -> Result<(), DbError> {
        let Run { db, settings, job, leased, .. } = *self;
        if judged.interrupted {
            report.note(Status::Interrupted, "the program was asked to stop; the next run goes on from here");
            return Ok(());
        }
        if !job.stages.reconcile() {
            return Ok(());
        }
        for reason in gaps.unnoted.reasons(db, &job.entities).await? {
            report.note(Status::Partial, reason);
        }
        judge::compare(db, report, &job.entities).await?;
        unread::judge(db, report, settings.quarantine_guard(), &judged.not_whole).await?;
        for reason in unread::pending_reasons(&gaps.unread) {
            report.note(Status::Partial, reason);
        }
        left_out::judge(db, report, settings).await?;
        // Reads all of staging, which takes too long for an incremental sync.
        if job.is_full() || !job.stages.fetch() {
            let now = leased.clock.database_now();
            // Old rows that cannot be deleted do not fail the run, whose work is done.
            let fence = leased.lease.fence();
            if let Err(error) = stages::drop_old_versions(db, settings, fence, now, report).await {
                warn_of_kept(report, "staging", format!("old versions could not be deleted: {error}"));
            }
            match forget_runs::forget(db, settings.runs_retention).await {
                Ok(forgotten) => {
                    forgotten.kept.into_iter().for_each(|(table, kept)| warn_of_kept(report, table, kept));
                }
                Err(error) => {
                    warn_of_kept(report, "sync_runs", format!("old runs could not be deleted: {error}"))
                }
            }
        }
        Ok(())
    }
}

/// Warns of old rows of a table that are kept. The next full sync tries again.
fn warn_of_kept(report: &mut RunReport, table: &str, message: String) {
    report.warnings.push(RunWarning {
        code: RunWarningCode::KeptOldRows,
        subject: table.to_owned(),
        message,
    });
}
