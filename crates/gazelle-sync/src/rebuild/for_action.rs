//! Runs a replay or undo for a dashboard action: the transaction that applies the difference notes that the action is
//! applied, and changes no more than was shown.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::comparison::Detail;
use crate::config::Settings;
use crate::db::{Db, DbError};
use crate::display::Progress;
use crate::lease::{FencedTx, Lease};
use crate::run_log::actions;
use crate::run_log::kinds::RunTrigger;
use crate::staging_to_production::difference::TableDifference;

/// What a replay or an undo under a lease that is held works with.
#[derive(Clone, Copy)]
pub struct LeasedContext<'a> {
    /// The database.
    pub db: &'a Db,
    /// The settings.
    pub settings: &'a Settings,
    /// The lease.
    pub lease: &'a Lease,
    /// What it reports its progress to.
    pub progress: &'a Progress,
    /// The action that it is done for.
    pub action: ForAction<'a>,
}

/// The rows of a table that were shown to change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownTable {
    /// The table.
    pub table: String,
    /// Rows that are inserted.
    pub missing: i64,
    /// Rows that change.
    pub changed: i64,
    /// Rows that are removed.
    pub surplus: i64,
}

/// The action that a replay or an undo is done for.
#[derive(Debug, Clone, Copy, Default)]
pub struct ForAction<'a> {
    /// Its id; none for a command.
    pub id: Option<Uuid>,
    /// What was shown before: no table changes by more. None if nothing was.
    pub shown: Option<&'a [ShownTable]>,
    /// How much of the difference the report holds.
    pub detail: Detail,
}

impl ForAction<'_> {
    /// What started the run.
    pub(super) fn trigger(&self) -> RunTrigger {
        if self.id.is_some() { RunTrigger::Request } else { RunTrigger::Command }
    }

    /// Why a difference is not applied: it is larger than what was shown.
    pub(super) fn refusal(&self, found: &[TableDifference]) -> Option<String> {
        let shown = self.shown?;
        let grown: Vec<String> = found
            .iter()
            .filter_map(|table| {
                let before = shown.iter().find(|shown| shown.table == table.table);
                let before = before.map_or((0, 0, 0), |shown| (shown.missing, shown.changed, shown.surplus));
                let now = (table.missing, table.changed, table.surplus);
                (now.0 > before.0 || now.1 > before.1 || now.2 > before.2).then(|| {
                    format!(
                        "{}: {} to insert, {} to change, {} to remove (shown: {}, {}, {})",
                        table.table, now.0, now.1, now.2, before.0, before.1, before.2
                    )
                })
            })
            .collect();
        (!grown.is_empty()).then(|| {
            format!("more would change by now than was shown; nothing was changed: {}", grown.join("; "))
        })
    }

    /// Notes in the transaction that applies the difference that the action is applied.
    pub(super) async fn applied(
        &self,
        tx: &FencedTx<'_>,
        run_id: Uuid,
        report: &impl Serialize,
    ) -> Result<(), DbError> {
        let Some(id) = self.id else { return Ok(()) };
        let report = serde_json::to_value(report).unwrap_or_default();
        actions::applied(tx, id, Some(run_id), report).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_may_shrink_and_not_grow() {
        let found =
            |changed| TableDifference { missing: 1, changed, ..TableDifference::none("gazelle_pianos") };
        let table = ShownTable { table: "gazelle_pianos".to_owned(), missing: 1, changed: 2, surplus: 0 };
        let shown = [table];
        let action = ForAction { shown: Some(&shown), ..ForAction::default() };
        assert_eq!(action.refusal(&[found(2)]), None);
        assert_eq!(action.refusal(&[found(0)]), None);
        assert_eq!(
            action.refusal(&[found(3)]).unwrap(),
            "more would change by now than was shown; nothing was changed: gazelle_pianos: 1 to insert, 3 to change, 0 to \
             remove (shown: 1, 2, 0)"
        );
        let none = ForAction { shown: Some(&[]), ..ForAction::default() };
        assert!(none.refusal(&[found(0)]).is_some(), "a table of which nothing was shown");
        assert_eq!(ForAction::default().refusal(&[found(3)]), None, "a command shows nothing before");
    }
}
