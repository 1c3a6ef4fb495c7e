//! What commands do for alerts: they look at what is wrong and send what is to be said, past the database where it takes
//! nothing.

use anyhow::Result;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::opened::Opened;
use crate::access::owners;
use crate::alerts::{self, Changes, Channels, Delivered, DirectAlerts, Trouble};
use crate::config::Settings;

/// The file of the data folder that holds what was told past the database.
const TOLD_DIRECTLY: &str = "told-directly.json";

/// One look and one delivery. Where what is wrong cannot be written into the database, people are told that directly.
pub async fn look(opened: &Opened, settings: &Settings) -> Result<(Changes, Delivered)> {
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
    let mut direct = DirectAlerts::load(&file).await;
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
