//! Formats the output of `status`.

use super::runs::runs_lines;
use super::words::status as w;
use crate::alerts;
use crate::commands::status::read::AwaitingWork;
use crate::commands::status::read::ProductionLine;
use crate::commands::status::read::StagingLine;
use crate::commands::status::read::StatusReport;
use crate::dashboard::verdict::Verdict;
use crate::display::{Column, Lines, Table};
use crate::run_log::find_runs::short;
use crate::run_log::last_runs::LastRun;
use crate::staging::counts::size::Size;
use crate::words::locale::Locale;
use crate::words::sentence::Sentence;

/// The embedded database.
pub struct Embedded {
    pub url: String,
    /// Whether it keeps running after this command, so that `psql` can connect.
    pub runs_on: bool,
}

/// The verdict, what waits for a person, the last runs, and tables of what is stored.
pub(crate) fn text(report: &StatusReport, embedded: Option<&Embedded>, t: &Locale) -> Lines {
    let mut text = Lines::new();
    headline(&mut text, report, t);
    text.blank();
    let runs: Vec<&LastRun> = report.runs.iter().collect();
    if runs.is_empty() {
        text.wrapped(t.say(w::NO_RUN_YET), 2);
    } else {
        runs_lines(&mut text, &runs, t);
        text.wrapped(t.say(w::MORE_RUNS), 2);
    }
    text.blank().table(&production_table(&report.production, t)).blank();
    text.table(&staging_table(&report.staging, t)).blank();
    text.table(&size_table(&report.staging_size, t));
    text.wrapped(t.fill(w::KEPT, &[("what", &kept(&report.retention, t))]), 2).blank();
    text.line(t.fill(w::TIMES_IN, &[("zone", t.zone_name())]));
    match embedded {
        Some(Embedded { url, runs_on: true }) => text.line(format!("psql \"{url}\"")),
        Some(_) => text.wrapped(t.say(w::RUNS_ONLY), 2),
        None => &mut text,
    };
    text
}

/// Whether the data is right, what can be done, and what waits for a person.
fn headline(text: &mut Lines, report: &StatusReport, t: &Locale) {
    if report.is_demo {
        text.wrapped(t.say(w::DEMONSTRATION), 2);
    }
    let (Some(said), Some(waiting)) = (&report.verdict, &report.waits) else {
        text.wrapped(t.say(w::NOT_SAID), 2);
        lock_waits(text, report, t);
        return;
    };
    let told = said.verdict.text(&said.facts, t);
    text.wrapped(format!("{} {}. {}", said.level.shape(), told.title, told.sentence), 2);
    if let Some(act) = what_to_do(&said.verdict, t) {
        text.line(format!("  -> {act}"));
    }
    text.blank();
    waits(text, waiting, t);
    if let Some(next) = report.next_due {
        waits_line(text, w::NEXT_RUN, &t.fill(w::NEXT_AT, &[("at", &t.date_hour(next))]), None, t);
    }
    lock_waits(text, report, t);
}

/// What waits for a person.
fn waits(text: &mut Lines, waiting: &AwaitingWork, t: &Locale) {
    match waiting.oldest_quarantined_at {
        Some(oldest) => {
            let (n, since) = (t.number(waiting.quarantined), t.date_hour(oldest));
            let found = t.fill(w::QUARANTINED, &[("n", &n), ("since", &since)]);
            waits_line(text, w::QUARANTINE, &found, Some("gazelle-sync errors"), t);
        }
        None => waits_line(text, w::QUARANTINE, &t.say(w::EMPTY), None, t),
    }
    match waiting.deletions {
        0 => waits_line(text, w::DELETIONS, &t.say(w::NONE_AWAITS), None, t),
        many => {
            waits_line(text, w::DELETIONS, &t.count(w::AWAIT, many), Some("gazelle-sync deletions"), t);
        }
    }
    let problems: Vec<&str> =
        waiting.problem_kinds.iter().map(|kind| alerts::title_in(*kind, t.language)).collect();
    match problems.as_slice() {
        [] => waits_line(text, w::ALERTS, &t.say(w::NO_PROBLEM), None, t),
        some => waits_line(text, w::ALERTS, &some.join("; "), Some("gazelle-sync alerts"), t),
    }
}

fn waits_line(text: &mut Lines, what: Sentence, found: &str, command: Option<&str>, t: &Locale) {
    let command = command.map(|command| format!("  -> {command}")).unwrap_or_default();
    text.wrapped(format!("{:13}{found}{command}", t.say(what)), 13);
}

