//! The delay before another attempt, for whatever is tried again by itself at a later time: runs, the database, alerts.

use std::time::Duration;

/// The delay after this number of failures in a row: `first`, doubled for each one after it, and `longest` at most.
pub(crate) fn doubled(first: Duration, failures: u32, longest: Duration) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1))).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_the_longest() {
        let delays = [0, 1, 2, 5, 6, u32::MAX]
            .map(|failures| doubled(Duration::from_secs(30), failures, Duration::from_secs(900)));
        assert_eq!(delays.map(|delay| delay.as_secs()), [30, 30, 60, 480, 900, 900]);
    }
}
