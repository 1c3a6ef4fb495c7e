//! Decides what a run walks of an entity, and warns of clocks and bookmarks that cannot be right.

use jiff::{SignedDuration, Timestamp};

use super::job::Job;
use crate::config::Settings;
use crate::db::{Db, DbError};
use crate::display;
use crate::entities::Entity;
use crate::gazelle_to_staging::Scope;
use crate::gazelle_to_staging::walk::WalkReport;
use crate::run_log::report::{RunWarning, RunWarningCode};
use crate::staging::bookmarks;
use crate::staging::versions::clock::{LARGE_SKEW, RunClock};

/// What is to be walked of an entity.
#[derive(Debug, Clone, Copy)]
pub struct WalkScope {
    scope: Scope,
    /// Whether a complete walk of it moves the bookmark.
    moves_bookmark: bool,
    /// The bookmark, if it lies in the future and is therefore ignored.
    disbelieved: Option<Timestamp>,
}

/// Reads the bookmark and decides what is walked ([`decide`]).
///
/// # Errors
/// Those of the database.
pub async fn of(
    db: &Db,
    settings: &Settings,
    job: &Job,
    entity: &'static Entity,
    clock: &RunClock,
) -> Result<WalkScope, DbError> {
    let held = bookmarks::read(db, entity).await?;
    let bounds = Scope { from: settings.events_from, until: settings.events_until };
    let lookback_days = i64::from(settings.lookback_days);
    Ok(decide(job, entity, (bounds, lookback_days), held, clock.database_now()))
}

/// Decides what is walked: the whole entity or, for events, the window from the bookmark less the lookback. Without
/// a credible bookmark the whole is walked, since a window could miss changes. `bounds`: the configured days of
/// events; `bookmark`: the stored one, credible or not; `now`: by the database's clock.
fn decide(
    job: &Job,
    entity: &Entity,
    (bounds, lookback_days): (Scope, i64),
    bookmark: Option<Timestamp>,
    now: Timestamp,
) -> WalkScope {
    let held = bookmark;
    let bookmark = bookmarks::believed(held, now);
    let disbelieved = held.filter(|_| bookmark.is_none());
    let plan = |scope, moves_bookmark| WalkScope { scope, moves_bookmark, disbelieved };
    if entity.own_date().is_none() {
        return plan(Scope::WHOLE, true);
    }
    let since = if job.is_full() { None } else { job.since.or(bookmark) };
    let Some(since) = since else { return plan(bounds, bounds.until.is_none()) };
    // One day more than configured, since the time zone of the API's date filters is not known.
    let lookback = SignedDuration::from_hours(24 * (lookback_days + 1));
    let from = since.saturating_sub(lookback).unwrap_or(Timestamp::UNIX_EPOCH);
    let scope = Scope { from: Some(crate::time::utc_parts(from).0), until: None };
    // A walk from a later instant than the bookmark's misses what changed in between.
    plan(scope, bookmark.is_some_and(|bookmark| since <= bookmark))
}

/// Ignored bookmarks and clock differences that a run has noticed.
#[derive(Debug, Default)]
pub struct Clocks {
    disbelieved: Vec<(&'static str, Timestamp)>,
    /// How far the API's clock was ahead of the database's (negative: behind); the largest difference.
    api_ahead: Option<SignedDuration>,
}

impl Clocks {
    /// Notes an ignored bookmark. Returns the scope, and whether a complete walk of it moves the bookmark.
    pub fn note_bookmark(&mut self, plan: WalkScope, entity: &'static Entity) -> (Scope, bool) {
        self.disbelieved.extend(plan.disbelieved.map(|bookmark| (entity.name, bookmark)));
        (plan.scope, plan.moves_bookmark)
    }

    /// Notes the clock differences that walks measured.
    pub fn note_walks<'w>(&mut self, walks: impl Iterator<Item = &'w WalkReport>) {
        let seen = walks.filter_map(|walk| walk.api_ahead);
        self.api_ahead = self.api_ahead.into_iter().chain(seen).max_by_key(|ahead| ahead.abs());
    }

