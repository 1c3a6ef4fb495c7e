//! Links by which a calendar reads a technician's visits, without a session: whoever has the link may read until it is
//! revoked. The table holds hashes alone.

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::secrets::Token;
use super::{invitations, write};
use crate::config::Language;
use crate::db::{Db, DbError, Tx};
use crate::lease::{Unfenced, UnfencedTx};
use crate::staging::written;
use crate::states::Role;

/// Links of a technician that can be in use at once: a phone, a tablet and a computer have one each.
pub const MOST: i64 = 5;

/// A link, without its secret.
#[derive(Debug, Clone, Serialize)]
pub struct Feed {
    /// The id of the row, which opens nothing.
    pub id: Uuid,
    /// The technician's id at Gazelle.
    pub technician: String,
    /// The technician's name, where one is stored.
    pub technician_name: Option<String>,
    /// The language of the calendar's own words.
    #[serde(skip)]
    pub language: Option<Language>,
    /// The name of the person who made the link; none in the demonstration.
    pub made_by: Option<String>,
    /// When it was made, UTC.
    pub made_at: Timestamp,
    /// The name of the person who revoked it.
    pub revoked_by: Option<String>,
    /// When it was revoked, UTC.
    pub revoked_at: Option<Timestamp>,
}

/// Why no link is made; the caller says it in its language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedRefusal {
    /// No technician with this id is stored.
    TechnicianUnknown,
    /// [`MOST`] are in use.
    TooMany,
}

impl Feed {
    fn of(row: &Row) -> Feed {
        Feed {
            id: row.get("id"),
            technician: row.get("technician_external_id"),
            technician_name: row.get("technician_name"),
            language: row.get::<_, &str>("language").parse().ok(),
            made_by: row.get("made_by_name"),
            made_at: row.get("made_at"),
            revoked_by: row.get("revoked_by_name"),
            revoked_at: row.get("revoked_at"),
        }
    }
}

/// Makes a link to the visits of a technician. `by`: who makes it; none in the demonstration.
///
/// # Errors
/// Those of the database. What is refused is in the value.
pub async fn make(
    db: &Db,
    technician: &str,
    language: Language,
    by: Option<Uuid>,
    link: &Token,
) -> Result<Result<Uuid, FeedRefusal>, DbError> {
    let mut connection = write::connection(db).await?;
    let tx = Unfenced::People.begin(&mut connection).await?;
    if invitations::technician(&tx, Role::Technician, Some(technician)).await?.is_some() {
        return Ok(Err(FeedRefusal::TechnicianUnknown));
    }
    let sql = "SELECT count(*) AS used FROM {schema}.sync_feeds WHERE technician_external_id = $1 AND revoked_at IS NULL";
    let rows = tx.query(sql, &[(&technician, Type::TEXT)]).await?;
    if rows.first().is_some_and(|row| row.get::<_, i64>("used") >= MOST) {
        return Ok(Err(FeedRefusal::TooMany));
    }
    let (now, id, hash) = (tx.now().await?, Uuid::now_v7(), link.hash());
    let rows = tx
        .query(
            include_str!("make.sql"),
            &[
                (&id, Type::UUID),
                (&hash.as_slice(), Type::BYTEA),
                (&technician, Type::TEXT),
                (&language.to_string(), Type::TEXT),
                (&by, Type::UUID),
                (&now, Type::TIMESTAMPTZ),
            ],
        )
        .await?;
    if rows.is_empty() {
        return Err(write::kept_out(&tx, write::FEEDS, "the link was not stored").await?);
    }
    tx.commit().await?;
    tracing::info!(feed = %id, ?by, "a link to a calendar feed was made");
    Ok(Ok(id))
}

/// The links, those in use first and then the newest: of one technician, or of all.
///
/// # Errors
/// Those of the database.
pub async fn list(tx: &Tx<'_>, technician: Option<&str>) -> Result<Vec<Feed>, DbError> {
    let rows = tx.query(include_str!("list.sql"), &[(&technician, Type::TEXT)]).await?;
    Ok(rows.iter().map(Feed::of).collect())
}

/// The feed of a link; none if it was never made, or is revoked.
///
/// # Errors
/// Those of the database.
pub async fn open(tx: &Tx<'_>, link: &Token) -> Result<Option<Feed>, DbError> {
    let hash = link.hash();
    let rows = tx.query(include_str!("open.sql"), &[(&hash.as_slice(), Type::BYTEA)]).await?;
    Ok(rows.first().map(Feed::of))
}

/// Revokes a link, of this technician if one is named. False if there is no such link. One that is revoked stays as it is.
///
/// # Errors
/// Those of the database.
pub async fn revoke(db: &Db, id: Uuid, technician: Option<&str>, by: Option<Uuid>) -> Result<bool, DbError> {
    let mut connection = write::connection(db).await?;
    let tx = Unfenced::People.begin(&mut connection).await?;
    let now = tx.now().await?;
    let rows = tx
        .query(
            include_str!("revoke.sql"),
            &[(&id, Type::UUID), (&technician, Type::TEXT), (&by, Type::UUID), (&now, Type::TIMESTAMPTZ)],
        )
        .await?;
    if rows.is_empty() {
        let sql = "SELECT 1 FROM {schema}.sync_feeds WHERE id = $1 AND ($2::text IS NULL OR technician_external_id = $2)";
        let there = tx.query(sql, &[(&id, Type::UUID), (&technician, Type::TEXT)]).await?;
        return match there.is_empty() {
            true => Ok(false),
            false => Err(write::kept_out(&tx, write::FEEDS, "the link was not revoked").await?),
        };
    }
    tx.commit().await?;
    tracing::info!(feed = %id, ?by, "a link to a calendar feed was revoked");
    Ok(true)
}

/// Revokes, with a person who may not sign in any more, or not as this technician: the links to the visits of the technician
/// that the person is, and if `made` those that the person made and so has seen.
pub(super) async fn revoke_all_in(
    tx: &UnfencedTx<'_>,
    person: Uuid,
    made: bool,
    by: Option<Uuid>,
) -> Result<(), DbError> {
    let now = tx.now().await?;
    let params = [
        (&person as _, Type::UUID),
        (&made as _, Type::BOOL),
        (&by as _, Type::UUID),
        (&now as _, Type::TIMESTAMPTZ),
    ];
    tx.execute(include_str!("revoke_all.sql"), &params).await?;
    let left = include_str!("left.sql");
    written::check_none_left(tx, write::FEEDS, left, &params[..2], "revoked").await
}
