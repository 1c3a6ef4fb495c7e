//! Checks the age of the last backup, and the free disk space.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use tokio_postgres::Row;

use super::lines::{Level, Lines};
use super::subject::Subject;
use crate::db::{Db, DbError, citus};
use crate::display;

const DAY: Duration = Duration::from_secs(86_400);
/// One daily backup was missed.
const LATE: Duration = Duration::from_secs(2 * 86_400);
/// A backup this old would lose a week of history.
const OLD: Duration = Duration::from_secs(8 * 86_400);
/// With less the server stops soon. In bytes.
const TOO_LITTLE_SPACE: u64 = 200 << 20;
/// With less it is time to act. In bytes.
const LITTLE_SPACE: u64 = 1 << 30;
const HOW: &str = "pg_dump as docs/runbook.md says, daily, into a folder named by GAZELLE_SYNC_BACKUP_DIR";

/// Checks the newest file of the backup folder, if one is configured.
pub(super) fn of_backup_folder(lines: &mut Lines, subject: &Subject<'_>) {
    let check = "backup";
    let Some(folder) = &subject.settings.backup_dir else {
        return;
    };
    let newest = match newest(folder) {
        Ok(newest) => newest,
        Err(why) => {
            return lines.problem(
                check,
                format!("{} cannot be read: {why}", folder.display()),
                "GAZELLE_SYNC_BACKUP_DIR",
            );
        }
    };
    let Some((name, size, age)) = newest else {
        return lines.problem(check, format!("{} holds no file", folder.display()), HOW);
    };
    let said = format!("{name} ({}) is {} old", display::bytes(size), display::duration(age));
    match (size, age) {
        (0, _) => lines.problem(check, format!("{name} is empty"), HOW),
        (_, age) if age > OLD => lines.problem(check, said, HOW),
        (_, age) if age > LATE => lines.warning(check, said, HOW),
        _ => lines.ok(check, said),
    }
}

fn newest(folder: &Path) -> std::io::Result<Option<(String, u64, Duration)>> {
    let mut newest: Option<(String, u64, SystemTime)> = None;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let found = entry.metadata()?;
        let changed = found.modified()?;
        if found.is_file() && newest.as_ref().is_none_or(|(.., before)| changed > *before) {
            newest = Some((entry.file_name().to_string_lossy().into_owned(), found.len(), changed));
        }
    }
    Ok(newest.map(|(name, size, changed)| {
        (name, size, SystemTime::now().duration_since(changed).unwrap_or_default())
    }))
}

/// The state of the server's WAL archive, and the size of the database.
struct Archive {
    archives: bool,
    /// Time since the last archived segment; `None`: never.
    age: Option<Duration>,
    /// Whether the last attempt failed.
    fails: bool,
    /// The size of the database in bytes.
    bytes: u64,
}

impl Archive {
    fn of(row: &Row) -> Archive {
        let seconds: Option<i64> = row.get("archived_seconds_ago");
        Archive {
            archives: row.get("archives"),
            age: seconds.map(|seconds| Duration::from_secs(seconds.unsigned_abs())),
            fails: row.get("fails"),
            bytes: row.get::<_, i64>("bytes").unsigned_abs(),
        }
    }
}

/// Checks the WAL archive if no backup folder is configured, and reports the size of the database.
pub(super) async fn of_database(db: &Db, subject: &Subject<'_>) -> Result<Lines, DbError> {
    let mut lines = Lines::default();
    let rows = db.query(include_str!("archived.sql"), &[]).await?;
    let Some(Archive { archives, age, fails, bytes }) = rows.first().map(Archive::of) else {
        return Ok(lines);
    };
    // The checks of Citus report the size of distributed tables.
    let what = match citus::detect(db).await? {
        Some(citus) if citus.distributes => "this node's part of the database",
        _ => "the database",
    };
    lines.ok("size", format!("{what} holds {}", display::bytes(bytes)));
    if subject.settings.backup_dir.is_some() {
        return Ok(lines);
    }
    let check = "backup";
    match (archives, fails, age) {
        (true, true, _) => lines.problem(
            check,
            "the server cannot archive its log (WAL): the last attempt failed",
            "archive_command of the server, and the place it writes to",
        ),
        (true, false, Some(age)) if age <= DAY => {
            lines.ok(check, format!("the server archived its log (WAL) {} ago", display::duration(age)));
        }
        (true, false, age) => {
            let said = age.map_or("never".to_owned(), |age| format!("{} ago", display::duration(age)));
            lines.warning(check, format!("the server archived its log (WAL) {said}"), HOW);
        }
        (false, ..) => lines.warning(
            check,
            "none is known here (on Supabase its dashboard lists them: Database, Backups)",
            HOW,
        ),
    }
    Ok(lines)
}

/// Checks the disk of the embedded database; that of another server is not visible from here.
pub(super) fn of_disk(lines: &mut Lines, subject: &Subject<'_>) {
    let check = "disk";
    let folder = &subject.settings.data_dir;
    let Some(there) = folder.ancestors().find(|folder| folder.is_dir()) else { return };
    let what = if subject.embedded { "the embedded database" } else { "tokens" };
    match rustix::fs::statvfs(there) {
        Ok(found) => {
            let free = found.f_bavail.saturating_mul(found.f_frsize);
            let said = format!("{} free for {what} in {}", display::bytes(free), folder.display());
            let fix = "make room, or another folder: GAZELLE_SYNC_DATA_DIR";
            match judge(free, subject.embedded) {
                Level::Ok => lines.ok(check, said),
                Level::Warning => lines.warning(check, said, fix),
                Level::Problem => lines.problem(check, said, fix),
            }
        }
        Err(error) => {
            lines.warning(
                check,
                format!("{} cannot be checked: {error}", there.display()),
                "GAZELLE_SYNC_DATA_DIR",
            );
        }
    }
}

fn judge(free: u64, holds_database: bool) -> Level {
    match (free, holds_database) {
        (0, _) | (..TOO_LITTLE_SPACE, true) => Level::Problem,
        (..TOO_LITTLE_SPACE, false) | (..LITTLE_SPACE, true) => Level::Warning,
        _ => Level::Ok,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_judged_by_what_needs_it() {
        for (free, holds_database, level) in [
            (0, false, Level::Problem),
            (4096, false, Level::Warning),
            (TOO_LITTLE_SPACE, false, Level::Ok),
            (TOO_LITTLE_SPACE - 1, true, Level::Problem),
            (TOO_LITTLE_SPACE, true, Level::Warning),
            (LITTLE_SPACE - 1, true, Level::Warning),
            (LITTLE_SPACE, true, Level::Ok),
        ] {
            assert_eq!(judge(free, holds_database), level, "{free} {holds_database}");
        }
    }
}
