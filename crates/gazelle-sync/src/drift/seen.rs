//! Stores the schemas that were seen, one row each (`sync_source_schemas`); the next schema is compared with the
//! last one.

use jiff::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::schema::Types;
use crate::db::{Db, DbError};
use crate::lease::FencedTx;
use crate::staging::versions::json_text::JsonText;

/// The schema seen last; `None` if there is none or it cannot be parsed.
///
/// # Errors
/// Any database error.
pub async fn last(db: &Db) -> Result<Option<Types>, DbError> {
    let rows = db.query(include_str!("last_schema.sql"), &[]).await?;
    let text: Option<&str> = rows.first().and_then(|row| row.get(0));
    Ok(text.and_then(|text| serde_json::from_str(text).ok()))
}

/// Stores a schema as the one seen last.
///
/// # Errors
/// Any database error.
pub async fn note(tx: &FencedTx<'_>, types: &Types, run_id: Uuid, at: Timestamp) -> Result<(), DbError> {
    let text = serde_json::to_string(types).map_err(|error| DbError::infrastructure(error.to_string()))?;
    let hash = blake3::hash(text.as_bytes()).to_hex().to_string();
    tx.execute(
        include_str!("note_schema.sql"),
        &[
            (&hash, Type::TEXT),
            (&JsonText(&text), Type::JSONB),
            (&at, Type::TIMESTAMPTZ),
            (&run_id, Type::UUID),
        ],
    )
    .await?;
    Ok(())
}
