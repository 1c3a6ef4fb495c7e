//! What would change our rows behind our back: the old system's trigger and function, and any other.

use tokio_postgres::types::Type;

use super::Lines;
use crate::db::{Db, DbError, migrate};
use crate::from_v5::{OLD_FUNCTION, OLD_TRIGGER};

pub(super) async fn look(db: &Db) -> Result<Lines, DbError> {
    let mut lines = Lines::default();
    let names = migrate::relation_names();
    let rows = db
        .query(
            include_str!("triggers.sql"),
            &[
                (&db.schema(), Type::TEXT),
                (&names, Type::TEXT_ARRAY),
                (&OLD_TRIGGER, Type::TEXT),
                (&OLD_FUNCTION, Type::TEXT),
            ],
        )
        .await?;
    let (mut old, mut other) = (false, false);
    for row in &rows {
        let (is_old, said, mend): (bool, String, String) = (row.get(0), row.get(1), row.get(2));
        match is_old {
            true => lines.problem("old trigger", said, mend),
            false => lines.warning("other triggers", said, mend),
        }
        old |= is_old;
        other |= !is_old;
    }
    if !old {
        lines.ok("old trigger", format!("neither {OLD_TRIGGER} nor {OLD_FUNCTION} is there"));
    }
    if !other {
        lines.ok("other triggers", "none touches our tables");
    }
    Ok(lines)
}
