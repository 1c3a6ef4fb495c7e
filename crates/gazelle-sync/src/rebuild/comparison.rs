//! The difference between production and its rebuild from staging: computed once, shown, judged, and applied
//! unchanged.

use std::collections::HashSet;

use serde::Serialize;
use uuid::Uuid;

use crate::config::Settings;
use crate::db::{DbError, Tx};
use crate::display;
use crate::entities::Entity;
use crate::migrations;
use crate::staging::{deletions, pending, undo};
use crate::staging_to_production::apply_difference::{self, Records, dependents};
use crate::staging_to_production::difference::{self, RecordSelection, TableDifference};
use crate::staging_to_production::rebuild::UnwrittenRecord;

use crate::lease::FencedTx;

/// How much of a difference a report holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detail {
    /// Most rows shown of each kind of difference in a table.
    samples: i64,
    /// Most keys listed of a table.
    keys: i64,
}

impl Detail {
    /// What a command prints.
    pub const COMMAND: Detail = Detail { samples: 5, keys: 0 };
    /// What a page shows before somebody applies it.
    pub const PAGE: Detail = Detail { samples: 20, keys: 1000 };
}

impl Default for Detail {
    fn default() -> Detail {
        Detail::COMMAND
    }
}

/// Most unplaced records that a message names.
const MOST_NAMED: usize = 5;

/// Deletions of an entity that were withheld: rows that would have been removed or marked deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Withheld {
    /// The entity.
    pub entity: &'static str,
    /// The number of records of which rows would be removed or newly marked deleted.
    pub records: u64,
    /// The number of records that the guard allows.
    pub allowed: u64,
}

/// The difference between production and the rebuild, for some parts.
#[derive(Debug)]
pub struct Comparison {
    parts: Vec<RecordSelection>,
    /// Table by table, parents first.
    pub tables: Vec<TableDifference>,
    /// The records that differ.
    pub differing: Records,
    /// Those of them whose rebuilt rows come from a version that stage 2 has not processed.
    unprocessed: Records,
    /// Those of them that the rebuild could not place, and of which production holds a newer version than the
    /// rebuild.
    unplaced: Vec<UnwrittenRecord>,
    /// Records that wait for a parent that the rebuild lacks, although stage 2 has processed the version that does.
    waiting: Records,
}

/// Counts what differs between these parts and what was rebuilt, table by table, without the records themselves: after a
/// `TRUNCATE`, all of them differ.
///
/// # Errors
/// The database's.
pub async fn count(tx: &Tx<'_>, parts: &[RecordSelection]) -> Result<Vec<TableDifference>, DbError> {
    let mut tables = Vec::new();
    for part in parts {
        tables.extend(difference::of_part(tx, Detail::COMMAND.samples, part).await?);
    }
    Ok(tables)
}

/// Compares these parts with what was rebuilt. `unplaced` are the records that the rebuild could not place.
///
/// # Errors
/// The database's.
pub async fn compare(
    tx: &Tx<'_>,
    parts: Vec<RecordSelection>,
    mut unplaced: Vec<UnwrittenRecord>,
    detail: Detail,
) -> Result<Comparison, DbError> {
    let (mut tables, mut differing, mut unprocessed) = (Vec::new(), Records::new(), Records::new());
    for part in &parts {
        let mut of_part = difference::of_part(tx, detail.samples, part).await?;
        difference::add_keys(tx, detail.keys, part, &mut of_part).await?;
        if of_part.iter().any(TableDifference::is_some) {
            let records = difference::differing_records(tx, part).await?;
            unprocessed.insert(part.entity.name, not_processed(tx, part.entity, &records).await?);
            differing.insert(part.entity.name, records);
        }
        tables.extend(of_part);
    }
    let waiting = processed_and_waiting(tx, &parts, &unplaced, &differing).await?;
    // A record of which production holds an older version too, as the rebuild does, or nothing, loses nothing.
    for part in &parts {
        let name = part.entity.name;
        let of_entity: Vec<String> = unplaced
            .iter()
            .filter(|unplaced| unplaced.entity == name)
            .map(|unplaced| unplaced.external_id.clone())
            .collect();
        if of_entity.is_empty() {
            continue;
        }
        let loses = difference::newer_in_production(tx, part.entity, &of_entity).await?;
        unplaced.retain(|unplaced| unplaced.entity != name || loses.contains(&unplaced.external_id));
    }
    unplaced.retain(|unplaced| {
        differing.get(unplaced.entity).is_some_and(|records| records.contains(&unplaced.external_id))
    });
    Ok(Comparison { parts, tables, differing, unprocessed, unplaced, waiting })
}

