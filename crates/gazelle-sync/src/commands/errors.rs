//! `errors`: the quarantine.

use anyhow::{Result, bail};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::Context;
use super::opened::Opened;
use super::sync::{chosen, run_text, wrong_use};
use crate::cli::{ErrorFilter, ErrorsAction, ErrorsArgs, ErrorsRetry};
use crate::config::Settings;
use crate::db::migrate;
use crate::display::{self, Column, Progress, Table};
use crate::entities::Entity;
use crate::orchestrator::lease::Lease;
use crate::orchestrator::{Job, Stages, run_sync};
use crate::staging::quarantine::{self, Case};
use crate::time;

/// Lists, shows, retries or dismisses.
pub async fn run(context: &Context, args: ErrorsArgs) -> Result<u8> {
    let action = args.into_action();
    let entity = match &action {
        ErrorsAction::List(filter) => &filter.entity,
        ErrorsAction::Retry(retry) => &retry.entity,
        _ => &None,
    };
    let entities = match chosen(entity.as_slice()) {
        Ok(entities) => entities,
        Err(message) => return wrong_use(context, &message),
    };
    let opened = Opened::open(&context.settings).await?;
    let outcome = async {
        // Who only reads makes no tables: where there are none, there is no record either.
        let reads = matches!(action, ErrorsAction::List(_) | ErrorsAction::Show { .. });
        let entities = if reads && !migrate::is_readable(&opened.db).await? { Vec::new() } else { entities };
        if !reads {
            migrate::prepare(&opened.db).await?;
        }
        match action {
            ErrorsAction::List(filter) => list(context, &opened, &entities, &filter).await,
            ErrorsAction::Show { id } => show(context, &opened, &entities, &id).await,
            ErrorsAction::Retry(which) => retry(context, &opened, &entities, &which).await,
            ErrorsAction::Dismiss { id, reason } => dismiss(context, &opened, &entities, &id, &reason).await,
        }
    }
    .await;
    opened.close().await?;
    outcome
}

