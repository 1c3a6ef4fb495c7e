//! The only code that touches the staging tables: appends versions of records, and notes their outcome.
//!
//! [`versions`] adds what stage 1 receives, in the exact text; [`pending`] reads what stage 2 is to process, and
//! [`outcome`] notes the result. [`quarantine`] keeps the cases of records that could not be reconciled, and
//! [`missing_parents`] what they wait for. [`deletions`] notes which records are gone, and by what evidence;
//! [`bookmarks`] from where the next walk continues, and [`notes`] what else a later run should know. [`history`] reads
//! the versions of a record or a run again, [`undo`] withdraws and restores them, and [`removal`] deletes what nobody needs any
//! more. [`counts`] measures all of it, and [`written`] checks that the database has written what it was asked to.

pub mod bookmarks;
pub mod counts;
pub mod deletions;
pub mod history;
pub mod missing_parents;
pub mod notes;
pub mod outcome;
pub mod pending;
pub mod quarantine;
pub mod removal;
pub mod undo;
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
    use super::pending::RebuildSource;
    use super::*;
    use crate::entities::appointments::ENTITY as APPOINTMENTS;
    use crate::entities::clients::ENTITY as CLIENTS;

    #[test]
    fn statements_that_are_built_of_several_parts() {
        let built = [
            ("chronology", pending::chronology_sql(&APPOINTMENTS, RebuildSource::Everything)),
            ("chronology, processed", pending::chronology_sql(&APPOINTMENTS, RebuildSource::Processed)),
            (
                "chronology, as of",
                pending::chronology_sql(&APPOINTMENTS, RebuildSource::AsOf(jiff::Timestamp::MAX)),
            ),
            ("seen between", pending::seen_between(&CLIENTS, "t.client_external_id", "t.began", "t.ended")),
            ("suspects with dates", deletions::suspects_sql(&APPOINTMENTS)),
            ("suspects without dates", deletions::suspects_sql(&CLIENTS)),
            ("due", removal::retention::due_sql(&CLIENTS)),
            ("balance", for_entity(include_str!("counts/balance/balance.sql"), &CLIENTS)),
        ];
        let text: Vec<String> =
            built.iter().map(|(name, sql)| format!("=== {name}\n{}\n", sql.trim_end())).collect();
        insta::assert_snapshot!(text.join("\n"));
    }
}
