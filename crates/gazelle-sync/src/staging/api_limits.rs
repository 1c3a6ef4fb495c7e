//! What an entity's queries were found to bear, kept from one run to the next, so that each does not begin with refusals.

use serde::{Deserialize, Serialize};
use tokio_postgres::types::Type;

use crate::db::{Db, DbError};
use crate::entities::Entity;
use crate::lease::FencedTx;

/// What is known of the API's limits for one entity. Absent: no limit was met.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ApiLimits {
    /// Records a page.
    pub page: Option<u32>,
    /// Entries of a list inside a record.
    pub inner: Option<u32>,
    /// Counts in one request; 0: it is not asked for counts.
    pub counts: Option<u32>,
    /// Names of fields in one query.
    pub fields: Option<u32>,
    /// Levels of fields in one query.
    pub levels: Option<u32>,
    /// At which of the entity's ends the records without a date were found, where it was not the first.
    pub undated_end: Option<usize>,
    /// What the API said when it refused last.
    pub said: Option<String>,
    /// The records that were asked for by their ids, since their list could not give them whole: the longest ago first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub asked_alone: Vec<String>,
    /// Whether more were asked for than are remembered.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub asked_alone_is_cut: bool,
}

fn key(entity: &Entity) -> String {
    format!("api_limits:{}", entity.name)
}

/// What was noted of an entity; a note that cannot be read counts as none.
pub async fn read(db: &Db, entity: &Entity) -> Result<ApiLimits, DbError> {
    // Ours is shorter by far; reading what somebody else wrote there would take many times its length.
    let sql = "SELECT value FROM {schema}.sync_notes WHERE key = $1 AND octet_length(value) <= 4194304";
    let rows = db.query(sql, &[(&key(entity), Type::TEXT)]).await?;
    let noted = rows.first().and_then(|row| serde_json::from_str(row.get(0)).ok());
    Ok(noted.unwrap_or_default())
}

/// Notes what is known of an entity.
pub async fn note(tx: &FencedTx<'_>, entity: &Entity, limits: &ApiLimits) -> Result<(), DbError> {
    let value = serde_json::to_string(limits).unwrap_or_default();
    tx.execute(
        "INSERT INTO {schema}.sync_notes (key, value) VALUES ($1, $2)
         ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value",
        &[(&key(entity), Type::TEXT), (&value, Type::TEXT)],
    )
    .await?;
    Ok(())
}
