//! Alerts from one-shot commands: detects troubles and delivers messages, without the database if it cannot be
//! written.

use anyhow::Result;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::opened::Opened;
use crate::access::trust::owners;
use crate::alerts::{self, AlertChanges, Channels, Delivered, DirectAlerts, ServiceProblem};
use crate::config::Settings;
use crate::db::{DbError, DbErrorClass};

/// The file in the data folder that records what was sent without the database.
const TOLD_DIRECTLY: &str = "told-directly.json";

/// Detects troubles once and delivers what is due. If the troubles cannot be written into the database, sends that
/// fact directly.
///
/// # Errors
/// The database's, also after they were sent directly.
pub async fn evaluate(opened: &Opened, settings: &Settings) -> Result<(AlertChanges, Delivered)> {
    let channels = Channels::of(settings);
    let written = async {
        // A run whose tables were refused ends up here too.
        owners::check(&opened.db).await?;
        alerts::watch(&opened.db, settings, &channels).await
    }
    .await
    .map_err(anyhow::Error::from);
    // Where the database keeps one alert out, the others are written, and delivered.
    let is_of_one = |error: &anyhow::Error| {
        error.downcast_ref::<DbError>().is_some_and(|error| error.fault == DbErrorClass::Record)
    };
    if written.as_ref().is_err_and(|error| !is_of_one(error)) {
        tell_directly(settings, written.as_ref().err()).await;
        return written.map(|changes| (changes, Delivered::default()));
    }
    let (first_wait, stop) = (settings.retry_delay() * 6, CancellationToken::new());
    let mut direct = told_directly(settings).await;
    let delivered = alerts::deliver(&opened.db, &channels, first_wait, &direct.unrecorded, &stop)
        .await
        .map_err(anyhow::Error::from);
    // What prevents the delivery of a message is reported like what prevents that it is written.
    send_direct(settings, &mut direct, written.as_ref().err().or(delivered.as_ref().err())).await;
    alerts::ping(&opened.db, settings).await?;
    Ok((written?, delivered?))
}

/// What `sync` and `fetch` do at their end if a channel or the heartbeat URL is configured. A failure here does
/// not fail the run.
pub async fn after_run(opened: &Opened, settings: &Settings) {
    if Channels::of(settings).is_empty() && settings.deadman_url.is_none() {
        return;
    }
    if let Err(error) = evaluate(opened, settings).await {
        tracing::warn!("alerts could not be looked after: {error:#}");
    }
}

/// Opens the database, or creates the embedded one; if that fails, sends an alert directly before the command ends.
///
/// # Errors
/// As [`Opened::open_or_create`].
pub async fn open_or_tell(settings: &Settings) -> Result<Opened> {
    let opened = Opened::open_or_create(settings).await;
    if let Err(error) = &opened {
        tell_directly(settings, Some(error)).await;
    }
    opened
}

/// Sends alerts about an unusable database directly: once, then as a reminder, and when it is over. What was sent
/// is recorded in the data folder, since a command keeps no state.
async fn tell_directly(settings: &Settings, error: Option<&anyhow::Error>) {
    send_direct(settings, &mut told_directly(settings).await, error).await;
}

/// What earlier commands sent without the database; nothing without a channel.
async fn told_directly(settings: &Settings) -> DirectAlerts {
    match Channels::of(settings).is_empty() {
        true => DirectAlerts::default(),
        false => DirectAlerts::load(&settings.data_dir.join(TOLD_DIRECTLY)).await,
    }
}

async fn send_direct(settings: &Settings, direct: &mut DirectAlerts, error: Option<&anyhow::Error>) {
    let channels = Channels::of(settings);
    if channels.is_empty() {
        return;
    }
    let file = settings.data_dir.join(TOLD_DIRECTLY);
    let now = Timestamp::now();
    let trouble = error.map(|error| ServiceProblem::Database {
        reason: format!("{error:#}"),
        since: direct.since().unwrap_or(now),
        // It is stored in the database.
        last_good_at: None,
    });
    direct.send(settings, &channels, trouble, now).await;
    if let Err(error) = direct.save(&file).await {
        tracing::warn!(
            "the alerts that were sent could not be recorded in the data folder and may be sent again: {error}"
        );
    }
}
