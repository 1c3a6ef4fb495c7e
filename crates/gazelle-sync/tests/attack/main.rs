//! Attackers, each random from a seed, each with something that must never be. A short round of each is a test;
//! `cargo run --release -p xtask -- attack` plays for as long as asked, or one case again.
//!
//! The program is the one that is built with checks of arithmetic, so that what overflows is found too.

#[path = "../support/mod.rs"]
mod support;

mod addresses;
mod api;
mod database;
mod hung;
mod pages;
mod rights;
mod roles;
mod rows;
mod settings;

use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use support::CommandOutput;
use support::hostile_text::{is_harmless, texts};
use support::limited::{LimitedRun, run_with_memory_limit};
use support::random::Random;

/// The seed of the cases that all tests play.
const FIXED: u64 = 1;
/// How long a command may take that is waiting for nobody but an attacker.
const PATIENCE: Duration = Duration::from_secs(180);

/// What was done so far, to be told.
#[derive(Debug, Default)]
struct Tally {
    attempts: u64,
    /// The most memory that the program held, in KiB.
    peak: u64,
    longest: Duration,
    /// What the attempt under way is.
    now: String,
}

impl Tally {
    /// The next attempt, as it is to be told if it finds something.
    fn attempt(&mut self, what: String) {
        self.attempts += 1;
        self.now = what;
    }

    /// Runs the program with little memory and time. It must end by itself with one of the statuses that it has, and say
    /// nothing that acts where it is shown.
    async fn run(&mut self, command: &tokio::process::Command) -> CommandOutput {
        let LimitedRun { ran, peak, took } =
            run_with_memory_limit(command, PATIENCE).await.unwrap_or_else(|late| panic!("{late}"));
        self.peak = self.peak.max(peak);
        self.longest = self.longest.max(took);
        assert!((0..=3).contains(&ran.code), "it did not end as it should: {ran:.3000}");
        assert!(!ran.stderr.contains("panicked"), "it panicked: {ran:.3000}");
        is_harmless("stdout", &ran.stdout);
        is_harmless("stderr", &ran.stderr);
        ran
    }

    /// As [`Tally::run`], of a command with `--json`: one document, and words where it failed.
    async fn run_json(&mut self, command: &tokio::process::Command) -> CommandOutput {
        let ran = self.run(command).await;
        let document = ran.json();
        let words = texts(&document).iter().any(|text| text.contains(' '));
        assert!([0, 3].contains(&ran.code) || words, "it failed without a word: {ran:.3000}");
        ran
    }
}

/// A number from the environment.
fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// Plays one case after the other until the time is up, each with the next seed; panics with all that find something.
fn play(name: &str, case: impl AsyncFn(Random, &mut Tally)) {
    let first = asked("ATTACK_SEED").unwrap_or(FIXED);
    let time = asked("ATTACK_SECONDS").map(Duration::from_secs);
    let cases = asked("ATTACK_CASES").unwrap_or(if time.is_some() { u64::MAX } else { 1 });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let begun = Instant::now();
    let (mut played, mut findings) = (0, Vec::new());
    let tally = Mutex::new(Tally::default());
    while played < cases && findings.len() < 10 && time.is_none_or(|time| begun.elapsed() < time) {
        let seed = first.wrapping_add(played);
        let mut tally = tally.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        tally.now.clear();
        let outcome = runtime.block_on(AssertUnwindSafe(case(Random::new(seed), &mut tally)).catch_unwind());
        if outcome.is_err() {
            let finding = format!(
                "== {name}, seed {seed}, finds something (above): {}\n   again: cargo run --release -p xtask -- attack \
                 --only {name} --seed {seed} --cases 1",
                tally.now
            );
            eprintln!("{finding}");
            findings.push(finding);
        }
        played += 1;
    }
    let tally = tally.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    eprintln!(
        "{name}: {} attempts in {played} cases from seed {first}, {:.0} s; at most {} MiB and {:.1} s a command; {} finding(s)",
        tally.attempts,
        begun.elapsed().as_secs_f64(),
        tally.peak / 1024,
        tally.longest.as_secs_f64(),
        findings.len()
    );
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn rights_nobody_reads_or_writes_more_than_was_granted() {
    play("rights", rights::case);
}

#[test]
fn hung_whatever_somebody_left_on_our_tables_a_superuser_runs_none_of_it() {
    play("hung", hung::case);
}

#[test]
fn api_whatever_it_answers_harms_neither_the_process_nor_the_database() {
    play("api", api::case);
}

#[test]
fn database_whatever_answers_in_its_place_the_program_ends_with_words() {
    play("database", database::case);
}

#[test]
fn settings_whatever_is_set_for_our_sessions_nothing_else_is_written() {
    play("settings", settings::case);
}

#[test]
fn roles_whatever_they_are_the_sync_becomes_no_more_and_advice_leads_out() {
    play("roles", roles::case);
}

#[test]
fn rows_whatever_stands_in_our_tables_is_shown_and_acts_nowhere() {
    play("rows", rows::case);
}

#[test]
fn addresses_however_they_are_written_no_password_is_shown() {
    play("addresses", addresses::case);
}

#[test]
fn pages_whatever_is_asked_of_them_nobody_gets_or_changes_more_than_the_role_may() {
    play("pages", pages::case);
}
