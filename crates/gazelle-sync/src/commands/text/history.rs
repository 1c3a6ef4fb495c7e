//! Formats the output of `history`.

use serde_json::Value as Json;

use super::source::request_text;
use super::source::run_text;
use super::source::value_text;
use crate::display::{self, Lines};
use crate::explain::diff::{Change, ChangeKind};
use crate::explain::history::{History, VersionEntry};
use crate::time;

pub fn text(told: &History) -> Lines {
    let mut first = format!("{} {}", told.entity, told.external_id);
    if let Some(asked_for) = &told.asked_for {
        first += &format!(" (which holds {asked_for})");
    }
    first += &match told.versions_held {
        0 => ": staging no longer has a version of it".to_owned(),
        1 => ": one version".to_owned(),
        many => format!(": {} versions", display::count(many as u64)),
    };
    if told.in_production.is_none() {
        first += "; production has no row";
    }
    let mut text = Lines::new();
    text.line(first);
    if let Some(row) = &told.in_production {
        if let Some(at) = &row.changed_at {
            text.line(format!("{} last changed at {}", row.table, at.text()));
        }
        if let Some(at) = &row.deleted_at {
            text.line(format!("deleted since {}", at.text()));
        }
    }
    if told.versions.len() < told.versions_held {
        text.line(format!("the newest {} of them (--limit shows more)", told.versions.len()));
    }
    for story in &told.versions {
        text.blank();
        story_lines(story, &mut text);
    }
    text
}

fn story_lines(story: &VersionEntry, text: &mut Lines) {
    text.line(format!("{}. {}   {}", story.number, story.seen_at.text(), story.state));
    let mut line = |what: &str| {
        text.line(format!("   {}", what.replace(['\n', '\t'], " ")));
    };
    line(&run_text(story.run.as_ref()));
    if let Some(request) = &story.request {
        line(&request_text(request));
    }
    line(&format!("staging row {}", story.staging_id));
    if let Some(withdrawn) = &story.withdrawn {
        let when = withdrawn
            .at
            .map_or_else(String::new, |at| format!(", {}", time::show_exact(at, &jiff::tz::TimeZone::UTC)));
        line(&format!("withdrawn by undo {}{when}", withdrawn.by));
    }
    if let Some(held) = &story.quarantine {
        let message = held.message.as_deref().unwrap_or(&held.error_code);
        line(&format!("quarantine: {}, {} tries: {message}", held.state, held.attempts));
        if let Some(reason) = &held.closed_reason {
            line(&format!("closed: {reason}"));
        }
    }
    if let Some(evidence) = &story.evidence {
        let of = |key: &str| evidence[key].as_str().unwrap_or("?").to_owned();
        line(&format!(
            "tombstone: not listed ({}); {} answered at {} that it does not exist",
            of("not_listed_in"),
            of("asked_with"),
            of("asked_at")
        ));
    }
    if let Some(only_id) = &story.only_id {
        line(only_id);
        return;
    }
    if story.kept_as_bytes {
        line("its original bytes are stored separately: jsonb cannot represent it exactly");
    }
    for unreadable in &story.unreadable {
        let shape = unreadable.shape.as_deref().map_or_else(String::new, |shape| format!(" ({shape})"));
        let so = match &unreadable.column {
            Some(column) => format!("NULL in production, column {column}"),
            None => "its row does not change".to_owned(),
        };
        line(&format!("cannot be read: {}{shape}; {so}", unreadable.field));
    }
    match &story.changes {
        None if story.evidence.is_none() => line("the first version in staging"),
        None => {}
        Some(changes) if changes.is_empty() => line("the same content, written differently"),
        Some(changes) => changes.iter().for_each(|change| line(&change_text(change))),
    }
}

fn change_text(change: &Change) -> String {
    let value = |value: &Option<Json>| value.as_ref().map_or_else(|| "nothing".to_owned(), value_text);
    let (before, after) = (value(&change.before), value(&change.after));
    match change.kind {
        ChangeKind::Added => format!("+ {}: {after}", change.path),
        ChangeKind::Removed => format!("- {}: {before}", change.path),
        ChangeKind::Reordered => format!("~ {}: in another order, {before} -> {after}", change.path),
        ChangeKind::Changed => format!("~ {}: {before} -> {after}", change.path),
    }
}
