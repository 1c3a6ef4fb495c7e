//! Executes the actions requested in the dashboard, one at a time, under the lease.
//!
//! A sync runs as any other ([`super::run`]). Everything else is done here with the functions of the commands, and its end is
//! noted before the lease is given back.

use futures_util::future::LocalBoxFuture;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use tracing::Instrument;
use uuid::Uuid;

use super::run::LoopOutcome;
use super::{Opener, Service};
use crate::db::{Db, DbError, DbErrorClass};
use crate::display::{Progress, ProgressStyle};
use crate::doctor::{self, OwnService, Subject};
use crate::entities::{self, ENTITIES, Entity};
use crate::lease::Lease;
use crate::orchestrator::decide_deletions::{Decision, DecisionReport, DeletionSelection};
use crate::orchestrator::{Deciding, LeasedRun, decide_cases, decide_deletions};
use crate::rebuild::replay::{ReplayRequest, replay_leased};
use crate::rebuild::undo::{UndoRequest, undo_leased};
use crate::rebuild::verify::{VerifyRequest, VerifyVerdict, verify};
use crate::rebuild::{Detail, ForAction, LeasedContext, ShownTable};
use crate::run_log::actions::{
    self, ActionEnd, ActionOutcome, ActionRequest, DecisionRequest, OpenAction, outcome_of,
};
use crate::run_log::report::RunOutcome;
use crate::source::GazelleClient;
use crate::staging::history::slice::Slice;

/// Records that a verification asks Gazelle for, as the command does.
const SAMPLE: u32 = 200;

impl<O: Opener> Service<O> {
    /// Does an action, unless another process holds the lease or did it.
    pub(super) async fn run_action(
        &self,
        db: &Db,
        client: GazelleClient,
        action: OpenAction,
    ) -> Result<LoopOutcome, DbError> {
        if let Some(ActionRequest::Sync(mode)) = action.request {
            let claim = async |lease: &Lease, run_id: Uuid| {
                actions::take(db, lease.fence(), action.id, Some(run_id)).await
            };
            return self.run_asked(db, client, mode, claim).await;
        }
        let settings = &self.shared.settings;
        let lease = match Lease::acquire(db, settings.lease()).await {
            Ok(lease) => lease,
            Err(busy) if busy.fault == DbErrorClass::Busy => return Ok(LoopOutcome::Busy(busy.to_string())),
            Err(error) => return Err(error),
        };
        let leased = LeasedRun::begin(db, lease, self.stop.clone()).await?;
        self.shared.set_lease(leased.lease.fence().token());
        self.shared.set_at_work();
        let span = tracing::error_span!("action", action = %action.id, run_id = tracing::field::Empty);
        // As deep as a run.
        let work: LocalBoxFuture<'_, _> = Box::pin(self.taken(db, client, &action, &leased).instrument(span));
        let done = work.await;
        let released = leased.lease.release().await;
        self.shared.runs_ended.send_modify(|runs| *runs += 1);
        done?;
        released?;
        Ok(LoopOutcome::Acted)
    }

    /// Takes the action, does it, and notes its end.
    async fn taken(
        &self,
        db: &Db,
        client: GazelleClient,
        action: &OpenAction,
        leased: &LeasedRun,
    ) -> Result<(), DbError> {
        let fence = leased.lease.fence();
        let run_id = action.request.as_ref().filter(|request| begins_run(request)).map(|_| leased.run_id);
        if !actions::take(db, fence, action.id, run_id).await? {
            return Ok(());
        }
        crate::crash::at(crate::crash::CrashPoint::ActionTaken);
        let progress = Progress::new(ProgressStyle::None);
        let settings = &self.shared.settings;
        let deciding = Deciding { db, settings, leased, progress: &progress, action: Some(action.id) };
        let ended = match self.perform(client, action, deciding).await {
            // It is begun again by the next service, unless it is applied.
            Ok(ended) if self.stop.is_cancelled() && ended.outcome == ActionOutcome::Failed => return Ok(()),
            Ok(ended) => ended,
            Err(error) => {
                tracing::error!(%error, "an action of the dashboard failed");
                ActionEnd { reason: Some(error.to_string()), ..ActionEnd::of(ActionOutcome::Failed) }
            }
        };
        let applies = action.request.as_ref().is_some_and(ActionRequest::applies);
        crate::crash::at(crate::crash::CrashPoint::ActionDone);
        actions::end(db, fence, action.id, &ActionEnd { applies, ..ended }).await
    }

