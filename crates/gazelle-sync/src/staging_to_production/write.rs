//! Writes the rows of readable versions, to production or to scratch tables. `apply` adds outcomes and quarantine.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::batch::{Candidate, ReadCandidate, VersionContent};
use super::marks::{mark_gone, mark_left_out};
use super::parents::{absent_parents, waits_for};
use super::target::{Order, TableSet, Target};
use super::upsert::{RowWithLineage, upsert};
use crate::db::DbError;
use crate::entities::Entity;
use crate::entities::read::RecordError;
use crate::entities::table::{Row, Table};

/// What [`write_only`] did.
pub(super) struct WrittenOnly<'b> {
    /// How many rows were written.
    pub(super) rows: u64,
    /// The candidates that were skipped because a parent of theirs is absent, each with that reason.
    pub(super) waiting: Vec<(&'b Candidate, RecordError)>,
}

/// Writes the rows of candidates and nothing else: no outcome, no quarantine. Faulty candidates and those whose parent is
/// absent are skipped.
pub(super) async fn write_only<'b>(
    target: Target<'_>,
    entity: &Entity,
    batch: impl Iterator<Item = &'b Candidate> + Clone,
    order: Order,
) -> Result<WrittenOnly<'b>, DbError> {
    let mut good: Vec<ReadCandidate<'_>> = batch
        .clone()
        .filter_map(|candidate| match &candidate.content {
            VersionContent::Record(reconciled) => Some(ReadCandidate { candidate, reconciled }),
            _ => None,
        })
        .collect();
    let gone: Vec<&Candidate> =
        batch.filter(|candidate| matches!(candidate.content, VersionContent::Tombstone)).collect();
    let absent = absent_parents(target, entity, &good, None).await?;
    let mut waiting = Vec::new();
    good.retain(|good| match waits_for(entity, good, &absent) {
        Some(error) => {
            waiting.push((good.candidate, error));
            false
        }
        None => true,
    });
    let written = write_rows(target, entity, &good, order).await?;
    let gone = mark_gone(target, entity, &gone).await?;
    Ok(WrittenOnly { rows: written + gone.records + gone.carried, waiting })
}

/// Writes the rows of good versions, table by table, parents first. Returns how many were written.
pub(super) async fn write_rows(
    target: Target<'_>,
    entity: &Entity,
    good: &[ReadCandidate<'_>],
    order: Order,
) -> Result<u64, DbError> {
    let mut written = 0;
    let mut all_new = order == Order::AllNew;
    for (index, table) in entity.tables.iter().enumerate() {
        // New records cannot have left anything out.
        if !all_new {
            written += mark_left_out(target, table, index, good).await?;
        }
        let rows: Vec<RowWithLineage<'_>> = good
            .iter()
            .flat_map(|good| {
                good.reconciled.rows.iter().filter(move |(of, _)| *of == index).map(|(_, row)| {
                    RowWithLineage {
                        row,
                        staging_id: good.candidate.staging_id,
                        fetched_at: good.candidate.fetched_at,
                    }
                })
            })
            .collect();
        let rows = if table.owner.is_some() { latest_claims(table, rows) } else { rows };
        let wrote = upsert(target, entity, table, &rows, order).await?;
        written += wrote.inserted + wrote.updated;
        if index == 0 {
            // A rebuild relies on no count, since its result is compared with what the counts led to.
            all_new = target.tables() == TableSet::Production && wrote.inserted == good.len() as u64;
        }
    }
    Ok(written)
}

/// A row that several records claim (a contact that moved between two clients read at different times) goes to
/// the one seen last.
fn latest_claims<'r>(table: &Table, rows: Vec<RowWithLineage<'r>>) -> Vec<RowWithLineage<'r>> {
    let key = |row: &Row| -> Vec<String> {
        table.key.iter().map(|key| table.get(row, key).as_text().unwrap_or_default().to_owned()).collect()
    };
    let mut position: HashMap<Vec<String>, usize> = HashMap::new();
    let mut kept: Vec<RowWithLineage<'r>> = Vec::with_capacity(rows.len());
    for lined in rows {
        match position.entry(key(lined.row)) {
            Entry::Vacant(free) => {
                free.insert(kept.len());
                kept.push(lined);
            }
            Entry::Occupied(taken) => {
                let held = &mut kept[*taken.get()];
                if held.fetched_at < lined.fetched_at {
                    *held = lined;
                }
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::entities::table::{Rule, Value, column};

    static CONTACTS: Table = Table {
        name: "contacts",
        key: &["external_id"],
        owner: Some("client_external_id"),
        columns: &[column("external_id", Rule::Id, &["id"]), column("client_external_id", Rule::Id, &[])],
        ..Table::OF_RECORDS
    };

    /// Which rows are written of these, each an id, whose it is, and when its record was seen.
    fn written(claims: &[(&str, &str, i64)]) -> Vec<(String, String)> {
        let text = |text: &str| Value::Text(text.to_owned());
        let rows: Vec<Row> =
            claims.iter().map(|(id, owner, _)| Row { values: vec![text(id), text(owner)] }).collect();
        let lined = rows.iter().zip(claims).map(|(row, (_, _, seen_at))| RowWithLineage {
            row,
            staging_id: Uuid::nil(),
            fetched_at: Timestamp::from_second(*seen_at).unwrap(),
        });
        let kept = latest_claims(&CONTACTS, lined.collect());
        let said = |row: &Row, column| CONTACTS.get(row, column).as_text().unwrap_or_default().to_owned();
        kept.iter()
            .map(|kept| (said(kept.row, "external_id"), said(kept.row, "client_external_id")))
            .collect()
    }

    #[test]
    fn a_row_that_several_records_claim_goes_to_the_one_seen_last() {
        for (claims, wanted) in [
            (&[][..], &[][..]),
            (&[("c1", "a", 1), ("c2", "b", 1)], &[("c1", "a"), ("c2", "b")]),
            (&[("c1", "a", 1), ("c1", "b", 2)], &[("c1", "b")]),
            (&[("c1", "a", 2), ("c1", "b", 1)], &[("c1", "a")]),
            // Of two of the same instant the first, whatever comes between.
            (&[("c1", "a", 1), ("c2", "a", 9), ("c1", "b", 1)], &[("c1", "a"), ("c2", "a")]),
            (&[("c1", "a", 1), ("c1", "b", 3), ("c1", "c", 2)], &[("c1", "b")]),
        ] {
            let wanted: Vec<(String, String)> =
                wanted.iter().map(|(id, owner)| ((*id).to_owned(), (*owner).to_owned())).collect();
            assert_eq!(written(claims), wanted, "{claims:?}");
        }
    }
}
