//! Applying a batch: rows, outcome and quarantine of its records, in one transaction.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::batch::{Candidate, Says};
use super::upsert::{Lined, upsert};
use crate::db::{DbError, Tx};
use crate::entities::Entity;
use crate::entities::read::{Reconciled, RecordError};
use crate::entities::table::{Row, Table};
use crate::staging::{outcome, pending, quarantine};

/// What applying a batch came to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// Versions now processed.
    pub processed: u64,
    /// Versions now in quarantine.
    pub errors: u64,
    /// Records newly marked deleted.
    pub deleted: u64,
    /// Production rows inserted, updated or marked.
    pub rows_written: u64,
}

impl std::ops::AddAssign for Applied {
    fn add_assign(&mut self, other: Applied) {
        self.processed += other.processed;
        self.errors += other.errors;
        self.deleted += other.deleted;
        self.rows_written += other.rows_written;
    }
}

/// Production's own tables have no prefix.
const PRODUCTION: &str = "";

/// A good version among the candidates.
struct Good<'b> {
    candidate: &'b Candidate,
    reconciled: &'b Reconciled,
}

/// Applies candidates of which no two are versions of the same record. The caller commits.
pub async fn apply(
    tx: &Tx<'_>,
    entity: &Entity,
    batch: &[Candidate],
    run_id: Uuid,
    at: Timestamp,
) -> Result<Applied, DbError> {
    let mut applied = Applied::default();
    let mut processed: Vec<Uuid> = Vec::new();
    let mut faulty: Vec<(&Candidate, RecordError)> = Vec::new();
    let mut good: Vec<Good<'_>> = Vec::new();
    let mut gone: Vec<&Candidate> = Vec::new();
    let superseded = superseded(tx, entity, batch, run_id).await?;
    for candidate in batch {
        if superseded.contains(&candidate.staging_id) {
            processed.push(candidate.staging_id);
            continue;
        }
        match &candidate.says {
            Says::Is(reconciled) => good.push(Good { candidate, reconciled }),
            Says::Gone => gone.push(candidate),
            Says::Faulty(error) => faulty.push((candidate, error.clone())),
        }
    }

    let absent = absent_parents(tx, entity, &good, PRODUCTION).await?;
    good.retain(|good| match waits_for(entity, good, &absent) {
        Some(error) => {
            faulty.push((good.candidate, error));
            false
        }
        None => true,
    });

    applied.rows_written = write_rows(tx, entity, &good, PRODUCTION).await?;
    applied.deleted = mark_gone(tx, entity.tables[0], &gone, PRODUCTION).await?;
    applied.rows_written += applied.deleted;
    if let Some(refresh) = entity.after_apply
        && !good.is_empty()
    {
        let ids: Vec<&str> = good.iter().map(|good| good.candidate.external_id.as_str()).collect();
        applied.rows_written += tx.execute(refresh, &[(&ids, Type::TEXT_ARRAY)]).await?;
    }

    processed.extend(good.iter().map(|good| good.candidate.staging_id));
    processed.extend(gone.iter().map(|candidate| candidate.staging_id));
    outcome::processed(tx, entity, &processed, at).await?;
    note_faults(tx, entity, &faulty, at).await?;
    let landed: Vec<(&str, Uuid, Timestamp)> = good
        .iter()
        .map(|good| good.candidate)
        .chain(gone.iter().copied())
        .map(|landed| (landed.external_id.as_str(), landed.staging_id, landed.fetched_at))
        .collect();
    if !landed.is_empty() {
        quarantine::close(tx, entity, &landed, at).await?;
    }
    note_warnings(tx, entity, &good, run_id, at).await?;
    applied.processed = processed.len() as u64;
    applied.errors = faulty.len() as u64;
    Ok(applied)
}

/// Writes the rows that candidates give into tables whose names start with `prefix`, and nothing else: no
/// outcome, no quarantine. Faulty ones and those whose parent is absent are left out.
pub async fn write_only<'b>(
    tx: &Tx<'_>,
    entity: &Entity,
    batch: impl Iterator<Item = &'b Candidate> + Clone,
    prefix: &str,
) -> Result<(), DbError> {
    let mut good: Vec<Good<'_>> = batch
        .clone()
        .filter_map(|candidate| match &candidate.says {
            Says::Is(reconciled) => Some(Good { candidate, reconciled }),
            _ => None,
        })
        .collect();
    let gone: Vec<&Candidate> = batch.filter(|candidate| matches!(candidate.says, Says::Gone)).collect();
    let absent = absent_parents(tx, entity, &good, prefix).await?;
    good.retain(|good| waits_for(entity, good, &absent).is_none());
    write_rows(tx, entity, &good, prefix).await?;
    mark_gone(tx, entity.tables[0], &gone, prefix).await?;
    Ok(())
}