/// Of the records of these parts that wait for a parent, those whose waiting version stage 2 has processed: the parent was
/// there then, or the record is gone and the version was passed over. Of those that are gone, only what differs counts.
async fn processed_and_waiting(
    tx: &Tx<'_>,
    parts: &[RecordSelection],
    unplaced: &[UnwrittenRecord],
    differing: &Records,
) -> Result<Records, DbError> {
    let mut found = Records::new();
    for part in parts {
        let is_meant = |record: &String| part.records.as_ref().is_none_or(|records| records.contains(record));
        let differs =
            |record: &String| differing.get(part.entity.name).is_some_and(|records| records.contains(record));
        let waiting: Vec<(Uuid, &String)> = unplaced
            .iter()
            .filter(|unplaced| unplaced.entity == part.entity.name && is_meant(&unplaced.external_id))
            .filter(|unplaced| !unplaced.gone || differs(&unplaced.external_id))
            .filter_map(|unplaced| Some((unplaced.waiting?, &unplaced.external_id)))
            .collect();
        if waiting.is_empty() {
            continue;
        }
        let ids: Vec<Uuid> = waiting.iter().map(|(id, _)| *id).collect();
        let unprocessed = pending::unprocessed(tx, part.entity, &ids).await?;
        let processed = waiting.into_iter().filter(|(id, _)| !unprocessed.contains(id));
        found.insert(part.entity.name, processed.map(|(_, record)| record.clone()).collect());
    }
    Ok(found)
}

/// Of these records, those whose rebuilt rows come from a version that stage 2 has not processed.
async fn not_processed(tx: &Tx<'_>, entity: &Entity, records: &[String]) -> Result<Vec<String>, DbError> {
    let versions = difference::rebuilt_from(tx, entity, records).await?;
    let ids: Vec<Uuid> = versions.iter().map(|(_, id)| *id).collect();
    let waiting: HashSet<Uuid> = pending::unprocessed(tx, entity, &ids).await?.into_iter().collect();
    let mut records: Vec<String> =
        versions.into_iter().filter(|(_, id)| waiting.contains(id)).map(|(record, _)| record).collect();
    records.sort_unstable();
    records.dedup();
    Ok(records)
}

impl Comparison {
    /// Leaves it to stage 2 to quarantine the records that wait for a parent, where their rows may go with it: those that
    /// differ must be made pending when the difference is applied.
    pub fn let_wait(&mut self) {
        self.unplaced.retain(|unplaced| unplaced.waiting.is_none());
    }

