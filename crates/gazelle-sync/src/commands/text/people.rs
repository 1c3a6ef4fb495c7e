//! Formats the output of `people`.

use jiff::tz::TimeZone;

use crate::display::{Column, Lines, Table};
use crate::people::{Invitation, ListedPerson};
use crate::time;

pub fn list_text(people: &[ListedPerson], zone: &TimeZone) -> Lines {
    if people.is_empty() {
        return "nobody is invited to the dashboard: `gazelle-sync people invite NAME --role operator` prints a link for the \
                first person"
            .into();
    }
    let mut table = Table::new([
        Column::text("name"),
        Column::text("role"),
        Column::text("technician"),
        Column::text("state"),
        Column::text("last signed in"),
        Column::number("sessions"),
    ]);
    for one in people {
        table.row([
            one.person.name.clone(),
            one.person.role.as_str().to_owned(),
            one.person.technician.clone().unwrap_or_default(),
            one.state.as_str().to_owned(),
            one.signed_in_at.map_or_else(|| "never".to_owned(), |at| time::show(at, zone)),
            one.sessions.to_string(),
        ]);
    }
    let mut text = Lines::new();
    text.table(&table);
    text
}

/// `link`: none where it was mailed.
pub fn invited_text(invitation: &Invitation, link: Option<&str>, zone: &TimeZone) -> Lines {
    let mut text = Lines::new();
    let person = &invitation.person;
    let what = match invitation.is_new {
        true => "is invited",
        false => "was there already, has a new link and is signed out everywhere",
    };
    text.line(format!("{} ({}) {what}", person.name, person.role.as_str()));
    let until = time::show(invitation.expires_at, zone);
    match link {
        Some(link) => {
            text.blank().line(format!("  {link}")).blank();
            text.line(format!(
                "valid until {until}, once, and shown this once: send it to that person alone"
            ));
        }
        None => {
            text.line(format!("the link was mailed; it is valid until {until}, once"));
        }
    }
    text
}
