//! `replay`: production rebuilt from staging, without the API.

use std::time::Duration;

use anyhow::Result;

use super::Context;
use super::opened::Opened;
use super::sync::{chosen, wrong_use};
use crate::cli::ReplayArgs;
use crate::display::{self, Column, Table};
use crate::orchestrator::replay::{ReplayReport, replay};
use crate::staging_to_production::difference::TableDifference;

/// Shows the difference; applies it unless told not to.
pub async fn run(context: &Context, args: ReplayArgs) -> Result<u8> {
    let entities = match chosen(&args.entity) {
        Ok(entities) => entities,
        Err(message) => return wrong_use(context, &message),
    };
    let opened = Opened::open(&context.settings).await?;
    let report = replay(&opened.db, &context.settings, &entities, args.dry_run, &context.progress).await;
    opened.close().await?;
    let report = report?;
    context.print(&report, || text(&report))?;
    Ok(report.status.exit_code())
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
    let differing: i64 = report.tables.iter().map(|t| t.missing + t.changed + t.surplus).sum();
    let took = display::duration(Duration::from_millis(report.duration_ms));
    text += &match (differing, report.dry_run) {
        (0, _) => format!("production says what staging gives: nothing to do ({took})\n"),
        (n, true) => format!("{} row(s) differ; nothing was changed ({took})\n", display::count(n)),
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
            text += &format!("{} {} {}\n", of.table, sample.kind, display::safe(&sample.key));
            for (column, held, rebuilt) in &sample.columns {
                text += &format!(
                    "    {column}: {} -> {}\n",
                    display::safe(&held.to_string()),
                    display::safe(&rebuilt.to_string())
                );
            }
        }
    }
    text
}
