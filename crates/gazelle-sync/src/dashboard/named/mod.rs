//! What records are called: the name of a client, the title of an appointment with its hour and its client, make and
//! model of a piano.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::links;
use super::page::entity_name;
use super::raw;
use super::words::locale::Locale;
use super::words::record as w;
use crate::db::{DbError, Param, Template, Tx};
use crate::entities::{ENTITIES, Entity};

/// What a record is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Name {
    /// `appointments`, …
    pub(super) entity: String,
    /// Its id.
    pub(super) external_id: String,
    /// Its name; none if it has none, or production has no row of it.
    pub(super) name: Option<String>,
    /// What tells it from others of its name: the client of an appointment, the serial number of a piano.
    pub(super) more: Option<String>,
    /// When an appointment starts.
    pub(super) start_at: Option<Timestamp>,
    /// Since when it is marked deleted.
    pub(super) deleted_at: Option<Timestamp>,
}

/// The names of some records.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeMap<(String, String), Name>);

/// A record as a page names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// The page of the record.
    pub(super) href: String,
    /// `Appointments`
    pub(super) entity: String,
    /// Its name, else its id.
    pub(super) name: String,
    /// Day and hour, client, serial number.
    pub(super) more: Option<String>,
    pub(super) is_deleted: bool,
}

impl Name {
    /// Of a row with these columns.
    pub(super) fn of(row: &Row) -> Name {
        let text = |column: &str| row.get::<_, Option<String>>(column).filter(|text| !text.trim().is_empty());
        Name {
            entity: row.get("entity"),
            external_id: row.get("external_id"),
            name: text("name"),
            more: text("more"),
            start_at: row.get("start_at"),
            deleted_at: row.get("deleted_at"),
        }
    }

    /// A record of which only the id is known.
    pub(super) fn unknown(entity: &str, external_id: &str) -> Name {
        Name {
            entity: entity.to_owned(),
            external_id: external_id.to_owned(),
            name: None,
            more: None,
            start_at: None,
            deleted_at: None,
        }
    }

    /// With another name, if it has none.
    pub(super) fn or_called(mut self, other: Option<&String>) -> Name {
        self.name = self.name.or_else(|| other.cloned());
        self
    }

    /// As a page shows it.
    pub(super) fn shown(&self, t: &Locale) -> Named {
        let more = [self.start_at.map(|at| t.date_hour(at)), self.more.as_deref().map(short)];
        let more: Vec<String> = more.into_iter().flatten().collect();
        // Day and hour tell a record without a title better than its id.
        let untitled = || match self.start_at {
            Some(_) => t.say(w::UNTITLED).into_owned(),
            None => self.external_id.clone(),
        };
        Named {
            href: links::record(&self.entity, &self.external_id),
            entity: entity_name(&self.entity, t),
            name: self.name.as_deref().map_or_else(untitled, short),
            more: (!more.is_empty()).then(|| more.join(" · ")),
            is_deleted: self.deleted_at.is_some(),
        }
    }
}

/// A text that is not longer than what is shown of one.
fn short(text: &str) -> String {
    let (shown, left_out) = raw::cut(text);
    if left_out > 0 { format!("{shown}…") } else { shown.to_owned() }
}

/// The statement that reads the names of an entity's records, whose ids are the parameter of this number.
fn statement(entity: &Entity, number: usize) -> String {
    let start_at = entity.time_column.map_or("NULL::timestamptz".to_owned(), |column| format!("t.{column}"));
    Template::new(entity.name_sql.unwrap_or(include_str!("unnamed.sql")).trim_end())
        .with("entity", entity.name)
        .with("table", entity.tables[0].name)
        .with("start_at", start_at)
        .with("ids", format!("${number}"))
        .fill()
}

impl Names {
    /// Reads the names of records, each by its entity and id.
    pub(super) async fn read<'i>(
        tx: &Tx<'_>,
        records: impl Iterator<Item = (&'i str, &'i str)>,
    ) -> Result<Names, DbError> {
        let mut ids: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (entity, id) in records {
            ids.entry(entity).or_default().push(id);
        }
        let of_entities: Vec<(&Entity, &Vec<&str>)> =
            ENTITIES.iter().filter_map(|entity| Some((*entity, ids.get(entity.name)?))).collect();
        if of_entities.is_empty() {
            return Ok(Names::default());
        }
        let statements =
            of_entities.iter().enumerate().map(|(place, (entity, _))| statement(entity, place + 1));
        let sql = statements.collect::<Vec<_>>().join("\nUNION ALL\n");
        let params: Vec<Param<'_>> =
            of_entities.iter().map(|(_, ids)| (*ids as _, Type::TEXT_ARRAY)).collect();
        let rows = tx.query(&sql, &params).await?;
        let names = rows.iter().map(Name::of);
        Ok(Names(names.map(|name| ((name.entity.clone(), name.external_id.clone()), name)).collect()))
    }

    /// The name of a record.
    pub(super) fn of(&self, entity: &str, external_id: &str) -> Name {
        let known = self.known(entity, external_id);
        known.cloned().unwrap_or_else(|| Name::unknown(entity, external_id))
    }

    /// The name of a record that production has.
    pub(super) fn known(&self, entity: &str, external_id: &str) -> Option<&Name> {
        self.0.get(&(entity.to_owned(), external_id.to_owned()))
    }
}
