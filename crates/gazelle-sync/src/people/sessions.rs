//! Sessions: who is signed in, until when.

use jiff::{SignedDuration, Timestamp};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::secrets::Token;
use super::{Person, after, idle, name_key, write};
use crate::db::{Db, DbError, Tx};
use crate::lease::{Unfenced, UnfencedTx};
use crate::staging::{removal, written};

/// Sessions that ended are deleted after this time.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 30);
/// The end of a session is written again when it is this part of its length too early: not at each request.
const PART: i32 = 48;

/// A session that has not ended.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The person.
    pub person: Person,
    /// The id of the row, which lets nobody in.
    session: Uuid,
    ends_at: Timestamp,
}

impl SignedIn {
    /// The id of the row, which lets nobody in.
    pub fn session(&self) -> Uuid {
        self.session
    }
}

/// A person with the stored hash of the passphrase, to sign in.
#[derive(Debug)]
pub struct PersonWithPassphrase {
    /// The person.
    pub person: Person,
    /// The hash of the passphrase.
    pub passphrase: String,
}

/// The person who signs in with a name. None for somebody unknown or disabled, or who never set a passphrase.
///
/// # Errors
/// Those of the database.
pub async fn known(db: &Db, name: &str) -> Result<Option<PersonWithPassphrase>, DbError> {
    let sql = "SELECT id, name, role, technician_external_id, language, passphrase FROM {schema}.sync_people
                WHERE name_key = $1 AND disabled_at IS NULL AND passphrase IS NOT NULL";
    let rows = db.query(sql, &[(&name_key(name), Type::TEXT)]).await?;
    Ok(rows
        .first()
        .map(|row| PersonWithPassphrase { person: Person::of(row), passphrase: row.get("passphrase") }))
}

/// Begins `session` for a person whose passphrase was right, and ends the one that the browser had. False if meanwhile the person
/// was disabled or got another passphrase; nothing is written then.
///
/// # Errors
/// Those of the database.
pub async fn begin(
    db: &Db,
    of: &PersonWithPassphrase,
    session: &Token,
    before: Option<&Token>,
) -> Result<bool, DbError> {
    let mut connection = write::connection(db).await?;
    let tx = Unfenced::People.begin(&mut connection).await?;
    let now = tx.now().await?;
    let params =
        [(&of.person.id as _, Type::UUID), (&now as _, Type::TIMESTAMPTZ), (&of.passphrase as _, Type::TEXT)];
    if tx.query(include_str!("sign_in.sql"), &params).await?.is_empty() {
        return Ok(false);
    }
    if let Some(before) = before {
        let hash = before.hash();
        let sql = "UPDATE {schema}.sync_sessions SET ends_at = $2 WHERE hash = $1 AND ends_at > $2";
        // Not checked: it is a session of this browser's, which has another one from now on.
        tx.execute(sql, &[(&hash.as_slice(), Type::BYTEA), (&now, Type::TIMESTAMPTZ)]).await?;
    }
    begin_in(&tx, &of.person, session).await?;
    tx.commit().await?;
    tracing::info!(person = %of.person.id, "a person signed in to the dashboard");
    Ok(true)
}

/// As [`begin`], in a transaction that has checked the person.
pub(super) async fn begin_in(tx: &UnfencedTx<'_>, person: &Person, session: &Token) -> Result<(), DbError> {
    let now = tx.now().await?;
    let hash = session.hash();
    let sql = "INSERT INTO {schema}.sync_sessions (id, hash, person_id, begun_at, ends_at)
               VALUES ($1, $2, $3, $4, $5) RETURNING id";
    let begun = tx
        .query(
            sql,
            &[
                (&Uuid::now_v7(), Type::UUID),
                (&hash.as_slice(), Type::BYTEA),
                (&person.id, Type::UUID),
                (&now, Type::TIMESTAMPTZ),
                (&after(now, idle(person.role)), Type::TIMESTAMPTZ),
            ],
        )
        .await?;
    match begun.is_empty() {
        true => Err(write::kept_out(tx, write::SESSIONS, "the session was not stored").await?),
        false => Ok(()),
    }
}

/// The session of a request, at `now` by the database's clock; none if it has ended or its person is disabled.
///
/// # Errors
/// Those of the database.
pub async fn find(tx: &Tx<'_>, session: &Token, now: Timestamp) -> Result<Option<SignedIn>, DbError> {
    let hash = session.hash();
    let params = [(&hash.as_slice() as _, Type::BYTEA), (&now as _, Type::TIMESTAMPTZ)];
    let rows = tx.query(include_str!("session.sql"), &params).await?;
    Ok(rows.first().map(|row| SignedIn {
        person: Person::of(row),
        session: row.get("session"),
        ends_at: row.get("ends_at"),
    }))
}

