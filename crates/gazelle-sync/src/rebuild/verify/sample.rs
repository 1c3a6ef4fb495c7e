//! Compares a random sample of the API's records with production.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use uuid::Uuid;

use super::answers::ApiRecord;
use super::last_walk::last_whole_walk;
use super::report::VerifyRequest;
use crate::db::{DbError, Tx, WriteTx};
use crate::entities::Entity;
use crate::entities::table::{Table, Value};
use crate::rebuild::comparison::{Detail, compare as compare_parts};
use crate::staging::undo;
use crate::staging::versions::{self, NewestVersion, Received};
use crate::staging_to_production::batch::{self, Candidate, VersionContent};
use crate::staging_to_production::difference::{RecordSelection, TableDifference};
use crate::staging_to_production::rebuild::{self, UnwrittenRecord};
use crate::time;

/// The records of the sample by what they show.
#[derive(Default)]
pub struct SampleResults {
    /// Records that were compared.
    pub sampled: u64,
    /// Records whose content production must have.
    pub to_compare: Vec<(&'static Entity, Candidate)>,
    /// Records whose content a walk should have staged, each in a line.
    pub stale: Vec<String>,
    /// Records that changed at the source since the last walk.
    changed: u64,
    /// Records that no longer exist at the source.
    gone: u64,
    /// Records that an undo keeps as they were.
    undone: u64,
}

/// Sorts the records of the sample: those whose content is the newest in staging, so that production must have it;
/// those that changed at the source since they were last walked; and those whose content a walk should have staged.
///
/// # Errors
/// The database's.
pub async fn judge(
    tx: &Tx<'_>,
    question: &VerifyRequest<'_>,
    records: &[ApiRecord],
    notes: &mut Vec<String>,
) -> Result<SampleResults, DbError> {
    let mut judged = SampleResults::default();
    for entity in &question.entities {
        let of_entity: Vec<&ApiRecord> =
            records.iter().filter(|answered| answered.entity.name == entity.name).collect();
        if of_entity.is_empty() {
            continue;
        }
        let held = HeldContents::read(tx, entity, &of_entity).await?;
        of_entity.into_iter().for_each(|answered| judged.add(answered, &held));
    }
    notes.extend(judged.notes());
    Ok(judged)
}

/// What staging holds of the sampled records of an entity.
struct HeldContents<'i> {
    newest: HashMap<&'i str, NewestVersion>,
    /// Records that an undo keeps as they were.
    kept_as_before: HashSet<&'i str>,
    /// When the last complete walk of the whole entity began.
    walked: Option<Timestamp>,
}

impl<'i> HeldContents<'i> {
    async fn read(
        tx: &Tx<'_>,
        entity: &Entity,
        answered: &[&'i ApiRecord],
    ) -> Result<HeldContents<'i>, DbError> {
        let ids: Vec<&'i str> = answered.iter().map(|answered| answered.id.as_str()).collect();
        Ok(HeldContents {
            newest: versions::newest_of(tx, entity, &ids).await?,
            kept_as_before: undo::kept_as_before(tx, entity, &ids).await?,
            walked: last_whole_walk(tx, entity).await?,
        })
    }
}

impl SampleResults {
    fn add(&mut self, answered: &ApiRecord, held: &HeldContents<'_>) {
        if held.kept_as_before.contains(answered.id.as_str()) {
            self.undone += 1;
            return;
        }
        let Some(record) = &answered.record else {
            self.gone += 1;
            return;
        };
        self.sampled += 1;
        let newest = held.newest.get(answered.id.as_str());
        let candidate = read(answered.entity, answered, record);
        if newest.is_some_and(|newest| newest.hash.as_deref() == Some(blake3::hash(&record.raw).as_bytes())) {
            self.to_compare.push((answered.entity, candidate));
            return;
        }
        let brought_since = newest.is_some_and(|newest| newest.fetched_at >= answered.asked_at);
        let edited_at = edited_at(answered.entity.tables[0], &candidate);
        if was_missed(held.walked, edited_at) && !brought_since {
            self.stale.push(format!(
                "{} {}: its content at the source is not the newest held, and the last whole walk began after its last \
                 edit there{}",
                answered.entity.name,
                answered.id,
                edited_at.map(|at| format!(" ({at})")).unwrap_or_default()
            ));
        } else {
            self.changed += 1;
        }
    }

    /// Explained deviations, each kind in a sentence.
    fn notes(&self) -> Vec<String> {
        [
            (self.changed, "changed at the source since they were last walked"),
            (self.undone, "are kept as before by an undo (gazelle-sync status)"),
            (self.gone, "are gone at the source: the next whole walk will find that out"),
        ]
        .into_iter()
        .filter(|(records, _)| *records > 0)
        .map(|(records, what)| format!("{records} record(s) of the sample {what}"))
        .collect()
    }
}

