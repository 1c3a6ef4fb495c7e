//! `alerts`: list, test, check.

use anyhow::Result;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::opened::Opened;
use super::{Context, FAILED};
use crate::access::owners;
use crate::alerts::{self, Changes, Channels, Delivered, Direct, Kind, Listed, Trouble};
use crate::cli::{AlertsAction, AlertsArgs};
use crate::config::Settings;
use crate::display::{self, Column, Lines, Table};
use crate::migrate;
use crate::time;

/// The file of the data folder that holds what was told past the database.
const TOLD_DIRECTLY: &str = "told-directly.json";

/// Lists, tests or checks.
pub async fn run(context: &Context, args: AlertsArgs) -> Result<u8> {
    let action = args.into_action();
    if matches!(action, AlertsAction::Test) {
        return test(context).await;
    }
    let opened = match action {
        AlertsAction::Check => open_or_tell(&context.settings).await?,
        _ => Opened::open_to_read(&context.settings).await?,
    };
    let outcome = match action {
        AlertsAction::Check => check(context, &opened).await,
        _ => list(context, &opened).await,
    };
    opened.close().await?;
    outcome
}

/// What happened on one channel.
#[derive(Serialize)]
struct Tried {
    channel: String,
    ok: bool,
    error: Option<String>,
}

async fn test(context: &Context) -> Result<u8> {
    let settings = &context.settings;
    let channels = Channels::of(settings);
    let now = Timestamp::now();
    let mut tried = Vec::new();
    for channel in channels.iter() {
        let sent = alerts::send_test(settings, &channels, channel, now).await;
        tried.push(Tried {
            channel: channel.shown(),
            ok: sent.is_ok(),
            error: sent.err().map(|error| error.to_string()),
        });
    }
    if let Some(url) = &settings.deadman_url {
        let called = alerts::ping_now(url.expose_secret()).await;
        tried.push(Tried {
            channel: "dead-man's URL".to_owned(),
            ok: called.is_ok(),
            error: called.err().map(|error| error.to_string()),
        });
    }
    let nothing = "no channel is configured: set SLACK_WEBHOOK_URL, or SMTP_URL with ALERT_EMAIL_FROM and \
                   ALERT_EMAIL_TO, or ALERT_WEBHOOK_URL";
    if channels.is_empty() && tried.is_empty() {
        anyhow::bail!(nothing);
    }
    let ok = tried.iter().all(|one| one.ok);
    context.print(&json!({ "ok": ok, "channels": tried }), || {
        let mut lines = Lines::new();
        for one in &tried {
            let came = one.error.as_deref().unwrap_or("taken");
            lines.line(format!("{:<9}{}: {came}", if one.ok { "ok" } else { "problem" }, one.channel));
        }
        lines
    })?;
    Ok(if ok { 0 } else { FAILED })
}

async fn check(context: &Context, opened: &Opened) -> Result<u8> {
    migrate::prepare(&opened.db).await?;
    let (changes, delivered) = look(opened, &context.settings).await?;
    let document = json!({
        "opened": changes.opened,
        "over": changes.closed,
        "messages": changes.messages,
        "sent": delivered.sent,
        "failed": delivered.failed,
    });
    context.print(&document, || {
        format!(
            "{} alert(s) began, {} over; {} message(s) written, {} sent, {} not taken yet (gazelle-sync alerts lists them)",
            changes.opened, changes.closed, changes.messages, delivered.sent, delivered.failed
        )
    })?;
    Ok(0)
}

/// One look and one delivery. Where what is wrong cannot be written into the database, people are told that directly.
async fn look(opened: &Opened, settings: &Settings) -> Result<(Changes, Delivered)> {
    let channels = Channels::of(settings);
    let written = async {
        // A run that was refused the tables comes here too.
        owners::check(&opened.db).await?;
        alerts::watch(&opened.db, settings, &channels).await
    }
    .await
    .map_err(anyhow::Error::from);
    tell_directly(settings, written.as_ref().err()).await;
    let changes = written?;
    let delivered =
        alerts::deliver(&opened.db, &channels, settings.retry_delay() * 6, &CancellationToken::new()).await?;
    alerts::ping(&opened.db, settings).await?;
    Ok((changes, delivered))
}

