//! What goes wrong around a run: faults of the API, a shop that changes, kills, cut connections, rivals, clocks.

mod record_faults;

use std::sync::Arc;
use std::time::Duration;

use gazelle_sim::{Change, Fault, FaultKind, RecordKind};
use tokio::sync::Notify;

use super::Simulation;
use crate::runner::{RunEnd, Running, Task};
use crate::support::fault_proxy::{Direction, ProxyFault};

/// The lists that walks page through.
const LISTS: [&str; 4] = ["allUsers", "allClients", "allPianos", "allEventsBatched"];

/// By how much our clock was ahead; no two versions of a record are so far from each other.
const AHEAD: &str = "interval '1 day 0.000013 s'";

impl Simulation<'_> {
    pub(super) async fn with_api_faults(&mut self, task: Task) -> Result<(), String> {
        for _ in 0..=self.random.below(3) {
            let faults = match self.random.percent(20) {
                true => self.record_faults(),
                false => vec![Fault::new(self.api_fault())],
            };
            let (skip, of_lists) = (self.random.below(12) as u64, self.random.percent(60));
            let list = *self.random.pick::<&str>(&LISTS);
            let times = (!self.random.percent(25)).then(|| 1 + self.random.below(3) as u64);
            for fault in faults {
                let mut fault = Fault { times, ..fault.skip(skip) };
                if of_lists && fault.operation.is_none() {
                    fault = fault.on_field(list);
                }
                self.told.push(format!("  fault {fault:?}"));
                self.control.add_fault(fault);
                self.figures.faults += 1;
            }
        }
        let ended = self.run(task).await?;
        self.control.clear_faults();
        match ended {
            // A fault that is a lie (rows left out, a wrong count) may be believed; the next walk knows better.
            RunEnd::Report(_) => Ok(()),
            ended if self.replayed(&ended) => Ok(()),
            other => Err(format!("the API's faults are in the report, yet {other:?}")),
        }
    }

    fn api_fault(&mut self) -> FaultKind {
        let message = "made up".to_owned();
        match self.random.below(19) {
            16 => match self.some_record() {
                Some((id, field)) => FaultKind::RawByte { id, field: field.to_owned() },
                None => FaultKind::ServerError,
            },
            17 => FaultKind::max_complexity(20 + self.random.below(200) as u64),
            18 => FaultKind::Gzip { announced: self.random.percent(50) },
            0 => FaultKind::ServerError,
            1 => FaultKind::TooManyRequests { retry_after_seconds: Some(0) },
            2 => FaultKind::BadGateway,
            3 => FaultKind::ConnectionReset,
            4 => FaultKind::CutBody,
            5 => FaultKind::TruncatedJson,
            6 => FaultKind::HtmlOk,
            7 => FaultKind::Unauthorized,
            8 => FaultKind::GraphqlError { message, extensions: None },
            9 => FaultKind::PartialData {
                message,
                null_nodes: self.random.below(2),
                missing_nodes: self.random.below(2),
            },
            10 => FaultKind::RepeatCursor,
            11 => FaultKind::EmptyList,
            12 => FaultKind::ShortPage { most: 1 },
            13 => FaultKind::TotalOff { by: self.random.between(-2, 2) },
            _ => FaultKind::Slow { milliseconds: 20 },
        }
    }

    /// A record of the shop that lists hold, and a field of it that may be null.
    fn some_record(&mut self) -> Option<(String, &'static str)> {
        let (kind, field) = *self.random.pick(&[
            (RecordKind::Event, "notes"),
            (RecordKind::Client, "personalNotes"),
            (RecordKind::Piano, "notes"),
        ]);
        let ids = self.control.ids(kind);
        (!ids.is_empty()).then(|| (self.random.pick(&ids).clone(), field))
    }

    pub(super) async fn with_a_shop_that_changes(&mut self, task: Task) -> Result<(), String> {
        for _ in 0..=self.random.below(4) {
            let change = self.next_change();
            let skip = self.random.below(20) as u64;
            self.told.push(format!("  after {skip}: {}", serde_json::to_string(&change).unwrap_or_default()));
            self.figures.changes += 1;
            self.change_after(change, skip);
        }
        let ended = self.run(task).await?;
        self.control.clear_faults();
        match ended {
            RunEnd::Report(_) => Ok(()),
            ended if self.replayed(&ended) => Ok(()),
            other => Err(format!("a shop may change, yet {other:?}")),
        }
    }

    fn change_after(&self, change: Change, skip: u64) {
        let kind = FaultKind::ChangeAfter { changes: vec![change] };
        self.control.add_fault(Fault::new(kind).skip(skip));
    }

    /// Killed after so many requests or bytes, or after a while.
    pub(super) async fn killed(&mut self, task: Task) -> Result<(), String> {
        self.figures.runs += 1;
        let reached = Arc::new(Notify::new());
        let told = match self.random.below(4) {
            0 => {
                let requests = self.random.below(40) as u64;
                let reached = reached.clone();
                self.control
                    .call_after(Fault::new(FaultKind::Call).skip(requests), move |_| reached.notify_one());
                format!("  killed after {requests} requests")
            }
            1 => {
                let micros = self.random.of_any_size(18);
                let reached = reached.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_micros(micros as u64)).await;
                    reached.notify_one();
                });
                format!("  killed after {micros} µs")
            }
            // The database goes on with what it has, and the program hears no more of it.
            way => {
                let bytes = self.random.of_any_size(18);
                let direction = if way == 2 { Direction::ToServer } else { Direction::ToClient };
                self.stage.proxy.fail_after_bytes(bytes, direction, ProxyFault::Freeze);
                format!("  killed after {bytes} bytes {direction:?}")
            }
        };
        self.told.push(told);
        let mut running = Running::start(&self.setting, &self.stage.url(), task);
        let early = tokio::select! {
            ended = running.end() => Some(ended?),
            () = self.stage.proxy.wait_for_failure() => None,
            () = reached.notified() => None,
        };
        let ended = match early {
            Some(ended) => ended,
            None => {
                running.kill();
                running.end().await?
            }
        };
        self.stage.proxy.cut();
        self.stage.proxy.restore();
        self.control.clear_faults();
        self.figures.killed += u64::from(matches!(ended, RunEnd::Killed));
        self.log_run_end(&ended);
        self.sessions_are_over().await
    }

    pub(super) async fn with_a_connection_that_breaks(&mut self, task: Task) -> Result<(), String> {
        let bytes = self.random.of_any_size(18);
        let direction = *self.random.pick(&[Direction::ToServer, Direction::ToClient]);
        let trouble = *self.random.pick(&[ProxyFault::CutAll, ProxyFault::CutOne, ProxyFault::HalfClose]);
        self.told.push(format!("  {trouble:?} after {bytes} bytes {direction:?}"));
        self.stage.proxy.fail_after_bytes(bytes, direction, trouble);
        let ended = self.run(task).await?;
        self.figures.cut += u64::from(self.stage.proxy.has_failed());
        let struck = self.stage.proxy.has_failed();
        self.stage.proxy.restore();
        self.stage.proxy.cut();
        match ended {
            RunEnd::Failed(why) if !struck => Err(format!("nothing broke, yet it failed: {why}")),
            RunEnd::Failed(why) if !why.contains("database") && !why.contains("took it over") => {
                Err(format!("the message does not name the database: {why}"))
            }
            _ => self.sessions_are_over().await,
        }
    }

    /// Waits until the server has noticed that the clients of the proxy are gone.
    pub(super) async fn sessions_are_over(&self) -> Result<(), String> {
        let sql = "SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND application_name = 'gazelle-sync'";
        let deadline = tokio::time::Instant::now() + Duration::from_secs(300);
        loop {
            let open: i64 = self.stage.db.query_one(sql, &[]).await.expect("a count").get(0);
            if open == 0 {
                return Ok(());
            }
            if tokio::time::Instant::now() > deadline {
                return Err(format!("{open} sessions outlive their clients"));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    pub(super) async fn two_at_once(&mut self, task: Task) -> Result<(), String> {
        self.figures.rivals += 1;
        self.figures.runs += 2;
        let (other, _, name) = self.task();
        self.told.push(format!("  beside it: {name}"));
        let mut one = Running::start(&self.setting, &self.stage.url(), task);
        let mut two = Running::start(&self.setting, &self.stage.direct_url, other);
        let (one, two) = (one.end().await?, two.end().await?);
        self.log_run_end(&one);
        self.log_run_end(&two);
        for ended in [&one, &two] {
            if let RunEnd::Failed(why) = ended
                && !why.contains("another gazelle-sync")
                && !self.replayed(ended)
            {
                return Err(format!("refused for another reason: {why}"));
            }
        }
        let ran = |ended: &RunEnd| !matches!(ended, RunEnd::Failed(_)) || self.replayed(ended);
        match ran(&one) || ran(&two) {
            true => Ok(()),
            false => Err("neither of two ran".to_owned()),
        }
    }

    /// One stands still for longer than its lease, another takes over, and the first goes on.
    pub(super) async fn one_paused_beyond_its_lease(&mut self, task: Task) -> Result<(), String> {
        self.figures.paused += 1;
        self.figures.runs += 2;
        let bytes = self.random.of_any_size(17);
        let direction = *self.random.pick(&[Direction::ToServer, Direction::ToClient]);
        self.stage.proxy.fail_after_bytes(bytes, direction, ProxyFault::Freeze);
        let (other, _, name) = self.task();
        self.told.push(format!("  paused after {bytes} bytes {direction:?}; then {name}"));
        let mut first = Running::start(&self.setting, &self.stage.url(), task);
        let early = tokio::select! {
            ended = first.end() => Some(ended?),
            () = self.stage.proxy.wait_for_failure() => None,
        };
        // Its lease has run out, as far as the database can tell.
        // Or there is none, since the first stands in the middle of the migrations.
        let expire = "DO $$ BEGIN UPDATE sync_lease SET expires_at = 'epoch'; EXCEPTION WHEN undefined_table THEN NULL; END $$";
        self.stage.db.batch_execute(expire).await.expect("an expired lease");
        let mut second = Running::start(&self.setting, &self.stage.direct_url, other);
        // In the middle of a transaction it cannot be followed before that has ended.
        let second_ended = second.end_within(Duration::from_millis(400)).await;
        self.stage.proxy.restore();
        let second_ended = match second_ended {
            Some(ended) => ended?,
            None => second.end().await?,
        };
        let first_ended = match early {
            Some(ended) => ended,
            None => first.end().await?,
        };
        self.log_run_end(&first_ended);
        self.log_run_end(&second_ended);
        for ended in [&first_ended, &second_ended] {
            if let RunEnd::Failed(why) = ended
                && !why.contains("another gazelle-sync")
            {
                return Err(format!("stopped for another reason: {why}"));
            }
        }
        Ok(())
    }

    /// The API's clock steps; or ours was ahead until now and has been put right.
    pub(super) async fn clock_step(&mut self) {
        self.figures.clock_steps += 1;
        let is_migrated = "SELECT to_regclass('sync_deletions') IS NOT NULL";
        let has_tables: bool = self.stage.db.query_one(is_migrated, &[]).await.expect("a row").get(0);
        // What a user has added may refuse or change what is written here by hand, and the first run may have failed before it
        // made tables.
        if self.random.percent(50) || self.added.is_some() || !has_tables {
            // By hours, or by as much as a clock that is set to another year.
            let most = *self.random.pick(&[200_000, 20_000_000]);
            let seconds = self.random.between(-most, most);
            self.told.push(format!("the API's clock steps by {seconds} s"));
            self.control.advance_clock(seconds);
            return;
        }
        self.told.push("our clock was a day ahead until now".to_owned());
        let mut sql = String::new();
        for table in crate::support::staging_tables() {
            sql.push_str(&format!("UPDATE {table} SET fetched_at = fetched_at + {AHEAD};"));
        }
        for table in crate::support::production_tables() {
            sql.push_str(&format!(
                "UPDATE {table} SET deleted_at = deleted_at + {AHEAD}, synced_from_gazelle_at = synced_from_gazelle_at + {AHEAD};"
            ));
        }
        sql.push_str(&format!("UPDATE sync_deletions SET found_at = found_at + {AHEAD}"));
        self.stage.db.batch_execute(&sql).await.expect("later times");
    }
}
