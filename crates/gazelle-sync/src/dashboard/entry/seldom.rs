//! Lines of the log about what anybody can cause as often as they like: one a minute at most, which says how often it happened.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The shortest time between two lines.
const MINUTE: Duration = Duration::from_secs(60);

/// Counts what happens between two lines.
#[derive(Debug, Default)]
pub(crate) struct Seldom(Mutex<(Option<Instant>, u64)>);

impl Seldom {
    /// Counts one. Returns how many there were since the last line, if it is time for another.
    pub(crate) fn another(&self) -> Option<u64> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.1 += 1;
        if seen.0.is_some_and(|told| told.elapsed() < MINUTE) {
            return None;
        }
        seen.0 = Some(Instant::now());
        Some(std::mem::take(&mut seen.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_happens_often_is_told_once_a_minute_with_its_number() {
        let seldom = Seldom::default();
        assert_eq!(seldom.another(), Some(1));
        assert!((0..100).all(|_| seldom.another().is_none()));
        tokio::time::advance(MINUTE).await;
        assert_eq!(seldom.another(), Some(101));
        assert_eq!(seldom.another(), None);
    }
}
