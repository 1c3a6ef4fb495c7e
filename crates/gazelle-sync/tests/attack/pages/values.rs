//! What the attackers know, and the values that they write into requests.

use crate::support::hostile_text::HOSTILE;
use crate::support::random::Random;

/// Markup that no page may hold as markup.
pub const MARKUP: &str = "\"'><x7markup onload=alert(1)></script><script>x7()</script>";

/// What the attackers know of the installation.
#[derive(Debug, Default)]
pub struct Known {
    /// Host and port of the service.
    pub host: String,
    /// The cookie of each that attacks, by rank; nobody has none.
    pub cookies: [Option<String>; 3],
    /// Cookies that open nothing: ended, of somebody disabled, of hashes that stand in the database.
    pub stale: Vec<String>,
    /// Ids of records, runs, versions, actions, people, links and technicians, and links that were revoked.
    pub ids: Vec<String>,
    /// A name that somebody signs in with.
    pub name: String,
}

/// A text that nobody expects.
pub fn hostile(random: &mut Random) -> String {
    let texts = [
        "",
        "0",
        "-1",
        "99999999999999999999",
        "null",
        "[]",
        "{}",
        "true",
        "NaN",
        "infinity",
        ".",
        "..",
        "../../etc/passwd",
        "..\\..\\windows",
        "/",
        "%2e%2e%2f",
        "%",
        "%zz",
        "' OR 1=1 --",
        "\\x00",
        "${7*7}",
        "{{7*7}}",
        "{schema}",
        "$1",
        "0000-00-00",
        "9999-12-31",
        "-4713-01-01",
        "2026-02-30",
        "1e400",
        "\u{feff}",
        "é",
        "\u{1f9ff}",
        MARKUP,
        HOSTILE,
        "//evil.example.org",
        "https://evil.example.org/",
        "/\\evil.example.org",
        "/app/../../x",
        "javascript:x7()",
        "/app/people",
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
    ];
    match random.below(12) {
        0 => "a".repeat(1 + random.below(6_000)),
        1 => "\u{202e}é".repeat(1 + random.below(600)),
        2 => format!("{}\0", random.pick(&texts)),
        _ => (*random.pick(&texts)).to_owned(),
    }
}

pub fn value(random: &mut Random, known: &Known) -> String {
    match random.percent(45) && !known.ids.is_empty() {
        true => random.pick(&known.ids).clone(),
        false => hostile(random),
    }
}

/// What a page of ours would send in a field.
pub fn plausible(random: &mut Random, known: &Known, field: &str) -> String {
    let one_of = |random: &mut Random, values: &[&str]| (*random.pick(values)).to_owned();
    match field {
        "name" => known.name.clone(),
        "passphrase" | "again" => "marteau feutre inconnu".to_owned(),
        "language" => one_of(random, &["fr", "en", "de"]),
        "live" => one_of(random, &["on", "off"]),
        "mode" => one_of(random, &["full", "incremental", "everything"]),
        "entity" => one_of(random, &["clients", "appointments", "pianos", "users", "trombones"]),
        "word" => one_of(random, &["delete", "keep"]),
        "shown" => one_of(random, &["0", "1", "4294967296"]),
        "role" => one_of(random, &["operator", "office", "technician", "owner"]),
        "code" => one_of(random, &["missing_parent", "missing_field", "unreadable"]),
        "reason" => "un exemple".to_owned(),
        "next" | "back" => {
            one_of(random, &["/app/runs", "//evil.example.org", "https://evil.example.org", "/feed/x"])
        }
        "day" => one_of(random, &["2026-01-15", "today", "2026-13-45"]),
        _ => value(random, known),
    }
}

/// Every byte that is not a letter or digit in percent notation.
pub fn encoded(text: &str) -> String {
    text.bytes()
        .map(
            |byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            },
        )
        .collect()
}

/// 32 bytes as a session has them.
pub fn random_token(random: &mut Random) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    (0..43).map(|_| char::from(*random.pick(LETTERS))).collect()
}