    async fn perform(
        &self,
        client: GazelleClient,
        action: &OpenAction,
        deciding: Deciding<'_>,
    ) -> Result<ActionEnd, DbError> {
        match &action.request {
            None | Some(ActionRequest::Sync(_)) => {
                Ok(refused("this program does not know what was asked for"))
            }
            Some(ActionRequest::Retry(retry)) => {
                let Some(entities) = chosen(retry.entity.as_deref()) else { return Ok(no_entity()) };
                let done =
                    decide_cases::retry(deciding, &entities, &retry.ids, retry.code.as_deref()).await?;
                let Some(done) = done else { return Ok(refused("none of these records is in quarantine")) };
                let status = done.run.status;
                Ok(of_run(status, done.run.reasons.clone(), Some(done.run.run_id), &done))
            }
            Some(ActionRequest::Dismiss(dismissal)) => {
                let Some(entities) = chosen(Some(&dismissal.entity)) else { return Ok(no_entity()) };
                let done =
                    decide_cases::dismiss(deciding, &entities, &dismissal.id, &dismissal.reason).await?;
                Ok(match done {
                    0 => refused("this record does not wait in quarantine any more"),
                    _ => report(ActionOutcome::Done, &json!({ "dismissed": done })),
                })
            }
            Some(ActionRequest::Delete(decision)) => decide(deciding, decision, Decision::Approve).await,
            Some(ActionRequest::Keep(decision)) => decide(deciding, decision, Decision::Dismiss).await,
            Some(ActionRequest::Verify) => self.verify(client, deciding.db).await,
            Some(ActionRequest::Doctor) => Ok(self.examine(client, deciding.db).await),
            Some(
                request @ (ActionRequest::Replay(_)
                | ActionRequest::ReplayRecord(_)
                | ActionRequest::Undo(_)
                | ActionRequest::Lift(_)),
            ) => self.rebuild(action, request, deciding).await,
        }
    }

    /// Compares all rows with staging, and a sample with Gazelle.
    async fn verify(&self, client: GazelleClient, db: &Db) -> Result<ActionEnd, DbError> {
        let client = self.observed(client);
        let seed = Timestamp::now().as_microsecond().unsigned_abs();
        let question =
            VerifyRequest { entities: ENTITIES.to_vec(), sample: SAMPLE, seed, client: Some(&client) };
        let found = verify(db, &self.shared.settings, &question).await?;
        let outcome = match found.status {
            VerifyVerdict::Equal | VerifyVerdict::Different => ActionOutcome::Done,
            VerifyVerdict::Incomplete => ActionOutcome::Partial,
        };
        Ok(report(outcome, &found))
    }

    /// Runs the checks of `doctor`, which write nothing.
    async fn examine(&self, client: GazelleClient, db: &Db) -> ActionEnd {
        let settings = &self.shared.settings;
        let shared_account = self.opener.shared_account().await;
        let subject = Subject {
            settings,
            database: Ok(db),
            embedded: settings.database_url.is_none(),
            shared_account: shared_account.as_deref(),
            own_service: Some(OwnService { last_scraped_at: self.shared.last_scraped_at() }),
            client: Ok(self.observed(client)),
        };
        let found = Box::pin(doctor::examine(&subject)).await;
        // What was cut off says nothing about the installation.
        match self.stop.is_cancelled() {
            true => ActionEnd::of(ActionOutcome::Failed),
            false => report(ActionOutcome::Done, &found),
        }
    }

    /// A client that stops with the service, and whose requests count as its progress.
    fn observed(&self, client: GazelleClient) -> GazelleClient {
        let shared = self.shared.clone();
        client.stopped_by(&self.stop).observed_by(move |record| {
            shared.metrics.request_ended(&record);
            shared.mark_progress();
        })
    }

    /// Replays a run or a record, undoes or restores a run, or shows what that would change.
    async fn rebuild(
        &self,
        action: &OpenAction,
        request: &ActionRequest,
        deciding: Deciding<'_>,
    ) -> Result<ActionEnd, DbError> {
        let Deciding { db, settings, leased, progress, .. } = deciding;
        let dry_run = request.is_dry_run();
        let seen = match (dry_run, action.based_on) {
            (true, _) => None,
            (false, Some(based_on)) => shown(db, based_on, request).await?,
            (false, None) => None,
        };
        if !dry_run && seen.is_none() {
            return Ok(refused("a change is applied only after a dry run has shown it"));
        }
        let (tables, allow_deletions) = seen.unwrap_or_default();
        let for_action = ForAction {
            id: (!dry_run).then_some(action.id),
            shown: (!dry_run).then_some(&tables),
            detail: Detail::PAGE,
        };
        let held = LeasedContext { db, settings, lease: &leased.lease, progress, action: for_action };
        if let ActionRequest::Undo(of) | ActionRequest::Lift(of) = request {
            let lift = matches!(request, ActionRequest::Lift(_));
            let undo = UndoRequest { id: of.run, lift, dry_run, allow_deletions };
            let done = undo_leased(held, undo).await?;
            let of = &done.rebuild;
            // The dry run of an undo is not recorded as a run.
            let run_id = (!dry_run).then_some(of.run_id);
            return Ok(of_run(of.status, of.reasons.clone(), run_id, &done));
        }
        let Some((entities, slice)) = replayed(request) else { return Ok(no_entity()) };
        let replay = ReplayRequest { entities, slice, dry_run, allow_deletions };
        let done = replay_leased(held, &replay).await?;
        let of = &done.rebuild;
        Ok(of_run(of.status, of.reasons.clone(), Some(of.run_id), &done))
    }
}

