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
    /// The statement that ends it.
    cure: String,
    /// Whether row security alone runs it, by which a superuser is not bound.
    is_policy: bool,
}

impl Hung {
    fn of(row: &Row) -> Self {
        Hung {
            what: row.get("what"),
            bound_to: row.get("bound_to"),
            whose: row.get("whose"),
            cure: row.get("cure"),
            is_policy: row.get("is_policy"),
        }
    }

    fn told(&self, of: usize) -> String {
        let Hung { what, bound_to, whose, cure, .. } = self;
        let more = if of > 1 { format!(" ({} more of the kind)", of - 1) } else { String::new() };
        let is_right = what == whose || whose == "everybody";
        let (of_whom, done) = match is_right {
            true => (String::new(), "take the right away"),
            false => (
                format!(" of {whose}, who is no superuser"),
                "look what it does, and drop what is bound to it or have it be a superuser's",
            ),
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

fn told(rows: &[Row]) -> Option<String> {
    let mut found: Vec<Hung> = rows.iter().map(Hung::of).collect();
    found.retain(|hung| !hung.is_policy);
    found.first().map(|hung| hung.told(found.len()))
}

/// Why a superuser does not use the tables, if it does not.
///
/// # Errors
/// Those of the database.
pub async fn refusal(db: &Db) -> Result<Option<String>, DbError> {
    let names = relation_names();
    Ok(told(&db.query(LOOK, &params(&db.schema(), &names)).await?))
}

/// As [`refusal`], in a transaction.
///
/// # Errors
/// Those of the database.
pub(super) async fn refusal_in(tx: &Tx<'_>) -> Result<Option<String>, DbError> {
    let names = relation_names();
    Ok(told(&tx.query(LOOK, &params(&tx.schema(), &names)).await?))
}

/// Whether a policy calls something that could take a superuser's rights back once it has put a lesser role in force.
///
/// # Errors
/// Those of the database.
pub async fn is_reading_as_others_unsafe(tx: &Tx<'_>) -> Result<bool, DbError> {
    let names = relation_names();
    let rows = tx.query(LOOK, &params(&tx.schema(), &names)).await?;
    Ok(rows.iter().any(|row| Hung::of(row).is_policy))
}

fn params<'a>(schema: &'a &str, names: &'a Vec<&'static str>) -> [Param<'a>; 2] {
    [(schema as _, Type::TEXT), (names as _, Type::TEXT_ARRAY)]
}
