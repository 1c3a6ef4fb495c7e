//! `serve` for long: many days by a clock that jumps, and a process under faults whose memory and files stay the same.

use std::collections::{BTreeSet, HashMap};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::support::World;
use crate::support::service::{Serving, runs, until};
use crate::support::sink::{Received, WebhookReceiver};
use gazelle_sim::{Fault, FaultKind, ShopSpec, SimOptions};
use gazelle_sync::config::{Layers, Settings};
use gazelle_sync::db;
use gazelle_sync::db::ConnectSettings;
use gazelle_sync::db::Db;
use gazelle_sync::service::clock::ScheduleClock;
use gazelle_sync::service::schedule::{Schedule, Timetable};
use gazelle_sync::service::state::Shared;
use gazelle_sync::service::{Opener, Service};
use gazelle_sync::source::{Credential, GazelleClient, SourceSettings};
use gazelle_sync::time;
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

/// Goes on to whatever is waited for; remembers what that was.
struct Jumping {
    now: Mutex<Timestamp>,
    waited_for: Mutex<Vec<Timestamp>>,
}

impl ScheduleClock for Jumping {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    fn wait(&self, until: Timestamp, at_most: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        if until < Timestamp::MAX {
            *self.now.lock().unwrap() = until;
            self.waited_for.lock().unwrap().push(until);
            return Box::pin(std::future::ready(()));
        }
        // Waits for something else than the time of day: those are real.
        Box::pin(async move {
            tokio::time::sleep(at_most).await;
            *self.now.lock().unwrap() += SignedDuration::try_from(at_most).unwrap();
        })
    }
}

struct SettingsOpener(Arc<Settings>);

impl Opener for SettingsOpener {
    async fn open(&self) -> anyhow::Result<(Db, GazelleClient)> {
        let settings = &self.0;
        let db = db::connect(&ConnectSettings {
            url: settings.database_url.as_ref().unwrap().expose_secret().to_owned(),
            ca_file: None,
            schema: settings.schema.clone(),
            connections: 8,
        })
        .await?;
        let source = SourceSettings {
            graphql_url: settings.api_url.to_string(),
            retry_delay: settings.retry_delay(),
            ..SourceSettings::default()
        };
        Ok((db, GazelleClient::new(source, Credential::ApiKey(settings.api_key.clone().unwrap()))?))
    }

    async fn shared_account(&self) -> Option<String> {
        None
    }
}

/// Faults that go away, another one each time.
fn fault(number: u64) -> Option<Fault> {
    let kind = match number % 9 {
        0 => FaultKind::ServerError,
        1 => FaultKind::TooManyRequests { retry_after_seconds: Some(0) },
        2 => FaultKind::CutBody,
        3 => FaultKind::BadGateway,
        4 => FaultKind::ConnectionReset,
        // More often than a request is tried: the run is not good, and another one must be.
        5 => return Some(Fault::new(FaultKind::ServerError).times(60)),
        6 => FaultKind::PartialData { message: "a fault".to_owned(), null_nodes: 1, missing_nodes: 0 },
        _ => return None,
    };
    Some(Fault::new(kind).skip(number % 5).times(1))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_many_days_with_faults_no_run_is_missed_and_none_runs_twice() {
    const DAYS: i64 = 8;
    let mut world = World::with(ShopSpec::small(11), SimOptions::default()).await;
    let env: HashMap<String, String> = world
        .installation
        .env
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()))
        .chain([
            ("DATABASE_URL".to_owned(), world.url()),
            ("GAZELLE_SYNC_RETRY_DELAY_SECONDS".to_owned(), "0.002".to_owned()),
        ])
        .collect();
    let settings = Arc::new(Settings::load(&Layers { env, ..Layers::default() }).unwrap());
    let zone = time::zone(time::MONTREAL).unwrap();
    let timetable = Timetable {
        incremental: Schedule::new("0 */2 * * *", &zone).unwrap(),
        full: Schedule::new("0 3 * * *", &zone).unwrap(),
    };
    // From noon before the night of the spring change to noon eight days later.
    let begin: Timestamp = "2027-03-13T17:30:00Z".parse().unwrap();
    let end = begin + SignedDuration::from_hours(24 * DAYS);
    let clock = Arc::new(Jumping { now: Mutex::new(begin), waited_for: Mutex::default() });
    let stopper = CancellationToken::new();
    let shared = Arc::new(Shared::new(settings.clone()));
    let service = Service {
        opener: SettingsOpener(settings.clone()),
        clock: clock.clone(),
        timetable,
        shared: shared.clone(),
        stop: stopper.clone(),
    };

    let mut number = 0;
    let mut was_down = false;
    let lives = async {
        let mut ended = shared.runs_ended.subscribe();
        while clock.now() < end {
            tokio::time::timeout(Duration::from_secs(60), ended.changed())
                .await
                .expect("a run a minute")
                .unwrap();
            number += 1;
            world.control.clear_faults();
            world.control.clear_requests();
            if let Some(fault) = fault(number) {
                world.control.add_fault(fault);
            }
            if number % 7 == 0 {
                let event = world.upcoming((number % 20) as usize);
                world
                    .control
                    .move_event(&event, Some(&format!("2027-05-01T{:02}:15:00Z", number % 24)))
                    .unwrap();
            }
            if number == 40 {
                // The database goes away in the middle of it all, and comes back.
                world.installation.server.kill9();
                world.installation.server.start_again().await.unwrap();
                world.installation.db = crate::support::connect(&world.url()).await;
                was_down = true;
            }
        }
        stopper.cancel();
    };
    tokio::join!(service.run(), lives);
    assert!(was_down, "{number} runs");

    // What it waited for is every even hour and every 03:00 by the clock on the wall, in their order and once each;
    // those that fell into the database's absence were caught up together.
    let mut waited = clock.waited_for.lock().unwrap().clone();
    waited.dedup();
    assert!(waited.windows(2).all(|two| two[0] < two[1]), "twice: {waited:?}");
    let due = |at: &Timestamp| {
        let local = at.to_zoned(zone.clone());
        local.minute() == 0 && (local.hour() % 2 == 0 || local.hour() == 3)
    };
    let hours = (1..24 * DAYS).map(|hour| begin + SignedDuration::from_mins(60 * hour - 30));
    // The spring change leaves 02:00 out; it comes when it would have been, which is 03:00.
    let wanted: Vec<Timestamp> = hours.filter(|at| *at < end).filter(due).collect();
    let missed: Vec<&Timestamp> = wanted.iter().filter(|at| !waited.contains(at)).collect();
    assert!(missed.is_empty(), "missed {missed:?}; waited for {waited:?}");
    assert!(waited.iter().all(due), "not of the timetable: {waited:?}");
    let full = runs(&world, "mode = 'full' AND status = 'success'").await;
    assert!((DAYS..=DAYS + 2).contains(&full), "{full} full runs in {DAYS} days");
    let good = runs(&world, "status = 'success'").await;
    assert!(good >= wanted.len() as i64, "{good} good runs for {} times", wanted.len());
    assert!(runs(&world, "status <> 'success'").await > 0, "no fault was met");
    assert_eq!(runs(&world, "status = 'running' AND started_at > now() - interval '1 second'").await, 0);

    world.control.clear_faults();
    world.full().await.success();
    let verdict = world.run(&["verify", "--sample", "50"]).await;
    assert_eq!(verdict.code, 0, "{verdict}");
}

