//! Formats the output of `deletions list`.

use uuid::Uuid;

use super::words::lists as w;
use super::words::recorded::scope;
use crate::display::{Column, Lines, Table};
use crate::run_log::find_runs::short;
use crate::staging::deletions::FoundDeletion;
use crate::states::DeletionState;
use crate::words::locale::Locale;
use crate::words::sentence::Sentence;

/// The most records listed of those that a run found together.
const SHOWN: usize = 100;

/// The deletions, grouped by run: the run and the evidence once, then one line for each record.
pub(crate) fn list_text(found: &[FoundDeletion], all: bool, t: &Locale) -> Lines {
    if found.is_empty() {
        return t.say(if all { w::NO_DELETION_EVER } else { w::NO_DELETION }).into();
    }
    let mut text = Lines::new();
    for of_run in found.chunk_by(|one, next| group(one) == group(next)) {
        let Some(first) = of_run.first() else { continue };
        let (run, _, not_listed_in, getter) = group(first);
        let run = run.to_string();
        let (at, count) = (t.date_hour(first.found_at), i64::try_from(of_run.len()).unwrap_or(i64::MAX));
        let facts = [
            ("run", short(&run)),
            ("at", &at),
            ("n", &t.number(count)),
            ("entity", &first.entity),
            ("scope", &scope(not_listed_in, t.language)),
            ("getter", getter),
        ];
        text.wrapped(t.fill(w::FOUND_BY.of(count, t.language), &facts), 2);
        let mut table = Table::new([Column::ids(t.say(w::ID)), Column::text(t.say(w::STATE))]);
        for one in of_run.iter().take(SHOWN) {
            table.row([one.external_id.clone(), t.say(state(one.state)).into_owned()]);
        }
        text.table(&table);
        if of_run.len() > SHOWN {
            let more = i64::try_from(of_run.len() - SHOWN).unwrap_or(i64::MAX);
            text.wrapped(t.count(w::MORE_DELETIONS, more), 2);
        }
        text.blank();
    }
    text.wrapped(t.say(w::APPROVE), 2);
    text
}

/// What deletions found together have in common: the run, the entity, what did not list them, and what was asked.
fn group(one: &FoundDeletion) -> (Uuid, &str, &str, &str) {
    let evidence = &one.evidence["evidence"];
    let text = |key: &str| evidence[key].as_str().unwrap_or_default();
    (one.run_id, &one.entity, text("not_listed_in"), text("asked_with"))
}

fn state(state: DeletionState) -> Sentence {
    match state {
        DeletionState::Deleted => w::STATE_DELETED,
        DeletionState::Withheld => w::STATE_WITHHELD,
        DeletionState::Approved => w::STATE_APPROVED,
        DeletionState::Dismissed => w::STATE_DISMISSED,
        DeletionState::Superseded => w::STATE_SUPERSEDED,
    }
}
