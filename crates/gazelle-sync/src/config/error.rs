//! What is wrong with the settings, told all at once.

use std::fmt;

/// One or several problems with the settings. Each names the setting, where its value came from
/// and what is allowed; none holds the value of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    /// The problems, in the order in which they were met; never empty.
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
