//! The steps of a run between its start and its end: prepare, check the API's schema, plan the walks, start them, follow
//! them with stage 2, collect their reports, judge them, fetch missing parents, judge the run, and delete old rows.

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
use crate::gazelle_to_staging::{ApiClients, Fetch, FetchError, FetchLimits, RunContext, Scope, WalkSpec};
use crate::run_log::report::{RunOutcome, RunReport, RunWarning, RunWarningCode};
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
        // 1. Prepare: what is known to be unreadable, the sizes of queries that the API accepts, both stages.
        let gaps = self.gaps().await?;
        let sizes = Arc::new(AllSizes::load(self.db, self.settings.page_size, self.job.mode).await?);
        let client = client.filter(|_| self.job.stages.fetch());
        let fetch = client.map(|client| self.fetch(client, &sizes, &gaps));
        let reconciliation = self.reconciliation(&gaps);
        let mut report = RunReport::new(self.leased.run_id, None, Vec::new(), Duration::ZERO);
        let mut counts = EntityCounts::new(&self.job.entities);

        // 2. Check the API's schema. If it lacks fields that the tables are made of, nothing is walked.
        let drift = self.drift(fetch.as_ref()).await?;
        report.warnings = drift.warnings;
        if !drift.missing.is_empty() {
            drift.missing.into_iter().for_each(|missing| report.note(RunOutcome::Failed, missing));
            report.entities = counts.into_entities();
            return Ok(report);
        }

        // 3. Plan the walks.
        let mut plan = self.plan(fetch.as_ref()).await?;

        // 4. Start them.
        let mut walks = self.start(fetch.as_ref(), &plan, &gaps);

        // 5. Follow them: stage 2 takes entity by entity, parents first.
        let is_done = self.follow(&reconciliation, &mut walks, &mut counts).await?;

        // 6. Collect their reports.
        let walked = stages::collect(walks).await?;

        // 7. Judge the walks, and remember the sizes of queries that the API accepted.
        report.warnings.extend(self.warnings(&mut plan.clocks, &walked).await?);
        let mut judged = self.judge_walks(&mut report, &mut counts, walked).await?;
        judged.interrupted |= !is_done;
        judge::judge_failures(&mut report, judged.has_no_list(plan.walks.len()), &judged.failures);
        judge::warn_of_limits(&mut report, &sizes, &judged.failures);
        sizes.save(self.db, self.leased.lease.fence()).await?;

        // 8. Fetch the parents that records wait for, unless the API does not answer.
        if let Some(fetch) = fetch.as_ref().filter(|_| self.job.stages.reconcile())
            && judged.lets_ask_by_id(plan.walks.len())
        {
            judged.interrupted |=
                !self.fetch_missing_parents(fetch, &reconciliation, &mut report, &mut counts).await?;
        }

        // 9. Judge the run: compare staging with production, and judge quarantine and left-out rows.
        let left = reconciliation.left.reasons();
        left.into_iter().for_each(|reason| report.note(RunOutcome::Partial, reason));
        report.entities = counts.into_entities();
        report.add_up();
        let is_judged = self.judge_run(&mut report, &judged, &gaps).await?;

        // 10. Delete versions and run records past their retention, unless the run was interrupted.
        if is_judged {
            self.delete_old_rows(&mut report).await;
        }
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
        let run = RunContext {
            db: self.db.clone(),
            fence: self.leased.lease.fence().clone(),
            run_id: self.leased.run_id,
            clock: self.leased.clock,
        };
        let limits = FetchLimits {
            page_size: settings.page_size,
            concurrency: settings.concurrency,
            batch_size: settings.batch_size,
            walk_attempts: settings.walk_attempts,
            delete_guard: settings.delete_guard(),
        };
        Fetch {
            api: ApiClients { pages: client.for_pages(None), client },
            run,
            limits,
            sizes: sizes.clone(),
            reconciler: Arc::new(InlineReconciler::new(gaps.clone())),
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
                drift::check(&fetch.api.client, self.db, fence, self.leased.run_id, &self.job.entities).await
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

    /// Warns of clocks that differ, and of what users added to our tables.
    async fn warnings(
        &self,
        clocks: &mut Clocks,
        walked: &[(PlannedWalk, EndedWalk)],
    ) -> Result<Vec<RunWarning>, DbError> {
        clocks.note_walks(walked.iter().filter_map(|(_, walked)| walked.report.as_ref().ok()));
        let mut warnings: Vec<RunWarning> = clocks.warnings(&self.leased.clock).into_iter().collect();
        warnings.extend(crate::additions::warnings(self.db).await?);
        Ok(warnings)
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
                Err(FetchError::Source(error)) => return Err(DbError::of_source(error.to_string())),
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
        let FetchedParents { parents: of, failure, of_getters, no_room } =
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
            RunOutcome::Partial,
            format!(
                "some missing parents could not be fetched: {error}; records that name them wait, and the next \
                 run asks first for those that this one did not ask for"
            ),
        );
        Ok(true)
    }

    /// Compares staging with production, and judges quarantine and left-out rows. Returns false for a run that was
    /// interrupted, or that has no stage 2: nothing was compared.
    async fn judge_run(
        &self,
        report: &mut RunReport,
        judged: &WalkVerdicts,
        gaps: &Gaps,
    ) -> Result<bool, DbError> {
        let Run { db, settings, job, .. } = *self;
        if judged.interrupted {
            report.note(
                RunOutcome::Interrupted,
                "the program was asked to stop; the next run goes on from here",
            );
            return Ok(false);
        }
        if !job.stages.reconcile() {
            return Ok(false);
        }
        for reason in gaps.unnoted.reasons(db, &job.entities).await? {
            report.note(RunOutcome::Partial, reason);
        }
        judge::compare(db, report, &job.entities).await?;
        unread::judge(db, report, settings.quarantine_guard(), &judged.not_whole).await?;
        for reason in unread::pending_reasons(&gaps.unread) {
            report.note(RunOutcome::Partial, reason);
        }
        left_out::judge(db, report, settings).await?;
        Ok(true)
    }

    /// Deletes versions and run records that are past their retention, except in an incremental sync: this reads all of
    /// staging. Rows that cannot be deleted are warnings of the run, whose work is done.
    async fn delete_old_rows(&self, report: &mut RunReport) {
        let Run { db, settings, job, leased, .. } = *self;
        if !job.is_full() && job.stages.fetch() {
            return;
        }
        let (fence, now) = (leased.lease.fence(), leased.clock.database_now());
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
}

/// Warns of old rows of a table that are kept. The next full sync tries again.
fn warn_of_kept(report: &mut RunReport, table: &str, message: String) {
    report.warnings.push(RunWarning {
        code: RunWarningCode::KeptOldRows,
        subject: table.to_owned(),
        message,
    });
}
