//! The settings as people and programs may see them.

use serde::Serialize;

use super::Settings;
use super::docs::SETTINGS;

/// One effective setting. For a secret only whether it is set is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownSetting {
    /// Its key.
    pub key: &'static str,
    /// Its environment variable.
    pub env: &'static str,
    /// Its value; `None` if it has none.
    pub value: Option<String>,
    /// The source of the value.
    pub from: Option<String>,
    /// What it does.
    pub meaning: &'static str,
    /// The same in French.
    #[serde(skip)]
    pub meaning_fr: &'static str,
    /// Whether its value is never shown.
    #[serde(skip)]
    pub is_secret: bool,
}

impl Settings {
    /// Where the value of a setting came from, in short: its variable or flag, or a file with the line. `None` if it has
    /// none.
    pub fn source_of(&self, key: &str) -> Option<&str> {
        let place = self.given.get(key)?.place.as_str();
        Some(
            ["environment variable ", "flag "]
                .iter()
                .find_map(|kind| place.strip_prefix(kind))
                .unwrap_or(place),
        )
    }

    /// All settings with their values and sources.
    pub fn shown(&self) -> Vec<ShownSetting> {
        let show = |doc: &super::SettingDoc| {
            let given = self.given.get(doc.key);
            let secret = given.filter(|given| given.value.is_none()).map(|_| "(set)".to_owned());
            ShownSetting {
                key: doc.key,
                env: doc.env,
                value: match doc.key {
                    // The only setting whose default is computed.
                    "data_dir" => Some(self.data_dir.display().to_string()),
                    _ => secret.or_else(|| given.and_then(|given| given.value.as_deref().map(without_query))),
                },
                from: match (given, doc.key) {
                    (Some(given), _) => Some(given.place.clone()),
                    (None, "data_dir") => Some("default".to_owned()),
                    (None, _) => None,
                },
                meaning: doc.meaning,
                meaning_fr: doc.meaning_fr,
                is_secret: doc.secret,
            }
        };
        SETTINGS.iter().map(show).collect()
    }
}

/// A value without the query of a URL: some servers expect a key there.
fn without_query(value: &str) -> String {
    match value.split_once(['?', '#']) {
        Some((place, _)) if place.contains("://") => format!("{place}?(set)"),
        _ => value.to_owned(),
    }
}
