//! Determines which migrations a database has, by its register and by the objects that exist.

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::declared;
use crate::access;
use crate::access::trust::owners;
use crate::access::trust::superuser::Before;
use crate::db::{Db, DbError};
use crate::migrations::{MIGRATIONS, Migration, REGISTER, REWRITTEN, relation_names};

/// A step of a migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStep {
    /// The migration's number; `None` for a step that follows from the entities' declarations or revokes rights.
    pub version: Option<i32>,
    /// Its name.
    pub name: String,
}

impl MigrationStep {
    fn of(migration: &Migration) -> MigrationStep {
        MigrationStep { version: Some(migration.version), name: migration.name.to_owned() }
    }
}

/// The state of a database's schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaState {
    /// It has none of our tables.
    Empty,
    /// All migrations are applied.
    Current,
    /// Some are missing.
    Older(Vec<MigrationStep>),
    /// A newer version of this program migrated it, to this number.
    Newer(i32),
}

/// Reads the state of the schema. Writes nothing.
///
/// # Errors
/// An applied migration whose text differs from this program's; tables or views with our names that no migration
/// created, or that belong to a role we do not trust. Those of the database.
pub async fn schema_state(db: &Db) -> Result<SchemaState, DbError> {
    read_state(db, Before::Use).await
}

/// As [`schema_state`], for `migrate`: if other roles may do more with our tables than read and write rows, a step that
/// revokes those rights is missing, too. That is no reason to refuse a run, so [`schema_state`] does not report it.
///
/// # Errors
/// As [`schema_state`].
pub async fn schema_state_to_migrate(db: &Db) -> Result<SchemaState, DbError> {
    let state = read_state(db, Before::TakingRights).await?;
    let mut steps = match state {
        SchemaState::Current => Vec::new(),
        SchemaState::Older(steps) => steps,
        SchemaState::Empty | SchemaState::Newer(_) => return Ok(state),
    };
    let mut connection = db.connection().await?;
    let tx = connection.begin().await?;
    let held = access::beyond_rows(&tx, "").await?;
    tx.rollback().await?;
    if held.iter().any(|held| held.is_ours_to_take) {
        steps.push(MigrationStep { version: None, name: RIGHTS.to_owned() });
    }
    Ok(if steps.is_empty() { SchemaState::Current } else { SchemaState::Older(steps) })
}

/// The step that revokes rights.
const RIGHTS: &str = "rights of others beyond rows";

async fn read_state(db: &Db, before: Before) -> Result<SchemaState, DbError> {
    let relations = relations(db).await?;
    let register = relations.iter().find(|relation| relation.name == REGISTER);
    let other = relations.iter().find(|relation| relation.name != REGISTER);
    let register = match (register, other) {
        (None, None) => return Ok(SchemaState::Empty),
        (None, Some(other)) => return Err(foreign(db, &other.name)),
        (Some(register), _) if !register.is_register => return Err(foreign(db, &register.name)),
        (Some(register), _) => register,
    };
    // Before reading any table: its owner decides which rows we see, and whose code runs.
    owners::check_before(db, before).await?;
    let applied = applied(db).await?;
    if applied.is_empty() && register.is_hidden {
        return Err(DbError::refused(
            "row security hides what was migrated: the role in DATABASE_URL lacks this right; use the role that owns \
             the tables, or one that bypasses row security",
        ));
    }
    if applied.is_empty() {
        // The register was emptied: nothing says who created the other tables.
        return other.map_or(Ok(SchemaState::Empty), |other| Err(foreign(db, &other.name)));
    }
    let mut missing = match Progress::of(&applied)? {
        Progress::Newer(version) => return Ok(SchemaState::Newer(version)),
        Progress::Missing(steps) => steps,
    };
    let found = declared::found(db).await?;
    if let Some(unknown) = found.unknown_table() {
        let dropped = unknown.dropped_columns_error(db.schema(), missing.is_empty());
        return Err(dropped.unwrap_or_else(|| foreign(db, unknown.table)));
    }
    let declared = found.missing(missing.is_empty());
    missing.extend(declared.iter().map(|missing| MigrationStep { version: None, name: missing.name() }));
    Ok(if missing.is_empty() { SchemaState::Current } else { SchemaState::Older(missing) })
}

/// An object that has one of our names.
struct Relation {
    name: String,
    /// Whether it is a table with our register's columns.
    is_register: bool,
    /// Whether row security may hide its rows from us.
    is_hidden: bool,
}

