//! The outbox: stores messages until they are delivered. A process claims a message, sends it, and records the
//! outcome. All times here are the database's.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::kind::Occasion;
use crate::db::{Db, DbError, DbErrorClass, Param};
use crate::lease::{Unfenced, UnfencedTx};
use crate::staging::written;

/// The table of messages, for errors.
const TABLE: &str = "sync_alert_messages";
/// How long a claim lasts. Longer than any send may take: an older claim belongs to a process that has ended.
pub const CLAIM: SignedDuration = SignedDuration::from_secs(90);
/// The longest wait between two attempts.
pub const LONGEST_WAIT: Duration = Duration::from_secs(900);
/// A message that was not accepted for this long is given up; `alerts list` still shows it.
const GIVEN_UP_AFTER: SignedDuration = SignedDuration::from_hours(24 * 7);

/// A claimed message.
#[derive(Debug, Clone)]
pub struct Message {
    /// Stays the same over all attempts, so that a receiver can recognise duplicates.
    pub id: Uuid,
    /// The id of its alert.
    pub alert_id: Uuid,
    /// The stored word of the alert's kind.
    pub kind: String,
    /// Why it is sent.
    pub occasion: Occasion,
    /// Its title.
    pub title: String,
    /// Its text without the title.
    pub body: String,
    /// When the alert was opened, UTC.
    pub opened_at: Timestamp,
    /// When the alert was closed, UTC; `None` while it is open.
    pub closed_at: Option<Timestamp>,
    /// The values that the text was made from.
    pub facts: Value,
    /// Number of attempts, including this one.
    pub attempts: i32,
    /// When our claim expires, UTC.
    pub(super) claimed_until: Timestamp,
    pub(super) created_at: Timestamp,
}

impl Message {
    fn of(row: &Row, claimed_until: Timestamp) -> Message {
        Message {
            id: row.get("id"),
            alert_id: row.get("alert_id"),
            kind: row.get("kind"),
            occasion: row.get::<_, &str>("occasion").parse().unwrap_or(Occasion::Over),
            title: row.get("title"),
            body: row.get("body"),
            opened_at: row.get("opened_at"),
            closed_at: row.get("closed_at"),
            facts: row.get("facts"),
            attempts: row.get("attempts"),
            claimed_until,
            created_at: row.get("created_at"),
        }
    }
}

