//! What a query is made with.

use crate::entities::Entity;
use crate::gazelle_to_staging::requests::parts::{self, Bounds};

/// What a query was made with. Another one may have met a limit since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(super) inner: u32,
    pub bounds: Bounds,
}

/// As many fields and levels as an entity's largest query has.
pub(crate) fn usual(entity: &Entity) -> (u32, u32) {
    (parts::usual_fields(entity), parts::usual_levels(entity))
}
