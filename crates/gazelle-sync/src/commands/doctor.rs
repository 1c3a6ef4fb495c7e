//! `doctor`: checks that everything the sync needs is there.

use anyhow::Result;

use super::shared::context::Context;
use super::shared::context::FAILED;
use super::shared::opened;
use super::shared::opened::Opened;
use super::text::doctor::text;
use crate::doctor::{self, Level, Subject};

/// Examines and prints; writes nothing.
///
/// # Errors
/// The database cannot be closed; standard output cannot be written. Everything else that fails is a line of the
/// report.
pub async fn run(context: &Context) -> Result<u8> {
    let settings = &context.settings;
    // Also open a read-only database: the reason why it is read-only is what the user wants to know.
    let opened = Opened::open_to_read(settings).await;
    let subject = Subject {
        settings,
        database: opened.as_ref().map(|opened| &opened.db).map_err(|error| format!("{error:#}")),
        embedded: settings.database_url.is_none(),
        own_service: None,
        shared_account: opened.as_ref().ok().and_then(Opened::shared_account),
        client: opened::client(settings, opened.as_ref().ok()).map_err(|error| format!("{error:#}")),
    };
    let report = doctor::examine(&subject).await;
    if let Ok(opened) = opened {
        opened.close().await?;
    }
    context.print(&report, || text(&report, &context.locale()))?;
    Ok(if report.status == Level::Problem { FAILED } else { 0 })
}
