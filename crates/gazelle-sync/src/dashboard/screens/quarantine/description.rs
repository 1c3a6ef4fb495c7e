//! A case in words: its reason, its state, and what can be done.

use crate::dashboard::raw;
use crate::dashboard::words::locale::Locale;
use crate::dashboard::words::quarantine as w;
use crate::dashboard::words::sentence::Sentence;
use crate::explain::case::Parent;
use crate::states::CaseState;

/// The facts that describe a case.
#[derive(Debug, Clone, Copy)]
pub(in crate::dashboard::screens) struct Facts<'c> {
    pub(in crate::dashboard::screens) state: CaseState,
    pub(in crate::dashboard::screens) code: &'c str,
    pub(in crate::dashboard::screens) field: Option<&'c str>,
    pub(in crate::dashboard::screens) external_id: &'c str,
    /// Of the parent that it waits for, as far as it was looked up.
    pub(in crate::dashboard::screens) parent: Option<Parent>,
}

/// The kinds of faults, for a filter.
pub(in crate::dashboard::screens) const CODES: [(&str, Sentence); 8] = [
    ("missing_field", w::REASON_MISSING_FIELD),
    ("invalid_field", w::REASON_INVALID_FIELD),
    ("missing_parent", w::REASON_MISSING_PARENT),
    ("refused_by_database", w::REASON_REFUSED),
    ("incomplete_at_source", w::REASON_INCOMPLETE),
    ("not_text", w::REASON_NOT_TEXT),
    ("not_asked_yet", w::REASON_NOT_ASKED),
    ("unreadable", w::REASON_UNREADABLE),
];

impl Facts<'_> {
    fn field(&self, t: &Locale) -> String {
        match self.field.filter(|field| !field.is_empty()) {
            Some(field) => raw::cut(field).0.to_owned(),
            None => t.say(w::THE_RECORD).into_owned(),
        }
    }

    /// Why it could not be reconciled.
    pub(in crate::dashboard::screens) fn reason(&self, t: &Locale) -> String {
        match CODES.iter().find(|(code, _)| *code == self.code) {
            Some((_, said)) => t.fill(*said, &[("field", &self.field(t))]),
            None => self.code.to_owned(),
        }
    }

    /// What can be done, in one or two sentences.
    pub(in crate::dashboard::screens) fn advice(&self, t: &Locale) -> String {
        let (id, _) = raw::cut(self.external_id);
        let field = self.field(t);
        let fill = |said: Sentence| t.fill(said, &[("id", id), ("field", &field)]);
        let (said, may_dismiss) = self.to_do();
        match may_dismiss {
            true => format!("{} {}", fill(said), fill(w::OR_DISMISS)),
            false => fill(said),
        }
    }

    /// The same, without the way to dismiss it, for a list.
    pub(in crate::dashboard::screens) fn short_advice(&self, t: &Locale) -> String {
        t.fill(self.to_do().0, &[("id", raw::cut(self.external_id).0), ("field", &self.field(t))])
    }

    /// What to do, and whether dismissing it is another way.
    fn to_do(self) -> (Sentence, bool) {
        match (self.state, self.code) {
            (CaseState::Dismissed, _) => (w::DO_NOTHING_DISMISSED, false),
            (state, _) if !state.is_open() => (w::DO_NOTHING_CLOSED, false),
            (CaseState::Waiting, _) => match self.parent {
                Some(Parent::InProduction) => (w::DO_WAIT_NEXT_RUN, false),
                Some(Parent::Staged) => (w::DO_LOOK_PARENT, false),
                Some(Parent::Unknown) | None => (w::DO_WAIT_ASKED, true),
            },
            (_, "missing_field") => (w::DO_FILL_IN, true),
            (_, "invalid_field") => (w::DO_CORRECT, true),
            (_, "refused_by_database") => (w::DO_UNBLOCK, true),
            (_, "incomplete_at_source") => (w::DO_AT_SOURCE, true),
            (_, "not_asked_yet") => (w::DO_WAIT_LOOKUP, false),
            (_, "not_text") => (w::DO_WRITE_AGAIN, true),
            _ => (w::DO_UPDATE, true),
        }
    }
}

