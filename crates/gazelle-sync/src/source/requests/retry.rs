//! What follows a failed attempt. Pure; the waiting itself is done by `client.rs`.
//!
//! Plain rather than a retry library's: a refreshed token, a wait that the API names, and attempts that are recorded one by
//! one are the whole of it, and each would have to be bent into hooks.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use crate::source::{
    answers::error::{ErrorClass, Fault},
    tokens::session::Renewal,
};

/// The longest wait the API may impose on us; it asks for hours only by mistake.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(5 * 60);

/// The shortest wait where the API asked for patience or is busy, whatever it named and whatever our settings are: with less, all
/// attempts would be spent while it is still busy.
const SHORTEST_PATIENCE: Duration = Duration::from_secs(1);

/// The way of one request through its attempts.
#[derive(Debug)]
pub(super) struct RetryPlan {
    attempts: u32,
    attempts_when_throttled: u32,
    retry_delay: Duration,
    failures: u32,
    renewals_left: u32,
}

impl RetryPlan {
    /// `can_renew`: a refused token can be replaced.
    pub(super) fn new(attempts: u32, retry_delay: Duration, can_renew: bool) -> Self {
        // Taking over what another process refreshed is no refresh of ours, and that token can be stale too: so there are
        // two renewals, and a refresh of our own ends them.
        Self {
            attempts,
            attempts_when_throttled: attempts,
            retry_delay,
            failures: 0,
            renewals_left: if can_renew { 2 } else { 0 },
        }
    }

    /// The same with fewer attempts, but for a busy API.
    pub(super) fn at_most(self, attempts: u32) -> Self {
        Self { attempts: self.attempts.min(attempts.max(1)), ..self }
    }

    /// True when the API's answer says no more than that the token is old: get a newer one and repeat at once, which does
    /// not count as a failure.
    pub(super) fn asks_for_new_token(&self, fault: &Fault) -> bool {
        fault.class == ErrorClass::Unauthorized && self.renewals_left > 0
    }

    pub(super) fn renewed(&mut self, renewal: Renewal) {
        self.renewals_left = match renewal {
            Renewal::Adopted => self.renewals_left.saturating_sub(1),
            Renewal::Refreshed => 0,
        };
    }

    /// The wait before the next attempt, without jitter; `None`: this failure is the last.
    ///
    /// What the API names goes before our own wait, shorter or longer, within bounds: a wait of nothing, or one that ended in
    /// the past, is no wish to be asked again at once.
    pub(super) fn wait_after(&mut self, fault: &Fault) -> Option<Duration> {
        self.failures += 1;
        let throttled = matches!(fault.class, ErrorClass::Throttled { .. });
        // A request that is only tried out waits for a busy API as long as any other.
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

    /// Failures so far, those of the token URL included.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }
}

/// A wait with up to a tenth added, so that requests that were refused together do not come back together. Never shorter:
/// what the API named is kept.
pub(super) fn with_jitter(wait: Duration) -> Duration {
    // A hasher is seeded at random; for this it is random enough.
    let random = RandomState::new().build_hasher().finish();
    wait + wait.mul_f64((random % 1_000) as f64 / 10_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(class: ErrorClass, retry_after: Option<u64>) -> Fault {
        let mut fault = Fault::new(class, "here", "what", "advice");
        fault.retry_after = retry_after.map(Duration::from_secs);
        fault
    }

    #[test]
    fn a_wait_is_neither_nothing_nor_endless_where_the_api_asks_for_patience() {
        let throttled = || ErrorClass::Throttled { retry_after: None };
        // Class, what the API names, our own delay in ms, the two waits in ms.
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