fn lock_waits(text: &mut Lines, report: &StatusReport, t: &Locale) {
    for wait in &report.lock_waits {
        text.wrapped(t.fill(w::LOCK, &[("said", &wait.text())]), 2);
    }
}

/// The command that goes on from a verdict; none where nothing is to be done.
fn what_to_do(verdict: &Verdict, t: &Locale) -> Option<String> {
    Some(match verdict {
        Verdict::Unreachable(_) => "gazelle-sync doctor".to_owned(),
        Verdict::Refused => t.say(w::OR_NEW_KEY).into_owned(),
        Verdict::Failed(run) | Verdict::Partial(run) => {
            format!("gazelle-sync runs show {}", short(&run.run_id))
        }
        Verdict::Stale => t.say(w::SYNC_OR_SERVE).into_owned(),
        Verdict::NothingListed(_) => "gazelle-sync runs".to_owned(),
        Verdict::Differs(_) => t.say(w::VERIFY_THEN_REPLAY).into_owned(),
        Verdict::Withheld(_) => "gazelle-sync deletions".to_owned(),
        Verdict::ManyCases(_) => "gazelle-sync errors".to_owned(),
        Verdict::NotVerified(_) => "gazelle-sync verify".to_owned(),
        Verdict::Right(_) => return None,
    })
}

fn staging_table(lines: &[StagingLine], t: &Locale) -> Table {
    let mut table = Table::new([
        Column::text(t.say(w::STAGING)),
        Column::text("sync_status"),
        Column::number(t.say(w::COUNT)),
        Column::text(t.say(w::OLDEST)),
        Column::text(t.say(w::NEWEST)),
    ]);
    for line in lines {
        table.row([
            line.entity.clone(),
            line.sync_status.to_string(),
            t.number(line.count),
            t.date_hour(line.oldest_record),
            t.date_hour(line.newest_record),
        ]);
    }
    table
}

fn size_table(sizes: &[Size], t: &Locale) -> Table {
    let mut table = Table::new([
        Column::text(t.say(w::STAGING_SIZE)),
        Column::number(t.say(w::VERSIONS)),
        Column::number(t.say(w::SIZE)),
        Column::number(t.say(w::VERSIONS_A_DAY)),
        Column::number(t.say(w::SIZE_A_DAY)),
        Column::number(t.say(w::LAST_RUN)),
    ]);
    let bytes =
        |number: Option<i64>| number.map_or_else(|| t.say(w::UNKNOWN).into_owned(), |bytes| t.size(bytes));
    for size in sizes {
        table.row([
            size.entity.to_owned(),
            t.number(size.versions),
            bytes(size.bytes),
            a_day(size.versions_a_day, t),
            bytes(size.bytes_a_day),
            size.last_run.map_or_else(String::new, |added| added_text(added, t)),
        ]);
    }
    table
}

/// `1,146.0` · `1 146,0`
fn a_day(versions: f64, t: &Locale) -> String {
    let tenths = (versions * 10.0).round() as i64;
    let point = if t.is_french() { ',' } else { '.' };
    format!("{}{point}{}", t.number(tenths / 10), tenths % 10)
}

/// `+1,146` · `+1 146`
fn added_text(added: i64, t: &Locale) -> String {
    format!("{}{}", if added < 0 { "" } else { "+" }, t.number(added))
}

/// Which versions the setting `retention` keeps.
fn kept(retention: &str, t: &Locale) -> String {
    match retention {
        "all" => t.say(w::ALL_VERSIONS).into_owned(),
        days => t.fill(w::VERSIONS_OF_DAYS, &[("days", days)]),
    }
}

fn production_table(lines: &[ProductionLine], t: &Locale) -> Table {
    let mut table = Table::new([
        Column::text(t.say(w::PRODUCTION)),
        Column::number(t.say(w::ROWS)),
        Column::number(t.say(w::DELETED)),
        Column::text(t.say(w::LAST_WALK)),
    ]);
    for line in lines {
        let walked = line.last_complete_walk.map(|at| t.date_hour(at));
        table.row([
            line.entity.to_owned(),
            t.number(line.rows),
            t.number(line.deleted),
            walked.unwrap_or_else(|| t.say(w::NEVER).into_owned()),
        ]);
    }
    table
}
