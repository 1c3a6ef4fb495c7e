//! One history: changes and runs, undisturbed or not, and at the end the question whether all is as it should be.

mod additions;
mod database;
mod disturbances;
mod reasons;

use std::collections::BTreeMap;

use embedded_postgres::testing::TestServer;
use gazelle_sim::{BadRecord, Change, ShopSpec, SimControl, SimOptions, Simulator};
use gazelle_sync::entities::ENTITIES;
use gazelle_sync::orchestrator::decide_deletions::{Decision, DeletionSelection, decide};
use gazelle_sync::orchestrator::{Deciding, Job, Stages};
use gazelle_sync::rebuild::verify::{VerifyRequest, VerifyVerdict, verify};
use gazelle_sync::run_log::kinds::{RunCommand, RunMode, RunTrigger};
use gazelle_sync::run_log::report::RunOutcome;
use tokio_postgres::Client;

use crate::changes;
use crate::random::Random;
use crate::runner::{RunEnd, Running, Setting, Task};
use crate::support::fault_proxy::FaultProxy;
use crate::truth::{self, Scope};
use reasons::{only_asks_a_person, only_waits_for_lists, only_withheld};

/// The check of `verify` that compares counts.
const COUNTS: &str = "counts agree with the API";

/// What a worker keeps from one history to the next.
pub struct Stage {
    pub db: Client,
    pub proxy: FaultProxy,
    /// Around the proxy.
    pub direct_url: String,
    pub database: String,
}

/// What happened, for the figures.
#[derive(Debug, Default, Clone, Copy)]
pub struct Figures {
    pub histories: u64,
    pub changes: u64,
    pub runs: u64,
    pub killed: u64,
    pub cut: u64,
    pub silent: u64,
    pub read_only: u64,
    pub faults: u64,
    pub rivals: u64,
    pub paused: u64,
    pub clock_steps: u64,
    pub additions: u64,
    /// Records that waited since something added refused them.
    pub refused: u64,
}

impl std::ops::AddAssign for Figures {
    fn add_assign(&mut self, other: Figures) {
        self.histories += other.histories;
        self.changes += other.changes;
        self.runs += other.runs;
        self.killed += other.killed;
        self.cut += other.cut;
        self.silent += other.silent;
        self.read_only += other.read_only;
        self.faults += other.faults;
        self.rivals += other.rivals;
        self.paused += other.paused;
        self.clock_steps += other.clock_steps;
        self.additions += other.additions;
        self.refused += other.refused;
    }
}

/// What a history is made of.
pub struct Simulation<'s> {
    stage: &'s Stage,
    control: SimControl,
    setting: Setting,
    random: Random,
    /// Whether the shop has had records that it holds and does not list.
    has_unlisted: bool,
    /// What a user has added to our tables, and not taken away yet.
    added: Option<additions::Added>,
    pub told: Vec<String>,
    pub figures: Figures,
}

impl Stage {
    pub async fn new(server: &TestServer, number: usize) -> Stage {
        let database = format!("history{number}");
        server.create_database(&database).await.expect("a database");
        let direct_url = server.connection_string(&database);
        let db = crate::support::connect(&direct_url).await;
        let proxy = FaultProxy::start(server).await;
        Stage { db, proxy, direct_url, database }
    }

    /// An empty database again: rows go, tables stay.
    async fn clean(&self) {
        self.proxy.restore();
        self.proxy.cut();
        self.remove_additions().await;
        let sql = "SELECT string_agg(quote_ident(relname), ', ') FROM pg_class
                    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'sync_migrations'";
        let tables: Option<String> = self.db.query_one(sql, &[]).await.expect("tables").get(0);
        if let Some(tables) = tables {
            self.db.batch_execute(&format!("TRUNCATE {tables}")).await.expect("a clean database");
        }
    }

    fn url(&self) -> String {
        self.proxy.url(&self.database)
    }
}

