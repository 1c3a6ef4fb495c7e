//! The only code that touches the staging tables: appends versions of records, and notes their outcome.
//!
//! [`versions`] adds what stage 1 receives, [`pending`] reads what stage 2 is to process, [`outcome`] notes the
//! result, `slice` selects records by what happened to them, `recent` reads what was staged lately, `run_versions` what
//! a run staged, [`quarantine`] keeps the cases of records that could
//! not be reconciled, [`exact`] finds what `jsonb` cannot hold, [`undo`] withdraws versions and restores them.

pub mod api_limits;
pub mod backlog;
pub mod balance;
pub mod bookmarks;
pub mod clock;
pub mod dashboard;
pub mod deletions;
pub mod exact;
pub mod history;
pub mod json_text;
pub mod listed_twice;
pub mod missing_parents;
pub mod outcome;
pub mod pending;
pub mod quarantine;
pub mod recent;
pub mod removal;
pub mod retention;
pub mod run_versions;
pub mod size;
pub mod slice;
pub mod source_fault;
pub mod undo;
pub mod unnoted;
pub mod versions;
pub mod written;

use crate::db::Template;
use crate::entities::Entity;

/// A statement about the records of an entity: `{staging_table}` holds their versions, `{table}` their rows.
fn template<'t>(text: &'t str, entity: &Entity) -> Template<'t> {
    Template::new(text).with("staging_table", entity.staging_table).with("table", entity.tables[0].name)
}

/// A statement that has no other placeholders than [`template`] fills.
fn for_entity(text: &str, entity: &Entity) -> String {
    template(text, entity).fill()
}

#[cfg(test)]
mod tests {
    use super::pending::Basis;
    use super::*;
    use crate::entities::appointments::ENTITY as APPOINTMENTS;
    use crate::entities::clients::ENTITY as CLIENTS;

    #[test]
    fn statements_that_are_built_of_several_parts() {
        let built = [
            ("chronology", pending::chronology_sql(&APPOINTMENTS, Basis::Everything)),
            ("chronology, processed", pending::chronology_sql(&APPOINTMENTS, Basis::Processed)),
            ("chronology, as of", pending::chronology_sql(&APPOINTMENTS, Basis::AsOf(jiff::Timestamp::MAX))),
            ("seen between", pending::seen_between(&CLIENTS, "t.client_external_id", "t.began", "t.ended")),
            ("suspects with dates", deletions::suspects_sql(&APPOINTMENTS)),
            ("suspects without dates", deletions::suspects_sql(&CLIENTS)),
            ("due", retention::due_sql(&CLIENTS)),
            ("balance", for_entity(include_str!("balance/balance.sql"), &CLIENTS)),
        ];
        let text: Vec<String> =
            built.iter().map(|(name, sql)| format!("=== {name}\n{}\n", sql.trim_end())).collect();
        insta::assert_snapshot!(text.join("\n"));
    }
}
