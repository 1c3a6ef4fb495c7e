//! What a superuser would run by using our tables: whatever calls something that no superuser owns (decision 0099).
//!
//! Who owns a table says who can hang something on it now. It does not say who did: an owner may have been left by those
//! who acted as it, and the right to hang triggers is granted without owning anything.

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::db::{Db, DbError, Param, Tx};
use crate::migrations::relation_names;

/// Something that a superuser would run, or that somebody could have it run.
struct Hung {
    /// What hangs, or who may hang something.
    what: String,
    /// What it is bound to.
    bound_to: String,
    /// Whose that is.
    whose: String,
    /// What ends it.
    cure: String,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Somebody's function, type or table.
    Owner,
    /// A function of the server's that runs any text.
    Text,
    /// A right on our tables, which a migration takes.
    Right,
    /// The same on tables of another account with the same owner, which a migration of this one leaves.
    RightElsewhere,
    /// A right on a table whose rows go with ours.
    OtherRight,
}

impl Hung {
    fn of(row: &Row) -> Self {
        let kind = match row.get("kind") {
            "owner" => Kind::Owner,
            "right" => Kind::Right,
            "right elsewhere" => Kind::RightElsewhere,
            "other right" => Kind::OtherRight,
            _ => Kind::Text,
        };
        Hung {
            what: row.get("what"),
            bound_to: row.get("bound_to"),
            whose: row.get("whose"),
            cure: row.get("cure"),
            kind,
        }
    }

    fn told(&self, of: usize) -> String {
        let Hung { what, bound_to, whose, cure, kind } = self;
        let more = if of > 1 { format!(" ({} more of the kind)", of - 1) } else { String::new() };
        let (of_whom, done) = match kind {
            Kind::Owner => (
                format!(" of {whose}, who is no superuser"),
                "look what it does, and drop what is bound to it or have it be a superuser's",
            ),
            Kind::Text => (String::new(), "look what it does, and take it away"),
            Kind::Right => (String::new(), "have the right taken, from our tables alone"),
            Kind::RightElsewhere | Kind::OtherRight => (String::new(), "take the right away"),
        };
        format!(
            "{what} {bound_to}{of_whom}{more}, and the role in DATABASE_URL is a superuser, with whose rights that would be run; so \
             nothing of the tables was read or written. Put the role that runs gazelle-sync here into DATABASE_URL (the one that \
             `migrate --roles` made for the sync, or an administrator that is no superuser); or, where a superuser shall, {done}: \
             {cure}"
        )
    }
}

const LOOK: &str = include_str!("hung.sql");

/// What goes on next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// The tables are used.
    Use,
    /// The rights that others hold on our tables are taken, which runs nobody's code; then it is asked again.
    TakingRights,
    /// The rights on the tables of this account are taken, and a migration goes on: what others hold elsewhere stops none.
    Migrating,
}

fn told(rows: &[Row], before: Before) -> Option<String> {
    let mut found: Vec<Hung> = rows.iter().map(Hung::of).collect();
    found.retain(|hung| match before {
        Before::Use => true,
        Before::TakingRights => !matches!(hung.kind, Kind::Right | Kind::RightElsewhere),
        Before::Migrating => hung.kind != Kind::RightElsewhere,
    });
    found.first().map(|hung| hung.told(found.len()))
}

/// Why a superuser does not use the tables, if it does not.
///
/// # Errors
/// Those of the database.
pub async fn refusal(db: &Db, before: Before) -> Result<Option<String>, DbError> {
    let names = relation_names();
    Ok(told(&db.query(LOOK, &params(&db.schema(), &names)).await?, before))
}

/// As [`refusal`] in a migration that has taken the rights of others, in its transaction.
///
/// # Errors
/// Those of the database.
pub(super) async fn refusal_in(tx: &Tx<'_>) -> Result<Option<String>, DbError> {
    let names = relation_names();
    Ok(told(&tx.query(LOOK, &params(&tx.schema(), &names)).await?, Before::Migrating))
}

fn params<'a>(schema: &'a &str, names: &'a Vec<&'static str>) -> [Param<'a>; 2] {
    [(schema as _, Type::TEXT), (names as _, Type::TEXT_ARRAY)]
}
