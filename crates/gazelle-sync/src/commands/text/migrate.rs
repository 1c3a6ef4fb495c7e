//! Formats the output of `migrate`.

use crate::display::Lines;
use crate::from_v5::open::OpenAccess;
use crate::migrate::MigrationStep;

/// The applied or missing steps of an upgrade.
pub fn steps_text(schema: &str, dry_run: bool, steps: &[MigrationStep]) -> Lines {
    if steps.is_empty() {
        return format!("schema {schema} is up to date: nothing to do").into();
    }
    let verb = if dry_run { "would be applied" } else { "applied" };
    let mut text = Lines::new();
    text.line(format!("schema {schema}: {} migration(s) {verb}", steps.len()));
    for step in steps {
        // Steps that follow from the entities' declarations have no number.
        let number = step.version.map_or_else(|| "+".to_owned(), |version| version.to_string());
        text.line(format!("  {number:>4}  {}", step.name));
    }
    text
}

/// What was taken over in the embedded server.
pub fn taken_over_lines(taken_over: &[String], text: &mut Lines) {
    if taken_over.is_empty() {
        return;
    }
    text.line("taken over from roles of the embedded server, which are this account's own:");
    for what in taken_over {
        text.line(format!("  {what}"));
    }
}

/// What was closed of the backup of version 5's tables, and what is left open.
pub fn backup_lines(closed: &[String], left_open: &[OpenAccess], text: &mut Lines) {
    if closed.is_empty() && left_open.is_empty() {
        return;
    }
    text.blank();
    text.line("the backup of the old system:");
    for closed in closed {
        text.line(format!("  {closed}"));
    }
    if left_open.is_empty() {
        return;
    }
    text.line("  LEFT OPEN, since the role in DATABASE_URL may not close it, or somebody holds it locked; in psql, as the role that is named or one that acts for it:");
    for OpenAccess { what, as_role, close_with, why, .. } in left_open {
        let why = why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        text.line(format!("  {what}{why}"));
        text.line(format!("    as {as_role}: {close_with};"));
    }
}
