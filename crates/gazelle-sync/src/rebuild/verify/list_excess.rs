//! By how much the API's count of a list differs from the list itself, as the last walk of the whole entity found.

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::db::{DbError, Tx};
use crate::entities::Entity;

/// The difference between the API's count and the distinct ids of its list.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ListExcess {
    /// How many more are counted than listed; negative if fewer.
    by: i64,
    /// Whether the list was read whole: what is counted in excess is listed twice, or has no id.
    is_complete: bool,
}

impl From<&Row> for ListExcess {
    fn from(row: &Row) -> ListExcess {
        ListExcess { by: row.get("counted_more"), is_complete: row.get("walk_complete") }
    }
}

impl ListExcess {
    /// Reads it from the last walk of the whole entity that was complete, or short by the same number as those
    /// before it.
    pub(super) async fn of(tx: &Tx<'_>, entity: &Entity) -> Result<ListExcess, DbError> {
        let rows = tx.query(include_str!("last_whole_list.sql"), &[(&entity.name, Type::TEXT)]).await?;
        Ok(rows.first().map(ListExcess::from).unwrap_or_default())
    }

    /// The range of records that production may hold for this count of the API: records missing from the list may be
    /// held from before.
    pub(super) fn records(self, counted: u64) -> (u64, u64) {
        let more = u64::try_from(self.by).unwrap_or_default();
        let fewer = u64::try_from(self.by.saturating_neg()).unwrap_or_default();
        (counted.saturating_sub(more), counted.saturating_add(fewer))
    }

    /// The note for the report; none if count and list agree.
    pub(super) fn note(self, entity: &Entity, counted: u64) -> Option<String> {
        let name = entity.name;
        let by = self.by.unsigned_abs();
        match (self.by, self.is_complete) {
            (0, _) => None,
            (1.., true) => Some(format!(
                "{name}: the API counts {counted}, {by} more than its list has distinct ids: records that it lists twice, or \
                 without an id"
            )),
            (_, _) => Some(format!(
                "{name}: the API counts {counted}, {by} {} than its list gives, as in the runs before; up to {by} record(s) \
                 are not compared by count",
                if self.by > 0 { "more" } else { "fewer" }
            )),
        }
    }
}
