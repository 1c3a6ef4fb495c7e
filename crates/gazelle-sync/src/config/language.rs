//! The setting `language`: one language, or that of the locale.

use crate::states::words;

words! {
    /// The language of what commands print, of alerts and of the dashboard.
    Language {
        /// English.
        En = "en",
        /// French.
        Fr = "fr",
    }
}

/// The variables of the locale; the first that is set says what the others would.
pub(super) const LOCALE: [&str; 3] = ["LC_ALL", "LC_MESSAGES", "LANG"];

words! {
    /// What the setting says.
    LanguageChoice {
        /// The language of the locale.
        Auto = "auto",
        /// French.
        Fr = "fr",
        /// English.
        En = "en",
    }
}

impl LanguageChoice {
    /// The language itself; `variable` is the value of an environment variable that is set and not empty.
    pub(super) fn resolve<'v>(self, variable: impl Fn(&'static str) -> Option<&'v str>) -> Language {
        match self {
            LanguageChoice::Auto => of_locale(LOCALE.into_iter().find_map(variable).unwrap_or_default()),
            LanguageChoice::Fr => Language::Fr,
            LanguageChoice::En => Language::En,
        }
    }
}

/// French for a French locale (`fr`, `fr_CA.UTF-8`), else English.
fn of_locale(locale: &str) -> Language {
    let language = locale.split(['_', '-', '.', '@']).next().unwrap_or_default();
    if language.eq_ignore_ascii_case("fr") { Language::Fr } else { Language::En }
}
