//! Decides what follows a failed attempt. Pure functions; `client.rs` does the waiting.
//!
//! No retry library is used: token refreshes, waits named by the API and recorded attempts are most of the logic,
//! and would all have to be fitted into hooks.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use crate::source::{
    answers::error::{AttemptFailure, ErrorClass},
    tokens::session::Renewal,
};

/// The longest wait that the API may impose; it names hours only by mistake.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(5 * 60);

/// The shortest wait if the API asked for fewer requests or is busy, whatever it named and whatever the settings
/// are: otherwise all attempts would be used up while it is still busy.
const SHORTEST_PATIENCE: Duration = Duration::from_secs(1);

/// The state of one request over its attempts.
#[derive(Debug)]
pub(super) struct RetryPlan {
    attempts: u32,
    attempts_when_throttled: u32,
    retry_delay: Duration,
    failures: u32,
    renewals_left: u32,
}

impl RetryPlan {
    /// `can_renew`: whether a refused token can be replaced.
    pub(super) fn new(attempts: u32, retry_delay: Duration, can_renew: bool) -> Self {
        // A token that another process refreshed can be stale too. So there are two renewals; a refresh of our own
        // uses up both.
        Self {
            attempts,
            attempts_when_throttled: attempts,
            retry_delay,
            failures: 0,
            renewals_left: if can_renew { 2 } else { 0 },
        }
    }

    /// The same with fewer attempts, except if the API is throttling.
    pub(super) fn at_most(self, attempts: u32) -> Self {
        Self { attempts: self.attempts.min(attempts.max(1)), ..self }
    }

    /// Whether the answer only means that the token is old: then it is replaced and the request repeated at once,
    /// without counting as a failure.
    pub(super) fn asks_for_new_token(&self, fault: &AttemptFailure) -> bool {
        fault.class == ErrorClass::Unauthorized && self.renewals_left > 0
    }

    pub(super) fn renewed(&mut self, renewal: Renewal) {
        self.renewals_left = match renewal {
            Renewal::Adopted => self.renewals_left.saturating_sub(1),
            Renewal::Refreshed => 0,
        };
    }

    /// The wait before the next attempt, without jitter; `None` after the last attempt.
    ///
    /// A wait named by the API overrides our own, within limits: zero, or a time in the past, does not mean to
    /// retry at once.
    pub(super) fn wait_after(&mut self, fault: &AttemptFailure) -> Option<Duration> {
        self.failures += 1;
        let throttled = matches!(fault.class, ErrorClass::Throttled { .. });
        // Even a request with fewer attempts waits for a throttling API as long as any other.
        let attempts = if throttled { self.attempts_when_throttled } else { self.attempts };
        if !fault.class.is_retried() || self.failures >= attempts {
            return None;
        }
        let own = self.retry_delay.saturating_mul(self.failures);
        Some(match fault.retry_after {
            Some(named) => named.clamp(SHORTEST_PATIENCE, LONGEST_RETRY_AFTER),
            None if throttled || fault.is_busy => own.max(SHORTEST_PATIENCE),
            None => own,
        })
    }

    /// Failures so far, including those of the token URL.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }
}

/// The wait plus up to a tenth, so that requests that were refused together are not repeated together. Never
/// shorter, because the API's wait is kept.
pub(super) fn with_jitter(wait: Duration) -> Duration {
    // A hasher is randomly seeded, which is random enough for this.
    let random = RandomState::new().build_hasher().finish();
    wait + wait.mul_f64((random % 1_000) as f64 / 10_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(class: ErrorClass, retry_after: Option<u64>) -> AttemptFailure {
        let mut fault = AttemptFailure::new(class, "here", "what", "advice");
        fault.retry_after = retry_after.map(Duration::from_secs);
        fault
    }

    #[test]
    fn a_wait_is_neither_nothing_nor_endless_where_the_api_asks_for_patience() {
        let throttled = || ErrorClass::Throttled { retry_after: None };
        // Class, wait named by the API, our own delay in ms, the two waits in ms.
        for (class, named, own, waits) in [
            (throttled(), None, 5_000, [5_000, 10_000]),
            (throttled(), None, 1, [1_000, 1_000]),
            (throttled(), Some(0), 5_000, [1_000, 1_000]),
            (throttled(), Some(2), 5_000, [2_000, 2_000]),
            (throttled(), Some(30), 1, [30_000, 30_000]),
            (throttled(), Some(u64::MAX), 5_000, [300_000, 300_000]),
            (ErrorClass::ServerFault, Some(0), 5_000, [1_000, 1_000]),
            (ErrorClass::ServerFault, Some(90), 5_000, [90_000, 90_000]),
            (ErrorClass::ServerFault, None, 1, [1, 2]),
        ] {
            let fault = fault(class.clone(), named);
            let mut plan = RetryPlan::new(3, Duration::from_millis(own), false);
            let mut next = || plan.wait_after(&fault).map(|wait| wait.as_millis() as u64);
            assert_eq!(
                [next(), next(), next()],
                [Some(waits[0]), Some(waits[1]), None],
                "{class:?} {named:?}"
            );
        }
    }

    #[test]
    fn a_request_that_is_tried_out_is_patient_with_a_busy_api_alone() {
        let mut plan = RetryPlan::new(3, Duration::from_secs(5), false).at_most(1);
        assert_eq!(
            plan.wait_after(&fault(ErrorClass::Throttled { retry_after: None }, None)).unwrap().as_secs(),
            5
        );
        assert_eq!(plan.wait_after(&fault(ErrorClass::ServerFault, None)), None);
    }

    #[test]
    fn jitter_never_shortens_a_wait_and_adds_a_tenth_at_most() {
        let wait = Duration::from_secs(100);
        for _ in 0..1_000 {
            let jittered = with_jitter(wait);
            assert!(jittered >= wait && jittered <= Duration::from_secs(110), "{jittered:?}");
        }
        assert_eq!(with_jitter(Duration::ZERO), Duration::ZERO);
    }
}
