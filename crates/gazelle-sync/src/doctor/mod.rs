//! `doctor`: checks that everything the program needs is present and correct. Each check gives one line, with the
//! command that fixes a problem. There is one file per group of checks.
//!
//! Nothing is changed: the database is read in read-only transactions that are rolled back, the API is asked for
//! one small page of each entity, and the servers of alert channels only get a TCP connection.

mod additions;
mod alerts;
mod api;
mod backup;
mod citus;
mod clock;
mod lines;
mod look_alikes;
mod rights;
mod room;
mod server;
mod service;
mod subject;
mod tables;
mod zone;

pub use lines::{Level, Line, Lines, Report};
pub use subject::Subject;

use std::time::Duration;

use crate::access::{bound, owners, superuser};
use crate::db::DbError;

/// A group of checks that takes longer is aborted and reported.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Runs all checks. Never fails: what cannot be checked is reported as a problem.
pub async fn examine(subject: &Subject<'_>) -> Report {
    let mut lines = Lines::default();
    let (in_database, (of_api, api_clock)) = tokio::join!(in_database(subject), api::look(subject));
    lines.extend(in_database);
    lines.extend(of_api);
    clock::of_api(&mut lines, api_clock);
    zone::of_program(&mut lines);
    let (of_service, of_alerts) =
        tokio::join!(service::look(subject.settings), alerts::reachable(subject.settings));
    lines.extend(of_alerts);
    lines.extend(of_service);
    room::of_backup_folder(&mut lines, subject);
    room::of_disk(&mut lines, subject);
    lines.into_report()
}

async fn in_database(subject: &Subject<'_>) -> Lines {
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
    within(&mut lines, "database", server::look(db, subject)).await;
    let mend = "that, by an administrator (tables of the old system: gazelle-sync migrate --from-v5 --dry-run); all \
                checks of the tables are left out until then";
    if !is_safe(&mut lines, owners::refusal(db), mend).await {
        return lines;
    }
    let mend = "that, by the owner of the table or a superuser, once for each that is left; all checks of the tables are left \
                out until then";
    if !is_safe(&mut lines, bound::refusal(db), mend).await
        || !is_safe(&mut lines, superuser::refusal(db, superuser::Before::Use), mend).await
    {
        return lines;
    }
    within(&mut lines, "Citus", citus::look(db)).await;
    within(&mut lines, "tables", tables::look(db)).await;
    within(&mut lines, "additions", additions::look(db)).await;
    within(&mut lines, "look-alikes", look_alikes::look(db)).await;
    within(&mut lines, "rights", rights::look(db, subject.embedded)).await;
    within(&mut lines, "backup of the old system", backup::look(db)).await;
    within(&mut lines, "database clock", clock::of_database(db)).await;
    within(&mut lines, "database time zones", zone::of_database(db)).await;
    within(&mut lines, "runs", service::runs(db, subject.settings)).await;
    within(&mut lines, "alert messages", alerts::sent(db)).await;
    within(&mut lines, "backup", room::of_database(db, subject)).await;
    lines
}

/// Whether the tables are safe to read. A failed query means that they are not.
async fn is_safe(
    lines: &mut Lines,
    refusal: impl Future<Output = Result<Option<String>, DbError>>,
    mend: &'static str,
) -> bool {
    let why = match tokio::time::timeout(TIMEOUT, refusal).await {
        Ok(Ok(None)) => return true,
        Ok(Ok(Some(why))) => return lines.refused("tables", why, mend),
        Ok(Err(error)) => format!("whose they are, and what hangs on them, could not be looked at: {error}"),
        Err(_) => {
            format!("whose they are, and what hangs on them, was not answered within {} s", TIMEOUT.as_secs())
        }
    };
    let mend = "the message says what; all checks of the tables are left out until then, since nothing of a table is read whose \
                owner is not known";
    lines.refused("tables", why, mend)
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
