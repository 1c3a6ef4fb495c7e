//! The periodic duties of the service beside its runs: one entry of [`DUTIES`] each.
//!
//! Each duty has its own task: a slow duty delays neither the runs nor other duties, and never overlaps with
//! itself. Each first checks that the tables are still ours, because they may have been replaced since they were
//! opened. A duty that fails or panics is logged and repeated at its next time.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::state::{AlertStep, Shared};
use crate::access::trust::owners;
use crate::alerts::{self, Channels};
use crate::config::Settings;
use crate::db::Db;
use crate::people;
use crate::run_log::{actions, forget_runs, run_requests};
use crate::stop;

/// A duty that has not ended this long after the service was asked to stop is cancelled.
const GRACE: Duration = Duration::from_secs(3);
/// The same where a message may be in transit: cancelled, it would be sent again. Only sending may take this long;
/// the database gets no more time than in the other duties.
const SENDING_GRACE: Duration = Duration::from_secs(25);

/// The input of a duty.
#[derive(Clone)]
pub struct DutyContext {
    /// The state of the service.
    pub shared: Arc<Shared>,
    /// The database; `None` while it is not open.
    pub db: Option<Db>,
    /// The settings.
    pub settings: Arc<Settings>,
    /// The start time, UTC, by the machine's clock: for alerts that are sent without the database.
    pub now: Timestamp,
    /// Cancelled when the service is to stop.
    pub stop: CancellationToken,
}

/// The function of a duty.
pub type Work = fn(DutyContext) -> Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>>;

/// A periodic task.
pub struct Duty {
    /// Its name in the log.
    pub name: &'static str,
    /// The pause between its end and its next start.
    pub every: Duration,
    /// Whether it also runs whenever a run has ended.
    pub after_runs: bool,
    /// How long it may continue once the service is asked to stop.
    pub grace: Duration,
    /// Its function.
    pub work: Work,
}

/// All duties.
pub static DUTIES: &[Duty] = &[
    Duty {
        name: "forget old requests",
        every: Duration::from_secs(3600),
        after_runs: false,
        grace: GRACE,
        work: |context| Box::pin(forget_old_requests(context)),
    },
    Duty {
        name: "forget old runs",
        every: Duration::from_secs(6 * 3600),
        grace: GRACE,
        after_runs: false,
        work: |context| Box::pin(forget_old_runs(context)),
    },
    Duty {
        name: "evaluate alerts",
        every: Duration::from_secs(15),
        after_runs: true,
        grace: GRACE,
        work: |context| Box::pin(evaluate_alerts(context)),
    },
    Duty {
        name: "send alerts",
        every: Duration::from_secs(3),
        after_runs: false,
        grace: SENDING_GRACE,
        work: |context| Box::pin(send_alerts(context)),
    },
    Duty {
        name: "send alerts that the database cannot take",
        every: Duration::from_secs(1),
        after_runs: false,
        grace: SENDING_GRACE,
        work: |context| Box::pin(send_direct_alert(context)),
    },
    Duty {
        name: "call the heartbeat URL",
        every: Duration::from_secs(60),
        after_runs: true,
        grace: GRACE,
        work: |context| Box::pin(call_heartbeat(context)),
    },
    Duty {
        name: "forget old sessions",
        every: Duration::from_secs(3600),
        after_runs: false,
        grace: GRACE,
        work: |context| Box::pin(forget_old_sessions(context)),
    },
    Duty {
        name: "forget old alerts",
        every: Duration::from_secs(3600),
        after_runs: false,
        grace: GRACE,
        work: |context| Box::pin(forget_old_alerts(context)),
    },
];

async fn evaluate_alerts(context: DutyContext) -> anyhow::Result<()> {
    let Some(db) = &context.db else {
        let problem = context.shared.activity().problem;
        let reason = problem.unwrap_or_else(|| "the database is not open".to_owned());
        context.shared.note_alert_write(AlertStep::Evaluate, Err(reason));
        return Ok(());
    };
    let seen = async {
        owners::check(db).await?;
        context.shared.refused_sign_ins.note(db).await?;
        alerts::watch(db, &context.settings, &Channels::of(&context.settings)).await
    }
    .await;
    let outcome = seen.as_ref().map(|_| ()).map_err(ToString::to_string);
    context.shared.note_alert_write(AlertStep::Evaluate, outcome);
    seen?;
    Ok(())
}