/// Plays the history of this seed. An error says what is wrong; what happened before is in `told`.
pub async fn play(stage: &Stage, seed: u64) -> (Vec<String>, Figures, Result<(), String>) {
    let mut random = Random::new(seed);
    let spec = ShopSpec {
        users: 3,
        clients: 12,
        pianos: 12,
        events: 18,
        oddities: false,
        ..ShopSpec::default_shop(seed)
    };
    let options = SimOptions {
        page_cap: *random.pick(&[3, 7, 500]),
        dates_in_utc: random.percent(50),
        missing_is_error: random.percent(50),
        contact_edit_bumps_client: random.percent(50),
        ..SimOptions::default()
    };
    let sim = Simulator::start(spec, options, ([127, 0, 0, 1], 0).into()).await.expect("a simulator");
    let guarded = random.percent(20);
    let mut env = BTreeMap::from([
        ("GAZELLE_API_URL".to_owned(), sim.graphql_url()),
        ("GAZELLE_SYNC_RETRY_DELAY_SECONDS".to_owned(), "0".to_owned()),
        // Shops this small shrink and lose by large shares.
        ("GAZELLE_SYNC_SHRINK_GUARD_PERCENT".to_owned(), "100".to_owned()),
    ]);
    let mut set = |name: &str, value: String| env.insert(format!("GAZELLE_SYNC_{name}"), value);
    if !guarded {
        set("DELETE_GUARD_RECORDS", "1000".to_owned());
        set("DELETE_GUARD_PERCENT", "100".to_owned());
    }
    set("PAGE_SIZE", random.pick(&[2, 5, 20, 100]).to_string());
    set("BATCH_SIZE", random.pick(&[1, 3, 10, 1000]).to_string());
    set("CONCURRENCY", random.pick(&[1, 2, 4]).to_string());
    set("ATTEMPTS", random.pick(&[1, 3]).to_string());
    set("WALK_ATTEMPTS", random.pick(&[1, 2, 3]).to_string());
    set("LOOKBACK_DAYS", random.pick(&[5, 30]).to_string());
    let told = vec![format!(
        "settings {env:?}, page_cap and so on {:?}",
        sim.control().total(gazelle_sim::RecordKind::Event)
    )];
    let setting = Setting::new(env, sim.api_key());
    let (control, figures) = (sim.control(), Figures::default());
    let mut story =
        Simulation { stage, control, setting, random, has_unlisted: false, added: None, told, figures };
    stage.clean().await;
    let outcome = story.play_steps().await;
    story.figures.histories = 1;
    let (told, figures) = (std::mem::take(&mut story.told), story.figures);
    drop(story);
    sim.shutdown().await;
    (told, figures, outcome)
}