/// The rows of good versions, table by table, parents first.
async fn write_rows(tx: &Tx<'_>, entity: &Entity, good: &[Good<'_>], prefix: &str) -> Result<u64, DbError> {
    let mut written = 0;
    let mut all_new = false;
    for (index, table) in entity.tables.iter().enumerate() {
        // Records that were not there a moment ago cannot have left anything out.
        if !all_new {
            written += mark_left_out(tx, table, index, good, prefix).await?;
        }
        let rows: Vec<Lined<'_>> = good
            .iter()
            .flat_map(|good| {
                good.reconciled.rows.iter().filter(move |(of, _)| *of == index).map(|(_, row)| Lined {
                    row,
                    staging_id: good.candidate.staging_id,
                    fetched_at: good.candidate.fetched_at,
                })
            })
            .collect();
        let rows = if table.owner.is_some() { latest_claims(table, rows) } else { rows };
        let wrote = upsert(tx, entity, table, &rows, prefix).await?;
        written += wrote.inserted + wrote.updated;
        if index == 0 {
            all_new = wrote.inserted == good.len() as u64;
        }
    }
    Ok(written)
}

/// A row that several records claim (a contact that moved between two clients read at different times) goes to
/// the one seen last.
fn latest_claims<'r>(table: &Table, rows: Vec<Lined<'r>>) -> Vec<Lined<'r>> {
    let key = |row: &Row| -> Vec<String> {
        table.key.iter().map(|key| table.get(row, key).as_text().unwrap_or_default().to_owned()).collect()
    };
    let mut position: HashMap<Vec<String>, usize> = HashMap::new();
    let mut kept: Vec<Lined<'r>> = Vec::with_capacity(rows.len());
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

/// The candidates of whose record production holds a newer version already: they change nothing. What this run
/// staged was the newest of its record when it was staged, and is applied in that order.
async fn superseded(
    tx: &Tx<'_>,
    entity: &Entity,
    batch: &[Candidate],
    run_id: Uuid,
) -> Result<HashSet<Uuid>, DbError> {
    let others: Vec<&Candidate> =
        batch.iter().filter(|candidate| candidate.staged_by != Some(run_id)).collect();
    if others.is_empty() {
        return Ok(HashSet::new());
    }
    let ids: Vec<Uuid> = others.iter().map(|candidate| candidate.staging_id).collect();
    let external_ids: Vec<&str> = others.iter().map(|candidate| candidate.external_id.as_str()).collect();
    let fetched_at: Vec<Timestamp> = others.iter().map(|candidate| candidate.fetched_at).collect();
    let rows = pending::superseded(tx, entity, &ids, &external_ids, &fetched_at).await?;
    Ok(rows.into_iter().collect())
}

