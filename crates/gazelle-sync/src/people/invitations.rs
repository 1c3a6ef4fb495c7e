//! One-time links: who has one sets a passphrase with it and is signed in.

use jiff::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::secrets::Token;
use super::{LINK_VALID, Person, PersonChangeError, after, name_key, sessions, shown_name, write};
use crate::config::Language;
use crate::db::{Db, DbError};
use crate::lease::{Unfenced, UnfencedTx};
use crate::states::Role;

/// Who is invited.
#[derive(Debug, Clone, Copy)]
pub struct Invite<'i> {
    /// The name, with which the person will sign in.
    pub name: &'i str,
    /// What the person may see and do.
    pub role: Role,
    /// The person's id at Gazelle; a technician needs one.
    pub technician: Option<&'i str>,
    /// The language, if it is chosen already.
    pub language: Option<Language>,
    /// The person who invites; none: the command line.
    pub by: Option<Uuid>,
    /// Whether nobody may have the name yet.
    pub must_be_new: bool,
}

/// A person with a new link.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// The person.
    pub person: Person,
    /// The link's secret, which is nowhere else: it is shown once.
    pub link: Token,
    /// When the link expires, UTC.
    pub expires_at: Timestamp,
    /// Whether there was no person of this name before.
    pub is_new: bool,
}

/// Creates a person with a link. One of the same name gets the role, the technician and a new link, is enabled again, and is
/// signed out everywhere; a passphrase that was set stays until the link is used. Whoever invites gets a new link in this way,
/// but no other role: nobody takes away what they need to change it back.
///
/// # Errors
/// Those of the database. What is refused is in the value.
pub async fn invite(
    db: &Db,
    who: &Invite<'_>,
    link: Token,
) -> Result<Result<Invitation, PersonChangeError>, DbError> {
    let name = match shown_name(who.name) {
        Ok(name) => name,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let mut connection = write::connection(db).await?;
    let tx = Unfenced::People.begin(&mut connection).await?;
    if let Some(refusal) = technician(&tx, who.role, who.technician).await? {
        return Ok(Err(refusal));
    }
    let now = tx.now().await?;
    let expires_at = after(now, LINK_VALID);
    let hash = link.hash();
    let rows = tx
        .query(
            include_str!("invite.sql"),
            &[
                (&Uuid::now_v7(), Type::UUID),
                (&name, Type::TEXT),
                (&name_key(&name), Type::TEXT),
                (&who.role.as_str(), Type::TEXT),
                (&who.technician, Type::TEXT),
                (&who.language.map(|language| language.to_string()), Type::TEXT),
                (&hash.as_slice(), Type::BYTEA),
                (&expires_at, Type::TIMESTAMPTZ),
                (&who.by, Type::UUID),
                (&now, Type::TIMESTAMPTZ),
                (&who.must_be_new, Type::BOOL),
            ],
        )
        .await?;
    let Some(row) = rows.first() else {
        return match left_alone(&tx, who, &name_key(&name)).await? {
            Some(refusal) => Ok(Err(refusal)),
            None => Err(write::kept_out(&tx, write::PEOPLE, "the person was not stored").await?),
        };
    };
    let invitation = Invitation { person: Person::of(row), link, expires_at, is_new: row.get("is_new") };
    sessions::end_all_in(&tx, invitation.person.id).await?;
    tx.commit().await?;
    tracing::info!(person = %invitation.person.id, by = ?who.by, role = who.role.as_str(), "a person was invited to the dashboard");
    Ok(Ok(invitation))
}

/// Why the statement left the person of a name alone, if it did.
async fn left_alone(
    tx: &UnfencedTx<'_>,
    who: &Invite<'_>,
    key: &str,
) -> Result<Option<PersonChangeError>, DbError> {
    let sql = "SELECT id FROM {schema}.sync_people WHERE name_key = $1";
    let rows = tx.query(sql, &[(&key, Type::TEXT)]).await?;
    let id: Option<Uuid> = rows.first().map(|row| row.get("id"));
    Ok(match id {
        Some(id) if who.must_be_new => Some(PersonChangeError::Exists(id)),
        Some(id) if who.by == Some(id) => Some(PersonChangeError::Oneself),
        _ => None,
    })
}

/// Why a person of this role cannot have this technician, if so. Before the first sync no id is known, and each is taken.
pub(super) async fn technician(
    tx: &UnfencedTx<'_>,
    role: Role,
    technician: Option<&str>,
) -> Result<Option<PersonChangeError>, DbError> {
    let Some(id) = technician else {
        return Ok((role == Role::Technician).then_some(PersonChangeError::TechnicianMissing));
    };
    let rows = tx.query(include_str!("technician.sql"), &[(&id, Type::TEXT)]).await?;
    let fits = rows.first().is_some_and(|row| row.get("is_known") || !row.get::<_, bool>("any_is"));
    Ok((!fits).then_some(PersonChangeError::TechnicianUnknown))
}

/// The person of a link that is still valid. Writes nothing: a program that only looks at the link does not use it up.
///
/// # Errors
/// Those of the database.
pub async fn invited(db: &Db, link: &Token) -> Result<Option<Person>, DbError> {
    let now = db.now().await?;
    let sql = "SELECT id, name, role, technician_external_id, language FROM {schema}.sync_people
                WHERE link_hash = $1 AND link_expires_at > $2 AND disabled_at IS NULL";
    let hash = link.hash();
    let rows = db.query(sql, &[(&hash.as_slice(), Type::BYTEA), (&now, Type::TIMESTAMPTZ)]).await?;
    Ok(rows.first().map(Person::of))
}

/// Uses a link up: sets its person's passphrase, ends all of the person's sessions and begins `session`. None if the link is
/// not valid any more; nothing is written then.
///
/// # Errors
/// Those of the database.
pub async fn enter(
    db: &Db,
    link: &Token,
    passphrase_hash: &str,
    session: &Token,
) -> Result<Option<Person>, DbError> {
    let mut connection = write::connection(db).await?;
    let tx = Unfenced::People.begin(&mut connection).await?;
    let now = tx.now().await?;
    let hash = link.hash();
    let rows = tx
        .query(
            include_str!("enter.sql"),
            &[(&hash.as_slice(), Type::BYTEA), (&now, Type::TIMESTAMPTZ), (&passphrase_hash, Type::TEXT)],
        )
        .await?;
    let Some(person) = rows.first().map(Person::of) else { return Ok(None) };
    sessions::end_all_in(&tx, person.id).await?;
    sessions::begin_in(&tx, &person, session).await?;
    tx.commit().await?;
    tracing::info!(person = %person.id, "a person set a passphrase and signed in to the dashboard");
    Ok(Some(person))
}