/// What `sync` and `fetch` do at their end, where somebody is to be told. What goes wrong here is no fault of the run's.
pub async fn after_run(opened: &Opened, settings: &Settings) {
    if Channels::of(settings).is_empty() && settings.deadman_url.is_none() {
        return;
    }
    if let Err(error) = look(opened, settings).await {
        tracing::warn!("alerts could not be looked after: {error:#}");
    }
}

/// Opens the database; where that fails, people are told before the command ends.
pub async fn open_or_tell(settings: &Settings) -> Result<Opened> {
    let opened = Opened::open(settings).await;
    if let Err(error) = &opened {
        tell_directly(settings, Some(error)).await;
    }
    opened
}

/// Tells people past the database that it takes no alerts, once and then as a reminder, and when that is over. What was
/// told is kept in the data folder: a command remembers nothing.
async fn tell_directly(settings: &Settings, error: Option<&anyhow::Error>) {
    let channels = Channels::of(settings);
    if channels.is_empty() {
        return;
    }
    let file = settings.data_dir.join(TOLD_DIRECTLY);
    let mut direct = Direct::load(&file).await;
    let now = Timestamp::now();
    let trouble = error.map(|error| Trouble::Database {
        reason: format!("{error:#}"),
        since: direct.since().unwrap_or(now),
        // It would be asked of the database.
        last_good_at: None,
    });
    direct.tell(settings, &channels, trouble, now).await;
    if let Err(error) = direct.save(&file).await {
        tracing::warn!(
            "the alerts that were sent could not be recorded in the data folder and may be sent again: {error}"
        );
    }
}

async fn list(context: &Context, opened: &Opened) -> Result<u8> {
    let listed = match migrate::is_readable(&opened.db).await? {
        true => alerts::list(&opened.db).await?,
        false => Listed { open: Vec::new(), over: Vec::new(), undelivered: Vec::new(), looked_at: None },
    };
    context.print(&listed, || list_text(&listed, &context.settings))?;
    Ok(0)
}

fn list_text(listed: &Listed, settings: &Settings) -> Lines {
    let zone = settings.zone();
    let show = |at: Timestamp| time::show(at, &zone);
    let mut text = Lines::new();
    if listed.open.is_empty() {
        text.line("nothing is wrong that would be told");
    }
    let both = listed.open.iter().chain(&listed.over);
    if !listed.open.is_empty() || !listed.over.is_empty() {
        let mut table = Table::new([
            Column::text("alert"),
            Column::text("since"),
            Column::text("until"),
            Column::text("what"),
            Column::number("told"),
        ]);
        for alert in both {
            table.row([
                alert.kind.clone(),
                show(alert.opened_at),
                alert.closed_at.map_or_else(|| "now".to_owned(), show),
                alerts::title(Kind::from_stored(&alert.kind), settings),
                display::count(u64::try_from(alert.sent).unwrap_or_default()),
            ]);
        }
        text.table(&table);
    }
    if !listed.undelivered.is_empty() {
        let mut table = Table::new([
            Column::text("not delivered"),
            Column::text("channel"),
            Column::text("written"),
            Column::number("tries"),
            Column::text("next"),
            Column::text("why"),
        ]);
        for message in &listed.undelivered {
            table.row([
                message.title.clone(),
                message.channel.clone(),
                show(message.created_at),
                display::count(u64::try_from(message.attempts).unwrap_or_default()),
                if message.given_up_at.is_some() { "given up".to_owned() } else { show(message.due_at) },
                message.last_error.clone().unwrap_or_default(),
            ]);
        }
        text.blank().table(&table);
    }
    let channels = Channels::of(settings);
    if channels.is_empty() {
        text.blank().line("no channel is configured: nobody is told (gazelle-sync alerts --help says how)");
    }
    text.blank();
    match listed.looked_at {
        Some(at) => text.line(format!("last looked at {}", show(at))),
        None => text.line("nobody looks: `gazelle-sync serve` does, or `gazelle-sync alerts check`"),
    };
    text
}
