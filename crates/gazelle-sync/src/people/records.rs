//! The list of people, and what changes one of them.

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::{Person, PersonChangeError, feeds, invitations, name_key, sessions, write};
use crate::config::Language;
use crate::db::{Db, DbError, Tx};
use crate::lease::{Unfenced, UnfencedTx};
use crate::states::Role;

/// Whether a person can sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonState {
    /// No passphrase is set yet.
    Invited,
    /// The person can sign in.
    Active,
    /// The person cannot.
    Disabled,
}

impl PersonState {
    /// The word in documents and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            PersonState::Invited => "invited",
            PersonState::Active => "active",
            PersonState::Disabled => "disabled",
        }
    }
}

/// A person in the list.
#[derive(Debug, Clone, Serialize)]
pub struct ListedPerson {
    /// The person.
    #[serde(flatten)]
    pub person: Person,
    /// Whether the person can sign in.
    pub state: PersonState,
    /// When a link that is not used yet expires or expired, UTC.
    pub link_expires_at: Option<Timestamp>,
    /// When the person last signed in, UTC.
    pub signed_in_at: Option<Timestamp>,
    /// When the person was first invited, UTC.
    pub created_at: Timestamp,
    /// How many sessions have not ended.
    pub sessions: i64,
}

impl ListedPerson {
    fn of(row: &Row) -> ListedPerson {
        let disabled_at: Option<Timestamp> = row.get("disabled_at");
        let state = match (disabled_at, row.get("has_passphrase")) {
            (Some(_), _) => PersonState::Disabled,
            (None, true) => PersonState::Active,
            (None, false) => PersonState::Invited,
        };
        let has_link: bool = row.get("has_link");
        ListedPerson {
            person: Person::of(row),
            state,
            link_expires_at: row.get::<_, Option<Timestamp>>("link_expires_at").filter(|_| has_link),
            signed_in_at: row.get("signed_in_at"),
            created_at: row.get("created_at"),
            sessions: row.get("sessions"),
        }
    }
}

/// Whether anybody was ever invited.
///
/// # Errors
/// Those of the database.
pub async fn exist(tx: &Tx<'_>) -> Result<bool, DbError> {
    Ok(!tx.query("SELECT 1 FROM {schema}.sync_people LIMIT 1", &[]).await?.is_empty())
}

/// All people, by name.
///
/// # Errors
/// Those of the database.
pub async fn list(tx: &Tx<'_>) -> Result<Vec<ListedPerson>, DbError> {
    read(tx, None).await
}

/// One of the list.
///
/// # Errors
/// Those of the database.
pub async fn list_one(tx: &Tx<'_>, id: Uuid) -> Result<Option<ListedPerson>, DbError> {
    Ok(read(tx, Some(id)).await?.pop())
}

async fn read(tx: &Tx<'_>, id: Option<Uuid>) -> Result<Vec<ListedPerson>, DbError> {
    let now = tx.now().await?;
    let params = [(&now as _, Type::TIMESTAMPTZ), (&id as _, Type::UUID)];
    Ok(tx.query(include_str!("list.sql"), &params).await?.iter().map(ListedPerson::of).collect())
}

/// The id of the person with a name; a disabled one too.
///
/// # Errors
/// Those of the database.
pub async fn by_name(db: &Db, name: &str) -> Result<Option<Uuid>, DbError> {
    let sql = "SELECT id FROM {schema}.sync_people WHERE name_key = $1";
    let rows = db.query(sql, &[(&name_key(name), Type::TEXT)]).await?;
    Ok(rows.first().map(|row| row.get("id")))
}

/// Changes a person's role, and with it the technician, whose links to calendar feeds are revoked. The person is signed out everywhere, so that no session begun with one
/// role goes on with another. `by`: who changes it; none: the command line.
///
/// # Errors
/// Those of the database. What is refused is in the value.
pub async fn change_role(
    db: &Db,
    id: Uuid,
    to: (Role, Option<&str>),
    by: Option<Uuid>,
) -> Result<Result<Person, PersonChangeError>, DbError> {
    let (role, technician) = to;
    let mut connection = write::connection(db).await?;
    let tx = Unfenced::People.begin(&mut connection).await?;
    if let Some(refusal) = invitations::technician(&tx, role, technician).await? {
        return Ok(Err(refusal));
    }
    // The one that the person is no more; whoever stays that technician gets another link.
    feeds::revoke_all_in(&tx, id, false, by).await?;
    let params = [(&id as _, Type::UUID), (&role.as_str() as _, Type::TEXT), (&technician as _, Type::TEXT)];
    let rows = tx.query(include_str!("change_role.sql"), &params).await?;
    let Some(person) = rows.first().map(Person::of) else { return nobody(&tx, id).await };
    sessions::end_all_in(&tx, id).await?;
    tx.commit().await?;
    tracing::info!(person = %id, ?by, role = role.as_str(), "the role of a person was changed");
    Ok(Ok(person))
}

/// Disables a person: passphrase, link, sessions, and the links to calendar feeds that are or were the person's are gone. The row stays, so that it is known who it was. `by` as in
/// [`change_role`].
///
/// # Errors
/// Those of the database. What is refused is in the value.
pub async fn disable(
    db: &Db,
    id: Uuid,
    by: Option<Uuid>,
) -> Result<Result<Person, PersonChangeError>, DbError> {
    let mut connection = write::connection(db).await?;
    let tx = Unfenced::People.begin(&mut connection).await?;
    let now = tx.now().await?;
    feeds::revoke_all_in(&tx, id, true, by).await?;
    let params = [(&id as _, Type::UUID), (&now as _, Type::TIMESTAMPTZ)];
    let rows = tx.query(include_str!("disable.sql"), &params).await?;
    let Some(person) = rows.first().map(Person::of) else { return nobody(&tx, id).await };
    sessions::end_all_in(&tx, id).await?;
    tx.commit().await?;
    tracing::info!(person = %id, ?by, "a person was disabled");
    Ok(Ok(person))
}

/// Why an UPDATE returned nothing: there is no such person, or the database kept the row as it was.
async fn nobody<T>(tx: &UnfencedTx<'_>, id: Uuid) -> Result<Result<T, PersonChangeError>, DbError> {
    let sql = "SELECT 1 FROM {schema}.sync_people WHERE id = $1";
    match tx.query(sql, &[(&id, Type::UUID)]).await?.is_empty() {
        true => Ok(Err(PersonChangeError::Nobody)),
        false => Err(write::kept_out(tx, write::PEOPLE, "the person was not changed").await?),
    }
}

/// Keeps the language that a person chose.
///
/// # Errors
/// Those of the database.
pub async fn set_language(db: &Db, id: Uuid, language: Language) -> Result<(), DbError> {
    let mut connection = write::connection(db).await?;
    let tx = Unfenced::People.begin(&mut connection).await?;
    let sql = "UPDATE {schema}.sync_people SET language = $2 WHERE id = $1 RETURNING id";
    let rows = tx.query(sql, &[(&id, Type::UUID), (&language.to_string(), Type::TEXT)]).await?;
    if rows.is_empty() {
        return Err(write::kept_out(&tx, write::PEOPLE, "the language was not kept").await?);
    }
    tx.commit().await
}
