//! The timeouts that a session starts with: those of its role, its database or its connection string. Each of our
//! transactions sets timeouts of its own, but never longer ones: whoever configured a shorter one meant it.

use std::time::Duration;

use tokio_postgres::SimpleQueryMessage;

/// A server timeout that we set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timeout {
    /// `statement_timeout`
    Statement,
    /// `lock_timeout`
    Lock,
    /// `idle_in_transaction_session_timeout`
    IdleInTransaction,
}

/// All timeouts, in the order of [`Timeouts`].
const ALL: [Timeout; 3] = [Timeout::Statement, Timeout::Lock, Timeout::IdleInTransaction];

impl Timeout {
    /// The name of the setting.
    pub fn name(self) -> &'static str {
        match self {
            Timeout::Statement => "statement_timeout",
            Timeout::Lock => "lock_timeout",
            Timeout::IdleInTransaction => "idle_in_transaction_session_timeout",
        }
    }
}

/// The timeouts that a session starts with; `None` is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::db) struct Timeouts([Option<Duration>; 3]);

impl Timeouts {
    /// Reads the timeouts that were set for the role, the database or the connection, in milliseconds. What a host
    /// sets for its whole server, such as Supabase's two minutes, is meant for short requests, so it is ignored.
    pub(in crate::db) const QUESTION: &str = include_str!("timeouts.sql");

    /// Reads the answer to [`Timeouts::QUESTION`]. A value that cannot be read is no limit.
    pub(in crate::db) fn read(answer: &[SimpleQueryMessage]) -> Timeouts {
        let mut timeouts = Timeouts::default();
        for message in answer {
            let SimpleQueryMessage::Row(row) = message else { continue };
            let index = ALL.iter().position(|timeout| row.get("name") == Some(timeout.name()));
            if let Some(index) = index {
                timeouts.0[index] = row.get("setting").and_then(duration);
            }
        }
        timeouts
    }

    /// Our timeout in milliseconds, or the session's own if that is shorter.
    pub(in crate::db) fn at_most(&self, timeout: Timeout, ours: Duration) -> u64 {
        let own = ALL.iter().position(|it| *it == timeout).and_then(|index| self.0[index]);
        // Zero would mean no limit.
        u64::try_from(own.map_or(ours, |own| own.min(ours)).as_millis()).unwrap_or(u64::MAX).max(1)
    }
}

/// Parses milliseconds; `None` if the value means no limit.
fn duration(setting: &str) -> Option<Duration> {
    setting.parse().ok().filter(|milliseconds| *milliseconds > 0).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_read_and_zero_is_no_limit() {
        for (setting, milliseconds) in
            [("0", None), ("1", Some(1)), ("90000", Some(90_000)), ("-1", None), ("", None)]
        {
            assert_eq!(duration(setting), milliseconds.map(Duration::from_millis), "{setting}");
        }
    }

    #[test]
    fn the_shorter_one_holds_and_none_is_the_longest() {
        let own = Timeouts([None, Some(Duration::from_secs(2)), Some(Duration::from_secs(400))]);
        let ours = Duration::from_secs(10);
        assert_eq!(ALL.map(|timeout| own.at_most(timeout, ours)), [10_000, 2_000, 10_000]);
        assert_eq!(own.at_most(Timeout::Statement, Duration::ZERO), 1);
    }
}
