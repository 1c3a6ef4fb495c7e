//! The kinds of Gazelle objects, one folder each.
//!
//! A folder contains everything specific to its entity: the queries (`page.graphql`, and `get.graphql` for one
//! record by id), the production tables with the rule of every column (`tables.rs`), and the reconciler, a pure
//! function (`reconcile.rs`). To add an entity, add a folder, and below its module and its place in `OWN`. Nothing
//! here knows HTTP.

pub mod appointments;
pub mod clients;
pub mod pianos;
pub mod users;

/// The entities of this program, parents before children.
static OWN: &[&Entity] = &[&users::ENTITY, &clients::ENTITY, &pianos::ENTITY, &appointments::ENTITY];

mod check;
mod entity;
pub mod example;
#[cfg(test)]
pub mod made_up;
mod query;
pub mod read;
pub mod registry;
pub mod rows;
mod rule;
pub mod scalar;
pub mod table;
pub mod warning;
pub mod weight;

pub use entity::{ApiList, DateFilter, Entity, Getter, Label, ListedIn, Undated, UndatedEnd, WalkQuery};
pub use query::Query;
pub use registry::{ENTITIES, FOREIGN_KEYS, Reference, entity, entity_of_table, names};
pub use table::{Nested, Unnamed};
pub use warning::WarningCode;
