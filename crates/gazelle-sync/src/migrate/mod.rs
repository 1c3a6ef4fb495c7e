//! Migrates a database: each numbered migration in a transaction of its own, then what the entities' declarations
//! add (`declared`).

mod declared;
pub mod demo;
mod schema_state;

use tokio_postgres::types::Type;

pub use schema_state::{MigrationStep, SchemaState, all_steps, schema_state, schema_state_to_migrate};

use crate::access;
use crate::access::trust::owners;
use crate::db::{Connection, Db, DbError, DbErrorClass, Outage, citus, quote};
use crate::lease::{Unfenced, UnfencedTx};
use crate::migrations::{MIGRATIONS, Migration, REGISTER, VIEWS, tables};
use schema_state::checksum_of;

/// Applies the missing steps and returns them. An empty database gets all of them in one transaction, so that a
/// crash leaves it empty; an older one gets each migration in its own.
///
/// # Errors
/// Those of [`schema_state()`]; a newer database; a Citus worker node; a migration that fails.
pub async fn migrate(db: &Db) -> Result<Vec<MigrationStep>, DbError> {
    let (missing, empty) = match schema_state_to_migrate(db).await? {
        SchemaState::Current => return Ok(Vec::new()),
        SchemaState::Newer(version) => return Err(newer(version)),
        SchemaState::Older(steps) => (steps, false),
        SchemaState::Empty => (all_steps(), true),
    };
    citus::check_takes_ddl(db).await?;
    let applied = if empty { create(db).await } else { upgrade(db, &missing).await };
    match applied {
        Ok(()) => Ok(missing),
        // If another process migrated meanwhile, our statements fail although all is well.
        Err(error) => match schema_state_to_migrate(db).await {
            Ok(SchemaState::Current) => Ok(Vec::new()),
            _ => Err(error),
        },
    }
}

async fn create(db: &Db) -> Result<(), DbError> {
    let mut connection = db.connection().await?;
    let tx = Unfenced::Migrations.begin(&mut connection).await?;
    create_in(&tx, db.schema()).await?;
    tx.commit().await
}

/// Applies all migrations to an empty schema, which is created if it does not exist. The caller commits.
///
/// # Errors
/// Those of the database; tables that we do not trust.
pub async fn create_in(tx: &UnfencedTx<'_>, schema: &str) -> Result<(), DbError> {
    // A role that may not create schemas can use an existing one.
    let exists = tx.query("SELECT 1 FROM pg_namespace WHERE nspname = $1", &[(&schema, Type::TEXT)]).await?;
    if exists.is_empty() {
        tx.batch(&format!("CREATE SCHEMA {}", quote(schema))).await?;
    }
    // An empty register may exist. Ours replaces it, so that its definition and owner are known. If another process
    // filled it meanwhile, nothing is lost: the tables it records make our CREATE statements fail.
    owners::check_owners_in(tx).await?;
    access::take_beyond_rows(tx, "").await?;
    owners::check_superuser_in(tx).await?;
    let there = tx
        .query(
            "SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename = $2",
            &[(&schema, Type::TEXT), (&REGISTER, Type::TEXT)],
        )
        .await?;
    if !there.is_empty() {
        tx.batch("DROP TABLE {schema}.sync_migrations").await?;
    }
    tx.batch(include_str!("register.sql")).await?;
    for migration in MIGRATIONS {
        apply(tx, migration).await?;
    }
    declared::add(tx).await?;
    access::close(tx).await
}

async fn upgrade(db: &Db, missing: &[MigrationStep]) -> Result<(), DbError> {
    let mut connection = db.connection().await?;
    let is_missing =
        |migration: &&Migration| missing.iter().any(|step| step.version == Some(migration.version));
    let numbered: Vec<&Migration> = MIGRATIONS.iter().filter(is_missing).collect();
    let (last, earlier) = match numbered.split_last() {
        Some((last, earlier)) => (Some(*last), earlier),
        None => (None, [].as_slice()),
    };
    for migration in earlier {
        let tx = begin_step(&mut connection).await?;
        apply(&tx, migration).await.map_err(|error| refused(migration, error))?;
        access::close(&tx).await?;
        tx.commit().await.map_err(|error| refused(migration, error))?;
    }
    // The declared objects and the rights come in the last transaction, so that a database that lacks no migration
    // has them.
    let tx = begin_step(&mut connection).await?;
    if let Some(migration) = last {
        apply(&tx, migration).await.map_err(|error| refused(migration, error))?;
    }
    declared::add(&tx).await?;
    access::close(&tx).await?;
    access::cover(&tx).await?;
    tx.commit().await.map_err(|error| match last {
        Some(migration) => refused(migration, error),
        None => error,
    })
}

/// Adds the failed migration to an error about a row: something that a user added to a table refuses it.
fn refused(migration: &Migration, error: DbError) -> DbError {
    match error.fault {
        DbErrorClass::Record => error.while_doing(&format!(
            "migration {} ({}) and those after it were not applied, nothing of it was kept",
            migration.version, migration.name
        )),
        _ => error,
    }
}

