//! What several commands take: names of entities, and instants.

use anyhow::Result;
use jiff::Timestamp;

use super::context::Context;
use crate::cli::{Since, unknown_entity};
use crate::entities::{self, ENTITIES, Entity};

/// The entities named, in their order; all when none is named.
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

/// The instant that a flag names; of a day its start in the zone of the settings.
pub fn instant(context: &Context, since: Since) -> Result<Timestamp> {
    match since {
        Since::At(instant) => Ok(instant),
        Since::Day(day) => Ok(crate::time::start_of_day(day, &context.settings.timezone)?),
    }
}
