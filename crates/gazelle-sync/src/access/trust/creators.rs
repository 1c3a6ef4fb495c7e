//! Finds roles that can create objects in the account's schema without needing to.

use tokio_postgres::types::Type;

use super::names::{listed, plain};
use super::owners::DATABASE_OWNER;
use crate::access::roles::Roles;
use crate::db::{DbError, Tx};

/// A role that can create objects in the schema.
#[derive(Debug)]
pub struct Creator {
    /// The role and where its right comes from, for messages.
    pub said: String,
    /// The statement that revokes the right.
    pub fix: String,
}

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
        let (is_itself, is_public) = (who == holder, who == "PUBLIC" && row.get("is_public"));
        let who = if is_public { who } else { plain(&who) };
        let named = plain(&holder);
        let by = match (is_itself, owns) {
            (true, false) => String::new(),
            (true, true) => ", which it owns".to_owned(),
            (false, false) => format!(" by its membership of {named}"),
            (false, true) => format!(" by its membership of {named}, which owns it"),
        };
        let fix = match (is_itself, owns) {
            _ if holder == DATABASE_OWNER => "ALTER DATABASE … OWNER TO an administrator".to_owned(),
            (true, false) if is_public => format!("REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC"),
            (_, false) => format!("REVOKE CREATE ON SCHEMA {schema} FROM {named}"),
            (true, true) => format!("ALTER SCHEMA {schema} OWNER TO an administrator"),
            (false, true) => format!("REVOKE {named} FROM {who}"),
        };
        Creator { said: format!("{who} may create in the schema {schema}{by}"), fix }
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
    Err(DbError::refused(format!(
        "{}, and neither {} nor {} may, so that nobody who gets hold of their passwords puts tables or functions there; \
         no role was changed. Take the right away, then run this again: {}",
        listed(found.iter().map(|creator| creator.said.as_str()), "; "),
        roles.sync,
        roles.reader,
        listed(found.iter().map(|creator| creator.fix.as_str()), "; ")
    )))
}
