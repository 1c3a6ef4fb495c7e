//! Checks what must hold before a superuser uses our tables (docs/decisions/0104).
//!
//! Code on a table, such as a trigger or a default, runs with the rights of whoever uses the table, and the
//! catalogue does not tell whether it is harmless. So a superuser uses only what superusers alone could have put
//! there. [`owners`](super::owners) checks that the tables and the schema are theirs; this module checks what
//! somebody could have left on a table without owning it.

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::me::Me;
use crate::db::{Db, DbError, Param, Tx};
use crate::migrations::relation_names;

/// A reason why a superuser must not use the tables.
struct Hindrance {
    /// The trigger, the table, or the holder of a right.
    what: String,
    wrong: String,
    /// The statement or command that removes the reason.
    cure: String,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A table of another owner that references ours or inherits from it.
    Table,
    /// A trigger whose function belongs to another role.
    Trigger,
    /// A trigger whose WHEN condition calls more than the server's harmless functions.
    Condition,
    /// A right on our tables, which a migration revokes.
    Right,
    /// A right on another table whose rows change along with ours.
    RightElsewhere,
}

impl Hindrance {
    fn of(row: &Row) -> Self {
        let kind = match row.get("kind") {
            "table" => Kind::Table,
            "trigger" => Kind::Trigger,
            "right" => Kind::Right,
            "right elsewhere" => Kind::RightElsewhere,
            _ => Kind::Condition,
        };
        Hindrance { what: row.get("what"), wrong: row.get("wrong"), cure: row.get("cure"), kind }
    }

    fn message(&self, of: usize, us: &Me) -> String {
        let Hindrance { what, wrong, cure, kind } = self;
        let more = if of > 1 { format!(" ({} more of the kind)", of - 1) } else { String::new() };
        let done = match kind {
            Kind::Table => "look what it is for, then take",
            Kind::Trigger => "look what it does, then",
            Kind::Condition => {
                "look what it does (such a condition belongs into the trigger's function), then"
            }
            Kind::Right => "have the right taken, from our tables alone:",
            Kind::RightElsewhere => "take the right away:",
        };
        let instead = match us.is_embedded {
            true => "Since every role there is this account's own, ",
            false => {
                "Put the role that runs gazelle-sync here into DATABASE_URL (the one that `migrate --roles` made for the sync, or \
                      an administrator that is no superuser); or, where a superuser shall, "
            }
        };
        format!(
            "{what} {wrong}{more}, and the role in {} {}, with whose rights code of others would be run; so \
             nothing of the tables was read or written. {instead}{done} {cure}{}",
            us.place(),
            us.is_superuser(),
            us.or_ended(),
        )
    }
}

/// What the caller does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// It uses the tables.
    Use,
    /// It revokes the rights that others hold on our tables, which runs no user's code, and then checks again.
    TakingRights,
}

/// What a row says the kind of a table is that is written.
const WRITTEN: &str = "written";
const LOOK: &str = include_str!("superuser.sql");

/// Why a superuser must not use the tables. `None` if there is no reason, and for other roles.
///
/// # Errors
/// Those of the database.
pub async fn refusal(db: &Db, before: Before) -> Result<Option<String>, DbError> {
    let names = relation_names();
    match Found::of(&db.query(LOOK, &params(&db.schema(), &names)).await?, before) {
        Some(found) => Ok(Some(found.message(&Me::read(db, db.schema()).await?))),
        None => Ok(None),
    }
}

/// Refuses a superuser as [`refusal`] does, before a run writes. Waits for transactions that are still open and have created a
/// trigger or a key; reading runs neither and does not wait.
///
/// # Errors
/// What [`refusal`] says. Those of the database, such as a lock that somebody holds for longer than is waited for.
pub async fn check_before_writing(db: &Db) -> Result<(), DbError> {
    let names = relation_names();
    if db.query(LOOK, &params(&db.schema(), &names)).await?.is_empty() {
        return Ok(());
    }
    let mut connection = db.connection().await?;
    let tx = connection.begin().await?;
    refusal_in(&tx).await?.map_or(Ok(()), |why| Err(DbError::infrastructure(why)))
}

/// As [`refusal`] with [`Before::Use`], in the transaction that goes on to write. Waits for transactions that are still open and have
/// created a trigger or a key: once the look has found that nobody else holds the right, nobody can create another one.
///
/// # Errors
/// Those of the database, such as a lock that somebody holds for longer than is waited for.
pub(in crate::access) async fn refusal_in(tx: &Tx<'_>) -> Result<Option<String>, DbError> {
    let names = relation_names();
    let schema = tx.schema();
    let rows = tx.query(LOOK, &params(&schema, &names)).await?;
    let (found, locks) = (Found::of(&rows, Before::Use), locks(&rows));
    let found = match (found, locks.is_empty()) {
        (Some(found), _) => found,
        (None, true) => return Ok(None),
        (None, false) => {
            for lock in &locks {
                tx.query(lock, &[]).await?;
            }
            let rows = tx.query(LOOK, &params(&schema, &names)).await?;
            let Some(found) = Found::of(&rows, Before::Use) else { return Ok(None) };
            found
        }
    };
    Ok(Some(found.message(&Me::read_in(tx, schema).await?)))
}

/// The statements that lock the tables whose rows are written; none where the role is no superuser.
fn locks(rows: &[Row]) -> Vec<String> {
    let written = rows.iter().filter(|row| row.get::<_, &str>("kind") == WRITTEN);
    written.map(|row| row.get("cure")).collect()
}

/// The first reason, and how many there are.
struct Found {
    first: Hindrance,
    of: usize,
}

impl Found {
    fn of(rows: &[Row], before: Before) -> Option<Found> {
        let hindering = rows.iter().filter(|row| row.get::<_, &str>("kind") != WRITTEN);
        let mut found: Vec<Hindrance> = hindering.map(Hindrance::of).collect();
        found.retain(|hindrance| before == Before::Use || hindrance.kind != Kind::Right);
        let of = found.len();
        found.into_iter().next().map(|first| Found { first, of })
    }

    fn message(&self, us: &Me) -> String {
        self.first.message(self.of, us)
    }
}

fn params<'a>(schema: &'a &str, names: &'a Vec<&'static str>) -> [Param<'a>; 2] {
    [(schema as _, Type::TEXT), (names as _, Type::TEXT_ARRAY)]
}
