//! Formats the output of `alerts list`.

use super::words::lists as w;
use crate::alerts::{self, AlertList, Channels};
use crate::config::Settings;
use crate::display::{Column, Lines, Table};
use crate::words::locale::Locale;

pub(crate) fn list_text(listed: &AlertList, settings: &Settings, t: &Locale) -> Lines {
    let mut text = Lines::new();
    if listed.open.is_empty() {
        text.line(t.say(w::NO_OPEN_ALERTS));
    }
    if !listed.open.is_empty() || !listed.over.is_empty() {
        text.table(&alerts_table(listed, settings, t));
    }
    if !listed.undelivered.is_empty() {
        text.blank().table(&undelivered_table(listed, t));
    }
    let channels = Channels::of(settings);
    if channels.is_empty() {
        text.blank().wrapped(t.say(w::NO_CHANNEL), 2);
    }
    text.blank();
    match listed.looked_at {
        Some(at) => text.line(t.fill(w::LAST_EVALUATED, &[("at", &t.date_hour(at))])),
        None => text.wrapped(t.say(w::NOT_EVALUATED), 2),
    };
    text
}

fn alerts_table(listed: &AlertList, settings: &Settings, t: &Locale) -> Table {
    let mut table = Table::new([
        Column::text(t.say(w::ALERT)),
        Column::text(t.say(w::SINCE)),
        Column::text(t.say(w::UNTIL)),
        Column::text(t.say(w::WHAT)),
        Column::number(t.say(w::SENT)),
    ]);
    for alert in listed.open.iter().chain(&listed.over) {
        table.row([
            alert.kind.clone(),
            t.date_hour(alert.opened_at),
            alert.closed_at.map_or_else(|| t.say(w::NOW).into_owned(), |at| t.date_hour(at)),
            alerts::title(alert.kind.parse().ok(), settings),
            t.number(alert.sent),
        ]);
    }
    table
}

fn undelivered_table(listed: &AlertList, t: &Locale) -> Table {
    let mut table = Table::new([
        Column::text(t.say(w::NOT_DELIVERED)),
        Column::text(t.say(w::CHANNEL)),
        Column::text(t.say(w::WRITTEN)),
        Column::number(t.say(w::TRIES)),
        Column::text(t.say(w::NEXT)),
        Column::text(t.say(w::WHY)),
    ]);
    for message in &listed.undelivered {
        table.row([
            message.title.clone(),
            message.channel.clone(),
            t.date_hour(message.created_at),
            t.number(message.attempts),
            match message.given_up_at {
                Some(_) => t.say(w::GIVEN_UP).into_owned(),
                None => t.date_hour(message.due_at),
            },
            message.last_error.clone().unwrap_or_default(),
        ]);
    }
    table
}
