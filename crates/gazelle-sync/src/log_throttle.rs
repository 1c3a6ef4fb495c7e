//! Limits how often the same event is logged, however often others cause it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Counts events between two log lines.
#[derive(Debug)]
pub(crate) struct LogThrottle {
    /// The shortest time between two lines.
    interval: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    logged_at: Option<Instant>,
    unlogged: u64,
}

impl LogThrottle {
    /// At most one line in this time.
    pub(crate) fn every(interval: Duration) -> LogThrottle {
        LogThrottle { interval, state: Mutex::default() }
    }

    /// Counts an event. Returns the number since the last line if it is time to log again.
    pub(crate) fn count(&self) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.unlogged += 1;
        if state.logged_at.is_some_and(|at| at.elapsed() < self.interval) {
            return None;
        }
        state.logged_at = Some(Instant::now());
        Some(std::mem::take(&mut state.unlogged))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn events_are_logged_once_in_an_interval_with_their_number() {
        let minute = Duration::from_secs(60);
        let throttle = LogThrottle::every(minute);
        assert_eq!(throttle.count(), Some(1));
        assert!((0..100).all(|_| throttle.count().is_none()));
        tokio::time::advance(minute).await;
        assert_eq!(throttle.count(), Some(101));
        assert_eq!(throttle.count(), None);
    }
}
