//! Formats the output of `status`.

use jiff::tz::TimeZone;

use super::runs::runs_lines;
use crate::commands::status::read::AwaitingWork;
use crate::commands::status::read::ProductionLine;
use crate::commands::status::read::StagingLine;
use crate::commands::status::read::StatusReport;
use crate::dashboard::verdict::Verdict;
use crate::display::{self, Column, Lines, Table};
use crate::run_log::find_runs::short;
use crate::run_log::last_runs::LastRun;
use crate::staging::counts::size::Size;
use crate::time;

/// The embedded database.
pub struct Embedded {
    pub url: String,
    /// Whether it keeps running after this command, so that `psql` can connect.
    pub runs_on: bool,
}

/// The verdict, what waits for a person, the last runs, and tables of what is stored.
pub fn text(report: &StatusReport, zone: &TimeZone, embedded: Option<&Embedded>) -> Lines {
    let mut text = Lines::new();
    headline(&mut text, report, zone);
    text.blank();
    let runs: Vec<&LastRun> = report.runs.iter().collect();
    if runs.is_empty() {
        text.line("no run is recorded yet: gazelle-sync sync --mode full");
    } else {
        runs_lines(&mut text, &runs, zone);
        text.line("more: gazelle-sync runs; one of them: gazelle-sync runs show RUN");
    }
    text.blank().table(&production_table(&report.production, zone)).blank();
    text.table(&staging_table(&report.staging, zone)).blank();
    text.table(&size_table(&report.staging_size)).line(format!("kept: {}", kept(&report.retention))).blank();
    text.line(format!("times in {}", zone.iana_name().unwrap_or("UTC")));
    match embedded {
        Some(Embedded { url, runs_on: true }) => text.line(format!("psql \"{url}\"")),
        Some(_) => text.wrapped(
            "the embedded database runs only while a command needs it (`gazelle-sync psql` opens it, `gazelle-sync db start` keeps \
             it running)",
            2,
        ),
        None => &mut text,
    };
    text
}

/// Whether the data is right, what can be done, and what waits for a person.
fn headline(text: &mut Lines, report: &StatusReport, zone: &TimeZone) {
    if report.is_demo {
        text.wrapped("DEMONSTRATION: this database holds the made-up shop of `gazelle-sync demo`", 2);
    }
    let (Some(said), Some(waiting)) = (&report.verdict, &report.waits) else {
        let why =
            "whether the data is right is not said: this role may read neither the quarantine nor the alerts";
        text.wrapped(why, 2);
        lock_waits(text, report);
        return;
    };
    text.wrapped(format!("{} {}. {}", said.level.shape(), said.title, said.sentence), 2);
    if let Some(act) = what_to_do(&said.verdict) {
        text.line(format!("  -> {act}"));
    }
    text.blank();
    let mut waits = |what: &str, found: String, command: Option<&str>| {
        let command = command.map(|command| format!("  -> {command}")).unwrap_or_default();
        text.wrapped(format!("{what:12}{found}{command}"), 12);
    };
    let AwaitingWork { quarantined, oldest_quarantined_at, deletions, problems } = waiting;
    match oldest_quarantined_at {
        Some(oldest) => {
            let found =
                format!("{}, the oldest since {}", display::count(*quarantined), time::show(*oldest, zone));
            waits("quarantine", found, Some("gazelle-sync errors"));
        }
        None => waits("quarantine", "empty".to_owned(), None),
    }
    match deletions {
        0 => waits("deletions", "none awaits approval".to_owned(), None),
        many => waits(
            "deletions",
            format!("{} await approval", display::count(*many)),
            Some("gazelle-sync deletions"),
        ),
    }
    match problems.as_slice() {
        [] => waits("alerts", "no problem".to_owned(), None),
        some => waits("alerts", some.join("; "), Some("gazelle-sync alerts")),
    }
    if let Some(next) = report.next_due {
        let at = time::show(next, zone);
        waits("next run", format!("{at}, if `gazelle-sync serve` runs"), None);
    }
    lock_waits(text, report);
}

fn lock_waits(text: &mut Lines, report: &StatusReport) {
    for wait in &report.lock_waits {
        text.wrapped(format!("LOCK: {}", wait.text()), 2);
    }
}

/// The command that goes on from a verdict; none where nothing is to be done.
fn what_to_do(verdict: &Verdict) -> Option<String> {
    Some(match verdict {
        Verdict::Unreachable(_) => "gazelle-sync doctor".to_owned(),
        Verdict::Refused => "gazelle-sync auth login, or a new GAZELLE_API_KEY".to_owned(),
        Verdict::Failed(run) | Verdict::Partial(run) => {
            format!("gazelle-sync runs show {}", short(&run.run_id))
        }
        Verdict::Stale => "gazelle-sync sync, or gazelle-sync serve (syncs by itself)".to_owned(),
        Verdict::NothingListed(_) => "gazelle-sync runs".to_owned(),
        Verdict::Differs(_) => "gazelle-sync verify, then gazelle-sync replay --dry-run".to_owned(),
        Verdict::Withheld(_) => "gazelle-sync deletions".to_owned(),
        Verdict::ManyCases(_) => "gazelle-sync errors".to_owned(),
        Verdict::NotVerified(_) => "gazelle-sync verify".to_owned(),
        Verdict::Right(_) => return None,
    })
}

fn staging_table(lines: &[StagingLine], zone: &TimeZone) -> Table {
    let mut table = Table::new([
        Column::text("staging"),
        Column::text("sync_status"),
        Column::number("count"),
        Column::text("oldest_record"),
        Column::text("newest_record"),
    ]);
    for line in lines {
        table.row([
            line.entity.clone(),
            line.sync_status.to_string(),
            display::count(line.count),
            time::show(line.oldest_record, zone),
            time::show(line.newest_record, zone),
        ]);
    }
    table
}

fn size_table(sizes: &[Size]) -> Table {
    let mut table = Table::new([
        Column::text("staging size"),
        Column::number("versions"),
        Column::number("size"),
        Column::number("versions a day"),
        Column::number("size a day"),
        Column::number("last run"),
    ]);
    for size in sizes {
        table.row([
            size.entity.to_owned(),
            display::count(size.versions),
            bytes(size.bytes),
            format!("{:.1}", size.versions_a_day),
            bytes(size.bytes_a_day),
            size.last_run.map_or_else(String::new, |added| format!("{added:+}")),
        ]);
    }
    table
}

fn bytes(number: Option<i64>) -> String {
    number.map_or_else(|| "unknown".to_owned(), |number| display::bytes(number.max(0) as u64))
}

/// Which versions the setting `retention` keeps.
fn kept(retention: &str) -> String {
    match retention {
        "all" => "all versions (setting retention)".to_owned(),
        days => format!("what was current in the last {days} days (setting retention)"),
    }
}

fn production_table(lines: &[ProductionLine], zone: &TimeZone) -> Table {
    let mut table = Table::new([
        Column::text("production"),
        Column::number("rows"),
        Column::number("deleted"),
        Column::text("last complete walk"),
    ]);
    for line in lines {
        table.row([
            line.entity.to_owned(),
            display::count(line.rows),
            display::count(line.deleted),
            line.last_complete_walk.map_or_else(|| "never".to_owned(), |at| time::show(at, zone)),
        ]);
    }
    table
}
