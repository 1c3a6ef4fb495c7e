//! Reads a record: its rows, its versions, the records around it, and the explanation of one value.

use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::Value as Json;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::dashboard::named::{Name, Names};
use crate::dashboard::raw::Raw;
use crate::db::{DbError, Template, Tx};
use crate::entities::{Entity, FOREIGN_KEYS, Reference, entity_of_table, table::Table};
use crate::explain::column::{self, Cell, Explanation};
use crate::explain::diff::{self, Change};
use crate::explain::find::{self, FoundRecord};
use crate::explain::history::{self as told, History, ReadRecord};
use crate::explain::source::Sources;
use crate::staging::history::{self, Version, Versions};
use crate::staging::versions::json_text::JsonText;

/// Rows of a table that are shown.
pub(super) const MOST_ROWS: usize = 50;
/// Records that are listed of those that refer to a record by one column.
const MOST_RELATED: usize = 40;
/// Versions that are read.
pub(in crate::dashboard::screens) const MOST_VERSIONS: i64 = 50;

/// What is asked of a record.
#[derive(Debug, Clone, Default)]
pub(super) struct RecordParameters {
    /// The version whose raw record is shown, by its number or its id; that of the production row if none is given.
    pub(super) version: Option<String>,
    /// The version that it is compared with.
    pub(super) compare: Option<usize>,
    /// The column to explain: `start_at`, or `gazelle_contacts.phone` with the row.
    pub(super) explain: Option<String>,
    /// The key of the row to explain, if it is not the record's own.
    pub(super) row: Option<String>,
}

/// A record.
#[derive(Serialize)]
pub(super) struct Record {
    pub(super) rows: Vec<ProductionRow>,
    #[serde(flatten)]
    pub(super) history: History,
    pub(super) related: Vec<Name>,
    pub(super) raw: Option<RawVersion>,
    pub(super) compared: Option<Compared>,
    pub(super) explained: Option<Explanation>,
    #[serde(skip)]
    pub(super) entity: &'static Entity,
}

/// A row of production.
#[derive(Debug, Serialize)]
pub(in crate::dashboard::screens) struct ProductionRow {
    #[serde(rename = "table", serialize_with = "name_of")]
    pub(in crate::dashboard::screens) table: &'static Table,
    pub(in crate::dashboard::screens) row: Json,
    /// The same as JSON text, whose numbers have all their digits.
    #[serde(skip)]
    pub(in crate::dashboard::screens) text: String,
}

fn name_of<S: serde::Serializer>(table: &&'static Table, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(table.name)
}

/// The raw record of a version.
#[derive(Debug, Serialize)]
pub(in crate::dashboard::screens) struct RawVersion {
    pub(in crate::dashboard::screens) number: usize,
    /// Whether the bytes are those received; else Postgres has ordered the fields.
    pub(in crate::dashboard::screens) as_received: bool,
    #[serde(flatten)]
    pub(in crate::dashboard::screens) raw: Raw,
}

/// Two versions, and their differences.
#[derive(Debug, Serialize)]
pub(super) struct Compared {
    pub(super) from: usize,
    pub(super) to: usize,
    /// None if one of them holds no record.
    pub(super) changes: Option<Vec<Change>>,
}

/// What an id refers to.
pub(super) enum RecordLookup {
    Record(Box<Record>),
    /// A row of another record, by that record's id.
    Inside(String),
    Nothing,
}

/// Reads them. A page takes eight statements, one with an explanation at most three more, and four more if the value
/// repeats one of another record.
pub(super) async fn read(
    tx: &Tx<'_>,
    entity: &'static Entity,
    id: &str,
    parameters: &RecordParameters,
    zone: &TimeZone,
) -> Result<RecordLookup, DbError> {
    let rows = rows(tx, entity, id).await?;
    let versions = history::newest(tx, entity, id, MOST_VERSIONS).await?;
    let own = |row: &ProductionRow| match row.table.owner {
        None => true,
        Some(owner) => row.row[owner].as_str() == Some(id),
    };
    if versions.is_empty() && !rows.iter().any(own) {
        let holder = rows.iter().find_map(|row| row.row[row.table.owner?].as_str());
        return Ok(holder.map_or(RecordLookup::Nothing, |holder| RecordLookup::Inside(holder.to_owned())));
    }
    let sources = Sources::of(tx, &versions, zone).await?;
    let row = rows.iter().find(|row| row.table.owner.is_none()).map(|row| &row.row);
    let unreadable = history::unreadable(tx, entity, id).await?;
    let read = ReadRecord { row, versions: &versions, sources: &sources, unreadable };
    let history = told::of(entity, id, read, zone);
    let related = related(tx, entity, id, &rows).await?;
    let explained = explained(tx, entity, id, parameters, (&rows, &versions, &sources), zone).await?;
    let shown = shown(&history, &versions, parameters, explained.as_ref());
    let raw = shown.map(|index| raw(&versions, index, explained.as_ref()));
    let compared =
        raw.as_ref().zip(parameters.compare).map(|(raw, from)| compared(&versions, from, raw.number));
    Ok(RecordLookup::Record(Box::new(Record { rows, history, related, raw, compared, explained, entity })))
}

