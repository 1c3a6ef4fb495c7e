//! `serve`: a long-running process that starts runs by its timetable and on request, and continues after any
//! failure.
//!
//! [`Service::run`] is a loop of small steps (`steps`): open the database if it is not open, read the requests for
//! runs and actions, ask the timetable what is due ([`schedule`]), run it (`run`) or do what somebody asked for in the dashboard
//! (`actions`), wait. `next_step` chooses between these. Runs never
//! overlap. Failed steps are retried with growing delays (`backoff`, `loop_state`). [`tick`] runs periodic duties
//! beside the runs. [`state`] is the state that the HTTP server (`crate::http`) reports, and detects when the loop
//! hangs. `ending` stops the service when the database does not answer.

mod actions;
mod backoff;
pub mod clock;
mod ending;
mod loop_state;
mod next_step;
mod run;
pub mod schedule;
pub mod state;
mod steps;
pub mod tick;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use clock::ScheduleClock;
use schedule::Timetable;
use state::Shared;

use crate::db::Db;
use crate::source::GazelleClient;

/// Opens what the service needs.
pub trait Opener: Send + Sync + 'static {
    /// Opens the database and creates the API client; connections that were open before are dropped.
    fn open(&self) -> impl Future<Output = anyhow::Result<(Db, GazelleClient)>> + Send;

    /// The account of the embedded server if other programs use it too, for the checks of `doctor`.
    fn shared_account(&self) -> impl Future<Output = Option<String>> + Send;
}

/// The service.
pub struct Service<O> {
    /// Opens the database and the client.
    pub opener: O,
    /// The clock of the timetable.
    pub clock: Arc<dyn ScheduleClock>,
    /// When to run.
    pub timetable: Timetable,
    /// The state that duties and HTTP routes read.
    pub shared: Arc<Shared>,
    /// Cancelled when the service is to stop.
    pub stop: CancellationToken,
}
