//! Settings: defaults < `gazelle-sync.toml` < secrets from systemd < environment < flags.
//!
//! `docs` lists every setting once, with its environment variable, default and meaning. `layers` collects the
//! sources of values. `toml_file` reads and checks the settings file, `secrets_file` systemd's credential file.
//! `reader` turns the merged values into typed ones and collects every problem with its place. `settings` is the
//! result.

mod checks;
mod docs;
mod error;
mod guard;
mod kinds;
mod layers;
pub mod nearest;
mod reader;
mod secrets_file;
mod settings;
mod shown;
#[cfg(test)]
mod tests;
mod toml_file;

pub use checks::{plain_identifier as plain_name, plain_identifier as schema_name};
pub use docs::{SETTINGS, SettingDoc, settings_markdown, settings_text};
pub use error::SettingsError;
pub use guard::Guard;
pub use kinds::{Language, LogFormat, Retention, SpotCheck, SpotChecks, Switch};
pub use layers::{CONFIG_ENV, DEFAULT_FILE, Flag, Layers};
pub use secrets_file::{CredentialValue, Secrets};
pub use settings::{LONGEST_LEASE_SECONDS, Settings};
pub use shown::ShownSetting;
