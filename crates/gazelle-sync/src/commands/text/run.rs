//! Formats the report of a run.

use std::time::Duration;

use crate::display::{self, Column, Lines, Table};
use crate::run_log::report::{EntityReport, RunOutcome, RunReport};

/// The most warnings shown with a run.
const WARNINGS_SHOWN: usize = 20;

/// The table of entities, then the status with its reasons.
pub fn run_text(report: &RunReport) -> Lines {
    let took = Duration::from_millis(report.duration_ms);
    let verdict = match report.status {
        RunOutcome::Success => "success",
        RunOutcome::Partial => "PARTIAL",
        RunOutcome::Interrupted => "INTERRUPTED",
        RunOutcome::Failed => "FAILED",
    };
    let handled = report.fetched.max(report.processed);
    let mut text = Lines::new();
    text.table(&entity_table(&report.entities)).line(format!(
        "{verdict} in {} ({}) · run {}",
        display::duration(took),
        display::rate(handled, took),
        report.run_id
    ));
    for reason in &report.reasons {
        text.line(format!("  - {reason}"));
    }
    for warning in report.warnings.iter().take(WARNINGS_SHOWN) {
        text.line(format!("  warning: {}", warning.message));
    }
    if report.warnings.len() > WARNINGS_SHOWN {
        let more = report.warnings.len() - WARNINGS_SHOWN;
        text.line(format!("  and {more} warnings more: `gazelle-sync warnings` lists them"));
    }
    if report.errors > 0 {
        text.line("  see `gazelle-sync errors` for the records in quarantine");
    }
    text
}

/// What a run did of each entity.
pub fn entity_table(entities: &[EntityReport]) -> Table {
    let mut table = Table::new([
        Column::text("entity"),
        Column::text("walk"),
        Column::number("fetched"),
        Column::number("staged"),
        Column::number("unchanged"),
        Column::number("applied"),
        Column::number("errors"),
        Column::number("deleted"),
        Column::number("held"),
    ]);
    for entity in entities {
        let walk = match (&entity.walk, entity.walk_complete) {
            (Some(walk), Some(true)) => walk.clone(),
            (Some(walk), _) => format!("{walk}, incomplete"),
            (None, _) => String::new(),
        };
        table.row([
            entity.entity.clone(),
            walk,
            display::count(entity.fetched),
            display::count(entity.staged),
            display::count(entity.unchanged),
            display::count(entity.processed),
            display::count(entity.errors),
            display::count(entity.deleted),
            entity.in_production.map(display::count).unwrap_or_default(),
        ]);
    }
    table
}
