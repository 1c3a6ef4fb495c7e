//! Builds production as it was at an instant, in a schema beside the account's, for inspection and comparison.

use std::time::Instant;

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::types::Type;

use crate::access::trust::fragments::filled;
use crate::config::Settings;
use crate::db::{Begin, Db, DbError, Tx, citus, quote};
use crate::lease::Unfenced;
use crate::run_log::report::{RunOutcome, milliseconds};
use crate::staging::notes::whole_since;
use crate::staging::pending::RebuildSource;
use crate::staging_to_production::TableSet;
use crate::staging_to_production::rebuild::{self, UnwrittenRecord};
use crate::{access, migrate, migrations};

/// The comment that marks such a schema, so that it may be replaced and no other schema is ever dropped.
const MARK: &str = "built by gazelle-sync replay --into";

/// What was built.
#[derive(Debug, Serialize)]
pub struct RestoredSchema {
    /// Always `success`: after an error nothing is left behind.
    pub status: RunOutcome,
    /// The schema.
    pub schema: String,
    /// The instant whose state it holds.
    pub as_of: Timestamp,
    /// Whether a schema that an earlier replay had built was dropped for it.
    pub replaced: bool,
    /// Rows by table, parents first.
    pub tables: Vec<(&'static str, u64)>,
    /// Records whose newest version until then could not be read or written: the schema holds an older version of
    /// each, or none.
    pub unplaced: Vec<UnwrittenRecord>,
    /// Milliseconds from start to end.
    pub duration_ms: u64,
}

/// Builds, in one transaction, what the versions seen until `as_of` give. Versions that an undo withdrew later
/// count; those that were withdrawn by then do not.
///
/// # Errors
/// The database's; a schema that exists and was not built by this; an instant before the setting `retention`
/// deleted versions.
pub async fn build(
    db: &Db,
    settings: &Settings,
    as_of: Timestamp,
    into: &str,
) -> Result<RestoredSchema, DbError> {
    let started = Instant::now();
    migrate::prepare(db).await?;
    citus::check_takes_ddl(db).await?;
    if let Some(whole) = whole_since::read(db).await?.filter(|whole| as_of < *whole) {
        return Err(DbError::refused(format!(
            "staging holds every version only since {whole}: what was before was dropped by the setting retention, and \
             the state of an earlier instant cannot be built"
        )));
    }
    let mut connection = db.connection().await?;
    let begin = Begin { snapshot: true, ..Begin::default() };
    let tx = Unfenced::CopyOfThePast.begin_with(&mut connection, begin).await?;
    let replaced = make_room(&tx, db.schema(), into).await?;
    let unplaced = rebuild::rebuild(&tx, settings.batch_size, RebuildSource::AsOf(as_of)).await?;
    let target = quote(into);
    // By our own statements, so that nothing that was added to the account's tables can refuse a row here.
    for sql in migrations::declared::production_tables() {
        tx.batch_as_is(&sql.replace("{schema}", &target)).await?;
    }
    let mut tables = Vec::new();
    for table in rebuild::production_tables() {
        let columns: Vec<&str> = table.stored_columns().map(|(name, _)| name).collect();
        let copied = tx
            .execute_as_is(&format!(
                "INSERT INTO {target}.{name} ({columns}) SELECT {columns} FROM {prefix}{name}",
                name = table.name,
                columns = columns.join(", "),
                prefix = TableSet::Scratch.prefix(),
            ))
            .await?;
        tables.push((table.name, copied));
    }
    for table in rebuild::production_tables() {
        tx.batch_as_is(&format!("ALTER TABLE {target}.{} ENABLE ROW LEVEL SECURITY", table.name)).await?;
    }
    for sql in migrations::production_views() {
        // Must not replace a view that somebody has created since ours was dropped.
        let sql = sql.replace("CREATE OR REPLACE VIEW", "CREATE VIEW").replace("{schema}", &target);
        tx.batch_as_is(&sql).await?;
    }
    close(&tx, &target).await?;
    tx.commit().await?;
    let schema = into.to_owned();
    Ok(RestoredSchema {
        status: RunOutcome::Success,
        schema,
        as_of,
        replaced,
        tables,
        unplaced,
        duration_ms: milliseconds(started.elapsed()),
    })
}

/// Creates the schema; drops the tables of one that an earlier build left, and refuses any other. Returns whether
/// it replaces one.
async fn make_room(tx: &Tx<'_>, account: &str, into: &str) -> Result<bool, DbError> {
    if into == account {
        return Err(DbError::refused(format!(
            "--into {into} is the schema of the account itself; name another, such as {account}_then"
        )));
    }
    let rows = tx
        .query(&filled(include_str!("into_schema.sql")), &[(&into, Type::TEXT), (&made(), Type::TEXT_ARRAY)])
        .await?;
    let target = quote(into);
    let is_there = match rows.first() {
        None => false,
        Some(row) if row.get::<_, Option<&str>>("comment") == Some(MARK) => {
            // Anybody can write the mark, so the owner is checked too.
            let (name, owner): (Option<String>, Option<String>) = (row.get("name"), row.get("owner"));
            if let Some((name, owner)) = name.zip(owner) {
                return Err(DbError::refused(format!(
                    "{name} belongs to {owner}, and what would be dropped and built again must be the role's in \
                     DATABASE_URL, or of a role whose rights it has: name another schema, run this as {owner}, or drop it \
                     yourself"
                )));
            }
            true
        }
        Some(_) => {
            return Err(DbError::refused(format!(
                "the schema {into} exists and is not one that `replay --into` built; name another, or drop it yourself"
            )));
        }
    };
    if is_there {
        // Without CASCADE: an object outside of it belongs to somebody else, and the refusal names it.
        for view in migrations::production_view_names() {
            tx.batch_as_is(&format!("DROP VIEW IF EXISTS {target}.{view}")).await?;
        }
        for table in rebuild::production_tables().rev() {
            tx.batch_as_is(&format!("DROP TABLE IF EXISTS {target}.{}", table.name)).await?;
        }
        return Ok(true);
    }
    tx.batch_as_is(&format!("CREATE SCHEMA {target}")).await?;
    tx.batch_as_is(&format!("COMMENT ON SCHEMA {target} IS '{MARK}'")).await?;
    Ok(false)
}

/// The relations that are created in the schema.
fn made() -> Vec<&'static str> {
    rebuild::production_tables().map(|table| table.name).chain(migrations::production_view_names()).collect()
}

/// Revokes all rights from PUBLIC and from Supabase's public roles: default privileges may have granted some on
/// what was just created, and no row-level security policy prevents TRUNCATE.
async fn close(tx: &Tx<'_>, target: &str) -> Result<(), DbError> {
    let public = access::public_roles(tx).await?;
    let from: Vec<String> =
        ["PUBLIC".to_owned()].into_iter().chain(public.iter().map(|role| quote(role))).collect();
    let from = from.join(", ");
    tx.batch_as_is(&format!("REVOKE ALL ON SCHEMA {target} FROM {from}")).await?;
    for name in made() {
        tx.batch_as_is(&format!("REVOKE ALL ON {target}.{name} FROM {from}")).await?;
    }
    Ok(())
}