/// The rows of a record, and the row with this id inside another one.
pub(in crate::dashboard::screens) async fn rows(
    tx: &Tx<'_>,
    entity: &'static Entity,
    id: &str,
) -> Result<Vec<ProductionRow>, DbError> {
    let parts: Vec<String> =
        entity.tables.iter().enumerate().map(|(place, table)| rows_of(place, table)).collect();
    let found = tx.query(&parts.join(" UNION ALL "), &[(&id, Type::TEXT)]).await?;
    Ok(found
        .iter()
        .filter_map(|row| {
            let place = usize::try_from(row.get::<_, i32>("place")).ok()?;
            let text = row.get::<_, JsonText<'_>>("row").0.to_owned();
            let row = serde_json::from_str(&text).ok()?;
            Some(ProductionRow { table: entity.tables.get(place)?, row, text })
        })
        .collect())
}

/// The statement for the rows of one table.
fn rows_of(place: usize, table: &Table) -> String {
    let by_key = (table.key.len() == 1).then(|| format!("t.{} = $1", table.key[0]));
    let by_owner = table.owner.map(|owner| format!("t.{owner} = $1"));
    let conditions: Vec<String> = by_key.into_iter().chain(by_owner).collect();
    let keys: Vec<String> = table.key.iter().map(|key| format!("t.{key}")).collect();
    Template::new(include_str!("rows_of.sql").trim_end())
        .with("place", place.to_string())
        .with("table", table.name)
        .with("condition", conditions.join(" OR "))
        .with("keys", keys.join(", "))
        .with("most", (MOST_ROWS + 1).to_string())
        .fill()
}

/// The records that this one refers to, as far as production has them, and those that refer to it.
async fn related(
    tx: &Tx<'_>,
    entity: &'static Entity,
    id: &str,
    rows: &[ProductionRow],
) -> Result<Vec<Name>, DbError> {
    let mut parents: Vec<(&str, &str)> = Vec::new();
    for row in rows.iter().filter(|row| row.row["deleted_at"].is_null()) {
        for (_, column, of) in FOREIGN_KEYS.iter().filter(|(table, _, _)| *table == row.table.name) {
            let Some(other) = entity_of_table(of).filter(|other| other.name != entity.name) else { continue };
            let parent = row.row[*column].as_str().map(|id| (other.name, id));
            parents.extend(parent.filter(|parent| !parents.contains(parent)));
        }
    }
    let children = children(tx, entity, id).await?;
    let children = children.iter().map(|row| (row.get("entity"), row.get("external_id")));
    let mut children: Vec<(&str, &str)> = children.collect();
    let mut seen = std::collections::HashSet::new();
    children.retain(|child| seen.insert(*child));
    let names = Names::read(tx, parents.iter().chain(&children).copied()).await?;
    let parents = parents.iter().filter_map(|(entity, id)| names.known(entity, id));
    // Day and hour are enough for an appointment: its client is the same for all on the page of a client.
    let children = children.iter().map(|(entity, id)| match names.of(entity, id) {
        name if name.start_at.is_some() => Name { more: None, ..name },
        name => name,
    });
    Ok(parents.cloned().chain(children).collect())
}

/// The records that refer to this one, by entity.
async fn children(tx: &Tx<'_>, entity: &Entity, id: &str) -> Result<Vec<Row>, DbError> {
    let parts: Vec<String> =
        entity.referred_by().enumerate().map(|(place, by)| children_by(place, by)).collect();
    if parts.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT c.entity, c.external_id FROM ({}) AS c ORDER BY c.place, c.start_at DESC, c.external_id",
        parts.join("\nUNION ALL\n")
    );
    tx.query(&sql, &[(&id, Type::TEXT)]).await
}

