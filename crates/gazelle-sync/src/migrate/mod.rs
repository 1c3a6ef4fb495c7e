//! Brings a database to the shape that this program works with: each migration in a transaction of its own, then what the
//! declarations of the entities add (`declared`).

mod declared;

use tokio_postgres::types::Type;

use crate::access::{self, owners};
use crate::db::{Connection, Db, DbError, Fault, Tx, citus, quote};
use crate::migrations::{MIGRATIONS, Migration, REGISTER, REWRITTEN, VIEWS, relation_names, tables};

/// What a migration would do or did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its number; none of what follows from the declarations of the entities.
    pub version: Option<i32>,
    /// Its name.
    pub name: String,
}

impl Step {
    fn of(migration: &Migration) -> Step {
        Step { version: Some(migration.version), name: migration.name.to_owned() }
    }
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
    /// It was migrated by a newer program than this one, to this version.
    Newer(i32),
}

/// Reads how far the database is. Writes nothing.
///
/// Errors: an applied migration whose text differs from this program's (a changed file), tables
/// or views of our names that no migration of ours made, or that somebody made whom we do not trust.
pub async fn shape(db: &Db) -> Result<Shape, DbError> {
    let names = relation_names();
    // Whatever has one of our names is in our way, be it a table, a view or an index.
    let found = db
        .query(
            "SELECT c.relname::text,
                    c.relkind = 'r' AND 4 = (SELECT count(*) FROM pg_attribute a
                                              WHERE a.attrelid = c.oid AND NOT a.attisdropped
                                                AND a.attname IN ('version', 'name', 'checksum', 'applied_at')),
                    row_security_active(c.oid)
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE n.nspname = $1 AND c.relname = ANY ($2::text[])
              ORDER BY 1",
            &[(&db.schema(), Type::TEXT), (&names, Type::TEXT_ARRAY)],
        )
        .await?;
    let found: Vec<(String, bool, bool)> =
        found.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
    let other = found.iter().find(|(name, ..)| name != REGISTER).map(|(name, ..)| name);
    let hidden = match (found.iter().find(|(name, ..)| name == REGISTER), other) {
        (None, None) => return Ok(Shape::Empty),
        (None, Some(name)) | (Some((name, false, _)), _) => return Err(foreign(db, name)),
        (Some((_, true, hidden)), _) => *hidden,
    };
    // Before anything of them is read: which rows are seen, and by whose code, is their owner's to say.
    owners::check(db).await?;
    let applied =
        db.query("SELECT version, checksum FROM {schema}.sync_migrations ORDER BY version", &[]).await?;
    if applied.is_empty() && hidden {
        return Err(DbError::infrastructure(
            "row security hides what was migrated: the role in DATABASE_URL lacks this right; use the role that owns \
             the tables, or one that bypasses row security",
        ));
    }
    if applied.is_empty() {
        // Someone emptied the register: nothing says who made what stands beside it.
        return other.map_or(Ok(Shape::Empty), |name| Err(foreign(db, name)));
    }
    let applied: Vec<(i32, String)> = applied.iter().map(|row| (row.get(0), row.get(1))).collect();
    let is_known = |version: i32| MIGRATIONS.iter().any(|m| m.version == version);
    if applied.iter().any(|(version, _)| !is_known(*version)) {
        return Ok(Shape::Newer(applied.iter().map(|(version, _)| *version).max().unwrap_or_default()));
    }
    let mut missing = all_steps();
    for (version, checksum) in applied {
        let Some(migration) = MIGRATIONS.iter().find(|m| m.version == version) else { continue };
        let is_former = REWRITTEN.iter().any(|(of, former)| (*of, *former) == (version, checksum.as_str()));
        if !is_former && checksum != checksum_of(migration) {
            return Err(DbError::infrastructure(format!(
                "migration {version} ({}) was applied with another text than this program's: the two are \
                 not of the same release",
                migration.name
            )));
        }
        missing.retain(|step| step.version != Some(version));
    }
    let found = declared::found(db).await?;
    if let Some(stranger) = found.stranger() {
        let maimed = stranger.maimed(db.schema(), missing.is_empty());
        return Err(maimed.unwrap_or_else(|| foreign(db, stranger.table)));
    }
    let declared = found.missing(missing.is_empty());
    missing.extend(declared.iter().map(|missing| Step { version: None, name: missing.name() }));
    Ok(if missing.is_empty() { Shape::Current } else { Shape::Older(missing) })
}

fn foreign(db: &Db, name: &str) -> DbError {
    DbError::infrastructure(format!(
        "the schema {} already holds a table or view {name} that gazelle-sync did not make: choose another schema \
         (GAZELLE_SYNC_SCHEMA), or move the old one away first: `gazelle-sync migrate --from-v5 --dry-run` shows how",
        db.schema()
    ))
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
    citus::check_takes_ddl(db).await?;
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
    create_in(&tx, db.schema()).await?;
    tx.commit().await
}

