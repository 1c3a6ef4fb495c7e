//! What follows a failed attempt. Pure; the waiting itself is done by `client.rs`.
//!
//! Plain rather than a retry library's: a refreshed token, a wait that the API names, and attempts that are recorded one by
//! one are the whole of it, and each would have to be bent into hooks.

use std::time::Duration;

use super::{
    error::{ErrorClass, Fault},
    oauth::Renewal,
};

/// The longest wait the API may impose on us; it asks for hours only by mistake.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(5 * 60);

/// The way of one request through its attempts.
#[derive(Debug)]
pub(super) struct RetryPlan {
    attempts: u32,
    retry_delay: Duration,
    failures: u32,
    renewals_left: u32,
}

impl RetryPlan {
    /// `can_renew`: a refused token can be replaced.
    pub(super) fn new(attempts: u32, retry_delay: Duration, can_renew: bool) -> Self {
        // Taking over what another process refreshed is no refresh of ours, and that token can be stale too: so there are
        // two renewals, and a refresh of our own ends them.
        Self { attempts, retry_delay, failures: 0, renewals_left: if can_renew { 2 } else { 0 } }
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

    /// The wait before the next attempt; `None`: this failure is the last.
    pub(super) fn wait_after(&mut self, fault: &Fault) -> Option<Duration> {
        self.failures += 1;
        if !fault.class.is_retried() || self.failures >= self.attempts {
            return None;
        }
        let own = self.retry_delay.saturating_mul(self.failures);
        Some(fault.retry_after.map_or(own, |named| named.min(LONGEST_RETRY_AFTER)))
    }

    /// Failures so far, those of the token URL included.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }
}
