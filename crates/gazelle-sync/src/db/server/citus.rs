//! Detects whether Citus distributes the schema, and whether this node is the coordinator (docs/citus.md).

use tokio_postgres::types::Type;

use crate::db::database::Db;
use crate::db::error::DbError;

/// The major version of Citus that the program was tested with. Under another version the row count of a statement
/// might mean something else, and changes would be lost silently.
const TRIED: &str = "13";

/// The Citus extension of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Citus {
    /// The version of the extension, such as `13.2-1`.
    pub version: String,
    /// Whether this node is the coordinator, which alone accepts DDL.
    pub is_coordinator: bool,
    /// Whether the account's schema is distributed; otherwise it is an ordinary schema of this node.
    pub distributes: bool,
}

impl Citus {
    /// Why this program must not write here; `None` if it may.
    pub fn refusal(&self, schema: &str) -> Option<String> {
        let known = self.version.split('.').next() == Some(TRIED);
        (self.distributes && !known).then(|| {
            format!(
                "Citus {} distributes the schema {schema}, and gazelle-sync was tried on Citus {TRIED} alone: another \
                 version may answer otherwise, so nothing is written; use a schema that Citus does not distribute, or \
                 Citus {TRIED} (docs/citus.md)",
                self.version
            )
        })
    }
}

/// Reads the Citus extension's state; `None` in a database without it, at the cost of one catalogue query.
///
/// # Errors
/// The database's.
pub async fn detect(db: &Db) -> Result<Option<Citus>, DbError> {
    let rows = db
        .query(
            "SELECT extversion, to_regclass('pg_catalog.pg_dist_schema') IS NOT NULL AS has_schemas
               FROM pg_catalog.pg_extension WHERE extname = 'citus'",
            &[],
        )
        .await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let (version, has_schemas): (String, bool) = (row.get("extversion"), row.get("has_schemas"));
    let nodes = db.query("SELECT groupid = 0 FROM pg_catalog.pg_dist_local_group", &[]).await?;
    let is_coordinator = nodes.first().is_none_or(|row| row.get(0));
    // Versions before 12 cannot distribute schemas, and lack the table.
    let distributes = has_schemas
        && !db
            .query(
                "SELECT 1 FROM pg_catalog.pg_dist_schema s JOIN pg_catalog.pg_namespace n ON n.oid = s.schemaid
                  WHERE n.nspname = $1",
                &[(&db.schema(), Type::TEXT)],
            )
            .await?
            .is_empty();
    Ok(Some(Citus { version, is_coordinator, distributes }))
}

/// Refuses a schema that an untested version of Citus distributes.
///
/// # Errors
/// An untested version of Citus distributes the schema. Those of the database.
pub async fn check(db: &Db) -> Result<(), DbError> {
    match detect(db).await?.and_then(|citus| citus.refusal(db.schema())) {
        Some(why) => Err(DbError::refused(why)),
        None => Ok(()),
    }
}

/// Refuses to run DDL from a node that cannot.
///
/// # Errors
/// As [`check`]; this is a worker node.
pub async fn check_takes_ddl(db: &Db) -> Result<(), DbError> {
    let Some(citus) = detect(db).await? else { return Ok(()) };
    if let Some(why) = citus.refusal(db.schema()) {
        return Err(DbError::refused(why));
    }
    if !citus.is_coordinator {
        return Err(DbError::refused(
            "this is a worker node of Citus, and only its coordinator takes changes of tables and roles: run this with the \
             coordinator's address in DATABASE_URL",
        ));
    }
    Ok(())
}

/// Whether Citus distributes the account's schema.
///
/// # Errors
/// The database's.
pub async fn distributes(db: &Db) -> Result<bool, DbError> {
    Ok(detect(db).await?.is_some_and(|citus| citus.distributes))
}

/// The nodes, as `host:port`, that hold the account's schema.
///
/// # Errors
/// Those of the database; Citus is not installed.
pub async fn hosts(db: &Db) -> Result<Vec<String>, DbError> {
    let rows = db.query(include_str!("citus_hosts.sql"), &[(&db.schema(), Type::TEXT)]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

#[cfg(test)]
mod tests {
    use super::Citus;

    #[test]
    fn only_what_an_untried_version_distributes_is_refused() {
        let citus = |version: &str, distributes| Citus {
            version: version.to_owned(),
            is_coordinator: true,
            distributes,
        };
        for (found, refused) in [
            (citus("13.2-1", true), false),
            (citus("14.0-1", true), true),
            (citus("12.1-1", true), true),
            (citus("14.0-1", false), false),
        ] {
            let why = found.refusal("acct");
            assert_eq!(why.is_some(), refused, "{found:?}");
            assert!(why.is_none_or(|why| why.contains("the schema acct") && why.contains(&found.version)));
        }
    }
}
