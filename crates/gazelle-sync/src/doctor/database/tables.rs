//! Checks that our tables exist and match this version of the program.

use tokio_postgres::types::Type;

use crate::db::{Db, DbError};
use crate::doctor::Lines;
use crate::migrate::{self, SchemaState};
use crate::migrations;

pub(in crate::doctor) async fn check(db: &Db) -> Result<Lines, DbError> {
    let mut lines = Lines::default();
    let check = "migrations";
    match migrate::schema_state(db).await {
        Ok(SchemaState::Current) => {
            lines.ok(check, format!("all {} are applied", migrate::all_steps().len()));
        }
        Ok(SchemaState::Empty) => {
            let said = format!("schema {} holds no table of ours yet", db.schema());
            lines.problem(check, said, "gazelle-sync sync --mode full (creates and fills them)");
            return Ok(lines);
        }
        Ok(SchemaState::Older(steps)) => {
            let names: Vec<&str> = steps.iter().map(|step| step.name.as_str()).collect();
            let said = format!("{} missing: {}", steps.len(), names.join(", "));
            lines.problem(check, said, "gazelle-sync migrate (make a backup first)");
        }
        Ok(SchemaState::Newer(version)) => {
            let said = format!("the database was migrated to version {version} by a newer gazelle-sync");
            lines.problem(check, said, "upgrade this program");
        }
        Err(error) => lines.cannot(check, &error),
    }
    let names = migrations::relation_names();
    let rows = db.query(include_str!("missing_relations.sql"), &[(&names, Type::TEXT_ARRAY)]).await?;
    let missing: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let (staging, other): (Vec<String>, Vec<String>) =
        missing.into_iter().partition(|name| migrations::is_staging(name));
    let restore =
        "restore them from a backup (docs/runbook.md), or start anew in an empty schema: GAZELLE_SYNC_SCHEMA";
    for (check, missing, all) in [
        ("staging tables", staging, names.iter().filter(|name| migrations::is_staging(name)).count()),
        ("other tables", other, names.iter().filter(|name| !migrations::is_staging(name)).count()),
    ] {
        match missing.is_empty() {
            true => lines.ok(check, format!("all {all} are there, views included")),
            false => lines.problem(check, format!("missing: {}", missing.join(", ")), restore),
        }
    }
    Ok(lines)
}
