//! Our own role, for messages.

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::db::{Db, DbError, Param, Tx};

const LOOK: &str = include_str!("me.sql");

/// Our own role.
#[derive(Default)]
pub struct Me {
    /// Its name.
    pub name: String,
    /// How it is a superuser or as good as one, as a verb with its object; `None` if it is neither.
    pub because: Option<String>,
    /// The statement after which it is no longer as good as a superuser. `None` for a superuser itself.
    pub(super) ended_by: Option<String>,
    /// Whether it is as good as a superuser only because it may create roles (CREATEROLE, up to Postgres 15).
    pub(super) makes_roles: bool,
    /// The role that a superuser has SET; code in the session can RESET it.
    in_force: Option<String>,
    /// The role, or `public`, whose right lets us create in the schema.
    pub(super) creates_by: Option<String>,
    /// The object that an administrator acting in a superuser's place should own: `DATABASE name` or `SCHEMA name`.
    pub(super) kept_by: String,
    /// Whether the database is in the embedded server.
    pub(super) is_embedded: bool,
}

impl Me {
    fn of(rows: &[Row], is_embedded: bool) -> Me {
        let Some(row) = rows.first() else { return Me::default() };
        Me {
            name: row.get("name"),
            because: row.get("because"),
            ended_by: row.get("ended_by"),
            makes_roles: row.get("makes_roles"),
            in_force: row.get("in_force"),
            creates_by: row.get("creates_by"),
            kept_by: row.get("kept_by"),
            is_embedded,
        }
    }

    /// Reads it from the catalogue, as seen from the schema `schema`.
    ///
    /// # Errors
    /// Those of the database.
    pub(super) async fn read(db: &Db, schema: &str) -> Result<Me, DbError> {
        Ok(Me::of(&db.query(LOOK, &params(&schema)).await?, db.is_embedded()))
    }

    /// As `read`, in a transaction.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn read_in(tx: &Tx<'_>, schema: &str) -> Result<Me, DbError> {
        Ok(Me::of(&tx.query(LOOK, &params(&schema)).await?, tx.is_embedded()))
    }

    /// Whether it is a superuser, or may put one in force: more than as good as one.
    pub fn is_a_superuser_itself(&self) -> bool {
        self.because.is_some() && self.ended_by.is_none()
    }

    /// How it is a superuser or as good as one, also with a lesser role in force.
    pub(super) fn is_superuser(&self) -> String {
        let because = self.because.as_deref().unwrap_or("is a superuser");
        match &self.in_force {
            Some(role) => {
                format!("{because}, even after SET ROLE {role}, which any code in the session can reset")
            }
            None => because.to_owned(),
        }
    }

    /// Where it comes from, for messages.
    pub(super) fn place(&self) -> &'static str {
        if self.is_embedded { "the embedded server" } else { "DATABASE_URL" }
    }

    /// The end of an advice: what else makes it no longer as good as a superuser.
    pub(super) fn or_ended(&self) -> String {
        self.ended_by.as_ref().map(|statement| format!("; or {statement}")).unwrap_or_default()
    }
}

fn params<'a>(schema: &'a &str) -> [Param<'a>; 1] {
    [(schema as _, Type::TEXT)]
}
