//! Formats the output of `errors`.

use super::case;
use crate::cli::ErrorFilter;
use crate::config::Settings;
use crate::display::{self, Cell, Column, Table};
use crate::staging::quarantine::Case;
use crate::states::CaseState;
use crate::time;

pub fn none_found(filter: &ErrorFilter) -> &'static str {
    let narrowed = filter.entity.is_some() || filter.code.is_some() || !filter.state.is_empty();
    match (narrowed, filter.all) {
        (true, _) => "no such record is in quarantine",
        (false, true) => "no record was ever in quarantine",
        (false, false) => "the quarantine is empty (--all lists closed cases)",
    }
}

/// How many of how many cases are listed; `None` if all are.
pub fn left_out(listed: usize, found: usize) -> Option<String> {
    (listed < found)
        .then(|| format!("{} of {} (--limit N or --limit all shows more)", amount(listed), amount(found)))
}

pub fn table(cases: &[Case], settings: &Settings) -> Table {
    let zone = settings.zone();
    // On a narrow terminal the state is printed below the entity, to leave room for reasons.
    let is_narrow = display::terminal_width().is_some_and(|width| width < 100);
    let (entity, state) = match is_narrow {
        true => (Column::text("entity, state"), None),
        false => (Column::text("entity"), Some(Column::text("state"))),
    };
    let mut table = Table::new([entity, Column::ids("id")].into_iter().chain(state).chain([
        Column::text("reason"),
        Column::number("tries"),
        Column::text("first seen"),
        Column::text("last tried"),
    ]));
    for case in cases {
        let (entity, state) = match is_narrow {
            true => (Cell::stacked(&case.entity, case.state.as_str()), None),
            false => (Cell::from(&case.entity), Some(Cell::from(case.state.as_str()))),
        };
        table.row([entity, Cell::from(&case.external_id)].into_iter().chain(state).chain([
            Cell::from(reason(case)),
            Cell::from(display::count(case.attempts)),
            Cell::from(time::show(case.first_seen_at, &zone)),
            Cell::from(time::show(case.last_seen_at, &zone)),
        ]));
    }
    table
}

fn amount(count: usize) -> String {
    display::count(i64::try_from(count).unwrap_or(i64::MAX))
}

/// Why it is in quarantine; of a closed case also how it ended.
fn reason(case: &Case) -> String {
    let message = case::reason(case);
    match (&case.closed_reason, case.state) {
        (Some(closed), CaseState::Dismissed) => format!("{message}; dismissed: {closed}"),
        (Some(closed), _) => format!("{message}; {closed}"),
        (None, _) => message,
    }
}
