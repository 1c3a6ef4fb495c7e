//! `status`: shows the contents of staging and production, lock waits, and the last runs.

pub mod read;

use anyhow::Result;

use super::shared::context::{Context, FAILED, PARTIAL};
use super::shared::opened::Opened;
use super::text::status::Embedded;
use super::text::status::text;
use super::text::words::status as w;
use crate::cli::StatusArgs;
use crate::dashboard::verdict::Level;
use crate::display::Lines;
use read::read;

/// Seconds that `status` waits for a lock before it reports the holder and ends.
const LONGEST_LOCK_WAIT: f64 = 10.0;

/// Reads and prints; writes nothing.
///
/// # Errors
/// The database cannot be opened, or a statement fails, such as one that
/// waits too long for a lock.
pub async fn run(context: &Context, args: StatusArgs) -> Result<u8> {
    // `status` shows lock holders, so it must not wait for a lock as long as a run does.
    let mut settings = context.settings.clone();
    settings.lock_wait_seconds = settings.lock_wait_seconds.min(LONGEST_LOCK_WAIT);
    let opened = Opened::open_to_read(&settings).await?;
    let outcome = read(&opened.db, &context.settings).await;
    let embedded = opened.embedded_url().map(|url| Embedded { url, runs_on: opened.was_running() });
    opened.close().await?;
    let Some(report) = outcome? else {
        let none = serde_json::json!({
            "verdict": null, "waits": null, "is_demo": false, "next_due": null, "staging": [], "staging_size": [], "production": [], "runs": [], "lock_waits": []
        });
        context.print(&none, || {
            let mut lines = Lines::new();
            lines.wrapped(context.locale().say(w::NOTHING_HERE), 2);
            lines
        })?;
        return Ok(if args.check { FAILED } else { 0 });
    };
    context.print(&report, || text(&report, embedded.as_ref(), &context.locale()))?;
    Ok(if args.check { report.verdict.map_or(FAILED, |said| exit_status(said.level)) } else { 0 })
}

/// The exit status of `--check`.
fn exit_status(level: Level) -> u8 {
    match level {
        Level::Good => 0,
        Level::Warn => PARTIAL,
        Level::Bad => FAILED,
    }
}
