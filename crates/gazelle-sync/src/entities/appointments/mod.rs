//! Appointments: Gazelle's events of every type, with their pianos.

pub mod changed;
mod reconcile;
mod tables;
mod warnings;

use super::{ApiList, DateFilter, Entity, Getter, Label, Query, Undated, UndatedEnd, WalkQuery};
pub use tables::{GAZELLE_APPOINTMENT_PIANOS, GAZELLE_APPOINTMENTS, TABLES};

/// The entity `appointments`.
pub static ENTITY: Entity = Entity {
    name: "appointments",
    label: Label {
        en: "Appointments",
        fr: "Rendez-vous",
        counted_en: ["appointment", "appointments"],
        counted_fr: ["rendez-vous", "rendez-vous"],
    },
    name_sql: Some(include_str!("named.sql")),
    time_column: Some("start_at"),
    staging_table: "staging_appointments",
    walk: WalkQuery {
        page_query: Query::new(concat!(include_str!("page.graphql"), include_str!("fields.graphql"))),
        operation: "AppointmentsPage",
        root: "allEventsBatched",
        shape: ApiList::Connection {
            filter_type: "PrivateAllEventsFilter",
            dates: DateFilter { from: "dateGet", until: "dateLet", own_date: Some("appointment_date") },
            // Postgres sorts nulls as the largest values; other databases as the smallest, or always last.
            undated: Some(Undated {
                field: "start",
                ends: &[
                    UndatedEnd::First("START_DESC"),
                    UndatedEnd::First("START_ASC"),
                    UndatedEnd::Last("START_ASC"),
                ],
            }),
        },
    },
    getter: Some(Getter {
        query: Query::new(concat!(include_str!("get.graphql"), include_str!("fields.graphql"))),
        operation: "AppointmentById",
        path: &["event"],
    }),
    found_through: None,
    listed_in: None,
    tables: TABLES,
    reconciler_version: 3,
    reconcile: reconcile::reconcile,
    warnings: warnings::ALL,
};