impl Simulation<'_> {
    async fn play_steps(&mut self) -> Result<(), String> {
        for step in 1..=self.random.between(2, 6) {
            for _ in 0..self.random.below(6) {
                self.change();
            }
            self.step(step).await.map_err(|wrong| format!("step {step}: {wrong}"))?;
            self.nothing_vanished().await.map_err(|wrong| format!("step {step}: {wrong}"))?;
        }
        self.remove_what_was_added().await?;
        self.finish().await
    }

    fn next_change(&mut self) -> Change {
        let change = changes::next(&mut self.random, &self.control);
        self.has_unlisted |= matches!(
            change,
            Change::SetListed { times: 0, .. }
                | Change::AddBadRecord {
                    bad_record: BadRecord::UnlistedClient
                        | BadRecord::UnlistedPiano
                        | BadRecord::UnlistedUser
                }
        );
        change
    }

    fn change(&mut self) {
        let change = self.next_change();
        let told = serde_json::to_string(&change).unwrap_or_default();
        match self.control.apply(change) {
            Ok(_) => {
                self.figures.changes += 1;
                self.told.push(format!("change {told}"));
            }
            Err(error) => self.told.push(format!("impossible {told}: {error}")),
        }
    }

    /// One run or what there is beside runs.
    async fn step(&mut self, step: i64) -> Result<(), String> {
        if self.random.percent(8) && step > 1 {
            self.clock_step().await;
        }
        if self.random.percent(12) && step > 1 {
            self.add_something().await;
        } else if self.random.percent(40) {
            self.remove_what_was_added().await?;
        }
        let (task, extent, name) = self.task();
        self.told.push(format!("step {step}: {name}"));
        match self.random.below(100) {
            0..30 => {
                let ended = self.run(task).await?;
                self.judge_undisturbed(&ended, extent).await
            }
            30..45 => self.with_api_faults(task).await,
            45..55 => self.with_a_shop_that_changes(task).await,
            55..78 => self.killed(task).await,
            78..86 => self.with_a_connection_that_breaks(task).await,
            86..88 => self.with_connections_that_fall_silent(task).await,
            88..90 => self.with_a_database_that_is_read_only(task).await,
            90..95 => self.two_at_once(task).await,
            _ => self.one_paused_beyond_its_lease(task).await,
        }
    }

    /// What is run, what it answers for when it succeeds, and its name.
    fn task(&mut self) -> (Task, Option<Scope>, &'static str) {
        let job = |command, stages, mode| {
            Task::Run(Job {
                command,
                stages,
                mode,
                since: None,
                entities: ENTITIES.to_vec(),
                trigger: RunTrigger::Command,
                is_recorded: false,
            })
        };
        match self.random.below(20) {
            0..11 => {
                // The lookback is 5 days at least.
                let from = gazelle_sync::time::utc_parts(jiff::Timestamp::now()).0;
                let from = from.saturating_sub(jiff::Span::new().days(4));
                (
                    job(RunCommand::Sync, Stages::Both, RunMode::Incremental),
                    Some(Scope::From(from)),
                    "incremental sync",
                )
            }
            11..15 => (job(RunCommand::Sync, Stages::Both, RunMode::Full), Some(Scope::All), "full sync"),
            15..17 => (job(RunCommand::Fetch, Stages::FetchOnly, RunMode::Incremental), None, "fetch"),
            17..18 => {
                (job(RunCommand::Reconcile, Stages::ReconcileOnly, RunMode::Incremental), None, "reconcile")
            }
            _ => (Task::Replay, None, "replay"),
        }
    }

    async fn run(&mut self, task: Task) -> Result<RunEnd, String> {
        self.figures.runs += 1;
        let mut running = Running::start(&self.setting, &self.stage.url(), task);
        let ended = running.end().await?;
        self.log_run_end(&ended);
        Ok(ended)
    }

    fn log_run_end(&mut self, ended: &RunEnd) {
        self.told.push(match ended {
            RunEnd::Report(report) => format!(
                "  → {} (fetched {}, staged {}, processed {}, errors {}, deleted {}) {}",
                report.status.as_str(),
                report.fetched,
                report.staged,
                report.processed,
                report.errors,
                report.deleted,
                report.reasons.join("; ")
            ),
            other => format!("  → {other:?}"),
        });
    }

    /// An undisturbed run succeeds, but for deletions that wait for a person, and then answers for what it walked.
    async fn judge_undisturbed(&mut self, ended: &RunEnd, extent: Option<Scope>) -> Result<(), String> {
        match ended {
            // What waits because of it is judged when it is gone.
            RunEnd::Report(report) if self.added.is_some() && report.status != RunOutcome::Failed => Ok(()),
            RunEnd::Report(report) if report.status == RunOutcome::Success => match extent {
                Some(extent) => truth::production_is_the_shop(&self.stage.db, &self.control, extent).await,
                None => Ok(()),
            },
            RunEnd::Report(report) if only_asks_a_person(report) => Ok(()),
            // It walks no list, and an earlier run could not read one.
            RunEnd::Report(report)
                if extent.is_none()
                    && report.status == RunOutcome::Partial
                    && only_waits_for_lists(&report.reasons) =>
            {
                Ok(())
            }
            RunEnd::Report(report) => {
                Err(format!("undisturbed, yet {:?}: {:?}", report.status, report.reasons))
            }
            ended if self.replayed(ended) => Ok(()),
            other => Err(format!("undisturbed, yet {other:?}")),
        }
    }

    /// Whether it is a replay that did all it could: where a user has added something, that may withhold what it found.
    fn replayed(&self, ended: &RunEnd) -> bool {
        match ended {
            RunEnd::Replayed(RunOutcome::Success, _) => true,
            RunEnd::Replayed(RunOutcome::Partial, reasons) => {
                self.added.is_some() || only_waits_for_lists(reasons)
            }
            // Of a row that it would change, and that may not be: then it changes nothing, and says so.
            RunEnd::Failed(why) => {
                self.added.is_some() && why.contains("something that was added to our tables refuses a row")
            }
            _ => false,
        }
    }

    /// Everything is quiet: one more full sync, and all must be as it should be.
    async fn finish(&mut self) -> Result<(), String> {
        self.told.push("at the end: full sync".to_owned());
        // As if the longest wait between two questions for a missing parent had passed. Where every run was killed
        // before it made the tables, there are none.
        let due = "DO $$ BEGIN UPDATE sync_missing_parents SET next_ask_at = last_asked_at;
                         EXCEPTION WHEN undefined_table THEN NULL; END $$";
        self.stage.db.batch_execute(due).await.expect("due");
        let all = Job::reconcile(RunCommand::Sync, ENTITIES.to_vec());
        let full = Task::Run(Job { stages: Stages::Both, mode: RunMode::Full, ..all });
        let mut ended = self.run(full.clone()).await?;
        if let RunEnd::Report(report) = &ended
            && only_withheld(report)
        {
            self.approve_all().await?;
            ended = self.run(full.clone()).await?;
        }
        self.judge_undisturbed(&ended, Some(Scope::All)).await?;
        truth::nothing_is_left_over(&self.stage.db, &self.control).await?;

        let before = truth::fingerprint(&self.stage.db).await;
        let again = self.run(full).await?;
        self.judge_undisturbed(&again, Some(Scope::All)).await?;
        if before != truth::fingerprint(&self.stage.db).await {
            return Err("a second run without a change wrote something".to_owned());
        }
        self.staging_rebuilds_production().await
    }

    async fn approve_all(&mut self) -> Result<(), String> {
        let db = self.setting.connect(&self.stage.direct_url).await.map_err(|error| error.to_string())?;
        let sql = "SELECT DISTINCT run_id FROM sync_deletions WHERE state = 'withheld'";
        for row in self.stage.db.query(sql, &[]).await.expect("withheld") {
            let which = DeletionSelection::all_of(row.get(0));
            let progress = gazelle_sync::display::Progress::new(gazelle_sync::display::ProgressStyle::None);
            let approve = async |deciding: Deciding<'_>| decide(deciding, which, Decision::Approve).await;
            Deciding::hold(&db, &self.setting.settings, &progress, approve)
                .await
                .map_err(|error| format!("approving: {error}"))?;
            self.told.push("approved what was withheld".to_owned());
        }
        db.close();
        Ok(())
    }

    async fn staging_rebuilds_production(&mut self) -> Result<(), String> {
        let db = self.setting.connect(&self.stage.direct_url).await.map_err(|error| error.to_string())?;
        let client = self.setting.client();
        let question =
            VerifyRequest { entities: ENTITIES.to_vec(), sample: 8, seed: 1, client: Some(&client) };
        let report =
            verify(&db, &self.setting.settings, &question).await.map_err(|error| error.to_string())?;
        db.close();
        // Records that the shop has and does not list are held, and not counted by the API.
        let counts_differ =
            report.checks.iter().find(|check| check.name == COUNTS).map_or(0, |check| check.differences);
        let explained = self.has_unlisted && report.differences == counts_differ;
        match report.status {
            VerifyVerdict::Equal => Ok(()),
            VerifyVerdict::Different if explained => Ok(()),
            _ => Err(format!("verify: {}", serde_json::to_string(&report).unwrap_or_default())),
        }
    }
}
