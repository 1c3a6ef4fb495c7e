//! Session ids, one-time links and passphrases; only their hashes are stored.

use std::fmt;
use std::sync::LazyLock;

use anyhow::{Result, anyhow, bail};
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};

/// The bytes of an id of a session or of a link.
const BYTES: usize = 32;
/// Memory of one hash, in KiB, and passes over it: of the settings that OWASP holds equal for argon2id, the one that
/// needs least memory.
const MEMORY_KIB: u32 = 7 * 1024;
const PASSES: u32 = 5;
/// The shortest passphrase, in characters.
pub const SHORTEST: usize = 12;
/// The longest passphrase, in bytes: a longer text is no passphrase, and hashing it would take time.
pub const LONGEST: usize = 512;

/// The hash of a [`Token`], as it is stored.
pub type TokenHash = [u8; 32];

/// 256 random bits that let somebody in: the id of a session, or a one-time link.
#[derive(Clone, PartialEq, Eq)]
pub struct Token([u8; BYTES]);

impl Token {
    /// A new one.
    ///
    /// # Errors
    /// The machine gives no random numbers.
    pub fn random() -> Result<Token> {
        let mut bytes = [0; BYTES];
        if aws_lc_rs::rand::fill(&mut bytes).is_err() {
            bail!("this machine gives no random numbers");
        }
        Ok(Token(bytes))
    }

    /// The token of a text from a cookie or an address; none for any other text.
    pub fn read(text: &str) -> Option<Token> {
        Some(Token(URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?))
    }

    /// The text for a cookie or an address: 43 letters, digits, `-` and `_`.
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// The hash that is stored.
    pub fn hash(&self) -> TokenHash {
        *blake3::hash(&self.0).as_bytes()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Why a text cannot be a passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnfitPassphrase {
    /// It has fewer than [`SHORTEST`] characters, or little but one of them.
    Short,
    /// It has more than [`LONGEST`] bytes.
    Long,
    /// It is the name, or contains little else.
    Name,
}

/// Whether a text can be the passphrase of a person of this name.
///
/// # Errors
/// It cannot.
pub fn check(passphrase: &SecretString, name: &str) -> Result<(), UnfitPassphrase> {
    let text = passphrase.expose_secret();
    if text.len() > LONGEST {
        return Err(UnfitPassphrase::Long);
    }
    let distinct: std::collections::BTreeSet<char> = text.chars().collect();
    if text.chars().count() < SHORTEST || distinct.len() < 5 {
        return Err(UnfitPassphrase::Short);
    }
    let plain = |text: &str| text.to_lowercase().split_whitespace().collect::<String>();
    if plain(text).replace(&plain(name), "").chars().count() < SHORTEST / 2 {
        return Err(UnfitPassphrase::Name);
    }
    Ok(())
}

fn argon2() -> Argon2<'static> {
    // Valid by the test below, which fails for other numbers.
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// The hash of a passphrase, with a salt of its own, as it is stored. Takes some tens of milliseconds and 7 MiB.
///
/// # Errors
/// The machine gives no random numbers, or no memory.
pub fn hash(passphrase: &SecretString) -> Result<String> {
    let mut salt = [0; 16];
    if aws_lc_rs::rand::fill(&mut salt).is_err() {
        bail!("this machine gives no random numbers");
    }
    let hash = argon2().hash_password_with_salt(passphrase.expose_secret().as_bytes(), &salt);
    Ok(hash.map_err(|error| anyhow!("the passphrase could not be hashed: {error}"))?.to_string())
}

/// Whether a passphrase has this hash. Without a hash it has not, and that takes as long: whether somebody exists
/// cannot be told from the time.
pub fn is_right(passphrase: &SecretString, stored: Option<&str>) -> bool {
    static NOBODYS: LazyLock<String> =
        LazyLock::new(|| hash(&SecretString::from("nobody has this passphrase")).unwrap_or_default());
    let of = stored.unwrap_or(&NOBODYS);
    let Ok(of) = PasswordHash::new(of) else { return false };
    let is_right = argon2().verify_password(passphrase.expose_secret().as_bytes(), &of).is_ok();
    is_right && stored.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_256_bits_that_all_vary_and_its_text_is_read_back() {
        let tokens: Vec<Token> = (0..100).map(|_| Token::random().unwrap()).collect();
        for (at, token) in tokens.iter().enumerate() {
            assert_eq!(token.text().len(), 43);
            assert_eq!(Token::read(&token.text()).as_ref(), Some(token));
            assert!(tokens[..at].iter().all(|other| other != token && other.hash() != token.hash()));
            assert_eq!(format!("{token:?}"), "Token(…)");
        }
        for text in ["", "x", &"A".repeat(42), &"A".repeat(44), &"é".repeat(43), &"=".repeat(43)] {
            assert_eq!(Token::read(text), None, "{text}");
        }
    }

    #[test]
    fn a_passphrase_is_hashed_with_argon2id_and_a_salt_of_its_own() {
        let right = SecretString::from("marteau feutre étouffoir");
        let (one, other) = (hash(&right).unwrap(), hash(&right).unwrap());
        assert!(one.starts_with("$argon2id$v=19$m=7168,t=5,p=1$"), "{one}");
        assert_ne!(one, other);
        assert!(is_right(&right, Some(&one)) && is_right(&right, Some(&other)));
        assert!(!is_right(&SecretString::from("marteau feutre etouffoir"), Some(&one)));
        assert!(!is_right(&SecretString::from("nobody has this passphrase"), None));
        assert!(!is_right(&right, Some("")) && !is_right(&right, Some("$argon2id$")));
    }

    #[test]
    fn what_could_be_guessed_at_once_is_no_passphrase() {
        for (text, name, fit) in [
            ("marteau feutre", "Ana", Ok(())),
            ("douze lettre", "Ana", Ok(())),
            ("onze lettre", "Ana", Err(UnfitPassphrase::Short)),
            ("éééééééééééééééé", "Ana", Err(UnfitPassphrase::Short)),
            ("Loïc Tabledharmonie", "loïc  tabledharmonie", Err(UnfitPassphrase::Name)),
            ("Loïc Tabledharmonie1", "Loïc Tabledharmonie", Err(UnfitPassphrase::Name)),
        ] {
            assert_eq!(check(&SecretString::from(text), name), fit, "{text}");
        }
        assert_eq!(check(&SecretString::from("abcdef".repeat(86)), "Ana"), Err(UnfitPassphrase::Long));
        assert_eq!(check(&SecretString::from("abcdef".repeat(85)), "Ana"), Ok(()));
    }
}
