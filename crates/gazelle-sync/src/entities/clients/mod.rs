//! Clients, with their contacts and locations in one record.

mod reconcile;
mod tables;
mod warnings;

use super::{ApiList, DateFilter, Entity, Getter, Label, Query, WalkQuery};
pub use tables::{GAZELLE_CLIENTS, GAZELLE_CONTACTS, GAZELLE_LOCATIONS, TABLES};

/// The entity `clients`.
pub static ENTITY: Entity = Entity {
    name: "clients",
    label: Label {
        en: "Clients",
        fr: "Clients",
        counted_en: ["client", "clients"],
        counted_fr: ["client", "clients"],
    },
    name_sql: Some(include_str!("named.sql")),
    time_column: None,
    staging_table: "staging_clients",
    walk: WalkQuery {
        page_query: Query::new(concat!(include_str!("page.graphql"), include_str!("fields.graphql"))),
        operation: "ClientsPage",
        root: "allClients",
        shape: ApiList::Connection {
            filter_type: "PrivateAllClientsFilter",
            dates: DateFilter { from: "createdGet", until: "createdLet", own_date: None },
            undated: None,
        },
    },
    getter: Some(Getter {
        query: Query::new(concat!(include_str!("get.graphql"), include_str!("fields.graphql"))),
        operation: "ClientById",
        path: &["client"],
    }),
    found_through: None,
    listed_in: None,
    tables: TABLES,
    reconciler_version: 3,
    reconcile: reconcile::reconcile,
    warnings: warnings::ALL,
};
