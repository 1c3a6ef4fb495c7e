//! Reads the facts of Overview.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::growth::{self, Grew};
use crate::alerts::{self, Kind, Problem};
use crate::config::Settings;
use crate::dashboard::charts::strip;
use crate::dashboard::links;
use crate::dashboard::site::Snapshot;
use crate::dashboard::verdict::{BadRun, Facts, Verified};
use crate::db::DbError;
use crate::run_log::actions::{self, LastVerified};
use crate::run_log::run_pages;
use crate::run_log::runs;
use crate::service::schedule::Schedule;
use crate::service::state::Activity;

/// The time that the strip of runs shows.
const STRIP: SignedDuration = SignedDuration::from_hours(24);
/// The most runs that are expected within the period: a schedule with a run every second would fill the chart.
const MOST_DUE: usize = 300;

/// What Overview shows.
#[derive(Serialize)]
pub(super) struct Overview {
    pub(super) facts: Facts,
    /// The problems that exist now, but for those that the verdict tells.
    #[serde(skip)]
    pub(super) problems: Vec<Problem>,
    /// Records in quarantine that wait.
    pub(super) cases: i64,
    /// When the oldest of them was first seen.
    pub(super) oldest_case: Option<Timestamp>,
    pub(super) entities: Vec<EntityLine>,
    pub(super) growth: Grew,
    pub(super) runs: Vec<strip::Run>,
    /// When runs were due within the time of the strip.
    pub(super) due: Vec<Timestamp>,
    pub(super) strip_from: Timestamp,
    /// Whether any run was ever recorded.
    pub(super) has_run: bool,
    pub(super) activity: Activity,
    /// The last comparison with Gazelle that was asked for here.
    pub(super) last_verified: Option<LastVerified>,
}

/// An entity: how old it is, and how many records are held.
#[derive(Debug, Clone, Serialize)]
pub(super) struct EntityLine {
    pub(super) entity: &'static str,
    /// When the last run ended that read it whole and was good.
    pub(super) good_at: Option<Timestamp>,
    /// Rows in production at the end of the last run that counted.
    pub(super) in_production: Option<i64>,
    /// Records in staging then.
    pub(super) in_staging: Option<i64>,
}

/// Reads them in one snapshot. Nothing here reads a whole table of staging or production: what is held is what the last
/// run counted.
pub(super) async fn read(
    snapshot: &Snapshot<'_>,
    settings: &Settings,
    activity: Activity,
) -> Result<Overview, DbError> {
    let Snapshot { tx, now, .. } = snapshot;
    let now = *now;
    let problems = alerts::current(tx, settings, now).await?;
    let past = runs::past_in(tx).await?;
    let from = now.saturating_sub(STRIP).unwrap_or(now);
    let recent = run_pages::since(tx, from, now).await?;
    let growth = growth::read(tx, now, &settings.zone()).await?;
    let counts = tx.query(include_str!("counts.sql"), &[]).await?;
    let held = tx.query(include_str!("held.sql"), &[]).await?;
    let held: BTreeMap<String, (Option<i64>, Option<i64>)> = held
        .iter()
        .map(|row| (row.get("entity"), (row.get("in_production"), row.get("in_staging"))))
        .collect();
    let entities = past.good_of.iter().map(|(entity, good_at)| {
        let (in_production, in_staging) = held.get(entity.name).copied().unwrap_or_default();
        EntityLine { entity: entity.name, good_at: *good_at, in_production, in_staging }
    });
    let counts = counts.first();
    let last_verified = actions::last_verified(tx).await?;
    let first_run: Option<Timestamp> = counts.and_then(|row| row.get("first_run"));
    Ok(Overview {
        facts: Facts {
            verified: last_verified.as_ref().and_then(verified),
            ..facts(&problems, past.last_good, settings, now)
        },
        last_verified,
        cases: counts.map(|row| row.get("cases")).unwrap_or_default(),
        oldest_case: counts.and_then(|row| row.get("oldest_case")),
        entities: entities.collect(),
        growth,
        runs: recent.into_iter().map(run).collect(),
        // Before the first run nothing was due.
        due: first_run.map(|first| due(settings, from.max(first), now)).unwrap_or_default(),
        strip_from: from,
        has_run: first_run.is_some(),
        activity,
        problems: problems.into_iter().filter(|problem| waits(problem.kind)).collect(),
    })
}

/// The last verification as the verdict takes it: one that could not ask everything proves neither.
fn verified(last: &LastVerified) -> Option<Verified> {
    (last.verdict != "incomplete").then(|| Verified {
        at: last.at,
        rows: last.rows,
        asked: last.asked,
        differences: last.differences,
        report: links::action(last.id),
    })
}

/// The facts of the verdict, from the problems that the alerts tell of.
fn facts(problems: &[Problem], as_of: Option<Timestamp>, settings: &Settings, now: Timestamp) -> Facts {
    let of = |kind: Kind| problems.iter().find(|problem| problem.kind == kind);
    let bad_run = |kind: Kind| {
        of(kind).map(|problem| BadRun {
            run_id: problem.text("run_id").to_owned(),
            at: problem.text("run_at").parse().unwrap_or(now),
        })
    };
    Facts {
        unreachable: None,
        refused: of(Kind::CredentialsRefused).is_some(),
        failed: bad_run(Kind::RunFailed),
        stale: is_stale(as_of, settings.stale_after_minutes, now),
        stale_after_minutes: settings.stale_after_minutes,
        nothing_listed: of(Kind::NothingFetched).map(|problem| problem.text("entities").to_owned()),
        withheld: of(Kind::DeletionsWithheld).map_or(0, |problem| problem.number("count")),
        many_cases: of(Kind::RecordErrors).map(|problem| problem.number("count")),
        partial: bad_run(Kind::RunPartial),
        as_of,
        verified: None,
        now,
    }
}

/// Whether the data is older than the limit. The alert is silent while a run is in progress, which may mend it; a page must
/// not say until then that the data is right. Before the first good run nothing is fresh, however new the tables are.
fn is_stale(as_of: Option<Timestamp>, minutes: u32, now: Timestamp) -> bool {
    as_of.is_none_or(|at| now.duration_since(at) > SignedDuration::from_mins(i64::from(minutes)))
}

/// Whether a problem stands in the list of what waits for a person: all but those that go by themselves.
fn waits(kind: Kind) -> bool {
    !matches!(kind, Kind::Stale | Kind::RunPartial | Kind::RecordErrors)
}

fn run(brief: run_pages::BriefRun) -> strip::Run {
    let run_pages::BriefRun { run_id, status, started_at, duration_ms } = brief;
    strip::Run { run_id, started_at, duration_ms, status }
}

/// When runs were due, by both schedules.
fn due(settings: &Settings, from: Timestamp, to: Timestamp) -> Vec<Timestamp> {
    let zone = settings.zone();
    let schedules = [&settings.incremental_schedule, &settings.full_schedule];
    let mut due = Vec::new();
    for schedule in schedules.into_iter().filter_map(|text| Schedule::new(text, &zone).ok()) {
        let mut at = from;
        while let Some(next) = schedule.next_after(at).filter(|next| *next <= to) {
            due.push(next);
            at = next;
            if due.len() > 2 * MOST_DUE {
                return Vec::new();
            }
        }
    }
    due.sort_unstable();
    due.dedup();
    if due.len() > MOST_DUE { Vec::new() } else { due }
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