/// What a replay repeats; none for an unknown entity.
fn replayed(request: &ActionRequest) -> Option<(Vec<&'static Entity>, Slice)> {
    Some(match request {
        ActionRequest::ReplayRecord(record) => {
            let slice = Slice { ids: Some(vec![record.id.clone()]), ..Slice::default() };
            (vec![entities::entity(&record.entity)?], slice)
        }
        other => (ENTITIES.to_vec(), Slice { run: Some(other.run()?), ..Slice::default() }),
    })
}

/// Whether an action begins a run whose id is known when it is taken.
fn begins_run(request: &ActionRequest) -> bool {
    matches!(request, ActionRequest::Retry(_) | ActionRequest::Delete(_))
}

/// The entity with this name, or all without a name; none for an unknown one.
fn chosen(name: Option<&str>) -> Option<Vec<&'static Entity>> {
    match name {
        Some(name) => entities::entity(name).map(|entity| vec![entity]),
        None => Some(ENTITIES.to_vec()),
    }
}

/// What a dry run of the same showed, and whether it said that deletions would be withheld, which somebody saw before it was
/// applied; none if it is no dry run of the same, or has not succeeded.
async fn shown(
    db: &Db,
    based_on: Uuid,
    request: &ActionRequest,
) -> Result<Option<(Vec<ShownTable>, bool)>, DbError> {
    let mut connection = db.connection().await?;
    let tx = connection.begin().await?;
    let Some(dry_run) = actions::one(&tx, based_on).await? else { return Ok(None) };
    let is_same = dry_run.request().and_then(|of| of.applied()).as_ref() == Some(request);
    let is_done = dry_run.outcome == Some(ActionOutcome::Done);
    let Some(report) = dry_run.report.filter(|_| is_same && is_done) else { return Ok(None) };
    let tables = serde_json::from_value(report["tables"].clone()).ok();
    let withheld = report["reasons"].as_array().is_some_and(|reasons| !reasons.is_empty());
    Ok(tables.map(|tables| (tables, withheld)))
}

async fn decide(
    deciding: Deciding<'_>,
    request: &DecisionRequest,
    decision: Decision,
) -> Result<ActionEnd, DbError> {
    let Some(entity) = entities::entity(&request.entity) else { return Ok(no_entity()) };
    let which = DeletionSelection {
        run: request.run,
        entity: Some(entity),
        except: &request.except,
        shown: Some(request.shown),
    };
    let DecisionReport { records, seen_since, grown_to, run } =
        decide_deletions::decide(deciding, which, decision).await?;
    if let Some(waiting) = grown_to {
        return Ok(refused(format!("{waiting} wait by now, more than were shown; nothing was changed")));
    }
    if records == 0 {
        return Ok(refused("no deletion of this run awaits a decision any more"));
    }
    let (status, run_id) =
        run.as_ref().map_or((RunOutcome::Success, None), |run| (run.status, Some(run.run_id)));
    let reasons = run.as_ref().map(|run| run.reasons.clone()).unwrap_or_default();
    let decided = json!({ "decided": records, "seen_since": seen_since, "run": run });
    Ok(of_run(status, reasons, run_id, &decided))
}

fn no_entity() -> ActionEnd {
    refused("this program does not know the entity")
}

fn refused(why: impl Into<String>) -> ActionEnd {
    ActionEnd { reason: Some(why.into()), ..ActionEnd::of(ActionOutcome::Refused) }
}

fn report(outcome: ActionOutcome, report: &impl Serialize) -> ActionEnd {
    let report: Option<Value> = serde_json::to_value(report).ok();
    ActionEnd { report, ..ActionEnd::of(outcome) }
}

/// The end of an action that a run did, or that was like one.
fn of_run(status: RunOutcome, reasons: Vec<String>, run_id: Option<Uuid>, of: &impl Serialize) -> ActionEnd {
    let reason = (!reasons.is_empty()).then(|| reasons.join("; "));
    let outcome = outcome_of(status).unwrap_or(ActionOutcome::Partial);
    ActionEnd { reason, run_id, ..report(outcome, of) }
}
