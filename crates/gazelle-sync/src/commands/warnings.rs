//! `warnings`: lists what runs noted that is not an error.

use anyhow::Result;

use super::shared::arguments::chosen;
use super::shared::context::Context;
use super::shared::opened::Opened;
use super::text::warnings::text;
use crate::cli::WarningsArgs;
use crate::migrate;
use crate::run_log::warnings::{self, WarningFilter, Warnings};

/// Reads and prints; writes nothing.
///
/// # Errors
/// The database cannot be opened, or a statement fails.
pub async fn run(context: &Context, args: WarningsArgs) -> Result<u8> {
    if let Err(message) = chosen(args.entity.as_slice()) {
        return context.wrong_use(&message);
    }
    let filter = WarningFilter {
        entity: args.entity.as_deref(),
        code: args.code.as_deref(),
        run: args.run,
        limit: args.limit,
    };
    let opened = Opened::open_to_read(&context.settings).await?;
    let outcome = async {
        // A reading command creates no tables: without them there are no warnings either.
        match migrate::is_readable(&opened.db).await? {
            true => warnings::read(&opened.db, &filter).await,
            false => Ok(Warnings::default()),
        }
    }
    .await;
    opened.close().await?;
    let warnings = outcome?;
    context.print(&warnings, || text(&warnings, &context.settings.zone()))?;
    Ok(0)
}
