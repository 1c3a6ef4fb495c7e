//! Checks that alerts are delivered: channels are configured, their servers accept connections, and messages are
//! sent.

use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpStream;
use tokio_postgres::Row;
use url::Url;

use super::Lines;
use crate::alerts::{Channels, mail_port};
use crate::config::Settings;
use crate::db::{Db, DbError};
use crate::display;

/// How long a server may take to accept a connection.
const TIMEOUT: Duration = Duration::from_secs(5);
const TEST: &str = "gazelle-sync alerts test (sends one message on every channel)";

/// Lists the channels and connects to their servers. Nothing is sent.
pub(super) async fn reachable(settings: &Settings) -> Lines {
    let mut lines = Lines::default();
    let channels = Channels::of(settings);
    if channels.is_empty() {
        lines.warning(
            "alerts",
            "nobody is notified of problems",
            "set SLACK_WEBHOOK_URL, or SMTP_URL with ALERT_EMAIL_FROM and ALERT_EMAIL_TO, or ALERT_WEBHOOK_URL; then \
             gazelle-sync alerts test",
        );
    } else {
        let shown: Vec<String> = channels.iter().map(|channel| channel.shown()).collect();
        lines.ok("alerts", format!("told by {}; {TEST}", shown.join(", ")));
    }
    let targets = [
        ("alerts: Slack", &settings.slack_webhook_url),
        ("alerts: mail server", &settings.smtp_url),
        ("alerts: webhook", &settings.alert_webhook_url),
        ("heartbeat URL", &settings.deadman_url),
    ];
    let reachable_targets = targets.iter().filter_map(|(check, url)| Some((*check, address(url.as_ref()?)?)));
    for (check, (host, port), outcome) in
        join_all(reachable_targets.map(|(check, (host, port))| async move {
            let outcome = try_connect(&host, port).await;
            (check, (host, port), outcome)
        }))
        .await
    {
        match outcome {
            Ok(()) => lines.ok(check, format!("{host}:{port} takes connections")),
            Err(why) => lines.warning(
                check,
                format!("{host}:{port} takes no connection: {why}"),
                format!("this machine's network and the setting (where a proxy is used, it decides: {TEST})"),
            ),
        }
    }
    if settings.deadman_url.is_none() {
        lines.warning(
            "heartbeat URL",
            "nobody is notified if this machine stops",
            "set DEADMAN_URL to a heartbeat service that raises an alarm when calls cease",
        );
    }
    lines
}

/// Host and port of a URL that is itself a secret.
fn address(url: &SecretString) -> Option<(String, u16)> {
    let url = Url::parse(url.expose_secret()).ok()?;
    // The port for submission, which is not the default of the protocol.
    let port = match url.scheme() {
        "smtps" | "smtp" => mail_port(&url),
        _ => url.port_or_known_default()?,
    };
    // Without the brackets around an IPv6 address in a URL.
    let host = url.host_str()?.trim_start_matches('[').trim_end_matches(']').to_owned();
    Some((host, port))
}

async fn try_connect(host: &str, port: u16) -> Result<(), String> {
    match tokio::time::timeout(TIMEOUT, TcpStream::connect((host, port))).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", TIMEOUT.as_secs())),
    }
}

/// The state of the outbox.
struct Messages {
    /// Number of messages that are not sent yet.
    waiting: i64,
    /// The last error of one of them.
    error: Option<String>,
    last_sent_at: Option<Timestamp>,
}

impl Messages {
    fn of(row: &Row) -> Messages {
        Messages {
            waiting: row.get("waiting"),
            error: row.get("error"),
            last_sent_at: row.get("last_sent_at"),
        }
    }
}

/// Checks that recent messages were delivered.
pub(super) async fn sent(db: &Db) -> Result<Lines, DbError> {
    let check = "alert messages";
    let mut lines = Lines::default();
    let there =
        db.query("SELECT to_regclass(format('%I.sync_alert_messages', {schema_text}))::text", &[]).await?;
    if there.first().is_none_or(|row| row.get::<_, Option<String>>(0).is_none()) {
        return Ok(lines);
    }
    let rows = db.query(include_str!("alert_messages.sql"), &[]).await?;
    let Some(Messages { waiting, error, last_sent_at }) = rows.first().map(Messages::of) else {
        return Ok(lines);
    };
    let now = db.now().await?;
    let last = last_sent_at.map_or("none was sent yet".to_owned(), |at| {
        format!("the last one was sent {} ago", display::duration(now.duration_since(at).unsigned_abs()))
    });
    match waiting {
        0 => lines.ok(check, last),
        count => lines.warning(
            check,
            format!(
                "{count} could not be sent yet ({}); {last}",
                error.unwrap_or_else(|| "no reason noted".to_owned())
            ),
            TEST,
        ),
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_server_is_checked_at_its_submission_port() {
        for (url, port) in [
            ("smtp://mail.example.org", 587),
            ("smtp://mail.example.org?tls=none", 587),
            ("smtps://mail.example.org", 465),
            ("smtp://mail.example.org:2525", 2525),
            ("https://hooks.example.org/x", 443),
        ] {
            let (_, found) = address(&SecretString::from(url)).unwrap();
            assert_eq!(found, port, "{url}");
        }
    }
}
