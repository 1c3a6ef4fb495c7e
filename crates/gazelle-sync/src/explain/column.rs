//! Traces one value in production back to its staged version.

use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;
use serde_json::Value as Json;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::earlier::{self, EarlierValue};
pub use super::filled_by::FilledBy;
use super::filled_by::LINEAGE;
use super::find::{self, FoundRecord};
use super::source::{Request, Run, Sources, completed_by};
use super::times::{self, Times};
use super::{Moment, inside, value};
use crate::db::{DbError, Tx};
use crate::entities::table::{Column, Rule, Table, View};
use crate::entities::{self, Entity};
use crate::staging::history::{self, Version, Versions};
use crate::time;

/// Where a value came from.
#[derive(Debug, Serialize)]
pub struct Explanation {
    /// `appointments`, …
    pub entity: &'static str,
    /// The table.
    pub table: &'static str,
    /// The row's key.
    pub row: String,
    /// The column.
    pub column: String,
    /// The value in production.
    pub value: Json,
    /// Since when the row is marked deleted; `None` if it is not.
    pub deleted_at: Option<Moment>,
    /// What fills the column.
    pub filled_by: FilledBy,
    /// How it is filled, for display.
    pub rule: String,
    /// The version that the row names; `None` if the column is not filled from one, or it is no longer held.
    pub source: Option<Source>,
    /// The paths that were checked, in order; the value comes from the first that holds one.
    pub looked_at: Vec<CheckedPath>,
    /// The value that the reconciler computes from that version now.
    pub made: Option<Json>,
    /// Whether production holds that value; `None` if they cannot be compared.
    pub agrees: Option<bool>,
    /// For dates and times, the steps from the record's text to the local time.
    pub times: Option<Times>,
    /// The explanations of the values that this one is computed or copied from.
    pub rests_on: Vec<Explanation>,
    /// The value in each version of the record, oldest first; repeated values are omitted.
    pub said: Vec<EarlierValue>,
}

/// The version that a row names.
#[derive(Debug, Serialize)]
pub struct Source {
    /// The record's id.
    pub record: String,
    /// Its position among the versions held, from 1.
    pub version: usize,
    /// How many are held.
    pub versions_held: usize,
    /// The staging row.
    pub staging_id: Uuid,
    /// When it was seen.
    pub seen_at: Moment,
    /// The run that staged it.
    pub run: Option<Run>,
    /// The request that fetched it; `None` for a version inserted by hand.
    pub request: Option<Request>,
    /// The requests that completed its long lists.
    pub completed_by: Vec<Request>,
}

/// A path in the record that was checked.
#[derive(Debug, Serialize)]
pub struct CheckedPath {
    /// The path, from the record's root.
    pub path: String,
    /// Whether it holds a value; null counts as none.
    pub found: bool,
    /// The value, as it is in the record.
    pub raw: Json,
    /// Whether the value was taken from here.
    pub used: bool,
}

/// The input of an explanation: the row, and all versions of its record.
struct ColumnExplainer<'t, 'c> {
    tx: &'t Tx<'c>,
    zone: &'t TimeZone,
    entity: &'static Entity,
    table: &'static Table,
    row: &'t Json,
    key: String,
    record_id: String,
    versions: &'t Versions,
    sources: &'t Sources,
}

/// A value of a row.
#[derive(Debug, Clone, Copy)]
pub struct Cell<'a> {
    /// The table.
    pub table: &'static Table,
    /// The row.
    pub row: &'a Json,
    /// The column.
    pub column: &'a str,
}

/// The columns of a table that can be explained.
///
/// # Errors
/// Those of the database.
pub async fn columns(tx: &Tx<'_>, table: &Table) -> Result<Vec<String>, DbError> {
    let rows = tx.query(include_str!("columns.sql"), &[(&table.name, Type::TEXT)]).await?;
    let mut names: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let of_view = table.shown_by.iter().flat_map(|view| view.columns);
    names.extend(of_view.map(|(name, _)| (*name).to_owned()));
    Ok(names)
}

/// Explains a column of a row; `None` if the table has no such column.
///
/// # Errors
/// Those of the database.
pub async fn explain(
    tx: &Tx<'_>,
    found: &FoundRecord,
    table: &'static Table,
    row: &Json,
    column: &str,
    zone: &TimeZone,
) -> Result<Option<Explanation>, DbError> {
    let record_id = find::record_of(table, row, &found.record_id);
    let versions = history::versions(tx, found.entity, &record_id).await?;
    let sources = Sources::of(tx, &versions, zone).await?;
    explain_from(tx, found, Cell { table, row, column }, (&versions, &sources), zone).await
}

