//! Stores the limits of the API that an entity's queries met, so that the next run does not begin with refused
//! queries.

use serde::{Deserialize, Serialize};

use crate::db::{Db, DbError};
use crate::entities::Entity;
use crate::lease::FencedTx;
use crate::staging::notes;

/// The known limits of the API for one entity. None: no limit was met.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ApiLimits {
    /// Most records a page.
    pub page: Option<u32>,
    /// Most entries of a list inside a record.
    pub inner: Option<u32>,
    /// Most counts in one request; 0: the API is not asked for counts.
    pub counts: Option<u32>,
    /// Most names of fields in one query.
    pub fields: Option<u32>,
    /// Most levels of fields in one query.
    pub levels: Option<u32>,
    /// At which of the entity's ends the records without a date were found, if it was not the first.
    pub undated_end: Option<usize>,
    /// The API's latest refusal.
    pub said: Option<String>,
    /// The records that were asked for by id because their list could not return them whole, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub asked_alone: Vec<String>,
    /// Whether more were asked for by id than are kept.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub asked_alone_is_cut: bool,
}

fn key(entity: &Entity) -> String {
    format!("api_limits:{}", entity.name)
}

/// Reads the limits of an entity; a note that cannot be read counts as none.
///
/// # Errors
/// Those of the database.
pub async fn read(db: &Db, entity: &Entity) -> Result<ApiLimits, DbError> {
    let noted = notes::read(db, &key(entity)).await?;
    Ok(noted.and_then(|noted| serde_json::from_str(&noted).ok()).unwrap_or_default())
}

/// Stores the limits of an entity.
///
/// # Errors
/// Those of the database.
pub async fn note(tx: &FencedTx<'_>, entity: &Entity, limits: &ApiLimits) -> Result<(), DbError> {
    let value = serde_json::to_string(limits).unwrap_or_default();
    // Not checked: without it, the next run meets the limits again.
    notes::store(tx, &key(entity), &value).await.map(|_| ())
}
