//! Encrypts tokens: AES-256-GCM with a key from the environment and a random nonce each time.
//!
//! ```text
//! 1 | nonce 12 | sealed …                                           before: bound to the schema's name
//! 2 | counter 8 | home 8 | application 8 | nonce 12 | sealed …      bound to all that stands before the nonce, in full
//! ```
//!
//! `home` and `application` are short hashes that serve for error messages; the encryption is bound to the full
//! names. The counter grows with each encryption, so that an older row can be recognised.

use anyhow::{Result, bail};
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use secrecy::{ExposeSecret, SecretString};

/// The first byte: the version of the format.
const FORM: u8 = 2;
/// The old format, bound to the schema only.
const FIRST_FORM: u8 = 1;
/// Length of the header before the nonce, in bytes.
const HEAD_LEN: usize = 25;

/// An encryption key. `Debug` shows nothing of it.
pub(super) struct Key {
    key: RandomizedNonceKey,
    name: String,
}

/// What encrypted tokens are bound to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Binding<'a> {
    pub database: &'a str,
    pub schema: &'a str,
    /// The OAuth application.
    pub client_id: &'a str,
}

/// Decrypted content. No `Debug`, because it contains tokens.
pub(super) struct Decrypted {
    pub plain: Vec<u8>,
    /// `None` in the old format.
    pub counter: Option<u64>,
}

/// Why a ciphertext is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SealError {
    /// Changed, truncated, or encrypted with another key.
    Damaged,
    /// Encrypted for another database or schema.
    OtherHome,
    /// Tokens of another application.
    OtherApplication,
    /// Older than what was seen before.
    Older,
}

impl Key {
    /// A key from 64 hex digits.
    ///
    /// # Errors
    /// The text is not a usable key.
    pub fn new(digits: &SecretString) -> Result<Key> {
        let Some(bytes) = key_bytes(digits.expose_secret()) else {
            bail!("GAZELLE_SYNC_TOKEN_KEY must be 64 hex digits, as `openssl rand -hex 32` prints them")
        };
        let Ok(key) = RandomizedNonceKey::new(&AES_256_GCM, &bytes) else {
            bail!("GAZELLE_SYNC_TOKEN_KEY is not usable")
        };
        // Derived for this purpose only: it identifies the key and reveals nothing of it.
        let name = blake3::derive_key("gazelle-sync 2026 name of a token key", &bytes);
        Ok(Key { key, name: blake3::Hash::from_bytes(name).to_hex()[..16].to_owned() })
    }

    /// The identifier of the key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Encrypts for one `home`; the result can be decrypted only with the same `home`. `None` if the library fails.
    pub fn seal(&self, plain: Vec<u8>, home: Binding<'_>, counter: u64) -> Option<Vec<u8>> {
        let head = home.head(counter);
        let mut bytes = plain;
        let nonce = self.key.seal_in_place_append_tag(Aad::from(home.bound_to(&head)), &mut bytes).ok()?;
        Some([head.as_slice(), nonce.as_ref(), &bytes].concat())
    }

    /// Decrypts what was encrypted for this `home`, with a counter of at least `least` if one is known.
    ///
    /// # Errors
    /// See [`SealError`].
    pub fn open(&self, sealed: &[u8], home: Binding<'_>, least: Option<u64>) -> Result<Decrypted, SealError> {
        match sealed.first() {
            // The new format was seen before, so this is a restored old row.
            Some(&FIRST_FORM) if least.is_some() => Err(SealError::Older),
            Some(&FIRST_FORM) => {
                let plain = self.unseal(&sealed[1..], home.schema.as_bytes()).ok_or(SealError::Damaged)?;
                Ok(Decrypted { plain, counter: None })
            }
            Some(&FORM) => {
                let (head, rest) = sealed.split_at_checked(HEAD_LEN).ok_or(SealError::Damaged)?;
                let counter =
                    head[1..9].try_into().map(u64::from_be_bytes).map_err(|_| SealError::Damaged)?;
                let expected = home.head(counter);
                if head[9..17] != expected[9..17] {
                    return Err(SealError::OtherHome);
                }
                if head[17..] != expected[17..] {
                    return Err(SealError::OtherApplication);
                }
                let plain = self.unseal(rest, &home.bound_to(head)).ok_or(SealError::Damaged)?;
                match least {
                    Some(least) if counter < least => Err(SealError::Older),
                    _ => Ok(Decrypted { plain, counter: Some(counter) }),
                }
            }
            _ => Err(SealError::Damaged),
        }
    }