/// The same from versions of the record, and their runs and requests, that were read before.
///
/// # Errors
/// Those of the database.
pub async fn explain_from(
    tx: &Tx<'_>,
    found: &FoundRecord,
    cell: Cell<'_>,
    (versions, sources): (&Versions, &Sources),
    zone: &TimeZone,
) -> Result<Option<Explanation>, DbError> {
    let Cell { table, row, column } = cell;
    let explainer = ColumnExplainer {
        tx,
        zone,
        entity: found.entity,
        table,
        row,
        key: find::key_of(table, row),
        record_id: find::record_of(table, row, &found.record_id),
        versions,
        sources,
    };
    explainer.column(column).await
}

impl ColumnExplainer<'_, '_> {
    async fn column(&self, name: &str) -> Result<Option<Explanation>, DbError> {
        let declared = self.table.columns.iter().find(|column| column.name == name);
        let mut explanation = if let Some(column) = declared {
            self.declared(column).await?
        } else if let Some(theirs) = self.derived(name) {
            self.of_another_row(name, theirs).await?
        } else if let Some(expression) = self.generated(name).await? {
            self.computed(name, &expression).await?
        } else if let Some((_, rule)) = LINEAGE.iter().find(|(lineage, _)| *lineage == name) {
            self.lineage(name, rule).await?
        } else if let Some((view, from)) = self.table.in_view(name) {
            self.shown(name, view, from).await?
        } else {
            return Ok(None);
        };
        if let (Some(view), Some(times)) = (&self.table.shown_by, &mut explanation.times)
            && view.follows_from.contains(&name)
        {
            times.view = times::shown(self.tx, view, &self.key).await?;
        }
        Ok(Some(explanation))
    }

    fn deleted_at(&self) -> Option<Timestamp> {
        self.row["deleted_at"].as_str().and_then(|text| text.parse().ok())
    }

    fn blank(&self, name: &str, filled_by: FilledBy, rule: String) -> Explanation {
        Explanation {
            entity: self.entity.name,
            table: self.table.name,
            row: self.key.clone(),
            column: name.to_owned(),
            value: self.row[name].clone(),
            deleted_at: self.deleted_at().map(|at| Moment::of(at, self.zone)),
            filled_by,
            rule,
            source: None,
            looked_at: Vec::new(),
            made: None,
            agrees: None,
            times: None,
            rests_on: Vec::new(),
            said: Vec::new(),
        }
    }

    fn keys(&self) -> Vec<&str> {
        self.table.key.iter().map(|column| self.row[*column].as_str().unwrap_or_default()).collect()
    }

    /// The version that the row names, if it is held.
    fn version(&self) -> Option<(usize, &Version)> {
        let named = self.row["staging_id"].as_str()?.parse::<Uuid>().ok()?;
        self.versions.iter().enumerate().find(|(_, version)| version.staging_id == named)
    }

    /// The run and requests that fetched a version. `ids` are those of the row and the objects around it, whose
    /// long lists further requests may have completed.
    async fn source(
        &self,
        version: Option<(usize, &Version)>,
        ids: &[&str],
    ) -> Result<Option<Source>, DbError> {
        let Some((index, version)) = version else { return Ok(None) };
        let request = self.sources.request(version);
        let operations: Vec<&str> = self.entity.nested().map(|nested| nested.operation).collect();
        let completed_by = match &request {
            Some(request) if !self.table.inside().is_empty() => {
                completed_by(self.tx, request, &operations, ids, self.zone).await?
            }
            _ => Vec::new(),
        };
        Ok(Some(Source {
            record: self.record_id.clone(),
            version: self.versions.number(index),
            versions_held: self.versions.held,
            staging_id: version.staging_id,
            seen_at: Moment::of(version.seen_at, self.zone),
            run: self.sources.run(version),
            request,
            completed_by,
        }))
    }

    /// A column that the reconciler fills from the record.
    async fn declared(&self, column: &Column) -> Result<Explanation, DbError> {
        let (filled_by, rule, paths) = match &column.made {
            Some(made) => (FilledBy::Reconciler, made.how.to_owned(), made.from),
            None => (FilledBy::Record, column.rule.describe().to_owned(), column.from),
        };
        let mut explanation = self.blank(column.name, filled_by, rule);
        let keys = self.keys();
        explanation.said =
            earlier::values(self.entity, self.table, &keys, column.name, self.versions, self.zone);
        let mut ids: Vec<String> = Vec::new();
        if let Some((_, version)) = self.version() {
            let text = version.readable();
            let read = |text| serde_json::from_str::<serde_json_borrow::Value<'_>>(text).ok();
            let record = text.as_deref().and_then(read);
            let item = record.as_ref().and_then(|record| inside::find(self.table, record, &keys));
            if let Some(item) = item {
                ids.extend(item.ids().into_iter().map(str::to_owned));
                let mut used = false;
                for path in paths {
                    let at_path = item.follow(path);
                    let raw = at_path.value.map(|value| value.to_string());
                    let raw = raw.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(Json::Null);
                    let taken = at_path.value.is_some() && !used && column.made.is_none();
                    used |= taken;
                    explanation.looked_at.push(CheckedPath {
                        path: at_path.path,
                        found: at_path.value.is_some(),
                        raw,
                        used: taken,
                    });
                }
            }
            let (made, _) = earlier::of(self.entity, self.table, &keys, column.name, version);
            explanation.agrees = value::agrees(column.rule, &made, &explanation.value);
            explanation.made = Some(made);
        }
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        explanation.source = self.source(self.version(), &ids).await?;
        if matches!(column.rule, Rule::Instant | Rule::UtcDate | Rule::UtcTime) {
            let raw = explanation.looked_at.iter().find(|looked| looked.found).map(|looked| &looked.raw);
            explanation.times = raw.and_then(|raw| {
                let text = raw.as_str().map_or_else(|| raw.to_string(), str::to_owned);
                Some(Times::of(time::read_any_instant(&text).ok()?, Some(&text), self.zone))
            });
        }
        Ok(explanation)
    }