/// Begins a transaction in which tables may be changed: checks their owners and our rights. Rights that nobody
/// needs are revoked first, since they would keep a superuser from going on.
async fn begin_step(connection: &mut Connection) -> Result<UnfencedTx<'_>, DbError> {
    let tx = Unfenced::Migrations.begin(connection).await?;
    owners::check_owners_in(&tx).await?;
    access::check_owner_rights(&tx).await?;
    access::take_beyond_rows(&tx, "").await?;
    owners::check_superuser_in(&tx).await?;
    Ok(tx)
}

async fn apply(tx: &UnfencedTx<'_>, migration: &Migration) -> Result<(), DbError> {
    if migration.staging_tables.is_empty() {
        tx.batch(migration.sql).await?;
    }
    for table in migration.staging_tables {
        tx.batch(&migration.sql.replace("{staging_table}", table)).await?;
    }
    let now = tx.now().await?;
    tx.execute(
        "INSERT INTO {schema}.sync_migrations (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)",
        &[
            (&migration.version, Type::INT4),
            (&migration.name, Type::TEXT),
            (&checksum_of(migration), Type::TEXT),
            (&now, Type::TIMESTAMPTZ),
        ],
    )
    .await?;
    Ok(())
}

/// Prepares the database for a run: an empty one gets all migrations, an older one is refused with the command that
/// upgrades it. Returns what was created.
///
/// # Errors
/// Those of [`schema_state()`]; an older or a newer database; an untested version of Citus.
pub async fn prepare(db: &Db) -> Result<Vec<MigrationStep>, DbError> {
    citus::check(db).await?;
    match schema_state(db).await? {
        SchemaState::Empty => migrate(db).await,
        SchemaState::Current => Ok(Vec::new()),
        SchemaState::Newer(version) => Err(newer(version)),
        SchemaState::Older(steps) => Err(older(&steps)),
    }
}

/// Whether there is anything to read, for commands that only read: false in an empty database.
///
/// # Errors
/// Those of [`schema_state()`]; an older or a newer database.
pub async fn is_readable(db: &Db) -> Result<bool, DbError> {
    match schema_state(db).await? {
        SchemaState::Empty => Ok(false),
        SchemaState::Current => Ok(true),
        SchemaState::Newer(version) => Err(newer(version)),
        SchemaState::Older(steps) => Err(older(&steps)),
    }
}

/// Drops all our tables and views with their data, and nothing else.
///
/// # Errors
/// Another object depends on them, such as a user's view. Those of the database.
pub async fn drop_all(db: &Db) -> Result<(), DbError> {
    let listed =
        |names: &[&str]| names.iter().map(|name| format!("{{schema}}.{name}")).collect::<Vec<_>>().join(", ");
    let mut connection = db.connection().await?;
    let tx = connection.begin_ddl().await?;
    // All in one statement, so that they may depend on each other. Never CASCADE, which would drop other objects.
    tx.batch(&format!("DROP VIEW IF EXISTS {}", listed(&VIEWS))).await?;
    tx.batch(&format!("DROP TABLE IF EXISTS {}", listed(&tables()))).await?;
    tx.commit().await
}

fn older(steps: &[MigrationStep]) -> DbError {
    let lacks = match steps.first() {
        Some(MigrationStep { version: Some(version), name }) => {
            format!("{} migration(s), from {version} ({name})", steps.len())
        }
        Some(MigrationStep { version: None, name }) => {
            format!("what {} step(s) add, beginning with {name}", steps.len())
        }
        None => "nothing".to_owned(),
    };
    let what = format!("the database lacks {lacks}: make a backup, then run `gazelle-sync migrate`");
    DbError::of_outage(Outage::OlderTables, what)
}

/// The error for a database that a newer version migrated.
pub fn newer(version: i32) -> DbError {
    let what = format!(
        "the database was migrated to version {version} by a newer gazelle-sync: upgrade this program"
    );
    DbError::of_outage(Outage::NewerTables, what)
}

/// The SQL of one migration, and its entry in the register.
#[derive(Debug, Clone)]
pub struct Script {
    /// Its number.
    pub version: i32,
    /// Its name.
    pub name: &'static str,
    /// The checksum of its text.
    pub checksum: String,
    /// Its statements, with `{schema}` to be filled in.
    pub sql: String,
}

/// Every migration as text. The first ones, together with the register, create a database as an earlier release
/// left it.
pub fn scripts() -> Vec<Script> {
    let text = |migration: &Migration| match migration.staging_tables {
        [] => migration.sql.to_owned(),
        tables => tables.iter().map(|table| migration.sql.replace("{staging_table}", table) + "\n").collect(),
    };
    let script = |migration: &Migration| Script {
        version: migration.version,
        name: migration.name,
        checksum: checksum_of(migration),
        sql: text(migration),
    };
    MIGRATIONS.iter().map(script).collect()
}
