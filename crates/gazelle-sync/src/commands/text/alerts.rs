//! Formats the output of `alerts list`.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::alerts::{self, AlertList, Channels};
use crate::config::Settings;
use crate::display::{self, Column, Lines, Table};
use crate::time;

pub fn list_text(listed: &AlertList, settings: &Settings) -> Lines {
    let zone = settings.zone();
    let show = |at: Timestamp| time::show(at, &zone);
    let mut text = Lines::new();
    if listed.open.is_empty() {
        text.line("no open alerts");
    }
    if !listed.open.is_empty() || !listed.over.is_empty() {
        text.table(&alerts_table(listed, settings));
    }
    if !listed.undelivered.is_empty() {
        text.blank().table(&undelivered_table(listed, &zone));
    }
    let channels = Channels::of(settings);
    if channels.is_empty() {
        text.blank()
            .line("no channel is configured: nobody is notified (gazelle-sync alerts --help says how)");
    }
    text.blank();
    match listed.looked_at {
        Some(at) => text.line(format!("last evaluated {}", show(at))),
        None => text.line(
            "the conditions are not evaluated: run `gazelle-sync serve`, or `gazelle-sync alerts check`",
        ),
    };
    text
}

fn alerts_table(listed: &AlertList, settings: &Settings) -> Table {
    let zone = settings.zone();
    let show = |at: Timestamp| time::show(at, &zone);
    let mut table = Table::new([
        Column::text("alert"),
        Column::text("since"),
        Column::text("until"),
        Column::text("what"),
        Column::number("sent"),
    ]);
    for alert in listed.open.iter().chain(&listed.over) {
        table.row([
            alert.kind.clone(),
            show(alert.opened_at),
            alert.closed_at.map_or_else(|| "now".to_owned(), show),
            alerts::title(alert.kind.parse().ok(), settings),
            display::count(u64::try_from(alert.sent).unwrap_or_default()),
        ]);
    }
    table
}

fn undelivered_table(listed: &AlertList, zone: &TimeZone) -> Table {
    let show = |at: Timestamp| time::show(at, zone);
    let mut table = Table::new([
        Column::text("not delivered"),
        Column::text("channel"),
        Column::text("written"),
        Column::number("tries"),
        Column::text("next"),
        Column::text("why"),
    ]);
    for message in &listed.undelivered {
        table.row([
            message.title.clone(),
            message.channel.clone(),
            show(message.created_at),
            display::count(u64::try_from(message.attempts).unwrap_or_default()),
            if message.given_up_at.is_some() { "given up".to_owned() } else { show(message.due_at) },
            message.last_error.clone().unwrap_or_default(),
        ]);
    }
    table
}
