//! The settings file: read only if no other account could have written it, checked for syntax and unknown names,
//! with the line of each setting. Errors never contain its text, because a broken line may contain a secret.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use toml::de::{DeTable, DeValue};

use super::SettingsError;
use super::docs::SETTINGS;
use super::nearest::did_you_mean;
use crate::private_files::NotOurs;
use crate::private_files::trusted::{self, FileOrigin, TrustedFile};

/// A settings file with valid syntax.
pub(super) struct TomlFile {
    /// Its content, without the parts that `problems` report.
    pub text: String,
    /// Unknown names, and numbers that fit no setting. The rest is checked nevertheless.
    pub problems: Vec<String>,
    /// Set if other accounts may read the file.
    seen: Option<NotOurs>,
    path: PathBuf,
    lines: BTreeMap<String, usize>,
}

impl TomlFile {
    /// A file that was named explicitly: it must exist.
    ///
    /// # Errors
    /// It does not exist, cannot be read or parsed, or others could have changed it.
    pub fn named(path: PathBuf, by: &str, origin: FileOrigin) -> Result<Self, SettingsError> {
        let named_by = format!(" (named by {by})");
        let read = Self::read(path.clone(), &named_by, origin)?;
        read.ok_or_else(|| cannot_be_read(&path, &named_by, &Errno::NOENT.into()))
    }

    /// The file of the working directory, if there is one.
    ///
    /// # Errors
    /// It cannot be read or parsed, or others could have changed it.
    pub fn if_present(path: PathBuf) -> Result<Option<Self>, SettingsError> {
        Self::read(path, "", FileOrigin::DefaultPlace)
    }

    fn read(path: PathBuf, named_by: &str, origin: FileOrigin) -> Result<Option<Self>, SettingsError> {
        let trusted = trusted::read(&path, origin).map_err(|error| match NotOurs::in_error(&error) {
            Some(why) => SettingsError::one(format!(
                "the settings file {}{named_by} is not believed: {}; {}",
                path.display(),
                why.what,
                why.advice
            )),
            None => cannot_be_read(&path, named_by, &error),
        })?;
        let Some(TrustedFile { bytes, seen }) = trusted else { return Ok(None) };
        Ok(Some(Self { seen, ..Self::parse(path, bytes)? }))
    }

    /// A warning if other accounts may read secrets in the file.
    pub fn warning(&self) -> Option<String> {
        let why = self.seen.as_ref()?;
        let secrets: Vec<&str> =
            SETTINGS.iter().filter(|doc| doc.secret && self.has(doc.key)).map(|doc| doc.key).collect();
        (!secrets.is_empty()).then(|| {
            format!(
                "{} and holds what is secret ({}): {}; if others use this machine, take new ones",
                why.what,
                secrets.join(", "),
                why.advice
            )
        })
    }

    fn parse(path: PathBuf, bytes: Vec<u8>) -> Result<Self, SettingsError> {
        let text = String::from_utf8(bytes).map_err(|error| {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
            SettingsError::one(format!("{}, line {line}: not UTF-8 text", path.display()))
        })?;
        // Windows editors often write a byte-order mark, which TOML does not allow.
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        let CheckedNames { lines, problems, blank } = check_names(&path, &text)?;
        let text = blanked(text, &blank);
        Ok(Self { text, problems, seen: None, path, lines })
    }

    /// Whether the file contains this setting.
    pub fn has(&self, key: &str) -> bool {
        self.lines.contains_key(key)
    }

    /// The place of a setting: `gazelle-sync.toml, line 3`.
    pub fn place_of(&self, key: &str) -> String {
        match self.lines.get(key) {
            Some(line) => format!("{}, line {line}", self.path.display()),
            None => self.path.display().to_string(),
        }
    }
}

fn cannot_be_read(path: &Path, named_by: &str, error: &io::Error) -> SettingsError {
    SettingsError::one(format!("the settings file {}{named_by} cannot be read: {error}", path.display()))
}

/// The result of checking the names in a file.
struct CheckedNames {
    /// The line of each setting.
    lines: BTreeMap<String, usize>,
    problems: Vec<String>,
    /// The positions of numbers that the next parser would reject.
    blank: Vec<Range<usize>>,
}

fn check_names(path: &Path, text: &str) -> Result<CheckedNames, SettingsError> {
    let table = DeTable::parse(text).map_err(|error| bad_form(path, text, &error))?.into_inner();
    let mut lines = BTreeMap::new();
    let mut problems = Vec::new();
    let mut blank = Vec::new();
    for (key, value) in &table {
        let name = key.get_ref().as_ref();
        let (line, _) = position(text, key.span().start);
        let known = SETTINGS.iter().any(|doc| doc.key == name);
        match value.get_ref() {
            // Reported here, because the line of the number is not known later.
            DeValue::Integer(number)
                if known && i64::from_str_radix(number.as_str(), number.radix()).is_err() =>
            {
                blank.push(key.span().start..value.span().end);
                problems.push(format!("{}, line {line}: {name} is too large a number", path.display()));
            }
            _ if known => drop(lines.insert(name.to_owned(), line)),
            DeValue::Table(_) => problems.push(format!(
                "{}, line {line}: unknown section {name:?}: all settings stand at the top level, \
                 without sections",
                path.display()
            )),
            _ => problems.push(format!(
                "{}, line {line}: unknown setting {name:?}{}",
                path.display(),
                suggestion(name)
            )),
        }
    }
    Ok(CheckedNames { lines, problems, blank })
}

/// The text with these ranges replaced by spaces, so that all other positions stay valid.
fn blanked(mut text: String, places: &[Range<usize>]) -> String {
    for place in places {
        if text.get(place.clone()).is_some() {
            text.replace_range(place.clone(), &" ".repeat(place.len()));
        }
    }
    text
}

/// People often write the name of the environment variable in the file.
fn suggestion(name: &str) -> String {
    match SETTINGS.iter().find(|doc| doc.env.eq_ignore_ascii_case(name)) {
        Some(doc) => format!("; in the file it is called `{}`", doc.key),
        None => did_you_mean(name, SETTINGS.iter().map(|doc| doc.key)),
    }
}

/// Only the position and the kind of error: the library's full message quotes the line.
fn bad_form(path: &Path, text: &str, error: &toml::de::Error) -> SettingsError {
    let place = error.span().map(|span| position(text, span.start));
    let place = place.map(|(line, column)| format!(", line {line}, column {column}"));
    SettingsError::one(format!(
        "{}{}: not valid TOML: {}",
        path.display(),
        place.unwrap_or_default(),
        error.message().lines().next().unwrap_or_default()
    ))
}

/// Line and column of a byte offset, from 1.
fn position(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line = 1 + before.matches('\n').count();
    let column = 1 + before.rsplit('\n').next().unwrap_or_default().chars().count();
    (line, column)
}
