//! Checks that the clocks of this machine, the database and the API agree.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Lines;
use crate::db::{Db, DbError};
use crate::display;
use crate::source::Answer;

/// The clock difference that the lease tolerates.
const TOLERATED: SignedDuration = SignedDuration::from_secs(5);
/// Beyond this, displayed times are wrong by a minute or more.
const UNREADABLE_TIMES: SignedDuration = SignedDuration::from_secs(60);

/// One reading of another clock and of ours.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClockReading {
    other_clock: Timestamp,
    our_clock: Timestamp,
    /// The uncertainty of the reading.
    uncertainty: Duration,
}

impl ClockReading {
    /// From the API's `Date` header, which has full seconds and is set when the API begins to answer.
    pub(super) fn of(answer: &Answer) -> Option<ClockReading> {
        let half_a_second = Duration::from_millis(500);
        let other_clock = answer.server_date? + half_a_second;
        Some(ClockReading {
            other_clock,
            our_clock: answer.started_at + answer.latency / 2,
            uncertainty: answer.latency / 2 + half_a_second,
        })
    }

    /// How far the other clock is ahead of ours, minus the uncertainty.
    fn ahead(&self) -> SignedDuration {
        let ahead = self.other_clock.duration_since(self.our_clock);
        let uncertainty = SignedDuration::try_from(self.uncertainty).unwrap_or(SignedDuration::ZERO);
        match ahead.is_negative() {
            true => (ahead + uncertainty).min(SignedDuration::ZERO),
            false => (ahead - uncertainty).max(SignedDuration::ZERO),
        }
    }
}

pub(super) async fn of_database(db: &Db) -> Result<Lines, DbError> {
    let mut lines = Lines::default();
    // Connects before the time is taken.
    let mut connection = db.connection().await?;
    let tx = connection.begin().await?;
    let before = Timestamp::now();
    let rows = tx.query("SELECT clock_timestamp()", &[]).await?;
    let took = Timestamp::now().duration_since(before).unsigned_abs();
    tx.rollback().await?;
    if let Some(row) = rows.first() {
        let reading =
            ClockReading { other_clock: row.get(0), our_clock: before + took / 2, uncertainty: took / 2 };
        judge(&mut lines, "database clock", "the database's clock", reading);
    }
    Ok(lines)
}

pub(super) fn of_api(lines: &mut Lines, reading: Option<ClockReading>) {
    match reading {
        Some(reading) => judge(lines, "API clock", "the API's clock", reading),
        None => lines.warning(
            "API clock",
            "the API's time is not known",
            "once the API answers, doctor compares it with this machine's clock",
        ),
    }
}

fn judge(lines: &mut Lines, check: &'static str, whose: &str, reading: ClockReading) {
    let ahead = reading.ahead();
    let apart = display::duration(ahead.unsigned_abs());
    let direction = if ahead.is_negative() { "behind" } else { "ahead of" };
    let said = format!("{whose} is {apart} {direction} this machine's");
    let fix = "timedatectl set-ntp true (on the machine whose clock is wrong)";
    match ahead.abs() {
        far if far > UNREADABLE_TIMES => lines.problem(check, said, fix),
        some if some > TOLERATED => lines.warning(check, said, fix),
        _ => lines.ok(check, format!("{whose} and this machine's agree")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    #[test]
    fn clocks_are_judged_by_what_is_beyond_doubt() {
        let our_clock: Timestamp = "2026-01-09T12:00:00Z".parse().unwrap();
        for (seconds, level, words) in [
            (0, Level::Ok, "agree"),
            (6, Level::Ok, "agree"),
            (-6, Level::Ok, "agree"),
            (12, Level::Warning, "11.0 s ahead of"),
            (-12, Level::Warning, "11.0 s behind"),
            (3601, Level::Problem, "1 h 00 min ahead of"),
            (-86_401, Level::Problem, "1 d 00 h behind"),
        ] {
            let other_clock = our_clock + SignedDuration::from_secs(seconds);
            let mut lines = Lines::default();
            judge(
                &mut lines,
                "API clock",
                "it",
                ClockReading { other_clock, our_clock, uncertainty: Duration::from_secs(1) },
            );
            let line = lines.into_report().checks.remove(0);
            assert_eq!(line.level, level, "{seconds}: {line:?}");
            assert!(line.said.contains(words), "{seconds}: {line:?}");
        }
    }
}
