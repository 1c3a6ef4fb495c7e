//! Settings: defaults < `gazelle-sync.toml` < secrets that systemd hands over < environment < flags.
//!
//! The way of a setting through the files: `docs` names every setting once, with its environment
//! variable, default and meaning; `layers` collects where values may come from; `toml_file`
//! reads and checks the file, and `secrets_file` the one of systemd; `reader` turns layered values into typed ones, keeping every
//! problem with the place it came from; `settings` is the result.

mod checks;
mod docs;
mod error;
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
pub use kinds::{Language, LogFormat, Retention, SpotCheck, SpotChecks};
pub use layers::{CONFIG_ENV, DEFAULT_FILE, Flag, Layers};
pub use secrets_file::{HandedOver, Secrets};
pub use settings::Settings;
pub use shown::ShownSetting;
