//! `replay`: production rebuilt from staging, without the API.

use std::time::Duration;

use anyhow::Result;
use jiff::tz::TimeZone;

use super::Context;
use super::opened::Opened;
use super::sync::{chosen, instant, wrong_use};
use crate::cli::ReplayArgs;
use crate::display::{self, Column, Lines, Table};
use crate::rebuild::replay::into_schema::{self, Built};
use crate::rebuild::replay::{ReplayReport, ReplayRequest, replay};
use crate::run_log::report::Status;
use crate::staging::slice::Slice;
use crate::staging_to_production::difference::{Sample, TableDifference};
use crate::time;

/// Shows the difference and applies it unless told not to; or builds production in another schema.
pub async fn run(context: &Context, args: ReplayArgs) -> Result<u8> {
    if let Some(schema) = &args.into {
        return build(context, &args, schema).await;
    }
    if args.as_of.is_some() {
        // Not left to the parser, which forgets what a flag needs where another forbids that.
        return wrong_use(context, "--as-of builds the past in another schema: it needs --into SCHEMA");
    }
    let entities = match chosen(&args.entity) {
        Ok(entities) => entities,
        Err(message) => return wrong_use(context, &message),
    };
    let at = |since: Option<_>| since.map(|since| instant(context, since)).transpose();
    let slice = Slice {
        ids: (!args.id.is_empty()).then(|| args.id.clone()),
        run: args.run,
        since: at(args.since)?,
        until: at(args.until)?,
    };
    if let (Some(since), Some(until)) = (slice.since, slice.until)
        && since >= until
    {
        return wrong_use(context, "--since must be before --until");
    }
    let wanted =
        ReplayRequest { entities, slice, dry_run: args.dry_run, allow_deletions: args.allow_deletions };
    let opened = Opened::open(&context.settings).await?;
    let report = replay(&opened.db, &context.settings, &wanted, &context.progress).await;
    opened.close().await?;
    let report = report?;
    context.print(&report, || text(&report))?;
    Ok(report.status.exit_code())
}

async fn build(context: &Context, args: &ReplayArgs, schema: &str) -> Result<u8> {
    let opened = Opened::open(&context.settings).await?;
    let now = opened.db.now().await?;
    let as_of = args.as_of.map_or(Ok(now), |since| instant(context, since))?;
    if as_of > now {
        opened.close().await?;
        return wrong_use(context, "--as-of lies in the future; what production will be, nobody knows");
    }
    let built = into_schema::build(&opened.db, &context.settings, as_of, schema).await;
    opened.close().await?;
    let built = built?;
    let zone = context.settings.zone();
    context.print(&built, || built_text(&built, &zone))?;
    Ok(0)
}

fn built_text(built: &Built, zone: &TimeZone) -> Lines {
    let mut table = Table::new([Column::text("table"), Column::number("rows")]);
    for (name, rows) in &built.tables {
        table.row([(*name).to_owned(), display::count(*rows as i64)]);
    }
    let mut text = Lines::new();
    text.table(&table);
    for record in &built.unplaced {
        let (entity, id, reason) = (&record.entity, &record.external_id, &record.reason);
        text.line(format!("left out or as before: {entity} {id}: {reason}"));
    }
    text.line(format!(
        "production as of {} ({}) is in the schema {}{} ({})",
        time::show(built.as_of, zone),
        built.as_of,
        built.schema,
        if built.replaced { ", in place of what was built there before" } else { "" },
        display::duration(Duration::from_millis(built.duration_ms)),
    ));
    text
}

fn text(report: &ReplayReport) -> Lines {
    let mut table = Table::new([
        Column::text("table"),
        Column::number("missing"),
        Column::number("changed"),
        Column::number("surplus"),
    ]);
    for of in &report.tables {
        table.row([
            of.table.to_owned(),
            display::count(of.missing),
            display::count(of.changed),
            display::count(of.surplus),
        ]);
    }
    let mut text = Lines::new();
    text.table(&table);
    samples_lines(&report.tables, &mut text);
    for reason in &report.reasons {
        text.line(reason);
    }
    let differing: i64 = report.tables.iter().map(|t| t.missing + t.changed + t.surplus).sum();
    let took = display::duration(Duration::from_millis(report.duration_ms));
    let of_what = match report.records {
        None => "production says".to_owned(),
        Some(records) => format!("of {} record(s), production says", display::count(records as i64)),
    };
    let withheld = report.status == Status::Partial && report.rows_written == 0 && differing > 0;
    text.line(match (differing, report.dry_run || withheld) {
        (0, _) => format!("{of_what} what staging gives: nothing to do ({took})"),
        (n, true) => format!("{} row(s) differ; nothing was changed ({took})", display::count(n)),
        (n, false) if report.waiting.iter().any(|waiting| waiting.unwritten().is_some()) => format!(
            "{} row(s) differed; those of the records above stay as they were, the others are as staging gives them now \
             ({took})",
            display::count(n)
        ),
        (n, false) => {
            format!("{} row(s) differed and are as staging gives them now ({took})", display::count(n))
        }
    });
    text
}

/// Some rows of each kind of difference, column by column.
pub(super) fn samples_lines(tables: &[TableDifference], text: &mut Lines) {
    for of in tables {
        for sample in &of.samples {
            sample_lines(of.table, sample, text);
        }
        let shown = of.samples.len() as i64;
        let more = of.missing + of.changed + of.surplus - shown;
        if shown > 0 && more > 0 {
            text.line(format!("{}: {} more row(s) differ", of.table, display::count(more)));
        }
    }
}

fn sample_lines(table: &str, sample: &Sample, text: &mut Lines) {
    let said = match sample.kind.as_str() {
        "missing" => "is missing: production has no such row, staging gives",
        "surplus" => "is surplus: no version in staging gives it, production says",
        _ => "differs: production says -> staging gives",
    };
    text.line(format!("{table} {} {said}", sample.key));
    for (column, held, rebuilt) in &sample.columns {
        text.line(match sample.kind.as_str() {
            "missing" => format!("    {column}: {rebuilt}"),
            "surplus" => format!("    {column}: {held}"),
            _ => format!("    {column}: {held} -> {rebuilt}"),
        });
    }
}
