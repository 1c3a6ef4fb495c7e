//! Proves that what is compared did the same work: production must hold the same rows, whoever filled it.

use anyhow::{Result, ensure};
use gazelle_sync::entities::ENTITIES;

use super::lab::Lab;

/// The production tables.
fn production_tables() -> impl Iterator<Item = &'static str> {
    ENTITIES.iter().flat_map(|entity| entity.tables).map(|table| table.name)
}

/// Fails unless every production table of two databases has the same content, lineage columns aside.
pub fn ensure_same(lab: &Lab, one: &str, other: &str) -> Result<()> {
    for table in production_tables() {
        let (a, b) = (content(lab, one, table)?, content(lab, other, table)?);
        ensure!(a == b, "{table} differs: {one} holds {a}, {other} holds {b} (rows|hash)");
    }
    Ok(())
}

fn content(lab: &Lab, database: &str, table: &str) -> Result<String> {
    lab.query(
        database,
        &format!(
            "SELECT count(*), sum(hashtextextended((to_jsonb(t) - 'staging_id' - 'reconciler_version'
                    - 'synced_from_gazelle_at')::text, 0)::numeric) FROM {table} t"
        ),
    )
}

/// Rows of all production tables, and how many of them were written by this or a later transaction.
pub fn written_since(lab: &Lab, database: &str, transaction: &str) -> Result<(u64, u64)> {
    let each: Vec<String> = production_tables().map(|table| format!("SELECT xmin FROM {table}")).collect();
    let counted = lab.query(
        database,
        &format!(
            "SELECT count(*) || ' ' || count(*) FILTER (WHERE xmin::text::bigint >= {transaction})
               FROM ({}) AS rows",
            each.join(" UNION ALL ")
        ),
    )?;
    let (rows, written) = counted.split_once(' ').unwrap_or((&counted, "0"));
    Ok((rows.parse()?, written.parse()?))
}
