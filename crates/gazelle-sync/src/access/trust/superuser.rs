//! Checks what must hold before a superuser uses our tables (docs/decisions/0104).
//!
//! Code on a table, such as a trigger or a default, runs with the rights of whoever uses the table, and the
//! catalogue does not tell whether it is harmless. So a superuser uses only what superusers alone could have put
//! there. [`owners`](super::owners) checks that the tables and the schema are theirs; this module checks what
//! somebody could have left on a table without owning it.

use std::collections::HashSet;

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::fragments::filled;
use super::hand_over::{self, ADMINISTRATOR, UNDECIDED};
use super::me::Me;
use super::names::{listed, plain};
use crate::db::{Db, DbError, Param, Tx};
use crate::migrations::relation_names;

/// A reason why a superuser must not use the tables.
struct SuperuserRefusal {
    /// The trigger, the table, or the holder of a right.
    what: String,
    wrong: String,
    /// The statement or command that removes the reason.
    fix: String,
    kind: HindranceKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum HindranceKind {
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

impl SuperuserRefusal {
    fn of(row: &Row) -> Self {
        let kind = match row.get("kind") {
            "table" => HindranceKind::Table,
            "trigger" => HindranceKind::Trigger,
            "right" => HindranceKind::Right,
            "right elsewhere" => HindranceKind::RightElsewhere,
            _ => HindranceKind::Condition,
        };
        SuperuserRefusal { what: row.get("what"), wrong: row.get("wrong"), fix: row.get("fix"), kind }
    }
}

impl HindranceKind {
    /// What to do about all of a kind, before the statements.
    fn done(self) -> &'static str {
        match self {
            HindranceKind::Table => "look what it is for, then take",
            HindranceKind::Trigger => "look what it does, then",
            HindranceKind::Condition => {
                "look what it does (such a condition belongs into the trigger's function), then"
            }
            HindranceKind::Right => "have the right taken, from our tables alone:",
            HindranceKind::RightElsewhere => "take the right away:",
        }
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

fn superuser_sql() -> String {
    filled(include_str!("superuser.sql"))
}

/// Why a superuser must not use the tables. `None` if there is no reason, and for other roles.
///
/// # Errors
/// Those of the database.
pub async fn refusal(db: &Db, before: Before) -> Result<Option<String>, DbError> {
    let names = relation_names();
    match SuperuserRefusals::of(&db.query(&superuser_sql(), &params(&db.schema(), &names)).await?, before) {
        Some(found) => {
            Ok(Some(found.message(&Me::read(db, db.schema()).await?, &hand_over::read(db).await?)))
        }
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
    if db.query(&superuser_sql(), &params(&db.schema(), &names)).await?.is_empty() {
        return Ok(());
    }
    let mut connection = db.connection().await?;
    let tx = connection.begin().await?;
    refusal_in(&tx).await?.map_or(Ok(()), |why| Err(DbError::refused(why)))
}

/// As [`refusal`] with [`Before::Use`], in the transaction that goes on to write. Waits for transactions that are still open and have
/// created a trigger or a key: once the look has found that nobody else holds the right, nobody can create another one.
///
/// # Errors
/// Those of the database, such as a lock that somebody holds for longer than is waited for.
pub(in crate::access) async fn refusal_in(tx: &Tx<'_>) -> Result<Option<String>, DbError> {
    let names = relation_names();
    let schema = tx.schema();
    let rows = tx.query(&superuser_sql(), &params(&schema, &names)).await?;
    let (found, locks) = (SuperuserRefusals::of(&rows, Before::Use), locks(&rows));
    let found = match (found, locks.is_empty()) {
        (Some(found), _) => found,
        (None, true) => return Ok(None),
        (None, false) => {
            if rows.iter().any(|row| is_not_to_lock(&row)) {
                return Ok(cannot_lock(&rows, &Me::read_in(tx, schema).await?));
            }
            for lock in &locks {
                tx.query(lock, &[]).await?;
            }
            let rows = tx.query(&superuser_sql(), &params(&schema, &names)).await?;
            let Some(found) = SuperuserRefusals::of(&rows, Before::Use) else { return Ok(None) };
            found
        }
    };
    Ok(Some(found.message(&Me::read_in(tx, schema).await?, &hand_over::read_in(tx).await?)))
}

/// The statements that lock the tables whose rows are written; none where the role is no superuser.
fn locks(rows: &[Row]) -> Vec<String> {
    let written = rows.iter().filter(|row| row.get::<_, &str>("kind") == WRITTEN);
    written.map(|row| row.get("fix")).collect()
}

/// A table among those to lock that our role has no right to lock.
fn is_not_to_lock(row: &&Row) -> bool {
    row.get::<_, &str>("kind") == WRITTEN && !row.get::<_, &str>("wrong").is_empty()
}

/// The refusal for a role that must lock the tables first and has no right to lock one: the sync's, which was given more than
/// a sync needs, or an administrator's beside a table of others.
fn cannot_lock(rows: &[Row], us: &Me) -> Option<String> {
    let row = rows.iter().find(is_not_to_lock)?;
    let (table, grant): (&str, &str) = (row.get("what"), row.get("wrong"));
    let instead = match &us.ended_by {
        Some(statement) => {
            format!("A role that only syncs needs nothing that makes it so: {statement}, then run this again")
        }
        None => "Put another role into DATABASE_URL".to_owned(),
    };
    let or_granted = match grant.starts_with("GRANT") {
        true => format!("; or {grant}"),
        false => String::new(),
    };
    Some(format!(
        "the role in {} ({}) {}, and such a role locks every table whose rows are written with ours before it writes, to see what \
         others have put on them; it may not lock {table} (42501), so nothing was written. {instead}{or_granted}",
        us.place(),
        plain(&us.name),
        us.is_superuser(),
    ))
}

/// All reasons; at least one.
struct SuperuserRefusals {
    first: SuperuserRefusal,
    others: Vec<SuperuserRefusal>,
}

impl SuperuserRefusals {
    fn of(rows: &[Row], before: Before) -> Option<SuperuserRefusals> {
        let hindering = rows.iter().filter(|row| row.get::<_, &str>("kind") != WRITTEN);
        let mut found: Vec<SuperuserRefusal> = hindering.map(SuperuserRefusal::of).collect();
        found.retain(|hindrance| before == Before::Use || hindrance.kind != HindranceKind::Right);
        let mut found = found.into_iter();
        found.next().map(|first| SuperuserRefusals { first, others: found.collect() })
    }

    fn message(&self, us: &Me, hand_over: &str) -> String {
        let SuperuserRefusal { what, wrong, .. } = &self.first;
        let more = match self.others.len() {
            0 => String::new(),
            more => format!(" ({more} more of the kind)"),
        };
        let all = || std::iter::once(&self.first).chain(&self.others);
        let is_right = |hindrance: &SuperuserRefusal| hindrance.kind == HindranceKind::Right;
        let instead = match (us.is_embedded, us.makes_roles) {
            (true, _) => "Since every role there is this account's own, ".to_owned(),
            // A right is taken by a migration; the rest may be what the company wants.
            (false, true) if !all().all(is_right) => self.may_stay(us, hand_over),
            (false, _) => "Put the role that runs gazelle-sync here into DATABASE_URL (the one that `migrate --roles` made for the \
                           sync, or an administrator that is no superuser); or, where a superuser shall, "
                .to_owned(),
        };
        format!(
            "{what} {wrong}{more}, and the role in {} {}, with whose rights code of others would be run; so \
             nothing of the tables was read or written. {instead}{}{}",
            us.place(),
            us.is_superuser(),
            self.fixes(),
            us.or_ended(),
        )
    }

    /// For a role that makes roles: what to look at, and what makes roles that make none, under which it may stay.
    fn may_stay(&self, us: &Me, hand_over: &str) -> String {
        let others =
            std::iter::once(&self.first).chain(&self.others).filter(|one| one.kind != HindranceKind::Right);
        let each: Vec<String> = others.map(|one| format!("{} {}", one.what, one.wrong)).collect();
        let each = listed(each.iter().map(String::as_str), "; ");
        let made = match hand_over.is_empty() {
            true => UNDECIDED.to_owned(),
            false => format!(
                "This makes them, run as {}: {hand_over}. Then put {ADMINISTRATOR} into DATABASE_URL for `migrate` and \
                 `migrate --roles`, which goes first, and for the sync gazelle_sync (their passwords, in psql: \\password …)",
                plain(&us.name)
            ),
        };
        format!(
            "First look at each, and at the function that it calls and whose that is (psql: \\df+): {each}. Only if all of them are \
             the company's own, they may stay where the program runs as roles that make none. {made}; or, "
        )
    }

    /// What ends all of them, each said once.
    fn fixes(&self) -> String {
        let all = || std::iter::once(&self.first).chain(&self.others);
        let mut kinds: Vec<HindranceKind> = Vec::new();
        let mut said = HashSet::new();
        let mut parts = Vec::new();
        for kind in all().map(|hindrance| hindrance.kind) {
            if kinds.contains(&kind) {
                continue;
            }
            kinds.push(kind);
            let of_kind = all().filter(|hindrance| hindrance.kind == kind).map(|it| it.fix.as_str());
            let of_kind: Vec<&str> = of_kind.filter(|fix| said.insert(*fix)).collect();
            if !of_kind.is_empty() {
                parts.push(format!("{} {}", kind.done(), listed(of_kind, "; ")));
            }
        }
        parts.join("; and ")
    }
}

fn params<'a>(schema: &'a &str, names: &'a Vec<&'static str>) -> [Param<'a>; 2] {
    [(schema as _, Type::TEXT), (names as _, Type::TEXT_ARRAY)]
}
