//! The error for wrong settings, which lists all problems at once.

use std::fmt;

/// One or more problems with the settings. Each names the setting, the source of its value and what is allowed;
/// none contains the value of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    /// The problems, in the order in which they were found; never empty.
    pub problems: Vec<String>,
}

impl SettingsError {
    pub(super) fn one(problem: String) -> Self {
        Self { problems: vec![problem] }
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.as_slice() {
            [problem] => out.write_str(problem),
            problems => {
                write!(out, "{} problems with the settings:", problems.len())?;
                problems.iter().try_for_each(|problem| write!(out, "\n  - {problem}"))
            }
        }
    }
}

impl std::error::Error for SettingsError {}
