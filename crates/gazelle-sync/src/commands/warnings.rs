//! `warnings`: what is worth knowing and is no error.

use anyhow::Result;
use jiff::tz::TimeZone;

use super::Context;
use super::opened::Opened;
use super::sync::{chosen, wrong_use};
use crate::cli::WarningsArgs;
use crate::db::migrate;
use crate::display::{self, Column, Table};
use crate::orchestrator::warnings::{self, Warnings, Which};
use crate::time;

/// Reads and prints; writes nothing.
pub async fn run(context: &Context, args: WarningsArgs) -> Result<u8> {
    if let Err(message) = chosen(args.entity.as_slice()) {
        return wrong_use(context, &message);
    }
    let which = Which {
        entity: args.entity.as_deref(),
        code: args.code.as_deref(),
        run: args.run,
        limit: args.limit,
    };
    let opened = Opened::open_to_read(&context.settings).await?;
    let outcome = async {
        // Who only reads makes no tables: where there are none, there is no warning either.
        match migrate::is_readable(&opened.db).await? {
            true => warnings::read(&opened.db, &which).await,
            false => Ok(Warnings::default()),
        }
    }
    .await;
    opened.close().await?;
    let warnings = outcome?;
    context.print(&warnings, || text(&warnings, &context.settings.zone()))?;
    Ok(0)
}

fn text(warnings: &Warnings, zone: &TimeZone) -> String {
    if warnings.records.is_empty() && warnings.runs.is_empty() {
        return "no warnings".to_owned();
    }
    let mut text = String::new();
    if !warnings.records.is_empty() {
        let mut table = Table::new([
            Column::text("entity"),
            Column::text("warning"),
            Column::number("records"),
            Column::text("last noted"),
            Column::text("such as"),
        ]);
        for kind in &warnings.records {
            let samples: Vec<&str> = kind.samples.iter().map(|sample| sample.external_id.as_str()).collect();
            let more = if kind.records > samples.len() as i64 { ", …" } else { "" };
            table.row([
                kind.entity.clone(),
                meaning(&kind.code).unwrap_or(&kind.code).to_owned(),
                display::count(kind.records),
                time::show(kind.last_seen_at, zone),
                format!("{}{more}", samples.join(", ")),
            ]);
        }
        text.push_str(&table.render());
        text.push('\n');
    }
    if !warnings.runs.is_empty() {
        let mut table = Table::new([Column::text("run of"), Column::text("warning"), Column::text("run")]);
        for warning in &warnings.runs {
            table.row([
                time::show(warning.started_at, zone),
                warning.message.clone(),
                warning.run_id.clone(),
            ]);
        }
        text.push_str(&format!("\n{}\n", table.render()));
    }
    text
}

/// What a kind of warning of records says, with its code for `--code`.
fn meaning(code: &str) -> Option<&'static str> {
    Some(match code {
        "blank_serial" => "serial number of blanks alone (blank_serial)",
        "appointment_without_client" => "appointment without a client (appointment_without_client)",
        "improbable_date" => "time outside 1990 to 2100 (improbable_date)",
        "text_cleaned" => "text that had to be cleaned (text_cleaned)",
        "duplicate_contact" => "a contact listed twice (duplicate_contact)",
        "duplicate_location" => "a location listed twice (duplicate_location)",
        "duplicate_piano" => "a piano listed twice (duplicate_piano)",
        "default_contact_not_listed" => "default contact that is not listed (default_contact_not_listed)",
        "location_without_id" => "location without an id (location_without_id)",
        _ => return None,
    })
}
