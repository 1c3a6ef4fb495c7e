//! What follows the transaction of a replay or an undo, the same for both: stage 2 processes what the rebuild left to
//! it, staging and production are compared, and the run is recorded with its outcome.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::RebuildReport;
use crate::config::Settings;
use crate::db::{Db, DbError};
use crate::display::Progress;
use crate::entities::Entity;
use crate::lease::Fence;
use crate::orchestrator::{judge, stages, unread};
use crate::run_log::kinds::{RunCommand, RunTrigger};
use crate::run_log::report::{RunOutcome, RunReport};
use crate::run_log::runs::{self, NewRun};
use crate::staging::quarantine::{self, QuarantinedRecords};
use crate::staging::versions::clock::RunClock;
use crate::staging_to_production::{Gaps, LeftPending, Reconciliation};

/// What is left to do after a transaction that was committed.
pub(super) struct Remaining<'e> {
    /// The entities that stage 2 processes.
    pub(super) entities: &'e [&'static Entity],
    /// Whether all their records were rebuilt, so that staging and production must agree.
    pub(super) is_whole: bool,
}

/// The run of a rebuild.
pub(super) struct FollowUp<'a> {
    pub(super) db: &'a Db,
    pub(super) settings: &'a Settings,
    pub(super) fence: &'a Fence,
    pub(super) run_id: Uuid,
    pub(super) clock: RunClock,
    pub(super) progress: &'a Progress,
    pub(super) trigger: RunTrigger,
}

impl FollowUp<'_> {
    /// Records a run: its start, the transaction, what remains after it, and its end. Returns the report, and what else the
    /// transaction returned.
    ///
    /// # Errors
    /// Those of `transaction`; the database's; a lease that is lost.
    pub(super) async fn recorded<T>(
        self,
        command: RunCommand,
        transaction: Pin<
            Box<impl Future<Output = Result<(RebuildReport, T, Option<Remaining<'_>>), DbError>>>,
        >,
    ) -> Result<(RebuildReport, T), DbError> {
        let (db, fence, run_id) = (self.db, self.fence, self.run_id);
        let of_run = NewRun { run_id, command, mode: None, trigger: self.trigger };
        let work = Box::pin(async {
            let (mut report, more, remaining) = transaction.await?;
            if let Some(remaining) = remaining {
                self.finish(&remaining, &mut report).await?;
            }
            let mut run = RunReport::new(run_id, None, Vec::new(), Duration::ZERO);
            run.status = report.status;
            // Those of a dry run say what would be withheld, and not how the run ended.
            if !report.dry_run {
                run.reasons.clone_from(&report.reasons);
            }
            Ok(((report, more), run))
        });
        Ok(runs::recorded(db, fence, of_run, work).await?.0)
    }

    /// Lets stage 2 process what the rebuild left to it, and compares staging with production.
    async fn finish(self, remaining: &Remaining<'_>, report: &mut RebuildReport) -> Result<(), DbError> {
        let db = self.db;
        let mut verdict = RunReport::new(self.run_id, None, Vec::new(), Duration::ZERO);
        let followed = self.reconcile(remaining.entities).await?;
        if remaining.is_whole {
            judge::compare(db, &mut verdict, remaining.entities).await?;
        }
        followed.unwritten.into_iter().for_each(|reason| verdict.note(RunOutcome::Partial, reason));
        report.status = report.status.and(verdict.status);
        report.reasons.extend(verdict.reasons);
        report.waiting = followed.waiting;
        report.rows_written += followed.rows_written;
        Ok(())
    }

    /// Reconciles what the rebuild left to stage 2.
    async fn reconcile(self, entities: &[&'static Entity]) -> Result<FollowUpCounts, DbError> {
        let since = self.clock.database_now();
        let gaps: Arc<Gaps> = Arc::default();
        unread::note_unlisted_before(self.db, &gaps.unread, &[], self.run_id).await?;
        let reconciliation = Reconciliation {
            db: self.db,
            fence: self.fence,
            run_id: self.run_id,
            batch_size: self.settings.batch_size,
            gaps,
            clock: self.clock,
            left: LeftPending::default(),
        };
        let mut rows_written = 0;
        for entity in entities {
            rows_written +=
                stages::reconcile(&reconciliation, entity, None, self.progress).await?.rows_written;
        }
        let waiting = quarantine::waiting_since(self.db, since).await?;
        let gaps = &reconciliation.gaps;
        let unnoted = gaps.unnoted.reasons(self.db, entities).await?;
        let left = reconciliation.left.reasons().into_iter().chain(unnoted);
        let left = left.chain(unread::pending_reasons(&gaps.unread));
        let unwritten = waiting.iter().filter_map(QuarantinedRecords::unwritten).chain(left);
        Ok(FollowUpCounts { rows_written, unwritten: unwritten.collect(), waiting })
    }
}

/// What stage 2 did after a rebuild.
struct FollowUpCounts {
    rows_written: u64,
    /// The records that are in quarantine since then.
    waiting: Vec<QuarantinedRecords>,
    /// What could not be written, in one sentence each.
    unwritten: Vec<String>,
}
