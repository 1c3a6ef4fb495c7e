//! How the service ends while something gets no answer.

use std::time::Duration;

use super::{Opener, Service};
use crate::lease;
use crate::stop;

/// How long a database that is silent may take to answer a new connection once the end is wished.
const LAST_PATIENCE: Duration = Duration::from_secs(3);

impl<O: Opener> Service<O> {
    /// Waits until the service is asked to stop and what is under way gets no answer: what a silent database holds up is
    /// not waited for. Between runs there is nothing to lose.
    pub(super) async fn given_up(&self) {
        self.stop.cancelled().await;
        let asked = tokio::time::Instant::now();
        loop {
            let running = self.shared.activity().state == "running";
            let silence = self.shared.without_progress();
            let is_hopeless = match running {
                false => silence >= Duration::from_secs(1),
                // A run ends by itself within its grace, and then writes how it ended and gives back the lease: as long as
                // the database answers at all, it is waited for.
                true if asked.elapsed() >= stop::GRACE + Duration::from_secs(3) => {
                    silence >= Duration::from_secs(3)
                }
                true => silence >= Duration::from_secs(1) && !self.database_answers().await,
            };
            if is_hopeless {
                tracing::warn!("what was under way gets no answer and is given up");
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Gives back the lease of a run that was given up, where the database answers new connections: only those of the run
    /// have fallen silent.
    pub(super) async fn give_lease_back(&self) {
        let running = self.shared.activity().state == "running";
        let (true, Some(db), Some(token)) = (running, self.shared.db(), self.shared.lease()) else { return };
        if db.answers_within(Duration::from_secs(1)).await {
            let aside = db.aside();
            if let Ok(Err(error)) = tokio::time::timeout(LAST_PATIENCE, lease::give_back(&aside, token)).await
            {
                tracing::warn!(%error, "the lease could not be given back and will expire");
            }
        }
    }

    /// Whether the database answers a new connection. One that does is left alone for a while.
    async fn database_answers(&self) -> bool {
        let Some(db) = self.shared.db() else { return false };
        let answers = db.answers_within(LAST_PATIENCE).await;
        if answers {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        answers
    }
}
