//! The statements by which a role that makes roles, and is as good as a superuser up to Postgres 15 because of that, hands our
//! tables over to roles that make none, so that what others have put on them may stay (docs/decisions/0104).

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::fragments::filled;
use crate::access::roles::Roles;
use crate::db::{Db, DbError, Param, Tx};
use crate::migrations::{REGISTER, relation_names};

/// The administrator that messages advise.
pub(in crate::access) const ADMINISTRATOR: &str = "gazelle_admin";

/// What is said instead of the statements where none is safe.
pub(super) const UNDECIDED: &str = "The program is best run as roles that make none; which they are, an administrator has to decide, since a role \
    that is there already under such a name, or that owns the tables, can log in, makes roles, is used by another database \
    or has members: choose new names for `migrate --roles` (--owner-role, --sync-role, --reader-role)";

/// What the statements are made of.
struct HandOverParams<'a> {
    schema: &'a str,
    names: Vec<&'static str>,
    roles: Roles,
}

impl HandOverParams<'_> {
    fn params(&self) -> [Param<'_>; 7] {
        [
            (&self.schema, Type::TEXT),
            (&self.names, Type::TEXT_ARRAY),
            (&self.roles.owner, Type::TEXT),
            (&self.roles.sync, Type::TEXT),
            (&self.roles.reader, Type::TEXT),
            (&ADMINISTRATOR, Type::TEXT),
            (&REGISTER, Type::TEXT),
        ]
    }
}

fn question(schema: &str) -> HandOverParams<'_> {
    HandOverParams { schema, names: relation_names(), roles: Roles::default() }
}

fn joined(rows: &[Row]) -> String {
    let statements: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
    statements.join("; ")
}

/// The statements, as one text; empty where none is safe ([`UNDECIDED`]).
///
/// # Errors
/// Those of the database.
pub(super) async fn read(db: &Db) -> Result<String, DbError> {
    Ok(joined(&db.query(&filled(include_str!("hand_over.sql")), &question(db.schema()).params()).await?))
}

/// As [`read`], in a transaction.
///
/// # Errors
/// Those of the database.
pub(super) async fn read_in(tx: &Tx<'_>) -> Result<String, DbError> {
    Ok(joined(&tx.query(&filled(include_str!("hand_over.sql")), &question(tx.schema()).params()).await?))
}
