//! Secrets that are looked for where nobody named them: `secrets` in the machine's folder, and `.env` in the working
//! directory. Both are used only if no other account can read or change them. Errors contain none of their values.
//!
//! `secrets` is the file that systemd hands to the service, and is read by the same rules. `.env` is often shared
//! with other programs: lines that are no settings of ours are theirs, and a value that programs read in different
//! ways is refused.

use std::io::{self, ErrorKind, Read as _};
use std::path::Path;

use super::docs::SETTINGS;
use super::secrets_file::{self, CredentialValue, Secrets};
use super::variables::{is_ours, unknown_setting};
use crate::private_files::{NotOurs, secrets};

/// The file of the working directory.
pub const ENV_FILE: &str = ".env";
/// The most bytes of a file that is only looked at for names of settings.
const LOOKED_AT: u64 = 1 << 20;

/// What was found.
#[derive(Default)]
pub(super) struct FoundSecrets {
    /// The secrets.
    pub secrets: Secrets,
    /// What prevents the program from running.
    pub problems: Vec<String>,
    /// What does not.
    pub remarks: Vec<String>,
}

impl FoundSecrets {
    /// Adds the secrets that systemd handed over in this folder; existing ones stay.
    pub fn of_systemd(&mut self, folder: &Path) {
        let found = secrets_file::read(folder, &mut self.problems);
        self.add(found);
    }

    /// Adds the secrets of the machine's folder; existing ones stay.
    pub fn of_machine(&mut self, folder: &Path) {
        let path = folder.join(secrets_file::NAME);
        match secrets::read(&path) {
            Ok(Some(bytes)) => {
                if let Some(text) = self.text(&path, bytes) {
                    let found = secrets_file::parse(&path.display().to_string(), &text, &mut self.problems);
                    self.add(found);
                }
            }
            Ok(None) => {}
            Err(error) if is_closed(&error) => self.remarks.push(closed(&path)),
            Err(error) => self.problems.push(refusal(&path, &error)),
        }
    }

    /// Adds the settings in `.env` of the working directory; existing ones stay.
    pub fn of_directory(&mut self, folder: &Path) {
        let path = folder.join(ENV_FILE);
        match secrets::read(&path) {
            Ok(Some(bytes)) => {
                if let Some(text) = self.text(&path, bytes) {
                    self.parse_shared(&path.display().to_string(), &text);
                }
            }
            Ok(None) => {}
            // Of another program, which has its own rules.
            Err(error) if NotOurs::in_error(&error).is_some() && !names_settings(&path) => {}
            Err(error) => self.problems.push(refusal(&path, &error)),
        }
    }

    fn text(&mut self, path: &Path, bytes: Vec<u8>) -> Option<String> {
        let text = String::from_utf8(bytes).ok();
        if text.is_none() {
            self.problems.push(format!("{}: not UTF-8 text", path.display()));
        }
        text
    }

    fn add(&mut self, found: Secrets) {
        for (name, secret) in found {
            self.secrets.entry(name).or_insert(secret);
        }
    }

    fn parse_shared(&mut self, path: &str, text: &str) {
        let mut found = Secrets::new();
        for (number, line) in text.lines().enumerate() {
            let place = format!("{path}, line {}", number + 1);
            let line = of_shell(line);
            let Some((name, value)) = secrets_file::assigned(line) else {
                if names_setting(line) {
                    self.problems.push(format!("{place}: must be NAME=value"));
                }
                continue;
            };
            if SETTINGS.iter().all(|doc| doc.env != name) {
                if is_ours(name) {
                    self.remarks.push(unknown_setting(name, &place));
                }
                continue;
            }
            match plain(value) {
                Ok(value) => drop(found.insert(name.to_owned(), CredentialValue { value, place })),
                Err(why) => self.problems.push(format!("{place}: the value of {name} {why}")),
            }
        }
        self.add(found);
    }
}

/// Whether the account may not read a file or enter its folder.
pub(super) fn is_closed(error: &io::Error) -> bool {
    error.kind() == ErrorKind::PermissionDenied && NotOurs::in_error(error).is_none()
}

/// The remark about a file that exists and this account may not read.
pub(super) fn closed(path: &Path) -> String {
    let me = rustix::process::geteuid().as_raw();
    format!(
        "{} may not be read by this account (uid {me}), so its settings are not in force; run as the account that may, \
         or set what is needed in the environment",
        path.display()
    )
}

fn refusal(path: &Path, error: &io::Error) -> String {
    match NotOurs::in_error(error) {
        Some(why) => format!("the secrets in {} are not used: {why}", path.display()),
        None => format!("the secrets in {} cannot be read: {error}", path.display()),
    }
}

