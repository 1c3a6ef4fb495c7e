//! Revokes the rights that Supabase's public roles and PUBLIC hold on what the migrations create.

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::PUBLIC_ROLES;
use crate::db::{DbError, Tx, quote};
use crate::migrations;

/// One of our relations that is open to somebody.
struct Relation {
    name: String,
    is_table: bool,
    has_row_security: bool,
    /// Roles that hold grants on a production table which has no row security yet.
    grantees: Vec<String>,
    is_public: bool,
    /// Those of [`PUBLIC_ROLES`] that hold any right on it.
    open_to: Vec<String>,
    /// Whether one of the company's policies lets `authenticated` read it, or, for a view, the table that it shows.
    lets_in: bool,
}

/// Rights that reading or writing rows does not need. A trigger's function runs with the rights of whoever writes,
/// so the right to create a trigger amounts to having the writer's rights (docs/decisions/0099).
const BEYOND_ROWS: &str = "TRUNCATE, REFERENCES, TRIGGER";

/// Enables row security on every table of ours, and revokes all rights from PUBLIC and from [`PUBLIC_ROLES`]. A
/// role that was granted a production table by name keeps its access through a policy of its own; `authenticated`
/// keeps reading production where one of the company's policies allows it. Supabase grants those roles every new
/// table of the schema public, so this runs after each migration. From every role but the owner it also revokes the
/// rights that reading and writing rows does not need ([`beyond_rows`]). What is closed already is not touched.
///
/// # Errors
/// Those of the database.
pub async fn close(tx: &Tx<'_>) -> Result<(), DbError> {
    let (ours, public) = (migrations::relation_names(), PUBLIC_ROLES.as_slice());
    let tables = migrations::production_tables();
    let views: Vec<&str> = migrations::production_view_names().collect();
    let params = [&ours as _, &public as _, &tables as _, &views as _].map(|names| (names, Type::TEXT_ARRAY));
    let rows = tx.query(include_str!("open_relations.sql"), &params).await?;
    for row in &rows {
        for statement in Relation::of(row).statements(tx.schema()) {
            // It contains role names, and braces in them must not be filled in.
            tx.batch_as_is(&statement).await?;
        }
    }
    take_beyond_rows(tx, "").await
}

/// A right to do more than read or write rows.
#[derive(Debug)]
pub struct NonRowPrivilege {
    /// The table or view.
    pub relation: String,
    /// The role that holds them.
    pub role: String,
    /// Any of `MAINTAIN`, `REFERENCES`, `TRIGGER`, `TRUNCATE`.
    pub rights: Vec<String>,
    /// Whether our role may revoke them.
    pub is_ours_to_take: bool,
}

/// The roles that may do more with our tables and views than read or write rows, except superusers, the owners and
/// the role `owner`.
///
/// # Errors
/// Those of the database.
pub async fn beyond_rows(tx: &Tx<'_>, owner: &str) -> Result<Vec<NonRowPrivilege>, DbError> {
    let params = [
        (&tx.schema() as _, Type::TEXT),
        (&migrations::relation_names() as _, Type::TEXT_ARRAY),
        (&owner as _, Type::TEXT),
    ];
    let rows = tx.query(include_str!("beyond_rows.sql"), &params).await?;
    Ok(rows
        .iter()
        .map(|row| NonRowPrivilege {
            relation: row.get("relation"),
            role: row.get("role"),
            rights: row.get("rights"),
            is_ours_to_take: row.get("is_ours_to_take"),
        })
        .collect())
}

/// Revokes [`beyond_rows`]. A REVOKE runs no user's code, so this is safe before the triggers on the tables are
/// checked.
///
/// # Errors
/// Those of the database.
pub async fn take_beyond_rows(tx: &Tx<'_>, owner: &str) -> Result<(), DbError> {
    for held in beyond_rows(tx, owner).await? {
        tx.batch_as_is(&held.taken(tx.schema())).await?;
    }
    Ok(())
}

impl NonRowPrivilege {
    /// The REVOKE statement; CASCADE also reaches those to whom the right was passed on.
    pub(in crate::access) fn taken(&self, schema: &str) -> String {
        let name = format!("{}.{}", quote(schema), quote(&self.relation));
        let role = if self.role == "PUBLIC" { self.role.clone() } else { quote(&self.role) };
        format!("REVOKE {} ON {name} FROM {role} CASCADE", self.rights.join(", "))
    }
}

impl Relation {
    fn of(row: &Row) -> Relation {
        Relation {
            name: row.get("name"),
            is_table: row.get("is_table"),
            has_row_security: row.get("relrowsecurity"),
            grantees: row.get("grantees"),
            is_public: row.get("is_public"),
            open_to: row.get("open_to"),
            lets_in: row.get("lets_in"),
        }
    }

    /// Separate statements, since each must be sent in its own message.
    fn statements(&self, schema: &str) -> Vec<String> {
        let name = format!("{}.{}", quote(schema), quote(&self.name));
        let mut statements = Vec::new();
        if self.is_table && !self.has_row_security {
            for grantee in &self.grantees {
                let policy: String = format!("as before for {grantee}").chars().take(50).collect();
                statements.push(format!(
                    "CREATE POLICY {} ON {name} TO {} USING (true) WITH CHECK (true)",
                    quote(&policy),
                    quote(grantee)
                ));
            }
            statements.push(format!("ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"));
        }
        if self.is_public {
            statements.push(format!("REVOKE ALL ON {name} FROM PUBLIC"));
        }
        for role in &self.open_to {
            let rights = match self.lets_in && role == "authenticated" {
                true => format!("INSERT, UPDATE, DELETE, {BEYOND_ROWS}"),
                false => "ALL".to_owned(),
            };
            statements.push(format!("REVOKE {rights} ON {name} FROM {}", quote(role)));
        }
        statements
    }
}