/// The objects with our names: tables, views, indexes or others, which would all collide with ours.
async fn relations(db: &Db) -> Result<Vec<Relation>, DbError> {
    let params = [(&db.schema() as _, Type::TEXT), (&relation_names() as _, Type::TEXT_ARRAY)];
    let rows = db.query(include_str!("relations.sql"), &params).await?;
    let relation = |row: &Row| Relation {
        name: row.get("name"),
        is_register: row.get("is_register"),
        is_hidden: row.get("is_hidden"),
    };
    Ok(rows.iter().map(relation).collect())
}

/// A migration recorded in the register.
struct AppliedMigration {
    version: i32,
    checksum: String,
}

async fn applied(db: &Db) -> Result<Vec<AppliedMigration>, DbError> {
    let rows =
        db.query("SELECT version, checksum FROM {schema}.sync_migrations ORDER BY version", &[]).await?;
    Ok(rows
        .iter()
        .map(|row| AppliedMigration { version: row.get("version"), checksum: row.get("checksum") })
        .collect())
}

/// Which of this program's migrations a register lacks.
#[derive(Debug, PartialEq, Eq)]
enum Progress {
    /// It has one that this program does not know.
    Newer(i32),
    /// It lacks these; empty if it lacks none.
    Missing(Vec<MigrationStep>),
}

impl Progress {
    /// # Errors
    /// A migration was applied with another text.
    fn of(applied: &[AppliedMigration]) -> Result<Progress, DbError> {
        let of_this_program = |version: i32| MIGRATIONS.iter().find(|m| m.version == version);
        if applied.iter().any(|applied| of_this_program(applied.version).is_none()) {
            let newest = applied.iter().map(|applied| applied.version).max();
            return Ok(Progress::Newer(newest.unwrap_or_default()));
        }
        let mut missing = all_steps();
        for AppliedMigration { version, checksum } in applied {
            let Some(migration) = of_this_program(*version) else { continue };
            let is_former = REWRITTEN.contains(&(*version, checksum.as_str()));
            if !is_former && *checksum != checksum_of(migration) {
                return Err(DbError::refused(format!(
                    "migration {version} ({}) was applied with another text than this program's: the two are \
                     not of the same release",
                    migration.name
                )));
            }
            missing.retain(|step| step.version != Some(*version));
        }
        Ok(Progress::Missing(missing))
    }
}

fn foreign(db: &Db, name: &str) -> DbError {
    DbError::refused(format!(
        "the schema {} already holds a table or view {name} that gazelle-sync did not make: choose another schema \
         (GAZELLE_SYNC_SCHEMA), or move the old one away first: `gazelle-sync migrate --from-v5 --dry-run` shows how",
        db.schema()
    ))
}

/// A step for every migration.
pub fn all_steps() -> Vec<MigrationStep> {
    MIGRATIONS.iter().map(MigrationStep::of).collect()
}

/// The checksum of a migration's text in the register.
pub(super) fn checksum_of(migration: &Migration) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(migration.sql.as_bytes());
    for table in migration.staging_tables {
        hasher.update(table.as_bytes());
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(migrations: &[Migration]) -> Vec<AppliedMigration> {
        let applied = |migration: &Migration| AppliedMigration {
            version: migration.version,
            checksum: checksum_of(migration),
        };
        migrations.iter().map(applied).collect()
    }

    #[test]
    fn a_register_lacks_what_it_does_not_hold_and_may_be_ahead_of_us() {
        let missing = |register: &[AppliedMigration]| match Progress::of(register).unwrap() {
            Progress::Missing(steps) => steps.len(),
            Progress::Newer(version) => panic!("{version} is not known"),
        };
        assert_eq!(missing(&[]), MIGRATIONS.len());
        assert_eq!(missing(&applied(&MIGRATIONS[..3])), MIGRATIONS.len() - 3);
        assert_eq!(missing(&applied(MIGRATIONS)), 0);
        let mut ahead = applied(MIGRATIONS);
        ahead.push(AppliedMigration { version: 9_000, checksum: String::new() });
        assert_eq!(Progress::of(&ahead).unwrap(), Progress::Newer(9_000));
    }

    /// Databases contain these checksums: add a line with a migration, and never change one.
    #[test]
    fn migrations_say_what_they_said_when_they_were_released() {
        let lines: Vec<String> = MIGRATIONS
            .iter()
            .map(|migration| {
                format!("{:04} {} {}", migration.version, checksum_of(migration), migration.name)
            })
            .collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn a_migration_with_another_text_is_refused_unless_it_is_a_former_one_of_ours() {
        let of = |version, checksum: &str| {
            Progress::of(&[AppliedMigration { version, checksum: checksum.to_owned() }])
        };
        let error = of(MIGRATIONS[0].version, "another").unwrap_err().to_string();
        assert!(error.contains("was applied with another text"), "{error}");
        for (version, former) in REWRITTEN {
            assert!(matches!(of(version, former), Ok(Progress::Missing(_))), "{version}");
        }
    }
}