    fn unseal(&self, nonce_and_sealed: &[u8], bound_to: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = nonce_and_sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut bytes = sealed.to_vec();
        let plain = self.key.open_in_place(nonce, Aad::from(bound_to), &mut bytes).ok()?.len();
        bytes.truncate(plain);
        Some(bytes)
    }
}

impl Binding<'_> {
    /// The header before the nonce.
    fn head(&self, counter: u64) -> Vec<u8> {
        let home = short_hash("gazelle-sync 2026 home of sealed tokens", &[self.database, self.schema]);
        let application = short_hash("gazelle-sync 2026 application of sealed tokens", &[self.client_id]);
        [&[FORM], counter.to_be_bytes().as_slice(), &home, &application].concat()
    }

    fn bound_to(&self, head: &[u8]) -> Vec<u8> {
        [head, &length_prefixed(&[self.database, self.schema, self.client_id])].concat()
    }
}

/// Each name with its length first, so that different lists never give the same bytes.
fn length_prefixed(names: &[&str]) -> Vec<u8> {
    names
        .iter()
        .flat_map(|name| [(name.len() as u64).to_be_bytes().as_slice(), name.as_bytes()].concat())
        .collect()
}

fn short_hash(context: &str, names: &[&str]) -> [u8; 8] {
    let hash = blake3::derive_key(context, &length_prefixed(names));
    std::array::from_fn(|index| hash[index])
}

/// 64 hex digits as bytes; `None` for anything else.
fn key_bytes(digits: &str) -> Option<[u8; 32]> {
    let digits = digits.trim();
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    // A key with only one distinct digit is a copied example.
    let varied = digits.bytes().any(|digit| digit != digits.as_bytes()[0]);
    varied.then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: Binding<'static> = Binding { database: "mirror", schema: "public", client_id: "app" };

    fn key(digit: &str) -> Key {
        Key::new(&format!("{}{digit}", "ab".repeat(31)).into()).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_with_its_key_in_its_place_and_unchanged_alone() {
        let (one, other) = (key("01"), key("02"));
        let sealed = one.seal(b"tokens".to_vec(), HOME, 7).unwrap();
        let opened = one.open(&sealed, HOME, Some(7)).unwrap();
        assert_eq!((opened.plain.as_slice(), opened.counter), (&b"tokens"[..], Some(7)));
        let refused = |key: &Key, home, least| key.open(&sealed, home, least).err();
        assert_eq!(refused(&other, HOME, None), Some(SealError::Damaged));
        for (home, why) in [
            (Binding { database: "other", ..HOME }, SealError::OtherHome),
            (Binding { schema: "montreal", ..HOME }, SealError::OtherHome),
            (Binding { database: "mirrorpub", schema: "lic", ..HOME }, SealError::OtherHome),
            (Binding { client_id: "other", ..HOME }, SealError::OtherApplication),
        ] {
            assert_eq!(refused(&one, home, None), Some(why), "{home:?}");
            // Bound to the names themselves, not to their hashes.
            let head = home.head(7);
            assert_eq!(
                one.open(&[head.as_slice(), &sealed[HEAD_LEN..]].concat(), home, None).err(),
                Some(SealError::Damaged)
            );
        }
        assert_eq!(refused(&one, HOME, Some(8)), Some(SealError::Older));
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(one.open(&changed, HOME, None).is_err(), "byte {index}");
            assert!(one.open(&sealed[..index], HOME, None).is_err(), "{index} bytes");
        }
        assert!(!sealed.windows(6).any(|window| window == b"tokens"));
        assert_ne!(one.seal(b"tokens".to_vec(), HOME, 7).unwrap(), sealed, "a nonce of its own each time");
        assert_ne!(one.name(), other.name());
    }

    #[test]
    fn what_was_sealed_in_the_first_form_opens_until_a_later_one_was_seen() {
        let key = key("01");
        let mut bytes = b"tokens".to_vec();
        let nonce = key.key.seal_in_place_append_tag(Aad::from(b"public"), &mut bytes).unwrap();
        let sealed = [&[FIRST_FORM], nonce.as_ref().as_slice(), &bytes].concat();
        let opened = key.open(&sealed, HOME, None).unwrap();
        assert_eq!((opened.plain.as_slice(), opened.counter), (&b"tokens"[..], None));
        assert_eq!(
            key.open(&sealed, Binding { schema: "other", ..HOME }, None).err(),
            Some(SealError::Damaged)
        );
        assert_eq!(key.open(&sealed, HOME, Some(1)).err(), Some(SealError::Older));
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
