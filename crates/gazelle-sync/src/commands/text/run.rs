//! Formats the report of a run.

use std::time::Duration;

use super::words::recorded::{scope, told};
use super::words::report as w;
use crate::display::{Column, Lines, Table};
use crate::run_log::report::{EntityReport, RunOutcome, RunReport};
use crate::words::locale::Locale;

/// The most warnings shown with a run.
const WARNINGS_SHOWN: usize = 20;

/// The table of entities, then the status with its reasons.
pub(crate) fn run_text(report: &RunReport, t: &Locale) -> Lines {
    let took = Duration::from_millis(report.duration_ms);
    let status = match report.status {
        RunOutcome::Success => w::SUCCESS,
        RunOutcome::Partial => w::PARTIAL,
        RunOutcome::Interrupted => w::INTERRUPTED,
        RunOutcome::Failed => w::FAILED,
    };
    let (rate, run) = (t.rate(report.fetched.max(report.processed), took), report.run_id.to_string());
    let mut text = Lines::new();
    text.table(&entity_table(&report.entities, t));
    let facts = [("status", &*t.say(status)), ("took", &t.took(took)), ("rate", &rate), ("run", &run)];
    text.wrapped(t.fill(w::VERDICT, &facts), 2);
    for reason in &report.reasons {
        text.wrapped(format!("  - {}", told(reason, t.language)), 4);
    }
    for warning in report.warnings.iter().take(WARNINGS_SHOWN) {
        let said = told(&warning.message, t.language);
        text.wrapped(format!("  {}", t.fill(w::WARNING, &[("said", &said)])), 4);
    }
    if report.warnings.len() > WARNINGS_SHOWN {
        let more = (report.warnings.len() - WARNINGS_SHOWN).to_string();
        text.wrapped(format!("  {}", t.fill(w::MORE_WARNINGS, &[("n", &more)])), 4);
    }
    if report.errors > 0 {
        text.wrapped(format!("  {}", t.say(w::SEE_ERRORS)), 4);
    }
    text
}

/// What a run did of each entity.
pub(crate) fn entity_table(entities: &[EntityReport], t: &Locale) -> Table {
    let mut table = Table::new([
        Column::text(t.say(w::ENTITY)),
        Column::text(t.say(w::WALK)),
        Column::number(t.say(w::FETCHED)),
        Column::number(t.say(w::STAGED)),
        Column::number(t.say(w::UNCHANGED)),
        Column::number(t.say(w::APPLIED)),
        Column::number(t.say(w::ERRORS)),
        Column::number(t.say(w::DELETED)),
        Column::number(t.say(w::HELD)),
    ]);
    for entity in entities {
        let scope = entity.walk.as_ref().map(|walk| scope(walk, t.language));
        let walk = match (scope, entity.walk_complete) {
            (Some(walk), Some(true)) => walk,
            (Some(walk), _) => t.fill(w::WALK_INCOMPLETE, &[("walk", &walk)]),
            (None, _) => String::new(),
        };
        table.row([
            entity.entity.clone(),
            walk,
            t.number(entity.fetched),
            t.number(entity.staged),
            t.number(entity.unchanged),
            t.number(entity.processed),
            t.number(entity.errors),
            t.number(entity.deleted),
            entity.in_production.map(|rows| t.number(rows)).unwrap_or_default(),
        ]);
    }
    table
}
