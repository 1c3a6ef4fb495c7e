//! The facts of the verdict, read from the database.

use jiff::{SignedDuration, Timestamp};

use super::{BadRun, Facts, Verified};
use crate::alerts::{self, Kind, Problem};
use crate::config::Settings;
use crate::dashboard::links;
use crate::db::{DbError, Tx};
use crate::run_log::actions::{self, LastVerified};
use crate::run_log::runs;
use crate::states::VerifyVerdict;

/// Reads the facts, and the problems that exist now.
///
/// # Errors
/// Those of the database.
pub(crate) async fn read(
    tx: &Tx<'_>,
    settings: &Settings,
    now: Timestamp,
) -> Result<(Facts, Vec<Problem>), DbError> {
    let problems = alerts::current(tx, settings, now).await?;
    let past = runs::past_in(tx).await?;
    let last_verified = actions::last_verified(tx).await?;
    let facts = of(&problems, last_verified.as_ref(), past.last_good, settings, now);
    Ok((facts, problems))
}

/// The last verification as the verdict takes it: one that could not ask everything proves neither.
fn verified(last: &LastVerified) -> Option<Verified> {
    (last.verdict != VerifyVerdict::Incomplete).then(|| Verified {
        at: last.at,
        rows: last.rows,
        asked: last.asked,
        differences: last.differences,
        report: links::action(last.id),
    })
}

/// The facts of the verdict, from the problems that the alerts tell of.
pub(crate) fn of(
    problems: &[Problem],
    last_verified: Option<&LastVerified>,
    as_of: Option<Timestamp>,
    settings: &Settings,
    now: Timestamp,
) -> Facts {
    let of_kind = |kind: Kind| problems.iter().find(|problem| problem.kind == kind);
    let bad_run = |kind: Kind| {
        of_kind(kind).map(|problem| BadRun {
            run_id: problem.text("run_id").to_owned(),
            at: problem.text("run_at").parse().unwrap_or(now),
        })
    };
    Facts {
        unreachable: None,
        refused: of_kind(Kind::CredentialsRefused).is_some(),
        failed: bad_run(Kind::RunFailed),
        stale: is_stale(as_of, settings.stale_after_minutes, now),
        stale_after_minutes: settings.stale_after_minutes,
        nothing_listed: of_kind(Kind::NothingFetched).map(|problem| problem.text("entities").to_owned()),
        withheld: of_kind(Kind::DeletionsWithheld).map_or(0, |problem| problem.number("count")),
        many_cases: of_kind(Kind::RecordErrors).map(|problem| problem.number("count")),
        partial: bad_run(Kind::RunPartial),
        as_of,
        verified: last_verified.and_then(verified),
        now,
    }
}

/// Whether the data is older than the limit. The alert is silent while a run is in progress, which may fix it; a page must
/// not say until then that the data is right. Before the first good run nothing is fresh, however new the tables are.
fn is_stale(as_of: Option<Timestamp>, minutes: u32, now: Timestamp) -> bool {
    as_of.is_none_or(|at| now.duration_since(at) > SignedDuration::from_mins(i64::from(minutes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_stale_by_its_age_alone() {
        let now: Timestamp = "2026-11-24T19:22:00Z".parse().unwrap();
        for (as_of, stale) in [
            (None, true),
            (Some("2026-11-24T18:36:59Z"), true),
            (Some("2026-11-24T18:37:00Z"), false),
            // By a clock that is ahead.
            (Some("2026-11-24T19:30:00Z"), false),
        ] {
            assert_eq!(is_stale(as_of.map(|at| at.parse().unwrap()), 45, now), stale, "{as_of:?}");
        }
    }
}
