//! Reads the facts of Overview.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::growth::{self, GrowthFacts};
use crate::alerts::{self, Kind, Problem};
use crate::config::Settings;
use crate::dashboard::charts::strip;
use crate::dashboard::site::Snapshot;
use crate::dashboard::verdict::Facts;
use crate::dashboard::verdict::facts;
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
    pub(super) growth: GrowthFacts,
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
    let held: BTreeMap<String, (Option<i64>, Option<i64>)> = counts
        .iter()
        .filter_map(|row| {
            let entity: Option<String> = row.get("entity");
            Some((entity?, (row.get("in_production"), row.get("in_staging"))))
        })
        .collect();
    let entities = past.good_of.iter().map(|(entity, good_at)| {
        let (in_production, in_staging) = held.get(entity.name).copied().unwrap_or_default();
        EntityLine { entity: entity.name, good_at: *good_at, in_production, in_staging }
    });
    let counts = counts.first();
    let last_verified = actions::last_verified(tx).await?;
    let first_run: Option<Timestamp> = counts.and_then(|row| row.get("first_run"));
    Ok(Overview {
        facts: facts::of(&problems, last_verified.as_ref(), past.last_good, settings, now),
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
