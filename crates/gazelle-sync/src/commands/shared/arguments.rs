//! Parses arguments that several commands share: names of entities, and instants.

use anyhow::Result;
use jiff::Timestamp;

use super::context::Context;
use crate::cli::{Since, unknown_entity};
use crate::entities::{self, ENTITIES, Entity};

/// The named entities in the order of [`ENTITIES`]; all if none is named.
///
/// # Errors
/// The message about a name that is no entity.
pub fn chosen(names: &[String]) -> Result<Vec<&'static Entity>, String> {
    if let Some(unknown) = names.iter().find(|name| entities::entity(name).is_none()) {
        return Err(unknown_entity(unknown, &entities::names()));
    }
    Ok(ENTITIES
        .iter()
        .copied()
        .filter(|entity| names.is_empty() || names.iter().any(|name| name == entity.name))
        .collect())
}

/// The instant of a flag; for a day, its start in the time zone of the settings.
///
/// # Errors
/// An unknown time zone, or a day out of range.
pub fn instant(context: &Context, since: Since) -> Result<Timestamp> {
    match since {
        Since::At(instant) => Ok(instant),
        Since::Day(day) => Ok(crate::time::start_of_day(day, &context.settings.timezone)?),
    }
}
