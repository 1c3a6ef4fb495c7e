//! Closing what the migrations make to the roles that Supabase lets in from outside.

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::roles::PUBLIC_ROLES;
use crate::db::{DbError, Tx, quote};
use crate::migrations;

/// A relation of ours that is open in some way.
struct Relation {
    name: String,
    is_table: bool,
    has_row_security: bool,
    /// Roles that were granted a production table before it had row security.
    grantees: Vec<String>,
    is_public: bool,
    /// Those of [`PUBLIC_ROLES`] that hold any right on it.
    open_to: Vec<String>,
    /// Whether a policy of the company lets `authenticated` read it, or the table that a view shows.
    lets_in: bool,
}

/// What nobody needs who reads or writes rows. The code of a trigger runs with the rights of whoever writes, so that the right
/// to hang one is as good as that one's (docs/decisions/0099).
const BEYOND_ROWS: &str = "TRUNCATE, REFERENCES, TRIGGER";

/// Turns on row security for every table of ours, and takes all rights from everybody and from [`PUBLIC_ROLES`]. Who was
/// granted a production table by name goes on as before, through a policy of his own; `authenticated` may go on reading
/// production where a policy of the company lets it in. Supabase opens every new table of the schema public to those
/// roles, so that this follows each migration. From all but the owner it takes what reading and writing rows does not need
/// ([`beyond_rows`]). What is closed already is not touched.
///
/// # Errors
/// Those of the database.
pub async fn close(tx: &Tx<'_>) -> Result<(), DbError> {
    let (ours, public) = (migrations::relation_names(), PUBLIC_ROLES);
    let params = [(&ours as _, Type::TEXT_ARRAY), (&public.as_slice() as _, Type::TEXT_ARRAY)];
    let rows = tx.query(include_str!("open_relations.sql"), &params).await?;
    for row in &rows {
        for statement in Relation::of(row).statements(tx.schema()) {
            // Names of roles are in it, and braces in them are not ours to fill in.
            tx.batch_as_is(&statement).await?;
        }
    }
    take_beyond_rows(tx, "").await
}

/// A right to do more than read or write rows.
#[derive(Debug)]
pub struct BeyondRows {
    /// Of which table or view.
    pub relation: String,
    /// Whose.
    pub role: String,
    /// `MAINTAIN`, `REFERENCES`, `TRIGGER`, `TRUNCATE`.
    pub rights: Vec<String>,
    /// Whether we may take them.
    pub is_ours_to_take: bool,
}

/// Who may do more with our tables and views than read or write rows, but for superusers, the owners and the role `owner`.
///
/// # Errors
/// Those of the database.
pub async fn beyond_rows(tx: &Tx<'_>, owner: &str) -> Result<Vec<BeyondRows>, DbError> {
    let params = [
        (&tx.schema() as _, Type::TEXT),
        (&migrations::relation_names() as _, Type::TEXT_ARRAY),
        (&owner as _, Type::TEXT),
    ];
    let rows = tx.query(include_str!("beyond_rows.sql"), &params).await?;
    Ok(rows
        .iter()
        .map(|row| BeyondRows {
            relation: row.get(0),
            role: row.get(1),
            rights: row.get(2),
            is_ours_to_take: row.get(3),
        })
        .collect())
}

/// Takes [`beyond_rows`] away. That runs nobody's code, so that it may be done before it is known what hangs on the tables.
///
/// # Errors
/// Those of the database.
pub async fn take_beyond_rows(tx: &Tx<'_>, owner: &str) -> Result<(), DbError> {
    for held in beyond_rows(tx, owner).await? {
        tx.batch_as_is(&held.taken(tx.schema())).await?;
    }
    Ok(())
}

impl BeyondRows {
    /// The statement that takes it. Also from those to whom it was passed on.
    pub(super) fn taken(&self, schema: &str) -> String {
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

    /// One statement a message.
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
