//! Delays after failures: doubled each time up to a maximum, with random jitter.

use std::time::Duration;

use tokio::time::Instant;

use crate::delay;

/// The longest delay after failed runs.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(900);
/// The longest delay after the database could not be reached.
pub(super) const LONGEST_DATABASE_WAIT: Duration = Duration::from_secs(30);

/// The delays of one kind of failure.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    failures: u32,
    until: Option<Instant>,
}

impl Backoff {
    /// With the first and the longest delay.
    pub fn new(first: Duration, longest: Duration) -> Backoff {
        Backoff { first, longest, failures: 0, until: None }
    }

    /// Records a failure and returns the delay until the next attempt.
    pub fn failed(&mut self) -> Duration {
        self.failures = self.failures.saturating_add(1);
        // The low bits of a random UUID are random enough for jitter.
        let random = uuid::Uuid::new_v4().as_u128() as u32;
        let wait = wait(self.first, self.longest, self.failures, f64::from(random) / f64::from(u32::MAX));
        self.until = Some(Instant::now() + wait);
        wait
    }

    /// Records a success, which resets the delay.
    pub fn succeeded(&mut self) {
        (self.failures, self.until) = (0, None);
    }

    /// Number of failures since the last success.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// The rest of the current delay; zero if it is over.
    pub fn left(&self) -> Duration {
        self.until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }
}

/// The delay after this number of failures in a row. `random` (0 to 1) varies it by up to 20 % in either direction.
fn wait(first: Duration, longest: Duration, failures: u32, random: f64) -> Duration {
    delay::doubled(first, failures, longest).mul_f64(0.8 + 0.4 * random)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound_and_are_spread() {
        let (first, longest) = (Duration::from_secs(30), Duration::from_secs(900));
        let waits: Vec<u64> = (1..=7).map(|n| wait(first, longest, n, 0.5).as_secs()).collect();
        assert_eq!(waits, [30, 60, 120, 240, 480, 900, 900]);
        assert_eq!(wait(first, longest, u32::MAX, 1.0), longest.mul_f64(1.2));
        assert_eq!(wait(first, longest, 1, 0.0), Duration::from_secs(24));
    }

    #[tokio::test(start_paused = true)]
    async fn a_success_ends_the_wait() {
        let mut backoff = Backoff::new(Duration::from_secs(30), Duration::from_secs(900));
        assert_eq!(backoff.left(), Duration::ZERO);
        let wait = backoff.failed();
        assert_eq!((backoff.left(), backoff.failures()), (wait, 1));
        tokio::time::advance(wait).await;
        assert_eq!(backoff.left(), Duration::ZERO);
        backoff.failed();
        backoff.succeeded();
        assert_eq!((backoff.left(), backoff.failures()), (Duration::ZERO, 0));
    }
}
