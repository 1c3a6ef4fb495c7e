//! Formats the output of `migrate --roles`.

use std::collections::BTreeMap;

use super::migrate::steps_text;
use crate::access::{Changes, Fact, Roles};
use crate::display::Lines;
use crate::migrate::MigrationStep;

/// The statements that would be run, one per line, after those that an administrator has to run and after `missing` migrations,
/// if these were read.
pub fn script_text(needed_first: &[String], missing: Option<usize>, sql: &str) -> Lines {
    let mut text = Lines::new();
    text.line("-- What gazelle-sync migrate --roles would run, in one transaction; nothing was changed.");
    if !needed_first.is_empty() {
        text.line("-- First, by an administrator, since the role in DATABASE_URL may not:");
        for statement in needed_first {
            text.line(format!("--   {statement};"));
        }
    }
    match missing {
        Some(0) => {}
        Some(missing) => {
            text.line(format!("-- First: {missing} migration(s), by gazelle-sync migrate."));
        }
        None => {
            text.line(
                "-- Then the migrations that are missing, if any; the tables are read only after that.",
            );
        }
    }
    text.lines(&Lines::with_breaks(sql));
    text
}

/// What was migrated and which rights changed.
pub fn applied_text(schema: &str, applied: &[MigrationStep], changes: &Changes) -> Lines {
    let mut text = steps_text(schema, false, applied);
    changes_lines(changes, &mut text);
    text
}

fn changes_lines(changes: &Changes, text: &mut Lines) {
    if changes.is_empty() {
        text.line("roles and rights are correct: nothing to do");
        return;
    }
    text.line("roles and rights:");
    for (sign, facts) in [('-', &changes.ended), ('+', &changes.made)] {
        for (is, of) in by_fact(facts) {
            text.line(format!("  {sign} {is}: {}", of.join(", ")));
        }
    }
}

/// Combines equal facts about several tables into one line.
fn by_fact(facts: &[Fact]) -> BTreeMap<&str, Vec<&str>> {
    let mut by_fact = BTreeMap::<&str, Vec<&str>>::new();
    for fact in facts {
        by_fact.entry(&fact.is).or_default().push(&fact.of);
    }
    by_fact
}

/// What to do after `migrate --roles`.
pub fn next_lines(roles: &Roles, text: &mut Lines) {
    let Roles { sync, reader, .. } = roles;
    text.blank().line("Next:").line(format!("  1. give {sync} a password, in psql: \\password {sync}"));
    text.line(format!("  2. let the sync log in as it: DATABASE_URL=postgres://{sync}:…@HOST:5432/DATABASE"));
    text.line(format!("  3. let users read: GRANT {reader} TO …"));
    text.line("  4. gazelle-sync doctor checks all of it");
}
