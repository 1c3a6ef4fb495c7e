//! Checks what could falsify correct rows, or let wrong ones in: triggers, dashboard views, foreign keys.

use tokio_postgres::types::Type;

use super::report::Check;
use crate::db::{DbError, Template, Tx};
use crate::entities::FOREIGN_KEYS;
use crate::migrations;
use crate::staging::counts::dashboard;

/// Checks that no trigger or rule is on our tables.
///
/// # Errors
/// The database's.
pub async fn no_triggers(tx: &Tx<'_>, schema: &str) -> Result<Check, DbError> {
    let mut check = Check::new("no trigger or rule touches our tables");
    let ours = migrations::relation_names();
    check.checked = ours.len() as u64;
    let rows =
        tx.query(include_str!("triggers.sql"), &[(&schema, Type::TEXT), (&ours, Type::TEXT_ARRAY)]).await?;
    for row in &rows {
        let (kind, name, table): (String, String, String) =
            (row.get("kind"), row.get("name"), row.get("relation"));
        check.differs(format!("{kind} {name} on {table}: DROP {} {name} ON {table}", kind.to_uppercase()));
    }
    Ok(check)
}

/// Checks that the dashboard views count what staging holds.
///
/// # Errors
/// The database's.
pub async fn dashboard_agrees(tx: &Tx<'_>) -> Result<Check, DbError> {
    let mut check = Check::new("the dashboard views count what staging holds");
    let counted = dashboard::count(tx).await?;
    let shown = dashboard::shown(tx).await?;
    check.checked = counted.len() as u64;
    for (key, count) in &counted {
        let shows = shown.get(key).copied().unwrap_or_default();
        if shows != *count {
            check.differs(format!("{} {}: {count} in staging, the view shows {shows}", key.0, key.1));
        }
    }
    for (key, count) in shown.iter().filter(|(key, _)| !counted.contains_key(*key)) {
        check.differs(format!("{} {}: none in staging, the view shows {count}", key.0, key.1));
    }
    Ok(check)
}

/// Checks that each foreign key is declared and valid, and that each value names a row, declared or not.
///
/// # Errors
/// The database's.
pub async fn foreign_keys_hold(tx: &Tx<'_>, schema: &str) -> Result<Check, DbError> {
    let mut check = Check::new("foreign keys hold");
    for (table, column, parent) in FOREIGN_KEYS.iter() {
        check.checked += 1;
        let declared = tx
            .query(
                include_str!("declared_foreign_key.sql"),
                &[(&schema, Type::TEXT), (&table, Type::TEXT), (&column, Type::TEXT), (&parent, Type::TEXT)],
            )
            .await?;
        if declared.is_empty() {
            check.differs(format!("{table}.{column}: no valid foreign key to {parent} is declared"));
        }
        let sql = Template::new(include_str!("orphans.sql"))
            .with("table", *table)
            .with("column", *column)
            .with("parent", *parent)
            .fill();
        let orphans = tx.query(&sql, &[]).await?;
        if let Some(row) = orphans.first().filter(|row| row.get::<_, i64>("orphans") > 0) {
            check.differs(format!(
                "{table}.{column}: {} value(s) name no row of {parent}, such as {}",
                row.get::<_, i64>("orphans"),
                row.get::<_, String>("such_as")
            ));
        }
    }
    Ok(check)
}
