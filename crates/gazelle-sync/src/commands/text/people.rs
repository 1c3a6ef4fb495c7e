//! Formats the output of `people`.

use super::words::lists as w;
use crate::display::{Column, Lines, Table};
use crate::people::{Invitation, ListedPerson, PersonState};
use crate::words::locale::Locale;
use crate::words::sentence::Sentence;

pub(crate) fn list_text(people: &[ListedPerson], t: &Locale) -> Lines {
    let mut text = Lines::new();
    if people.is_empty() {
        text.wrapped(t.say(w::NOBODY), 2);
        return text;
    }
    let mut table = Table::new([
        Column::text(t.say(w::NAME)),
        Column::text(t.say(w::ROLE)),
        Column::text(t.say(w::TECHNICIAN)),
        Column::text(t.say(w::STATE)),
        Column::text(t.say(w::LAST_SIGNED_IN)),
        Column::number(t.say(w::SESSIONS)),
    ]);
    for one in people {
        let signed_in = one.signed_in_at.map(|at| t.date_hour(at));
        table.row([
            one.person.name.clone(),
            one.person.role.as_str().to_owned(),
            one.person.technician.clone().unwrap_or_default(),
            t.say(state(one.state)).into_owned(),
            signed_in.unwrap_or_else(|| t.say(w::NEVER).into_owned()),
            t.number(one.sessions),
        ]);
    }
    text.table(&table);
    text
}

fn state(state: PersonState) -> Sentence {
    match state {
        PersonState::Invited => w::STATE_INVITED,
        PersonState::Active => w::STATE_ACTIVE,
        PersonState::Disabled => w::STATE_DISABLED,
    }
}

/// `link`: none where it was mailed.
pub(crate) fn invited_text(invitation: &Invitation, link: Option<&str>, t: &Locale) -> Lines {
    let mut text = Lines::new();
    let person = &invitation.person;
    let said = if invitation.is_new { w::IS_INVITED } else { w::HAS_NEW_LINK };
    text.wrapped(t.fill(said, &[("name", &person.name), ("role", person.role.as_str())]), 2);
    let until = t.date_hour(invitation.expires_at);
    match link {
        Some(link) => {
            text.blank().line(format!("  {link}")).blank();
            text.wrapped(t.fill(w::VALID_UNTIL, &[("until", &until)]), 2);
        }
        None => {
            text.wrapped(t.fill(w::WAS_MAILED, &[("until", &until)]), 2);
        }
    }
    text
}
