//! Checks for additions to our tables: triggers that change our rows (of the old system, or any other), and
//! constraints that can refuse a row or tie others to it.

use crate::additions::{self, AdditionKind};
use crate::db::{Db, DbError};
use crate::doctor::Lines;
use crate::from_v5::{OLD_FUNCTION, OLD_TRIGGER};

pub(in crate::doctor) async fn check(db: &Db) -> Result<Lines, DbError> {
    let mut lines = Lines::default();
    let found = additions::read(db).await?;
    for addition in &found {
        let (said, fix) = (addition.said.clone(), addition.fix.clone());
        match addition.kind {
            AdditionKind::OldTrigger => lines.problem("old trigger", said, fix),
            AdditionKind::Trigger => lines.warning("other triggers", said, fix),
            AdditionKind::Constraint => lines.warning("additions", said, fix),
        }
    }
    let none = |kind| !found.iter().any(|addition| addition.kind == kind);
    if none(AdditionKind::OldTrigger) {
        lines.ok("old trigger", format!("neither {OLD_TRIGGER} nor {OLD_FUNCTION} is there"));
    }
    if none(AdditionKind::Trigger) {
        lines.ok("other triggers", "none touches our tables");
    }
    if none(AdditionKind::Constraint) {
        lines.ok("additions", "nothing was added to our tables that could refuse a record");
    }
    Ok(lines)
}
