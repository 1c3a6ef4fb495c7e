//! What the service does beside its runs, every so often: one line in [`DUTIES`] each.
//!
//! Each duty has a task of its own: a slow one delays neither the runs nor another duty, and is never begun a
//! second time before its end. Each asks first whether the tables are still ours: somebody may have put others in their place
//! since they were opened. One that fails says so in the log and is done again when its time comes.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::state::Shared;
use crate::access::owners;
use crate::alerts::{self, Channels};
use crate::config::Settings;
use crate::db::Db;
use crate::run_log::{forget_runs, wanted_runs};
use crate::stop;

/// A duty that is asked to stop and has not ended after this long is cut off.
const GRACE: Duration = Duration::from_secs(3);
/// The same where a message may be on its way: cut off, it would be sent again. Nothing but a way to people takes so long:
/// the database is waited for no longer than by the others.
const SENDING_GRACE: Duration = Duration::from_secs(25);

/// What a duty is given.
#[derive(Clone)]
pub struct Moment {
    /// What is known of the service.
    pub shared: Arc<Shared>,
    /// The database; absent while it cannot be opened.
    pub db: Option<Db>,
    /// The settings in force.
    pub settings: Arc<Settings>,
    /// When this tick began, by the clock of the machine, UTC: for what is told without the database.
    pub now: Timestamp,
    /// When to end.
    pub stop: CancellationToken,
}

/// The work of a duty.
pub type Work = fn(Moment) -> Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>>;

/// Something done every so often.
pub struct Duty {
    /// For the log.
    pub name: &'static str,
    /// From the end of one time to the begin of the next.
    pub every: Duration,
    /// Also done as soon as a run has ended, however it did.
    pub after_runs: bool,
    /// How long it may go on once the service is asked to stop.
    pub grace: Duration,
    /// What is done.
    pub work: Work,
}

/// All duties of the service.
pub static DUTIES: &[Duty] = &[
    Duty {
        name: "forget old requests",
        every: Duration::from_secs(3600),
        after_runs: false,
        grace: GRACE,
        work: |moment| Box::pin(forget_old_requests(moment)),
    },
    Duty {
        name: "forget old runs",
        every: Duration::from_secs(6 * 3600),
        grace: GRACE,
        after_runs: false,
        work: |moment| Box::pin(forget_old_runs(moment)),
    },
    Duty {
        name: "see what is wrong",
        every: Duration::from_secs(15),
        after_runs: true,
        grace: GRACE,
        work: |moment| Box::pin(see_what_is_wrong(moment)),
    },
    Duty {
        name: "send alerts",
        every: Duration::from_secs(3),
        after_runs: false,
        grace: SENDING_GRACE,
        work: |moment| Box::pin(send_alerts(moment)),
    },
    Duty {
        name: "send alerts that the database cannot take",
        every: Duration::from_secs(1),
        after_runs: false,
        grace: SENDING_GRACE,
        work: |moment| Box::pin(send_unwritten(moment)),
    },
    Duty {
        name: "call the dead-man's address",
        every: Duration::from_secs(60),
        after_runs: true,
        grace: GRACE,
        work: |moment| Box::pin(call_deadman(moment)),
    },
    Duty {
        name: "forget old alerts",
        every: Duration::from_secs(3600),
        after_runs: false,
        grace: GRACE,
        work: |moment| Box::pin(forget_old_alerts(moment)),
    },
];

async fn see_what_is_wrong(moment: Moment) -> anyhow::Result<()> {
    let Some(db) = &moment.db else {
        let problem = moment.shared.activity().problem;
        let reason = problem.unwrap_or_else(|| "the database is not open".to_owned());
        moment.shared.alerts_written(Err(reason));
        return Ok(());
    };
    let seen = async {
        owners::check(db).await?;
        alerts::watch(db, &moment.settings, &Channels::of(&moment.settings)).await
    }
    .await;
    moment.shared.alerts_written(seen.as_ref().map(|_| ()).map_err(ToString::to_string));
    seen?;
    Ok(())
}

/// What the database itself keeps from being told.
async fn send_unwritten(moment: Moment) -> anyhow::Result<()> {
    let settings = &moment.settings;
    let patience = settings.alert_database_seconds;
    let unwritten = moment.shared.unwritten().filter(|it| it.lasting.as_secs_f64() >= patience);
    let trouble = match (moment.shared.stuck(), unwritten) {
        (Some(reason), _) => Some(alerts::Trouble::Stuck { reason }),
        (None, Some(unwritten)) => {
            let last_good_at = moment.shared.activity().last_good_run_at;
            let (reason, since) = (unwritten.reason, unwritten.since);
            Some(alerts::Trouble::Database { reason, since, last_good_at })
        }
        (None, None) => None,
    };
    let mut direct = moment.shared.direct_alert.lock().await;
    direct.tell(settings, &Channels::of(settings), trouble, moment.now).await;
    Ok(())
}

async fn send_alerts(moment: Moment) -> anyhow::Result<()> {
    let channels = Channels::of(&moment.settings);
    if let (Some(db), false) = (moment.db.map(|db| db.aside()), channels.is_empty()) {
        // No message is on its way yet, so that this waits for the database no longer than the other duties do.
        tokio::select! {
            checked = owners::check(&db) => checked?,
            () = stop::overdue(&moment.stop, GRACE) => return Ok(()),
        }
        let first_wait = moment.settings.retry_delay() * 6;
        alerts::deliver(&db, &channels, first_wait, &moment.stop).await?;
    }
    Ok(())
}

async fn call_deadman(moment: Moment) -> anyhow::Result<()> {
    if let Some(db) = &moment.db {
        owners::check(db).await?;
        alerts::ping(db, &moment.settings).await?;
    }
    Ok(())
}

async fn forget_old_alerts(moment: Moment) -> anyhow::Result<()> {
    if let Some(db) = &moment.db {
        owners::check(db).await?;
        alerts::forget_old(db).await?;
    }
    Ok(())
}

async fn forget_old_runs(moment: Moment) -> anyhow::Result<()> {
    if let Some(db) = &moment.db {
        owners::check(db).await?;
        forget_runs::forget(db, moment.settings.runs_retention).await?;
    }
    Ok(())
}

async fn forget_old_requests(moment: Moment) -> anyhow::Result<()> {
    if let Some(db) = &moment.db {
        owners::check(db).await?;
        wanted_runs::forget_old(db).await?;
    }
    Ok(())
}

/// Begins all duties; they end when asked to stop, each after what it is at. Dropping the set cuts them off.
pub(super) fn start(shared: &Arc<Shared>, stop: &CancellationToken) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for duty in DUTIES {
        tasks.spawn(keep(duty, shared.clone(), stop.clone()));
    }
    tasks
}

async fn keep(duty: &'static Duty, shared: Arc<Shared>, stop: CancellationToken) {
    let mut run_ended = shared.runs_ended.subscribe();
    loop {
        // What is done beside the runs is no progress of theirs.
        let (db, settings) = (shared.db().map(|db| db.beside()), shared.settings.clone());
        let moment =
            Moment { shared: shared.clone(), db, settings, now: Timestamp::now(), stop: stop.clone() };
        let done = tokio::select! {
            done = (duty.work)(moment) => done,
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
        let kept = tokio::spawn(keep(&DUTY, shared.clone(), stop.clone()));
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
        let kept = tokio::spawn(keep(&DUTY, shared.clone(), stop.clone()));
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
