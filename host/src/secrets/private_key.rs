//! Private keys from PEM, decrypted where they are encrypted: PKCS #1, SEC 1 and PKCS #8, and of
//! the encrypted ones PKCS #8 with PBES2 and OpenSSL's traditional form.
//!
//! The text is a tenant's: sizes are bounded, and so is what opening may cost, before it is done.

mod cost;
mod encrypted;
#[cfg(test)]
mod tests;
mod traditional;
mod unusable;

use std::sync::Arc;

use pkcs8::der::Decode as _;
use pkcs8::der::asn1::AnyRef;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SigningKey};
use rustls::{InconsistentKeys, SignatureAlgorithm};
use zeroize::Zeroizing;

pub(crate) use self::cost::Budget;
pub(crate) use self::unusable::{KeyPlace, Purpose, Unusable};
use crate::error::Result;
use crate::secrets::{
    Secret, SecretStore,
    pem::{self, Section},
};

/// The longest text that is read as a key, in bytes. An RSA key of 8192 bits has 6500; the
/// certificates that people keep beside theirs fit as well.
const TEXT: usize = 1 << 16;

/// A private key in clear, wiped when it is dropped.
pub(crate) type ClearKey = Zeroizing<PrivateKeyDer<'static>>;

/// The private key at a place of the configuration.
///
/// # Errors
///
/// Fails with [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) and names the place.
pub(crate) fn load(secrets: &SecretStore, place: KeyPlace<'_>) -> Result<ClearKey> {
    let pem = secrets.resolve(place.key)?;
    let passphrase = place.passphrase.map(|passphrase| secrets.resolve(passphrase)).transpose()?;
    let passphrase = passphrase.as_ref().map(Secret::expose);
    open(pem.expose(), passphrase, &mut Budget::default()).map_err(|unusable| unusable.error(place))
}

/// The one private key in a text.
pub(crate) fn open(
    text: &str,
    passphrase: Option<&str>,
    budget: &mut Budget,
) -> Result<ClearKey, Unusable> {
    budget.pay_key()?;
    let section = only(text)?;
    let content = section.content()?;
    let clear = match (section.label, content.cipher) {
        ("ENCRYPTED PRIVATE KEY", _) => encrypted::open(&content.bytes, passphrase, budget)?,
        ("PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY", Some(cipher)) => {
            traditional::open(content.bytes, cipher, passphrase)?
        }
        ("PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY", None) => {
            return parse(content.bytes).ok_or(Unusable::Damaged);
        }
        _ => return Err(Unusable::OtherForm),
    };
    // Now and then the wrong passphrase leaves something that looks like padding.
    parse(clear).ok_or(Unusable::WrongPassphrase)
}

/// Whether a text holds a private key that is encrypted.
pub(crate) fn is_encrypted(text: &str) -> bool {
    only(text).is_ok_and(|section| {
        section.label == "ENCRYPTED PRIVATE KEY"
            || section.content().is_ok_and(|content| content.cipher.is_some())
    })
}

/// The key ready to sign, where it serves the purpose.
pub(crate) fn signer(
    key: &PrivateKeyDer<'_>,
    purpose: Purpose,
) -> Result<Arc<dyn SigningKey>, Unusable> {
    let signer = any_supported_type(key).map_err(|_| Unusable::Unsuited(purpose))?;
    let suited = match purpose {
        Purpose::Assertion => signer.algorithm() == SignatureAlgorithm::RSA,
        Purpose::Certificate => true,
        Purpose::Signature => {
            matches!(signer.algorithm(), SignatureAlgorithm::RSA | SignatureAlgorithm::ED25519)
        }
    };
    if suited { Ok(signer) } else { Err(Unusable::Unsuited(purpose)) }
}

/// A client certificate with its key.
pub(crate) fn certify(
    chain: Vec<CertificateDer<'static>>,
    key: &PrivateKeyDer<'_>,
) -> Result<CertifiedKey, Unusable> {
    let certified = CertifiedKey::new(chain, signer(key, Purpose::Certificate)?);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(certified),
        Err(_) => Err(Unusable::Foreign),
    }
}

/// The text of a key, in clear.
pub(crate) fn write(key: &PrivateKeyDer<'_>) -> Zeroizing<String> {
    let label = match key {
        PrivateKeyDer::Pkcs1(_) => "RSA PRIVATE KEY",
        PrivateKeyDer::Sec1(_) => "EC PRIVATE KEY",
        _ => "PRIVATE KEY",
    };
    pem::write(label, key.secret_der())
}

/// The one section with a private key; those of certificates and curves beside it are left out.
fn only(text: &str) -> Result<Section<'_>, Unusable> {
    if text.len() > TEXT {
        return Err(Unusable::TooLarge);
    }
    let mut found = None;
    let mut reason = Unusable::NotPem;
    for section in pem::sections(text) {
        let section = section?;
        reason = Unusable::NoKey;
        if section.label.ends_with("PRIVATE KEY") && found.replace(section).is_some() {
            return Err(Unusable::Several);
        }
    }
    found.ok_or(reason)
}

/// The key in a DER text that has nothing after it.
fn parse(mut der: Zeroizing<Vec<u8>>) -> Option<ClearKey> {
    AnyRef::from_der(&der).ok()?;
    PrivateKeyDer::try_from(std::mem::take(&mut *der)).ok().map(Zeroizing::new)
}
