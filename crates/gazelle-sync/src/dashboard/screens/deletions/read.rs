//! Reads the deletions that were found.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::dashboard::named::{Name, Names};
use crate::db::{DbError, Template, Tx};
use crate::entities::{ENTITIES, Entity, Reference};
use crate::staging::deletions::{self, FoundDeletion};

/// Records of a run that are listed.
pub(in crate::dashboard::screens) const MOST: i64 = 200;

/// What waits of a run and an entity.
#[derive(Debug, Serialize)]
pub(in crate::dashboard::screens) struct Group {
    pub(in crate::dashboard::screens) run_id: Uuid,
    pub(in crate::dashboard::screens) entity: String,
    pub(in crate::dashboard::screens) records: i64,
    /// When the first of them was found.
    pub(in crate::dashboard::screens) found_at: Timestamp,
    /// When the run started.
    pub(in crate::dashboard::screens) started_at: Timestamp,
    /// Rows in production at the end of the run.
    pub(in crate::dashboard::screens) in_production: Option<i64>,
}

impl Group {
    /// How many records the entity had.
    pub(in crate::dashboard::screens) fn held(&self) -> Option<u64> {
        self.in_production.and_then(|held| u64::try_from(held).ok()).filter(|held| *held > 0)
    }
}

/// What was found, whatever was decided of it.
#[derive(Debug, Default, Serialize)]
pub(in crate::dashboard::screens) struct Marked {
    /// Deletions that were found.
    pub(in crate::dashboard::screens) found: i64,
    pub(in crate::dashboard::screens) since: Option<Timestamp>,
    /// Those that were marked deleted.
    pub(in crate::dashboard::screens) records: i64,
}

/// The deletions of a run.
#[derive(Debug, Serialize)]
pub(in crate::dashboard::screens) struct RunDeletions {
    pub(in crate::dashboard::screens) waiting: Vec<Group>,
    pub(in crate::dashboard::screens) records: Vec<Deletion>,
}

/// A record that was found gone.
#[derive(Debug, Serialize)]
pub(in crate::dashboard::screens) struct Deletion {
    #[serde(flatten)]
    pub(in crate::dashboard::screens) found: FoundDeletion,
    pub(in crate::dashboard::screens) name: Name,
    /// When its last new version was staged: an unchanged record is seen later too, and not staged again.
    #[serde(rename = "last_version_at")]
    pub(in crate::dashboard::screens) last_seen_at: Option<Timestamp>,
    pub(in crate::dashboard::screens) hanging: Vec<ReferringRecords>,
}

/// The records of an entity that refer to a record.
#[derive(Debug, Clone, Serialize)]
pub(in crate::dashboard::screens) struct ReferringRecords {
    /// The entity.
    pub(in crate::dashboard::screens) kind: &'static str,
    /// How many records.
    pub(in crate::dashboard::screens) rows: i64,
}

impl Deletion {
    /// Whether a version of it came after it was found gone: it is kept whatever is decided.
    pub(in crate::dashboard::screens) fn is_seen_since(&self) -> bool {
        self.last_seen_at.is_some_and(|seen| seen > self.found.found_at)
    }
}

/// What waits, by run and entity; only of one run if it is given.
pub(in crate::dashboard::screens) async fn groups(
    tx: &Tx<'_>,
    run: Option<Uuid>,
) -> Result<Vec<Group>, DbError> {
    let rows = tx.query(include_str!("groups.sql"), &[(&run, Type::UUID)]).await?;
    Ok(rows
        .iter()
        .map(|row| Group {
            run_id: row.get("run_id"),
            entity: row.get("entity"),
            records: row.get("records"),
            found_at: row.get("found_at"),
            started_at: row.get("started_at"),
            in_production: row.get("in_production"),
        })
        .collect())
}

/// What was found, whatever was decided of it.
pub(in crate::dashboard::screens) async fn marked(tx: &Tx<'_>) -> Result<Marked, DbError> {
    let rows = tx.query(include_str!("marked.sql"), &[]).await?;
    let marked = |row: &tokio_postgres::Row| Marked {
        found: row.get("records"),
        since: row.get("since"),
        records: row.get("marked"),
    };
    Ok(rows.first().map(marked).unwrap_or_default())
}

/// How many records refer to each of these records, by its entity and id, and by the entity of those that refer to it.
async fn hanging(
    tx: &Tx<'_>,
    entities: &[&str],
    ids: &[&str],
) -> Result<BTreeMap<(String, String), Vec<ReferringRecords>>, DbError> {
    let concerned = ENTITIES.iter().filter(|entity| entities.contains(&entity.name));
    let references: Vec<(&Entity, Reference)> =
        concerned.flat_map(|entity| entity.referred_by().map(|by| (*entity, by))).collect();
    let mut hanging: BTreeMap<(String, String), Vec<ReferringRecords>> = BTreeMap::new();
    if references.is_empty() {
        return Ok(hanging);
    }
    let statements = references.iter().enumerate().map(|(place, (entity, by))| {
        Template::new(include_str!("hanging.sql").trim_end())
            .with("place", place.to_string())
            .with("entity", entity.name)
            .with("table", by.table.name)
            .with("column", by.column)
            .with("counted", by.record_column())
            .fill()
    });
    let sql = format!("{}\nORDER BY place", statements.collect::<Vec<_>>().join("\nUNION ALL\n"));
    let params = [(&entities as _, Type::TEXT_ARRAY), (&ids as _, Type::TEXT_ARRAY)];
    for row in &tx.query(&sql, &params).await? {
        let place = usize::try_from(row.get::<_, i32>("place")).unwrap_or_default();
        let Some((_, by)) = references.get(place) else { continue };
        let of_record = hanging.entry((row.get("entity"), row.get("external_id"))).or_default();
        of_record.push(ReferringRecords { kind: by.entity.name, rows: row.get("records") });
    }
    Ok(hanging)
}

/// The deletions that a run found, in five statements.
pub(in crate::dashboard::screens) async fn of_run(tx: &Tx<'_>, run: Uuid) -> Result<RunDeletions, DbError> {
    let found = deletions::found_in(tx, false, Some(run), MOST + 1).await?;
    let pairs = || found.iter().map(|one| (one.entity.as_str(), one.external_id.as_str()));
    let (entities, ids): (Vec<&str>, Vec<&str>) = pairs().unzip();
    let seen = deletions::last_seen(tx, &entities, &ids).await?;
    let seen: BTreeMap<(String, String), Timestamp> =
        seen.into_iter().map(|(entity, id, at)| ((entity, id), at)).collect();
    let mut hanging = hanging(tx, &entities, &ids).await?;
    let names = Names::read(tx, pairs()).await?;
    let records = found.into_iter().map(|found| {
        let record = (found.entity.clone(), found.external_id.clone());
        Deletion {
            name: names.of(&record.0, &record.1),
            last_seen_at: seen.get(&record).copied(),
            hanging: hanging.remove(&record).unwrap_or_default(),
            found,
        }
    });
    Ok(RunDeletions { records: records.collect(), waiting: groups(tx, Some(run)).await? })
}
