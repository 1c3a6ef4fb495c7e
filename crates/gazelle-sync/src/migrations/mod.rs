//! The numbered migrations in order, and the names of what they create. Each is applied once and never edited
//! afterwards.
//!
//! Tables and columns that no migration creates follow from the declarations of the entities ([`declared`]).

pub mod declared;
mod relations;

pub(crate) use relations::tables;
pub use relations::{is_production, is_staging, production_tables, relation_names};

/// One numbered migration.
pub(crate) struct Migration {
    pub(crate) version: i32,
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
    /// The SQL is run once for each of these, filled in as `{staging_table}`.
    pub(crate) staging_tables: &'static [&'static str],
}

/// Migrations whose text was changed after they were applied somewhere, with the checksum of the former text: both
/// texts have the same effect, but a server refused the former one. 21: Citus casts no column in an UPDATE.
pub(crate) const REWRITTEN: [(i32, &str); 1] = [(21, "6ee0678709761401")];

/// Every migration in order. Applied files never change (except [`REWRITTEN`]); a schema change is a new entry.
pub(crate) static MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "bookkeeping",
        sql: include_str!("0001_bookkeeping.sql"),
        staging_tables: &[],
    },
    Migration {
        version: 2,
        name: "staging tables",
        sql: include_str!("0002_staging_tables.sql"),
        staging_tables: &["staging_users", "staging_clients", "staging_pianos", "staging_appointments"],
    },
    Migration { version: 3, name: "users", sql: include_str!("0003_users.sql"), staging_tables: &[] },
    Migration {
        version: 4,
        name: "clients, contacts, locations",
        sql: include_str!("0004_clients.sql"),
        staging_tables: &[],
    },
    Migration { version: 5, name: "pianos", sql: include_str!("0005_pianos.sql"), staging_tables: &[] },
    Migration {
        version: 6,
        name: "appointments",
        sql: include_str!("0006_appointments.sql"),
        staging_tables: &[],
    },
    Migration { version: 7, name: "views", sql: include_str!("0007_views.sql"), staging_tables: &[] },
    Migration { version: 8, name: "access", sql: include_str!("0008_access.sql"), staging_tables: &[] },
    Migration { version: 9, name: "undo", sql: include_str!("0009_undo.sql"), staging_tables: &[] },
    Migration { version: 10, name: "drift", sql: include_str!("0010_drift.sql"), staging_tables: &[] },
    Migration {
        version: 11,
        name: "wanted runs",
        sql: include_str!("0011_wanted_runs.sql"),
        staging_tables: &[],
    },
    Migration { version: 12, name: "alerts", sql: include_str!("0012_alerts.sql"), staging_tables: &[] },
    Migration { version: 13, name: "tokens", sql: include_str!("0013_tokens.sql"), staging_tables: &[] },
    Migration {
        version: 14,
        name: "closed production",
        sql: include_str!("0014_closed_production.sql"),
        staging_tables: &[],
    },
    Migration {
        version: 15,
        name: "request of a version",
        sql: include_str!("0015_request_of_a_version.sql"),
        staging_tables: &["staging_users", "staging_clients", "staging_pianos", "staging_appointments"],
    },
    Migration {
        version: 16,
        name: "unlisted records",
        sql: include_str!("0016_unlisted.sql"),
        staging_tables: &[],
    },
    Migration {
        version: 17,
        name: "days of all-day events",
        sql: include_str!("0017_all_day.sql"),
        staging_tables: &[],
    },
    Migration {
        version: 19,
        name: "faults of the source",
        sql: include_str!("0019_faults_of_the_source.sql"),
        staging_tables: &["staging_users", "staging_clients", "staging_pianos", "staging_appointments"],
    },
    Migration {
        version: 21,
        name: "bookkeeping that ends",
        sql: include_str!("0021_bookkeeping_that_ends.sql"),
        staging_tables: &[],
    },
    Migration {
        version: 22,
        name: "rows that a record carried",
        sql: include_str!("0022_carried_rows.sql"),
        staging_tables: &[],
    },
    Migration {
        version: 23,
        name: "unreadable fields",
        sql: include_str!("0023_unreadable_fields.sql"),
        staging_tables: &[],
    },
    Migration {
        version: 24,
        name: "indexes of what is left",
        sql: include_str!("0024_indexes_of_what_is_left.sql"),
        staging_tables: &["staging_users", "staging_clients", "staging_pianos", "staging_appointments"],
    },
    Migration {
        version: 27,
        name: "cases as they are listed",
        sql: include_str!("0027_quarantine_listed.sql"),
        staging_tables: &[],
    },
    Migration { version: 28, name: "people", sql: include_str!("0028_people.sql"), staging_tables: &[] },
    Migration { version: 29, name: "actions", sql: include_str!("0029_actions.sql"), staging_tables: &[] },
    Migration {
        version: 30,
        name: "calendar feeds",
        sql: include_str!("0030_feeds.sql"),
        staging_tables: &[],
    },
    Migration {
        version: 31,
        name: "what Overview counts",
        sql: include_str!("0031_indexes_of_overview.sql"),
        staging_tables: &[],
    },
    Migration {
        version: 32,
        name: "what charts count",
        sql: include_str!("0032_indexes_of_charts.sql"),
        staging_tables: &[],
    },
    Migration {
        version: 33,
        name: "the last examination",
        sql: include_str!("0033_examinations.sql"),
        staging_tables: &[],
    },
];

/// The register of applied migrations.
pub(crate) const REGISTER: &str = "sync_migrations";

/// The tables that the migrations create, besides the staging tables and the register.
pub(crate) const TABLES: &[&str] = &[
    "sync_runs",
    "sync_run_entities",
    "sync_run_requests",
    "sync_bookmarks",
    "sync_lease",
    "sync_quarantine",
    "sync_quality_warnings",
    "sync_notes",
    "sync_reconcilers",
    "sync_deletions",
    "sync_source_schemas",
    "sync_run_warnings",
    "sync_undos",
    "sync_wanted_runs",
    "sync_alerts",
    "sync_alert_messages",
    "sync_alert_watch",
    "sync_tokens",
    "sync_missing_parents",
    "sync_people",
    "sync_sessions",
    "sync_feeds",
    "sync_actions",
    "gazelle_users",
    "gazelle_clients",
    "gazelle_contacts",
    "gazelle_locations",
    "gazelle_pianos",
    "gazelle_appointments",
    "gazelle_appointment_pianos",
];

/// The views that the migrations create.
pub(crate) const VIEWS: [&str; 3] =
    ["v_sync_dashboard", "v_sync_dashboard_entities", "v_appointments_montreal"];

/// The views over production, each with the number of the migration that creates it as it is now. A migration that changes a
/// view takes the place of the former.
const PRODUCTION_VIEWS: [(i32, &str); 1] = [(17, "v_appointments_montreal")];

/// The names of the views over production.
pub(crate) fn production_view_names() -> impl Iterator<Item = &'static str> {
    PRODUCTION_VIEWS.iter().map(|(_, name)| *name)
}

/// The SQL that creates the views over production, with `{schema}` to be filled in.
pub(crate) fn production_views() -> impl Iterator<Item = &'static str> {
    let is_one =
        |migration: &&Migration| PRODUCTION_VIEWS.iter().any(|(version, _)| *version == migration.version);
    MIGRATIONS.iter().filter(is_one).map(|migration| migration.sql)
}

/// The staging tables that migrations name, with repetitions.
fn staging_tables() -> impl Iterator<Item = &'static str> {
    MIGRATIONS.iter().flat_map(|migration| migration.staging_tables.iter().copied())
}

#[cfg(test)]
mod tests;
