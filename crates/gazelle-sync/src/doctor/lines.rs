//! The lines of the checks, and the report.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::db::DbError;

/// The result of a check, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// It works, but needs attention.
    Warning,
    /// Must be fixed.
    Problem,
}

/// One check.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Line {
    /// The name of the check.
    pub check: Cow<'static, str>,
    /// The result.
    pub level: Level,
    /// The finding, in one line.
    pub said: String,
    /// How to fix it: a command, or where to look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// All checks.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The worst result of the checks.
    pub status: Level,
    /// Number of checks without findings.
    pub ok: usize,
    /// Number of warnings.
    pub warnings: usize,
    /// Number of problems.
    pub problems: usize,
    /// Every check: those that are well first, problems last.
    pub checks: Vec<Line>,
}

/// From good to bad, otherwise in order: what matters most is what is read last, next to the prompt.
fn by_level(mut lines: Vec<Line>) -> Vec<Line> {
    lines.sort_by_key(|line| line.level);
    lines
}

/// The lines of some checks.
#[derive(Debug, Default)]
pub struct Lines(Vec<Line>);

impl Lines {
    pub(super) fn ok(&mut self, check: impl Into<Cow<'static, str>>, said: impl Into<String>) {
        self.push(check.into(), Level::Ok, said.into(), None);
    }

    pub(super) fn warning(
        &mut self,
        check: impl Into<Cow<'static, str>>,
        said: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.push(check.into(), Level::Warning, said.into(), Some(fix.into()));
    }

    pub(super) fn problem(
        &mut self,
        check: impl Into<Cow<'static, str>>,
        said: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.push(check.into(), Level::Problem, said.into(), Some(fix.into()));
    }

    /// Adds a problem after which no further checks are possible; returns false.
    pub(super) fn refused(&mut self, check: &'static str, said: String, fix: &'static str) -> bool {
        self.problem(check, said, fix);
        false
    }

    fn push(&mut self, check: Cow<'static, str>, level: Level, said: String, fix: Option<String>) {
        self.0.push(Line { check, level, said, fix });
    }

    /// Adds a check that failed with a database error.
    pub(super) fn cannot(&mut self, check: impl Into<Cow<'static, str>>, error: &DbError) {
        let fix = match error.state.as_deref() {
            Some("42501") => {
                "run doctor with the role of the sync, or an administrator's, in DATABASE_URL (gazelle-sync migrate \
                 --roles says which rights each has)"
            }
            _ => "the message says what; then run doctor again",
        };
        self.problem(check, format!("could not be checked: {error}"), fix);
    }

    pub(super) fn extend(&mut self, more: Lines) {
        self.0.extend(more.0);
    }

    pub(super) fn into_report(self) -> Report {
        let count = |level| self.0.iter().filter(|line| line.level == level).count();
        Report {
            status: self.0.iter().map(|line| line.level).max().unwrap_or(Level::Ok),
            ok: count(Level::Ok),
            warnings: count(Level::Warning),
            problems: count(Level::Problem),
            checks: by_level(self.0),
        }
    }
}
