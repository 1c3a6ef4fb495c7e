//! Applies `migrate --roles` to a database, and gives its roles their rights on what later migrations create.

use std::time::Duration;

use tokio_postgres::types::Type;

use super::changes::{Changes, facts};
use super::close::{beyond_rows, take_beyond_rows};
use super::{PUBLIC_ROLES, Roles, more_than_rows, script as sql};
use crate::access::trust::owner::check_owner_rights;
use crate::access::trust::{creators, owners};
use crate::db::{Db, DbError, Timeout, Tx, citus};
use crate::migrations;

/// While we wait for a table's lock, every other session queues behind us.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// The SQL that [`apply`] would run, for a reader. Writes nothing.
///
/// # Errors
/// Those of the database.
pub async fn script(db: &Db, roles: &Roles) -> Result<String, DbError> {
    let mut connection = db.connection().await?;
    let tx = connection.begin().await?;
    let public_roles = public_roles(&tx).await?;
    let mut script =
        format!("{}{}", db.sql(&sql::roles(roles)), sql::relations(db.schema(), roles, &public_roles));
    for held in beyond_rows(&tx, &roles.owner).await? {
        script.push_str(&format!("{};\n", held.taken(db.schema())));
    }
    Ok(script)
}

/// Creates the roles, transfers every table and view to the owner, and grants each role exactly the rights it
/// needs, in one transaction. Writes nothing if the catalogue already says all of this. Returns what changed.
///
/// # Errors
/// Roles that are or can become more than they should, or can create objects in the schema through another role; a right that the
/// role in DATABASE_URL lacks; a table whose lock is not granted within ten seconds. Those of the database.
pub async fn apply(db: &Db, roles: &Roles) -> Result<Changes, DbError> {
    citus::check_takes_ddl(db).await?;
    let citus = citus::detect(db).await?;
    let mut connection = db.connection().await?;
    let tx = connection.begin_ddl().await?;
    tx.limit(Timeout::Lock, LOCK_TIMEOUT).await?;
    // First check the owners: the following steps trust the catalogue's names and grant rights by them.
    owners::check_owners_in(&tx).await?;
    check_roles(&tx, roles, citus.is_some()).await?;
    // Otherwise it would fail half-way, with a less helpful message.
    check_owner_rights(&tx).await?;
    let former = current(&tx).await?;
    let told: Vec<&Roles> = former.iter().chain([roles]).collect();
    let before = facts(&tx, &told).await?;
    // Revoke TRIGGER and the like before checking triggers: revoking these rights is what this command is run for.
    take_beyond_rows(&tx, &roles.owner).await?;
    owners::check_superuser_in(&tx).await?;
    tx.batch(&sql::roles(roles)).await?;
    creators::check(&tx, roles).await?;
    tx.batch_as_is(&sql::relations(db.schema(), roles, &public_roles(&tx).await?)).await?;
    take_beyond_rows(&tx, &roles.owner).await?;
    for former in former.iter().filter(|former| *former != roles) {
        for role in [&former.sync, &former.reader] {
            let known = tx.query("SELECT 1 FROM pg_roles WHERE rolname = $1", &[(role, Type::TEXT)]).await?;
            if !known.is_empty() && *role != roles.sync && *role != roles.reader {
                tx.batch_as_is(&sql::take_from(db.schema(), role)).await?;
            }
        }
    }
    let changes = Changes::between(&before, &facts(&tx, &told).await?);
    // Citus sends a GRANT to its nodes when it is run, but not the grants made before the schema was distributed;
    // this node's catalogue does not show the difference.
    if changes.is_empty() && !citus.is_some_and(|citus| citus.distributes) {
        tx.rollback().await?;
        return Ok(changes);
    }
    tx.commit().await?;
    Ok(changes)
}

/// Gives the roles of an earlier [`apply`] their rights on what a migration has created. Does nothing if there was
/// none.
///
/// # Errors
/// Those of the database.
pub async fn cover(tx: &Tx<'_>) -> Result<(), DbError> {
    let Some(roles) = current(tx).await? else { return Ok(()) };
    tx.batch_as_is(&sql::relations(tx.schema(), &roles, &public_roles(tx).await?)).await
}

