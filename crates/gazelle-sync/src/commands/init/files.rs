//! Writes the answers into `.env` and `gazelle-sync.toml`; lines that set something else stay as they are.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::config::{DEFAULT_FILE, ENV_FILE, SETTINGS, env_line};
use crate::private_files;

/// A file to be written. No `Debug`, because it holds secrets.
pub struct Planned {
    /// Its name in the working directory.
    pub name: &'static str,
    path: PathBuf,
    /// What it holds now; `None` if it does not exist.
    old: Option<String>,
    /// The names to be set, each with its line.
    lines: Vec<(String, String)>,
}

/// What is to be written into a folder: secrets into `.env`, other settings into `gazelle-sync.toml`. `answers` are by
/// the names of environment variables.
///
/// # Errors
/// A file that exists cannot be read; a value cannot be written.
pub fn plan(folder: &Path, answers: &BTreeMap<&'static str, String>) -> Result<Vec<Planned>> {
    let (mut secrets, mut settings) = (Vec::new(), Vec::new());
    for doc in SETTINGS {
        let Some(value) = answers.get(doc.env) else { continue };
        match doc.secret {
            true => match env_line(doc.env, value) {
                Ok(line) => secrets.push((doc.env.to_owned(), line)),
                Err(why) => bail!("{} cannot be written into {ENV_FILE}: its value {why}", doc.env),
            },
            false => settings.push((doc.key.to_owned(), toml_line(doc.key, value)?)),
        }
    }
    let mut planned = Vec::new();
    for (name, lines) in [(ENV_FILE, secrets), (DEFAULT_FILE, settings)] {
        if lines.is_empty() {
            continue;
        }
        let path = folder.join(name);
        let old = match fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(|| format!("{name} cannot be read")),
        };
        planned.push(Planned { name, path, old, lines });
    }
    Ok(planned)
}

impl Planned {
    /// Whether the file exists already.
    pub fn exists(&self) -> bool {
        self.old.is_some()
    }

    /// The names that it sets.
    pub fn names(&self) -> Vec<String> {
        self.lines.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Writes the file, readable by its owner alone.
    ///
    /// # Errors
    /// Those of the file system; other accounts may change the folder.
    pub fn write(&self) -> io::Result<()> {
        private_files::replace(&self.path, self.text().as_bytes())
    }

    /// The old text with the lines in the places of earlier ones for the same names; new ones at the end.
    fn text(&self) -> String {
        let mut kept: Vec<&str> = Vec::new();
        let mut left = self.lines.clone();
        let old = self.old.as_deref().unwrap_or_default();
        for line in old.lines() {
            match self.lines.iter().find(|(name, _)| Some(name.as_str()) == name_of(line)) {
                None => kept.push(line),
                Some((name, new)) if left.iter().any(|(left, _)| left == name) => {
                    left.retain(|(left, _)| left != name);
                    kept.push(new);
                }
                // A second line for the same name.
                Some(_) => {}
            }
        }
        let mut text: String = kept.iter().map(|line| format!("{line}\n")).collect();
        left.iter().for_each(|(_, line)| text.push_str(&format!("{line}\n")));
        text
    }
}

/// The name that a line sets, in either file.
fn name_of(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = line.strip_prefix("export ").unwrap_or(line);
    line.split_once('=').map(|(name, _)| name.trim())
}

fn toml_line(key: &str, value: &str) -> Result<String> {
    // A literal string has no escapes.
    match value.contains(|c: char| c == '\'' || c.is_control()) {
        true => bail!(
            "{key} cannot be written into {DEFAULT_FILE}: its value holds a quote or a control character"
        ),
        false => Ok(format!("{key} = '{value}'")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_a_file_holds_besides_stays() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let old = "# ours and theirs\nPORT=3000\nexport GAZELLE_API_KEY=old\nGAZELLE_API_KEY=older\nNAME='x'";
        fs::write(at(ENV_FILE), old).unwrap();
        fs::write(at(DEFAULT_FILE), "batch_size = 77\nschema='shop'\n").unwrap();
        let answers = BTreeMap::from([
            ("GAZELLE_API_KEY", "k$y".to_owned()),
            ("DATABASE_URL", "postgres://a:b@h/d".to_owned()),
            ("GAZELLE_SYNC_SCHEMA", "atelier".to_owned()),
            ("GAZELLE_SYNC_LANGUAGE", "fr".to_owned()),
        ]);
        for file in plan(folder.path(), &answers).unwrap() {
            assert!(file.exists());
            file.write().unwrap();
        }
        assert_eq!(
            fs::read_to_string(at(ENV_FILE)).unwrap(),
            "# ours and theirs\nPORT=3000\nGAZELLE_API_KEY='k$y'\nNAME='x'\nDATABASE_URL='postgres://a:b@h/d'\n"
        );
        assert_eq!(
            fs::read_to_string(at(DEFAULT_FILE)).unwrap(),
            "batch_size = 77\nschema = 'atelier'\nlanguage = 'fr'\n"
        );
        assert_eq!(fs::metadata(at(ENV_FILE)).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(plan(folder.path(), &BTreeMap::new()).unwrap().is_empty());
    }
}
