//! Finds the record that `history` and `explain` are asked about.

use anyhow::{Result, bail};
use jiff::tz::TimeZone;

use super::arguments::chosen;
use super::context::Context;
use super::opened::Opened;
use crate::db::Tx;
use crate::explain;
use crate::explain::find::{self, FoundRecord};
use crate::migrate;

/// Opens the database and calls `tell` with the entities that know the id, at least one, within one snapshot.
/// `tell` also gets the time zone of the settings, for display.
///
/// # Errors
/// An unknown id, those of the database and of `tell`. An unknown entity or an ambiguous id is reported as wrong
/// use instead.
pub async fn about(
    context: &Context,
    id: &str,
    entity: Option<&String>,
    tell: impl AsyncFnOnce(&Tx<'_>, Vec<FoundRecord>, &TimeZone) -> Result<u8>,
) -> Result<u8> {
    let entities = match chosen(entity.map(std::slice::from_ref).unwrap_or_default()) {
        Ok(entities) => entities,
        Err(message) => return context.wrong_use(&message),
    };
    let opened = Opened::open_to_read(&context.settings).await?;
    let outcome = async {
        if !migrate::is_readable(&opened.db).await? {
            bail!("{}", unknown(id));
        }
        let zone = context.settings.zone();
        let mut connection = opened.db.connection().await?;
        let tx = explain::begin(&mut connection).await?;
        let found = find::find(&tx, &entities, id).await?;
        if found.is_empty() {
            bail!("{}", unknown(id));
        }
        tell(&tx, found, &zone).await
    }
    .await;
    opened.close().await?;
    outcome
}

/// The message for an id that no entity knows.
fn unknown(id: &str) -> String {
    format!(
        "no record has the id {id}, and none holds a contact or location with it (ids are case-sensitive)"
    )
}

/// The message for an id that several entities know.
pub fn in_several(id: &str, found: &[FoundRecord]) -> String {
    let names: Vec<&str> = found.iter().map(|found| found.entity.name).collect();
    format!("{id} is an id of {}: choose one with --entity {}", names.join(" and of "), names[0])
}
