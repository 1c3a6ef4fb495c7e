//! `warnings`: lists what runs noted that is not an error.

use anyhow::Result;

use super::shared::arguments::chosen;
use super::shared::context::Context;
use super::shared::opened::Opened;
use super::shared::run_ids;
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
    let opened = Opened::open_to_read(&context.settings).await?;
    let outcome = async {
        // A reading command creates no tables: without them there are no warnings either.
        if !migrate::is_readable(&opened.db).await? {
            return anyhow::Ok(Warnings::default());
        }
        let run = match &args.run {
            Some(run) => Some(run_ids::whole_id(&opened, run, &context.settings.zone()).await?),
            None => None,
        };
        let (entity, code) = (args.entity.as_deref(), args.code.as_deref());
        let filter = WarningFilter { entity, code, run, limit: args.limit };
        Ok(warnings::read(&opened.db, &filter).await?)
    }
    .await;
    opened.close().await?;
    let warnings = outcome?;
    context.print(&warnings, || text(&warnings, &context.settings.zone()))?;
    Ok(0)
}
