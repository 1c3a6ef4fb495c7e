//! Which entities exist is the engine's to say; what to tell a person who names another is here.

use crate::config::nearest::did_you_mean;

/// The message for an entity that does not exist.
pub fn unknown_entity(name: &str, entities: &[&str]) -> String {
    format!(
        "unknown entity {name:?}{}; known entities: {}",
        did_you_mean(name, entities.iter().copied()),
        entities.join(", ")
    )
}
