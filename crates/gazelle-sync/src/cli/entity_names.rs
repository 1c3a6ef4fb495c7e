//! The message for an unknown entity; the list of entities is passed in.

use crate::config::nearest::did_you_mean;

/// The message for an entity that does not exist, with the most similar name.
pub fn unknown_entity(name: &str, entities: &[&str]) -> String {
    format!(
        "unknown entity {name:?}{}; known entities: {}",
        did_you_mean(name, entities.iter().copied()),
        entities.join(", ")
    )
}
