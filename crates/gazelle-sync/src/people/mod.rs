//! The people who may sign in to the dashboard, and their sessions.
//!
//! `invitations` creates a person with a one-time link, by which the person sets a passphrase; `sessions` begins a
//! session for who has it, finds the one of a request, and ends it; `feeds` makes and revokes links for calendars; `records` lists people, and changes and disables them.
//! `secrets` makes and hashes ids, links and passphrases: the tables hold only hashes. What is written here is written
//! beside runs, without their lease, through `write` alone.

pub mod feeds;
mod invitations;
mod records;
pub mod secrets;
mod sessions;
mod write;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::config::Language;
use crate::display;
use crate::states::Role;

pub use invitations::{Invitation, Invite, enter, invite, invited};
pub use records::{
    ListedPerson, PersonState, by_name, change_role, disable, exist, list, list_one, set_language,
};
pub use sessions::{PersonWithPassphrase, SignedIn, begin, end, end_all, find, forget_old, known, prolong};

/// How long a one-time link is valid.
pub const LINK_VALID: SignedDuration = SignedDuration::from_hours(24);
/// The longest name, in characters.
const LONGEST_NAME: usize = 80;

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Person {
    /// The id, by which the log names the person.
    pub id: Uuid,
    /// The name, with which the person signs in.
    pub name: String,
    /// What the person may see and do.
    pub role: Role,
    /// The person's id at Gazelle (`usr_…`); always there for a technician.
    pub technician: Option<String>,
    /// The language that the person chose: `en` or `fr`.
    #[serde(serialize_with = "as_text")]
    pub language: Option<Language>,
}

fn as_text<S: serde::Serializer>(language: &Option<Language>, to: S) -> Result<S::Ok, S::Error> {
    language.map(|language| language.to_string()).serialize(to)
}

impl Person {
    /// The person of a row with the columns `id`, `name`, `role`, `technician_external_id` and `language`.
    fn of(row: &Row) -> Person {
        let role: &str = row.get("role");
        let language: Option<&str> = row.get("language");
        Person {
            id: row.get("id"),
            name: row.get("name"),
            // A constraint keeps other words out; an unknown one of a later release may do least.
            role: role.parse().unwrap_or(Role::Technician),
            technician: row.get("technician_external_id"),
            language: language.and_then(|language| language.parse().ok()),
        }
    }
}

/// Why people are not changed as was asked; the caller says it in its language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonChangeError {
    /// The name is empty, too long, or has characters that cannot be seen.
    Name,
    /// A technician has no id of Gazelle's.
    TechnicianMissing,
    /// No technician with this id is stored.
    TechnicianUnknown,
    /// There is no such person.
    Nobody,
    /// Somebody has the name already: this person.
    Exists(Uuid),
    /// Nobody changes their own role.
    Oneself,
}

/// A name as it is shown: without spaces at its ends, and with single ones inside.
///
/// # Errors
/// [`PersonChangeError::Name`].
fn shown_name(name: &str) -> Result<String, PersonChangeError> {
    let shown = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let fits = (1..=LONGEST_NAME).contains(&shown.chars().count());
    if fits && !shown.chars().any(display::acts) { Ok(shown) } else { Err(PersonChangeError::Name) }
}

/// A name as it is compared. One that nobody can have is compared too, and belongs to nobody.
fn name_key(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// How long a session lasts without a request.
fn idle(role: Role) -> SignedDuration {
    match role {
        // On a phone that its owner carries.
        Role::Technician => SignedDuration::from_hours(24 * 30),
        Role::Office | Role::Operator => SignedDuration::from_hours(12),
    }
}

/// `now` and then this long.
fn after(now: Timestamp, long: SignedDuration) -> Timestamp {
    now.saturating_add(long).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_shown_with_single_spaces_and_compared_in_small_letters() {
        for (name, shown) in [
            ("  Loïc   Tabledharmonie ", Ok("Loïc Tabledharmonie")),
            ("Ana", Ok("Ana")),
            ("", Err(PersonChangeError::Name)),
            (" \u{a0} ", Err(PersonChangeError::Name)),
            ("Ana\u{202e}xela", Err(PersonChangeError::Name)),
            ("a\0b", Err(PersonChangeError::Name)),
        ] {
            assert_eq!(shown_name(name), shown.map(str::to_owned), "{name:?}");
        }
        assert_eq!(shown_name(&"é".repeat(80)).map(|name| name.chars().count()), Ok(80));
        assert_eq!(shown_name(&"é".repeat(81)), Err(PersonChangeError::Name));
        assert_eq!(name_key(" ÉLISE  Cordier"), name_key("élise cordier"));
        assert_ne!(name_key("Elise Cordier"), name_key("Élise Cordier"));
    }

    #[test]
    fn each_role_may_what_the_one_before_it_may() {
        assert!(Role::Technician < Role::Office && Role::Office < Role::Operator);
        assert_eq!(idle(Role::Operator).as_hours(), 12);
        assert_eq!(idle(Role::Office).as_hours(), 12);
        assert_eq!(idle(Role::Technician).as_hours(), 720);
    }
}
