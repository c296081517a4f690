//! Encryption at rest: what the store keeps of messages and configurations is sealed with
//! AES-256-GCM, and bound to the row and column that it stands in.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::{Zeroize as _, Zeroizing};

/// The octets of a key.
const KEY: usize = 32;

/// The octets by which what was sealed names its key.
const KEY_ID: usize = 4;

/// How a sealed value begins, so that another form can follow.
const FORM: u8 = 1;

/// The keys of a store. The first seals, all of them open, so that a key can be replaced.
pub(crate) struct Sealer {
    keys: Vec<Key>,
}

struct Key {
    id: [u8; KEY_ID],
    key: LessSafeKey,
}

/// Why something could not be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealError {
    /// A key is not 32 octets in base64.
    NotAKey,
    /// There is no key.
    NoKey,
    /// No key of the list has sealed it: the key was taken off the list too early.
    UnknownKey,
    /// It was changed, or stands in another place than it was sealed for.
    NotGenuine,
    /// The system has no randomness.
    NoRandomness,
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAKey => {
                "a key is not 32 octets in base64 (such as of `openssl rand -base64 32`)"
            }
            Self::NoKey => "there is no key",
            Self::UnknownKey => "it was sealed with a key that is not on the list",
            Self::NotGenuine => "it was changed, or sealed for another place",
            Self::NoRandomness => "the system has no randomness",
        })
    }
}

impl std::error::Error for SealError {}

impl Sealer {
    /// Reads keys, one a line: 32 octets in base64 each.
    ///
    /// # Errors
    ///
    /// Fails where a line is no key, or there is none.
    pub(crate) fn new(text: &str) -> Result<Self, SealError> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let keys: Vec<_> = lines.map(Key::read).collect::<Result<_, _>>()?;
        if keys.is_empty() { Err(SealError::NoKey) } else { Ok(Self { keys }) }
    }

    /// A new key as [`Sealer::new`] reads it.
    ///
    /// # Errors
    ///
    /// Fails where the system has no randomness.
    pub(crate) fn generate() -> Result<Zeroizing<String>, SealError> {
        let key = Zeroizing::new(random::<KEY>()?);
        Ok(Zeroizing::new(STANDARD.encode(*key)))
    }

    /// Seals a value for its place, such as `message/1/content`.
    ///
    /// # Errors
    ///
    /// Fails where the system has no randomness.
    pub(crate) fn seal(&self, place: &str, value: &[u8]) -> Result<Vec<u8>, SealError> {
        let key = self.keys.first().ok_or(SealError::NoKey)?;
        let nonce = random::<NONCE_LEN>()?;
        let mut sealed = Vec::with_capacity(1 + KEY_ID + NONCE_LEN + value.len() + 16);
        sealed.push(FORM);
        sealed.extend(key.id);
        sealed.extend(nonce);
        let mut body = value.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        let encrypted =
            key.key.seal_in_place_append_tag(nonce, Aad::from(place.as_bytes()), &mut body);
        if encrypted.is_err() {
            body.zeroize();
            return Err(SealError::NotGenuine);
        }
        sealed.append(&mut body);
        Ok(sealed)
    }

    /// Opens what was sealed for this place.
    ///
    /// # Errors
    ///
    /// Fails where it was sealed for another place, with an unknown key, or changed.
    pub(crate) fn open(&self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (form, rest) = sealed.split_first().ok_or(SealError::NotGenuine)?;
        let (id, rest) = rest.split_first_chunk::<KEY_ID>().ok_or(SealError::NotGenuine)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or(SealError::NotGenuine)?;
        if *form != FORM {
            return Err(SealError::NotGenuine);
        }
        let key = self.keys.iter().find(|key| key.id == *id).ok_or(SealError::UnknownKey)?;
        let mut body = Zeroizing::new(body.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = key.key.open_in_place(nonce, Aad::from(place.as_bytes()), &mut body);
        let length = opened.map_err(|_| SealError::NotGenuine)?.len();
        body.truncate(length);
        Ok(body)
    }
}

