//! The sources of values and their order.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use ::config::{Config, ConfigError, File, FileFormat, Map, Source, Value};

use super::SettingsError;
use super::docs::SETTINGS;
use super::found_secrets::{self, FoundSecrets};
use super::language::LOCALE;
use super::secrets_file::{self, Secrets};
use super::toml_file::TomlFile;
use super::variables::{CONFIG_DIR_ENV, CONFIG_ENV, MACHINE_FOLDER, unknown_env, unknown_setting};
use crate::private_files::trusted::FileOrigin;

/// The settings file in the working directory and in [`MACHINE_FOLDER`], read if no other file is named.
pub const DEFAULT_FILE: &str = "gazelle-sync.toml";

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
    /// The folder with the settings of this machine; `None`: there is none.
    pub machine: Option<PathBuf>,
    /// Secrets from `.env`, and from systemd's credential file or the machine's folder.
    pub secrets: Secrets,
    /// Warnings about sources that were found.
    pub remarks: Vec<String>,
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
    /// A variable of ours is not UTF-8, the working directory does not exist, or a file of secrets is not trusted.
    pub fn of_process(file: Option<PathBuf>, flags: Vec<Flag>) -> Result<Self, SettingsError> {
        let mut env = HashMap::new();
        let mut problems = Vec::new();
        let names = SETTINGS.iter().map(|doc| doc.env);
        for name in names.chain([CONFIG_ENV, CONFIG_DIR_ENV, "HOME", "XDG_DATA_HOME"]) {
            match std::env::var(name) {
                Ok(value) => drop(env.insert(name.to_owned(), value)),
                Err(std::env::VarError::NotPresent) => {}
                Err(std::env::VarError::NotUnicode(_)) => {
                    problems.push(format!("environment variable {name} is not UTF-8 text"));
                }
            }
        }
        // A locale that is not text is not one that we know.
        let locale = LOCALE.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
        env.extend(locale);
        let working_dir = std::env::current_dir().unwrap_or_else(|error| {
            problems.push(format!("the working directory cannot be read: {error}"));
            PathBuf::new()
        });
        let machine = machine_folder(&env, &mut problems);
        let mut found = FoundSecrets { problems, ..FoundSecrets::default() };
        found.of_directory(&working_dir);
        match std::env::var_os(secrets_file::FOLDER_ENV) {
            // What systemd hands over is a copy of the machine's file, which its account need not read.
            Some(folder) => found.of_systemd(folder.as_ref()),
            None => found.of_machine(&machine),
        }
        let FoundSecrets { secrets, problems, remarks } = found;
        if !problems.is_empty() {
            return Err(SettingsError { problems });
        }
        let (unknown_env, machine) = (unknown_env(), Some(machine));
        let root = rustix::process::geteuid().is_root();
        Ok(Self { env, file, working_dir, machine, secrets, remarks, unknown_env, flags, root })
    }

    /// A warning for each environment variable with our prefix that is not a setting: its name and the most similar
    /// setting. Not an error, because the environment may also serve a newer version of the program.
    pub fn unknown_variables(&self) -> Vec<String> {
        self.unknown_env.iter().map(|name| unknown_setting(name, "environment variable")).collect()
    }

    /// The value of an environment variable; empty or blank counts as absent.
    pub(super) fn env(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// The settings files, the one that wins last, and warnings: the file that was named, else the machine's and
    /// that of the working directory.
    pub(super) fn read_files(&self) -> Result<(Vec<TomlFile>, Vec<String>), SettingsError> {
        let mut warnings = self.remarks.clone();
        let (path, by) = match (&self.file, self.env(CONFIG_ENV)) {
            (Some(path), _) => (path.clone(), "--config"),
            (None, Some(path)) => (PathBuf::from(path), CONFIG_ENV),
            (None, None) => {
                let machine = self.machine.as_ref().map(|folder| folder.join(DEFAULT_FILE));
                let mut files = Vec::new();
                match machine {
                    Some(path) if is_closed_file(&path) => warnings.push(found_secrets::closed(&path)),
                    Some(path) => files.extend(TomlFile::if_present(path)?),
                    None => {}
                }
                files.extend(TomlFile::if_present(self.working_dir.join(DEFAULT_FILE))?);
                return Ok((files, warnings));
            }
        };
        // An environment variable may stay set: with a relative path it names a different file in each working
        // directory.
        let origin = match self.file.is_some() || path.is_absolute() {
            true => FileOrigin::Named,
            false => FileOrigin::DefaultPlace,
        };
        Ok((vec![TomlFile::named(self.working_dir.join(path), by, origin)?], warnings))
    }

    /// Merges all layers, later ones win. Each value remembers its source, except values of files, whose lines
    /// `TomlFile` knows.
    pub(super) fn merge(&self, files: &[TomlFile]) -> Result<Map<String, Value>, ConfigError> {
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
        for file in files {
            builder = builder.add_source(File::from_str(&file.text, FileFormat::Toml));
        }
        // Collected at once, because values that are queried one by one lose their source.
        builder.add_source(above).build()?.collect()
    }
}

/// Whether a file exists and this account may not read it.
fn is_closed_file(path: &Path) -> bool {
    std::fs::File::open(path).is_err_and(|error| found_secrets::is_closed(&error))
}

/// The folder with the settings of this machine, or the one that a variable names in its place.
fn machine_folder(env: &HashMap<String, String>, problems: &mut Vec<String>) -> PathBuf {
    match env.get(CONFIG_DIR_ENV).map(|folder| folder.trim()).filter(|folder| !folder.is_empty()) {
        Some(folder) if !Path::new(folder).is_absolute() => {
            problems.push(format!("environment variable {CONFIG_DIR_ENV} must be an absolute path"));
            PathBuf::from(MACHINE_FOLDER)
        }
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(MACHINE_FOLDER),
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