/// Reports directly what cannot be written to the database.
async fn send_direct_alert(context: DutyContext) -> anyhow::Result<()> {
    let settings = &context.settings;
    let patience = settings.alert_database_seconds;
    let alert_write_failure =
        context.shared.alert_write_failure().filter(|it| it.lasting.as_secs_f64() >= patience);
    let trouble = match (context.shared.stuck(), alert_write_failure) {
        (Some(reason), _) => Some(alerts::ServiceProblem::Stuck { reason }),
        (None, Some(alert_write_failure)) => {
            let last_good_at = context.shared.activity().last_good_run_at;
            let (reason, since) = (alert_write_failure.reason, alert_write_failure.since);
            Some(alerts::ServiceProblem::Database { reason, since, last_good_at })
        }
        (None, None) => None,
    };
    let mut direct = context.shared.direct_alert.lock().await;
    direct.send(settings, &Channels::of(settings), trouble, context.now).await;
    Ok(())
}

async fn send_alerts(context: DutyContext) -> anyhow::Result<()> {
    let channels = Channels::of(&context.settings);
    let (Some(db), false) = (context.db.map(|db| db.aside()), channels.is_empty()) else { return Ok(()) };
    // No message is in transit yet, so the database gets no more time here than in the other duties.
    tokio::select! {
        checked = owners::check(&db) => checked?,
        () = stop::overdue(&context.stop, GRACE) => return Ok(()),
    }
    let first_wait = context.settings.retry_delay() * 6;
    let unrecorded = &context.shared.unrecorded;
    let sent = alerts::deliver(&db, &channels, first_wait, unrecorded, &context.stop).await;
    let outcome = sent.as_ref().map(|_| ()).map_err(ToString::to_string);
    context.shared.note_alert_write(AlertStep::Send, outcome);
    sent?;
    Ok(())
}

async fn call_heartbeat(context: DutyContext) -> anyhow::Result<()> {
    if let Some(db) = &context.db {
        owners::check(db).await?;
        alerts::ping(db, &context.settings).await?;
    }
    Ok(())
}

async fn forget_old_alerts(context: DutyContext) -> anyhow::Result<()> {
    if let Some(db) = &context.db {
        owners::check(db).await?;
        warn_of_kept(alerts::forget_old(db).await?);
    }
    Ok(())
}

async fn forget_old_sessions(context: DutyContext) -> anyhow::Result<()> {
    if let Some(db) = &context.db {
        owners::check(db).await?;
        warn_of_kept(people::forget_old(db).await?);
    }
    Ok(())
}

async fn forget_old_runs(context: DutyContext) -> anyhow::Result<()> {
    if let Some(db) = &context.db {
        owners::check(db).await?;
        let forgotten = forget_runs::forget(db, context.settings.runs_retention).await?;
        warn_of_kept(forgotten.kept.into_iter().map(|(_, kept)| kept));
        warn_of_kept(actions::forget_old(db, context.settings.runs_retention).await?);
    }
    Ok(())
}

async fn forget_old_requests(context: DutyContext) -> anyhow::Result<()> {
    if let Some(db) = &context.db {
        owners::check(db).await?;
        warn_of_kept(run_requests::forget_old(db).await?);
    }
    Ok(())
}

/// Logs why old rows stay.
fn warn_of_kept(kept: impl IntoIterator<Item = String>) {
    kept.into_iter().for_each(|kept| tracing::warn!("{kept}"));
}

/// Starts all duties. They end when the service is asked to stop; dropping the set cancels them.
pub(super) fn start(shared: &Arc<Shared>, stop: &CancellationToken) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for duty in DUTIES {
        tasks.spawn(repeat(duty, shared.clone(), stop.clone()));
    }
    tasks
}

