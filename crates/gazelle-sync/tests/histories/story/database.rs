//! A database that falls silent, or takes no writes for a while.

use std::sync::Arc;

use gazelle_sim::{Fault, FaultKind};
use tokio::sync::Notify;

use super::Simulation;
use crate::runner::{RunEnd, Running, Task};
use crate::support::fault_proxy::{Direction, ProxyFault};

impl Simulation<'_> {
    /// Nothing comes any more through the connections that there are, and nothing is closed; new ones work.
    pub(super) async fn with_connections_that_fall_silent(&mut self, task: Task) -> Result<(), String> {
        let bytes = self.random.of_any_size(17);
        let direction = *self.random.pick(&[Direction::ToServer, Direction::ToClient]);
        self.told.push(format!("  silence after {bytes} bytes {direction:?}"));
        let patience = self.setting.settings.database_silence_seconds;
        self.setting.settings.database_silence_seconds = 2.0;
        self.stage.proxy.fail_after_bytes(bytes, direction, ProxyFault::Silence);
        let ended = self.run(task).await;
        self.setting.settings.database_silence_seconds = patience;
        let struck = self.stage.proxy.has_failed();
        self.figures.silent += u64::from(struck);
        self.stage.proxy.restore();
        self.stage.proxy.cut();
        match ended? {
            RunEnd::Failed(why) if !struck => Err(format!("nothing fell silent, yet it failed: {why}")),
            RunEnd::Failed(why) if !why.contains("database") && !why.contains("took it over") => {
                Err(format!("the message does not name the database: {why}"))
            }
            _ => self.sessions_are_over().await,
        }
    }

    /// From some request on, whoever connects may only read, and all have to connect anew.
    pub(super) async fn with_a_database_that_is_read_only(&mut self, task: Task) -> Result<(), String> {
        self.figures.runs += 1;
        let requests = self.random.below(30) as u64;
        self.told.push(format!("  read-only after {requests} requests"));
        let reached = Arc::new(Notify::new());
        let notify = reached.clone();
        self.control.call_after(Fault::new(FaultKind::Call).skip(requests), move |_| notify.notify_one());
        let mut running = Running::start(&self.setting, &self.stage.url(), task);
        let early = tokio::select! {
            ended = running.end() => Some(ended),
            () = reached.notified() => None,
        };
        let database = &self.stage.database;
        let mut struck = false;
        let ended = match early {
            Some(ended) => ended,
            None => {
                struck = true;
                self.figures.read_only += 1;
                let on = format!("ALTER DATABASE {database} SET default_transaction_read_only = on");
                self.stage.db.batch_execute(&on).await.expect("a setting");
                self.stage.proxy.cut();
                running.end().await
            }
        };
        self.control.clear_faults();
        let off = format!("ALTER DATABASE {database} RESET default_transaction_read_only");
        self.stage.db.batch_execute(&off).await.expect("a setting");
        let ended = ended?;
        self.log_run_end(&ended);
        match ended {
            RunEnd::Failed(why) if !struck => Err(format!("it could write, yet it failed: {why}")),
            RunEnd::Failed(why) if !why.contains("database") && !why.contains("took it over") => {
                Err(format!("the message does not name the database: {why}"))
            }
            _ => self.sessions_are_over().await,
        }
    }
}
