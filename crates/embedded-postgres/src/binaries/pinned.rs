//! The archives that may be downloaded, by SHA-256. Content with another hash is refused. Decision 0076 says where
//! the hashes come from and how to change them.

use std::env::consts::{ARCH, OS};

/// The version of all archives. A well-tested one, since a cluster stays with its major version.
pub(crate) const VERSION: &str = "17.11.0";
const MAJOR: u32 = 17;

/// The hashes, by target.
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

/// The archive for this machine and, if given, this major version. The error is the reason why there is none.
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

/// The target's name in archive names.
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
            // A server built for another C library would not run.
            ("linux", "x86_64", true, false),
            ("linux", "riscv64", false, false),
            ("freebsd", "x86_64", false, false),
        ] {
            let target = target(os, arch, musl);
            let found = archive_of(&target, None);
            assert_eq!(found.is_ok(), known, "{target}");
            match found {
                Ok(found) => {
                    assert_eq!(why_no_hash(found.sha_256), None, "{target}");
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

    #[test]
    fn what_only_stands_for_a_hash_is_told_from_one() {
        let known: std::collections::HashSet<&str> = SHA_256.iter().map(|(_, sha_256)| *sha_256).collect();
        assert_eq!(known.len(), SHA_256.len(), "two archives cannot have one hash");
        // Hashes of known texts, which look random.
        for real in
            ["ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"].into_iter().chain(known)
        {
            assert_eq!(why_no_hash(real), None, "{real}");
        }
        let counted: String = (0..32).map(|byte| format!("{byte:02x}")).collect();
        let spelled = |word: &str| word.repeat(64).chars().take(64).collect::<String>();
        for placeholder in [
            "0".repeat(64),
            "f".repeat(64),
            format!("{}1", "0".repeat(63)),
            format!("b7a1ba6bae6499d8{}", "0".repeat(48)),
            spelled("deadbeef"),
            spelled("0123456789abcdef"),
            spelled("fedcba9876543210"),
            spelled("b7a1ba6bae6499d8296e3e81b0171eec"),
            spelled("1234567"),
            format!("{}b7a1ba6bae6499d8", spelled("cafe").split_off(16)),
            counted,
            "b7a1ba6bae6499d8".to_owned(),
            "B7A1BA6BAE6499D8296E3E81B0171EECFD1766CA9AAA0057E41AD3E844E5E2E0".to_owned(),
            spelled("todo"),
            // The hash of no bytes, as of an empty download.
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".to_owned(),
        ] {
            assert!(why_no_hash(&placeholder).is_some(), "{placeholder} passed for a hash");
        }
    }

    /// Why a text looks like no real hash, if that can be seen: a placeholder is usually regular. One in ten
    /// thousand real hashes would be called regular.
    fn why_no_hash(text: &str) -> Option<String> {
        let digits: Vec<u8> = text
            .bytes()
            .filter(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            .map(|byte| if byte.is_ascii_digit() { byte - b'0' } else { byte - b'a' + 10 })
            .collect();
        if digits.len() != 64 || text.len() != 64 {
            return Some("it is not 64 digits from 0 to f".to_owned());
        }
        if text == crate::binaries::download::sha_256(b"") {
            return Some("it is the hash of nothing".to_owned());
        }
        if digits.chunk_by(|one, next| one == next).any(|run| run.len() >= 6) {
            return Some("one digit stands there six times in a row".to_owned());
        }
        let different: std::collections::HashSet<&u8> = digits.iter().collect();
        if different.len() < 11 {
            return Some(format!("it has {} different digits", different.len()));
        }
        // In a repeated pattern, or one that counts up or down, digits at a fixed distance differ by the same step.
        // In a random hash one pair in sixteen does.
        (1..=32).find_map(|distance| {
            let steps: Vec<u8> =
                digits.iter().zip(&digits[distance..]).map(|(one, next)| (next + 16 - one) % 16).collect();
            let most = (0..16).map(|step| steps.iter().filter(|it| **it == step).count()).max()?;
            (most * 5 > steps.len() * 2)
                .then(|| format!("digits {distance} places apart follow from each other"))
        })
    }
}
