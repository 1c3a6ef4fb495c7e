//! `verify`: whether production is what it should be.

use anyhow::{Result, bail};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::opened::{self, Opened};
use super::sync::{chosen, wrong_use};
use super::{Context, FAILED, replay};
use crate::cli::VerifyArgs;
use crate::db::citus;
use crate::display::{self, Column, Lines, Table};
use crate::migrate;
use crate::rebuild::verify::{Question, Verdict, VerifyReport, verify};
use crate::time;

/// Exit status of what is incomplete.
const PARTIAL: u8 = 3;

/// Verifies and prints the verdict.
pub async fn run(context: &Context, args: VerifyArgs) -> Result<u8> {
    let entities = match chosen(&args.entity) {
        Ok(entities) => entities,
        Err(message) => return wrong_use(context, &message),
    };
    let settings = &context.settings;
    let mut unasked = None;
    // It writes too: production is rebuilt into scratch tables, which are then rolled back.
    let opened = Opened::open(settings).await?;
    let client = match (args.offline, opened::client(settings, Some(&opened))) {
        (true, _) => None,
        (false, Ok(client)) => Some(client),
        (false, Err(error)) => {
            unasked = Some(format!("the API was left out: {error:#}"));
            None
        }
    };
    let seed = args.seed.unwrap_or_else(|| Timestamp::now().as_microsecond().unsigned_abs());
    let question = Question { entities, sample: args.sample, seed, client: client.as_ref() };
    let outcome = async {
        if !migrate::is_readable(&opened.db).await? {
            bail!("there is nothing to verify yet: run `gazelle-sync sync` first");
        }
        // "Equal" from a server whose answers are not known would prove nothing.
        citus::check(&opened.db).await?;
        Ok(verify(&opened.db, settings, &question).await?)
    }
    .await;
    opened.close().await?;
    let mut report = outcome?;
    report.notes.extend(unasked);
    context.print(&report, || text(&report, &settings.zone()))?;
    Ok(match report.status {
        Verdict::Equal => 0,
        Verdict::Different => FAILED,
        Verdict::Incomplete => PARTIAL,
    })
}

fn text(report: &VerifyReport, zone: &TimeZone) -> Lines {
    let mut table =
        Table::new([Column::text("checked"), Column::number("of"), Column::number("differences")]);
    for check in &report.checks {
        table.row([check.name.clone(), display::count(check.checked), display::count(check.differences)]);
    }
    let mut text = Lines::new();
    text.table(&table);
    for check in report.checks.iter().filter(|check| check.differences > 0) {
        text.blank().line(&check.name);
        for line in &check.said {
            text.line(format!("  {line}"));
        }
        if check.differences > check.said.len() as u64 && check.said.len() > 1 {
            text.line("  …");
        }
    }
    for (title, tables) in [
        ("production -> what staging gives", &report.tables),
        ("production -> what the API says", &report.sample_tables),
    ] {
        if !tables.is_empty() {
            text.blank().line(title);
            replay::samples_lines(tables, &mut text);
        }
    }
    for note in &report.notes {
        text.line(format!("  - {note}"));
    }
    text.line(verdict(report, zone));
    text
}

/// The line that a person reads.
fn verdict(report: &VerifyReport, zone: &TimeZone) -> String {
    let at = time::show_hour(report.as_of, zone);
    let figures = format!(
        "{} rows, {} sampled, {} difference{}",
        display::count(report.rows),
        display::count(report.sampled),
        display::count(report.differences),
        if report.differences == 1 { "" } else { "s" }
    );
    match report.status {
        Verdict::Equal => format!("equal as of {at}: {figures}"),
        Verdict::Incomplete => {
            format!("no difference as of {at}, but the API was not asked for all: {figures}")
        }
        Verdict::Different => {
            format!("DIFFERENT as of {at}: {figures} (sample repeated with --seed {})", report.seed)
        }
    }
}