/// Resident memory in KiB, open files and threads of a process. Measured on Linux alone: elsewhere all are zero.
fn held(pid: u32) -> (u64, usize, usize) {
    if !cfg!(target_os = "linux") {
        eprintln!("memory, files and threads of a process are measured on Linux alone (/proc)");
        return (0, 0, 0);
    }
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let rss = rss.trim().trim_end_matches(" kB").parse().unwrap();
    let count = |what: &str| std::fs::read_dir(format!("/proc/{pid}/{what}")).unwrap().count();
    (rss, count("fd"), count("task"))
}

/// Of each kind, what begins is over before it begins again, and no message came twice.
fn no_alert_is_told_twice(messages: &[Value]) {
    assert!(!messages.is_empty(), "some runs failed, and nobody heard of it");
    let mut ids = BTreeSet::new();
    let mut begun = BTreeSet::new();
    for message in messages {
        let text = |key: &str| message[key].as_str().unwrap().to_owned();
        assert!(ids.insert(text("id")), "twice: {message}");
        match text("occasion").as_str() {
            "started" => assert!(begun.insert(text("kind")), "begun twice: {messages:#?}"),
            "over" => assert!(begun.remove(&text("kind")), "over twice: {messages:#?}"),
            other => panic!("a {other} within seconds: {message}"),
        }
    }
    assert!(begun.is_empty(), "never over: {begun:?}");
}

/// Longer by `SOAK_SECONDS`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_under_faults_holds_no_more_at_the_end_than_at_the_beginning() {
    let long = std::env::var("SOAK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(16);
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_INCREMENTAL", "* * * * * *");
    world.set("GAZELLE_SYNC_FULL", "*/4 * * * * *");
    world.set("GAZELLE_SYNC_LOG", "error");
    let told = WebhookReceiver::start().await;
    world.set("ALERT_WEBHOOK_URL", &told.url("/alerts"));
    let serving = Serving::start(&world, &[]).await;
    let pid = serving.pid();
    until("it is warm", async || runs(&world, "status = 'success'").await >= 5).await;
    let before = held(pid);
    let mut most = before;
    let (begun, mut number) = (Instant::now(), 0);
    while begun.elapsed() < Duration::from_secs(long) {
        number += 1;
        world.control.clear_faults();
        world.control.clear_requests();
        if let Some(fault) = fault(number) {
            world.control.add_fault(fault);
        }
        for path in ["/metrics", "/healthz", "/readyz"] {
            serving.get(path).await;
        }
        let good = runs(&world, "status = 'success'").await;
        until("another good run", async || runs(&world, "status = 'success'").await > good).await;
        let now = held(pid);
        most = (most.0.max(now.0), most.1.max(now.1), most.2.max(now.2));
    }
    let after = held(pid);
    // A run that a fault of the last round still meets would open an alert when all seems to be over.
    world.control.clear_faults();
    let good = runs(&world, "status = 'success'").await;
    until("a run without faults", async || runs(&world, "status = 'success'").await > good).await;
    until("the last trouble is over", async || {
        world.one::<i64>("SELECT count(*) FROM sync_alert_messages WHERE sent_at IS NULL", &[]).await == 0
            && world.one::<i64>("SELECT count(*) FROM sync_alerts WHERE closed_at IS NULL", &[]).await == 0
    })
    .await;
    let ended = serving.stop().await;
    no_alert_is_told_twice(&told.accepted().iter().map(Received::json).collect::<Vec<_>>());
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert!(number >= 5, "{number} rounds");
    eprintln!("{number} rounds; KiB, files, threads: {before:?} before, {after:?} after, {most:?} at most");
    assert!(after.0 < before.0 + 8 * 1024, "memory grew: {before:?} to {after:?} (KiB, files, threads)");
    // A connection of each pool may be open or not at the instant of looking.
    assert!(after.1 <= before.1 + 12 && after.2 <= before.2 + 2, "{before:?} to {after:?}");
}
