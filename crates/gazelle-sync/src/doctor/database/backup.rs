//! Checks that the moved tables of the old system are not readable by Supabase's public roles.

use std::collections::BTreeMap;

use tokio_postgres::types::Type;

use crate::access::PUBLIC_ROLES;
use crate::db::{Db, DbError};
use crate::doctor::Lines;
use crate::from_v5::{MANIFEST, local_view};
use crate::migrations;

/// How many findings are listed; one command fixes all of them.
const MOST_LISTED: usize = 6;

pub(in crate::doctor) async fn look(db: &Db) -> Result<Lines, DbError> {
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
    for (schema, mut open) in found {
        if open.is_empty() {
            lines.ok(check, format!("{schema} is closed to everybody but its former readers"));
            continue;
        }
        let more = open.len().saturating_sub(MOST_LISTED);
        open.truncate(MOST_LISTED);
        if more > 0 {
            open.push(format!("{more} more"));
        }
        lines.problem(check, open.join(", "), "gazelle-sync migrate --roles (as an administrator) closes it");
    }
    Ok(lines)
}
