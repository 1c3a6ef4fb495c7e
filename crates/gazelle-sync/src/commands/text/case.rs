//! Formats the output of `errors show`: one quarantine case.

use super::source::request_text;
use super::source::run_text;
use super::source::value_text;
use crate::display::{Document, Lines};
use crate::entities::weight;
use crate::explain::case::{CaseContext, Parent};
use crate::staging::quarantine::Case;
use crate::states::CaseState;

/// Everything about a case, its raw record last.
pub fn text(story: &CaseContext) -> Lines {
    let case = &story.case;
    let mut text = Lines::new();
    let mut line = |name: &str, value: &str| {
        text.line(format!("{name:<14}{value}"));
    };
    line("record", &format!("{} {}", case.entity, case.external_id));
    line("reason", &reason(case));
    line("code", &case.error_code);
    line("field", case.error_field.as_deref().unwrap_or_default());
    line("holds", &story.offending.as_ref().map_or_else(|| "nothing there".to_owned(), value_text));
    line("state", &format!("{}: {}", case.state, meaning(case.state)));
    if let (Some(table), Some(id)) = (&case.waits_for, &case.waits_for_id) {
        let known = match story.parent {
            Some(Parent::InProduction) => ", which is now in production",
            Some(Parent::Staged) => ", which is staged but not in production",
            Some(Parent::Unknown) => ", which is unknown",
            None => "",
        };
        line("waits for", &format!("{id} in {table}{known}"));
    }
    if let Some(closed) = &story.closed {
        line("closed", &format!("{}: {}", closed.text(), case.closed_reason.as_deref().unwrap_or_default()));
    }
    line("tries", &case.attempts.to_string());
    line("first tried", &story.first_try.text());
    line("last tried", &story.last_try.text());
    line("seen", &story.seen.text());
    line("run", run_text(story.run.as_ref()).trim_start_matches("run "));
    match &story.request {
        Some(request) => line("request", request_text(request).trim_start_matches("request ")),
        None => line("request", "not noted"),
    }
    line("staging row", &case.staging_id);
    let good = match &story.newest_good {
        None => "none: production has no row of this record".to_owned(),
        Some(good) if good.is_tombstone => {
            format!("a tombstone: deleted at the source, {}", good.seen_at.text())
        }
        Some(good) => format!("{}, seen {}", good.staging_id, good.seen_at.text()),
    };
    line("good version", &good);
    if story.newer_versions > 0 {
        line(
            "newer",
            &format!("{} version(s) since: gazelle-sync history {}", story.newer_versions, case.external_id),
        );
    }
    if let Some(only_id) = &story.only_id {
        line("nothing else", only_id);
    }
    line("what to do", &story.advice);
    let raw = case.raw_data.as_deref().unwrap_or_default();
    // A record with too many values to parse is printed unformatted.
    let indented = (!weight::is_too_heavy(raw)).then(|| {
        serde_json::from_str::<serde_json::Value>(raw).and_then(|raw| Document::indented(&raw)).ok()
    });
    text.line("raw record").lines(&indented.flatten().map_or_else(|| raw.into(), Lines::from));
    text
}

/// Why it could not be reconciled. The message is not kept once the version was reconciled.
pub fn reason(case: &Case) -> String {
    let field = case.error_field.as_deref().unwrap_or_default();
    case.message.clone().unwrap_or_else(|| format!("{} {field}", case.error_code).trim_end().to_owned())
}

/// What a state means.
pub fn meaning(state: CaseState) -> &'static str {
    match state {
        CaseState::Open => "not in production until it is corrected, retried or dismissed",
        CaseState::Waiting => "released automatically when its parent is written",
        CaseState::Released => "closed, this version was reconciled by a later attempt",
        CaseState::Reread => "closed, a newer version of the reconciler can read it",
        CaseState::Superseded => "closed, a newer version of the record was reconciled",
        CaseState::Withdrawn => "closed, the run that fetched it was undone",
        CaseState::Dismissed => "dismissed manually, the record stays out of production",
    }
}
