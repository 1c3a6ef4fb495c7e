//! The sources of values and their order.

use std::collections::HashMap;
use std::path::PathBuf;

use ::config::{Config, ConfigError, File, FileFormat, Map, Source, Value};

use super::SettingsError;
use super::docs::SETTINGS;
use super::nearest::nearest;
use super::secrets_file::{self, Secrets};
use super::toml_file::TomlFile;
use crate::private_files::trusted::FileOrigin;

/// The settings file in the working directory, read if no other file is named.
pub const DEFAULT_FILE: &str = "gazelle-sync.toml";

/// The environment variable that names the settings file.
pub const CONFIG_ENV: &str = "GAZELLE_SYNC_CONFIG";

/// The prefix of our own environment variables.
const ENV_PREFIX: &str = "GAZELLE_SYNC_";

/// A variable's name without the common prefix, which would make all names similar to each other.
fn tail(name: &str) -> &str {
    name.strip_prefix(ENV_PREFIX).or_else(|| name.strip_prefix("GAZELLE_")).unwrap_or(name)
}

/// A setting given as a flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// The setting's key.
    pub key: &'static str,
    /// The flag as it is typed: `--schema`.
    pub name: &'static str,
    /// Its value.
    pub value: String,
}

/// All sources of settings. Values are passed in and never read from the process here, so that tests can run in
/// parallel. The default has no file, no environment and no flags.
#[derive(Clone, Default)]
pub struct Layers {
    /// Environment variables.
    pub env: HashMap<String, String>,
    /// The file named by `--config`; it must exist.
    pub file: Option<PathBuf>,
    /// The folder in which [`DEFAULT_FILE`] is searched, and in which relative paths start.
    pub working_dir: PathBuf,
    /// Secrets from systemd's credential file.
    pub secrets: Secrets,
    /// Environment variables with our prefix that are not settings.
    pub unknown_env: Vec<String>,
    /// Flags.
    pub flags: Vec<Flag>,
    /// Whether the program runs as root: its data must not be in root's home, which the account of the embedded
    /// server may not enter.
    pub root: bool,
}

impl Layers {
    /// The sources of this process.
    ///
    /// # Errors
    /// A variable of ours is not UTF-8, or the working directory does not exist.
    pub fn of_process(file: Option<PathBuf>, flags: Vec<Flag>) -> Result<Self, SettingsError> {
        let mut env = HashMap::new();
        let mut problems = Vec::new();
        let names = SETTINGS.iter().map(|doc| doc.env);
        for name in names.chain([CONFIG_ENV, "HOME", "XDG_DATA_HOME"]) {
            match std::env::var(name) {
                Ok(value) => drop(env.insert(name.to_owned(), value)),
                Err(std::env::VarError::NotPresent) => {}
                Err(std::env::VarError::NotUnicode(_)) => {
                    problems.push(format!("environment variable {name} is not UTF-8 text"));
                }
            }
        }
        let secrets = match std::env::var_os(secrets_file::FOLDER_ENV) {
            Some(folder) => secrets_file::read(folder.as_ref(), &mut problems),
            None => Secrets::new(),
        };
        let mut unknown_env: Vec<String> = std::env::vars_os()
            .filter_map(|(name, _)| name.into_string().ok())
            .filter(|name| name.starts_with(ENV_PREFIX) && name != CONFIG_ENV)
            .filter(|name| SETTINGS.iter().all(|doc| doc.env != name))
            .collect();
        unknown_env.sort();
        let working_dir = std::env::current_dir().unwrap_or_else(|error| {
            problems.push(format!("the working directory cannot be read: {error}"));
            PathBuf::new()
        });
        if !problems.is_empty() {
            return Err(SettingsError { problems });
        }
        let root = rustix::process::geteuid().is_root();
        Ok(Self { env, file, working_dir, secrets, unknown_env, flags, root })
    }

    /// A warning for each environment variable with our prefix that is not a setting: its name and the most similar
    /// setting. Not an error, because the environment may also serve a newer version of the program.
    pub fn unknown_variables(&self) -> Vec<String> {
        let warning = |name: &String| {
            let tail = tail(name);
            let known = SETTINGS.iter().flat_map(|doc| [(doc.key, doc), (self::tail(doc.env), doc)]);
            let meant = nearest(tail, known.clone().map(|(name, _)| name))
                .and_then(|name| known.clone().find(|(known, _)| *known == name));
            match meant {
                Some((_, doc)) => {
                    format!("environment variable {name} is no setting; did you mean `{}`?", doc.env)
                }
                None => format!("environment variable {name} is no setting"),
            }
        };
        self.unknown_env.iter().map(warning).collect()
    }

    /// The value of an environment variable; empty or blank counts as absent.
    pub(super) fn env(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// The settings file; `None` if there is none.
    pub(super) fn read_file(&self) -> Result<Option<TomlFile>, SettingsError> {
        let (path, by) = match (&self.file, self.env(CONFIG_ENV)) {
            (Some(path), _) => (path.clone(), "--config"),
            (None, Some(path)) => (PathBuf::from(path), CONFIG_ENV),
            (None, None) => return TomlFile::if_present(self.working_dir.join(DEFAULT_FILE)),
        };
        // An environment variable may stay set: with a relative path it names a different file in each working
        // directory.
        let origin = match self.file.is_some() || path.is_absolute() {
            true => FileOrigin::Named,
            false => FileOrigin::DefaultPlace,
        };
        TomlFile::named(self.working_dir.join(path), by, origin).map(Some)
    }

    /// Merges all layers, later ones win. Each value remembers its source, except values of the file, whose lines
    /// `TomlFile` knows.
    pub(super) fn merge(&self, file: Option<&TomlFile>) -> Result<Map<String, Value>, ConfigError> {
        let mut builder = Config::builder();
        for doc in SETTINGS.iter().filter(|doc| !doc.default.is_empty()) {
            builder = builder.set_default(doc.key, doc.default)?;
        }
        let mut above = Layer(Map::new());
        for doc in SETTINGS {
            if let Some(secret) = self.secrets.get(doc.env).filter(|secret| !secret.value.trim().is_empty()) {
                above.set(doc.key, secret.place.clone(), secret.value.trim());
            }
            if let Some(value) = self.env(doc.env) {
                above.set(doc.key, format!("environment variable {}", doc.env), value);
            }
        }
        for flag in &self.flags {
            above.set(flag.key, format!("flag {}", flag.name), flag.value.trim());
        }
        if let Some(file) = file {
            builder = builder.add_source(File::from_str(&file.text, FileFormat::Toml));
        }
        // Collected at once, because values that are queried one by one lose their source.
        builder.add_source(above).build()?.collect()
    }
}

// By hand, because the environment contains secrets.
impl std::fmt::Debug for Layers {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Layers")
            .field("file", &self.file)
            .field("working_dir", &self.working_dir)
            .finish_non_exhaustive()
    }
}

/// Values with their sources.
#[derive(Clone)]
struct Layer(Map<String, Value>);

impl Layer {
    fn set(&mut self, key: &str, origin: String, value: &str) {
        self.0.insert(key.to_owned(), Value::new(Some(&origin), value));
    }
}

impl std::fmt::Debug for Layer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_set().entries(self.0.keys()).finish()
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.clone())
    }
}
