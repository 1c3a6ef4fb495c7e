//! The limits that a query was built with.

use crate::entities::Entity;
use crate::gazelle_to_staging::requests::parts::{self, Bounds};

/// The limits that a query was built with. Compared with the current ones, they show whether another request
/// was refused since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct QueryLimits {
    pub(super) inner: u32,
    pub bounds: Bounds,
}

/// The fields and levels of an entity's largest query.
pub(crate) fn largest_query(entity: &Entity) -> (u32, u32) {
    (parts::usual_fields(entity), parts::usual_levels(entity))
}