/// Applies all migrations to an empty schema, which is created if need be. The caller commits.
pub async fn create_in(tx: &Tx<'_>, schema: &str) -> Result<(), DbError> {
    // A role without the right to create schemas can use one that exists.
    let exists = tx.query("SELECT 1 FROM pg_namespace WHERE nspname = $1", &[(&schema, Type::TEXT)]).await?;
    if exists.is_empty() {
        tx.batch(&format!("CREATE SCHEMA {}", quote(schema))).await?;
    }
    // A register without a row may be there. Ours takes its place rather than its word: it is as we make it then, and
    // ours. One that another program has filled meanwhile is not lost: whatever it says is there is in our way.
    owners::check_in(tx).await?;
    let there = tx
        .query(
            "SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename = $2",
            &[(&schema, Type::TEXT), (&REGISTER, Type::TEXT)],
        )
        .await?;
    if !there.is_empty() {
        tx.batch("DROP TABLE {schema}.sync_migrations").await?;
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
        apply(tx, migration).await?;
    }
    declared::add(tx).await?;
    access::close(tx).await
}

async fn upgrade(db: &Db, missing: &[Step]) -> Result<(), DbError> {
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
    // What the declarations add and the rights come with the last one, so that a database that lacks nothing has them.
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

/// Says of a refusal which migration met it: what a user has added to a table refuses a row.
fn refused(migration: &Migration, error: DbError) -> DbError {
    match error.fault {
        Fault::Record => error.while_doing(&format!(
            "migration {} ({}) and those after it were not applied, nothing of it was kept",
            migration.version, migration.name
        )),
        _ => error,
    }
}

/// A transaction in which the shape may be changed: the tables are ours, and so are the rights.
async fn begin_step(connection: &mut Connection) -> Result<Tx<'_>, DbError> {
    let tx = connection.begin().await?;
    owners::check_in(&tx).await?;
    access::check_owner_rights(&tx).await?;
    Ok(tx)
}

async fn apply(tx: &Tx<'_>, migration: &Migration) -> Result<(), DbError> {
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

/// Every migration there is.
pub fn all_steps() -> Vec<Step> {
    MIGRATIONS.iter().map(Step::of).collect()
}

/// Makes the database ready for a run: an empty one gets all migrations, an older one is refused
/// with the command that upgrades it. Returns what was created.
pub async fn prepare(db: &Db) -> Result<Vec<Step>, DbError> {
    citus::check(db).await?;
    match shape(db).await? {
        Shape::Empty => migrate(db).await,
        Shape::Current => Ok(Vec::new()),
        Shape::Newer(version) => Err(newer(version)),
        Shape::Older(steps) => Err(older(&steps)),
    }
}

/// Whether there is anything to read, for what only reads: no in an empty database. One that is not of this
/// program's age is refused as by [`prepare`].
pub async fn is_readable(db: &Db) -> Result<bool, DbError> {
    match shape(db).await? {
        Shape::Empty => Ok(false),
        Shape::Current => Ok(true),
        Shape::Newer(version) => Err(newer(version)),
        Shape::Older(steps) => Err(older(&steps)),
    }
}

/// Drops every table and view of ours, with what they hold, and nothing else.
///
/// Errors: something that is not ours depends on them, such as a user's view.
pub async fn drop_all(db: &Db) -> Result<(), DbError> {
    let listed =
        |names: &[&str]| names.iter().map(|name| format!("{{schema}}.{name}")).collect::<Vec<_>>().join(", ");
    let mut connection = db.connection().await?;
    let tx = connection.begin().await?;
    // All at once, so that they may depend on each other; never CASCADE, which would take what is not ours.
    tx.batch(&format!("DROP VIEW IF EXISTS {}", listed(&VIEWS))).await?;
    tx.batch(&format!("DROP TABLE IF EXISTS {}", listed(&tables()))).await?;
    tx.commit().await
}

fn older(steps: &[Step]) -> DbError {
    let lacks = match steps.first() {
        Some(Step { version: Some(version), name }) => {
            format!("{} migration(s), from {version} ({name})", steps.len())
        }
        Some(Step { version: None, name }) => {
            format!("what {} step(s) add, beginning with {name}", steps.len())
        }
        None => "nothing".to_owned(),
    };
    DbError::infrastructure(format!(
        "the database lacks {lacks}: make a backup, then run `gazelle-sync migrate`"
    ))
}

/// The error of a database that is ahead of this program.
pub fn newer(version: i32) -> DbError {
    DbError::infrastructure(format!(
        "the database was migrated to version {version} by a newer gazelle-sync: upgrade this program"
    ))
}

/// What one migration does, and how the register notes it.
#[derive(Debug, Clone)]
pub struct Script {
    /// Its number.
    pub version: i32,
    /// Its name.
    pub name: &'static str,
    /// Of its text.
    pub checksum: String,
    /// Several statements, with `{schema}` to be filled in.
    pub sql: String,
}

/// Every migration as text: the first ones make a database such as an earlier release left, with the register beside them.
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

fn checksum_of(migration: &Migration) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(migration.sql.as_bytes());
    for table in migration.staging_tables {
        hasher.update(table.as_bytes());
    }
    hasher.finalize().to_hex()[..16].to_owned()
}