/// Whether a walk that began at `walked` should have staged a record last edited at `edited_at`, as far as the
/// source tells.
fn was_missed(walked: Option<Timestamp>, edited_at: Option<Timestamp>) -> bool {
    match (walked, edited_at) {
        (Some(walked), Some(edited_at)) => edited_at < walked,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

fn read(entity: &Entity, answered: &ApiRecord, record: &Received) -> Candidate {
    let text = String::from_utf8_lossy(&record.raw);
    let content = match batch::reconcile(entity, &text, Some(&record.raw)) {
        Ok(reconciled) => VersionContent::Record(reconciled),
        Err(error) => VersionContent::Faulty(error),
    };
    Candidate {
        staging_id: Uuid::nil(),
        external_id: answered.id.clone(),
        fetched_at: answered.asked_at,
        content,
    }
}

/// When the record was last edited, according to the source.
fn edited_at(table: &Table, candidate: &Candidate) -> Option<Timestamp> {
    let VersionContent::Record(reconciled) = &candidate.content else { return None };
    let (_, row) = reconciled.rows.iter().find(|(index, _)| *index == 0)?;
    // An entity need not have that column.
    let columns = table.columns.iter().zip(&row.values);
    let (_, value) = columns.into_iter().find(|(column, _)| column.name == "source_updated_at")?;
    match value {
        Value::Instant(at) => time::instant_of(*at),
        _ => None,
    }
}

/// Writes the API's answers over the rebuilt copy, and compares the records of the sample. Returns also those that
/// could not be written there.
///
/// # Errors
/// The database's.
pub async fn compare(
    tx: &WriteTx<'_>,
    to_compare: Vec<(&'static Entity, Candidate)>,
) -> Result<(Vec<TableDifference>, Vec<UnwrittenRecord>), DbError> {
    let (mut parts, mut unplaced) = (Vec::new(), Vec::new());
    let mut left = to_compare;
    while let Some((entity, _)) = left.first() {
        let entity = *entity;
        let (of_entity, others): (Vec<_>, Vec<_>) =
            left.into_iter().partition(|(of, _)| of.name == entity.name);
        let candidates: Vec<Candidate> = of_entity.into_iter().map(|(_, candidate)| candidate).collect();
        unplaced.extend(rebuild::overwrite(tx, entity, &candidates).await?);
        let ids = candidates.into_iter().map(|candidate| candidate.external_id).collect();
        parts.push(RecordSelection::of(entity, ids));
        left = others;
    }
    Ok((compare_parts(tx, parts, Vec::new(), Detail::COMMAND).await?.tables, unplaced))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entities::read::ReconciledRecord;
    use crate::entities::table::{Row, Rule, column};
    use crate::entities::users::GAZELLE_USERS;

    #[test]
    fn a_table_need_not_say_when_its_records_were_edited() {
        static PLAIN: Table = Table {
            name: "plain",
            columns: &[column("external_id", Rule::Id, &["id"]).required()],
            ..Table::OF_RECORDS
        };
        let of = |row: Row| Candidate {
            staging_id: Uuid::nil(),
            external_id: "x".to_owned(),
            fetched_at: Timestamp::UNIX_EPOCH,
            content: VersionContent::Record(ReconciledRecord {
                rows: vec![(0, row)],
                ..ReconciledRecord::default()
            }),
        };
        assert_eq!(edited_at(&PLAIN, &of(Row { values: vec![Value::Text("x".to_owned())] })), None);
        let mut user = Row { values: vec![Value::Null; GAZELLE_USERS.columns.len()] };
        let noon = "2026-01-09T12:00:00".parse().unwrap();
        GAZELLE_USERS.set(&mut user, "source_updated_at", Value::Instant(noon));
        assert_eq!(
            edited_at(&GAZELLE_USERS, &of(user)).map(|at| at.to_string()).as_deref(),
            Some("2026-01-09T12:00:00Z")
        );
    }

    #[test]
    fn a_walk_should_have_brought_what_was_edited_before_it() {
        let at = |second| Some(Timestamp::from_second(second).unwrap());
        for (walked, edited_at, missed) in [
            (at(10), at(9), true),
            (at(10), at(10), false),
            (at(10), at(11), false),
            // The source does not say when: any walk should have brought it.
            (at(10), None, true),
            // Nothing was walked whole yet.
            (None, at(9), false),
            (None, None, false),
        ] {
            assert_eq!(was_missed(walked, edited_at), missed, "{walked:?} {edited_at:?}");
        }
    }
}