impl Key {
    fn read(text: &str) -> Result<Self, SealError> {
        let octets = Zeroizing::new(STANDARD.decode(text).map_err(|_| SealError::NotAKey)?);
        let key = UnboundKey::new(&AES_256_GCM, &octets).map_err(|_| SealError::NotAKey)?;
        let digest = digest::digest(&digest::SHA256, &octets);
        let id = digest.as_ref().first_chunk().copied().ok_or(SealError::NotAKey)?;
        Ok(Self { id, key: LessSafeKey::new(key) })
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealer({} keys)", self.keys.len())
    }
}

/// Makes digests of what must be found again and not be read, such as the addresses of recipients:
/// without the secret, nobody can try out what a digest is of.
pub(crate) struct Digester(hmac::Key);

impl Digester {
    /// One with this secret.
    pub(crate) fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// The digest of several values. Where one ends and the next begins counts.
    pub(crate) fn digest(&self, values: &[&[u8]]) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.0);
        for value in values {
            context.update(&(value.len() as u64).to_be_bytes());
            context.update(value);
        }
        context.sign().as_ref().to_vec()
    }
}

impl fmt::Debug for Digester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digester")
    }
}

/// Octets that nobody can guess.
///
/// # Errors
///
/// Fails where the system has no randomness.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], SealError> {
    let mut octets = [0; N];
    getrandom::fill(&mut octets).map_err(|_| SealError::NoRandomness)?;
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> String {
        Sealer::generate().expect("randomness").to_string()
    }

    #[test]
    fn what_is_sealed_opens_in_its_place_only() {
        let sealer = Sealer::new(&key()).expect("a key");
        let sealed = sealer.seal("message/1", b"482913").expect("sealed");
        assert!(!sealed.windows(6).any(|window| window == b"482913"));
        assert_eq!(*sealer.open("message/1", &sealed).expect("opened"), b"482913");
        assert_eq!(sealer.open("message/2", &sealed), Err(SealError::NotGenuine));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(sealer.open("message/1", &changed).is_err(), "octet {at}");
            assert!(sealer.open("message/1", &sealed[..at]).is_err(), "{at} octets");
        }
        assert_ne!(sealer.seal("message/1", b"482913").expect("sealed"), sealed);
    }

    #[test]
    fn the_first_key_seals_and_all_of_them_open() {
        let (old, new) = (key(), key());
        let before = Sealer::new(&old).expect("a key");
        let both = Sealer::new(&format!("{new}\n\n{old}\n")).expect("two keys");
        let after = Sealer::new(&new).expect("a key");
        let sealed = before.seal("a", b"x").expect("sealed");
        assert_eq!(*both.open("a", &sealed).expect("opened"), b"x");
        assert_eq!(after.open("a", &sealed), Err(SealError::UnknownKey));
        let sealed = both.seal("a", b"x").expect("sealed");
        assert_eq!(*after.open("a", &sealed).expect("opened"), b"x");
        assert_eq!(before.open("a", &sealed), Err(SealError::UnknownKey));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert_eq!(Sealer::new("\n").err(), Some(SealError::NoKey));
        for text in ["hunter2", "aHVudGVyMg==", "???"] {
            assert_eq!(Sealer::new(text).err(), Some(SealError::NotAKey), "{text}");
        }
    }

    #[test]
    fn a_digest_knows_where_its_values_end() {
        let digester = Digester::new(b"secret");
        assert_eq!(digester.digest(&[b"a", b"b"]), digester.digest(&[b"a", b"b"]));
        assert_ne!(digester.digest(&[b"ab", b""]), digester.digest(&[b"a", b"b"]));
        assert_ne!(Digester::new(b"other").digest(&[b"a"]), digester.digest(&[b"a"]));
    }
}
