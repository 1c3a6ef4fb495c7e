//! Turns merged values into typed ones. Reading continues after a problem, so that all are reported at once.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ::config::{Map, Value, ValueKind};
use secrecy::SecretString;

use super::checks;
use super::docs::doc;
use super::language::LanguageChoice;
use super::toml_file::TomlFile;
use super::{Language, Layers, SettingsError};

/// Reads settings one by one and collects problems and sources.
pub(super) struct Reader<'a> {
    merged: Map<String, Value>,
    layers: &'a Layers,
    /// The one that wins last.
    files: Vec<TomlFile>,
    warnings: Vec<String>,
    problems: Vec<String>,
    /// The values that were given, with their sources; settings without a value are missing.
    pub given: BTreeMap<&'static str, GivenValue>,
}

/// A value as it was given.
#[derive(Debug, Clone)]
pub(super) struct GivenValue {
    /// `None` for secrets.
    pub value: Option<String>,
    /// Its source.
    pub place: String,
}

/// A value before it is converted to its type.
struct UntypedValue {
    text: String,
    place: String,
}

impl<'a> Reader<'a> {
    /// # Errors
    /// A settings file cannot be read or is not believed; the layers cannot be merged.
    pub fn new(layers: &'a Layers) -> Result<Self, SettingsError> {
        let (files, warnings) = layers.read_files()?;
        // The names are our own and the files were parsed before, so an error here contains no secret.
        let merged = layers
            .merge(&files)
            .map_err(|error| SettingsError::one(format!("the settings cannot be put together: {error}")))?;
        let problems = files.iter().flat_map(|file| file.problems.clone()).collect();
        Ok(Self { merged, layers, files, warnings, problems, given: BTreeMap::new() })
    }