    async fn lineage(&self, name: &str, rule: &str) -> Result<Explanation, DbError> {
        let mut explanation = self.blank(name, FilledBy::Lineage, rule.to_owned());
        let mut version = self.version();
        if name == "deleted_at" && explanation.deleted_at.is_some() {
            // Use the version that first reported the deletion, not the one that the row names.
            let deleted_at = self.deleted_at();
            version =
                self.versions.iter().enumerate().find(|(_, version)| Some(version.seen_at) == deleted_at);
            if let Some((_, tombstone)) = version.filter(|(_, version)| version.is_tombstone) {
                let said: Option<Json> = serde_json::from_str(&tombstone.json).ok();
                let raw = said.map_or(Json::Null, |mut said| said["evidence"].take());
                let evidence = CheckedPath { path: "evidence".to_owned(), found: true, raw, used: true };
                explanation.looked_at.push(evidence);
            }
        }
        explanation.source = self.source(version, &[]).await?;
        Ok(explanation)
    }

    /// The column of the joined row that a derived column repeats.
    fn derived(&self, name: &str) -> Option<&'static str> {
        let derived = self.table.derived_columns();
        derived.iter().find(|column| column.name == name).map(|column| column.from)
    }

    async fn of_another_row(&self, name: &str, theirs: &str) -> Result<Explanation, DbError> {
        let Some(derived) = &self.table.derived else {
            return Ok(self.blank(name, FilledBy::AnotherRow, String::new()));
        };
        let rule = format!("{theirs} of the row of {} that {} names", derived.table, derived.by);
        let mut explanation = self.blank(name, FilledBy::AnotherRow, rule);
        let named = self.row[derived.by].as_str();
        if let (Some(id), Some(entity)) = (named, entities::entity_of_table(derived.table))
            && let Some(row) = find::row(self.tx, entity.tables[0], id).await?
        {
            let held = row[theirs].clone();
            explanation.agrees = Some(held == explanation.value);
            let found = FoundRecord { entity, record_id: id.to_owned(), rows: Vec::new() };
            let inner = Box::pin(explain(self.tx, &found, entity.tables[0], &row, theirs, self.zone)).await?;
            explanation.rests_on.extend(inner);
        }
        Ok(explanation)
    }

    /// The expression of a generated column.
    async fn generated(&self, name: &str) -> Result<Option<String>, DbError> {
        let rows = self
            .tx
            .query(include_str!("generated.sql"), &[(&self.table.name, Type::TEXT), (&name, Type::TEXT)])
            .await?;
        Ok(rows.first().map(|row| row.get(0)))
    }

    async fn computed(&self, name: &str, expression: &str) -> Result<Explanation, DbError> {
        let mut explanation = self.blank(name, FilledBy::Database, expression.to_owned());
        let words: Vec<&str> = expression.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        for column in self.table.columns.iter().filter(|column| words.contains(&column.name)) {
            explanation.rests_on.push(self.declared(column).await?);
        }
        explanation.source = self.source(self.version(), &[]).await?;
        let instant = explanation.value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
        explanation.times = instant.map(|instant| Times::of(instant, None, self.zone));
        Ok(explanation)
    }

    /// A column of the view, computed when it is read.
    async fn shown(&self, name: &str, view: &View, from: &str) -> Result<Explanation, DbError> {
        let rule = format!("computed by {} from {from} in {}; {}", view.name, time::MONTREAL, view.exception);
        let mut explanation = self.blank(name, FilledBy::View, rule);
        if let Some(inner) = Box::pin(self.column(from)).await? {
            let shown = inner.times.as_ref().and_then(|times| times.view.as_ref());
            explanation.value = shown.map_or(Json::Null, |shown| shown.value(name));
            explanation.rests_on.push(inner);
        }
        Ok(explanation)
    }
}
