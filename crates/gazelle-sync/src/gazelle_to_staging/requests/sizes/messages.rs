//! Messages about an API that refused large queries.

use std::sync::PoisonError;

use super::Sizes;
use crate::entities::Entity;
use crate::source::{ErrorClass, SourceError};

impl Sizes {
    pub(crate) fn note_refusal(&self, refusal: &SourceError, is_about_size: bool) {
        if !is_about_size {
            tracing::warn!(
                class = refusal.class().code().as_str(),
                "a large query failed: asking for less at once in this run"
            );
            return;
        }
        let words = match refusal.class() {
            ErrorClass::OverLimit { said } if !said.is_empty() => format!("\"{said}\""),
            _ => refusal.cause(),
        };
        let mut said = self.last_refusal.lock().unwrap_or_else(PoisonError::into_inner);
        // Later refusals are about queries that are limited already: only the first one is kept.
        if !said.1 {
            tracing::warn!(
                class = refusal.class().code().as_str(),
                "the API refused a large query: asking for less at once"
            );
            *said = (Some(words), true);
        }
    }

    pub(crate) fn refusal_message(&self, entity: &Entity) -> Option<String> {
        let said = self.last_refusal.lock().unwrap_or_else(PoisonError::into_inner);
        let words = said.0.as_ref().filter(|_| said.1)?;
        let now = self.limits();
        let mut steps: Vec<String> = Vec::new();
        match now.counts {
            Some(0) => steps.push("without counting beforehand".to_owned()),
            Some(counts) => steps.push(format!("{counts} counts a request")),
            None => {}
        }
        steps.extend(now.page.map(|page| format!("{page} records a page")));
        steps.extend(now.inner.map(|inner| format!("{inner} entries of each list inside a record")));
        steps.extend(now.fields.map(|fields| format!("queries of at most {fields} fields")));
        steps.extend(now.levels.map(|levels| format!("queries of at most {levels} levels")));
        // If no size was small enough, no limit is stored.
        if steps.is_empty() {
            return None;
        }
        Some(format!(
            "{}: the API did not answer a large query ({words}); it was read in smaller steps ({}), which is remembered",
            entity.name,
            steps.join(", ")
        ))
    }
}
