//! Thousands of random histories of a shop and its copy, each from a seed: whatever happened on the way, in the end
//! production is what the shop holds, a further run writes nothing, and staging can rebuild it.
//!
//! A fixed and a fresh seed run with all tests; `cargo run -p xtask -- simulate-histories` runs more, or one again.

#[path = "../support/mod.rs"]
mod support;

mod changes;
mod runner;
mod story;
mod truth;

use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use embedded_postgres::testing::TestServer;
use story::{Figures, Stage};
use support::random;

/// Histories that run side by side for each core, each in a database of its own: half of the time, one waits for its database.
const WORKERS_A_CORE: usize = 2;
/// Connections of one history: those of two rival runs (eight each, and those beside their work), those of runs that were killed
/// and whose sessions the server has not ended yet, and that of the test.
const CONNECTIONS_A_WORKER: usize = 30;
/// How long the tests may take.
const TIME: Duration = Duration::from_secs(15);
/// The seed of the fixed ones.
const FIXED: u64 = 1_000_000;

/// Plays the histories of these seeds until they or the time are used up, and panics with all that fail.
fn play(first: u64, count: u64, time: Option<Duration>) -> Figures {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let workers = WORKERS_A_CORE * std::thread::available_parallelism().map_or(1, usize::from);
    let connections = (CONNECTIONS_A_WORKER * workers).to_string();
    let server =
        runtime.block_on(TestServer::start_with(&[("max_connections", &connections)])).expect("a server");
    let begun = Instant::now();
    let next = AtomicU64::new(0);
    let figures = Mutex::new(Figures::default());
    let failures: Mutex<Vec<String>> = Mutex::default();
    std::thread::scope(|scope| {
        for number in 0..workers {
            let (server, next, figures, failures) = (&server, &next, &figures, &failures);
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let stage = runtime.block_on(Stage::new(server, number));
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let late = time.is_some_and(|time| begun.elapsed() > time);
                    if index >= count || late || failures.lock().unwrap().len() >= 10 {
                        return;
                    }
                    let seed = first + index;
                    let played = std::panic::catch_unwind(AssertUnwindSafe(|| {
                        runtime.block_on(story::play(&stage, seed))
                    }));
                    let failure = match played {
                        Ok((told, of_one, outcome)) => {
                            *figures.lock().unwrap() += of_one;
                            outcome.err().map(|wrong| format!("{}\n{wrong}", told.join("\n")))
                        }
                        Err(panic) => Some(format!("panicked: {:?}", panic.downcast_ref::<String>())),
                    };
                    if let Some(failure) = failure {
                        let shown = format!(
                            "== the history of seed {seed} went wrong (again: cargo run -p xtask -- \
                             simulate-histories --seed {seed} --count 1)\n{failure}\n"
                        );
                        eprintln!("{shown}");
                        failures.lock().unwrap().push(shown);
                    }
                    if index % 100 == 99 {
                        eprintln!("{} histories, {:?}", index + 1, begun.elapsed());
                    }
                }
            });
        }
    });
    let figures = figures.into_inner().unwrap();
    eprintln!("from seed {first}: {figures:?} in {:.1?}", begun.elapsed());
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} of {} went wrong", failures.len(), figures.histories);
    figures
}

/// A number from the environment.
fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

#[test]
fn whatever_happens_production_is_what_the_shop_holds_and_staging_rebuilds_it() {
    if let Some(count) = asked("SIMULATED_HISTORIES") {
        play(asked("SIMULATED_SEED").unwrap_or(FIXED), count, None);
        return;
    }
    let fixed = play(FIXED, 1_000, Some(TIME));
    assert!(fixed.histories >= 4, "{fixed:?}");
    let fresh = jiff::Timestamp::now().as_microsecond().unsigned_abs();
    play(fresh, 1_000, Some(TIME));
}
