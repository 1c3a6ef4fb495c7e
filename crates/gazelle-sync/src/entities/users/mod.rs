//! Users: technicians and office staff. A plain list without a getter.

mod tables;

use serde_json_borrow::Value as Json;

use super::read::{ReconciledRecord, RecordError};
use super::rows;
use super::{ApiList, Entity, Getter, Label, ListedIn, Query, WalkQuery};
pub use tables::{GAZELLE_USERS, TABLES};

/// The entity `users`.
pub static ENTITY: Entity = Entity {
    name: "users",
    label: Label {
        en: "Technicians",
        fr: "Techniciens",
        counted_en: ["technician", "technicians"],
        counted_fr: ["technicien", "techniciens"],
    },
    name_sql: Some(include_str!("named.sql")),
    time_column: None,
    staging_table: "staging_users",
    walk: WalkQuery {
        page_query: Query::new(concat!(include_str!("page.graphql"), include_str!("fields.graphql"))),
        operation: "UsersPage",
        root: "allUsers",
        shape: ApiList::PlainList,
    },
    getter: None,
    // A technician who left is in no list, but can still be read through an event that names them.
    found_through: Some((
        "appointments",
        Getter {
            query: Query::new(concat!(
                include_str!("through_appointment.graphql"),
                include_str!("fields.graphql")
            )),
            operation: "UserThroughAppointment",
            path: &["event", "user"],
        },
    )),
    listed_in: Some(ListedIn {
        query: Query::new(concat!(include_str!("in_events.graphql"), include_str!("fields.graphql"))),
        operation: "UserInEvents",
        root: "allEventsBatched",
        field: "user",
    }),
    tables: TABLES,
    reconciler_version: 3,
    reconcile,
    warnings: &[],
};

/// One row: the user.
fn reconcile(record: &Json<'_>) -> Result<ReconciledRecord, RecordError> {
    let mut reconciled = ReconciledRecord::default();
    let user = rows::of_record(TABLES, record, &mut reconciled)?;
    reconciled.add([user]);
    Ok(reconciled)
}
