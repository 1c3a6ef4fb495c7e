//! Whether the clocks of this machine, the database and the API agree.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Lines;
use crate::db::{Db, DbError};
use crate::display;
use crate::source::Answer;

/// What the lease allows clocks to differ by.
const FAIR: SignedDuration = SignedDuration::from_secs(5);
/// Beyond it, times that people read are wrong by a minute and more.
const BAD: SignedDuration = SignedDuration::from_secs(60);

/// What the API's clock said, and what ours said then.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    theirs: Timestamp,
    ours: Timestamp,
    /// How far apart the two may be because of the way the reading was made.
    doubt: Duration,
}

impl Reading {
    /// The API tells its time to the second, when it begins to answer.
    pub(super) fn of(answer: &Answer) -> Option<Reading> {
        let half_a_second = Duration::from_millis(500);
        let theirs = answer.server_date? + half_a_second;
        Some(Reading {
            theirs,
            ours: answer.started_at + answer.latency / 2,
            doubt: answer.latency / 2 + half_a_second,
        })
    }

    /// How far theirs is ahead of ours, beyond doubt.
    fn ahead(&self) -> SignedDuration {
        let ahead = self.theirs.duration_since(self.ours);
        let doubt = SignedDuration::try_from(self.doubt).unwrap_or(SignedDuration::ZERO);
        match ahead.is_negative() {
            true => (ahead + doubt).min(SignedDuration::ZERO),
            false => (ahead - doubt).max(SignedDuration::ZERO),
        }
    }
}

pub(super) async fn of_database(db: &Db) -> Result<Lines, DbError> {
    let mut lines = Lines::default();
    // A connection is there before the watch is pressed.
    let mut connection = db.connection().await?;
    let tx = connection.begin().await?;
    let before = Timestamp::now();
    let rows = tx.query("SELECT clock_timestamp()", &[]).await?;
    let took = Timestamp::now().duration_since(before).unsigned_abs();
    tx.rollback().await?;
    if let Some(row) = rows.first() {
        let reading = Reading { theirs: row.get(0), ours: before + took / 2, doubt: took / 2 };
        judge(&mut lines, "database clock", "the database's clock", reading);
    }
    Ok(lines)
}

pub(super) fn of_api(lines: &mut Lines, reading: Option<Reading>) {
    match reading {
        Some(reading) => judge(lines, "API clock", "the API's clock", reading),
        None => lines.warning(
            "API clock",
            "the API's time is not known",
            "once the API answers, doctor compares it with this machine's clock",
        ),
    }
}

fn judge(lines: &mut Lines, check: &'static str, whose: &str, reading: Reading) {
    let ahead = reading.ahead();
    let apart = display::duration(ahead.unsigned_abs());
    let direction = if ahead.is_negative() { "behind" } else { "ahead of" };
    let said = format!("{whose} is {apart} {direction} this machine's");
    let mend = "timedatectl set-ntp true (on the machine whose clock is wrong)";
    match ahead.abs() {
        far if far > BAD => lines.problem(check, said, mend),
        some if some > FAIR => lines.warning(check, said, mend),
        _ => lines.ok(check, format!("{whose} and this machine's agree")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    #[test]
    fn clocks_are_judged_by_what_is_beyond_doubt() {
        let ours: Timestamp = "2026-01-09T12:00:00Z".parse().unwrap();
        for (seconds, level, words) in [
            (0, Level::Ok, "agree"),
            (6, Level::Ok, "agree"),
            (-6, Level::Ok, "agree"),
            (12, Level::Warning, "11.0 s ahead of"),
            (-12, Level::Warning, "11.0 s behind"),
            (3601, Level::Problem, "1 h 00 min ahead of"),
            (-86_401, Level::Problem, "1 d 00 h behind"),
        ] {
            let theirs = ours + SignedDuration::from_secs(seconds);
            let mut lines = Lines::default();
            judge(&mut lines, "API clock", "it", Reading { theirs, ours, doubt: Duration::from_secs(1) });
            let line = lines.into_report().checks.remove(0);
            assert_eq!(line.level, level, "{seconds}: {line:?}");
            assert!(line.said.contains(words), "{seconds}: {line:?}");
        }
    }
}
