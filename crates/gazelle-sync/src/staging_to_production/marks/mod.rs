//! Marks rows as deleted: those of records that are gone, and those that the newest version of their record leaves
//! out.

use jiff::Timestamp;
use tokio_postgres::types::Type;

use super::batch::{Candidate, ReadCandidate};
use super::checked::{self, Write};
use super::target::{TableSet, Target};
use crate::db::{DbError, Param, Template};
use crate::entities::Entity;
use crate::entities::table::Table;
use crate::lease::FencedTx;

/// Marks as deleted the rows of these owners that their newest version no longer holds. Returns how many.
pub(super) async fn mark_left_out(
    target: Target<'_>,
    table: &Table,
    index: usize,
    good: &[ReadCandidate<'_>],
) -> Result<u64, DbError> {
    let Some(owner) = table.owner else { return Ok(0) };
    let members: Vec<&str> = table.key.iter().copied().filter(|key| *key != owner).collect();
    if members.is_empty() {
        return Ok(0);
    }
    let (mut owners, mut seen_at, mut holders) = (Vec::new(), Vec::new(), Vec::new());
    // One list for each column of the members' key, side by side with the holders.
    let mut keys: Vec<Vec<String>> = vec![Vec::new(); members.len()];
    // If not all rows of a record could be read, none counts as left out.
    let whole = good.iter().filter(|good| !good.reconciled.incomplete.contains(&index));
    for good in whole {
        owners.push(good.candidate.external_id.as_str());
        seen_at.push(good.candidate.fetched_at);
        for (_, row) in good.reconciled.rows.iter().filter(|(of, _)| *of == index) {
            let key: Option<Vec<String>> =
                members.iter().map(|member| table.get(row, member).as_key()).collect();
            if let Some(key) = key {
                holders.push(good.candidate.external_id.as_str());
                keys.iter_mut().zip(key).for_each(|(list, value)| list.push(value));
            }
        }
    }
    let mut params: Vec<Param<'_>> =
        vec![(&owners, Type::TEXT_ARRAY), (&seen_at, Type::TIMESTAMPTZ_ARRAY), (&holders, Type::TEXT_ARRAY)];
    params.extend(keys.iter().map(|list| (list as _, Type::TEXT_ARRAY)));
    match target {
        Target::Production(tx) => {
            let [to_write, mark] = left_out_statements(table, owner, &members);
            mark_production(tx, table, [&to_write, &mark], &params).await
        }
        Target::Scratch(tx) => tx.execute(&rebuild_left_out(table, owner, &members), &params).await,
    }
}

/// Marks rows of production as deleted: by a statement that finds them, and one that marks them.
async fn mark_production(
    tx: &FencedTx<'_>,
    table: &Table,
    [to_write, mark]: [&str; 2],
    params: &[Param<'_>],
) -> Result<u64, DbError> {
    let write = Write { table: table.name, to_write, statements: &[mark], done: "marked deleted" };
    checked::write(tx, write, params).await
}

/// The statements of [`mark_left_out`] for production, one that finds rows and one that marks them. `members` are
/// the key columns that identify a child row besides its owner.
fn left_out_statements(table: &Table, owner: &str, members: &[&str]) -> [String; 2] {
    let to_mark = "SELECT owner::text, {names_text} FROM ({left_out}) AS left_out";
    [to_mark, include_str!("mark_left_out.sql")]
        .map(|template| fill(template, table, owner, members, TableSet::Production))
}

/// The statement of a rebuild.
fn rebuild_left_out(table: &Table, owner: &str, members: &[&str]) -> String {
    fill(include_str!("rebuild_left_out.sql"), table, owner, members, TableSet::Scratch)
}

fn fill(template: &str, table: &Table, owner: &str, members: &[&str], tables: TableSet) -> String {
    let each = |of: &dyn Fn(usize, &str) -> String, between: &str| {
        members.iter().enumerate().map(|(at, member)| of(at, member)).collect::<Vec<_>>().join(between)
    };
    Template::new(template)
        .with("left_out", include_str!("left_out.sql"))
        .with("prefix", tables.prefix())
        .with("table", table.name)
        .with("owner", owner)
        .with("members", each(&|_, member| format!("h.{member}"), ", "))
        .with("has_members", each(&|_, member| format!("has.{member}"), ", "))
        .with("has_members_text", each(&|_, member| format!("has.{member}::text"), ", "))
        .with("lists", each(&|at, _| format!("${}::text[]", at + 4), ", "))
        .with("names_text", each(&|_, member| format!("left_out.{member}::text"), ", "))
        .with(
            "key_text",
            format!("t.{owner}::text, {}", each(&|_, member| format!("t.{member}::text"), ", ")),
        )
        .with("names", each(&|at, _| format!("m{at}"), ", "))
        .with("same_member", each(&|_, member| format!("t.{member} = left_out.{member}"), " AND "))
        .with("held_member", each(&|at, member| format!("held.m{at} = t.{member}::text"), " AND "))
        .fill()
}

/// Rows marked deleted.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct MarkedGone {
    /// Rows of the records themselves.
    pub(super) records: u64,
    /// Child rows of the records.
    pub(super) carried: u64,
}

/// Marks records and their child rows as deleted at the time their tombstone was staged. A row that another record
/// has claimed since belongs to that record and stays. So do rows of other records that name a gone record.
pub(super) async fn mark_gone(
    target: Target<'_>,
    entity: &Entity,
    gone: &[&Candidate],
) -> Result<MarkedGone, DbError> {
    let mut marked = MarkedGone::default();
    if gone.is_empty() {
        return Ok(marked);
    }
    let (ids, seen_at): (Vec<&str>, Vec<Timestamp>) =
        gone.iter().map(|candidate| (candidate.external_id.as_str(), candidate.fetched_at)).unzip();
    for (index, table) in entity.tables.iter().enumerate() {
        let holder = if index == 0 { table.key.first().copied() } else { table.owner };
        let Some(holder) = holder else { continue };
        let params: [Param<'_>; 2] = [(&ids, Type::TEXT_ARRAY), (&seen_at, Type::TIMESTAMPTZ_ARRAY)];
        let rows = match target {
            Target::Production(tx) => {
                let [to_write, mark] = gone_statements(table, holder);
                mark_production(tx, table, [&to_write, &mark], &params).await?
            }
            Target::Scratch(tx) => tx.execute(&rebuild_gone(table, holder), &params).await?,
        };
        *(if index == 0 { &mut marked.records } else { &mut marked.carried }) += rows;
    }
    crate::crash::at(crate::crash::CrashPoint::RowsMarkedGone);
    Ok(marked)
}

fn gone_statements(table: &Table, holder: &str) -> [String; 2] {
    let keys = table.key.iter().map(|key| format!("t.{key}::text")).collect::<Vec<_>>().join(", ");
    [include_str!("gone_to_mark.sql"), include_str!("mark_gone.sql")].map(|sql| {
        Template::new(sql)
            .with("prefix", TableSet::Production.prefix())
            .with("table", table.name)
            .with("holder", holder)
            .with("key_text", keys.as_str())
            .fill()
    })
}

fn rebuild_gone(table: &Table, holder: &str) -> String {
    Template::new(include_str!("rebuild_gone.sql"))
        .with("prefix", TableSet::Scratch.prefix())
        .with("table", table.name)
        .with("holder", holder)
        .fill()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entities::table::{Rule, column};
    use crate::entities::{Nested, Query, WarningCode};

    #[test]
    fn members_are_told_apart_by_every_column_of_their_key_besides_the_owner() {
        static ITEMS: Table = Table {
            name: "items",
            key: &["invoice_external_id", "piano_external_id", "sequence_number"],
            owner: Some("invoice_external_id"),
            list: Some(Nested {
                path: &["allItems"],
                query: Query::new(""),
                operation: "",
                answer: &[],
                doubled: WarningCode::new("duplicate_item", "an item listed twice"),
            }),
            columns: &[
                column("invoice_external_id", Rule::Id, &[]),
                column("piano_external_id", Rule::Id, &["piano.id"]),
                column("sequence_number", Rule::Integer, &["sequenceNumber"]),
            ],
            ..Table::OF_RECORDS
        };
        let members = ["piano_external_id", "sequence_number"];
        let [_, sql] = left_out_statements(&ITEMS, "invoice_external_id", &members);
        let sql = sql.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in [
            "(owner.id, has.piano_external_id::text, has.sequence_number::text) NOT IN",
            "unnest($3::text[], $4::text[], $5::text[]) AS held (holder, m0, m1)",
            "t.piano_external_id = left_out.piano_external_id AND t.sequence_number = left_out.sequence_number",
        ] {
            assert!(sql.contains(part), "{part} in {sql}");
        }
    }

    #[test]
    fn statements_that_mark_locations() {
        let table = &crate::entities::clients::GAZELLE_LOCATIONS;
        let [owner, members] = ["client_external_id", "external_id"];
        let mut statements: Vec<String> = left_out_statements(table, owner, &[members]).into();
        statements.push(rebuild_left_out(table, owner, &[members]));
        statements.extend(gone_statements(table, owner));
        statements.push(rebuild_gone(table, owner));
        insta::assert_snapshot!(statements.join("\n;\n"));
    }

    #[test]
    fn a_rebuild_marks_by_no_statement_that_it_checks() {
        for table in crate::entities::ENTITIES.iter().flat_map(|entity| entity.tables.iter().copied()) {
            let holder = table.owner.unwrap_or(table.key[0]);
            let members: Vec<&str> = table.key.iter().copied().filter(|key| *key != holder).collect();
            let beside = |sql: String| sql.replace(TableSet::Production.prefix(), TableSet::Scratch.prefix());
            let of_writer: Vec<String> = gone_statements(table, holder)
                .into_iter()
                .chain(left_out_statements(table, holder, &members))
                .map(beside)
                .collect();
            for sql in [rebuild_gone(table, holder), rebuild_left_out(table, holder, &members)] {
                assert!(!of_writer.contains(&sql) && !sql.contains("{prefix}"), "{}: {sql}", table.name);
            }
        }
    }
}
