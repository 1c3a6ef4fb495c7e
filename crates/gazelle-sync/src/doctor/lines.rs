//! The lines that checks leave, and the report that they add up to.

use std::borrow::Cow;

use serde::Serialize;

use crate::db::DbError;

/// How a check came out, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// It works; somebody should look.
    Warning,
    /// To be mended before anything relies on it.
    Problem,
}

/// One check.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// What was looked at.
    pub check: Cow<'static, str>,
    /// How it came out.
    pub level: Level,
    /// What was found, in one line.
    pub said: String,
    /// What mends it: a command, or where to look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

/// Everything found.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The worst of the lines.
    pub status: Level,
    /// Lines that are well.
    pub ok: usize,
    /// Lines to look at.
    pub warnings: usize,
    /// Lines to mend.
    pub problems: usize,
    /// Every line, in the order of the checks.
    pub checks: Vec<Line>,
}

/// Lines, collected.
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
        mend: impl Into<String>,
    ) {
        self.push(check.into(), Level::Warning, said.into(), Some(mend.into()));
    }

    pub(super) fn problem(
        &mut self,
        check: impl Into<Cow<'static, str>>,
        said: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.push(check.into(), Level::Problem, said.into(), Some(mend.into()));
    }

    /// A problem after which nothing more is looked at: never well.
    pub(super) fn refused(&mut self, check: &'static str, said: String, mend: &'static str) -> bool {
        self.problem(check, said, mend);
        false
    }

    fn push(&mut self, check: Cow<'static, str>, level: Level, said: String, mend: Option<String>) {
        self.0.push(Line { check, level, said, mend });
    }

    /// A check that the database refused.
    pub(super) fn cannot(&mut self, check: impl Into<Cow<'static, str>>, error: &DbError) {
        let mend = match error.state.as_deref() {
            Some("42501") => {
                "run doctor with the role of the sync, or an administrator's, in DATABASE_URL (gazelle-sync migrate \
                 --roles says which rights each has)"
            }
            _ => "the message says what; then run doctor again",
        };
        self.problem(check, format!("could not be looked at: {error}"), mend);
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
            checks: self.0,
        }
    }
}