/// The keys of the channels for which a message is due.
///
/// # Errors
/// Any database error.
pub async fn due_channels(db: &Db) -> Result<Vec<String>, DbError> {
    let now = database_time(db).await?;
    let rows = db
        .query(
            "SELECT DISTINCT channel FROM {schema}.sync_alert_messages
              WHERE sent_at IS NULL AND given_up_at IS NULL AND (due_at <= $1 OR due_at > $2) ORDER BY channel",
            &[(&now, Type::TIMESTAMPTZ), (&latest_due(now), Type::TIMESTAMPTZ)],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// The result of claiming a message.
pub enum Claim {
    /// Nothing is due.
    Nothing,
    /// It is ours for [`CLAIM`].
    Ours(Box<Message>),
    /// The database refuses the claim of this message.
    Refused(Uuid, DbError),
}

/// Claims the next message of a channel, other than `left_out`, for [`CLAIM`]; no other process gets it meanwhile. The
/// messages of an alert are sent in order.
///
/// # Errors
/// Any database error that does not concern the one message.
pub async fn claim(db: &Db, channel: &str, left_out: &[Uuid]) -> Result<Claim, DbError> {
    let now = database_time(db).await?;
    let until = now.saturating_add(CLAIM).unwrap_or(now);
    // By the time our statement runs, another process may have made a claim that is later than our `now`.
    let longest = until.saturating_add(CLAIM).unwrap_or(until);
    let mut connection = db.connection().await?;
    let tx = Unfenced::Alerts.begin(&mut connection).await?;
    let params: [Param<'_>; 5] = [
        (&channel, Type::TEXT),
        (&now, Type::TIMESTAMPTZ),
        (&latest_due(now), Type::TIMESTAMPTZ),
        (&longest, Type::TIMESTAMPTZ),
        (&left_out, Type::UUID_ARRAY),
    ];
    let next = tx.query(include_str!("next_message.sql"), &params).await?;
    let Some(id) = next.first().map(|row| row.get::<_, Uuid>(0)) else { return Ok(Claim::Nothing) };
    match claim_one(tx, id, until).await {
        Ok(Some(message)) => Ok(Claim::Ours(Box::new(message))),
        Ok(None) => Ok(Claim::Nothing),
        Err(refusal) if refusal.fault == DbErrorClass::Record => Ok(Claim::Refused(id, refusal)),
        Err(error) => Err(error),
    }
}

async fn claim_one(tx: UnfencedTx<'_>, id: Uuid, until: Timestamp) -> Result<Option<Message>, DbError> {
    let params: [Param<'_>; 2] = [(&id, Type::UUID), (&until, Type::TIMESTAMPTZ)];
    let claimed = tx.query(include_str!("claim_message.sql"), &params).await?;
    written::check(&tx, TABLE, usize::from(claimed.is_empty()), "claimed, so that no channel gets it")
        .await?;
    tx.commit().await?;
    Ok(claimed.first().map(|row| Message::of(row, until)))
}

/// Records that a message was accepted.
///
/// # Errors
/// Any database error.
pub async fn sent(db: &Db, id: Uuid) -> Result<(), DbError> {
    let now = database_time(db).await?;
    let sql = "UPDATE {schema}.sync_alert_messages SET sent_at = $2, claimed_until = NULL, last_error = NULL
                WHERE id = $1 AND sent_at IS NULL";
    Unfenced::Alerts.execute(db, sql, &[(&id, Type::UUID), (&now, Type::TIMESTAMPTZ)]).await?;
    let sql = "SELECT 1 FROM {schema}.sync_alert_messages WHERE id = $1 AND sent_at IS NULL";
    match db.query(sql, &[(&id, Type::UUID)]).await?.len() {
        0 => Ok(()),
        _ => Err(written::suppressed_aside(db, TABLE, "a message was not marked as sent").await?),
    }
}

/// Puts off a message that was sent and that the database refuses to mark as sent, and stores why.
///
/// # Errors
/// Any database error.
pub async fn put_off_unrecorded(
    db: &Db,
    message: &Message,
    why: &str,
    wait: Duration,
) -> Result<(), DbError> {
    let now = database_time(db).await?;
    let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::from_secs(60));
    let due_at = now.saturating_add(wait).unwrap_or(now);
    // Not checked: a message that a trigger keeps from being put off is free again when its claim expires.
    Unfenced::Alerts
        .execute(
            db,
            include_str!("put_off_unrecorded.sql"),
            &[(&message.id, Type::UUID), (&due_at, Type::TIMESTAMPTZ), (&why, Type::TEXT)],
        )
        .await
        .map(|_| ())
}

/// Records that a message was not accepted, why, and when to try again. Returns whether it was given up.
///
/// # Errors
/// Any database error.
pub async fn failed(db: &Db, message: &Message, why: &str, wait: Duration) -> Result<bool, DbError> {
    let now = database_time(db).await?;
    let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::from_secs(60));
    let due_at = now.saturating_add(wait).unwrap_or(now);
    let given_up = now.duration_since(message.created_at) > GIVEN_UP_AFTER;
    // Not checked: a message that a trigger keeps from being put off is tried again when its claim expires.
    Unfenced::Alerts
        .execute(
            db,
            include_str!("note_failure.sql"),
            &[
                (&message.id, Type::UUID),
                (&message.claimed_until, Type::TIMESTAMPTZ),
                (&due_at, Type::TIMESTAMPTZ),
                (&why, Type::TEXT),
                (&given_up.then_some(now), Type::TIMESTAMPTZ),
            ],
        )
        .await?;
    Ok(given_up)
}

/// Gives up messages that no process tries to send, one day later than those that are tried. Returns their number.
///
/// # Errors
/// Any database error.
pub async fn give_up_unclaimed(db: &Db, now: Timestamp) -> Result<u64, DbError> {
    let after = GIVEN_UP_AFTER.saturating_add(SignedDuration::from_hours(24));
    let before = now.saturating_sub(after).unwrap_or(Timestamp::UNIX_EPOCH);
    Unfenced::Alerts
        .execute(
            db,
            include_str!("give_up_unclaimed.sql"),
            &[(&now, Type::TIMESTAMPTZ), (&before, Type::TIMESTAMPTZ)],
        )
        .await
}

/// A message that is due later than this was dated by a clock that has since been set back.
fn latest_due(now: Timestamp) -> Timestamp {
    let longest = SignedDuration::try_from(LONGEST_WAIT * 2).unwrap_or(SignedDuration::ZERO);
    now.saturating_add(longest).unwrap_or(now)
}

async fn database_time(db: &Db) -> Result<Timestamp, DbError> {
    let rows = db.query("SELECT clock_timestamp()", &[]).await?;
    Ok(rows.first().map_or(Timestamp::UNIX_EPOCH, |row| row.get(0)))
}