/// The new end of a session that is used at `now`, if it is to be written.
fn prolonged(signed: &SignedIn, now: Timestamp) -> Option<Timestamp> {
    let length = idle(signed.person.role);
    let end = after(now, length);
    (end.duration_since(signed.ends_at) > length / PART).then_some(end)
}

/// Moves the end of a session that is used at `now`. One that ended meanwhile stays so.
///
/// # Errors
/// Those of the database.
pub async fn prolong(db: &Db, signed: &SignedIn, now: Timestamp) -> Result<(), DbError> {
    let Some(end) = prolonged(signed, now) else { return Ok(()) };
    let mut connection = write::connection(db).await?;
    let tx = Unfenced::People.begin(&mut connection).await?;
    let sql = "UPDATE {schema}.sync_sessions SET ends_at = $2 WHERE id = $1 AND ends_at > $3";
    // Not checked: a session that is not prolonged ends earlier.
    tx.execute(sql, &[(&signed.session, Type::UUID), (&end, Type::TIMESTAMPTZ), (&now, Type::TIMESTAMPTZ)])
        .await?;
    tx.commit().await
}

/// Ends a session.
///
/// # Errors
/// Those of the database.
pub async fn end(db: &Db, signed: &SignedIn) -> Result<(), DbError> {
    let mut connection = write::connection(db).await?;
    let tx = Unfenced::People.begin(&mut connection).await?;
    let now = tx.now().await?;
    let sql = "UPDATE {schema}.sync_sessions SET ends_at = $2 WHERE id = $1 AND ends_at > $2";
    let params = [(&signed.session as _, Type::UUID), (&now as _, Type::TIMESTAMPTZ)];
    tx.execute(sql, &params).await?;
    let left = "SELECT count(*) FROM {schema}.sync_sessions WHERE id = $1 AND ends_at > $2";
    written::check_none_left(&tx, write::SESSIONS, left, &params, "ended").await?;
    tx.commit().await?;
    tracing::info!(person = %signed.person.id, "a person signed out of the dashboard");
    Ok(())
}

/// Ends all sessions of a person. Returns how many there were.
///
/// # Errors
/// Those of the database.
pub async fn end_all(db: &Db, person: Uuid) -> Result<u64, DbError> {
    let mut connection = write::connection(db).await?;
    let tx = Unfenced::People.begin(&mut connection).await?;
    let ended = end_all_in(&tx, person).await?;
    tx.commit().await?;
    tracing::info!(%person, ended, "a person was signed out of the dashboard everywhere");
    Ok(ended)
}

/// As [`end_all`], in a transaction.
pub(super) async fn end_all_in(tx: &UnfencedTx<'_>, person: Uuid) -> Result<u64, DbError> {
    let now = tx.now().await?;
    let sql = "UPDATE {schema}.sync_sessions SET ends_at = $2 WHERE person_id = $1 AND ends_at > $2";
    let params = [(&person as _, Type::UUID), (&now as _, Type::TIMESTAMPTZ)];
    let ended = tx.execute(sql, &params).await?;
    let left = "SELECT count(*) FROM {schema}.sync_sessions WHERE person_id = $1 AND ends_at > $2";
    written::check_none_left(tx, write::SESSIONS, left, &params, "ended").await?;
    Ok(ended)
}

/// Deletes sessions that ended long ago. Returns what stays although it is old and why, in one sentence; none if nothing does.
///
/// # Errors
/// Those of the database.
pub async fn forget_old(db: &Db) -> Result<Option<String>, DbError> {
    let before = db.now().await?.saturating_sub(KEPT).unwrap_or(Timestamp::UNIX_EPOCH);
    Ok(removal::remove_before(db, write::SESSIONS, "ends_at", before)
        .await?
        .kept_rows_message(write::SESSIONS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::states::Role;

    #[test]
    fn the_end_of_a_session_moves_with_its_use_but_not_at_each_request() {
        let begun: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let minutes = |minutes: i64| after(begun, SignedDuration::from_mins(minutes));
        let of = |role| SignedIn {
            person: Person { id: Uuid::nil(), name: String::new(), role, technician: None, language: None },
            session: Uuid::nil(),
            ends_at: after(begun, idle(role)),
        };
        for (role, used_after, moves) in [
            (Role::Operator, 0, false),
            (Role::Operator, 15, false),
            (Role::Office, 16, true),
            (Role::Operator, 719, true),
            (Role::Technician, 15 * 60, false),
            (Role::Technician, 15 * 60 + 1, true),
        ] {
            let now = minutes(used_after);
            let end = moves.then(|| after(now, idle(role)));
            assert_eq!(prolonged(&of(role), now), end, "{role:?} {used_after}");
        }
    }
}
