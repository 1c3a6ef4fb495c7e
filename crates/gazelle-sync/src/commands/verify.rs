//! `verify`: checks that production is what staging, and a sample of the API, says it should be.

use anyhow::{Result, bail};
use jiff::Timestamp;

use super::shared::arguments::chosen;
use super::shared::context::Context;
use super::shared::context::FAILED;
use super::shared::context::PARTIAL;
use super::shared::opened;
use super::shared::opened::Opened;
use super::text::verify::text;
use crate::cli::VerifyArgs;
use crate::db::citus;
use crate::migrate;
use crate::rebuild::verify::{VerifyRequest, VerifyVerdict, verify};

/// Verifies and prints the verdict.
///
/// # Errors
/// The database cannot be opened, or a statement fails; it has no tables of
/// ours yet; its version of Citus is not supported.
pub async fn run(context: &Context, args: VerifyArgs) -> Result<u8> {
    let entities = match chosen(&args.entity) {
        Ok(entities) => entities,
        Err(message) => return context.wrong_use(&message),
    };
    let settings = &context.settings;
    let mut unasked = None;
    // It writes, too: it rebuilds production in scratch tables, which are rolled back.
    let opened = Opened::open_existing(settings).await?;
    let client = match (args.offline, opened::client(settings, Some(&opened))) {
        (true, _) => None,
        (false, Ok(client)) => Some(client),
        (false, Err(error)) => {
            unasked = Some(format!("the API was left out: {error:#}"));
            None
        }
    };
    let seed = args.seed.unwrap_or_else(|| Timestamp::now().as_microsecond().unsigned_abs());
    let question = VerifyRequest { entities, sample: args.sample, seed, client: client.as_ref() };
    let outcome = async {
        if !migrate::is_readable(&opened.db).await? {
            bail!("there is nothing to verify yet: run `gazelle-sync sync` first");
        }
        // A verdict from an untested version of Citus would prove nothing.
        citus::check(&opened.db).await?;
        Ok(verify(&opened.db, settings, &question).await?)
    }
    .await;
    opened.close().await?;
    let mut report = outcome?;
    report.notes.extend(unasked);
    context.print(&report, || text(&report, &context.locale()))?;
    Ok(match report.status {
        VerifyVerdict::Equal => 0,
        VerifyVerdict::Different => FAILED,
        VerifyVerdict::Incomplete => PARTIAL,
    })
}
