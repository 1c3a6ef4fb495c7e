//! Checks of Citus, if the database has it: the node, the placement of the schema, whether it can be moved, its
//! size.

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::access::trust::fragments::filled;
use crate::access::trust::names::plain;
use crate::db::citus::{self, Citus};
use crate::db::{Db, DbError};
use crate::doctor::Lines;
use crate::{display, migrations};

pub(in crate::doctor) async fn check(db: &Db) -> Result<Lines, DbError> {
    let mut lines = Lines::default();
    let Some(citus) = citus::detect(db).await? else { return Ok(lines) };
    node(&mut lines, db, &citus);
    let check = "schema on Citus";
    if !citus.distributes {
        lines.ok(check, format!("Citus does not distribute {}: this node alone holds it", db.schema()));
        return Ok(lines);
    }
    let hosts = citus::hosts(db).await?;
    match hosts.is_empty() {
        true => lines.ok(check, format!("{} is distributed and holds no table yet", db.schema())),
        false => lines.ok(check, format!("{} is distributed; {} holds it", db.schema(), hosts.join(", "))),
    }
    owner(&mut lines, db).await?;
    size(&mut lines, db).await?;
    Ok(lines)
}

fn node(lines: &mut Lines, db: &Db, citus: &Citus) {
    let check = "Citus";
    if let Some(why) = citus.refusal(db.schema()) {
        return lines.problem(check, why, "docs/citus.md");
    }
    let node = match citus.is_coordinator {
        true => "the coordinator",
        false => "a worker: migrate, migrate --roles and replay --into go to the coordinator",
    };
    lines.ok(check, format!("Citus {}, and this is {node}", citus.version));
}

/// The role that owns our tables.
struct Owner {
    name: String,
    may_log_in: bool,
    /// Whether we may see which roles have a password.
    passwords_are_shown: bool,
    /// The statement that lets a role of another name log in and stay trusted; none for one that has more than our tables.
    marked_by: Option<String>,
}

impl Owner {
    fn of(row: &Row) -> Owner {
        Owner {
            name: row.get("owner"),
            may_log_in: row.get("may_log_in"),
            passwords_are_shown: row.get("passwords_are_shown"),
            marked_by: row.get("marked_by"),
        }
    }
}

/// Checks that the owner of the tables may log in between nodes, as Citus requires to move them.
async fn owner(lines: &mut Lines, db: &Db) -> Result<(), DbError> {
    let check = "owner on Citus";
    let rows =
        db.query(&filled(include_str!("citus_owner.sql")), &[(&migrations::REGISTER, Type::TEXT)]).await?;
    let Some(Owner { name: owner, may_log_in, passwords_are_shown, marked_by }) = rows.first().map(Owner::of)
    else {
        return Ok(());
    };
    if !may_log_in {
        let marked = marked_by.map_or_else(String::new, |comment| {
            format!(" (and before, so that it stays trusted: {comment})")
        });
        lines.warning(
            check,
            format!("{owner} may not log in, so that Citus cannot move the schema to another node"),
            format!(
                "ALTER ROLE {} LOGIN VALID UNTIL '-infinity', without a password: it is for Citus between its nodes alone{marked}",
                plain(&owner)
            ),
        );
        return Ok(());
    }
    let with_password = passwords_are_shown
        && !db
            .query(
                "SELECT 1 FROM pg_catalog.pg_authid WHERE rolname = $1 AND rolpassword IS NOT NULL",
                &[(&owner, Type::TEXT)],
            )
            .await?
            .is_empty();
    if with_password && owner.starts_with("gazelle_") {
        let said = format!("{owner} has a password, and nobody should log in as the owner of the tables");
        lines.warning(check, said, format!("ALTER ROLE {} PASSWORD NULL", plain(&owner)));
        return Ok(());
    }
    lines.ok(check, format!("{owner} may log in between nodes, so that Citus can move the schema"));
    Ok(())
}

/// The size of our tables on whichever node holds them: this node's catalog contains only empty shells.
async fn size(lines: &mut Lines, db: &Db) -> Result<(), DbError> {
    let rows = db.query(include_str!("citus_size.sql"), &[(&migrations::tables(), Type::TEXT_ARRAY)]).await?;
    let (bytes, unknown): (i64, i64) =
        rows.first().map_or((0, 0), |row| (row.get("bytes"), row.get("unknown")));
    let check = "size on Citus";
    match unknown {
        0 => lines.ok(check, format!("the schema holds {}", display::bytes(bytes.unsigned_abs()))),
        _ => lines.warning(
            check,
            format!("how large the schema is, is not known: of {unknown} table(s) the node that holds them does not say"),
            "start that node, or see in its log why it refuses",
        ),
    }
    Ok(())
}