/// A line without what shells allow before an assignment.
fn of_shell(line: &str) -> &str {
    let line = line.trim();
    line.strip_prefix("export ").map_or(line, str::trim_start)
}

/// Whether the first word of a line is the name of a setting, which was meant to be set.
fn names_setting(line: &str) -> bool {
    let name = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
    SETTINGS.iter().any(|doc| doc.env == name)
}

/// Whether a file that is not trusted holds settings of ours.
fn names_settings(path: &Path) -> bool {
    let mut text = Vec::new();
    let read = path.metadata().and_then(|found| match found.is_file() {
        true => std::fs::File::open(path)?.take(LOOKED_AT).read_to_end(&mut text),
        false => Ok(0),
    });
    // What cannot be looked at may hold some.
    read.is_err() || String::from_utf8_lossy(&text).lines().any(|line| names_setting(of_shell(line)))
}

/// A line of `.env` that sets a variable, in a form that all programs read alike.
///
/// # Errors
/// No quotes can hold the value.
pub fn env_line(name: &str, value: &str) -> Result<String, &'static str> {
    match (value.contains('\''), value.contains(['"', '\\', '$', '`']), value.contains(char::is_control)) {
        (_, _, true) => Err("holds control characters"),
        (false, ..) => Ok(format!("{name}='{value}'")),
        (true, false, _) => Ok(format!("{name}=\"{value}\"")),
        (true, true, _) => {
            Err("holds both a single quote and one of \" \\ $ `, for which programs have no common way")
        }
    }
}

/// A value that all programs read alike.
fn plain(value: &str) -> Result<String, &'static str> {
    let is_literal = value.starts_with('\'');
    if !is_literal && value.contains('$') {
        return Err("contains a $, which some programs replace: put the value into single quotes");
    }
    if !value.starts_with(['\'', '"']) && value.contains([' ', '\t']) {
        return Err("contains a blank: put the value into single quotes, and a comment on a line of its own");
    }
    secrets_file::unquoted(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> FoundSecrets {
        let mut found = FoundSecrets::default();
        found.parse_shared("/srv/.env", text);
        found
    }

    #[test]
    fn a_shared_file_may_hold_what_other_programs_need() {
        let text = "# theirs and ours\nPORT=3000\nKEY=\"-----BEGIN\nabc\n-----END\"\nNAME=$OTHER # x\n\
                    export GAZELLE_API_KEY='k$y'\nDATABASE_URL=\"postgres://a:b@h/d\"\n";
        let found = parsed(text);
        assert_eq!((&found.problems, &found.remarks), (&Vec::new(), &Vec::new()));
        let of = |name: &str| (found.secrets[name].value.clone(), found.secrets[name].place.clone());
        assert_eq!(of("GAZELLE_API_KEY"), ("k$y".to_owned(), "/srv/.env, line 7".to_owned()));
        assert_eq!(of("DATABASE_URL").0, "postgres://a:b@h/d");
        assert_eq!(found.secrets.len(), 2);
    }

    #[test]
    fn what_is_written_is_read_back() {
        for value in ["plain", "", "a b#c", "k$y\\", "it's", "postgres://a:p%40@h/d?sslmode=require"] {
            let line = env_line("DATABASE_URL", value).unwrap();
            let found = parsed(&line);
            assert_eq!(found.secrets["DATABASE_URL"].value, value, "{line}");
        }
        assert!(env_line("DATABASE_URL", "it's $5").is_err());
        assert!(env_line("DATABASE_URL", "two\nlines").is_err());
    }

    #[test]
    fn what_programs_read_in_different_ways_is_refused_and_never_repeated() {
        let text = "GAZELLE_API_KEY=s3cr3t$x\nDATABASE_URL=\"s3cr3t$x\"\nSMTP_URL=s3cr3t # mine\nSLACK_WEBHOOK_URL: s3cr3t\n\
                    GAZELLE_APIKEY=s3cr3t\n";
        let found = parsed(text);
        for (problem, words) in found.problems.iter().zip([
            "line 1: the value of GAZELLE_API_KEY contains a $",
            "line 2: the value of DATABASE_URL contains a $",
            "line 3: the value of SMTP_URL contains a blank",
            "line 4: must be NAME=value",
        ]) {
            assert!(problem.contains(words) && !problem.contains("s3cr3t"), "{problem}");
        }
        assert_eq!(found.problems.len(), 4, "{:?}", found.problems);
        let remark = &found.remarks[0];
        assert!(remark.contains("line 5") && remark.contains("did you mean `GAZELLE_API_KEY`?"), "{remark}");
        assert!(found.secrets.is_empty());
    }
}