async fn repeat(duty: &'static Duty, shared: Arc<Shared>, stop: CancellationToken) {
    let mut run_ended = shared.runs_ended.subscribe();
    loop {
        // The database connection of a duty does not count as progress of the loop.
        let (db, settings) = (shared.db().map(|db| db.beside()), shared.settings.clone());
        let context =
            DutyContext { shared: shared.clone(), db, settings, now: Timestamp::now(), stop: stop.clone() };
        let done = tokio::select! {
            // A fault in one duty must not end it, and with it the service's alerts, for good.
            done = AssertUnwindSafe(async { (duty.work)(context).await }).catch_unwind() => {
                done.unwrap_or_else(|_| Err(anyhow::anyhow!("it panicked")))
            }
            () = stop::overdue(&stop, duty.grace) => return,
        };
        if let Err(error) = done {
            tracing::warn!(
                duty = duty.name,
                error = format!("{error:#}"),
                "a duty failed and is done again later"
            );
        }
        let after_run = async {
            if !duty.after_runs || run_ended.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = tokio::time::sleep(duty.every) => {}
            () = after_run => {}
            () = stop.cancelled() => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::time::{Instant, sleep};

    use super::*;
    use crate::config::Layers;

    const EVERY: Duration = Duration::from_secs(60);
    const TAKES: Duration = Duration::from_secs(5);

    fn shared() -> Arc<Shared> {
        let layers = Layers { working_dir: "/".into(), ..Layers::default() };
        Arc::new(Shared::new(Arc::new(Settings::load(&layers).unwrap())))
    }

    /// Seconds from `start` to each of these.
    fn seconds(start: Instant, begun: &Mutex<Vec<Instant>>) -> Vec<u64> {
        begun.lock().unwrap().iter().map(|at| at.duration_since(start).as_secs()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_duty_is_done_again_when_its_time_comes_although_it_failed_and_is_cut_off_at_the_end() {
        static BEGUN: Mutex<Vec<Instant>> = Mutex::new(Vec::new());
        static DUTY: Duty = Duty {
            name: "fail slowly",
            every: EVERY,
            after_runs: false,
            grace: GRACE,
            work: |_| {
                Box::pin(async {
                    BEGUN.lock().unwrap().push(Instant::now());
                    sleep(TAKES).await;
                    anyhow::bail!("of the test")
                })
            },
        };
        let (start, stop, shared) = (Instant::now(), CancellationToken::new(), shared());
        let kept = tokio::spawn(repeat(&DUTY, shared.clone(), stop.clone()));
        sleep(Duration::from_secs(70)).await;
        // It is none of those that follow a run.
        shared.runs_ended.send_modify(|runs| *runs += 1);
        sleep(Duration::from_secs(61)).await;
        stop.cancel();
        kept.await.unwrap();
        assert_eq!(seconds(start, &BEGUN), [0, 65, 130], "a minute after the end of the one before");
        assert_eq!(start.elapsed().as_secs(), 131 + GRACE.as_secs(), "the third one was not waited for");
    }

    #[tokio::test(start_paused = true)]
    async fn a_duty_that_panics_is_done_again_when_its_time_comes() {
        static BEGUN: Mutex<Vec<Instant>> = Mutex::new(Vec::new());
        static DUTY: Duty = Duty {
            name: "panic",
            every: EVERY,
            after_runs: false,
            grace: GRACE,
            work: |_| {
                BEGUN.lock().unwrap().push(Instant::now());
                // At once, and later.
                assert!(BEGUN.lock().unwrap().len() != 1, "of the test");
                Box::pin(async {
                    sleep(TAKES).await;
                    panic!("of the test")
                })
            },
        };
        let (start, stop, shared) = (Instant::now(), CancellationToken::new(), shared());
        let kept = tokio::spawn(repeat(&DUTY, shared.clone(), stop.clone()));
        sleep(Duration::from_secs(130)).await;
        stop.cancel();
        kept.await.unwrap();
        assert_eq!(seconds(start, &BEGUN), [0, 60, 125]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_follows_runs_is_done_at_their_end_too_but_not_beside_itself() {
        static BEGUN: Mutex<Vec<Instant>> = Mutex::new(Vec::new());
        static DUTY: Duty = Duty {
            name: "follow runs",
            every: EVERY,
            after_runs: true,
            grace: GRACE,
            work: |_| {
                Box::pin(async {
                    BEGUN.lock().unwrap().push(Instant::now());
                    sleep(TAKES).await;
                    Ok(())
                })
            },
        };
        let (start, stop, shared) = (Instant::now(), CancellationToken::new(), shared());
        let kept = tokio::spawn(repeat(&DUTY, shared.clone(), stop.clone()));
        for (at, runs) in [(20, 1), (22, 2)] {
            sleep(Duration::from_secs(at) - start.elapsed()).await;
            shared.runs_ended.send_replace(runs);
        }
        sleep(Duration::from_secs(95) - start.elapsed()).await;
        stop.cancel();
        kept.await.unwrap();
        // The run that ended at 22 s is seen when the look at the one of 20 s has ended.
        assert_eq!(seconds(start, &BEGUN), [0, 20, 25, 90]);
        assert_eq!(start.elapsed().as_secs(), 95, "nothing was under way");
    }
}
