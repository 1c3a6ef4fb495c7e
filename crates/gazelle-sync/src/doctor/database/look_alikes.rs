//! Checks for functions and operators in the search path with names of built-in ones. Our statements never call
//! them, but those of other programs and of people at psql may: Postgres prefers a function whose argument types
//! fit better.

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::access::trust::bound;
use crate::db::{Db, DbError};
use crate::doctor::Lines;

const CHECK: &str = "look-alikes";
/// More are counted, not listed.
const LISTED: usize = 5;

/// A function or an operator with the name of a built-in one.
struct LookAlike {
    kind: String,
    /// With its schema and arguments.
    name: String,
    owner: String,
    /// The statement that removes it.
    drop: String,
}

impl LookAlike {
    fn of(row: &Row) -> LookAlike {
        LookAlike {
            kind: row.get("kind"),
            name: row.get("name"),
            owner: row.get("owner"),
            drop: row.get("drop"),
        }
    }
}

pub(in crate::doctor) async fn check(db: &Db) -> Result<Lines, DbError> {
    let mut lines = Lines::default();
    let bound = bound::find(db).await?;
    for one in &bound {
        lines.warning(
            CHECK,
            format!(
                "{} calls {} of {}, which is called like one of the server's: it runs with the rights of whoever writes or \
                 reads the table, and {} may change what it does",
                one.what, one.called, one.maker, one.maker
            ),
            format!("if that is not meant, drop it; otherwise read the function (psql: \\df+) and take it over: {}", one.fix),
        );
    }
    let found = db.query(include_str!("look_alikes.sql"), &[(&db.schema(), Type::TEXT)]).await?;
    for row in found.iter().take(LISTED) {
        let LookAlike { kind, name, owner, drop } = LookAlike::of(row);
        lines.warning(
            CHECK,
            format!(
                "the {kind} {name} of {owner} is called like one of the server's; gazelle-sync never calls it, other \
                 programs may, with the rights of whoever runs them"
            ),
            format!("ask {owner} what it is for; if it is not wanted: {drop}"),
        );
    }
    match found.len() {
        0 if !bound.is_empty() => {}
        0 => lines.ok(CHECK, "no function or operator is called like one of the server's"),
        1..=LISTED => {}
        all => lines.warning(
            CHECK,
            format!("{} more are called like one of the server's", all - LISTED),
            "drop those above, then run doctor again".to_owned(),
        ),
    }
    Ok(lines)
}
