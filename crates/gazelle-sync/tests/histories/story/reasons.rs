//! What may keep a run that nothing disturbs from success.

use gazelle_sync::run_log::report::{RunOutcome, RunReport};

/// Of a reason: deletions that wait for a person.
const WITHHELD: &str = "more than may be deleted without";
/// Of a reason: records that stay pending until a list that an earlier run could not read is read again.
const WAITS_FOR_A_LIST: &str = "stay pending, since they name";

/// Whether the only thing that keeps a run from success are deletions that wait for a person.
pub(super) fn only_withheld(report: &RunReport) -> bool {
    report.status == RunOutcome::Partial && report.reasons.iter().all(|reason| reason.contains(WITHHELD))
}

/// Whether all that keeps a run from success is a person's to look at: that, or a list that is empty where it was not.
pub(super) fn only_asks_a_person(report: &RunReport) -> bool {
    let asks = |reason: &String| reason.contains(WITHHELD) || reason.contains("the API lists 0 where");
    report.status == RunOutcome::Partial && report.reasons.iter().all(asks)
}

/// Whether these reasons are all of records that wait for a list, which a run that does not walk it cannot end.
pub(super) fn only_waits_for_lists(reasons: &[String]) -> bool {
    !reasons.is_empty() && reasons.iter().all(|reason| reason.contains(WAITS_FOR_A_LIST))
}
