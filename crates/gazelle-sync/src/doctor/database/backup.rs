//! Checks that the moved tables of the old system are not readable by Supabase's public roles.

use std::collections::BTreeMap;

use tokio_postgres::types::Type;

use crate::access::PUBLIC_ROLES;
use crate::db::{Db, DbError};
use crate::doctor::Lines;
use crate::from_v5::open::{self, OpenAccess};
use crate::from_v5::{MANIFEST, local_view};
use crate::migrations;

/// How many findings are listed; one command fixes all of them.
const MOST_LISTED: usize = 6;

pub(in crate::doctor) async fn check(db: &Db) -> Result<Lines, DbError> {
    let mut lines = Lines::default();
    let names = migrations::relation_names();
    let views: Vec<String> = names.iter().map(|name| local_view(name)).collect();
    let rows = db
        .query(
            include_str!("backup.sql"),
            &[
                (&names, Type::TEXT_ARRAY),
                (&MANIFEST, Type::TEXT),
                (&views, Type::TEXT_ARRAY),
                (&PUBLIC_ROLES.as_slice(), Type::TEXT_ARRAY),
            ],
        )
        .await?;
    let mut found = BTreeMap::<String, Vec<String>>::new();
    for row in &rows {
        found.entry(row.get("backup")).or_default().extend(row.get::<_, Option<String>>("fault"));
    }
    let check = "backup of the old system";
    for (schema, mut faults) in found {
        if faults.is_empty() {
            lines.ok(check, format!("{schema} is closed to everybody but its former readers"));
            continue;
        }
        let more = faults.len().saturating_sub(MOST_LISTED);
        faults.truncate(MOST_LISTED);
        if more > 0 {
            faults.push(format!("{more} more"));
        }
        lines.problem(check, faults.join(", "), fix(&open::of_backup(db, &schema).await?));
    }
    Ok(lines)
}

/// The command that closes it: ours, or the statements of each owner that we do not act for.
fn fix(open: &[OpenAccess]) -> String {
    let mut theirs = BTreeMap::<&str, Vec<&str>>::new();
    for open in open.iter().filter(|open| !open.is_ours) {
        theirs.entry(&open.as_role).or_default().push(&open.close_with);
    }
    if theirs.is_empty() {
        return "gazelle-sync migrate closes it".to_owned();
    }
    let by = |(role, statements): (&str, Vec<&str>)| {
        format!("as {role}, or a role that acts for it: {}", statements.join("; "))
    };
    theirs.into_iter().map(by).collect::<Vec<_>>().join(" -- and ")
}
