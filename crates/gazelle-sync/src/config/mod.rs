//! Settings: defaults < the machine's `gazelle-sync.toml` < that of the working directory < secrets of systemd or of
//! the machine < `.env` < environment < flags.
//!
//! `docs` lists every setting once, with its environment variable, default and meaning. `layers` collects the
//! sources of values. `toml_file` reads and checks a settings file, `secrets_file` systemd's credential file,
//! `found_secrets` the machine's secrets and `.env`. `variables` knows the names of environment variables.
//! `reader` turns the merged values into typed ones and collects every problem with its place. `settings` is the
//! result.

mod checks;
mod docs;
mod error;
mod found_secrets;
mod guard;
mod kinds;
mod language;
mod layers;
pub mod nearest;
mod reader;
mod secrets_file;
mod settings;
mod shown;
#[cfg(test)]
mod tests;
mod toml_file;
mod variables;

pub use checks::{plain_identifier as plain_name, plain_identifier as schema_name};
pub use docs::{SETTINGS, SettingDoc, settings_markdown, settings_text};
pub use error::SettingsError;
pub use found_secrets::{ENV_FILE, env_line};
pub use guard::Guard;
pub use kinds::{LogFormat, Retention, SpotCheck, SpotChecks, Switch};
pub use language::Language;
pub use layers::{DEFAULT_FILE, Flag, Layers};
pub use secrets_file::{CredentialValue, Secrets};
pub use settings::{LONGEST_LEASE_SECONDS, Settings};
pub use shown::ShownSetting;
pub use variables::{CONFIG_DIR_ENV, CONFIG_ENV, MACHINE_FOLDER};