/// A state: class, shape and word.
pub(in crate::dashboard::screens) fn state(
    state: CaseState,
    t: &Locale,
) -> (&'static str, &'static str, String) {
    let (class, shape, said) = match state {
        CaseState::Open => ("bad", "■", w::STATE_OPEN),
        CaseState::Waiting => ("run", "◐", w::STATE_WAITING),
        CaseState::Released => ("ok", "●", w::STATE_RELEASED),
        CaseState::Reread => ("ok", "●", w::STATE_REREAD),
        CaseState::Superseded => ("ok", "●", w::STATE_SUPERSEDED),
        CaseState::Withdrawn => ("off", "◇", w::STATE_WITHDRAWN),
        CaseState::Dismissed => ("off", "◇", w::STATE_DISMISSED),
    };
    (class, shape, t.say(said).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Language;
    use crate::entities::read::ErrorCode;
    use crate::time;

    fn tongues() -> [Locale; 2] {
        let now = "2026-11-24T19:22:00Z".parse().unwrap();
        [Language::En, Language::Fr]
            .map(|language| Locale::new(language, time::zone(time::MONTREAL).unwrap(), now))
    }

    #[test]
    fn every_kind_of_fault_has_its_reason_and_every_state_its_word() {
        let codes = [
            ErrorCode::MissingField,
            ErrorCode::InvalidField,
            ErrorCode::Unreadable,
            ErrorCode::MissingParent,
            ErrorCode::RefusedByDatabase,
            ErrorCode::IncompleteAtSource,
            ErrorCode::NotText,
            ErrorCode::NotAskedYet,
        ];
        for t in &tongues() {
            for code in codes {
                let facts = Facts {
                    state: CaseState::Open,
                    code: code.as_str(),
                    field: Some("start"),
                    external_id: "evt_1",
                    parent: None,
                };
                assert_ne!(facts.reason(t), code.as_str());
                assert!(
                    !facts.reason(t).contains('{') && !facts.advice(t).contains('{'),
                    "{}",
                    facts.advice(t)
                );
            }
            for known in CaseState::ALL {
                assert_ne!(state(*known, t).2, known.as_str());
            }
        }
    }

    #[test]
    fn what_to_do_follows_from_state_reason_and_parent() {
        let [en, fr] = tongues();
        let facts =
            |state, code, parent| Facts { state, code, field: Some("start"), external_id: "evt_1", parent };
        for (facts, advice) in [
            (
                facts(CaseState::Open, "missing_field", None),
                "Fill in start in Gazelle: the next sync closes the case. If it can stay out of production: gazelle-sync errors dismiss evt_1 --reason TEXT.",
            ),
            (facts(CaseState::Superseded, "missing_field", None), "Nothing: the case is closed."),
            (
                facts(CaseState::Dismissed, "missing_field", None),
                "Nothing. gazelle-sync errors retry evt_1 tries it again.",
            ),
            (
                facts(CaseState::Waiting, "missing_parent", Some(Parent::InProduction)),
                "Nothing: the next run writes it to production.",
            ),
            (
                facts(CaseState::Waiting, "missing_parent", Some(Parent::Staged)),
                "Look at its parent, which is not in production either.",
            ),
        ] {
            assert_eq!(facts.advice(&en), advice);
        }
        assert_eq!(
            facts(CaseState::Open, "missing_field", None).reason(&fr),
            "Le champ obligatoire start manque"
        );
        let nothing = Facts { field: None, ..facts(CaseState::Open, "invalid_field", None) };
        assert_eq!(nothing.reason(&en), "The value of the record cannot be read");
    }
}