/// The parents named by these records that production does not hold: table and id.
async fn absent_parents(
    tx: &Tx<'_>,
    entity: &Entity,
    good: &[Good<'_>],
    prefix: &str,
) -> Result<HashSet<(&'static str, String)>, DbError> {
    let mut named: HashMap<&'static str, HashSet<&str>> = HashMap::new();
    for good in good {
        for (_, table, id, _) in parents_of(entity, good) {
            named.entry(table).or_default().insert(id);
        }
    }
    let mut absent = HashSet::new();
    for (table, ids) in named {
        let ids: Vec<&str> = ids.into_iter().collect();
        let rows = tx
            .query(
                &include_str!("absent_parents.sql").replace("{parent}", table).replace("{prefix}", prefix),
                &[(&ids, Type::TEXT_ARRAY)],
            )
            .await?;
        absent.extend(rows.iter().map(|row| (table, row.get::<_, String>(0))));
    }
    Ok(absent)
}

/// The error of a record that names an absent parent.
fn waits_for(
    entity: &Entity,
    good: &Good<'_>,
    absent: &HashSet<(&'static str, String)>,
) -> Option<RecordError> {
    if absent.is_empty() {
        return None;
    }
    parents_of(entity, good).find(|(_, table, id, _)| absent.contains(&(*table, (*id).to_owned()))).map(
        |(index, table, id, path)| {
            let place = match entity.nested.first() {
                Some(nested) if index > 0 => format!("{}.nodes.{path}", nested.path[0]),
                _ => path.to_owned(),
            };
            RecordError::missing_parent(place, table, id)
        },
    )
}

/// Every parent a record names: the position of the naming row's table, the parent's table and id, and
/// the path that names it.
fn parents_of<'g>(
    entity: &'g Entity,
    good: &'g Good<'_>,
) -> impl Iterator<Item = (usize, &'static str, &'g str, &'static str)> + 'g {
    good.reconciled.rows.iter().flat_map(move |(index, row)| {
        entity.tables[*index].columns.iter().zip(&row.values).filter_map(move |(column, value)| {
            Some((
                *index,
                column.parent?,
                value.as_text()?,
                column.from.first().copied().unwrap_or(column.name),
            ))
        })
    })
}

/// Marks as deleted the rows of these owners that their newest version holds no more.
async fn mark_left_out(
    tx: &Tx<'_>,
    table: &Table,
    index: usize,
    good: &[Good<'_>],
    prefix: &str,
) -> Result<u64, DbError> {
    let Some(owner) = table.owner else { return Ok(0) };
    let Some(member) = table.key.iter().find(|key| **key != owner) else { return Ok(0) };
    let (mut owners, mut seen_at) = (Vec::new(), Vec::new());
    let (mut holders, mut members) = (Vec::new(), Vec::new());
    for good in good {
        owners.push(good.candidate.external_id.as_str());
        seen_at.push(good.candidate.fetched_at);
        for (_, row) in good.reconciled.rows.iter().filter(|(of, _)| *of == index) {
            if let Some(id) = table.get(row, member).as_text() {
                holders.push(good.candidate.external_id.as_str());
                members.push(id);
            }
        }
    }
    tx.execute(
        &include_str!("mark_left_out.sql")
            .replace("{prefix}", prefix)
            .replace("{table}", table.name)
            .replace("{owner}", owner)
            .replace("{member}", member),
        &[
            (&owners, Type::TEXT_ARRAY),
            (&seen_at, Type::TIMESTAMPTZ_ARRAY),
            (&holders, Type::TEXT_ARRAY),
            (&members, Type::TEXT_ARRAY),
        ],
    )
    .await
}

/// Marks records as deleted at the time their tombstone was staged. Their children stay as they are.
async fn mark_gone(tx: &Tx<'_>, table: &Table, gone: &[&Candidate], prefix: &str) -> Result<u64, DbError> {
    if gone.is_empty() {
        return Ok(0);
    }
    let ids: Vec<&str> = gone.iter().map(|candidate| candidate.external_id.as_str()).collect();
    let seen_at: Vec<Timestamp> = gone.iter().map(|candidate| candidate.fetched_at).collect();
    tx.execute(
        &include_str!("mark_gone.sql").replace("{prefix}", prefix).replace("{table}", table.name),
        &[(&ids, Type::TEXT_ARRAY), (&seen_at, Type::TIMESTAMPTZ_ARRAY)],
    )
    .await
    .inspect(|_| crate::crash::at(crate::crash::Step::RowsMarkedGone))
}

async fn note_faults(
    tx: &Tx<'_>,
    entity: &Entity,
    faulty: &[(&Candidate, RecordError)],
    at: Timestamp,
) -> Result<(), DbError> {
    let marks: Vec<(Uuid, &RecordError)> =
        faulty.iter().map(|(candidate, error)| (candidate.staging_id, error)).collect();
    outcome::faulty(tx, entity, &marks, at).await?;
    let faults: Vec<quarantine::Fault<'_>> = faulty
        .iter()
        .map(|(candidate, error)| quarantine::Fault {
            staging_id: candidate.staging_id,
            external_id: &candidate.external_id,
            error,
        })
        .collect();
    quarantine::open(tx, entity, &faults, at).await
}

/// Keeps the quality warnings of these records as their newest versions have them.
async fn note_warnings(
    tx: &Tx<'_>,
    entity: &Entity,
    good: &[Good<'_>],
    run_id: Uuid,
    at: Timestamp,
) -> Result<(), DbError> {
    let ids: Vec<&str> = good.iter().map(|good| good.candidate.external_id.as_str()).collect();
    let (mut external_ids, mut codes, mut fields, mut staging_ids) = (vec![], vec![], vec![], vec![]);
    let mut noted: HashSet<(&str, &str, &str)> = HashSet::new();
    for good in good {
        for warning in &good.reconciled.warnings {
            if noted.insert((&good.candidate.external_id, warning.code, &warning.field)) {
                external_ids.push(good.candidate.external_id.as_str());
                codes.push(warning.code);
                fields.push(warning.field.as_str());
                staging_ids.push(good.candidate.staging_id);
            }
        }
    }
    tx.execute(
        include_str!("drop_settled_warnings.sql"),
        &[
            (&entity.name, Type::TEXT),
            (&ids, Type::TEXT_ARRAY),
            (&external_ids, Type::TEXT_ARRAY),
            (&codes, Type::TEXT_ARRAY),
            (&fields, Type::TEXT_ARRAY),
        ],
    )
    .await?;
    if codes.is_empty() {
        return Ok(());
    }
    tx.execute(
        include_str!("note_warnings.sql"),
        &[
            (&entity.name, Type::TEXT),
            (&external_ids, Type::TEXT_ARRAY),
            (&codes, Type::TEXT_ARRAY),
            (&fields, Type::TEXT_ARRAY),
            (&staging_ids, Type::UUID_ARRAY),
            (&run_id, Type::UUID),
            (&at, Type::TIMESTAMPTZ),
        ],
    )
    .await?;
    Ok(())
}