    /// Why the difference must not be applied, even if deletions are allowed: a record that could not be placed
    /// would go back to an older version, or be removed.
    pub fn refusal(&self) -> Option<String> {
        if self.unplaced.is_empty() {
            return None;
        }
        let named: Vec<String> = self
            .unplaced
            .iter()
            .take(MOST_NAMED)
            .map(|unplaced| format!("{} {}: {}", unplaced.entity, unplaced.external_id, unplaced.reason))
            .collect();
        let more = match self.unplaced.len().saturating_sub(MOST_NAMED) {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        Some(format!(
            "{} record(s) could not be rebuilt, and production would lose what it holds of them; nothing was changed: \
             {}{more}",
            self.unplaced.len(),
            named.join("; ")
        ))
    }

    /// The deletions that are withheld unless they are allowed, and a sentence for each reason: rows of more
    /// records than the guard of a walk allows, and rows of users' tables that would be removed or lose their
    /// reference with ours.
    ///
    /// # Errors
    /// The database's.
    pub async fn withheld(
        &self,
        tx: &Tx<'_>,
        settings: &Settings,
    ) -> Result<(Vec<Withheld>, Vec<String>), DbError> {
        let (mut withheld, mut reasons) = (Vec::new(), Vec::new());
        let guard = settings.delete_guard();
        for part in &self.parts {
            let (records, done) = deleted(tx, part).await?;
            if records == 0 {
                continue;
            }
            let sql = format!(
                "SELECT count(*) AS held FROM {{schema}}.{} WHERE deleted_at IS NULL",
                part.entity.tables[0].name
            );
            let held = tx.query(&sql, &[]).await?.first().map_or(0, |row| row.get::<_, i64>(0) as u64);
            let allowed = guard.smaller(held);
            if records > allowed {
                reasons.push(format!(
                    "{}: rows of {} record(s) would be {done}, the guard allows {} (delete_guard_records, \
                     delete_guard_percent)",
                    part.entity.name,
                    display::count(records),
                    display::count(allowed),
                ));
                withheld.push(Withheld { entity: part.entity.name, records, allowed });
            }
        }
        let removes: Vec<&TableDifference> = self.tables.iter().filter(|table| table.surplus > 0).collect();
        if removes.is_empty() {
            return Ok((withheld, reasons));
        }
        let ours = migrations::relation_names();
        for dependent in dependents::of(tx, &self.parts, &ours).await? {
            if removes.iter().all(|table| table.table != dependent.ours) {
                continue;
            }
            let rows = match dependent.rows {
                Some(rows) => format!("{} row(s) of {}", display::count(rows), dependent.table),
                None => format!("rows of {}, which this role may not read,", dependent.table),
            };
            reasons.push(format!(
                "{rows} would be removed or changed by the foreign key {} with the rows of {} that they refer to",
                dependent.constraint, dependent.ours
            ));
        }
        Ok((withheld, reasons))
    }

    /// Applies the difference, and makes records pending whose newest version stage 2 has not processed, or has processed
    /// while a parent was there that staging does not give. Returns how many rows were written, and whether there are such
    /// records.
    ///
    /// # Errors
    /// The database's, also if it refuses a row.
    pub async fn apply(&self, tx: &FencedTx<'_>) -> Result<(u64, bool), DbError> {
        let written = apply_difference::apply(tx, &self.parts, &self.tables, &self.unprocessed).await?;
        for part in &self.parts {
            for of in [&self.unprocessed, &self.waiting] {
                if let Some(records) = of.get(part.entity.name) {
                    undo::make_pending(tx, part.entity, records).await?;
                }
            }
        }
        let mut left = self.unprocessed.values().chain(self.waiting.values());
        Ok((written, left.any(|records| !records.is_empty())))
    }
}

/// The number of records of a part of which rows would be removed or newly marked deleted, and which of the two.
/// Not counted is what needs no permission: marks that stage 2 would set anyway, since a version is pending, and
/// deletions that were approved manually.
async fn deleted(tx: &Tx<'_>, part: &RecordSelection) -> Result<(u64, &'static str), DbError> {
    let mut records: HashSet<String> = difference::surplus_records(tx, part).await?.into_iter().collect();
    let mut marked = difference::newly_marked_records(tx, part).await?;
    if !marked.is_empty() {
        let pending = pending::records_with_pending(tx, part.entity, &marked).await?;
        let approved = deletions::approved(tx, part.entity, &marked).await?;
        marked.retain(|record| !pending.contains(record) && !approved.contains(record));
    }
    let done = match (records.is_empty(), marked.is_empty()) {
        (_, true) => "removed",
        (true, false) => "marked deleted",
        (false, false) => "removed or marked deleted",
    };
    records.extend(marked);
    Ok((records.len() as u64, done))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_that_could_not_be_rebuilt_forbid_the_rest_and_the_first_are_named() {
        let refusal = |count: usize| {
            let unplaced = |n| UnwrittenRecord {
                entity: "pianos",
                external_id: format!("pno_{n}"),
                reason: "Missing required field: id".to_owned(),
                refused: false,
                waiting: None,
                gone: false,
            };
            let found = Comparison {
                parts: Vec::new(),
                tables: Vec::new(),
                differing: Records::new(),
                unprocessed: Records::new(),
                unplaced: (0..count).map(unplaced).collect(),
                waiting: Records::new(),
            };
            found.refusal()
        };
        assert_eq!(refusal(0), None);
        assert_eq!(
            refusal(1).unwrap(),
            "1 record(s) could not be rebuilt, and production would lose what it holds of them; nothing was changed: \
             pianos pno_0: Missing required field: id"
        );
        let many = refusal(7).unwrap();
        assert!(many.starts_with("7 record(s)") && many.ends_with("; and 2 more"), "{many}");
        assert!(many.contains("pno_4") && !many.contains("pno_5"), "{many}");
    }
}
