//! Finds roles that can create objects in the account's schema without needing to.

use tokio_postgres::types::Type;

use super::owners::plain;
use crate::access::roles::Roles;
use crate::access::roles::more_than_rows::once;
use crate::db::{DbError, Tx};

/// A role that can create objects in the schema.
#[derive(Debug)]
pub struct Creator {
    /// The role and where its right comes from, for messages.
    pub said: String,
    /// The statement that revokes the right.
    pub mend: String,
}

/// The owner of `public` in a new database: a predefined role whose member is the owner of the database.
const DATABASE_OWNER: &str = "pg_database_owner";

/// Those of these roles, and PUBLIC, that can create objects in the schema, directly or through a membership.
///
/// # Errors
/// Those of the database.
pub async fn creators(tx: &Tx<'_>, roles: &[&str]) -> Result<Vec<Creator>, DbError> {
    let params = [(&tx.schema() as _, Type::TEXT), (&roles as _, Type::TEXT_ARRAY)];
    let rows = tx.query(include_str!("creators.sql"), &params).await?;
    let schema = plain(tx.schema());
    let told = |row: &tokio_postgres::Row| {
        let (who, holder, owns): (String, String, bool) =
            (row.get("who"), row.get("holder"), row.get("owns"));
        let by = match (who == holder, owns) {
            (true, false) => String::new(),
            (true, true) => ", which it owns".to_owned(),
            (false, false) => format!(" by its membership of {holder}"),
            (false, true) => format!(" by its membership of {holder}, which owns it"),
        };
        let mend = match (who == holder, owns) {
            _ if holder == DATABASE_OWNER => "ALTER DATABASE … OWNER TO an administrator".to_owned(),
            (true, false) if who == "PUBLIC" => format!("REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC"),
            (_, false) => format!("REVOKE CREATE ON SCHEMA {schema} FROM {}", plain(&holder)),
            (true, true) => format!("ALTER SCHEMA {schema} OWNER TO an administrator"),
            (false, true) => format!("REVOKE {} FROM {}", plain(&holder), plain(&who)),
        };
        Creator { said: format!("{who} may create in the schema {}{by}", tx.schema()), mend }
    };
    Ok(rows.iter().map(told).collect())
}

/// Fails if the sync's or the readers' role can create objects in the schema: what it creates there could be
/// mistaken for something else by others who use the schema.
///
/// # Errors
/// One of them can; the message says which, through what, and the statement that revokes it. Those of the database.
pub(in crate::access) async fn check(tx: &Tx<'_>, roles: &Roles) -> Result<(), DbError> {
    let found = creators(tx, &[&roles.sync, &roles.reader]).await?;
    if found.is_empty() {
        return Ok(());
    }
    let said: Vec<&str> = found.iter().map(|creator| creator.said.as_str()).collect();
    let mends: Vec<&str> = found.iter().map(|creator| creator.mend.as_str()).collect();
    Err(DbError::infrastructure(format!(
        "{}, and neither {} nor {} may, so that nobody who gets hold of their passwords puts tables or functions there; \
         no role was changed. Take the right away, then run this again: {}",
        said.join("; "),
        roles.sync,
        roles.reader,
        once(&mends)
    )))
}
