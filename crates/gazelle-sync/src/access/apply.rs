//! `migrate --roles` on a database, and what later migrations take up of it.

use tokio_postgres::types::Type;

use super::changes::{Changes, facts};
use super::owner::become_owner;
use super::{Roles, script as sql};
use crate::db::{Db, DbError, Tx, migrate};

/// Waiting longer for a table that somebody uses would make everybody else wait behind us.
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '10s'";

/// The whole SQL, for people: what [`apply`] would run. Writes nothing.
pub async fn script(db: &Db, roles: &Roles) -> Result<String, DbError> {
    let mut connection = db.connection().await?;
    let tx = connection.begin().await?;
    let public_roles = public_roles(&tx).await?;
    Ok(db.sql(&format!("{}{}", sql::roles(roles), sql::relations(roles, &public_roles))))
}

/// Makes the roles, hands every table and view to the owner, and gives each role what it needs and nothing else,
/// in one transaction. Where all of it is so already, nothing is written. Returns what changed.
///
/// Errors: roles under which row security would protect nothing; a right that the role in DATABASE_URL lacks; a
/// table in use for too long.
pub async fn apply(db: &Db, roles: &Roles) -> Result<Changes, DbError> {
    let mut connection = db.connection().await?;
    let tx = connection.begin().await?;
    tx.batch(LOCK_TIMEOUT).await?;
    check(&tx, roles).await?;
    let former = current(&tx).await?;
    let told: Vec<&Roles> = former.iter().chain([roles]).collect();
    let before = facts(&tx, &told).await?;
    tx.batch(&sql::roles(roles)).await?;
    tx.batch(&sql::relations(roles, &public_roles(&tx).await?)).await?;
    for former in former.iter().filter(|former| *former != roles) {
        for role in [&former.sync, &former.reader] {
            let known = tx.query("SELECT 1 FROM pg_roles WHERE rolname = $1", &[(role, Type::TEXT)]).await?;
            if !known.is_empty() && *role != roles.sync && *role != roles.reader {
                tx.batch(&sql::take_from(role)).await?;
            }
        }
    }
    let changes = Changes::between(&before, &facts(&tx, &told).await?);
    if changes.is_empty() {
        tx.rollback().await?;
        return Ok(changes);
    }
    tx.commit().await?;
    Ok(changes)
}

/// Gives the roles of an earlier [`apply`], if there was one, their rights on what a migration has made.
pub async fn cover(tx: &Tx<'_>) -> Result<(), DbError> {
    let Some(roles) = current(tx).await? else { return Ok(()) };
    tx.batch(&sql::relations(&roles, &public_roles(tx).await?)).await
}

/// The roles of an earlier [`apply`]: the owner of our tables, and those that the policies of the register name. Not
/// from a table of ours, where the role of the sync could write other names.
pub async fn current(tx: &Tx<'_>) -> Result<Option<Roles>, DbError> {
    let rows = tx
        .query(
            "SELECT o.rolname::text, s.rolname::text, r.rolname::text
               FROM pg_class c
               JOIN pg_namespace n ON n.oid = c.relnamespace
               JOIN pg_roles o ON o.oid = c.relowner
               JOIN pg_policy sp ON sp.polrelid = c.oid AND sp.polname = $2
               JOIN pg_roles s ON s.oid = sp.polroles[1]
               JOIN pg_policy rp ON rp.polrelid = c.oid AND rp.polname = $3
               JOIN pg_roles r ON r.oid = rp.polroles[1]
              WHERE n.nspname = {schema_text} AND c.relname = $1",
            &[
                (&migrate::REGISTER, Type::TEXT),
                (&sql::SYNC_READS.name, Type::TEXT),
                (&sql::READERS_READ.name, Type::TEXT),
            ],
        )
        .await?;
    Ok(rows.first().map(|row| Roles { owner: row.get(0), sync: row.get(1), reader: row.get(2) }))
}

/// Refuses roles under which row security would protect nothing, and a caller that must not own the tables.
async fn check(tx: &Tx<'_>, roles: &Roles) -> Result<(), DbError> {
    let refuse = |why: String| Err(DbError::infrastructure(why));
    if roles.owner == roles.sync || roles.owner == roles.reader || roles.sync == roles.reader {
        return refuse("owner, sync and readers need a role each: name three different ones".to_owned());
    }
    let rows = tx
        .query(
            "SELECT r.rolname::text, r.rolsuper OR r.rolbypassrls, r.rolname = current_user,
                    EXISTS (SELECT 1 FROM pg_roles o WHERE o.rolname = $2 AND pg_has_role(r.oid, o.oid, 'MEMBER'))
               FROM pg_roles r
              WHERE r.rolname = ANY ($1::text[])
              ORDER BY r.rolname = $3 DESC",
            &[
                (&vec![roles.sync.as_str(), roles.reader.as_str()], Type::TEXT_ARRAY),
                (&roles.owner, Type::TEXT),
                (&roles.sync, Type::TEXT),
            ],
        )
        .await?;
    for row in &rows {
        let (name, unbound, is_caller, owns): (String, bool, bool, bool) =
            (row.get(0), row.get(1), row.get(2), row.get(3));
        if is_caller {
            return refuse(format!(
                "this is run as {name} itself, which must not own the tables: put an administrator's role into \
                 DATABASE_URL for `migrate --roles`"
            ));
        }
        if unbound {
            return refuse(format!(
                "{name} is a superuser or bypasses row security: choose another role (--sync-role, --reader-role)"
            ));
        }
        if owns {
            return refuse(format!(
                "{name} is a member of {owner} and could do whatever the owner can: REVOKE {owner} FROM {name}",
                owner = roles.owner
            ));
        }
    }
    let login = tx
        .query("SELECT 1 FROM pg_roles WHERE rolname = $1 AND rolcanlogin", &[(&roles.owner, Type::TEXT)])
        .await?;
    if !login.is_empty() {
        return refuse(format!(
            "{owner} may log in, and nobody should as the owner of the tables: choose another role (--owner-role), or \
             ALTER ROLE {owner} NOLOGIN",
            owner = roles.owner
        ));
    }
    // As it would fail half-way otherwise, with less to be understood from it.
    become_owner(tx).await?;
    tx.batch("RESET ROLE").await
}

async fn public_roles(tx: &Tx<'_>) -> Result<Vec<String>, DbError> {
    let rows = tx
        .query(
            "SELECT rolname::text FROM pg_roles WHERE rolname IN ('anon', 'authenticated') ORDER BY 1",
            &[],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
