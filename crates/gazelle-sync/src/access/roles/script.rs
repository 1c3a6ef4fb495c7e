//! Builds the SQL of `migrate --roles`. The part about the roles has `{schema}` still to be filled in, and takes
//! names that are plain identifiers; the part with names from the catalogue is complete and quoted.

use std::fmt::Write as _;

use super::{PUBLIC_ROLES, Roles};
use crate::access::trust::fragments::filled;
use crate::db::quote;
use crate::migrations;

/// A row security policy: its name and what it permits.
pub(in crate::access) struct Policy {
    pub(in crate::access) name: &'static str,
    command: &'static str,
    check: &'static str,
}

const SYNC_WRITES: Policy =
    Policy { name: "gazelle_sync_writes", command: "ALL", check: " WITH CHECK (true)" };
pub(in crate::access) const SYNC_READS: Policy =
    Policy { name: "gazelle_sync_reads", command: "SELECT", check: "" };
pub(in crate::access) const READERS_READ: Policy =
    Policy { name: "gazelle_readers_read", command: "SELECT", check: "" };

/// The bookkeeping tables that `status` shows to readers: runs and their progress, nothing of a record. Of
/// requests, the columns without the variables, which contain ids.
const READERS_BOOKKEEPING: [(&str, &str); 5] = [
    (migrations::REGISTER, "SELECT"),
    ("sync_runs", "SELECT"),
    ("sync_run_entities", "SELECT"),
    (
        "sync_run_requests",
        "SELECT (run_id, operation, attempts, http_status, outcome, latency_ms, bytes, started_at)",
    ),
    ("sync_bookmarks", "SELECT"),
];

/// Creates the roles and grants their rights on the schema.
pub(in crate::access) fn roles(roles: &Roles) -> String {
    filled(include_str!("roles.sql"))
        .replace("{owner}", &roles.owner)
        .replace("{sync}", &roles.sync)
        .replace("{reader}", &roles.reader)
}

/// Revokes all rights on our tables and views from a role that an earlier `migrate --roles` named.
pub(in crate::access) fn take_from(schema: &str, role: &str) -> String {
    let (schema, role) = (quote(schema), quote(role));
    let names: Vec<String> =
        migrations::relation_names().iter().map(|name| format!("{schema}.{name}")).collect();
    format!("REVOKE ALL ON {} FROM {role};\nREVOKE ALL ON SCHEMA {schema} FROM {role};\n", names.join(", "))
}

/// Owner, grants and policies of every table and view; `public_roles` are those of `anon` and `authenticated` that
/// exist.
pub(in crate::access) fn relations(schema: &str, roles: &Roles, public_roles: &[String]) -> String {
    let schema = quote(schema);
    let [owner, sync, reader] = [&roles.owner, &roles.sync, &roles.reader].map(|name| quote(name));
    let mut sql = String::new();
    for name in migrations::tables() {
        let table = format!("{schema}.{name}");
        let production = migrations::is_production(name);
        let register = name == migrations::REGISTER;
        let _ = writeln!(sql, "\nALTER TABLE {table} OWNER TO {owner};");
        let _ = writeln!(sql, "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;");
        sql.push_str(&closed(&table, roles, public_roles, production));
        let (rights, policy) =
            if register { ("SELECT", SYNC_READS) } else { ("SELECT, INSERT, UPDATE, DELETE", SYNC_WRITES) };
        let _ = writeln!(sql, "GRANT {rights} ON {table} TO {sync};");
        sql.push_str(&policy.sql(&table, &sync));
        // Of staging, readers see only what the dashboards and `status` count: neither content nor id.
        let seen = match READERS_BOOKKEEPING.iter().find(|(bookkeeping, _)| *bookkeeping == name) {
            Some((_, seen)) => seen,
            None if production => "SELECT",
            None if migrations::is_staging(name) => "SELECT (sync_status, fetched_at, created_at)",
            None => continue,
        };
        let _ = writeln!(sql, "GRANT {seen} ON {table} TO {reader};");
        sql.push_str(&READERS_READ.sql(&table, &reader));
    }
    for name in migrations::VIEWS {
        let view = format!("{schema}.{name}");
        let _ = writeln!(sql, "\nALTER VIEW {view} OWNER TO {owner};");
        sql.push_str(&closed(&view, roles, public_roles, migrations::is_production(name)));
        let _ = writeln!(sql, "GRANT SELECT ON {view} TO {sync}, {reader};");
    }
    sql
}

/// Revokes everything that is not granted next. Whether `authenticated` reads production is the company's decision.
fn closed(relation: &str, roles: &Roles, public_roles: &[String], production: bool) -> String {
    let closed_to: Vec<String> = public_roles
        .iter()
        .filter(|role| !production || *role == PUBLIC_ROLES[0])
        .chain([&roles.sync, &roles.reader])
        .map(|role| quote(role))
        .collect();
    format!("REVOKE ALL ON {relation} FROM PUBLIC, {};\n", closed_to.join(", "))
}

impl Policy {
    /// Policies contain no sub-select and no session setting: the grants decide what a role may do, the policy only
    /// names the role.
    fn sql(&self, table: &str, role: &str) -> String {
        let Policy { name, command, check } = self;
        format!(
            "DROP POLICY IF EXISTS {name} ON {table};\n\
             CREATE POLICY {name} ON {table} FOR {command} TO {role} USING (true){check};\n"
        )
    }
}
