//! Migrations: numbered, applied once each in a transaction of its own, never edited afterwards.

use jiff::Timestamp;
use tokio_postgres::types::Type;

use super::{Db, DbError, Tx, quote};

/// One step of the database's shape.
struct Migration {
    version: i32,
    name: &'static str,
    sql: &'static str,
    /// The statement is run once for each, as `{staging_table}`.
    staging_tables: &'static [&'static str],
}

/// Every migration in order. Applied files never change; a change of shape is a new line.
static MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "bookkeeping",
        sql: include_str!("../migrations/0001_bookkeeping.sql"),
        staging_tables: &[],
    },
    Migration {
        version: 2,
        name: "staging tables",
        sql: include_str!("../staging/staging_table.sql"),
        staging_tables: &["staging_users", "staging_clients", "staging_pianos", "staging_appointments"],
    },
    Migration {
        version: 3,
        name: "users",
        sql: include_str!("../entities/users/tables.sql"),
        staging_tables: &[],
    },
    Migration {
        version: 4,
        name: "clients, contacts, locations",
        sql: include_str!("../entities/clients/tables.sql"),
        staging_tables: &[],
    },
    Migration {
        version: 5,
        name: "pianos",
        sql: include_str!("../entities/pianos/tables.sql"),
        staging_tables: &[],
    },
    Migration {
        version: 6,
        name: "appointments",
        sql: include_str!("../entities/appointments/tables.sql"),
        staging_tables: &[],
    },
    Migration {
        version: 7,
        name: "views",
        sql: include_str!("../migrations/0007_views.sql"),
        staging_tables: &[],
    },
];

/// What a migration would do or did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its number.
    pub version: i32,
    /// Its name.
    pub name: &'static str,
}

/// How far a database's shape is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// No table of ours: everything is to be created.
    Empty,
    /// All migrations are applied.
    Current,
    /// Some are missing.
    Older(Vec<Step>),
    /// It was migrated by a newer program than this one.
    Newer(i32),
}

/// Reads how far the database is. Writes nothing.
///
/// Errors: an applied migration whose text differs from this program's (a changed file), or tables
/// of our names that no migration of ours made.
pub async fn shape(db: &Db) -> Result<Shape, DbError> {
    let schema = db.schema().to_owned();
    let exists = db
        .query(
            "SELECT EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename = 'sync_migrations'),
                    (SELECT min(tablename) FROM pg_tables WHERE schemaname = $1 AND tablename LIKE 'gazelle\\_%')",
            &[(&schema, Type::TEXT)],
        )
        .await?;
    let (ours, foreign): (bool, Option<String>) = (exists[0].get(0), exists[0].get(1));
    if !ours {
        return match foreign {
            None => Ok(Shape::Empty),
            Some(table) => Err(DbError::infrastructure(format!(
                "the schema {schema} already holds a table {table} that gazelle-sync did not make: choose \
                 another schema (GAZELLE_SYNC_SCHEMA), or move the old tables away first"
            ))),
        };
    }
    let applied =
        db.query("SELECT version, checksum FROM {schema}.sync_migrations ORDER BY version", &[]).await?;
    let mut missing = all_steps();
    for row in &applied {
        let (version, checksum): (i32, String) = (row.get(0), row.get(1));
        let Some(migration) = MIGRATIONS.iter().find(|m| m.version == version) else {
            return Ok(Shape::Newer(version));
        };
        if checksum != checksum_of(migration) {
            return Err(DbError::infrastructure(format!(
                "migration {version} ({}) was applied with another text than this program's: the two are \
                 not of the same release",
                migration.name
            )));
        }
        missing.retain(|step| step.version != version);
    }
    Ok(if missing.is_empty() { Shape::Current } else { Shape::Older(missing) })
}

/// Applies what is missing and returns what was done: an empty database gets everything in one
/// transaction, so that a crash leaves it empty; an older one each migration in its own.
pub async fn migrate(db: &Db) -> Result<Vec<Step>, DbError> {
    let (missing, empty) = match shape(db).await? {
        Shape::Current => return Ok(Vec::new()),
        Shape::Newer(version) => return Err(newer(version)),
        Shape::Older(steps) => (steps, false),
        Shape::Empty => (all_steps(), true),
    };
    let applied = if empty { create(db).await } else { upgrade(db, &missing).await };
    match applied {
        Ok(()) => Ok(missing),
        // Another program that migrated meanwhile makes our own statements fail: that is no failure.
        Err(error) => match shape(db).await {
            Ok(Shape::Current) => Ok(Vec::new()),
            _ => Err(error),
        },
    }
}

async fn create(db: &Db) -> Result<(), DbError> {
    let mut connection = db.connection().await?;
    let tx = connection.begin().await?;
    // A role without the right to create schemas can use one that exists.
    let exists =
        tx.query("SELECT 1 FROM pg_namespace WHERE nspname = $1", &[(&db.schema(), Type::TEXT)]).await?;
    if exists.is_empty() {
        tx.batch(&format!("CREATE SCHEMA {}", quote(db.schema()))).await?;
    }
    tx.batch(
        "CREATE TABLE {schema}.sync_migrations (
             version    integer PRIMARY KEY,
             name       text NOT NULL,
             checksum   text NOT NULL,
             applied_at timestamptz NOT NULL
         )",
    )
    .await?;
    for migration in MIGRATIONS {
        apply(&tx, migration).await?;
    }
    tx.commit().await
}

async fn upgrade(db: &Db, missing: &[Step]) -> Result<(), DbError> {
    let mut connection = db.connection().await?;
    for step in missing {
        let Some(migration) = MIGRATIONS.iter().find(|m| m.version == step.version) else { continue };
        let tx = connection.begin().await?;
        apply(&tx, migration).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn apply(tx: &Tx<'_>, migration: &Migration) -> Result<(), DbError> {
    if migration.staging_tables.is_empty() {
        tx.batch(migration.sql).await?;
    }
    for table in migration.staging_tables {
        tx.batch(&migration.sql.replace("{staging_table}", table)).await?;
    }
    tx.execute(
        "INSERT INTO {schema}.sync_migrations (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)",
        &[
            (&migration.version, Type::INT4),
            (&migration.name, Type::TEXT),
            (&checksum_of(migration), Type::TEXT),
            (&Timestamp::now(), Type::TIMESTAMPTZ),
        ],
    )
    .await?;
    Ok(())
}

/// Every migration there is.
pub fn all_steps() -> Vec<Step> {
    MIGRATIONS.iter().map(|m| Step { version: m.version, name: m.name }).collect()
}

/// Makes the database ready for a run: an empty one gets all migrations, an older one is refused
/// with the command that upgrades it. Returns what was created.
pub async fn prepare(db: &Db) -> Result<Vec<Step>, DbError> {
    match shape(db).await? {
        Shape::Empty => migrate(db).await,
        Shape::Current => Ok(Vec::new()),
        Shape::Newer(version) => Err(newer(version)),
        Shape::Older(steps) => Err(DbError::infrastructure(format!(
            "the database lacks {} migration(s), from {} ({}): make a backup, then run `gazelle-sync migrate`",
            steps.len(),
            steps[0].version,
            steps[0].name
        ))),
    }
}

/// The error of a database that is ahead of this program.
pub fn newer(version: i32) -> DbError {
    DbError::infrastructure(format!(
        "the database was migrated to version {version} by a newer gazelle-sync: upgrade this program"
    ))
}

fn checksum_of(migration: &Migration) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(migration.sql.as_bytes());
    for table in migration.staging_tables {
        hasher.update(table.as_bytes());
    }
    hasher.finalize().to_hex()[..16].to_owned()
}
