//! The versions of a record in words.

use super::read::Record;
use crate::dashboard::links;
use crate::dashboard::page::ShownTime;
use crate::dashboard::values::Differences;
use crate::dashboard::words::locale::Locale;
use crate::dashboard::words::record as w;
use crate::dashboard::words::sentence::Sentence;
use crate::explain::history::{History, VersionEntry, VersionState};
use crate::states::VersionOperation;

/// A state with its shape and colour.
pub(super) struct Chip {
    pub(super) class: &'static str,
    pub(super) shape: &'static str,
    pub(super) word: String,
}

/// A version.
pub(super) struct VersionView {
    pub(super) title: String,
    pub(super) seen: ShownTime,
    pub(super) chip: Chip,
    /// The run that staged it, and how it is called.
    pub(super) run: Option<(String, String)>,
    pub(super) request: Option<String>,
    /// The case in quarantine.
    pub(super) case: Option<String>,
    /// Why it is in quarantine, in English.
    pub(super) message: Option<String>,
    /// The undo that withdrew it.
    pub(super) undo: Option<String>,
    pub(super) is_tombstone: bool,
    pub(super) is_first: bool,
    /// None where there is nothing to compare it with.
    pub(super) differences: Option<Differences>,
    /// Shows its raw record; none for the one that is shown.
    pub(super) show: Option<String>,
}

fn chip((class, shape, word): (&'static str, &'static str, Sentence), t: &Locale) -> Chip {
    Chip { class, shape, word: t.say(word).into_owned() }
}

/// The state of the record itself.
pub(super) fn of_record(history: &History, t: &Locale) -> Chip {
    let newest = history.versions.last().map(|version| version.state);
    let state = match (&history.in_production, newest) {
        (Some(row), _) if row.deleted_at.is_some() => ("bad", "✕", w::STATE_GONE),
        (_, Some(VersionState::InQuarantine)) => ("bad", "■", w::IN_QUARANTINE),
        (Some(_), _) => ("ok", "●", w::IN_PRODUCTION),
        (None, _) => ("off", "◇", w::NOT_IN_PRODUCTION),
    };
    chip(state, t)
}

fn of_version(state: VersionState, t: &Locale) -> Chip {
    let state = match state {
        VersionState::InProduction => ("ok", "●", w::STATE_IN_PRODUCTION),
        VersionState::Pending => ("run", "◐", w::STATE_PENDING),
        VersionState::InQuarantine => ("bad", "■", w::STATE_QUARANTINE),
        VersionState::Closed => ("off", "◇", w::STATE_CLOSED),
        VersionState::Withdrawn => ("off", "◇", w::STATE_WITHDRAWN),
        VersionState::Gone => ("bad", "✕", w::STATE_GONE),
        VersionState::Replaced => ("off", "◇", w::STATE_REPLACED),
    };
    chip(state, t)
}

/// The versions, newest first.
pub(super) fn views(record: &Record, place: &str, t: &Locale) -> Vec<VersionView> {
    let shown = record.raw.as_ref().map(|raw| raw.number);
    record.history.versions.iter().rev().map(|version| view(version, (place, shown), t)).collect()
}

fn view(version: &VersionEntry, (place, shown): (&str, Option<usize>), t: &Locale) -> VersionView {
    let number = version.number.to_string();
    VersionView {
        title: t.fill(w::VERSION_NUMBER, &[("number", &number)]),
        seen: ShownTime::date_hour(version.seen_at.utc, t),
        chip: of_version(version.state, t),
        run: version.run.as_ref().map(|run| {
            let label = t.fill(w::RUN_OF, &[("at", &t.date_hour(run.started_at.utc))]);
            (links::run(run.run_id), label)
        }),
        request: version.request.as_ref().map(|request| super::explained::request_text(request, t)),
        case: version
            .quarantine
            .as_ref()
            .map(|_| format!("{}#field", links::case(&version.staging_id.to_string()))),
        message: version.quarantine.as_ref().and_then(|case| case.message.clone()),
        undo: version.withdrawn.as_ref().map(|undo| links::run(undo.by)),
        is_tombstone: version.operation == VersionOperation::Delete,
        is_first: version.number == 1,
        differences: version.changes.as_ref().map(|changes| Differences::of(changes, t)),
        show: (shown != Some(version.number))
            .then(|| format!("{}#raw", links::with(place, &[("version", Some(&number))]))),
    }
}