    /// The warnings, at most one of each code.
    pub fn warnings(&self, clock: &RunClock) -> Vec<RunWarning> {
        let mut warnings = Vec::new();
        if let Some((_, bookmark)) = self.disbelieved.first() {
            let names: Vec<&str> = self.disbelieved.iter().map(|(name, _)| *name).collect();
            warnings.push(RunWarning {
                code: RunWarningCode::BookmarkInFuture,
                subject: names.join(", "),
                message: format!(
                    "{}: the bookmark lies in the future ({bookmark}), so a clock was wrong when it was set. It is not \
                     used: everything is walked, and a complete walk sets the bookmark right",
                    names.join(", ")
                ),
            });
        }
        if let Some(ahead) = self.api_ahead.filter(|ahead| ahead.abs() > LARGE_SKEW) {
            warnings.push(RunWarning {
                code: RunWarningCode::ClockSkew,
                subject: "API".to_owned(),
                message: format!(
                    "the API's clock is {}; no bookmark is set later than the database's clock: check both",
                    apart(ahead, "the database's")
                ),
            });
        }
        if clock.ahead_of_database() > LARGE_SKEW {
            let ahead = display::duration(clock.ahead_of_database().unsigned_abs());
            warnings.push(RunWarning {
                code: RunWarningCode::VersionsInFuture,
                subject: "staging".to_owned(),
                message: format!(
                    "staging holds versions dated {ahead} later than the database's clock, by a clock that was wrong; the \
                     versions of this run are dated after them, so that the newest still wins"
                ),
            });
        }
        warnings
    }
}

/// `3 h 20 min behind the database's`.
fn apart(ahead: SignedDuration, whose: &str) -> String {
    let direction = if ahead.is_negative() { "behind" } else { "ahead of" };
    format!("{} {direction} {whose}", display::duration(ahead.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entities::{appointments, clients};
    use crate::run_log::kinds::{RunCommand, RunMode};

    const NOW: &str = "2026-03-31T12:00:00Z";
    const LATER: &str = "2026-04-30T12:00:00Z";

    #[test]
    fn what_is_walked_follows_from_the_mode_the_bookmark_and_the_bounds() {
        use RunMode::{Full, Incremental};
        let at = |text: Option<&str>| text.map(|text| text.parse::<Timestamp>().unwrap());
        let open = (None, None);
        let closed = (Some("2020-01-01"), Some("2026-12-31"));
        let (events, clients) = (&appointments::ENTITY, &clients::ENTITY);
        // Entity, mode, --since, bookmark and bounds; then the walk, whether it moves the bookmark, and whether the
        // bookmark is ignored. The lookback is 29 days, and one.
        for (entity, mode, since, bookmark, bounds, walk, moves, is_ignored) in [
            // What has no date of its own is always read whole.
            (clients, Incremental, None, Some(NOW), closed, "whole", true, false),
            (clients, Incremental, Some(NOW), None, open, "whole", true, false),
            (clients, Full, None, Some(LATER), open, "whole", true, true),
            // All events, within the bounds. Events after a last day are left out, so that the bookmark stays.
            (events, Full, None, Some(NOW), open, "whole", true, false),
            (events, Full, Some(NOW), Some(NOW), open, "whole", true, false),
            (events, Full, None, Some(NOW), closed, "2020-01-01 to 2026-12-31", false, false),
            (events, Full, None, None, (closed.0, None), "from 2020-01-01", true, false),
            // From the bookmark, without a last day.
            (events, Incremental, None, Some(NOW), open, "from 2026-03-01", true, false),
            (events, Incremental, None, Some(NOW), closed, "from 2026-03-01", true, false),
            // Without a bookmark, or with one that lies in the future.
            (events, Incremental, None, None, open, "whole", true, false),
            (events, Incremental, None, None, closed, "2020-01-01 to 2026-12-31", false, false),
            (events, Incremental, None, Some(LATER), open, "whole", true, true),
            // From another instant: a later one would leave a gap behind the bookmark.
            (
                events,
                Incremental,
                Some("2026-02-28T12:00:00Z"),
                Some(NOW),
                open,
                "from 2026-01-29",
                true,
                false,
            ),
            (events, Incremental, Some(NOW), Some(NOW), open, "from 2026-03-01", true, false),
            (
                events,
                Incremental,
                Some(NOW),
                Some("2026-03-30T12:00:00Z"),
                open,
                "from 2026-03-01",
                false,
                false,
            ),
            (events, Incremental, Some(NOW), None, open, "from 2026-03-01", false, false),
        ] {
            let job = Job { mode, since: at(since), ..Job::reconcile(RunCommand::Sync, Vec::new()) };
            let day = |text: Option<&str>| text.map(|text| text.parse().unwrap());
            let bounds = Scope { from: day(bounds.0), until: day(bounds.1) };
            let decided = decide(&job, entity, (bounds, 29), at(bookmark), NOW.parse().unwrap());
            let case = format!("{} {mode} {since:?} {bookmark:?} {bounds:?}", entity.name);
            assert_eq!(decided.scope.describe(), walk, "{case}");
            assert_eq!(decided.moves_bookmark, moves, "{case}");
            assert_eq!(decided.disbelieved.is_some(), is_ignored, "{case}");
        }
    }

    #[test]
    fn a_difference_is_told_with_its_direction() {
        let hours = |hours| apart(SignedDuration::from_hours(hours), "the database's");
        assert_eq!(hours(200 * 24), "200 d 00 h ahead of the database's");
        assert_eq!(hours(-2), "2 h 00 min behind the database's");
    }
}
