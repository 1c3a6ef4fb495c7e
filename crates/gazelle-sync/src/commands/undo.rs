//! `undo`: restores production to its state before a run.

use anyhow::Result;

use super::shared::context::Context;
use super::shared::opened::Opened;
use super::shared::run_ids;
use super::text::undo::text;
use crate::cli::UndoArgs;
use crate::rebuild::undo::{UndoRequest, undo};

/// Undoes a run or lifts its undo, and prints what changed.
///
/// # Errors
/// The database cannot be opened, or a statement fails; another run is in
/// progress; the id names nothing that can be undone or lifted; the database refuses a row.
pub async fn run(context: &Context, args: UndoArgs) -> Result<u8> {
    let opened = Opened::open_existing(&context.settings).await?;
    let settings = &context.settings;
    let report = async {
        let id = run_ids::whole_id(&opened, &args.run, &settings.zone()).await?;
        let UndoArgs { lift, dry_run, allow_deletions, .. } = args;
        let wanted = UndoRequest { id, lift, dry_run, allow_deletions };
        anyhow::Ok(undo(&opened.db, settings, wanted, &context.progress).await?)
    }
    .await;
    opened.close().await?;
    let report = report?;
    context.print(&report, || text(&report))?;
    Ok(report.rebuild.status.exit_code())
}
