//! Formats the output of `errors`.

use std::borrow::Cow;

use super::case;
use super::words::lists as w;
use super::words::recorded::told;
use crate::cli::ErrorFilter;
use crate::display::{self, Cell, Column, Table};
use crate::staging::quarantine::Case;
use crate::states::CaseState;
use crate::words::locale::Locale;

pub(crate) fn none_found(filter: &ErrorFilter, t: &Locale) -> Cow<'static, str> {
    let narrowed = filter.entity.is_some() || filter.code.is_some() || !filter.state.is_empty();
    t.say(match (narrowed, filter.all) {
        (true, _) => w::NO_SUCH_CASE,
        (false, true) => w::NEVER_A_CASE,
        (false, false) => w::NO_CASE,
    })
}

/// How many of how many cases are listed; `None` if all are.
pub(crate) fn left_out(listed: usize, found: usize, t: &Locale) -> Option<String> {
    let facts = [("n", &*amount(listed, t)), ("all", &*amount(found, t))];
    (listed < found).then(|| t.fill(w::LEFT_OUT, &facts))
}

pub(crate) fn table(cases: &[Case], t: &Locale) -> Table {
    // On a narrow terminal the state is printed below the entity, to leave room for reasons.
    let is_narrow = display::terminal_width().is_some_and(|width| width < 100);
    let (entity, state) = match is_narrow {
        true => (Column::text(t.say(w::ENTITY_STATE)), None),
        false => (Column::text(t.say(w::ENTITY)), Some(Column::text(t.say(w::STATE)))),
    };
    let mut table = Table::new([entity, Column::ids(t.say(w::ID))].into_iter().chain(state).chain([
        Column::text(t.say(w::REASON)),
        Column::number(t.say(w::TRIES)),
        Column::text(t.say(w::FIRST_SEEN)),
        Column::text(t.say(w::LAST_TRIED)),
    ]));
    for case in cases {
        let (entity, state) = match is_narrow {
            true => (Cell::stacked(&case.entity, case.state.as_str()), None),
            false => (Cell::from(&case.entity), Some(Cell::from(case.state.as_str()))),
        };
        table.row([entity, Cell::from(&case.external_id)].into_iter().chain(state).chain([
            Cell::from(reason(case, t)),
            Cell::from(t.number(case.attempts)),
            Cell::from(t.date_hour(case.first_seen_at)),
            Cell::from(t.date_hour(case.last_seen_at)),
        ]));
    }
    table
}

fn amount(count: usize, t: &Locale) -> String {
    t.number(i64::try_from(count).unwrap_or(i64::MAX))
}

/// Why it is in quarantine; of a closed case also how it ended.
fn reason(case: &Case, t: &Locale) -> String {
    let reason = told(&case::reason(case), t.language);
    match (&case.closed_reason, case.state) {
        (Some(why), CaseState::Dismissed) => t.fill(w::DISMISSED, &[("reason", &reason), ("why", why)]),
        (Some(why), _) => t.fill(w::CLOSED, &[("reason", &reason), ("why", why)]),
        (None, _) => reason,
    }
}
