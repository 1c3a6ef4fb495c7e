//! Checks of the database, in the order in which they depend on each other: nothing of a table is read before it is
//! known whose it is.

pub(in crate::doctor) mod additions;
pub(in crate::doctor) mod backup;
pub(in crate::doctor) mod citus;
pub(in crate::doctor) mod look_alikes;
pub(in crate::doctor) mod rights;
pub(in crate::doctor) mod server;
pub(in crate::doctor) mod tables;

use std::time::Duration;

use super::lines::Lines;
use super::subject::Subject;
use super::{alerts, clock, outcome, room, service, zone};
use crate::access::trust::{bound, owners, superuser};
use crate::db::DbError;

/// A group of checks that takes longer is aborted and reported.
const TIMEOUT: Duration = Duration::from_secs(60);

pub(super) async fn check(subject: &Subject<'_>) -> Lines {
    let mut lines = Lines::default();
    let db = match &subject.database {
        Ok(db) => *db,
        Err(why) => {
            lines.problem(
                "database",
                why.clone(),
                "DATABASE_URL (gazelle-sync settings shows where it comes from); all checks of the database are left out",
            );
            return lines;
        }
    };
    within(&mut lines, "database", server::check(db, subject)).await;
    let fix = "that, by an administrator (tables of the old system: gazelle-sync migrate --from-v5 --dry-run); all \
                checks of the tables are left out until then";
    if !is_safe(&mut lines, owners::refusal(db), fix).await {
        return lines;
    }
    let fix = "that, by the owner of the table or a superuser, once for each that is left; all checks of the tables are left \
                out until then";
    if !is_safe(&mut lines, bound::refusal(db), fix).await
        || !is_safe(&mut lines, superuser::refusal(db, superuser::Before::Use), fix).await
    {
        return lines;
    }
    within(&mut lines, "Citus", citus::check(db)).await;
    within(&mut lines, "tables", tables::check(db)).await;
    within(&mut lines, "additions", additions::check(db)).await;
    within(&mut lines, "look-alikes", look_alikes::check(db)).await;
    within(&mut lines, "rights", rights::check(db, subject.embedded)).await;
    within(&mut lines, "backup of the old system", backup::check(db)).await;
    within(&mut lines, "database clock", clock::of_database(db)).await;
    within(&mut lines, "database time zones", zone::of_database(db)).await;
    within(&mut lines, "runs", service::runs(db, subject.settings)).await;
    within(&mut lines, "last run", outcome::check(db, subject.settings)).await;
    within(&mut lines, "alert messages", alerts::sent(db)).await;
    within(&mut lines, "backup", room::of_database(db, subject)).await;
    lines
}

/// Whether the tables are safe to read. A failed query means that they are not.
async fn is_safe(
    lines: &mut Lines,
    refusal: impl Future<Output = Result<Option<String>, DbError>>,
    fix: &'static str,
) -> bool {
    let why = match tokio::time::timeout(TIMEOUT, refusal).await {
        Ok(Ok(None)) => return true,
        Ok(Ok(Some(why))) => return lines.refused("tables", why, fix),
        Ok(Err(error)) => format!("their owners and what is attached to them could not be checked: {error}"),
        Err(_) => {
            format!("their owners and what is attached to them: no answer within {} s", TIMEOUT.as_secs())
        }
    };
    let fix = "the message says what; all checks of the tables are left out until then, since nothing of a table is read whose \
                owner is not known";
    lines.refused("tables", why, fix)
}

/// Adds the lines of a group; its failure or timeout is a line too.
async fn within(lines: &mut Lines, check: &'static str, group: impl Future<Output = Result<Lines, DbError>>) {
    match tokio::time::timeout(TIMEOUT, group).await {
        Ok(Ok(found)) => lines.extend(found),
        Ok(Err(error)) => lines.cannot(check, &error),
        Err(_) => lines.problem(
            check,
            format!("no answer within {} s", TIMEOUT.as_secs()),
            "look at the database server: is it overloaded, or does somebody hold locks?",
        ),
    }
}
