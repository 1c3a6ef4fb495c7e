//! The timeouts that a session begins with: those of its role, its database or its connection string. Ours are set for
//! a transaction, and never longer than these: whoever set a shorter one meant it.

use std::time::Duration;

use tokio_postgres::SimpleQueryMessage;

/// A timeout of the server's that we set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timeout {
    /// `statement_timeout`
    Statement,
    /// `lock_timeout`
    Lock,
    /// `idle_in_transaction_session_timeout`
    IdleInTransaction,
}

/// All of them, in the order in which they are asked for.
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

/// What a session begins with; none is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Timeouts([Option<Duration>; 3]);

impl Timeouts {
    /// The question for all of them, in order. `SHOW` takes no snapshot, so that it may stand before `SET TRANSACTION`.
    pub(super) const QUESTION: &str =
        "SHOW statement_timeout; SHOW lock_timeout; SHOW idle_in_transaction_session_timeout";

    /// Reads the answer to [`Timeouts::QUESTION`]. What cannot be read is no limit.
    pub(super) fn read(answer: &[SimpleQueryMessage]) -> Timeouts {
        let shown = answer.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row.get(0)),
            _ => None,
        });
        let mut timeouts = Timeouts::default();
        timeouts.0.iter_mut().zip(shown).for_each(|(timeout, shown)| *timeout = shown.and_then(duration));
        timeouts
    }

    /// One of ours, in milliseconds, or the session's own where that is shorter.
    pub(super) fn at_most(&self, timeout: Timeout, ours: Duration) -> u64 {
        let own = ALL.iter().position(|it| *it == timeout).and_then(|index| self.0[index]);
        // Zero would be no limit.
        u64::try_from(own.map_or(ours, |own| own.min(ours)).as_millis()).unwrap_or(u64::MAX).max(1)
    }
}

/// A time as the server shows it, `90s`, `2min` or `0`; none where it is no limit.
fn duration(shown: &str) -> Option<Duration> {
    let (number, unit) = shown.split_at(shown.find(|c: char| !c.is_ascii_digit()).unwrap_or(shown.len()));
    let milliseconds = match unit {
        "" | "ms" => 1,
        "s" => 1000,
        "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let number: u64 = number.parse().ok()?;
    (number > 0).then(|| Duration::from_millis(number.saturating_mul(milliseconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_the_server_shows_it() {
        for (shown, milliseconds) in [
            ("0", None),
            ("1ms", Some(1)),
            ("90s", Some(90_000)),
            ("2min", Some(120_000)),
            ("3h", Some(10_800_000)),
            ("1d", Some(86_400_000)),
            ("5 fortnights", None),
            ("", None),
        ] {
            assert_eq!(duration(shown), milliseconds.map(Duration::from_millis), "{shown}");
        }
    }

    #[test]
    fn all_are_asked_for_in_their_order() {
        assert_eq!(Timeouts::QUESTION, ALL.map(|timeout| format!("SHOW {}", timeout.name())).join("; "));
    }

    #[test]
    fn the_shorter_one_holds_and_none_is_the_longest() {
        let own = Timeouts([None, Some(Duration::from_secs(2)), Some(Duration::from_secs(400))]);
        let ours = Duration::from_secs(10);
        assert_eq!(ALL.map(|timeout| own.at_most(timeout, ours)), [10_000, 2_000, 10_000]);
        assert_eq!(own.at_most(Timeout::Statement, Duration::ZERO), 1);
    }
}
