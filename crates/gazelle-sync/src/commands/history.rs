//! `history`: shows the versions of a record.

use anyhow::Result;

use super::shared::context::Context;
use super::shared::record;
use super::shared::record::in_several;
use super::text::history::text;
use crate::cli::HistoryArgs;
use crate::explain::history;

/// Prints the versions.
///
/// # Errors
/// The database cannot be opened, or a statement fails; neither staging nor
/// production has the record.
pub async fn run(context: &Context, args: HistoryArgs) -> Result<u8> {
    record::about(context, &args.id, args.entity.as_ref(), async |tx, found, zone| {
        let [found] = found.as_slice() else { return context.wrong_use(&in_several(&args.id, &found)) };
        let told = history::read(tx, found, &args.id, args.limit as usize, zone).await?;
        context.print(&told, || text(&told))?;
        Ok(0)
    })
    .await
}