    /// The given values.
    ///
    /// # Errors
    /// All problems, if there are any.
    pub fn finish(self) -> Result<BTreeMap<&'static str, GivenValue>, SettingsError> {
        match self.problems.is_empty() {
            true => Ok(self.given),
            false => Err(SettingsError { problems: self.problems }),
        }
    }

    /// Warnings about the sources that do not prevent the program from running.
    pub fn warnings(&self) -> Vec<String> {
        let of_files = self.files.iter().filter_map(TomlFile::warning);
        self.warnings.iter().cloned().chain(of_files).collect()
    }

    /// Adds a problem that concerns several settings.
    pub fn problem(&mut self, text: String) {
        self.problems.push(text);
    }

    /// Whether this setting was already rejected.
    pub fn is_refused(&self, key: &str) -> bool {
        self.problems.iter().any(|problem| problem.contains(&format!(": {key} ")))
    }

    /// A setting with a fixed set of values; case does not matter.
    pub fn one_of<T>(&mut self, key: &'static str, values: &[T], fallback: T) -> T
    where
        T: Copy + std::fmt::Display,
    {
        let read = |text: &str| {
            let known = values.iter().copied().find(|value| value.to_string().eq_ignore_ascii_case(text));
            known.ok_or_else(|| format!("must be {}", alternatives(values)))
        };
        self.checked(key, read).unwrap_or(fallback)
    }

    /// A language, or `auto` for that of the locale.
    pub fn language(&mut self, key: &'static str) -> Language {
        self.one_of(key, LanguageChoice::ALL, LanguageChoice::Auto).resolve(|name| self.layers.env(name))
    }

    /// A setting with a grammar of its own.
    pub fn choice<T: FromStr<Err = &'static str>>(&mut self, key: &'static str, fallback: T) -> T {
        self.checked(key, |text| text.parse().map_err(str::to_owned)).unwrap_or(fallback)
    }

    /// An integer within a range.
    pub fn whole<T>(&mut self, key: &'static str, range: RangeInclusive<T>) -> T
    where
        T: FromStr + PartialOrd + std::fmt::Display + Copy + MaxValue,
    {
        let allowed = match *range.end() == T::MAX_VALUE {
            true => format!("must be a whole number, at least {}", range.start()),
            false => format!("must be a whole number from {} to {}", range.start(), range.end()),
        };
        self.within(key, range, allowed)
    }

    /// A number, with or without a fraction, within a range.
    pub fn decimal(&mut self, key: &'static str, range: RangeInclusive<f64>) -> f64 {
        let allowed = format!("must be a number from {} to {}", range.start(), range.end());
        self.within(key, range, allowed)
    }

    fn within<T>(&mut self, key: &'static str, range: RangeInclusive<T>, allowed: String) -> T
    where
        T: FromStr + PartialOrd + Copy,
    {
        let number = self.checked(key, |text| match text.parse::<T>() {
            Ok(number) if range.contains(&number) => Ok(number),
            _ => Err(allowed.clone()),
        });
        // Reached only after a problem was recorded, so the value is never used.
        number.unwrap_or(*range.start())
    }

    /// Text that passes a check, which may normalise it.
    pub fn text(&mut self, key: &'static str, check: fn(&str) -> Result<String, String>) -> String {
        self.checked(key, check).unwrap_or_default()
    }

    /// A setting that may be absent.
    pub fn optional<T>(
        &mut self,
        key: &'static str,
        check: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        match self.find(key) {
            Some(untyped) if untyped.text.is_empty() => {
                self.given.remove(key);
                None
            }
            Some(untyped) => self.convert(key, untyped, check),
            None => None,
        }
    }

    /// A secret that may be absent.
    pub fn secret(
        &mut self,
        key: &'static str,
        check: fn(&str) -> Result<(), String>,
    ) -> Option<SecretString> {
        self.optional(key, |text| check(text).map(|()| SecretString::from(text)))
    }

    /// A path that may be absent; `~/` is the home folder, relative paths start in the working directory.
    pub fn path(&mut self, key: &'static str) -> Option<PathBuf> {
        let home = self.layers.env("HOME").map(PathBuf::from);
        let working_dir = &self.layers.working_dir;
        self.optional(key, |text| match (text.strip_prefix("~/"), home) {
            (Some(rest), Some(home)) => Ok(home.join(rest)),
            (Some(_), None) => Err("starts with ~/, but HOME is not set".to_owned()),
            (None, _) => Ok(working_dir.join(Path::new(text))),
        })
    }

    /// A setting with a default, which therefore always has a value.
    pub fn checked<T>(
        &mut self,
        key: &'static str,
        check: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let untyped = self.find(key)?;
        self.convert(key, untyped, check)
    }

    fn convert<T>(
        &mut self,
        key: &'static str,
        untyped: UntypedValue,
        check: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        match check(&untyped.text) {
            Ok(value) => Some(value),
            Err(why) => {
                // The check of a list has already named the part that is wrong.
                let value = match is_secret(key) || why.contains(", not \"") {
                    true => String::new(),
                    false => checks::repeatable(key, &untyped.text)
                        .map(|text| format!(", not {}", quote(text)))
                        .unwrap_or_default(),
                };
                self.problems.push(format!("{}: {key} {why}{value}", untyped.place));
                None
            }
        }
    }

    /// The effective value as text: the environment and flags contain only text, and a number in the file is
    /// converted the same way.
    fn find(&mut self, key: &'static str) -> Option<UntypedValue> {
        let value = self.merged.get(key)?;
        let place = match (value.origin(), self.files.iter().rev().find(|file| file.has(key))) {
            (Some(origin), _) => origin.to_owned(),
            (None, Some(file)) => file.place_of(key),
            (None, None) => "default".to_owned(),
        };
        let text = match &value.kind {
            ValueKind::String(text) => text.trim().to_owned(),
            ValueKind::I64(number) => number.to_string(),
            ValueKind::Float(number) => number.to_string(),
            other => {
                let is = kind_name(other);
                self.problems.push(format!("{place}: {key} must be {}, not {is}", expected_kind(key)));
                return None;
            }
        };
        let value = (!is_secret(key)).then(|| text.clone());
        self.given.insert(key, GivenValue { value, place: place.clone() });
        Some(UntypedValue { text, place })
    }
}

/// The largest value of a number type, which means "no upper limit".
pub(super) trait MaxValue {
    const MAX_VALUE: Self;
}

impl MaxValue for u32 {
    const MAX_VALUE: Self = Self::MAX;
}

impl MaxValue for u64 {
    const MAX_VALUE: Self = Self::MAX;
}

impl MaxValue for usize {
    const MAX_VALUE: Self = Self::MAX;
}

/// Whether a setting is secret; unknown names are treated as secret.
fn is_secret(key: &str) -> bool {
    doc(key).is_none_or(|doc| doc.secret)
}

/// A value for an error message: quoted, escaped and truncated.
pub(super) fn quote(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

fn kind_name(kind: &ValueKind) -> &'static str {
    match kind {
        ValueKind::Nil => "nothing",
        ValueKind::Boolean(_) => "true or false",
        ValueKind::Table(_) => "a table",
        ValueKind::Array(_) => "a list",
        _ => "a value of this kind",
    }
}

/// Derived from the default, which is written like a value.
fn expected_kind(key: &str) -> &'static str {
    match doc(key).is_some_and(|doc| doc.default.parse::<f64>().is_ok()) {
        true => "a number",
        false => "text in quotes",
    }
}

/// `auto, human or json`.
fn alternatives<T: std::fmt::Display>(values: &[T]) -> String {
    let words: Vec<String> = values.iter().map(T::to_string).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}
