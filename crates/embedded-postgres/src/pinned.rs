//! The archives that may be downloaded, by their SHA-256. What is served under their names with other bytes is refused, whoever
//! serves it. Decision 0076 says where the values are from and how to change them.

use std::env::consts::{ARCH, OS};

/// The version of all of them. A cluster stays with its major version, so a settled one.
const VERSION: &str = "17.11.0";
const MAJOR: u32 = 17;

/// By target.
const SHA_256: [(&str, &str); 4] = [
    ("x86_64-unknown-linux-gnu", "b7a1ba6bae6499d8296e3e81b0171eecfd1766ca9aaa0057e41ad3e844e5e2e0"),
    ("aarch64-unknown-linux-gnu", "abffda09209280ec1502b73720dc4d254fb7fff9a072e324926c600a5b16c221"),
    ("x86_64-apple-darwin", "e43a81b15e1cfe7f9d8fd79c6d4d0366e9001a5f690e322224dca704656602f7"),
    ("aarch64-apple-darwin", "fd4b62794b160e26973a768a1eef3248aef9d2ff23ebd6d884a4299485e28e57"),
];

/// An archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Archive {
    pub version: &'static str,
    pub url: String,
    pub sha_256: &'static str,
}

/// The archive for this machine and this major version, if one is asked for. The error is the reason why there is none.
pub(crate) fn archive(major: Option<u32>) -> Result<Archive, String> {
    archive_of(&target(OS, ARCH, cfg!(target_env = "musl")), major)
}

fn archive_of(target: &str, major: Option<u32>) -> Result<Archive, String> {
    if let Some(major) = major.filter(|major| *major != MAJOR) {
        return Err(format!("this program knows no archive of version {major} by its hash, only of {MAJOR}"));
    }
    let Some((_, sha_256)) = SHA_256.iter().find(|(known, _)| *known == target) else {
        return Err(format!("this program knows no archive for {target} by its hash"));
    };
    let url = format!(
        "https://github.com/theseus-rs/postgresql-binaries/releases/download/{VERSION}/postgresql-{VERSION}-{target}.tar.gz"
    );
    Ok(Archive { version: VERSION, url, sha_256 })
}

/// The name that archives have for a system.
fn target(os: &str, arch: &str, musl: bool) -> String {
    match (os, musl) {
        ("linux", false) => format!("{arch}-unknown-linux-gnu"),
        ("linux", true) => format!("{arch}-unknown-linux-musl"),
        ("macos", _) => format!("{arch}-apple-darwin"),
        _ => format!("{arch}-{os}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_archive_that_may_be_downloaded_is_known_by_its_hash() {
        for (os, arch, musl, known) in [
            ("linux", "x86_64", false, true),
            ("linux", "aarch64", false, true),
            ("macos", "x86_64", false, true),
            ("macos", "aarch64", false, true),
            // A server for the other C library would not run.
            ("linux", "x86_64", true, false),
            ("linux", "riscv64", false, false),
            ("freebsd", "x86_64", false, false),
        ] {
            let target = target(os, arch, musl);
            let found = archive_of(&target, None);
            assert_eq!(found.is_ok(), known, "{target}");
            match found {
                Ok(found) => {
                    assert!(
                        found.sha_256.len() == 64 && found.sha_256.bytes().all(|b| b.is_ascii_hexdigit())
                    );
                    assert!(
                        found.url.starts_with("https://") && found.url.ends_with(&format!("{target}.tar.gz"))
                    );
                    assert_eq!(archive_of(&target, Some(MAJOR)), Ok(found));
                    assert!(archive_of(&target, Some(15)).unwrap_err().contains("no archive of version 15"));
                }
                Err(why) => assert!(why.contains(&target), "{why}"),
            }
        }
    }
}
