//! `replay`: rebuilds production from staging, without the API.

use anyhow::Result;

use super::shared::arguments::chosen;
use super::shared::arguments::instant;
use super::shared::context::Context;
use super::shared::opened::Opened;
use super::shared::run_ids;
use super::text::replay::built_text;
use super::text::replay::text;
use crate::cli::ReplayArgs;
use crate::rebuild::replay::{ReplayRequest, into_schema, replay};
use crate::staging::history::slice::Slice;

/// Shows the differences and applies them unless it is a dry run; or builds production in another schema.
///
/// # Errors
/// The database cannot be opened, or a statement fails; another run is in
/// progress; no record is selected; a record could not be rebuilt; the database refuses a row.
pub async fn run(context: &Context, args: ReplayArgs) -> Result<u8> {
    if let Some(schema) = &args.into {
        return build(context, &args, schema).await;
    }
    if args.as_of.is_some() {
        // Checked here: clap does not check what a flag requires if the flag conflicts with another.
        return context.wrong_use("--as-of builds the past in another schema: it needs --into SCHEMA");
    }
    let entities = match chosen(&args.entity) {
        Ok(entities) => entities,
        Err(message) => return context.wrong_use(&message),
    };
    let at = |since: Option<_>| since.map(|since| instant(context, since)).transpose();
    let (since, until) = (at(args.since)?, at(args.until)?);
    if let (Some(since), Some(until)) = (since, until)
        && since >= until
    {
        return context.wrong_use("--since must be before --until");
    }
    let opened = Opened::open_existing(&context.settings).await?;
    let report = async {
        let run = match &args.run {
            Some(run) => Some(run_ids::whole_id(&opened, run, &context.settings.zone()).await?),
            None => None,
        };
        let slice = Slice { ids: (!args.id.is_empty()).then(|| args.id.clone()), run, since, until };
        let wanted =
            ReplayRequest { entities, slice, dry_run: args.dry_run, allow_deletions: args.allow_deletions };
        anyhow::Ok(replay(&opened.db, &context.settings, &wanted, &context.progress).await?)
    }
    .await;
    opened.close().await?;
    let report = report?;
    context.print(&report, || text(&report))?;
    Ok(report.rebuild.status.exit_code())
}

async fn build(context: &Context, args: &ReplayArgs, schema: &str) -> Result<u8> {
    let opened = Opened::open_existing(&context.settings).await?;
    let now = opened.db.now().await?;
    let as_of = args.as_of.map_or(Ok(now), |since| instant(context, since))?;
    if as_of > now {
        opened.close().await?;
        return context.wrong_use("--as-of lies in the future; what production will be, nobody knows");
    }
    let built = into_schema::build(&opened.db, &context.settings, as_of, schema).await;
    opened.close().await?;
    let built = built?;
    let zone = context.settings.zone();
    context.print(&built, || built_text(&built, &zone))?;
    Ok(0)
}