async fn list(
    context: &Context,
    opened: &Opened,
    entities: &[&'static Entity],
    filter: &ErrorFilter,
) -> Result<u8> {
    let mut cases = Vec::new();
    for entity in entities {
        cases.extend(
            quarantine::cases(&opened.db, entity, filter.code.as_deref(), None, i64::from(filter.limit))
                .await?,
        );
    }
    cases.sort_by_key(|case| std::cmp::Reverse(case.last_seen_at));
    cases.truncate(filter.limit as usize);
    context.print(&cases, || list_text(&cases, &context.settings))?;
    Ok(0)
}

fn list_text(cases: &[Case], settings: &Settings) -> String {
    if cases.is_empty() {
        return "the quarantine is empty".to_owned();
    }
    let zone = time::zone(&settings.timezone).unwrap_or(jiff::tz::TimeZone::UTC);
    let mut table = Table::new([
        Column::text("entity"),
        Column::text("id"),
        Column::text("state"),
        Column::text("reason"),
        Column::number("tries"),
        Column::text("first seen"),
        Column::text("last tried"),
    ]);
    for case in cases {
        table.row([
            case.entity.clone(),
            case.external_id.clone(),
            case.state.clone(),
            case.message.clone().unwrap_or_default(),
            display::count(case.attempts),
            time::show(case.first_seen_at, &zone),
            time::show(case.last_seen_at, &zone),
        ]);
    }
    format!(
        "{}\n`gazelle-sync errors show ID` prints the record, `errors retry [ID]` tries again\n",
        table.render()
    )
}

async fn show(context: &Context, opened: &Opened, entities: &[&'static Entity], id: &str) -> Result<u8> {
    let mut cases = Vec::new();
    for entity in entities {
        cases.extend(quarantine::cases(&opened.db, entity, None, Some(id), 100).await?);
    }
    if cases.is_empty() {
        bail!("no record {id} is or was in quarantine (gazelle-sync errors lists those that are)");
    }
    context.print(&cases, || {
        let zone = time::zone(&context.settings.timezone).unwrap_or(jiff::tz::TimeZone::UTC);
        cases.iter().map(|case| case_text(case, &zone)).collect::<Vec<_>>().join("\n")
    })?;
    Ok(0)
}

fn case_text(case: &Case, zone: &jiff::tz::TimeZone) -> String {
    let line = |name: &str, value: &str| format!("{name:<14}{}\n", display::safe(value));
    let mut text = line("record", &format!("{} {}", case.entity, case.external_id));
    text += &line("reason", case.message.as_deref().unwrap_or("none"));
    text += &line("code", &case.error_code);
    text += &line("field", case.error_field.as_deref().unwrap_or_default());
    text += &line("state", &case.state);
    if let (Some(table), Some(id)) = (&case.waits_for, &case.waits_for_id) {
        text += &line("waits for", &format!("{id} in {table}"));
    }
    if let Some(reason) = &case.closed_reason {
        text += &line("closed", reason);
    }
    text += &line("tries", &case.attempts.to_string());
    text += &line("first seen", &time::show_exact(case.first_seen_at, zone));
    text += &line("last tried", &time::show_exact(case.last_seen_at, zone));
    text += &line("fetched", &time::show_exact(case.fetched_at, zone));
    text += &line("staging row", &case.staging_id);
    let raw = serde_json::from_str::<serde_json::Value>(&case.raw_data)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| case.raw_data.clone());
    text + &format!("raw record\n{}\n", display::safe_lines(&raw))
}

/// Puts the faulty versions back to pending by the same right as every other writer: not while a run is at work.
async fn back_to_pending(
    context: &Context,
    opened: &Opened,
    entities: &[&'static Entity],
    which: &ErrorsRetry,
) -> Result<u64> {
    let lease = Lease::acquire(&opened.db, context.settings.lease()).await?;
    let mut connection = opened.db.connection().await?;
    let tx = connection.begin().await?;
    lease.fence().check(&tx).await?;
    let mut pending = 0;
    for entity in entities {
        pending += quarantine::retry(&tx, entity, &which.ids, which.code.as_deref()).await?;
    }
    tx.commit().await?;
    lease.release().await?;
    Ok(pending)
}

async fn retry(
    context: &Context,
    opened: &Opened,
    entities: &[&'static Entity],
    which: &ErrorsRetry,
) -> Result<u8> {
    let pending = back_to_pending(context, opened, entities, which).await?;
    if pending == 0 && !which.ids.is_empty() {
        bail!("none of these records is in quarantine (gazelle-sync errors lists those that are)");
    }
    let job = Job {
        command: "errors retry",
        stages: Stages::ReconcileOnly,
        full: false,
        since: None,
        entities: entities.to_vec(),
        trigger: "command",
    };
    let report =
        run_sync(&opened.db, None, &context.settings, &job, &Progress::clone(&context.progress)).await?;
    #[derive(Serialize)]
    struct Retried<'r> {
        retried: u64,
        run: &'r crate::orchestrator::report::RunReport,
    }
    context.print(&Retried { retried: pending, run: &report }, || {
        format!("{} record(s) tried again\n{}", display::count(pending), run_text(&report))
    })?;
    Ok(report.status.exit_code())
}

async fn dismiss(
    context: &Context,
    opened: &Opened,
    entities: &[&'static Entity],
    id: &str,
    reason: &str,
) -> Result<u8> {
    let mut dismissed = 0;
    for entity in entities {
        dismissed +=
            quarantine::dismiss(&opened.db, entity, &[id.to_owned()], reason, Timestamp::now()).await?;
    }
    if dismissed == 0 {
        bail!("no record {id} waits in quarantine (gazelle-sync errors lists those that do)");
    }
    context.print(&json!({ "dismissed": dismissed, "id": id, "reason": reason }), || {
        format!("dismissed: {} (the raw record stays in staging)", display::safe(id))
    })?;
    Ok(0)
}