/// The roles of an earlier [`apply`]: the owner of our tables, and the roles that the policies of the register
/// name. They are not stored in a table of ours, where the sync's role could write other names.
///
/// # Errors
/// Those of the database.
pub async fn current(tx: &Tx<'_>) -> Result<Option<Roles>, DbError> {
    let rows = tx
        .query(
            include_str!("current_roles.sql"),
            &[
                (&migrations::REGISTER, Type::TEXT),
                (&sql::SYNC_READS.name, Type::TEXT),
                (&sql::READERS_READ.name, Type::TEXT),
            ],
        )
        .await?;
    Ok(rows.first().map(|row| Roles {
        owner: row.get("owner"),
        sync: row.get("sync"),
        reader: row.get("reader"),
    }))
}

/// Refuses roles that are, or can become, more than they should, and a caller that must not own the tables.
///
/// # Errors
/// What is wrong, with what leads out of it. Those of the database.
pub(super) async fn check_roles(tx: &Tx<'_>, roles: &Roles, has_citus: bool) -> Result<(), DbError> {
    let refuse = |why: String| Err(DbError::refused(why));
    if roles.owner == roles.sync || roles.owner == roles.reader || roles.sync == roles.reader {
        return refuse("owner, sync and readers need a role each: name three different ones".to_owned());
    }
    let rows = tx
        .query(
            include_str!("roles_to_check.sql"),
            &[
                (&vec![roles.sync.as_str(), roles.reader.as_str()], Type::TEXT_ARRAY),
                (&roles.owner, Type::TEXT),
                (&roles.sync, Type::TEXT),
            ],
        )
        .await?;
    for row in &rows {
        let (name, is_caller, owns): (String, bool, bool) =
            (row.get("name"), row.get("is_caller"), row.get("is_owner"));
        if is_caller {
            return refuse(format!(
                "this is run as {name} itself, which must not own the tables: put an administrator's role into \
                 DATABASE_URL for `migrate --roles`"
            ));
        }
        if owns {
            return refuse(format!(
                "{name} is a member of {owner} and could do whatever the owner can: REVOKE {owner} FROM {name}",
                owner = roles.owner
            ));
        }
    }
    more_than_rows::check(tx, roles).await?;
    let login = tx
        .query("SELECT 1 FROM pg_roles WHERE rolname = $1 AND rolcanlogin", &[(&roles.owner, Type::TEXT)])
        .await?;
    if !login.is_empty() {
        check_login_of_owner(tx, &roles.owner, has_citus).await?;
    }
    Ok(())
}

/// With Citus the owner may log in, since Citus moves a table between nodes as its owner. It must not have a
/// password, so that nobody else can log in as it.
async fn check_login_of_owner(tx: &Tx<'_>, owner: &str, has_citus: bool) -> Result<(), DbError> {
    if !has_citus {
        return Err(DbError::refused(format!(
            "{owner} may log in, and nobody should as the owner of the tables: choose another role (--owner-role), or \
             ALTER ROLE {owner} NOLOGIN"
        )));
    }
    let readable = tx.query("SELECT has_table_privilege('pg_catalog.pg_authid', 'SELECT')", &[]).await?;
    if !readable.first().is_some_and(|row| row.get(0)) {
        return Err(DbError::refused(format!(
            "{owner} may log in, as Citus needs to move its tables, and only a superuser could see that it has no password: \
             ALTER ROLE {owner} NOLOGIN first and LOGIN afterwards"
        )));
    }
    let with_password = tx
        .query(
            "SELECT 1 FROM pg_catalog.pg_authid WHERE rolname = $1 AND rolpassword IS NOT NULL",
            &[(&owner, Type::TEXT)],
        )
        .await?;
    if with_password.is_empty() {
        return Ok(());
    }
    Err(DbError::refused(format!(
        "{owner} has a password, and nobody should log in as the owner of the tables but Citus itself, between its nodes: \
         ALTER ROLE {owner} PASSWORD NULL"
    )))
}

/// Those of [`PUBLIC_ROLES`] that exist on this server.
///
/// # Errors
/// Those of the database.
pub async fn public_roles(tx: &Tx<'_>) -> Result<Vec<String>, DbError> {
    let rows = tx
        .query(
            "SELECT rolname::text FROM pg_roles WHERE rolname = ANY ($1::text[]) ORDER BY 1",
            &[(&PUBLIC_ROLES.as_slice(), Type::TEXT_ARRAY)],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
