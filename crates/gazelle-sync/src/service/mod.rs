//! `serve`: runs by itself, by schedule and on demand, and goes on whatever happens.
//!
//! [`Service::run`] is a loop of small steps (`steps`): open the database if it is not, look for runs that somebody asked
//! for, ask the timetable what is due, run it (`run`), wait. `next_step` decides which of these it is. One run at a time; whatever
//! fails is tried again, later each time (`backoff`, `memory`). [`tick`] is what is done beside the runs; [`state`] is what the HTTP
//! side (`crate::http`) tells, and notices when the loop hangs. `ending` is how it stops where something gets no answer.

mod backoff;
pub mod clock;
mod ending;
mod memory;
mod next_step;
mod run;
pub mod state;
mod steps;
pub mod tick;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use clock::Clock;
use state::Shared;

use crate::db::Db;
use crate::orchestrator::schedule::Timetable;
use crate::source::GazelleClient;

/// Opens what the service works on.
pub trait Opener: Send + Sync + 'static {
    /// Opens the database and makes the client, giving up what was open before.
    fn open(&self) -> impl Future<Output = anyhow::Result<(Db, GazelleClient)>> + Send;
}

/// The service.
pub struct Service<O> {
    /// Opens the database.
    pub opener: O,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// When to run.
    pub timetable: Timetable,
    /// What the others see of it.
    pub shared: Arc<Shared>,
    /// When to end.
    pub stop: CancellationToken,
}
