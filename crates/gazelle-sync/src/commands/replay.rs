//! `replay`: production rebuilt from staging, without the API.

use std::time::Duration;

use anyhow::Result;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::Context;
use super::opened::Opened;
use super::sync::{chosen, instant, wrong_use};
use crate::cli::ReplayArgs;
use crate::display::{self, Column, Table};
use crate::orchestrator::replay::into_schema::{self, Built};
use crate::orchestrator::replay::{ReplayReport, Wanted, replay};
use crate::orchestrator::report::Status;
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
    let wanted = Wanted { entities, slice, dry_run: args.dry_run, allow_deletions: args.allow_deletions };
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

fn built_text(built: &Built, zone: &TimeZone) -> String {
    let mut table = Table::new([Column::text("table"), Column::number("rows")]);
    for (name, rows) in &built.tables {
        table.row([(*name).to_owned(), display::count(*rows as i64)]);
    }
    let mut unplaced = String::new();
    for record in &built.unplaced {
        let said = format!("{} {}: {}", record.entity, record.external_id, record.reason);
        unplaced += &format!("left out or as before: {}\n", display::safe(&said));
    }
    format!(
        "{}\n{unplaced}production as of {} ({}) is in the schema {}{} ({})\n",
        table.render(),
        time::show(built.as_of, zone),
        built.as_of,
        display::safe(&built.schema),
        if built.replaced { ", in place of what was built there before" } else { "" },
        display::duration(Duration::from_millis(built.duration_ms)),
    )
}

fn text(report: &ReplayReport) -> String {
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
    let mut text = format!("{}\n{}", table.render(), samples_text(&report.tables));
    for reason in &report.reasons {
        text += &format!("{}\n", display::safe(reason));
    }
    let differing: i64 = report.tables.iter().map(|t| t.missing + t.changed + t.surplus).sum();
    let took = display::duration(Duration::from_millis(report.duration_ms));
    let of_what = match report.records {
        None => "production says".to_owned(),
        Some(records) => format!("of {} record(s), production says", display::count(records as i64)),
    };
    let withheld = report.status == Status::Partial && report.rows_written == 0 && differing > 0;
    text += &match (differing, report.dry_run || withheld) {
        (0, _) => format!("{of_what} what staging gives: nothing to do ({took})\n"),
        (n, true) => format!("{} row(s) differ; nothing was changed ({took})\n", display::count(n)),
        (n, false) if report.waiting.iter().any(|waiting| waiting.unwritten().is_some()) => format!(
            "{} row(s) differed; those of the records above stay as they were, the others are as staging gives them now \
             ({took})\n",
            display::count(n)
        ),
        (n, false) => {
            format!("{} row(s) differed and are as staging gives them now ({took})\n", display::count(n))
        }
    };
    text
}

/// Some rows of each kind of difference, column by column.
pub(super) fn samples_text(tables: &[TableDifference]) -> String {
    let mut text = String::new();
    for of in tables {
        for sample in &of.samples {
            text += &sample_text(of.table, sample);
        }
        let shown = of.samples.len() as i64;
        let more = of.missing + of.changed + of.surplus - shown;
        if shown > 0 && more > 0 {
            text += &format!("{}: {} more row(s) differ\n", of.table, display::count(more));
        }
    }
    text
}

fn sample_text(table: &str, sample: &Sample) -> String {
    let said = match sample.kind.as_str() {
        "missing" => "is missing: production has no such row, staging gives",
        "surplus" => "is surplus: no version in staging gives it, production says",
        _ => "differs: production says -> staging gives",
    };
    let mut text = format!("{table} {} {said}\n", display::safe(&sample.key));
    let shown = |value: &Value| display::safe(&value.to_string()).to_string();
    for (column, held, rebuilt) in &sample.columns {
        text += &match sample.kind.as_str() {
            "missing" => format!("    {column}: {}\n", shown(rebuilt)),
            "surplus" => format!("    {column}: {}\n", shown(held)),
            _ => format!("    {column}: {} -> {}\n", shown(held), shown(rebuilt)),
        };
    }
    text
}
