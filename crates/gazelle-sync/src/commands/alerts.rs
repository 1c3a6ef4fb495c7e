//! `alerts`: lists alerts, tests the channels, or checks for troubles once.

use anyhow::Result;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::json;

use super::shared::alerting;
use super::shared::context::Context;
use super::shared::context::FAILED;
use super::shared::opened::Opened;
use super::text::alerts::list_text;
use super::text::words::lists as w;
use crate::alerts::{self, AlertList, Channels};
use crate::cli::{AlertsAction, AlertsArgs};
use crate::display::Lines;
use crate::migrate;

/// Runs the chosen action.
///
/// # Errors
/// The database cannot be opened, or a statement fails; for `test`, no channel
/// is configured.
pub async fn run(context: &Context, args: AlertsArgs) -> Result<u8> {
    let action = args.into_action();
    if matches!(action, AlertsAction::Test) {
        return test(context).await;
    }
    let opened = match action {
        AlertsAction::Check => alerting::open_or_tell(&context.settings).await?,
        _ => Opened::open_to_read(&context.settings).await?,
    };
    let outcome = match action {
        AlertsAction::Check => check(context, &opened).await,
        _ => list(context, &opened).await,
    };
    opened.close().await?;
    outcome
}

/// The result of a test message on one channel.
#[derive(Serialize)]
struct ChannelTest {
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
        tried.push(ChannelTest {
            channel: channel.shown(),
            ok: sent.is_ok(),
            error: sent.err().map(|error| error.to_string()),
        });
    }
    if let Some(url) = &settings.deadman_url {
        let called = alerts::ping_now(url.expose_secret()).await;
        tried.push(ChannelTest {
            channel: "heartbeat URL".to_owned(),
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
        let (mut lines, t) = (Lines::new(), context.locale());
        for one in &tried {
            let taken = t.say(w::TAKEN);
            let came = one.error.as_deref().unwrap_or(&taken);
            let ok = t.say(if one.ok { w::OK } else { w::PROBLEM });
            lines.wrapped(format!("{ok:<9}{} {came}", t.label(&one.channel)), 9);
        }
        lines
    })?;
    Ok(if ok { 0 } else { FAILED })
}

async fn check(context: &Context, opened: &Opened) -> Result<u8> {
    migrate::prepare(&opened.db).await?;
    let (changes, delivered) = alerting::evaluate(opened, &context.settings).await?;
    let document = json!({
        "opened": changes.opened,
        "over": changes.closed,
        "messages": changes.messages,
        "sent": delivered.sent,
        "failed": delivered.failed,
    });
    context.print(&document, || {
        let counts = [changes.opened, changes.closed, changes.messages, delivered.sent, delivered.failed];
        let [opened, closed, messages, sent, failed] = counts.map(|count| count.to_string());
        let facts = [
            ("opened", opened.as_str()),
            ("closed", &closed),
            ("messages", &messages),
            ("sent", &sent),
            ("failed", &failed),
        ];
        context.locale().fill(w::ALERTS_CHECKED, &facts)
    })?;
    Ok(0)
}

async fn list(context: &Context, opened: &Opened) -> Result<u8> {
    let listed = match migrate::is_readable(&opened.db).await? {
        true => alerts::list(&opened.db).await?,
        false => AlertList { open: Vec::new(), over: Vec::new(), undelivered: Vec::new(), looked_at: None },
    };
    context.print(&listed, || list_text(&listed, &context.settings, &context.locale()))?;
    Ok(0)
}
