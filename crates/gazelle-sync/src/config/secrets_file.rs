//! Secrets from systemd: a file `secrets` in `$CREDENTIALS_DIRECTORY` (`LoadCredential=`). Unlike environment
//! variables, other accounts and child processes cannot read it. It has the format of an `EnvironmentFile=`, which
//! it replaces. Errors contain none of its values.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use super::docs::SETTINGS;
use super::nearest::did_you_mean;

/// The environment variable in which systemd names the folder of a unit's credentials.
pub(super) const FOLDER_ENV: &str = "CREDENTIALS_DIRECTORY";
/// The name of the credential.
pub(super) const NAME: &str = "secrets";

/// A value with its place. No `Debug`, because it may be secret.
#[derive(Clone)]
pub struct CredentialValue {
    /// The value.
    pub value: String,
    /// File and line.
    pub place: String,
}

/// Secrets by the names of their environment variables.
pub type Secrets = BTreeMap<String, CredentialValue>;

/// Reads the file in this folder; empty if there is none. Problems are added to `problems`.
pub(super) fn read(folder: &Path, problems: &mut Vec<String>) -> Secrets {
    let path = folder.join(NAME);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Secrets::new(),
        Err(error) => {
            problems.push(format!("the secrets in {} cannot be read: {error}", path.display()));
            return Secrets::new();
        }
    };
    match std::str::from_utf8(&bytes) {
        Ok(text) => parse(&path.display().to_string(), text, problems),
        Err(_) => {
            problems.push(format!("{}: not UTF-8 text", path.display()));
            Secrets::new()
        }
    }
}

/// Reads a file of which every line must be a setting.
pub(super) fn parse(path: &str, text: &str, problems: &mut Vec<String>) -> Secrets {
    let mut secrets = Secrets::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        let place = format!("{path}, line {}", number + 1);
        // The line may contain a secret, so the error does not repeat it.
        let Some((name, value)) = assigned(line) else {
            problems.push(format!("{place}: must be NAME=value"));
            continue;
        };
        if SETTINGS.iter().all(|doc| doc.env != name) {
            let meant = did_you_mean(name, SETTINGS.iter().map(|doc| doc.env));
            problems.push(format!(
                "{place}: unknown setting {name}{meant}; other variables belong into the unit, as Environment="
            ));
            continue;
        }
        match unquoted(value) {
            Ok(value) => drop(secrets.insert(name.to_owned(), CredentialValue { value, place })),
            Err(why) => problems.push(format!("{place}: the value of {name} {why}")),
        }
    }
    secrets
}

/// The name and the value of a line `NAME=value`.
pub(super) fn assigned(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let name = name.trim_end();
    let is_plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    is_plain.then(|| (name, value.trim_start()))
}

/// Removes quotes and backslashes as systemd does.
pub(super) fn unquoted(value: &str) -> Result<String, &'static str> {
    if let Some(rest) = value.strip_prefix('\'') {
        let inner = rest.strip_suffix('\'').ok_or("has no closing quote")?;
        return if inner.contains('\'') {
            Err("has a quote within its quotes")
        } else {
            Ok(inner.to_owned())
        };
    }
    let quoted = value.strip_prefix('"');
    let mut plain = String::new();
    let mut characters = quoted.unwrap_or(value).chars();
    while let Some(character) = characters.next() {
        match (character, quoted) {
            ('"', Some(_)) => {
                let is_last = characters.as_str().is_empty();
                return if is_last { Ok(plain) } else { Err("has a quote within its quotes") };
            }
            ('\\', _) => match (characters.next(), quoted) {
                (None, _) => return Err("goes on in the next line: write it in one"),
                // In quotes, a backslash before any other character is literal.
                (Some(next), Some(_)) if !matches!(next, '"' | '\\' | '`' | '$') => {
                    plain.extend(['\\', next])
                }
                (Some(next), _) => plain.push(next),
            },
            _ => plain.push(character),
        }
    }
    if quoted.is_some() { Err("has no closing quote") } else { Ok(plain) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_systemd_reads_them() {
        for (written, read) in [
            ("plain", Ok("plain")),
            ("", Ok("")),
            ("postgres://a:b@h/d?sslmode=require", Ok("postgres://a:b@h/d?sslmode=require")),
            ("'a b \\ \"c'", Ok("a b \\ \"c")),
            (r#""a b \"c\" \\ \$ \x""#, Ok(r#"a b "c" \ $ \x"#)),
            (r"a\ b\\c", Ok(r"a b\c")),
            ("it's # no comment", Ok("it's # no comment")),
            ("'open", Err("no closing quote")),
            ("'", Err("no closing quote")),
            ("\"open", Err("no closing quote")),
            ("'a'b'", Err("within its quotes")),
            ("\"a\"b", Err("within its quotes")),
            ("ends\\", Err("next line")),
        ] {
            match (unquoted(written), read) {
                (Ok(value), Ok(read)) => assert_eq!(value, read, "{written}"),
                (Err(why), Err(words)) => assert!(why.contains(words), "{written}: {why}"),
                (value, _) => panic!("{written}: {value:?}"),
            }
        }
    }

    #[test]
    fn what_is_no_secret_of_ours_is_told_by_its_line_and_never_repeated() {
        let text = "# of the account\n\nGAZELLE_API_KEY = 's3cr3t'\nGAZELE_API_KEY=s3cr3t\nHTTPS_PROXY=http://s3cr3t\ns3cr3t\n\
                    s3cr3t and more=1\nDATABASE_URL='s3cr3t\n; done\n";
        let mut problems = Vec::new();
        let secrets = parse("/run/secrets", text, &mut problems);
        assert_eq!(secrets.len(), 1);
        let key = &secrets["GAZELLE_API_KEY"];
        assert_eq!((key.value.as_str(), key.place.as_str()), ("s3cr3t", "/run/secrets, line 3"));
        for (problem, words) in problems.iter().zip([
            "line 4: unknown setting GAZELE_API_KEY; did you mean",
            "line 5: unknown setting HTTPS_PROXY",
            "line 6: must be NAME=value",
            "line 7: must be NAME=value",
            "line 8: the value of DATABASE_URL has no closing quote",
        ]) {
            assert!(problem.contains(words) && !problem.contains("s3cr3t"), "{problem}");
        }
        assert_eq!(problems.len(), 5, "{problems:?}");
    }
}
