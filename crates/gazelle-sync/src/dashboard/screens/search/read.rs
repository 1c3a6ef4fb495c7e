//! Reads what a search finds.

use jiff::{Span, Timestamp, tz::TimeZone};
use serde::Serialize;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::fold;
use crate::dashboard::site::Snapshot;
use crate::db::{DbError, Param, Template, Tx};
use crate::entities::ENTITIES;
use crate::staging::history;
use crate::staging::quarantine::one::{self, FOLDED, HeldRecord};

/// What is shown of a group.
pub(super) const MOST: usize = 20;

/// What is looked for.
pub(super) struct SearchTerms {
    pub(super) words: Vec<String>,
    pub(super) digits: Option<String>,
    /// Whether appointments of any time are looked for.
    pub(super) any_time: bool,
}

/// What was found.
#[derive(Debug, Default, Serialize)]
pub(super) struct Results {
    pub(super) clients: Vec<SearchHit>,
    pub(super) contacts: Vec<SearchHit>,
    pub(super) addresses: Vec<SearchHit>,
    pub(super) pianos: Vec<SearchHit>,
    pub(super) appointments: Vec<SearchHit>,
    /// Records that are in quarantine alone; none where they could not be looked through.
    pub(super) held: Option<Vec<HeldRecord>>,
}

/// A record, or a row of one.
#[derive(Debug, Serialize)]
pub(super) struct SearchHit {
    /// The record.
    pub(super) record: String,
    /// The row in it, or the record itself.
    pub(super) external_id: String,
    pub(super) name: Option<String>,
    /// A telephone number, a city, a serial number.
    pub(super) detail: Option<String>,
    /// The client.
    pub(super) more: Option<String>,
    pub(super) start_at: Option<Timestamp>,
    pub(super) deleted_at: Option<Timestamp>,
    /// Whether a version of the record is in quarantine.
    pub(super) in_quarantine: bool,
}

impl From<&Row> for SearchHit {
    fn from(row: &Row) -> SearchHit {
        let text = |column: &str| row.get::<_, Option<String>>(column).filter(|text| !text.trim().is_empty());
        SearchHit {
            record: row.get("record"),
            external_id: row.get("external_id"),
            name: text("name"),
            detail: text("detail"),
            more: text("more"),
            start_at: row.get("start_at"),
            deleted_at: row.get("deleted_at"),
            in_quarantine: row.get("is_held"),
        }
    }
}

/// The record that an id is one of, if there is exactly one: its entity and its id.
pub(super) async fn by_id(tx: &Tx<'_>, id: &str) -> Result<Option<(String, String)>, DbError> {
    let rows = tx.query(&by_id_sql(), &[(&id, Type::TEXT)]).await?;
    let mut found: Vec<(String, String)> =
        rows.iter().map(|row| (row.get("entity"), row.get("record"))).collect();
    if found.is_empty() {
        // A record that never came into production.
        let knowing = history::knowing(tx, id).await?;
        found.extend(knowing.into_iter().map(|entity| (entity.name.to_owned(), id.to_owned())));
    }
    found.sort_unstable();
    found.dedup();
    Ok(if found.len() == 1 { found.pop() } else { None })
}

/// The statement for the records of an id, and for those that hold a row with it.
fn by_id_sql() -> String {
    let tables = ENTITIES.iter().flat_map(|entity| entity.tables.iter().map(move |table| (entity, table)));
    let statements = tables.filter_map(|(entity, table)| {
        // The rows of a table with two key columns have no id of their own.
        let [key] = table.key else { return None };
        let statement = Template::new(include_str!("by_id.sql").trim_end())
            .with("entity", entity.name)
            .with("table", table.name)
            .with("key", *key)
            .with("record", table.owner.unwrap_or(key));
        Some(statement.fill())
    });
    statements.collect::<Vec<_>>().join("\nUNION ALL\n")
}

/// Reads what was found, in six statements.
pub(super) async fn search(snapshot: &Snapshot<'_>, terms: &SearchTerms) -> Result<Results, DbError> {
    let Snapshot { tx, now, .. } = snapshot;
    let patterns = fold::patterns(&terms.words);
    // One more than is shown tells whether there are more.
    let most = MOST as i64 + 1;
    let rough = fold::rough(&terms.words);
    let matches =
        Template::new(include_str!("matches.sql").trim_end()).with("folded", FOLDED.trim_end()).fill();
    let words: [Param<'_>; 5] = [
        (&patterns, Type::TEXT_ARRAY),
        (&fold::ACCENTED, Type::TEXT),
        (&fold::PLAIN, Type::TEXT),
        (&most, Type::INT8),
        (&rough, Type::TEXT_ARRAY),
    ];
    let digits = terms.digits.as_ref().map(|digits| format!("%{digits}%"));
    let (from, to) = if terms.any_time { (None, None) } else { around(*now) };
    let found = async |text: &str, more: &[Param<'_>]| {
        let sql = Template::new(text).with("matches", &matches).fill();
        let rows = tx.query(&sql, &[&words, more].concat()).await?;
        Ok::<Vec<SearchHit>, DbError>(rows.iter().map(SearchHit::from).collect())
    };
    let dates: [Param<'_>; 2] = [(&from, Type::TIMESTAMPTZ), (&to, Type::TIMESTAMPTZ)];
    Ok(Results {
        clients: found(include_str!("clients.sql"), &[]).await?,
        contacts: found(include_str!("contacts.sql"), &[(&digits, Type::TEXT)]).await?,
        addresses: found(include_str!("addresses.sql"), &[]).await?,
        pianos: found(include_str!("pianos.sql"), &[]).await?,
        appointments: found(include_str!("appointments.sql"), &dates).await?,
        // The last statement: should it take too long, the rest of the page is there.
        held: one::matching(tx, &patterns, (fold::ACCENTED, fold::PLAIN), most).await.ok(),
    })
}

/// Two years before and after an instant.
fn around(now: Timestamp) -> (Option<Timestamp>, Option<Timestamp>) {
    let now = now.to_zoned(TimeZone::UTC);
    let years = Span::new().years(2);
    let at = |zoned: Result<jiff::Zoned, jiff::Error>| zoned.ok().map(|zoned| zoned.timestamp());
    (at(now.checked_sub(years)), at(now.checked_add(years)))
}