/// The statement for the records that refer to it by one column.
fn children_by(place: usize, Reference { entity, table, column }: Reference) -> String {
    let condition = match table.owner {
        None => format!("child.{column} = $1"),
        Some(owner) => format!(
            "child.external_id IN (SELECT r.{owner} FROM {{schema}}.{} r WHERE r.{column} = $1)",
            table.name
        ),
    };
    let time = entity.time_column.map(|column| format!("child.{column}"));
    let order = match &time {
        Some(time) => format!("{time} DESC"),
        None => "child.deleted_at IS NOT NULL, child.external_id".to_owned(),
    };
    Template::new(include_str!("related.sql").trim_end())
        .with("place", place.to_string())
        .with("entity", entity.name)
        .with("records", entity.tables[0].name)
        .with("condition", condition)
        .with("start_at", time.unwrap_or_else(|| "NULL::timestamptz".to_owned()))
        .with("order", order)
        .with("most", MOST_RELATED.to_string())
        .fill()
}

/// The explanation of the column that is asked for.
async fn explained(
    tx: &Tx<'_>,
    entity: &'static Entity,
    id: &str,
    parameters: &RecordParameters,
    (rows, versions, sources): (&[ProductionRow], &Versions, &Sources),
    zone: &TimeZone,
) -> Result<Option<Explanation>, DbError> {
    let Some(asked) = &parameters.explain else { return Ok(None) };
    let (table, column) = asked.split_once('.').unwrap_or((entity.tables[0].name, asked));
    let key = parameters.row.as_deref().unwrap_or(id);
    let is_asked = |row: &&ProductionRow| row.table.name == table && find::key_of(row.table, &row.row) == key;
    let Some(row) = rows.iter().find(is_asked) else { return Ok(None) };
    let found = FoundRecord { entity, record_id: id.to_owned(), rows: Vec::new() };
    let cell = Cell { table: row.table, row: &row.row, column };
    column::explain_from(tx, &found, cell, (versions, sources), zone).await
}

/// The index of the version whose raw record is shown.
fn shown(
    history: &History,
    versions: &Versions,
    parameters: &RecordParameters,
    explained: Option<&Explanation>,
) -> Option<usize> {
    let by_number = |number: usize| (0..versions.len()).find(|index| versions.number(*index) == number);
    let by_id = |id: Uuid| versions.iter().position(|version| version.staging_id == id);
    let asked = parameters.version.as_deref();
    let asked = asked.and_then(|text| match text.parse() {
        Ok(number) => by_number(number),
        Err(_) => text.parse().ok().and_then(by_id),
    });
    let explained = explained.and_then(|told| by_number(told.source.as_ref()?.version));
    let named = history.in_production.as_ref().and_then(|row| row.staging_id);
    let named = named.and_then(by_id);
    asked.or(explained).or(named).or(versions.len().checked_sub(1))
}

/// The raw record of a version. Marked is where the explained value comes from.
fn raw(versions: &Versions, index: usize, explained: Option<&Explanation>) -> RawVersion {
    let number = versions.number(index);
    let mark = explained.and_then(|told| path_of(told, number));
    raw_of(&versions[index], number, mark)
}

/// The raw record of a version with a marked place.
pub(in crate::dashboard::screens) fn raw_of(
    version: &Version,
    number: usize,
    mark: Option<&str>,
) -> RawVersion {
    let raw = match &version.original {
        Some(bytes) => Raw::of(&String::from_utf8_lossy(bytes), mark),
        None => Raw::of(&version.json, mark),
    };
    RawVersion { number, as_received: version.original.is_some(), raw }
}

/// The path that a value comes from, if it comes from this version, or one that it rests on does.
fn path_of(told: &Explanation, version: usize) -> Option<&str> {
    let is_of_it = told.source.as_ref().is_some_and(|source| source.version == version);
    let own = told.looked_at.iter().find(|looked| looked.used).or(told.looked_at.first());
    let own = own.filter(|_| is_of_it).map(|looked| looked.path.as_str());
    let rests_on = || told.rests_on.iter().filter(|inner| inner.entity == told.entity);
    own.or_else(|| rests_on().find_map(|inner| path_of(inner, version)))
}

fn compared(versions: &Versions, from: usize, to: usize) -> Compared {
    let record = |number: usize| -> Option<Json> {
        let index = (0..versions.len()).find(|index| versions.number(*index) == number)?;
        let version = versions.get(index).filter(|version| !version.is_tombstone)?;
        serde_json::from_str(&version.readable()?).ok()
    };
    let changes = record(from).zip(record(to)).map(|(from, to)| diff::changes(&from, &to));
    Compared { from, to, changes }
}
