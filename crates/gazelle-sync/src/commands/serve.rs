//! `serve`: starts the service and its HTTP server, and stops both on SIGTERM or SIGINT.

use std::sync::Arc;

use anyhow::Result;
use serde_json::json;

use super::shared::context::Context;
use super::shared::opened;
use super::shared::serving::{self, Signals};
use crate::cli::ServeArgs;
use crate::http::HttpSocket;

/// Serves until stopped.
///
/// # Errors
/// A credential is missing; the address cannot be opened; a signal handler cannot be
/// installed. Failures of the database or of Gazelle do not end the service.
pub async fn run(context: &Context, args: ServeArgs) -> Result<u8> {
    let settings = Arc::new(context.settings.clone());
    let timetable = match serving::timetable(&settings) {
        Ok(timetable) => timetable,
        Err(error) => return context.wrong_use(&format!("{error:#}")),
    };
    // Report missing credentials at once, not in the first run.
    opened::client(&settings, None)?;
    let socket =
        HttpSocket::open(args.listen.unwrap_or(settings.listen), settings.http_token.clone()).await?;
    let address = socket.address()?;
    let document = json!({
        "listening": address,
        "incremental": settings.incremental_schedule,
        "full": settings.full_schedule,
        "timezone": settings.timezone,
    });
    let signals = Signals::new()?;
    context.print(&document, || {
        format!(
            "serving on http://{address}: incremental sync `{}`, full sync `{}`, times of {}; Ctrl-C ends it",
            settings.incremental_schedule, settings.full_schedule, settings.timezone
        )
    })?;
    serving::serve(settings, timetable, socket, signals).await
}
