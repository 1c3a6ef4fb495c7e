//! The problems that exist now, for the pages of the dashboard: the conditions of the alerts, read without opening one.

use jiff::Timestamp;

use super::conditions::{self, Limits};
use super::kind::{Facts, Kind};
use super::words::{Text, Words};
use crate::config::{Language, Settings};
use crate::db::{DbError, Tx};

/// A problem that exists now.
#[derive(Debug, Clone)]
pub struct Problem {
    /// What kind of problem.
    pub kind: Kind,
    /// The values that its sentences name.
    pub facts: Facts,
}

impl Problem {
    /// The words of its alert, in a language. `now` is the database's time.
    pub fn message(&self, settings: &Settings, language: Language, now: Timestamp) -> Text {
        Words::of(settings).speaking(language).problem(self.kind, &self.facts, now)
    }

    /// A fact that is a number; 0 without one.
    pub fn number(&self, name: &str) -> i64 {
        self.facts.get(name).and_then(serde_json::Value::as_i64).unwrap_or_default()
    }

    /// A fact that is a text; empty without one.
    pub fn text(&self, name: &str) -> &str {
        self.facts.get(name).and_then(serde_json::Value::as_str).unwrap_or_default()
    }
}

/// The problems that the database tells of. That a token ends is not among them: tokens may be kept elsewhere.
///
/// # Errors
/// Those of the database.
pub async fn current(tx: &Tx<'_>, settings: &Settings, now: Timestamp) -> Result<Vec<Problem>, DbError> {
    let found = conditions::read(tx, Limits::of(settings), None, now).await?;
    Ok(found.into_iter().map(|finding| Problem { kind: finding.kind, facts: finding.facts }).collect())
}
