//! Clients, with their contacts and locations: one record stands for all three.

mod reconcile;
mod tables;

use super::{DateFilter, Entity, Getter, Refresh, Shape, Walk};
pub use tables::{GAZELLE_CLIENTS, GAZELLE_CONTACTS, GAZELLE_LOCATIONS};

/// The entity `clients`.
pub static ENTITY: Entity = Entity {
    name: "clients",
    staging_table: "staging_clients",
    walk: Walk {
        page_query: include_str!("page.graphql"),
        operation: "ClientsPage",
        root: "allClients",
        shape: Shape::Connection {
            filter_type: "PrivateAllClientsFilter",
            dates: DateFilter { from: "createdGet", until: "createdLet", own_date: None },
            undated: None,
        },
    },
    getter: Some(Getter { query: include_str!("get.graphql"), operation: "ClientById", path: &["client"] }),
    found_through: None,
    listed_in: None,
    tables: &[&GAZELLE_CLIENTS, &GAZELLE_CONTACTS, &GAZELLE_LOCATIONS],
    reconciler_version: 3,
    reconcile: reconcile::reconcile,
    after_apply: Some(Refresh {
        table: "gazelle_appointments",
        to_write: include_str!("appointments_to_refresh.sql"),
        write: include_str!("refresh_appointments.sql"),
    }),
};
