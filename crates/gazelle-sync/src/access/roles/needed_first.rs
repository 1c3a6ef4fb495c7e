//! What an administrator has to run before our role can apply `migrate --roles`.

use tokio_postgres::types::Type;

use super::Roles;
use super::apply::check_roles;
use crate::access::trust::fragments::filled;
use crate::access::trust::names::plain;
use crate::access::trust::owners::{self, OwnerTrust};
use crate::db::{Db, DbError, citus};
use crate::migrations::REGISTER;

/// What our role lacks for `migrate --roles`.
#[derive(Debug, Default)]
pub struct Prerequisites {
    /// The statements that an administrator runs first, in their order; none if our role lacks nothing.
    pub statements: Vec<String>,
    /// Why our role uses nothing of the tables until then, if it does not.
    pub is_refused: Option<String>,
    me: String,
}

/// What our role lacks for `migrate --roles`: the right to make the roles, or to give them their rights on the schema. Reads
/// catalogues only. Empty if anything else is refused; the commands say so in their own words.
///
/// # Errors
/// An owner that is there and that nobody is to be made a member of. Those of the database.
pub async fn needed_first(db: &Db, roles: &Roles) -> Result<Prerequisites, DbError> {
    let mut connection = db.connection().await?;
    let tx = connection.begin().await?;
    let ended = match owners::standing(&tx).await? {
        OwnerTrust::Refused => return Ok(Prerequisites::default()),
        OwnerTrust::Trusted => None,
        OwnerTrust::UntilEnded { why, ended_by } => Some((why, ended_by)),
    };
    let params = [
        (&db.schema() as _, Type::TEXT),
        (&roles.owner as _, Type::TEXT),
        (&roles.sync as _, Type::TEXT),
        (&roles.reader as _, Type::TEXT),
        (&ended.is_some() as _, Type::BOOL),
        (&REGISTER as _, Type::TEXT),
    ];
    let rows = tx.query(&filled(include_str!("needed_first.sql")), &params).await?;
    if rows.iter().any(|row| row.get("is_unsafe")) {
        // What is wrong with the role in particular says more.
        check_roles(&tx, roles, citus::detect(db).await?.is_some()).await?;
        return Err(DbError::refused(format!(
            "the role {owner} is there, and who becomes a member of it could do more than keep the tables, since it is, or \
             is a member of, a role that may log in, makes roles, is a superuser or the server's own, or owns something in another database; no role was changed. Name another owner \
             (--owner-role), which is made new; whether {owner} itself is to be granted, an administrator has to decide",
            owner = plain(&roles.owner)
        )));
    }
    let mut statements: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let mut is_refused = None;
    if let Some((why, ended_by)) = ended {
        statements.push(ended_by);
        is_refused = Some(why);
    }
    let me = tx.query("SELECT current_user::text", &[]).await?;
    Ok(Prerequisites {
        statements,
        is_refused,
        me: me.first().map(|row| plain(row.get(0))).unwrap_or_default(),
    })
}

/// Fails if our role lacks anything for `migrate --roles`. Roles that are more than they should are refused before that: what an
/// administrator ran for our role would lead to their refusal only.
///
/// # Errors
/// What an administrator has to run; roles that are more than they should. Those of the database.
pub async fn check_needed_first(db: &Db, roles: &Roles) -> Result<(), DbError> {
    let needed = needed_first(db, roles).await?;
    if needed.statements.is_empty() {
        return Ok(());
    }
    check_named(db, roles).await?;
    needed.check()
}

/// Refuses roles that are, or can become, more than they should, as far as that needs no right. Reads catalogues only.
///
/// # Errors
/// What is wrong, with what leads out of it. Those of the database.
pub async fn check_named(db: &Db, roles: &Roles) -> Result<(), DbError> {
    let has_citus = citus::detect(db).await?.is_some();
    let mut connection = db.connection().await?;
    let tx = connection.begin().await?;
    check_roles(&tx, roles, has_citus).await
}

impl Prerequisites {
    /// Fails if anything is needed first.
    fn check(&self) -> Result<(), DbError> {
        let Prerequisites { statements, is_refused, me } = self;
        if statements.is_empty() {
            return Ok(());
        }
        let why = match is_refused {
            Some(why) => why.clone(),
            None => {
                format!("{me} may not make the roles of `migrate --roles` here, or give them their rights")
            }
        };
        Err(DbError::refused(format!(
            "{why}; no role was changed. To go on, have an administrator run: {}. Then run this again as {me}",
            statements.join("; ")
        )))
    }
}
