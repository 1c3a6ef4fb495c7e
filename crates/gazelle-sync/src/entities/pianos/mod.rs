//! Pianos, each belonging to a client.

mod tables;

use serde_json_borrow::Value as Json;

use super::read::{ReconciledRecord, RecordError};
use super::rows;
use super::{ApiList, DateFilter, Entity, Getter, Label, Query, WalkQuery, WarningCode, table::Value};
pub use tables::{GAZELLE_PIANOS, TABLES};

/// The serial number is of blanks alone.
const BLANK_SERIAL: WarningCode = WarningCode::new("blank_serial", "serial number of blanks alone");

/// The entity `pianos`.
pub static ENTITY: Entity = Entity {
    name: "pianos",
    label: Label {
        en: "Pianos",
        fr: "Pianos",
        counted_en: ["piano", "pianos"],
        counted_fr: ["piano", "pianos"],
    },
    name_sql: Some(include_str!("named.sql")),
    time_column: None,
    staging_table: "staging_pianos",
    walk: WalkQuery {
        page_query: Query::new(concat!(include_str!("page.graphql"), include_str!("fields.graphql"))),
        operation: "PianosPage",
        root: "allPianos",
        shape: ApiList::Connection {
            filter_type: "PrivateAllPianosFilter",
            dates: DateFilter { from: "createdGet", until: "createdLet", own_date: None },
            undated: None,
        },
    },
    getter: Some(Getter {
        query: Query::new(concat!(include_str!("get.graphql"), include_str!("fields.graphql"))),
        operation: "PianoById",
        path: &["piano"],
    }),
    found_through: None,
    listed_in: None,
    tables: TABLES,
    reconciler_version: 3,
    reconcile,
    warnings: &[BLANK_SERIAL],
};

/// One row: the piano.
fn reconcile(record: &Json<'_>) -> Result<ReconciledRecord, RecordError> {
    let mut reconciled = ReconciledRecord::default();
    let piano = rows::of_record(TABLES, record, &mut reconciled)?;
    match GAZELLE_PIANOS.get(&piano.row, "serial_number") {
        Value::Null => {}
        Value::Text(serial) if !serial.trim().is_empty() => {}
        _ => reconciled.warn(BLANK_SERIAL, "serialNumber"),
    }
    reconciled.add([piano]);
    Ok(reconciled)
}
