//! What the walks of a run allow the steps after them to do.

use crate::source::{ErrorClass, SourceError};

/// Results of judging the walks that later steps need besides the report.
#[derive(Default)]
pub(super) struct WalkVerdicts {
    /// Errors of the API that ended a walk, or the look-ups by id after a complete walk.
    pub(super) failures: Vec<(&'static str, SourceError)>,
    /// The entities whose walks were complete.
    pub(super) complete: Vec<&'static str>,
    /// The entities of which not every record came whole.
    pub(super) not_whole: Vec<&'static str>,
    /// Whether the run was asked to stop before it was done.
    pub(super) interrupted: bool,
}

impl WalkVerdicts {
    /// Whether every walk failed.
    pub(super) fn has_no_list(&self, walks: usize) -> bool {
        let failed = self.failures.iter().filter(|(entity, _)| !self.complete.contains(entity));
        walks > 0 && failed.count() == walks
    }

    /// Whether records may still be asked for by id. Not if the run was asked to stop, the API refuses any request,
    /// throttled a walk, or failed every list. One failed list says nothing about the records of other entities;
    /// nor does throttling of the look-ups by id after a complete walk, which may happen in every run.
    pub(super) fn lets_ask_by_id(&self, walks: usize) -> bool {
        let is_of_all = |(entity, error): &(&str, SourceError)| {
            let is_of_walk = !self.complete.contains(entity);
            error.concerns_any_request()
                || is_of_walk && matches!(error.class(), ErrorClass::Throttled { .. })
        };
        !self.interrupted && !self.has_no_list(walks) && !self.failures.iter().any(is_of_all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Answer;

    fn error(code: &str) -> SourceError {
        let body = format!(r#"{{"errors":[{{"message":"no","extensions":{{"code":"{code}"}}}}]}}"#);
        Answer::from_body("Test", body).unwrap_err()
    }

    /// The verdicts about walks that ended with these errors.
    fn verdicts(failures: &[(&'static str, &SourceError)], complete: &[&'static str]) -> WalkVerdicts {
        WalkVerdicts {
            failures: failures.iter().map(|(entity, error)| (*entity, (*error).clone())).collect(),
            complete: complete.to_vec(),
            ..WalkVerdicts::default()
        }
    }

    #[test]
    fn what_failed_decides_whether_there_is_a_list_and_whether_ids_may_be_asked_for() {
        let fault = &error("INTERNAL_SERVER_ERROR");
        let throttled = &error("THROTTLED");
        let refused = &error("UNAUTHENTICATED");
        assert_eq!(fault.class(), &ErrorClass::ServerFault);
        assert!(matches!(throttled.class(), ErrorClass::Throttled { .. }));
        assert_eq!(refused.class(), &ErrorClass::Unauthorized);
        // The errors by entity, the entities whose walks were complete, how many walks there were; then whether
        // every list failed, and whether ids may be asked for.
        type Case<'e> = (&'e [(&'static str, &'e SourceError)], &'e [&'static str], usize, bool, bool);
        let cases: [Case<'_>; 11] = [
            (&[], &["clients", "pianos"], 2, false, true),
            // Short walks without an error.
            (&[], &[], 2, false, true),
            // A run without walks.
            (&[], &[], 0, false, true),
            (&[("clients", fault)], &["pianos"], 2, false, true),
            (&[("clients", fault), ("pianos", fault)], &[], 2, true, false),
            (&[("clients", fault)], &[], 1, true, false),
            (&[("clients", throttled)], &["pianos"], 2, false, false),
            // The look-ups by id after a complete walk.
            (&[("clients", throttled)], &["clients", "pianos"], 2, false, true),
            (&[("clients", fault), ("pianos", fault)], &["pianos"], 2, false, true),
            (&[("clients", refused)], &["clients", "pianos"], 2, false, false),
            (&[("clients", refused)], &["pianos"], 2, false, false),
        ];
        for (failures, complete, walks, has_no_list, lets_ask) in cases {
            let verdicts = verdicts(failures, complete);
            let case = format!("{failures:?} {complete:?} {walks}");
            assert_eq!(verdicts.has_no_list(walks), has_no_list, "{case}");
            assert_eq!(verdicts.lets_ask_by_id(walks), lets_ask, "{case}");
            let interrupted = WalkVerdicts { interrupted: true, ..verdicts };
            assert!(!interrupted.lets_ask_by_id(walks), "interrupted: {case}");
        }
    }
}
