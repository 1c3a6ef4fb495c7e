//! Sealing tokens: AES-256-GCM with a key from the environment and a random nonce each time.

use anyhow::{Result, bail};
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use secrecy::{ExposeSecret, SecretString};

/// What the sealed bytes begin with: the form, for later forms.
const FORM: u8 = 1;

/// A key. Debug shows nothing of it.
pub(super) struct Key {
    key: RandomizedNonceKey,
    name: String,
}

impl Key {
    /// A key of 64 hex digits.
    pub fn new(digits: &SecretString) -> Result<Key> {
        let Some(bytes) = key_bytes(digits.expose_secret()) else {
            bail!("GAZELLE_SYNC_TOKEN_KEY must be 64 hex digits, as `openssl rand -hex 32` prints them")
        };
        let Ok(key) = RandomizedNonceKey::new(&AES_256_GCM, &bytes) else {
            bail!("GAZELLE_SYNC_TOKEN_KEY is not usable")
        };
        // Derived for this alone: it says which key, and nothing of the key.
        let name = blake3::derive_key("gazelle-sync 2026 name of a token key", &bytes);
        Ok(Key { key, name: blake3::Hash::from_bytes(name).to_hex()[..16].to_owned() })
    }

    /// Which key it is.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Seals; `place` is where the sealed bytes are kept, and nowhere else do they open.
    pub fn seal(&self, plain: Vec<u8>, place: &str) -> Option<Vec<u8>> {
        let mut bytes = plain;
        let nonce = self.key.seal_in_place_append_tag(Aad::from(place.as_bytes()), &mut bytes).ok()?;
        Some([&[FORM], nonce.as_ref().as_slice(), &bytes].concat())
    }

    /// Opens; `None` for what was sealed with another key or for another place, or was changed.
    pub fn open(&self, sealed: &[u8], place: &str) -> Option<Vec<u8>> {
        let (form, rest) = sealed.split_first()?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_LEN)?;
        if *form != FORM {
            return None;
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut bytes = sealed.to_vec();
        let plain = self.key.open_in_place(nonce, Aad::from(place.as_bytes()), &mut bytes).ok()?.len();
        bytes.truncate(plain);
        Some(bytes)
    }
}

/// 64 hex digits as bytes.
fn key_bytes(digits: &str) -> Option<[u8; 32]> {
    let digits = digits.trim();
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    // A key of one digit alone is an example that somebody copied.
    let varied = digits.bytes().any(|digit| digit != digits.as_bytes()[0]);
    varied.then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(digit: &str) -> Key {
        Key::new(&format!("{}{digit}", "ab".repeat(31)).into()).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_with_its_key_in_its_place_and_unchanged_alone() {
        let (one, other) = (key("01"), key("02"));
        let sealed = one.seal(b"tokens".to_vec(), "public").unwrap();
        assert_eq!(one.open(&sealed, "public").as_deref(), Some(&b"tokens"[..]));
        assert_eq!(other.open(&sealed, "public"), None);
        assert_eq!(one.open(&sealed, "montreal"), None);
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert_eq!(one.open(&changed, "public"), None, "byte {index}");
            assert_eq!(one.open(&sealed[..index], "public"), None, "{index} bytes");
        }
        assert!(!sealed.windows(6).any(|window| window == b"tokens"));
        assert_ne!(one.seal(b"tokens".to_vec(), "public").unwrap(), sealed, "a nonce of its own each time");
        assert_ne!(one.name(), other.name());
    }

    #[test]
    fn a_key_is_64_hex_digits() {
        for wrong in ["", "ab", &"a".repeat(64), &"zz".repeat(32), &"ab".repeat(33), &"é".repeat(32)] {
            let error = Key::new(&wrong.to_owned().into()).err().unwrap().to_string();
            assert!(error.contains("64 hex digits"), "{error}");
        }
        Key::new(&format!(" {}\n", "aB".repeat(32)).into()).unwrap();
    }
}
