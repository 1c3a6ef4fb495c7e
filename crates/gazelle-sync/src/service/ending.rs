//! Stops the service when the database or the API does not answer.

use std::time::Duration;

use super::state::ServiceState;
use super::{Opener, Service};
use crate::lease;
use crate::stop;

/// How long the database may take to answer a new connection once the service is asked to stop.
const LAST_PATIENCE: Duration = Duration::from_secs(3);

impl<O: Opener> Service<O> {
    /// Returns once the service is asked to stop and the current step gets no answer, so that a silent database
    /// does not delay the end. Between runs nothing is lost by that.
    pub(super) async fn wait_until_unresponsive(&self) {
        self.stop.cancelled().await;
        let asked = tokio::time::Instant::now();
        loop {
            let running = self.shared.activity().state == ServiceState::Running;
            let silence = self.shared.without_progress();
            let is_hopeless = match running {
                false => silence >= Duration::from_secs(1),
                // A run ends by itself within its grace period, and then records its outcome and releases the
                // lease. It is waited for as long as the database answers at all.
                true if asked.elapsed() >= stop::GRACE + Duration::from_secs(3) => {
                    silence >= Duration::from_secs(3)
                }
                true => silence >= Duration::from_secs(1) && !self.database_answers().await,
            };
            if is_hopeless {
                tracing::warn!("what was in progress gets no answer and is given up");
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Releases the lease of an abandoned run, if the database answers new connections: perhaps only the
    /// connections of that run are dead.
    pub(super) async fn release_lease(&self) {
        let running = self.shared.activity().state == ServiceState::Running;
        let (true, Some(db), Some(token)) = (running, self.shared.db(), self.shared.lease()) else { return };
        if db.answers_within(Duration::from_secs(1)).await {
            let aside = db.aside();
            if let Ok(Err(error)) = tokio::time::timeout(LAST_PATIENCE, lease::give_back(&aside, token)).await
            {
                tracing::warn!(%error, "the lease could not be given back and will expire");
            }
        }
    }

    /// Whether the database answers a new connection. If it does, waits a second before the next attempt.
    async fn database_answers(&self) -> bool {
        let Some(db) = self.shared.db() else { return false };
        let answers = db.answers_within(LAST_PATIENCE).await;
        if answers {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        answers
    }
}
